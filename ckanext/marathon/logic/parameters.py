"""Type checks of the parameters of every action, for assumptions of CKAN's actions.

CKAN 2.12 validates the data that it saves, but not the parameters that it looks up: an id that is a
list, a flag that is neither true nor false, or a text that PostgreSQL cannot hold end as a server
error. Here the parameters of a request are compared with the documented types before the action
runs. Other forms that CKAN understands pass: numbers as text, lists with commas, JSON in a form
field.

CKAN and many extensions document their actions in reStructuredText (``:param id:``,
``:type id: string``). No other declaration covers every action, so the table of types is made from
these docstrings. ``DECLARED`` adds types that are undocumented or documented wrongly.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckan.types import Context

from ckanext.marathon.domain.texts import explain_hidden, is_holdable, is_json_list, is_json_object
from ckanext.marathon.logic import activity, inputs, messages, permissions
from ckanext.marathon.logic.inputs import CORE_LISTS

# Where CKAN itself looks for its actions (``ckan.logic.get_action``).
CORE_MODULES = ("get", "create", "update", "delete", "patch", "file")


# Parameters by which a record is looked up.
REFERENCES = frozenset(
    {
        "id",
        "id2",
        "email",
        "object",
        "object_id",
        "object_type",
        "entity_id",
        "entity_type",
        "task_type",
        "subject",
        "username",
        "user",
        "user_id",
        "package_id",
        "dataset_id",
        "resource_id",
        "group_id",
        "org_id",
        "organization_id",
        "vocabulary_id",
        "job_id",
        "token",
        "jti",
    }
)

COUNTS = frozenset({"limit", "offset"})


class ParameterType(Enum):
    """The type of a parameter."""

    TEXT = "text"
    # A text by which a record is looked up: CKAN compares it with a column of the database.
    REFERENCE = "reference"
    # A reference that breaks CKAN if it is missing or null.
    REQUIRED_REFERENCE = "required reference"
    NUMBER = "number"
    # A limit or an offset, at most PostgreSQL's largest integer.
    COUNT = "count"
    FLAG = "flag"
    TEXTS = "list of texts"
    # A list that may be neither a single text nor null.
    STRICT_TEXTS = "strict list of texts"
    OBJECTS = "list of objects"
    REQUIRED_OBJECTS = "required list of objects"
    OBJECT = "object"
    DATE = "date"
    ANY = "any"


_PARAMETER = re.compile(r":param\s+(?:(?P<type>[\w.]+)\s+)?(?P<name>[\w.]+)\s*:")
_TYPE = re.compile(r":type\s+(?P<name>[\w.]+):[ \t]*(?P<type>[^\n]*)")
# Actions of this extension name their parameters in their docstring like ``this``.
_NAMED = re.compile(r"``(\w+)``")

# Words of the documentation → type; the first pattern that matches decides.
_WORDS: tuple[tuple[re.Pattern[str], ParameterType], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (
            r"^(?:string|json string).*\bor\b|\bor\b.*list|bytes|file|FieldStorage",
            ParameterType.ANY,
        ),
        (r"^JSON string|^DEPRECATED|dictized", ParameterType.ANY),
        (r"^list of.*(?:dictionaries|dicts)", ParameterType.OBJECTS),
        (r"^list", ParameterType.TEXTS),
        (r"dict", ParameterType.OBJECT),
        (r"^bool", ParameterType.FLAG),
        (r"^int", ParameterType.NUMBER),
        (r"str(?:ing)?\b", ParameterType.TEXT),
    )
)

_Types = Mapping[str, ParameterType]

# Lists of objects of packages and organisations, which ``logic/inputs.py`` also reads from JSON
# text or from a single object.
_READ_BY_INPUTS: _Types = dict.fromkeys(CORE_LISTS, ParameterType.ANY)
_SAVED_BY_INPUTS = (
    "package_create",
    "package_update",
    "package_patch",
    "organization_create",
    "organization_update",
    "organization_patch",
)

_SHOWN: _Types = {"id": ParameterType.REQUIRED_REFERENCE}
_SEARCHED: _Types = {"q": ParameterType.REQUIRED_REFERENCE}
_OF_ORGANIZATION: _Types = {"organization": ParameterType.REFERENCE}
_OF_DATASETS: _Types = {"datasets": ParameterType.STRICT_TEXTS}
_OF_TYPE: _Types = {"type": ParameterType.REFERENCE}
_OF_RELATIONSHIP: _Types = dict.fromkeys(("type", "comment"), ParameterType.REFERENCE)
_OF_USER: _Types = {"about": ParameterType.REFERENCE}
_OF_FILES: _Types = {
    **dict.fromkeys(("rows", "start"), ParameterType.COUNT),
    "sort": ParameterType.REFERENCE,
}
_OF_MEMBER: _Types = {"object_type": ParameterType.REQUIRED_REFERENCE}
_MEMBERSHIP: _Types = dict.fromkeys(("id", "username", "role"), ParameterType.REQUIRED_REFERENCE)

# Action → parameter → type, where the documentation has no type or a wrong one. All of these ended
# as a server error when a wrong type was sent.
DECLARED: Mapping[str, _Types] = {
    **dict.fromkeys(_SAVED_BY_INPUTS, _READ_BY_INPUTS),
    "bulk_update_delete": _OF_DATASETS,
    "bulk_update_private": _OF_DATASETS,
    "bulk_update_public": _OF_DATASETS,
    "file_owner_scan": _OF_FILES,
    **dict.fromkeys(("group_autocomplete", "organization_autocomplete"), _SEARCHED),
    **dict.fromkeys(("group_member_create", "organization_member_create"), _MEMBERSHIP),
    **dict.fromkeys(("group_show", "organization_show"), _SHOWN),
    **dict.fromkeys(("member_create", "member_delete"), _OF_MEMBER),
    **dict.fromkeys(("marathon_officer_list", "marathon_invitation_list"), _OF_ORGANIZATION),
    **dict.fromkeys(
        ("scheming_dataset_schema_show", "scheming_organization_schema_show"), _OF_TYPE
    ),
    "datastore_run_triggers": {"resource_id": ParameterType.REQUIRED_REFERENCE},
    "datastore_search_sql": {"sql": ParameterType.REQUIRED_REFERENCE},
    "dcat_dataset_show": _SHOWN,
    # ``logic/action/listing.py`` reads larger numbers as the largest one.
    "package_list": dict.fromkeys(COUNTS, ParameterType.NUMBER),
    "package_relationship_create": _OF_RELATIONSHIP,
    "package_relationship_delete": _OF_RELATIONSHIP,
    "package_relationship_update": _OF_RELATIONSHIP,
    "package_relationships_list": {"rel": ParameterType.REFERENCE},
    # ``package_revise`` also reads JSON text.
    "package_revise": dict.fromkeys(("match", "update"), ParameterType.ANY),
    "resource_search": {"query": ParameterType.TEXTS},
    "resource_view_clear": {"view_types": ParameterType.STRICT_TEXTS},
    "tag_create": {"name": ParameterType.REFERENCE},
    "tag_search": {"query": ParameterType.TEXTS},
    "tag_autocomplete": {"query": ParameterType.TEXTS},
    "task_status_show": {"key": ParameterType.REFERENCE},
    "task_status_update": {
        "last_updated": ParameterType.DATE,
        "value": ParameterType.REQUIRED_REFERENCE,
    },
    "task_status_update_many": {"data": ParameterType.REQUIRED_OBJECTS},
    "term_translation_show": dict.fromkeys(("terms", "lang_codes"), ParameterType.STRICT_TEXTS),
    "term_translation_update_many": {"data": ParameterType.REQUIRED_OBJECTS},
    "tag_list": dict.fromkeys(("q", "query"), ParameterType.REFERENCE),
    "user_invite": {"group_id": ParameterType.REQUIRED_REFERENCE},
    **dict.fromkeys(("user_create", "user_update", "user_patch"), _OF_USER),
    "user_list": {"email": ParameterType.REQUIRED_REFERENCE, "q": ParameterType.REFERENCE},
}


@cache
def read_parameters(action: str) -> Mapping[str, ParameterType]:
    """Return the documented parameters of an action.

    Args:
        action: name of an action; an unknown action has no parameters.

    Returns:
        name → type; ``ANY`` if the documentation has no type.
    """
    found: dict[str, ParameterType] = {}
    for text in _list_docstrings(action):
        for name, kind in _parse_docstring(text):
            if found.get(name, ParameterType.ANY) is ParameterType.ANY:
                found[name] = kind
    for name, kind in found.items():
        if name in REFERENCES and kind in {ParameterType.TEXT, ParameterType.ANY}:
            found[name] = ParameterType.REFERENCE
        elif name in COUNTS and kind is ParameterType.NUMBER:
            found[name] = ParameterType.COUNT
    return {**found, **DECLARED.get(action, {})}


def _list_docstrings(action: str) -> Iterator[str]:
    for function in _list_functions(action):
        yield inspect.getdoc(function) or ""


def _list_functions(action: str) -> Iterator[Callable[..., Any]]:
    """Yield the functions of an action: CKAN's own, then those of plugins."""
    for name in CORE_MODULES:
        module = importlib.import_module(f"ckan.logic.action.{name}")
        function = getattr(module, action, None)
        if inspect.isfunction(function):
            yield function
    for plugin in p.PluginImplementations(p.IActions):
        if function := plugin.get_actions().get(action):
            yield function


