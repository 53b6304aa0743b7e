"""How the POST of a form is answered: to a browser with a page, to the page's script with JSON.

The script gets ``{"url": …}`` (saved, go there), ``{"errors": {name of input: [texts]}, "summary":
html, "set": {name of hidden input: value}}``, or ``{"conflict": true}`` with 409 (send the form
itself, the page shows both versions). It leaves what was typed and the chosen files where they are.
A browser without script gets the form again, filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.lib.search import SearchIndexError
from ckan.types import Response
from flask import jsonify, make_response, request

from ckanext.marathon.helpers.form import list_errors_by_input
from ckanext.marathon.search.connection import AWAY

from .form_data import Form
from .form_rows import renumber

Errors = dict[str, Any]

# What a save raises while Solr is away: CKAN indexes before it commits.
SEARCH_AWAY = (SearchIndexError, *AWAY)
UNAVAILABLE = 503
WRONG = 422
CONFLICT = 409


def wants_json() -> bool:
    """Return whether the page's script sent the form."""
    return request.accept_mimetypes.best == "application/json"


def answer_saved(url: str) -> Response:
    """Send the person on to what was saved."""
    return jsonify(url=url) if wants_json() else tk.redirect_to(url)


def answer_errors(
    schema: Mapping[str, Any], errors: Errors, form: Form | None = None, status: int = WRONG
) -> Response:
    """Return errors as the page's script shows them.

    Args:
        schema: with ``dataset_fields`` (of an organisation too), in the order of the page.
        errors: CKAN's ``error_dict``.
        form: as it was sent, for the numbers of its rows.
        status: of the answer.
    """
    numbers = form.numbers if form else {}
    said = {"schema": schema, "errors": errors, "numbers": numbers}
    names = list_errors_by_input(errors)
    names = renumber(numbers, names)
    summary = tk.render("marathon/form/errors.html", said)
    # Who is told that a form was somebody else's may send it again as theirs.
    own = {"form_user": current_user.name}
    return make_response(jsonify(errors=names, summary=summary, set=own), status)


def answer_conflict() -> Response:
    """Tell the page's script that somebody else saved the record meanwhile."""
    return make_response(jsonify(conflict=True), CONFLICT)


def describe_search_away() -> Errors:
    """Return the error of a save that failed because Solr does not answer."""
    text = tk._(
        "The search engine does not answer, so nothing was saved. "
        "All that you typed is still here: try again in a minute."
    )
    return {"": [text]}


def find_other_person(sent: Mapping[str, Any]) -> Errors:
    """Return an error if somebody else opened the form than is logged in now.

    On a shared computer a second person may log in, in another tab, and press the button of the
    first one's form. They are told under whose name it would be saved. Pressing it again does so.
    """
    opened_by = sent.get("form_user")
    if not opened_by or not isinstance(opened_by, str) or opened_by == current_user.name:
        return {}
    text = tk._(
        "This form was opened by “{opened_by}” and you are logged in as “{you}”. To save it under "
        "your name press the button again. Otherwise log in as “{opened_by}” first."
    )
    return {"": [text.format(opened_by=opened_by, you=current_user.name)]}
