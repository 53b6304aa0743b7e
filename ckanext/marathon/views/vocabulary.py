"""``/vocabulary/…``: where the IRIs of our concepts lead, as pages, SKOS and GeoJSON."""

from __future__ import annotations

import json
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, make_response
from flask import Response as FlaskResponse

from ckanext.marathon.feeds.keys import find_site
from ckanext.marathon.rdf import vocabulary as vocabulary_rdf
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.vocabulary import files, problems, territory
from ckanext.marathon.vocabulary.errors import UnknownCode

from . import concepts
from .negotiation import rdf, vary_by_accept, wanted_extension

vocabulary = Blueprint("marathon_vocabulary", __name__)

PLACES = {"municipality": "municipalities.geojson", "department": "departments.geojson"}


def index() -> str:
    """List the vocabularies."""
    schemes = [(kind, concepts.title(kind)) for kind in vocabulary_rdf.KINDS]
    return tk.render("marathon/vocabulary/index.html", {"schemes": schemes})


def with_slash() -> Response:
    """Send on who types the address as that of a folder."""
    answer = tk.redirect_to("marathon_vocabulary.index")
    answer.status_code = 301
    return answer


def scheme(kind: str) -> Response:
    """Show a vocabulary, or send on to its SKOS."""
    if kind not in vocabulary_rdf.KINDS:
        return _unknown(kind, None)
    extension = wanted_extension()
    if extension:
        return _elsewhere("marathon_vocabulary.scheme_data", kind=kind, extension=extension)
    page = tk.render(
        "marathon/vocabulary/scheme.html",
        {
            "kind": kind,
            "title": concepts.title(kind),
            "iri": str(find_site().scheme(kind)),
            "branches": concepts.branches(kind),
            "extensions": _extensions(kind),
        },
    )
    return vary_by_accept(make_response(page))


def scheme_data(kind: str, extension: str) -> Response:
    """Return a whole vocabulary as SKOS, places also as GeoJSON."""
    if kind == "def" and extension in FORMATS:
        return rdf(vocabulary_rdf.build_ontology_graph(find_site()), extension)
    if kind not in vocabulary_rdf.KINDS or extension not in _extensions(kind):
        return _unknown(kind, None)
    if extension == "geojson":
        return _geojson(files.read_data_bytes(PLACES[kind]))
    return rdf(vocabulary_rdf.build_scheme_graph(find_site(), kind), extension)


def concept(kind: str, code: str) -> Response:
    """Show a concept, or send on to its SKOS."""
    try:
        page = concepts.page(kind, code)
    except UnknownCode:
        return _unknown(kind, code)
    extension = wanted_extension()
    if extension:
        return _elsewhere(
            "marathon_vocabulary.concept_data", kind=kind, code=code, extension=extension
        )
    html = tk.render(
        "marathon/vocabulary/concept.html",
        {
            "page": page,
            "iri": str(find_site().concept(kind, code)),
            "extensions": _extensions(kind),
        },
    )
    return vary_by_accept(make_response(html))


def concept_data(kind: str, code: str, extension: str) -> Response:
    """Return a concept as SKOS, a place also as GeoJSON."""
    try:
        concepts.page(kind, code)
    except UnknownCode:
        return _unknown(kind, code)
    if extension not in _extensions(kind):
        return _unknown(kind, code)
    if extension == "geojson":
        return _geojson(_feature(kind, code))
    return rdf(vocabulary_rdf.build_concept_graph(find_site(), kind, code), extension)


def ontology() -> Response:
    """Send on to the properties of our own, which have no page."""
    return _elsewhere(
        "marathon_vocabulary.scheme_data", kind="def", extension=wanted_extension() or "ttl"
    )


def profile() -> Response:
    """Return the application profile as SHACL, for validators."""
    body = vocabulary_rdf.read_profile_turtle(find_site())
    return FlaskResponse(body, content_type="text/turtle; charset=utf-8")


def _extensions(kind: str) -> list[str]:
    return [*FORMATS, "geojson"] if kind in PLACES else list(FORMATS)


def _elsewhere(endpoint: str, **values: str) -> Response:
    # 303: the concept is no document; what follows describes it.
    answer = tk.redirect_to(endpoint, **values)
    answer.status_code = 303
    return vary_by_accept(answer)


def _geojson(body: bytes | dict[str, Any]) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return FlaskResponse(data, content_type="application/geo+json")


def _feature(kind: str, code: str) -> dict[str, Any]:
    place = (
        territory.get_municipality(code)
        if kind == "municipality"
        else territory.get_department(code)
    )
    box = place.bbox
    return {
        "type": "Feature",
        "id": str(find_site().concept(kind, code)),
        "bbox": [box.west, box.south, box.east, box.north],
        "properties": {"code": code, "name": place.name},
        "geometry": territory.read_boundary(code),
    }


def _unknown(kind: str, code: str | None) -> Response:
    known = kind in vocabulary_rdf.KINDS
    near = []
    if kind == "municipality" and code:
        near = territory.search_municipalities(code, limit=5)
    elif kind == problems.KIND and code:
        near = problems.search_problems(code, tk.h.lang(), limit=5)
    page = tk.render(
        "marathon/vocabulary/unknown.html",
        {
            "kind": kind,
            "code": code,
            "title": concepts.title(kind) if known else None,
            "near": [concepts.link(kind, each) for each in near],
            "schemes": [(each, concepts.title(each)) for each in vocabulary_rdf.KINDS],
        },
    )
    return make_response(page, 404)


vocabulary.add_url_rule("/vocabulary", view_func=index)
vocabulary.add_url_rule("/vocabulary/", view_func=with_slash)
vocabulary.add_url_rule("/vocabulary/def", view_func=ontology)
vocabulary.add_url_rule("/vocabulary/marathon-ap.ttl", view_func=profile)
vocabulary.add_url_rule("/vocabulary/<kind>", view_func=scheme)
vocabulary.add_url_rule("/vocabulary/<kind>.<extension>", view_func=scheme_data)
vocabulary.add_url_rule("/vocabulary/<kind>/<code>", view_func=concept)
vocabulary.add_url_rule("/vocabulary/<kind>/<code>.<extension>", view_func=concept_data)
