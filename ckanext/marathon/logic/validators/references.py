"""Fields that name other things: organisation, workshop, ideas, data needs, own code."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.lib.navl.dictization_functions import StopOnError, missing
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import (
    explain_hidden,
    is_blank,
    is_reference,
    quote_value,
    split_items,
)
from ckanext.marathon.logic import acting, permissions, references, say
from ckanext.marathon.logic.validators.flat import Flat
from ckanext.marathon.model import municipality, package

_CODE = re.compile(r"[\w.:/ -]{1,100}")
LONGEST_REASON = 5_000


def marathon_workshop_id(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make the id of a workshop of a name or id; the workshop stays as it is until we are done."""
    flat = Flat(data, errors, context)
    reference = data[key].strip() if isinstance(data[key], str) else ""
    already = {package.read_stored_text(flat.stored, "workshop")}
    if flat.is_deleted and reference in already:
        return
    found = references.linkable(context, [reference], package.WORKSHOP, already)
    if reference not in found:
        raise tk.Invalid(_no_such(tk._("There is no workshop “{reference}”"), data[key]))
    data[key] = found[reference].id


def marathon_idea_ids(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make a JSON list of ids of ideas of names or ids."""
    flat = Flat(data, errors, context)
    wanted = _items(data[key])
    already = set(package.read_stored_texts(flat.stored, "idea"))
    if flat.is_deleted and already.issuperset(wanted):
        data[key] = json.dumps(wanted)
        return
    found = references.linkable(context, wanted, package.IDEA, already)
    kept: list[str] = []
    for reference in wanted:
        if reference in found:
            kept.append(found[reference].id)
        elif reference in already and not flat.is_shown_anew:
            # It was deleted behind the record's back: that keeps nobody from saving the rest.
            kept.append(reference)
        else:
            errors[key].append(_no_such(tk._("There is no idea “{reference}”"), reference))
    data[key] = json.dumps(list(dict.fromkeys(kept)))


def marathon_data_need_ids(value: Any) -> str:
    """Make a JSON list of ids of data needs; whose they are is looked at with the ideas."""
    wanted = _items(value)
    for identifier in wanted:
        if not _is_uuid(identifier):
            raise tk.Invalid(_no_such(tk._("There is no data need “{reference}”"), identifier))
    return json.dumps([identifier.lower() for identifier in wanted])


def marathon_data_need_id(value: Any) -> str:
    """Return the id of a data need that an idea has already; "" for a new one."""
    if value is missing or value is None or value == "":
        return ""
    if not _is_uuid(value):
        raise tk.Invalid(
            tk._("Leave the identifier of a new data need empty: the site gives it one")
        )
    return value.lower()


def marathon_code(value: Any) -> str:
    """Return the code by which spreadsheets name a workshop or idea; "" for none.

    Raises:
        Invalid: it has signs that do not survive a spreadsheet, or is too long.
    """
    if value is missing or value is None:
        return ""
    text = str(value).strip() if isinstance(value, str | int) else None
    if text == "":
        return ""
    if text is None or isinstance(value, bool) or not _CODE.fullmatch(text):
        message = tk._("“{value}” cannot be a code: letters, digits, blanks and . : / _ - only")
        raise tk.Invalid(message.format(value=quote_value(value)))
    return text


def marathon_status_reason(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Keep the reason for the save itself (the history has it), and out of the extras."""
    value = data.get(key)
    text = "" if value is missing or value is None else value
    if isinstance(text, str) and (hidden := explain_hidden(text)):
        data[key] = ""
        raise tk.Invalid(say.text(hidden))
    if not isinstance(text, str) or len(text) > LONGEST_REASON:
        data[key] = ""
        raise tk.Invalid(tk._("Write the reason as a text of at most 5,000 characters"))
    data[key] = "" if is_blank(text) else text.strip()
    raise StopOnError


def marathon_dataset_required(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Give a dataset without title its name for one where it need not have one of its own.

    Who must give a title is only known with the organisation: ``marathon_dataset_rules`` asks.
    """
    value = data.get(key)
    if value is missing or value is None or (isinstance(value, str) and is_blank(value)):
        data[key] = ""


def marathon_owner_org(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make the id of an organisation to which the person may give the record.

    An idea without one goes to the organisation of its first municipality that is on the site,
    else to that of its workshop.
    """
    flat = Flat(data, errors, context)
    value = data.get(key)
    package_type = _package_type(flat)
    if value is not missing and value is not None and not isinstance(value, str):
        raise tk.Invalid(tk._("Organization does not exist"))
    if value is missing and flat.stored and flat.stored.owner_org:
        data[key] = value = flat.stored.owner_org
    if not value or value is missing:
        if package_type == package.IDEA and (default := _organization_of_idea(flat)):
            data[key] = default
        else:
            _refuse_removal(flat)
            _refuse_without_organization(flat, package_type)
            _ask_ckan(key, data, errors, context)
            return
    organization = model.Group.get(data[key])
    if not organization or not organization.is_organization:
        raise tk.Invalid(tk._("Organization does not exist"))
    data[key] = organization.id
    if flat.stored and flat.stored.owner_org == organization.id:
        return
    _refuse_removal(flat)
    package.lock_organization(organization.id, to_link=True)
    model.Session.refresh(organization)
    if organization.state != model.State.ACTIVE:
        raise tk.Invalid(tk._("Organization does not exist"))
    trusted = context.get("ignore_auth") or permissions.may_create_in(
        context.get("user"), organization.id, package_type
    )
    if not trusted:
        raise tk.Invalid(
            tk._("You may not add this to the organisation “{title}”").format(
                title=organization.title or organization.name
            )
        )
    if package_type == package.DATASET:
        # Whether collaborators may move it is CKAN's to say.
        _ask_ckan(key, data, errors, context)


def _refuse_without_organization(flat: Flat, package_type: str) -> None:
    """Refuse a new workshop, idea or commitment of nobody, which CKAN's settings may allow.

    Raises:
        Invalid: it is not a dataset, and the person no system administrator.
    """
    context = flat.context
    is_trusted = context.get("ignore_auth") or authz.is_sysadmin(context.get("user"))
    if flat.stored is None and package_type != package.DATASET and not is_trusted:
        raise tk.Invalid(tk._("An organization must be provided"))


def _refuse_removal(flat: Flat) -> None:
    """Refuse to take a record from its organisation to anybody without rights of their own there.

    Moving a record needs rights in both organisations. That the coordinating body may edit a
    municipality's ideas does not make them its own.

    Raises:
        Invalid: the person is no editor of the organisation that has the record now.
    """
    if not flat.stored or not flat.stored.owner_org:
        return
    if acting.may_take_from(flat.context, flat.stored):
        return
    organization = model.Group.get(flat.stored.owner_org)
    title = (organization.title or organization.name) if organization else flat.stored.owner_org
    raise tk.Invalid(
        tk._("Only the editors of “{title}” may move this to another organisation").format(
            title=title
        )
    )


def _package_type(flat: Flat) -> str:
    return flat.stored.type if flat.stored else flat.text("type") or package.DATASET


def _organization_of_idea(flat: Flat) -> str | None:
    """Return the id of the organisation an idea goes to; its workshop is validated later."""
    reference = flat.data.get(("workshop",))
    if not is_reference(reference):
        return None
    found = references.linkable(
        flat.context,
        [reference.strip()],
        package.WORKSHOP,
        {package.read_stored_text(flat.stored, "workshop")},
    )
    workshop = next(iter(found.values()), None)
    if workshop is None:
        return None
    codes = flat.items("municipality") or references.municipalities_of_workshop(workshop)
    on_site = municipality.find_municipalities(codes)
    return next((on_site[code] for code in codes if code in on_site), workshop.owner_org)


def _ask_ckan(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    validate: Any = tk.get_validator("owner_org_validator")
    validate(key, data, errors, context)


def _items(value: Any) -> list[str]:
    try:
        return split_items(None if value is missing else value)
    except Malformed as error:
        raise tk.Invalid(say.text(error.fault)) from None


def _no_such(message: str, reference: Any) -> str:
    return message.format(reference=quote_value(reference))


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False
