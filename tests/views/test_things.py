"""Each thing has one address, whatever type it is asked for as."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rdflib import Graph
from rdflib.namespace import DCAT, PROV, RDF

from tests.factories import Commitment, Idea, MarathonDataset, Workshop

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

OTHERS: list[Callable[[], dict[str, Any]]] = [Workshop, Idea, Commitment]


class TestRedirect:
    @pytest.mark.parametrize("make", OTHERS)
    def test_dataset_of_another_type_moved_for_good(
        self, visitor: Reader, make: Callable[[], dict[str, Any]]
    ) -> None:
        thing = make()
        answer = visitor.get(f"/dataset/{thing['name']}")
        assert answer.status_code == 301
        assert answer.location.endswith(f"/{thing['type']}/{thing['name']}")

    @pytest.mark.parametrize("make", OTHERS)
    @pytest.mark.parametrize("extension", ["ttl", "jsonld", "rdf"])
    def test_its_rdf_moved_too_and_is_no_dataset(
        self, visitor: Reader, make: Callable[[], dict[str, Any]], extension: str
    ) -> None:
        thing = make()
        moved = visitor.get(f"/dataset/{thing['id']}.{extension}")
        assert moved.status_code == 301
        assert moved.location.endswith(f"/{thing['type']}/{thing['id']}.{extension}")
        form = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml"}[extension]
        answer = visitor.get(f"/{thing['type']}/{thing['id']}.{extension}")
        found = Graph().parse(data=answer.data, format=form)
        assert len(found)
        assert not list(found.subjects(RDF.type, DCAT.Dataset))

    def test_what_may_not_be_seen_answers_as_what_does_not_exist(
        self, visitor: Reader, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"])
        hidden = Idea(workshop=workshop["id"], private=True)
        for path in ("/dataset/{}", "/dataset/{}.ttl", "/idea/{}", "/idea/{}.ttl"):
            secret = visitor.get(path.format(hidden["name"]))
            nothing = visitor.get(path.format("no-such-thing"))
            assert secret.status_code == nothing.status_code == 404, path
        assert editor.get(f"/dataset/{hidden['name']}").status_code == 301

    def test_a_dataset_stays_where_it_is(self, visitor: Reader) -> None:
        dataset = MarathonDataset()
        assert visitor.get(f"/dataset/{dataset['name']}").status_code == 200
        answer = visitor.get(f"/idea/{dataset['name']}")
        assert answer.status_code == 301
        assert answer.location.endswith(f"/dataset/{dataset['name']}")


class TestNegotiation:
    def test_rdf_of_an_idea_is_one_step_away(self, visitor: Reader) -> None:
        idea = Idea()
        answer = visitor.get(f"/idea/{idea['id']}", Accept="text/turtle")
        assert answer.status_code == 303
        assert answer.location.endswith(f"/idea/{idea['id']}.ttl")
        assert "Accept" in answer.headers["Vary"]

    def test_rdf_of_a_dataset_is_one_step_away(self, visitor: Reader) -> None:
        dataset = MarathonDataset()
        answer = visitor.get(f"/dataset/{dataset['id']}", Accept="application/ld+json")
        assert answer.status_code == 303
        found = Graph().parse(data=visitor.get(answer.location).data, format="json-ld")
        assert list(found.subjects(RDF.type, DCAT.Dataset))

    def test_the_page_says_that_it_varies(self, visitor: Reader) -> None:
        idea = Idea()
        answer = visitor.get(f"/idea/{idea['name']}", Accept="text/html")
        assert answer.status_code == 200
        assert "Accept" in answer.headers["Vary"]

    def test_the_page_points_to_its_rdf_and_does_not_pose_as_a_dataset(
        self, visitor: Reader
    ) -> None:
        workshop = Workshop()
        page = visitor.page(f"/workshop/{workshop['name']}")
        found = page.select('link[rel="alternate"][type="text/turtle"]')
        assert [str(link["href"]).endswith(f"/workshop/{workshop['id']}.ttl") for link in found] == [
            True
        ]

    def test_counts_masked_for_the_public_are_masked_in_rdf_for_everybody(
        self, visitor: Reader, editor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        workshop = Workshop(
            owner_org=villa_nueva["id"],
            municipality=["0115"],
            participants=60,
            participants_youth=3,
        )
        path = f"/workshop/{workshop['id']}.ttl"
        assert visitor.get(path).data == editor.get(path).data
        found = Graph().parse(data=editor.get(path).data, format="turtle")
        assert list(found.subjects(RDF.type, PROV.Activity))
        assert not [p for p in found.predicates() if str(p).endswith("participantsYouth")]

    def test_an_unknown_format_is_not_found(self, visitor: Reader) -> None:
        assert visitor.get(f"/idea/{Idea()['id']}.docx").status_code == 404
