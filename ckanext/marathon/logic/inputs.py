"""Normalising the sent data before CKAN's validation, by the schema of the record's type.

CKAN flattens nested data before any validator runs and raises on unexpected shapes; PostgreSQL
raises on text that it cannot store. Here both become an error of the field. Values with which a
client could evade a rule are refused too: states, flags, types and reserved extras. Computed fields
that a client sends back are removed.

Languages: the EU's table has the Mayan languages only as a group, and neither Garifuna nor Xinka.
The names of these languages are stored as ``language_text``, as for harvested records.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.lib import plugins as lib_plugins
from ckan.types import Context, DataDict
from ckanext.scheming.plugins import expand_form_composite

from ckanext.marathon.domain import numbers
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import (
    LONGEST_TEXT,
    explain_hidden,
    is_json_list,
    is_json_object,
    is_nested,
    list_distinct_words,
    load_json,
    quote_value,
    split_items,
)
from ckanext.marathon.logic import dataset, messages, permissions, unkept
from ckanext.marathon.rdf.literals import add_extras, join_texts, list_texts_of_extra
from ckanext.marathon.records import DATASET, OTHER_TYPES, REST
from ckanext.marathon.search import document
from ckanext.marathon.vocabulary import authorities

# CKAN's own lists of objects → the field in which its pages expect an error of the whole list.
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

# CKAN parses its own dates by extracting all digits of a text.
DATES = ("metadata_modified", "created", "last_modified", "cache_last_updated")
_DATE = re.compile(r"(?!.*\d{10})[\d .:+TZ/-]{0,32}", re.ASCII)

# Words of programs, spreadsheets and people that are unambiguously true or false.
TRUE = frozenset({"true", "yes", "t", "y", "1", "on", "sí", "si", "verdadero"})
FALSE = frozenset({"false", "no", "f", "n", "0", "off", "falso"})

DEEPEST = 8
LARGEST_SHAPE = 10**18

Errors = dict[str, Any]


def find_problem(value: object, depth: int = 0) -> str | None:
    """Return an error message for a nested value that cannot be stored, else ``None``."""
    if isinstance(value, str):
        return _problem_of_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return tk._("A number is expected")
    if isinstance(value, int) and abs(value) > LARGEST_SHAPE:
        return tk._("The number is too large")
    if is_nested(value):
        if depth >= DEEPEST:
            return tk._("The data is nested too deeply")
        return next((p for item in _inner(value) if (p := find_problem(item, depth + 1))), None)
    return None


def refuse_problems(data: Mapping[str, Any]) -> None:
    """Refuse data with a field that cannot be stored; passwords are not checked.

    Raises:
        ckan.plugins.toolkit.ValidationError: at each field that cannot be stored.
    """
    found = {name: find_problem(value) for name, value in data.items() if "password" not in name}
    errors: dict[str, Any] = {name: [text] for name, text in found.items() if text}
    if errors:
        raise tk.ValidationError(errors)


def read_rows(data: dict[str, Any], field: str, errors: Errors) -> None:
    """Convert a field of ``data`` to a list of objects: from an object, a list, or JSON text."""
    if field not in data or field in errors:
        return
    value = data[field]
    if isinstance(value, str) and value.strip():
        value = _loaded(value)
    elif isinstance(value, str) or value is None:
        value = list[Any]()
    rows: Any = [value] if is_json_object(value) else value
    is_list = is_json_list(rows) and all(is_json_object(row) for row in rows)
    if not is_list or any(not isinstance(key, str) for row in rows for key in row):
        errors[field] = wrap_list_error(field, tk._("A list of objects is expected"))
    elif field == "extras" and not all(isinstance(row.get("key"), str) for row in rows):
        errors[field] = wrap_list_error(field, tk._("Each needs a key and a value"))
    else:
        data[field] = [dict(row) for row in rows]


def wrap_list_error(field: str, message: str) -> list[str] | list[dict[str, list[str]]]:
    """Return an error of a whole list in the form that CKAN's pages expect."""
    inner = CORE_LISTS.get(field)
    return [{inner: [message]}] if inner else [message]


