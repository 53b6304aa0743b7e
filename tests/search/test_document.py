"""The index document has only public content, in fields that Solr accepts."""

from __future__ import annotations

import json

from ckanext.marathon.search import document

WORKSHOP = {
    "type": "workshop",
    "participants": 30,
    "participants_women": 28,
    "participants_men": 2,
    "participants_youth": 12,
    "participants_indigenous": 3,
    "ideas": [{"id": "a"}],
    "workshop_info": {"id": "b"},
}


class TestForEverybody:
    def test_counts_are_masked_as_for_outsiders(self) -> None:
        shown = document.select_for_everybody(WORKSHOP)
        assert shown["participants"] == 30
        assert shown["participants_youth"] == 12
        assert shown["participants_men"] is None
        assert shown["participants_women"] is None
        assert shown["participants_indigenous"] is None
        assert shown["participants_masked"] == [
            "participants_women",
            "participants_men",
            "participants_indigenous",
        ]

    def test_masking_twice_changes_nothing(self) -> None:
        once = document.select_for_everybody(WORKSHOP)
        assert document.select_for_everybody(once) == once

    def test_fields_that_depend_on_the_viewer_are_removed(self) -> None:
        assert not {"ideas", "workshop_info"} & document.select_for_everybody(WORKSHOP).keys()

    def test_the_history_has_no_user_names(self) -> None:
        idea = {"type": "idea", "history": [{"status": "proposed", "user": "ana"}]}
        assert document.select_for_everybody(idea)["history"] == [{"status": "proposed"}]

    def test_masked_counts_are_removed_from_the_extras_too(self) -> None:
        raw = [{"key": "participants_men", "value": "2"}, {"key": "participants", "value": "30"}]
        public = document.select_for_everybody(WORKSHOP)
        assert document.select_extras_for_everybody(raw, public) == [
            {"key": "participants", "value": "30"}
        ]


class TestFitting:
    def test_counts_are_removed_from_the_index(self) -> None:
        found = document.remove_counts({"participants_men": "2", "extras_participants_men": "2"})
        assert found == {}

    def test_a_json_list_is_indexed_as_words(self) -> None:
        found = document.fit_document(
            {"axis": "x", "partner": '["ANAM", "INFOM"]', "extras_partner": '["ANAM", "INFOM"]'},
            repeating=(),
        )
        assert found == {"axis": "x", "extras_partner": "ANAM INFOM"}

    def test_rows_are_indexed_as_words_without_ids(self) -> None:
        rows = json.dumps([{"id": "1f0c", "what": "Pozos", "why": "Mapa"}])
        found = document.fit_document({"data_need": rows, "extras_data_need": rows}, ())
        assert found == {"extras_data_need": "Pozos Mapa"}

    def test_rows_are_kept_for_dcat_without_texts_too_long_for_solr(self) -> None:
        rows = json.dumps([{"text": "Jalapa", "geom": "9" * 40_000}])
        found = document.fit_document({"spatial_coverage": rows}, repeating=["spatial_coverage"])
        assert found == {"spatial_coverage": [{"text": "Jalapa"}]}

    def test_a_text_too_long_for_a_string_field_is_indexed_only_as_text(self) -> None:
        long = "ñ" * 20_000
        found = document.fit_document({"provenance": long, "extras_provenance": long}, ())
        assert found == {"extras_provenance": long}

    def test_the_sort_field_of_a_long_title_is_cut(self) -> None:
        found = document.fit_document({"title": "a" * 40_000, "title_string": "a" * 40_000}, ())
        assert len(found["title"]) == 40_000
        assert len(found["title_string"]) == 1_000

    def test_a_title_that_looks_like_rows_is_unchanged(self) -> None:
        rows = '[{"que": "Pozos"}]'
        written = {"title": rows, "title_string": rows, "plan": rows, "extras_plan": rows}
        found = document.fit_document(written, ["milestone"])
        assert found == {"title": rows, "title_string": rows, "extras_plan": "Pozos"}

    def test_json_of_other_plugins_is_unchanged(self) -> None:
        shape = '{"type": "Point", "coordinates": [1, 2]}'
        written = {"in_series": '["4f2c"]', "extras_spatial": shape, "partner": '["ANAM"]'}
        found = document.fit_document(written, (), ours={"partner"})
        assert found == {"in_series": '["4f2c"]', "extras_spatial": shape}

    def test_text_that_only_looks_like_json_is_unchanged(self) -> None:
        assert document.fit_document({"venue": "[sic] INFOM"}, ()) == {"venue": "[sic] INFOM"}

    def test_lists_of_ckan_itself_stay_without_texts_too_long_for_solr(self) -> None:
        assert document.fit_document({"tags": ["agua"], "res_url": ["x" * 33_000]}, ()) == {
            "tags": ["agua"],
            "res_url": [],
        }


class TestUtc:
    def test_a_moment_is_given_in_utc(self) -> None:
        assert document.format_utc("2016-10-17T09:00:00-06:00") == "2016-10-17T15:00:00Z"

    def test_a_malformed_moment_gives_none(self) -> None:
        assert [document.format_utc(v) for v in (None, "", "mañana", "2016-10-17", 7)] == [None] * 5
