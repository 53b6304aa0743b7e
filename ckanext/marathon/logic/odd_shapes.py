"""Refusing parameters of a type on which CKAN's actions break.

CKAN 2.12 validates what it saves, but not what it looks up: an id that is a list, a flag that is
neither true nor false or a text that PostgreSQL cannot hold end as a server error. Here a request
is compared with the documented types before its action runs. What CKAN takes and understands
passes: numbers as text, lists with commas, JSON in a form field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain.texts import explain_hidden, is_holdable
from ckanext.marathon.logic import say, shapes
from ckanext.marathon.logic.parameters import REFERENCES, ParameterType, parameters

# Flags that CKAN reads with ``asbool``, which knows no other words. Where a validator reads a flag
# instead, any other word means false; those are not listed.
STRICT_FLAGS = frozenset(
    {
        "all_fields",
        "create_datastore_views",
        "ids_only",
        "include_dataset_count",
        "include_datasets",
        "include_extras",
        "include_followers",
        "include_groups",
        "include_member_count",
        "include_num_followers",
        "include_password_hash",
        "include_plugin_data",
        "include_plugin_extras",
        "include_site_user",
        "include_tags",
        "include_users",
        "use_default_schema",
    }
)

# What these store is the rows of a table and the messages of a program, as they are.
DATA_ACTIONS = ("datastore_", "task_status_", "term_translation_")

# PostgreSQL counts in 64 bits.
LARGEST = 2**63 - 1

_REQUIRED = frozenset({ParameterType.REQUIRED_REFERENCE, ParameterType.REQUIRED_OBJECTS})
# Of these only nothing at all breaks CKAN.
_MAY_BE_LEFT_OUT = frozenset({"email", "value"})

Errors = dict[str, list[str]]


def find_wrong_types(action: str, data: Mapping[str, Any], *, writes: bool) -> Errors:
    """Return what is wrong with the parameters of a call, by parameter.

    Args:
        action: name of the action.
        data: its parameters, as they were sent.
        writes: whether it may store what was sent; then texts have no hidden characters either.

    Returns:
        messages by the parameter's name, in the reader's language; empty if nothing is wrong.
    """
    types = parameters(action)
    errors: Errors = {}
    for name, kind in types.items():
        if kind in _REQUIRED and name not in data and name not in _MAY_BE_LEFT_OUT:
            errors[name] = [tk._("Missing value")]
    for name, value in data.items():
        problem = _problem(name, value, types.get(name, ParameterType.ANY))
        if not problem and not all(map(is_holdable, _texts(value))):
            problem = tk._("The text contains characters that cannot be stored")
        if not problem and writes and not _is_no_text(action, name):
            problem = _problem_of_hidden(value)
        if problem:
            errors[name] = [problem]
    return errors


def names_what_cannot_exist(data: Mapping[str, Any]) -> bool:
    """Return whether the call looks a record up by a text that no database can hold."""
    return any(isinstance(data.get(n), str) and not is_holdable(data[n]) for n in REFERENCES)


def _problem(name: str, value: Any, kind: ParameterType) -> str | None:
    if name in STRICT_FLAGS and isinstance(value, str):
        return _problem_of_flag(value)
    check = _CHECKS.get(kind)
    return check(value) if check else None


def _problem_of_reference(value: Any) -> str | None:
    # Nothing at all is for CKAN to judge: some references may be left out.
    return None if value is None or isinstance(value, str) else tk._("A text is expected")


def _problem_of_required_reference(value: Any) -> str | None:
    return None if isinstance(value, str) else tk._("A text is expected")


def _problem_of_strict_texts(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return None
    return tk._("A list of texts is expected")


def _problem_of_text(value: Any) -> str | None:
    return tk._("A text is expected") if isinstance(value, dict | list) else None


def _problem_of_number(value: Any) -> str | None:
    return tk._("A number is expected") if isinstance(value, dict | list) else None


def _problem_of_count(value: Any) -> str | None:
    if value is None:
        return None
    try:
        is_count = not isinstance(value, bool | dict | list) and 0 <= int(value) <= LARGEST
    except (ValueError, OverflowError):
        is_count = False
    return None if is_count else tk._("A number is expected")


def _problem_of_date(value: Any) -> str | None:
    return None if value == "" else shapes.not_a_date(value)


def _problem_of_flag(value: Any) -> str | None:
    expected = tk._("It is either true or false")
    if isinstance(value, dict | list):
        return expected
    if isinstance(value, str):
        try:
            tk.asbool(value)
        except ValueError:
            return expected
    return None


def _problem_of_container_flag(value: Any) -> str | None:
    return tk._("It is either true or false") if isinstance(value, dict | list) else None


def _problem_of_texts(value: Any) -> str | None:
    values = value if isinstance(value, list) else [value]
    if value is None or all(isinstance(item, str) for item in values):
        return None
    return tk._("A list of texts is expected")


def _problem_of_objects(value: Any) -> str | None:
    return None if value is None or value == "" else _problem_of_required_objects(value)


def _problem_of_required_objects(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return None
    return tk._("A list of objects is expected")


def _problem_of_object(value: Any) -> str | None:
    return None if isinstance(value, dict) else tk._("An object is expected")


_CHECKS: Mapping[ParameterType, Callable[[Any], str | None]] = {
    ParameterType.TEXT: _problem_of_text,
    ParameterType.REFERENCE: _problem_of_reference,
    ParameterType.REQUIRED_REFERENCE: _problem_of_required_reference,
    ParameterType.STRICT_TEXTS: _problem_of_strict_texts,
    ParameterType.NUMBER: _problem_of_number,
    ParameterType.COUNT: _problem_of_count,
    ParameterType.DATE: _problem_of_date,
    ParameterType.FLAG: _problem_of_container_flag,
    ParameterType.TEXTS: _problem_of_texts,
    ParameterType.OBJECTS: _problem_of_objects,
    ParameterType.REQUIRED_OBJECTS: _problem_of_required_objects,
    ParameterType.OBJECT: _problem_of_object,
}


def _is_no_text(action: str, name: str) -> bool:
    """Return whether what is sent there is not shown as a text of this site."""
    return "password" in name or action.startswith(DATA_ACTIONS)


def _problem_of_hidden(value: Any) -> str | None:
    found = (explain_hidden(text) for text in _texts(value))
    return next((say.text(fault) for fault in found if fault), None)


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value of any depth, keys included, without recursion."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            yield current
        elif isinstance(current, dict):
            waiting.extend(current.keys())
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)
