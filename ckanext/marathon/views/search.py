"""One search over ideas, workshops and datasets, with a section for each type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Response
from flask import Blueprint, make_response, request

from ckanext.marathon.helpers.chain import ListedRecord, list_records
from ckanext.marathon.search import query
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.views.errors import SEARCH_RETRY_SECONDS
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.codes import MAX_QUERY, UnknownCode
from ckanext.marathon.vocabulary.problems import ServiceProblem
from ckanext.marathon.vocabulary.territory import Department, Municipality

search = Blueprint("marathon_search", __name__)

SHOWN = 5
TYPES = ("idea", "workshop", "dataset")


@dataclass(frozen=True)
class SearchSection:
    """The results of one type: their number, the first ones, and the search that lists all."""

    package_type: str
    count: int
    records: list[ListedRecord]
    all_of_them: str


@dataclass(frozen=True, kw_only=True)
class SearchPage:
    """The result of a search.

    Attributes:
        words: typed words, ``""`` for none.
        place: municipality to which the search is restricted, ``None`` for all.
        municipalities: municipalities that the words name.
        departments: departments that the words name.
        problems: service problems that the words match.
        sections: records by type; ``None`` if Solr does not answer.
        count: number of records.
    """

    words: str
    place: Municipality | None
    municipalities: list[Municipality]
    departments: Sequence[Department]
    problems: Sequence[ServiceProblem]
    sections: list[SearchSection] | None
    count: int


def show_search() -> Response:
    """Search records of all types by words (``q``).

    ``municipality`` is an INE code to which the search is restricted; an unknown one is ignored.
    """
    page = read_search_page(request.args.get("q", ""), request.args.get("municipality", ""))
    answer = make_response(tk.render("marathon/search/index.html", {"page": page}))
    if page.sections is None:
        answer.status_code = 503
        answer.headers["Retry-After"] = str(SEARCH_RETRY_SECONDS)
    return answer


def read_search_page(given: str, code: str) -> SearchPage:
    """Return the content of the search's page.

    Args:
        given: typed words.
        code: INE code of a municipality, or "".
    """
    words = query.select_words(given)
    typed = " ".join(given[:MAX_QUERY].split()) if words else ""
    place = _find_municipality(code)
    try:
        sections = [_make_section(package_type, words, place) for package_type in TYPES]
    except AWAY:
        sections = None
    return SearchPage(
        words=typed,
        place=place,
        municipalities=[found for found in query.find_municipalities(typed) if found != place],
        departments=query.find_departments(typed),
        problems=query.find_service_problems(typed, str(tk.h.lang())) if typed else (),
        sections=sections,
        count=sum(section.count for section in sections or ()),
    )


def _make_section(package_type: str, words: str, place: Municipality | None) -> SearchSection:
    fq = f"+dataset_type:{package_type}"
    chosen: dict[str, str] = {"q": words} if words else {}
    if place:
        fq += f' +vocab_municipality:"{place.code}"'
        chosen["vocab_municipality"] = place.code
    asked: dict[str, Any] = {"q": words, "fq": fq, "rows": SHOWN, "facet": "false"}
    if not words:
        asked["sort"] = "metadata_created desc"
    found = tk.get_action("package_search")({"user": current_user.name}, asked)
    address = tk.h.url_for(f"{package_type}.search", **chosen)
    records = list_records(found["results"])
    return SearchSection(package_type, found["count"], records, address)


def _find_municipality(code: str) -> Municipality | None:
    try:
        return territory.get_municipality(code)
    except UnknownCode:
        return None


search.add_url_rule("/marathon/search", endpoint="index", view_func=show_search)
