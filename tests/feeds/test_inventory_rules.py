"""The mapping of a dataset's description to data.json, schema.org and CSV, without a site."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ckanext.marathon.domain.addresses import is_mail_reachable
from ckanext.marathon.domain.texts import list_distinct_words
from ckanext.marathon.feeds import data_json, inventory, schema_org, sheet
from ckanext.marathon.feeds.data_json import SiteContact
from ckanext.marathon.feeds.inventory import strip_markup
from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.records import Dataset
from ckanext.marathon.vocabulary import authorities
from tests.rdf.samples import AUTHORITY, FACTS, MINIMAL

from .schemas import argentine_faults, us_faults

NOBODY = SiteContact("Portal", "", "https://example.gt/about")
SITE = SiteContact("Portal", "datos@example.gt", "https://example.gt/about")
SHA = "ab" * 32


def describe(**fields: Any) -> inventory.InventoryDataset:
    own = dict.fromkeys(("metadata_created", "metadata_modified"), "2026-11-25T10:00:00")
    graph = build_dataset_graph(Dataset.from_shown({**MINIMAL, **own, **fields}), FACTS)
    lines = filter(None, graph.serialize(format="nt11", encoding="utf-8").splitlines())
    (found,) = inventory.parse_inventory(lines, "es", FACTS.site.vocabulary, FACTS.site.base)
    return found


def us(site: SiteContact = SITE, /, **fields: Any) -> dict[str, Any]:
    row = json.loads(data_json.write_data_json_part([describe(**fields)], site))
    if site.email:
        document = {"conformsTo": data_json.CONFORMS_TO, "dataset": [row]}
        assert us_faults(document) == []
    return row


def argentine(**fields: Any) -> dict[str, Any]:
    row = json.loads(
        data_json.write_data_json_part([describe(**fields)], SITE, data_json.ARGENTINA)
    )
    head = {"title": "T", "description": "D", "superThemeTaxonomy": "x"}
    publisher = {"name": "P", "mbox": "a@example.gt"}
    assert argentine_faults({**head, "publisher": publisher, "dataset": [row]}) == []
    return row


def cells(**fields: Any) -> dict[str, str]:
    return dict(zip(sheet.COLUMNS, sheet.make_sheet_row(describe(**fields)), strict=True))


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
    def test_data_json_has_the_metadata_of_a_file(self) -> None:
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

    def test_schema_org_and_the_csv_have_the_metadata_of_a_file(self) -> None:
        found: Any = schema_org._dataset(describe(resources=[FILE]), "https://example.gt", "P")
        (file,) = found["distribution"]
        assert (file["sha256"], file["contentSize"]) == (SHA, "12 B")
        assert file["usageInfo"] == [{"@type": "CreativeWork", "text": "Sin permiso escrito"}]
        row = cells(resources=[FILE])
        assert (row["bytes"], row["sha256"]) == ("12", SHA)

    def test_files_are_in_the_order_of_the_record(self) -> None:
        names = ["datos", "columnas", "licencia", "a", "z", "b", "y", "c", "x", "d", "w", "e"]
        rows = [{"id": f"{9 - n}{name}", "name": name} for n, name in enumerate(names)]
        assert [each["title"] for each in us(resources=rows)["distribution"]] == names
        found: Any = schema_org._dataset(describe(resources=rows), "https://example.gt", "P")
        assert [each["name"] for each in found["distribution"]] == names
        assert cells(resources=rows)["archivos"].split(" | ") == names

    def test_csv_columns_of_files_have_one_entry_for_each_file(self) -> None:
        rows = [
            {"id": "1", "name": "A | B", "url": "https://example.gt/a.csv", "format": "CSV"},
            {"id": "2", "url": "https://example.gt/b.csv", "format": "CSV"},
            {"id": "3", "name": "C"},
        ]
        found = cells(resources=rows)
        assert found["archivos"] == "A / B | b.csv | C"
        assert found["formatos"] == "CSV | CSV | —"
        assert len(found["direcciones"].split(" | ")) == 3

    def test_a_format_outside_the_eu_table_keeps_its_text(self) -> None:
        (file,) = us(resources=[{"id": "r", "format": "API", "url": "https://a.gt"}])[
            "distribution"
        ]
        assert file["format"] == "API"

    def test_a_mail_address_is_no_content_url(self) -> None:
        found: Any = schema_org._dataset(
            describe(resources=[{"id": "r", "url": "mailto:a@example.gt"}]),
            "https://example.gt",
            "P",
        )
        assert "contentUrl" not in found["distribution"][0]


class TestRights:
    def test_the_note_on_rights_is_published_with_the_licence(self) -> None:
        note = "La fuente no publica una licencia; se presume. " * 9
        found = us(license_id="cc-by", rights_note=note, resources=[FILE])
        assert len(found["rights"]) <= 255
        assert note.strip() in found["distribution"][0]["rights"]
        assert note.strip() in argentine(rights_note=note)["rights"]
        assert cells(rights_note=note)["derechos"] == note
        described: Any = schema_org._dataset(describe(rights_note=note), "https://example.gt", "P")
        assert described["usageInfo"][0]["text"] == note

    def test_data_json_has_one_standard_and_the_others_among_the_references(self) -> None:
        found = us(
            documentation=["https://example.gt/ñ.pdf"],
            conforms_to=["https://example.gt/1", "https://example.gt/2"],
        )
        assert found["conformsTo"] == "https://example.gt/1"
        assert found["references"] == ["https://example.gt/%C3%B1.pdf", "https://example.gt/2"]

    def test_only_public_datasets_are_accessible_for_free(self) -> None:
        for right, expected in (("PUBLIC", True), ("RESTRICTED", None), ("", None)):
            iri = f"{AUTHORITY}/access-right/{right}" if right else ""
            found: Any = schema_org._dataset(describe(access_rights=iri), "https://example.gt", "P")
            assert found.get("isAccessibleForFree") is expected


def described(**fields: Any) -> Any:
    return schema_org._dataset(describe(**fields), FACTS.site.base, "P")


ANNUAL = {"frequency": f"{AUTHORITY}/frequency/ANNUAL"}
WEEKLY = {"frequency": f"{AUTHORITY}/frequency/WEEKLY"}
YEARS = [{"start": "2018", "end": "2019"}, {"start": "2016-05", "end": "2016-06"}]


class TestPeriods:
    @pytest.mark.parametrize(
        ("rows", "fields", "temporal", "all_of_them"),
        [
            ([], {}, None, []),
            ([{"start": "2016", "end": "2017"}], {}, "2016/2017", ["2016/2017"]),
            # DCAT-US takes both ends in one form.
            ([{"start": "2016", "end": "2017-05"}], {}, "2016-01-01/2017-05-31", ["2016/2017-05"]),
            (
                [{"start": "2016-01-02T03:04:05-06:00", "end": "2016-12-31T23:59:59"}],
                {},
                "2016-01-02T03:04:05-06:00/2016-12-31T23:59:59-06:00",
                None,
            ),
            # From the earliest start to the latest end, whatever their order.
            (YEARS, {}, "2016-05-01/2019-12-31", ["2018/2019", "2016-05/2016-06"]),
            (
                [{"start": "2016", "end": "2016-12-31"}, {"start": "2016-01-01", "end": "2016"}],
                {},
                "2016-01-01/2016-12-31",
                ["2016/2016-12-31", "2016-01-01/2016"],
            ),
            # Repeats a period, with which it is updated, or the unit in which the date is stated.
            ([{"start": "2016-05"}], ANNUAL, "R/2016-05/P1Y", ["2016-05/.."]),
            ([{"start": "2016-05-03"}], WEEKLY, "R/2016-05-03/P1W", ["2016-05-03/.."]),
            ([{"start": "2016"}], {}, "R/2016/P1Y", ["2016/.."]),
            ([{"start": "2016-05"}], {}, "R/2016-05/P1M", ["2016-05/.."]),
            ([{"end": "2016-05-03"}], {}, "R/P1D/2016-05-03", ["../2016-05-03"]),
            ([{"start": "2015"}, *YEARS], {}, "R/2015/P1Y", None),
            # These dates do not say whether the time between them is covered.
            ([{"end": "2010"}, {"start": "2015"}], {}, None, ["../2010", "2015/.."]),
        ],
    )
    def test_all_periods_are_published_and_data_json_has_one_that_spans_them(
        self,
        rows: list[dict[str, str]],
        fields: dict[str, str],
        temporal: str | None,
        all_of_them: list[str] | None,
    ) -> None:
        row = us(temporal_coverage=rows, **fields)
        assert row.get("temporal") == temporal
        found = described(temporal_coverage=rows, **fields).get("temporalCoverage", [])
        found = found if isinstance(found, list) else [found]
        if all_of_them is not None:
            assert found == all_of_them
        assert row.get("temporalCoverage", [temporal] if temporal else []) == found
        if not any("T" in each for each in found):
            assert cells(temporal_coverage=rows)["periodo"] == " | ".join(found)

    def test_a_period_in_words_is_published_where_text_is_allowed(self) -> None:
        fields = {"temporal_coverage_text": ["Época colonial"]}
        assert described(**fields)["temporalCoverage"] == "Época colonial"
        assert cells(**fields)["periodo"] == "Época colonial"
        row = us(**fields)
        assert "temporal" not in row
        assert row["temporalCoverage"] == ["Época colonial"]


SQUARE = json.dumps(
    {
        "type": "Polygon",
        "coordinates": [[[-90.7, 14.4], [-90.5, 14.4], [-90.5, 14.6], [-90.7, 14.4]]],
    }
)
POINT = json.dumps({"type": "Point", "coordinates": [-90.59, 14.51]})


class TestShapesOfPlaces:
    @pytest.mark.parametrize("name", ["", "Zona 1"])
    @pytest.mark.parametrize("uri", ["", "https://sws.geonames.org/3587902/"])
    def test_a_place_has_its_known_box_or_point(self, name: str, uri: str) -> None:
        for shape, geo in (
            ({"bbox": SQUARE}, {"@type": "GeoShape", "box": "14.4 -90.7 14.6 -90.5"}),
            ({"geom": SQUARE}, {"@type": "GeoShape", "box": "14.4 -90.7 14.6 -90.5"}),
            (
                {"centroid": POINT},
                {"@type": "GeoCoordinates", "latitude": 14.51, "longitude": -90.59},
            ),
        ):
            (place,) = described(spatial_coverage=[{"text": name, "uri": uri, **shape}])[
                "spatialCoverage"
            ]
            assert place["geo"] == geo
            assert place.get("name", "") == (name or uri)

    def test_a_place_without_a_name_is_shown_by_its_coordinates(self) -> None:
        fields = {"spatial_coverage": [{"bbox": SQUARE}, {"centroid": POINT}]}
        assert us(**fields)["spatial"] == "-90.7,14.4,-90.5,14.6"
        assert cells(**fields)["lugares"] == "-90.7,14.4,-90.5,14.6 | 14.51,-90.59"
        assert us(spatial_coverage=[{"centroid": POINT}])["spatial"] == "14.51,-90.59"

    @pytest.mark.parametrize(
        "wkt", ["", "POINT", "POINT Z (1 2 3)", "POINT (1 2 3)", "(1 2)", "{}"]
    )
    def test_a_malformed_geometry_has_no_box(self, wkt: str) -> None:
        assert inventory.read_box(wkt) is None


NAMED = {
    "license_id": "other-open",
    "license_title": "Libre con aviso",
    "documentation_text": ["Manual"],
    "conforms_to_text": ["Norma 5"],
    "theme_text": ["Clima"],
    "creator": [{"email": "a@example.gt"}],
    "contact": [{"email": "b@example.gt"}],
    "spatial_coverage": [{"centroid": POINT}],
    "temporal_coverage": [{"start": "2016"}],
    "resources": [{"id": "r", "license_text": ["Como sea"], "documentation_text": ["Columnas"]}],
}


def test_fragment_iris_are_neither_labels_nor_addresses() -> None:
    inner = f"{FACTS.site.own('dataset', MINIMAL['id'])}"
    row, page = us(**NAMED), described(**NAMED)
    for value in ([*strings(row)], [*strings(page)], [*cells(**NAMED).values()]):
        assert not [each for each in value if f"{inner}#" in each or "/resource/r#" in each]
    assert page["license"] == {"@type": "CreativeWork", "name": "Otra (abierta)"}
    assert row["rights"] == "Otra (abierta)"
    assert "license" not in row
    assert page["subjectOf"] == [{"@type": "CreativeWork", "name": "Manual"}]
    assert cells(**NAMED)["documentacion"] == "Manual"
    assert cells(**NAMED)["estandares"] == "Norma 5"
    assert page["distribution"][0]["license"]["name"] == row["distribution"][0]["rights"]


def strings(value: Any) -> Iterator[str]:
    """Yield all texts but the identifiers of nodes."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in {"@id", "identifier"}:
                yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    else:
        yield str(value)