def _parse_docstring(text: str) -> Iterator[tuple[str, ParameterType]]:
    types = {match["name"]: match["type"] for match in _TYPE.finditer(text)}
    for match in _PARAMETER.finditer(text):
        yield match["name"], _parse_type(match["type"] or types.get(match["name"], ""))
    if "data_dict:" in text:
        described = text.partition("data_dict:")[2].partition("Returns:")[0]
        for name in _NAMED.findall(described):
            yield name, ParameterType.ANY


def _parse_type(words: str) -> ParameterType:
    return next((kind for pattern, kind in _WORDS if pattern.search(words)), ParameterType.ANY)


# Flags that CKAN reads with ``asbool``, which raises on unknown words. Flags that a validator reads
# are not listed: there an unknown word means false.
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

# Actions that store table rows and messages of programs unchanged.
DATA_ACTIONS = ("datastore_", "task_status_", "term_translation_")

# PostgreSQL's largest ``bigint``.
LARGEST = 2**63 - 1

_REQUIRED = frozenset({ParameterType.REQUIRED_REFERENCE, ParameterType.REQUIRED_OBJECTS})
# Parameters that break CKAN only if they are null, not if they are missing.
_MAY_BE_LEFT_OUT = frozenset({"email", "value"})

Errors = dict[str, list[str]]


