"""Trying a running site as portals use it, over HTTP, and saying what was found.

Nothing of the site itself is used: it may be any that has these feeds.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyoxigraph
import requests

from ckanext.marathon.feeds.changes import AS
from ckanext.marathon.feeds.inventory import CLASSES
from ckanext.marathon.feeds.scopes import KINDS
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.rdf.namespaces import DCT, RDF

CURSOR = "Marathon-Feed-Cursor"
SECONDS = 300
# Pages that are read of a crawl, so that a check ends.
PAGES = 1_000
# What a cursor ends with.
_MARK = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True)
class Finding:
    """What was tried, and what is wrong with it; "" if nothing is."""

    tried: str
    fault: str


class Failed(Exception):
    """A check has failed, for the reason given."""


class Check:
    """Checks of one catalogue, e.g. ``https://example.org/catalog`` or that of a part."""

    def __init__(self, address: str) -> None:
        """Take the address with or without ``/catalog`` at its end."""
        self.catalog = address.rstrip("/").removesuffix("/catalog") + "/catalog"
        self._session = requests.Session()
        self._all: set[str] = set()

    def run(self) -> Iterator[Finding]:
        """Yield a finding for each check, as they are done."""
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
            except Failed as failed:
                yield Finding(tried, str(failed))
            except (requests.RequestException, SyntaxError, ValueError, KeyError) as error:
                yield Finding(tried, f"{type(error).__name__}: {error}")
            else:
                yield Finding(tried, "")

    def formats(self) -> None:
        """Read all in every format."""
        found = {
            extension: self._triples(f"{self.catalog}/all.{extension}", form.writer)
            for extension, form in FORMATS.items()
            if extension != "n3"
        }
        expected = found["nt"]
        self._all = _datasets(expected)
        for extension, triples in found.items():
            if triples != expected:
                raise Failed(
                    f"all.{extension}: {len(triples ^ expected)} other triples than all.nt"
                )

    def pages(self) -> None:
        """Follow the pages as harvesters do."""
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
            raise Failed(f"twice: {twice[0]}")
        _same(set(seen), self._all, "the pages")

    def datasets(self) -> None:
        """Look at what DCAT-AP asks for."""
        triples = self._triples(f"{self.catalog}/all.nt", pyoxigraph.RdfFormat.N_TRIPLES)
        said: dict[str, set[str]] = {}
        for each in triples:
            said.setdefault(_value(each.subject), set()).add(each.predicate.value)
        for iri in self._all:
            for predicate in (DCT.title, DCT.description, DCT.publisher, DCT.identifier):
                if str(predicate) not in said[iri]:
                    raise Failed(f"{iri} has no {predicate}")

    def unchanged(self) -> None:
        """Ask again for what is there already."""
        for address in (
            f"{self.catalog}.ttl",
            f"{self.catalog}/all.ttl",
            f"{self.catalog}/changes",
        ):
            tag = self._get(address).headers["ETag"]
            again = self._session.get(address, headers={"If-None-Match": tag}, timeout=SECONDS)
            if again.status_code != 304:
                raise Failed(f"{address}: {again.status_code}")

    def head(self) -> None:
        """Ask for headers only."""
        for address in (f"{self.catalog}.ttl", f"{self.catalog}/all.ttl"):
            only = self._session.head(address, timeout=SECONDS)
            if only.headers.get("ETag") != self._get(address).headers["ETag"]:
                raise Failed(f"{address}: another ETag")

    def transport(self) -> None:
        """Look at the bytes as they come."""
        address = f"{self.catalog}/all.nt"
        headers = {"Accept-Encoding": "gzip"}
        with self._session.get(address, headers=headers, stream=True, timeout=SECONDS) as answer:
            if answer.headers.get("Content-Encoding") != "gzip":
                raise Failed("no gzip")
            gzip.decompress(answer.raw.read(decode_content=False))
            if answer.headers.get("Access-Control-Allow-Origin") != "*":
                raise Failed("other sites may not read it")

    def changes(self) -> None:
        """Follow the changes from the first."""
        there: set[str] = set()
        page: str | None = f"{self.catalog}/changes.nq"
        while page:
            answer = self._get(page)
            for kind, thing in _activities(answer.content):
                (there.discard if kind == "Delete" else there.add)(thing)
            page = answer.links.get("next", {}).get("url")
        # The whole catalogue speaks of itself, too.
        _same(
            {each for each in there if each in self._all or "/dataset/" in each},
            self._all,
            "changes",
        )

    def gone(self) -> None:
        """Ask with a cursor of another epoch, and with one of a history that was lost."""
        now = self._get(f"{self.catalog}/changes").headers[CURSOR]
        before, _, mark = now.rpartition(".")
        if not _MARK.fullmatch(mark):
            raise Failed(f"{now} does not say which history it is of")
        other = "00000000-0000-0000-0000-000000000000.1"
        for cursor in (other, f"{before}.{int(mark, 16) ^ 1:016x}"):
            answer = self._session.get(f"{self.catalog}/changes?since={cursor}", timeout=SECONDS)
            if answer.status_code != 410:
                raise Failed(f"{cursor}: {answer.status_code}")

    def data_json(self) -> None:
        """Read the inventory."""
        answer = self._get(f"{self.catalog.removesuffix('/catalog')}/data.json")
        found = json.loads(answer.content)
        _same({each["identifier"] for each in found["dataset"]}, self._all, "data.json")

    def unknown(self) -> None:
        """Ask for what nobody has."""
        site = re.sub(rf"/(?:{'|'.join(KINDS)})/.*", "", self.catalog)
        root = site.removesuffix("/catalog")
        for address in (
            f"{root}/municipality/9999/catalog.ttl",
            f"{self.catalog}.ttl?page=9999999",
        ):
            answer = self._session.get(address, timeout=SECONDS)
            if answer.status_code != 404 or not answer.text.strip():
                raise Failed(f"{address}: {answer.status_code}")

    def _get(self, address: str) -> requests.Response:
        answer = self._session.get(address, timeout=SECONDS)
        if answer.status_code != 200:
            raise Failed(f"{address}: {answer.status_code}")
        return answer

    def _triples(self, address: str, form: pyoxigraph.RdfFormat) -> set[Any]:
        return _parsed(self._get(address).content, form)


