from __future__ import annotations

import re

import pytest

from ckanext.marathon.vocabulary import codes, problems, schemes, territory
from ckanext.marathon.vocabulary.codes import UnknownCode

# Stored in databases and published: a code that changes here breaks both.
CODES = {
    "idea-status": "proposed prioritised in_progress implemented discarded",
    "workshop-kind": "information_meeting ideation follow_up",
    "workshop-status": "announced held cancelled",
    "milestone-status": "not_started limited substantial completed",
    "proponent-group": "cocode women youth indigenous_authority producers traders civil_society "
    "municipality academia other withheld",
    "organization-role": "municipality coordinating_body civil_society other_public_body",
    "organiser-role": "convener co_organiser facilitator host supporter",
    "invitation-answer": "accepted declined no_answer",
    "yes-no": "yes no",
    "idea-role": "origin data_need",
}


def test_the_lists_have_the_stored_codes() -> None:
    assert {each.name: " ".join(each.codes) for each in schemes.list_term_lists()} == CODES


def test_every_row_of_the_file_belongs_to_a_list() -> None:
    assert {row["list"] for row in codes.read_data_rows("terms.csv")} == CODES.keys()


@pytest.mark.parametrize("lang", ["es", "en"])
def test_every_term_has_a_label_and_no_two_of_a_list_share_it(lang: str) -> None:
    for each in schemes.list_term_lists():
        texts = [term.labels[lang] for term in each.terms]
        assert all(text.strip() for text in texts)
        assert len(texts) == len(set(texts))
        assert each.title[lang].strip()


def test_definitions_are_in_both_languages_or_in_none() -> None:
    for each in schemes.list_term_lists():
        for term in each.terms:
            assert bool(term.definition["es"]) == bool(term.definition["en"])
    assert all(term.definition["es"] for term in schemes.IDEA_STATUS.terms)


def test_a_term_is_found_by_its_exact_code() -> None:
    term = schemes.IDEA_STATUS.term("in_progress")
    assert (term.label(), term.label("en"), term.label("es_GT")) == (
        "en ejecución",
        "in progress",
        "en ejecución",
    )
    assert schemes.get_term_list("idea-status") is schemes.IDEA_STATUS


@pytest.mark.parametrize("code", ["propuesta", "Proposed", "", None, 1, []])
def test_an_unknown_term_is_an_error_that_names_its_list(code: object) -> None:
    with pytest.raises(UnknownCode) as caught:
        schemes.IDEA_STATUS.term(code)  # pyright: ignore[reportArgumentType]
    assert caught.value.kind == "idea-status"


@pytest.mark.parametrize("name", ["idea_status", "", None, []])
def test_an_unknown_list_is_an_error(name: object) -> None:
    with pytest.raises(UnknownCode):
        schemes.get_term_list(name)  # pyright: ignore[reportArgumentType]


class TestPaths:
    @pytest.mark.parametrize(
        ("kind", "code", "path"),
        [
            ("municipality", "0501", "municipality/0501"),
            ("department", "05", "department/05"),
            ("service-problem", "AGU-01", "service-problem/AGU-01"),
            ("service-problem", "AGU", "service-problem/AGU"),
            ("idea-status", "proposed", "idea-status/proposed"),
            ("idea-role", "data_need", "idea-role/data_need"),
        ],
    )
    def test_paths_are_stable(self, kind: str, code: str, path: str) -> None:
        assert schemes.build_concept_path(kind, code) == path
        assert schemes.build_scheme_path(kind) == kind

    def test_every_concept_has_a_path_of_its_own_that_needs_no_escaping(self) -> None:
        found = [
            *(
                schemes.build_concept_path("municipality", each.code)
                for each in territory.list_municipalities()
            ),
            *(
                schemes.build_concept_path("department", each.code)
                for each in territory.list_departments()
            ),
            *(
                schemes.build_concept_path("service-problem", each.notation)
                for each in [*problems.list_areas(), *problems.list_problems()]
            ),
            *(
                schemes.build_concept_path(each.name, code)
                for each in schemes.list_term_lists()
                for code in each.codes
            ),
        ]
        assert len(found) == len(set(found)) == 340 + 22 + 73 + 42
        assert all(re.fullmatch("[a-z-]+/[A-Za-z0-9_-]+", path) for path in found)

    @pytest.mark.parametrize(
        ("kind", "code"),
        [
            ("municipality", "501"),
            ("municipality", "05"),
            ("department", "0501"),
            ("service-problem", "agu"),
            ("idea-status", "../proposed"),
            ("place", "0501"),
            ("", ""),
            (None, None),
            (["municipality"], "0501"),
        ],
    )
    def test_an_unknown_code_has_no_path(self, kind: object, code: object) -> None:
        with pytest.raises(UnknownCode):
            schemes.build_concept_path(kind, code)  # pyright: ignore[reportArgumentType]
