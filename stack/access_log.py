"""The web server's access log: the "combined" format, without anything about people.

Source of the format: Apache httpd, whose "combined" log nginx and gunicorn write, too.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from gunicorn.glogging import Logger

from stack.paths import Layout

FORMAT = '- - - %(t)s "%(r)s" %(s)s %(b)s "-" "%(a)s"'
MAX_BYTES = 10_000_000
KEPT_FILES = 5
# All that a query string is logged of. Tokens, keys of password resets, words that were searched
# for and e-mail addresses travel in others.
PARAMETERS = {"since", "page", "limit"}


class AccessLogger(Logger):
    """gunicorn's logger, which leaves out who asks.

    Nobody's address is written, no user name, no page that somebody came from, and of a query
    string only ``PARAMETERS``. The program's name (``User-Agent``) stays: it says who harvests.
    """

    def atoms(
        self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta
    ) -> dict[str, Any]:
        """Return the values of a line; the request line is made anew."""
        atoms = dict(super().atoms(resp, req, environ, request_time))
        atoms["r"] = describe_request(environ)
        return atoms


def describe_request(environ: dict[str, Any]) -> str:
    """Return the request line of a WSGI environment as it is logged."""
    path = str(environ.get("RAW_URI", "")).partition("?")[0]
    pairs = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    query = urlencode([(name, value[:100]) for name, value in pairs if name in PARAMETERS])
    target = f"{path}?{query}" if query else path
    return f"{environ.get('REQUEST_METHOD')} {target} {environ.get('SERVER_PROTOCOL')}"


def rotate(layout: Layout) -> bool:
    """Move the log aside where it is full: ``access.log.1`` is the last one before.

    Returns:
        whether it was moved; the web server then has to open it anew (SIGUSR1).
    """
    log = layout.access_log
    if not log.exists() or log.stat().st_size < MAX_BYTES:
        return False
    for number in range(KEPT_FILES - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))
    log.replace(log.with_name(f"{log.name}.1"))
    return True
