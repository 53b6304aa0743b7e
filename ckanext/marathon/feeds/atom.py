"""Atom feeds: the newest changes of datasets, and news in sentences.

Changes are for simple programs. News are for people who follow a place, a problem or an idea: new
ideas and their statuses, workshops, datasets. They come from the feed's log, the history of ideas
and the packages, in a fixed number of queries, and name public records only.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from feedgen.feed import FeedGenerator
from sqlalchemy.orm import aliased

from ckanext.marathon import visibility
from ckanext.marathon.domain.texts import remove_hidden
from ckanext.marathon.feeds import catalogue, log_state
from ckanext.marathon.feeds.catalogue import CataloguePart
from ckanext.marathon.feeds.inventory import strip_markup
from ckanext.marathon.feeds.log_state import LogState
from ckanext.marathon.feeds.triples import Statements
from ckanext.marathon.model import feed_log, link, package
from ckanext.marathon.model.feed import Activity, Change, Entry, Kind, Member
from ckanext.marathon.model.idea import Transition
from ckanext.marathon.model.link import PACKAGE, Link, Predicate
from ckanext.marathon.rdf import lookups
from ckanext.marathon.rdf.namespaces import DCT
from ckanext.marathon.records import Workshop
from ckanext.marathon.vocabulary import schemes

# People go on editing a dataset after its publication. In this time an edit is no news.
_STILL_NEW = timedelta(hours=1)


class NewsEvent(StrEnum):
    """The kind of an item of news."""

    IDEA = "idea"
    STEP = "step"
    WORKSHOP = "workshop"
    DATASET = "dataset"
    CHANGED = "changed"
    GONE = "gone"


class NewsItem(NamedTuple):
    """One item of news about a record.

    Attributes:
        at: time of the event, with an offset.
        key: unique among items of the same event and record; never changes.
        id: id of the record.
        thing: the package; ``None`` for a dataset that is no longer public.
        status: the status of an idea or workshop by this event.
        reason: the reason for a change of status.
    """

    event: NewsEvent
    at: datetime
    key: str
    id: str
    thing: Any = None
    status: str = ""
    reason: str = ""


def list_newest_news(kind: str, code: str, limit: int) -> list[NewsItem]:
    """Return the newest news of a part of the catalogue, newest first.

    Args:
        kind: one of :data:`.source.KINDS`; "" for the whole catalogue.
        code: code, notation or id.
        limit: the maximum number of items.
    """
    talks, scope = _talks(kind, code), f"{kind}/{code}" if kind else ""
    datasets = _published(scope, limit)
    born = {item.id: item.at for item in datasets if item.event == NewsEvent.DATASET}
    changed = [
        item
        for item in _changed(scope, limit)
        if item.id not in born or item.at > born[item.id] + _STILL_NEW
    ]
    found = [*_ideas(talks, limit), *_steps(talks, limit), *_workshops(talks, limit)]
    return sorted([*found, *datasets, *changed], key=lambda item: item.at, reverse=True)[:limit]


def _talks(kind: str, code: str) -> sa.Select[Any] | None:
    """Return the ids of the workshops and ideas of a part; ``None`` for all of them."""
    if not kind:
        return None
    if kind in {link.MUNICIPALITY, link.DEPARTMENT, link.PROBLEM}:
        return link.select_workshops_and_ideas(kind, code)
    other = aliased(PACKAGE)
    if kind == "organization":
        return sa.select(other.id).where(other.owner_org == code)
    ideas = sa.select(Link.subject).where(
        Link.object == code, Link.predicate == str(Predicate.IDEA_WORKSHOP)
    )
    return sa.select(other.id).where(sa.or_(other.id == code, other.id.in_(ideas)))


def _of(talks: sa.Select[Any] | None, package_type: str) -> sa.ColumnElement[bool]:
    seen = sa.and_(PACKAGE.type == package_type, visibility.filter_public(PACKAGE))
    return seen if talks is None else sa.and_(seen, PACKAGE.id.in_(talks))


def _ideas(talks: sa.Select[Any] | None, limit: int) -> list[NewsItem]:
    query = (
        sa.select(model.Package, Change.number, Change.published)
        .join(Entry, sa.and_(Entry.thing == PACKAGE.id, Entry.kind == str(Kind.IDEA)))
        .join(Change, Change.iri == Entry.iri)
        .where(_of(talks, package.IDEA), Change.activity == str(Activity.CREATE))
        .order_by(Change.number.desc())
        .limit(limit)
    )
    return [
        NewsItem(
            NewsEvent.IDEA, at, str(number), idea.id, idea, package.read_stored_text(idea, "status")
        )
        for idea, number, at in model.Session.execute(query)
    ]


def _steps(talks: sa.Select[Any] | None, limit: int) -> list[NewsItem]:
    earlier = aliased(Transition)
    query = (
        sa.select(model.Package, Transition)
        .join(Transition, Transition.idea_id == PACKAGE.id)
        .where(
            _of(talks, package.IDEA),
            sa.exists().where(earlier.idea_id == Transition.idea_id, earlier.id < Transition.id),
        )
        .order_by(Transition.id.desc())
        .limit(limit)
    )
    return [
        NewsItem(
            NewsEvent.STEP, _utc(step.at), str(step.id), idea.id, idea, step.status, step.reason
        )
        for idea, step in model.Session.execute(query)
    ]


def _workshops(talks: sa.Select[Any] | None, limit: int) -> list[NewsItem]:
    query = (
        sa.select(model.Package)
        .where(_of(talks, package.WORKSHOP))
        .order_by(PACKAGE.metadata_modified.desc(), PACKAGE.id)
        .limit(limit)
    )
    return [
        # Each status is one item of news; after an edit the item has a new date.
        NewsItem(
            NewsEvent.WORKSHOP,
            _utc(workshop.metadata_modified),
            status,
            workshop.id,
            workshop,
            status,
        )
        for workshop in model.Session.scalars(query)
        if (status := package.read_stored_text(workshop, "status"))
    ]


def _published(scope: str, limit: int) -> list[NewsItem]:
    """Return the news of datasets that entered or left a part or the whole catalogue."""
    if scope:
        number = sa.case((Member.current, Member.entered), else_=Member.changed)
        query = (
            sa.select(Entry.thing, Member.current, Change.number, Change.published)
            .select_from(Member)
            .join(Entry, Entry.iri == Member.iri)
            .join(Change, Change.number == number)
            .where(Member.scope == scope, sa.or_(Member.current, ~_is_elsewhere()))
        )
    else:
        is_here = Change.activity == str(Activity.CREATE)
        query = (
            sa.select(Entry.thing, is_here.label("current"), Change.number, Change.published)
            .select_from(Change)
            .join(Entry, Entry.iri == Change.iri)
            .where(
                Entry.kind == str(Kind.DATASET),
                Change.activity.in_([str(Activity.CREATE), str(Activity.DELETE)]),
                # A dataset that got another IRI is not gone.
                sa.or_(is_here, ~_is_elsewhere()),
            )
        )
    rows = model.Session.execute(query.order_by(Change.number.desc()).limit(limit)).all()
    seen = sa.select(model.Package).where(
        PACKAGE.id.in_([row.thing for row in rows]), visibility.filter_public(PACKAGE)
    )
    known = {dataset.id: dataset for dataset in model.Session.scalars(seen)}
    items: list[NewsItem] = []
    for row in rows:
        if not row.current:
            items.append(NewsItem(NewsEvent.GONE, row.published, str(row.number), row.thing))
        elif row.thing in known:
            key, thing = str(row.number), known[row.thing]
            items.append(NewsItem(NewsEvent.DATASET, row.published, key, row.thing, thing))
    return items


def _is_elsewhere() -> sa.Exists:
    """Return the condition that a dataset is public under another IRI than an entry's."""
    other = aliased(Entry)
    return sa.exists().where(
        other.thing == Entry.thing,
        other.kind == Entry.kind,
        other.iri != Entry.iri,
        other.digest.is_not(None),
    )


