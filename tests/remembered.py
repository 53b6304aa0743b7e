"""Fixtures made through actions are created once and restored from a copy for later tests.

Each record that a factory makes (``tests/factories.py`` and CKAN's own) is remembered, and so is
what a fixture makes that says so:

    @pytest.fixture
    @remembered
    def villa_nueva(marathon_site: None) -> dict[str, Any]:
        return Municipality(name="villa-nueva", municipality_code="0115")

The first test that wants it has it made as ever. A later one gets the same rows in PostgreSQL, the
same documents in Solr, the same jobs and a copy of the value: one fifteenth of the time. Only what
was made from the same state is put back: an empty site, or what other remembered fixtures have
made on one, with the same configuration and nothing patched. As soon as anything else writes to
the database, to Solr or to the job queue, the state is unknown until the site is emptied, and
everything is made as ever. A factory makes a record that differs in one field from those before.

So it fits a fixture that makes records and returns them as plain data; neither one that changes
functions or files, nor one whose making is what the tests are about. What it is given counts where
that is plain data (``villa_nueva``, not ``app``).
"""

from __future__ import annotations

import copy
import functools
import hashlib
import io
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa
from ckan import model
from ckan.common import config
from ckan.lib.redis import connect_to_redis
from ckan.lib.search.common import make_connection
from ckan.tests.factories import CKANFactory
from psycopg2 import sql

from ckanext.marathon.feeds import log_state
from ckanext.marathon.model import clock
from tests import chance, databases, private_names

P = ParamSpec("P")
T = TypeVar("T")
State = tuple[Any, ...]

MOST = 500
PLAIN = (str, int, float, bool, type(None))


Updates = list[str]

_make_record: Callable[..., Any] = CKANFactory.create.__func__


@dataclass
class _Copy:
    value: Any
    rows: dict[str, bytes]
    jobs: dict[bytes, bytes]
    updates: Updates
    codes: set[str]


_copies: OrderedDict[State, _Copy] = OrderedDict()
# The configuration, the tables, then the steps that led to what is in them; ``None``: unknown.
_state: State | None = None
# What is being made for the first time: messages to Solr, municipality codes.
_making: tuple[Updates, set[str]] | None = None
# The names of what is in the job queue in that state.
_queue: frozenset[bytes] = frozenset()
# Codes that what was put back uses; the factories give them to no other organisation.
_codes: set[str] = set()


def watch() -> None:
    """Note from now on what is written to the database and sent to Solr; remember factories."""
    sa.event.listen(sa.Engine, "before_cursor_execute", _note_statement)
    private_names.watch_solr(_note_message)
    private_names.watch_patches()
    CKANFactory.create = classmethod(_create_record)


def _create_record(factory: type[CKANFactory], **fields: Any) -> Any:
    """Make a record, or put it back; what is not data alone cannot be compared, and is made."""

    def make() -> Any:
        return _make_record(factory, **fields)

    if not _is_plain(fields) or threading.current_thread() is not threading.main_thread():
        return make()
    return remember(f"{factory.__module__}.{factory.__qualname__} {fields!r}", make)


def _note_message(message: str) -> None:
    global _state
    if _making:
        _making[0].append(message)
    else:
        _state = None


