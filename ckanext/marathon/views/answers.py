"""HTTP answers: conditional, compressed, streamed and negotiated ones; CSV and error pages."""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Response as FlaskResponse
from flask import make_response, request
from rdflib import Graph
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import http_date

from ckanext.marathon.domain import dates
from ckanext.marathon.feeds import log_state
from ckanext.marathon.feeds.catalogue import (
    CatalogueDocument,
    DocumentFormat,
    find_settings_mark,
    inflate_piece,
    write_gzip,
)
from ckanext.marathon.feeds.log_state import LogState
from ckanext.marathon.rdf.formats import FORMATS, serialise_graph
from ckanext.marathon.spreadsheets import Cell, Table, write_csv_lines


def answer_error_page(code: int, name: str, content: str) -> Response:
    """Return CKAN's error page; error handlers of Flask cannot ``abort``."""
    values = {"code": code, "name": name, "content": content}
    return make_response(tk.render("error_document_template.html", values), code)


def answer_refusal(status: int, message: str, detail: str = "") -> Response:
    """Return an error as plain text with a sentence on what to do."""
    answer = FlaskResponse(f"{message} {detail}".strip() + "\n", status, mimetype="text/plain")
    # Scripts of other sites must see the 410, after which they fetch everything again.
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def answer_busy(message: str, seconds: int) -> Response:
    """Return 503 with ``Retry-After``."""
    answer = answer_refusal(503, message)
    answer.headers["Retry-After"] = str(seconds)
    return answer


HTML = "text/html"
# Media type → extension; if a media type has several extensions, the first.
BY_MEDIA_TYPE = {
    rdf_format.media_type: rdf_format.extension for rdf_format in reversed(FORMATS.values())
}


def find_wanted_extension(others: Mapping[str, str] | None = None) -> str | None:
    """Return the extension of the format that the client prefers to HTML, else ``None``.

    Browsers, and clients that accept anything, get HTML.

    Args:
        others: media type → extension of further formats that are not RDF.
    """
    known = {**BY_MEDIA_TYPE, **(others or {})}
    # Parameters (a character set, a profile of JSON-LD) are ignored.
    accepted = MIMEAccept(
        [(value.partition(";")[0].strip(), quality) for value, quality in request.accept_mimetypes]
    )
    best = accepted.best_match([HTML, *known], default=HTML)
    return None if best == HTML else known[best]


def vary_by_accept(response: Response) -> Response:
    """Add ``Vary: Accept``, because the address has several formats."""
    response.vary.add("Accept")
    return response


def answer_rdf(graph: Graph, extension: str) -> Response:
    """Return a graph as an answer.

    Raises:
        KeyError: no such format.
    """
    media_type = FORMATS[extension].media_type
    text = "" if media_type.endswith(("json", "xml")) else "; charset=utf-8"
    return FlaskResponse(serialise_graph(graph, extension), content_type=media_type + text)


CURSOR = "Marathon-Feed-Cursor"
_COMMITTED_WITHIN = timedelta(minutes=1)
_EXPOSED = f"ETag, Last-Modified, Link, Content-Encoding, {CURSOR}"


def answer_unchanged(extension: str) -> Response | None:
    """Return 304 if the client's copy is the current state of the feed's log, else ``None``.

    Raises:
        LogNotReady: the log does not have all public records yet.
    """
    if not {"If-None-Match", "If-Modified-Since"} & set(request.headers.keys()):
        return None
    state = log_state.require_ready(log_state.read_state())
    answer = FlaskResponse(status=304)
    set_validators(answer, state, extension)
    return answer if is_fresh(answer) else None


def is_fresh(answer: Response) -> bool:
    """Return whether the request's validators (ETag or date) are those of the answer.

    The dates must be equal. A later date may belong to a state that was lost when a backup was
    restored.
    """
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(answer.get_etag()[0] or "")
    since = request.if_modified_since
    return since is not None and since == answer.last_modified


def answer_document(
    document: CatalogueDocument,
    form: DocumentFormat,
    links: Mapping[str, str],
    others: Mapping[str, str],
) -> Response:
    """Return a document as an answer, with its validators and links.

    Args:
        document: closed when the answer is sent or aborted.
        form: its format.
        links: IANA link relation → address.
        others: media type → address of the document in another format.
    """
    is_zipped = find_encoding() == "gzip"
    pieces = document.pieces
    parts = write_gzip(pieces) if is_zipped else (inflate_piece(piece) for piece in pieces)
    # With a length, clients can show progress and keep the connection.
    body = parts if document.is_long else b"".join(parts)
    if request.method == "HEAD" and document.is_long:
        document.close()
        body = iter(())
    response = FlaskResponse(body, content_type=add_charset(form.media_type))
    response.call_on_close(document.close)
    if is_zipped:
        response.headers["Content-Encoding"] = "gzip"
    set_validators(response, document.state, form.extension)
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


def answer_bytes(body: bytes, media_type: str) -> Response:
    """Return an answer with this content, with gzip if the client accepts it."""
    response = FlaskResponse(body, content_type=add_charset(media_type))
    if find_encoding() == "gzip":
        response.set_data(gzip.compress(body, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def share_answer(response: Response, cursor: str) -> Response:
    """Add CORS headers, ``Marathon-Feed-Cursor`` and ``Vary: Accept-Encoding`` to an answer."""
    response.headers[CURSOR] = cursor
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    response.vary.add("Accept-Encoding")
    return response


def add_charset(media_type: str) -> str:
    """Return a content type, with ``charset=utf-8`` unless it is JSON or XML."""
    return media_type if media_type.endswith(("json", "xml")) else f"{media_type}; charset=utf-8"


def find_encoding() -> str:
    """Return the content coding for the client: ``gzip`` or ``identity``."""
    return "gzip" if request.accept_encodings.quality("gzip") > 0 else "identity"


def set_validators(response: Response, state: LogState, extension: str) -> None:
    """Set ETag, Last-Modified and the headers of :func:`share_answer`."""
    form = f"{extension}{find_settings_mark(extension)}"
    # After a restore the same number may belong to another state.
    shown = f"{state.epoch[:8]}.{state.number}.{state.mark:016x}"
    response.set_etag(f"{shown}.{form}.{find_encoding()}")
    changed = _second_after(state.published)
    # A change gets its time when it is written, but is visible only when it is committed. Until
    # then, within the same second, and before the first change, a date does not identify a state.
    if state.number and changed + _COMMITTED_WITHIN <= datetime.now(UTC):
        response.headers["Last-Modified"] = http_date(changed)
    share_answer(response, state.cursor)


def _second_after(moment: datetime) -> datetime:
    return datetime.fromtimestamp(math.floor(moment.timestamp()) + 1, UTC)


def answer_csv(table: Table) -> Response:
    """Return a table as CSV, which browsers save under the table's name."""
    answer = answer_bytes(b"".join(write_csv_lines(table)), "text/csv")
    answer.vary.add("Accept-Encoding")
    answer.headers["Content-Disposition"] = f'attachment; filename="{table.name}.csv"'
    return answer


def make_day_cell(text: str | None) -> Cell:
    """Return a stored date as the cell of a table; a malformed one as text.

    A year or month becomes its last day: the deadline 2018 ends with the year.
    """
    try:
        return dates.find_last_local_day(text) if text else None
    except ValueError:
        return text
