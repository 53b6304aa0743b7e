"""The taxonomy of municipal service problems: 13 areas with 60 problems.

It is read from SKOS in Turtle (``schemas/service_problems.ttl``).

Source of the model: SKOS Reference, W3C, 18 August 2009.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple

import pyoxigraph

from ckanext.marathon.vocabulary import codes
from ckanext.marathon.vocabulary.codes import (
    Labels,
    MalformedCode,
    MalformedData,
    NameIndex,
    UnknownCode,
    pick_label,
)

FILE = "service_problems.ttl"
# Never published; the parser needs a base for the relative IRIs of the file.
BASE = "https://vocabulary.invalid/"
SCHEME = BASE + "service-problem"
COFOG = BASE + "def#cofogCode"

SKOS = "http://www.w3.org/2004/02/skos/core#"
DCT = "http://purl.org/dc/terms/"
OWL = "http://www.w3.org/2002/07/owl#"

Match = Literal["closeMatch", "broadMatch"]
Term = pyoxigraph.NamedNode | pyoxigraph.Literal
Properties = dict[str, list[Term]]
AltLabels = Mapping[str, tuple[str, ...]]


class ThemeMatch(NamedTuple):
    """An EU data theme, and the SKOS mapping property (without prefix) that leads to it."""

    iri: str
    match: Match


@dataclass(frozen=True, slots=True)
class ServiceProblem:
    """A concept of the taxonomy: one of 13 service areas or of the 60 problems in them.

    Attributes:
        notation: e.g. ``AGU`` (an area) or ``AGU-01``.
        broader: notation of the area, ``None`` for an area.
        narrower: notations of an area's problems, in the file's order.
        eu_themes: at least one EU data theme.
        sdg: IRIs of related UN goals and targets.
        cofog: UN COFOG 1999 division (``NN``) or group (``NN.N``), if one fits.
    """

    notation: str
    pref_label: Labels = field(hash=False)
    alt_labels: AltLabels = field(hash=False)
    definition: Labels = field(hash=False)
    scope_note: Labels = field(hash=False)
    broader: str | None
    narrower: tuple[str, ...]
    eu_themes: tuple[ThemeMatch, ...]
    sdg: tuple[str, ...]
    cofog: str | None

    @property
    def is_area(self) -> bool:
        """Whether this is a service area, not a problem."""
        return self.broader is None

    def label(self, lang: str = "es") -> str:
        """Return the label in a language, else in Spanish."""
        return pick_label(self.pref_label, lang, self.notation)


@dataclass(frozen=True, slots=True)
class ProblemScheme:
    """The metadata of the taxonomy's file."""

    title: Labels = field(hash=False)
    description: Labels = field(hash=False)
    version: str
    licence: str


def read_taxonomy(turtle: bytes) -> tuple[ProblemScheme, tuple[ServiceProblem, ...]]:
    """Parse the taxonomy.

    Returns:
        its metadata, and its concepts, each area before its problems.

    Raises:
        MalformedData: the file is not Turtle, or a concept lacks its notation or label.
    """
    subjects = _parse(turtle)
    about = subjects.pop(SCHEME)
    scheme = ProblemScheme(
        title=_by_language(about, DCT + "title"),
        description=_by_language(about, DCT + "description"),
        version=_first(about, OWL + "versionInfo") or "",
        licence=_first(about, DCT + "license") or "",
    )
    concepts = {
        problem.notation: problem
        for iri, properties in subjects.items()
        if iri.startswith(SCHEME + "/")
        for problem in [_problem(iri, properties)]
    }
    areas = [_notation(top.value) for top in about[SKOS + "hasTopConcept"]]
    order = [notation for area in areas for notation in (area, *concepts[area].narrower)]
    return scheme, tuple(concepts[notation] for notation in order)


def _problem(iri: str, properties: Properties) -> ServiceProblem:
    notation = _first(properties, SKOS + "notation")
    if notation is None or notation != _notation(iri) or SKOS + "prefLabel" not in properties:
        raise MalformedData(f"{iri.removeprefix(BASE)} needs a label and its notation")
    broader = _first(properties, SKOS + "broader")
    return ServiceProblem(
        notation=notation,
        pref_label=_by_language(properties, SKOS + "prefLabel"),
        alt_labels=_lists_by_language(properties, SKOS + "altLabel"),
        definition=_by_language(properties, SKOS + "definition"),
        scope_note=_by_language(properties, SKOS + "scopeNote"),
        broader=_notation(broader) if broader else None,
        narrower=tuple(_notation(term.value) for term in properties.get(SKOS + "narrower", ())),
        eu_themes=tuple(
            ThemeMatch(theme.value, match)
            for match in ("closeMatch", "broadMatch")
            for theme in properties.get(SKOS + match, ())
        ),
        sdg=tuple(term.value for term in properties.get(SKOS + "relatedMatch", ())),
        cofog=_first(properties, COFOG),
    )


def _parse(turtle: bytes) -> dict[str, Properties]:
    subjects: dict[str, Properties] = {}
    try:
        for quad in pyoxigraph.parse(turtle, format=pyoxigraph.RdfFormat.TURTLE, base_iri=BASE):
            if not isinstance(quad.subject, pyoxigraph.NamedNode) or not isinstance(
                quad.object, pyoxigraph.NamedNode | pyoxigraph.Literal
            ):
                raise MalformedData(f"{FILE}: blank nodes are not used here: {quad}")
            properties = subjects.setdefault(quad.subject.value, {})
            properties.setdefault(quad.predicate.value, []).append(quad.object)
    except SyntaxError as error:
        raise MalformedData(f"{FILE}: not Turtle, line {error.lineno}: {error.msg}") from error
    return subjects


