"""Security of downloads: files that people uploaded, or that CKAN passes on from another server.

They get headers that prevent browsers from running them, and if configured a host name of their
own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import files
from ckan.types import Context, Response
from flask import Blueprint, request
from flask import Response as FlaskResponse
from werkzeug.http import dump_options_header, parse_options_header
from werkzeug.wsgi import ClosingIterator

from ckanext.marathon.domain.file import (
    OCTET_STREAM,
    PDF,
    SAMPLE_SIZE,
    add_charset,
    detect_media_type,
)
from ckanext.marathon.model import file_version
from ckanext.marathon.model.file_version import FileVersion
from ckanext.marathon.views.errors import is_allowed

# ``unsafe-inline``: browsers show texts and pictures with inline styles.
FILES_URL = "ckanext.marathon.files_url"
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
# In a sandbox the browser's PDF viewer would not start.
PDF_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' blob: data:; object-src 'self'"
)

_OF_RESOURCE = re.compile(r"/resource/<[^>]+>/(download|proxy|service_proxy|version)(?:/|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class FileSample(NamedTuple):
    """The beginning of a file, and whether it is the whole file."""

    beginning: bytes
    is_whole: bool


def is_file_request() -> bool:
    """Return whether the request is for a file, other than a static one."""
    rule = request.url_rule.rule if request.url_rule else ""
    return bool(_OF_RESOURCE.search(rule)) or rule.startswith("/file/")


def find_download() -> model.Resource | None:
    """Return the resource if the request is for its download address, else ``None``."""
    rule = request.url_rule.rule if request.url_rule else ""
    found = _OF_RESOURCE.search(rule)
    return _find_resource() if found and found[1] == "download" else None


def is_public(resource_id: str) -> bool:
    """Return whether an anonymous visitor may see a resource."""
    context = Context(user="", auth_user_obj=None)
    return is_allowed("resource_show", context, {"id": resource_id})


def protect_file(response: Response) -> bool:
    """Add security headers to an answer with a file; return whether it has one."""
    is_upload = request.endpoint == "static" and _is_stored(response)
    if not is_upload and not is_file_request():
        return False
    if not is_upload:
        _keep_private(response)
    if response.status_code not in {200, 206, 304}:
        # An error page, or a redirect to the server that has the file.
        return False
    if response.status_code == 304:
        # The headers of a 304 replace those that the browser has stored.
        response.headers.pop("Content-Disposition", None)
        return True
    name = _find_name(response)
    sample = _take_sample(response)
    media_type = detect_media_type(sample.beginning, name) if sample else OCTET_STREAM
    content_type = add_charset(media_type, *sample) if sample else media_type
    is_inline = files.is_supported_type(media_type, tk.config["ckan.files.inline_content_types"])
    response.headers["Content-Type"] = content_type
    response.headers["Content-Disposition"] = dump_options_header(
        "inline" if is_inline else "attachment", _encode_name(name)
    )
    policy = PDF_POLICY if media_type == PDF else FILE_POLICY
    response.headers["Content-Security-Policy"] = policy
    return True


def _keep_private(response: Response) -> None:
    """Forbid shared caches to store a file that not everybody may see."""
    resource = _find_resource()
    is_shared = is_public(resource.id) if resource else "public-download" in request.path
    if not is_shared:
        # CKAN allows shared caches for answers without a template.
        request.environ["__no_cache__"] = True
        response.cache_control.public = False
        response.cache_control.no_store = True


def _find_resource() -> model.Resource | None:
    reference = (request.view_args or {}).get("resource_id")
    return model.Resource.get(reference) if isinstance(reference, str) else None


def _find_version() -> FileVersion | None:
    number = (request.view_args or {}).get("number")
    resource = _find_resource()
    return file_version.find_version(resource.id, number) if resource and number else None


def _find_name(response: Response) -> str:
    """Return the stored name of the file, which may differ from the one in the request."""
    version = _find_version()
    resource = _find_resource()
    if version is not None:
        path = version.file_name
    elif resource is not None:
        path = urlsplit(resource.url or "").path
    else:
        _, options = parse_options_header(response.headers.get("Content-Disposition"))
        path = options.get("filename") or request.path
    name = re.split(r"[/\\]", unquote(path).rstrip("/\\"))[-1]
    return _CONTROL.sub("", name) or "file"


def _encode_name(name: str) -> dict[str, str]:
    """Return the parameters of a Content-Disposition, like Werkzeug's ``send_file``."""
    if name.isascii():
        return {"filename": name}
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    # The characters that RFC 8187 does not encode.
    encoded = quote(name, safe="!#$&+-.^_`|~")
    return {"filename": plain, "filename*": f"UTF-8''{encoded}"}


