"""The content of the pages of a dataset, an idea, a workshop, a commitment and an organisation.

CKAN's own views render these pages, and a plugin cannot add variables for their templates. So the
template calls ``h.marathon_record_page`` once, at its beginning; that of an organisation calls
``h.marathon_organization_page``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict, cast

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.common import current_user, g
from markupsafe import Markup

from ckanext.marathon.domain import dates
from ckanext.marathon.domain import idea as idea_domain
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.dataset import COORDINATING_BODY
from ckanext.marathon.helpers import chain, labels, sharing
from ckanext.marathon.helpers.chain import LinkedRecords, ListedRecord, Story, TimelinePoint
from ckanext.marathon.helpers.record import (
    explain_licence_doubt,
    find_iri,
    find_language_tag,
    list_fields_above,
    marathon_type_label,
    name_language,
    show_organization,
)
from ckanext.marathon.helpers.sharing import Audio, Following, Share
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.records import (
    DATASET,
    OTHER_TYPES,
    Commitment,
    DataNeed,
    Dataset,
    Idea,
    Organization,
    PackageRecord,
    Summary,
    Workshop,
    read_package_record,
)
from ckanext.marathon.views.place import TypeSection
from ckanext.marathon.views.workshop import describe_event
from ckanext.marathon.visibility import is_shown_public
from ckanext.marathon.vocabulary import problems, schemes, territory

Package = dict[str, Any]

MOST_COMING_WORKSHOPS = 3
MOST_OF_ORGANIZATION = 5
WITH_NEWS = ("workshop", "idea")
# Feeds of the datasets of an idea or workshop: path below its address, and name.
PROGRAMS = (
    ("/data.json", "data.json"),
    ("/catalog.csv", "CSV"),
    ("/catalog.xlsx", "Excel"),
    ("/catalog.ttl", "Turtle"),
    ("/catalog.jsonld", "JSON-LD"),
    ("/catalog/changes.atom", "Atom"),
)


class PageLink(NamedTuple):
    """An address and its label."""

    href: str
    label: str


@dataclass(frozen=True)
class RecordSection:
    """Records that are linked to another one: first ones, number, and address of the search."""

    records: list[ListedRecord]
    count: int
    all_of_them: str


class FollowSection(NamedTuple):
    """How to follow a record: feeds, and the button to follow it with an account.

    Attributes:
        feeds: Atom feeds.
        id: id of the record.
        following: whether this person follows it; ``None`` for visitors without an account.
        back: address of the page.
    """

    feeds: list[PageLink]
    id: str
    following: Following | None
    back: str


@dataclass(frozen=True, kw_only=True)
class RecordPage:
    """The common content of the pages of all records.

    Attributes:
        record: the record.
        package_type: ``dataset``, ``workshop``, ``idea`` or ``commitment``.
        type_label: name of the type in the language of the request.
        address: canonical address of the page in the language of the request.
        description: plain text, for search engines and previews.
        is_public: whether everybody may see it.
        news: address of its news as Atom, ``""`` for none.
        data_news: address of the changes of its datasets as Atom, ``""`` for none.
        places: its municipalities.
        problems: its service problems.
        follow: how to follow it; ``None`` if it has no feeds.
        share: how to share it; ``None`` if it is not public.
        programs: feeds of its datasets.
        organization: from ``organization_show``, {} for none.
        fields: fields of its schema.
        above: names of the fields at the top of the page.
        iri: its IRI.
    """

    record: PackageRecord
    package_type: str
    type_label: str
    address: str
    description: str
    is_public: bool
    news: str
    data_news: str
    places: list[PageLink]
    problems: list[PageLink]
    follow: FollowSection | None
    share: Share | None
    programs: list[PageLink]
    organization: dict[str, Any]
    fields: list[dict[str, Any]]
    above: set[str]
    iri: str


@dataclass(frozen=True, kw_only=True)
class DatasetPage(RecordPage):
    """The page of a dataset.

    Attributes:
        needs: data needs that it meets, of ideas that this person may see.
        has_hidden_origin: whether it is linked only to ideas that this person may not see.
        may_edit: whether it has no idea and this person may add one.
        licence_doubt: warning about its licence, ``""`` for an open licence.
        structured_data: the dataset as JSON-LD of schema.org, ``None`` if it is not public.
        croissant: the dataset as Croissant, ``None`` if that plugin is not loaded.
    """

    record: Dataset
    needs: list[DataNeed]
    has_hidden_origin: bool
    may_edit: bool
    licence_doubt: str
    structured_data: Markup | None
    croissant: Markup | None


class ShownSummary(NamedTuple):
    """An idea in another language: its name and HTML tag, the text, and a recording of it."""

    language: str
    tag: str
    text: str
    audio: Audio | None


class ShownNeed(TypedDict):
    """A data need of an idea, and the datasets that meet it."""

    id: str
    what: str
    why: str
    datasets: list[dict[str, Any]]


class NextStatus(NamedTuple):
    """A status that may follow the present one."""

    code: str
    label: str
    reason_required: bool


class TypedStep(NamedTuple):
    """The typed values of a refused change of status, and their errors."""

    status: str
    reason: str
    errors: list[str]


@dataclass(frozen=True, kw_only=True)
class IdeaPage(RecordPage):
    """The page of an idea.

    Attributes:
        story: its origin and results as text.
        proponents: label of the group that proposed it.
        summaries: summaries in other languages.
        needs: its data needs.
        datasets: its datasets.
        may_add_data: whether this person may publish a dataset.
        may_edit: whether this person may edit it.
        timeline: its history.
        next_statuses: statuses that may follow; empty for people who may not edit it.
        typed: a change of status that was refused.
        coming: coming workshops in its municipalities.
    """

    record: Idea
    story: Story
    proponents: str
    summaries: list[ShownSummary]
    needs: list[ShownNeed]
    datasets: RecordSection
    may_add_data: bool
    may_edit: bool
    timeline: list[TimelinePoint]
    next_statuses: list[NextStatus]
    typed: TypedStep | None
    coming: list[Workshop]


class ParticipantCount(NamedTuple):
    """A count of participants as text."""

    label: str
    value: str


@dataclass(frozen=True, kw_only=True)
class WorkshopPage(RecordPage):
    """The page of a workshop.

    Attributes:
        event: the workshop as JSON-LD event of schema.org, ``None`` if it is not public or has no
            date.
        town: municipality of the venue.
        is_late: whether the last day to confirm is past.
        ideas: its ideas.
        may_add_idea: whether this person may add ideas.
        datasets: the datasets of its ideas.
        participants: counts of participants.
        unanswered: organisations that have not answered, for people who may edit it.
        may_edit: whether it has invitations and this person may edit it.
    """

    record: Workshop
    event: Markup | None
    town: territory.Municipality | None
    is_late: bool
    ideas: RecordSection
    may_add_idea: bool
    datasets: RecordSection
    participants: list[ParticipantCount]
    unanswered: list[str]
    may_edit: bool


@dataclass(frozen=True, kw_only=True)
class CommitmentPage(RecordPage):
    """The page of a commitment; ``may_edit``: it has no milestones and the person may add some."""

    record: Commitment
    may_edit: bool


@dataclass(frozen=True, kw_only=True)
class OrganizationPage:
    """The content that is added to CKAN's page of an organisation.

    Attributes:
        place: its municipality, ``None`` if it is no municipality.
        is_pilot: whether this is a pilot municipality.
        sections: its workshops, ideas and commitments, without empty sections.
        may_add_municipalities: whether it is the coordinating body and this person may do that.
        may_see_changes: whether this person may see its record of changes.
        may_manage_people: whether this person may invite to it.
        news: address of its news as Atom.
        follow: how to follow it.
    """

    place: territory.Municipality | None
    is_pilot: bool
    sections: list[TypeSection]
    may_add_municipalities: bool
    may_see_changes: bool
    may_manage_people: bool
    news: str
    follow: FollowSection


def read_record_page(shown: Package) -> RecordPage:
    """Return the content of a record's page.

    Args:
        shown: from ``package_show``, which CKAN's view has called.
    """
    record = read_package_record(shown)
    if isinstance(record, Idea):
        return _read_idea_page(record, shown)
    if isinstance(record, Workshop):
        return _read_workshop_page(record, shown)
    if isinstance(record, Commitment):
        may_edit = not record.milestones and _may_edit(record)
        return CommitmentPage(**_read_shared(record, shown), may_edit=may_edit)
    return _read_dataset_page(cast(Dataset, record), shown)


def _read_shared(record: PackageRecord, shown: Package, description: str = "") -> dict[str, Any]:
    """Return the fields of ``RecordPage``."""
    package_type, is_public = shown["type"], is_shown_public(shown)
    has_news = is_public and package_type in WITH_NEWS
    root = f"/{package_type}/{record.id}"
    return {
        "record": record,
        "package_type": package_type,
        "type_label": marathon_type_label(package_type),
        "address": sharing.find_page_address(shown),
        "description": description or sharing.describe_record(shown),
        "is_public": is_public,
        "news": sharing.find_news(package_type, record.id) if has_news else "",
        "data_news": tk.h.url_for(f"{root}/catalog/changes.atom", locale="default", _external=True)
        if has_news
        else "",
        "places": [
            PageLink(tk.h.url_for("marathon_place.municipality", code=code), place.name)
            for code in record.municipalities
            if (place := labels.marathon_municipality(code))
        ],
        "problems": [
            PageLink(tk.h.url_for("marathon_place.problem", notation=notation), _label(problem))
            for notation in record.problems
            if (problem := labels.marathon_problem(notation))
        ],
        "follow": _read_following(record, package_type) if is_public else None,
        "share": sharing.read_share(shown),
        "programs": _list_programs(root) if has_news else [],
        "organization": show_organization(record.owner.id) if record.owner else {},
        "fields": tk.h.scheming_get_dataset_schema(package_type)["dataset_fields"],
        "above": list_fields_above(package_type),
        "iri": find_iri(shown),
    }


def _label(problem: problems.ServiceProblem) -> str:
    return problem.label(tk.h.lang())


def _may_edit(record: PackageRecord) -> bool:
    return bool(tk.h.check_access("package_update", {"id": record.id}))


def _read_following(record: PackageRecord, package_type: str) -> FollowSection | None:
    """Return the feeds of a record, for a dataset those of its ideas and its organisation."""
    feeds: list[PageLink] = []
    if package_type == "idea":
        feeds.append(PageLink(sharing.find_news("idea", record.id), tk._("News of this idea")))
    elif package_type == "workshop":
        label = tk._("News of this workshop and its ideas")
        feeds.append(PageLink(sharing.find_news("workshop", record.id), label))
    elif isinstance(record, Dataset):
        for idea in record.ideas:
            label = tk._("News of the idea “{name}”").format(name=idea.label)
            feeds.append(PageLink(sharing.find_news("idea", idea.id), label))
        if record.owner:
            label = tk._("News of {name}").format(name=record.owner.label)
            feeds.append(PageLink(sharing.find_news("organization", record.owner.id), label))
    if not feeds:
        return None
    return FollowSection(
        feeds,
        record.id,
        sharing.read_following("dataset", record.id),
        tk.h.url_for(f"{package_type}.read", id=record.name),
    )


def _list_programs(root: str) -> list[PageLink]:
    return [
        *(PageLink(tk.h.url_for(root + path, locale="default"), name) for path, name in PROGRAMS),
        PageLink(tk.h.url_for(f"{root}/catalog"), tk._("All its feeds")),
    ]


def _make_section(found: LinkedRecords, all_of_them: str, details: Any = None) -> RecordSection:
    records = chain.list_records(found["things"], details)
    return RecordSection(records, found["count"], all_of_them)


def _read_dataset_page(record: Dataset, shown: Package) -> DatasetPage:
    has_hidden_origin = not record.ideas and bool(record.idea_ids or "idea" in record.origins)
    return DatasetPage(
        **_read_shared(record, shown),
        needs=chain.list_needs_met(record),
        has_hidden_origin=has_hidden_origin,
        may_edit=not record.ideas and not has_hidden_origin and _may_edit(record),
        licence_doubt=explain_licence_doubt(record.license_id),
        structured_data=sharing.write_structured_data(shown),
        croissant=sharing.write_croissant(shown) if p.plugin_loaded("croissant") else None,
    )


def _read_idea_page(record: Idea, shown: Package) -> IdeaPage:
    story = chain.write_story(record)
    may_edit = _may_edit(record)
    datasets = chain.find_datasets_of_ideas([record.id])
    all_of_them = tk.h.url_for("dataset.search", vocab_idea=record.id)
    return IdeaPage(
        **_read_shared(record, shown, story.text),
        story=story,
        proponents=labels.marathon_term("proponent-group", record.proponent_group)
        if record.proponent_group
        else "",
        summaries=[_show_summary(summary) for summary in record.summaries],
        needs=tk.get_action("marathon_data_need_list")(
            {"user": current_user.name}, {"id": record.id}
        ),
        datasets=_make_section(datasets, all_of_them),
        may_add_data=chain.may_add_record(DATASET),
        may_edit=may_edit,
        timeline=chain.list_timeline(record),
        next_statuses=_list_next_statuses(record.status) if may_edit else [],
        typed=g.get("marathon_step"),
        coming=[
            Workshop.from_stored(found)
            for found in workshop_model.list_coming_workshops(
                record.municipalities, dates.get_today(), MOST_COMING_WORKSHOPS
            )
        ],
    )


def _show_summary(summary: Summary) -> ShownSummary:
    return ShownSummary(
        name_language(summary.language),
        find_language_tag(summary.language),
        summary.text,
        sharing.describe_audio(summary.audio) if summary.audio else None,
    )


def _list_next_statuses(status: str) -> list[NextStatus]:
    """Return the statuses that may follow an idea's status."""
    return [
        NextStatus(
            code,
            labels.marathon_term(schemes.IDEA_STATUS.name, code),
            idea_domain.needs_reason(status, code),
        )
        for code in idea_domain.list_next_statuses(status)
    ]