def test_a_harvested_dataset_without_a_date_has_the_date_of_its_record() -> None:
    site = replace(FACTS.site, kept={MINIMAL["id"]: "https://origen.example.gt/1"})
    fields = {"metadata_modified": "2026-11-25T10:00:00", "modified": "ayer"}
    graph = build_dataset_graph(
        Dataset.from_shown({**MINIMAL, **fields}), replace(FACTS, site=site)
    )
    lines = filter(None, graph.serialize(format="nt11", encoding="utf-8").splitlines())
    (found,) = inventory.parse_inventory(lines, "es", site.vocabulary, site.base)
    assert found.modified == ""
    assert found.record_modified.startswith("2026-11-25T10:00:00")


class TestFrequency:
    @pytest.mark.parametrize(
        "code", [each.code for each in authorities.get_scheme("frequency").concepts]
    )
    def test_every_eu_frequency_is_published(self, code: str) -> None:
        iri = f"{AUTHORITY}/frequency/{code}"
        found = us(frequency=iri)
        assert found["accrualPeriodicityLabel"]
        without = {"NEVER", "NOT_PLANNED", "OTHER", "UNKNOWN"}
        assert ("accrualPeriodicity" in found) == (code not in without)
        assert argentine(frequency=iri)["accrualPeriodicity"]


