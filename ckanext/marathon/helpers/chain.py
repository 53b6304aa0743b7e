"""The chain as pages show it: what came of what, as far as the visitor may see it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypedDict

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context

from ckanext.marathon.domain import agenda, counts, lifecycle
from ckanext.marathon.model import link
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.search.away import AWAY
from ckanext.marathon.vocabulary import statuses

from .labels import marathon_as_list, marathon_date, marathon_municipality_names, marathon_term
from .officer import marathon_idea_choices

Package = dict[str, Any]
MOST = 500
# One by one they cost much more.
MOST_WITHOUT_SEARCH = 50
# In a list on the page of something else; a search shows the rest.
MOST_ON_A_PAGE = 20


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


def marathon_of_organization(organization_id: str) -> list[Part]:
    """Return the latest workshops, ideas and commitments of an organisation, of those it has.

    Raises:
        ckan.lib.search.SolrConnectionError: Solr is away, and with it the page that asks this.
    """
    parts: list[Part] = []
    for package_type in ("workshop", "idea", "commitment"):
        query = {
            "fq": f'+dataset_type:{package_type} +owner_org:"{organization_id}"',
            "rows": 5,
            "sort": "metadata_modified desc",
            "include_private": True,
        }
        found = tk.get_action("package_search")({"user": current_user.name}, query)
        if found["count"]:
            parts.append(
                {
                    "package_type": package_type,
                    "count": found["count"],
                    "things": found["results"],
                }
            )
    return parts


def marathon_linked(ids: Collection[str]) -> list[Package]:
    """Return packages by id, those that the visitor may see, in the order given.

    From the database while Solr is away: the page of a thing then opens all the same.
    """
    _, found = _linked(ids, MOST, "score desc")
    by_id = {each["id"]: each for each in found}
    return [by_id[each] for each in ids if each in by_id]


def marathon_ideas_of_workshop(workshop: Package) -> list[Package]:
    """Return the ideas said in a workshop (id, name, title, type, organization, status)."""
    return _listed("marathon_workshop_ideas", workshop)


def marathon_datasets_of_ideas(ideas: Iterable[Package]) -> Part:
    """Return the first datasets by title of those that name one of some ideas."""
    pairs = link.subjects([each["id"] for each in ideas], Predicate.DATASET_IDEA)
    ids = list(dict.fromkeys(dataset for dataset, _idea in pairs))
    count, found = _linked(ids, MOST_ON_A_PAGE, "title_string asc")
    return {"package_type": "dataset", "count": count, "things": found}


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
        return _line(marathon_date((thing.get("starts_at") or "")[:10]), places)
    if thing["type"] == "idea":
        return _line(places, _votes(thing.get("votes")))
    organization = thing.get("organization") or {}
    formats = sorted({each["format"] for each in thing.get("resources", []) if each.get("format")})
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
    for name in counts.FIELDS:
        value = workshop.get(name)
        if name in masked:
            found.append({"label": labels[name], "value": tk._("not shown")})
        elif value not in (None, ""):
            found.append({"label": labels[name], "value": str(value)})
    return found


def marathon_unanswered(workshop: Package) -> list[str]:
    """Return the organisations that were invited and of which no answer is recorded."""
    return [each["organisation"] for each in agenda.unanswered(workshop.get("invitation") or [])]


def marathon_next_statuses(status: str) -> list[Step]:
    """Return the statuses that may follow an idea's status."""
    return [
        {
            "code": code,
            "label": marathon_term(statuses.IDEA_STATUS.name, code),
            "reason_required": lifecycle.needs_reason(status, code),
        }
        for code in lifecycle.next_statuses(status)
    ]


def _linked(ids: Collection[str], limit: int, sort: str) -> tuple[int, list[Package]]:
    """Return how many packages of these ids the visitor may see, and the first of them."""
    if not ids:
        return 0, []
    quoted = " OR ".join(f'"{each}"' for each in list(ids)[:MOST])
    query = {
        "fq": f"id:({quoted})",
        "rows": limit,
        "sort": sort,
        "include_private": True,
        "extras": {"ext_marathon_types": "all"},
    }
    try:
        found = tk.get_action("package_search")({"user": current_user.name}, query)
    except AWAY:
        shown = [each for each in map(_shown, list(ids)[:MOST_WITHOUT_SEARCH]) if each]
        return len(shown), shown[:limit]
    return found["count"], found["results"]


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
