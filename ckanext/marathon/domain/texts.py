"""Text from forms, programs and spreadsheets: what can be stored, and what a list looks like."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, TypeGuard

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.faults import N_

# PostgreSQL stores no NUL and UTF-8 no half of a surrogate pair.
_UNHOLDABLE = re.compile("[\x00\ud800-\udfff]")
# XML 1.0 has no other characters (https://www.w3.org/TR/xml/#charsets): a text with one of these
# breaks workbooks, Atom and RDF/XML, which cannot write it in any other way either.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# Letters by their Unicode category that print nothing: Braille's empty cell, Hangul's fillers.
_EMPTY_LETTERS = frozenset("\u2800\u115f\u1160\u3164\uffa0")

LONGEST_LIST = 500
LONGEST_ITEM = 2_000
SHOWN = 60


def is_holdable(text: str) -> bool:
    """Return whether the database can hold the text; only such a text can name a record."""
    return not _UNHOLDABLE.search(text)


def is_storable(text: str) -> bool:
    """Return whether the text may be stored: whether XML can hold it, too."""
    return not _UNSTORABLE.search(text)


def without_unwritable(text: str) -> str:
    """Return a stored text as XML can hold it, without the characters that it cannot.

    Texts that were stored before :func:`is_storable` was asked may have them.
    """
    return _UNSTORABLE.sub("", text)


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing to a reader, although it may have characters.

    Blanks of every width, control and format characters (zero width, direction marks), combining
    marks without a letter, and the few letters that print nothing.

    Source: Unicode Standard, General_Category Z*, C* and M*.
    """
    return all(
        unicodedata.category(character)[0] in "ZCM" or character in _EMPTY_LETTERS
        for character in text
    )


def is_reference(value: object) -> TypeGuard[str]:
    """Return whether something can be the id or name of anything in the database."""
    return isinstance(value, str) and is_holdable(value)


def shown(value: Any) -> str:
    """Return a value as it can be repeated to a person: one short line, safe to print."""
    text = value if isinstance(value, str) else _one_line(value)
    text = _UNSTORABLE.sub("�", text[: SHOWN * 4])
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _one_line(value: Any) -> str:
    return type(value).__name__ if isinstance(value, dict | list | tuple) else str(value)


def items(value: Any, separator: str = r"[,;\n]") -> list[str]:
    """Return the items of a list field, without blanks and repetitions, in the order given.

    Args:
        value: a list, one item, a JSON list as text, or items between commas, semicolons or
            line breaks; ``None`` and ``""`` are the empty list.
        separator: regular expression of what stands between items in plain text.

    Raises:
        Malformed: it is none of these, or too long.
    """
    if value is None:
        return []
    if isinstance(value, str):
        value = _from_text(value, separator)
    elif isinstance(value, bool):
        raise Malformed(N_("A list of texts is expected"))
    elif isinstance(value, int | float):
        value = [value]
    elif not isinstance(value, list | tuple):
        raise Malformed(N_("A list of texts is expected"))
    if len(value) > LONGEST_LIST:
        raise Malformed(N_("At most {most} items are accepted"), most=LONGEST_LIST)
    found = [_item(each) for each in value]
    return list(dict.fromkeys(each for each in found if each))


def _from_text(text: str, separator: str) -> list[Any]:
    if len(text) > LONGEST_LIST * LONGEST_ITEM:
        raise Malformed(N_("At most {most} items are accepted"), most=LONGEST_LIST)
    if text.lstrip().startswith("["):
        try:
            loaded = json.loads(text)
        except (ValueError, RecursionError):
            raise Malformed(N_("“{value}” is not a list in JSON"), value=shown(text)) from None
        return loaded if isinstance(loaded, list) else [loaded]
    return re.split(separator, text)


def _item(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Malformed(N_("A list of texts is expected"))
    text = str(value).strip()
    if len(text) > LONGEST_ITEM:
        raise Malformed(N_("At most {most} characters are accepted"), most=LONGEST_ITEM)
    if not is_storable(text):
        raise Malformed(N_("The text contains characters that cannot be stored"))
    return text
