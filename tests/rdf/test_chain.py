"""RDF of workshops, ideas, commitments and of the catalogue itself."""

from __future__ import annotations

import pytest
from rdflib import PROV, RDF, RDFS, SKOS, Graph, Literal, URIRef
from rdflib.namespace import XSD

from ckanext.marathon.rdf.catalogue import DCAT_AP, build_catalogue_graph
from ckanext.marathon.rdf.commitment import build_commitment_graph
from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.facts import CatalogueFacts, Facts
from ckanext.marathon.rdf.idea import build_idea_graph
from ckanext.marathon.rdf.namespaces import ADMS, DCAT, DCT, FOAF, new_graph
from ckanext.marathon.rdf.profile import join_graphs
from ckanext.marathon.rdf.workshop import build_workshop_graph
from ckanext.marathon.records import Commitment, Dataset, Idea, Record, Workshop

from .samples import (
    AUTHORITY,
    CATALOGUE,
    COMMITMENT,
    FACTS,
    FULL,
    IDEA,
    INFOM,
    MINIMAL,
    NEED,
    SITE,
    VILLA_NUEVA,
    WORKSHOP,
)
from .shapes import violations

HELD = SITE.thing("workshop", WORKSHOP["id"])
SAID = SITE.thing("idea", IDEA["id"])
WITH_DATASETS = Facts(
    SITE, FACTS.organizations, FACTS.ideas, FACTS.workshops, [Record(id=FULL["id"], title="x")]
)


@pytest.mark.parametrize(
    "graph",
    [
        build_idea_graph(Idea.from_shown(IDEA), WITH_DATASETS),
        build_workshop_graph(Workshop.from_shown(WORKSHOP), WITH_DATASETS),
        build_commitment_graph(Commitment.from_shown(COMMITMENT), WITH_DATASETS),
    ],
    ids=["idea", "workshop", "commitment"],
)
def test_ideas_workshops_and_commitments_are_no_dcat_resources(graph: Graph) -> None:
    types = set(graph.objects(None, RDF.type))
    assert not types & {DCAT.Dataset, DCAT.Resource, DCAT.Distribution, DCAT.Catalog}


class TestWorkshop:
    graph = build_workshop_graph(Workshop.from_shown(WORKSHOP), WITH_DATASETS)

    def test_a_workshop_is_an_activity_with_title_times_and_agents(self) -> None:
        graph = self.graph
        assert (HELD, RDF.type, PROV.Activity) in graph
        assert (HELD, RDFS.label, Literal(WORKSHOP["title"], lang="es")) in graph
        start = Literal("2026-05-27T09:00:00-06:00", datatype=XSD.dateTime)
        end = Literal("2026-05-27T16:30:00-06:00", datatype=XSD.dateTime)
        assert graph.value(HELD, PROV.startedAtTime) == start
        assert graph.value(HELD, PROV.endedAtTime) == end
        names = {
            str(graph.value(each, FOAF.name))
            for each in graph.objects(HELD, PROV.wasAssociatedWith)
        }
        assert names == {INFOM["title"], "INFOM", "Acción Ciudadana"}

    def test_municipalities_and_venue_have_different_properties(self) -> None:
        parts = set(self.graph.objects(HELD, DCT.spatial))
        assert parts == {SITE.concept("municipality", each) for each in ("0115", "0116")}
        places = set(self.graph.objects(HELD, PROV.atLocation))
        assert places == {SITE.concept("municipality", "0101"), URIRef(f"{HELD}#venue")}

    def test_a_workshop_refers_to_its_page_ideas_and_datasets(self) -> None:
        assert (HELD, RDFS.seeAlso, SITE.page("workshop", WORKSHOP["id"])) in self.graph
        generated = set(self.graph.objects(HELD, PROV.generated))
        assert generated == {SAID, SITE.dataset(FULL["id"])}

    def test_masked_counts_are_not_published(self) -> None:
        said = {
            str(predicate).rpartition("#")[2]: str(value)
            for predicate, value in self.graph.predicate_objects(HELD)
            if str(predicate).startswith(f"{SITE.vocabulary}/def#participants")
        }
        assert said == {
            "participants": "60",
            "participantsWomen": "31",
            "participantsIndigenous": "12",
        }
        leaking = {**WORKSHOP, "participants_men": 3}
        number = SITE.term("participantsMen")
        assert build_workshop_graph(Workshop.from_shown(leaking), FACTS).value(HELD, number) is None

    def test_kind_and_status_are_concepts_of_our_vocabulary(self) -> None:
        for predicate, kind, code in (
            (DCT.type, "workshop-kind", "ideation"),
            (ADMS.status, "workshop-status", "held"),
        ):
            concept = SITE.concept(kind, code)
            assert (HELD, predicate, concept) in self.graph
            assert (concept, SKOS.inScheme, SITE.scheme(kind)) in self.graph

    def test_a_day_without_an_hour_is_not_published_as_a_point_in_time(self) -> None:
        announced = {**WORKSHOP, "starts_at": "2017-06-03", "ends_at": ""}
        graph = build_workshop_graph(Workshop.from_shown(announced), FACTS)
        assert graph.value(HELD, PROV.startedAtTime) is None
        days, day = graph.value(HELD, DCT.temporal), Literal("2017-06-03", datatype=XSD.date)
        assert graph.value(days, DCAT.startDate) == graph.value(days, DCAT.endDate) == day
        assert violations(graph) == []

    def test_an_end_without_an_hour_is_published_as_a_day(self) -> None:
        announced = {**WORKSHOP, "starts_at": "2017-06-03T15:00:00Z", "ends_at": "2017-06-05"}
        graph = build_workshop_graph(Workshop.from_shown(announced), FACTS)
        start = graph.value(HELD, PROV.startedAtTime)
        assert start is not None
        days, day = graph.value(HELD, DCT.temporal), Literal("2017-06-05", datatype=XSD.date)
        assert graph.value(days, DCAT.startDate) == start
        assert graph.value(days, DCAT.endDate) == day
        assert graph.value(HELD, PROV.endedAtTime) is None
        assert violations(graph) == []


