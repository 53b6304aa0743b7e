"""The chain as pages show it: workshops, ideas, their datasets, and the commitment.

Linked records, the sentence and the timeline of an idea, and progress and evidence of a commitment:
only what the visitor may see.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple, TypedDict
from urllib.parse import urlsplit

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
from ckanext.marathon.helpers.form import marathon_idea_choices
from ckanext.marathon.helpers.labels import (
    marathon_as_list,
    marathon_date,
    marathon_host,
    marathon_municipality_names,
    marathon_only_day,
    marathon_term,
)
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import commitment, municipality
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.rdf import lookups
from ckanext.marathon.records import Commitment, Milestone, Workshop
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.visibility import Viewer
from ckanext.marathon.vocabulary import statuses

PROVING_TYPES = (package_model.WORKSHOP, package_model.IDEA, package_model.DATASET)
_THING = re.compile(rf"/({'|'.join(PROVING_TYPES)})/([A-Za-z0-9_-]+)(?:[./?#].*)?", re.DOTALL)


class Evidence(NamedTuple):
    """A piece of evidence of a milestone.

    Attributes:
        href: its address.
        title: its title; the address itself if it is no public record of this site.
        type: ``workshop``, ``idea`` or ``dataset``; ``""`` if it is no public record of this site.
        status: of a workshop or idea.
        day: of a workshop, in words.
    """

    href: str
    title: str
    type: str = ""
    status: str = ""
    day: str = ""
    is_example: bool = False


def show_evidence(addresses: Iterable[str]) -> dict[str, Evidence]:
    """Return address → what to show for it; one query for all of them.

    Private and missing records are shown as the typed address.
    """
    meant = {each: _find_reference(each) for each in addresses}
    found = commitment.find_evidence({each[1] for each in meant.values() if each}, PROVING_TYPES)
    answer = {}
    for address, reference in meant.items():
        thing = found.get(reference[1]) if reference else None
        if thing is None:
            answer[address] = Evidence(address, address)
            continue
        starts = package_model.read_stored_text(thing, "starts_at")
        answer[address] = Evidence(
            href=tk.h.url_for(f"{thing.type}.read", id=thing.name),
            title=thing.title or thing.name,
            type=thing.type,
            status=package_model.read_stored_text(thing, "status")
            if thing.type != package_model.DATASET
            else "",
            day=marathon_only_day(starts) if workshop_domain.is_time(starts) else "",
            is_example=package_model.read_stored_flag(thing, "example"),
        )
    return answer


def _find_reference(address: str) -> tuple[str, str] | None:
    """Return type and id or name of the record of this site with that address."""
    try:
        given = urlsplit(address)
    except ValueError:
        return None
    site = lookups.read_site()
    for root in (site.url, site.base):
        own = urlsplit(root)
        if given.netloc.lower() != own.netloc.lower() or not given.path.startswith(own.path):
            continue
        path = given.path[len(own.path) :]
        for locale in tk.aslist(tk.config.get("ckan.locales_offered")):
            path = path.removeprefix(f"/{locale}") if path.startswith(f"/{locale}/") else path
        found = _THING.fullmatch(path)
        if found:
            return found[1], found[2]
    return None


class ShownMilestone(NamedTuple):
    """A milestone, whether it is overdue, and its evidence."""

    milestone: Milestone
    is_overdue: bool
    evidence: list[Evidence]


class ShownCommitment(NamedTuple):
    """A commitment with the counts of its page.

    Attributes:
        organization: its owner: ``id``, ``name`` and ``title``.
        progress: status → number of milestones, the furthest first.
        proofs: record type → number of different records of this site named as evidence.
    """

    record: Commitment
    organization: dict[str, str] | None
    milestones: list[ShownMilestone]
    progress: Mapping[str, int]
    overdue: int
    proofs: Mapping[str, int]


def show_commitment(record: Commitment) -> ShownCommitment:
    """Return a public commitment for its page; two queries."""
    proofs = show_evidence(
        address for milestone in record.milestones for address in milestone.evidence
    )
    today = dates.get_today()
    milestones = [
        ShownMilestone(
            milestone,
            commitment.is_milestone_overdue(milestone.status, milestone.due, today),
            [proofs[address] for address in milestone.evidence],
        )
        for milestone in record.milestones
    ]
    own = {(proof.type, proof.href) for proof in proofs.values() if proof.type}
    return ShownCommitment(
        record=record,
        organization=package_model.read_organization_titles([record.owner_id]).get(record.owner_id),
        milestones=milestones,
        progress=count_progress(record),
        overdue=sum(milestone.is_overdue for milestone in milestones),
        proofs={type_: sum(t == type_ for t, _ in own) for type_ in PROVING_TYPES},
    )


def count_progress(record: Commitment) -> dict[str, int]:
    """Return how many milestones of a commitment have each status, the furthest first."""
    return commitment.count_milestones_by_status(
        milestone.status for milestone in record.milestones
    )


def may_add_commitment() -> bool:
    """Return whether the visitor may add a commitment for some organisation."""
    if not current_user.is_authenticated:
        return False
    return bool(permissions.organizations_open_to(current_user.name, package_model.COMMITMENT))


def marathon_today() -> str:
    """Return today's date in Guatemala, in words, for printed pages."""
    return tk._("as of {day}").format(day=marathon_date(dates.get_today().isoformat()))


