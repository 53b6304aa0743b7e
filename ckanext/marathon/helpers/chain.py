"""The chain on pages: lists of workshops, ideas and datasets, and the story of an idea.

All lists have only records that the visitor may see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple, TypedDict

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context
from markupsafe import Markup

from ckanext.marathon.domain import dataset as dataset_domain
from ckanext.marathon.domain import dates
from ckanext.marathon.domain import idea as idea_domain
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.idea import StoryClause, StoryContact
from ckanext.marathon.domain.texts import is_blank
from ckanext.marathon.helpers.labels import (
    marathon_date,
    marathon_host,
    marathon_municipality_names,
    marathon_only_day,
    marathon_term,
)
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import municipality
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.records import (
    DataNeed,
    Dataset,
    Idea,
    Resource,
    Workshop,
    list_rows,
    read_package_record,
)
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.visibility import Viewer


def may_add_record(package_type: str) -> bool:
    """Return whether the visitor may add a record of a type for some organisation."""
    if not tk.h.check_access("package_create"):
        return False
    return bool(permissions.list_organizations_open_to(current_user.name, package_type))


def write_today() -> str:
    """Return the present date in Guatemala as text, for printed pages: ``as of 5 May 2026``."""
    return tk._("as of {day}").format(day=marathon_date(dates.get_today().isoformat()))


class Story(NamedTuple):
    """The sentence about an idea as HTML and as plain text, and the contact for questions."""

    html: Markup
    text: str
    contact: StoryContact | None


class TimelinePoint(NamedTuple):
    """A point of the timeline of an idea.

    Attributes:
        kind: ``said`` (in a workshop), ``step`` (a change of status) or ``ahead`` (next status).
        date: ISO 8601, "" if unknown.
        status: code of the status, "" for ``said``.
        organization: title of the organisation that changed the status.
        user: name of the person who changed it, for insiders.
        reason: reason of the change.
    """

    kind: str
    date: str
    status: str = ""
    organization: str = ""
    user: str = ""
    reason: str = ""


def write_story(idea: Idea) -> Story:
    """Return the sentence at the beginning of an idea's page (``domain/idea.py``)."""
    said_on = _find_said_on(idea)
    history = [asdict(step) for step in idea.steps]
    since = idea_domain.find_status_since(idea.status, history, said_on)
    contact = _whom_to_ask(idea)
    clauses = idea_domain.write_story(
        idea_domain.StoryFacts(
            title=idea.label,
            status=idea.status,
            since=since.day,
            is_since_exact=since.is_exact,
            workshop=idea.workshop.title if idea.workshop else "",
            said_on=said_on,
            is_explained=bool(idea.steps and idea.steps[-1].reason),
            is_evident=bool(idea.evidence),
            contact=contact,
        )
    )
    html = [_write_linked(clause, idea.workshop, contact) for clause in clauses]
    text = [_write_plain(clause) for clause in clauses]
    return Story(Markup("; ").join(html) + ".", "; ".join(text) + ".", contact)


def _find_said_on(idea: Idea) -> str:
    starts_at = idea.workshop.starts_at if idea.workshop else ""
    return idea_domain.read_said_on(starts_at, dates.get_today())


def _whom_to_ask(idea: Idea) -> StoryContact | None:
    """Return the institution to ask about an idea, the first one with e-mail or web site.

    These are its municipalities, then the coordinating body.
    """
    places = municipality.list_municipality_contacts(idea.municipalities)
    found = idea_domain.find_contact(places)
    if found and (found.email or found.homepage):
        return found
    return idea_domain.find_contact(
        [*places, *municipality.find_contact_with_role(dataset_domain.COORDINATING_BODY)]
    )


def list_timeline(idea: Idea) -> list[TimelinePoint]:
    """Return the timeline of an idea: its workshop, its changes of status, the next status."""
    points = [TimelinePoint("said", _find_said_on(idea))] if idea.workshop else []
    for step in idea.steps:
        points.append(
            TimelinePoint(
                "step",
                dates.find_local_day(step.at).isoformat(),
                step.status,
                step.organization,
                step.user,
                step.reason,
            )
        )
    ahead = idea_domain.find_status_ahead(idea.status)
    return [*points, TimelinePoint("ahead", "", ahead)] if ahead else points


def count_asked_data(ideas: list[Package]) -> dict[str, str]:
    """Return idea id → text with the numbers of its data needs and of those that are met."""
    found = idea_model.read_asked_needs([idea["id"] for idea in ideas])
    return {
        idea: tk.ungettext(
            "{met} of {count} dataset asked for is there",
            "{met} of {count} datasets asked for are there",
            asked.needs,
        ).format(met=asked.met, count=asked.needs)
        for idea, asked in found.items()
    }