def _changed(scope: str, limit: int) -> list[NewsItem]:
    query = sa.select(model.Package).where(
        PACKAGE.type == package.DATASET, visibility.filter_public(PACKAGE)
    )
    if scope:
        query = (
            query.join(Entry, sa.and_(Entry.thing == PACKAGE.id, Entry.kind == str(Kind.DATASET)))
            .join(Member, Member.iri == Entry.iri)
            .where(Member.scope == scope, Member.current)
        )
    # Datasets that were not changed since they were created are no news.
    query = query.where(PACKAGE.metadata_modified > PACKAGE.metadata_created + _STILL_NEW)
    newest_first = query.order_by(PACKAGE.metadata_modified.desc(), PACKAGE.id).limit(limit)
    return [
        NewsItem(NewsEvent.CHANGED, at, f"{at:%Y%m%dT%H%M%S}", dataset.id, dataset)
        for dataset in model.Session.scalars(newest_first)
        for at in [_utc(dataset.metadata_modified)]
    ]


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


NEWEST = 50
LONGEST = 500
MEDIA_TYPE = "application/atom+xml"


def write_changes_atom(part: CataloguePart, address: str, page: str) -> tuple[bytes, str]:
    """Return the newest changes of datasets, newest first, and the present cursor.

    Args:
        part: part of the catalogue, or the whole.
        address: address of the feed.
        page: address of the site, without a slash at the end.

    Raises:
        LogNotReady: the log does not have everything public yet.
    """
    with log_state.open_snapshot() as connection:
        moment = log_state.fill_unpublished(feed_log.read_catalogue(connection))
        state = log_state.require_ready(log_state.make_state(moment))
        newest = feed_log.list_newest_changes(connection, part.scope.name, NEWEST)
        shown = [change.iri for change in newest if change.activity != Activity.DELETE]
        found = feed_log.describe_things(connection, shown)
        things = feed_log.find_thing_ids(connection, [change.iri for change in newest])
    datasets = {
        record.iri: Statements(record.body.splitlines(), catalogue.find_language())
        for record in found
        if record.kind == Kind.DATASET
    }
    feed: Any = FeedGenerator()
    feed.id(address)
    feed.title(name_feed(part))
    feed.updated(newest[0].published if newest else state.published)
    feed.link(href=address, rel="self")
    feed.link(href=page, rel="alternate", type="text/html")
    for change in newest:
        known = datasets.get(change.iri)
        title = known.text(change.iri, DCT.title) if known else change.iri
        entry = feed.add_entry(order="append")
        entry.id(f"{address}#{state.name_change(change)}")
        entry.title(remove_hidden(f"{_name_activity(change.activity)}: {title}"))
        entry.category(term=change.activity)
        entry.link(href=f"{page}/dataset/{things[change.iri]}")
        entry.updated(change.published)
        entry.author(name=str(tk.config.get("ckan.site_title") or page))
        summary = strip_markup(known.text(change.iri, DCT.description)) if known else ""
        if summary:
            entry.summary(remove_hidden(summary[:LONGEST]))
    return feed.atom_str(pretty=True), state.cursor


