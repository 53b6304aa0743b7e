"""Numbers as people and spreadsheets write them."""

from __future__ import annotations

import math
import re
from typing import Any

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.faults import N_
from ckanext.marathon.domain.texts import shown

# Spreadsheets make 12.0 or 12,0 of 12.
_WHOLE = re.compile(r"(\d{1,15})(?:[.,]0+)?", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,15}(?:[.,]\d{1,15})?", re.ASCII)


def count(value: Any) -> int:
    """Return a whole number from 0 up.

    Raises:
        Malformed: it is negative, broken, a word, or absurdly long.
    """
    if not isinstance(value, bool) and isinstance(value, str | int | float):
        found = _WHOLE.fullmatch(str(value).strip()) if len(str(value)[:41]) <= 40 else None
        if found:
            return int(found[1])
    raise Malformed(
        N_("“{value}” is not a count: write a whole number from 0 up, for example 12"),
        value=shown(value),
    )


def decimal(value: Any, least: float = -math.inf, most: float = math.inf) -> str:
    """Return a number between bounds as text with a decimal point.

    Raises:
        Malformed: it is no number or out of bounds.
    """
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if isinstance(value, bool) or len(text) > 40 or not _DECIMAL.fullmatch(text):
        raise Malformed(N_("“{value}” is not a number, for example 14.6"), value=shown(value))
    text = text.replace(",", ".")
    if not least <= float(text) <= most:
        raise Malformed(
            N_("{value} is out of range: from {least} to {most}"),
            value=shown(text),
            least=f"{least:g}",
            most=f"{most:g}",
        )
    return text