MOST_COMING_WORKSHOPS = 3


class Story(NamedTuple):
    """The sentence of an idea, with its links and as plain text, and whom to ask."""

    html: Markup
    text: str
    contact: StoryContact | None


class TimelinePoint(NamedTuple):
    """A point of the timeline of an idea: ``kind`` is ``said``, ``step`` or ``ahead``.

    ``date`` is ISO, "" where it is not known; ``status`` a code, "" of ``said``.
    """

    kind: str
    date: str
    status: str = ""
    organization: str = ""
    user: str = ""
    reason: str = ""


def marathon_story(idea: dict[str, Any]) -> Story:
    """Return the sentence with which the page of an idea begins (``domain/idea.py``)."""
    workshop = idea.get("workshop_info") or {}
    history = idea.get("history") or []
    said_on = idea_domain.read_said_on(workshop.get("starts_at") or "", dates.get_today())
    since = idea_domain.find_status_since(idea.get("status") or "", history, said_on)
    contact = _whom_to_ask(idea)
    clauses = idea_domain.write_story(
        idea_domain.StoryFacts(
            title=idea.get("title") or idea["name"],
            status=idea.get("status") or "",
            since=since.day,
            is_since_exact=since.is_exact,
            workshop=workshop.get("title") or "",
            said_on=said_on,
            is_explained=bool(history and history[-1].get("reason")),
            is_evident=bool(idea.get("evidence")),
            contact=contact,
        )
    )
    html = [_write_linked(each, workshop, contact) for each in clauses]
    text = [_write_plain(each) for each in clauses]
    return Story(Markup("; ").join(html) + ".", "; ".join(text) + ".", contact)


def _whom_to_ask(thing: dict[str, Any]) -> StoryContact | None:
    """Return the contact of a record's municipalities, else of the coordinating body.

    Both are institutions: their e-mail addresses and web sites, as they are on the site.
    """
    places = municipality.list_municipality_contacts(marathon_as_list(thing.get("municipality")))
    found = idea_domain.find_contact(places)
    if found and (found.email or found.homepage):
        return found
    return idea_domain.find_contact(
        [*places, *municipality.find_contact_with_role(dataset_domain.COORDINATING_BODY)]
    )


def marathon_timeline(idea: dict[str, Any]) -> list[TimelinePoint]:
    """Return the timeline of an idea: its workshop, its status steps, and the next possible one."""
    workshop = idea.get("workshop_info") or {}
    said_on = idea_domain.read_said_on(workshop.get("starts_at") or "", dates.get_today())
    points = [TimelinePoint("said", said_on)] if workshop else []
    for step in idea.get("history") or []:
        organization = step.get("organization") or {}
        points.append(
            TimelinePoint(
                "step",
                dates.find_local_day(step["at"]).isoformat(),
                step["status"],
                organization.get("title") or organization.get("name") or "",
                step.get("user") or "",
                step.get("reason") or "",
            )
        )
    ahead = idea_domain.find_status_ahead(idea.get("status") or "")
    return [*points, TimelinePoint("ahead", "", ahead)] if ahead else points


def marathon_coming_workshops(codes: Any) -> list[dict[str, str]]:
    """Return the next announced workshops of municipalities: name, title, starts_at, rsvp_by."""
    found = workshop_model.list_coming_workshops(
        marathon_as_list(codes), dates.get_today(), MOST_COMING_WORKSHOPS
    )
    return [
        {
            "name": workshop.name,
            "title": workshop.label,
            "starts_at": workshop.starts_at,
            "rsvp_by": workshop.rsvp_by,
        }
        for workshop in map(Workshop.from_stored, found)
    ]


