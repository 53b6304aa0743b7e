"""Web addresses that prove something: those of this site are shown by what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain import workshop
from ckanext.marathon.model import commitment, package
from ckanext.marathon.rdf import lookups

from .labels import marathon_only_day

TYPES = (package.WORKSHOP, package.IDEA, package.DATASET)
_THING = re.compile(rf"/({'|'.join(TYPES)})/([A-Za-z0-9_-]+)(?:[./?#].*)?", re.DOTALL)


class Evidence(NamedTuple):
    """Something that proves.

    Attributes:
        href: its address.
        title: what it is called; the address itself for what is not of this site.
        type: ``workshop``, ``idea`` or ``dataset``; ``""`` for what is not of this site.
        status: of a workshop or idea.
        day: of a workshop, in words.
    """

    href: str
    title: str
    type: str = ""
    status: str = ""
    day: str = ""
    is_example: bool = False


def shown(addresses: Iterable[str]) -> dict[str, Evidence]:
    """Return address → what to show for it; one query for all of them.

    What is not public, or not there, stays the address that somebody typed.
    """
    meant = {each: _reference(each) for each in addresses}
    found = commitment.find_evidence({each[1] for each in meant.values() if each}, TYPES)
    answer = {}
    for address, reference in meant.items():
        thing = found.get(reference[1]) if reference else None
        if thing is None:
            answer[address] = Evidence(address, address)
            continue
        starts = package.read_stored_text(thing, "starts_at")
        answer[address] = Evidence(
            href=tk.h.url_for(f"{thing.type}.read", id=thing.name),
            title=thing.title or thing.name,
            type=thing.type,
            status=package.read_stored_text(thing, "status")
            if thing.type != package.DATASET
            else "",
            day=marathon_only_day(starts) if workshop.is_time(starts) else "",
            is_example=package.read_stored_flag(thing, "example"),
        )
    return answer


def _reference(address: str) -> tuple[str, str] | None:
    """Return type and id or name of the thing of this site that an address is of."""
    try:
        given = urlsplit(address)
    except ValueError:
        return None
    site = lookups.read_site()
    for root in (site.url, site.base):
        own = urlsplit(root)
        if given.netloc.lower() != own.netloc.lower() or not given.path.startswith(own.path):
            continue
        path = given.path[len(own.path) :]
        for locale in tk.aslist(tk.config.get("ckan.locales_offered")):
            path = path.removeprefix(f"/{locale}") if path.startswith(f"/{locale}/") else path
        found = _THING.fullmatch(path)
        if found:
            return found[1], found[2]
    return None
