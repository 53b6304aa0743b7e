"""Where this site's IRIs start, and the ids that the starter catalogue's things get on it."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

import ckan.plugins.toolkit as tk
from ckanext.dcat.utils import catalog_uri

from ckanext.marathon.operations.starter_content import Item


def base() -> str:
    """Return the start of the IRIs of this site's things, without final slash."""
    return str(catalog_uri()).rstrip("/")


def vocabulary_base() -> str:
    """Return the start of the IRIs of our concepts, without final slash."""
    configured = tk.config.get("ckanext.marathon.vocabulary_base_uri")
    return str(configured or f"{base()}/vocabulary").rstrip("/")


def id_of(item: Item) -> str:
    """Return the id of an item on this site: another one on every site, the same each time.

    So that it is found again after somebody renamed it.
    """
    return str(uuid5(NAMESPACE_URL, f"{base()}/starter/{item.type}/{item.name}"))
