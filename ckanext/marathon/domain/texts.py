"""Texts from forms, programs and spreadsheets: invalid characters, JSON, lists and keywords.

CKAN accepts only some keywords as tags.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, TypeGuard

from ckanext.marathon.domain.errors import N_, Fault, Malformed

# PostgreSQL does not store NUL, and UTF-8 does not encode surrogates.
_UNHOLDABLE = re.compile("[\x00\ud800-\udfff]")
# XML 1.0 does not allow these characters (https://www.w3.org/TR/xml/#charsets), not even escaped,
# so they break workbooks, Atom and RDF/XML.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# Invisible characters that change what a reader sees or a search finds: control characters except
# tab and line breaks, directional formatting, zero-width characters, fillers, tags and
# non-characters.
# Source: Unicode Standard Annex 9 (2.1-2.5) and Technical Report 36 (2.5.2, 3.5).
_JOINERS = "\u200c\u200d"
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ufdd0-\ufdef\U000e0000-\U000e007f"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
    )
    + "]"
)
# ``unicodedata`` has no names of control characters; these are the ones that people paste.
_CONTROLS = {"\x00": "NULL", "\x08": "BACKSPACE", "\x1b": "ESCAPE", "\x7f": "DELETE"}
_VIRAMA, _EMOJI_STYLE = 9, "\ufe0f"

# Characters that print nothing, although Unicode classes them as letters or symbols: Braille's
# empty cell, Hangul's fillers.
_EMPTY_LETTERS = frozenset("\u2800\u115f\u1160\u3164\uffa0")

LONGEST_TEXT = 100_000
LONGEST_TITLE = 500
LONGEST_LIST = 500
LONGEST_ITEM = 2_000
SHOWN = 60
# The number of characters before a hidden one that are quoted in an error message.
_CONTEXT = 20


def is_holdable(text: str) -> bool:
    """Return whether PostgreSQL can store a text; no other text can be an id or name."""
    return not _UNHOLDABLE.search(text)


def is_storable(text: str) -> bool:
    """Return whether a text may be stored, because XML allows all its characters."""
    return not _UNSTORABLE.search(text)


def find_hidden(text: str) -> int | None:
    """Return the index of the first hidden character of a text, ``None`` if it has none.

    Joiners are allowed where they are needed: inside emoji, after a virama and between letters of
    cursive scripts (RFC 5892, appendices A.1 and A.2).
    """
    for found in _HIDDEN.finditer(text):
        if found[0] not in _JOINERS or not _is_joining(text, found.start()):
            return found.start()
    return None


def is_plain(text: str) -> bool:
    """Return whether a text has no hidden characters."""
    return find_hidden(text) is None


def explain_hidden(text: str) -> Fault | None:
    """Return a fault with a text's first hidden character and the text before it, or ``None``."""
    place = find_hidden(text)
    if place is None:
        return None
    values = {"character": name_character(text[place])}
    before = quote_value(text[max(0, place - _CONTEXT) : place])
    if not before:
        return Fault(
            N_("Delete the invisible character {character} at the beginning of the text"), values
        )
    return Fault(
        N_("Delete the invisible character {character} after “{before}”"),
        {**values, "before": before},
    )


