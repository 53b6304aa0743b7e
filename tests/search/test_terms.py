"""Facet values and index words of a record are derived from its codes."""

from __future__ import annotations

from ckanext.marathon.records import read_package_record
from ckanext.marathon.search import document

DATASET = {"type": "dataset", "municipality": ["2105", "2101"], "service_problem": ["AGU-01"]}


class TestFacets:
    def test_municipalities_add_their_departments_once(self) -> None:
        found = document.list_facet_values(read_package_record(DATASET))
        assert found["vocab_municipality"] == ["2105", "2101"]
        assert found["vocab_department"] == ["21"]

    def test_a_problem_adds_its_area(self) -> None:
        assert document.list_facet_values(read_package_record(DATASET))[
            "vocab_service_problem"
        ] == ["AGU-01", "AGU"]

    def test_an_area_given_by_itself_occurs_once(self) -> None:
        found = document.list_facet_values(
            read_package_record({"type": "dataset", "service_problem": ["AGU", "AGU-01"]})
        )
        assert found["vocab_service_problem"] == ["AGU", "AGU-01"]

    def test_an_idea_is_found_by_status_workshop_and_community(self) -> None:
        found = document.list_facet_values(
            read_package_record(
                {"type": "idea", "status": "proposed", "workshop": "w", "community": ["El Sitio"]}
            )
        )
        assert found == {
            "vocab_idea_status": ["proposed"],
            "vocab_workshop": ["w"],
            "vocab_community": ["El Sitio"],
        }

    def test_a_workshop_is_found_by_kind_and_status(self) -> None:
        found = document.list_facet_values(
            read_package_record({"type": "workshop", "kind": "ideation", "status": "held"})
        )
        assert found == {"vocab_kind": ["ideation"], "vocab_status": ["held"]}

    def test_unknown_codes_are_no_facet_values(self) -> None:
        package = {"type": "dataset", "municipality": ["9999"], "service_problem": ["XXX"]}
        assert document.list_facet_values(read_package_record(package)) == {}

    def test_empty_and_missing_fields_are_no_facet_values(self) -> None:
        assert (
            document.list_facet_values(
                read_package_record({"type": "idea", "municipality": [], "status": None})
            )
            == {}
        )


class TestWords:
    def test_places_and_problems_are_named_in_both_languages(self) -> None:
        words = document.list_search_words(read_package_record(DATASET))
        assert "San Carlos Alzatate" in words
        assert "Jalapa" in words
        assert "Agua potable irregular" in words
        assert "Irregular drinking water supply" in words

    def test_synonyms_of_problems_are_indexed(self) -> None:
        assert {"Falta de agua", "Water shortage"} <= set(
            document.list_search_words(read_package_record(DATASET))
        )
