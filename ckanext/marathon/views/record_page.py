"""What the pages of a dataset, an idea, a workshop, a commitment and an organisation print.

CKAN's own views show these pages and give a plugin no way to add to what they hand the template.
So the template asks once, at its beginning, for its page: ``h.marathon_record_page``, of an
organisation ``h.marathon_organization_page``.
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
# Of the data that came of an idea or workshop: path below its own, and name.
PROGRAMS = (
    ("/data.json", "data.json"),
    ("/catalog.csv", "CSV"),
    ("/catalog.xlsx", "Excel"),
    ("/catalog.ttl", "Turtle"),
    ("/catalog.jsonld", "JSON-LD"),
    ("/catalog/changes.atom", "Atom"),
)


class PageLink(NamedTuple):
    """An address and what it is called."""

    href: str
    label: str


@dataclass(frozen=True)
class RecordSection:
    """Records that came of another one: the first, how many, and where all of them are."""

    records: list[ListedRecord]
    count: int
    all_of_them: str


class FollowSection(NamedTuple):
    """How to hear what is new: feeds for everybody, and what this person's account follows."""

    feeds: list[PageLink]
    id: str
    following: Following | None
    back: str


@dataclass(frozen=True, kw_only=True)
class RecordPage:
    """What the pages of all records have in common.

    Attributes:
        record: with the fields that the page prints.
        package_type: ``dataset``, ``workshop``, ``idea`` or ``commitment``.
        type_label: what one of it is called.
        address: the one address of the page in the reader's language, whole.
        description: in plain text, for search engines and chats.
        is_public: whether everybody may see it.
        news: where its news are as Atom, ``""`` of none; ``data_news`` those of its data.
        places: municipalities that it is about, ``problems`` service problems.
        follow: ``None`` where it has no feeds.
        share: how to pass it on, ``None`` where not everybody may see it.
        programs: feeds of the data that came of it.
        organization: as ``organization_show`` has it, {} of none.
        fields: of its schema; ``above`` names those that the page shows at its top.
        iri: its permanent address.
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
        needs: data needs that it says it meets, of ideas that this person may see.
        has_hidden_origin: whether it comes from an idea that this person may not see.
        may_edit: where it names no idea, whether this person may name one.
        licence_doubt: what is to be known before it is reused, ``""`` of an open licence.
        structured_data: as JSON of schema.org, ``None`` if it is not public.
        croissant: as Croissant, ``None`` where that plugin is not loaded.
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
    """Data that an idea asks for, and the datasets that meet it."""

    id: str
    what: str
    why: str
    datasets: list[dict[str, Any]]


class NextStatus(NamedTuple):
    """A status that an idea may be given now."""

    code: str
    label: str
    reason_required: bool


class TypedStep(NamedTuple):
    """What somebody typed for the next step of an idea, and what is wrong with it."""

    status: str
    reason: str
    errors: list[str]


@dataclass(frozen=True, kw_only=True)
class IdeaPage(RecordPage):
    """The page of an idea.

    Attributes:
        proponents: who proposed it, in words.
        may_add_data: whether this person may publish data for it.
        next_statuses: nothing for those who may not give it another one.
        typed: what was typed there and refused.
        coming: workshops to come in its municipalities.
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
    """A count of participants, in words."""

    label: str
    value: str


@dataclass(frozen=True, kw_only=True)
class WorkshopPage(RecordPage):
    """The page of a workshop.

    Attributes:
        event: as an event of schema.org, ``None`` if it is not public or has no date.
        town: where it is.
        is_late: whether it is too late to confirm.
        ideas: said there; ``datasets`` those that came of them.
        participants: counts that are known.
        unanswered: organisations that have not answered, for those who may edit it.
        may_edit: where somebody is invited, whether this person may edit it.
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
    """The page of a commitment; ``may_edit`` where it has no milestone."""

    record: Commitment
    may_edit: bool


@dataclass(frozen=True, kw_only=True)
class OrganizationPage:
    """What is added to CKAN's page of an organisation.

    Attributes:
        place: the municipality that it is, ``None`` of others.
        is_pilot: whether that is a pilot municipality.
        sections: its workshops, ideas and commitments, of those it has.
        may_add_municipalities: whether it is the coordinating body and this person may do that.
        may_see_changes: whether this person may see who changed what.
        news: where its news are as Atom.
    """

    place: territory.Municipality | None
    is_pilot: bool
    sections: list[TypeSection]
    may_add_municipalities: bool
    may_see_changes: bool
    news: str
    follow: FollowSection


def read_record_page(shown: Package) -> RecordPage:
    """Return what the page of a record prints.

    Args:
        shown: the record as CKAN's view has it from ``package_show``.
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
    """Return the feeds of a record; what comes of a dataset's ideas is news of theirs."""
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
    """Return the counts of participants that are known.

    Masked ones as "not shown": a count is masked because it is under 5 itself, or because
    another that is could be worked out from it.
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
    """Return what the page of an organisation prints besides what CKAN does.

    Args:
        shown: the organisation as CKAN's view has it from ``organization_show``.

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
