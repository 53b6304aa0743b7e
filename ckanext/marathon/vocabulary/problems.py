"""The municipal service problems: 13 areas, 60 problems (``schemas/service_problems.ttl``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from . import files
from .concepts import ProblemScheme, ServiceProblem, ThemeMatch, read, with_labels
from .errors import MalformedCode, MalformedData, UnknownCode
from .text import Index

__all__ = [
    "Branch",
    "ProblemScheme",
    "RepairedNotation",
    "ServiceProblem",
    "ThemeMatch",
    "areas",
    "narrower_or_self",
    "problem",
    "problems",
    "repair_notation",
    "scheme",
    "search",
    "tree",
    "use_labels",
]

KIND = "service-problem"

_NOTATION = re.compile(r"([A-Za-z]{3})(?:[\s_-]*([0-9]{1,2}))?")


class Branch(NamedTuple):
    """A service area and the problems in it."""

    area: ServiceProblem
    problems: tuple[ServiceProblem, ...]


class RepairedNotation(NamedTuple):
    """A notation and whether it had to be repaired (then the person must be told)."""

    notation: str
    repaired: bool


def problem(notation: str) -> ServiceProblem:
    """Return an area or a problem by its exact notation.

    Raises:
        UnknownCode: none has it; ``agu-1`` has none either, see :func:`repair_notation`.
    """
    try:
        return _taxonomy().concepts[notation]
    except (KeyError, TypeError):
        raise UnknownCode(KIND, notation) from None


def problems() -> tuple[ServiceProblem, ...]:
    """Return the 60 problems, area by area, without the areas."""
    return tuple(each for each in _taxonomy().concepts.values() if not each.is_area)


def areas() -> tuple[ServiceProblem, ...]:
    """Return the 13 service areas."""
    return tuple(each for each in _taxonomy().concepts.values() if each.is_area)


def tree() -> tuple[Branch, ...]:
    """Return each area with its problems."""
    return tuple(Branch(area, tuple(map(problem, area.narrower))) for area in areas())


def narrower_or_self(notation: str) -> tuple[str, ...]:
    """Return the notation and, for an area, those of its problems (for filters and counts).

    Raises:
        UnknownCode: no area or problem has it.
    """
    found = problem(notation)
    return (found.notation, *found.narrower)


def search(text: str, lang: str = "es", limit: int = 20) -> tuple[ServiceProblem, ...]:
    """Search areas and problems in a person's words.

    Accents, case and punctuation do not count; each word typed must begin a word of the text
    searched. Whatever is typed is only compared, never interpreted.

    Args:
        text: what was typed; 200 characters count.
        lang: the language whose labels come first; the others are searched too.
        limit: the most to return.

    Returns:
        Best first: what bears the text as notation, name or synonym; then by name, synonyms,
        names in other languages, name of the area, definition.
    """
    return _taxonomy().index(lang).best(text, limit)


def scheme() -> ProblemScheme:
    """Return title, description, version and licence of the taxonomy."""
    return _taxonomy().about


def repair_notation(value: str) -> RepairedNotation:
    """Give a notation from a spreadsheet its proper shape: ``" agu 1 "`` becomes ``AGU-01``.

    That a problem has it is not looked up.

    Raises:
        MalformedCode: it cannot be a notation.
    """
    found = _NOTATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise MalformedCode(KIND, value)
    area, number = found.groups()
    notation = area.upper() + (f"-{number.zfill(2)}" if number else "")
    return RepairedNotation(notation, repaired=notation != value)


def use_labels(paths: Iterable[str | Path]) -> None:
    """Add languages from Turtle files, instead of those added before; call once at start-up.

    What a file may hold: :func:`.concepts.with_labels`; an example is in ``docs/vocabulary.md``.

    Raises:
        MalformedData: a file cannot be read or breaks a rule; nothing has changed then.
    """
    global _current
    _current = _Taxonomy(paths)


class _Taxonomy:
    def __init__(self, label_files: Iterable[str | Path] = ()) -> None:
        self.about, concepts = read(files.taxonomy_bytes())
        for path in map(Path, label_files):
            try:
                turtle = path.read_bytes()
            except OSError as error:
                raise MalformedData(f"{path}: cannot be read: {error.strerror}") from error
            concepts = with_labels(concepts, turtle, path.name)
        self.concepts = {concept.notation: concept for concept in concepts}
        self._indexes: dict[str, Index[ServiceProblem]] = {}

    @cached_property
    def languages(self) -> frozenset[str]:
        return frozenset(lang for each in self.concepts.values() for lang in each.pref_label)

    def index(self, lang: str) -> Index[ServiceProblem]:
        tag = lang.replace("_", "-").lower().partition("-")[0]
        first = tag if tag in self.languages else "es"
        if first not in self._indexes:
            entries = [(each, self._tiers(each, first)) for each in self.concepts.values()]
            self._indexes[first] = Index(entries, names=3)
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


_current: _Taxonomy | None = None


def _taxonomy() -> _Taxonomy:
    # Read on first use: a command that needs no taxonomy does not pay for it.
    global _current
    if _current is None:
        _current = _Taxonomy()
    return _current
