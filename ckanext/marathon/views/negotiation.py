"""Which form of a thing a client asked for: a page for people, or RDF."""

from __future__ import annotations

from collections.abc import Mapping

from ckan.types import Response
from flask import Response as FlaskResponse
from flask import request
from rdflib import Graph
from werkzeug.datastructures import MIMEAccept

from ckanext.marathon.rdf.formats import FORMATS, serialise_graph

HTML = "text/html"
# Several extensions stand for one media type; the first is the one that is redirected to.
BY_MEDIA_TYPE = {each.media_type: each.extension for each in reversed(FORMATS.values())}


def wanted_extension(others: Mapping[str, str] | None = None) -> str | None:
    """Return the extension of the format that the client prefers to a page, if it does.

    A browser, and whoever accepts anything, gets the page.

    Args:
        others: media type → extension of what there is besides RDF.
    """
    known = {**BY_MEDIA_TYPE, **(others or {})}
    # Parameters (a character set, a profile of JSON-LD) do not make it another format.
    accepted = MIMEAccept(
        [(value.partition(";")[0].strip(), quality) for value, quality in request.accept_mimetypes]
    )
    best = accepted.best_match([HTML, *known], default=HTML)
    return None if best == HTML else known[best]


def vary_by_accept(response: Response) -> Response:
    """Tell caches that the same address has other forms."""
    response.vary.add("Accept")
    return response


def rdf(graph: Graph, extension: str) -> Response:
    """Return a graph as an answer.

    Raises:
        KeyError: no such format.
    """
    media_type = FORMATS[extension].media_type
    text = "" if media_type.endswith(("json", "xml")) else "; charset=utf-8"
    return FlaskResponse(serialise_graph(graph, extension), content_type=media_type + text)
