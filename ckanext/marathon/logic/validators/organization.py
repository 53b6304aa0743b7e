"""The rules of an organisation."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.navl.dictization_functions import missing
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

from ckanext.marathon.logic import inputs, permissions
from ckanext.marathon.logic.validators import package as package_logic
from ckanext.marathon.model import municipality, package

FIELDS = inputs.ORGANIZATION_RESERVED


def marathon_organization_rules(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Check that the person may set role, code and pilot, and that the municipality is free."""
    organization = _find_stored(data, context)
    package_logic.accept_stored_values(data, errors, context, organization)
    before = {field: package.read_stored_text(organization, field) for field in FIELDS}
    may = {
        "role": permissions.may_give_role(
            context, organization, _normalize(data.get(("role",), missing))
        ),
        "municipality_code": permissions.may_place_organization(context),
        "pilot": permissions.may_place_organization(context),
    }
    messages = {
        "role": tk._(
            "Only a system administrator may set this role. The coordinating body may say that an "
            "organisation without people and records is a municipality or civil society"
        ),
        "municipality_code": tk._(
            "Only a system administrator or the coordinating body may set the municipality"
        ),
        "pilot": tk._(
            "Only a system administrator or the coordinating body may set who is in the pilot"
        ),
    }
    for field, allowed in may.items():
        if errors.get((field,)):
            continue
        given = data.get((field,), missing)
        if given is missing:
            # A missing field keeps its stored value.
            if before[field]:
                _put_extra(data, field, before[field])
        elif not allowed and _normalize(given) != _normalize(before[field]):
            errors[(field,)].append(messages[field])
    _check_municipality(data, errors, organization)


def _check_municipality(
    data: FlattenDataDict, errors: FlattenErrorDict, organization: model.Group | None
) -> None:
    code = data.get(("municipality_code",))
    if not code or code is missing or errors.get(("municipality_code",)):
        return
    holder = municipality.find_municipality(code)
    if holder and holder != (organization.id if organization else None):
        errors[("municipality_code",)].append(explain_taken_municipality(code, holder))


def explain_taken_municipality(code: str, holder: str | None) -> str:
    """Return the error message for a municipality that has an organisation already."""
    organization = model.Group.get(holder)
    if organization is None:
        message = tk._("The municipality {code} has its organisation already")
        return message.format(code=code)
    message = tk._("The municipality {code} has its organisation already: “{title}”")
    return message.format(code=code, title=organization.title or organization.name)


def _find_stored(data: FlattenDataDict, context: Context) -> model.Group | None:
    group = context.get("group")
    given = data.get(("id",))
    return group if group and given in (group.id, group.name) else None


def _normalize(value: object) -> str:
    return "" if value in (None, "", "false", False, missing) else str(value).casefold()


def _put_extra(data: FlattenDataDict, field: str, value: str) -> None:
    data[(field,)] = value
    indexes = [key[1] for key in data if len(key) == 3 and key[0] == "extras"]
    index = max(indexes, default=-1) + 1
    data[("extras", index, "key")] = field
    data[("extras", index, "value")] = value
