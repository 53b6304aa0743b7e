"""Sharing of pages: structured data, short addresses, preview cards, posters, following, news."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckanext.dcat.profiles.croissant import JSONLD_CONTEXT
from markupsafe import Markup

from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.feeds import schema_org, source
from ckanext.marathon.feeds.port import Key
from ckanext.marathon.helpers.chain import marathon_thing_note, write_story
from ckanext.marathon.helpers.labels import marathon_date, marathon_host, marathon_period
from ckanext.marathon.logic.dataset import keep_codes_as_text, prepare_croissant, update_croissant
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.clock import cache_until_change
from ckanext.marathon.model.feed import Kind
from ckanext.marathon.rdf.lookups import Lookups, read_site
from ckanext.marathon.rdf.profile import build_record_graph, copy_with_published_values
from ckanext.marathon.records import Dataset, Idea, Workshop
from ckanext.marathon.visibility import is_shown_public


def write_structured_data(dataset: dict[str, Any]) -> Markup | None:
    """Return a dataset as JSON of schema.org, for a script of a page; ``None`` if not public."""
    found = _describe_dataset(dataset, is_public=True)
    return None if found is None else write_script(found)


def _describe_dataset(dataset: dict[str, Any], *, is_public: bool) -> dict[str, object] | None:
    """Return a dataset as schema.org JSON-LD.

    Args:
        dataset: as ``package_show`` gives it.
        is_public: describe it only if the log has it; otherwise also private ones.
    """
    here = source.find_site()
    key = Key(Kind.DATASET, str(dataset["id"]))
    iri = source.find_iris([key], here)[key]
    title = str(tk.config.get("ckan.site_title") or here.base)
    found = schema_org.describe_dataset(iri, here.base, here.vocabulary, title)
    if found is None and not is_public:
        graph = build_record_graph(dataset, Lookups.of_this_request())
        lines = [*filter(None, graph.serialize(format="nt11", encoding="utf-8").splitlines())]
        found = schema_org.describe_dataset_lines(lines, iri, here.base, here.vocabulary, title)
    # Its page is ours, also where its IRI is another catalogue's.
    return None if found is None else {**found, "url": source.build_iri(key, here)}


def write_croissant(dataset: dict[str, Any]) -> Markup:
    """Return a dataset as Croissant, which ckanext-dcat writes, for a script of a page.

    Cached for visitors until a public change: it took a tenth of the page's time.
    """

    def make() -> Markup:
        return Markup(tk.h.croissant(dataset))  # noqa: S704 - made of JSON by ckanext-dcat

    if current_user.is_authenticated:
        return make()
    key = (dataset["id"], dataset["metadata_modified"], tk.h.lang())
    return cache_until_change("croissants", key, make)


@tk.chained_helper
def chain_croissant(
    next_: Callable[..., str], dataset: dict[str, Any], *args: Any, **named: Any
) -> str:
    """Return a dataset as Croissant with only those uploaded files that have a checksum.

    Properties of schema.org have the same values as in the page's own description.
    """
    if len(args) < 2 and not named.get("jsonld_context"):
        # ckanext-dcat read the setting when it was imported, perhaps before there were any.
        language = tk.config.get("ckan.locale_default") or "en"
        named["jsonld_context"] = {**JSONLD_CONTEXT, "@language": language}
    written = next_(
        prepare_croissant(copy_with_published_values(dataset, read_site())), *args, **named
    )
    return keep_codes_as_text(
        update_croissant(written, _describe_dataset(dataset, is_public=False) or {})
    )


def write_script(found: dict[str, object]) -> Markup:
    """Return JSON for a script element, escaped so that it cannot end the element."""
    text = json.dumps(found, ensure_ascii=False, indent=1)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped for a script


# Type → first segment of its short addresses.
LETTERS = {"idea": "i", "workshop": "w", "dataset": "d"}
LONGEST = 200
_AUDIO = (".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wav", ".weba")


class Share(NamedTuple):
    """Links for sharing a record.

    ``code`` is that of the short address, "" where there is none.
    """

    code: str
    address: str
    qr: str
    whatsapp: str
    poster: str


class Audio(NamedTuple):
    """A recording: its address, whether the file is on this site, and the host."""

    href: str
    is_here: bool
    host: str


def read_share(thing: dict[str, Any]) -> Share | None:
    """Return how to pass on a thing; ``None`` for one that not everybody may see."""
    letter = LETTERS.get(thing["type"])
    if letter is None or not is_shown_public(thing):
        return None
    code = package_model.shorten_id(thing["type"], thing["id"])
    address = f"{read_site().url}/{letter}/{code}" if code else find_page_address(thing)
    return Share(
        code=code,
        address=address,
        qr=tk.h.url_for(f"marathon_short.{thing['type']}_qr", code=code) if code else "",
        whatsapp=f"https://wa.me/?text={quote(f'{_write_title(thing)} {address}', safe='')}",
        poster=tk.h.url_for(f"marathon_poster.{thing['type']}", id=thing["name"]),
    )


def find_page_address(thing: dict[str, Any]) -> str:
    """Return the one address of a page in the reader's language, whole."""
    lang = tk.h.lang()
    locale = "default" if lang == tk.config.get("ckan.locale_default") else lang
    return tk.h.url_for(f"{thing['type']}.read", id=thing["name"], locale=locale, _external=True)


