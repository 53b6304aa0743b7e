"""What the form knows of the officer who fills it in, and what it offers them."""

from __future__ import annotations

import re
from typing import Any, TypedDict, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.lib import uploader
from ckan.types import Context

from ckanext.marathon.domain import dates
from ckanext.marathon.logic import dataset as dataset_logic
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import link, package
from ckanext.marathon.visibility import Viewer
from ckanext.marathon.vocabulary import statuses

from .choices import Choice, marathon_term_choices
from .labels import marathon_as_list, marathon_municipality, marathon_only_day, marathon_term

# In Guatemala's time; nothing else is said by a day and its hour.
_TO_THE_MINUTE = re.compile(r"\A(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}):00-06:00\Z")
MOST_WORKSHOPS = 500


class WorkshopChoice(TypedDict):
    """A workshop in a list to choose from."""

    id: str
    name: str
    label: str


def marathon_max_upload() -> int:
    """Return the largest file that may be uploaded, in MB."""
    return uploader.get_max_resource_size()


def marathon_owner_choices(package_type: str, current: str | None) -> list[dict[str, str]]:
    """Return the organisations the person may give a dataset to, and the one that has it now."""
    choices = permissions.organizations_open_to(current_user.name, package_type)
    if current and all(current not in (each["id"], each["name"]) for each in choices):
        organization = model.Group.get(current)
        if organization:
            title = organization.title or organization.name
            choices.append({"id": organization.id, "name": organization.name, "title": title})
    return choices


def marathon_may_set(field_name: str, organization: dict[str, Any]) -> bool:
    """Return whether the person may set ``role``, ``municipality_code`` or ``pilot``.

    Args:
        field_name: one of these.
        organization: what is in the form; without ``id`` for a new one.
    """
    if field_name == "role":
        return bool(_settable_roles(organization))
    return permissions.may_place_organization(Context(user=current_user.name))


def marathon_settable_roles(field: dict[str, Any], organization: dict[str, Any]) -> list[Choice]:
    """Return the choices of the field ``role`` that the person may set for an organisation."""
    settable = _settable_roles(organization)
    return [each for each in marathon_term_choices(field) if each["value"] in settable]


def _settable_roles(organization: dict[str, Any]) -> list[str]:
    context = Context(user=current_user.name)
    stored = model.Group.get(organization.get("id"))
    roles = [term.code for term in statuses.get_term_list("organization-role").terms]
    return [role for role in roles if permissions.may_give_role(context, stored, role)]


def marathon_own_organization() -> str:
    """Return the id of the one organisation that the person publishes for, ``""`` if not one."""
    own = permissions.organizations_open_to(current_user.name, "dataset")
    return own[0]["id"] if len(own) == 1 else ""


def marathon_must_choose(field_name: str, dataset: dict[str, Any]) -> bool:
    """Return whether the form of a dataset must come with a choice in this field.

    Municipality and problem may come from the idea, so they must be chosen only where no idea has
    to be. Where the organisation is still open, what is asked of a municipality counts.

    Args:
        field_name: ``idea``, ``municipality``, ``service_problem`` or ``resources``.
        dataset: what is in the form.
    """
    if field_name == "resources":
        return bool(tk.config["ckan.dataset.create_on_ui_requires_resources"])
    identifier = dataset.get("id")
    stored = model.Package.get(identifier) if identifier else None
    owner = dataset.get("owner_org") or marathon_own_organization()
    asked = (
        dataset_logic.read_requirements(owner, stored)
        if owner
        else dataset_logic.read_municipal_requirements()
    )
    if field_name == "idea":
        return asked.idea
    wanted = asked.problem if field_name == "service_problem" else asked.municipality
    return wanted and not asked.idea


def marathon_own_municipalities() -> list[str]:
    """Return the code of the person's own municipality, nothing if there is none or several.

    A coordinating body's officer or a sysadmin has none of their own.
    """
    mine = model.Session.query(model.Group).filter(
        model.Group.id.in_(permissions.read_standing(current_user.name).capacities)
    )
    extras = [cast(Any, organization).extras or {} for organization in mine]
    codes = {each["municipality_code"] for each in extras if each.get("municipality_code")}
    return list(codes) if len(codes) == 1 else []


def marathon_idea_choices(codes: Any, selected: Any = ()) -> list[dict[str, Any]]:
    """Return the ideas of municipalities, and those already chosen, whatever their municipality.

    Without a municipality only those already chosen: a country's ideas are too many for a list.
    """
    chosen = marathon_as_list(selected)
    # What is still being corrected is no municipality yet.
    wanted = [code for code in marathon_as_list(codes) if marathon_municipality(code)]
    if not chosen and not wanted:
        return []
    return tk.get_action("marathon_idea_choices")(
        {"user": current_user.name}, {"municipality": wanted, "include": chosen}
    )


def marathon_idea_note(idea: dict[str, Any]) -> str:
    """Return where and when an idea was said, and how far it is, in one line."""
    workshop = idea.get("workshop") or {}
    parts = [
        workshop.get("title"),
        marathon_only_day(workshop.get("starts_at")),
        marathon_term("idea-status", idea["status"]) if idea.get("status") else "",
    ]
    return " · ".join(part for part in parts if part)


def marathon_workshop_choices(selected: str | None, codes: Any = ()) -> list[WorkshopChoice]:
    """Return the workshops the person may see, latest first.

    From the database: one added a moment ago is there whether Solr knows it or not.

    Args:
        selected: id or name of a workshop that must be among them.
        codes: only workshops in which one of these municipalities takes part; none = all.
    """
    wanted = marathon_as_list(codes)
    query = model.Session.query(model.Package).filter_by(type="workshop", state=model.State.ACTIVE)
    if wanted:
        pairs = link.list_subject_pairs(wanted, link.Predicate.WORKSHOP_MUNICIPALITY)
        query = query.filter(model.Package.id.in_({workshop for workshop, _code in pairs}))
    newest = query.order_by(model.Package.metadata_created.desc()).limit(MOST_WORKSHOPS)
    found = {each.id: each for each in newest}
    chosen = model.Package.get(selected) if selected else None
    if chosen and chosen.type == "workshop":
        found[chosen.id] = chosen
    viewer = Viewer(Context(user=current_user.name))
    visible = [each for each in found.values() if viewer.may_see(each)]
    visible.sort(
        key=lambda each: dates.make_date_sort_key(package.read_stored_text(each, "starts_at")),
        reverse=True,
    )
    return [{"id": each.id, "name": each.name, "label": _label(each)} for each in visible]


def marathon_typed_date(value: Any) -> Any:
    """Return a stored date as the form shows it: a moment as ``2016-10-17 09:00``.

    What would not come back the same from that (seconds, another offset, no day at all), and
    everything else, is shown exactly as it is stored.
    """
    typed = _TO_THE_MINUTE.sub(r"\1 \2", value) if isinstance(value, str) else value
    reading = dates.read_stored_date(typed)
    return typed if reading and reading.text == value else value or ""


def _label(workshop: model.Package) -> str:
    day = marathon_only_day(package.read_stored_text(workshop, "starts_at"))
    title = workshop.title or workshop.name
    return f"{title} · {day}" if day else title
