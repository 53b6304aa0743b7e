"""The site's own workshops, ideas and data needs as open data: ``/marathon/data``."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan.types import Response
from flask import Blueprint, request
from flask import Response as FlaskResponse

from ckanext.marathon import spreadsheets
from ckanext.marathon.feeds import log_state, source
from ckanext.marathon.model import dataset
from ckanext.marathon.model import own_data as own_data_model
from ckanext.marathon.rdf import lookups
from ckanext.marathon.spreadsheets import Table
from ckanext.marathon.views.answers import (
    answer_refusal,
    find_encoding,
    is_fresh,
    set_validators,
    share_answer,
)

own_data = Blueprint("marathon_data", __name__)

_LINES = {"csv": spreadsheets.write_csv_lines, "json": spreadsheets.write_json_lines}
# Bytes of a chunk of the answer.
_PIECE = 1 << 16


def list_tables() -> str:
    """Show the page with the tables and the meaning of their columns."""
    return tk.render(
        "marathon/data/index.html",
        {
            "title": spreadsheets.read_title(),
            "description": spreadsheets.read_description(),
            "tables": spreadsheets.list_open_tables().values(),
            "forms": spreadsheets.FORMS,
            "separator": spreadsheets.PATH_SEPARATOR,
            "address": find_own_data_address(),
        },
    )


def describe_tables() -> Response:
    """Return the description of the tables for programs (Frictionless Data Package)."""
    body = json.dumps(
        spreadsheets.build_data_package(find_own_data_address()), ensure_ascii=False, indent=1
    )
    answer = FlaskResponse(body, content_type="application/json")
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def show_table(table: str, extension: str) -> Response:
    """Return the current table, streamed; 304 for a known ETag."""
    declared = spreadsheets.list_open_tables().get(table)
    if declared is None or extension not in spreadsheets.FORMS:
        known = [
            f"{find_own_data_address()}/{name}.{extension}"
            for name in spreadsheets.list_open_tables()
            for extension in _LINES
        ]
        return answer_refusal(404, tk._("There is no such table. These exist:"), "\n".join(known))
    connection = log_state.open_snapshot()
    try:
        site = replace(source.find_site(), kept=dataset.read_kept_iris_of_datasets())
        answer = FlaskResponse(
            content_type=spreadsheets.CSV if extension == "csv" else "application/json"
        )
        _set_state(answer, connection, f"{table}.{extension}")
        if is_fresh(answer):
            answer.status_code = 304
            connection.close()
            return answer
    except BaseException:
        connection.close()
        raise
    answer.headers["Content-Disposition"] = f'attachment; filename="{table}.{extension}"'
    answer.call_on_close(connection.close)
    if find_encoding() == "gzip":
        answer.headers["Content-Encoding"] = "gzip"
    if request.method == "HEAD":
        # An iterator, because Flask would set the length of an empty body.
        answer.response = iter(())
        return answer
    rows = own_data_model.list_table_rows(own_data_model.TableSource(connection, site), table)
    lines = _LINES[extension](Table(table, table, declared.columns_in("es"), rows))
    if find_encoding() == "gzip":
        lines = _gzip_pieces(lines)
    answer.response = log_state.read_through(_join_lines(lines), connection)
    return answer


def find_own_data_address() -> str:
    """Return the beginning of the addresses of the tables, without final slash."""
    return f"{lookups.read_site().url}/marathon/data"


def _set_state(answer: Response, connection: sa.Connection, name: str) -> None:
    """Set the ETag, from the feed's change number and a stamp of values that are in no feed."""
    state = log_state.read_state_in(connection)
    if state.is_ready:
        set_validators(answer, state, f"{own_data_model.read_stamp(connection)}.{name}")
        # No Last-Modified: the log has no time for values that are in no feed.
        del answer.headers["Last-Modified"]
    else:
        share_answer(answer, state.cursor)
    answer.headers["Cache-Control"] = "no-cache"


def _gzip_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def _join_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines joined to chunks, so that not every line is sent by itself."""
    waiting: list[bytes] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= _PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


own_data.add_url_rule("/marathon/data", endpoint="index", view_func=list_tables)
own_data.add_url_rule(
    "/marathon/data/datapackage.json", endpoint="package", view_func=describe_tables
)
own_data.add_url_rule("/marathon/data/<table>.<extension>", endpoint="table", view_func=show_table)