def describe_record(thing: dict[str, Any]) -> str:
    """Return what a thing is, in plain text, for search engines and for cards in chats."""
    if thing["type"] == "idea":
        return write_story(Idea.from_shown(thing)).text
    notes = tk.h.get_translated(thing, "notes") or ""
    text = tk.h.markdown_extract(notes, extract_length=LONGEST) if notes else ""
    return str(text) or marathon_thing_note(thing) or _write_title(thing)


def list_poster_lines(thing: dict[str, Any]) -> list[str]:
    """Return the sentences of a record's poster."""
    if thing["type"] == "idea":
        return [write_story(Idea.from_shown(thing)).text]
    if thing["type"] == "workshop":
        begin = _write_when_and_where(Workshop.from_shown(thing))
    else:
        begin = _write_origin(Dataset.from_shown(thing))
    return [line for line in (begin, _write_extract(thing)) if line]


def describe_audio(address: str) -> Audio:
    """Return how to offer a recording: a player only for a file of this site.

    A player for another host would make the browser send requests to that host.
    """
    parts = urlsplit(address)
    is_here = parts.netloc == urlsplit(read_site().url).netloc
    is_audio = parts.path.lower().endswith(_AUDIO)
    return Audio(address, is_here and is_audio, marathon_host(address))


def _write_title(thing: dict[str, Any]) -> str:
    return thing.get("title") or thing["name"]


def _write_extract(thing: dict[str, Any]) -> str:
    return str(tk.h.markdown_extract(tk.h.get_translated(thing, "notes") or "", LONGEST))


def _write_when_and_where(workshop: Workshop) -> str:
    parts = [
        marathon_period(workshop.starts_at, workshop.ends_at) if workshop.starts_at else "",
        workshop.venue,
    ]
    if workshop.rsvp_by and workshop.status == workshop_domain.ANNOUNCED:
        parts.append(f"{tk._('Confirm by')}: {marathon_date(workshop.rsvp_by)}")
    return " · ".join(filter(None, parts))


def _write_origin(dataset: Dataset) -> str:
    if not dataset.ideas:
        return ""
    idea = dataset.ideas[0]
    if idea.workshop:
        text = tk._("This data comes from the idea “{idea}”, said in “{workshop}”.")
        return text.format(idea=idea.label, workshop=idea.workshop.label)
    return tk._("This data comes from the idea “{idea}”.").format(idea=idea.label)


_FOLLOWING_ACTIONS = {"dataset": "am_following_dataset", "organization": "am_following_group"}


class Following(NamedTuple):
    """Whether a logged-in person follows a record, and whether they get mail about it.

    Attributes:
        is_following: whether they follow it.
        mails: the site sends news by e-mail.
        wants_mails: they have enabled it and have an address.
    """

    is_following: bool
    mails: bool
    wants_mails: bool


def marathon_news(kind: str = "", code: str = "") -> str:
    """Return the address of the news of a part of the catalogue, or of all news without a kind."""
    part: dict[str, Any] = {"kind": kind, "code": code} if kind else {}
    return tk.h.url_for("marathon_news.atom", **part)


def marathon_following(kind: str, id_: str) -> Following | None:
    """Return whether the visitor follows a ``dataset`` (of any type) or an ``organization``.

    ``None`` if nobody is logged in.
    """
    if not current_user.is_authenticated:
        return None
    is_following = tk.get_action(_FOLLOWING_ACTIONS[kind])({"user": current_user.name}, {"id": id_})
    mails = p.plugin_loaded("activity") and tk.asbool(
        tk.config.get("ckan.activity_streams_email_notifications")
    )
    person: Any = current_user
    wants = bool(person.activity_streams_email_notifications and person.email)
    return Following(bool(is_following), bool(mails), wants)
