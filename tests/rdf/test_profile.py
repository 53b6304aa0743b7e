"""The chain as a running site publishes it, through ckanext-dcat."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.tests.helpers import call_action
from ckanext.dcat.processors import RDFParser, RDFSerializer
from rdflib import PROV, RDF, Graph, Literal, URIRef

from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.lookups import Lookups, read_site
from ckanext.marathon.rdf.namespaces import DCAT, DCT, FOAF
from ckanext.marathon.rdf.profile import build_record_graph
from ckanext.marathon.records import Dataset

from .. import factories
from .samples import FACTS, FULL
from .shapes import violations

pytestmark = pytest.mark.usefixtures("marathon_site")


def shown(identifier: str) -> dict[str, Any]:
    """Return a package as a visitor sees it."""
    context = {"user": "", "ignore_auth": False, "auth_user_obj": None}
    return call_action("package_show", context=context, id=identifier)


def fetched(app: Any, path: str, form: str = "turtle") -> Graph:
    return Graph().parse(data=app.get(path, status=200).body, format=form)


class TestDataset:
    @pytest.mark.parametrize(
        ("extension", "form"), [("ttl", "turtle"), ("rdf", "xml"), ("jsonld", "json-ld")]
    )
    def test_a_dataset_has_the_chain_and_satisfies_the_shapes(
        self, app: Any, extension: str, form: str
    ) -> None:
        workshop = factories.Workshop(starts_at="2017-05-27T09:00:00-06:00")
        idea = factories.Idea(workshop=workshop["id"])
        dataset = factories.MarathonDataset(
            idea=[idea["id"]], license_id="cc-by", tags=[{"name": "agua"}]
        )
        graph = fetched(app, f"/dataset/{dataset['id']}.{extension}", form)
        here = read_site()
        iri = here.dataset(dataset["id"])
        assert set(graph.subjects(RDF.type, DCAT.Dataset)) == {iri}
        assert (iri, DCT.relation, here.thing("idea", idea["id"])) in graph
        held = here.thing("workshop", workshop["id"])
        assert (iri, PROV.wasGeneratedBy, held) in graph
        assert graph.value(held, PROV.startedAtTime) is not None
        places = {here.concept("municipality", code) for code in workshop["municipality"]}
        assert set(graph.objects(iri, DCT.spatial)) == places
        assert (iri, DCAT.theme, here.concept("service-problem", "AGU-01")) in graph
        publisher = here.thing("organization", dataset["owner_org"])
        assert (iri, DCT.publisher, publisher) in graph
        assert violations(graph) == []

    def test_an_idea_made_private_is_no_longer_mentioned(self, app: Any) -> None:
        idea = factories.Idea()
        dataset = factories.MarathonDataset(idea=[idea["id"]])
        call_action("package_patch", id=idea["id"], private=True)
        body = app.get(f"/dataset/{dataset['id']}.ttl", status=200).body
        assert idea["id"] not in body

    def test_renaming_changes_no_iri(self, app: Any) -> None:
        dataset = factories.MarathonDataset(resources=[{"url": "https://a.gt/a.csv"}])
        before = fetched(app, f"/dataset/{dataset['id']}.ttl")
        call_action("package_patch", id=dataset["id"], name="otro-nombre", title="Otro título")
        after = fetched(app, "/dataset/otro-nombre.ttl")
        for kind in (DCAT.Dataset, DCAT.Distribution, FOAF.Agent, PROV.Entity, PROV.Activity):
            assert set(before.subjects(RDF.type, kind)) == set(after.subjects(RDF.type, kind))

    @pytest.mark.ckan_config("ckanext.dcat.base_uri", "https://datos.example.gt/")
    @pytest.mark.ckan_config("ckanext.marathon.vocabulary_base_uri", "https://v.example.gt/")
    def test_iris_begin_with_the_base_of_the_settings(self, app: Any) -> None:
        dataset = factories.MarathonDataset()
        graph = fetched(app, f"/dataset/{dataset['id']}.ttl")
        assert set(graph.subjects(RDF.type, DCAT.Dataset)) == {
            URIRef(f"https://datos.example.gt/dataset/{dataset['id']}")
        }
        theme = URIRef("https://v.example.gt/service-problem/AGU-01")
        assert (None, DCAT.theme, theme) in graph

    @pytest.mark.ckan_config("ckan.locale_default", "es_GT")
    def test_texts_are_in_the_language_of_the_site(self, app: Any) -> None:
        dataset = factories.MarathonDataset(title="Pozos")
        graph = fetched(app, f"/dataset/{dataset['id']}.ttl")
        assert (None, DCT.title, Literal("Pozos", lang="es")) in graph


class TestReadingBack:
    def test_a_dataset_of_this_site_is_read_back_unchanged(self) -> None:
        fields = {
            key: FULL[key]
            for key in FULL
            if key not in ("id", "name", "type", "owner_org", "organization", "municipality")
            and key not in ("service_problem", "idea", "data_need", "publisher", "resources")
            and not key.startswith("metadata_")
        }
        idea = factories.Idea(data_need=[{"what": "Dónde hay pozos"}])
        need = idea["data_need"][0]["id"]
        dataset = factories.MarathonDataset(
            **fields,
            idea=[idea["id"]],
            data_need=[need],
            resources=[
                {
                    key: value
                    for key, value in each.items()
                    if key not in ("id", "package_id", "url_type")
                }
                for each in FULL["resources"][1:]
            ],
        )
        serializer = RDFSerializer(profiles=["marathon"])
        parser = RDFParser(profiles=["marathon"])
        parser.parse(serializer.serialize_dataset(shown(dataset["id"]), _format="ttl"), "turtle")
        (read,) = parser.datasets()
        before = shown(dataset["id"])
        again = call_action("package_update", **read, name=dataset["name"])
        after = shown(again["id"])
        # A computed value becomes the dataset's own if another user sends it.
        ignored = {"metadata_modified", "municipality_origin", "service_problem_origin"}
        ignored |= {"theme"} if before["theme"] == after["theme"] else set()
        for key in set(before) - ignored - {"resources", "organization"}:
            assert _sorted(after.get(key)) == _sorted(before[key]), key
        olds, news = (sorted(each["resources"], key=lambda r: r["id"]) for each in (before, after))
        for old, new in zip(olds, news, strict=True):
            for key in ("id", "url", "format", "license", "access_url", "download_url"):
                assert new.get(key) == old.get(key), key

    def test_a_foreign_catalogue_is_read(self) -> None:
        turtle = """
        @prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
        @prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix locn: <http://www.w3.org/ns/locn#> .
        @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
        <https://otro.gt/d/1> a dcat:Dataset ; dct:title "Lluvia"@es ; dct:description "mm" ;
          dcat:keyword "clima" ; dct:accrualPeriodicity "a veces" ;
          dcat:contactPoint [ vcard:hasFN [ vcard:hasValue "INSIVUMEH" ] ] ;
          dct:spatial [ a dct:Location ; locn:geometry <https://otro.gt/g> ] ;
          dct:relation <https://otro.gt/informe> ;
          dct:publisher <https://otro.gt/org> ;
          dcat:distribution <https://otro.gt/d/1/csv> .
        <https://otro.gt/org> a foaf:Agent ; foaf:name "INSIVUMEH" .
        <https://otro.gt/d/1/csv> a dcat:Distribution ; dcat:accessURL <https://otro.gt/1.csv> ;
          dct:format "CSV" .
        """
        parser = RDFParser(profiles=["marathon"])
        parser.parse(turtle, "turtle")
        (read,) = parser.datasets()
        assert read["title"] == "Lluvia"
        assert read["tags"] == [{"name": "clima"}]
        assert read["publisher"] == [{"uri": "https://otro.gt/org", "name": "INSIVUMEH"}]
        assert "frequency" not in read
        assert read["resources"][0]["url"] == "https://otro.gt/1.csv"
        assert read["resources"][0]["format"] == "CSV"
        extras = {each["key"]: each["value"] for each in read["extras"]}
        assert extras["uri"] == "https://otro.gt/d/1"
        assert "https://otro.gt/informe" in extras["related_resource"]

    def test_an_address_of_a_local_file_loses_no_other_value(self) -> None:
        turtle = """
        @prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
        <https://otro.gt/d/1> a dcat:Dataset ; dct:title "Lluvia" ; dct:description "mm" ;
          dcat:distribution <https://otro.gt/d/1/csv> .
        <https://otro.gt/d/1/csv> a dcat:Distribution ; dct:title "Estaciones" ;
          dcat:accessURL <file:///datos/1.csv> ; dcat:downloadURL <https://otro.gt/1.csv> .
        """
        parser = RDFParser(profiles=["marathon"])
        parser.parse(turtle, "turtle")
        (read,) = parser.datasets()
        saved = factories.MarathonDataset(resources=read["resources"])
        (resource,) = saved["resources"]
        assert (resource["name"], resource["url"]) == ("Estaciones", "https://otro.gt/1.csv")

    def test_an_invalid_date_loses_no_other_value(self) -> None:
        turtle = """
        @prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
        @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
        <https://otro.gt/d/1> a dcat:Dataset ; dct:title "Lluvia" ; dct:description "mm" ;
          dct:issued "Monday" ; dct:modified "2024-05-06Z"^^xsd:date ;
          dct:temporal
            [ a dct:PeriodOfTime ; dcat:startDate "2016"^^xsd:gYear ; dcat:endDate "ayer" ] ,
            [ a dct:PeriodOfTime ; dcat:startDate "2017" ; dcat:endDate "2016" ] ;
          dcat:distribution <https://otro.gt/d/1/csv> .
        <https://otro.gt/d/1/csv> a dcat:Distribution ; dcat:accessURL <https://otro.gt/1.csv> ;
          dct:issued "2024-05"^^xsd:gYearMonth ; dct:modified "31/02/2024" .
        """
        parser = RDFParser(profiles=["marathon"])
        parser.parse(turtle, "turtle")
        (read,) = parser.datasets()
        told = " ".join(read["marathon_notices"])
        assert all(each in told for each in ("Monday", "ayer", "2017", "31/02/2024"))
        names = ("title", "notes", "modified", "temporal_coverage", "resources", "marathon_notices")
        saved = factories.MarathonDataset(**{name: read[name] for name in names})
        assert (saved["title"], saved["modified"]) == ("Lluvia", "2024-05-06")
        assert not saved.get("issued")
        assert saved["temporal_coverage"] == [{"start": "2016"}]
        (resource,) = saved["resources"]
        assert (resource["issued"], resource.get("modified")) == ("2024-05", None)

    def test_odd_sizes_and_geometries_do_not_stop_a_harvest(self) -> None:
        turtle = """
        @prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
        @prefix gsp: <http://www.opengis.net/ont/geosparql#> .
        <https://otro.gt/d/1> a dcat:Dataset ; dct:title "Lluvia" ; dct:spatial [
            a dct:Location ;
            dcat:bbox <https://otro.gt/node>, "POINT \\"\\"\\""^^gsp:wktLiteral ;
            dcat:centroid "POINT (1 2)"^^gsp:wktLiteral, <https://otro.gt/node>
          ] ; dcat:distribution [ a dcat:Distribution ; dcat:byteSize "INF" ] .
        """
        parser = RDFParser(profiles=["marathon"])
        parser.parse(turtle, "turtle")
        (read,) = parser.datasets()
        assert read["title"] == "Lluvia"
        assert "centroid" in read["spatial_coverage"][0]


class TestDates:
    def test_a_dataset_with_an_invalid_date_satisfies_the_shapes(self) -> None:
        found = build_dataset_graph(
            Dataset.from_shown({**FULL, "modified": "Monday", "issued": "2016"}), FACTS
        )
        assert violations(found) == []


class TestCatalogue:
    def test_the_catalogue_has_only_datasets_and_satisfies_the_shapes(self, app: Any) -> None:
        body = factories.CoordinatingBody(title="INFOM")
        dataset = factories.MarathonDataset()
        factories.Commitment(owner_org=body["id"])
        graph = fetched(app, "/catalog.ttl")
        here = read_site()
        assert set(graph.subjects(RDF.type, DCAT.Dataset)) == {here.dataset(dataset["id"])}
        assert set(graph.objects(URIRef(here.base), DCAT.dataset)) == {here.dataset(dataset["id"])}
        assert (URIRef(here.base), DCT.publisher, here.thing("organization", body["id"])) in graph
        assert graph.value(URIRef(here.base), DCT.modified) is not None
        assert violations(graph) == []

    def test_an_empty_catalogue_satisfies_the_shapes(self, app: Any) -> None:
        graph = fetched(app, "/catalog.ttl")
        assert set(graph.subjects(RDF.type, DCAT.Dataset)) == set()
        assert violations(graph) == []

    @pytest.mark.ckan_config("ckanext.marathon.catalog_license", "cc-zero")
    def test_the_licence_of_the_catalogue_is_that_of_the_settings(self, app: Any) -> None:
        licence = fetched(app, "/catalog.ttl").value(URIRef(read_site().base), DCT.license)
        assert str(licence) == "http://publications.europa.eu/resource/authority/licence/CC0"

    def test_two_coordinating_bodies_leave_the_site_as_publisher(self, app: Any) -> None:
        factories.CoordinatingBody()
        factories.CoordinatingBody()
        publisher = fetched(app, "/catalog.ttl").value(URIRef(read_site().base), DCT.publisher)
        assert str(publisher) == f"{read_site().base}#publisher"


class TestOtherTypes:
    def test_idea_and_workshop_refer_to_the_dataset_and_are_no_dataset(self) -> None:
        dataset = factories.MarathonDataset()
        idea = shown(dataset["idea"][0])
        iri = read_site().dataset(dataset["id"])
        for package, predicate in ((idea, DCT.relation), (shown(idea["workshop"]), PROV.generated)):
            graph = build_record_graph(package, Lookups())
            subject = read_site().thing(package["type"], package["id"])
            assert (subject, predicate, iri) in graph
            assert (None, RDF.type, DCAT.Dataset) not in graph
            assert violations(graph) == []

    def test_a_private_dataset_is_not_mentioned_by_its_idea(self) -> None:
        dataset = factories.MarathonDataset(private=True)
        graph = build_record_graph(shown(dataset["idea"][0]), Lookups())
        assert dataset["id"] not in graph.serialize()

    def test_small_counts_are_not_published(self) -> None:
        workshop = factories.Workshop(participants=20, participants_indigenous=3)
        seen = shown(workshop["id"])
        assert seen["participants_masked"]
        subject = read_site().thing("workshop", workshop["id"])
        # Nor if somebody hands over the workshop as its organisation sees it.
        for each in (seen, {**seen, "participants_indigenous": 3}):
            graph = build_record_graph(each, Lookups())
            assert graph.value(subject, read_site().term("participantsIndigenous")) is None

    def test_a_commitment_is_published_as_a_plan(self) -> None:
        commitment = factories.Commitment()
        graph = build_record_graph(shown(commitment["id"]), Lookups())
        assert (None, RDF.type, PROV.Plan) in graph


def _sorted(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    rows = (
        {k: v for k, v in each.items() if v} if isinstance(each, dict) else each for each in value
    )
    return sorted(rows, key=str)
