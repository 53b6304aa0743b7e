"""What type each parameter of each action is documented to have.

CKAN documents its actions in reStructuredText (``:param id:``, ``:type id: string``), and so do
the extensions that follow its habits. That documentation is the only declaration that covers
every action, so the table of types is made from it. ``DECLARED`` adds what is not documented, or
documented otherwise than it works.
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

from ckanext.marathon.logic.shapes import CORE_LISTS

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
    """What a parameter takes."""

    TEXT = "text"
    # A text by which a record is looked up: CKAN compares it with a column of the database.
    REFERENCE = "reference"
    # The same, where CKAN breaks if there is nothing at all.
    REQUIRED_REFERENCE = "required reference"
    NUMBER = "number"
    # How many, or from which on; no more than PostgreSQL can count.
    COUNT = "count"
    FLAG = "flag"
    TEXTS = "list of texts"
    # The same, where a single text or nothing at all is not taken for a list.
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

# The first that fits decides.
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

# Lists of objects that this extension reads itself where packages and organisations are saved, also
# as JSON text or as a single object (``logic/inputs.py``).
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

# Action → parameter → type, where the documentation tells none or another one. Each was found by
# sending a wrong type.
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
    # Larger numbers are read as the largest that there is (``logic/action/listing.py``).
    "package_list": dict.fromkeys(COUNTS, ParameterType.NUMBER),
    "package_relationship_create": _OF_RELATIONSHIP,
    "package_relationship_delete": _OF_RELATIONSHIP,
    "package_relationship_update": _OF_RELATIONSHIP,
    "package_relationships_list": {"rel": ParameterType.REFERENCE},
    # Reads its objects from JSON text, too.
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
def parameters(action: str) -> Mapping[str, ParameterType]:
    """Return the parameters of an action and what type each one takes.

    Args:
        action: name of an action; one that does not exist has no parameters.

    Returns:
        the types by name; ``ANY`` where the documentation tells no type.
    """
    found: dict[str, ParameterType] = {}
    for text in _docstrings(action):
        for name, kind in _documented(text):
            if found.get(name, ParameterType.ANY) is ParameterType.ANY:
                found[name] = kind
    for name, kind in found.items():
        if name in REFERENCES and kind in {ParameterType.TEXT, ParameterType.ANY}:
            found[name] = ParameterType.REFERENCE
        elif name in COUNTS and kind is ParameterType.NUMBER:
            found[name] = ParameterType.COUNT
    return {**found, **DECLARED.get(action, {})}


def _docstrings(action: str) -> Iterator[str]:
    for function in _functions(action):
        yield inspect.getdoc(function) or ""


def _functions(action: str) -> Iterator[Callable[..., Any]]:
    """Yield every function that has a part in an action, CKAN's own first."""
    for name in CORE_MODULES:
        module = importlib.import_module(f"ckan.logic.action.{name}")
        function = getattr(module, action, None)
        if inspect.isfunction(function):
            yield function
    for plugin in p.PluginImplementations(p.IActions):
        if function := plugin.get_actions().get(action):
            yield function


def _documented(text: str) -> Iterator[tuple[str, ParameterType]]:
    types = {match["name"]: match["type"] for match in _TYPE.finditer(text)}
    for match in _PARAMETER.finditer(text):
        yield match["name"], _type_of(match["type"] or types.get(match["name"], ""))
    if "data_dict:" in text:
        described = text.partition("data_dict:")[2].partition("Returns:")[0]
        for name in _NAMED.findall(described):
            yield name, ParameterType.ANY


def _type_of(words: str) -> ParameterType:
    return next((kind for pattern, kind in _WORDS if pattern.search(words)), ParameterType.ANY)
