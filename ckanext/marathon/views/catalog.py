"""The catalogue and its parts as RDF, at the addresses of stock ckanext-dcat, and its changes.

Each feed has an address for the whole catalogue and one for each part (of a place, a problem, an
organisation, a workshop or an idea); ``/catalog`` documents the feeds for engineers of portals.
Searches are written by ckanext-dcat with our profile; all other feeds come from the feed's log.
Changes are for programs, news for people.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

import ckan.plugins.toolkit as tk
from ckan.lib.search.common import SearchError, SolrConnectionError
from ckan.types import Context, Response
from ckanext.dcat.exceptions import RDFProfileException
from ckanext.dcat.processors import DEFAULT_RDF_PROFILES, RDFSerializer
from ckanext.dcat.utils import dataset_uri, url_to_rdflib_format
from flask import Blueprint, make_response, request
from flask import Response as FlaskResponse
from rdflib import URIRef

from ckanext.marathon.domain import dates
from ckanext.marathon.feeds import atom, catalogue, log_state, sheet, source
from ckanext.marathon.feeds import changes as changes_feeds
from ckanext.marathon.feeds.catalogue import (
    DATA_JSON,
    FORMATS,
    RDF_DOCUMENTS,
    THE_WHOLE,
    CataloguePart,
    Scope,
)
from ckanext.marathon.feeds.data_json import US
from ckanext.marathon.feeds.log_state import LogNotReady
from ckanext.marathon.feeds.publish import publish_settings
from ckanext.marathon.feeds.source import KINDS, PLACES_AND_PROBLEMS
from ckanext.marathon.model import clock, feed_log
from ckanext.marathon.rdf import lookups
from ckanext.marathon.rdf.lookups import Lookups
from ckanext.marathon.rdf.namespaces import DCAT
from ckanext.marathon.rdf.profile import build_graph_by_profiles, join_graphs
from ckanext.marathon.spreadsheets import XLSX
from ckanext.marathon.views.answers import (
    answer_busy,
    answer_bytes,
    answer_document,
    answer_refusal,
    answer_unchanged,
    find_encoding,
    find_wanted_extension,
    is_fresh,
    set_validators,
    share_answer,
    vary_by_accept,
)

PROFILES_OPTION = "ckanext.dcat.rdf.profiles"


@dataclass(frozen=True)
class CatalogueSearch:
    """The parameters of a search of the catalogue, as in ckanext-dcat; "" if not given.

    Attributes:
        q: query of ``package_search``.
        fq: filter of ``package_search``.
        modified_since: ISO 8601; without an offset it is UTC.
        profiles: names separated by commas.
    """

    q: str = ""
    fq: str = ""
    modified_since: str = ""
    profiles: str = ""

    def parameters(self) -> dict[str, str]:
        """Return the parameters that are not empty, by name."""
        return {name: value for name, value in vars(self).items() if value}


def write_search_page(
    search: CatalogueSearch, within: str, number: int, extension: str, address: str
) -> str:
    """Return one page of the results of a search, the latest first.

    Args:
        search: the parameters.
        within: filter of the part of the catalogue, "" for the whole catalogue.
        number: number of the page, from 1.
        extension: one of ``rdf.formats.FORMATS``.
        address: address of the catalogue in this format, without parameters.

    Raises:
        ValueError: ``modified_since`` is no date.
        RDFProfileException: no such profile.
        ckan.lib.search.SearchError: Solr refuses the query, or does not answer.
    """
    # As an anonymous user, so that the answer is the same for everybody.
    context: Context = {"user": "", "auth_user_obj": None}
    size = source.read_page_size()
    given = search.profiles.replace(",", " ") or str(tk.config.get(PROFILES_OPTION) or "")
    profiles = given.split() or list(DEFAULT_RDF_PROFILES)
    serializer = RDFSerializer(profiles=profiles)
    filters = [within, _write_since(search.modified_since)]
    query = {
        "q": search.q or "*:*",
        "fq": search.fq,
        "fq_list": [clause for clause in filters if clause],
        "rows": size,
        "start": size * (number - 1),
        "sort": "metadata_modified desc, id asc",
    }
    found = tk.get_action("package_search")(context, query)
    # The copies in Solr do not have it.
    known = feed_log.read_first_published(result["id"] for result in found["results"])
    for result in found["results"]:
        at = known.get(result["id"])
        result["first_published"] = at.isoformat() if at else None
    last = max(math.ceil(found["count"] / size), 1)
    numbers = {"current": number, "first": 1, "last": last}
    numbers |= {"previous": min(number - 1, last)} if number > 1 else {}
    numbers |= {"next": number + 1} if number < last else {}
    pages = {
        name: f"{address}?{urlencode({**search.parameters(), 'page': str(other)})}"
        for name, other in numbers.items()
    }
    figures = {"count": found["count"], "items_per_page": size, **pages}
    return _write_by_profiles(serializer, profiles, found["results"], figures, extension)


def _write_by_profiles(
    serializer: RDFSerializer,
    profiles: Sequence[str],
    datasets: Iterable[dict[str, Any]],
    figures: dict[str, Any],
    extension: str,
) -> str:
    """Return a page in the form of ckanext-dcat; see :func:`.build_graph_by_profiles`."""
    catalogue = serializer.graph_from_catalog({})
    lookups = Lookups.of_this_request()
    for dataset in datasets:
        iri = URIRef(dataset_uri(dataset))
        join_graphs(serializer.g, build_graph_by_profiles(dataset, lookups, profiles))
        if serializer._add_source_catalog(catalogue, dataset, iri) is None:
            serializer.g.add((catalogue, DCAT.dataset, iri))
    serializer._add_pagination_triples(figures)
    return str(serializer.g.serialize(format=url_to_rdflib_format(extension)))


def _read_time(moment: str) -> datetime:
    """Return a time in ISO 8601 or in a notation of ``domain/dates.py``.

    Raises:
        ValueError: the text is no time.
    """
    try:
        return datetime.fromisoformat(moment)
    except ValueError:
        return dates.find_first_instant(moment)


def _write_since(moment: str) -> str:
    if not moment:
        return ""
    try:
        parsed = _read_time(moment)
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        start = aware.astimezone(UTC).replace(tzinfo=None).isoformat()
    except OverflowError as error:
        raise ValueError(moment) from error
    return f"metadata_modified:[{start}Z TO NOW]"


PartView = Callable[..., Response]


def add_for_parts(
    blueprint: Blueprint, path: str, endpoint: str, view: PartView, whole: str = ""
) -> None:
    """Add the routes of a view for the whole catalogue and for each part.

    Args:
        blueprint: blueprint of the routes.
        path: for example ``/catalog.<extension>``.
        endpoint: endpoint of both routes.
        view: called with a :class:`CataloguePart` and the other variables of the route.
        whole: path for the whole catalogue, if it is not ``path``.
    """
    kinds = ",".join(f'"{kind}"' for kind in KINDS)

    @wraps(view)
    def of_part(kind: str = "", code: str = "", **values: Any) -> Response:
        publish_settings()
        if not kind:
            return view(catalogue.THE_WHOLE, **values)
        try:
            return view(source.find_catalogue_part(kind, code), **values)
        except source.PartElsewhere as found:
            return _redirect_to_part(Scope(kind, code), found.scope)
        except source.PartGone:
            return answer_refusal(410, tk._("It is no longer public:"), f"{kind}/{code}")
        except source.NoPart:
            return _answer_unknown_part(kind, code)

    blueprint.add_url_rule(whole or path, endpoint=endpoint, view_func=of_part)
    blueprint.add_url_rule(
        f"/<any({kinds}):kind>/<code>{path}", endpoint=endpoint, view_func=of_part
    )


def find_part_address(part: CataloguePart) -> str:
    """Return the beginning of the addresses of a part, without final slash."""
    root = lookups.read_site().url
    return f"{root}/{part.scope.name}" if part.scope.kind else root


def _redirect_to_part(asked: Scope, found: Scope) -> Response:
    rest = request.full_path.removesuffix("?").split(f"/{asked.code}/", 1)
    # A code with escaped characters does not occur literally in the address.
    tail = rest[1] if len(rest) == 2 else request.full_path.rsplit("/", 1)[1].removesuffix("?")
    return tk.redirect_to(tk.h.url_for(f"/{found.name}/{tail}"))


def _answer_unknown_part(kind: str, code: str) -> Response:
    site = lookups.read_site().url
    if kind in PLACES_AND_PROBLEMS:
        known = f"{site}/vocabulary/{kind}"
    else:
        known = f"{site}/api/3/action/" + {
            "organization": "organization_list",
            "workshop": "package_search?fq=dataset_type:workshop",
            "idea": "package_search?fq=dataset_type:idea",
        }.get(kind, "")
    return answer_refusal(404, tk._("There is no such part of the catalogue. These exist:"), known)


portal = Blueprint("marathon_portal", __name__)


def show_portal(part: CataloguePart) -> Response:
    """Show the page about the feeds; redirect clients that prefer RDF to the catalogue."""
    extension = find_wanted_extension()
    root = find_part_address(part)
    if extension:
        answer = tk.redirect_to(f"{root}/catalog.{extension}")
        answer.status_code = 303
        return vary_by_accept(answer)
    state = log_state.read_state()
    page = tk.render(
        "marathon/portal/index.html",
        {
            "root": root,
            "site_url": lookups.read_site().url,
            "name": part.titles.get(tk.h.lang()) or part.titles.get("es") or "",
            "kind": part.scope.kind,
            "state": state,
            "page_size": clock.read_clock().page_size,
            "public": feed_log.count_public_datasets(part.scope.name),
            "changes_a_page": changes_feeds.SIZE,
            "formats": [
                rdf_format
                for rdf_format in catalogue.RDF_DOCUMENTS.values()
                if rdf_format.extension != "xml"
            ],
            "change_formats": changes_feeds.FORMATS.values(),
            "contact": tk.config.get("email_to") or "",
        },
    )
    return vary_by_accept(make_response(page))


add_for_parts(portal, "/catalog", "index", show_portal)


catalog = Blueprint("marathon_catalog", __name__)

# CKAN's home page; ``marathon_site`` has another one (``views/home.py``).
HOME = "home.index"
# Larger than the number of pages of any catalogue; Solr's row numbers have 32 bits.
LAST_PAGE = 10_000_000
# Parameters that need a search.
SEARCHES = ("q", "fq", "modified_since", "profiles")


def show_catalogue_page(part: CataloguePart, extension: str) -> Response:
    """Return one page (``page``, from 1) in a format of ``RDF_DOCUMENTS``.

    ``q``, ``fq``, ``modified_since`` and ``profiles`` are the parameters of ckanext-dcat. Answers
    with 400, 404 or 503 are plain text.
    """
    if extension not in RDF_DOCUMENTS:
        return _refuse_format([*RDF_DOCUMENTS, "csv", "xlsx"])
    number = request.args.get("page") or "1"
    is_number = number.isascii() and number.isdigit() and len(number) <= len(str(LAST_PAGE))
    if not is_number or not 1 <= int(number) <= LAST_PAGE:
        return answer_refusal(400, tk._("page is a whole number, from 1:"), number[:50])
    if any(request.args.get(name) for name in SEARCHES):
        return _answer_search(part, extension, int(number))
    root = f"{find_part_address(part)}/catalog"
    try:
        known = answer_unchanged(extension)
        if known is not None:
            return known
        document = catalogue.read_page(part, int(number), extension, f"{root}.{extension}")
    except LogNotReady:
        return _answer_search(part, extension, int(number))
    if document is None:
        return answer_refusal(404, tk._("There are fewer pages:"), number)
    links = {
        _RELATIONS[name]: f"{root}.{extension}?page={other}"
        for name, other in document.links.items()
    }
    others = {
        rdf_format.media_type: f"{root}.{rdf_format.extension}?page={int(number)}"
        for rdf_format in RDF_DOCUMENTS.values()
    }
    return answer_document(document, RDF_DOCUMENTS[extension], links, others)


# Names of IANA's link relations.
_RELATIONS = {"first": "first", "last": "last", "next": "next", "previous": "prev"}


def show_everything(part: CataloguePart, extension: str) -> Response:
    """Return the whole catalogue in one document, in one consistent state.

    Parameters of a search or of another profile are answered with 400 and the address that supports
    them. If they were ignored, the answer would look like the result of the search.
    """
    if extension not in RDF_DOCUMENTS:
        return _refuse_format(RDF_DOCUMENTS)
    asked = [name for name in SEARCHES if request.args.get(name)]
    if asked:
        message = tk._("The whole catalogue does not take {names}. The pages do, from:")
        root = f"{find_part_address(part)}/catalog.{extension}"
        return answer_refusal(400, message.format(names=", ".join(asked)), root)
    return _answer_whole(part, extension)


def show_data_json(part: CataloguePart) -> Response:
    """Return the whole inventory as DCAT-US 1.1, or in the profile of the parameter ``profile``."""
    profile = request.args.get("profile") or US
    extension = {name: path for path, name in DATA_JSON.items()}.get(profile)
    if extension is None:
        known = ", ".join(DATA_JSON.values())
        return answer_refusal(400, tk._("There is no such profile. These exist:"), known)
    return _answer_whole(part, extension)


def show_table(part: CataloguePart) -> Response:
    """Return the whole inventory as CSV."""
    return _name_file(_answer_whole(part, "csv"), part, "csv")


def show_workbook(part: CataloguePart) -> Response:
    """Return the whole inventory as a workbook of Excel."""
    known = answer_unchanged("xlsx")
    if known is not None:
        return known
    state = log_state.require_ready(log_state.read_state())
    book = sheet.make_workbook(catalogue.read_datasets(part))
    file = io.BytesIO()
    book.save(file)
    answer = FlaskResponse(file.getvalue(), content_type=XLSX)
    set_validators(answer, state, "xlsx")
    return _name_file(answer, part, "xlsx")


def _answer_whole(part: CataloguePart, extension: str) -> Response:
    known = answer_unchanged(extension)
    if known is not None:
        return known
    document = catalogue.read_everything(part, extension)
    root = find_part_address(part)
    others = {
        rdf_format.media_type: f"{root}/catalog/all.{rdf_format.extension}"
        for rdf_format in RDF_DOCUMENTS.values()
    }
    others |= {"application/json": f"{root}/data.json", "text/csv": f"{root}/catalog.csv"}
    links = {"first": f"{root}/catalog.{extension}"} if extension in RDF_DOCUMENTS else {}
    return answer_document(document, FORMATS[extension], links, others)


def _name_file(answer: Response, part: CataloguePart, extension: str) -> Response:
    """Set the file name for saving, such as ``inventario-municipality-0115.csv``."""
    name = "-".join(filter(None, ("inventario", *part.scope)))
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{extension}"'
    return answer


def _refuse_format(known: Iterable[str]) -> Response:
    return answer_refusal(404, tk._("There is no such format. These exist:"), ", ".join(known))


# Solr filter for the datasets of a part.
_FILTERS = {
    "municipality": "vocab_municipality",
    "department": "vocab_department",
    "service-problem": "vocab_service_problem",
    "organization": "owner_org",
    "workshop": "vocab_workshop",
    "idea": "vocab_idea",
}


def _answer_search(part: CataloguePart, extension: str, number: int) -> Response:
    """Return the result of a search; slower than the log, and it needs Solr."""
    given = {name: request.args.get(name) or "" for name in SEARCHES}
    within = f'+{_FILTERS[part.scope.kind]}:"{part.scope.code}"' if part.scope.kind else ""
    address = f"{find_part_address(part)}/catalog.{extension}"
    try:
        body = write_search_page(CatalogueSearch(**given), within, number, extension, address)
    except ValueError:
        message = tk._("modified_since is a date, 2026-01-31 or 2026-01-31T09:00:00Z:")
        return answer_refusal(400, message, given["modified_since"][:50])
    except RDFProfileException as error:
        return answer_refusal(400, tk._("The request cannot be understood:"), str(error))
    except SolrConnectionError:
        return answer_busy(tk._("The search engine does not answer. Try again."), 60)
    except SearchError:
        # The exception's own text repeats the whole query.
        message = tk._("q or fq cannot be understood. Check quotation marks and names of fields.")
        return answer_refusal(400, message)
    return FlaskResponse(body, content_type=RDF_DOCUMENTS[extension].media_type)


@catalog.before_app_request
def send_home_to_data() -> Response | None:
    """Redirect clients that prefer RDF from the home page, whose address is the catalogue's IRI."""
    extension = find_wanted_extension() if request.endpoint == HOME else None
    if extension is None:
        return None
    answer = tk.redirect_to(f"{find_part_address(THE_WHOLE)}/catalog.{extension}")
    answer.status_code = 303
    return vary_by_accept(answer)


