"""Parts of the catalogue with feeds of their own: of a place, a problem, an organisation and so on.

A part is named as its addresses are: ``municipality/2105``; the whole catalogue is "". It is found
by its address, and says of itself what the whole says, with its own title and place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from rdflib import URIRef

from ckanext.marathon.feeds.triples import list_reached_lines, sort_lines
from ckanext.marathon.model import package
from ckanext.marathon.model.feed import Entry, Kind
from ckanext.marathon.model.link import DEPARTMENT, MUNICIPALITY, PROBLEM
from ckanext.marathon.rdf.catalogue import OF_THE_WHOLE, build_part_graph
from ckanext.marathon.rdf.facts import PartFacts, Row
from ckanext.marathon.rdf.iri import Site
from ckanext.marathon.records.values import list_texts
from ckanext.marathon.vocabulary import paths, problems, territory
from ckanext.marathon.vocabulary.errors import UnknownCode
from ckanext.marathon.vocabulary.text import pick_label

# Those whose codes are in a vocabulary, and those that are things of the catalogue.
PLACES_AND_PROBLEMS = (MUNICIPALITY, DEPARTMENT, PROBLEM)
THINGS = (str(Kind.ORGANIZATION), str(Kind.WORKSHOP), str(Kind.IDEA))
KINDS = (*PLACES_AND_PROBLEMS, *THINGS)


class Scope(NamedTuple):
    """A part of the catalogue: its kind, and a code, a notation or the id of a thing."""

    kind: str
    code: str

    @property
    def name(self) -> str:
        """What it is called in the log; "" for the whole."""
        return f"{self.kind}/{self.code}" if self.kind else ""


WHOLE = Scope("", "")


def list_scopes_of_dataset(shown: Row) -> tuple[str, ...]:
    """Return the names of the parts that a public dataset is in, in alphabetical order.

    What is tagged with a problem is in the problems above it, too; what came from an idea is in
    its workshop's part, as far as visitors see the idea.

    Args:
        shown: the dataset as ``package_show`` gives it to a visitor.
    """
    return _list_names(
        {
            *_of_places(list_texts(shown.get("municipality"))),
            *_of_problems(list_texts(shown.get("service_problem"))),
            *_of_ideas(shown.get("ideas") or []),
            Scope(Kind.ORGANIZATION, str(shown.get("owner_org") or "")),
        }
    )


def list_scopes_of_owner(organization: str | None) -> tuple[str, ...]:
    """Return the part of an organisation alone, for what could not be described in full."""
    return _list_names({Scope(Kind.ORGANIZATION, organization or "")})


def _list_names(found: Collection[Scope]) -> tuple[str, ...]:
    return tuple(sorted(each.name for each in found if each.code))


def _of_places(codes: list[str]) -> Iterator[Scope]:
    for code in codes:
        try:
            place = territory.get_municipality(code)
        except UnknownCode:
            continue
        yield Scope(MUNICIPALITY, place.code)
        yield Scope(DEPARTMENT, place.department_code)


def _of_problems(notations: list[str]) -> Iterator[Scope]:
    for notation in notations:
        try:
            found = problems.get_problem(notation)
        except UnknownCode:
            continue
        yield Scope(PROBLEM, found.notation)
        if found.broader:
            yield from _of_problems([found.broader])


def _of_ideas(ideas: list[Row]) -> Iterator[Scope]:
    for idea in ideas:
        yield Scope(Kind.IDEA, str(idea.get("id") or ""))
        workshop = idea.get("workshop")
        held = workshop.get("id") if isinstance(workshop, dict) else workshop
        yield Scope(Kind.WORKSHOP, str(held or ""))


LANGUAGES: tuple[str, ...] = ("es", "en")


class NoPart(Exception):
    """There is no such part of the catalogue."""


class PartGone(Exception):
    """The thing whose part it was is no longer public."""


class PartElsewhere(Exception):
    """The part is found under its code or id, which ``scope`` gives."""

    def __init__(self, scope: Scope) -> None:
        """Keep where it is."""
        super().__init__(scope.name)
        self.scope = scope


@dataclass(frozen=True)
class CataloguePart:
    """A part of the catalogue, or the whole.

    Attributes:
        scope: which.
        titles: by language, of what it is about; empty for the whole.
        places: kind and code of the places that it is about.
    """

    scope: Scope
    titles: Mapping[str, str]
    places: tuple[tuple[str, str], ...] = ()

    def iri(self, base: str) -> str:
        """Return its IRI as a catalogue."""
        return f"{base}/{self.scope.name}/catalog" if self.scope.kind else base

    @property
    def _page(self) -> str:
        # The page of a thing has the thing's own IRI, and an organisation is no document.
        return f"{self.scope.name}/catalog" if self.scope.kind in THINGS else self.scope.name

    def lines(self, whole: list[bytes], site: Site) -> list[bytes]:
        """Return what it says of itself, as lines of N-Triples.

        Args:
            whole: what the whole catalogue says of itself.
            site: where IRIs start.
        """
        if self.scope == WHOLE:
            return whole
        old, new = f"<{site.base}> ".encode(), f"<{self.iri(site.base)}> ".encode()
        own_words = tuple(old + f"<{each}>".encode() for each in OF_THE_WHOLE)
        kept = [line for line in whole if not line.startswith(own_words)]
        inherited = [
            new + line.removeprefix(old) if line.startswith(old) else line for line in kept
        ]
        graph = build_part_graph(
            PartFacts(
                site=site,
                iri=URIRef(self.iri(site.base)),
                catalogue=str(tk.config.get("ckan.site_title") or site.base),
                titles=self.titles,
                homepage=f"{site.url}/{self._page}",
                places=self.places,
            )
        )
        own = graph.serialize(format="nt11", encoding="utf-8").splitlines()
        return sort_lines(list_reached_lines(self.iri(site.base), [*inherited, *filter(None, own)]))


THE_WHOLE = CataloguePart(WHOLE, {})


def find_catalogue_part(kind: str, reference: str) -> CataloguePart:
    """Return the part of the catalogue at an address.

    Args:
        kind: one of ``scopes.KINDS``.
        reference: a code or notation, or the id or name of a thing.

    Raises:
        NoPart: there is nothing of this kind with this code, id or name; or nobody may see it.
        PartGone: it was public and no longer is.
        Elsewhere: it is found under another address.
    """
    if kind in PLACES_AND_PROBLEMS:
        return _find_part_of_vocabulary(kind, reference)
    if kind in THINGS:
        return _find_part_of_record(Kind(kind), reference)
    raise NoPart


def _find_part_of_vocabulary(kind: str, reference: str) -> CataloguePart:
    try:
        if kind == PROBLEM:
            found = problems.get_problem(reference)
            titles = {lang: pick_label(found.pref_label, lang, reference) for lang in LANGUAGES}
            return CataloguePart(Scope(kind, reference), titles)
        place = (territory.get_municipality if kind == MUNICIPALITY else territory.get_department)(
            reference
        )
    except UnknownCode:
        code = paths.repair_concept_code(kind, reference)
        raise (PartElsewhere(Scope(kind, code)) if code else NoPart()) from None
    return CataloguePart(
        Scope(kind, reference), dict.fromkeys(LANGUAGES, place.name), ((kind, reference),)
    )


def _find_part_of_record(kind: Kind, reference: str) -> CataloguePart:
    is_public = _is_logged_public(kind, reference)
    if is_public is None:
        named = _find_record_by_name(kind, reference)
        if named is None or not _is_logged_public(kind, named.id):
            raise NoPart
        raise PartElsewhere(Scope(kind, named.id))
    if not is_public:
        raise PartGone
    thing: Any = model.Session.get(
        model.Group if kind == Kind.ORGANIZATION else model.Package, reference
    )
    if thing is None:
        raise PartGone
    if kind == Kind.ORGANIZATION:
        codes = [package.read_stored_text(thing, "municipality_code")]
    else:
        codes = package.read_stored_texts(thing, "municipality")
    places = tuple((MUNICIPALITY, code) for code in codes if code)
    titles = dict.fromkeys(LANGUAGES, str(thing.title or thing.name))
    return CataloguePart(Scope(kind, reference), titles, places)


def _is_logged_public(kind: Kind, identifier: str) -> bool | None:
    """Return whether a thing is public; ``None`` if it never was."""
    query = sa.select(Entry.digest.is_not(None)).where(
        Entry.thing == identifier, Entry.kind == str(kind)
    )
    return model.Session.scalar(query)


def _find_record_by_name(kind: Kind, name: str) -> Any:
    if kind == Kind.ORGANIZATION:
        found = model.Session.query(model.Group).filter_by(name=name, is_organization=True)
    else:
        found = model.Session.query(model.Package).filter_by(name=name, type=str(kind))
    return found.first()
