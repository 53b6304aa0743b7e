"""gunicorn's settings: two processes that share one loaded CKAN."""

from __future__ import annotations

from typing import Any

wsgi_app = "stack.wsgi:application"
# Loaded once and then forked: half the start-up time and much less memory.
preload_app = True
workers = 2
# Browsers open connections before they need them; a worker without threads waits on each.
worker_class = "gthread"
threads = 4
timeout = 120
graceful_timeout = 15
control_socket_disable = True
loglevel = "warning"
# Who harvests (`ckan marathon feed readers`), without anybody's address.
accesslog = "-"
access_log_format = '- - - %(t)s "%(r)s" %(s)s %(b)s "-" "%(a)s"'
# Local proxies may say which scheme and host people see.
forwarded_allow_ips = "127.0.0.1"


def post_fork(server: Any, worker: Any) -> None:
    """Let go of database connections that the parent process opened."""
    del server, worker
    from ckan import model

    assert model.meta.engine is not None
    model.meta.engine.dispose(close=False)
