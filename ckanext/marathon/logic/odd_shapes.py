"""Refusing parameters of a type on which CKAN's actions break.

CKAN 2.12 validates what it saves, but not what it looks up: an id that is a list, a flag that is
neither true nor false or a text that PostgreSQL cannot hold end as a server error. Here a request
is compared with the documented types before its action runs. What CKAN takes and understands
passes: numbers as text, lists with commas, JSON in a form field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model

from ckanext.marathon.domain.texts import is_holdable, is_storable
from ckanext.marathon.logic import shapes
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

# Of a record that has been shown before; its id is looked up without asking whether it is there.
_TAKE_AN_OBJECT = {
    "package_create_default_resource_views": "package",
    "resource_create_default_resource_views": "resource",
}

_OF_RELATIONSHIPS = frozenset(
    {
        "package_relationship_create",
        "package_relationship_delete",
        "package_relationship_update",
    }
)

# PostgreSQL counts in 64 bits.
LARGEST = 2**63 - 1

_REQUIRED = frozenset({ParameterType.REQUIRED_REFERENCE, ParameterType.REQUIRED_OBJECTS})
# Of these only nothing at all breaks CKAN.
_MAY_BE_LEFT_OUT = frozenset({"email"})

Errors = dict[str, list[str]]


def find_wrong_types(action: str, data: Mapping[str, Any], *, writes: bool) -> Errors:
    """Return what is wrong with the parameters of a call, by parameter.

    Args:
        action: name of the action.
        data: its parameters, as they were sent.
        writes: whether it may store what was sent; then texts must fit into XML as well.

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
        if not problem and not _has_good_text(value, is_storable if writes else is_holdable):
            problem = tk._("The text contains characters that cannot be stored")
        if problem:
            errors[name] = [problem]
    return errors


def names_what_cannot_exist(data: Mapping[str, Any]) -> bool:
    """Return whether the call looks a record up by a text that no database can hold."""
    return any(isinstance(data.get(n), str) and not is_holdable(data[n]) for n in REFERENCES)


def check_assumptions(action: str, data: Mapping[str, Any], user: str) -> None:
    """Look up what an action of CKAN's takes for granted, and breaks without.

    Args:
        action: name of the action.
        data: its parameters, of the right types.
        user: name of the person who calls it; "" for nobody.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: the group or organisation does not exist.
        ckan.plugins.toolkit.NotAuthorized: nobody in particular asks for what only the managers of
            a dataset may see or do, or the dataset or user does not exist, which stays unsaid.
        ckan.plugins.toolkit.ValidationError: there is no such type of owner of files.
    """
    if action in {"group_member_delete", "organization_member_delete"}:
        if model.Group.get(_text_of(data, "id")) is None:
            raise tk.ObjectNotFound(tk._("Not found"))
    elif action in _TAKE_AN_OBJECT:
        _check_object(data, _TAKE_AN_OBJECT[action])
    elif action in {"activity_show", "activity_data_show", "activity_diff"}:
        _check_activity(_text_of(data, "id"))
    elif action == "package_collaborator_list" and not user:
        raise tk.NotAuthorized
    elif action == "package_collaborator_delete":
        package, other = model.Package.get(_text_of(data, "id")), _text_of(data, "user_id")
        if package is None or model.User.get(other) is None:
            raise tk.NotAuthorized
    elif action in _OF_RELATIONSHIPS and (kind := _text_of(data, "type")):
        if kind not in model.PackageRelationship.get_all_types():
            raise tk.ValidationError({"type": [tk._("There is no such type")]})
    elif action == "file_owner_scan" and (owner_type := _text_of(data, "owner_type")):
        functions = authz.auth_functions_list()
        if not {f"{owner_type}_file_scan", f"{owner_type}_update"} & set(functions):
            raise tk.ValidationError({"owner_type": [tk._("There is no such type")]})


def _check_object(data: Mapping[str, Any], name: str) -> None:
    value = data.get(name)
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise tk.ValidationError({name: [tk._("An object with an id is expected")]})


def _check_activity(activity_id: str | None) -> None:
    """Raise ``ObjectNotFound`` for an activity of a package that is no more."""
    if activity_id is None or not p.plugin_loaded("activity"):
        return
    activity = sa.table(
        "activity", sa.column("id"), sa.column("object_id"), sa.column("activity_type")
    )
    query = sa.select(activity.c.object_id, activity.c.activity_type)
    row = model.Session.execute(query.where(activity.c.id == activity_id)).first()
    if row and "package" in row.activity_type and model.Package.get(row.object_id) is None:
        raise tk.ObjectNotFound(tk._("Not found"))


def _text_of(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) else None


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


def _has_good_text(value: Any, is_good: Callable[[str], bool]) -> bool:
    return all(is_good(text) for text in _texts(value))


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
