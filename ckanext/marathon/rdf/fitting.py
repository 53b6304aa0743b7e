"""What others say of a dataset, fitted to the fields of this site's schema.

The validators of the schema decide. What a field does not take is set aside as text in an extra of
its own, ``<field>_text``, so that one value never costs the rest of the dataset.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.munge import munge_tag
from ckan.logic.schema import default_create_package_schema
from ckanext.scheming.validation import validators_from_string

from ckanext.marathon.domain import dataset
from ckanext.marathon.domain import texts as texts_domain
from ckanext.marathon.domain.texts import LONGEST_TITLE
from ckanext.marathon.rdf.extras import (
    REST,
    add_extras,
    clean_value,
    join_texts,
    list_texts_of_extra,
    load_rows,
)

Record = dict[str, Any]
Fields = list[dict[str, Any]]
Rest = dict[str, list[str]]

# Who may set these, and to what, is for the rules of the whole record.
_NOT_FITTED = frozenset({"name", "title", "owner_org", "tag_string"})
_NOT_TAKEN_UP = _NOT_FITTED | {"idea", "data_need"}
# CKAN's own fields that hold a content and may be sent as extras too.
_CORE = ("title", "notes", "url", "version", "license_id")
_CORE += ("author", "author_email", "maintainer", "maintainer_email")
_MAILS: Fields = [
    {"field_name": name, "validators": "ignore_empty email_validator"}
    for name in ("author_email", "maintainer_email")
]


def fit_dataset(found: Record, schema: Mapping[str, Any]) -> Rest:
    """Change a dataset so that the schema takes it, and return what was set aside.

    Args:
        found: as it was read; is changed.
        schema: of scheming, with presets expanded.

    Returns:
        By the key of the extra (``<field>_text``) or of the resource, the texts that are now there.
    """
    rest = {
        name: list_texts_of_extra(found.pop(name)) for name in list(found) if name.endswith(REST)
    }
    for name in list(found):
        if name not in ("extras", "resources", "tags"):
            found[name] = clean_value(found[name])
    _cut(found, "title", LONGEST_TITLE, rest)
    fields = schema.get("dataset_fields") or []
    known = {field["field_name"] for field in fields}
    taken = take_up_extras(found, schema)
    for name, texts in {**taken, **_fit(found, [*fields, *_MAILS], schema)}.items():
        rest.setdefault(name, []).extend(texts)
    if found.get("data_need") and not found.get("idea"):
        # A need is one of an idea's.
        rest.setdefault("data_need" + REST, []).extend(list_texts_of_extra(found.pop("data_need")))
    if found.get("tags"):
        _fit_tags(found, rest)
    if "temporal_coverage" in known:
        _fit_periods(found, rest)
    for resource in found.get("resources") or []:
        for name in list(resource):
            value = clean_value(resource[name])
            resource[name] = (
                join_texts(list_texts_of_extra(value)) if name.endswith(REST) else value
            )
        aside = _fit(resource, schema.get("resource_fields") or [], schema)
        for name, texts in aside.items():
            resource[name] = join_texts([*list_texts_of_extra(resource.get(name)), *texts])
            rest.setdefault(f"resources.{name}", []).extend(texts)
    add_extras(found, {name: each for name, each in rest.items() if "." not in name})
    return {name: each for name, each in rest.items() if each}


def take_up_extras(found: Record, schema: Mapping[str, Any]) -> Rest:
    """Move extras that have the name of a field into it, if it is empty and takes them.

    Returns:
        What no field took, by the key of the extra that holds it now.
    """
    fields = schema.get("dataset_fields") or []
    by_name = {field["field_name"]: field for field in fields}
    names = {*by_name, *default_create_package_schema()} - {"extras"}
    rest: Rest = {}
    kept = []
    for extra in found.get("extras") or []:
        name, value = extra.get("key"), extra.get("value")
        if isinstance(value, dict | list):
            extra = {**extra, "value": json.dumps(value, ensure_ascii=False)}
        if name not in names:
            kept.append(extra)
            continue
        loaded = load_rows(value, by_name.get(name, {}))
        candidate = {name: loaded} if loaded not in (None, "", [], {}) else {}
        is_open = (name in by_name and name not in _NOT_TAKEN_UP) or name in _CORE
        if name in by_name and "repeating_subfields" in by_name[name]:
            is_open = isinstance(loaded, list) and all(isinstance(each, dict) for each in loaded)
        if not candidate or found.get(name) == candidate[name]:
            continue
        if is_open and not found.get(name):
            aside = _fit(candidate, [*fields, *_MAILS], schema)
            found |= candidate
        else:
            aside = {name + REST: list_texts_of_extra(value)}
        for key, texts in aside.items():
            rest.setdefault(key, []).extend(texts)
    own = {each.get("key"): each for each in kept}
    for key, texts in rest.items():
        joined = join_texts([*list_texts_of_extra(own.get(key, {}).get("value")), *texts])
        kept = [*(each for each in kept if each.get("key") != key), {"key": key, "value": joined}]
    if "extras" in found:
        found["extras"] = kept
    return rest


def respell_keyword(keyword: str) -> str:
    """Return a keyword as the site spells its tags (``ckanext.dcat.clean_tags``)."""
    return munge_tag(keyword) if _is_munging() else keyword


def texts_of_files(resources: Iterable[Mapping[str, Any]]) -> Rest:
    """Return what stands beside the fields of files, as :func:`fit_dataset` names it."""
    found: Rest = {}
    for resource in resources:
        for name in (each for each in resource if each.endswith(REST)):
            found.setdefault(f"resources.{name}", []).extend(list_texts_of_extra(resource[name]))
    return found


def _fit(record: Record, fields: Fields, schema: Mapping[str, Any]) -> Rest:
    """Take out of a record what its fields do not take, and return it."""
    rest: Rest = {}
    fields = [each for each in fields if each["field_name"] not in _NOT_FITTED]
    for name, errors in _errors(record, fields, schema).items():
        value = record.pop(name)
        rows = isinstance(value, list) and any(isinstance(each, dict) for each in value)
        if rows and all(isinstance(each, dict) for each in [*value, *errors]):
            kept = [_fit_row(name, *pair, rest) for pair in zip(value, errors, strict=False)]
            kept = [each for each in kept if each]
        elif isinstance(value, list):
            own = [each for each in fields if each["field_name"] == name]
            kept = [each for each in value if not _errors({name: [each]}, own, schema)]
            rest[name + REST] = list_texts_of_extra([each for each in value if each not in kept])
        else:
            kept = None
            rest[name + REST] = list_texts_of_extra(value)
        if kept:
            record[name] = kept
    return rest


def _fit_row(name: str, row: Record, errors: Mapping[str, Any], rest: Rest) -> Record:
    for inner in [each for each, messages in errors.items() if messages and each in row]:
        rest.setdefault(f"{name}_{inner}{REST}", []).extend(list_texts_of_extra(row[inner]))
    return {key: value for key, value in row.items() if not errors.get(key)}


def _errors(record: Record, fields: Fields, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the validators say of those fields that the record has."""
    validators: dict[str, Any] = {}
    for field in fields:
        name, inner = field["field_name"], field.get("repeating_subfields")
        if record.get(name) in (None, "", [], {}):
            continue
        validators[name] = (
            {each["field_name"]: _validators(each, schema) for each in inner}
            if inner
            else _validators(field, schema)
        )
    context: Any = {"model": model, "session": model.Session, "user": "", "ignore_auth": True}
    values = copy.deepcopy({name: record[name] for name in validators})
    _, errors = tk.navl_validate(values, validators, context)
    return cast(dict[str, Any], {name: each for name, each in errors.items() if name in record})


