"""Pages and SKOS of the vocabularies and their concepts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, make_response
from flask import Response as FlaskResponse

from ckanext.marathon.feeds.source import find_site
from ckanext.marathon.rdf import vocabulary as rdf_vocabulary
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.views.answers import answer_rdf, find_wanted_extension, vary_by_accept
from ckanext.marathon.vocabulary import authorities, problems, territory
from ckanext.marathon.vocabulary import codes as codes_vocabulary
from ckanext.marathon.vocabulary import schemes as schemes_vocabulary
from ckanext.marathon.vocabulary.codes import UnknownCode, pick_label


class ConceptLink(NamedTuple):
    """A text with an optional link; ``note`` explains it."""

    text: str
    href: str = ""
    note: str = ""


class ConceptBranch(NamedTuple):
    """A group of concepts; the first group of a flat list has no head."""

    head: ConceptLink | None
    links: list[ConceptLink]


@dataclass
class ConceptPage:
    """A concept: its name and code, and rows of (label, links)."""

    kind: str
    code: str
    name: str
    scheme_title: str
    definition: str = ""
    about: ConceptLink | None = None
    rows: list[tuple[str, list[ConceptLink]]] = field(
        default_factory=list[tuple[str, list[ConceptLink]]]
    )


def name_vocabulary(kind: str) -> str:
    """Return the name of a vocabulary.

    Raises:
        UnknownCode: no such kind.
    """
    if kind == "municipality":
        return tk._("Municipalities")
    if kind == "department":
        return tk._("Departments")
    if kind == problems.KIND:
        return tk._("Service problems")
    return pick_label(schemes_vocabulary.get_term_list(kind).title, tk.h.lang())


Place = territory.Municipality | territory.Department


def make_link(
    kind: str, concept: Place | problems.ServiceProblem | schemes_vocabulary.Term
) -> ConceptLink:
    """Return a link to the page of a concept."""
    lang = tk.h.lang()
    code = concept.notation if isinstance(concept, problems.ServiceProblem) else concept.code
    name, definition = "", ""
    if isinstance(concept, territory.Municipality | territory.Department):
        name = concept.name
    else:
        name, definition = concept.label(lang), pick_label(concept.definition, lang)
    href = tk.h.url_for("marathon_vocabulary.concept", kind=kind, code=code)
    return ConceptLink(f"{name} ({code})", href, definition)


def list_branches(kind: str) -> list[ConceptBranch]:
    """Return all concepts of a vocabulary, in groups if it has any.

    Raises:
        UnknownCode: no such kind.
    """
    if kind == "municipality":
        return [
            ConceptBranch(
                make_link("department", department),
                [
                    make_link(kind, municipality)
                    for municipality in territory.list_municipalities_of(department.code)
                ],
            )
            for department in territory.list_departments()
        ]
    if kind == "department":
        return [
            ConceptBranch(
                None, [make_link(kind, department) for department in territory.list_departments()]
            )
        ]
    if kind == problems.KIND:
        return [
            ConceptBranch(
                make_link(kind, branch.area),
                [make_link(kind, problem) for problem in branch.problems],
            )
            for branch in problems.list_branches()
        ]
    return [
        ConceptBranch(
            None, [make_link(kind, term) for term in schemes_vocabulary.get_term_list(kind).terms]
        )
    ]


def make_concept_page(kind: str, code: str) -> ConceptPage:
    """Return the content of a concept's page.

    Raises:
        UnknownCode: no such kind or code.
    """
    if kind == "municipality":
        return _make_municipality_page(code)
    if kind == "department":
        return _make_department_page(code)
    if kind == problems.KIND:
        return _make_problem_page(code)
    term = schemes_vocabulary.get_term_list(kind).term(code)
    lang = tk.h.lang()
    return ConceptPage(
        kind, code, term.label(lang), name_vocabulary(kind), pick_label(term.definition, lang)
    )


def _make_municipality_page(code: str) -> ConceptPage:
    place = territory.get_municipality(code)
    department = territory.get_department(place.department_code)
    found = ConceptPage("municipality", code, place.name, name_vocabulary("municipality"))
    found.about = ConceptLink(
        tk._("Everything about {name} on this site").format(name=place.name),
        tk.h.url_for("marathon_place.municipality", code=code),
    )
    found.rows = [
        (tk._("Department"), [make_link("department", department)]),
        (tk._("Other spellings"), [ConceptLink(name) for name in place.alt_names]),
        (tk._("Point"), [ConceptLink(f"{place.latitude:.4f}, {place.longitude:.4f}")]),
        (tk._("Replaced by"), _list_replacements("municipality", place.replaced_by)),
    ]
    return found


def _make_department_page(code: str) -> ConceptPage:
    place = territory.get_department(code)
    found = ConceptPage("department", code, place.name, name_vocabulary("department"))
    found.about = ConceptLink(
        tk._("Everything about {name} on this site").format(name=place.name),
        tk.h.url_for("marathon_place.department", code=code),
    )
    inside = [
        make_link("municipality", municipality)
        for municipality in territory.list_municipalities_of(code)
    ]
    found.rows = [
        ("ISO 3166-2", [ConceptLink(place.iso_3166_2)]),
        (tk._("Municipalities"), inside),
        (tk._("Replaced by"), _list_replacements("department", place.replaced_by)),
    ]
    return found


def _list_replacements(kind: str, codes: tuple[str, ...]) -> list[ConceptLink]:
    look_up = territory.get_municipality if kind == "municipality" else territory.get_department
    return [make_link(kind, look_up(code)) for code in codes]


def _make_problem_page(notation: str) -> ConceptPage:
    problem, lang = problems.get_problem(notation), tk.h.lang()
    kind = problems.KIND
    found = ConceptPage(
        kind,
        notation,
        problem.label(lang),
        name_vocabulary(kind),
        pick_label(problem.definition, lang),
    )
    found.about = ConceptLink(
        tk._("Everything about this problem on this site"),
        tk.h.url_for("marathon_place.problem", notation=notation),
    )
    broader = [problems.get_problem(problem.broader)] if problem.broader else []
    synonyms = problem.alt_labels.get(lang) or problem.alt_labels.get("es", ())
    note = pick_label(problem.scope_note, lang)
    found.rows = [
        (tk._("Service area"), [make_link(kind, concept) for concept in broader]),
        (
            tk._("Problems in it"),
            [make_link(kind, problems.get_problem(n)) for n in problem.narrower],
        ),
        (tk._("Also called"), [ConceptLink(synonym) for synonym in synonyms]),
        (tk._("Note"), [ConceptLink(note)] if note else []),
        (
            tk._("European data themes"),
            [_make_theme_link(theme.iri, lang) for theme in problem.eu_themes],
        ),
        (tk._("Sustainable Development Goals"), [ConceptLink(goal, goal) for goal in problem.sdg]),
        ("COFOG", [ConceptLink(problem.cofog)] if problem.cofog else []),
    ]
    return found


def _make_theme_link(iri: str, lang: str) -> ConceptLink:
    known = authorities.find_theme(iri)
    return ConceptLink(known.label(lang) if known else iri, iri)


vocabulary = Blueprint("marathon_vocabulary", __name__)

PLACES = {"municipality": "municipalities.geojson", "department": "departments.geojson"}


def list_vocabularies() -> str:
    """List the vocabularies."""
    schemes = [(kind, name_vocabulary(kind)) for kind in schemes_vocabulary.CONCEPT_KINDS]
    return tk.render("marathon/vocabulary/index.html", {"schemes": schemes})


def redirect_slash() -> Response:
    """Redirect an address with a final slash to that without."""
    answer = tk.redirect_to("marathon_vocabulary.index")
    answer.status_code = 301
    return answer


def show_scheme(kind: str) -> Response:
    """Show a vocabulary, or redirect to its SKOS."""
    if kind not in schemes_vocabulary.CONCEPT_KINDS:
        return _answer_unknown(kind, None)
    extension = find_wanted_extension()
    if extension:
        return _redirect_elsewhere(
            "marathon_vocabulary.scheme_data", kind=kind, extension=extension
        )
    page = tk.render(
        "marathon/vocabulary/scheme.html",
        {
            "kind": kind,
            "title": name_vocabulary(kind),
            "iri": str(find_site().scheme(kind)),
            "branches": list_branches(kind),
            "extensions": _list_extensions(kind),
        },
    )
    return vary_by_accept(make_response(page))


def show_scheme_data(kind: str, extension: str) -> Response:
    """Return a whole vocabulary as SKOS, places also as GeoJSON."""
    if kind == "def" and extension in FORMATS:
        return answer_rdf(rdf_vocabulary.build_ontology_graph(find_site()), extension)
    if kind not in schemes_vocabulary.CONCEPT_KINDS or extension not in _list_extensions(kind):
        return _answer_unknown(kind, None)
    if extension == "geojson":
        return _answer_geojson(codes_vocabulary.read_data_bytes(PLACES[kind]))
    return answer_rdf(rdf_vocabulary.build_scheme_graph(find_site(), kind), extension)


def show_concept(kind: str, code: str) -> Response:
    """Show a concept, or redirect to its SKOS."""
    try:
        page = make_concept_page(kind, code)
    except UnknownCode:
        return _answer_unknown(kind, code)
    extension = find_wanted_extension()
    if extension:
        return _redirect_elsewhere(
            "marathon_vocabulary.concept_data", kind=kind, code=code, extension=extension
        )
    html = tk.render(
        "marathon/vocabulary/concept.html",
        {
            "page": page,
            "iri": str(find_site().concept(kind, code)),
            "extensions": _list_extensions(kind),
        },
    )
    return vary_by_accept(make_response(html))


def show_concept_data(kind: str, code: str, extension: str) -> Response:
    """Return a concept as SKOS, a place also as GeoJSON."""
    try:
        make_concept_page(kind, code)
    except UnknownCode:
        return _answer_unknown(kind, code)
    if extension not in _list_extensions(kind):
        return _answer_unknown(kind, code)
    if extension == "geojson":
        return _answer_geojson(_make_feature(kind, code))
    return answer_rdf(rdf_vocabulary.build_concept_graph(find_site(), kind, code), extension)


def redirect_to_ontology() -> Response:
    """Redirect to the RDF of our own properties, which have no page."""
    return _redirect_elsewhere(
        "marathon_vocabulary.scheme_data", kind="def", extension=find_wanted_extension() or "ttl"
    )


def show_profile() -> Response:
    """Return the application profile as SHACL, for validators."""
    body = rdf_vocabulary.read_profile_turtle(find_site())
    return FlaskResponse(body, content_type="text/turtle; charset=utf-8")


def _list_extensions(kind: str) -> list[str]:
    return [*FORMATS, "geojson"] if kind in PLACES else list(FORMATS)


def _redirect_elsewhere(endpoint: str, **values: str) -> Response:
    # 303: the concept itself is no document; the target describes it.
    answer = tk.redirect_to(endpoint, **values)
    answer.status_code = 303
    return vary_by_accept(answer)


def _answer_geojson(body: bytes | dict[str, Any]) -> Response:
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return FlaskResponse(data, content_type="application/geo+json")


def _make_feature(kind: str, code: str) -> dict[str, Any]:
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


def _answer_unknown(kind: str, code: str | None) -> Response:
    known = kind in schemes_vocabulary.CONCEPT_KINDS
    near: Sequence[territory.Municipality | problems.ServiceProblem] = []
    if kind == "municipality" and code:
        near = territory.search_municipalities(code, limit=5)
    elif kind == problems.KIND and code:
        near = problems.search_problems(code, tk.h.lang(), limit=5)
    page = tk.render(
        "marathon/vocabulary/unknown.html",
        {
            "kind": kind,
            "code": code,
            "title": name_vocabulary(kind) if known else None,
            "near": [make_link(kind, concept) for concept in near],
            "schemes": [
                (known_kind, name_vocabulary(known_kind))
                for known_kind in schemes_vocabulary.CONCEPT_KINDS
            ],
        },
    )
    return make_response(page, 404)


vocabulary.add_url_rule("/vocabulary", endpoint="index", view_func=list_vocabularies)
vocabulary.add_url_rule("/vocabulary/", endpoint="with_slash", view_func=redirect_slash)
vocabulary.add_url_rule("/vocabulary/def", endpoint="ontology", view_func=redirect_to_ontology)
vocabulary.add_url_rule("/vocabulary/marathon-ap.ttl", endpoint="profile", view_func=show_profile)
vocabulary.add_url_rule("/vocabulary/<kind>", endpoint="scheme", view_func=show_scheme)
vocabulary.add_url_rule(
    "/vocabulary/<kind>.<extension>", endpoint="scheme_data", view_func=show_scheme_data
)
vocabulary.add_url_rule("/vocabulary/<kind>/<code>", endpoint="concept", view_func=show_concept)
vocabulary.add_url_rule(
    "/vocabulary/<kind>/<code>.<extension>", endpoint="concept_data", view_func=show_concept_data
)
