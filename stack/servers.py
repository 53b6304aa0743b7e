"""The servers of a site: our own ones, or external ones named in the environment.

The variables have CKAN's own names (``CKAN_SQLALCHEMY_URL`` …), so that the same environment works
for CKAN without the stack.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import psycopg2
import redis
import requests

from stack.data_directory import Layout
from stack.messages import Progress, StackError
from stack.postgres import READER, Postgres
from stack.solr import USER, Solr, find_free_port
from stack.supervisor import Program, Supervisor
from stack.valkey import Valkey, ping_server

DEFAULT_PORT = 5000
HOST = "127.0.0.1"
HEALTHY_WITHIN_SECONDS = 120
# The database with the tables of files, which can be made again from the files.
DATASTORE = "datastore"
DATASTORE_VARIABLES = ("CKAN_DATASTORE_WRITE_URL", "CKAN_DATASTORE_READ_URL")


@dataclass(frozen=True)
class Settings:
    """The settings of one start, from the environment; an empty address means our own server.

    Attributes:
        port: port of the site.
        site_url: its public address, if it differs from the local one.
        database: PostgreSQL's address.
        redis: the address of a Redis or Valkey.
        solr: the address of a Solr core.
        solr_user: user name for Solr with authentication.
        solr_password: password of that user.
        without_examples: whether to leave out workshops, ideas and datasets marked as examples.
        datastore_write: the DataStore's address for writing, beside an external PostgreSQL.
        datastore_read: its address for reading, with a role that may not write.
    """

    port: int = DEFAULT_PORT
    site_url: str = ""
    database: str = ""
    redis: str = ""
    solr: str = ""
    solr_user: str = ""
    solr_password: str = ""
    without_examples: bool = False
    datastore_write: str = ""
    datastore_read: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings from the environment.

        Raises:
            StackError: ``MARATHON_PORT`` is not a port, or one address of the DataStore is missing.
        """
        text = environment.get("MARATHON_PORT") or str(DEFAULT_PORT)
        if not text.isdigit() or not 1 <= int(text) <= 65535:
            raise StackError(
                f"MARATHON_PORT={text} is not a port (1–65535)",
                f"MARATHON_PORT={text} no es un puerto (1–65535)",
            )
        database = environment.get("CKAN_SQLALCHEMY_URL", "")
        # Our own PostgreSQL has a DataStore of its own.
        stores = [environment.get(name, "") if database else "" for name in DATASTORE_VARIABLES]
        if any(stores) and not all(stores):
            names = " + ".join(DATASTORE_VARIABLES)
            raise StackError(f"a DataStore needs both: {names}", f"hacen falta ambas: {names}")
        return cls(
            port=int(text),
            site_url=environment.get("CKAN_SITE_URL", "").rstrip("/"),
            database=database,
            redis=environment.get("CKAN_REDIS_URL", ""),
            solr=environment.get("CKAN_SOLR_URL", "").rstrip("/"),
            solr_user=environment.get("CKAN_SOLR_USER", ""),
            solr_password=environment.get("CKAN_SOLR_PASSWORD", ""),
            without_examples=bool(environment.get("MARATHON_WITHOUT_EXAMPLES")),
            datastore_write=stores[0],
            datastore_read=stores[1],
        )

    @property
    def local_url(self) -> str:
        """Return the address of the site on this machine."""
        return f"http://localhost:{self.port}"

    @property
    def public_url(self) -> str:
        """Return the public address of the site (``ckan.site_url``)."""
        return self.site_url or self.local_url

    @property
    def hostname(self) -> str:
        """Return the host of the public address."""
        return urlsplit(self.public_url).hostname or "localhost"

    def check_port(self) -> None:
        """Check that the site's port is free.

        Raises:
            StackError: another process listens on it, or it needs root.
        """
        with socket.socket() as probe:
            # Like gunicorn: a port with connections in TIME_WAIT counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except PermissionError:
                raise StackError(
                    f"port {self.port} is reserved for root; choose another: MARATHON_PORT=8080",
                    f"el puerto {self.port} es solo para root; elija otro: MARATHON_PORT=8080",
                ) from None
            except OSError:
                raise StackError(
                    f"port {self.port} is busy; choose another: "
                    f"MARATHON_PORT={self.port + 1} make run",
                    f"el puerto {self.port} está ocupado; elija otro: "
                    f"MARATHON_PORT={self.port + 1} make run",
                ) from None

    def check_servers(self) -> None:
        """Connect to every external server.

        Raises:
            StackError: one does not answer or refuses; the message names its variable and never
                shows a password.
        """
        variable, address = "", ""
        try:
            if self.database:
                variable, address = "CKAN_SQLALCHEMY_URL", self.database
                psycopg2.connect(drop_driver(address), connect_timeout=10).close()
            stores = (self.datastore_write, self.datastore_read)
            for name, store in zip(DATASTORE_VARIABLES, stores, strict=True):
                if store:
                    variable, address = name, store
                    psycopg2.connect(drop_driver(address), connect_timeout=10).close()
            if self.redis:
                variable, address = "CKAN_REDIS_URL", self.redis
                ping_server(address, 10)
            if self.solr:
                variable, address = "CKAN_SOLR_URL", self.solr
                account = (self.solr_user, self.solr_password) if self.solr_user else None
                query = {"q": "*:*", "rows": "0"}
                answer = requests.get(f"{address}/select", query, auth=account, timeout=10)
                answer.raise_for_status()
        except (psycopg2.Error, redis.RedisError, ValueError, OSError) as fault:
            where = hide_password(address)
            raise StackError(
                f"{variable} ({where}) does not answer: {type(fault).__name__}",
                f"{variable} ({where}) no responde",
            ) from None