def find_wrong_types(action: str, data: Mapping[str, Any], *, writes: bool) -> Errors:
    """Return an error for each parameter that is missing, mistyped or cannot be stored.

    Args:
        action: name of the action.
        data: the sent parameters.
        writes: whether the action may store them; then hidden characters are refused too.

    Returns:
        parameter → messages in the language of the request; empty if nothing is wrong.
    """
    types = read_parameters(action)
    errors: Errors = {}
    for name, kind in types.items():
        if kind in _REQUIRED and name not in data and name not in _MAY_BE_LEFT_OUT:
            errors[name] = [tk._("Missing value")]
    for name, value in data.items():
        problem = _find_problem(name, value, types.get(name, ParameterType.ANY))
        if not problem and not all(map(is_holdable, _list_texts(value))):
            problem = tk._("The text contains characters that cannot be stored")
        if not problem and writes and not _is_no_text(action, name):
            problem = _problem_of_hidden(value)
        if problem:
            errors[name] = [problem]
    return errors


def has_unstorable_reference(data: Mapping[str, Any]) -> bool:
    """Return whether a call looks up a record by a text that the database cannot store."""
    return any(isinstance(data.get(n), str) and not is_holdable(data[n]) for n in REFERENCES)


def _find_problem(name: str, value: Any, kind: ParameterType) -> str | None:
    if name in STRICT_FLAGS and isinstance(value, str):
        return _problem_of_flag(value)
    check = _CHECKS.get(kind)
    return check(value) if check else None


def _problem_of_reference(value: Any) -> str | None:
    # CKAN itself checks null: some references may be left out.
    return None if value is None or isinstance(value, str) else tk._("A text is expected")