def _write_plain(clause: StoryClause) -> str:
    values = dict(clause.values)
    if "date" in values:
        values["date"] = marathon_date(values["date"])
    if "address" in values and tk.h.is_url(values["address"]):
        values["address"] = marathon_host(values["address"])
    return tk._(clause.text).format(**values)


def _write_linked(
    clause: StoryClause, workshop: Workshop | None, contact: StoryContact | None
) -> Markup:
    values: dict[str, Markup] = {}
    for name, value in clause.values.items():
        if name == "date":
            text = marathon_date(value)
            values[name] = Markup('<time datetime="{}">{}</time>').format(value, text)
        elif name == "workshop" and workshop:
            href = tk.h.url_for("workshop.read", id=workshop.name)
            values[name] = Markup('<a href="{}"><bdi>{}</bdi></a>').format(href, value)
        elif name == "organization" and contact:
            href = tk.h.url_for("organization.read", id=contact.name)
            values[name] = Markup('<a href="{}"><bdi>{}</bdi></a>').format(href, value)
        elif name == "address":
            values[name] = _link_address(value)
        else:
            values[name] = Markup("<bdi>{}</bdi>").format(value)
    return Markup(tk._(clause.text)).format(**values)  # noqa: S704 - a text of the translations


def _link_address(value: str) -> Markup:
    if tk.h.is_url(value):
        html = '<a href="{}" rel="nofollow noopener noreferrer">{}</a>'
        return Markup(html).format(value, marathon_host(value))  # noqa: S704 - a constant
    return Markup('<a href="mailto:{}">{}</a>').format(value, value)


Package = dict[str, Any]
MOST = 500
# Packages that are read one by one if Solr does not answer.
MOST_WITHOUT_SEARCH = 50
# Linked records that a page lists.
MOST_ON_A_PAGE = 20
MOST_IDEAS_ON_A_PAGE = 50
# CKAN's own limit of a search.
MOST_TO_ORDER = 1_000


class RecordList(TypedDict):
    """The first records of one type, and their total number."""

    package_type: str
    count: int
    things: list[Package]


class LinkedRecords(RecordList):
    """Records that are linked to others: the first ones, and the ids of all."""

    ids: list[str]


def find_records(
    package_type: str, condition: str, most: int, *, include_private: bool = False
) -> RecordList:
    """Return the first results of a search for records of a type.

    Workshops are in the order of the agenda: coming ones with the next first, undated ones, past
    ones with the latest first. Other records are sorted by their last change, the latest first.

    Args:
        package_type: type of the records.
        condition: Solr filter, in addition to the one for the type.
        most: largest number of records.
        include_private: whether to include private records that this person may see.

    Raises:
        ckan.lib.search.SolrConnectionError: Solr does not answer.
    """
    query = {
        "fq": f"+dataset_type:{package_type} {condition}",
        "rows": most,
        "sort": "metadata_modified desc",
        "include_private": include_private,
    }
    search = tk.get_action("package_search")
    if package_type != package_model.WORKSHOP:
        found = search({"user": current_user.name}, query)
        return {"package_type": package_type, "count": found["count"], "things": found["results"]}
    found = search({"user": current_user.name}, {**query, "rows": MOST_TO_ORDER, "fl": ["id"]})
    ids = [result["id"] for result in found["results"]]
    arranged = workshop_domain.arrange_workshops(
        workshop_model.list_times_of(ids), dates.get_today()
    )
    ordered = [*arranged.coming, *arranged.undated, *arranged.past]
    things = marathon_linked(ordered[:most])
    return {"package_type": package_type, "count": found["count"], "things": things}


def marathon_linked(ids: Collection[str]) -> list[Package]:
    """Return those packages with these ids that the visitor may see, in the given order.

    They are read from Solr, or from the database if Solr does not answer.
    """
    by_id = {record["id"]: record for record in _find_packages(list(ids)[:MOST])}
    return [by_id[id_] for id_ in ids if id_ in by_id]


def find_ideas_of_workshop(workshop_id: str) -> LinkedRecords:
    """Return the ideas of a workshop, by title."""
    return _find_linked("idea", [workshop_id], Predicate.IDEA_WORKSHOP, MOST_IDEAS_ON_A_PAGE)


def find_datasets_of_ideas(ideas: Collection[str]) -> LinkedRecords:
    """Return the datasets of ideas, given by id, by title."""
    return _find_linked("dataset", ideas, Predicate.DATASET_IDEA, MOST_ON_A_PAGE)


