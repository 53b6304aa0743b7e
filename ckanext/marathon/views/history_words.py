"""A change of a record in the reader's words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.domain.errors import N_
from ckanext.marathon.model import audit
from ckanext.marathon.records.record import DATASET, OTHER_TYPES

from .field_names import find_field, name_field

KINDS = {
    DATASET: N_("Dataset"),
    "workshop": N_("Workshop"),
    "idea": N_("Idea"),
    "commitment": N_("Commitment"),
    audit.RESOURCE: N_("File"),
    audit.ORGANIZATION: N_("Organization"),
    audit.GROUP: N_("Group"),
    audit.MEMBER: N_("Membership"),
    audit.COLLABORATOR: N_("Collaborator"),
    audit.USER: N_("Account"),
    audit.SETTING: N_("Setting"),
}
ACTIONS = {
    audit.CREATED: N_("Creation"),
    audit.CHANGED: N_("Change"),
    audit.DELETED: N_("Deletion"),
    audit.RESTORED: N_("Restoration"),
    audit.PURGED: N_("Removal for good"),
    audit.TAKEN_DOWN: N_("Takedown"),
}
STATES = {
    "active": N_("active"),
    "draft": N_("draft"),
    "deleted": N_("deleted"),
    "pending": N_("pending"),
}
VISIBILITY = {"True": N_("private"), "False": N_("public")}
ORIGINS = {
    audit.WEB: N_("on the site"),
    audit.API: N_("by the API"),
    audit.JOB: N_("by a background job"),
    audit.COMMAND_LINE: N_("on the command line"),
    audit.IMPORT: N_("by an import"),
}

# Fields whose values have words of their own.
_CODED = {"private": VISIBILITY, "state": STATES}


def describe_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry in the reader's words."""
    moment = datetime.fromisoformat(entry["at"]).astimezone(GUATEMALA)
    return {
        **entry,
        "moment": f"{tk.h.marathon_date(moment.date().isoformat())}, {moment:%H:%M}",
        "kind_label": _label(KINDS, entry["kind"]),
        "action_label": _label(ACTIONS, entry["action"]),
        "origin_label": _label(ORIGINS, entry["origin"]),
        "href": _href(entry),
        # The kind says the type already.
        "fields": [
            describe_change(entry, each) for each in entry["changes"] if each["field"] != "type"
        ],
    }


def describe_change(entry: dict[str, Any], change: dict[str, Any]) -> dict[str, str]:
    """Return a field's ``label`` and the former and new value in ``words``, "" if not kept."""
    name = change["field"]
    field = find_field(entry["kind"], name)
    old, new = (_describe_value(entry, name, field, change[each]) for each in ("old", "new"))
    label = name_field(entry["kind"], name)
    return {"label": label, "words": f"{old or '—'} → {new or '—'}" if old or new else ""}


def _describe_value(entry: dict[str, Any], name: str, field: dict[str, Any], value: Any) -> str:
    if value is None or value == "":
        return ""
    text = str(value)
    if name in _CODED:
        return _label(_CODED[name], text)
    if name == "owner_org":
        known = [entry["organization"], entry["former_organization"]]
        return next((each["title"] for each in known if each and each["id"] == value), text)
    if name == "capacity":
        return tk._(text.capitalize())
    if name == "license_id":
        return tk.h.marathon_licence_name(text)
    if name == "url_type":
        return tk._("on this site") if text == "upload" else text
    if field.get("term_list"):
        return tk.h.marathon_term(field["term_list"], text)
    if text.casefold() in ("true", "false"):
        return tk._("yes") if text.casefold() == "true" else tk._("no")
    return text


def _label(labels: dict[str, str], name: str) -> str:
    return tk._(labels[name]) if name in labels else name


def _href(entry: dict[str, Any]) -> str:
    """Return where what changed is to be seen, if it is there and has a page."""
    kind, is_there = entry["kind"], entry["action"] not in (audit.PURGED, audit.TAKEN_DOWN)
    if not entry["title"] or not is_there:
        return ""
    if kind in (DATASET, *OTHER_TYPES):
        return tk.h.url_for(f"{kind}.read", id=entry["record"])
    if kind == audit.RESOURCE and entry["parent_title"]:
        return tk.h.url_for("dataset.read", id=entry["parent"])
    if kind in (audit.ORGANIZATION, audit.GROUP):
        return tk.h.url_for(f"{kind}.read", id=entry["record"])
    if kind in (audit.MEMBER, audit.COLLABORATOR, audit.USER):
        return tk.h.url_for("user.read", id=entry["record"])
    return ""
