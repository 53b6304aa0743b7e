"""Writing which datasets are in which part of the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import ARRAY

from ckanext.marathon.model.feed import Member

_TEXTS, _NUMBERS = ARRAY(sa.UnicodeText), ARRAY(sa.BigInteger)


def scopes(iris: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return IRI → the parts that a dataset is in, in alphabetical order."""
    query = sa.select(Member.iri, Member.scope).where(
        Member.iri.in_(list(iris)), Member.current.is_(True)
    )
    found: dict[str, tuple[str, ...]] = {}
    for iri, scope in sorted(model.Session.execute(query).tuples()):
        found[iri] = (*found.get(iri, ()), scope)
    return found


def write(changes: Collection[tuple[str, int, Collection[str]]]) -> None:
    """Write down in which parts datasets are from a change on; the clock is held.

    Args:
        changes: IRI, number of the change, and the parts; none for what is no longer public.
    """
    pairs = [(iri, scope) for iri, _number, parts in changes for scope in parts]
    values = {
        "iris": [iri for iri, _number, _parts in changes],
        "numbers": [number for _iri, number, _parts in changes],
        "in_iris": [iri for iri, _scope in pairs],
        "in_scopes": [scope for _iri, scope in pairs],
    }
    model.Session.connection().execute(_WRITE, values)


# A new one gets the next place of its part, in the order of the changes.
_WRITE = sa.text(
    """
    WITH step AS (SELECT * FROM unnest(:iris, :numbers) AS step (iri, number)),
    wanted AS (SELECT * FROM unnest(:in_iris, :in_scopes) AS wanted (iri, scope)),
    known AS (
        SELECT member.scope, member.iri, step.number, wanted.scope IS NOT NULL AS stays
        FROM step JOIN marathon_feed_member AS member USING (iri)
        LEFT JOIN wanted ON wanted.iri = member.iri AND wanted.scope = member.scope
        WHERE member.current OR wanted.scope IS NOT NULL
    ), moved AS (
        UPDATE marathon_feed_member AS member SET current = stays, changed = known.number,
        entered = CASE WHEN stays AND NOT current THEN known.number ELSE entered END
        FROM known WHERE member.scope = known.scope AND member.iri = known.iri
    )
    INSERT INTO marathon_feed_member (scope, place, iri, current, entered, changed)
    SELECT scope,
        (SELECT coalesce(max(place), 0) FROM marathon_feed_member AS other
         WHERE other.scope = wanted.scope)
        + row_number() OVER (PARTITION BY scope ORDER BY number),
        iri, true, number, number
    FROM wanted JOIN step USING (iri)
    WHERE NOT EXISTS (
        SELECT FROM known WHERE known.scope = wanted.scope AND known.iri = wanted.iri
    )
    """
).bindparams(
    sa.bindparam("iris", type_=_TEXTS),
    sa.bindparam("numbers", type_=_NUMBERS),
    sa.bindparam("in_iris", type_=_TEXTS),
    sa.bindparam("in_scopes", type_=_TEXTS),
)


def faults() -> list[str]:
    """Return the parts in which a dataset's last change is not the last that the log has of it."""
    return list(model.Session.connection().execute(_FAULTS).scalars())


_FAULTS = sa.text(
    """
    SELECT DISTINCT scope FROM marathon_feed_member AS member
    LEFT JOIN marathon_feed_entry AS entry USING (iri)
    WHERE entry.iri IS NULL OR member.changed > entry.changed
    OR member.current AND (entry.digest IS NULL OR member.changed < entry.changed)
    ORDER BY scope
    """
)
