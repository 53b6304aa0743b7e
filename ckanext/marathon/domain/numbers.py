"""Parsing numbers of people and spreadsheets: the same rules for forms, API and imports.

In Guatemala a comma separates thousands and a point decimals. Values are often pasted from programs
and countries with the opposite convention. So a number that has two readings is refused with a
message that has both, and digits are never cut off.

| written | read as |
|---|---|
| ``12``, ``12.0``, ``14.6``, a number of JSON | the same |
| ``1,000``, ``1,234.50``, ``Q 1,234.50`` | 1000, 1234.50, with a notice |
| ``1.000``, ``1,5``, ``1.234,50`` | refused, with both readings |
| ``1.000.000``, ``12 personas``, ``1 000``, ``1e3`` | refused |
| more than 15 digits before the point, or 30 after it | refused, with this reason |
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import NamedTuple

from ckanext.marathon.domain.errors import N_, Fault, Malformed
from ckanext.marathon.domain.texts import quote_value

LONGEST = 60
# A number of JSON (a double) has at most 17 significant digits; written out, 1e-16 has 16 decimals.
MOST_WHOLE, MOST_DECIMALS = 15, 30

# Amounts: "Q 1,234.50", "Q.1,234.50", "GTQ 1234.5"; the blank may be a no-break space.
_QUETZALES = re.compile("(?:GTQ|Q)\\.?[ \t\u00a0\u202f]*", re.IGNORECASE)
_PLAIN = re.compile(rf"-?\d{{1,{MOST_WHOLE}}}(?:\.\d{{1,{MOST_DECIMALS}}})?", re.ASCII)
# A number with more digits than are stored.
_LONG = re.compile(r"-?(?P<whole>\d+)(?:\.\d+)?", re.ASCII)
_GROUPED = re.compile(r"-?[1-9]\d{0,2}(?:,\d{3}){1,4}(?:\.\d{1,15})?", re.ASCII)
# A point before three digits: decimals in Guatemala, thousands elsewhere.
_DOUBTFUL = re.compile(r"-?[1-9]\d{0,2}\.\d{3}", re.ASCII)
_DIGITS_AND_SIGNS = re.compile(r"-?\d[\d.,]*\d", re.ASCII)
_WHOLE = re.compile(r"(\d+)(?:\.0+)?", re.ASCII)

_NOT_A_COUNT = N_("“{value}” is not a count: write a whole number from 0 up, for example 12")
_NOT_A_NUMBER = N_("“{value}” is not a number, for example 14.6")
_TWO_READINGS = N_(
    "“{value}” can be read as {one} or as {other}: write the one that is meant, in this form"
)
_ONE_READING = N_(
    "“{value}” is not how numbers are written here. If it means {one}, write it in this form"
)
_TOO_LARGE = N_("“{value}” has too many digits: at most {most} are kept before the decimal point")
_TOO_EXACT = N_("“{value}” has too many digits: at most {most} are kept after the decimal point")
_OUT_OF_RANGE = N_("{value} is out of range: from {least} to {most}")
_TOO_SMALL = N_("{value} is too small: {least} or more is accepted")
_TOO_MUCH = N_("{value} is too large: {most} or less is accepted")
_READ_AS = N_("“{value}” was read as {number}: a comma separates thousands and a point decimals")
_AMOUNT_READ_AS = N_("“{value}” was read as {number}")


class NumberReading(NamedTuple):
    """A parsed number.

    Attributes:
        text: digits with a decimal point.
        notice: a notice for the person if the number was written in another form, else ``None``.
    """

    text: str
    notice: Fault | None = None


def read_count(value: object) -> NumberReading:
    """Parse a whole number from 0 up.

    Raises:
        Malformed: the value is no such number, is too long, or has two readings.
    """
    reading = _read(value, _NOT_A_COUNT)
    whole = _WHOLE.fullmatch(reading.text)
    if not whole:
        raise Malformed(_NOT_A_COUNT, value=quote_value(value))
    text = str(int(whole[1]))
    notice = reading.notice
    return NumberReading(text, notice and Fault(notice.message, _make_values(value, text)))


def read_decimal(value: object, least: float = -math.inf, most: float = math.inf) -> NumberReading:
    """Parse a number between bounds.

    Raises:
        Malformed: the value is no number, is out of bounds, or has two readings within the bounds.
    """
    reading = _read(value, _NOT_A_NUMBER, least, most)
    if not least <= Decimal(reading.text) <= most:
        message = _OUT_OF_RANGE
        if math.isinf(most):
            message = _TOO_SMALL
        elif math.isinf(least):
            message = _TOO_MUCH
        bounds = {"least": f"{least:g}", "most": f"{most:g}"}
        raise Malformed(message, value=quote_value(reading.text), **bounds)
    return reading


def parse_count(value: object) -> int:
    """Return a whole number from 0 up; see :func:`read_count`."""
    return int(read_count(value).text)


def is_count(value: object) -> bool:
    """Return whether a value can be parsed as a count; see :func:`read_count`."""
    try:
        read_count(value)
    except Malformed:
        return False
    return True


def write_number(value: object, is_bounded: bool = False) -> object:
    """Return a JSON number as text that has only one reading; any other value unchanged.

    1.125 becomes ``1.1250``, which cannot mean thousands.

    Args:
        value: any value.
        is_bounded: whether bounds exclude thousands; then 1.125 becomes ``1.125``.
    """
    text = _digits(value)
    if text is None:
        return value
    return text if is_bounded else _without_doubt(text)


def _read(
    value: object, otherwise: str, least: float = -math.inf, most: float = math.inf
) -> NumberReading:
    """Parse a number by Guatemala's convention; bounds may exclude one of two readings.

    Raises:
        Malformed: the value is no number (with the message ``otherwise``), or has two readings.
    """
    written = value.strip() if isinstance(value, str) else _digits(value)
    if written is not None:
        _refuse_long(written)
    if written is None or len(written) > LONGEST:
        raise Malformed(otherwise, value=quote_value(value))
    bare = _QUETZALES.sub("", written, count=1) if _QUETZALES.match(written) else written
    readings = _readings(bare)
    if _PLAIN.fullmatch(bare):
        notice = None if bare == written else Fault(_AMOUNT_READ_AS, _make_values(value, bare))
        if not _DOUBTFUL.fullmatch(bare) or not least <= readings[1] <= most:
            return NumberReading(bare, notice)
        if not isinstance(value, str):
            return NumberReading(_without_doubt(bare))
    elif _GROUPED.fullmatch(bare) and least <= readings[0] <= most:
        text = bare.replace(",", "")
        return NumberReading(text, Fault(_READ_AS, _make_values(value, text)))
    possible = [reading for reading in readings if least <= reading <= most]
    raise _refusal(value, possible or readings, otherwise)


def _refuse_long(written: str) -> None:
    """Refuse a number with more digits than are stored.

    Raises:
        Malformed: it has more.
    """
    long = None if _PLAIN.fullmatch(written) else _LONG.fullmatch(written)
    if long and len(long["whole"]) > MOST_WHOLE:
        raise Malformed(_TOO_LARGE, value=quote_value(written), most=MOST_WHOLE)
    if long:
        raise Malformed(_TOO_EXACT, value=quote_value(written), most=MOST_DECIMALS)


def _digits(value: object) -> str | None:
    """Return a JSON number as digits without an exponent; ``None`` if the value is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return format(Decimal(repr(value)), "f")


def _readings(text: str) -> list[Decimal]:
    """Return the two readings of a number: decimals after the point, or after the comma."""
    if not _DIGITS_AND_SIGNS.fullmatch(text):
        return []
    found = [text.replace(",", ""), text.replace(".", "").replace(",", ".")]
    return list(dict.fromkeys(Decimal(text) for text in found if _PLAIN.fullmatch(text)))


def _refusal(value: object, readings: list[Decimal], otherwise: str) -> Malformed:
    forms = [_without_doubt(_shortest(reading)) for reading in readings]
    if len(forms) == 2:
        return Malformed(_TWO_READINGS, value=quote_value(value), one=forms[0], other=forms[1])
    if forms:
        return Malformed(_ONE_READING, value=quote_value(value), one=forms[0])
    return Malformed(otherwise, value=quote_value(value))


def _shortest(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _without_doubt(text: str) -> str:
    """Append a 0 to a number with three decimals, which could be read as thousands."""
    return f"{text}0" if _DOUBTFUL.fullmatch(text) else text


def _make_values(value: object, text: str) -> dict[str, str]:
    return {"value": quote_value(value), "number": text}
