"""Servers that are compared with this extension on the same database, and their applications."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from tests.sites import Site, application


class Unlogged(Site):
    """A site of this extension without the steps that write the feed's log."""

    served_by = "bench.sites:unlogged"


class Static(Site):
    """A server that answers every request with one file: ``all.gz`` beside its ini file."""

    served_by = "bench.sites:static"


def unlogged(ini: str, templates: str) -> WSGIApplication:
    """Return the application without the steps for the feed's log and the record of changes."""
    from ckanext.marathon.feeds import publish
    from ckanext.marathon.logic import activity
    from ckanext.marathon.model import audit

    for module in (publish, audit):
        for step in ("note_flush", "note_created", "publish_touched"):
            setattr(module, step, lambda _unit: None)
    audit.write_entries = activity.relabel_touched_records = lambda _unit: None
    return application(ini, templates)


def static(ini: str, _templates: str) -> WSGIApplication:
    """Return an application that answers every request with one file, as fast as Python can."""
    path = Path(ini).with_name("all.gz")

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = [("Content-Encoding", "gzip"), ("Content-Length", str(path.stat().st_size))]
        start_response("200 OK", headers)
        return environ["wsgi.file_wrapper"](path.open("rb"))

    return answer