@catalog.after_app_request
def add_vary_to_home(response: Response) -> Response:
    """Add ``Vary: Accept`` to CKAN's home page, which redirects clients that prefer RDF."""
    return vary_by_accept(response) if request.endpoint == HOME else response


add_for_parts(catalog, "/catalog.<extension>", "page", show_catalogue_page)
add_for_parts(catalog, "/catalog/all.<extension>", "everything", show_everything)
add_for_parts(catalog, "/data.json", "data_json", show_data_json)
add_for_parts(catalog, "/catalog.csv", "table", show_table)
add_for_parts(catalog, "/catalog.xlsx", "workbook", show_workbook)


changes = Blueprint("marathon_changes", __name__)


def negotiate_changes(part: CataloguePart) -> Response:
    """Return a page of changes in the format that the client prefers, by default TriG."""
    known = {
        rdf_format.media_type: rdf_format.extension for rdf_format in changes_feeds.FORMATS.values()
    }
    wanted = request.accept_mimetypes.best_match(list(known))
    if request.accept_mimetypes and wanted is None:
        return answer_refusal(406, tk._("There is no such format. These exist:"), ", ".join(known))
    extension = known.get(wanted or "", "trig")
    return vary_by_accept(
        _answer_changes(part, extension, f"{find_part_address(part)}/catalog/changes")
    )


