"""Solr is away: a page that says so, where CKAN would say that the server is broken."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib import search
from ckan.lib.search.common import SearchError, SolrConnectionError
from ckan.types import Response
from flask import Blueprint, current_app
from werkzeug.exceptions import InternalServerError

from .error_page import error_page

unavailable = Blueprint("marathon_unavailable", __name__)

SECONDS = 60


@unavailable.app_errorhandler(SolrConnectionError)
def no_search(_fault: Exception) -> Response:
    """Answer 503 within the site's pages."""
    content = tk._(
        "The search engine is away for the moment. Nothing is lost: the pages of single "
        "datasets, ideas and workshops still open. Try this one again in a minute."
    )
    answer = error_page(503, tk._("Search does not answer"), content)
    answer.headers["Retry-After"] = str(SECONDS)
    return answer


@unavailable.app_errorhandler(SearchError)
def not_searchable(fault: Exception) -> Response:
    """Answer 400 where Solr is there and cannot read the query, else 503."""
    if not search.is_available():
        return no_search(fault)
    content = tk._("The search cannot be understood. Check its quotation marks and parentheses.")
    return error_page(400, tk._("Not understood"), content)


def watch_pages(_sender: Any, blueprint: Blueprint, **_more: Any) -> None:
    """Take the 500 of a dataset type's own pages: CKAN's search page makes one of it itself."""
    blueprint.register_error_handler(500, _aborted)


def _aborted(fault: InternalServerError) -> Any:
    if isinstance(fault.__context__, SolrConnectionError):
        return no_search(fault)
    ckans_own: Any = current_app.error_handler_spec[None][500][InternalServerError]
    return ckans_own(fault)
