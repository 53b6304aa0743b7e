"""Required fields of datasets, exempt datasets, inherited places and problems, and updates.

A dataset without municipalities or problems of its own inherits those of its ideas, and an idea
those of its workshop.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from ckanext.marathon.domain.dates import (
    GUATEMALA,
    find_first_instant,
    find_last_instant,
    find_last_local_day,
    find_local_day,
    normalize_stored_date,
)
from ckanext.marathon.domain.errors import N_, Fault, FieldFault, make_fault
from ckanext.marathon.domain.texts import is_blank, quote_value
from ckanext.marathon.vocabulary import authorities

FROM_ITSELF, FROM_IDEA, FROM_WORKSHOP, FROM_NOTHING = "own", "idea", "workshop", "none"


class ResolvedValues(NamedTuple):
    """The values of a record, and their origin (one of ``FROM_…``)."""

    values: list[str]
    origin: str


def resolve_values(own: Sequence[str], inherited: Iterable[str], source: str) -> ResolvedValues:
    """Return a record's own values, else those of its source; sorted, without duplicates.

    Args:
        own: the values stored with the record.
        inherited: the values of its ideas or workshop.
        source: ``FROM_IDEA`` or ``FROM_WORKSHOP``.
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
    """Return the values to store as a record's own; a client may send back inherited ones.

    Args:
        given: the values in the request.
        origin: the origin in the request, if any.
        stored: the record's own values so far; ``None`` for a new record.
        computed: the values that the record inherits without values of its own.

    Returns:
        the given values, or none if they are the inherited ones. They count as inherited if the
        request says so, or if the record had none of its own and the request does not say that
        they are its own. A form need not send the origin; a copy of another record must.
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
    """The organisation of a dataset; without an organisation all values are empty.

    Attributes:
        role: role in the marathons, "" if none is set.
        municipality_code: INE code, "" for none.
        is_older: whether the organisation is older than the plugin on this site.
    """

    role: str = ""
    municipality_code: str = ""
    is_older: bool = False

    @property
    def acts_as(self) -> str:
        """The role whose rules apply; an organisation with a code only is a municipality."""
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
# The requirements of all organisations, for forms in which no organisation is chosen yet.
REQUIRED_OF_ANYBODY = Requirements(title=True, notes=True)


def is_dataset_exempt(created: datetime | None, installed: datetime, setting: IdeaRequired) -> bool:
    """Return whether the rules do not apply to a dataset because it is older than the plugin.

    Args:
        created: when the dataset was created, in UTC; ``None`` for a new dataset.
        installed: when the plugin was installed, in UTC.
        setting: with ``always`` no dataset is exempt.
    """
    return created is not None and created < installed and setting != IdeaRequired.ALWAYS


def find_requirements(publisher: Publisher, exempt: bool, setting: IdeaRequired) -> Requirements:
    """Return the required fields of a dataset of this publisher.

    A national body publishes reference data without an idea and for the whole country. All others
    must name an idea, also an organisation without a role and a dataset without an organisation:
    otherwise the rules could be avoided by leaving out the role. An organisation without a role
    that is older than the plugin does not take part in the marathons, so nothing is required of its
    datasets, unless the setting is ``always``.
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
        dataset: the fields of the dataset.
        municipalities: codes, own or inherited.
        problems: notations, own or inherited.
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
    """Return a fault if a new licence is not in CKAN's register; the stored one may stay.

    Args:
        given: id of a licence, or ``""``.
        stored: id of the present licence of the dataset, or ``""``.
        known: the ids in the register.
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
    """Return whether a period ends before it starts; a year ends with its last day."""
    start, end = (normalize_stored_date(period.get(name)) for name in ("start", "end"))
    return bool(start and end) and find_last_instant(end) < find_first_instant(start)


# EU frequency → days between two updates. A day is the shortest time that the rule knows.
_DAYS: Mapping[str, int] = {
    **dict.fromkeys(("1MIN", "5MIN", "10MIN", "15MIN", "30MIN"), 1),
    **dict.fromkeys(("HOURLY", "BIHOURLY", "TRIHOURLY", "12HRS", "DAILY_2", "DAILY"), 1),
    "WEEKLY_3": 3,
    "WEEKLY_2": 4,
    "WEEKLY": 7,
    "MONTHLY_3": 10,
    "BIWEEKLY": 14,
    "MONTHLY_2": 16,
}
# EU frequency → months between two updates.
_MONTHS: Mapping[str, int] = {
    "MONTHLY": 1,
    "BIMONTHLY": 2,
    "QUARTERLY": 3,
    "ANNUAL_3": 4,
    "ANNUAL_2": 6,
    "ANNUAL": 12,
    "BIENNIAL": 24,
    "TRIENNIAL": 36,
    "QUADRENNIAL": 48,
    "QUINQUENNIAL": 60,
    "DECENNIAL": 120,
    "BIDECENNIAL": 240,
    "TRIDECENNIAL": 360,
}
# EU frequencies that promise no day for the next update.
WITHOUT_DAY = frozenset(
    {
        *("UPDATE_CONT", "CONT", "IRREG", "NEVER", "UNKNOWN", "OTHER", "AS_NEEDED"),
        "NOT_PLANNED",
    }
)


def find_updated_day(
    stated: Iterable[object], saved: Iterable[datetime | None], today: date
) -> date | None:
    """Return the latest day on which the data of a dataset changed; ``None`` if it is unknown.

    Args:
        stated: dates of change as they were typed, of the dataset and of its files. Of a year or
            month its last day counts. A date in the future is ignored, because it is a mistake.
        saved: times at which its files were stored, in UTC and without an offset. The time of the
            last save of the dataset is none of them: a corrected title is no update of the data.
        today: the present day in Guatemala.
    """
    texts = filter(None, map(normalize_stored_date, stated))
    days = [
        min(find_last_local_day(text), today) for text in texts if find_local_day(text) <= today
    ]
    days += [moment.replace(tzinfo=UTC).astimezone(GUATEMALA).date() for moment in saved if moment]
    return max(days, default=None)


def find_due_day(frequency: object, updated: date) -> date | None:
    """Return the last day on which a dataset is still up to date by its own frequency.

    Args:
        frequency: a frequency in any spelling that ``vocabulary/authorities.py`` knows.
        updated: the day of the last update.

    Returns:
        ``None`` if there is no frequency, or one without a fixed interval (irregular, as needed).
    """
    known = authorities.find_frequency(frequency)
    code = known.code if known else ""
    if code in _DAYS:
        return updated + timedelta(days=_DAYS[code])
    return _add_months(updated, _MONTHS[code]) if code in _MONTHS else None


def is_overdue(frequency: object, updated: date, today: date) -> bool:
    """Return whether the next update of a dataset should have come before today."""
    due = find_due_day(frequency, updated)
    return due is not None and due < today


def _add_months(day: date, months: int) -> date:
    """Return the same day of a later month, or the month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