def _note_statement(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    global _state
    if not _making and not statement.lstrip()[:6].upper().startswith("SELECT"):
        _state = None


def begin() -> None:
    """Say that the site is empty now, with CKAN's tables and ours."""
    global _state, _queue
    _codes.clear()
    _state = (_fingerprint(), _read_ids_of_tables())
    _queue = _read_names_of_jobs()


def remembered(make: Callable[P, T]) -> Callable[P, T]:
    """Make a fixture's function put back what it made before, see above."""

    @functools.wraps(make)
    def wrapper(*arguments: P.args, **named: P.kwargs) -> T:
        given = [each for each in (*arguments, *named.values()) if _is_plain(each)]
        step = f"{make.__module__}.{make.__qualname__} {given!r}"
        return remember(step, lambda: make(*arguments, **named))

    return wrapper


def remember(step: str, make: Callable[[], T]) -> T:
    """Return what ``make`` returns, or put back what it made before in the same state.

    Whatever ``make`` writes is committed when it returns.
    """
    global _state, _queue
    if _making or not _is_known():
        return make()
    assert _state is not None
    state = (*_state, step)
    found = _copies.get(state)
    if found:
        _copies.move_to_end(state)
        _put_back(found)
        value = copy.deepcopy(found.value)
    else:
        # Unknown where it fails.
        _state = None
        with _recording() as record, chance.apart(f"{len(state) - 1} {step}"):
            value = make()
        assert _is_plain(value), f"{value!r} is not data alone"
        _copies[state] = _Copy(copy.deepcopy(value), _read_rows(), _read_jobs(), *record)
        if len(_copies) > MOST:
            _copies.popitem(last=False)
    _state, _queue = state, _read_names_of_jobs()
    return value


def _is_known() -> bool:
    """Return whether the state is known, and nothing is on its way to the database."""
    session = model.Session
    return (
        _state is not None
        and not (session.new or session.dirty or session.deleted)
        and _queue == _read_names_of_jobs()
        and not _is_patched()
        and _state[0] == _fingerprint()
    )


def _is_patched() -> bool:
    """Return whether the test has changed something else than a setting."""
    for attributes, items in private_names.read_patches():
        if attributes or any(owner is not config for owner, *_ in items):
            return True
    return False


@contextmanager
def _recording() -> Iterator[tuple[Updates, set[str]]]:
    """Collect what is sent to Solr and which codes are given away meanwhile."""
    global _making
    _making = record = ([], set())
    try:
        yield record
    finally:
        _making = None


def is_free(code: str) -> bool:
    """Return whether no organisation that was put back has a municipality code; it gets used."""
    if code in _codes:
        return False
    if _making:
        _making[1].add(code)
    return True


def _is_plain(value: Any) -> bool:
    """Return whether a value is data alone, which can be copied."""
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if is_dataclass(value) and not isinstance(value, type):
        return all(map(_is_plain, vars(value).values()))
    return isinstance(value, PLAIN)


def _fingerprint() -> str:
    settings = sorted((key, repr(value)) for key, value in config.items())
    return hashlib.sha256(repr(settings).encode()).hexdigest()


def tables() -> list[str]:
    """Return CKAN's tables and ours, each after those that it refers to."""
    names = [each.name for each in model.repo.metadata.sorted_tables]
    return [name for name in names if name != "alembic_version"]


def _read_ids_of_tables() -> str:
    """Return the ids of tables and sequences.

    Those that a migration has made again count from 1, over what is in a copy.
    """
    with _cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(oid::text, ' ' ORDER BY oid) FROM pg_class"
            " WHERE relkind IN ('r', 'S') AND relnamespace = 'public'::regnamespace"
        )
        return cursor.fetchone()[0]


@contextmanager
def _cursor() -> Iterator[Any]:
    """Give access to the database past SQLAlchemy, in a transaction of its own."""
    connection = model.meta.engine.raw_connection()
    try:
        with connection.cursor() as cursor:
            yield cursor
        connection.commit()
    finally:
        connection.close()


def _read_rows() -> dict[str, bytes]:
    rows: dict[str, bytes] = {}
    with _cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname = ANY(%s)", [tables()]
        )
        there = [name for (name,) in cursor.fetchall()]
        filled = [
            sql.SQL("SELECT {} WHERE EXISTS (SELECT 1 FROM {})").format(
                sql.Literal(name), sql.Identifier(name)
            )
            for name in there
        ]
        cursor.execute(sql.SQL(" UNION ALL ").join(filled))
        names = {name for (name,) in cursor.fetchall()}
        for name in tables():
            if name in names:
                file = io.BytesIO()
                cursor.copy_expert(_copying("COPY {} TO STDOUT", name, cursor), file)
                rows[name] = file.getvalue()
    return rows


def _copying(statement: str, name: str, cursor: Any) -> str:
    return sql.SQL(statement).format(sql.Identifier(name)).as_string(cursor)


def _read_jobs() -> dict[bytes, bytes]:
    redis = connect_to_redis()
    return {key: redis.dump(key) for key in redis.keys("rq:*")}


def _read_names_of_jobs() -> frozenset[bytes]:
    return frozenset(connect_to_redis().keys("rq:*"))


def empty_tables() -> None:
    """Delete all rows, whatever they are."""
    with _cursor() as cursor:
        databases.empty(cursor, list(reversed(tables())))


def _put_back(found: _Copy) -> None:
    model.Session.remove()
    with _cursor() as cursor:
        databases.empty(cursor, list(reversed(tables())))
        for name, text in found.rows.items():
            cursor.copy_expert(_copying("COPY {} FROM STDIN", name, cursor), io.BytesIO(text))
    redis = connect_to_redis()
    for key, job in found.jobs.items():
        redis.restore(key, 0, job, replace=True)
    _send(found.updates)
    _codes.update(found.codes)
    # What pages counted of this same state may have been counted with something patched.
    clock._KEPT.clear()
    now = clock.read_clock()
    if now.number:
        log_state.write_witness(log_state.Witness(now.number, now.mark))
    model.Session.remove()


def _send(updates: Updates) -> None:
    """Send Solr these messages again, and commit once."""
    solr = make_connection()
    documents: dict[str, Any] = {}
    for message in updates:
        if message.startswith("["):
            documents |= {each["index_id"]: each for each in json.loads(message)}
        elif not message.startswith("<commit"):
            _send_documents(solr, documents, commit=False)
            private_names.send_to_solr(solr, message, commit=False)
            documents = {}
    if updates:
        _send_documents(solr, documents, commit=True)


def _send_documents(solr: Any, documents: dict[str, Any], commit: bool) -> None:
    if documents or commit:
        message = json.dumps(list(documents.values()))
        private_names.send_to_solr(solr, message, commit=commit, solrapi="JSON")
