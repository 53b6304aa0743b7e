"""The catalogue and its parts as RDF, at the addresses that stock CKAN portals use.

It is answered from the feed's log. What the log cannot answer (searches, other profiles, a log
that is not complete yet) is built by ckanext-dcat with our profile behind it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import ckan.plugins.toolkit as tk
from ckan.lib.search.common import SearchError, SolrConnectionError
from ckan.types import Response
from ckanext.dcat.exceptions import RDFProfileException
from flask import Blueprint, request
from flask import Response as FlaskResponse

from ckanext.marathon.feeds import catalogue, log_state, searched, sheet
from ckanext.marathon.feeds.catalogue import DATA_JSON, FORMATS, RDF_DOCUMENTS
from ckanext.marathon.feeds.data_json import US
from ckanext.marathon.feeds.log_state import LogNotReady
from ckanext.marathon.feeds.scopes import THE_WHOLE, CataloguePart
from ckanext.marathon.feeds.searched import Search
from ckanext.marathon.spreadsheets.table import XLSX

from . import parts
from .conditional import answer, unchanged, validate
from .negotiation import vary_by_accept, wanted_extension

catalog = Blueprint("marathon_catalog", __name__)

# CKAN's own; marathon_site has another (``views/home.py``).
HOME = "home.index"
# More pages than any catalogue has; Solr counts rows in 32 bits.
LAST_PAGE = 10_000_000
# What only a search can answer.
SEARCHES = ("q", "fq", "modified_since", "profiles")


def page(part: CataloguePart, extension: str) -> Response:
    """Return one page (``page``, from 1) in a format of ``documents.RDF``.

    ``q``, ``fq``, ``modified_since`` and ``profiles`` narrow it (:class:`.searched.Search`), as in
    ckanext-dcat. An answer of 400, 404 or 503 says in plain text what to do.
    """
    if extension not in RDF_DOCUMENTS:
        return _no_such_format([*RDF_DOCUMENTS, "csv", "xlsx"])
    number = request.args.get("page") or "1"
    is_number = number.isascii() and number.isdigit() and len(number) <= len(str(LAST_PAGE))
    if not is_number or not 1 <= int(number) <= LAST_PAGE:
        return parts.refusal(400, tk._("page is a whole number, from 1:"), number[:50])
    if any(request.args.get(name) for name in SEARCHES):
        return _searched(part, extension, int(number))
    root = f"{parts.address(part)}/catalog"
    try:
        known = unchanged(extension)
        if known is not None:
            return known
        document = catalogue.read_page(part, int(number), extension, f"{root}.{extension}")
    except LogNotReady:
        return _searched(part, extension, int(number))
    if document is None:
        return parts.refusal(404, tk._("There are fewer pages:"), number)
    links = {
        _RELATIONS[name]: f"{root}.{extension}?page={other}"
        for name, other in document.links.items()
    }
    others = {
        each.media_type: f"{root}.{each.extension}?page={int(number)}"
        for each in RDF_DOCUMENTS.values()
    }
    return answer(document, RDF_DOCUMENTS[extension], links, others)


# Names of IANA's link relations.
_RELATIONS = {"first": "first", "last": "last", "next": "next", "previous": "prev"}


def everything(part: CataloguePart, extension: str) -> Response:
    """Return all in one document, as it is at one moment.

    It is not searched, nor described by other profiles: what asks for that is answered with 400 and
    the address that does so. Everything would be taken for what was asked for.
    """
    if extension not in RDF_DOCUMENTS:
        return _no_such_format(RDF_DOCUMENTS)
    asked = [name for name in SEARCHES if request.args.get(name)]
    if asked:
        message = tk._("The whole catalogue does not take {names}. The pages do, from:")
        root = f"{parts.address(part)}/catalog.{extension}"
        return parts.refusal(400, message.format(names=", ".join(asked)), root)
    return _whole(part, extension)


def data_json(part: CataloguePart) -> Response:
    """Return the whole inventory as DCAT-US 1.1, or in the profile that ``profile`` names."""
    profile = request.args.get("profile") or US
    extension = {name: each for each, name in DATA_JSON.items()}.get(profile)
    if extension is None:
        known = ", ".join(DATA_JSON.values())
        return parts.refusal(400, tk._("There is no such profile. These exist:"), known)
    return _whole(part, extension)


def table(part: CataloguePart) -> Response:
    """Return the whole inventory as CSV."""
    return _named(_whole(part, "csv"), part, "csv")


def workbook(part: CataloguePart) -> Response:
    """Return the whole inventory as a workbook of Excel."""
    try:
        known = unchanged("xlsx")
        if known is not None:
            return known
        state = log_state.require_ready(log_state.read_state())
        book = sheet.make_workbook(catalogue.read_datasets(part))
    except LogNotReady:
        return parts.not_ready()
    file = io.BytesIO()
    book.save(file)
    answer = FlaskResponse(file.getvalue(), content_type=XLSX)
    validate(answer, state, "xlsx")
    return _named(answer, part, "xlsx")


def _whole(part: CataloguePart, extension: str) -> Response:
    try:
        known = unchanged(extension)
        if known is not None:
            return known
        document = catalogue.read_everything(part, extension)
    except LogNotReady:
        return parts.not_ready()
    root = parts.address(part)
    others = {
        each.media_type: f"{root}/catalog/all.{each.extension}" for each in RDF_DOCUMENTS.values()
    }
    others |= {"application/json": f"{root}/data.json", "text/csv": f"{root}/catalog.csv"}
    links = {"first": f"{root}/catalog.{extension}"} if extension in RDF_DOCUMENTS else {}
    return answer(document, FORMATS[extension], links, others)


def _named(answer: Response, part: CataloguePart, extension: str) -> Response:
    """Let a browser save a file under a name that says what it is of."""
    name = "-".join(filter(None, ("inventario", *part.scope)))
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{extension}"'
    return answer


def _no_such_format(known: Iterable[str]) -> Response:
    return parts.refusal(404, tk._("There is no such format. These exist:"), ", ".join(known))


# By which a search finds the datasets of a part.
_FILTERS = {
    "municipality": "vocab_municipality",
    "department": "vocab_department",
    "service-problem": "vocab_service_problem",
    "organization": "owner_org",
    "workshop": "vocab_workshop",
    "idea": "vocab_idea",
}


def _searched(part: CataloguePart, extension: str, number: int) -> Response:
    """Return what a search finds; slower, and it needs Solr."""
    given = {name: request.args.get(name) or "" for name in SEARCHES}
    within = f'+{_FILTERS[part.scope.kind]}:"{part.scope.code}"' if part.scope.kind else ""
    address = f"{parts.address(part)}/catalog.{extension}"
    try:
        body = searched.page(Search(**given), within, number, extension, address)
    except ValueError:
        message = tk._("modified_since is a date, 2026-01-31 or 2026-01-31T09:00:00Z:")
        return parts.refusal(400, message, given["modified_since"][:50])
    except RDFProfileException as error:
        return parts.refusal(400, tk._("The request cannot be understood:"), str(error))
    except SolrConnectionError:
        return parts.busy(tk._("The search engine does not answer. Try again."), 60)
    except SearchError:
        # Its text is the whole query as Solr got it.
        message = tk._("q or fq cannot be understood. Check quotation marks and names of fields.")
        return parts.refusal(400, message)
    return FlaskResponse(body, content_type=RDF_DOCUMENTS[extension].media_type)


@catalog.before_app_request
def send_home_to_data() -> Response | None:
    """Send to the catalogue who prefers RDF to CKAN's home page, whose address is its IRI."""
    extension = wanted_extension() if request.endpoint == HOME else None
    if extension is None:
        return None
    answer = tk.redirect_to(f"{parts.address(THE_WHOLE)}/catalog.{extension}")
    answer.status_code = 303
    return vary_by_accept(answer)


@catalog.after_app_request
def say_that_home_has_other_forms(response: Response) -> Response:
    """Let caches keep CKAN's home page and the redirect to the catalogue apart."""
    return vary_by_accept(response) if request.endpoint == HOME else response


parts.add(catalog, "/catalog.<extension>", page)
parts.add(catalog, "/catalog/all.<extension>", everything)
parts.add(catalog, "/data.json", data_json)
parts.add(catalog, "/catalog.csv", table)
parts.add(catalog, "/catalog.xlsx", workbook)
