"""Whether what is published says what other portals ask for and only people can say."""

from __future__ import annotations

import ckan.plugins.toolkit as tk

from ckanext.marathon.model import gaps
from ckanext.marathon.operations.finding import Findings, make_warning
from ckanext.marathon.rdf.iri import web
from ckanext.marathon.rdf.licence import iri_of_licence
from ckanext.marathon.rdf.lookups import CATALOG_LICENCE


def check_descriptions() -> Findings:
    """Check that what is published says what other portals ask for and only people can say."""
    given = str(tk.config.get(CATALOG_LICENCE) or "")
    if not given:
        yield make_warning(
            tk._(
                "The catalogue does not say under which licence its descriptions are, as other "
                "portals ask: set ckanext.marathon.catalog_license, for example to cc-by."
            )
        )
    elif iri_of_licence(given) is None and web(given) is None:
        text = tk._(
            "ckanext.marathon.catalog_license is “{value}”: neither the id of a licence nor an "
            "address. Nothing is published of it."
        )
        yield make_warning(text.format(value=given))
    for count, text in (
        (
            gaps.count_datasets_without_licence(),
            tk._(
                "Public datasets without a licence: {count}. Nobody knows whether they may be "
                "used. Whoever owns the data has to say; their officers choose the licence in the "
                "form."
            ),
        ),
        (
            gaps.count_organizations_without_contact(),
            tk._(
                "Organisations with public datasets and no e-mail address for questions: {count}. "
                "Their administrators fill in “Institutional e-mail”."
            ),
        ),
    ):
        if count:
            yield make_warning(text.format(count=count))
