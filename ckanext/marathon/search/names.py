"""The pages that somebody may mean who types the name of a place or of a problem."""

from __future__ import annotations

from collections.abc import Sequence

from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.places import Department, Municipality
from ckanext.marathon.vocabulary.problems import ServiceProblem
from ckanext.marathon.vocabulary.text import MAX_QUERY, fold

MOST = 3


def municipalities(text: str) -> list[Municipality]:
    """Return the municipalities that a text names, in whole or in its beginning; best first.

    ``agua san carlos alzatate`` names one; accents and case do not count.
    """
    every = territory.municipalities()
    found = [(_rank(text, (each.name, *each.alt_names)), each.name, each) for each in every]
    return [each for rank, _name, each in sorted(found, key=lambda one: one[:2]) if rank][:MOST]


def departments(text: str) -> list[Department]:
    """Return the departments that a text names, as :func:`municipalities` does."""
    found = [(_rank(text, (each.name,)), each.name, each) for each in territory.departments()]
    return [each for rank, _name, each in sorted(found, key=lambda one: one[:2]) if rank][:MOST]


def service_problems(text: str, lang: str) -> Sequence[ServiceProblem]:
    """Return the problems and areas that a text may be about, best first."""
    return problems.search(text, lang, MOST)


_NAMES, _BEGINS, _CONTAINS = -3, -2, -1


def _rank(text: str, names: Sequence[str]) -> int:
    """Return how well a text names something, the best lowest; 0 if it does not."""
    typed = fold(text[:MAX_QUERY])
    if len(typed) < 3:
        return 0
    ranks = [0]
    for name in map(fold, names):
        if not name:
            continue
        if typed == name:
            ranks.append(_NAMES)
        elif f" {name} " in f" {typed} ":
            ranks.append(_CONTAINS)
        elif name.startswith(typed):
            ranks.append(_BEGINS)
        elif all(f" {word}" in f" {name}" for word in typed.split()):
            ranks.append(_CONTAINS)
    return min(ranks)
