"""Real calls by everybody, each undone afterwards, and the table docs/permission-matrix.md."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ckan import model
from ckan.lib import search
from sqlalchemy import event

from tests.trust.calls import UNKNOWN, Call, filled, values_of
from tests.trust.furnish import new_job
from tests.trust.secrets import KINDS, STATES, Secrets, may_see, word

TABLE = Path(__file__).parents[2] / "docs" / "permission-matrix.md"

# Column of the table → the person in tests/trust/secrets.py.
COLUMNS = {
    "–": "anonymous",
    "U": "registered",
    "OE": "editor of another",
    "MM": "member",
    "ME": "editor",
    "MA": "admin",
    "CM": "coordinating member",
    "CE": "coordinating editor",
    "CA": "coordinating admin",
    "SA": "sysadmin",
}
DONE, LOGIN, NOT_DONE = "✓", "login", "409"
OUTCOMES = (DONE, LOGIN, NOT_DONE, "403", "404", "410", "502")

# What the site notes of every call, whatever becomes of it; when a person was last seen, after ten
# minutes again.
_NOTED = re.compile(
    r'UPDATE "user" SET last_active=|(INSERT INTO|UPDATE|DELETE FROM)\s+'
    r"(api_token|dashboard|marathon_index_note|marathon_page)\b"
)
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b")

Row = tuple[str, str]
Matrix = dict[Row, dict[str, str]]


class Answer(NamedTuple):
    """The result of a call.

    Attributes:
        outcome: one of ``OUTCOMES``, else the status.
        text: status, headers and body, without parts that differ between any two calls.
        leaks: words of records that the person may not see.
    """

    outcome: str
    text: str
    leaks: frozenset[str]


class Caller:
    """Everybody, calling a site."""

    def __init__(self, app: Any, world: Secrets) -> None:
        self.client = app.test_client(use_cookies=False)
        self.world = world
        self._unknown: dict[tuple[str, str, str], str] = {}

    def ask(self, call: Call, person: str) -> Answer:
        """Make a call as somebody."""
        values = values_of(self.world, call, person)
        return self._send(call, person, values)

    def differs(self, call: Call, person: str, answer: Answer) -> str:
        """Return how an answer differs from one about a missing record; "" if it does not."""
        key = (call.name, call.path + str(call.data), person)
        if key not in self._unknown:
            values = {**values_of(self.world, call, person), **UNKNOWN}
            self._unknown[key] = self._send(call, person, values).text
        unknown = self._unknown[key]
        return "" if answer.text == unknown else f"{answer.text[:1500]}\n  FOR {unknown[:1500]}"

    def _send(self, call: Call, person: str, values: dict[str, str]) -> Answer:
        if "<job>" in str(call.data):
            values["<job>"] = new_job()
        fields = self.world.fields.get(call.record) if call.record else None
        path, data = filled(call, values, fields)
        token = self.world.tokens.get(person)
        headers = {"Authorization": token} if token else {}
        more = {"headers": headers, "follow_redirects": False}
        if call.method == "GET":
            response, writes = self.client.get(path, **more), []
        else:
            # Asking for something does not undo itself, so it is rolled back.
            with rolled_back() as writes:
                is_json = call.is_action and "<bytes>" not in data.values()
                kind, sent = ("json", data) if is_json else ("data", _flat(data))
                response = self.client.post(path, **{kind: sent}, **more)
                response.get_data()
        if writes:
            self._index_again(call)
        try:
            return self._read(call, person, response, bool(writes), values)
        finally:
            response.close()

    def _index_again(self, call: Call) -> None:
        """Index the database again, because Solr has no rollback."""
        if call.record:
            search.rebuild(self.world.records[call.record])
        elif "package" in call.name:
            for kind in ("dataset", "idea"):
                search.rebuild(self.world.records[kind, "public"])

    def _read(
        self, call: Call, person: str, response: Any, wrote: bool, values: dict[str, str]
    ) -> Answer:
        from tests.trust.test_secrets import text_of

        body = text_of(response) if response.status_code != 304 else ""
        seen = set(re.findall(r"zq[a-z]+qz", (body + str(response.headers)).casefold()))
        hidden = {
            word(kind, state)
            for kind, state in self.world.names
            if not may_see(person, kind, state)
        }
        if "<fields>" in call.data and call.record:
            # Their own words are given back to them.
            hidden.discard(word(*call.record))
        text = f"{response.status_code} {_headers(response)}\n{body}"
        for name in UNKNOWN:
            if name in values:
                text = text.replace(values[name], name)
        text = re.sub(r'(_csrf_token" (content|value)=)"[^"]*"', r"\1", text)
        return Answer(_outcome(call, response, wrote), text, frozenset(seen & hidden))


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    """Return data as a form sends it: texts, lists of texts, and a file."""
    return {
        name: (io.BytesIO(b"texto"), "otro.txt") if value == "<bytes>" else value
        for name, value in data.items()
        if isinstance(value, str)
        or (value and isinstance(value, list) and isinstance(value[0], str))
    }


def _headers(response: Any) -> str:
    left_out = ("date", "content-length", "set-cookie")
    return str(sorted((k, v) for k, v in response.headers if k.lower() not in left_out))


def _outcome(call: Call, response: Any, wrote: bool) -> str:
    status, to = response.status_code, response.headers.get("Location", "")
    if status in (401,) or (300 <= status < 400 and "/user/login" in to):
        return LOGIN
    if status in (400, 409, 422):
        return NOT_DONE
    if status < 400:
        is_form = call.method == "POST" and not call.is_action
        return DONE if wrote or not is_form else NOT_DONE
    return str(status)


@contextmanager
def rolled_back() -> Iterator[list[str]]:
    """Undo all changes of the block afterwards; yield the SQL statements that write."""
    engine = model.meta.engine
    assert engine is not None
    writes: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if _WRITES.match(statement) and not _NOTED.match(statement):
            writes.append(statement)

    model.Session.remove()
    with engine.connect() as connection:
        transaction = connection.begin()
        event.listen(connection, "before_cursor_execute", note)
        model.Session.configure(bind=connection, join_transaction_mode="create_savepoint")
        try:
            yield writes
        finally:
            model.Session.remove()
            model.Session.configure(bind=engine, join_transaction_mode="conditional_savepoint")
            transaction.rollback()


def read_table() -> Matrix:
    """Return the table of the docs."""
    found: Matrix = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or len(cells) != len(COLUMNS) + 2 or "`" not in cells[-2]:
            continue
        for on in cells[-1].split("; "):
            for one in _each(on):
                row = (cells[-2].strip("`"), one)
                assert row not in found, f"{row} is in the table twice"
                found[row] = dict(zip(COLUMNS, cells, strict=False))
    return found


def _each(on: str) -> list[str]:
    """Return the records of a line: ``dataset idea, private draft`` is four."""
    if not is_of_record(on):
        return [on]
    kinds, _, states = on.partition(", ")
    return [f"{kind}, {state}" for kind in kinds.split() for state in states.split()]


def is_of_record(on: str) -> bool:
    """Return whether a call is about records in several states."""
    kinds, _, states = on.partition(", ")
    return (
        set(kinds.split()) <= set(KINDS)
        and set(states.split()) <= {"public", *STATES}
        and bool(states)
    )


def rows_of(matrix: Matrix) -> Iterator[str]:
    """Yield the lines of the table, with one line for calls that have the same answers."""
    by_call: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for (name, on), answers in matrix.items():
        by_call.setdefault(name, {}).setdefault(tuple(answers.values()), []).append(on)
    for name, groups in by_call.items():
        for answers, several in groups.items():
            cells = "|".join(f"{each:^5}" for each in answers)
            yield f"|{cells}| `{name}` | {'; '.join(_joined(several))} |"


def _joined(several: Iterable[str]) -> Iterator[str]:
    """Yield the records of a line, with the states of each kind together."""
    states: dict[str, list[str]] = {}
    for on in several:
        if is_of_record(on):
            kind, _, state = on.partition(", ")
            states.setdefault(kind, []).append(state)
        else:
            yield on
    kinds: dict[tuple[str, ...], list[str]] = {}
    for kind, those in states.items():
        kinds.setdefault(tuple(those), []).append(kind)
    yield from (f"{' '.join(kind)}, {' '.join(those)}" for those, kind in kinds.items())
