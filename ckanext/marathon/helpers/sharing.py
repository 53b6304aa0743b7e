"""How a page is passed on: to search engines, in chats, on walls, to those who follow it.

Structured data for programs, the short address, the card in a chat, the sheet to print, news.
"""

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
from ckanext.marathon.helpers.chain import marathon_story, marathon_thing_note
from ckanext.marathon.helpers.labels import marathon_date, marathon_host, marathon_period
from ckanext.marathon.logic.dataset import keep_codes_as_text, prepare_croissant, restate_croissant
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.clock import cache_until_change
from ckanext.marathon.model.feed import Kind
from ckanext.marathon.rdf.lookups import Lookups, read_site
from ckanext.marathon.rdf.profile import build_record_graph, copy_with_published_values
from ckanext.marathon.visibility import is_shown_public


def marathon_structured_data(dataset: dict[str, Any]) -> Markup | None:
    """Return a dataset as JSON of schema.org, for a script of a page; ``None`` if not public."""
    found = _describe_dataset(dataset, is_public=True)
    return None if found is None else write_script(found)


def _describe_dataset(dataset: dict[str, Any], *, is_public: bool) -> dict[str, object] | None:
    """Return a dataset as schema.org has it.

    Args:
        dataset: as ``package_show`` gives it.
        is_public: only if the log has it; else one that is not in the log is described as well.
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


def marathon_croissant(dataset: dict[str, Any]) -> Markup:
    """Return a dataset as Croissant, which ckanext-dcat writes, for a script of a page.

    Kept for visitors until a change: it took a tenth of the page's time.
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
    """Return a dataset as Croissant, in which there are only files that a reader can check.

    What schema.org has a word for is said as in the page's own description.
    """
    if len(args) < 2 and not named.get("jsonld_context"):
        # ckanext-dcat read the setting when it was imported, perhaps before there were any.
        language = tk.config.get("ckan.locale_default") or "en"
        named["jsonld_context"] = {**JSONLD_CONTEXT, "@language": language}
    written = next_(
        prepare_croissant(copy_with_published_values(dataset, read_site())), *args, **named
    )
    return keep_codes_as_text(
        restate_croissant(written, _describe_dataset(dataset, is_public=False) or {})
    )


def write_script(found: dict[str, object]) -> Markup:
    """Return JSON for a script of a page: nothing in it can end the script."""
    text = json.dumps(found, ensure_ascii=False, indent=1)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped for a script


# Type → what its short addresses begin with.
LETTERS = {"idea": "i", "workshop": "w", "dataset": "d"}
LONGEST = 200
_AUDIO = (".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wav", ".weba")


class Share(NamedTuple):
    """Addresses with which a thing is passed on; all of them are links, nothing is sent.

    ``code`` is that of the short address, "" where there is none.
    """

    code: str
    address: str
    qr: str
    whatsapp: str
    poster: str


class Audio(NamedTuple):
    """A recording: its address, whether this site has the file, and who has it."""

    href: str
    is_here: bool
    host: str


def marathon_share(thing: dict[str, Any]) -> Share | None:
    """Return how to pass on a thing; ``None`` for one that not everybody may see."""
    letter = LETTERS.get(thing["type"])
    if letter is None or not is_shown_public(thing):
        return None
    code = package_model.shorten_id(thing["type"], thing["id"])
    address = f"{read_site().url}/{letter}/{code}" if code else marathon_page_address(thing)
    return Share(
        code=code,
        address=address,
        qr=tk.h.url_for(f"marathon_short.{thing['type']}_qr", code=code) if code else "",
        whatsapp=f"https://wa.me/?text={quote(f'{_write_title(thing)} {address}', safe='')}",
        poster=tk.h.url_for(f"marathon_poster.{thing['type']}", id=thing["name"]),
    )


def marathon_is_public(package: dict[str, Any]) -> bool:
    """Return whether everybody may see a package that an action has shown."""
    return is_shown_public(package)


def marathon_page_address(thing: dict[str, Any]) -> str:
    """Return the one address of a page in the reader's language, whole."""
    lang = tk.h.lang()
    locale = "default" if lang == tk.config.get("ckan.locale_default") else lang
    return tk.h.url_for(f"{thing['type']}.read", id=thing["name"], locale=locale, _external=True)


def marathon_description(thing: dict[str, Any]) -> str:
    """Return what a thing is, in plain text, for search engines and for cards in chats."""
    if thing["type"] == "idea":
        return marathon_story(thing).text
    notes = tk.h.get_translated(thing, "notes") or ""
    text = tk.h.markdown_extract(notes, extract_length=LONGEST) if notes else ""
    return str(text) or marathon_thing_note(thing) or _write_title(thing)


def list_poster_lines(thing: dict[str, Any]) -> list[str]:
    """Return what the sheet for the wall says of a thing, a sentence each."""
    if thing["type"] == "idea":
        return [marathon_story(thing).text]
    if thing["type"] == "workshop":
        return [each for each in (_write_when_and_where(thing), _write_extract(thing)) if each]
    return [each for each in (_write_origin(thing), _write_extract(thing)) if each]


def marathon_audio(address: str) -> Audio:
    """Return how to offer a recording: a player only for a file of this site.

    A player for another host's would have the browser ask that host.
    """
    parts = urlsplit(address)
    is_here = parts.netloc == urlsplit(read_site().url).netloc
    is_audio = parts.path.lower().endswith(_AUDIO)
    return Audio(address, is_here and is_audio, marathon_host(address))


def _write_title(thing: dict[str, Any]) -> str:
    return thing.get("title") or thing["name"]


def _write_extract(thing: dict[str, Any]) -> str:
    return str(tk.h.markdown_extract(tk.h.get_translated(thing, "notes") or "", LONGEST))


def _write_when_and_where(workshop: dict[str, Any]) -> str:
    starts_at, rsvp_by = workshop.get("starts_at"), workshop.get("rsvp_by")
    parts = [marathon_period(starts_at, workshop.get("ends_at")) if starts_at else ""]
    parts.append(workshop.get("venue") or "")
    if rsvp_by and workshop.get("status") == workshop_domain.ANNOUNCED:
        parts.append(f"{tk._('Confirm by')}: {marathon_date(rsvp_by)}")
    return " · ".join(each for each in parts if each)


def _write_origin(dataset: dict[str, Any]) -> str:
    for idea in dataset.get("ideas") or []:
        if idea.get("workshop"):
            text = tk._("This data comes from the idea “{idea}”, said in “{workshop}”.")
            return text.format(idea=idea["title"], workshop=idea["workshop"]["title"])
        return tk._("This data comes from the idea “{idea}”.").format(idea=idea["title"])
    return ""


_FOLLOWING_ACTIONS = {"dataset": "am_following_dataset", "organization": "am_following_group"}


class Following(NamedTuple):
    """What a person who is logged in gets of a thing.

    Attributes:
        is_following: whether they follow it.
        mails: the site sends what is new by e-mail.
        wants_mails: they asked for that, and have an address.
    """

    is_following: bool
    mails: bool
    wants_mails: bool


def marathon_news(kind: str = "", code: str = "") -> str:
    """Return the address of the news of a part of the catalogue; of everything without a kind."""
    part: dict[str, Any] = {"kind": kind, "code": code} if kind else {}
    return tk.h.url_for("marathon_news.atom", **part)


def marathon_following(kind: str, id_: str) -> Following | None:
    """Return what the visitor gets of a ``dataset`` (of any type) or an ``organization``.

    ``None`` for those who are not logged in.
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
