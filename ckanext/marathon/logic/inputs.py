"""What a client sent, before CKAN takes it apart: in proper shape, without what was read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.lib import plugins as lib_plugins
from ckan.types import Context
from ckanext.scheming.plugins import expand_form_composite

from ckanext.marathon.domain.texts import shown
from ckanext.marathon.logic import copies, input_rules, shapes
from ckanext.marathon.search import types
from ckanext.marathon.search.types import DATASET

# What is skipped or shown of a list at most; PostgreSQL takes no number beyond 64 bits.
LARGEST = 2**31 - 1
# What package_show adds; sent back, it says nothing.
COMPUTED = (
    *("history", "ideas", "workshop_info", "participants_masked", "first_published"),
    "marathon_notices",
)
ORIGINS = ("municipality_origin", "service_problem_origin")
_ORIGINS_KEY = "marathon_origins"

# CKAN looks these up before it validates them.
NAMES = ("id", "name", "type", "owner_org", "state", "title")

# CKAN's own fields, which take nothing but text and some of which break on anything else.
TEXTS = (
    "notes",
    "description",
    "url",
    "version",
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "license_id",
    "image_url",
)

RESOURCE_TEXTS = ("url", "name", "description", "format", "mimetype", "url_type", "resource_type")

Fields = list[dict[str, Any]]


def checked(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return a package as CKAN can take it, without what the site computes.

    Args:
        context: where the origins sent along are kept for the rules.
        data_dict: of ``package_create`` or ``package_update``; not changed.

    Raises:
        ckan.plugins.toolkit.ValidationError: of each field, what is wrong with its shape.
    """
    data = {key: value for key, value in data_dict.items() if key not in COMPUTED}
    origins: dict[str, Any] = {name: data.pop(name, None) for name in ORIGINS}
    cast(dict[str, Any], context)[_ORIGINS_KEY] = origins
    errors = _wrong_names(data)
    input_rules.read_private(data, errors)
    schema = {} if errors else _schema(data)
    fields, resource_fields = (
        schema.get(each) or [] for each in ("dataset_fields", "resource_fields")
    )
    _read_lists(data, fields, errors)
    if not errors:
        copies.settle(context, data, schema)
    _check(data, fields, resource_fields, errors)
    if data.get("extras"):
        data["extras"] = [e for e in data["extras"] if e["key"] not in (*COMPUTED, *ORIGINS)]
    return data


def checked_update(
    context: Context, data_dict: dict[str, Any], stored: model.Package | None
) -> dict[str, Any]:
    """Return an update of a package (``None``: unknown) as CKAN can take it; see :func:`checked`.

    Raises:
        ckan.plugins.toolkit.ValidationError: also at ``state``, for one that means nothing.
    """
    data = checked(context, data_dict)
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
    elif data["type"] not in (known := types.registered()):
        message = tk._("There is no type “{value}”. These exist: {known}")
        text = message.format(value=shown(data["type"]), known=", ".join(known))
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
        text = message.format(value=shown(data["type"]), known=", ".join(known))
        raise tk.ValidationError({"type": [text]})
    input_rules.check_group(context, data, stored, is_organization=True)
    input_rules.refuse_reserved_extras(context, data)
    schema = tk.get_action("scheming_organization_schema_show")({}, {"type": "organization"})
    errors = _wrong_names(data)
    _read_lists(data, schema["fields"], errors)
    _check(data, schema["fields"], [], errors)
    return data


def origin(context: Context, field: str) -> str | None:
    """Return the origin that was sent along with a field (``own``, ``idea``, ``workshop``)."""
    origins: Mapping[str, Any] = cast(dict[str, Any], context).get(_ORIGINS_KEY) or {}
    found = origins.get(f"{field}_origin")
    return found if isinstance(found, str) else None


def _read_lists(data: dict[str, Any], fields: Fields, errors: shapes.Errors) -> None:
    repeating = {f["field_name"] for f in _repeating(fields)}
    # Scheming takes out of the set what it has found.
    expand_form_composite(data, set(repeating))
    for name in (*repeating, *shapes.CORE_LISTS):
        shapes.read_rows(data, name, errors)


def _check(
    data: dict[str, Any], fields: Fields, resource_fields: Fields, errors: shapes.Errors
) -> None:
    repeating = {f["field_name"]: f["repeating_subfields"] for f in _repeating(fields)}
    for name, inner in {**repeating, "resources": resource_fields}.items():
        if name in data and name not in errors:
            texts = _texts(inner) | (set(RESOURCE_TEXTS) if name == "resources" else set())
            wrong_rows = shapes.check_rows(data[name], texts, _lists(inner))
            if wrong_rows:
                errors[name] = wrong_rows
    texts = (_texts(fields) | {*NAMES, *TEXTS}) - {"tag_string"}
    for name, value in list(data.items()):
        if name in errors:
            continue
        wrong = shapes.problem(value)
        if not wrong and name in texts and isinstance(value, dict | list | tuple):
            wrong = tk._("A text is expected")
        if not wrong and name in shapes.DATES:
            wrong = shapes.not_a_date(value)
        if not wrong and name == "tag_string" and value is not None:
            wrong = shapes.not_flat(value)
        if wrong:
            errors[name] = shapes.at_list(name, wrong)
        elif name in texts or name == "tag_string":
            values = value if isinstance(value, list | tuple) else None
            data[name] = shapes.as_text(value) if values is None else _as_texts(values)
    if errors:
        raise tk.ValidationError(errors)


def _wrong_names(data: Mapping[str, Any]) -> shapes.Errors:
    errors: shapes.Errors = {}
    for name in NAMES:
        value = data.get(name)
        if isinstance(value, dict | list | tuple | bool):
            errors[name] = [tk._("A text is expected")]
        elif wrong := shapes.problem(value):
            errors[name] = [wrong]
    return errors


def _as_texts(values: Iterable[Any]) -> list[Any]:
    return [shapes.as_text(value) for value in values]


def _schema(data: Mapping[str, Any]) -> Mapping[str, Any]:
    package_type = str(data.get("type") or "dataset")
    plugin = lib_plugins.lookup_package_plugin(package_type)
    schemas: Mapping[str, Any] = getattr(plugin, "_expanded_schemas", {})
    return schemas.get(package_type, {})


def _repeating(fields: Fields) -> Fields:
    return [field for field in fields if "repeating_subfields" in field]


def _texts(fields: Fields) -> set[str]:
    """Return the fields that take nothing but a text."""
    others = [f for f in fields if "geojson" in f.get("validators", "") or f in _repeating(fields)]
    return {f["field_name"] for f in fields if f not in others} - _lists(fields)


def _lists(fields: Fields) -> set[str]:
    """Return the fields that take a list, loaded from JSON, and flags, which a form sends twice."""
    return {
        field["field_name"]
        for field in fields
        if "load_json" in field.get("output_validators", "")
        or "marathon_flag" in field.get("validators", "")
    }
