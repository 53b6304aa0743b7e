"""Edits compared with the stored record: conflicts, restored values, and values that are ignored.

Values that were hidden from a client, and so are sent back empty, stay. A sent value of a computed
field is ignored with a notice and never refused, because ``package_show`` returns more fields than
``package_update`` accepts (counts, the organisation as an object, CKAN's own times). A computed
value that is sent back unchanged gets no notice.

Extras that are older than the plugin may have the name of a field with another type: a dataset with
an extra ``contact: Ana`` would break scheming, which expects a list. Such an extra is shown as
``contact_text``, and stored under that name with the next edit; showing it does not change the
database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.lib import plugins as lib_plugins
from ckan.lib.navl.dictization_functions import missing
from ckan.types import Context
from sqlalchemy.orm.attributes import set_committed_value

from ckanext.marathon.domain import dataset, numbers
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.texts import is_json_list, is_json_object, load_json
from ckanext.marathon.logic import inputs, messages, permissions, resource, unkept
from ckanext.marathon.logic.package import list_idea_needs
from ckanext.marathon.logic.resource import prefix_http
from ckanext.marathon.model import package as package_model
from ckanext.marathon.visibility import OUTSIDER, Viewer

# Lists in which a stored plain text is no item; in other lists it is the only item.
OWN_LISTS = ("municipality", "service_problem", "idea", "data_need")


def rename_unfit_extras(package: model.Package) -> None:
    """Rename, in memory, extras whose value does not have the type of the field of that name."""
    extras: dict[str, str] = getattr(package, "extras", None) or {}
    if package.type != package_model.DATASET or not extras:
        return
    strange = [
        name for name in _list_list_fields() if name in extras and not _is_list(name, extras[name])
    ]
    if not strange:
        return
    kept = {name: value for name, value in extras.items() if name not in strange}
    set_committed_value(
        package, "extras", kept | {f"{name}_text": extras[name] for name in strange}
    )


def _list_list_fields() -> list[str]:
    schema: dict[str, Any] = tk.h.scheming_get_dataset_schema(package_model.DATASET) or {}
    fields: list[dict[str, Any]] = schema.get("dataset_fields", [])
    return [f["field_name"] for f in fields if "repeating_subfields" in f] + [
        name for name in OWN_LISTS if any(f["field_name"] == name for f in fields)
    ]


def _is_list(name: str, text: str) -> bool:
    try:
        loaded: Any = load_json(text) if text else []
    except ValueError:
        return False
    kind = str if name in OWN_LISTS else dict
    return is_json_list(loaded) and all(isinstance(item, kind) for item in loaded)


# Counts of ideas; those of workshops are ``workshop.COUNT_FIELDS``.
OTHER_COUNTS = ("votes", "priority")


def restore_hidden_values(
    context: Context, package: model.Package, sent: Mapping[str, Any], data: dict[str, Any]
) -> None:
    """Put back stored values that ``package_show`` hides or shows differently.

    These are masked counts, counts that are not numbers, hidden ideas, a hidden workshop, and
    addresses without a scheme.

    Args:
        context: of the update; ``original_package``, which a patch sets, tells which ideas the
            client had read.
        package: the stored package.
        sent: the data from the client, with computed fields that it sends back.
        data: the data that will be saved; changed.
    """
    _restore_unreadable(package, data)
    _restore_addresses(package, data)
    if package.type == package_model.WORKSHOP:
        _restore_counts(package, sent, data)
    elif package.type == package_model.DATASET:
        _restore_ideas(context, package, sent, data)
    elif package.type == package_model.IDEA and "workshop" in data and data["workshop"] is None:
        # null is how a hidden workshop is shown; a form sends "" for none.
        data["workshop"] = package_model.read_stored_text(package, "workshop")


def _restore_unreadable(package: model.Package, data: dict[str, Any]) -> None:
    """Restore stored counts that are not numbers: they are shown, and sent back, as null."""
    for name in (*workshop_domain.COUNT_FIELDS, *OTHER_COUNTS):
        text = package_model.read_stored_text(package, name)
        if text and name in data and data[name] is None and not numbers.is_count(text):
            data[name] = text


def _restore_addresses(package: model.Package, data: dict[str, Any]) -> None:
    """Restore addresses of resources without a scheme, to which ``package_show`` adds ``http://``.

    A change of one resource sends all resources of the dataset back.
    """
    stored = {file.id: file.url or "" for file in package.resources}
    resources: list[dict[str, Any]] = data.get("resources") or []
    for row in resources:
        url = stored.get(row.get("id") or "", "")
        if url and row.get("url") == prefix_http(url):
            row["url"] = url


def _restore_counts(workshop: model.Package, sent: Mapping[str, Any], data: dict[str, Any]) -> None:
    masked = sent.get("participants_masked")
    for name in workshop_domain.COUNT_FIELDS:
        if is_json_list(masked) and name in masked and data.get(name) in (None, ""):
            data[name] = package_model.read_stored_text(workshop, name)


def _restore_ideas(
    context: Context, dataset: model.Package, sent: Mapping[str, Any], data: dict[str, Any]
) -> None:
    wanted = data.get("idea")
    shown = _shown_ideas(context, dataset, sent)
    if shown is None or not is_json_list(wanted):
        return
    hidden = [id_ for id_ in package_model.read_stored_texts(dataset, "idea") if id_ not in shown]
    data["idea"] = [*wanted, *(id_ for id_ in hidden if id_ not in wanted)]
    needs = data.get("data_need")
    if hidden and is_json_list(needs):
        of_hidden = list_idea_needs(package_model.load_packages(hidden).values())
        stored = package_model.read_stored_texts(dataset, "data_need")
        data["data_need"] = [*needs, *(n for n in stored if n in of_hidden and n not in needs)]


def _shown_ideas(
    context: Context, dataset: model.Package, sent: Mapping[str, Any]
) -> list[Any] | None:
    """Return the ids of the ideas that the client had read, ``None`` if it had read none."""
    original: Any = context.get("original_package")
    if is_json_object(original):
        return original.get("idea")
    if is_json_list(sent.get("ideas")):
        return [idea.get("id") for idea in sent["ideas"] if is_json_object(idea)]
    if "num_resources" not in sent:
        return None
    # Results of ``package_search`` have only ideas that everybody may see.
    public = Viewer(cast(Context, {OUTSIDER: True}))
    ideas = package_model.load_packages(package_model.read_stored_texts(dataset, "idea")).values()
    return [idea.id for idea in ideas if public.may_see(idea)]


Record = Mapping[str, Any]

# Computed field → the field that it is computed from; "" for fields that only the site writes.
OF_RECORDS: Mapping[str, str] = {
    **dict.fromkeys(("history", "metadata_created", "metadata_modified", "creator_user_id"), ""),
    **dict.fromkeys(("type", "first_published", "participants_masked"), ""),
    **dict.fromkeys(("relationships_as_subject", "relationships_as_object"), ""),
    "num_resources": "resources",
    "num_tags": "tags",
    "isopen": "license_id",
    "license_title": "license_id",
    "license_url": "license_id",
    "organization": "owner_org",
    "municipality_origin": "municipality",
    "service_problem_origin": "service_problem",
    "ideas": "idea",
    "workshop_info": "workshop",
}
OF_ORGANIZATIONS: Mapping[str, str] = {
    **dict.fromkeys(("package_count", "created", "num_followers", "type"), ""),
    "display_name": "title",
    "image_display_url": "image_url",
}
OF_FILES: Mapping[str, str] = {
    # Not metadata_modified: programs send files back with the time at which they read them.
    **dict.fromkeys(("created", "package_id", "position", "state"), ""),
}


def needs_comparison(sent: Record, names: Iterable[str]) -> bool:
    """Return whether a program sent computed fields or stored resources.

    These are compared with the record that it may have read before.
    """
    rows = sent.get("resources")
    return not messages.is_page() and (
        any(unkept.is_filled(sent.get(name)) for name in names)
        or any(is_json_object(row) and row.get("id") for row in rows or ())
    )


def read_package_before(context: Context, sent: Record, reference: str) -> Record:
    """Return a package as its editor could read it; ``{}`` if no computed field was sent.

    Args:
        context: of the update; a patch has read the package already.
        sent: the sent data.
        reference: id of the package.
    """
    if not needs_comparison(sent, OF_RECORDS):
        return {}
    read: Any = context.get("original_package")
    if is_json_object(read) and read.get("id") == reference:
        return read
    return _show_record(context, "package_show", reference)


def read_organization_before(context: Context, sent: Record, reference: str | None) -> Record:
    """Return an organisation as its editor could read it; see :func:`read_package_before`."""
    if reference is None or not needs_comparison(sent, OF_ORGANIZATIONS):
        return {}
    return _show_record(context, "organization_show", reference)


def _show_record(context: Context, action: str, reference: str) -> Record:
    own = Context(user=context.get("user") or "", ignore_auth=bool(context.get("ignore_auth")))
    own["auth_user_obj"] = context.get("auth_user_obj")
    try:
        return tk.get_action(action)(own, {"id": reference})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return {}


def add_package_notices(
    context: Context, sent: Record, files: object, before: Record, answer: object
) -> None:
    """Add notices about ignored values of computed fields of a package.

    Args:
        context: of the action.
        sent: the sent data.
        files: the saved resources.
        before: the package before the save, ``{}`` for a new one.
        answer: the saved package.
    """
    if messages.is_page() or not is_json_object(answer):
        return
    _add_notices(context, sent, before, answer, OF_RECORDS)
    if unkept.is_filled(sent.get("plugin_data")) and not _is_sysadmin(context):
        message = tk._("“{name}” was not kept: only system administrators may send it")
        messages.add_notice(context, message.format(name="plugin_data"))
    shown = answer.get("resources")
    if not is_json_list(files) or not is_json_list(shown):
        return
    known = {row.get("id"): row for row in before.get("resources") or ()}
    # CKAN accepts the name of a package in place of its id.
    named = {"package_id": answer.get("name")}
    for number, (row, now) in enumerate(zip(files, shown, strict=False)):
        _add_notices(context, row, {**known.get(row.get("id"), {}), **named}, now, OF_FILES, number)


def add_organization_notices(
    context: Context, sent: Record, before: Record, answer: object
) -> None:
    """Add notices about ignored values of computed fields of an organisation."""
    if not messages.is_page() and is_json_object(answer):
        _add_notices(context, sent, before, answer, OF_ORGANIZATIONS)


def _add_notices(
    context: Context,
    sent: Record,
    before: Record,
    answer: Record,
    names: Mapping[str, str],
    number: int | None = None,
) -> None:
    lost = [
        name
        for name in names
        if (name in answer or name in before)
        and unkept.is_filled(sent.get(name))
        and not _contains(answer.get(name), sent[name])
        and not _contains(before.get(name), sent[name])
    ]
    if number is not None:
        number = resource.read_sent_number(context, number)
    alone = [name for name in lost if not names[name]]
    if alone:
        message = tk._("Written by this site alone, so that what was sent was not kept: {names}")
        text = message.format(names=unkept.list_names(alone))
        messages.add_notice(context, messages.name_file(number, text))
    for name in lost:
        if names[name]:
            message = tk._(
                "What was sent as “{name}” was not kept, as it follows from “{field}”: send that"
            )
            text = message.format(name=name, field=names[name])
            messages.add_notice(context, messages.name_file(number, text))


def _is_sysadmin(context: Context) -> bool:
    return bool(context.get("ignore_auth")) or authz.is_sysadmin(context.get("user"))


def _contains(answer: Any, sent: Any) -> bool:
    """Return whether the answer has the sent value: each item of a list, each key of an object."""
    if not unkept.is_filled(sent):
        return True
    if is_json_list(sent):
        answers = answer if is_json_list(answer) else []
        return all(any(_contains(item, one) for item in answers) for one in sent)
    if is_json_object(sent):
        own = answer if is_json_object(answer) else {}
        return all(_contains(own.get(name), value) for name, value in sent.items())
    if str(answer).casefold() == str(sent).strip().casefold():
        return True
    times = _parse_time(answer), _parse_time(sent)
    return times[0] is not None and times[0] == times[1]


def _parse_time(value: Any) -> datetime | None:
    """Return a time in UTC without offset, as CKAN stores its own; ``None`` if it is no time."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found and found.tzinfo else found


