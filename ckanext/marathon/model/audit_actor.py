"""Who acts in a transaction, and by what way: for the record of changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
import flask
import rq
import sqlalchemy as sa
from ckan import model

from ckanext.marathon.model import audit, unit_of_work
from ckanext.marathon.model.unit_of_work import UnitOfWork


@dataclass
class Actor:
    """Who was said to act in a transaction, by name or id."""

    user: str | None = None


def note_actor(user: str | None) -> None:
    """Say who acts, by name or id, where no request does: in jobs and on the command line."""
    if user and not _is_request():
        unit_of_work.get_unit().get_notes(Actor).user = user


@contextmanager
def importing() -> Iterator[None]:
    """Have what is saved meanwhile recorded as an import, whoever runs it and from where."""
    before = _is_import.set(True)
    try:
        yield
    finally:
        _is_import.reset(before)


_is_import: ContextVar[bool] = ContextVar("marathon_is_import", default=False)


def _origin(way: str) -> str:
    return audit.IMPORT if _is_import.get() else way


def _is_request() -> bool:
    """Return whether somebody asked for this over HTTP.

    Commands and jobs make a request context of their own, for links and translations; only what a
    server was asked has the address of who asked.
    """
    return flask.has_request_context() and "REMOTE_ADDR" in flask.request.environ


def find_actor(unit: UnitOfWork) -> dict[str, Any]:
    """Return who acts: ``user_id``, ``user_name`` and ``origin``."""
    if _is_request():
        person = flask.g.get("userobj")
        name = flask.g.get("user") or None
        inspected: Any = sa.inspect(person, raiseerr=False)
        identity = inspected.identity if inspected is not None else None
        origin = _origin(audit.API if flask.request.path.startswith("/api/") else audit.WEB)
        return {"user_id": identity[0] if identity else None, "user_name": name, "origin": origin}
    name = unit.get_notes(Actor).user
    if name == tk.config.get("ckan.site_id"):
        name = None
    id_ = None
    if name:
        user = model.User
        query = sa.select(user.id, user.name).where(sa.or_(user.name == name, user.id == name))
        id_, name = unit.session.execute(query.limit(1)).first() or (None, name)
    origin = _origin(audit.JOB if rq.get_current_job() else audit.COMMAND_LINE)
    return {"user_id": id_, "user_name": name, "origin": origin}