def write_as_text(value: object) -> object:
    """Return a number or boolean as text, which CKAN's validators expect; others unchanged."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def find_date_problem(value: object) -> str | None:
    """Return an error message for a value of one of CKAN's own date fields, else ``None``."""
    if value is None or isinstance(value, datetime):
        return None
    if isinstance(value, str) and _DATE.fullmatch(value):
        return None
    return tk._("A date is expected, for example 2017-06-03")


# CKAN workaround: flags
def read_flag(value: object, false: Collection[str] = FALSE) -> bool | None:
    """Return ``True`` or ``False`` for an unambiguous value, ``None`` for any other.

    CKAN's ``boolean_validator`` reads every unknown value as false. For ``private`` that
    would publish a record whose sender meant the opposite.
    """
    if not isinstance(value, str | bool | int):
        return None
    text = str(value).strip().casefold()
    return True if text in TRUE else False if text in false else None


def describe_flag_problem(value: object) -> str:
    """Return the error message for a value that is neither true nor false."""
    return tk._("“{value}” is neither yes nor no").format(value=quote_value(value))


def find_nesting_problem(value: object) -> str | None:
    """Return an error message if a value is neither a text nor a list of texts, else ``None``."""
    values = cast(Sequence[Any], value) if isinstance(value, list | tuple) else [value]
    if any(item is None or is_nested(item) for item in values):
        return tk._("A list of texts is expected")
    return None


