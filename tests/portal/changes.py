"""Edits between two harvests, with one dataset for each kind of change."""

from __future__ import annotations

import time
from typing import Any

from tests.portal.content import IDEA, JACALTENANGO, dataset
from tests.sites import Site

EDITED = "pozos-1"
RENAMED = "pozos-2"
DELETED = "pozos-3"
WITHDRAWN = "pozos-4"
UNPUBLISHED = "pozos-5"
PURGED = "pozos-6"
ADDED = "pozos-7"
UNTOUCHED = "presupuesto-agua"
NATIONAL = "codigos"

PUBLISHED = (EDITED, RENAMED, DELETED, WITHDRAWN, UNPUBLISHED, PURGED, UNTOUCHED, NATIONAL)
GONE = (DELETED, WITHDRAWN, UNPUBLISHED, PURGED)
NEW_NAME = "profundidad-de-los-pozos"


def make(site: Site) -> None:
    """Change the catalogue that :func:`tests.portal.content.fill` made."""
    shown = site.action("package_show", id=EDITED)
    added = {"url": "https://example.gt/pozos.geojson", "name": "Mapa", "format": "GeoJSON"}
    site.action(
        "package_patch",
        id=EDITED,
        title="Pozos, corregido",
        notes="Corregido.",
        resources=[*shown["resources"], added],
    )
    site.action("package_patch", id=RENAMED, name=NEW_NAME, title="Profundidad de los pozos")
    site.action("package_owner_org_update", id=NEW_NAME, organization_id="jacaltenango")
    site.action("package_delete", id=DELETED)
    site.action("package_patch", id=WITHDRAWN, private=True)
    # CKAN's button "Unpublish".
    site.action("package_patch", id=UNPUBLISHED, state="draft")
    site.action("dataset_purge", id=PURGED)
    dataset(site, ADDED, title="Pozos de la zona 7")
    # The values that a dataset gets from its idea and its organisation change without a save of it.
    site.action("package_patch", id=IDEA, municipality=[JACALTENANGO])
    site.action("organization_patch", id="villa-nueva", title="Villa Nueva, municipalidad")


def wait_for_index(site: Site) -> None:
    """Wait until the background worker has indexed the records that depend on the changed ones.

    Raises:
        AssertionError: it did not within a minute.
    """
    wanted = {
        f"vocab_municipality:{JACALTENANGO}": UNTOUCHED,
        "organization:jacaltenango": NEW_NAME,
    }
    deadline = time.monotonic() + 60
    for query, name in wanted.items():
        while not any(found["name"] == name for found in _search(site, query)):
            assert time.monotonic() < deadline, f"{name} is not found by {query}"
            time.sleep(0.2)


def _search(site: Site, query: str) -> list[dict[str, Any]]:
    return site.action("package_search", fq=f"dataset_type:dataset {query}", rows=100)["results"]
