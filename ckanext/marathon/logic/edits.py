"""What an edit form compares: the record as it is stored, and as the form would store it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import plugins as lib_plugins
from ckan.lib.navl.dictization_functions import missing
from ckan.types import Context

from ckanext.marathon.domain import dataset, numbers
from ckanext.marathon.logic import inputs, permissions, shapes
from ckanext.marathon.model import package as package_model

Values = dict[str, Any]

# Fields that a form sends and that no schema names.
CORE_FIELDS = ("private", "author", "author_email", "maintainer", "maintainer_email")
# Typed with a change of status and kept in the history, never in the record.
NEVER_STORED = ("status_reason",)
# CKAN's form fields → where they are stored.
FILE_FIELDS = ("url", "url_type", "name", "description", "format", "mimetype")


class LastSave(NamedTuple):
    """When a record was last saved, and by whom as far as the reader may know it.

    ``person`` is empty for outsiders of the organisation and where no activity is recorded.
    """

    at: datetime | None
    person: str


def lock_package(reference: str) -> model.Package | None:
    """Return a package as it is now; every other save of it waits for the end of this one."""
    package = model.Package.get(reference)
    if package is None:
        return None
    locked = package_model.lock_packages([package.id]).get(package.id)
    # Rows of extras, tags and resources may have been read before the lock was ours.
    model.Session.expire_all()
    return locked


def lock_organization(reference: str) -> model.Group | None:
    """Return an organisation as it is now; every other save of it waits for this one."""
    organization = model.Group.get(reference)
    if organization is None:
        return None
    package_model.lock_organization(organization.id)
    model.Session.expire_all()
    return model.Group.get(organization.id)


def show_package(context: Context, reference: str) -> Values:
    """Return a package for its edit form, from the database, as this person may see it.

    What is stored and is no count or flag, which others are shown as nothing, is shown as it is.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: there is none.
        ckan.plugins.toolkit.NotAuthorized: this person may not see it.
    """
    fresh = Context(context)
    fresh.update({"use_cache": False, "for_edit": True})
    shown = cast(Values, tk.get_action("package_show")(fresh, {"id": reference}))
    package = model.Package.get(shown["id"])
    schema = tk.h.scheming_get_dataset_schema(shown["type"]) or {}
    stored = {
        each: text for each in shown if (text := package_model.read_stored_text(package, each))
    }
    _show_unreadable(shown, stored, schema.get("dataset_fields", []))
    return shown


def show_organization(context: Context, reference: str) -> Values:
    """Return an organisation for its edit form; see :func:`show_package`.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: there is none.
        ckan.plugins.toolkit.NotAuthorized: this person may not see it.
    """
    fresh = Context(context)
    fresh.update({"for_edit": True})
    asked = {"id": reference, "include_datasets": False, "include_users": False}
    shown = dict(tk.get_action("organization_show")(fresh, asked))
    organization = model.Group.get(shown["id"])
    schema = tk.h.scheming_get_organization_schema("organization")
    stored = {
        each: text for each in shown if (text := package_model.read_stored_text(organization, each))
    }
    _show_unreadable(shown, stored, schema["fields"])
    return shown


def _show_unreadable(
    shown: Values, stored: Mapping[str, Any], fields: Iterable[Mapping[str, Any]]
) -> None:
    """Put what is stored into fields whose values are shown as nothing, or as a no.

    A count that can be read and is not shown is masked, and stays so.
    """
    for field in fields:
        name, validators = field["field_name"], field.get("validators", "")
        value = stored.get(name)
        is_count = "marathon_count" in validators and shown.get(name) is None
        if is_count and value and not numbers.is_count(value):
            shown[name] = value
        if "marathon_flag" in validators and value and shapes.read_flag(value) is None:
            shown[name] = value


def comparable_package(shown: Mapping[str, Any], schema: Mapping[str, Any]) -> Values:
    """Return the fields that the form of a package changes, as they are stored.

    Args:
        shown: of ``package_show``, or of :func:`validate_package`.
        schema: the scheming schema of the type.
    """
    names = [field["field_name"] for field in schema["dataset_fields"]]
    values = {name: shown.get(name) for name in (*names, *CORE_FIELDS)}
    for name in NEVER_STORED:
        values.pop(name, None)
    for name in ("municipality", "service_problem"):
        origin = shown.get(f"{name}_origin")
        if origin in (dataset.FROM_IDEA, dataset.FROM_WORKSHOP):
            # It follows another record and is not stored here.
            values[name] = []
    if "tag_string" in values:
        values["tag_string"] = sorted(tag["name"] for tag in shown.get("tags") or [])
    extras = shown.get("extras") or []
    values["extras"] = sorted(f"{extra['key']}: {extra['value']}" for extra in extras)
    return values


def validate_package(
    context: Context, data: Values, package: model.Package
) -> tuple[Values, dict[str, Any]]:
    """Return a package as an update would store it, and the errors; nothing is saved.

    Raises:
        ckan.plugins.toolkit.ValidationError: a value has not the shape that its field takes.
    """
    plugin = lib_plugins.lookup_package_plugin(package.type)
    checking = Context(context)
    cast(Any, checking).update(package=package, model=model, session=model.Session)
    sent = inputs.checked(checking, {**data, "id": package.id, "type": package.type})
    schema = plugin.update_package_schema()
    valid, errors = lib_plugins.plugin_validate(plugin, checking, sent, schema, "package_update")
    if errors:
        return {}, errors
    showing = plugin.show_package_schema()
    found = _drop_missing(valid)
    shown, _ = lib_plugins.plugin_validate(plugin, checking, found, showing, "package_show")
    mine = _drop_missing(shown)
    fields = (tk.h.scheming_get_dataset_schema(package.type) or {}).get("dataset_fields", [])
    _show_unreadable(mine, data, fields)
    return mine, {}


def _drop_missing(value: Any) -> Any:
    """Return validated data without navl's marks of fields that were not sent."""
    if isinstance(value, dict):
        return {k: _drop_missing(one) for k, one in value.items() if one is not missing}
    if isinstance(value, list):
        return [_drop_missing(one) for one in value if one is not missing]
    return value