def check_rows(
    rows: list[dict[str, Any]],
    texts: Collection[str],
    lists: Collection[str],
    counts: Collection[str] = (),
) -> list[dict[str, list[str]]]:
    """Return the errors of the rows of a repeating field, row by row; ``[]`` if there are none.

    Args:
        rows: the objects; numbers in text fields are converted to text.
        texts: names of the text fields.
        lists: names of the fields with a list of texts.
        counts: names of text fields that may also be numbers, which stay numbers.
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
        wrong = find_problem(value)
        if not wrong and name in DATES:
            wrong = find_date_problem(value)
        if not wrong and name in lists and value is not None:
            wrong = find_nesting_problem(value)
        if not wrong and name in texts and is_nested(value):
            wrong = tk._("A text is expected")
        if wrong:
            errors[name] = [wrong]
    if not errors:
        converted = row.keys() & set(texts).difference(counts)
        row.update({name: write_as_text(row[name]) for name in converted})
    return errors


def _problem_of_text(value: str) -> str | None:
    if len(value) > LONGEST_TEXT:
        return tk._("At most {most} characters are accepted").format(most=f"{LONGEST_TEXT:,}")
    fault = explain_hidden(value)
    return messages.write_fault(fault) if fault else None


def _loaded(text: str) -> Any:
    try:
        return load_json(text) if len(text) <= LONGEST_TEXT else None
    except ValueError:
        return None


def _inner(value: Any) -> Iterator[Any]:
    if is_json_object(value):
        yield from value.keys()
        yield from value.values()
    else:
        yield from value


# States that a client may send for a record. Only sysadmins create deleted records, for restores.
STATES_OF_CREATION = ("active", "draft")
STATES_OF_UPDATE = (*STATES_OF_CREATION, "deleted")
STATES_OF_GROUPS = ("active", "deleted")
OUR_TYPES = (DATASET, *OTHER_TYPES)

ORGANIZATION_RESERVED = ("role", "municipality_code", "pilot")


def list_organization_types() -> list[str]:
    """Return the group types of organisations on this site."""
    plugins = [
        plugin for plugin in p.PluginImplementations(p.IGroupForm) if _makes_organizations(plugin)
    ]
    return sorted(
        {"organization", *(group_type for plugin in plugins for group_type in plugin.group_types())}
    )


def _makes_organizations(plugin: Any) -> bool:
    return bool(getattr(plugin, "is_organization", False))


def check_group(
    context: Context, data: dict[str, Any], stored: model.Group | None, is_organization: bool
) -> None:
    """Refuse to turn a group into an organisation or vice versa, and unknown states.

    CKAN saves the sent ``is_organization``: anybody who may create groups could turn one into an
    organisation with a role.

    Args:
        context: of the action.
        data: of an action on a group or organisation; ``is_organization`` is removed from it.
        stored: the stored group, ``None`` for a new one.
        is_organization: whether a new one is an organisation.

    Raises:
        ckan.plugins.toolkit.ValidationError: at ``is_organization`` or ``state``.
        ckan.plugins.toolkit.NotAuthorized: the group would be restored by a person who may not
            delete it.
    """
    now = stored.is_organization if stored else is_organization
    if "is_organization" in data and read_flag(data.pop("is_organization")) is not now:
        message = tk._("A group stays a group and an organisation an organisation")
        raise tk.ValidationError({"is_organization": [message]})
    check_state(data, (*STATES_OF_GROUPS, stored.state if stored else model.State.ACTIVE))
    if stored is None or data.get("state", stored.state) == stored.state:
        return
    deletion = "organization_delete" if now else "group_delete"
    if data["state"] == model.State.DELETED:
        # Not everybody who may edit it may delete it, and other records may depend on it.
        message = tk._("It is deleted with {action}").format(action=deletion)
        raise tk.ValidationError({"state": [message]})
    tk.check_access(deletion, context, {"id": stored.id})


def refuse_reserved_extras(context: Context, data: Mapping[str, Any]) -> None:
    """Refuse extras with the names of fields that only some people may set.

    Scheming refuses them only for organisations that have our schema.
    """
    extras = data.get("extras")
    if permissions.may_set_role(context) or not is_json_list(extras):
        return
    keys = [extra.get("key") for extra in extras if is_json_object(extra)]
    for name in ORGANIZATION_RESERVED:
        if name in keys:
            message = tk._("“{name}” is a field of its own and not yours to set among the extras")
            raise tk.ValidationError({"extras": [{"key": [message.format(name=name)]}]})


def check_state(data: dict[str, Any], accepted: Collection[str]) -> None:
    """Refuse a state that cannot be set, and remove an empty one from ``data``.

    Raises:
        ckan.plugins.toolkit.ValidationError: at ``state``.
    """
    if data.get("state") in (None, ""):
        # CKAN would store the empty state, and neither lists nor the trash would show the record.
        data.pop("state", None)
        return
    if data["state"] not in accepted:
        message = tk._("“{value}” is no state that can be set here. These are: {known}").format(
            value=quote_value(data["state"]), known=", ".join(dict.fromkeys(accepted))
        )
        raise tk.ValidationError({"state": [message]})


def read_private(data: dict[str, Any], errors: Errors) -> None:
    """Convert ``private`` to a bool, because CKAN reads unknown values as false and publishes."""
    given = data.get("private")
    if given is None:
        data.pop("private", None)
        return
    found = read_flag(given)
    if found is None:
        errors["private"] = [describe_flag_problem(given)]
    else:
        data["private"] = found


FIELD = "language"


def keep_languages_without_iri(
    context: Context, data: dict[str, Any], schema: Mapping[str, Any]
) -> None:
    """Move languages that have no IRI from ``language`` to ``language_text``, with a notice.

    Args:
        context: of the action; gets the notices.
        data: a dataset, whose repeating fields are lists of objects; it and its resources are
            changed.
        schema: its scheming schema.
    """
    if data.get("type", DATASET) != DATASET:
        return
    if _takes_languages(schema.get("dataset_fields")):
        unlisted = _take_spoken(context, data, (FIELD,))
        if unlisted:
            add_extras(data, {FIELD + REST: unlisted})
    if _takes_languages(schema.get("resource_fields")):
        for number, row in enumerate(data.get("resources") or ()):
            unlisted = _take_spoken(context, row, ("resources", number, FIELD))
            if unlisted:
                row[FIELD + REST] = join_texts(
                    [*list_texts_of_extra(row.get(FIELD + REST)), *unlisted]
                )


def _takes_languages(fields: Any) -> bool:
    return any(
        field["field_name"] == FIELD and field.get("scheme") == "language" for field in fields or ()
    )


def _take_spoken(context: Context, record: dict[str, Any], key: tuple[str | int, ...]) -> list[str]:
    """Return the sent names of languages of Guatemala that have no IRI of their own.

    A name stays in the record's ``language`` if the group of its language has an IRI.
    """
    try:
        given = split_items(record.get(FIELD))
    except Malformed:
        # The validator of the field reports it.
        return []
    unlisted = [name for name in given if _has_no_iri(name)]
    if unlisted:
        record[FIELD] = [
            name for name in given if authorities.find_language(name) or name not in unlisted
        ]
        message = tk._(
            "The EU's table of languages has no entry of its own for {names}. What was said is "
            "kept as “{name}”; a Mayan language is published as one of the group"
        )
        text = message.format(names=unkept.list_names(unlisted), name=FIELD + REST)
        messages.add_notice_at(context, key, DATASET, text)
    return unlisted


def _has_no_iri(value: str) -> bool:
    spoken, published = authorities.find_spoken_language(value), authorities.find_language(value)
    is_group = published is not None and published.code == _GROUP
    return spoken is not None and (published is None or is_group)


_GROUP = "MYN"


# Fields that CKAN uses in queries before it validates them.
NAMES = ("id", "name", "type", "owner_org", "state", "title")

# CKAN's own text fields; some raise on other types.
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
    errors: Errors,
    file_name: str = "",
    stored: model.Package | None = None,
) -> None:
    """Check the sent fields, and normalise lists, texts and numbers in place.

    Args:
        context: of the action; gets notices.
        data: the sent data; changed.
        schema: scheming schema of the type; empty for a type without one.
        errors: errors so far; changed.
        file_name: name of the file input of its resources; "" if they accept no file.
        stored: the stored package; unknown subfields of its rows are accepted.

    Raises:
        ckan.plugins.toolkit.ValidationError: ``errors`` is not empty at the end.
    """
    fields: Fields = schema.get("dataset_fields") or schema.get("fields") or []
    resource_fields: Fields = schema.get("resource_fields") or []
    # The fields of another schema are left to their own validators.
    is_ours = _is_ours(schema)
    unkept.drop_reserved_fields(context, data)
    repeating = {f["field_name"]: f["repeating_subfields"] for f in _repeating(fields)}
    expand_form_composite(data, set(repeating))
    for name in (*repeating, *CORE_LISTS):
        read_rows(data, name, errors)
    if not errors and "dataset_fields" in schema:
        dataset.fit_sent_dataset(context, data, schema)
        keep_languages_without_iri(context, data, schema)
    for name, inner in {**repeating, "resources": resource_fields}.items():
        if name in data and name not in errors:
            core = set(RESOURCE_TEXTS) if name == "resources" else set[str]()
            row_texts = _texts(inner) if is_ours else set[str]()
            row_lists = _lists(inner) if is_ours else set[str]()
            wrong_rows = check_rows(data[name], row_texts | core, row_lists, _counts(inner))
            if wrong_rows:
                errors[name] = wrong_rows
    if is_ours:
        unkept.lift_subfields(data, fields)
        known_rows = {name: _known_names(inner, stored, name) for name, inner in repeating.items()}
        _check_names(context, data, {**known_rows, **unkept.CORE_ROWS}, errors)
    _check_files(context, data, file_name, errors)
    own_texts = _texts(fields) if is_ours else set[str]()
    texts = (own_texts | {*NAMES, *TEXTS}) - {"tag_string"}
    counts, decimals, coordinates = _counts(fields), _decimals(fields), _coordinates(fields)
    stored_as_text = (texts | {"tag_string"}) - counts
    for name in [name for name in data if name not in errors]:
        wrong = _find_wrong_shape(name, data[name], texts)
        if wrong:
            errors[name] = wrap_list_error(name, wrong)
        elif name in decimals:
            data[name] = numbers.write_number(data[name], is_bounded=name in coordinates)
        elif name in stored_as_text:
            data[name] = _write_text(data[name])
    if errors:
        raise tk.ValidationError(errors)


def _find_wrong_shape(name: str, value: Any, texts: Collection[str]) -> str | None:
    """Return an error message for a value of the wrong type for its field, else ``None``."""
    wrong = find_problem(value)
    if not wrong and name in texts and is_nested(value):
        wrong = tk._("A text is expected")
    if not wrong and name in DATES:
        wrong = find_date_problem(value)
    if not wrong and name == "tag_string" and value is not None:
        wrong = find_nesting_problem(value)
    return wrong


def _write_text(value: object) -> object:
    """Return numbers and booleans, also in a list, as the text that is stored."""
    if isinstance(value, list | tuple):
        return _as_texts(cast(Sequence[Any], value))
    return write_as_text(value)


def _known_names(inner: Fields, stored: model.Package | None, field: str) -> list[str]:
    names = [field["field_name"] for field in inner]
    return [*names, *sorted(unkept.list_stored_subfields(stored, field).difference(names))]


def _check_names(
    context: Context,
    data: Mapping[str, Any],
    known: Mapping[str, Collection[str]],
    errors: Errors,
) -> None:
    for name, names in known.items():
        if data.get(name) and name not in errors:
            lost = unkept.check_rows(context, name, data[name], names)
            if lost:
                errors[name] = lost
    if data.get("groups") and "groups" not in errors:
        nameless = unkept.check_groups(data["groups"])
        if nameless:
            errors["groups"] = nameless


def _check_files(context: Context, data: Mapping[str, Any], file_name: str, errors: Errors) -> None:
    if not data.get("resources") or "resources" in errors:
        return
    for number, row in enumerate(data["resources"]):
        unkept.drop_reserved_fields(context, row, number)
        # ``resource_create`` adds notices to its answer, which clients send back.
        row.pop(messages.NOTICES_KEY, None)
    wrong = [unkept.find_misplaced_files(row, file_name) for row in data["resources"]]
    if any(wrong):
        errors["resources"] = wrong


def _is_ours(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema has our rules; scheming alone stores unknown subfields of rows."""
    return "marathon_" in str(schema.get("after_validators") or "")


