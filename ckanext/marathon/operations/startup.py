"""One clear line where CKAN cannot start, or would wait for ever.

CKAN asks its servers while it starts. Without PostgreSQL that ends in a traceback, also of
``ckan marathon doctor``; a Valkey that hangs is waited for without end.
"""

from __future__ import annotations

from ckan.exceptions import CkanConfigurationException
from sqlalchemy.exc import OperationalError

from ckanext.marathon.model import disk
from ckanext.marathon.operations import health
from ckanext.marathon.operations.health import State


def check_servers() -> None:
    """Make sure that PostgreSQL answers and that Valkey does not hang.

    Valkey may be down, and Solr too: the site can be read without them.

    Raises:
        CkanConfigurationException: says which setting names the server that does not answer.
    """
    try:
        health.check_database()
    except TimeoutError:
        raise CkanConfigurationException(
            "✗ PostgreSQL hangs: nothing answers at sqlalchemy.url. Restart it / "
            "PostgreSQL no responde en sqlalchemy.url: reinícielo"
        ) from None
    except OperationalError as fault:
        if disk.is_disk_full(fault):
            raise CkanConfigurationException(
                "✗ The disk is full, and PostgreSQL takes no connection: make room / "
                "El disco está lleno y PostgreSQL no acepta conexiones: libere espacio"
            ) from None
        # CKAN itself waits for one that is starting.
        if "starting up" not in str(fault):
            raise CkanConfigurationException(
                "✗ PostgreSQL cannot be reached at sqlalchemy.url: start it / "
                "PostgreSQL no está disponible en sqlalchemy.url: inícielo"
            ) from None
    if health.check_one(health.check_queue) is State.SILENT:
        raise CkanConfigurationException(
            "✗ Redis (Valkey) hangs: nothing answers at ckan.redis.url. Restart it / "
            "Redis (Valkey) no responde en ckan.redis.url: reinícielo"
        )
