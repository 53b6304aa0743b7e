"""An error within the site's pages, in the reader's language."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import make_response


def error_page(code: int, name: str, content: str) -> Response:
    """Return CKAN's own page of an error; error handlers of Flask cannot ``abort``."""
    said = {"code": code, "name": name, "content": content}
    return make_response(tk.render("error_document_template.html", said), code)
