"""Extras: texts under free names, several texts as a JSON list."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ckanext.marathon.domain.texts import LONGEST_TEXT, load_json, remove_hidden

__all__ = ["REST", "add_extras", "clean", "load_rows", "one_text", "texts_of"]

# Behind the name of a field: what is said of it and does not fit into it.
REST = "_text"
_LARGEST = 10**18


def add_extras(found: dict[str, Any], texts: Mapping[str, Iterable[str]]) -> None:
    """Add texts as extras, each key once, and drop extras that say nothing."""
    extras: dict[str, str] = {}
    for each in found.get("extras") or []:
        value = clean(each.get("value"))
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if value not in (None, "", [], {}):
            extras.setdefault(str(each.get("key")), text)
    for name, given in texts.items():
        joined = one_text([*texts_of(extras.get(name)), *given])
        if joined:
            extras[name] = joined
    if extras or "extras" in found:
        found["extras"] = [{"key": key, "value": value} for key, value in extras.items()]


def texts_of(value: Any) -> list[str]:
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


def one_text(texts: Iterable[str]) -> str:
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


def clean(value: Any) -> Any:
    """Return a value with nothing that CKAN or its database could not store."""
    if isinstance(value, str):
        return remove_hidden(value)[:LONGEST_TEXT].strip()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST:
        return str(value)
    if isinstance(value, dict):
        return {clean(key): clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean(each) for each in value]
    return value
