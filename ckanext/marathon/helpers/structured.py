"""What a page tells search engines and programs about the dataset that it shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckanext.dcat.profiles.croissant import JSONLD_CONTEXT
from markupsafe import Markup

from ckanext.marathon.feeds import keys, schema_org
from ckanext.marathon.feeds.keys import Key
from ckanext.marathon.logic.dataset import keep_codes_as_text, prepare_croissant, restate_croissant
from ckanext.marathon.model.clock import cache_until_change
from ckanext.marathon.model.feed import Kind
from ckanext.marathon.rdf.lookups import Lookups, read_site
from ckanext.marathon.rdf.profile import build_record_graph, copy_with_published_values


def marathon_structured_data(dataset: dict[str, Any]) -> Markup | None:
    """Return a dataset as JSON of schema.org, for a script of a page; ``None`` if not public."""
    found = _described(dataset, is_public=True)
    return None if found is None else script(found)


def _described(dataset: dict[str, Any], *, is_public: bool) -> dict[str, object] | None:
    """Return a dataset as schema.org has it.

    Args:
        dataset: as ``package_show`` gives it.
        is_public: only if the log has it; else one that is not in the log is described as well.
    """
    here = keys.find_site()
    key = Key(Kind.DATASET, str(dataset["id"]))
    iri = keys.find_iris([key], here)[key]
    title = str(tk.config.get("ckan.site_title") or here.base)
    found = schema_org.describe_dataset(iri, here.base, here.vocabulary, title)
    if found is None and not is_public:
        graph = build_record_graph(dataset, Lookups.of_this_request())
        lines = [*filter(None, graph.serialize(format="nt11", encoding="utf-8").splitlines())]
        found = schema_org.describe_dataset_lines(lines, iri, here.base, here.vocabulary, title)
    # Its page is ours, also where its IRI is another catalogue's.
    return None if found is None else {**found, "url": str(key.iri(here))}


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
def croissant(next_: Callable[..., str], dataset: dict[str, Any], *args: Any, **named: Any) -> str:
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
        restate_croissant(written, _described(dataset, is_public=False) or {})
    )


def script(found: dict[str, object]) -> Markup:
    """Return JSON for a script of a page: nothing in it can end the script."""
    text = json.dumps(found, ensure_ascii=False, indent=1)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped for a script