def _parsed(body: bytes, form: pyoxigraph.RdfFormat) -> set[Any]:
    return {each.triple for each in pyoxigraph.parse(body, format=form)}


def _datasets(triples: set[Any]) -> set[str]:
    return {iri for kind in CLASSES for iri in _of_class(triples, str(kind))}


def _of_class(triples: set[Any], kind: str) -> set[str]:
    return {
        _value(each.subject)
        for each in triples
        if each.predicate.value == str(RDF.type) and _value(each.object) == kind
    }


def _value(term: Any) -> str:
    return term.value


def _activities(body: bytes) -> list[tuple[str, str]]:
    kinds: dict[str, str] = {}
    things: dict[str, str] = {}
    order: dict[str, str] = {}
    for quad in pyoxigraph.parse(body, format=pyoxigraph.RdfFormat.N_QUADS):
        about, said, value = _value(quad.subject), quad.predicate.value, _value(quad.object)
        if said == str(RDF.type) and value.startswith(AS):
            kinds[about] = value.removeprefix(AS)
        elif said == f"{AS}object":
            things[about] = value
        elif said == f"{AS}published":
            order[about] = value
    return [(kinds[each], things[each]) for each in sorted(things, key=lambda each: order[each])]


def _same(found: set[str], expected: set[str], where: str) -> None:
    if found != expected:
        missing, more = sorted(expected - found), sorted(found - expected)
        example = (missing or more)[0]
        raise Failed(f"{where}: {len(missing)} missing, {len(more)} too many, e.g. {example}")