class TestPlaces:
    def test_a_place_of_another_catalogue_gets_no_municipality_box(self) -> None:
        for iri in (
            "https://example.org/lugar/01",
            "https://example.org/department/22",
            "https://example.org/municipality/0501",
        ):
            fields = {"municipality": [], "spatial_coverage": [{"uri": iri, "text": "Lejos"}]}
            found: Any = schema_org._dataset(describe(**fields), "https://example.gt", "P")
            assert [each for each in found["spatialCoverage"] if "geo" in each] == []
            assert cells(**fields)["codigos_municipio"] == ""

    def test_a_municipality_has_its_box(self) -> None:
        found: Any = schema_org._dataset(describe(municipality=["0501"]), "https://example.gt", "P")
        assert found["spatialCoverage"][0]["geo"]["box"]
        assert cells(municipality=["0501"])["codigos_municipio"] == "0501"

    def test_two_places_of_one_name_give_one_keyword(self) -> None:
        # DCAT-US allows no value twice in a list; without keywords the places are used.
        rows = [
            {"uri": f"https://example.org/lugar/{number}", "text": "Zona 1"} for number in (1, 2)
        ]
        fields = {"municipality": [], "service_problem": [], "theme": []}
        found = us(**fields, tags=[], spatial_coverage=rows)
        assert (found["keyword"], found["spatial"]) == (["Zona 1"], "Zona 1")


