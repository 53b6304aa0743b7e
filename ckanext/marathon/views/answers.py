"""Answers over HTTP: fresh or not, compressed or not, streamed, negotiated; CSV and error pages."""

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
    """Return CKAN's own page of an error; error handlers of Flask cannot ``abort``."""
    said = {"code": code, "name": name, "content": content}
    return make_response(tk.render("error_document_template.html", said), code)


def answer_refusal(status: int, message: str, detail: str = "") -> Response:
    """Return an error in plain text that says what to do."""
    answer = FlaskResponse(f"{message} {detail}".strip() + "\n", status, mimetype="text/plain")
    # A follower in a page of the web has to see that it must begin anew.
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def answer_busy(message: str, seconds: int) -> Response:
    """Return 503: it will work later."""
    answer = answer_refusal(503, message)
    answer.headers["Retry-After"] = str(seconds)
    return answer


HTML = "text/html"
# Several extensions stand for one media type; the first is the one that is redirected to.
BY_MEDIA_TYPE = {each.media_type: each.extension for each in reversed(FORMATS.values())}


def find_wanted_extension(others: Mapping[str, str] | None = None) -> str | None:
    """Return the extension of the format that the client prefers to a page, if it does.

    A browser, and whoever accepts anything, gets the page.

    Args:
        others: media type → extension of what there is besides RDF.
    """
    known = {**BY_MEDIA_TYPE, **(others or {})}
    # Parameters (a character set, a profile of JSON-LD) do not make it another format.
    accepted = MIMEAccept(
        [(value.partition(";")[0].strip(), quality) for value, quality in request.accept_mimetypes]
    )
    best = accepted.best_match([HTML, *known], default=HTML)
    return None if best == HTML else known[best]


def vary_by_accept(response: Response) -> Response:
    """Tell caches that the same address has other forms."""
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
    """Return 304 if the client has what the log would give it now, ``None`` if it has not.

    Raises:
        NotReady: the log cannot answer.
    """
    if not {"If-None-Match", "If-Modified-Since"} & set(request.headers.keys()):
        return None
    state = log_state.require_ready(log_state.read_state())
    answer = FlaskResponse(status=304)
    set_validators(answer, state, extension)
    return answer if is_fresh(answer) else None


def is_fresh(answer: Response) -> bool:
    """Return whether the client says that it has the answer already, by tag or by date.

    Only the very date that an answer had counts. A later one may be of a state that was lost when
    an older database was brought back, and what is there now was never seen by who asks.
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
        document: is closed when the answer is sent, or given up.
        form: its format.
        links: relation (of IANA's) → address.
        others: media type → address of the same in another format.
    """
    is_zipped = find_encoding() == "gzip"
    pieces = document.pieces
    parts = write_gzip(pieces) if is_zipped else (inflate_piece(piece) for piece in pieces)
    # Whoever knows the length can show how far it is, and keep the connection.
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
    """Return an answer that is made for this request, compressed if the client takes it."""
    response = FlaskResponse(body, content_type=add_charset(media_type))
    if find_encoding() == "gzip":
        response.set_data(gzip.compress(body, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def share_answer(response: Response, cursor: str) -> Response:
    """Let any page of the web read an answer, and say how far the log was."""
    response.headers[CURSOR] = cursor
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    response.vary.add("Accept-Encoding")
    return response


def add_charset(media_type: str) -> str:
    """Return a content type; of JSON and XML everybody knows that it is UTF-8."""
    return media_type if media_type.endswith(("json", "xml")) else f"{media_type}; charset=utf-8"


def find_encoding() -> str:
    """Return how the client wants an answer encoded: ``gzip`` or ``identity``."""
    return "gzip" if request.accept_encodings.quality("gzip") > 0 else "identity"


def set_validators(response: Response, state: LogState, extension: str) -> None:
    """Say which state an answer shows, and who may keep it."""
    form = f"{extension}{find_settings_mark(extension)}"
    # The number may have been given to another state that was lost with its database.
    shown = f"{state.epoch[:8]}.{state.number}.{state.mark:016x}"
    response.set_etag(f"{shown}.{form}.{find_encoding()}")
    changed = _second_after(state.published)
    # A change has the time at which it was written down, and is seen when it is committed: until
    # then, and within that second, a date could not tell. Nor could it before the first change.
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
    """Return a stored date as the cell of a table, and what is none as the text that it is.

    Of a year or month it is the last day: what is due in 2018 is not late before it is over.
    """
    try:
        return dates.find_last_local_day(text) if text else None
    except ValueError:
        return text
