"""Who harvests, as the web server's access log says it.

Only programs that ask for feeds are counted, by the name that they give themselves; addresses and
browsers are left out: nobody is tracked.

Source of the format: the "combined" log of Apache httpd, which nginx and gunicorn write, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, unquote, urlsplit

from ckanext.marathon.feeds.scopes import KINDS

_LINE = re.compile(
    r'\S+ \S+ .*?\[([^\]]+)\] "(?:GET|HEAD) (\S+)[^"]*" (\d{3}) \S+'
    r'(?: "[^"]*" "((?:[^"\\]|\\.)*)")?'
)
_FEED = re.compile(
    rf"^(?:/[a-z]{{2}}(?:_[A-Z]{{2}})?)?((?:/(?:{'|'.join(KINDS)})/[^/]+)?)/"
    r"(catalog(?:/all|/changes)?(?:\.[a-z0-9]+)?|data\.json)$"
)
_BROWSER = re.compile(r"Mozilla/5\.0 \((?!compatible)")


@dataclass
class Reader:
    """A program that reads feeds of one part of the catalogue.

    Attributes:
        agent: how it calls itself, up to the first blank.
        part: as ``/municipality/2105``; "" for the whole.
        requests: how many it made.
        unchanged: how many of them were answered by 304.
        refused: how many were answered by an error.
        last: when it last asked.
        full_pass: when it last got everything.
        cursor: with which it last asked for changes.
        cursor_at: when that was.
    """

    agent: str
    part: str
    requests: int = 0
    unchanged: int = 0
    refused: int = 0
    last: datetime | None = None
    full_pass: datetime | None = None
    cursor: str = ""
    cursor_at: datetime | None = None


def read(lines: Iterable[str]) -> list[Reader]:
    """Return the programs that read feeds, the last that asked first.

    Args:
        lines: of access logs, in any order of the files; what is no request for a feed is passed
            over.
    """
    found: dict[tuple[str, str], Reader] = {}
    for line in lines:
        match = _LINE.match(line)
        if match:
            _count(found, *match.groups(default=""))
    return sorted(found.values(), key=lambda each: str(each.last), reverse=True)


def _count(
    found: dict[tuple[str, str], Reader], when: str, target: str, status: str, agent: str
) -> None:
    try:
        address = urlsplit(target)
    except ValueError:
        # Anybody can ask for an address that is none.
        return
    feed = _FEED.match(unquote(address.path))
    if feed is None or _BROWSER.match(agent):
        return
    part, what = feed.groups()
    name = agent.split(" ")[0][:80] or "-"
    reader = found.setdefault((name, part), Reader(name, part))
    moment = _moment(when)
    reader.requests += 1
    reader.unchanged += status == "304"
    reader.refused += status >= "400"
    reader.last = _later(reader.last, moment)
    if status == "200" and (what.startswith("catalog/all") or what == "data.json"):
        reader.full_pass = _later(reader.full_pass, moment)
    cursor = (parse_qs(address.query).get("since") or [""])[0][:100]
    is_newer = reader.cursor_at is None or _later(reader.cursor_at, moment) == moment
    # The current log is often named before the older ones.
    if what.startswith("catalog/changes") and cursor and is_newer:
        reader.cursor, reader.cursor_at = cursor, moment


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment), default=None)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")
    except ValueError:
        return None