Values = dict[str, Any]

# CKAN's own fields that a form sends and that are not in the schema.
CORE_FIELDS = ("private", "author", "author_email", "maintainer", "maintainer_email")
# Fields of a form that go into the history of an idea and not into the record.
NEVER_STORED = ("status_reason",)
# CKAN's own fields of a resource.
FILE_FIELDS = ("url", "url_type", "name", "description", "format", "mimetype")


class LastSave(NamedTuple):
    """When a record was last saved, and by whom.

    ``person`` is empty if the reader is no insider or no activity is recorded.
    """

    at: datetime | None
    person: str


def lock_package(reference: str) -> model.Package | None:
    """Return a package with its row locked: other saves of it wait for this transaction."""
    package = model.Package.get(reference)
    if package is None:
        return None
    locked = package_model.lock_packages([package.id]).get(package.id)
    # Tags and resources may have been read before the lock was acquired.
    model.Session.expire_all()
    return locked


def lock_organization(reference: str) -> model.Group | None:
    """Return an organisation with its row locked: other saves of it wait for this transaction."""
    organization = model.Group.get(reference)
    if organization is None:
        return None
    package_model.lock_organization(organization.id)
    model.Session.expire_all()
    return model.Group.get(organization.id)


def show_package(context: Context, reference: str) -> Values:
    """Return a package for its edit form, from the database, as this person may see it.

    Invalid stored counts and flags, which ``package_show`` leaves out, are shown unchanged.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: there is none.
        ckan.plugins.toolkit.NotAuthorized: this person may not see it.
    """
    fresh = Context(context)
    fresh.update({"use_cache": False, "for_edit": True})
    shown = cast(Values, tk.get_action("package_show")(fresh, {"id": reference}))
    package = model.Package.get(shown["id"])
    schema: dict[str, Any] = tk.h.scheming_get_dataset_schema(shown["type"]) or {}
    stored = {
        name: text for name in shown if (text := package_model.read_stored_text(package, name))
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
        name: text for name in shown if (text := package_model.read_stored_text(organization, name))
    }
    _show_unreadable(shown, stored, schema["fields"])
    return shown