def show_changes(part: CataloguePart, extension: str) -> Response:
    """Return a page of changes after a cursor (``since``); as Atom, the newest changes."""
    if extension == "atom":
        return _answer_atom(part)
    if extension not in changes_feeds.FORMATS:
        known = ", ".join([*changes_feeds.FORMATS, "atom"])
        return answer_refusal(404, tk._("There is no such format. These exist:"), known)
    return _answer_changes(
        part, extension, f"{find_part_address(part)}/catalog/changes.{extension}"
    )


def _answer_changes(part: CataloguePart, extension: str, address: str) -> Response:
    everything = f"{find_part_address(part)}/catalog/all.ttl"
    try:
        found = changes_feeds.read_changes(part, request.args.get("since", ""))
    except changes_feeds.MalformedCursor:
        message = tk._("since is a cursor, as an earlier answer gave it. The first page:")
        return answer_refusal(400, message, address)
    except changes_feeds.OutdatedCursor:
        message = tk._(
            "Numbers of changes were lost. Fetch everything again, and follow from there:"
        )
        answer = answer_refusal(410, message, everything)
        answer.headers["Link"] = f'<{everything}>; rel="start"'
        return answer
    with found:
        answer = FlaskResponse(status=304)
        answer.set_etag(f"{found.digest}.{extension}.{find_encoding()}")
        share_answer(answer, found.cursor)
        if is_fresh(answer):
            return answer
        written = answer_bytes(
            found.write(address, extension), changes_feeds.FORMATS[extension].media_type
        )
    written.set_etag(answer.get_etag()[0] or "")
    links = [f'<{everything}>; rel="start"', f'<{address}>; rel="first"']
    if not found.is_last:
        links.append(f'<{address}?since={found.cursor}>; rel="next"')
    written.headers["Link"] = ", ".join(links)
    return share_answer(written, found.cursor)