class TestIdea:
    graph = build_idea_graph(Idea.from_shown(IDEA), WITH_DATASETS)

    def test_an_idea_is_an_entity_generated_by_its_workshop(self) -> None:
        assert (SAID, RDF.type, PROV.Entity) in self.graph
        assert (SAID, PROV.wasGeneratedBy, HELD) in self.graph
        assert (HELD, RDF.type, PROV.Activity) in self.graph

    def test_an_idea_refers_to_its_datasets(self) -> None:
        assert (SAID, DCT.relation, SITE.dataset(FULL["id"])) in self.graph

    def test_data_needs_are_parts_of_their_idea(self) -> None:
        needs = set(self.graph.subjects(DCT.isPartOf, SAID))
        assert needs == {SITE.data_need(IDEA["id"], each["id"]) for each in IDEA["data_need"]}
        need = SITE.data_need(IDEA["id"], NEED)
        assert (need, DCT.title, Literal("Dónde están las paradas", lang="es")) in self.graph

    def test_summaries_are_in_their_languages(self) -> None:
        languages = {each.language for each in self.graph.objects(SAID, DCT.abstract)}
        assert languages == {"quc", "en"}

    def test_status_problem_place_and_group_are_concepts(self) -> None:
        for predicate, iri in (
            (ADMS.status, SITE.concept("idea-status", "prioritised")),
            (DCT.subject, SITE.concept("service-problem", "VIA-04")),
            (DCT.spatial, SITE.concept("municipality", "0115")),
            (SITE.term("proponentGroup"), SITE.concept("proponent-group", "cocode")),
        ):
            assert (SAID, predicate, iri) in self.graph
            assert self.graph.value(iri, SKOS.prefLabel) is not None

    def test_a_private_workshop_is_not_mentioned(self) -> None:
        graph = build_idea_graph(Idea.from_shown(IDEA), Facts(SITE))
        assert WORKSHOP["id"] not in graph.serialize()


def test_a_commitment_is_a_plan_with_its_milestones() -> None:
    graph = build_commitment_graph(Commitment.from_shown(COMMITMENT), FACTS)
    iri = SITE.thing("commitment", COMMITMENT["id"])
    assert (iri, RDF.type, PROV.Plan) in graph
    milestone = graph.value(iri, DCT.hasPart)
    assert graph.value(milestone, DCT.date) == Literal("2016-10-31", datatype=XSD.date)
    assert (milestone, ADMS.status, SITE.concept("milestone-status", "completed")) in graph
    partners = {str(graph.value(each, FOAF.name)) for each in graph.objects(iri, DCT.contributor)}
    assert partners == {"ANAM", "Acción Ciudadana"}