def _show_unreadable(
    shown: Values, stored: Mapping[str, Any], fields: Iterable[Mapping[str, Any]]
) -> None:
    """Show stored counts and flags that are invalid and would appear as empty or as "no".

    A valid count that is not shown is masked, and stays masked.
    """
    for field in fields:
        name, validators = field["field_name"], field.get("validators", "")
        value = stored.get(name)
        is_count = "marathon_count" in validators and shown.get(name) is None
        if is_count and value and not numbers.is_count(value):
            shown[name] = value
        if "marathon_flag" in validators and value and inputs.read_flag(value) is None:
            shown[name] = value


def make_comparable_package(shown: Mapping[str, Any], schema: Mapping[str, Any]) -> Values:
    """Return the fields that the form of a package can change, in their stored form.

    Args:
        shown: from ``package_show`` or :func:`validate_package`.
        schema: the scheming schema of the type.
    """
    names = [field["field_name"] for field in schema["dataset_fields"]]
    values = {name: shown.get(name) for name in (*names, *CORE_FIELDS)}
    for name in NEVER_STORED:
        values.pop(name, None)
    for name in ("municipality", "service_problem"):
        origin = shown.get(f"{name}_origin")
        if origin in (dataset.FROM_IDEA, dataset.FROM_WORKSHOP):
            # It is computed from another record and not stored here.
            values[name] = []
    if "tag_string" in values:
        tags: list[dict[str, Any]] = shown.get("tags") or []
        values["tag_string"] = sorted(tag["name"] for tag in tags)
    extras: list[dict[str, Any]] = shown.get("extras") or []
    values["extras"] = sorted(f"{extra['key']}: {extra['value']}" for extra in extras)
    return values


