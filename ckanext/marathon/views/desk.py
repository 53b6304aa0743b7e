"""The desk: what a person has begun, what waits for them, what expires, and what they saved last.

A further kind of list is one more :class:`DeskList` in its section (``_list_drafts`` and so on).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, make_response, request

from ckanext.marathon import visibility
from ckanext.marathon.domain import dataset as dataset_domain
from ckanext.marathon.domain import dates
from ckanext.marathon.domain.officer import ADMIN, EDITOR, LinkState, find_link_state
from ckanext.marathon.helpers.form import marathon_moment
from ckanext.marathon.helpers.labels import marathon_date
from ckanext.marathon.helpers.record import marathon_type_label
from ckanext.marathon.logic import draft as draft_logic
from ckanext.marathon.logic import permissions
from ckanext.marathon.logic.draft import DraftSummary
from ckanext.marathon.model import account, audit
from ckanext.marathon.model import dataset as dataset_model
from ckanext.marathon.model import desk as desk_model
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import officer as officer_model
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.dataset import UpdateFacts
from ckanext.marathon.model.desk import Desk
from ckanext.marathon.model.importing import ImportState
from ckanext.marathon.model.officer import PendingOfficer
from ckanext.marathon.records import DATASET, OTHER_TYPES, Idea
from ckanext.marathon.views.errors import is_allowed
from ckanext.marathon.views.officer import label_role
from ckanext.marathon.visibility import Viewer
from ckanext.marathon.vocabulary import authorities

desk = Blueprint("marathon_desk", __name__)

MOST_OF_LIST = 10
# A dataset whose update is due within these days is shown as about to be.
DUE_SOON = timedelta(days=7)
# Entries of the record of changes among which the last saves are looked for.
_MOST_ENTRIES = 100
_MOST_IMPORTS = 3


class DeskLink(NamedTuple):
    """An address and its label."""

    href: str
    label: str


@dataclass(frozen=True, kw_only=True)
class DeskItem:
    """One record or person on the desk.

    Attributes:
        title: what it is; ``href`` is its address.
        note: a line about it.
        mark: a word about its state, ``""`` for none.
        is_late: whether the mark is a warning.
        action: what to do with it, ``None`` if there is nothing.
    """

    title: str
    href: str
    note: str = ""
    mark: str = ""
    is_late: bool = False
    action: DeskLink | None = None


@dataclass(frozen=True, kw_only=True)
class DeskList:
    """A list of a section.

    Attributes:
        heading: of the list.
        items: the first ones.
        count: number of all.
        all_of_them: address of all of them, ``""`` for none.
    """

    heading: str
    items: list[DeskItem]
    count: int
    all_of_them: str = ""


@dataclass(frozen=True, kw_only=True)
class DeskSection:
    """A section of the desk.

    Attributes:
        key: for its anchor.
        lists: without empty ones.
        empty: what to say if there is no list.
        next_step: what to do then, ``None`` for nothing.
    """

    key: str
    heading: str
    lists: list[DeskList]
    empty: str
    next_step: DeskLink | None = None


class DeskOrganization(NamedTuple):
    """An organisation of the person.

    Attributes:
        role: what they may do in it.
        people: address of the page of its people, ``""`` if they may not invite.
    """

    title: str
    href: str
    role: str
    people: str


@dataclass(frozen=True, kw_only=True)
class DeskPage:
    """The desk of a person.

    Attributes:
        organizations: the person's organisations; without one there are no sections.
        may_publish: whether they publish for one of them.
        has_news: whether the site has a page with news of what they follow.
    """

    organizations: list[DeskOrganization]
    sections: list[DeskSection]
    may_publish: bool
    has_news: bool


def show_desk() -> Response:
    """Show the desk of the person who is logged in."""
    # Otherwise a cache may store the redirect to the login and return it to an officer.
    request.environ["__no_cache__"] = True
    if not current_user.is_authenticated:
        here = tk.h.url_for("marathon_desk.index")
        return tk.redirect_to("user.login", came_from=here)
    answer = make_response(tk.render("marathon/desk/index.html", {"page": read_desk_page()}))
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def read_desk_page() -> DeskPage:
    """Return the content of the desk, in a fixed number of queries."""
    context = _make_context()
    capacities = permissions.read_standing(current_user.name).capacities
    groups = _load_organizations(capacities)
    publishing = [group for group in groups if capacities[group.id] in (ADMIN, EDITOR)]
    administered = [group.id for group in groups if capacities[group.id] == ADMIN]
    found = Desk(
        user_id=current_user.id,
        viewer=Viewer(context),
        organizations=[group.id for group in publishing],
        municipalities=[
            code
            for group in publishing
            if (code := package_model.read_stored_text(group, "municipality_code"))
        ],
    )
    pending = officer_model.list_pending_officers(administered)
    now, today = datetime.now(UTC), dates.get_today()
    sections = [
        _list_drafts(found),
        _list_waiting(found, pending, now),
        _list_expiring(found, pending, now, today),
        _list_saves(),
    ]
    return DeskPage(
        organizations=[
            DeskOrganization(
                title=group.display_name,
                href=tk.h.url_for("organization.read", id=group.name),
                role=label_role(capacities[group.id]),
                people=_find_people_page(group) if group.id in administered else "",
            )
            for group in groups
        ],
        sections=sections if groups else [],
        may_publish=bool(publishing),
        has_news=tk.h.plugin_loaded("activity"),
    )


def _make_context() -> Context:
    return {"user": current_user.name, "auth_user_obj": current_user}


def _load_organizations(ids: Iterable[str]) -> list[model.Group]:
    query = model.Session.query(model.Group).filter(model.Group.id.in_(list(ids)))
    return query.order_by(model.Group.title, model.Group.name).all()


def _find_people_page(group: model.Group) -> str:
    return tk.h.url_for("marathon_officer.index", id=group.name)


def _make_section(
    key: str, heading: str, lists: list[DeskList], empty: str, next_step: DeskLink | None = None
) -> DeskSection:
    filled = [found for found in lists if found.items]
    return DeskSection(key=key, heading=heading, lists=filled, empty=empty, next_step=next_step)


def _list_drafts(found: Desk) -> DeskSection:
    """Return what is not published: drafts of forms, and private records."""
    forms = draft_logic.list_drafts(found.user_id)
    typed = DeskList(
        heading=tk._("Drafts that only you see"),
        items=[_describe_typed(draft) for draft in forms[:MOST_OF_LIST]],
        count=len(forms),
    )
    packages = desk_model.list_unpublished(found, MOST_OF_LIST)
    unpublished = DeskList(
        heading=tk._("Only your organisation sees these"),
        items=[_describe_unpublished(package) for package in packages.first],
        count=packages.count,
    )
    return _make_section(
        "drafts",
        tk._("Not published yet"),
        [typed, unpublished],
        tk._(
            "Nothing: all that you have saved is published. What you save without publishing comes "
            "here."
        ),
        _find_publish_link() if found.organizations else None,
    )


def _describe_typed(draft: DraftSummary) -> DeskItem:
    address = tk.h.url_for(f"{draft.kind}.new", draft=draft.id)
    return DeskItem(
        title=draft.title or tk._("Without a title"),
        href=address,
        note=_join(
            _label_type(draft.kind),
            tk._("kept on {day}").format(day=marathon_moment(draft.saved)),
            *draft.files,
        ),
        mark=tk._("draft"),
        action=DeskLink(address, tk._("Continue")),
    )


def _describe_unpublished(package: model.Package) -> DeskItem:
    is_draft = package.state != model.State.ACTIVE
    return DeskItem(
        title=package.title or package.name,
        href=_find_page(package.type, package.name),
        note=_join(
            _label_type(package.type),
            tk._("saved on {day}").format(day=marathon_moment(package.metadata_modified)),
        ),
        mark=tk._("draft") if is_draft else tk._("not public"),
        action=DeskLink(_find_edit_page(package.type, package.name), tk._("Continue")),
    )


def _list_waiting(found: Desk, pending: list[PendingOfficer], now: datetime) -> DeskSection:
    """Return ideas without data, and invitations without an answer."""
    ideas = desk_model.list_waiting_ideas(found, MOST_OF_LIST)
    records = [Idea.from_stored(package) for package in ideas.first]
    met = idea_model.list_met_needs([need.id for idea in records for need in idea.data_needs])
    own = set(found.organizations)
    workshops = [
        row
        for row in _list_inviting_workshops()
        if row["organization"] and row["organization"]["id"] in own
    ]
    invited = [
        person
        for person in pending
        if find_link_state(account.read_invitation_end(person.user), now) == LinkState.OPEN
    ]
    return _make_section(
        "waiting",
        tk._("What waits for you"),
        [
            DeskList(
                heading=tk._("Ideas that wait for data"),
                items=[_describe_idea(idea, met) for idea in records],
                count=ideas.count,
                all_of_them=tk.h.url_for("idea.search"),
            ),
            DeskList(
                heading=tk._("Workshops with invitations that nobody has answered"),
                items=[_describe_workshop(row) for row in workshops[:MOST_OF_LIST]],
                count=len(workshops),
                all_of_them=tk.h.url_for("marathon_invitation.index"),
            ),
            DeskList(
                heading=tk._("People who have not accepted their invitation"),
                items=[_describe_pending(person, now) for person in invited[:MOST_OF_LIST]],
                count=len(invited),
            ),
        ],
        tk._(
            "Nothing: your ideas have their data, and all invitations are answered. New ideas come "
            "from workshops."
        ),
        DeskLink(tk.h.url_for("marathon_agenda.index"), tk._("Agenda")),
    )


def _describe_idea(idea: Idea, met: set[str]) -> DeskItem:
    unmet = [need for need in idea.data_needs if need.id not in met]
    asked = {"data_need": unmet[0].id} if len(unmet) == 1 else {}
    if unmet:
        needs = "; ".join(need.what for need in unmet)
        note = tk._("Data needed: {needs}").format(needs=needs)
    else:
        note = tk._("No dataset comes from it yet.")
    return DeskItem(
        title=idea.label,
        href=_find_page("idea", idea.name),
        note=note,
        action=DeskLink(tk.h.url_for("dataset.new", idea=idea.id, **asked), tk._("Publish data")),
    )


def _list_inviting_workshops() -> list[dict[str, Any]]:
    context = _make_context()
    if not is_allowed("marathon_invitation_list", context, {}):
        return []
    return tk.get_action("marathon_invitation_list")(_make_context(), {})


def _describe_workshop(row: dict[str, Any]) -> DeskItem:
    number = len(row["unanswered"])
    missing = tk.ungettext("{n} answer is missing", "{n} answers are missing", number).format(
        n=number
    )
    deadline = row["rsvp_by"]
    until = tk._("Confirm by {day}").format(day=marathon_date(deadline)) if deadline else ""
    return DeskItem(
        title=row["workshop"]["title"],
        href=_find_page("workshop", row["workshop"]["name"]) + "#invitations",
        note=_join(missing, until),
        mark=tk._("Overdue") if row["overdue"] else "",
        is_late=row["overdue"],
        action=DeskLink(
            _find_edit_page("workshop", row["workshop"]["name"]), tk._("Write down answers")
        ),
    )


def _describe_pending(person: PendingOfficer, now: datetime) -> DeskItem:
    until = account.read_invitation_end(person.user)
    state = find_link_state(until, now)
    day = marathon_date(until.isoformat()) if until else ""
    if state == LinkState.ENDED:
        note = tk._("The link ended on {day}.").format(day=day)
    else:
        note = tk._("The link opens until {day}.").format(day=day) if day else ""
    people = _find_people_page(person.organization)
    return DeskItem(
        title=person.user.email or person.user.name,
        href=people,
        note=_join(person.organization.display_name, note),
        mark=tk._("ended") if state == LinkState.ENDED else "",
        is_late=state == LinkState.ENDED,
        action=DeskLink(people, tk._("Invite again")),
    )


def _list_expiring(
    found: Desk, pending: list[PendingOfficer], now: datetime, today: date
) -> DeskSection:
    """Return datasets that are overdue or soon due, and invitations that end."""
    due = [
        (day, facts)
        for facts in dataset_model.list_update_facts(found.organizations)
        if (day := find_due_day(facts, today)) and day <= today + DUE_SOON
    ]
    # The most overdue first; those of one day stay sorted by title.
    due.sort(key=lambda pair: pair[0])
    ending = [
        person
        for person in pending
        if find_link_state(account.read_invitation_end(person.user), now) != LinkState.OPEN
    ]
    return _make_section(
        "expiring",
        tk._("What expires"),
        [
            DeskList(
                heading=tk._("Datasets to update, by the frequency that you promised"),
                items=[_describe_due(facts, day, today) for day, facts in due[:MOST_OF_LIST]],
                count=len(due),
            ),
            DeskList(
                heading=tk._("Invitations that end"),
                items=[_describe_pending(person, now) for person in ending[:MOST_OF_LIST]],
                count=len(ending),
            ),
        ],
        tk._(
            "Nothing: no dataset is overdue. A dataset appears here when the time that its field "
            "“How often it is updated” promises is over."
        ),
    )


def find_due_day(facts: UpdateFacts, today: date) -> date | None:
    """Return until when a dataset is up to date, ``None`` without a fixed frequency."""
    known = dataset_domain.find_updated_day(facts.stated, facts.saved, today)
    created = dataset_domain.find_updated_day((), (facts.created,), today)
    updated = known or created
    return dataset_domain.find_due_day(facts.frequency, updated) if updated else None


def _describe_due(facts: UpdateFacts, day: date, today: date) -> DeskItem:
    is_late = day < today
    when = marathon_date(day.isoformat())
    text = tk._("was due on {day}") if is_late else tk._("is due on {day}")
    frequency = authorities.find_frequency(facts.frequency)
    return DeskItem(
        title=facts.title,
        href=_find_page(DATASET, facts.name),
        note=_join(frequency.label(tk.h.lang()) if frequency else "", text.format(day=when)),
        mark=tk._("Overdue") if is_late else "",
        is_late=is_late,
        action=DeskLink(_find_update_page(facts), tk._("Update")),
    )


def _find_update_page(facts: UpdateFacts) -> str:
    """Return the page that replaces a file; data of another site are updated in the form."""
    if facts.has_uploads:
        return tk.h.url_for("marathon_file.choose", id=facts.name)
    return _find_edit_page(DATASET, facts.name)


def _list_saves() -> DeskSection:
    """Return the records that the person saved last."""
    entries = _list_own_entries()
    packages = package_model.load_packages(entry["record"] for entry in entries)
    saves = DeskList(
        heading=tk._("What you saved"),
        items=[
            _describe_save(entry, package)
            for entry in entries
            if (package := packages.get(entry["record"])) and package.state != model.State.DELETED
        ][:MOST_OF_LIST],
        count=0,
    )
    return _make_section(
        "saves",
        tk._("Last saved by you"),
        [saves, _list_imports()],
        tk._("Nothing yet. What you publish or change comes here, with the way to its page."),
        _find_publish_link(),
    )


def _list_imports() -> DeskList:
    """Return the person's last imports; one whose preview waits for an answer has a mark."""
    found: list[dict[str, Any]] = []
    if is_allowed("marathon_import_list", _make_context(), {}):
        found = tk.get_action("marathon_import_list")(_make_context(), {})
    return DeskList(
        heading=tk._("Your last imports"),
        items=[
            DeskItem(
                title=", ".join(file["name"] for file in listed["files"]),
                href=tk.h.url_for("marathon_import.read", import_id=listed["id"]),
                note=marathon_moment(datetime.fromisoformat(listed["at"])),
                mark=_mark_import(listed["state"]),
            )
            for listed in found[:_MOST_IMPORTS]
        ],
        count=0,
    )


