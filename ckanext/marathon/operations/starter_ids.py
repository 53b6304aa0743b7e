"""Where this site's concepts start, and the ids that the starter catalogue's things get on it."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from ckanext.marathon.operations.starter_content import Item
from ckanext.marathon.rdf.lookups import site


def vocabulary_base() -> str:
    """Return the start of the IRIs of our concepts, without final slash."""
    return site().vocabulary


def id_of(item: Item) -> str:
    """Return the id of an item on this site: another one on every site, the same each time.

    So that it is found again after somebody renamed it.
    """
    return str(uuid5(NAMESPACE_URL, f"{site().base}/starter/{item.type}/{item.name}"))


def id_of_link(item: Item, link: str) -> str:
    """Return the id of the resource of an item that is answered by this site itself."""
    return str(uuid5(NAMESPACE_URL, f"{id_of(item)}{link}"))


def address_of(link: str) -> str:
    """Return where a path of this site is served."""
    return f"{site().url}{link}"
