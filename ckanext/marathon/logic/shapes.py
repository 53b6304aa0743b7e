"""The shape of what a client sent: what can be stored, and lists of objects where CKAN has them.

CKAN flattens nested data before any validator runs and fails hard on shapes that it does not
expect; PostgreSQL fails on text that it cannot store. Both are said at the field here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain.texts import LONGEST_TEXT, explain_hidden, load_json, quote_value
from ckanext.marathon.logic import say

# CKAN's own lists of objects, and at which of their fields its pages look for an error.
CORE_LISTS: Mapping[str, str] = {
    "resources": "url",
    "tags": "name",
    "extras": "key",
    "groups": "",
    "users": "",
    "packages": "",
    "relationships_as_subject": "",
    "relationships_as_object": "",
}

# CKAN takes the digits of its own dates out of any text, however many there are.
DATES = ("metadata_modified", "created", "last_modified", "cache_last_updated")
_DATE = re.compile(r"(?!.*\d{10})[\d .:+TZ/-]{0,32}", re.ASCII)

# What is surely a yes and surely a no, in the words of programs, spreadsheets and people.
TRUE = frozenset({"true", "yes", "t", "y", "1", "on", "sí", "si", "verdadero"})
FALSE = frozenset({"false", "no", "f", "n", "0", "off", "falso"})

DEEPEST = 8
LARGEST = 10**18

Errors = dict[str, Any]


def problem(value: Any, depth: int = 0) -> str | None:
    """Return what is wrong with a value of any depth, ``None`` if it can be stored."""
    if isinstance(value, str):
        return _problem_of_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return tk._("A number is expected")
    if isinstance(value, int) and abs(value) > LARGEST:
        return tk._("The number is too large")
    if isinstance(value, dict | list | tuple):
        if depth >= DEEPEST:
            return tk._("The data is nested too deeply")
        return next((p for each in _inner(value) if (p := problem(each, depth + 1))), None)
    return None


def refuse_problems(data: Mapping[str, Any]) -> None:
    """Check every field of what is to be saved.

    Raises:
        ckan.plugins.toolkit.ValidationError: of each field, why it cannot be stored.
    """
    found = {name: problem(value) for name, value in data.items() if "password" not in name}
    errors: dict[str, Any] = {name: [text] for name, text in found.items() if text}
    if errors:
        raise tk.ValidationError(errors)


def read_rows(data: dict[str, Any], field: str, errors: Errors) -> None:
    """Make a list of objects of one object, of a list, or of either as JSON text, in ``data``."""
    if field not in data or field in errors:
        return
    value = data[field]
    if isinstance(value, str) and value.strip():
        value = _loaded(value)
    elif isinstance(value, str) or value is None:
        value = []
    rows = [value] if isinstance(value, dict) else value
    is_list = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    if not is_list or any(not isinstance(key, str) for row in rows for key in row):
        errors[field] = at_list(field, tk._("A list of objects is expected"))
    elif field == "extras" and not all(isinstance(row.get("key"), str) for row in rows):
        errors[field] = at_list(field, tk._("Each needs a key and a value"))
    else:
        data[field] = [dict(row) for row in rows]


def at_list(field: str, message: str) -> list[Any]:
    """Return an error of a whole list in the form in which CKAN's pages read it."""
    inner = CORE_LISTS.get(field)
    return [{inner: [message]}] if inner else [message]


def as_text(value: Any) -> Any:
    """Return a number or truth value as the text that CKAN's own validators expect."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def not_a_date(value: Any) -> str | None:
    """Return what is wrong with one of CKAN's own dates."""
    if value is None or isinstance(value, datetime):
        return None
    if isinstance(value, str) and _DATE.fullmatch(value):
        return None
    return tk._("A date is expected, for example 2017-06-03")


def read_flag(value: Any, false: Collection[str] = FALSE) -> bool | None:
    """Return what is surely true or false, ``None`` for anything else.

    CKAN's ``boolean_validator`` takes whatever it does not know for false. For ``private`` that
    would publish a record whose sender meant the opposite.
    """
    if not isinstance(value, str | bool | int):
        return None
    text = str(value).strip().casefold()
    return True if text in TRUE else False if text in false else None


def not_a_flag(value: Any) -> str:
    """Return what to say of a value that is neither true nor false."""
    return tk._("“{value}” is neither yes nor no").format(value=quote_value(value))


def not_flat(value: Any) -> str | None:
    """Return what is wrong with a value where a text or a list of texts is expected."""
    values = value if isinstance(value, list | tuple) else [value]
    if any(each is None or isinstance(each, dict | list | tuple) for each in values):
        return tk._("A list of texts is expected")
    return None


def check_rows(
    rows: list[dict[str, Any]],
    texts: Collection[str],
    lists: Collection[str],
    counts: Collection[str] = (),
) -> list[dict[str, list[str]]]:
    """Return the errors of the rows of a repeating field, row by row; nothing if there are none.

    Args:
        rows: the objects; numbers in texts become text.
        texts: fields of theirs that take a text.
        lists: fields of theirs that take a list of texts.
        counts: those of the texts that may be numbers as well.
    """
    errors = [_check_row(row, texts, lists, counts) for row in rows]
    return errors if any(errors) else []


def _check_row(
    row: dict[str, Any],
    texts: Collection[str],
    lists: Collection[str],
    counts: Collection[str],
) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    for name, value in row.items():
        wrong = problem(value)
        if not wrong and name in DATES:
            wrong = not_a_date(value)
        if not wrong and name in lists and value is not None:
            wrong = not_flat(value)
        if not wrong and name in texts and isinstance(value, dict | list | tuple):
            wrong = tk._("A text is expected")
        if wrong:
            errors[name] = [wrong]
    if not errors:
        converted = row.keys() & set(texts).difference(counts)
        row.update({name: as_text(row[name]) for name in converted})
    return errors


def _problem_of_text(value: str) -> str | None:
    if len(value) > LONGEST_TEXT:
        return tk._("At most {most} characters are accepted").format(most=f"{LONGEST_TEXT:,}")
    fault = explain_hidden(value)
    return say.text(fault) if fault else None


def _loaded(text: str) -> Any:
    try:
        return load_json(text) if len(text) <= LONGEST_TEXT else None
    except ValueError:
        return None


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    else:
        yield from value
