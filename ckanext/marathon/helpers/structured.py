"""What a page tells search engines about the dataset that it shows."""

from __future__ import annotations

import json
from typing import Any

import ckan.plugins.toolkit as tk
from markupsafe import Markup

from ckanext.marathon.feeds import keys, schema_org
from ckanext.marathon.feeds.keys import Key
from ckanext.marathon.model.feed import Kind


def marathon_structured_data(dataset: dict[str, Any]) -> Markup | None:
    """Return a dataset as JSON of schema.org, for a script of a page; ``None`` if not public."""
    site = keys.site()
    iri = Key(Kind.DATASET, str(dataset["id"])).iri(site)
    found = schema_org.of(iri, site.base, str(tk.config.get("ckan.site_title") or site.base))
    return None if found is None else script(found)


def script(found: dict[str, object]) -> Markup:
    """Return JSON for a script of a page: nothing in it can end the script."""
    text = json.dumps(found, ensure_ascii=False, indent=1)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
