"""The site's own tables: content, visibility and ETags."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import Any

import pytest
from ckan.tests.helpers import call_action

from ckanext.marathon import spreadsheets
from ckanext.marathon.model import own_data
from ckanext.marathon.rdf.lookups import read_site
from tests.factories import Idea, MarathonDataset, Municipality, Workshop
from tests.remembered import remembered

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

Chain = dict[str, dict[str, Any]]


@pytest.fixture
@remembered
def chain() -> Chain:
    """A workshop of two municipalities, an idea of both, and a dataset that meets one need."""
    organization = Municipality(municipality_code="0501", title="Escuintla")
    workshop = Workshop(
        owner_org=organization["id"],
        municipality=["0501", "0502"],
        service_problem=["AGU-01"],
        code="T-1",
        starts_at="2016-10-17T09:00",
        ends_at="2016-10-18",
        participants=3,
        latitude="14.3",
        longitude="-90.8",
        invitation=[{"organisation": "Cocode", "answer": "accepted"}],
    )
    idea = Idea(
        workshop=workshop["id"],
        title="=Horario, del agua",
        community=["El Frutal", "Zona 4"],
        votes=12,
        data_need=[{"what": "Horario", "why": "Saber"}, {"what": "Cortes"}],
    )
    dataset = MarathonDataset(
        owner_org=organization["id"], idea=[idea["id"]], data_need=[idea["data_need"][0]["id"]]
    )
    return {"organization": organization, "workshop": workshop, "idea": idea, "dataset": dataset}


def rows(reader: Reader, table: str) -> list[dict[str, Any]]:
    """Return a table from its JSON, after comparing it with its CSV."""
    answer = reader.get(f"/marathon/data/{table}.json")
    assert answer.status_code == 200
    found = json.loads(answer.body)
    text = reader.get(f"/marathon/data/{table}.csv").body
    plain = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    names = [each.name for each in spreadsheets.list_open_tables()[table].columns]
    for row, line in zip(found, plain, strict=True):
        assert list(row) == list(line) == names
    return found


class TestTables:
    def test_workshops_have_days_and_codes_and_no_personal_data(
        self, visitor: Reader, chain: Chain
    ) -> None:
        (row,) = rows(visitor, "workshops")
        assert row["iri"] == str(read_site().thing("workshop", chain["workshop"]["id"]))
        assert (row["starts_on"], row["starts_at"]) == ("2016-10-17", "2016-10-17T09:00:00-06:00")
        assert (row["ends_on"], row["ends_at"]) == ("2016-10-18", None)
        assert (row["municipality"], row["service_problem"]) == ("0501|0502", "AGU-01")
        assert (row["latitude"], row["code"], row["example"]) == (14.3, "T-1", False)
        assert row["organization"] == "Escuintla"
        assert not {"participants", "invitation", "organiser"} & set(row)

    def test_ideas_have_their_workshop_and_its_places(self, visitor: Reader, chain: Chain) -> None:
        (row,) = rows(visitor, "ideas")
        assert row["workshop"] == str(read_site().thing("workshop", chain["workshop"]["id"]))
        assert (row["municipality"], row["community"]) == ("0501|0502", "El Frutal|Zona 4")
        assert (row["status"], row["votes"]) == ("proposed", 12)
        assert row["status_since"].endswith("-06:00")
        assert row["title"] == "=Horario, del agua"
        assert "'=Horario" in visitor.get("/marathon/data/ideas.csv").text

    def test_data_needs_have_the_datasets_that_meet_them(
        self, visitor: Reader, chain: Chain
    ) -> None:
        found = {row["what"]: row for row in rows(visitor, "data_needs")}
        assert found["Horario"]["met"] is True
        assert found["Horario"]["dataset"] == str(read_site().dataset(chain["dataset"]["id"]))
        assert (found["Cortes"]["met"], found["Cortes"]["dataset"]) == (False, "")
        assert found["Cortes"]["idea"] == str(read_site().thing("idea", chain["idea"]["id"]))

    def test_links_join_the_tables_by_iri(self, visitor: Reader, chain: Chain) -> None:
        found = {(row["predicate"], row["object_code"]): row for row in rows(visitor, "links")}
        assert found["idea_workshop", ""]["object"] == rows(visitor, "workshops")[0]["iri"]
        assert found["workshop_municipality", "0501"]["object"].endswith("/municipality/0501")
        met = found["dataset_data_need", ""]["object"]
        assert met in {row["iri"] for row in rows(visitor, "data_needs")}
        assert ("idea_municipality", "0501") not in found, "computed, and so not stated"

    def test_keys_are_unique_and_references_exist(self, visitor: Reader, chain: Chain) -> None:
        known = {name: rows(visitor, name) for name in spreadsheets.list_open_tables()}
        for name, table in spreadsheets.list_open_tables().items():
            keys = [tuple(row[each] for each in table.key) for row in known[name]]
            assert len(set(keys)) == len(keys) > 0
            for column in table.columns:
                if column.refers_to:
                    there = {row["iri"] for row in known[column.refers_to]}
                    assert {row[column.name] for row in known[name]} <= there

    @pytest.mark.parametrize("hidden", ["workshop", "idea", "dataset"])
    def test_non_public_records_are_in_no_table(
        self, visitor: Reader, chain: Chain, hidden: str
    ) -> None:
        call_action("package_patch", id=chain[hidden]["id"], private=True)
        for name in spreadsheets.list_open_tables():
            for extension in spreadsheets.FORMS:
                text = visitor.get(f"/marathon/data/{name}.{extension}").text
                assert chain[hidden]["id"] not in text, name
        if hidden == "idea":
            assert not rows(visitor, "data_needs")

    def test_rows_are_read_in_batches_without_loss(
        self, visitor: Reader, chain: Chain, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(4):
            Idea(workshop=chain["workshop"]["id"])
        whole = {name: rows(visitor, name) for name in spreadsheets.list_open_tables()}
        monkeypatch.setattr(own_data, "BATCH", 2)
        assert {name: rows(visitor, name) for name in spreadsheets.list_open_tables()} == whole
        assert len(whole["ideas"]) == 5

    def test_an_empty_site_has_empty_tables(self, visitor: Reader) -> None:
        for name in spreadsheets.list_open_tables():
            assert rows(visitor, name) == []


class TestHttp:
    @pytest.mark.parametrize("name", list(spreadsheets.list_open_tables()))
    @pytest.mark.parametrize("extension", list(spreadsheets.FORMS))
    def test_a_known_etag_gets_304(
        self, visitor: Reader, chain: Chain, name: str, extension: str
    ) -> None:
        path = f"/marathon/data/{name}.{extension}"
        first = visitor.get(path)
        assert first.headers["Access-Control-Allow-Origin"] == "*"
        again = visitor.get(path, **{"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.body) == (304, "")
        zipped = visitor.get(path, **{"Accept-Encoding": "gzip"})
        assert gzip.decompress(zipped.data).decode() == first.data.decode()

    @pytest.mark.parametrize(
        ("thing", "change"),
        [
            ("idea", {"votes": 13}),
            ("idea", {"code": "I-9"}),
            ("workshop", {"rsvp_by": "2016-10-01"}),
            ("dataset", {"private": True}),
            ("organization", {"title": "Otro nombre"}),
        ],
    )
    def test_a_change_of_a_record_or_its_organisation_gives_another_etag(
        self, visitor: Reader, chain: Chain, thing: str, change: dict[str, Any]
    ) -> None:
        before = visitor.get("/marathon/data/ideas.csv").headers["ETag"]
        kind = "organization" if thing == "organization" else "package"
        call_action(f"{kind}_patch", id=chain[thing]["id"], **change)
        assert visitor.get("/marathon/data/ideas.csv").headers["ETag"] != before

    @pytest.mark.parametrize("path", ["nothing.csv", "ideas.xml", "ideas.csv.csv", "%3Cb%3E.json"])
    def test_unknown_tables_get_404_with_the_known_ones(self, visitor: Reader, path: str) -> None:
        answer = visitor.get(f"/marathon/data/{path}")
        assert answer.status_code == 404
        assert "/marathon/data/workshops.csv" in answer.text

    def test_the_tables_work_without_solr(
        self, visitor: Reader, chain: Chain, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")
        assert len(rows(visitor, "ideas")) == 1
        assert visitor.get("/marathon/data").status_code == 200


class TestDictionary:
    @pytest.mark.parametrize("lang", ["es", "en"])
    def test_the_page_has_every_column(self, visitor: Reader, lang: str) -> None:
        page = visitor.page(f"/{lang}/marathon/data")
        for table in spreadsheets.list_open_tables().values():
            section = page.select_one(f"section:has(#{table.name})")
            assert section
            names = [each.text for each in section.select("th[scope=row]")]
            assert names == [each.name for each in table.columns]
            for column in table.columns:
                assert column.description[lang] in " ".join(section.text.split())

    def test_datapackage_json_has_a_schema_for_each_table(self, visitor: Reader) -> None:
        found = json.loads(visitor.get("/marathon/data/datapackage.json").body)
        assert [each["name"] for each in found["resources"]] == list(
            spreadsheets.list_open_tables()
        )
        for resource in found["resources"]:
            schema = resource["schema"]
            names = [each["name"] for each in schema["fields"]]
            assert set(schema["primaryKey"]) <= set(names)
            assert all(each["title"] and each["description_en"] for each in schema["fields"])
            assert visitor.get(resource["path"]).status_code == 200
        (foreign,) = found["resources"][1]["schema"]["foreignKeys"]
        assert foreign == {
            "fields": "workshop",
            "reference": {"resource": "workshops", "fields": "iri"},
        }