def validate_package(
    context: Context, data: Values, package: model.Package
) -> tuple[Values, dict[str, Any]]:
    """Return the package that an update would store, and its errors; nothing is saved.

    Raises:
        ckan.plugins.toolkit.ValidationError: a value has the wrong JSON type for its field.
    """
    plugin = lib_plugins.lookup_package_plugin(package.type)
    checking = Context(context)
    cast(Any, checking).update(package=package, model=model, session=model.Session)
    sent = inputs.check_package(checking, {**data, "id": package.id, "type": package.type})
    schema = plugin.update_package_schema()
    valid, errors = lib_plugins.plugin_validate(plugin, checking, sent, schema, "package_update")
    if errors:
        return {}, errors
    showing = plugin.show_package_schema()
    found = _drop_missing(valid)
    shown, _ = lib_plugins.plugin_validate(plugin, checking, found, showing, "package_show")
    mine = _drop_missing(shown)
    schema: dict[str, Any] = tk.h.scheming_get_dataset_schema(package.type) or {}
    _show_unreadable(mine, data, schema.get("dataset_fields", []))
    return mine, {}


def _drop_missing(value: Any) -> Any:
    """Return validated data without navl's ``missing`` values."""
    if is_json_object(value):
        return {k: _drop_missing(one) for k, one in value.items() if one is not missing}
    if is_json_list(value):
        return [_drop_missing(one) for one in value if one is not missing]
    return value


def make_comparable_resource(
    shown: Mapping[str, Any], fields: Iterable[Mapping[str, Any]]
) -> Values:
    """Return the fields that the form of a resource can change, in their stored form."""
    names = dict.fromkeys((*FILE_FIELDS, *(field["field_name"] for field in fields)))
    values = {name: shown.get(name) for name in names}
    if values.get("url_type") == "upload":
        # Stored as a name, shown as an address.
        values["url"] = str(values["url"] or "").rpartition("/")[2]
    return values


def make_comparable_organization(shown: Mapping[str, Any]) -> Values:
    """Return the fields that the form of an organisation can change, in their stored form."""
    schema = tk.h.scheming_get_organization_schema("organization")
    values = {field["field_name"]: shown.get(field["field_name"]) for field in schema["fields"]}
    values["image_url"] = str(values.get("image_url") or "").rpartition("/")[2]
    return values


def find_last_save(object_id: str, owner_org: str | None, user: str) -> LastSave:
    """Return when a record was last saved and, for insiders, by whom (from ckanext-activity)."""
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