class TestCatalogue:
    graph = build_catalogue_graph(CATALOGUE)
    iri = URIRef(SITE.base)

    def test_the_catalogue_has_title_description_homepage_and_dates(self) -> None:
        graph, iri = self.graph, self.iri
        assert (iri, RDF.type, DCAT.Catalog) in graph
        assert (iri, DCT.title, Literal(CATALOGUE.title, lang="es")) in graph
        assert (iri, DCT.description, Literal(CATALOGUE.description, lang="es")) in graph
        assert (iri, FOAF.homepage, URIRef(SITE.url)) in graph
        assert graph.value(iri, DCT.modified).datatype == XSD.dateTime  # type: ignore[union-attr]
        assert (iri, DCT.conformsTo, DCAT_AP) in graph

    def test_the_coordinating_body_publishes_the_catalogue(self) -> None:
        publisher = SITE.thing("organization", INFOM["id"])
        assert (self.iri, DCT.publisher, publisher) in self.graph
        assert str(self.graph.value(publisher, FOAF.name)) == INFOM["title"]

    def test_without_a_coordinating_body_the_site_is_the_publisher(self) -> None:
        graph = build_catalogue_graph(CatalogueFacts(SITE, title="Maratones"))
        publisher = graph.value(self.iri, DCT.publisher)
        assert str(graph.value(publisher, FOAF.name)) == "Maratones"
        assert graph.value(self.iri, DCT.license) is None

    def test_languages_licence_place_and_themes_are_iris(self) -> None:
        said = self.graph
        assert {str(each) for each in said.objects(self.iri, DCT.language)} == {
            f"{AUTHORITY}/language/SPA",
            f"{AUTHORITY}/language/ENG",
        }
        assert str(said.value(self.iri, DCT.license)) == f"{AUTHORITY}/licence/CC_BY_4_0"
        assert str(said.value(self.iri, DCT.spatial)) == f"{AUTHORITY}/country/GTM"
        schemes = set(said.objects(self.iri, DCAT.themeTaxonomy))
        assert schemes == {SITE.scheme("service-problem"), URIRef(f"{AUTHORITY}/data-theme")}
        for scheme in schemes:
            assert (scheme, RDF.type, SKOS.ConceptScheme) in said
            assert said.value(scheme, DCT.title) is not None


class TestPageOfSeveralDatasets:
    def test_an_agent_shared_by_two_datasets_has_one_type(self) -> None:
        page, uri = new_graph(), "https://ine.example.gt/"
        for number, kind in enumerate(("Company", "LocalAuthority")):
            agent = {
                "uri": uri,
                "name": "INE",
                "type": f"http://purl.org/adms/publishertype/{kind}",
            }
            dataset = {**MINIMAL, "id": f"d{number}", "publisher": [agent]}
            join_graphs(page, build_dataset_graph(Dataset.from_shown(dataset), FACTS))
        kinds = [str(each) for each in page.objects(URIRef(uri), DCT.type)]
        assert kinds == ["http://purl.org/adms/publishertype/Company"]

    def test_an_agent_used_as_a_licence_elsewhere_loses_its_publisher_type(self) -> None:
        uri, kind = "https://ine.example.gt/", "http://purl.org/adms/publishertype/Company"
        agent = {**MINIMAL, "publisher": [{"uri": uri, "name": "INE", "type": kind}]}
        licence = {**MINIMAL, "id": "l", "resources": [{"id": "r", "license": uri}]}
        for order in ((agent, licence), (licence, agent)):
            page = new_graph()
            for each in order:
                join_graphs(page, build_dataset_graph(Dataset.from_shown(each), FACTS))
            assert page.value(URIRef(uri), DCT.type) is None

    def test_licences_keep_all_their_types(self) -> None:
        page = new_graph()
        for number in range(2):
            dataset = {**MINIMAL, "id": f"d{number}", "license_id": "cc-by-sa"}
            join_graphs(page, build_dataset_graph(Dataset.from_shown(dataset), FACTS))
        assert len(set(page.objects(URIRef(f"{AUTHORITY}/licence/CC_BYSA_4_0"), DCT.type))) == 2

    def test_a_municipality_s_office_is_described_once(self) -> None:
        page = new_graph()
        for number in range(2):
            owned = {**MINIMAL, "id": f"d{number}", "owner_org": VILLA_NUEVA["id"]}
            join_graphs(page, build_dataset_graph(Dataset.from_shown(owned), FACTS))
        publisher = SITE.thing("organization", VILLA_NUEVA["id"])
        assert len(list(page.objects(publisher, FOAF.name))) == 1