def find_wrong_names(data: Mapping[str, Any]) -> Errors:
    """Return the errors of fields that CKAN uses in queries before it validates them."""
    errors: Errors = {}
    for name in NAMES:
        value = data.get(name)
        if isinstance(value, dict | list | tuple | bool):
            errors[name] = [tk._("A text is expected")]
        elif wrong := find_problem(value):
            errors[name] = [wrong]
    return errors


def _as_texts(values: Iterable[object]) -> list[object]:
    return [write_as_text(value) for value in values]


def _repeating(fields: Fields) -> Fields:
    return [field for field in fields if "repeating_subfields" in field]


def _texts(fields: Fields) -> set[str]:
    """Return the names of the text fields."""
    others = [f for f in fields if "geojson" in f.get("validators", "") or f in _repeating(fields)]
    return {f["field_name"] for f in fields if f not in others} - _lists(fields)


def _lists(fields: Fields) -> set[str]:
    """Return the names of fields with a JSON list, and of flags, which a form sends twice."""
    return {
        field["field_name"]
        for field in fields
        if "load_json" in field.get("output_validators", "")
        or "marathon_flag" in field.get("validators", "")
    }


def _counts(fields: Fields) -> set[str]:
    """Return the names of the counts."""
    return _validated(fields, "marathon_count")


