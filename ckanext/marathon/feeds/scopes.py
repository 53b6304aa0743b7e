"""Parts of the catalogue with feeds of their own: of a place, a problem, an organisation and so on.

A part is named as its addresses are: ``municipality/2105``; the whole catalogue is "".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from ckanext.marathon.model.feed import Kind
from ckanext.marathon.model.link import DEPARTMENT, MUNICIPALITY, PROBLEM
from ckanext.marathon.rdf.facts import Row
from ckanext.marathon.records.values import list_texts
from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.errors import UnknownCode

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


def of_dataset(shown: Row) -> tuple[str, ...]:
    """Return the names of the parts that a public dataset is in, in alphabetical order.

    What is tagged with a problem is in the problems above it, too; what came from an idea is in
    its workshop's part, as far as visitors see the idea.

    Args:
        shown: the dataset as ``package_show`` gives it to a visitor.
    """
    return _names(
        {
            *_of_places(list_texts(shown.get("municipality"))),
            *_of_problems(list_texts(shown.get("service_problem"))),
            *_of_ideas(shown.get("ideas") or []),
            Scope(Kind.ORGANIZATION, str(shown.get("owner_org") or "")),
        }
    )


def of_owner(organization: str | None) -> tuple[str, ...]:
    """Return the part of an organisation alone, for what could not be described in full."""
    return _names({Scope(Kind.ORGANIZATION, organization or "")})


def _names(found: Collection[Scope]) -> tuple[str, ...]:
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
