"""What a dataset's description becomes in data.json, schema.org and the table, without a site."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ckanext.marathon.domain.addresses import is_reachable
from ckanext.marathon.domain.texts import distinct_words
from ckanext.marathon.feeds import data_json, inventory, schema_org, sheet
from ckanext.marathon.feeds.data_json import Contact
from ckanext.marathon.feeds.plain import plain
from ckanext.marathon.rdf.dataset import dataset_graph
from ckanext.marathon.vocabulary import authorities
from tests.rdf.samples import AUTHORITY, FACTS, MINIMAL

from .schemas import argentine_faults, us_faults

NOBODY = Contact("Portal", "", "https://example.gt/about")
SITE = Contact("Portal", "datos@example.gt", "https://example.gt/about")
SHA = "ab" * 32


def told(**fields: Any) -> inventory.Dataset:
    own = dict.fromkeys(("metadata_created", "metadata_modified"), "2026-11-25T10:00:00")
    graph = dataset_graph({**MINIMAL, **own, **fields}, FACTS)
    lines = filter(None, graph.serialize(format="nt11", encoding="utf-8").splitlines())
    (found,) = inventory.datasets(lines, "es", FACTS.site.vocabulary)
    return found


def us(site: Contact = SITE, /, **fields: Any) -> dict[str, Any]:
    row = json.loads(data_json.part([told(**fields)], site))
    if site.email:
        document = {"conformsTo": data_json.CONFORMS_TO, "dataset": [row]}
        assert us_faults(document) == []
    return row


def argentine(**fields: Any) -> dict[str, Any]:
    row = json.loads(data_json.part([told(**fields)], SITE, data_json.ARGENTINA))
    head = {"title": "T", "description": "D", "superThemeTaxonomy": "x"}
    publisher = {"name": "P", "mbox": "a@example.gt"}
    assert argentine_faults({**head, "publisher": publisher, "dataset": [row]}) == []
    return row


def cells(**fields: Any) -> dict[str, str]:
    return dict(zip(sheet.COLUMNS, sheet.row(told(**fields)), strict=True))


FILE = {
    "id": "r",
    "name": "Horas",
    "url": "https://example.gt/horas",
    "download_url": "https://example.gt/horas.csv",
    "format": "CSV",
    "size": 12,
    "hash": SHA,
    "created": "2026-01-02T03:04:05",
    "documentation": ["https://example.gt/columnas.pdf"],
    "conforms_to": ["https://example.gt/norma"],
    "rights": "Sin permiso escrito",
}


class TestFiles:
    def test_data_json_says_what_is_known_of_a_file(self) -> None:
        (file,) = us(resources=[FILE])["distribution"]
        assert file["accessURL"] == "https://example.gt/horas"
        assert file["downloadURL"] == "https://example.gt/horas.csv"
        assert file["issued"].startswith("2026-01-02")
        assert file["byteSize"] == 12
        assert file["checksum"]["algorithm"] == "sha256"
        assert file["checksum"]["checksumValue"] == SHA
        assert file["rights"] == "Sin permiso escrito"
        assert file["conformsTo"] == "https://example.gt/norma"
        assert file["references"] == ["https://example.gt/columnas.pdf"]

    def test_so_do_schema_org_and_the_table(self) -> None:
        found: Any = schema_org._dataset(told(resources=[FILE]), "https://example.gt", "P")
        (file,) = found["distribution"]
        assert (file["sha256"], file["contentSize"]) == (SHA, "12 B")
        assert file["usageInfo"] == [{"@type": "CreativeWork", "text": "Sin permiso escrito"}]
        row = cells(resources=[FILE])
        assert (row["bytes"], row["sha256"]) == ("12", SHA)

    def test_they_stand_in_the_order_of_the_record(self) -> None:
        names = ["datos", "columnas", "licencia", "a", "z", "b", "y", "c", "x", "d", "w", "e"]
        rows = [{"id": f"{9 - n}{name}", "name": name} for n, name in enumerate(names)]
        assert [each["title"] for each in us(resources=rows)["distribution"]] == names
        found: Any = schema_org._dataset(told(resources=rows), "https://example.gt", "P")
        assert [each["name"] for each in found["distribution"]] == names
        assert cells(resources=rows)["archivos"].split(" | ") == names

    def test_the_table_has_an_entry_for_each_in_every_column(self) -> None:
        rows = [
            {"id": "1", "name": "A | B", "url": "https://example.gt/a.csv", "format": "CSV"},
            {"id": "2", "url": "https://example.gt/b.csv", "format": "CSV"},
            {"id": "3", "name": "C"},
        ]
        found = cells(resources=rows)
        assert found["archivos"] == "A / B | b.csv | C"
        assert found["formatos"] == "CSV | CSV | —"
        assert len(found["direcciones"].split(" | ")) == 3

    def test_a_format_that_the_eu_does_not_know_keeps_its_word(self) -> None:
        (file,) = us(resources=[{"id": "r", "format": "API", "url": "https://a.gt"}])[
            "distribution"
        ]
        assert file["format"] == "API"

    def test_what_cannot_be_downloaded_does_not_say_that_it_can(self) -> None:
        found: Any = schema_org._dataset(
            told(resources=[{"id": "r", "url": "mailto:a@example.gt"}]), "https://example.gt", "P"
        )
        assert "contentUrl" not in found["distribution"][0]


class TestRights:
    def test_a_licence_does_not_travel_without_its_doubt(self) -> None:
        note = "La fuente no publica una licencia; se presume. " * 9
        found = us(license_id="cc-by", rights_note=note, resources=[FILE])
        assert len(found["rights"]) <= 255
        assert note.strip() in found["distribution"][0]["rights"]
        assert note.strip() in argentine(rights_note=note)["rights"]
        assert cells(rights_note=note)["derechos"] == note
        described: Any = schema_org._dataset(told(rights_note=note), "https://example.gt", "P")
        assert described["usageInfo"][0]["text"] == note

    def test_documents_and_standards(self) -> None:
        found = us(
            documentation=["https://example.gt/ñ.pdf"],
            conforms_to=["https://example.gt/1", "https://example.gt/2"],
        )
        assert found["conformsTo"] == "https://example.gt/1"
        assert found["references"] == ["https://example.gt/%C3%B1.pdf", "https://example.gt/2"]

    def test_free_is_said_only_of_what_is_public(self) -> None:
        for right, expected in (("PUBLIC", True), ("RESTRICTED", None), ("", None)):
            iri = f"{AUTHORITY}/access-right/{right}" if right else ""
            found: Any = schema_org._dataset(told(access_rights=iri), "https://example.gt", "P")
            assert found.get("isAccessibleForFree") is expected


class TestFrequency:
    @pytest.mark.parametrize(
        "code", [each.code for each in authorities.scheme("frequency").concepts]
    )
    def test_each_of_the_eu_is_told(self, code: str) -> None:
        iri = f"{AUTHORITY}/frequency/{code}"
        found = us(frequency=iri)
        assert found["accrualPeriodicityLabel"]
        without = {"NEVER", "NOT_PLANNED", "OTHER", "UNKNOWN"}
        assert ("accrualPeriodicity" in found) == (code not in without)
        assert argentine(frequency=iri)["accrualPeriodicity"]


class TestPlaces:
    def test_a_foreign_place_gets_no_box_of_ours(self) -> None:
        for iri in (
            "https://example.org/lugar/01",
            "https://example.org/department/22",
            "https://example.org/municipality/0501",
        ):
            fields = {"municipality": [], "spatial_coverage": [{"uri": iri, "text": "Lejos"}]}
            found: Any = schema_org._dataset(told(**fields), "https://example.gt", "P")
            assert [each for each in found["spatialCoverage"] if "geo" in each] == []
            assert cells(**fields)["codigos_municipio"] == ""

    def test_ours_have_theirs(self) -> None:
        found: Any = schema_org._dataset(told(municipality=["0501"]), "https://example.gt", "P")
        assert found["spatialCoverage"][0]["geo"]["box"]
        assert cells(municipality=["0501"])["codigos_municipio"] == "0501"

    def test_two_of_one_name_give_their_name_once(self) -> None:
        # DCAT-US takes no value twice in a list; places stand in for keywords.
        rows = [
            {"uri": f"https://example.org/lugar/{number}", "text": "Zona 1"} for number in (1, 2)
        ]
        fields = {"municipality": [], "service_problem": [], "theme": []}
        found = us(**fields, tags=[], spatial_coverage=rows)
        assert (found["keyword"], found["spatial"]) == (["Zona 1"], "Zona 1")


class TestContact:
    def test_nobody_s_address_is_made_up(self) -> None:
        found = us(NOBODY)["contactPoint"]
        assert "hasEmail" not in found
        assert found["hasURL"].startswith("https://")

    def test_the_site_answers_in_its_own_name(self) -> None:
        assert us(SITE)["contactPoint"]["fn"] == "Portal"
        named = us(SITE, contact=[{"name": "Oficina"}])["contactPoint"]
        assert (named["fn"], named["hasEmail"]) == ("Portal", "mailto:datos@example.gt")
        own = us(SITE, contact=[{"name": "Oficina", "email": "o@example.gt"}])["contactPoint"]
        assert (own["fn"], own["hasEmail"]) == ("Oficina", "mailto:o@example.gt")

    @pytest.mark.parametrize(
        "address",
        [
            *("no-responder@localhost", "datos@localhost.localdomain", "a@portal.invalid", ""),
            *("noreply@muni.gob.gt", "no-reply@muni.gob.gt", "do-not-reply@muni.gob.gt"),
            *("datos@192.168.1.4", "datos@[10.0.0.1]", "a@b", "a@servidor.local", "@muni.gob.gt"),
            *("a@example.com", "a@muni.test", "a@x.internal"),
        ],
    )
    def test_an_address_that_reaches_nobody(self, address: str) -> None:
        assert not is_reachable(address)

    @pytest.mark.parametrize("address", ["datos@muni.gob.gt", "noe@x.gt", "a@myexample.com"])
    def test_an_address_that_may_reach_somebody(self, address: str) -> None:
        assert is_reachable(address)


class TestWords:
    def test_keywords_that_differ_in_case_or_blanks_are_one(self) -> None:
        assert distinct_words(["AGUA ", "agua", " Agua", "pozo", "pozó", ""]) == [
            *("AGUA", "pozo", "pozó")
        ]
        tags = [{"name": each} for each in ("AGUA ", "agua", "pozos")]
        assert us(tags=tags)["keyword"] == ["AGUA", "pozos"]

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("Hola **mundo** <b>x</b>", "Hola mundo x"),
            ("<p>uno</p><p>dos &amp; tres</p>", "uno\n\ndos & tres"),
            ("- a\n- b", "- a\n- b"),
            ("1986. a", "1986. a"),
            ("[Página](https://a.gt/x_y)", "Página (https://a.gt/x_y)"),
            ("archivo_de_datos, <5 años y >60", "archivo_de_datos, <5 años y >60"),
            ("a <script>alert(1)\n\nresto", "a alert(1)\n\nresto"),
            ("sin marcas\nde nada", "sin marcas\nde nada"),
            ("<!-- oculto -->", ""),
        ],
    )
    def test_plain_text(self, given: str, expected: str) -> None:
        assert plain(given) == expected

    def test_periods_stay_in_the_order_of_the_record(self) -> None:
        rows = [{"start": str(2000 + n), "end": str(2000 + n)} for n in range(12)]
        assert [start for start, _ in told(temporal_coverage=rows).periods] == [
            str(2000 + n) for n in range(12)
        ]