def _read_workshop_page(record: Workshop, shown: Package) -> WorkshopPage:
    ideas = chain.find_ideas_of_workshop(record.id)
    datasets = chain.find_datasets_of_ideas(ideas["ids"])
    may_edit = bool(record.invitations) and _may_edit(record)
    is_open = record.status == workshop_domain.ANNOUNCED
    venue = record.venue_municipality
    return WorkshopPage(
        **_read_shared(record, shown),
        event=describe_event(record) if is_shown_public(shown) else None,
        town=labels.marathon_municipality(venue) if venue else None,
        is_late=is_open and workshop_domain.has_day_passed(record.rsvp_by, dates.get_today()),
        ideas=_make_section(
            ideas,
            tk.h.url_for("idea.search", vocab_workshop=record.id),
            chain.count_asked_data(ideas["things"]),
        ),
        may_add_idea=chain.may_add_record("idea"),
        datasets=_make_section(datasets, tk.h.url_for("dataset.search", vocab_workshop=record.id)),
        participants=_list_participants(record),
        unanswered=[invitation.organisation for invitation in record.unanswered]
        if may_edit
        else [],
        may_edit=may_edit,
    )


def _list_participants(record: Workshop) -> list[ParticipantCount]:
    """Return the counts of participants; masked ones as "not shown", missing ones left out.

    A count is masked if it is less than 5, or if such a count could be computed from it.
    """
    names = {
        field["field_name"]: tk.h.scheming_language_text(field["label"])
        for field in tk.h.scheming_get_dataset_schema("workshop")["dataset_fields"]
    }
    found: list[ParticipantCount] = []
    for name, number in record.participants.items():
        if name in record.masked:
            found.append(ParticipantCount(names[name], tk._("not shown")))
        elif number is not None:
            found.append(ParticipantCount(names[name], str(number)))
    return found


