"""gunicorn's settings: two processes that share one loaded CKAN."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from stack import access_log, heartbeat

wsgi_app = "stack.wsgi:application"
# Loaded once and then forked: half the start-up time and much less memory.
preload_app = True
workers = 2
# Browsers open connections before they need them; a worker without threads waits on each.
worker_class = "gthread"
threads = 4
# A worker's own loop says every second that it does not hang; requests run in its threads.
timeout = 30
# A client that uses its connection again in the moment it is closed gets no answer. gunicorn's two
# seconds are about the pause of a program that sends one request after the other.
keepalive = 30
graceful_timeout = 15
control_socket_disable = True
loglevel = "warning"
# Who harvests (`ckan marathon feed readers`), without anything about people.
accesslog = os.environ["MARATHON_ACCESS_LOG"]
access_log_format = access_log.FORMAT
logger_class = access_log.AccessLogger
# Local proxies may say which scheme and host people see.
forwarded_allow_ips = "127.0.0.1"


def post_fork(server: Any, worker: Any) -> None:
    """Let go of database connections of the parent process, and write the access log again."""
    del server
    # CKAN, configuring its own logs, turns off all loggers that were there before.
    worker.log.access_log.disabled = False
    worker.log.error_log.disabled = False
    from ckan import model

    assert model.meta.engine is not None
    model.meta.engine.dispose(close=False)
    _show_heartbeat(worker)


def _show_heartbeat(worker: Any) -> None:
    """Have a worker tell `ckan marathon doctor`, too, what it tells gunicorn."""
    directory = Path(os.environ["MARATHON_HEARTBEATS"])
    heartbeat.forget_ended(directory)
    notify = worker.tmp.notify

    def notify_both() -> None:
        notify()
        heartbeat.beat(directory, "web")

    worker.tmp.notify = notify_both
