"""The starter catalogue keeps the rules of DCAT-AP 3 and our own, and shows the chain as RDF."""

from __future__ import annotations

from typing import Any, NamedTuple

import pyshacl
import pytest
from rdflib import DCAT, DCTERMS, PROV, RDF, SH, Graph, URIRef

from ckanext.marathon.rdf.lookups import read_site
from tests.rdf.shapes import FOLDER, OFFICIAL, OWN, official_is_here

from .conftest import everything

pytestmark = pytest.mark.usefixtures("loaded")


class Result(NamedTuple):
    """A finding of the validator."""

    severity: Any
    focus: str
    path: str
    value: str
    message: str


def results(graph: Graph) -> list[Result]:
    shapes = Graph().parse(OWN, format="turtle", publicID=f"{read_site().vocabulary}/")
    for name in OFFICIAL if official_is_here() else ():
        shapes.parse(FOLDER / name, format="turtle")
    _, report, _ = pyshacl.validate(graph, shacl_graph=shapes)
    assert isinstance(report, Graph)
    names = (SH.focusNode, SH.resultPath, SH.value, SH.resultMessage)
    return [
        Result(report.value(each, SH.resultSeverity), *(str(report.value(each, n)) for n in names))
        for each in report.objects(None, SH.result)
    ]


def violations(graph: Graph) -> list[Result]:
    return [each for each in results(graph) if each.severity == SH.Violation]


# What the shapes recommend and the starter catalogue cannot say without inventing it; the reasons
# stand in docs/rdf.md.
HONEST = {
    DCAT.theme,
    DCAT.contactPoint,
    DCTERMS.license,
    DCTERMS.publisher,
    DCTERMS.spatial,
    DCTERMS.temporal,
    DCTERMS.type,
    URIRef("http://data.europa.eu/r5r/availability"),
}


def read(app: Any, path: str) -> Graph:
    return Graph().parse(data=app.get(path).body, format="turtle")


def test_the_catalogue_has_no_violations_and_all_datasets(app: Any) -> None:
    graph = read(app, "/catalog.ttl")
    datasets = {
        str(read_site().dataset(each["id"]))
        for (kind, _), each in everything().items()
        if kind == "package" and each["type"] == "dataset"
    }
    assert {str(each) for each in graph.subjects(RDF.type, DCAT.Dataset)} == datasets
    assert len(datasets) == 10
    found = results(graph)
    assert [each for each in found if each.severity == SH.Violation] == []
    assert {each.path for each in found} <= {str(each) for each in HONEST}


def test_records_read_one_by_one_have_no_violations_and_show_the_chain(app: Any) -> None:
    known = everything()
    together = Graph()
    for (kind, _), each in known.items():
        if kind == "package":
            alone = read(app, f"/{each['type']}/{each['id']}.ttl")
            assert len(alone) > 5
            together += alone
    assert violations(together) == []
    dataset, idea, workshop = (
        known["package", f"ejemplo-{name}"]["id"]
        for name in (
            "datos-horario-del-agua", "idea-horario-del-agua", "taller-san-carlos-alzatate",
        )
    )  # fmt: skip
    subject = read_site().dataset(dataset)
    assert (subject, PROV.wasGeneratedBy, read_site().thing("workshop", workshop)) in together
    assert (subject, DCTERMS.relation, read_site().thing("idea", idea)) in together
    together.remove((subject, DCTERMS.title, None))
    assert violations(together), "nothing was checked"