def marathon_asked(ideas: list[dict[str, Any]]) -> dict[str, str]:
    """Return idea id → a sentence with the number of its data needs and of those met."""
    found = idea_model.read_asked_needs([each["id"] for each in ideas])
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
    clause: StoryClause, workshop: dict[str, str], contact: StoryContact | None
) -> Markup:
    values: dict[str, Markup] = {}
    for name, value in clause.values.items():
        if name == "date":
            text = marathon_date(value)
            values[name] = Markup('<time datetime="{}">{}</time>').format(value, text)
        elif name == "workshop":
            href = tk.h.url_for("workshop.read", id=workshop["name"])
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
# One by one they cost much more.
MOST_WITHOUT_SEARCH = 50
# In a list on the page of something else; a search shows the rest.
MOST_ON_A_PAGE = 20
MOST_IDEAS_ON_A_PAGE = 50
# CKAN's own limit of a search.
MOST_TO_ORDER = 1_000


class NextStatus(TypedDict):
    """A status that an idea may be given now."""

    code: str
    label: str
    reason_required: bool


class ParticipantCount(TypedDict):
    """A count of participants, in words."""

    label: str
    value: str


class RecordList(TypedDict):
    """The first records of one type, and the number of all."""

    package_type: str
    count: int
    things: list[Package]


class LinkedRecords(RecordList):
    """Records that refer to others: the first ones, and the ids of all."""

    ids: list[str]


def marathon_of_organization(organization_id: str) -> list[RecordList]:
    """Return the first workshops, ideas and commitments of an organisation.

    Raises:
        ckan.lib.search.SolrConnectionError: Solr does not answer.
    """
    parts: list[RecordList] = []
    for package_type in ("workshop", "idea", "commitment"):
        part = find_records(
            package_type, f'+owner_org:"{organization_id}"', 5, include_private=True
        )
        if part["count"]:
            parts.append(part)
    return parts


def find_records(
    package_type: str, condition: str, most: int, *, include_private: bool = False
) -> RecordList:
    """Return the first records of a type that a search finds, for a list on another page.

    Workshops are in the order of the agenda: coming ones with the next first, undated ones, past
    ones with the latest first. Other records are sorted by their last change, the latest first.

    Args:
        package_type: of the records.
        condition: Solr filter, besides that for the type.
        most: number of records at most.
        include_private: also private records that this person may see.

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
    ids = [each["id"] for each in found["results"]]
    arranged = workshop_domain.arrange_workshops(
        workshop_model.list_times_of(ids), dates.get_today()
    )
    ordered = [*arranged.coming, *arranged.undated, *arranged.past]
    things = marathon_linked(ordered[:most])
    return {"package_type": package_type, "count": found["count"], "things": things}


def marathon_linked(ids: Collection[str]) -> list[Package]:
    """Return packages by id, those that the visitor may see, in the order given.

    Read from the database if Solr does not answer, so that the page still opens.
    """
    by_id = {each["id"]: each for each in _find_packages(list(ids)[:MOST])}
    return [by_id[each] for each in ids if each in by_id]


def marathon_ideas_of_workshop(workshop: Package) -> LinkedRecords:
    """Return the first ideas of a workshop, by title."""
    return _find_linked("idea", [workshop["id"]], Predicate.IDEA_WORKSHOP, MOST_IDEAS_ON_A_PAGE)


def marathon_datasets_of_ideas(ideas: Collection[str]) -> LinkedRecords:
    """Return the first datasets of ideas (given by id), by title."""
    return _find_linked("dataset", ideas, Predicate.DATASET_IDEA, MOST_ON_A_PAGE)


def _find_linked(
    package_type: str, objects: Collection[str], predicate: Predicate, most: int
) -> LinkedRecords:
    linked = package_model.list_active_dependents(objects, predicate)
    # Public ones need no permission check, which would read each package.
    others = package_model.load_packages(id_ for id_, is_public in linked if not is_public)
    viewer = Viewer(Context(user=current_user.name))
    ids = [
        id_
        for id_, is_public in linked
        if is_public or (id_ in others and viewer.may_see(others[id_]))
    ]
    things = marathon_linked(ids[:most])
    return {"package_type": package_type, "count": len(ids), "things": things, "ids": ids}


def marathon_needs(idea: Package) -> list[dict[str, Any]]:
    """Return the data needs of an idea: ``id``, ``what``, ``why`` and the datasets that meet it."""
    return _list_packages("marathon_data_need_list", idea)


def marathon_needs_met(dataset: Package) -> list[dict[str, str]]:
    """Return the data needs (id, what, why) that a dataset meets.

    Needs of ideas that the visitor may not see are left out.
    """
    wanted, ideas = marathon_as_list(dataset.get("data_need")), dataset.get("ideas")
    if not wanted or not ideas:
        return []
    found = marathon_idea_choices((), [each["id"] for each in ideas])
    needs = {need["id"]: need for idea in found for need in idea["data_need"]}
    return [needs[each] for each in wanted if each in needs]


def marathon_thing_note(thing: Package) -> str:
    """Return place and date of a listed record in one line."""
    places = ", ".join(marathon_municipality_names(thing.get("municipality"))[:4])
    if thing["type"] == "workshop":
        return _join_line(marathon_only_day(thing.get("starts_at")), places)
    if thing["type"] == "idea":
        return _join_line(places, _write_votes(thing.get("votes")))
    organization = thing.get("organization") or {}
    named = (str(each.get("format") or "") for each in thing.get("resources", []))
    formats = sorted({each for each in named if not is_blank(each)})
    return _join_line(places, organization.get("title"), ", ".join(formats))


class ListedRecord(NamedTuple):
    """A dataset, idea or workshop in a short list, as ``snippets/records.html`` prints it.

    Attributes:
        href: of its page.
        status: code of an idea's or workshop's, ``""`` of a dataset's.
        status_label: what readers call the status.
        note: place and date in one line.
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