def _validators(field: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Any]:
    given = field.get("validators") or "ignore_missing unicode_safe"
    return validators_from_string(given, field, schema)


def _fit_tags(found: Record, rest: Rest) -> None:
    """Keep what CKAN can of the keywords, and those as they were written that had to change."""
    is_munging = _is_munging()
    free = [each for each in found["tags"] if not each.get("vocabulary_id")]
    tags: dict[str, Record] = {}
    for tag in free:
        given = str(tag.get("name") or "")
        if is_munging:
            names = [munge_tag(each) for each in texts_domain.split_keyword(given)]
        else:
            names = texts_domain.list_tags(given)
            if not texts_domain.is_kept_as_tags(given):
                rest.setdefault("tags" + REST, []).append(given)
        for name in names:
            tags.setdefault(name, {"name": name} if name != given else tag)
    found["tags"] = [*tags.values(), *(each for each in found["tags"] if each not in free)]


def _is_munging() -> bool:
    return tk.asbool(tk.config.get("ckanext.dcat.clean_tags", False))


def _fit_periods(found: Record, rest: Rest) -> None:
    periods = found.get("temporal_coverage")
    if not isinstance(periods, list) or not all(isinstance(each, dict) for each in periods):
        return
    wrong = [int(path[1]) for path, _ in dataset.check_periods(periods)]
    for number in wrong:
        text = " – ".join(str(periods[number].get(each) or "") for each in ("start", "end"))
        rest.setdefault("temporal_coverage" + REST, []).append(text)
    found["temporal_coverage"] = [e for n, e in enumerate(periods) if n not in wrong]


def _cut(record: Record, name: str, longest: int, rest: Rest) -> None:
    value = record.get(name)
    if isinstance(value, str) and len(value) > longest:
        rest.setdefault(name + REST, []).append(value)
        record[name] = value[: longest - 1].rstrip() + "…"
