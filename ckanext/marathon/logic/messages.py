"""Messages for people: faults in their language, and notices about corrected values.

A notice tells that a sent value was corrected (501 became 0501) or not stored.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context
from flask import has_request_context

from ckanext.marathon.domain.errors import Fault, FieldFault
from ckanext.marathon.domain.texts import is_json_object, quote_value
from ckanext.marathon.vocabulary.codes import Labels, pick_label


def write_fault(fault: Fault) -> str:
    """Return a fault as a sentence in the language of the request."""
    return tk._(fault.message).format(**{name: _word(v) for name, v in fault.values.items()})


def explain_malformed_code(given: object) -> str:
    """Return why something is no INE code."""
    text = tk._("«{code}» is not an INE code: it has four digits, for example 2105.")
    return text.format(code=quote_value(given))


def _word(value: Any) -> str:
    if isinstance(value, Mapping):
        return pick_label(cast(Labels, value), get_language())
    if isinstance(value, tuple | list):
        return ", ".join(_word(item) for item in cast(Sequence[Any], value))
    return str(value)


def get_language() -> str:
    """Return the two-letter code of the request's language, outside of requests of the site's."""
    lang = tk.h.lang() if has_request_context() else tk.config["ckan.locale_default"]
    return str(lang)[:2]


def refuse_faults(*faults: FieldFault) -> NoReturn:
    """Roll back, and raise a ``ValidationError`` with the faults at their fields.

    Raises:
        ckan.plugins.toolkit.ValidationError: always.
    """
    model.Session.rollback()
    errors: dict[str, Any] = {}
    for path, fault in faults:
        errors.setdefault(str(path[0]), []).append(write_fault(fault))
    raise tk.ValidationError(errors)


NOTICES_KEY = "marathon_notices"


class NoticeCollection:
    """The notices of one action and of the actions that it calls."""

    def __init__(self, messages: list[str], is_outermost: bool) -> None:
        """Store the list to which validators add, and whether no other action called this one."""
        self._messages = messages
        self._is_outermost = is_outermost

    def deliver(self, result: object) -> None:
        """Add the notices to the result as ``marathon_notices``; on pages flash them.

        Notices are only part of the answer. They are neither stored nor indexed nor published.
        """
        if self._messages and is_json_object(result):
            result[NOTICES_KEY] = list(self._messages)
        if self._is_outermost and is_page():
            for message in self._messages:
                tk.h.flash_notice(message)


@contextmanager
def collect_notices(context: Context) -> Generator[NoticeCollection]:
    """Collect notices about corrected values while an action runs.

    Validators and inner actions get copies of the context that share one list, so that
    ``resource_create`` returns the notices of the ``package_update`` that it calls.
    """
    own = cast(dict[str, Any], context)
    if NOTICES_KEY in own:
        yield NoticeCollection(own[NOTICES_KEY], is_outermost=False)
        return
    own[NOTICES_KEY] = []
    try:
        yield NoticeCollection(own[NOTICES_KEY], is_outermost=True)
    finally:
        own.pop(NOTICES_KEY, None)


def share_notices(context: Context, other: Context) -> None:
    """Let actions that are called with the other context add to the notices of this context."""
    cast(dict[str, Any], other)[NOTICES_KEY] = cast(dict[str, Any], context)[NOTICES_KEY]


def add_notice(context: Context, message: str) -> None:
    """Add a notice unless the same one is there."""
    messages: list[str] = cast(dict[str, Any], context).setdefault(NOTICES_KEY, [])
    if message not in messages:
        messages.append(message)


def add_notice_at(
    context: Context, key: Sequence[str | int], record_type: object, message: str
) -> None:
    """Add a notice that begins with the name of a field and, in a list, the number of the row.

    Args:
        context: of the action.
        key: flattened key of the field: ``("votes",)``, ``("contact", 0, "email")``.
        record_type: dataset type or organisation type; any other value if there is no schema.
        message: the notice.
    """
    fields = _fields_of(record_type)
    field, *_, inner = [_name_field(str(name), str(key[0]), fields) for name in key[::2]] * 2
    values = {"field": field, "inner": inner, "row": 0, "message": message}
    if len(key) == 1:
        text = tk._("“{field}”: {message}")
    else:
        values["row"] = int(key[1]) + 1
        text = (
            tk._("file {row}, “{inner}”: {message}")
            if key[0] == "resources"
            else tk._("“{field}”, row {row}, “{inner}”: {message}")
        )
    add_notice(context, text.format(**values))


def name_file(number: int | None, message: str) -> str:
    """Return a message that begins with the number of its file; ``number`` counts from 0."""
    if number is None:
        return message
    return tk._("file {row}: {message}").format(row=number + 1, message=message)


def _fields_of(record_type: Any) -> Mapping[str, Mapping[str, Any]]:
    """Return the fields of a type by name; subfields and fields of files as ``list.name``."""
    if not isinstance(record_type, str):
        return {}
    schema: dict[str, Any] = tk.h.scheming_get_dataset_schema(record_type or "dataset") or {}
    groups: dict[str, Any] = tk.h.scheming_get_organization_schema(record_type) or {}
    own: list[dict[str, Any]] = schema.get("dataset_fields") or groups.get("fields") or []
    rows: dict[str, list[dict[str, Any]]] = {"resources": schema.get("resource_fields") or []}
    rows |= {f["field_name"]: f["repeating_subfields"] for f in own if "repeating_subfields" in f}
    found = {field["field_name"]: field for field in own}
    return found | {
        f"{name}.{field['field_name']}": field for name, inner in rows.items() for field in inner
    }


def _name_field(name: str, first: str, fields: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the name of a field, on pages its label."""
    field = fields.get(name if name == first else f"{first}.{name}")
    if is_page() and field and field.get("label"):
        name = str(tk.h.scheming_language_text(field["label"]))
    return name


def add_kept_notice(context: Context, value: str, problem: str) -> None:
    """Add a notice that an invalid item of a list was left as it is stored."""
    message = tk._("“{given}” was left as it is stored, though it needs correcting: {problem}")
    add_notice(context, message.format(given=quote_value(value), problem=problem))


def is_page() -> bool:
    """Return whether the request is for a page, not for the API."""
    return has_request_context() and tk.request.blueprint != "api"