def _notation(iri: str) -> str:
    return iri.removeprefix(SCHEME + "/")


def _first(properties: Properties, predicate: str) -> str | None:
    return next((term.value for term in properties.get(predicate, ())), None)


def _language(text: Term) -> str:
    return (text.language or "").lower() if isinstance(text, pyoxigraph.Literal) else ""


def _by_language(properties: Properties, predicate: str) -> Labels:
    return MappingProxyType({_language(term): term.value for term in properties.get(predicate, ())})


def _lists_by_language(properties: Properties, predicate: str) -> AltLabels:
    found: dict[str, tuple[str, ...]] = {}
    for term in properties.get(predicate, ()):
        found[_language(term)] = (*found.get(_language(term), ()), term.value)
    return MappingProxyType(found)


KIND = "service-problem"

_NOTATION = re.compile(r"([A-Za-z]{3})(?:[\s_-]*([0-9]{1,2}))?")


class ProblemBranch(NamedTuple):
    """A service area and the problems in it."""

    area: ServiceProblem
    problems: tuple[ServiceProblem, ...]


class RepairedNotation(NamedTuple):
    """A notation, and whether it was corrected (the caller then adds a notice)."""

    notation: str
    repaired: bool


def get_problem(notation: str) -> ServiceProblem:
    """Return an area or a problem by its exact notation.

    Raises:
        UnknownCode: none has it. For ``agu-1`` see :func:`repair_notation`.
    """
    try:
        return _taxonomy().concepts[notation]
    except (KeyError, TypeError):
        raise UnknownCode(KIND, notation) from None


def list_problems() -> tuple[ServiceProblem, ...]:
    """Return the 60 problems, area by area, without the areas."""
    return tuple(concept for concept in _taxonomy().concepts.values() if not concept.is_area)


def list_areas() -> tuple[ServiceProblem, ...]:
    """Return the 13 service areas."""
    return tuple(concept for concept in _taxonomy().concepts.values() if concept.is_area)


def list_branches() -> tuple[ProblemBranch, ...]:
    """Return each area with its problems."""
    return tuple(
        ProblemBranch(area, tuple(map(get_problem, area.narrower))) for area in list_areas()
    )


def list_narrower_or_self(notation: str) -> tuple[str, ...]:
    """Return the notation and, for an area, those of its problems (for filters and counts).

    Raises:
        UnknownCode: no area or problem has it.
    """
    found = get_problem(notation)
    return (found.notation, *found.narrower)


def search_problems(text: str, lang: str = "es", limit: int = 20) -> tuple[ServiceProblem, ...]:
    """Search areas and problems by words.

    Accents, case and punctuation are ignored. Each word of the text must begin a word of the
    searched texts.

    Args:
        text: the words; only the first 200 characters count.
        lang: language whose labels come first; the others are searched too.
        limit: the maximum number of results.

    Returns:
        the best first: those whose notation, label or synonym equals the text; then those whose
        label matches, then synonyms, labels in other languages, label of the area, definition.
    """
    return _taxonomy().index(lang).best(text, limit)


def get_problem_scheme() -> ProblemScheme:
    """Return title, description, version and licence of the taxonomy."""
    return _taxonomy().about


def repair_notation(value: object) -> RepairedNotation:
    """Repair a notation from a spreadsheet: ``" agu 1 "`` becomes ``AGU-01``.

    It is not checked whether a problem has the notation.

    Raises:
        MalformedCode: the value cannot be a notation.
    """
    found = _NOTATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise MalformedCode(KIND, value)
    area, number = found.groups()
    notation = area.upper() + (f"-{number.zfill(2)}" if number else "")
    return RepairedNotation(notation, repaired=notation != value)


class _Taxonomy:
    def __init__(self) -> None:
        self.about, concepts = read_taxonomy(codes.read_taxonomy_bytes())
        self.concepts = {concept.notation: concept for concept in concepts}
        self._indexes: dict[str, NameIndex[ServiceProblem]] = {}

    @cached_property
    def languages(self) -> frozenset[str]:
        return frozenset(lang for concept in self.concepts.values() for lang in concept.pref_label)

    def index(self, lang: str) -> NameIndex[ServiceProblem]:
        tag = lang.replace("_", "-").lower().partition("-")[0]
        first = tag if tag in self.languages else "es"
        if first not in self._indexes:
            entries = [(concept, self._tiers(concept, first)) for concept in self.concepts.values()]
            self._indexes[first] = NameIndex(entries, names=3)
        return self._indexes[first]

    def _tiers(self, concept: ServiceProblem, lang: str) -> tuple[tuple[str, ...], ...]:
        area = self.concepts[concept.broader] if concept.broader else concept
        return (
            (concept.notation, concept.label(lang)),
            concept.alt_labels.get(lang, ()),
            (
                *concept.pref_label.values(),
                *(text for texts in concept.alt_labels.values() for text in texts),
            ),
            (*area.pref_label.values(),),
            (*concept.definition.values(),),
        )


@lru_cache(maxsize=1)
def _taxonomy() -> _Taxonomy:
    # Read at the first use, because most commands do not need the taxonomy.
    return _Taxonomy()