def name_character(character: str) -> str:
    """Return the code and name of a character: ``U+202E RIGHT-TO-LEFT OVERRIDE``."""
    name = unicodedata.name(character, "") or _CONTROLS.get(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()


def remove_hidden(text: str) -> str:
    """Return a text without hidden characters.

    Texts that are older than the plugin may have them.
    """

    def keep(found: re.Match[str]) -> str:
        joins = found[0] in _JOINERS and _is_joining(text, found.start())
        return found[0] if joins else ""

    return _HIDDEN.sub(keep, text)


def _is_joining(text: str, place: int) -> bool:
    """Return whether the joiner at an index joins the characters beside it."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if not before or not after:
        return False
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if _is_cursive(before) and _is_cursive(after):
        return True
    is_picture = unicodedata.category(before) in ("So", "Sk") or before == _EMOJI_STYLE
    # U+FE0F may stand between a symbol (U+2640, for example) and the joiner.
    return text[place] == "\u200d" and is_picture and unicodedata.category(after) == "So"


def _is_cursive(character: str) -> bool:
    # Arabic, Syriac, N'Ko and their marks, by direction; Mongolian, which is written in columns.
    return unicodedata.bidirectional(character) in ("AL", "R", "NSM") or (
        "\u1820" <= character <= "\u18aa"
    )


def is_blank(text: str) -> bool:
    """Return whether a text prints nothing.

    Such a text has only blanks, control and format characters (zero width, direction marks),
    combining marks, and the few letters that print nothing.

    Source: Unicode Standard, General_Category Z*, C* and M*.
    """
    return all(
        unicodedata.category(character)[0] in "ZCM" or character in _EMPTY_LETTERS
        for character in text
    )


def is_reference(value: object) -> TypeGuard[str]:
    """Return whether a value can be an id or name in the database."""
    return isinstance(value, str) and is_holdable(value)


def quote_value(value: object) -> str:
    """Return a value for a message to a person: one short line of printable characters."""
    text = value if isinstance(value, str) else _one_line(value)
    text = _UNSTORABLE.sub("�", text[: SHOWN * 4])
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _one_line(value: Any) -> str:
    return type(value).__name__ if is_nested(value) else str(value)


def load_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: the text is not JSON, or is nested too deeply for Python.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def is_json_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value from JSON, CKAN or a form is an object (a ``dict``)."""
    return isinstance(value, dict)


def is_json_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value from JSON, CKAN or a form is a list."""
    return isinstance(value, list)


def is_list_or_tuple(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Return whether a value is a list or a tuple."""
    return isinstance(value, list | tuple)


def is_nested(value: object) -> bool:
    """Return whether a value is a ``dict``, list or tuple."""
    return is_json_object(value) or is_list_or_tuple(value)


def list_distinct_words(words: Iterable[str]) -> list[str]:
    """Return keywords with single blanks inside and none around them, each once; no empty ones.

    Of words that differ only in case, the first is kept. Words that differ in accents are
    different: ``público`` and ``publicó``.
    """
    found: dict[str, str] = {}
    for word in words:
        trimmed = " ".join(word.split())
        key = unicodedata.normalize("NFC", trimmed).casefold()
        if key:
            found.setdefault(key, trimmed)
    return list(found.values())


def split_items(value: object, separator: str = r"[,;\n]") -> list[str]:
    """Return the items of a list field, without blanks and repetitions, in the order given.

    Args:
        value: a list, one item, a JSON list as text, or items between commas, semicolons or
            line breaks; ``None`` and ``""`` are the empty list.
        separator: regular expression of the separator of items in a text.

    Raises:
        Malformed: the value is none of these, or too long.
    """
    if value is None:
        return []
    if isinstance(value, str):
        value = _from_text(value, separator)
    elif isinstance(value, bool):
        raise Malformed(N_("A list of texts is expected"))
    elif isinstance(value, int | float):
        value = [value]
    elif not is_list_or_tuple(value):
        raise Malformed(N_("A list of texts is expected"))
    if len(value) > LONGEST_LIST:
        raise Malformed(N_("At most {most} items are accepted"), most=LONGEST_LIST)
    found = [_item(item) for item in value]
    return list(dict.fromkeys(text for text in found if text))


def _from_text(text: str, separator: str) -> list[Any]:
    if len(text) > LONGEST_LIST * LONGEST_ITEM:
        raise Malformed(N_("At most {most} items are accepted"), most=LONGEST_LIST)
    if text.lstrip().startswith("["):
        try:
            loaded = load_json(text)
        except ValueError:
            raise Malformed(
                N_("“{value}” is not a list in JSON"), value=quote_value(text)
            ) from None
        return loaded if is_json_list(loaded) else [loaded]
    return re.split(separator, text)


def _item(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Malformed(N_("A list of texts is expected"))
    text = str(value).strip()
    if len(text) > LONGEST_ITEM:
        raise Malformed(N_("At most {most} characters are accepted"), most=LONGEST_ITEM)
    if fault := explain_hidden(text):
        raise Malformed(fault.message, **fault.values)
    return text


# CKAN's limits for tags (``tag_length_validator``, ``tag_name_validator``).
SHORTEST_TAG, LONGEST_TAG = 2, 100
_OTHER = re.compile(r"[^\w \-.]+")
_BETWEEN = re.compile(r"[,;\r\n]")


def split_keyword(text: str) -> list[str]:
    """Return the keywords in a text, which may be a list with commas or semicolons."""
    return [keyword for part in _BETWEEN.split(text) if (keyword := " ".join(part.split()))]


def list_tags(text: str) -> list[str]:
    """Return a keyword as valid CKAN tags: ``I+D`` becomes ``I D``.

    Returns:
        the tags, without those that are too short or too long.
    """
    found = (_as_tag(keyword) for keyword in split_keyword(remove_hidden(text)))
    return [tag for tag in dict.fromkeys(found) if SHORTEST_TAG <= len(tag) <= LONGEST_TAG]


def is_kept_as_tags(text: str) -> bool:
    """Return whether a keyword is valid as CKAN tags without a change."""
    return all(
        _as_tag(keyword) == keyword and SHORTEST_TAG <= len(keyword) <= LONGEST_TAG
        for keyword in split_keyword(text)
    )


def restore_keywords(tags: Iterable[str], originals: Iterable[str]) -> list[str]:
    """Return tags as keywords, with the originals of those that had to be changed."""
    written = list(dict.fromkeys(originals))
    changed = {tag for keyword in written for tag in list_tags(keyword)}
    return [*(tag for tag in tags if tag not in changed), *written]


def _as_tag(text: str) -> str:
    return " ".join(_OTHER.sub(" ", text).split())