def name_feed(part: CataloguePart) -> str:
    """Return the title of the feed of a part of the catalogue, or of the whole."""
    site = str(tk.config.get("ckan.site_title") or "CKAN")
    name = part.titles.get(catalogue.find_language()) or part.titles.get("es") or ""
    return remove_hidden(f"{site}: {name}" if name else site)


def _name_activity(activity: str) -> str:
    return {
        Activity.CREATE: tk._("New"),
        Activity.UPDATE: tk._("Updated"),
        Activity.DELETE: tk._("No longer public"),
    }[Activity(activity)]


_TYPES = {NewsEvent.IDEA: "idea", NewsEvent.STEP: "idea", NewsEvent.WORKSHOP: "workshop"}


def write_news_atom(part: CataloguePart, state: LogState, address: str, page: str) -> bytes:
    """Return the newest news of a part of the catalogue, newest first.

    Args:
        part: part of the catalogue, or the whole.
        state: the state of the log.
        address: address of the feed.
        page: address of the page about the part.
    """
    items = list_newest_news(part.scope.kind, part.scope.code, NEWEST)
    feed: Any = FeedGenerator()
    feed.id(address)
    feed.title(name_feed(part))
    feed.language(str(tk.h.lang()))
    feed.updated(items[0].at if items else state.published)
    feed.author(name=remove_hidden(str(tk.config.get("ckan.site_title") or page)))
    feed.link(href=address, rel="self", type="application/atom+xml")
    feed.link(href=page, rel="alternate", type="text/html")
    for item in items:
        kind = _TYPES.get(item.event, "dataset")
        iri = str(lookups.read_site().thing(kind, item.id))
        entry = feed.add_entry(order="append")
        entry.id(f"{iri}#{item.event}-{item.key}")
        entry.title(remove_hidden(_title_item(item)))
        entry.category(term=kind)
        entry.link(href=_find_page(kind, item) or iri)
        entry.updated(item.at)
        summary = _summarize_item(item)
        if summary:
            entry.summary(remove_hidden(summary[:LONGEST]))
    return feed.atom_str(pretty=True)


def _title_item(item: NewsItem) -> str:
    if item.event == NewsEvent.GONE:
        return tk._("A dataset is not here any more")
    title = item.thing.title or item.thing.name
    if item.event == NewsEvent.STEP:
        status = tk.h.marathon_term(schemes.IDEA_STATUS.name, item.status)
        return tk._("Idea now “{status}”: {title}").format(status=status, title=title)
    titles = {
        NewsEvent.IDEA: tk._("New idea: {title}"),
        NewsEvent.DATASET: tk._("New data: {title}"),
        NewsEvent.CHANGED: tk._("Data updated: {title}"),
        NewsEvent.WORKSHOP: {
            "announced": tk._("Workshop announced: {title}"),
            "held": tk._("Workshop held: {title}"),
            "cancelled": tk._("Workshop cancelled: {title}"),
        }.get(item.status, tk._("Workshop: {title}")),
    }
    return titles[item.event].format(title=title)


def _summarize_item(item: NewsItem) -> str:
    if item.thing is None:
        return ""
    if item.event == NewsEvent.STEP:
        return item.reason
    described = tk.h.markdown_extract(item.thing.notes or "", 300)
    if item.event != NewsEvent.WORKSHOP:
        return str(described)
    workshop = Workshop.from_stored(item.thing)
    when = tk.h.marathon_only_day(workshop.starts_at)
    places = tk.h.marathon_municipality_names(workshop.municipalities)
    return " · ".join(filter(None, [when, workshop.venue, ", ".join(places), described]))


def _find_page(kind: str, item: NewsItem) -> str:
    if item.thing is None:
        return ""
    return tk.h.url_for(f"{kind}.read", id=item.thing.name, _external=True)