def _find_linked(
    package_type: str, objects: Collection[str], predicate: Predicate, most: int
) -> LinkedRecords:
    linked = package_model.list_active_dependents(objects, predicate)
    # The permission check of others reads the whole package.
    others = package_model.load_packages(id_ for id_, is_public in linked if not is_public)
    viewer = Viewer(Context(user=current_user.name))
    ids = [
        id_
        for id_, is_public in linked
        if is_public or (id_ in others and viewer.may_see(others[id_]))
    ]
    things = marathon_linked(ids[:most])
    return {"package_type": package_type, "count": len(ids), "things": things, "ids": ids}


def list_needs_met(dataset: Dataset) -> list[DataNeed]:
    """Return the data needs that a dataset meets, of ideas that the visitor may see."""
    if not dataset.data_need_ids or not dataset.ideas:
        return []
    asked = {"include": [idea.id for idea in dataset.ideas]}
    found = tk.get_action("marathon_idea_choices")({"user": current_user.name}, asked)
    needs = {need["id"]: DataNeed(**need) for idea in found for need in idea["data_need"]}
    return [needs[id_] for id_ in dataset.data_need_ids if id_ in needs]


def marathon_needs_met(dataset: Package) -> list[DataNeed]:
    """Return the data needs that a shown dataset meets; see :func:`list_needs_met`."""
    return list_needs_met(Dataset.from_shown(dataset))


def marathon_thing_note(shown: Package) -> str:
    """Return a line about a listed record: date, places, organisation, formats or votes."""
    record = read_package_record(shown)
    places = ", ".join(marathon_municipality_names(record.municipalities)[:4])
    if isinstance(record, Workshop):
        return _join_line(marathon_only_day(record.starts_at), places)
    if isinstance(record, Idea):
        return _join_line(places, _write_votes(record.votes))
    files = map(Resource.from_shown, list_rows(shown.get("resources")))
    formats = sorted({file.format for file in files if not is_blank(file.format)})
    owner = record.owner.title if record.owner else ""
    return _join_line(places, owner, ", ".join(formats))


class ListedRecord(NamedTuple):
    """A record in a short list, for ``snippets/records.html``.

    Attributes:
        href: address of its page.
        title: its title.
        is_private: whether it is private.
        is_example: whether it is a made-up example.
        status: code of the status of an idea or workshop, else ``""``.
        status_label: label of the status.
        note: from :func:`marathon_thing_note`.
        detail: a further line, ``""`` for none.
    """

    href: str
    title: str
    is_private: bool
    is_example: bool
    status: str
    status_label: str
    note: str
    detail: str


def list_records(
    things: Iterable[Package], details: Mapping[str, str] | None = None
) -> list[ListedRecord]:
    """Return a short list of shown records; ``details`` maps ids to a further line."""
    return [_describe_listed(shown, (details or {}).get(shown["id"], "")) for shown in things]


def _describe_listed(shown: Package, detail: str) -> ListedRecord:
    record = read_package_record(shown)
    status = record.status if isinstance(record, Idea | Workshop) else ""
    return ListedRecord(
        href=tk.h.url_for(f"{shown['type']}.read", id=record.name),
        title=record.label,
        is_private=bool(shown.get("private")),
        is_example=record.is_example,
        status=status,
        status_label=marathon_term(_STATUS_LISTS[shown["type"]], status) if status else "",
        note=marathon_thing_note(shown),
        detail=detail,
    )


_STATUS_LISTS = {"idea": "idea-status", "workshop": "workshop-status"}


def _find_packages(ids: list[str]) -> Iterable[Package]:
    if not ids:
        return []
    quoted = " OR ".join(f'"{id_}"' for id_ in ids)
    query = {
        "fq": f"id:({quoted})",
        "rows": len(ids),
        "include_private": True,
        "extras": {"ext_marathon_types": "all"},
    }
    try:
        return tk.get_action("package_search")({"user": current_user.name}, query)["results"]
    except AWAY:
        return filter(None, map(_show_package, ids[:MOST_WITHOUT_SEARCH]))


def _show_package(identifier: str) -> Package | None:
    context = Context(user=current_user.name, use_cache=False)
    try:
        return tk.get_action("package_show")(context, {"id": identifier})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None


def _write_votes(number: int | None) -> str:
    if not number:
        return ""
    return tk.ungettext("%(num)d vote", "%(num)d votes", number) % {"num": number}


def _join_line(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)
