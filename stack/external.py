"""Asks servers that are not ours whether they answer, before anything is built on them."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg2
import redis
import requests

from stack.messages import StackError
from stack.settings import Settings


def check(settings: Settings) -> None:
    """Connect to every server that the environment names.

    Raises:
        StackError: one does not answer or refuses; the message names its variable and never
            shows a password.
    """
    if settings.database:
        try:
            psycopg2.connect(plain(settings.database), connect_timeout=10).close()
        except psycopg2.Error as fault:
            raise _failed("CKAN_SQLALCHEMY_URL", settings.database, fault) from None
    if settings.redis:
        try:
            with redis.Redis.from_url(settings.redis, socket_timeout=10) as client:
                client.ping()
        except (redis.RedisError, ValueError, OSError) as fault:
            raise _failed("CKAN_REDIS_URL", settings.redis, fault) from None
    if settings.solr:
        account = (settings.solr_user, settings.solr_password) if settings.solr_user else None
        try:
            answer = requests.get(
                f"{settings.solr}/select",
                params={"q": "*:*", "rows": "0"},
                auth=account,
                timeout=10,
            )
            answer.raise_for_status()
        except requests.RequestException as fault:
            raise _failed("CKAN_SOLR_URL", settings.solr, fault) from None


def _failed(variable: str, address: str, fault: Exception) -> StackError:
    where = without_password(address)
    return StackError(
        f"{variable} ({where}) does not answer: {type(fault).__name__}",
        f"{variable} ({where}) no responde",
    )


def holds_no_site(database: str) -> bool:
    """Return whether a database has none of CKAN's tables."""
    session = psycopg2.connect(plain(database), connect_timeout=10)
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT to_regclass('public.package')")
            row = cursor.fetchone()
            return row is None or row[0] is None
    finally:
        session.close()


def plain(database: str) -> str:
    """Return SQLAlchemy's address as PostgreSQL's own library understands it."""
    scheme, _, rest = database.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


def without_password(address: str) -> str:
    """Return the address without user and password."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
