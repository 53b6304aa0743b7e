"""The web server: gunicorn's settings, CKAN's application in it, and the access log.

gunicorn reads this module as its configuration (``--config python:stack.web``): names that are
settings of its own, and ``post_fork``.

The access log has Apache httpd's "combined" format, which nginx and gunicorn also use, without
personal data.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlencode

from gunicorn.glogging import Logger

from stack.data_directory import Layout, delete_ended_heartbeats, write_heartbeat

if TYPE_CHECKING:
    from ckan.types import CKANApp
    from gunicorn.arbiter import Arbiter
    from gunicorn.http import Request
    from gunicorn.http.wsgi import Response
    from gunicorn.workers.base import Worker

MAX_BYTES = 10_000_000
KEPT_FILES = 5
# The only query parameters in the log. Others may contain tokens, keys of password resets, words
# of searches and e-mail addresses.
LOGGED_PARAMETERS = {"since", "page", "limit"}

COMPRESSION = {
    # The feeds are not listed, because their views compress them.
    "COMPRESS_MIMETYPES": [
        *("text/html", "text/css", "text/javascript", "application/javascript"),
        *("application/json", "application/geo+json", "image/svg+xml", "text/csv"),
    ],
    "COMPRESS_ALGORITHM": ["br", "gzip"],
    "COMPRESS_ALGORITHM_STREAMING": ["br"],
    # Assets are streamed; a browser with a cached copy gets 304.
    "COMPRESS_STREAMING_ENDPOINT_CONDITIONAL": ["static", "webassets.index"],
}


class AccessLogger(Logger):
    """gunicorn's logger without personal data.

    IP address, user name and referring page are left out, and all query parameters except
    ``LOGGED_PARAMETERS``. ``User-Agent`` stays, because it identifies harvesters.
    """

    def access(
        self,
        resp: Response,
        req: Request,
        environ: MutableMapping[str, Any],
        request_time: timedelta,
    ) -> None:
        """Write the line of a request."""
        logged = {**environ, "RAW_URI": clean_target(str(environ.get("RAW_URI", "")))}
        super().access(resp, req, logged, request_time)


def clean_target(target: str) -> str:
    """Return path and query of a request without parameters that must not be logged."""
    path, _, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value[:100]) for name, value in pairs if name in LOGGED_PARAMETERS]
    return f"{path}?{urlencode(kept)}" if kept else path


def rotate_access_log(layout: Layout) -> bool:
    """Rotate the access log if it has ``MAX_BYTES``; ``access.log.1`` is the latest old one.

    Returns:
        whether it was rotated; the web server must then reopen it (SIGUSR1).
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


def compress_answers(application: CKANApp) -> CKANApp:
    """Make CKAN's application compress answers (Brotli or gzip) if clients accept it.

    On bigger sites a reverse proxy does this.
    """
    from flask_compress import Compress

    # CKAN's type lacks this attribute: the Flask application within CKAN's middleware.
    flask = cast(Any, application)._wsgi_app
    flask.config.update(COMPRESSION)
    Compress(flask)
    return application


def make_application() -> CKANApp:
    """Return the WSGI application of the configuration file ``CKAN_INI``."""
    from ckan.cli import load_config
    from ckan.config.middleware import make_app

    return compress_answers(make_app(load_config()))


# gunicorn's settings: two worker processes.

wsgi_app = "stack.web:make_application()"
# CKAN is loaded once and then forked: half the start-up time and much less memory.
preload_app = True
workers = 2
# Browsers open connections in advance, and each would block a worker without threads.
worker_class = "gthread"
threads = 4
# The worker's main loop notifies gunicorn every second; requests run in its threads.
timeout = 30
# A client that reuses a connection while the server closes it gets no answer. gunicorn's default
# of two seconds is a typical pause between two requests of a program.
keepalive = 30
graceful_timeout = 15
control_socket_disable = True
loglevel = "warning"
# For `ckan marathon feed readers`, without personal data.
access_log_format = '- - - %(t)s "%(r)s" %(s)s %(b)s "-" "%(a)s"'
logger_class = AccessLogger
# Local proxies may set the public scheme and host.
forwarded_allow_ips = "127.0.0.1"


def post_fork(server: Arbiter, worker: Worker) -> None:
    """Drop the parent's database connections without closing them; enable the logs again."""
    del server
    # CKAN's logging configuration disables all existing loggers.
    worker.log.access_log.disabled = False
    worker.log.error_log.disabled = False
    from ckan import model

    assert model.meta.engine is not None
    model.meta.engine.dispose(close=False)
    _show_heartbeat(worker)


def _show_heartbeat(worker: Worker) -> None:
    """Write the heartbeat for `ckan marathon doctor` whenever the worker notifies gunicorn."""
    directory = Path(os.environ["MARATHON_HEARTBEATS"])
    delete_ended_heartbeats(directory)
    notify_gunicorn = worker.tmp.notify

    def notify_both() -> None:
        notify_gunicorn()
        write_heartbeat(directory, "web")

    worker.tmp.notify = notify_both
