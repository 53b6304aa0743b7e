"""What a client sent, before CKAN takes it apart: its shape, and what it only read back.

CKAN flattens nested data before any validator runs and fails hard on shapes that it does not
expect; PostgreSQL fails on text that it cannot store. Both are said at the field here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan.lib import plugins as lib_plugins
from ckan.types import Context
from ckanext.scheming.plugins import expand_form_composite

from ckanext.marathon.domain.texts import is_storable

# CKAN's own lists of objects.
CORE_LISTS = (
    "resources",
    "tags",
    "groups",
    "extras",
    "relationships_as_subject",
    "relationships_as_object",
)

# What package_show adds; sent back, it says nothing.
COMPUTED = ("history", "ideas", "workshop_info", "participants_masked", "marathon_notices")
ORIGINS = ("municipality_origin", "service_problem_origin")
_ORIGINS_KEY = "marathon_origins"

LONGEST_TEXT = 100_000
DEEPEST = 8


def checked(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return what was sent as CKAN can take it, without what the site computes.

    Args:
        context: where the origins sent along are kept for the rules.
        data_dict: of ``package_create`` or ``package_update``; not changed.

    Raises:
        ckan.plugins.toolkit.ValidationError: of each field, what is wrong with its shape.
    """
    data = {key: value for key, value in data_dict.items() if key not in COMPUTED}
    origins: dict[str, Any] = {name: data.pop(name, None) for name in ORIGINS}
    cast(dict[str, Any], context)[_ORIGINS_KEY] = origins
    errors: dict[str, Any] = {}
    for field in ("id", "name", "type", "owner_org", "state"):
        if not isinstance(data.get(field, ""), str | None):
            errors[field] = [tk._("A text is expected")]
    schema = _schema(data) if not errors else None
    if schema:
        repeating = {f["field_name"] for f in schema["dataset_fields"] if _is_repeating(f)}
        expand_form_composite(data, set(repeating))
        for field in repeating:
            _read_rows(data, field, errors)
    for field in CORE_LISTS:
        _read_rows(data, field, errors)
    texts = _text_fields(schema) if schema else set()
    for field, value in data.items():
        if field not in errors:
            problem = _problem(value) or _not_text(value, field in texts)
            if problem:
                errors[field] = [problem]
    if errors:
        raise tk.ValidationError(errors)
    if data.get("extras"):
        data["extras"] = [e for e in data["extras"] if e.get("key") not in (*COMPUTED, *ORIGINS)]
    return data


def origin(context: Context, field: str) -> str | None:
    """Return the origin that was sent along with a field (``own``, ``idea``, ``workshop``)."""
    origins: Mapping[str, Any] = context.get(_ORIGINS_KEY) or {}
    found = origins.get(f"{field}_origin")
    return found if isinstance(found, str) else None


def _schema(data: Mapping[str, Any]) -> dict[str, Any] | None:
    package_type = data.get("type") or "dataset"
    plugin = lib_plugins.lookup_package_plugin(package_type)
    schemas: Mapping[str, Any] = getattr(plugin, "_expanded_schemas", {})
    return schemas.get(package_type)


def _is_repeating(field: Mapping[str, Any]) -> bool:
    return "repeating_subfields" in field


def _text_fields(schema: Mapping[str, Any]) -> set[str]:
    """Return the fields that take no list: those whose value is not loaded from JSON."""
    return {
        field["field_name"]
        for field in schema["dataset_fields"]
        if not _is_repeating(field) and "load_json" not in field.get("output_validators", "")
    }


def _read_rows(data: dict[str, Any], field: str, errors: dict[str, Any]) -> None:
    """Make a list of objects of one object, of a list, or of either as JSON text."""
    if field not in data:
        return
    value = data[field]
    if isinstance(value, str) and value.strip():
        try:
            value = json.loads(value) if len(value) <= LONGEST_TEXT else None
        except (ValueError, RecursionError):
            value = None
        if value is None:
            errors[field] = [tk._("A list of objects is expected")]
            return
    value = value or []
    rows = [value] if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        errors[field] = [tk._("A list of objects is expected")]
        return
    if field == "extras" and not all("key" in row for row in rows):
        errors[field] = [tk._("Each needs a key and a value")]
        return
    data[field] = rows


def _problem(value: Any, depth: int = 0) -> str | None:
    """Return what is wrong with a value of any depth, ``None`` if it can be stored."""
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            most = f"{LONGEST_TEXT:,}"
            return tk._("At most {most} characters are accepted").format(most=most)
        if not is_storable(value):
            return tk._("The text contains characters that cannot be stored")
        return None
    if isinstance(value, dict | list | tuple):
        if depth >= DEEPEST:
            return tk._("The data is nested too deeply")
        return next((p for each in _inner(value) if (p := _problem(each, depth + 1))), None)
    return None


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    else:
        yield from value


def _not_text(value: Any, is_text: bool) -> str | None:
    if is_text and isinstance(value, dict | list | tuple):
        return tk._("A text is expected")
    return None