def _mark_import(state: str) -> str:
    """Return a word about an import that saved nothing, ``""`` for the others."""
    marks = {
        ImportState.PREVIEWED: tk._("not confirmed yet"),
        ImportState.FAILED: tk._("nothing was saved"),
        ImportState.UNDONE: tk._("undone"),
    }
    return marks.get(ImportState(state), "")


def _list_own_entries() -> list[dict[str, Any]]:
    """Return the last entry about each record that the person saved, the newest first."""
    context = _make_context()
    asked = {"user": current_user.name, "limit": _MOST_ENTRIES}
    if not is_allowed("marathon_change_list", context, {}):
        return []
    found = tk.get_action("marathon_change_list")(_make_context(), asked)
    last: dict[str, dict[str, Any]] = {}
    for entry in found["results"]:
        is_file = entry["kind"] == audit.RESOURCE
        record = entry["parent"] if is_file else entry["record"]
        title = entry["parent_title"] if is_file else entry["title"]
        if title and (is_file or entry["kind"] in (DATASET, *OTHER_TYPES)):
            last.setdefault(record, {**entry, "record": record, "title": title})
    return list(last.values())


def _describe_save(entry: dict[str, Any], package: model.Package) -> DeskItem:
    is_public = visibility.is_public(package)
    return DeskItem(
        title=entry["title"],
        href=_find_page(package.type, package.name),
        note=_join(
            _label_type(package.type),
            marathon_date(entry["at"]),
            tk._("everybody sees it") if is_public else tk._("only your organisation sees it"),
        ),
        mark="" if is_public else tk._("private"),
    )


def _find_publish_link() -> DeskLink:
    return DeskLink(tk.h.url_for("dataset.new"), tk._("Publish data"))


def _find_page(package_type: str, name: str) -> str:
    return tk.h.url_for(f"{_known(package_type)}.read", id=name)


def _find_edit_page(package_type: str, name: str) -> str:
    return tk.h.url_for(f"{_known(package_type)}.edit", id=name)


def _known(package_type: str) -> str:
    """Return a type that has pages; CKAN shows other types of the site as datasets."""
    return package_type if package_type in OTHER_TYPES else DATASET


def _label_type(package_type: str) -> str:
    return marathon_type_label(package_type)


def _join(*parts: str) -> str:
    return " · ".join(filter(None, parts))


desk.add_url_rule("/marathon/desk", endpoint="index", view_func=show_desk)
