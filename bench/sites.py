"""Servers compared with our site on the same database, and their WSGI applications."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.sites import Site, application


class Unlogged(Site):
    """Our site without the steps that write the feed's log."""

    served_by = "bench.sites:unlogged"


class Static(Site):
    """A server that answers everything with one file: ``all.gz`` beside its ini file."""

    served_by = "bench.sites:static"


def unlogged(ini: str, templates: str) -> Any:
    """Return our site without the steps that write the feed's log and the record of changes."""
    from ckanext.marathon.feeds import publish
    from ckanext.marathon.logic import activity
    from ckanext.marathon.model import audit

    for module in (publish, audit):
        for step in ("note_flush", "note_created", "publish_touched"):
            setattr(module, step, lambda _unit: None)
    audit.write_entries = activity.relabel_touched_records = lambda _unit: None
    return application(ini, templates)


def static(ini: str, _templates: str) -> Any:
    """Return what answers everything with one file, as fast as Python can."""
    path = Path(ini).with_name("all.gz")

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        headers = [("Content-Encoding", "gzip"), ("Content-Length", str(path.stat().st_size))]
        start_response("200 OK", headers)
        return environ["wsgi.file_wrapper"](path.open("rb"))

    return answer