def marathon_listed_records(
    things: Iterable[Package], details: Mapping[str, str] | None = None
) -> list[ListedRecord]:
    """Return the lines of a short list of records; ``details`` has a further line by id."""
    return [_describe_listed(thing, (details or {}).get(thing["id"], "")) for thing in things]


def _describe_listed(thing: Package, detail: str) -> ListedRecord:
    terms = _STATUS_LISTS.get(thing["type"], "")
    status = (thing.get("status") or "") if terms else ""
    return ListedRecord(
        href=tk.h.url_for(f"{thing['type']}.read", id=thing["name"]),
        title=thing.get("title") or thing["name"],
        is_private=bool(thing.get("private")),
        is_example=bool(thing.get("example")),
        status=status,
        status_label=marathon_term(terms, status) if status else "",
        note=marathon_thing_note(thing),
        detail=detail,
    )


_STATUS_LISTS = {"idea": "idea-status", "workshop": "workshop-status"}


def marathon_participants(workshop: Package) -> list[ParticipantCount]:
    """Return the counts of participants that are known.

    Masked ones are "not shown": a count is masked if it is under 5, or if a count under 5 could be
    calculated from it.
    """
    labels = {
        field["field_name"]: tk.h.scheming_language_text(field["label"])
        for field in tk.h.scheming_get_dataset_schema("workshop")["dataset_fields"]
    }
    masked = workshop.get("participants_masked") or []
    found: list[ParticipantCount] = []
    for name in workshop_domain.COUNT_FIELDS:
        value = workshop.get(name)
        if name in masked:
            found.append({"label": labels[name], "value": tk._("not shown")})
        elif value not in (None, ""):
            found.append({"label": labels[name], "value": str(value)})
    return found


def marathon_unanswered(workshop: Package) -> list[str]:
    """Return the invited organisations without a recorded answer."""
    return [invitation.organisation for invitation in Workshop.from_shown(workshop).unanswered]


def marathon_next_statuses(status: str) -> list[NextStatus]:
    """Return the statuses that may follow an idea's status."""
    return [
        {
            "code": code,
            "label": marathon_term(statuses.IDEA_STATUS.name, code),
            "reason_required": idea_domain.needs_reason(status, code),
        }
        for code in idea_domain.list_next_statuses(status)
    ]


def _find_packages(ids: list[str]) -> Iterable[Package]:
    if not ids:
        return []
    quoted = " OR ".join(f'"{each}"' for each in ids)
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


def _list_packages(action: str, package: Package) -> list[dict[str, Any]]:
    return tk.get_action(action)({"user": current_user.name}, {"id": package["id"]})


def _write_votes(value: Any) -> str:
    if not str(value or "").isdigit():
        return ""
    number = int(value)
    return tk.ungettext("%(num)d vote", "%(num)d votes", number) % {"num": number}


def _join_line(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)
