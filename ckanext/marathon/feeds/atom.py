"""The newest changes as Atom, for people and simple programs.

Source: RFC 4287. Atom has no word for deletions; they are entries with the category ``Delete``.
"""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from feedgen.feed import FeedGenerator

from ckanext.marathon.domain.texts import remove_hidden
from ckanext.marathon.feeds import documents, snapshot
from ckanext.marathon.feeds.parts import Part
from ckanext.marathon.feeds.plain import plain
from ckanext.marathon.feeds.said import Said
from ckanext.marathon.model import feed_log
from ckanext.marathon.model.feed import Activity, Kind
from ckanext.marathon.rdf.namespaces import DCT

NEWEST = 50
LONGEST = 500
MEDIA_TYPE = "application/atom+xml"


def written(part: Part, address: str, page: str) -> tuple[bytes, str]:
    """Return the newest changes of datasets, newest first, and the cursor of the moment.

    Args:
        part: of the catalogue, or the whole.
        address: of the document itself.
        page: address of the pages for people, without a slash at the end.

    Raises:
        NotReady: the log cannot answer.
    """
    with snapshot.one_moment() as connection:
        moment = snapshot.fill(feed_log.read_catalogue(connection))
        state = snapshot.ready(snapshot.state_of(moment))
        newest = feed_log.list_newest_changes(connection, part.scope.name, NEWEST)
        shown = [each.iri for each in newest if each.activity != Activity.DELETE]
        found = feed_log.describe_things(connection, shown)
        things = feed_log.find_thing_ids(connection, [each.iri for each in newest])
    said = {
        each.iri: Said(each.body.splitlines(), documents.language())
        for each in found
        if each.kind == Kind.DATASET
    }
    feed = FeedGenerator()
    feed.id(address)
    feed.title(title_of(part))
    feed.updated(newest[0].published if newest else state.published)
    feed.link(href=address, rel="self")
    feed.link(href=page, rel="alternate", type="text/html")
    for each in newest:
        known = said.get(each.iri)
        title = known.text(each.iri, DCT.title) if known else each.iri
        entry = feed.add_entry(order="append")
        entry.id(f"{address}#{state.name_change(each)}")
        entry.title(remove_hidden(f"{_what(each.activity)}: {title}"))
        entry.category(term=each.activity)
        entry.link(href=f"{page}/dataset/{things[each.iri]}")
        entry.updated(each.published)
        entry.author(name=str(tk.config.get("ckan.site_title") or page))
        summary = plain(known.text(each.iri, DCT.description)) if known else ""
        if summary:
            entry.summary(remove_hidden(summary[:LONGEST]))
    return feed.atom_str(pretty=True), state.cursor


def title_of(part: Part) -> str:
    """Return what a feed of a part of the catalogue, or of the whole, is called."""
    site = str(tk.config.get("ckan.site_title") or "CKAN")
    name = part.titles.get(documents.language()) or part.titles.get("es") or ""
    return remove_hidden(f"{site}: {name}" if name else site)


def _what(activity: str) -> str:
    return {
        Activity.CREATE: tk._("New"),
        Activity.UPDATE: tk._("Updated"),
        Activity.DELETE: tk._("No longer public"),
    }[Activity(activity)]
