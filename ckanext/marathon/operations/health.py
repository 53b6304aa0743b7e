"""Whether the site can start and do its work: quick, and in bounded time when a server hangs.

CKAN asks its servers while it starts. Without PostgreSQL that ends in a traceback, also of
``ckan marathon doctor``; a Valkey that hangs is waited for without end. Start-up says so in one
clear line instead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import ckan.plugins.toolkit as tk
import redis
import requests
import sqlalchemy as sa
from ckan.exceptions import CkanConfigurationException
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy.exc import OperationalError

from ckanext.marathon.feeds.verify import REBUILD_WANTED
from ckanext.marathon.model import disk
from ckanext.marathon.model.feed import Clock, FeedGap


def check_servers() -> None:
    """Make sure that PostgreSQL answers and that Valkey does not hang.

    Valkey may be down, and Solr too: the site can be read without them.

    Raises:
        CkanConfigurationException: says which setting names the server that does not answer.
    """
    try:
        check_database()
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
    if check_one(check_queue) is HealthState.SILENT:
        raise CkanConfigurationException(
            "✗ Redis (Valkey) hangs: nothing answers at ckan.redis.url. Restart it / "
            "Redis (Valkey) no responde en ckan.redis.url: reinícielo"
        )


# Of one check; what is silent for longer is reported as such.
SECONDS = 3.0
_CONNECT_SECONDS = 2
# A monitor, or somebody who means harm, may ask as often as they want.
KEPT_SECONDS = 1.0


class HealthState(StrEnum):
    """What a check found; the word that monitors read."""

    OK = "ok"
    #: it refuses, or reports an error
    FAILING = "failing"
    #: it says nothing
    SILENT = "silent"
    #: the feed's log does not have everything that is public
    INCOMPLETE = "incomplete"
    #: its disk has no room for changes
    FULL = "full"


def check_database() -> HealthState:
    """Return whether PostgreSQL answers a query."""
    _query("SELECT 1")
    return HealthState.OK


def check_feed() -> HealthState:
    """Return whether the feed's log is complete."""
    gap = f"EXISTS (SELECT FROM {FeedGap.__tablename__})"
    complete = _query(f"SELECT complete AND NOT {gap} FROM {Clock.__tablename__}")  # noqa: S608 - constants only
    return HealthState.OK if complete else HealthState.INCOMPLETE


def needs_feed() -> bool:
    """Return whether the feed's log is to be put together: as ``feeds.rebuild.is_wanted``.

    On a connection of its own, which no process that is forked from this one gets.
    """
    marked = f"EXISTS (SELECT FROM system_info WHERE key = '{REBUILD_WANTED}')"
    return bool(_query(f"SELECT NOT complete OR {marked} FROM {Clock.__tablename__}"))  # noqa: S608 - constants only


def _query(text: str) -> object:
    options = f"-c statement_timeout={_CONNECT_SECONDS}s"
    engine = sa.create_engine(
        tk.config["sqlalchemy.url"],
        poolclass=sa.NullPool,
        connect_args={"connect_timeout": _CONNECT_SECONDS, "options": options},
    )
    try:
        with engine.connect() as connection:
            return connection.scalar(sa.text(text))
    except OperationalError as fault:
        if "timeout expired" in str(fault):
            raise TimeoutError from fault
        raise


def check_search() -> HealthState:
    """Return whether Solr answers a search."""
    _ask_solr("select", q="*:*", rows="0").raise_for_status()
    return HealthState.OK


def check_indexing() -> HealthState:
    """Return whether Solr takes changes: it refuses all after its disk was full.

    Asks for a commit of nothing, which writes nothing. Not for every monitor: a commit of what
    others are adding right now takes longer.
    """
    return (
        HealthState.FAILING
        if _ask_solr("update", commit="true").status_code == 500
        else HealthState.OK
    )


def _ask_solr(handler: str, **parameters: str) -> requests.Response:
    user, password = tk.config.get("solr_user"), tk.config.get("solr_password")
    address = f"{str(tk.config['solr_url']).rstrip('/')}/{handler}"
    account = (user, password) if user and password else None
    try:
        return requests.get(address, params=parameters, auth=account, timeout=_CONNECT_SECONDS)
    except requests.Timeout as fault:
        raise TimeoutError from fault


def check_queue() -> HealthState:
    """Return whether Valkey (or Redis), which keeps the background jobs, answers."""
    limits = {"socket_timeout": _CONNECT_SECONDS, "socket_connect_timeout": _CONNECT_SECONDS}
    try:
        with redis.Redis.from_url(tk.config["ckan.redis.url"], **limits) as client:
            client.ping()
    except RedisTimeoutError as fault:
        raise TimeoutError from fault
    except redis.ResponseError as fault:
        # It answers nothing else, not even a ping, while it cannot write its file.
        return HealthState.FULL if str(fault).startswith("MISCONF") else HealthState.FAILING
    return HealthState.OK


def check_disk() -> HealthState:
    """Return whether the disk has room for saves."""
    return HealthState.OK if disk.has_room() else HealthState.FULL


CHECKS: dict[str, Callable[[], HealthState]] = {
    "database": check_database,
    "search": check_search,
    "queue": check_queue,
    "feed": check_feed,
    "disk": check_disk,
}


@dataclass
class _Answer:
    """One question to a server; ``state`` is there once it has answered."""

    began: float
    state: HealthState | None = None


class BoundedCheck:
    """A check that is asked by one thread at a time and never waited for longer than a limit.

    A server that hangs holds one thread, however often the site is asked how it is.
    """

    def __init__(self, check: Callable[[], HealthState]) -> None:
        """Prepare it."""
        self._check = check
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._answer = _Answer(-KEPT_SECONDS)

    def begin(self) -> None:
        """Ask, unless a question is open or has just been answered."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            if time.monotonic() - self._answer.began < KEPT_SECONDS:
                return
            self._answer = _Answer(time.monotonic())
            self._thread = threading.Thread(target=self._ask, args=[self._answer], daemon=True)
            self._thread.start()

    def _ask(self, answer: _Answer) -> None:
        try:
            answer.state = self._check()
        except TimeoutError:
            answer.state = HealthState.SILENT
        # Whatever a server or its client makes of a fault, it is one.
        except Exception:
            answer.state = HealthState.FAILING

    def wait(self) -> HealthState:
        """Return the answer, ``SILENT`` where there is none within ``SECONDS`` of the question."""
        answer, thread = self._answer, self._thread
        if thread is not None:
            thread.join(max(0.0, answer.began + SECONDS - time.monotonic()))
        return answer.state or HealthState.SILENT


def check_all() -> dict[str, HealthState]:
    """Return the state of everything by its name, after ``SECONDS`` at the latest."""
    for check in _BOUNDED.values():
        check.begin()
    return {name: check.wait() for name, check in _BOUNDED.items()}


def check_one(check: Callable[[], HealthState]) -> HealthState:
    """Return what one check finds, in bounded time."""
    bounded = BoundedCheck(check)
    bounded.begin()
    return bounded.wait()


_BOUNDED = {name: BoundedCheck(check) for name, check in CHECKS.items()}