def _answer_atom(part: CataloguePart) -> Response:
    address = f"{find_part_address(part)}/catalog/changes.atom"
    state = log_state.require_ready(log_state.read_state())
    answer = FlaskResponse(status=304)
    # The feed has texts of one language: the ETag depends on it.
    set_validators(answer, state, f"atom.{tk.h.lang()}")
    if is_fresh(answer):
        return answer
    body, cursor = atom.write_changes_atom(part, address, lookups.read_site().url)
    written = answer_bytes(body, atom.MEDIA_TYPE)
    set_validators(written, state, f"atom.{tk.h.lang()}")
    return share_answer(written, cursor)


add_for_parts(changes, "/catalog/changes", "negotiated", negotiate_changes)
add_for_parts(changes, "/catalog/changes.<extension>", "page", show_changes)


news = Blueprint("marathon_news", __name__)


def show_news(part: CataloguePart) -> Response:
    """Return the latest news as Atom, in the language of the address."""
    state = log_state.require_ready(log_state.read_state())
    answer = FlaskResponse(status=304)
    set_validators(answer, state, f"news.{tk.h.lang()}")
    if is_fresh(answer):
        return answer
    scope = part.scope
    address = tk.h.url_for(
        "marathon_news.atom",
        **({"kind": scope.kind, "code": scope.code} if scope.kind else {}),
        _external=True,
    )
    home = tk.h.url_for("home.index", _external=True).rstrip("/")
    page = f"{home}/{scope.name}" if scope.kind else f"{home}/"
    written = answer_bytes(atom.write_news_atom(part, state, address, page), atom.MEDIA_TYPE)
    set_validators(written, state, f"news.{tk.h.lang()}")
    return share_answer(written, state.cursor)


add_for_parts(news, "/news.atom", "atom", show_news, whole="/marathon/news.atom")
