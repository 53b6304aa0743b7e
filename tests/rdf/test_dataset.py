"""The graph of a dataset, property by property."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rdflib import PROV, RDF, RDFS, SKOS, Graph, Literal, URIRef
from rdflib.namespace import XSD

from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.facts import Facts
from ckanext.marathon.rdf.namespaces import ADMS, DCAT, DCATAP, DCT, FOAF, GSP, PAV, VCARD
from ckanext.marathon.records import Dataset, Organization

from .samples import AUTHORITY, FACTS, FULL, IDEA, MINIMAL, NEED, SITE, VILLA_NUEVA, WORKSHOP

IRI = SITE.dataset(FULL["id"])
EU = AUTHORITY


@pytest.fixture(scope="module")
def full() -> Graph:
    return build_dataset_graph(Dataset.from_shown(FULL), FACTS)


def graph(**fields: Any) -> Graph:
    """Return the graph of a dataset with these fields only."""
    return build_dataset_graph(Dataset.from_shown({**MINIMAL, **fields}), FACTS)


def objects_of(found: Graph, predicate: URIRef) -> set[str]:
    """Return the properties of the only dataset."""
    iri = found.value(None, RDF.type, DCAT.Dataset)
    return {str(each) for each in found.objects(iri, predicate)}


class TestIdentity:
    def test_the_iri_holds_the_id_and_neither_name_nor_title(self, full: Graph) -> None:
        assert str(IRI) == f"https://datos.example.gt/dataset/{FULL['id']}"
        renamed = build_dataset_graph(
            Dataset.from_shown({**FULL, "name": "otro", "title": "Otro"}), FACTS
        )
        assert set(renamed.subjects(RDF.type, DCAT.Dataset)) == {IRI}

    def test_the_identifier_is_the_iri(self, full: Graph) -> None:
        assert objects_of(full, DCT.identifier) == {str(IRI)}

    def test_an_own_identifier_is_an_adms_identifier(self, full: Graph) -> None:
        nodes = full.objects(IRI, ADMS.identifier)
        assert {str(full.value(each, SKOS.notation)) for each in nodes} == set(
            FULL["alternate_identifier"]
        )

    def test_an_extra_called_uri_changes_nothing(self) -> None:
        found = graph(uri="javascript:x", extras=[{"key": "uri", "value": "https://other.gt/1"}])
        assert set(found.subjects(RDF.type, DCAT.Dataset)) == {SITE.dataset(MINIMAL["id"])}

    def test_no_node_is_blank(self, full: Graph) -> None:
        assert all(isinstance(each, URIRef) for each in full.subjects())
        assert all(isinstance(each, URIRef | Literal) for each in full.objects())


class TestTexts:
    def test_texts_have_a_language_tag(self, full: Graph) -> None:
        for predicate in (DCT.title, DCT.description, DCAT.keyword, ADMS.versionNotes):
            assert {each.language for each in full.objects(IRI, predicate)} == {"es"}

    def test_a_dataset_without_description_repeats_its_title(self) -> None:
        assert objects_of(graph(notes=""), DCT.description) == {"Pozos"}

    def test_a_dataset_without_title_is_titled_by_its_name(self) -> None:
        assert objects_of(graph(title="", name="pozos"), DCT.title) == {"pozos"}

    def test_dates_are_typed(self, full: Graph) -> None:
        assert full.value(IRI, DCT.issued) == Literal("2026-06-01", datatype=XSD.date)
        assert full.value(IRI, DCT.modified).datatype == XSD.dateTime  # type: ignore[union-attr]

    def test_missing_dates_are_replaced_by_ckans_times(self) -> None:
        found = graph(
            metadata_created="2026-01-02T03:04:05", metadata_modified="2026-02-03T04:05:06"
        )
        assert objects_of(found, DCT.issued) == {"2026-01-02T03:04:05+00:00"}
        assert objects_of(found, DCT.modified) == {"2026-02-03T04:05:06+00:00"}

    def test_issued_is_the_first_publication_and_not_the_creation(self) -> None:
        draft = {"metadata_created": "2026-01-02T03:04:05"}
        published = graph(**draft, first_published="2026-03-04T05:06:07+00:00")
        assert objects_of(published, DCT.issued) == {"2026-03-04T05:06:07+00:00"}
        assert objects_of(graph(**draft, first_published=None), DCT.issued) == set()

    @pytest.mark.parametrize("given", ["Monday", "2024-02-30", "5"])
    def test_an_invalid_date_is_not_replaced_by_ckans_time(self, given: str) -> None:
        found = graph(issued=given, modified=given, first_published="2026-03-04T05:06:07+00:00")
        assert objects_of(found, DCT.issued) | objects_of(found, DCT.modified) == set()

    def test_dates_of_older_records_are_normalised(self) -> None:
        found = graph(issued="03/06/2017", modified="2017-06-03 09:00")
        assert objects_of(found, DCT.issued) == {"2017-06-03"}
        assert objects_of(found, DCT.modified) == {"2017-06-03T09:00:00-06:00"}

    def test_an_example_is_marked(self, full: Graph) -> None:
        assert objects_of(full, SITE.term("example")) == {"true"}
        assert objects_of(graph(example=False), SITE.term("example")) == set()


class TestAuthorities:
    @pytest.mark.parametrize(
        ("predicate", "expected", "kind"),
        [
            (DCT.accrualPeriodicity, {f"{EU}/frequency/ANNUAL"}, DCT.Frequency),
            (DCT.accessRights, {f"{EU}/access-right/PUBLIC"}, DCT.RightsStatement),
            (DCT.language, {f"{EU}/language/SPA", f"{EU}/language/ENG"}, DCT.LinguisticSystem),
        ],
    )
    def test_values_of_authority_tables_are_labelled_concepts(
        self, full: Graph, predicate: URIRef, expected: set[str], kind: URIRef
    ) -> None:
        assert objects_of(full, predicate) == expected
        for iri in map(URIRef, expected):
            assert {kind, SKOS.Concept} <= set(full.objects(iri, RDF.type))
            assert {"es", "en"} <= {each.language for each in full.objects(iri, SKOS.prefLabel)}
            scheme = full.value(iri, SKOS.inScheme)
            assert (scheme, RDF.type, SKOS.ConceptScheme) in full

    def test_usual_spellings_become_iris(self) -> None:
        found = graph(frequency="annual", language='["es", "quc"]', access_rights="PUBLIC")
        assert objects_of(found, DCT.accrualPeriodicity) == {f"{EU}/frequency/ANNUAL"}
        assert objects_of(found, DCT.language) == {f"{EU}/language/SPA", f"{EU}/language/MYN"}
        assert objects_of(found, DCT.accessRights) == {f"{EU}/access-right/PUBLIC"}

    def test_unknown_values_are_left_out(self) -> None:
        found = graph(frequency="a veces", language=["xx"], access_rights="secret", theme=["agua"])
        for predicate in (DCT.accrualPeriodicity, DCT.language, DCT.accessRights, DCAT.theme):
            assert objects_of(found, predicate) == set()


class TestThemes:
    def test_a_problem_adds_its_european_theme(self) -> None:
        found = graph(service_problem=["AGU-01"])
        assert objects_of(found, DCAT.theme) == {
            f"{SITE.vocabulary}/service-problem/AGU-01",
            f"{EU}/data-theme/ENVI",
        }

    def test_a_chosen_theme_replaces_those_of_the_problems(self, full: Graph) -> None:
        assert objects_of(full, DCAT.theme) == {
            f"{SITE.vocabulary}/service-problem/SEG-01",
            f"{SITE.vocabulary}/service-problem/VIA-04",
            f"{EU}/data-theme/TRAN",
        }

    def test_every_theme_is_a_labelled_concept_of_a_titled_scheme(self, full: Graph) -> None:
        for theme in full.objects(IRI, DCAT.theme):
            assert (theme, RDF.type, SKOS.Concept) in full
            assert {each.language for each in full.objects(theme, SKOS.prefLabel)} >= {"es", "en"}
            assert full.value(full.value(theme, SKOS.inScheme), DCT.title) is not None

    def test_an_unknown_problem_is_left_out(self) -> None:
        assert objects_of(graph(service_problem=["AGU-99", "", None]), DCAT.theme) == set()


class TestPlaces:
    def test_a_municipality_is_a_location_with_code_name_centre_and_box(self, full: Graph) -> None:
        place = SITE.concept("municipality", "0115")
        assert (IRI, DCT.spatial, place) in full
        assert (place, RDF.type, DCT.Location) in full
        assert str(full.value(place, DCT.identifier)) == "0115"
        assert full.value(place, SKOS.prefLabel) == Literal("Villa Nueva", lang="es")
        for predicate, start in ((DCAT.centroid, "POINT (-90."), (DCAT.bbox, "POLYGON ((-90.")):
            literal = full.value(place, predicate)
            assert isinstance(literal, Literal)
            assert literal.datatype == GSP.wktLiteral
            assert literal.startswith(start)

    def test_a_dataset_without_a_place_is_about_guatemala(self) -> None:
        assert objects_of(graph(), DCT.spatial) == {f"{EU}/country/GTM"}

    def test_the_shape_of_a_typed_place_is_hidden_from_stock_harvesters(self, full: Graph) -> None:
        zone = URIRef(f"{IRI}#place-1")
        assert str(full.value(zone, SKOS.prefLabel)) == "Zona 1"
        shape = full.value(zone, GSP.hasGeometry)
        assert str(full.value(shape, GSP.asWKT)).startswith("POLYGON ((-90.6 14.5")
        assert not list(full.objects(None, URIRef("http://www.w3.org/ns/locn#geometry")))

    def test_a_shape_without_a_bounding_box_gets_one(self) -> None:
        shape = '{"type": "LineString", "coordinates": [[-90.5, 14.5], [-90.25, 14.75]]}'
        found = graph(spatial_coverage=[{"geom": shape}])
        place = found.value(SITE.dataset(MINIMAL["id"]), DCT.spatial)
        assert str(found.value(place, DCAT.bbox)) == (
            "POLYGON ((-90.5 14.5, -90.25 14.5, -90.25 14.75, -90.5 14.75, -90.5 14.5))"
        )

    def test_a_department_is_described_by_the_vocabulary(self) -> None:
        iri = str(SITE.concept("department", "01"))
        found = graph(spatial_coverage=[{"uri": iri, "text": "Otro nombre"}])
        assert str(found.value(URIRef(iri), SKOS.prefLabel)) == "Guatemala"
        (other,) = objects_of(found, DCT.spatial) - {iri}
        assert str(found.value(URIRef(other), SKOS.prefLabel)) == "Otro nombre"

    def test_unknown_codes_and_empty_rows_are_left_out(self) -> None:
        found = graph(municipality=["9999", "115"], spatial_coverage=[{"text": " "}, "x", None])
        assert objects_of(found, DCT.spatial) == {f"{EU}/country/GTM"}


class TestPeople:
    def test_the_publisher_is_that_of_the_field(self, full: Graph) -> None:
        publisher = URIRef("https://mingob.example.gt/")
        assert objects_of(full, DCT.publisher) == {str(publisher)}
        assert {FOAF.Agent, FOAF.Organization} <= set(full.objects(publisher, RDF.type))
        assert str(full.value(publisher, FOAF.name)) == "Ministerio de Transporte"
        assert str(full.value(publisher, FOAF.mbox)) == "mailto:info@mingob.example.gt"

    def test_without_the_field_the_organisation_is_publisher_and_its_office_contact(self) -> None:
        found = graph(owner_org=VILLA_NUEVA["id"])
        publisher = SITE.thing("organization", VILLA_NUEVA["id"])
        assert objects_of(found, DCT.publisher) == {str(publisher)}
        assert str(found.value(publisher, FOAF.name)) == VILLA_NUEVA["title"]
        kind = found.value(publisher, DCT.type)
        assert str(kind) == "http://purl.org/adms/publishertype/LocalAuthority"
        assert (kind, RDF.type, SKOS.Concept) in found
        assert (publisher, DCT.spatial, SITE.concept("municipality", "0115")) in found
        office = URIRef(f"{publisher}#contact")
        assert objects_of(found, DCAT.contactPoint) == {str(office)}
        assert {VCARD.Kind, VCARD.Organization} <= set(found.objects(office, RDF.type))
        assert str(found.value(office, VCARD.hasEmail)) == "mailto:datos@villanueva.example.gt"

    def test_an_organisation_without_contact_data_has_no_contact_point(self) -> None:
        bare = Organization(id="o", title="Oficina")
        facts = Facts(SITE, organizations={"o": bare})
        found = build_dataset_graph(Dataset.from_shown({**MINIMAL, "owner_org": "o"}), facts)
        assert objects_of(found, DCAT.contactPoint) == set()

    def test_a_publisher_without_name_is_named_by_its_address(self) -> None:
        found = graph(publisher=[{"url": "https://x.gt/"}])
        publisher = found.value(SITE.dataset(MINIMAL["id"]), DCT.publisher)
        assert str(found.value(publisher, FOAF.name)) == "https://x.gt/"

    def test_only_one_publisher_is_published(self) -> None:
        found = graph(publisher=[{"name": "A"}, {"name": "B"}])
        assert len(objects_of(found, DCT.publisher)) == 1

    def test_a_typed_publisher_cannot_describe_our_organisation(self) -> None:
        ours = str(SITE.thing("organization", VILLA_NUEVA["id"]))
        found = graph(publisher=[{"uri": ours, "name": "Impostor"}])
        assert ours not in objects_of(found, DCT.publisher)
        assert (URIRef(ours), FOAF.name, Literal("Impostor")) not in found


class TestChain:
    def test_the_workshop_generated_the_dataset_and_the_idea(self, full: Graph) -> None:
        held = SITE.thing("workshop", WORKSHOP["id"])
        assert objects_of(full, PROV.wasGeneratedBy) == {str(held)}
        generated = {IRI, SITE.thing("idea", IDEA["id"])}
        assert set(full.objects(held, PROV.generated)) == generated
        assert generated <= set(full.subjects(RDF.type, PROV.Entity))

    def test_the_workshop_refers_to_the_kept_iri_of_the_dataset(self) -> None:
        kept = replace(FACTS, site=replace(SITE, kept={FULL["id"]: "https://otro.gt/d/1"}))
        found, held = (
            build_dataset_graph(Dataset.from_shown(FULL), kept),
            SITE.thing("workshop", WORKSHOP["id"]),
        )
        assert (held, PROV.generated, URIRef("https://otro.gt/d/1")) in found
        assert (held, PROV.generated, IRI) not in found

    def test_the_idea_is_related_with_its_role_and_plainly(self, full: Graph) -> None:
        idea = SITE.thing("idea", IDEA["id"])
        assert objects_of(full, DCT.relation) == {str(idea), *FULL["has_version"]}
        influences = [URIRef(f"{IRI}#influence-{number}") for number in (1, 2)]
        assert objects_of(full, PROV.qualifiedInfluence) == set(map(str, influences))
        for influence, entity, role in zip(
            influences,
            (idea, SITE.data_need(IDEA["id"], NEED)),
            ("origin", "data_need"),
            strict=True,
        ):
            assert (influence, RDF.type, PROV.Influence) in full
            assert set(full.objects(influence, PROV.entity)) == {entity}
            assert set(full.objects(influence, DCT.type)) == {SITE.concept("idea-role", role)}

    def test_ideas_and_needs_are_neither_dcat_resources_nor_qualified_relations(
        self, full: Graph
    ) -> None:
        assert objects_of(full, DCAT.qualifiedRelation) == set()
        assert set(full.subjects(RDF.type, DCAT.Resource)) == set()

    def test_a_foreign_activity_is_published_from_the_dataset_only(self) -> None:
        # Several datasets may name it, and each description is updated by itself.
        activity = URIRef("https://otro.gt/taller")
        found = graph(provenance_activity=[{"uri": str(activity), "label": "Taller"}])
        iri = SITE.dataset(MINIMAL["id"])
        assert (iri, PROV.wasGeneratedBy, activity) in found
        assert (activity, PROV.generated, None) not in found

    def test_an_activity_without_an_iri_is_published_in_both_directions(self) -> None:
        found = graph(provenance_activity=[{"label": "Taller"}])
        iri = SITE.dataset(MINIMAL["id"])
        (activity,) = found.objects(iri, PROV.wasGeneratedBy)
        assert activity.startswith(f"{iri}#")
        assert (activity, PROV.generated, iri) in found

    def test_the_feed_publishes_generation_by_a_workshop_in_one_direction(self) -> None:
        site = {"ideas": FACTS.ideas, "workshops": FACTS.workshops}
        alone = build_dataset_graph(Dataset.from_shown(FULL), Facts(SITE, **site, alone=True))
        held = SITE.thing("workshop", WORKSHOP["id"])
        assert (SITE.dataset(FULL["id"]), PROV.wasGeneratedBy, held) in alone
        assert set(alone.subject_objects(PROV.generated)) == set()
        assert (held, PROV.generated, None) in build_dataset_graph(
            Dataset.from_shown(FULL), Facts(SITE, **site)
        )

    def test_only_data_needs_met_by_the_dataset_are_published(self, full: Graph) -> None:
        other = SITE.data_need(IDEA["id"], IDEA["data_need"][1]["id"])
        assert (other, None, None) not in full

    def test_a_private_idea_is_not_mentioned(self) -> None:
        found = build_dataset_graph(Dataset.from_shown(FULL), Facts(SITE))
        assert objects_of(found, DCT.relation) == set(FULL["has_version"])
        assert objects_of(found, PROV.qualifiedInfluence) == set()
        assert IDEA["id"] not in found.serialize()

    def test_a_private_workshop_is_not_mentioned(self) -> None:
        found = build_dataset_graph(Dataset.from_shown(FULL), Facts(SITE, ideas=FACTS.ideas))
        assert objects_of(found, PROV.wasGeneratedBy) == set()
        assert set(found.subject_objects(PROV.generated)) == set()
        assert WORKSHOP["id"] not in found.serialize()

    def test_only_the_dataset_has_the_class_dataset(self, full: Graph) -> None:
        assert set(full.subjects(RDF.type, DCAT.Dataset)) == {IRI}


class TestStatements:
    def test_a_note_on_the_licence_stands_on_the_dataset_and_each_distribution(
        self, full: Graph
    ) -> None:
        note = full.value(IRI, DCT.rights)
        assert str(full.value(note, RDFS.label)) == FULL["rights_note"]
        distributions = list(full.objects(IRI, DCAT.distribution))
        for distribution in distributions:
            (rights,) = full.objects(distribution, DCT.rights)
            assert str(full.value(rights, RDFS.label)).endswith(FULL["rights_note"])
        assert len(list(full.subjects(DCT.rights, note))) == len(distributions)

    def test_links_have_the_types_required_by_dcat_ap(self, full: Graph) -> None:
        for predicate, kind in (
            (DCAT.landingPage, FOAF.Document),
            (FOAF.page, FOAF.Document),
            (DCT.conformsTo, DCT.Standard),
            (
                DCATAP.applicableLegislation,
                URIRef("http://data.europa.eu/eli/ontology#LegalResource"),
            ),
        ):
            objects = list(full.objects(IRI, predicate))
            assert objects
            assert all((each, RDF.type, kind) in full for each in objects)

    def test_other_versions_are_not_published_as_our_datasets(self, full: Graph) -> None:
        assert objects_of(full, PAV.hasVersion) == set(FULL["has_version"])
        assert objects_of(full, DCT.hasVersion) == objects_of(full, DCAT.hasVersion) == set()
        assert objects_of(full, DCT.relation) >= set(FULL["has_version"])

    def test_invalid_addresses_are_left_out(self) -> None:
        found = graph(url="javascript:x", documentation=["x", "ftp:", None], conforms_to="[1")
        for predicate in (DCAT.landingPage, FOAF.page, DCT.conformsTo):
            assert objects_of(found, predicate) == set()


class TestOlderDatasets:
    def test_extras_of_ckanext_dcat_are_read(self) -> None:
        extras = {
            "frequency": "http://publications.europa.eu/resource/authority/frequency/ANNUAL",
            "publisher_name": "INE",
            "contact_email": "ine@example.gt",
            "temporal_start": "2020-01-01",
            "spatial": '{"type": "Point", "coordinates": [-90.5, 14.6]}',
            "dcat_issued": "2020-02-03",
            "identifier": "INE-7",
        }
        found = graph(extras=[{"key": key, "value": value} for key, value in extras.items()])
        iri = SITE.dataset(MINIMAL["id"])
        assert objects_of(found, DCT.accrualPeriodicity) == {f"{EU}/frequency/ANNUAL"}
        assert str(found.value(found.value(iri, DCT.publisher), FOAF.name)) == "INE"
        assert found.value(found.value(iri, DCAT.contactPoint), VCARD.hasEmail) is not None
        assert str(found.value(found.value(iri, DCT.temporal), DCAT.startDate)) == "2020-01-01"
        assert objects_of(found, DCT.issued) == {"2020-02-03"}
        assert str(found.value(found.value(iri, ADMS.identifier), SKOS.notation)) == "INE-7"
        assert objects_of(found, DCT.identifier) == {str(iri)}

    def test_the_author_is_the_contact_if_none_is_given(self) -> None:
        found = graph(author="Oficina", author_email="oficina@example.gt")
        contact = found.value(SITE.dataset(MINIMAL["id"]), DCAT.contactPoint)
        assert str(found.value(contact, VCARD.fn)) == "Oficina"
