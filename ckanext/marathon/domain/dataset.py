"""Required fields of datasets, exempt datasets, and the origin of places and problems.

Municipalities and problems of a dataset are its own or those of its ideas; an idea's are its own or
those of its workshop.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ckanext.marathon.domain.dates import (
    find_first_instant,
    find_last_instant,
    normalize_stored_date,
)
from ckanext.marathon.domain.errors import N_, Fault, FieldFault, make_fault
from ckanext.marathon.domain.texts import is_blank, quote_value

FROM_ITSELF, FROM_IDEA, FROM_WORKSHOP, FROM_NOTHING = "own", "idea", "workshop", "none"


class ResolvedValues(NamedTuple):
    """Values, and where they come from."""

    values: list[str]
    origin: str


def resolve_values(own: Sequence[str], inherited: Iterable[str], source: str) -> ResolvedValues:
    """Return a record's own values, else those of its source; sorted, without duplicates.

    Args:
        own: the values stored with the record.
        inherited: the values of its ideas or workshop.
        source: ``IDEA`` or ``WORKSHOP``.
    """
    if own:
        return ResolvedValues(list(own), FROM_ITSELF)
    computed = sorted(set(inherited))
    return ResolvedValues(computed, source) if computed else ResolvedValues([], FROM_NOTHING)


def select_own_values(
    given: Sequence[str],
    origin: str | None,
    stored: Sequence[str] | None,
    computed: Sequence[str],
) -> list[str]:
    """Return the values to store as a record's own, if a client may send back computed ones.

    Args:
        given: the values sent.
        origin: the origin sent with them, if any.
        stored: the thing's own values so far; ``None`` for a new thing.
        computed: what it has, or would have, without values of its own.

    Returns:
        nothing where the values are the computed ones and nobody says that they are its own:
        a form need not send the origin back, a copy of another thing must.
    """
    unchanged = stored is not None and not stored and origin != FROM_ITSELF
    if sorted(set(given)) == sorted(set(computed)) and (
        unchanged or origin in {FROM_IDEA, FROM_WORKSHOP}
    ):
        return []
    return list(given)


class IdeaRequired(StrEnum):
    """The setting ``ckanext.marathon.idea_required``."""

    NEW = "new"
    ALWAYS = "always"
    NEVER = "never"


# Roles of an organisation (vocabulary/schemes.py).
MUNICIPALITY = "municipality"
CIVIL_SOCIETY = "civil_society"
COORDINATING_BODY = "coordinating_body"
NATIONAL = frozenset({COORDINATING_BODY, "other_public_body"})


@dataclass(frozen=True)
class Publisher:
    """The organisation of a dataset; without one, all values are empty.

    Attributes:
        role: its role in the marathons, "" where none was set.
        municipality_code: its INE code, "" for none.
        is_older: whether it was on the site before the plugin.
    """

    role: str = ""
    municipality_code: str = ""
    is_older: bool = False

    @property
    def acts_as(self) -> str:
        """The role whose rules apply: a code alone makes a municipality."""
        return self.role or (MUNICIPALITY if self.municipality_code else "")


@dataclass(frozen=True)
class Requirements:
    """Which fields a dataset must have."""

    title: bool = False
    notes: bool = False
    idea: bool = False
    municipality: bool = False
    problem: bool = False


NOTHING_REQUIRED = Requirements()
# What every organisation that takes part must give, asked of who has not yet said which one it is.
REQUIRED_OF_ANYBODY = Requirements(title=True, notes=True)


def is_dataset_exempt(created: datetime | None, installed: datetime, setting: IdeaRequired) -> bool:
    """Return whether a dataset is older than the plugin and so free of its rules.

    Args:
        created: when the dataset was created, ``None`` for a new one; UTC, like ``installed``.
        installed: when the plugin was installed.
        setting: under ``always`` nothing is exempt.
    """
    return created is not None and created < installed and setting != IdeaRequired.ALWAYS


def find_requirements(publisher: Publisher, exempt: bool, setting: IdeaRequired) -> Requirements:
    """Return the required fields of a dataset of this publisher.

    A national body publishes reference data without an idea and for the whole country. Everybody
    else names an idea. So does an organisation without a role, and a dataset without an
    organisation: leaving the role out must not be a way around the rules. An organisation without a
    role that was on the site before the plugin takes no part in the marathons; its datasets are
    what they would be without the plugin, unless the setting is ``always``.
    """
    role = publisher.acts_as
    takes_no_part = not role and publisher.is_older and setting != IdeaRequired.ALWAYS
    if exempt or takes_no_part:
        return NOTHING_REQUIRED
    is_national = role in NATIONAL and not publisher.municipality_code
    return Requirements(
        title=True,
        notes=True,
        idea=role not in NATIONAL and setting != IdeaRequired.NEVER,
        municipality=not is_national,
        problem=True,
    )


def check_required(
    dataset: Mapping[str, object],
    municipalities: Collection[str],
    problems: Collection[str],
    required: Requirements,
) -> list[FieldFault]:
    """Return a fault for each required value that a dataset lacks.

    Args:
        dataset: its fields.
        municipalities: its codes, its own or computed.
        problems: its notations, its own or computed.
        required: the required fields.
    """
    messages = (
        (required.title and _is_blank(dataset.get("title")), "title", N_("Give it a title")),
        (
            required.notes and _is_blank(dataset.get("notes")),
            "notes",
            N_("Say what the data is: what it counts, of where and when, and who collected it"),
        ),
        (
            required.idea and not dataset.get("idea"),
            "idea",
            N_("Choose the idea that the dataset comes from; if it is missing, add it here"),
        ),
        (
            required.municipality and not municipalities,
            "municipality",
            N_("Choose at least one municipality, or an idea that has one"),
        ),
        (
            required.problem and not problems,
            "service_problem",
            N_("Choose at least one service problem, or an idea that has one"),
        ),
    )
    return [make_fault(field, message) for lacking, field, message in messages if lacking]


def _is_blank(text: object) -> bool:
    return is_blank(str(text or ""))


def check_licence(given: str, stored: str, known: Collection[str]) -> list[FieldFault]:
    """Return a fault if a new licence is not one of the site's; the stored one may stay.

    Args:
        given: CKAN's id of a licence, or ``""``.
        stored: the one the dataset has now, or ``""``.
        known: the ids that exist.
    """
    if not given or given == stored or given in known:
        return []
    message = N_("“{value}” is no licence that this site knows. These are: {known}")
    return [make_fault("license_id", message, value=quote_value(given), known=tuple(sorted(known)))]


def check_needs(chosen: Sequence[str], of_ideas: Collection[str]) -> list[FieldFault]:
    """Return a fault if a data need belongs to none of the ideas that the dataset names."""
    strange = [identifier for identifier in chosen if identifier not in of_ideas]
    if not strange:
        return []
    message = N_("A data need belongs to none of the ideas chosen: {ids}")
    return [make_fault("data_need", message, ids=tuple(strange))]


def check_periods(periods: Sequence[Mapping[str, object]]) -> list[FieldFault]:
    """Return a fault for each period that ends before it starts."""
    return [
        FieldFault(("temporal_coverage", row, "end"), Fault(N_("The period ends before it starts")))
        for row, period in enumerate(periods)
        if is_period_backwards(period)
    ]


def is_period_backwards(period: Mapping[str, object]) -> bool:
    """Return whether a period ends before it starts; one by year ends with its last day."""
    start, end = (normalize_stored_date(period.get(name)) for name in ("start", "end"))
    return bool(start and end) and find_last_instant(end) < find_first_instant(start)
