"""Harvesting portals: which programs read the feeds (access log), and a test of the feeds.

Of the log (Apache's "combined" format, also of nginx and gunicorn), only programs that request
feeds are counted, by their ``User-Agent``. IP addresses and browsers are left out: nobody is
tracked. The test uses HTTP only, so it works for any site with these feeds.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyoxigraph
import requests

from ckanext.marathon.feeds.changes import AS
from ckanext.marathon.feeds.inventory import CLASSES
from ckanext.marathon.feeds.source import KINDS
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.rdf.namespaces import DCT, RDF

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
class PortalReader:
    """A program that reads feeds of one part of the catalogue.

    Attributes:
        agent: its ``User-Agent`` up to the first blank.
        part: part of the catalogue, such as ``/municipality/2105``; "" for the whole catalogue.
        requests: number of its requests.
        unchanged: number of answers with 304.
        refused: number of answers with an error.
        last: time of the last request.
        full_pass: time at which it last got the whole catalogue.
        cursor: cursor of its last request for changes.
        cursor_at: time of that request.
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


def read_readers(lines: Iterable[str]) -> list[PortalReader]:
    """Return the programs that read feeds, sorted by their last request, the latest first.

    Args:
        lines: lines of access logs; the order of the files does not matter.
    """
    found: dict[tuple[str, str], PortalReader] = {}
    for line in lines:
        match = _LINE.match(line)
        if match:
            _count(found, *match.groups(default=""))
    return sorted(found.values(), key=lambda row: str(row.last), reverse=True)


def _count(
    found: dict[tuple[str, str], PortalReader], when: str, target: str, status: str, agent: str
) -> None:
    try:
        address = urlsplit(target)
    except ValueError:
        # Requests may have malformed addresses.
        return
    feed = _FEED.match(unquote(address.path))
    if feed is None or _BROWSER.match(agent):
        return
    part, what = feed.groups()
    name = agent.split(" ")[0][:80] or "-"
    reader = found.setdefault((name, part), PortalReader(name, part))
    moment = _moment(when)
    reader.requests += 1
    reader.unchanged += status == "304"
    reader.refused += status >= "400"
    reader.last = _later(reader.last, moment)
    if status == "200" and (what.startswith("catalog/all") or what == "data.json"):
        reader.full_pass = _later(reader.full_pass, moment)
    cursor = (parse_qs(address.query).get("since") or [""])[0][:100]
    is_newer = reader.cursor_at is None or _later(reader.cursor_at, moment) == moment
    # Lines of an older log may come after those of the current one.
    if what.startswith("catalog/changes") and cursor and is_newer:
        reader.cursor, reader.cursor_at = cursor, moment


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment), default=None)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")
    except ValueError:
        return None


CURSOR = "Marathon-Feed-Cursor"
SECONDS = 300
# Most pages read in a crawl, so that a check ends.
PAGES = 1_000
# The mark at the end of a cursor.
_MARK = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True)
class PortalFinding:
    """The result of a check; ``fault`` is "" if it succeeded, ``tried`` describes the check."""

    tried: str
    fault: str


class PortalFailure(Exception):
    """A check has failed; the text is the reason."""


