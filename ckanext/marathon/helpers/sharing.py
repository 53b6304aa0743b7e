"""How a page is passed on: by its short address, as a card in a chat, as a sheet on a wall."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.model import package as package_model
from ckanext.marathon.rdf.lookups import read_site
from ckanext.marathon.visibility import is_shown_public

from .chain import marathon_thing_note
from .labels import marathon_date, marathon_host, marathon_period
from .story import marathon_story

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
        whatsapp=f"https://wa.me/?text={quote(f'{_title(thing)} {address}', safe='')}",
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
    return str(text) or marathon_thing_note(thing) or _title(thing)


def marathon_poster_lines(thing: dict[str, Any]) -> list[str]:
    """Return what the sheet for the wall says of a thing, a sentence each."""
    if thing["type"] == "idea":
        return [marathon_story(thing).text]
    if thing["type"] == "workshop":
        return [each for each in (_when_and_where(thing), _extract(thing)) if each]
    return [each for each in (_origin(thing), _extract(thing)) if each]


def marathon_audio(address: str) -> Audio:
    """Return how to offer a recording: a player only for a file of this site.

    A player for another host's would have the browser ask that host.
    """
    parts = urlsplit(address)
    is_here = parts.netloc == urlsplit(read_site().url).netloc
    is_audio = parts.path.lower().endswith(_AUDIO)
    return Audio(address, is_here and is_audio, marathon_host(address))


def _title(thing: dict[str, Any]) -> str:
    return thing.get("title") or thing["name"]


def _extract(thing: dict[str, Any]) -> str:
    return str(tk.h.markdown_extract(tk.h.get_translated(thing, "notes") or "", LONGEST))


def _when_and_where(workshop: dict[str, Any]) -> str:
    starts_at, rsvp_by = workshop.get("starts_at"), workshop.get("rsvp_by")
    parts = [marathon_period(starts_at, workshop.get("ends_at")) if starts_at else ""]
    parts.append(workshop.get("venue") or "")
    if rsvp_by and workshop.get("status") == workshop_domain.ANNOUNCED:
        parts.append(f"{tk._('Confirm by')}: {marathon_date(rsvp_by)}")
    return " · ".join(each for each in parts if each)


def _origin(dataset: dict[str, Any]) -> str:
    for idea in dataset.get("ideas") or []:
        if idea.get("workshop"):
            text = tk._("This data comes from the idea “{idea}”, said in “{workshop}”.")
            return text.format(idea=idea["title"], workshop=idea["workshop"]["title"])
        return tk._("This data comes from the idea “{idea}”.").format(idea=idea["title"])
    return ""
