"""The files that the map of ``marathon_site`` is drawn from, and where they are."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import ckan.plugins.toolkit as tk

from ckanext.marathon.vocabulary.territory import ATTRIBUTION, build_topology

LEAFLET, STYLE, BOUNDARIES = "leaflet.js", "leaflet.css", "municipalities.json"
MEDIA_TYPES = {
    LEAFLET: "text/javascript",
    STYLE: "text/css",
    BOUNDARIES: "application/json",
}
# Stands for a code in the address of a municipality's page.
ANY_CODE = "0000"


class Part(NamedTuple):
    """A file that changes with a version of the program only; ``digest`` is its version."""

    body: bytes
    zipped: bytes
    digest: str


class Map(NamedTuple):
    """Addresses that the map needs, and whose the boundaries are."""

    script: str
    style: str
    boundaries: str
    figures: str
    place: str
    attribution: str


@lru_cache(maxsize=len(MEDIA_TYPES))
def part(name: str) -> Part:
    """Return a file, one of :data:`MEDIA_TYPES`."""
    if name == BOUNDARIES:
        body = build_topology("municipality")
    else:
        body = files("xstatic.pkg.leaflet").joinpath("data", name).read_bytes()
    return Part(body, gzip.compress(body, mtime=0), hashlib.sha256(body).hexdigest()[:12])


def marathon_map() -> Map:
    """Return what the map is drawn from; all of it is on this site."""
    return Map(
        script=_address(LEAFLET),
        style=_address(STYLE),
        boundaries=_address(BOUNDARIES),
        figures=tk.h.url_for("marathon_map.numbers", locale="default"),
        place=tk.h.url_for("marathon_place.municipality", code=ANY_CODE),
        attribution=ATTRIBUTION,
    )


def _address(name: str) -> str:
    return tk.h.url_for("marathon_map.part", name=name, v=part(name).digest, locale="default")
