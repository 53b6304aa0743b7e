"""What somebody means by what they type: words alone, and pages with such a name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.problems import ServiceProblem
from ckanext.marathon.vocabulary.territory import Department, Municipality
from ckanext.marathon.vocabulary.text import MAX_QUERY, fold_text

MOST = 3

_OPERATORS = {"AND", "OR", "NOT"}
# A colon makes CKAN take what was typed for a query in Solr's own language, braces make an error.
_NO_WORDS = str.maketrans(":{}\\", "    ")


def words(typed: str) -> str:
    """Return what was typed as words that Solr only looks for; quotation marks stay if in pairs."""
    text = typed[:MAX_QUERY].translate(_NO_WORDS)
    if text.count('"') % 2:
        text = text.replace('"', " ")
    found = [each.lower() if each in _OPERATORS else each for each in text.split()]
    return " ".join(each for each in found if re.search(r"\w", each))


def municipalities(text: str) -> list[Municipality]:
    """Return the municipalities that a text names, in whole or in its beginning; best first.

    ``agua san carlos alzatate`` names one; accents and case do not count.
    """
    every = territory.list_municipalities()
    found = [(_rank(text, (each.name, *each.alt_names)), each.name, each) for each in every]
    return [each for rank, _name, each in sorted(found, key=lambda one: one[:2]) if rank][:MOST]


def departments(text: str) -> list[Department]:
    """Return the departments that a text names, as :func:`municipalities` does."""
    found = [(_rank(text, (each.name,)), each.name, each) for each in territory.list_departments()]
    return [each for rank, _name, each in sorted(found, key=lambda one: one[:2]) if rank][:MOST]


def service_problems(text: str, lang: str) -> Sequence[ServiceProblem]:
    """Return the problems and areas that a text may be about, best first."""
    return problems.search_problems(text, lang, MOST)


def _rank(text: str, names: Sequence[str]) -> int:
    """Return how well a text names something, the best lowest; 0 if it does not.

    More words in common are better; best is the whole name, then its beginning.
    """
    typed = fold_text(text[:MAX_QUERY])
    if len(typed) < 3:
        return 0
    ranks = [0]
    for name in filter(None, map(fold_text, names)):
        if typed == name:
            ranks.append(-2 * MAX_QUERY)
        elif name.startswith(typed):
            ranks.append(-MAX_QUERY)
        elif f" {name} " in f" {typed} ":
            ranks.append(-len(name.split()))
        elif all(f" {word}" in f" {name}" for word in typed.split()):
            ranks.append(-len(typed.split()))
        else:
            ranks.append(-_beginning(typed.split(), name))
    return min(ranks)


def _beginning(typed: Sequence[str], name: str) -> int:
    """Return how many words that begin a name were typed one after the other, if two or more."""
    for length in range(len(name.split()), 1, -1):
        begin = name.split()[:length]
        if any(typed[at : at + length] == begin for at in range(len(typed) - length + 1)):
            return length
    return 0