def comparable_resource(shown: Mapping[str, Any], fields: Iterable[Mapping[str, Any]]) -> Values:
    """Return the fields that the form of a file or link changes, as they are stored."""
    names = dict.fromkeys((*FILE_FIELDS, *(field["field_name"] for field in fields)))
    values = {name: shown.get(name) for name in names}
    if values.get("url_type") == "upload":
        # Stored as a name, shown as an address.
        values["url"] = str(values["url"] or "").rpartition("/")[2]
    return values


def comparable_organization(shown: Mapping[str, Any]) -> Values:
    """Return the fields that the form of an organisation changes, as they are stored."""
    schema = tk.h.scheming_get_organization_schema("organization")
    values = {field["field_name"]: shown.get(field["field_name"]) for field in schema["fields"]}
    values["image_url"] = str(values.get("image_url") or "").rpartition("/")[2]
    return values


def find_last_save(object_id: str, owner_org: str | None, user: str) -> LastSave:
    """Return when a record was last saved, and by whom.

    Whose name it is, only members of the organisation, the coordinating body and system
    administrators are told, as in the history of an idea. Names come from ckanext-activity.
    """
    package = model.Package.get(object_id)
    at = package.metadata_modified if package else None
    if not p.plugin_loaded("activity"):
        return LastSave(at, "")
    from ckanext.activity.model.activity import Activity

    query = (
        sa.select(Activity.timestamp, model.User.fullname, model.User.name)
        .join(model.User, cast(Any, model.User.id) == Activity.user_id)
        .where(cast(Any, Activity.object_id) == object_id)
        .order_by(cast(Any, Activity.timestamp).desc())
        .limit(1)
    )
    row = model.Session.execute(query).first()
    if row is None:
        return LastSave(at, "")
    person = (row.fullname or row.name) if permissions.is_insider(user, owner_org) else ""
    return LastSave(at or row.timestamp, person)
