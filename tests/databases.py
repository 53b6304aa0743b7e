"""Databases in the tests' PostgreSQL, beside the one that the tests themselves use."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql


def address(name: str) -> str:
    """Return the address of a database in the same server, with the same role."""
    # Not SQLAlchemy's own: it writes %2F, which CKAN's migrations do not bear.
    return urlsplit(os.environ["CKAN_SQLALCHEMY_URL"])._replace(path=f"/{name}").geturl()


def create(url: str, template: str = "template0") -> None:
    """Create a database as a copy of another one; one of that name is dropped first."""
    name = urlsplit(url).path.strip("/")
    _execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    _execute("CREATE DATABASE {} TEMPLATE {}", name, template)


def _execute(statement: str, *names: str) -> None:
    # Neither statement runs within a transaction, nor in the database that it is about.
    connection = psycopg2.connect(address("postgres"))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
    finally:
        connection.close()
