"""The schemas of this extension's actions; each function has the name of its action.

A schema checks shapes and looks nothing up, so that its errors do not reveal which records exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, TypeVar

import ckan.plugins.toolkit as tk
from ckan import authz
from ckan.logic.schema import validator_args
from ckan.types import Schema, Validator, ValidatorFactory

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.takedown import (
    TakedownEntry,
    check_takedown_rows,
    is_takedown_reason,
)
from ckanext.marathon.domain.texts import (
    explain_hidden,
    is_json_list,
    is_json_object,
    is_reference,
)
from ckanext.marathon.logic import inputs, messages
from ckanext.marathon.model import audit
from ckanext.marathon.spreadsheets.workbook import list_sheets
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.codes import MalformedCode

Given = TypeVar("Given")

MOST_CHANGES, MOST_CHOICES = 1_000, 1_000
USUAL_CHANGES, USUAL_CHOICES = 50, 200
LONGEST_REFERENCE = 200
_LARGEST_NUMBER = 2**63 - 1
# The value that databases use for an open end.
_NO_END = "9999-12-31"


def _take_as_sent(value: Any) -> Any:
    return None if value is tk.missing else value


# The action gives the same error for a missing record and for one of another type.
_IDENTIFIED: Schema = {"id": [_take_as_sent]}
# The auth function refuses an organisation that does not exist.
_OWNED: Schema = {"organization": [_take_as_sent]}


def marathon_change_list() -> Schema:
    """Return the filters and the page of the list of changes; absent filters become ``None``."""
    return {
        **{name: [_read_reference] for name in ("organization", "record", "user", "kind")},
        "action": [_expect_one_of(audit.ACTIONS)],
        "origin": [_expect_one_of(audit.ORIGINS)],
        "from": [_read_first_moment],
        "until": [_read_end],
        "limit": [_expect_number(MOST_CHANGES, USUAL_CHANGES)],
        "before": [_expect_number(_LARGEST_NUMBER, None)],
    }


@validator_args
def marathon_idea_choices(default: ValidatorFactory, natural_number_validator: Validator) -> Schema:
    """Return the filters and the page of the list of ideas."""
    return {
        "municipality": [_read_municipality_codes],
        "include": [_refuse_unstorable, _read_texts],
        "q": [default(""), _refuse_unstorable, _read_text],
        "limit": [default(USUAL_CHOICES), natural_number_validator],
        "offset": [default(0), natural_number_validator],
    }


def marathon_idea_quick_create() -> Schema:
    """Return the fields of an idea that is added from the form of a dataset.

    Codes are checked but not corrected: ``package_create`` corrects them and adds the notices.
    """
    return {
        "workshop": [_take_as_sent],
        "title": [_read_text],
        "service_problem": [_read_list],
        "municipality": [_read_codes_as_written],
        "data_need": [_read_list],
    }


@validator_args
def marathon_idea_status_update(not_empty: Validator, default: ValidatorFactory) -> Schema:
    """Return the idea, its next status and the reason."""
    return {**_IDENTIFIED, "status": [not_empty], "reason": [default("")]}


def marathon_idea_datasets() -> Schema:
    """Return the id of the idea."""
    return _IDENTIFIED


def marathon_workshop_ideas() -> Schema:
    """Return the id of the workshop."""
    return _IDENTIFIED


def marathon_data_need_list() -> Schema:
    """Return the id of the idea."""
    return _IDENTIFIED


def marathon_import_create() -> Schema:
    """Return the files, the pasted rows and the organisation."""
    return {
        "upload": [_read_uploads],
        "pasted": [_read_long_text],
        "sheet": [_read_sheet_name],
        "organization": [_read_reference_or_empty],
    }


def marathon_import_show() -> Schema:
    """Return the id of the import."""
    return {"id": [_read_reference_or_empty]}


def marathon_import_undo() -> Schema:
    """Return the id of the import."""
    return {"id": [_read_reference_or_empty]}


def marathon_import_confirm() -> Schema:
    """Return the id of the import, and whether bad rows are left out."""
    return {"id": [_read_reference_or_empty], "keep_going": [_read_yes]}


def _read_uploads(value: Any) -> list[Any]:
    given = value if is_json_list(value) else [value]
    return [file for file in given if hasattr(file, "filename") and hasattr(file, "read")]


def _read_long_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _read_sheet_name(value: Any) -> str:
    known = [sheet.name for sheet in list_sheets()]
    if value is tk.missing or value in (None, ""):
        return ""
    if value not in known:
        message = tk._("One of these is expected: {accepted}")
        raise tk.Invalid(message.format(accepted=", ".join(known)))
    return value


def _read_reference_or_empty(value: Any) -> str:
    return value if is_reference(value) and len(value) <= LONGEST_REFERENCE else ""


def _read_yes(value: Any) -> bool:
    return inputs.read_flag(value) is True


@validator_args
def marathon_officer_invite(
    not_empty: Validator,
    unicode_safe: Validator,
    email_validator: Validator,
    default: ValidatorFactory,
    one_of: ValidatorFactory,
) -> Schema:
    """Return e-mail address, organisation and role of the invited person."""
    return {
        "email": [not_empty, unicode_safe, email_validator],
        "organization": [not_empty, unicode_safe],
        "role": [default("editor"), one_of(list(authz.ROLE_PERMISSIONS))],
    }


@validator_args
def marathon_officer_handover(
    not_empty: Validator,
    unicode_safe: Validator,
    email_validator: Validator,
    default: ValidatorFactory,
    one_of: ValidatorFactory,
) -> Schema:
    """Return organisation, the officer who leaves, and address and role of the successor."""
    return {
        "organization": [not_empty, _expect_reference],
        "user": [not_empty, _expect_reference],
        "email": [default(""), unicode_safe, _read_text, email_validator],
        "role": [default(""), one_of(["", *authz.ROLE_PERMISSIONS])],
    }


@validator_args
def marathon_officer_departure_show(not_empty: Validator) -> Schema:
    """Return the organisation and the officer."""
    return {
        "organization": [not_empty, _expect_reference],
        "user": [not_empty, _expect_reference],
    }


def marathon_officer_list() -> Schema:
    """Return the organisation."""
    return _OWNED


def marathon_invitation_list() -> Schema:
    """Return the organisation, and whether to include past workshops."""
    return {**_OWNED, "past": [_read_strict_flag]}


def marathon_municipality_create() -> Schema:
    """Return the INE codes."""
    return {"codes": [_split_codes]}


def marathon_takedown() -> Schema:
    """Return the record and the reason."""
    return {**_IDENTIFIED, "reason": [_read_reason]}


def marathon_takedown_apply() -> Schema:
    """Return the entries of a list of takedowns."""
    return {"takedowns": [_read_takedowns]}


def marathon_file_replace() -> Schema:
    """Return the file, the new one, and what is to become of both."""
    return {
        **_IDENTIFIED,
        "upload": [_take_as_sent],
        "name": [_read_text],
        "reason": [_read_text],
        "beside": [_read_strict_flag],
        "erase_previous": [_read_strict_flag],
    }


def marathon_file_version_list() -> Schema:
    """Return the id of the file."""
    return _IDENTIFIED


def marathon_table_show() -> Schema:
    """Return the id of the file."""
    return _IDENTIFIED


def _read_texts(value: Any) -> list[str]:
    """Return the texts of a text or list, without empty ones."""
    values = value if is_json_list(value) else [value]
    return [text for given in values if (text := _read_text(given))]


def _is_absent(value: Any) -> bool:
    return value is tk.missing or value is None or (isinstance(value, str) and not value)


def _read_text(value: Any) -> str:
    return "" if _is_absent(value) else str(value).strip()


def _read_reference(value: Any) -> str | None:
    if _is_absent(value):
        return None
    if not is_reference(value) or len(value) > LONGEST_REFERENCE:
        raise tk.Invalid(tk._("A text is expected"))
    return value.strip()


def _expect_reference(value: Any) -> str:
    found = _read_reference(value)
    if not found:
        raise tk.Invalid(tk._("A text is expected"))
    return found


def _expect_one_of(choices: Collection[str]) -> Validator:
    def read_choice(value: Any) -> str | None:
        found = _read_reference(value)
        if found and found not in choices:
            text = tk._("One of these is expected: {}")
            raise tk.Invalid(text.format(", ".join(choices)))
        return found

    return read_choice


def _expect_number(largest: int, usual: int | None) -> Validator:
    def read_number(value: Any) -> int | None:
        if _is_absent(value):
            return usual
        is_number = isinstance(value, str | int) and not isinstance(value, bool)
        try:
            number = int(value) if is_number and len(str(value)) <= 19 else 0
        except ValueError:
            number = 0
        if not 1 <= number <= largest:
            raise tk.Invalid(tk._("A whole number from 1 to {} is expected").format(largest))
        return number

    return read_number


def _read_first_moment(value: Any) -> datetime | None:
    if _is_absent(value):
        return None
    reading = _read_as_domain(dates.read_date, value)
    return dates.find_first_instant(reading.text)


def _read_end(value: Any) -> datetime | None:
    """Return the end of an interval: for a day, month or year, the first instant after it."""
    if _is_absent(value) or value == _NO_END:
        return None
    reading = _read_as_domain(dates.read_date, value)
    if reading.form != dates.DateForm.MOMENT:
        return dates.find_last_instant(reading.text) + timedelta(microseconds=1)
    return dates.find_first_instant(reading.text)


def _read_as_domain(read: Callable[[Any], Given], value: Any) -> Given:
    try:
        return read(value)
    except Malformed as error:
        raise tk.Invalid(messages.write_fault(error.fault)) from None


def _read_strict_flag(value: Any) -> bool:
    try:
        return bool(tk.asbool(value)) if value is not tk.missing and value else False
    except ValueError:
        raise tk.Invalid(tk._("It is either true or false")) from None


def _refuse_unstorable(value: Any) -> Any:
    if value is not tk.missing and (problem := inputs.find_problem(_read_texts(value))):
        raise tk.Invalid(problem)
    return value


def _read_list(value: Any) -> list[str]:
    """Return a list of texts; objects are refused, because they would be stored as their repr."""
    if value is tk.missing:
        return []
    if is_json_object(value) or (value and inputs.find_nesting_problem(value)):
        raise tk.Invalid(tk._("A list of texts is expected"))
    return _read_texts(value)


def _read_municipality_codes(value: Any) -> list[str]:
    codes: list[str] = []
    for given in _read_texts(value):
        try:
            codes.append(territory.repair_code(given).code)
        except MalformedCode:
            raise tk.Invalid(messages.explain_malformed_code(given)) from None
    return codes


def _read_codes_as_written(value: Any) -> list[str]:
    texts = _read_list(value)
    _read_municipality_codes(texts)
    return texts


def _split_codes(value: Any) -> list[Any]:
    codes: Any = re.split(r"[\s,;]+", value.strip()) if isinstance(value, str) else value
    codes = [code for code in codes if code not in ("", None)] if is_json_list(codes) else []
    if not codes:
        text = tk._("Give at least one INE code of a municipality, for example 2105.")
        raise tk.Invalid(text)
    return codes


def _read_reason(value: Any) -> str:
    if isinstance(value, str) and (hidden := explain_hidden(value)):
        raise tk.Invalid(messages.write_fault(hidden))
    if not is_takedown_reason(value):
        raise tk.Invalid(tk._("Write the reason as a text of at most 5,000 characters"))
    return str(value).strip()


def _read_takedowns(value: Any) -> list[TakedownEntry]:
    return _read_as_domain(check_takedown_rows, [] if value is tk.missing else value)