def _decimals(fields: Fields) -> set[str]:
    """Return the names of fields with decimals, which Python would write with exponents."""
    return _validated(fields, "marathon_decimal") | _coordinates(fields)


def _coordinates(fields: Fields) -> set[str]:
    """Return the names of the coordinates."""
    return _validated(fields, "marathon_latitude") | _validated(fields, "marathon_longitude")


def _validated(fields: Fields, validator: str) -> set[str]:
    return {f["field_name"] for f in fields if validator in f.get("validators", "")}


# The largest limit and offset of a list; PostgreSQL refuses numbers beyond 64 bits.
LARGEST = 2**31 - 1
# Fields that package_show adds; they are ignored when a client sends them back.
COMPUTED = (
    *("history", "ideas", "workshop_info", "participants_masked", "first_published"),
    messages.NOTICES_KEY,
)
ORIGINS = ("municipality_origin", "service_problem_origin")
_ORIGINS_KEY = "marathon_origins"


def check_package(
    context: Context,
    data_dict: DataDict,
    file_name: str = "",
    stored: model.Package | None = None,
) -> dict[str, Any]:
    """Return a package in a form that CKAN accepts, without computed fields.

    Args:
        context: gets the sent ``…_origin`` values, which :func:`read_origin` returns.
        data_dict: of ``package_create`` or ``package_update``; not changed.
        file_name: name of the file input of its resources; "" if they accept no file.
        stored: the stored package, ``None`` for a new one.

    Raises:
        ckan.plugins.toolkit.ValidationError: a value has the wrong JSON type for its field.
    """
    data = {key: value for key, value in data_dict.items() if key not in COMPUTED}
    origins: dict[str, Any] = {name: data.pop(name, None) for name in ORIGINS}
    cast(dict[str, Any], context)[_ORIGINS_KEY] = origins
    errors = find_wrong_names(data)
    read_private(data, errors)
    schema: Mapping[str, Any] = {} if errors else _schema(data)
    errors.update(unkept.find_misplaced_files(data))
    check_fields(context, data, schema, errors, file_name, stored)
    _unite_keywords(data)
    _drop_computed_extras(context, data)
    return data


