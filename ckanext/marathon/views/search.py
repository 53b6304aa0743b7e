"""One search over ideas, workshops and datasets, each in its own part."""

from __future__ import annotations

from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Response
from flask import Blueprint, make_response, request

from ckanext.marathon.helpers.chain import ListedRecord, marathon_listed_records
from ckanext.marathon.search import query
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.views.errors import SEARCH_RETRY_SECONDS
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.codes import MAX_QUERY, UnknownCode
from ckanext.marathon.vocabulary.territory import Municipality

search = Blueprint("marathon_search", __name__)

SHOWN = 5
TYPES = ("idea", "workshop", "dataset")


class SearchSection(NamedTuple):
    """The results of one type: their number, the first ones, and the search that lists all."""

    package_type: str
    count: int
    records: list[ListedRecord]
    all_of_them: str


def show_search() -> Response | str:
    """Show the results of each type for some words, in a municipality or everywhere.

    ``q`` has the words; ``municipality`` a code, which is ignored if unknown.
    """
    words = query.select_words(request.args.get("q", ""))
    typed = " ".join(request.args.get("q", "")[:MAX_QUERY].split()) if words else ""
    place = _find_municipality(request.args.get("municipality", ""))
    shown = {
        "q": typed,
        "place": place,
        "municipalities": [each for each in query.find_municipalities(typed) if each != place],
        "departments": query.find_departments(typed),
        "problems": query.find_service_problems(typed, str(tk.h.lang())) if typed else (),
    }
    try:
        sections = [_make_section(each, words, place) for each in TYPES]
    except AWAY:
        page = tk.render("marathon/search/index.html", {**shown, "sections": None})
        answer = make_response(page, 503)
        answer.headers["Retry-After"] = str(SEARCH_RETRY_SECONDS)
        return answer
    return tk.render("marathon/search/index.html", {**shown, "sections": sections})


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
    records = marathon_listed_records(found["results"])
    return SearchSection(package_type, found["count"], records, address)


def _find_municipality(code: str) -> Municipality | None:
    try:
        return territory.get_municipality(code)
    except UnknownCode:
        return None


search.add_url_rule("/marathon/search", endpoint="index", view_func=show_search)