class PortalCheck:
    """Checks of one catalogue, e.g. ``https://example.org/catalog`` or that of a part."""

    def __init__(self, address: str) -> None:
        """Set the address, with or without ``/catalog`` at its end."""
        self.catalog = address.rstrip("/").removesuffix("/catalog") + "/catalog"
        self._session = requests.Session()
        self._all: set[str] = set()

    def run(self) -> Iterator[PortalFinding]:
        """Run all checks, and yield a finding for each."""
        checks: list[tuple[str, Callable[[], None]]] = [
            ("every format is read, and says the same", self.formats),
            ("the pages lead to everything, once", self.pages),
            ("each dataset has title, description, publisher and identifier", self.datasets),
            ("who has it gets 304", self.unchanged),
            ("HEAD says what GET says", self.head),
            ("gzip is sent to who takes it, and other sites may read", self.transport),
            ("the changes lead to the same datasets", self.changes),
            ("a cursor of another epoch, or of a lost history, gets 410", self.gone),
            ("data.json has the same datasets", self.data_json),
            ("what does not exist gets 404 and says what does", self.unknown),
        ]
        for tried, check in checks:
            try:
                check()
            except PortalFailure as failed:
                yield PortalFinding(tried, str(failed))
            except (requests.RequestException, SyntaxError, ValueError, KeyError) as error:
                yield PortalFinding(tried, f"{type(error).__name__}: {error}")
            else:
                yield PortalFinding(tried, "")

    def formats(self) -> None:
        """Read the whole catalogue in every format, and compare the triples."""
        found = {
            extension: self._triples(f"{self.catalog}/all.{extension}", form.writer)
            for extension, form in FORMATS.items()
            if extension != "n3"
        }
        expected = found["nt"]
        self._all = _datasets(expected)
        for extension, triples in found.items():
            if triples != expected:
                raise PortalFailure(
                    f"all.{extension}: {len(triples ^ expected)} other triples than all.nt"
                )

    def pages(self) -> None:
        """Follow the pages of the catalogue, and compare the datasets."""
        seen: Counter[str] = Counter()
        address = f"{self.catalog}.nt"
        for _ in range(PAGES):
            answer = self._get(address)
            triples = _parsed(answer.content, pyoxigraph.RdfFormat.N_TRIPLES)
            seen.update(_datasets(triples))
            following = answer.links.get("next")
            if not following:
                break
            address = following["url"]
        twice = [iri for iri, times in seen.items() if times > 1]
        if twice:
            raise PortalFailure(f"twice: {twice[0]}")
        _same(set(seen), self._all, "the pages")

    def datasets(self) -> None:
        """Check the properties that DCAT-AP requires."""
        triples = self._triples(f"{self.catalog}/all.nt", pyoxigraph.RdfFormat.N_TRIPLES)
        predicates: dict[str, set[str]] = {}
        for triple in triples:
            predicates.setdefault(_value(triple.subject), set()).add(triple.predicate.value)
        for iri in self._all:
            for predicate in (DCT.title, DCT.description, DCT.publisher, DCT.identifier):
                if str(predicate) not in predicates[iri]:
                    raise PortalFailure(f"{iri} has no {predicate}")

    def unchanged(self) -> None:
        """Repeat a request with its ETag, and expect 304."""
        for address in (
            f"{self.catalog}.ttl",
            f"{self.catalog}/all.ttl",
            f"{self.catalog}/changes",
        ):
            tag = self._get(address).headers["ETag"]
            again = self._session.get(address, headers={"If-None-Match": tag}, timeout=SECONDS)
            if again.status_code != 304:
                raise PortalFailure(f"{address}: {again.status_code}")

    def head(self) -> None:
        """Send a HEAD request, and expect the ETag of GET."""
        for address in (f"{self.catalog}.ttl", f"{self.catalog}/all.ttl"):
            only = self._session.head(address, timeout=SECONDS)
            if only.headers.get("ETag") != self._get(address).headers["ETag"]:
                raise PortalFailure(f"{address}: another ETag")

    def transport(self) -> None:
        """Check that an answer is compressed with gzip and readable from other sites (CORS)."""
        address = f"{self.catalog}/all.nt"
        headers = {"Accept-Encoding": "gzip"}
        with self._session.get(address, headers=headers, stream=True, timeout=SECONDS) as answer:
            if answer.headers.get("Content-Encoding") != "gzip":
                raise PortalFailure("no gzip")
            gzip.decompress(answer.raw.read(decode_content=False))
            if answer.headers.get("Access-Control-Allow-Origin") != "*":
                raise PortalFailure("other sites may not read it")

    def changes(self) -> None:
        """Follow the changes from the first one, and compare the result with the catalogue."""
        there: set[str] = set()
        page: str | None = f"{self.catalog}/changes.nq"
        while page:
            answer = self._get(page)
            for kind, iri in _activities(answer.content):
                (there.discard if kind == "Delete" else there.add)(iri)
            page = answer.links.get("next", {}).get("url")
        # The changes of the whole catalogue include those of the catalogue itself.
        _same(
            {iri for iri in there if iri in self._all or "/dataset/" in iri},
            self._all,
            "changes",
        )

    def gone(self) -> None:
        """Send a cursor of another epoch and one of a lost history, and expect 410."""
        now = self._get(f"{self.catalog}/changes").headers[CURSOR]
        before, _, mark = now.rpartition(".")
        if not _MARK.fullmatch(mark):
            raise PortalFailure(f"{now} does not say which history it is of")
        other = "00000000-0000-0000-0000-000000000000.1"
        for cursor in (other, f"{before}.{int(mark, 16) ^ 1:016x}"):
            answer = self._session.get(f"{self.catalog}/changes?since={cursor}", timeout=SECONDS)
            if answer.status_code != 410:
                raise PortalFailure(f"{cursor}: {answer.status_code}")

    def data_json(self) -> None:
        """Read ``data.json`` and compare its datasets."""
        answer = self._get(f"{self.catalog.removesuffix('/catalog')}/data.json")
        found = json.loads(answer.content)
        _same({dataset["identifier"] for dataset in found["dataset"]}, self._all, "data.json")

    def unknown(self) -> None:
        """Request unknown addresses, and expect 404 with a text."""
        site = re.sub(rf"/(?:{'|'.join(KINDS)})/.*", "", self.catalog)
        root = site.removesuffix("/catalog")
        for address in (
            f"{root}/municipality/9999/catalog.ttl",
            f"{self.catalog}.ttl?page=9999999",
        ):
            answer = self._session.get(address, timeout=SECONDS)
            if answer.status_code != 404 or not answer.text.strip():
                raise PortalFailure(f"{address}: {answer.status_code}")

    def _get(self, address: str) -> requests.Response:
        answer = self._session.get(address, timeout=SECONDS)
        if answer.status_code != 200:
            raise PortalFailure(f"{address}: {answer.status_code}")
        return answer

    def _triples(self, address: str, form: pyoxigraph.RdfFormat) -> set[Any]:
        return _parsed(self._get(address).content, form)