def _drop_computed_extras(context: Context, data: dict[str, Any]) -> None:
    """Remove extras with the names of computed fields, with a notice."""
    extras: list[dict[str, Any]] = data.get("extras") or []
    found = [extra["key"] for extra in extras if extra["key"] in (*COMPUTED, *ORIGINS)]
    if found:
        data["extras"] = [extra for extra in extras if extra["key"] not in found]
        message = tk._("Not kept among the extras, as this site computes it: {names}")
        messages.add_notice(context, message.format(names=unkept.list_names(found)))


def _unite_keywords(data: dict[str, Any]) -> None:
    """Merge keywords that differ only in capitals and blanks, such as ``AGUA `` and ``agua``."""
    if isinstance(data.get("tag_string"), str):
        data["tag_string"] = ", ".join(list_distinct_words(data["tag_string"].split(",")))
    given = data.get("tags")
    if not is_json_list(given) or not all(
        is_json_object(tag) and isinstance(tag.get("name"), str) for tag in given
    ):
        return
    # Tags of a CKAN vocabulary are not free keywords.
    words = [tag for tag in given if not tag.get("vocabulary_id")]
    others = [tag for tag in given if tag.get("vocabulary_id")]
    kept: dict[str, dict[str, Any]] = {}
    for tag in words:
        (word,) = list_distinct_words([tag["name"]]) or [tag["name"]]
        kept.setdefault(word.casefold(), {**tag, "name": word})
    data["tags"] = [*kept.values(), *others]


def check_update(
    context: Context, data_dict: DataDict, stored: model.Package | None
) -> dict[str, Any]:
    """Return the data of an update in a form that CKAN accepts; see :func:`check_package`.

    Raises:
        ckan.plugins.toolkit.ValidationError: also at ``state``, for an unknown one.
    """
    # The type need not be sent and cannot be changed.
    known = {**data_dict, "type": stored.type} if stored is not None else data_dict
    data = check_package(context, known, file_name="upload", stored=stored)
    if stored is not None and stored.type in OUR_TYPES:
        check_state(data, (*STATES_OF_UPDATE, stored.state))
    return data