def _problem_of_required_reference(value: Any) -> str | None:
    return None if isinstance(value, str) else tk._("A text is expected")


def _problem_of_strict_texts(value: Any) -> str | None:
    if is_json_list(value) and all(isinstance(item, str) for item in value):
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
    return None if value == "" else inputs.find_date_problem(value)


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
    values = value if is_json_list(value) else [value]
    if value is None or all(isinstance(item, str) for item in values):
        return None
    return tk._("A list of texts is expected")


def _problem_of_objects(value: Any) -> str | None:
    return None if value is None or value == "" else _problem_of_required_objects(value)


def _problem_of_required_objects(value: Any) -> str | None:
    if is_json_list(value) and all(is_json_object(item) for item in value):
        return None
    return tk._("A list of objects is expected")


def _problem_of_object(value: Any) -> str | None:
    return None if is_json_object(value) else tk._("An object is expected")


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
    """Return whether a parameter is a password or raw data, which no page shows as text."""
    return "password" in name or action.startswith(DATA_ACTIONS)


def _problem_of_hidden(value: Any) -> str | None:
    found = (explain_hidden(text) for text in _list_texts(value))
    return next((messages.write_fault(fault) for fault in found if fault), None)


def _list_texts(value: Any) -> Iterator[str]:
    """Yield all texts in a nested value, keys included, without recursion."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, str):
            yield current
        elif is_json_object(current):
            waiting.extend(current.keys())
            waiting.extend(current.values())
        elif is_json_list(current):
            waiting.extend(current)


# Actions that get a shown record and look up its id without checking that there is one.
_TAKE_AN_OBJECT = {
    "package_create_default_resource_views": "package",
    "resource_create_default_resource_views": "resource",
}

# RQ's pattern of a job id.
_JOB = re.compile(r"[A-Za-z0-9_-]+")

# Action → the parameter with the type of a relationship.
_OF_RELATIONSHIPS = {
    "package_relationship_create": "type",
    "package_relationship_delete": "type",
    "package_relationship_update": "type",
    "package_relationships_list": "rel",
}

# Parameters by which actions look up a record, resource or view before or without checking whether
# the caller may see it, so that their answers reveal whether it exists.
_OF_RECORDS = {
    **dict.fromkeys(
        (name for name, field in _OF_RELATIONSHIPS.items() if field == "type"),
        ("subject", "object"),
    ),
    **dict.fromkeys(
        (
            "package_collaborator_create",
            "package_collaborator_delete",
            "package_collaborator_list",
        ),
        ("id",),
    ),
}
_TAKE_A_FILE = {
    "resource_view_create": "resource_id",
    **dict.fromkeys(
        (
            "resource_delete",
            "resource_patch",
            "resource_show",
            "resource_update",
            "resource_view_list",
            "resource_view_reorder",
        ),
        "id",
    ),
}
_OF_VIEWS = ("resource_view_delete", "resource_view_show", "resource_view_update")
# Parameters by which actions look up a user before or without checking whether the caller may see
# users.
_OF_ACCOUNTS = {
    **dict.fromkeys(
        (
            "am_following_user",
            "dataset_followee_count",
            "followee_count",
            "followee_list",
            "group_followee_count",
            "organization_followee_count",
            "organization_list_for_user",
            "user_followee_count",
            "user_follower_count",
            "user_patch",
            "user_update",
        ),
        ("id",),
    ),
    "group_member_delete": ("user_id", "username"),
    "organization_member_delete": ("user_id", "username"),
    "member_create": ("object",),
    "member_delete": ("object",),
}
_OF_ACTIVITIES = ("activity_data_show", "activity_diff", "activity_show")


def check_assumptions(action: str, data: Mapping[str, Any], user: str) -> None:
    """Check assumptions of CKAN's actions that would otherwise end in an exception.

    Args:
        action: name of the action.
        data: its parameters, of the right types.
        user: name of the caller, "" for an anonymous one.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: the group, organisation or job does not exist; the
            record, resource, view or activity does not exist or is hidden from the caller.
        ckan.plugins.toolkit.NotAuthorized: an anonymous caller asks about the collaborators of a
            dataset; the caller may not see users; the collaborator does not exist.
        ckan.plugins.toolkit.ValidationError: unknown type of a relationship or of a file's owner;
            an object without an id.
    """
    if action.startswith("package_collaborator_") and action in _OF_RECORDS and not user:
        raise tk.NotAuthorized
    _check_accounts(action, data, user)
    _check_seen(action, data, user)
    if action in {"group_member_delete", "organization_member_delete"}:
        if model.Group.get(_read_text(data, "id")) is None:
            raise tk.ObjectNotFound(tk._("Not found"))
    elif action in {"job_cancel", "job_show"}:
        if not _JOB.fullmatch(_read_text(data, "id") or ""):
            raise tk.ObjectNotFound(tk._("Not found"))
    elif action in _TAKE_AN_OBJECT:
        _check_object(data, _TAKE_AN_OBJECT[action])
    elif action in _OF_ACTIVITIES:
        check_activity(_read_text(data, "id"), user)
    elif action in {"package_collaborator_create", "package_collaborator_delete"}:
        if model.User.get(_read_text(data, "user_id")) is None:
            raise tk.NotAuthorized
    elif name := _OF_RELATIONSHIPS.get(action):
        kind = _read_text(data, name)
        if kind and kind not in model.PackageRelationship.get_all_types():
            raise tk.ValidationError({name: [tk._("There is no such type")]})
    elif action == "file_owner_scan" and (owner_type := _read_text(data, "owner_type")):
        functions = authz.auth_functions_list()
        if not {f"{owner_type}_file_scan", f"{owner_type}_update"} & set(functions):
            raise tk.ValidationError({"owner_type": [tk._("There is no such type")]})


def _check_object(data: Mapping[str, Any], name: str) -> None:
    value = data.get(name)
    if not is_json_object(value) or not isinstance(value.get("id"), str):
        raise tk.ValidationError({name: [tk._("An object with an id is expected")]})


def _check_accounts(action: str, data: Mapping[str, Any], user: str) -> None:
    """Refuse callers who may not see users, whether the account exists or not."""
    if not any(data.get(name) for name in _OF_ACCOUNTS.get(action, ())):
        return
    if action in {"member_create", "member_delete"} and data.get("object_type") != "user":
        return
    if action in {"user_update", "user_patch"} and data.get("reset_key"):
        # CKAN lets a person with the key from a mail choose a new password.
        return
    if not authz.is_authorized_boolean("user_show", Context(user=user), {}):
        raise tk.NotAuthorized


def _check_seen(action: str, data: Mapping[str, Any], user: str) -> None:
    """Raise the same error for records that the caller may not see as for missing ones."""
    for name in _OF_RECORDS.get(action, ()):
        _refuse_unseen(model.Package.get(_read_text(data, name)), user)
    file_id = _read_text(data, _TAKE_A_FILE[action]) if action in _TAKE_A_FILE else None
    if action in _OF_VIEWS:
        view = model.ResourceView.get(_read_text(data, "id") or "")
        file_id = view.resource_id if view else None
    if action in _TAKE_A_FILE or action in _OF_VIEWS:
        _refuse_unseen(permissions.find_package_of_file(file_id), user)


def _refuse_unseen(package: model.Package | None, user: str) -> None:
    if package is None or permissions.is_hidden_from_caller(Context(user=user), package):
        raise tk.ObjectNotFound(tk._("Not found"))


def check_activity(activity_id: str | None, user: str) -> None:
    """Check that a user may see an activity.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: there is no such activity; its package was purged or
            is hidden from the user.
    """
    if activity_id is None or not p.plugin_loaded("activity"):
        return
    columns = ("id", "object_id", "activity_type", "permission_labels")
    table = sa.table("activity", *map(sa.column, columns))
    row = (
        model.Session.execute(sa.select(table).where(table.c.id == activity_id)).mappings().first()
    )
    if row is None:
        raise tk.ObjectNotFound(tk._("Not found"))
    if "package" not in (row["activity_type"] or ""):
        return
    is_gone = model.Package.get(row["object_id"]) is None
    if is_gone or not activity.may_read_row(Context(user=user), dict(row)):
        raise tk.ObjectNotFound(tk._("Not found"))


def _read_text(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) else None