def _parsed(body: bytes, form: pyoxigraph.RdfFormat) -> set[Any]:
    return {quad.triple for quad in pyoxigraph.parse(body, format=form)}


def _datasets(triples: set[Any]) -> set[str]:
    return {iri for kind in CLASSES for iri in _of_class(triples, str(kind))}


def _of_class(triples: set[Any], kind: str) -> set[str]:
    return {
        _value(triple.subject)
        for triple in triples
        if triple.predicate.value == str(RDF.type) and _value(triple.object) == kind
    }


def _value(term: Any) -> str:
    return term.value


def _activities(body: bytes) -> list[tuple[str, str]]:
    kinds: dict[str, str] = {}
    objects: dict[str, str] = {}
    order: dict[str, str] = {}
    for quad in pyoxigraph.parse(body, format=pyoxigraph.RdfFormat.N_QUADS):
        about, predicate, value = _value(quad.subject), quad.predicate.value, _value(quad.object)
        if predicate == str(RDF.type) and value.startswith(AS):
            kinds[about] = value.removeprefix(AS)
        elif predicate == f"{AS}object":
            objects[about] = value
        elif predicate == f"{AS}published":
            order[about] = value
    return [(kinds[name], objects[name]) for name in sorted(objects, key=lambda name: order[name])]


def _same(found: set[str], expected: set[str], where: str) -> None:
    if found != expected:
        missing, more = sorted(expected - found), sorted(found - expected)
        example = (missing or more)[0]
        raise PortalFailure(
            f"{where}: {len(missing)} missing, {len(more)} too many, e.g. {example}"
        )
