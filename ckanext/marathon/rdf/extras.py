"""Extras: texts under free names, several texts as a JSON list.

Datasets that are older than our schema have there what ckanext-dcat's own fields say.

Source: ckanext-dcat 2.4, mapping of DCAT fields to CKAN's extras.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ckanext.marathon.domain.texts import LONGEST_TEXT, load_json, remove_hidden
from ckanext.marathon.rdf.facts import Row
from ckanext.marathon.records.values import list_rows

# Behind the name of a field: what is said of it and does not fit into it.
REST = "_text"
_LARGEST = 10**18


def add_extras(found: dict[str, Any], texts: Mapping[str, Iterable[str]]) -> None:
    """Add texts as extras, each key once, and drop extras that say nothing."""
    extras: dict[str, str] = {}
    for each in found.get("extras") or []:
        value = clean_value(each.get("value"))
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if value not in (None, "", [], {}):
            extras.setdefault(str(each.get("key")), text)
    for name, given in texts.items():
        joined = join_texts([*list_texts_of_extra(extras.get(name)), *given])
        if joined:
            extras[name] = joined
    if extras or "extras" in found:
        found["extras"] = [{"key": key, "value": value} for key, value in extras.items()]


def list_texts_of_extra(value: Any) -> list[str]:
    """Return what a value says as texts, one an item."""
    if isinstance(value, str) and value[:1] == "[":
        try:
            loaded = load_json(value)
        except ValueError:
            loaded = value
        value = loaded if isinstance(loaded, list) else value
    given = value if isinstance(value, list | tuple) else [value]
    texts = (e if isinstance(e, str) else json.dumps(e, ensure_ascii=False) for e in given if e)
    return [each for each in texts if each.strip()]


def join_texts(texts: Iterable[str]) -> str:
    """Return one text as it is, several as a JSON list, as CKAN's extras hold lists."""
    unique = list(dict.fromkeys(texts))
    return "".join(unique) if len(unique) < 2 else json.dumps(unique, ensure_ascii=False)


def load_rows(value: Any, field: Mapping[str, Any]) -> Any:
    """Return the rows or the list that a field wants, if the text of an extra holds them."""
    is_list = "repeating_subfields" in field or "load_json" in str(field.get("output_validators"))
    if not is_list or not isinstance(value, str):
        return value
    if value.strip()[:1] not in ("[", "{"):
        # ckanext-dcat's harvester of data.json joins languages with commas.
        return value.split(",") if "authority_list" in str(field.get("validators")) else value
    try:
        loaded = load_json(value)
    except ValueError:
        return value
    return loaded if isinstance(loaded, list) else [loaded]


def clean_value(value: Any) -> Any:
    """Return a value with nothing that CKAN or its database could not store."""
    if isinstance(value, str):
        return remove_hidden(value)[:LONGEST_TEXT].strip()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
        return str(value)
    if isinstance(value, dict):
        return {clean_value(key): clean_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean_value(each) for each in value]
    return value


_SUBFIELDS = {
    "publisher": ("uri", "name", "email", "url", "type", "identifier"),
    "creator": ("uri", "name", "email", "url", "type", "identifier"),
    "contact": ("uri", "name", "email", "url", "identifier"),
}
_PERIOD = {"start": "temporal_start", "end": "temporal_end"}
_PLACE = {
    "uri": "spatial_uri",
    "text": "spatial_text",
    "geom": "spatial",
    "bbox": "spatial_bbox",
    "centroid": "spatial_centroid",
}
_RENAMED = {"identifier": "alternate_identifier"}
# Its name without ``dcat_`` is that of a field of CKAN's own.
_AS_IT_IS = frozenset({"dcat_type"})


def fill_from_extras(dataset: Row) -> dict[str, Any]:
    """Return a dataset whose empty fields are filled from its extras, where those say it.

    Args:
        dataset: as ``package_show`` gives it; is not changed.
    """
    extras = {
        key if key in _AS_IT_IS else key.removeprefix("dcat_"): each.get("value")
        for each in list_rows(dataset.get("extras"))
        for key in [str(each.get("key", ""))]
    }
    filled = dict(dataset)
    for key, value in extras.items():
        field = _RENAMED.get(key, key)
        if value and not filled.get(field):
            filled[field] = value
    for field, names in _SUBFIELDS.items():
        _fill(filled, field, {name: extras.get(f"{field}_{name}") for name in names})
    _fill(filled, "temporal_coverage", {key: extras.get(name) for key, name in _PERIOD.items()})
    _fill(filled, "spatial_coverage", {key: extras.get(name) for key, name in _PLACE.items()})
    for person in ("maintainer", "author"):
        contact = {"name": filled.get(person), "email": filled.get(f"{person}_email")}
        _fill(filled, "contact", contact)
    return filled


def _fill(filled: dict[str, Any], field: str, row: dict[str, Any]) -> None:
    if any(row.values()) and not list_rows(filled.get(field)):
        filled[field] = [row]
