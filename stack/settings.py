"""What the environment may tell ``make run``: the port, and servers to use in place of its own.

The names of servers are CKAN's own (``CKAN_SQLALCHEMY_URL`` …), so that what works here works for
CKAN without the stack too.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from stack.messages import StackError

DEFAULT_PORT = 5000
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Settings:
    """The settings of one start; an empty address means a server of our own."""

    port: int = DEFAULT_PORT
    site_url: str = ""
    database: str = ""
    redis: str = ""
    solr: str = ""
    solr_user: str = ""
    solr_password: str = ""
    #: without workshops, ideas and datasets that are marked as examples
    without_examples: bool = False

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings that the environment holds.

        Raises:
            StackError: ``MARATHON_PORT`` is not a port.
        """
        text = environment.get("MARATHON_PORT") or str(DEFAULT_PORT)
        if not text.isdigit() or not 1 <= int(text) <= 65535:
            raise StackError(
                f"MARATHON_PORT={text} is not a port (1–65535)",
                f"MARATHON_PORT={text} no es un puerto (1–65535)",
            )
        return cls(
            port=int(text),
            site_url=environment.get("CKAN_SITE_URL", "").rstrip("/"),
            database=environment.get("CKAN_SQLALCHEMY_URL", ""),
            redis=environment.get("CKAN_REDIS_URL", ""),
            solr=environment.get("CKAN_SOLR_URL", "").rstrip("/"),
            solr_user=environment.get("CKAN_SOLR_USER", ""),
            solr_password=environment.get("CKAN_SOLR_PASSWORD", ""),
            without_examples=bool(environment.get("MARATHON_WITHOUT_EXAMPLES")),
        )

    @property
    def local_url(self) -> str:
        """Return where the site answers on this machine."""
        return f"http://localhost:{self.port}"

    @property
    def public_url(self) -> str:
        """Return the address that the site gives of itself."""
        return self.site_url or self.local_url

    @property
    def hostname(self) -> str:
        """Return the host of the public address."""
        return urlsplit(self.public_url).hostname or "localhost"

    def check_port(self) -> None:
        """Make sure that the site's port can be had.

        Raises:
            StackError: somebody listens on it, or only root may.
        """
        with socket.socket() as probe:
            # As gunicorn does: a port whose last connections are being closed is not busy.
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
