"""Keys of records in the log, and the parts of the catalogue with feeds of their own.

A part is of a place, a problem, an organisation and so on. It is named as its addresses are:
``municipality/2105``; the whole catalogue is "". It is found by its address, and says of itself
what the whole says, with its own title and place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from flask import g, has_request_context
from rdflib import URIRef

from ckanext.marathon.feeds.triples import list_reached_lines, sort_lines
from ckanext.marathon.model import clock, package
from ckanext.marathon.model import dataset as dataset_model
from ckanext.marathon.model.feed import Entry, Kind
from ckanext.marathon.model.link import DEPARTMENT, MUNICIPALITY, PROBLEM
from ckanext.marathon.rdf import lookups
from ckanext.marathon.rdf.catalogue import OF_THE_WHOLE, build_part_graph
from ckanext.marathon.rdf.facts import PartFacts, Row, Site
from ckanext.marathon.records import Dataset, Idea
from ckanext.marathon.vocabulary import paths, problems, territory
from ckanext.marathon.vocabulary.codes import UnknownCode, pick_label


class Key(NamedTuple):
    """The key of a record: its kind and its id in CKAN (the catalogue's is "")."""

    kind: Kind
    thing: str

    def iri(self, site: Site) -> str:
        """Return the record's IRI; of a dataset the one that it came with, if ``site`` knows it."""
        if self.kind == Kind.CATALOG:
            return site.base
        return str(site.thing(self.kind, self.thing))


CATALOG = Key(Kind.CATALOG, "")
# The dataset types that are no datasets, and what they are.
_OTHERS = {str(kind): kind for kind in (Kind.WORKSHOP, Kind.IDEA, Kind.COMMITMENT)}
# Types of plugins that keep something else than datasets in packages. ckanext-dcat leaves the same
# two out of its catalogue (``logic.py``, ``_search_ckan_datasets``).
NOT_PUBLISHED = ("harvest", "showcase")


def find_kind(package_type: str | None) -> Kind | None:
    """Return the kind of entry for a dataset type; ``None`` if the log leaves the type out.

    Every type that is not one of ours is a dataset's, also one that no plugin has pages for.
    """
    if package_type in NOT_PUBLISHED:
        return None
    return _OTHERS.get(package_type or "", Kind.DATASET)


def is_of_kind(kind: Kind) -> sa.ColumnElement[bool]:
    """Return the SQL condition for packages whose log entry, if any, has this kind."""
    package_type = sa.func.coalesce(model.Package.type, str(Kind.DATASET))
    if kind != Kind.DATASET:
        return package_type == str(kind)
    return package_type.not_in([*_OTHERS, *NOT_PUBLISHED])


def page_size() -> int:
    """Return how many slots a page has on a site that has published nothing yet, 1–1000."""
    return min(max(tk.config["ckanext.dcat.datasets_per_page"], 1), 1000)


def find_site(row: Any = None) -> Site:
    """Return where IRIs start: where they did when the first of them was published.

    Other settings come too late: an IRI that changes is another thing to those who copied it.

    Args:
        row: the clock's, if it was read already.
    """
    found, said = lookups.read_site(), row or clock.read_clock()
    if said.base:
        return replace(found, base=said.base, vocabulary=said.vocabulary)
    return found


def add_kept_iris(site: Site, things: Collection[str]) -> Site:
    """Return where IRIs start, with those that these datasets and their files came with."""
    return replace(site, kept=dataset_model.read_kept_iris(things))


def find_iris(wanted: Iterable[Key], site: Site) -> dict[Key, str]:
    """Return the IRIs of records; of a dataset the one that it came with."""
    keys = list(wanted)
    here = add_kept_iris(site, [key.thing for key in keys if key.kind == Kind.DATASET])
    return {key: key.iri(here) for key in keys}


def dataset_uri(dataset: Row) -> str | None:
    """Return the IRI of a dataset for ckanext-dcat, ``None`` to leave it to that.

    ckanext-dcat would take any text in an extra called ``uri``.
    """
    if not dataset.get("id"):
        return None
    identifier = str(dataset["id"])
    return str(_add_kept_iris_of(identifier).dataset(identifier))


def resource_uri(resource: Row) -> str | None:
    """Return the IRI of a resource for ckanext-dcat, ``None`` to leave it to that."""
    if not resource.get("id") or not resource.get("package_id"):
        return None
    dataset = str(resource["package_id"])
    return str(_add_kept_iris_of(dataset).distribution(dataset, str(resource["id"])))


def _add_kept_iris_of(dataset: str) -> Site:
    """Return the site with the kept IRIs of one dataset, cached for the request."""
    if not has_request_context():
        return add_kept_iris(lookups.read_site(), [dataset])
    kept: dict[str, Site] = g.setdefault("marathon_kept", {})
    if dataset not in kept:
        kept[dataset] = add_kept_iris(lookups.read_site(), [dataset])
    return kept[dataset]


# Those whose codes are in a vocabulary, and those that are things of the catalogue.
PLACES_AND_PROBLEMS = (MUNICIPALITY, DEPARTMENT, PROBLEM)
THINGS = (str(Kind.ORGANIZATION), str(Kind.WORKSHOP), str(Kind.IDEA))
KINDS = (*PLACES_AND_PROBLEMS, *THINGS)


class Scope(NamedTuple):
    """A part of the catalogue: its kind, and a code, a notation or the id of a record."""

    kind: str
    code: str

    @property
    def name(self) -> str:
        """Its name in the log; "" for the whole."""
        return f"{self.kind}/{self.code}" if self.kind else ""


WHOLE = Scope("", "")


def list_scopes_of_dataset(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the parts that a public dataset belongs to, in alphabetical order.

    A dataset with a problem is also in the part of the area above it; a dataset of a public idea is
    also in the part of the idea's workshop.

    Args:
        dataset: as ``package_show`` gives it to a visitor.
    """
    return _list_names(
        {
            *_of_places(dataset.municipalities),
            *_of_problems(dataset.problems),
            *_of_ideas(dataset.ideas),
            Scope(Kind.ORGANIZATION, dataset.owner_id),
        }
    )


def list_scopes_of_owner(organization: str | None) -> tuple[str, ...]:
    """Return the part of the organisation, for a dataset that could not be described in full."""
    return _list_names({Scope(Kind.ORGANIZATION, organization or "")})


def _list_names(found: Collection[Scope]) -> tuple[str, ...]:
    return tuple(sorted(each.name for each in found if each.code))


def _of_places(codes: Iterable[str]) -> Iterator[Scope]:
    for code in codes:
        try:
            place = territory.get_municipality(code)
        except UnknownCode:
            continue
        yield Scope(MUNICIPALITY, place.code)
        yield Scope(DEPARTMENT, place.department_code)


def _of_problems(notations: Iterable[str]) -> Iterator[Scope]:
    for notation in notations:
        try:
            found = problems.get_problem(notation)
        except UnknownCode:
            continue
        yield Scope(PROBLEM, found.notation)
        if found.broader:
            yield from _of_problems([found.broader])


def _of_ideas(ideas: Iterable[Idea]) -> Iterator[Scope]:
    for idea in ideas:
        yield Scope(Kind.IDEA, idea.id)
        yield Scope(Kind.WORKSHOP, idea.workshop_id)


LANGUAGES: tuple[str, ...] = ("es", "en")


class NoPart(Exception):
    """There is no such part of the catalogue."""


class PartGone(Exception):
    """The record that the part is about is no longer public."""


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
        # The address of a record's page is the record's own IRI, and an organisation is not a
        # document: the catalogue of the part needs another IRI.
        return f"{self.scope.name}/catalog" if self.scope.kind in THINGS else self.scope.name

    def lines(self, whole: list[bytes], site: Site) -> list[bytes]:
        """Return its own description, as lines of N-Triples.

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
    """Return whether a record is public; ``None`` if it never was."""
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
