"""Numbers, dates, addresses, geometries, flags: read by domain, named after their fields."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import ckan.plugins.toolkit as tk
from ckan.lib.navl.dictization_functions import StopOnError, missing
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

from ckanext.marathon.domain import addresses, dates, geometry, numbers
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import LONGEST_TITLE, is_blank, quote_value, split_items
from ckanext.marathon.logic import notices, say, shapes
from ckanext.marathon.logic.validators.flat import Flat, stored_items, stored_texts, tell

Value = TypeVar("Value")

# An empty box of a form is a no.
FALSE = {*shapes.FALSE, ""}


def marathon_title(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Refuse a title that is as long as a text; one that is stored already may stay."""
    value = data.get(key)
    if not isinstance(value, str) or len(value) <= LONGEST_TITLE:
        return
    stored = Flat(data, errors, context).stored
    if not stored or stored.title != value:
        message = tk._("A title has at most {most} characters; the rest belongs in the description")
        raise tk.Invalid(message.format(most=LONGEST_TITLE))


def marathon_filled(value: Any) -> Any:
    """Return a text that says something.

    Raises:
        Invalid: it holds nothing but blanks and other characters that print nothing.
    """
    if isinstance(value, str) and is_blank(value):
        raise tk.Invalid(tk._("Write something here: blanks alone say nothing"))
    return value


def marathon_empty_blank(value: Any) -> Any:
    """Return a text, "" for one that holds nothing but characters that print nothing."""
    return "" if isinstance(value, str) and is_blank(value) else value


def marathon_count(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make a whole number from 0 up, written as in ``domain/numbers.py``; nothing stays nothing.

    CKAN's ``ignore_empty`` takes 0 for nothing.
    """
    value = data.get(key)
    if value is missing or value is None or (isinstance(value, str) and not value.strip()):
        if key[0] == "resources" and value is not missing:
            # A column of CKAN's, which stays as it is where nothing is sent.
            data[key] = None
        else:
            data.pop(key, None)
        raise StopOnError
    data[key] = int(_read_number(numbers.read_count, key, data, context))


def marathon_int_or_none(value: Any) -> int | None:
    """Return a stored count as a number, for showing; ``None`` for what is none."""
    if value is missing or value is None:
        return None
    try:
        return numbers.parse_count(value)
    except Malformed:
        return None


def marathon_decimal(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make a number from 0 up, as text with a decimal point.

    What is stored already may stay: a form sends it back as it is, and 1.125 could be two numbers.
    """
    value = data[key]
    if not isinstance(value, str) or value not in stored_texts(key, data, context):
        data[key] = _read_number(lambda given: numbers.read_decimal(given, 0), key, data, context)


def marathon_latitude(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make degrees from -90 to 90, as text."""
    data[key] = _read_number(lambda given: numbers.read_decimal(given, -90, 90), key, data, context)


def marathon_longitude(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make degrees from -180 to 180, as text."""
    data[key] = _read_number(
        lambda given: numbers.read_decimal(given, -180, 180), key, data, context
    )


def marathon_date(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make a year, month, day or moment of it, as ``domain/dates.py`` lists them."""
    _read_date(dates.read_date, key, data, context)


def marathon_day(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make ``YYYY-MM-DD`` of it."""
    _read_date(dates.read_day, key, data, context)


def marathon_datetime(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make a date and time in ISO 8601 with offset of it, or a date alone."""
    _read_date(dates.read_moment, key, data, context)


def _read_date(
    read: Callable[[Any], dates.DateReading],
    key: FlattenKey,
    data: FlattenDataDict,
    context: Context,
) -> None:
    """Read a date, and say what was put right; what is stored already stays as it is.

    A record that is older than these rules may hold anything there: the rest of it can be saved.
    """
    value, stored = data[key], stored_texts(key, data, context)
    is_stored = isinstance(value, str) and value in stored
    try:
        reading = read(value)
    except Malformed as error:
        if not is_stored:
            raise tk.Invalid(say.text(error.fault)) from None
        message = tk._("“{given}” is not a date that others can read. It was left as it is")
        tell(context, key, data, message.format(given=quote_value(value)))
        return
    if is_stored:
        return
    data[key] = reading.text
    # A form shows some dates in another way than they are stored.
    if reading.is_repaired and reading.text not in stored:
        message = tk._("“{given}” was read as {meant}")
        text = message.format(given=quote_value(value), meant=reading.text)
        tell(context, key, data, text)


def marathon_duration(value: Any) -> str:
    """Return an ISO 8601 duration."""
    return _read(dates.read_duration, value)


def marathon_email(value: Any) -> Any:
    """Return an e-mail address without the blanks around it.

    Raises:
        Invalid: CKAN takes it for none.
    """
    text = value.strip() if isinstance(value, str) else value
    validate: Any = tk.get_validator("email_validator")
    try:
        return validate(text, {})
    except tk.Invalid:
        message = tk._("“{value}” is not an e-mail address, for example informacion@muni.gob.gt")
        raise tk.Invalid(message.format(value=quote_value(value))) from None


def marathon_http_url(value: Any) -> str:
    """Return an absolute web address."""
    return _read(addresses.read_http_address, value)


def marathon_http_url_list(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make a JSON list of absolute web addresses; commas may be part of one.

    One that is stored already is not judged.
    """
    value, stored = data.get(key), stored_items(key, data, context)
    given = _read(lambda given: split_items(given, r"\s+"), None if value is missing else value)
    found: list[str] = []
    for item in given:
        try:
            found += _read(addresses.read_http_addresses, [item])
        except tk.Invalid as error:
            if item not in stored:
                raise
            notices.add_kept(context, item, error.error)
            found.append(item)
    data[key] = json.dumps(list(dict.fromkeys(found)))


def marathon_geojson(value: Any) -> str:
    """Return a GeoJSON geometry as text."""
    return _read(geometry.read_geometry, value)


def marathon_flag(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make ``"true"`` or ``"false"``; what is left out stays as it is (the rules see to it)."""
    value = data.get(key)
    if value is missing or value is None:
        data.pop(key, None)
        raise StopOnError
    # A form sends "false" hidden and, if the box is ticked, "true" after it.
    data[key] = _flag(value[-1] if isinstance(value, list) and value else value)


def _read_number(
    read: Callable[[Any], numbers.NumberReading],
    key: FlattenKey,
    data: FlattenDataDict,
    context: Context,
) -> str:
    """Return a number in digits, and say so where it was not written so."""
    reading = _read(read, data[key])
    if reading.notice:
        tell(context, key, data, say.text(reading.notice))
    return reading.text


def _flag(value: Any) -> str:
    found = shapes.read_flag(value, FALSE)
    if found is None:
        raise tk.Invalid(shapes.not_a_flag(value))
    return "true" if found else "false"


def _read(read: Callable[[Any], Value], value: Any) -> Value:
    try:
        return read(value)
    except Malformed as error:
        raise tk.Invalid(say.text(error.fault)) from None
