"""Two people who edit one record: which fields did each of them change?

A form carries a fingerprint of the record as it was when the form was opened. With it, what the
second person sends and what is stored by then can be compared field by field, without keeping the
earlier version anywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ckanext.marathon.domain.texts import load_json

# Field → digest of its value; of a list, the digests of its members. Empty fields are left out.
Fingerprint = dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that somebody else changed since the form was opened.

    Attributes:
        field: name of the field.
        mine: value that the form sends.
        theirs: value that is stored now.
        is_contested: whether the form changes it too; otherwise ``theirs`` is taken.
        added: members of a list that the others added and the form lacks.
    """

    field: str
    mine: Any
    theirs: Any
    is_contested: bool
    added: tuple[Any, ...] = ()


def make_fingerprint(values: Mapping[str, Any]) -> Fingerprint:
    """Return the fingerprint of a record's fields."""
    found = {name: _fingerprint_of(value) for name, value in values.items()}
    return {name: digest for name, digest in found.items() if digest}


def read_fingerprint(text: str) -> Fingerprint | None:
    """Return the fingerprint that a form sent back; ``None`` if it sent none that can be read."""
    try:
        found = load_json(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return {
        str(name): [str(member) for member in value] if isinstance(value, list) else str(value)
        for name, value in found.items()
    }


def write_fingerprint(fingerprint: Fingerprint) -> str:
    """Return a fingerprint as text for a hidden input."""
    return json.dumps(fingerprint, separators=(",", ":"), sort_keys=True)


def compare_versions(
    base: Fingerprint, mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> list[Difference]:
    """Return what others changed, in the order of the fields.

    Args:
        base: of the record as the form showed it.
        mine: fields as the form would store them.
        theirs: the same fields as they are stored.

    Returns:
        One difference a field that others changed; nothing for a field that is the same by now.
    """
    found: list[Difference] = []
    for name, stored in theirs.items():
        sent = mine.get(name)
        before, here, there = base.get(name, ""), _fingerprint_of(sent), _fingerprint_of(stored)
        if here == there or there == before:
            continue
        added = _find_added(stored, before, here) if isinstance(stored, list) else ()
        found.append(Difference(name, sent, stored, here != before, added))
    return found


def merge_members(mine: Sequence[Any], added: Sequence[str], theirs: Sequence[Any]) -> list[Any]:
    """Return a list with those of the stored members whose digests are in ``added``."""
    return [*mine, *(member for member in theirs if compute_digest(member) in set(added))]


def compute_digest(value: Any) -> str:
    """Return a digest of a value, ``""`` of an empty one.

    Line ends, and whether a number or a flag is written as text, make no difference.
    """
    plain = _simplify(value)
    if plain in ("", [], {}):
        return ""
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _fingerprint_of(value: Any) -> str | list[str]:
    if isinstance(value, list | tuple):
        return [digest for member in value if (digest := compute_digest(member))] or ""
    return compute_digest(value)


def _find_added(stored: Sequence[Any], before: Any, here: Any) -> tuple[Any, ...]:
    known = {*(before or ()), *(here or ())}
    digests = ((member, compute_digest(member)) for member in stored)
    return tuple(member for member, digest in digests if digest and digest not in known)


def _simplify(value: Any) -> Any:
    if isinstance(value, Mapping):
        members = {str(key): _simplify(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member not in ("", [], {})}
    if isinstance(value, list | tuple):
        members = [_simplify(member) for member in value]
        return [member for member in members if member not in ("", [], {})]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("\r\n", "\n").replace("\r", "\n").strip()
