"""Asking supervisord over its socket, in bounded time; its own client waits for ever."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any

# Within these supervisord answers unless it hangs; and does what takes longer.
ANSWER_SECONDS = 5
ACT_SECONDS = 120


def ask(path: Path, method: str, *arguments: Any, seconds: float = ACT_SECONDS) -> Any:
    """Call a method of supervisord's XML-RPC interface.

    Args:
        path: of its socket.
        method: its name, without ``supervisor.``.
        arguments: of the method.
        seconds: to wait for the answer.

    Raises:
        TimeoutError: there was none.
        OSError: nobody listens.
        xmlrpc.client.Fault: supervisord refuses.
    """
    transport = _UnixTransport(path, seconds)
    with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
        return getattr(server.supervisor, method)(*arguments)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__()
        self._path, self._seconds = path, seconds

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("localhost", timeout=self._seconds)
        # What the base class closes afterwards.
        self._connection = host, connection
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(self._seconds)
        connection.sock.connect(str(self._path))
        return connection
