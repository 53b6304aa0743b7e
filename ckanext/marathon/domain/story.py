"""An idea in one plain sentence: what was asked, where it stands, what comes next, whom to ask.

The sentence comes in clauses, each a whole phrase with named places, so that every language puts
the words in its own order. The words are English here; helpers translate them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ckanext.marathon.domain import dates, lifecycle
from ckanext.marathon.domain.faults import N_


class Contact(NamedTuple):
    """An institution that can be asked, never a person; what is not known is ""."""

    name: str
    title: str
    email: str
    homepage: str


class Facts(NamedTuple):
    """What is known of an idea.

    Attributes:
        title: of the idea.
        status: its code, "" where none is kept.
        since: the day it came to that, ISO, "" where nobody knows.
        is_since_exact: whether it came to it then; else it was only written down then.
        workshop: title of the workshop, "" where the reader may not know it.
        said_on: day of the workshop, ISO, "" where it is not known or has not come yet.
        is_explained: whether the last step gave a reason.
        is_evident: whether there is evidence that it was put into practice.
        contact: whom to ask.
    """

    title: str
    status: str
    since: str = ""
    is_since_exact: bool = True
    workshop: str = ""
    said_on: str = ""
    is_explained: bool = False
    is_evident: bool = False
    contact: Contact | None = None


class Clause(NamedTuple):
    """A phrase with places ``{title}``, ``{workshop}``, ``{date}``, and what goes there.

    ``{date}`` is an ISO day; ``{organization}`` and ``{address}`` are a contact's.
    """

    text: str
    values: Mapping[str, str]


class Since(NamedTuple):
    """The day of a status, ISO or "", and whether the idea came to it on that very day."""

    day: str
    is_exact: bool


# Status → with the day it came to that; with the day on which that was written down; without.
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


def sentence(facts: Facts) -> list[Clause]:
    """Return the clauses of the sentence, in order; between them goes a semicolon."""
    found = [_asked(facts), _stands(facts), _comes_next(facts), _whom_to_ask(facts.contact)]
    return [each for each in found if each]


def since(status: str, history: Sequence[Mapping[str, Any]], said_on: str) -> Since:
    """Return since when an idea has its status.

    An idea is proposed from the day of its workshop on, not only from the day on which somebody
    typed it in. One that was typed in as further along came to that on a day nobody wrote down.

    Args:
        status: its status now.
        history: its steps, first to last: ``at`` (ISO with offset), ``status``.
        said_on: day of its workshop, ISO or "".
    """
    if not history or history[-1].get("status") != status:
        return Since("", False)
    day = dates.local_day(history[-1]["at"]).isoformat()
    if len(history) > 1:
        return Since(day, True)
    if status == lifecycle.FIRST:
        return Since(min(day, said_on) if said_on else day, True)
    return Since(day, False)


def said_on(starts_at: str, today: date) -> str:
    """Return the day of a workshop, ISO; "" where it is unknown, unreadable or still to come."""
    try:
        day = dates.local_day(starts_at)
    except ValueError:
        return ""
    return "" if day > today else day.isoformat()


def to_ask(candidates: Sequence[Contact]) -> Contact | None:
    """Return the first of some institutions that can be reached, else the first."""
    reachable = (each for each in candidates if each.email or each.homepage)
    return next(reachable, candidates[0] if candidates else None)


def ahead(status: str) -> str:
    """Return the status that an idea is on its way to, "" where its way has ended."""
    return lifecycle.next_statuses(status)[0] if status in _NEXT else ""


def _asked(facts: Facts) -> Clause:
    values = {"title": facts.title}
    if not facts.workshop:
        return Clause(N_("“{title}” was proposed in a workshop that is not public"), values)
    values["workshop"] = facts.workshop
    if not facts.said_on:
        return Clause(N_("“{title}” was proposed in “{workshop}”"), values)
    values["date"] = facts.said_on
    return Clause(N_("“{title}” was proposed in “{workshop}” on {date}"), values)


def _stands(facts: Facts) -> Clause:
    if facts.status not in _STANDS:
        return Clause(_UNKNOWN, {})
    exact, recorded, undated = _STANDS[facts.status]
    if not facts.since:
        return Clause(undated, {})
    return Clause(exact if facts.is_since_exact else recorded, {"date": facts.since})


def _comes_next(facts: Facts) -> Clause | None:
    if facts.status in _NEXT:
        return Clause(_NEXT[facts.status], {})
    if facts.status == "implemented":
        if facts.is_evident:
            return Clause(N_("what was done can be seen on its page"), {})
        return Clause(N_("what was done has still to be shown"), {})
    if facts.status == "discarded":
        if facts.is_explained:
            return Clause(N_("its page says why, and it can be opened again"), {})
        return Clause(N_("nothing more will follow unless it is opened again"), {})
    return None


def _whom_to_ask(contact: Contact | None) -> Clause | None:
    if contact is None:
        return None
    values = {"organization": contact.title}
    if contact.email:
        text = N_("to know more, write to {organization} ({address})")
        return Clause(text, values | {"address": contact.email})
    if contact.homepage:
        text = N_("to know more, see {organization} ({address})")
        return Clause(text, values | {"address": contact.homepage})
    return Clause(N_("to know more, ask {organization}"), values)
