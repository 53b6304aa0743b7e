"""Concept IRIs lead to a page, to SKOS, to a boundary, or to a list of existing codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import RDF, SKOS

from ckanext.marathon.vocabulary.schemes import CONCEPT_KINDS

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

BASE = "http://test.ckan.net/vocabulary"


def graph(answer: Any, form: str) -> Graph:
    assert answer.status_code == 200
    return Graph().parse(data=answer.data, format=form)


class TestPages:
    @pytest.mark.parametrize("kind", CONCEPT_KINDS)
    def test_every_vocabulary_has_a_page_linked_in_the_index(
        self, visitor: Reader, kind: str
    ) -> None:
        index = visitor.page("/vocabulary")
        assert index.select(f'a[href="/vocabulary/{kind}"]')
        assert visitor.page(f"/vocabulary/{kind}").select(f'a[href^="/vocabulary/{kind}/"]')

    def test_a_trailing_slash_redirects_to_the_index(self, visitor: Reader) -> None:
        answer = visitor.get("/vocabulary/")
        assert answer.status_code == 301
        assert answer.location.endswith("/vocabulary")

    def test_problems_are_a_tree_with_definitions(self, visitor: Reader) -> None:
        page = visitor.page("/vocabulary/service-problem")
        assert len(page.select(".marathon-tree h2")) == 13
        assert len(page.select(".marathon-tree dt")) == len(page.select(".marathon-tree dd")) == 60

    def test_a_concept_has_iri_and_broader_concept(self, visitor: Reader) -> None:
        text = visitor.page("/vocabulary/service-problem/AGU-01").get_text(" ", strip=True)
        assert f"{BASE}/service-problem/AGU-01" in text
        assert "(AGU)" in text

    def test_a_page_is_in_the_language_of_the_address(self, visitor: Reader) -> None:
        assert visitor.page("/es/vocabulary/service-problem/AGU").h1.text == "Agua potable"  # type: ignore[union-attr]
        assert visitor.page("/en/vocabulary/service-problem/AGU").h1.text != "Agua potable"  # type: ignore[union-attr]


class TestNegotiation:
    @pytest.mark.parametrize(
        ("accept", "extension"),
        [
            ("text/turtle", "ttl"),
            ("application/ld+json", "jsonld"),
            ("application/rdf+xml", "rdf"),
            ("text/turtle, text/html;q=0.5", "ttl"),
        ],
    )
    def test_clients_that_prefer_rdf_are_redirected(
        self, visitor: Reader, accept: str, extension: str
    ) -> None:
        answer = visitor.get("/vocabulary/municipality/0115", Accept=accept)
        assert answer.status_code == 303
        assert answer.location.endswith(f"/vocabulary/municipality/0115.{extension}")
        assert "Accept" in answer.headers["Vary"]

    @pytest.mark.parametrize(
        "accept", ["*/*", "text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "image/png"]
    )
    def test_other_clients_get_the_page(self, visitor: Reader, accept: str) -> None:
        answer = visitor.get("/vocabulary/municipality", Accept=accept)
        assert answer.status_code == 200
        assert "html" in answer.content_type
        assert "Accept" in answer.headers["Vary"]

    def test_our_own_properties_are_rdf_only(self, visitor: Reader) -> None:
        answer = visitor.get("/vocabulary/def")
        assert answer.status_code == 303
        assert graph(visitor.get("/vocabulary/def.ttl"), "turtle")


class TestSkos:
    @pytest.mark.parametrize(("extension", "form"), [("ttl", "turtle"), ("jsonld", "json-ld")])
    def test_a_concept_has_type_notation_and_scheme(
        self, visitor: Reader, extension: str, form: str
    ) -> None:
        found = graph(visitor.get(f"/vocabulary/municipality/0501.{extension}"), form)
        concept = URIRef(f"{BASE}/municipality/0501")
        assert (concept, RDF.type, SKOS.Concept) in found
        assert (concept, SKOS.notation, Literal("0501")) in found
        assert (concept, SKOS.inScheme, URIRef(f"{BASE}/municipality")) in found

    def test_a_scheme_holds_all_its_concepts(self, visitor: Reader) -> None:
        found = graph(visitor.get("/vocabulary/service-problem.ttl"), "turtle")
        assert len(set(found.subjects(RDF.type, SKOS.Concept))) == 73


class TestGeoJson:
    def test_a_municipality_is_a_feature_with_its_boundary(self, visitor: Reader) -> None:
        answer = visitor.get("/vocabulary/municipality/0115.geojson")
        assert answer.content_type == "application/geo+json"
        feature = json.loads(answer.data)
        assert feature["properties"]["name"] == "Villa Nueva"
        assert feature["geometry"]["type"] in {"Polygon", "MultiPolygon"}

    def test_all_departments_are_a_collection(self, visitor: Reader) -> None:
        answer = visitor.get("/vocabulary/department.geojson")
        assert len(json.loads(answer.data)["features"]) == 22

    def test_a_status_has_no_boundary(self, visitor: Reader) -> None:
        assert visitor.get("/vocabulary/idea-status/proposed.geojson").status_code == 404


class TestUnknown:
    def test_an_unknown_code_gets_404_with_links(self, visitor: Reader) -> None:
        answer = visitor.get("/vocabulary/service-problem/agua")
        assert answer.status_code == 404
        assert 'href="/vocabulary/service-problem"' in answer.text
        assert 'href="/vocabulary/service-problem/AGU-01"' in answer.text

    def test_an_unknown_vocabulary_gets_404_with_links(self, visitor: Reader) -> None:
        answer = visitor.get("/vocabulary/rivers")
        assert answer.status_code == 404
        assert 'href="/vocabulary/municipality"' in answer.text

    @pytest.mark.parametrize(
        "path",
        [
            "/vocabulary/municipality/9999.ttl",
            "/vocabulary/rivers.ttl",
            "/vocabulary/municipality.xlsx",
            "/vocabulary/municipality/0115.xlsx",
            "/vocabulary/municipality/%3Cscript%3E",
        ],
    )
    def test_malformed_addresses_get_404(self, visitor: Reader, path: str) -> None:
        answer = visitor.get(path)
        assert answer.status_code == 404
        assert "<script>alert" not in answer.text
