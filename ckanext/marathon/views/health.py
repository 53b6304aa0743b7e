"""``/health`` for monitors and ``/health/live`` for what restarts or balances web servers.

Both are answered before CKAN looks at a request: CKAN asks the database first, whatever is wanted,
and waits for as long as that is silent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from flask import Blueprint, Response

from ckanext.marathon.operations.health import HealthState, check_all

health = Blueprint("marathon_health", __name__)

READY = "/health"
LIVE = "/health/live"


@health.route("/health")
def answer_ready() -> Response:
    """Answer 200 where the site can do all of its work, else 503 and what cannot be done."""
    checks = check_all()
    well = all(state is HealthState.OK for state in checks.values())
    status = "ok" if well else "failing"
    return _as_json(200 if well else 503, {"status": status, "checks": checks})


@health.route("/health/live")
def answer_live() -> Response:
    """Answer 200 for as long as this process answers requests; no server is asked."""
    return _as_json(200, {"status": "ok"})


def _as_json(code: int, content: dict[str, Any]) -> Response:
    body = json.dumps(content) + "\n"
    answer = Response(body, code, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


_ANSWERS = {READY: answer_ready, LIVE: answer_live}


class HealthMiddleware:
    """Answers the two addresses and passes everything else on."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        """Keep the application."""
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        root = str(tk.config.get("ckan.root_path") or "").replace("/{{LANG}}", "")
        path = str(environ.get("PATH_INFO", "")).removeprefix(root)
        answer = _ANSWERS.get(path) if environ.get("REQUEST_METHOD") in ("GET", "HEAD") else None
        if answer is None:
            return self.application(environ, start_response)
        return answer()(environ, start_response)