def read_organization_page(shown: dict[str, Any]) -> OrganizationPage:
    """Return the content that is added to CKAN's page of an organisation.

    Args:
        shown: from ``organization_show``, which CKAN's view has called.

    Raises:
        ckan.lib.search.SolrConnectionError: Solr does not answer.
    """
    record = Organization.from_shown(shown)
    code, news = record.municipality_code, sharing.find_news("organization", record.id)
    return OrganizationPage(
        place=labels.marathon_municipality(code) if code else None,
        is_pilot=bool(shown.get("pilot")),
        sections=_list_sections(record),
        may_add_municipalities=record.role == COORDINATING_BODY
        and tk.h.check_access("marathon_municipality_create"),
        may_see_changes=tk.h.check_access("marathon_change_list", {"organization": record.id}),
        may_manage_people=tk.h.check_access("marathon_officer_list", {"organization": record.id}),
        news=news,
        follow=FollowSection(
            [PageLink(news, tk._("News of {name}").format(name=shown["display_name"]))],
            record.id,
            sharing.read_following("organization", record.id),
            tk.h.url_for("organization.read", id=record.name),
        ),
    )


def _list_sections(organization: Organization) -> list[TypeSection]:
    sections: list[TypeSection] = []
    for package_type in OTHER_TYPES:
        found = chain.find_records(
            package_type,
            f'+owner_org:"{organization.id}"',
            MOST_OF_ORGANIZATION,
            include_private=True,
        )
        if found["count"]:
            records = chain.list_records(found["things"])
            address = tk.h.url_for(f"{package_type}.search", organization=organization.name)
            sections.append(TypeSection(package_type, found["count"], records, address))
    return sections