class TestContact:
    def test_a_missing_contact_address_is_not_invented(self) -> None:
        found = us(NOBODY)["contactPoint"]
        assert "hasEmail" not in found
        assert found["hasURL"].startswith("https://")

    def test_the_site_is_the_contact_unless_the_dataset_has_a_mail_address(self) -> None:
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
    def test_local_and_no_reply_mail_addresses_are_unreachable(self, address: str) -> None:
        assert not is_mail_reachable(address)

    @pytest.mark.parametrize("address", ["datos@muni.gob.gt", "noe@x.gt", "a@myexample.com"])
    def test_other_mail_addresses_count_as_reachable(self, address: str) -> None:
        assert is_mail_reachable(address)


class TestWords:
    def test_keywords_differing_in_case_or_blanks_are_merged(self) -> None:
        assert list_distinct_words(["AGUA ", "agua", " Agua", "pozo", "pozó", ""]) == [
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
    def test_markup_is_stripped_from_texts(self, given: str, expected: str) -> None:
        assert strip_markup(given) == expected

    def test_periods_stay_in_the_order_of_the_record(self) -> None:
        rows = [{"start": str(2000 + n), "end": str(2000 + n)} for n in range(12)]
        assert [start for start, _ in describe(temporal_coverage=rows).periods] == [
            str(2000 + n) for n in range(12)
        ]
