"""The servers that most tests need, and the message if they are missing."""

from __future__ import annotations

import os

import psycopg2
import pytest
import redis
import requests

# Fixtures that need PostgreSQL, Valkey and Solr, or a site with these.
FIXTURES = frozenset({"ckan_config", "make_app", "with_plugins", "reset_db"})
SECONDS = 5
WHAT_TO_RUN = """\
{why}
This starts them, runs tests and stops them again:
    python3 -I stack/bootstrap.py test
    .venv/bin/python -m stack services --fresh --data .test-data -- \\
        .venv/bin/python -m pytest --ckan-ini=test.ini tests/views/test_home.py
`make test` does it for all tests; `make test-fast` runs those that need no server."""


def are_wanted(config: pytest.Config) -> bool:
    """Return whether CKAN's fixtures are there, which need the servers (``-p no:ckan``: not)."""
    return config.pluginmanager.has_plugin("ckan")


def explain_missing(config: pytest.Config) -> str:
    """Return why tests that need the servers cannot run, and what to run instead; "" if they can.

    Nothing is asked for longer than a few seconds.
    """
    missing = _find_missing(config)
    return WHAT_TO_RUN.format(why=missing) if missing else ""


def _find_missing(config: pytest.Config) -> str:
    if not config.getoption("--ckan-ini", None):
        return "These tests need --ckan-ini=test.ini, and PostgreSQL, Valkey and Solr."
    names = ("CKAN_SQLALCHEMY_URL", "CKAN_REDIS_URL", "CKAN_SOLR_URL")
    unnamed = [name for name in names if not os.environ.get(name)]
    if unnamed:
        return (
            "These tests need PostgreSQL, Valkey and Solr, which nothing names: "
            f"{', '.join(unnamed)} not set."
        )
    try:
        psycopg2.connect(os.environ["CKAN_SQLALCHEMY_URL"], connect_timeout=SECONDS).close()
        redis.Redis.from_url(os.environ["CKAN_REDIS_URL"], socket_timeout=SECONDS).ping()
        # Any answer will do, also one that asks for a password.
        requests.get(os.environ["CKAN_SOLR_URL"], timeout=SECONDS)
    except (psycopg2.OperationalError, redis.RedisError, requests.RequestException) as error:
        return f"A server that these tests need does not answer: {error}"
    return ""
