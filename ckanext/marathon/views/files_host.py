"""Downloads from a host name of their own, where a site has one.

A browser lets no page of one host read another's cookies or pages. A file that somebody uploaded
can then do nothing to the site, whatever a browser makes of it.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request
from flask import Response as FlaskResponse

from .file_answers import find_download, is_file_request, is_public
from .security_headers import FILES_URL

files_host = Blueprint("marathon_files_host", __name__)


@files_host.before_app_request
def keep_files_apart() -> Response | None:
    """Send public downloads to their own host; serve nothing else there.

    Files that not everybody may see stay where their readers are logged in.
    """
    address = tk.config[FILES_URL].rstrip("/")
    if not address:
        return None
    if request.host == urlsplit(address).netloc:
        is_file = is_file_request() or request.path.startswith("/uploads/")
        return None if is_file else FlaskResponse(tk._("Not found"), 404, mimetype="text/plain")
    resource = find_download() if request.method in {"GET", "HEAD"} else None
    if resource is None or resource.url_type != "upload" or not is_public(resource.id):
        return None
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    return tk.redirect_to(address + quote(request.script_root + request.path) + query)


@files_host.after_app_request
def share_files(response: Response) -> Response:
    """Let pages of the site, such as previews, read public files of their own host."""
    address = tk.config[FILES_URL]
    if address and request.host == urlsplit(address).netloc and is_file_request():
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response