@dataclass(frozen=True)
class Addresses:
    """The addresses of the site's servers, our own or external ones.

    Attributes:
        database: PostgreSQL.
        redis: Redis or Valkey.
        solr: the Solr core.
        solr_user: user name for Solr with authentication.
        solr_password: password of that user.
        datastore_write: the DataStore, for writing; "" for a site without one.
        datastore_read: the DataStore, for reading.
    """

    database: str
    redis: str
    solr: str
    solr_user: str
    solr_password: str
    datastore_write: str = ""
    datastore_read: str = ""


class OwnServer(Protocol):
    """The interface of the stack's own servers."""

    @property
    def name(self) -> str:
        """Return the name of its program."""
        ...

    def prepare(self, progress: Progress) -> Program:
        """Create its files; return the program for the supervisor."""
        ...

    def is_healthy(self) -> bool:
        """Return whether it answers correctly; exceptions count as no."""
        ...

    def responds(self) -> bool:
        """Return whether it does not hang: errors and refused connections count as answers."""
        ...


@dataclass(frozen=True)
class Servers:
    """Our own servers; ``None`` for external ones.

    Attributes:
        solr: the search engine.
        postgres: the database.
        valkey: the queue of background jobs.
        databases: names of the databases in PostgreSQL.
    """

    solr: Solr | None
    postgres: Postgres | None
    valkey: Valkey | None
    databases: tuple[str, ...]

    @classmethod
    def choose(cls, layout: Layout, settings: Settings) -> Servers:
        """Return our own servers in place of those without an address in the environment."""
        return cls(
            None if settings.solr else Solr(layout, find_free_port(), ("ckan",)),
            None if settings.database else Postgres(layout),
            None if settings.redis else Valkey(layout),
            ("ckan", DATASTORE),
        )

    def list_own(self) -> list[OwnServer]:
        """Return our own servers, the slowest to start first."""
        servers: tuple[OwnServer | None, ...] = (self.solr, self.postgres, self.valkey)
        return [server for server in servers if server]

    def prepare(self, progress: Progress) -> list[Program]:
        """Create their files; return their programs."""
        return [server.prepare(progress) for server in self.list_own()]

    def start(self, supervisor: Supervisor) -> None:
        """Start the servers, wait until they answer, and create the databases."""
        servers = self.list_own()
        for server in servers:
            supervisor.start(server.name)
        for server in reversed(servers):
            supervisor.wait_for(server.name, server.is_healthy, HEALTHY_WITHIN_SECONDS)
            if self.postgres and server is self.postgres:
                self.postgres.create_databases(*self.databases)

    def find_addresses(self, settings: Settings) -> Addresses:
        """Return the addresses of the site's servers, our own or external ones."""
        return Addresses(
            database=self.postgres.url("ckan") if self.postgres else settings.database,
            redis=self.valkey.url() if self.valkey else settings.redis,
            solr=self.solr.url("ckan") if self.solr else settings.solr,
            solr_user=USER if self.solr else settings.solr_user,
            solr_password=self.solr.password if self.solr else settings.solr_password,
            datastore_write=self.postgres.url(DATASTORE)
            if self.postgres
            else settings.datastore_write,
            datastore_read=self.postgres.url(DATASTORE, READER)
            if self.postgres
            else settings.datastore_read,
        )


def is_database_empty(database: str) -> bool:
    """Return whether a database has none of CKAN's tables."""
    session = psycopg2.connect(drop_driver(database), connect_timeout=10)
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT to_regclass('public.package')")
            row = cursor.fetchone()
            return row is None or row[0] is None
    finally:
        session.close()


def drop_driver(database: str) -> str:
    """Return SQLAlchemy's address without driver, for libpq."""
    scheme, _, rest = database.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


def hide_password(address: str) -> str:
    """Return the address without user and password."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
