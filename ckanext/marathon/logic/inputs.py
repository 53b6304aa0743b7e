"""What a client sent, before CKAN takes it apart: in proper shape, without what was read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.lib import plugins as lib_plugins
from ckan.types import Context

from ckanext.marathon.domain.texts import list_distinct_words, quote_value
from ckanext.marathon.logic import input_fields, input_rules, kept, notices
from ckanext.marathon.records.record import DATASET
from ckanext.marathon.search import types

# What is skipped or shown of a list at most; PostgreSQL takes no number beyond 64 bits.
LARGEST = 2**31 - 1
# What package_show adds; sent back, it says nothing.
COMPUTED = (
    *("history", "ideas", "workshop_info", "participants_masked", "first_published"),
    notices.KEY,
)
ORIGINS = ("municipality_origin", "service_problem_origin")
_ORIGINS_KEY = "marathon_origins"


def checked(
    context: Context,
    data_dict: dict[str, Any],
    file_name: str = "",
    stored: model.Package | None = None,
) -> dict[str, Any]:
    """Return a package as CKAN can take it, without what the site computes.

    Args:
        context: where the origins sent along are kept for the rules.
        data_dict: of ``package_create`` or ``package_update``; not changed.
        file_name: under which its resources take a file; "" where nothing would store one.
        stored: the package as it is; ``None`` for a new one.

    Raises:
        ckan.plugins.toolkit.ValidationError: of each field, what is wrong with its shape.
    """
    data = {key: value for key, value in data_dict.items() if key not in COMPUTED}
    origins: dict[str, Any] = {name: data.pop(name, None) for name in ORIGINS}
    cast(dict[str, Any], context)[_ORIGINS_KEY] = origins
    errors = input_fields.wrong_names(data)
    input_rules.read_private(data, errors)
    schema = {} if errors else _schema(data)
    errors.update(kept.find_files(data))
    input_fields.check_fields(context, data, schema, errors, file_name, stored)
    _unite_keywords(data)
    _drop_computed_extras(context, data)
    return data


def _drop_computed_extras(context: Context, data: dict[str, Any]) -> None:
    """Take out extras under the names of what the site computes, and say so."""
    extras = data.get("extras") or ()
    found = [each["key"] for each in extras if each["key"] in (*COMPUTED, *ORIGINS)]
    if found:
        data["extras"] = [each for each in extras if each["key"] not in found]
        message = tk._("Not kept among the extras, as this site computes it: {names}")
        notices.add(context, message.format(names=kept.list_names(found)))


def _unite_keywords(data: dict[str, Any]) -> None:
    """Make one of the keywords ``AGUA `` and ``agua``, however they are sent."""
    if isinstance(data.get("tag_string"), str):
        data["tag_string"] = ", ".join(list_distinct_words(data["tag_string"].split(",")))
    given = data.get("tags")
    if not isinstance(given, list) or not all(
        isinstance(tag, dict) and isinstance(tag.get("name"), str) for tag in given
    ):
        return
    # A tag of one of CKAN's vocabularies is no word that somebody wrote.
    words = [tag for tag in given if not tag.get("vocabulary_id")]
    others = [tag for tag in given if tag.get("vocabulary_id")]
    kept: dict[str, dict[str, Any]] = {}
    for tag in words:
        (word,) = list_distinct_words([tag["name"]]) or [tag["name"]]
        kept.setdefault(word.casefold(), {**tag, "name": word})
    data["tags"] = [*kept.values(), *others]


def checked_update(
    context: Context, data_dict: dict[str, Any], stored: model.Package | None
) -> dict[str, Any]:
    """Return an update of a package (``None``: unknown) as CKAN can take it; see :func:`checked`.

    Raises:
        ckan.plugins.toolkit.ValidationError: also at ``state``, for one that means nothing.
    """
    # Whoever updates a record need not say of which type it is, and cannot change it.
    known = {**data_dict, "type": stored.type} if stored is not None else data_dict
    data = checked(context, known, file_name="upload", stored=stored)
    if stored is not None and stored.type in input_rules.OUR_TYPES:
        input_rules.check_state(data, (*input_rules.STATES_OF_UPDATE, stored.state))
    return data


def checked_new(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return a package that is to be created as CKAN can take it; see :func:`checked`.

    Raises:
        ckan.plugins.toolkit.ValidationError: also at ``type``, if nothing shows such a thing.
    """
    data = checked(context, data_dict)
    if not data.get("type"):
        # CKAN has a default only where there is no key at all.
        data.pop("type", None)
    elif data["type"] not in (known := types.list_registered_types()):
        message = tk._("There is no type “{value}”. These exist: {known}")
        text = message.format(value=quote_value(data["type"]), known=", ".join(known))
        raise tk.ValidationError({"type": [text]})
    if data.get("type", DATASET) in input_rules.OUR_TYPES:
        is_trusted = bool(context.get("ignore_auth")) or authz.is_sysadmin(context.get("user"))
        input_rules.check_state(
            data, input_rules.STATES_OF_UPDATE if is_trusted else input_rules.STATES_OF_CREATION
        )
        # CKAN drops the state that anybody else sends, and so would publish a draft.
        context["allow_state_change"] = True
    return data