def check_new(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Return the data of a new package in a form that CKAN accepts; see :func:`check_package`.

    Raises:
        ckan.plugins.toolkit.ValidationError: also at ``type``, for one that no plugin registers,
            and at ``state``.
    """
    data = check_package(context, data_dict)
    if not data.get("type"):
        # CKAN sets the default type only if the key is missing.
        data.pop("type", None)
    elif data["type"] not in (known := document.list_registered_types()):
        message = tk._("There is no type “{value}”. These exist: {known}")
        text = message.format(value=quote_value(data["type"]), known=", ".join(known))
        raise tk.ValidationError({"type": [text]})
    if data.get("type", DATASET) in OUR_TYPES:
        is_trusted = bool(context.get("ignore_auth")) or authz.is_sysadmin(context.get("user"))
        check_state(data, STATES_OF_UPDATE if is_trusted else STATES_OF_CREATION)
        # Without this flag CKAN ignores the sent state, and would publish a draft.
        context["allow_state_change"] = True
    return data


def check_organization(
    context: Context, data_dict: DataDict, stored: model.Group | None = None
) -> dict[str, Any]:
    """Return the data of an organisation in a form that CKAN accepts.

    Args:
        context: of the action.
        data_dict: of ``organization_create`` or ``organization_update``; not changed.
        stored: the stored organisation, ``None`` for a new one.

    Raises:
        ckan.plugins.toolkit.ValidationError: a value has the wrong JSON type for its field.
    """
    data = dict(data_dict)
    if (
        stored is None
        and data.get("type")
        and data["type"] not in (known := list_organization_types())
    ):
        message = tk._("There is no type “{value}”. These exist: {known}")
        text = message.format(value=quote_value(data["type"]), known=", ".join(known))
        raise tk.ValidationError({"type": [text]})
    check_group(context, data, stored, is_organization=True)
    refuse_reserved_extras(context, data)
    schema = tk.get_action("scheming_organization_schema_show")({}, {"type": "organization"})
    errors = find_wrong_names(data)
    errors.update(unkept.find_misplaced_files(data, "image_upload"))
    check_fields(context, data, schema, errors)
    return data


def find_unknown_fields(data: Mapping[str, Any]) -> list[str]:
    """Return the names in a checked package that its schema does not have."""
    fields = (field["field_name"] for field in _schema(data).get("dataset_fields", []))
    package_type = str(data.get("type") or DATASET)
    plugin = lib_plugins.lookup_package_plugin(package_type)
    core_schemas = (
        plugin.create_package_schema(),
        plugin.update_package_schema(),
        plugin.show_package_schema(),
    )
    return unkept.find_unknown_fields(data, fields, core_schemas)


def find_unknown_organization_fields(data: Mapping[str, Any]) -> list[str]:
    """Return the names in a checked organisation that its schema does not have."""
    schema = tk.get_action("scheming_organization_schema_show")({}, {"type": "organization"})
    fields = (field["field_name"] for field in schema["fields"])
    plugin = lib_plugins.lookup_group_plugin("organization")
    core_schemas = (
        plugin.create_group_schema(),
        plugin.update_group_schema(),
        plugin.show_group_schema(),
    )
    return unkept.find_unknown_fields(data, fields, core_schemas)


def read_origin(context: Context, field: str) -> str | None:
    """Return the sent origin of a field (``own``, ``idea``, ``workshop``), ``None`` without one."""
    origins: Mapping[str, Any] = cast(dict[str, Any], context).get(_ORIGINS_KEY) or {}
    found = origins.get(f"{field}_origin")
    return found if isinstance(found, str) else None


def _schema(data: Mapping[str, Any]) -> Mapping[str, Any]:
    package_type = str(data.get("type") or "dataset")
    plugin = lib_plugins.lookup_package_plugin(package_type)
    schemas: Mapping[str, Any] = getattr(plugin, "_expanded_schemas", {})
    return schemas.get(package_type, {})
