"""Reading windows of the feed's log, on a connection that sees one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.model import meta
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from ckanext.marathon.model.clock import HOME
from ckanext.marathon.model.feed import Change, Clock, Entry, Kind, Member, Rendering, Window

# How many windows of the whole catalogue are in memory at a time.
AT_ONCE = 8

_CLOCK = (
    Clock.epoch,
    Clock.number.label("clock_number"),
    Clock.mark,
    Clock.unmarked,
    Clock.published,
    Clock.base,
    Clock.vocabulary,
    Clock.page_size,
    Clock.complete,
    Clock.home,
    HOME.label("here"),
    sa.select(Change.published).order_by(Change.number).limit(1).scalar_subquery().label("issued"),
)


_CATALOGUE = (
    sa.select(Entry.body)
    .where(Entry.thing == "", Entry.kind == str(Kind.CATALOG))
    .scalar_subquery()
    .label("catalogue")
)


def _is_fresh() -> sa.ColumnElement[bool]:
    return sa.and_(
        Rendering.window == Window.number,
        Rendering.format == sa.bindparam("kept_as"),
        Rendering.changed == Window.changed,
    )


# Statements are made once: making one takes as long as the database needs to answer it.
_OTHER = aliased(Window)
_NUMBER = sa.bindparam("number", type_=sa.BigInteger)
_IN_SCOPE = Member.scope == sa.bindparam("scope", type_=sa.UnicodeText)


def _page_of(place: Any) -> sa.ColumnElement[int]:
    return (place - 1) // Clock.page_size + 1


def _of_scope(what: Any, *conditions: Any) -> Any:
    return sa.select(what).where(_IN_SCOPE, *conditions).correlate(Clock).scalar_subquery()


_QUERY = {
    "clock": sa.select(*_CLOCK),
    "catalogue": sa.select(*_CLOCK, _CATALOGUE),
    "page": sa.select(
        *_CLOCK,
        _CATALOGUE,
        sa.select(sa.func.sum(_OTHER.live)).scalar_subquery().label("total"),
        sa.select(sa.func.max(_OTHER.number)).scalar_subquery().label("last"),
        sa.select(sa.func.max(_OTHER.number))
        .where(_OTHER.number < _NUMBER, _OTHER.live > 0)
        .scalar_subquery()
        .label("previous"),
        sa.select(sa.func.min(_OTHER.number))
        .where(_OTHER.number > _NUMBER, _OTHER.live > 0)
        .scalar_subquery()
        .label("next"),
        Rendering.body,
        Rendering.size,
        Rendering.crc,
    )
    .select_from(Clock)
    .outerjoin(Window, Window.number == _NUMBER)
    .outerjoin(Rendering, _is_fresh()),
    "scope": sa.select(
        *_CLOCK,
        _CATALOGUE,
        _of_scope(sa.func.count(), Member.current).label("total"),
        _page_of(_of_scope(sa.func.max(Member.place))).label("last"),
        _page_of(
            _of_scope(
                sa.func.max(Member.place),
                Member.current,
                Member.place <= (_NUMBER - 1) * Clock.page_size,
            )
        ).label("previous"),
        _page_of(
            _of_scope(
                sa.func.min(Member.place), Member.current, Member.place > _NUMBER * Clock.page_size
            )
        ).label("next"),
    ).select_from(Clock),
    "windows": sa.select(Window.number, Rendering.body, Rendering.size, Rendering.crc)
    .outerjoin(Rendering, _is_fresh())
    .where(Window.number > sa.bindparam("last"), Window.live > 0)
    .order_by(Window.number)
    .limit(AT_ONCE),
}


def clock(connection: Any) -> sa.Row:
    """Return the clock: ``epoch``, ``clock_number``, ``published``, ``issued`` and so on.

    Raises:
        sqlalchemy.exc.NoResultFound: nothing was ever published and no migration was run.
    """
    return connection.execute(_QUERY["clock"]).one()


def catalogue(connection: Any) -> sa.Row:
    """Return the clock's columns and ``catalogue``, the stored body of the catalogue's entry."""
    return connection.execute(_QUERY["catalogue"]).one()


def page(connection: Any, number: int, kept_as: str) -> sa.Row:
    """Return all that answers a request for one window, in one query.

    Returns:
        the columns of :func:`catalogue`; ``total`` public datasets; ``last`` window; ``previous``
        and ``next`` one that is not empty; ``body``, ``size`` and ``crc`` of its rendering,
        ``None`` where there is none that is up to date.
    """
    return connection.execute(_QUERY["page"], {"number": number, "kept_as": kept_as}).one()


def windows(connection: Any, kept_as: str) -> Iterator[sa.Row]:
    """Yield every window that is not empty: ``number``, and its rendering as :func:`page` does."""
    last = 0
    while True:
        rows = connection.execute(_QUERY["windows"], {"last": last, "kept_as": kept_as}).all()
        yield from rows
        if len(rows) < AT_ONCE:
            return
        last = rows[-1].number


def scope_page(connection: Any, scope: str, number: int) -> sa.Row:
    """Return what :func:`page` does for a page of a part of the catalogue; nothing is kept of it.

    Returns:
        the columns of :func:`catalogue`, ``total``, ``last``, ``previous`` and ``next``.
    """
    return connection.execute(_QUERY["scope"], {"scope": scope, "number": number}).one()


def windows_of(connection: Any, scope: str) -> list[int]:
    """Return the numbers of the pages that are not empty, of a part or ("") of the whole."""
    found = connection.execute(_WINDOWS_OF_SCOPE if scope else _WINDOWS, {"scope": scope})
    return list(found.scalars())


_WINDOWS = sa.text("SELECT number FROM marathon_feed_window WHERE live > 0 ORDER BY 1")
_WINDOWS_OF_SCOPE = sa.text(
    """
    SELECT DISTINCT (place - 1) / page_size + 1 FROM marathon_feed_member, marathon_feed_clock
    WHERE scope = :scope AND current ORDER BY 1
    """
)


def changed(connection: Any, number: int) -> int | None:
    """Return the number of the last change of a window, ``None`` if there is no such window."""
    return connection.scalar(sa.select(Window.changed).where(Window.number == number))


def live(connection: Any, number: int) -> int:
    """Return how many public datasets a window says that it holds."""
    return connection.scalar(sa.select(Window.live).where(Window.number == number)) or 0


def counted(connection: Any, number: int) -> int:
    """Return how many public datasets have a slot of a window."""
    return connection.scalar(_COUNTED, {"number": number})


_COUNTED = sa.select(sa.func.count()).where(
    Entry.digest.is_not(None),
    Entry.slot > (_NUMBER - 1) * sa.select(Clock.page_size).scalar_subquery(),
    Entry.slot <= _NUMBER * sa.select(Clock.page_size).scalar_subquery(),
)


def kept(connection: Any, number: int) -> Sequence[sa.Row]:
    """Return what is kept of a window, up to date: ``format``, ``body``, ``size``, ``crc``."""
    columns = (Rendering.format, Rendering.body, Rendering.size, Rendering.crc)
    up_to_date = sa.and_(Window.number == Rendering.window, Window.changed == Rendering.changed)
    query = sa.select(*columns).join(Window, up_to_date).where(Rendering.window == number)
    return connection.execute(query).all()


def keep(number: int, kept_as: str, changed_at: int, piece: Any, moment: tuple[int, int]) -> None:
    """Keep a rendering (``body``, ``size``, ``crc``) of a window, unless that has changed since.

    In a transaction of its own; whoever renders the same at the same time writes the same. Whoever
    is changing the window is not waited for, and waits: what was taken down is not kept again.

    Args:
        number: of the window.
        kept_as: its format.
        changed_at: number of the window's last change when it was rendered.
        piece: the rendering.
        moment: number and mark of the state that it was rendered from, which must be in the log.
    """
    assert meta.engine is not None, "CKAN has made it"
    values = {"changed": changed_at, "body": piece.body, "size": piece.size, "crc": piece.crc}
    row = {"window": number, "format": kept_as, **values}
    columns = [sa.literal(each, Rendering.__table__.c[name].type) for name, each in row.items()]
    current = (
        sa.select(*columns)
        .where(Window.number == number, Window.changed == changed_at)
        .where(sa.exists().where(Change.number == moment[0], Change.mark == moment[1]))
        .with_for_update(read=True, skip_locked=True)
    )
    statement = insert(Rendering).from_select(list(row), current)
    statement = statement.on_conflict_do_update(
        index_elements=["window", "format"],
        set_={name: statement.excluded[name] for name in values},
        where=Rendering.changed < statement.excluded.changed,
    )
    with meta.engine.begin() as connection:
        connection.execute(statement)


def forget_outdated() -> None:
    """Delete the renderings that nobody is given any more; nothing is committed.

    They are replaced when a page is asked for, but what was taken down must not wait for that.
    """
    model.Session.connection().execute(_FORGET)


_FORGET = sa.text(
    """
    DELETE FROM marathon_feed_rendering AS rendering USING marathon_feed_window AS page
    WHERE page.number = rendering."window" AND page.changed > rendering.changed
    """
)