def checked_organization(
    context: Context, data_dict: dict[str, Any], stored: model.Group | None = None
) -> dict[str, Any]:
    """Return an organisation as CKAN can take it.

    Args:
        context: of the action.
        data_dict: of ``organization_create`` or ``organization_update``; not changed.
        stored: the organisation as it is, ``None`` for a new one.

    Raises:
        ckan.plugins.toolkit.ValidationError: of each field, what is wrong with its shape.
    """
    data = dict(data_dict)
    if (
        stored is None
        and data.get("type")
        and data["type"] not in (known := input_rules.organization_types())
    ):
        message = tk._("There is no type “{value}”. These exist: {known}")
        text = message.format(value=quote_value(data["type"]), known=", ".join(known))
        raise tk.ValidationError({"type": [text]})
    input_rules.check_group(context, data, stored, is_organization=True)
    input_rules.refuse_reserved_extras(context, data)
    schema = tk.get_action("scheming_organization_schema_show")({}, {"type": "organization"})
    errors = input_fields.wrong_names(data)
    errors.update(kept.find_files(data, "image_upload"))
    input_fields.check_fields(context, data, schema, errors)
    return data


def find_unknown(data: Mapping[str, Any]) -> list[str]:
    """Return the names in a package, as it was checked, that its type does not know."""
    fields = (field["field_name"] for field in _schema(data).get("dataset_fields", []))
    package_type = str(data.get("type") or DATASET)
    return kept.find_unknown(data, fields, lib_plugins.lookup_package_plugin(package_type))


def find_unknown_of_organization(data: Mapping[str, Any]) -> list[str]:
    """Return the names in an organisation, as it was checked, that no field has."""
    schema = tk.get_action("scheming_organization_schema_show")({}, {"type": "organization"})
    fields = (field["field_name"] for field in schema["fields"])
    return kept.find_unknown(data, fields, lib_plugins.lookup_group_plugin("organization"))


def origin(context: Context, field: str) -> str | None:
    """Return the origin that was sent along with a field (``own``, ``idea``, ``workshop``)."""
    origins: Mapping[str, Any] = cast(dict[str, Any], context).get(_ORIGINS_KEY) or {}
    found = origins.get(f"{field}_origin")
    return found if isinstance(found, str) else None


def _schema(data: Mapping[str, Any]) -> Mapping[str, Any]:
    package_type = str(data.get("type") or "dataset")
    plugin = lib_plugins.lookup_package_plugin(package_type)
    schemas: Mapping[str, Any] = getattr(plugin, "_expanded_schemas", {})
    return schemas.get(package_type, {})
