"""The files of the starter catalogue open, agree with the vocabulary and never vary."""

from __future__ import annotations

import csv
import io
import json

import pytest
import rdflib
from rdflib.namespace import SKOS
from shapely.geometry import Point, shape

from ckanext.marathon.operations import starter
from ckanext.marathon.operations.starter import ContentError, StarterFile, read_items
from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.codes import UnknownCode

BASE = "https://datos.example.gt/vocabulary"
FILES = [file for item in read_items() for file in item.files if not file.link]


def made(make: str, **more: object) -> bytes:
    return starter.make_file(StarterFile(make, "x", **more), BASE)  # type: ignore[arg-type]


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.filename)
def test_a_file_has_the_format_of_its_name_and_is_reproducible(file: StarterFile) -> None:
    data = starter.make_file(file, BASE)
    assert data == starter.make_file(file, BASE)
    ending = file.filename.rpartition(".")[2]
    assert file.fields["format"].lower() == ending
    if ending == "csv":
        table = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
        assert len(table) > 1
        assert {len(row) for row in table} == {len(table[0])}
    elif ending == "geojson":
        for feature in json.loads(data)["features"]:
            assert shape(feature["geometry"]).is_valid
    elif ending == "ttl":
        assert len(rdflib.Graph().parse(data=data, format="turtle")) > 1000
    else:
        assert data.decode("utf-8").startswith("MIT License")


def test_municipalities_keep_their_leading_zero() -> None:
    found = rows(made("municipalities_csv"))
    assert [row["codigo"] for row in found] == [m.code for m in territory.list_municipalities()]
    assert len(found) == 340
    assert found[0]["codigo"] == "0101"
    alzatate = next(row for row in found if row["codigo"] == "2105")
    assert (alzatate["nombre"], alzatate["departamento"]) == ("San Carlos Alzatate", "Jalapa")


def test_every_department_has_a_boundary() -> None:
    features = json.loads(made("departments_geojson"))["features"]
    assert [f["properties"]["codigo"] for f in features] == [
        d.code for d in territory.list_departments()
    ]


@pytest.mark.parametrize("code", ["2105", "0115", "1307"])
def test_a_boundary_contains_the_point_of_its_municipality(code: str) -> None:
    (feature,) = json.loads(made("municipality_geojson", code=code))["features"]
    place = territory.get_municipality(code)
    assert feature["id"] == feature["properties"]["codigo"] == code
    assert shape(feature["geometry"]).contains(Point(place.longitude, place.latitude))


def test_the_taxonomy_lists_each_concept_once_after_its_area() -> None:
    found = rows(made("taxonomy_csv"))
    assert len(found) == 73
    seen = set()
    for row in found:
        concept = problems.get_problem(row["notacion"])
        assert row["area"] == (concept.broader or "")
        assert not row["area"] or row["area"] in seen
        assert row["nombre_es"] == concept.label("es")
        assert row["iri"] == f"{BASE}/service-problem/{row['notacion']}"
        seen.add(row["notacion"])
    assert len(seen) == 73


def test_the_turtle_has_absolute_iris() -> None:
    here = rdflib.Graph().parse(
        data=made("taxonomy_turtle"), format="turtle", publicID="file:///a/"
    )
    concepts = {str(each) for each in here.subjects(rdflib.RDF.type, SKOS.Concept)}
    assert concepts == {row["iri"] for row in rows(made("taxonomy_csv"))}


def test_every_row_of_an_example_has_the_notice() -> None:
    for item in read_items():
        for file in item.files if item.is_example else ():
            found = rows(starter.make_file(file, BASE))
            assert found
            for row in found:
                assert row["aviso"] == "EJEMPLO, NO ES UN DATO REAL"
                assert all(name.startswith("ejemplo_") for name in row if name != "aviso")


def test_an_unknown_maker_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ContentError, match="taxonomy_turtle"):
        made("nothing")


def test_a_boundary_of_an_unknown_municipality_is_an_error() -> None:
    with pytest.raises(UnknownCode):
        made("municipality_geojson", code="9999")
