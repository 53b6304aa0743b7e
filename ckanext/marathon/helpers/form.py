"""The one-page form: its sections, and its errors as a person reads them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, TypedDict

import ckan.plugins.toolkit as tk

Field = dict[str, Any]
FOLDED = {"people", "more"}
NOT_IN_THE_SCHEMA = ("author", "author_email", "maintainer", "maintainer_email")


class Section(TypedDict):
    """A part of the form; ``folded`` ones open only when asked or when they hold an error."""

    name: str
    title: str
    fields: list[Field]
    folded: bool


class FormError(TypedDict):
    """An error for the summary; ``target`` is the id of the place to go to."""

    label: str
    target: str
    message: str


def marathon_form_sections(schema: dict[str, Any]) -> list[Section]:
    """Return a schema's fields in the sections that their ``form_group`` names, in order.

    ``files`` stands for the resources and has no fields of its own here.
    """
    titles = {
        "": "",
        "chain": tk._("Where it comes from"),
        "files": tk._("Files and links"),
        "people": tk._("People and organisations"),
        "terms": tk._("Licence and updates"),
        "more": tk._("More details"),
    }
    sections = _sections(schema["dataset_fields"], titles)
    return [
        section
        for section in sections
        if section["fields"] or (section["name"] == "files" and schema.get("resource_fields"))
    ]


def marathon_resource_sections(fields: list[Field]) -> list[Section]:
    """Return the fields of a file or link: what matters, then the rest, folded."""
    found = _sections(fields, {"": "", "more": tk._("More details")})
    return [section for section in found if section["fields"]]


def marathon_unshown(fields: list[Field], data: dict[str, Any]) -> dict[str, str]:
    """Return name of input → value of what a form does not show but must send back.

    That is: fields without a place in the form, CKAN's own that the schema leaves out, and free
    extras. An update replaces everything, so what is not sent would be lost.
    """
    hidden = [field["field_name"] for field in fields if field.get("form_snippet", "") is None]
    found = {name: str(data[name]) for name in (*hidden, *NOT_IN_THE_SCHEMA) if data.get(name)}
    for number, extra in enumerate(data.get("extras") or []):
        found[f"extras__{number}__key"] = extra.get("key") or ""
        found[f"extras__{number}__value"] = extra.get("value") or ""
    return found


def marathon_form_token() -> str:
    """Return a new token: a form sent twice with the same one is saved once."""
    return str(uuid.uuid4())


def marathon_section_has_errors(section: Section, errors: dict[str, Any]) -> bool:
    """Return whether a field of the section has an error."""
    return any(errors.get(field["field_name"]) for field in section["fields"])


def marathon_form_errors(
    schema: dict[str, Any], errors: dict[str, Any], numbers: dict[str, list[int]] | None = None
) -> list[FormError]:
    """Return the errors of a form one by one, in the order of its fields.

    Args:
        schema: the scheming schema of the dataset type.
        errors: CKAN's ``error_dict``.
        numbers: of each list of rows, the numbers that the rows have on the page, from 0; without
            them they are counted.

    Returns:
        For lists of things (``contact``, ``resources``) one entry an inner field, with the
        number of the thing in the label.
    """
    found: list[FormError] = []
    left = {("tag_string" if key == "tags" else key): each for key, each in errors.items()}
    for field in schema["dataset_fields"]:
        name = field["field_name"]
        found += _of_field(field, left.pop(name, None), (numbers or {}).get(name, []))
    places = (numbers or {}).get("resources", [])
    for index, inner in enumerate(_dicts(left.pop("resources", None))):
        place = places[index] if index < len(places) else index
        found += _of_resource(schema.get("resource_fields", []), index + 1, place, inner)
    resources = errors.get("resources")
    if resources and all(isinstance(each, str) for each in resources):
        found += _plain(tk._("Files and links"), "at-resources", resources)
    for key, messages in left.items():
        if key != "resources":
            found += _plain(key, f"at-{key}", messages)
    return found


def marathon_error_names(errors: dict[str, Any]) -> dict[str, list[str]]:
    """Return the errors by name of form input, as the page's script needs them.

    ``{"contact": [{"email": ["…"]}]}`` becomes ``{"contact-0-email": ["…"]}``, an error of the
    first resource's address ``{"resources__0__url": ["…"]}``.
    """
    names: dict[str, list[str]] = {}
    for key, value in errors.items():
        inner = _dicts(value)
        pattern = "resources__{}__{}" if key == "resources" else f"{key}-{{}}-{{}}"
        for index, each in enumerate(inner):
            for subkey, messages in each.items():
                names[pattern.format(index, subkey)] = _texts(messages)
        if not inner:
            names[key] = _texts(value)
    return names


def _sections(fields: list[Field], titles: dict[str, str]) -> list[Section]:
    inside: dict[str, list[Field]] = {name: [] for name in titles}
    for field in fields:
        if field.get("form_snippet", "") is not None:
            inside[field.get("form_group", "")].append(field)
    return [
        {"name": name, "title": title, "fields": inside[name], "folded": name in FOLDED}
        for name, title in titles.items()
    ]


def _of_field(field: Field, value: Any, numbers: list[int]) -> Iterator[FormError]:
    label = tk.h.scheming_language_text(field.get("label") or field["field_name"])
    target = f"at-{field['field_name']}"
    inner = _dicts(value)
    if not inner:
        yield from _plain(label, target, value)
        return
    one = tk.h.scheming_language_text(field.get("repeating_label") or field.get("label"))
    for index, each in enumerate(inner):
        number = numbers[index] if index < len(numbers) else index
        for subfield in field.get("repeating_subfields", []):
            name = tk.h.scheming_language_text(subfield.get("label"))
            messages = each.get(subfield["field_name"])
            yield from _plain(f"{one} {number + 1}: {name}", target, messages)


def _of_resource(
    fields: list[Field], number: int, place: int, errors: dict[str, Any]
) -> Iterator[FormError]:
    labels = {f["field_name"]: tk.h.scheming_language_text(f.get("label")) for f in fields}
    where = tk._("File or link %(number)s") % {"number": number}
    for key, messages in errors.items():
        label = labels.get(key, labels.get("url", key))
        yield from _plain(f"{where}: {label}", f"at-resource-{place}", messages)


def _plain(label: str, target: str, value: Any) -> list[FormError]:
    return [{"label": label, "target": target, "message": text} for text in _texts(value)]


def _dicts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return [each if isinstance(each, dict) else {} for each in value]
    return []


def _texts(value: Any) -> list[str]:
    if not value:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    return [text for each in value for text in _texts(each)]