def _is_stored(response: Response) -> bool:
    """Return whether a static file is an upload, after resolving its path."""
    path = _find_opened_path(response)
    if path is None:
        return "/uploads/" in request.path
    return any(path.resolve().is_relative_to(root) for root in _list_roots())


def _list_roots() -> Iterator[Path]:
    """Yield the directories with uploads that CKAN serves as static files."""
    storage = tk.config.get("ckan.storage_path")
    if storage:
        yield Path(storage, "storage").resolve()
    for name in files.storages:
        settings: Any = files.storages[name].settings
        if getattr(settings, "public", False) and Path(str(settings.path)).is_absolute():
            yield Path(str(settings.path)).resolve()


def _find_opened_path(response: Response) -> Path | None:
    name = response.headers.get("X-Sendfile") or getattr(_find_opened(response), "name", None)
    return Path(name) if isinstance(name, str) else None


def _find_opened(response: Response) -> Any:
    """Return the open file behind an answer, ``None`` if it has none."""
    body: Any = response.response
    # The iterator of a range wraps that of the whole file.
    body = getattr(body, "iterable", body)
    opened = getattr(body, "file", None)
    return opened if opened is not None and opened.seekable() else None


def _take_sample(response: Response) -> FileSample | None:
    """Return the beginning of an answer's file without changing the answer.

    Returns:
        ``None`` for a range of a stream that cannot be rewound.
    """
    if "X-Sendfile" in response.headers:
        with Path(response.headers["X-Sendfile"]).open("rb") as stored:
            return _make_sample(stored.read(SAMPLE_SIZE + 1))
    opened = _find_opened(response)
    if opened is not None and not opened.closed:
        position = opened.tell()
        opened.seek(0)
        beginning = opened.read(SAMPLE_SIZE + 1)
        opened.seek(position)
        return _make_sample(beginning)
    if response.status_code != 200:
        return None
    return _make_sample(_read_ahead(response))


def _read_ahead(response: Response) -> bytes:
    rest = response.iter_encoded()
    if response.is_sequence:
        return b"".join(rest)
    parts: list[bytes] = []
    size = 0
    while size <= SAMPLE_SIZE and (part := next(rest, None)) is not None:
        parts.append(part)
        size += len(part)
    close = getattr(response.response, "close", None)
    response.response = ClosingIterator(chain(parts, rest), close)
    return b"".join(parts)


def _make_sample(read: bytes) -> FileSample:
    return FileSample(read[:SAMPLE_SIZE], len(read) <= SAMPLE_SIZE)


files_host = Blueprint("marathon_files_host", __name__)


@files_host.before_app_request
def keep_files_apart() -> Response | None:
    """Redirect public downloads to their own host, which serves nothing else.

    Files that not everybody may see stay on the host where people are logged in.
    """
    address = str(tk.config[FILES_URL]).rstrip("/")
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
    """Allow cross-origin requests for public files, so that previews can read them."""
    address = str(tk.config[FILES_URL])
    if address and request.host == urlsplit(address).netloc and is_file_request():
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response
