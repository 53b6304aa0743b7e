"""Answers of the feed over HTTP: fresh or not, compressed or not, streamed.

Source: RFC 9110, sections 8.8 (validators), 12.5.3 (Accept-Encoding), 13.1 (preconditions).
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ckan.types import Response
from flask import Response as FlaskResponse
from flask import request
from werkzeug.http import http_date

from ckanext.marathon.feeds import log_state
from ckanext.marathon.feeds.catalogue import (
    CatalogueDocument,
    DocumentFormat,
    find_settings_mark,
    inflate_piece,
    write_gzip,
)
from ckanext.marathon.feeds.log_state import LogState

CURSOR = "Marathon-Feed-Cursor"
_COMMITTED_WITHIN = timedelta(minutes=1)
_EXPOSED = f"ETag, Last-Modified, Link, Content-Encoding, {CURSOR}"


def unchanged(extension: str) -> Response | None:
    """Return 304 if the client has what the log would give it now, ``None`` if it has not.

    Raises:
        NotReady: the log cannot answer.
    """
    if not {"If-None-Match", "If-Modified-Since"} & set(request.headers.keys()):
        return None
    state = log_state.require_ready(log_state.read_state())
    answer = FlaskResponse(status=304)
    validate(answer, state, extension)
    return answer if is_fresh(answer) else None


def is_fresh(answer: Response) -> bool:
    """Return whether the client says that it has the answer already, by tag or by date.

    Only the very date that an answer had counts. A later one may be of a state that was lost when
    an older database was brought back, and what is there now was never seen by who asks.
    """
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(answer.get_etag()[0] or "")
    since, changed = _since(), answer.last_modified
    return since is not None and since == changed


def _since() -> datetime | None:
    try:
        return request.if_modified_since
    except OverflowError:
        # Werkzeug reads years and offsets of any size; RFC 9110 has what is no date ignored.
        return None


def answer(
    document: CatalogueDocument,
    form: DocumentFormat,
    links: Mapping[str, str],
    others: Mapping[str, str],
) -> Response:
    """Return a document as an answer, with its validators and links.

    Args:
        document: is closed when the answer is sent, or given up.
        form: its format.
        links: relation (of IANA's) → address.
        others: media type → address of the same in another format.
    """
    is_zipped = encoding() == "gzip"
    pieces = document.pieces
    parts = write_gzip(pieces) if is_zipped else (inflate_piece(piece) for piece in pieces)
    # Whoever knows the length can show how far it is, and keep the connection.
    body = parts if document.is_long else b"".join(parts)
    if request.method == "HEAD" and document.is_long:
        document.close()
        body = iter(())
    response = FlaskResponse(body, content_type=with_charset(form.media_type))
    response.call_on_close(document.close)
    if is_zipped:
        response.headers["Content-Encoding"] = "gzip"
    validate(response, document.state, form.extension)
    response.headers["Link"] = ", ".join(
        [
            *(f'<{address}>; rel="{relation}"' for relation, address in links.items()),
            *(
                f'<{address}>; rel="alternate"; type="{media_type}"'
                for media_type, address in others.items()
                if media_type != form.media_type
            ),
        ]
    )
    return response


def short(body: bytes, media_type: str) -> Response:
    """Return an answer that is made for this request, compressed if the client takes it."""
    response = FlaskResponse(body, content_type=with_charset(media_type))
    if encoding() == "gzip":
        response.set_data(gzip.compress(body, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def share(response: Response, cursor: str) -> Response:
    """Let any page of the web read an answer, and say how far the log was."""
    response.headers[CURSOR] = cursor
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    response.vary.add("Accept-Encoding")
    return response


def with_charset(media_type: str) -> str:
    """Return a content type; of JSON and XML everybody knows that it is UTF-8."""
    return media_type if media_type.endswith(("json", "xml")) else f"{media_type}; charset=utf-8"


def encoding() -> str:
    """Return how the client wants an answer encoded: ``gzip`` or ``identity``."""
    return "gzip" if request.accept_encodings.quality("gzip") > 0 else "identity"


def validate(response: Response, state: LogState, extension: str) -> None:
    """Say which state an answer shows, and who may keep it."""
    form = f"{extension}{find_settings_mark(extension)}"
    # The number may have been given to another state that was lost with its database.
    shown = f"{state.epoch[:8]}.{state.number}.{state.mark:016x}"
    response.set_etag(f"{shown}.{form}.{encoding()}")
    changed = _second_after(state.published)
    # A change has the time at which it was written down, and is seen when it is committed: until
    # then, and within that second, a date could not tell. Nor could it before the first change.
    if state.number and changed + _COMMITTED_WITHIN <= datetime.now(UTC):
        response.headers["Last-Modified"] = http_date(changed)
    share(response, state.cursor)


def _second_after(moment: datetime) -> datetime:
    return datetime.fromtimestamp(math.floor(moment.timestamp()) + 1, UTC)
