"""The chain as pages show it: what came of what, as far as the visitor may see it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypedDict

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context

from ckanext.marathon.domain import dates
from ckanext.marathon.domain import idea as idea_domain
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.texts import is_blank
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.records.record import Workshop
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.visibility import Viewer
from ckanext.marathon.vocabulary import statuses

from .labels import (
    marathon_as_list,
    marathon_municipality_names,
    marathon_only_day,
    marathon_term,
)
from .officer import marathon_idea_choices

Package = dict[str, Any]
MOST = 500
# One by one they cost much more.
MOST_WITHOUT_SEARCH = 50
# In a list on the page of something else; a search shows the rest.
MOST_ON_A_PAGE = 20
MOST_IDEAS_ON_A_PAGE = 50
# CKAN's own limit of a search.
MOST_TO_ORDER = 1_000


class Step(TypedDict):
    """A status that an idea may be given now."""

    code: str
    label: str
    reason_required: bool


class Count(TypedDict):
    """A count of participants, in words."""

    label: str
    value: str


class Part(TypedDict):
    """Some things of one type, and how many there are."""

    package_type: str
    count: int
    things: list[Package]


class Linked(Part):
    """Things that refer to others: also the ids of all, not only of those shown."""

    ids: list[str]


def marathon_of_organization(organization_id: str) -> list[Part]:
    """Return the first workshops, ideas and commitments of an organisation, of those it has.

    Raises:
        ckan.lib.search.SolrConnectionError: Solr is away, and with it the page that asks this.
    """
    parts: list[Part] = []
    for package_type in ("workshop", "idea", "commitment"):
        part = find_part(package_type, f'+owner_org:"{organization_id}"', 5, include_private=True)
        if part["count"]:
            parts.append(part)
    return parts


def find_part(
    package_type: str, condition: str, most: int, *, include_private: bool = False
) -> Part:
    """Return the first records of a type that a search finds, for a page about something else.

    Workshops in the order of the agenda: those to come, the next one first, those without a date,
    and those that are over, the latest first. The others as they were changed, the last one first.

    Args:
        package_type: of the records.
        condition: for Solr, beside their type.
        most: as many are returned.
        include_private: those too that this person may see and not everybody.

    Raises:
        ckan.lib.search.SolrConnectionError: Solr is away.
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

    From the database while Solr is away: the page of a thing then opens all the same.
    """
    by_id = {each["id"]: each for each in _found(list(ids)[:MOST])}
    return [by_id[each] for each in ids if each in by_id]


def marathon_ideas_of_workshop(workshop: Package) -> Linked:
    """Return the first ideas by title of those said in a workshop."""
    return _part("idea", [workshop["id"]], Predicate.IDEA_WORKSHOP, MOST_IDEAS_ON_A_PAGE)


def marathon_datasets_of_ideas(ideas: Collection[str]) -> Linked:
    """Return the first datasets by title of those that name one of some ideas, given by id."""
    return _part("dataset", ideas, Predicate.DATASET_IDEA, MOST_ON_A_PAGE)


def _part(package_type: str, objects: Collection[str], predicate: Predicate, most: int) -> Linked:
    linked = package_model.list_active_dependents(objects, predicate)
    # The many that are public are not read to see whether they may be.
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
    """Return the data needs of an idea: id, what, why, and the datasets that meet each."""
    return _listed("marathon_data_need_list", idea)


def marathon_needs_met(dataset: Package) -> list[dict[str, str]]:
    """Return the data needs (id, what, why) that a dataset says it meets.

    Needs of ideas that the visitor may not see are left out.
    """
    wanted, ideas = marathon_as_list(dataset.get("data_need")), dataset.get("ideas")
    if not wanted or not ideas:
        return []
    found = marathon_idea_choices((), [each["id"] for each in ideas])
    needs = {need["id"]: need for idea in found for need in idea["data_need"]}
    return [needs[each] for each in wanted if each in needs]


def marathon_thing_note(thing: Package) -> str:
    """Return in one line where a listed thing belongs and when it was."""
    places = ", ".join(marathon_municipality_names(thing.get("municipality"))[:4])
    if thing["type"] == "workshop":
        return _line(marathon_only_day(thing.get("starts_at")), places)
    if thing["type"] == "idea":
        return _line(places, _votes(thing.get("votes")))
    organization = thing.get("organization") or {}
    named = (str(each.get("format") or "") for each in thing.get("resources", []))
    formats = sorted({each for each in named if not is_blank(each)})
    return _line(places, organization.get("title"), ", ".join(formats))


def marathon_participants(workshop: Package) -> list[Count]:
    """Return the counts of participants that are known.

    Masked ones as "not shown": a count is masked because it is under 5 itself, or because
    another that is could be worked out from it.
    """
    labels = {
        field["field_name"]: tk.h.scheming_language_text(field["label"])
        for field in tk.h.scheming_get_dataset_schema("workshop")["dataset_fields"]
    }
    masked = workshop.get("participants_masked") or []
    found: list[Count] = []
    for name in workshop_domain.COUNT_FIELDS:
        value = workshop.get(name)
        if name in masked:
            found.append({"label": labels[name], "value": tk._("not shown")})
        elif value not in (None, ""):
            found.append({"label": labels[name], "value": str(value)})
    return found


def marathon_unanswered(workshop: Package) -> list[str]:
    """Return the organisations that were invited and of which no answer is recorded."""
    return [invitation.organisation for invitation in Workshop.from_shown(workshop).unanswered]


def marathon_next_statuses(status: str) -> list[Step]:
    """Return the statuses that may follow an idea's status."""
    return [
        {
            "code": code,
            "label": marathon_term(statuses.IDEA_STATUS.name, code),
            "reason_required": idea_domain.needs_reason(status, code),
        }
        for code in idea_domain.list_next_statuses(status)
    ]


def _found(ids: list[str]) -> Iterable[Package]:
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
        return filter(None, map(_shown, ids[:MOST_WITHOUT_SEARCH]))


def _shown(identifier: str) -> Package | None:
    context = Context(user=current_user.name, use_cache=False)
    try:
        return tk.get_action("package_show")(context, {"id": identifier})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None


def _listed(action: str, package: Package) -> list[dict[str, Any]]:
    return tk.get_action(action)({"user": current_user.name}, {"id": package["id"]})


def _votes(value: Any) -> str:
    if not str(value or "").isdigit():
        return ""
    number = int(value)
    return tk.ungettext("%(num)d vote", "%(num)d votes", number) % {"num": number}


def _line(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)
