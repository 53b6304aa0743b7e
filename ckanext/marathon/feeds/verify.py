"""The oracle: what the log says against what CKAN has, all of it, described afresh."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.feeds import documents, keys, read, witness
from ckanext.marathon.feeds.deflate import Piece, inflate
from ckanext.marathon.feeds.keys import CATALOG, Key
from ckanext.marathon.feeds.parts import THE_WHOLE
from ckanext.marathon.feeds.render import render
from ckanext.marathon.feeds.snapshot import one_moment
from ckanext.marathon.feeds.workers import shared
from ckanext.marathon.model import clock, feed_log
from ckanext.marathon.model.feed import Change, Clock, Entry, Kind, Window
from ckanext.marathon.visibility import filter_public

BATCH = 200


class Wrong(Enum):
    """What can be wrong with the log."""

    MISSING = "missing"
    OUTDATED = "outdated"
    NOT_PUBLIC = "not public"
    PAGE = "page"
    SCOPE = "scope"
    LOST = "lost"
    CLOCK = "clock"


@dataclass(frozen=True)
class Fault:
    """What the log has wrong: an IRI, a page's number and format, a part's name, a change."""

    wrong: Wrong
    what: str


def things() -> list[Key]:
    """Return what may be public, by age; what is named before what names it."""
    group, package = model.Group, model.Package
    found = [CATALOG]
    query = sa.select(group.id).where(
        group.is_organization.is_(True), group.state == model.State.ACTIVE
    )
    found += [
        Key(Kind.ORGANIZATION, each)
        for each in model.Session.scalars(query.order_by(group.created, group.id))
    ]
    for kind in (Kind.WORKSHOP, Kind.IDEA, Kind.COMMITMENT, Kind.DATASET):
        query = sa.select(package.id).where(
            keys.is_of_kind(kind),
            filter_public(package),
        )
        ordered = query.order_by(package.metadata_created, package.id)
        found += [Key(kind, each) for each in model.Session.scalars(ordered)]
    return found


def verify(
    ini: str = "",
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Fault]:
    """Yield what is wrong with the log.

    Every body is compared with a fresh rendering: without blank nodes two graphs are the same if
    they have the same lines. Nothing public may be missing, nothing else may be there, and every
    rendering that is kept has to be what the entries give. What looks wrong is looked at again,
    because people may be saving meanwhile.

    Args:
        ini: the site's configuration, for other processes.
        workers: how many processes compare.
        progress: is told how many things of how many are done.
    """
    wanted = things()
    expected = set(wanted)
    everything = [*wanted, *(key for key in logged() if key not in expected)]
    model.Session.rollback()
    batches = [everything[start : start + BATCH] for start in range(0, len(everything), BATCH)]
    done = 0
    for batch, faults in zip(batches, shared(_settled, batches, ini, workers), strict=True):
        yield from faults
        done += len(batch)
        progress(done, len(everything))
    yield from _history()
    yield from _pages()
    yield from (Fault(Wrong.SCOPE, name) for name in feed_log.list_member_faults())


def sample(count: int) -> list[Fault]:
    """Return what is wrong with the things that changed last, ``count`` of them.

    What a setting changes in all descriptions, for example the site's address, shows in these. Not
    the catalogue, which is described again by itself when a process starts.
    """
    query = sa.select(Entry.kind, Entry.thing).where(
        Entry.digest.is_not(None), Entry.kind != CATALOG.kind
    )
    rows = model.Session.execute(query.order_by(Entry.changed.desc()).limit(count))
    return _settled([Key(Kind(kind), thing) for kind, thing in rows])


def _history() -> Iterator[Fault]:
    """Look whether the log has every change that was served, and whether the clock names its last.

    Source of the first: ``feeds/witness.py``. The second is wrong where a backup was restored in
    part.
    """
    lost = witness.find_unanswered_loss()
    if lost:
        yield Fault(Wrong.LOST, str(lost.number))
    # One statement sees one moment.
    last = sa.select(Change.number, Change.mark).order_by(Change.number.desc()).limit(1).subquery()
    query = sa.select(
        Clock.number, Clock.mark, last.c.number.label("last"), last.c.mark.label("of")
    )
    row = model.Session.execute(query.outerjoin(last, sa.true())).one_or_none()
    model.Session.rollback()
    if row and (row.number or row.last) and (row.number, row.mark) != (row.last, row.of):
        yield Fault(Wrong.CLOCK, str(row.last or 0))


def _settled(some: Sequence[Key]) -> list[Fault]:
    """Return what is wrong with some things, also when looked at again."""
    suspects = [key for key, _fault in _compare(some)]
    model.Session.rollback()
    faults = [fault for _key, fault in _compare(suspects)] if suspects else []
    # Thousands of packages are not kept in memory, nor one transaction open for minutes.
    model.Session.rollback()
    model.Session.expunge_all()
    return faults


def logged() -> list[Key]:
    """Return what the log says is public."""
    rows = model.Session.execute(
        sa.select(Entry.kind, Entry.thing).where(Entry.digest.is_not(None)).order_by(Entry.changed)
    )
    return [Key(Kind(kind), thing) for kind, thing in rows]


def _compare(some: Sequence[Key]) -> list[tuple[Key, Fault]]:
    site = keys.site()
    renditions = render(some, site)
    iris = keys.iris(some, site)
    stored = feed_log.read_states(iris.values())
    bodies = feed_log.read_bodies(iris.values())
    parts = feed_log.read_scopes(iris.values())
    found = []
    for key, rendition in renditions.items():
        iri = iris[key]
        before = stored.get(iri)
        digest = before.digest if before is not None and before.thing == key.thing else None
        if rendition is None:
            wrong = None if digest is None else Wrong.NOT_PUBLIC
        elif digest is None:
            wrong = Wrong.MISSING
        else:
            said = bodies.get(iri), digest, parts.get(iri, ())
            same = said == (rendition.body, rendition.digest, rendition.scopes)
            wrong = None if same else Wrong.OUTDATED
        if wrong:
            found.append((key, Fault(wrong, iri)))
    current = set(iris.values())
    for row in feed_log.list_public_entries(key.thing for key in some if key.kind == Kind.DATASET):
        if row.kind == Kind.DATASET and row.iri not in current:
            found.append((Key(Kind.DATASET, row.thing), Fault(Wrong.NOT_PUBLIC, row.iri)))
    return found


def _pages() -> Iterator[Fault]:
    """Compare the windows with their entries, and what is kept of them with a fresh rendering."""
    size = clock.read_clock().page_size
    slots = sa.select((Entry.slot - 1) // size + 1).where(Entry.slot.is_not(None))
    numbers = model.Session.scalars(sa.select(Window.number).union(slots)).all()
    model.Session.rollback()
    formats = {documents.kept_as(each): each for each in documents.FORMATS}
    for number in sorted(numbers):
        # Others may be saving meanwhile: each page is looked at in one moment.
        with one_moment() as connection:
            found = feed_log.read_clock_row(connection)
            if feed_log.read_live_count(connection, number) != feed_log.count_live_datasets(
                connection, number
            ):
                yield Fault(Wrong.PAGE, str(number))
            lines = None
            for kept in feed_log.list_renderings(connection, number):
                extension = formats.get(kept.format)
                if extension is None:
                    # Kept for other settings, and served to nobody.
                    continue
                lines = lines or read.lines(connection, found, THE_WHOLE, number)
                written = documents.part(lines, extension, found.vocabulary, found.base)
                if inflate(Piece(kept.body, kept.size, kept.crc)) != written:
                    yield Fault(Wrong.PAGE, f"{number}.{extension}")
