"""Rules for ideas, the table of their statuses, and the story of an idea.

The story is one sentence: origin, status, next step and contact. It is made of clauses with named
placeholders, so that each language can have its own word order. The texts are English here; helpers
translate them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, cast

from ckanext.marathon.domain import dates, privacy
from ckanext.marathon.domain.errors import N_, Fault, FieldFault, Path, make_fault
from ckanext.marathon.vocabulary.schemes import IDEA_STATUS

FIRST_STATUS = "proposed"

# Status → the statuses that may follow it, in the order of forms.
STEPS: Mapping[str, tuple[str, ...]] = {
    "proposed": ("prioritised", "discarded"),
    "prioritised": ("in_progress", "discarded"),
    "in_progress": ("implemented", "prioritised", "discarded"),
    "implemented": ("in_progress",),
    "discarded": ("proposed",),
}

# Reopening a closed idea needs a reason, which is public.
REOPENINGS = frozenset({("implemented", "in_progress"), ("discarded", "proposed")})


def list_next_statuses(status: str) -> tuple[str, ...]:
    """Return the statuses that may follow a status; ``()`` for an unknown one."""
    return STEPS.get(status, ())


def needs_reason(before: str, after: str) -> bool:
    """Return whether a step needs a reason, because it reopens an idea."""
    return (before, after) in REOPENINGS


def check_start(status: str, may_record_the_past: bool) -> list[FieldFault]:
    """Return the faults of the status of a new idea.

    Args:
        status: the status in the request.
        may_record_the_past: whether the person may enter an idea with a later status; sysadmins and
            the coordinating body may.
    """
    if status == FIRST_STATUS or may_record_the_past:
        return []
    return [
        make_fault("status", N_("A new idea starts as “{status}”"), status=_label(FIRST_STATUS))
    ]


def check_step(before: str, after: str, reason: str) -> list[FieldFault]:
    """Return the faults of a change of status; keeping the status is always allowed."""
    if before == after or before not in STEPS:
        return []
    if after not in STEPS[before]:
        return [
            make_fault(
                "status",
                N_("An idea that is “{before}” cannot become “{after}”; it can become: {allowed}"),
                before=_label(before),
                after=_label(after),
                allowed=tuple(_label(status) for status in STEPS[before]),
            )
        ]
    if needs_reason(before, after) and not reason.strip():
        return [make_fault("status_reason", N_("Say why the idea is opened again"))]
    return []


def _label(code: str) -> Mapping[str, str]:
    return IDEA_STATUS.term(code).labels


@dataclass(frozen=True)
class Needs:
    """Facts about the data needs of an idea.

    Attributes:
        own: ids of the stored data needs.
        met: id → title of a dataset that meets the need; ``None`` if the person may not see it.
    """

    own: Collection[str]
    met: Mapping[str, str | None]


def check_idea(
    idea: Mapping[str, object], municipalities_of_workshop: Collection[str], needs: Needs
) -> list[FieldFault]:
    """Return the faults of an idea whose fields are all valid by themselves.

    Args:
        idea: the fields; ``municipality`` is a list of codes, ``data_need`` a list of dicts.
        municipalities_of_workshop: codes of the municipalities that take part in its workshop.
        needs: facts about its data needs.
    """
    return [
        *check_municipalities(_list_texts(idea, "municipality"), municipalities_of_workshop),
        *_check_needs(_list_needs(idea), needs),
        *privacy.check_personal_data(_texts(idea)),
    ]


def _list_texts(idea: Mapping[str, object], field: str) -> list[str]:
    return cast(list[str], idea.get(field) or [])


def _list_needs(idea: Mapping[str, object]) -> list[Mapping[str, str | None]]:
    return cast(list[Mapping[str, str | None]], idea.get("data_need") or [])


def _texts(idea: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    """Yield the free texts of an idea, which must not name people who were at the workshop."""
    for field in ("title", "notes", "proponent_group", "status_reason"):
        yield (field,), str(idea.get(field) or "")
    for text in _list_texts(idea, "community"):
        yield ("community",), text
    for number, row in enumerate(_list_needs(idea)):
        for name in ("what", "why"):
            yield ("data_need", number, name), row.get(name) or ""


def check_municipalities(own: Sequence[str], of_workshop: Collection[str]) -> list[FieldFault]:
    """Return a fault if an idea has a municipality that does not take part in its workshop."""
    strange = [code for code in own if code not in of_workshop]
    if not strange:
        return []
    return [
        make_fault(
            "municipality",
            N_("Not among the municipalities of the workshop: {codes}. Those are: {allowed}"),
            codes=tuple(strange),
            allowed=tuple(sorted(of_workshop)),
        )
    ]


def _check_needs(rows: Sequence[Mapping[str, str | None]], needs: Needs) -> list[FieldFault]:
    faults: list[FieldFault] = []
    seen: set[str] = set()
    for number, row in enumerate(rows):
        identifier = row.get("id")
        if not identifier:
            continue
        if identifier not in needs.own or identifier in seen:
            fault = Fault(
                N_("Leave the identifier of a new data need empty: the site gives it one")
            )
            faults.append(FieldFault(("data_need", number, "id"), fault))
        seen.add(identifier)
    for identifier in sorted(set(needs.met) - seen):
        title = needs.met[identifier]
        if title is None:
            message = N_("A data need was left out that other records meet; keep it")
            faults.append(make_fault("data_need", message))
        else:
            message = N_("A data need was left out that the dataset “{title}” meets; keep it")
            faults.append(make_fault("data_need", message, title=title))
    return faults


class StoryContact(NamedTuple):
    """An institution to contact, never a person; unknown fields are ""."""

    name: str
    title: str
    email: str
    homepage: str


class StoryFacts(NamedTuple):
    """Facts of an idea for its story.

    Attributes:
        title: title of the idea.
        status: code of its status, "" if there is none.
        since: day of its status in ISO 8601, "" if unknown.
        is_since_exact: whether ``since`` is the day of the status; else it is the day on which the
            status was recorded.
        workshop: title of the workshop, "" if the reader may not see it.
        said_on: day of the workshop in ISO 8601, "" if it is unknown or in the future.
        is_explained: whether the last step has a reason.
        is_evident: whether there is evidence that the idea was put into practice.
        contact: the institution to contact.
    """

    title: str
    status: str
    since: str = ""
    is_since_exact: bool = True
    workshop: str = ""
    said_on: str = ""
    is_explained: bool = False
    is_evident: bool = False
    contact: StoryContact | None = None


class StoryClause(NamedTuple):
    """A phrase with placeholders and their values.

    ``{title}`` is that of the idea, ``{workshop}`` a title, ``{date}`` a day in ISO 8601;
    ``{organization}`` and ``{address}`` are those of the contact.
    """

    text: str
    values: Mapping[str, str]


class StatusSince(NamedTuple):
    """The day of a status, ISO 8601 or "", and whether it is exact (see :class:`StoryFacts`)."""

    day: str
    is_exact: bool


# Status → text with the day of the status; with the day on which it was recorded; without a day.
_STANDS: Mapping[str, tuple[str, str, str]] = {
    "proposed": (
        N_("it has been waiting for a decision since {date}"),
        N_("it has been waiting for a decision since {date}"),
        N_("it is waiting for a decision"),
    ),
    "prioritised": (
        N_("it has been among the first to be taken up since {date}"),
        N_("it is among the first to be taken up (recorded here on {date})"),
        N_("it is among the first to be taken up"),
    ),
    "in_progress": (
        N_("work on it has been under way since {date}"),
        N_("work on it is under way (recorded here on {date})"),
        N_("work on it is under way"),
    ),
    "implemented": (
        N_("it was put into practice, as recorded on {date}"),
        N_("it was put into practice, as recorded on {date}"),
        N_("it was put into practice"),
    ),
    "discarded": (
        N_("it was discarded on {date}"),
        N_("it was discarded (recorded here on {date})"),
        N_("it was discarded"),
    ),
}
_UNKNOWN = N_("how far it is has not been recorded")

_NEXT: Mapping[str, str] = {
    "proposed": N_("the next step is to decide whether it is taken up"),
    "prioritised": N_("the next step is to begin work on it"),
    "in_progress": N_("the next step is to put it into practice and show what was done"),
}


def write_story(facts: StoryFacts) -> list[StoryClause]:
    """Return the clauses of the story, in order, to be joined with semicolons."""
    found = [_asked(facts), _stands(facts), _comes_next(facts), _whom_to_ask(facts.contact)]
    return [clause for clause in found if clause]


def find_status_since(
    status: str, history: Sequence[Mapping[str, str]], said_on: str
) -> StatusSince:
    """Return since when an idea has its status.

    An idea has its first status since the day of its workshop, not only since it was entered. If an
    idea was entered with a later status, the day of that status is not known.

    Args:
        status: the present status.
        history: its steps, first to last: ``at`` (ISO 8601 with offset), ``status``.
        said_on: day of its workshop, ISO 8601 or "".
    """
    if not history or history[-1].get("status") != status:
        return StatusSince("", False)
    day = dates.find_local_day(history[-1]["at"]).isoformat()
    if len(history) > 1:
        return StatusSince(day, True)
    if status == FIRST_STATUS:
        return StatusSince(min(day, said_on) if said_on else day, True)
    return StatusSince(day, False)


def read_said_on(starts_at: str, today: date) -> str:
    """Return the day of a workshop in ISO 8601; "" if it is unknown, malformed or in the future."""
    try:
        day = dates.find_local_day(starts_at)
    except ValueError:
        return ""
    return "" if day > today else day.isoformat()


def find_contact(candidates: Sequence[StoryContact]) -> StoryContact | None:
    """Return the first institution with an e-mail address or web site, else the first."""
    reachable = (candidate for candidate in candidates if candidate.email or candidate.homepage)
    return next(reachable, candidates[0] if candidates else None)


def find_status_ahead(status: str) -> str:
    """Return the next status of an idea, "" after a final status."""
    return list_next_statuses(status)[0] if status in _NEXT else ""


def _asked(facts: StoryFacts) -> StoryClause:
    values = {"title": facts.title}
    if not facts.workshop:
        return StoryClause(N_("“{title}” was proposed in a workshop that is not public"), values)
    values["workshop"] = facts.workshop
    if not facts.said_on:
        return StoryClause(N_("“{title}” was proposed in “{workshop}”"), values)
    values["date"] = facts.said_on
    return StoryClause(N_("“{title}” was proposed in “{workshop}” on {date}"), values)


def _stands(facts: StoryFacts) -> StoryClause:
    if facts.status not in _STANDS:
        return StoryClause(_UNKNOWN, {})
    exact, recorded, undated = _STANDS[facts.status]
    if not facts.since:
        return StoryClause(undated, {})
    return StoryClause(exact if facts.is_since_exact else recorded, {"date": facts.since})


def _comes_next(facts: StoryFacts) -> StoryClause | None:
    if facts.status in _NEXT:
        return StoryClause(_NEXT[facts.status], {})
    if facts.status == "implemented":
        if facts.is_evident:
            return StoryClause(N_("what was done can be seen on its page"), {})
        return StoryClause(N_("what was done has still to be shown"), {})
    if facts.status == "discarded":
        if facts.is_explained:
            return StoryClause(N_("its page says why, and it can be opened again"), {})
        return StoryClause(N_("nothing more will follow unless it is opened again"), {})
    return None


def _whom_to_ask(contact: StoryContact | None) -> StoryClause | None:
    if contact is None:
        return None
    values = {"organization": contact.title}
    if contact.email:
        text = N_("to know more, write to {organization} ({address})")
        return StoryClause(text, values | {"address": contact.email})
    if contact.homepage:
        text = N_("to know more, see {organization} ({address})")
        return StoryClause(text, values | {"address": contact.homepage})
    return StoryClause(N_("to know more, ask {organization}"), values)
