"""The rules of an idea."""

from __future__ import annotations

import uuid
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan.lib.navl.dictization_functions import missing
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

from ckanext.marathon.domain import dataset
from ckanext.marathon.domain import idea as idea_domain
from ckanext.marathon.domain.errors import FieldFault
from ckanext.marathon.domain.idea import Needs
from ckanext.marathon.logic import deletion, inputs, messages, permissions
from ckanext.marathon.logic import package as package_logic
from ckanext.marathon.logic.validators.package import Flat
from ckanext.marathon.model import package

# In the context of an import by a system administrator: data needs keep their ids of an export.
RESTORES = "marathon_restores_ids"
TEXTS = ("title", "notes", "proponent_group", "status_reason")


def marathon_idea_rules(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Check an idea as a whole: its workshop's municipalities, its status, its data needs."""
    flat = Flat(data, errors, context)
    flat.drop_empty_rows("data_need", "summary")
    flat.accept_stored_values()
    _leave_organization_to_workshop(flat)
    flat.keep("example", "false")
    if flat.is_being_deleted:
        flat.add(deletion.check_delete(flat))
    flat.add(_check_status(flat))
    if flat.is_deleted:
        return
    idea = {
        "data_need": flat.rows("data_need"),
        "community": flat.items("community"),
        **{name: flat.text(name) for name in TEXTS},
    }
    if not flat.failed("workshop"):
        workshop = package.load_packages([flat.text("workshop")]).get(flat.text("workshop"))
        taking_part = package_logic.list_workshop_municipalities(workshop)
        idea["municipality"] = _select_own_municipalities(flat, taking_part)
    else:
        taking_part = []
    flat.add(
        idea_domain.check_idea(idea, taking_part, _find_needs(flat)),
        _find_stored_faults(flat),
    )
    flat.add(package_logic.check_code(flat, "idea"))
    _set_need_ids(flat)


def _find_needs(flat: Flat) -> Needs:
    """Return the facts about the data needs; where ids are restored, the sent ones are known."""
    needs = deletion.read_data_needs(flat)
    if not cast(dict[str, Any], flat.context).get(RESTORES):
        return needs
    sent = {row["id"] for row in flat.rows("data_need") if row.get("id")}
    return Needs(own={*needs.own, *sent}, met=needs.met)


def _leave_organization_to_workshop(flat: Flat) -> None:
    """Drop the error about a missing organisation if the workshop that implies it is missing."""
    sent = flat.data.get(("owner_org",))
    if flat.errors.get(("workshop",)) and (not sent or sent is missing):
        flat.errors[("owner_org",)] = []


def _find_stored_faults(flat: Flat) -> list[FieldFault]:
    """Return the faults of the stored idea that a save may leave uncorrected."""
    if flat.stored is None:
        return []
    workshop = package.read_stored_text(flat.stored, "workshop")
    taking_part = package_logic.list_workshop_municipalities(
        package.load_packages([workshop]).get(workshop)
    )
    rows = package.read_stored_rows(flat.stored, "data_need")
    idea = {
        "municipality": package.read_stored_texts(flat.stored, "municipality"),
        "community": package.read_stored_texts(flat.stored, "community"),
        "data_need": rows,
        "title": flat.stored.title,
        "notes": flat.stored.notes,
        "proponent_group": package.read_stored_text(flat.stored, "proponent_group"),
    }
    own = [row["id"] for row in rows if row.get("id")]
    return idea_domain.check_idea(idea, taking_part, Needs(own=own, met={}))


def _check_status(flat: Flat) -> list[FieldFault]:
    """Return the faults of a change of status; a status that is not sent stays."""
    before = package.read_stored_text(flat.stored, "status")
    flat.keep("status", idea_domain.FIRST_STATUS)
    if flat.failed("status"):
        return []
    if not before:
        user = flat.context.get("user")
        trusted = flat.context.get("ignore_auth") or permissions.is_coordinator(user)
        return idea_domain.check_start(
            flat.text("status"), bool(trusted) or permissions.may_set_role(flat.context)
        )
    if flat.text("status_reason") and flat.text("status") == before:
        message = tk._(
            "The reason was not kept: it belongs to a change of status, and none was made"
        )
        messages.add_notice_at(flat.context, ("status_reason",), package.IDEA, message)
    return idea_domain.check_step(before, flat.text("status"), flat.text("status_reason"))


def _select_own_municipalities(flat: Flat, taking_part: list[str]) -> list[str]:
    """Return an idea's own municipalities, and store only these.

    Without own municipalities, the idea has those of its workshop: these are shown, and sent back,
    but not stored.
    """
    shown, stored = taking_part, None
    if flat.stored:
        stored = package.read_stored_texts(flat.stored, "municipality")
        workshop = package.read_stored_text(flat.stored, "workshop")
        shown = package_logic.list_workshop_municipalities(
            package.load_packages([workshop]).get(workshop)
        )
    given = flat.items("municipality")
    own = dataset.select_own_values(
        given, inputs.read_origin(flat.context, "municipality"), stored, shown
    )
    if own != given:
        flat.put_items("municipality", own)
    return own


def _set_need_ids(flat: Flat) -> None:
    """Set the ``id`` of new data needs to a UUID."""
    for row, need in enumerate(flat.rows("data_need")):
        is_new = need and not flat.is_accepted("data_need", row, "id")
        if is_new and not need.get("id"):
            flat.data[("data_need", row, "id")] = str(uuid.uuid4())
