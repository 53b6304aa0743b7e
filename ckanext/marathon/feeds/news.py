"""What is new, as Atom, in sentences: for people who follow a place, a problem or an idea.

The changes of the catalogue (``feeds/atom.py``) are for programs that keep a copy of datasets; this
also says how ideas go on and which workshops there are. Source: RFC 4287.
"""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from feedgen.feed import FeedGenerator

from ckanext.marathon.domain.texts import remove_hidden
from ckanext.marathon.feeds.atom import LONGEST, NEWEST, title_of
from ckanext.marathon.feeds.parts import Part
from ckanext.marathon.feeds.snapshot import State
from ckanext.marathon.model import news
from ckanext.marathon.model.news import NewsEvent, NewsItem
from ckanext.marathon.rdf import lookups
from ckanext.marathon.records.record import Workshop
from ckanext.marathon.vocabulary import statuses

_TYPES = {NewsEvent.IDEA: "idea", NewsEvent.STEP: "idea", NewsEvent.WORKSHOP: "workshop"}


def written(part: Part, state: State, address: str, page: str) -> bytes:
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
    feed.title(title_of(part))
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
        entry.title(remove_hidden(_title(item)))
        entry.category(term=kind)
        entry.link(href=_page(kind, item) or iri)
        entry.updated(item.at)
        summary = _summary(item)
        if summary:
            entry.summary(remove_hidden(summary[:LONGEST]))
    return feed.atom_str(pretty=True)


def _title(item: NewsItem) -> str:
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


def _summary(item: NewsItem) -> str:
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


def _page(kind: str, item: NewsItem) -> str:
    if item.thing is None:
        return ""
    return tk.h.url_for(f"{kind}.read", id=item.thing.name, _external=True)
