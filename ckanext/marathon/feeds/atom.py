"""Atom feeds: the newest changes of datasets, and news in sentences.

Changes are for simple programs; news are for people who follow a place, a problem or an idea.
"""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from feedgen.feed import FeedGenerator

from ckanext.marathon.domain.texts import remove_hidden
from ckanext.marathon.feeds import catalogue, log_state
from ckanext.marathon.feeds.log_state import LogState
from ckanext.marathon.feeds.plain_text import strip_markup
from ckanext.marathon.feeds.scopes import CataloguePart
from ckanext.marathon.feeds.triples import Statements
from ckanext.marathon.model import feed_log, news
from ckanext.marathon.model.feed import Activity, Kind
from ckanext.marathon.model.news import NewsEvent, NewsItem
from ckanext.marathon.rdf import lookups
from ckanext.marathon.rdf.namespaces import DCT
from ckanext.marathon.records.record import Workshop
from ckanext.marathon.vocabulary import statuses

NEWEST = 50
LONGEST = 500
MEDIA_TYPE = "application/atom+xml"


def write_changes_atom(part: CataloguePart, address: str, page: str) -> tuple[bytes, str]:
    """Return the newest changes of datasets, newest first, and the cursor of the moment.

    Args:
        part: of the catalogue, or the whole.
        address: of the document itself.
        page: address of the pages for people, without a slash at the end.

    Raises:
        NotReady: the log cannot answer.
    """
    with log_state.open_snapshot() as connection:
        moment = log_state.fill_unpublished(feed_log.read_catalogue(connection))
        state = log_state.require_ready(log_state.make_state(moment))
        newest = feed_log.list_newest_changes(connection, part.scope.name, NEWEST)
        shown = [each.iri for each in newest if each.activity != Activity.DELETE]
        found = feed_log.describe_things(connection, shown)
        things = feed_log.find_thing_ids(connection, [each.iri for each in newest])
    said = {
        each.iri: Statements(each.body.splitlines(), catalogue.find_language())
        for each in found
        if each.kind == Kind.DATASET
    }
    feed = FeedGenerator()
    feed.id(address)
    feed.title(name_feed(part))
    feed.updated(newest[0].published if newest else state.published)
    feed.link(href=address, rel="self")
    feed.link(href=page, rel="alternate", type="text/html")
    for each in newest:
        known = said.get(each.iri)
        title = known.text(each.iri, DCT.title) if known else each.iri
        entry = feed.add_entry(order="append")
        entry.id(f"{address}#{state.name_change(each)}")
        entry.title(remove_hidden(f"{_name_activity(each.activity)}: {title}"))
        entry.category(term=each.activity)
        entry.link(href=f"{page}/dataset/{things[each.iri]}")
        entry.updated(each.published)
        entry.author(name=str(tk.config.get("ckan.site_title") or page))
        summary = strip_markup(known.text(each.iri, DCT.description)) if known else ""
        if summary:
            entry.summary(remove_hidden(summary[:LONGEST]))
    return feed.atom_str(pretty=True), state.cursor


def name_feed(part: CataloguePart) -> str:
    """Return what a feed of a part of the catalogue, or of the whole, is called."""
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
        part: of the catalogue, or the whole.
        state: how far the log is.
        address: of the document itself.
        page: address of the page for people about the same.
    """
    items = news.list_newest_news(part.scope.kind, part.scope.code, NEWEST)
    feed = FeedGenerator()
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
        status = tk.h.marathon_term(statuses.IDEA_STATUS.name, item.status)
        return tk._("Idea now “{status}”: {title}").format(status=status, title=title)
    said = {
        NewsEvent.IDEA: tk._("New idea: {title}"),
        NewsEvent.DATASET: tk._("New data: {title}"),
        NewsEvent.CHANGED: tk._("Data updated: {title}"),
        NewsEvent.WORKSHOP: {
            "announced": tk._("Workshop announced: {title}"),
            "held": tk._("Workshop held: {title}"),
            "cancelled": tk._("Workshop cancelled: {title}"),
        }.get(item.status, tk._("Workshop: {title}")),
    }
    return said[item.event].format(title=title)


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
