"""The fields of what a client sent, held against the schema of its type before CKAN sees them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context
from ckanext.scheming.plugins import expand_form_composite

from ckanext.marathon.domain import numbers
from ckanext.marathon.logic import copies, kept, languages, notices, shapes, unknown_subfields

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


def check_fields(
    context: Context,
    data: dict[str, Any],
    schema: Mapping[str, Any],
    errors: shapes.Errors,
    file_name: str = "",
    stored: model.Package | None = None,
) -> None:
    """Check every field that was sent, and bring lists, texts and numbers into shape, in place.

    Args:
        context: of the action, for what is to be told.
        data: what was sent; changed.
        schema: of its type, as scheming has it; empty for a type without one.
        errors: those found before.
        file_name: under which its resources take a file; "" where nothing would store one.
        stored: the package as it is; its rows may keep names that its schema does not know.

    Raises:
        ckan.plugins.toolkit.ValidationError: of each field, what is wrong with its shape.
    """
    fields: Fields = schema.get("dataset_fields") or schema.get("fields") or []
    resource_fields: Fields = schema.get("resource_fields") or []
    # What the fields of a site's own schema take, their own validators say.
    is_ours = _is_ours(schema)
    kept.drop_reserved(context, data)
    repeating = {f["field_name"]: f["repeating_subfields"] for f in _repeating(fields)}
    expand_form_composite(data, set(repeating))
    for name in (*repeating, *shapes.CORE_LISTS):
        shapes.read_rows(data, name, errors)
    if not errors and "dataset_fields" in schema:
        copies.settle(context, data, schema)
        languages.keep_spoken(context, data, schema)
    for name, inner in {**repeating, "resources": resource_fields}.items():
        if name in data and name not in errors:
            core = set(RESOURCE_TEXTS) if name == "resources" else set()
            texts, lists = (_texts(inner), _lists(inner)) if is_ours else (set(), set())
            wrong_rows = shapes.check_rows(data[name], texts | core, lists, _counts(inner))
            if wrong_rows:
                errors[name] = wrong_rows
    if is_ours:
        unknown_subfields.lift(data, fields)
        known_rows = {name: _known_names(inner, stored, name) for name, inner in repeating.items()}
        _check_names(context, data, {**known_rows, **kept.CORE_ROWS}, errors)
    _check_files(context, data, file_name, errors)
    texts = ((_texts(fields) if is_ours else set()) | {*NAMES, *TEXTS}) - {"tag_string"}
    counts, decimals, coordinates = _counts(fields), _decimals(fields), _coordinates(fields)
    stored_as_text = (texts | {"tag_string"}) - counts
    for name in [name for name in data if name not in errors]:
        wrong = _find_wrong_shape(name, data[name], texts)
        if wrong:
            errors[name] = shapes.at_list(name, wrong)
        elif name in decimals:
            data[name] = numbers.write_number(data[name], is_bounded=name in coordinates)
        elif name in stored_as_text:
            data[name] = _write_text(data[name])
    if errors:
        raise tk.ValidationError(errors)


def _find_wrong_shape(name: str, value: Any, texts: Collection[str]) -> str | None:
    """Return what is wrong with the shape of a field's value, if anything."""
    wrong = shapes.problem(value)
    if not wrong and name in texts and isinstance(value, dict | list | tuple):
        wrong = tk._("A text is expected")
    if not wrong and name in shapes.DATES:
        wrong = shapes.not_a_date(value)
    if not wrong and name == "tag_string" and value is not None:
        wrong = shapes.not_flat(value)
    return wrong


def _write_text(value: Any) -> Any:
    """Return a number or boolean as the text that is stored; in a list, each of its items."""
    return _as_texts(value) if isinstance(value, list | tuple) else shapes.as_text(value)


def _known_names(inner: Fields, stored: model.Package | None, field: str) -> list[str]:
    names = [each["field_name"] for each in inner]
    return [*names, *sorted(unknown_subfields.names_of(stored, field).difference(names))]


def _check_names(
    context: Context,
    data: Mapping[str, Any],
    known: Mapping[str, Collection[str]],
    errors: shapes.Errors,
) -> None:
    for name, names in known.items():
        if data.get(name) and name not in errors:
            lost = kept.check_rows(context, name, data[name], names)
            if lost:
                errors[name] = lost
    if data.get("groups") and "groups" not in errors:
        nameless = kept.check_groups(data["groups"])
        if nameless:
            errors["groups"] = nameless


def _check_files(
    context: Context, data: Mapping[str, Any], file_name: str, errors: shapes.Errors
) -> None:
    if not data.get("resources") or "resources" in errors:
        return
    for number, row in enumerate(data["resources"]):
        kept.drop_reserved(context, row, number)
        # What the answer to a file that was added says, not a field of it.
        row.pop(notices.KEY, None)
    wrong = [kept.find_files(row, file_name) for row in data["resources"]]
    if any(wrong):
        errors["resources"] = wrong


def _is_ours(schema: Mapping[str, Any]) -> bool:
    """Return whether our rules take the rows of a schema; scheming keeps what it does not know."""
    return "marathon_" in str(schema.get("after_validators") or "")


def wrong_names(data: Mapping[str, Any]) -> shapes.Errors:
    """Return the errors of what CKAN looks up before it validates anything."""
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


def _counts(fields: Fields) -> set[str]:
    """Return the fields that take a count, whose validator reads numbers as they are."""
    return _validated(fields, "marathon_count")


def _decimals(fields: Fields) -> set[str]:
    """Return the fields that take numbers with decimals, which Python may write with exponents."""
    return _validated(fields, "marathon_decimal") | _coordinates(fields)


def _coordinates(fields: Fields) -> set[str]:
    """Return the fields that take degrees."""
    return _validated(fields, "marathon_latitude") | _validated(fields, "marathon_longitude")


def _validated(fields: Fields, validator: str) -> set[str]:
    return {f["field_name"] for f in fields if validator in f.get("validators", "")}
