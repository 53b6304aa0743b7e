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
    """Return a dataset as JSON-LD of schema.org for a script element; ``None`` if not public."""
    found = _describe_dataset(dataset, is_public=True)
    return None if found is None else write_script(found)


def _describe_dataset(dataset: dict[str, Any], *, is_public: bool) -> dict[str, object] | None:
    """Return a dataset as schema.org JSON-LD.

    Args:
        dataset: from ``package_show``.
        is_public: whether to return ``None`` for a dataset that is not in the feed's log.
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
    # Its page is on this site, even if its IRI is of another catalogue.
    return None if found is None else {**found, "url": source.build_iri(key, here)}


def write_croissant(dataset: dict[str, Any]) -> Markup:
    """Return a dataset as Croissant for a script element.

    Cached for anonymous visitors until a public change, because it is slow.
    """

    def make() -> Markup:
        return Markup(tk.h.croissant(dataset))  # noqa: S704 - made of JSON by ckanext-dcat

    if current_user.is_authenticated:
        return make()
    key = (dataset["id"], dataset["metadata_modified"], tk.h.lang())
    return cache_until_change("croissants", key, make)


@tk.chained_helper
def chain_croissant(
    next_: Callable[..., str], dataset: dict[str, Any], *args: object, **named: object
) -> str:
    """Return a dataset as Croissant with only those uploaded files that have a checksum.

    Properties of schema.org have the same values as in the page's own description.
    """
    if len(args) < 2 and not named.get("jsonld_context"):
        # ckanext-dcat reads the setting at import, when it may not be set yet.
        language = tk.config.get("ckan.locale_default") or "en"
        named["jsonld_context"] = {**JSONLD_CONTEXT, "@language": language}
    written = next_(
        prepare_croissant(copy_with_published_values(dataset, read_site())), *args, **named
    )
    return keep_codes_as_text(
        update_croissant(written, _describe_dataset(dataset, is_public=False) or {})
    )


def write_script(found: dict[str, object]) -> Markup:
    """Return JSON for a script element, escaped so that it cannot close the element."""
    text = json.dumps(found, ensure_ascii=False, indent=1)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped for a script


# Type → first segment of its short addresses.
LETTERS = {"idea": "i", "workshop": "w", "dataset": "d"}
LONGEST = 200
_AUDIO = (".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wav", ".weba")


class Share(NamedTuple):
    """Links for sharing a record.

    Attributes:
        code: code of the short address, "" without one.
        address: short address, else the address of the page.
        qr: address of the QR code, "" without a short address.
        whatsapp: address that shares it with WhatsApp.
        poster: address of the poster.
    """

    code: str
    address: str
    qr: str
    whatsapp: str
    poster: str


class Audio(NamedTuple):
    """A recording: its address, whether it is an audio file of this site, and its host."""

    href: str
    is_here: bool
    host: str


def read_share(shown: dict[str, Any]) -> Share | None:
    """Return the links for sharing a record; ``None`` if it is not public."""
    letter = LETTERS.get(shown["type"])
    if letter is None or not is_shown_public(shown):
        return None
    code = package_model.shorten_id(shown["type"], shown["id"])
    address = f"{read_site().url}/{letter}/{code}" if code else find_page_address(shown)
    return Share(
        code=code,
        address=address,
        qr=tk.h.url_for(f"marathon_short.{shown['type']}_qr", code=code) if code else "",
        whatsapp=f"https://wa.me/?text={quote(f'{_write_title(shown)} {address}', safe='')}",
        poster=tk.h.url_for(f"marathon_poster.{shown['type']}", id=shown["name"]),
    )


def find_page_address(shown: dict[str, Any]) -> str:
    """Return the canonical absolute address of a record's page in the request's language."""
    lang = tk.h.lang()
    locale = "default" if lang == tk.config.get("ckan.locale_default") else lang
    return tk.h.url_for(f"{shown['type']}.read", id=shown["name"], locale=locale, _external=True)


def describe_record(shown: dict[str, Any]) -> str:
    """Return a description of a record as plain text, for search engines and previews."""
    if shown["type"] == "idea":
        return write_story(Idea.from_shown(shown)).text
    notes = tk.h.get_translated(shown, "notes") or ""
    text = tk.h.markdown_extract(notes, extract_length=LONGEST) if notes else ""
    return str(text) or marathon_thing_note(shown) or _write_title(shown)


def list_poster_lines(shown: dict[str, Any]) -> list[str]:
    """Return the sentences of a record's poster."""
    if shown["type"] == "idea":
        return [write_story(Idea.from_shown(shown)).text]
    if shown["type"] == "workshop":
        begin = _write_when_and_where(Workshop.from_shown(shown))
    else:
        begin = _write_origin(Dataset.from_shown(shown))
    return [line for line in (begin, _write_extract(shown)) if line]


def describe_audio(address: str) -> Audio:
    """Return how to show a recording: with a player only if it is a file of this site.

    With a player for another host, the browser would send requests to that host.
    """
    parts = urlsplit(address)
    is_here = parts.netloc == urlsplit(read_site().url).netloc
    is_audio = parts.path.lower().endswith(_AUDIO)
    return Audio(address, is_here and is_audio, marathon_host(address))


def _write_title(shown: dict[str, Any]) -> str:
    return shown.get("title") or shown["name"]


def _write_extract(shown: dict[str, Any]) -> str:
    return str(tk.h.markdown_extract(tk.h.get_translated(shown, "notes") or "", LONGEST))


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
        mails: whether the site sends news by e-mail.
        wants_mails: whether they have enabled it and have an e-mail address.
    """

    is_following: bool
    mails: bool
    wants_mails: bool


def find_news(kind: str = "", code: str = "") -> str:
    """Return the address of the news of a part of the catalogue, or of all news without a kind."""
    part: dict[str, Any] = {"kind": kind, "code": code} if kind else {}
    return tk.h.url_for("marathon_news.atom", **part)


def read_following(kind: str, id_: str) -> Following | None:
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
