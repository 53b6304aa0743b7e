"""The databases, cores and numbers that each test process uses in PostgreSQL, Solr and Valkey.

Tests run in several processes at once (pytest-xdist). They share the servers; each process has
databases, numbers and a mark in the search index of its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql

from stack.postgres import find_binaries
from stack.valkey import CARELESS_DATABASES

# The number of Valkey's databases for each process. The last one is the portal's.
NUMBERS = 5
PROCESSES = (CARELESS_DATABASES - 1) // NUMBERS

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
_index = int(WORKER.removeprefix("gw") or 0)


def settle() -> None:
    """Set CKAN's variables for this process, before CKAN reads them.

    Tests that need no server run where nothing names one.
    """
    if not WORKER or "CKAN_SQLALCHEMY_URL" not in os.environ:
        return
    assert _index < PROCESSES, f"{PROCESSES} processes at most: make test PYTEST_ARGS='-n 2'"
    url = address("ckan_test")
    create(url)
    os.environ["CKAN_SQLALCHEMY_URL"] = url
    datastore = [
        name
        for name in ("CKAN_DATASTORE_WRITE_URL", "CKAN_DATASTORE_READ_URL")
        if name in os.environ
    ]
    for name in datastore:
        own = urlsplit(os.environ[name])._replace(path=f"/datastore_test_{WORKER}")
        os.environ[name] = own.geturl()
    if datastore:
        create(os.environ[datastore[0]], "/datastore_test")
    os.environ["CKAN_REDIS_URL"] = redis(0)
    os.environ["CKAN_SITE_ID"] = f"test-{WORKER}"


def redis(number: int) -> str:
    """Return the address of one of the Valkey databases of this process, 0-4."""
    base, _, _ = os.environ["CKAN_REDIS_URL"].rpartition("db=")
    return f"{base}db={_index * NUMBERS + number}"


def address(name: str) -> str:
    """Return the address of a database of this process in the same server, with the same role."""
    name = f"{name}_{WORKER}" if WORKER else name
    # Not SQLAlchemy's own: it writes %2F, which CKAN's migrations do not bear.
    return urlsplit(os.environ["CKAN_SQLALCHEMY_URL"])._replace(path=f"/{name}").geturl()


def create(url: str, template: str = "/template0") -> None:
    """Create a database as a copy of another one. If there is one with its name, it is dropped.

    Both are addresses.
    """
    drop(url)
    _execute("CREATE DATABASE {} TEMPLATE {}", _name(url), _name(template))


# In one statement: asking CKAN to empty its tables takes two messages for each of eighty tables.
# A table that a migration has taken away is passed over.
_EMPTY = """
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[{}] LOOP
        IF to_regclass(name) IS NOT NULL THEN
            EXECUTE format('DELETE FROM %I', name);
        END IF;
    END LOOP;
END $$
"""


def empty(cursor: Any, tables: Sequence[str]) -> None:
    """Delete all rows of these tables, in this order. ``cursor`` is psycopg2's."""
    cursor.execute(sql.SQL(_EMPTY).format(sql.SQL(", ").join(map(sql.Literal, tables))))


def drop(url: str) -> None:
    """Drop a database, if there is one of that name."""
    _execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", _name(url))


def dump(url: str, path: Path) -> None:
    """Dump a database to a file, as an administrator's backup does."""
    command = [find_binaries() / "pg_dump", "--no-owner", "--file", path, url]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def restore(url: str, path: Path) -> None:
    """Replace a database by a file of :func:`dump`."""
    create(url)
    command = [find_binaries() / "psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", path, url]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _name(url: str) -> str:
    return urlsplit(url).path.strip("/")


def _execute(statement: str, *names: str) -> None:
    # Neither statement runs within a transaction, nor in the database that it is about.
    server = urlsplit(os.environ["CKAN_SQLALCHEMY_URL"])._replace(path="/postgres").geturl()
    connection = psycopg2.connect(server)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
    finally:
        connection.close()
