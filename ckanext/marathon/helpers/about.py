"""What pages say about a thing besides its fields: its type, its licence, its address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Context
from flask import g

from ckanext.marathon.feeds.keys import dataset_uri, find_kind
from ckanext.marathon.model.feed import Kind
from ckanext.marathon.rdf.lookups import read_site
from ckanext.marathon.vocabulary import authorities

# What the pages show at their top, so that the list of all details need not repeat it.
_EVERYWHERE = {"title", "name", "notes", "owner_org", "example", "tag_string", "license_id"}
_ABOVE = {
    "dataset": {"municipality", "service_problem", "idea", "data_need", "rights_note"},
    "workshop": {
        *("municipality", "service_problem", "kind", "status", "starts_at", "ends_at", "rsvp_by"),
        *("venue", "venue_municipality", "organiser", "invitation", "source_url", "source_note"),
        *("participants", "participants_women", "participants_men", "participants_youth"),
        *("participants_indigenous", "participants_note"),
    },
    "idea": {
        *("municipality", "service_problem", "workshop", "status", "data_need", "evidence"),
        *("summary", "proponent_group", "community", "votes"),
    },
    "commitment": {"plan", "number", "axis", "lead", "partner", "source_url", "milestone"},
}

_PURPOSES = {
    **dict.fromkeys(
        ("breadcrumb", "content tab", "facet label", "main nav", "page title"), "several"
    ),
    **dict.fromkeys(("add link", "create label", "create title"), "add"),
    **dict.fromkeys(("save label", "update label"), "save"),
    **dict.fromkeys(("no description", "no any objects"), "nothing"),
    "edit label": "edit",
    "view label": "view",
    "my label": "mine",
    "search placeholder": "search",
    "delete confirmation": "delete",
}


def marathon_shown_above(package_type: str) -> set[str]:
    """Return the fields that a page of this type shows before the list of all details."""
    return _EVERYWHERE | _ABOVE[package_type]


def marathon_type_label(package_type: str) -> str:
    """Return what one thing of a type is called."""
    return _words(package_type).get("one", tk._("Dataset"))


def marathon_organization(organization_id: str) -> dict[str, Any]:
    """Return an organisation as CKAN's ``organization_show``, or {} of one that is not there.

    Without its people, followers and datasets, which no page shows beside something else: CKAN's
    ``h.get_organization`` reads and counts them, a third of what the page of a dataset takes. Read
    once a request: CKAN's pages render what stands beside them twice, to know whether it is empty.
    """
    kept: dict[str, dict[str, Any]] = g.setdefault("_marathon_organizations", {})
    if organization_id not in kept:
        asked = {"id": organization_id, **dict.fromkeys(_NOT_ASKED, False)}
        try:
            kept[organization_id] = tk.get_action("organization_show")(Context(), asked)
        except (tk.ObjectNotFound, tk.NotAuthorized):
            kept[organization_id] = {}
    return kept[organization_id]


_NOT_ASKED = ("include_users", "include_followers", "include_groups", "include_dataset_count")


@tk.chained_helper
def humanize_entity_type(
    next_helper: Callable[..., str | None], entity_type: str, object_type: str, purpose: str
) -> str | None:
    """Return CKAN's word for a type and a purpose; ours are whole phrases, so that they decline."""
    words = _words(object_type) if entity_type == "package" else {}
    if words:
        return words.get(_PURPOSES.get(purpose, "one"), words["one"])
    return next_helper(entity_type, object_type, purpose)


def _words(package_type: str) -> dict[str, str]:
    if package_type == "workshop":
        return {
            "one": tk._("Workshop"),
            "several": tk._("Workshops"),
            "mine": tk._("My workshops"),
            "add": tk._("Add a workshop"),
            "edit": tk._("Edit the workshop"),
            "view": tk._("View the workshop"),
            "save": tk._("Save the workshop"),
            "search": tk._("Search workshops…"),
            "delete": tk._("Delete this workshop?"),
            "nothing": tk._("There is no description of this workshop."),
        }
    if package_type == "idea":
        return {
            "one": tk._("Idea"),
            "several": tk._("Ideas"),
            "mine": tk._("My ideas"),
            "add": tk._("Add an idea"),
            "edit": tk._("Edit the idea"),
            "view": tk._("View the idea"),
            "save": tk._("Save the idea"),
            "search": tk._("Search ideas…"),
            "delete": tk._("Delete this idea?"),
            "nothing": tk._("There is no description of this idea."),
        }
    if package_type == "commitment":
        return {
            "one": tk._("Commitment"),
            "several": tk._("Commitments"),
            "mine": tk._("My commitments"),
            "add": tk._("Add a commitment"),
            "edit": tk._("Edit the commitment"),
            "view": tk._("View the commitment"),
            "save": tk._("Save the commitment"),
            "search": tk._("Search commitments…"),
            "delete": tk._("Delete this commitment?"),
            "nothing": tk._("There is no description of this commitment."),
        }
    return {}


def marathon_licence_doubt(dataset: dict[str, Any]) -> str:
    """Return what a reader must know before they reuse it, ``""`` if the licence is open."""
    known = authorities.find_licence(dataset.get("license_id") or "notspecified")
    if known is None or known.is_open:
        return ""
    name = known.label(tk.h.lang())
    if known.is_open is None:
        return tk._("{name}. Ask whoever publishes it before you reuse it.").format(name=name)
    return tk._("{name} is not an open licence.").format(name=name)


def marathon_iri(thing: dict[str, Any]) -> str:
    """Return the permanent address of a dataset, workshop, idea or commitment."""
    if find_kind(thing["type"]) == Kind.DATASET:
        return str(dataset_uri(thing))
    return str(read_site().thing(thing["type"], thing["id"]))


def marathon_language(iri: str) -> str:
    """Return the name of a language by IRI or code."""
    found = _language(iri)
    return found.label(tk.h.lang()).capitalize() if found else iri


def marathon_language_tag(iri: str) -> str:
    """Return a language's tag for HTML's ``lang``, ``""`` (unknown) if there is none."""
    found = _language(iri)
    if isinstance(found, authorities.Language):
        return found.iso_639_1 or found.iso_639_3
    return found.code if found else ""


def _language(value: str) -> authorities.SpokenLanguage | authorities.Language | None:
    return authorities.find_spoken_language(value) or authorities.find_language(value)
