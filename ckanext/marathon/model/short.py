"""Short addresses: which thing the first digits of its id mean, for ever.

What is printed and hung on a wall must not mean another thing some day. So where two ids begin
alike, the one that was public first has the address, also after it is gone.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import sqlalchemy as sa
from ckan import model

from ckanext.marathon import visibility
from ckanext.marathon.model.about import package
from ckanext.marathon.model.feed import Change, Entry

# Of an id of CKAN, which is a UUID: 8 digits mean one of 100,000 things nearly always, 12 always.
SHORT, LONGER = 8, 12
_CODE = re.compile(rf"[0-9a-f]{{{SHORT}}}|[0-9a-f]{{{LONGER}}}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# More ids than these never begin alike by chance.
_MOST = 20


class Found(NamedTuple):
    """The id of a thing, and whether it is public now; else it was."""

    id: str
    is_public: bool


def find(package_type: str, code: str) -> Found | None:
    """Return the thing of a type that a code means; ``None`` for one that means nothing public.

    Args:
        package_type: e.g. ``idea``.
        code: the first 8 or 12 hexadecimal digits of an id, in small letters.
    """
    if not _CODE.fullmatch(code):
        return None
    first = code if len(code) == SHORT else f"{code[:SHORT]}-{code[SHORT:]}"
    rows = list(model.Session.execute(_logged(package_type, first)))
    if rows:
        oldest = rows[0] if len(rows) == 1 else _oldest(rows)
        return Found(oldest.thing, oldest.is_public)
    # A site whose log has not been put together yet.
    identifier = model.Session.scalar(_unlogged(package_type, first))
    return Found(identifier, True) if identifier else None


def code_of(package_type: str, identifier: str) -> str:
    """Return the code of a public thing, "" where its id is no UUID."""
    if not _UUID.fullmatch(identifier):
        return ""
    digits = identifier.replace("-", "")
    found = find(package_type, digits[:SHORT])
    return digits[: SHORT if found and found.id == identifier else LONGER]


def _begins(column: Any, first: str) -> sa.ColumnElement[bool]:
    # A range of the index, in every collation: digits before letters, and none after the f.
    return sa.and_(column >= first, column < f"{first}g", column.startswith(first))


def _logged(package_type: str, first: str) -> sa.Select:
    return (
        # A dataset that got another IRI has a tombstone for the former one.
        sa.select(Entry.thing, Entry.iri, Entry.digest.is_not(None).label("is_public"))
        .distinct(Entry.thing)
        .where(_begins(Entry.thing, first), Entry.kind == package_type)
        .order_by(Entry.thing, Entry.digest.is_(None))
        .limit(_MOST)
    )


def _unlogged(package_type: str, first: str) -> sa.Select:
    return (
        sa.select(package.id)
        .where(
            _begins(package.id, first),
            package.type == package_type,
            visibility.filter_public(package),
        )
        .order_by(package.metadata_created, package.id)
        .limit(1)
    )


def _oldest(rows: list[Any]) -> Any:
    query = (
        sa.select(Change.iri)
        .where(Change.iri.in_([row.iri for row in rows]))
        .group_by(Change.iri)
        .order_by(sa.func.min(Change.number))
        .limit(1)
    )
    first = model.Session.scalar(query)
    return next((row for row in rows if row.iri == first), rows[0])
