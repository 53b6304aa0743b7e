"""What a page tells search engines and programs about the dataset that it shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckanext.dcat.profiles.croissant import JSONLD_CONTEXT
from markupsafe import Markup

from ckanext.marathon.domain import dates
from ckanext.marathon.feeds import keys, schema_org
from ckanext.marathon.feeds.keys import Key
from ckanext.marathon.logic.croissant import keep_codes, prepare
from ckanext.marathon.model.feed import Kind
from ckanext.marathon.model.kept import until_a_change


def marathon_structured_data(dataset: dict[str, Any]) -> Markup | None:
    """Return a dataset as JSON of schema.org, for a script of a page; ``None`` if not public."""
    site = keys.site()
    key = Key(Kind.DATASET, str(dataset["id"]))
    iri = keys.iris([key], site)[key]
    title = str(tk.config.get("ckan.site_title") or site.base)
    found = schema_org.of(iri, site.base, site.vocabulary, title)
    # Its page is ours, also where its IRI is another catalogue's.
    return None if found is None else script({**found, "url": str(key.iri(site))})


def marathon_croissant(dataset: dict[str, Any]) -> Markup:
    """Return a dataset as Croissant, which ckanext-dcat writes, for a script of a page.

    Kept for visitors until a change: it took a tenth of the page's time.
    """

    def make() -> Markup:
        return Markup(tk.h.croissant(dataset))  # noqa: S704 - made of JSON by ckanext-dcat

    if current_user.is_authenticated:
        return make()
    key = (dataset["id"], dataset["metadata_modified"], tk.h.lang())
    return until_a_change("croissants", key, make)


def _dated(dataset: dict[str, Any]) -> dict[str, Any]:
    """Return a dataset with the dates that its RDF has.

    ckanext-dcat would say when the draft was begun, and read 03/06/2017 as a day in March.
    """
    issued, modified = (dataset.get(name) for name in ("issued", "modified"))
    saved = str(dataset.get("metadata_modified") or "")
    dated = {
        "issued": dates.readable(issued or dataset.get("first_published")),
        "modified": dates.readable(modified or (saved and f"{saved}+00:00")),
    }
    # They would stand in for what is no date.
    return {**dataset, **dated, "metadata_created": None, "metadata_modified": None}


@tk.chained_helper
def croissant(next_: Callable[..., str], dataset: dict[str, Any], *args: Any, **named: Any) -> str:
    """Return a dataset as Croissant, in which there are only files that a reader can check."""
    if len(args) < 2 and not named.get("jsonld_context"):
        # ckanext-dcat read the setting when it was imported, perhaps before there were any.
        language = tk.config.get("ckan.locale_default") or "en"
        named["jsonld_context"] = {**JSONLD_CONTEXT, "@language": language}
    return keep_codes(next_(prepare(_dated(dataset)), *args, **named))


def script(found: dict[str, object]) -> Markup:
    """Return JSON for a script of a page: nothing in it can end the script."""
    text = json.dumps(found, ensure_ascii=False, indent=1)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped for a script
