"""Places, periods, addresses, licences and files as other people write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rdflib import Graph, Literal, URIRef

from ckanext.marathon.rdf.lookups import Lookups
from ckanext.marathon.rdf.namespaces import DCAT, DCATAP, DCT, GSP, RDFS, SKOS, VCARD
from ckanext.marathon.rdf.profile import build_record_graph

from .readings import (
    described,
    distributed,
    extras,
    file_published_again,
    published_again,
    read,
    saved,
)
from .shapes import violations

pytestmark = pytest.mark.usefixtures("marathon_site")

EU = "http://publications.europa.eu/resource/authority"
GUATEMALA = URIRef(f"{EU}/country/GTM")
IN_METRES = "http://www.opengis.net/def/crs/EPSG/0/3857"
BY_4 = f"{EU}/licence/CC_BY_4_0"


def places(graph: Graph) -> set[str]:
    """Return the places of datasets, by address if they have one, else by name."""
    nodes = graph.objects(None, DCT.spatial)
    return {str(graph.value(e, SKOS.prefLabel) if "#" in str(e) else e) for e in nodes}


class TestPlaces:
    def test_a_copy_without_a_place_is_published_without_one(self) -> None:
        again = published_again('dct:description "mm"')
        assert list(again.objects(None, DCT.spatial)) == []
        assert violations(again) == []

    def test_a_copy_about_guatemala_is_published_so(self) -> None:
        assert places(published_again(f"dct:spatial <{GUATEMALA}>")) == {str(GUATEMALA)}

    @pytest.mark.parametrize(
        "what",
        [
            f'dct:spatial "Lago de Izabal", <{GUATEMALA}>',
            f'dct:spatial [ rdfs:label "Lago de Izabal" ], <{GUATEMALA}>',
            f'dct:spatial <{GUATEMALA}> . <{GUATEMALA}> rdfs:label "Lago de Izabal"@es',
        ],
    )
    def test_the_country_and_another_place_are_both_kept(self, what: str) -> None:
        assert places(published_again(what)) == {str(GUATEMALA), "Lago de Izabal"}

    def test_the_iri_of_the_country_with_another_name_gives_two_places(self) -> None:
        row = {"uri": str(GUATEMALA), "text": "Lago de Izabal"}
        again = build_record_graph(saved(described(""), spatial_coverage=[row]), Lookups())
        assert places(again) == {str(GUATEMALA), "Lago de Izabal"}

    def test_the_iri_of_the_country_with_its_name_gives_one_place(self) -> None:
        row = {"uri": str(GUATEMALA), "text": "guatemala"}
        again = build_record_graph(saved(described(""), spatial_coverage=[row]), Lookups())
        assert places(again) == {str(GUATEMALA)}

    @pytest.mark.parametrize(
        ("place", "field", "coordinates"),
        [
            (
                'schema:geo [ a schema:GeoShape ; schema:box "13.7 -92.2 17.8 -88.2" ]',
                "bbox",
                [[[-92.2, 13.7], [-88.2, 13.7], [-88.2, 17.8], [-92.2, 17.8], [-92.2, 13.7]]],
            ),
            (
                'schema:box "13.7,-92.2 17.8,-88.2"',
                "bbox",
                [[[-92.2, 13.7], [-88.2, 13.7], [-88.2, 17.8], [-92.2, 17.8], [-92.2, 13.7]]],
            ),
            (
                'schema:geo [ schema:polygon "14 -91 15 -91 15 -90 14 -91" ]',
                "geom",
                [[[-91, 14], [-91, 15], [-90, 15], [-91, 14]]],
            ),
            (
                "schema:geo [ a schema:GeoCoordinates ; schema:latitude 14.6 ;"
                " schema:longitude -90.5 ]",
                "centroid",
                [-90.5, 14.6],
            ),
            ('wgs:lat "14.6" ; wgs:long "-90.5"', "centroid", [-90.5, 14.6]),
            ('wgs:location [ wgs:lat 14.6 ; wgs:long "-90.5" ]', "centroid", [-90.5, 14.6]),
        ],
    )
    def test_shapes_and_points_of_schema_org_and_of_wgs84_are_read(
        self, place: str, field: str, coordinates: Any
    ) -> None:
        found = described(f"dct:spatial [ a dct:Location ; {place} ]")
        (row,) = found["spatial_coverage"]
        assert json.loads(row[field])["coordinates"] == coordinates
        again = build_record_graph(saved(found), Lookups())
        assert violations(again) == []
        assert GUATEMALA not in set(again.objects(None, DCT.spatial))

    @pytest.mark.parametrize(
        "place",
        [
            'schema:geo [ schema:box "1 2 3" ]',
            'schema:geo [ schema:box "95 -200 96 -201" ]',
            'schema:geo [ schema:latitude "norte" ; schema:longitude -90.5 ]',
        ],
    )
    def test_a_malformed_geometry_is_kept_as_text(self, place: str) -> None:
        found = described(f"dct:spatial [ a dct:Location ; {place} ]")
        assert found.get("spatial_coverage", []) == []
        assert "spatial_coverage_text" in extras(found)

    @pytest.mark.parametrize(
        ("written", "predicate", "kind"),
        [
            ("<gml:Point>1 2</gml:Point>", GSP.asGML, GSP.gmlLiteral),
            ("<?xml version='1.0'?><Envelope/>", GSP.asGML, GSP.gmlLiteral),
            (
                "<http://www.opengis.net/def/crs/EPSG/0/3857> POINT(-10 14)",
                GSP.asWKT,
                GSP.wktLiteral,
            ),
        ],
    )
    def test_a_geometry_of_an_unknown_format_is_published_again(
        self, written: str, predicate: URIRef, kind: URIRef
    ) -> None:
        found = described(f'dct:spatial [ locn:geometry "{written}"^^<{kind}> ]')
        again = build_record_graph(saved(found), Lookups())
        (place,) = again.objects(None, DCT.spatial)
        assert list(again.objects(place, SKOS.prefLabel)) == []
        (shape,) = again.objects(place, GSP.hasGeometry)
        assert list(again.objects(shape, predicate)) == [Literal(written, datatype=kind)]
        assert violations(again) == []


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (
            'time:hasBeginning [ time:inXSDgYear "2019"^^xsd:gYear ] ;'
            ' time:hasEnd [ time:inXSDgYearMonth "2020-05"^^xsd:gYearMonth ]',
            "2019",
            "2020-05",
        ),
        (
            "time:hasBeginning [ time:inDateTime [ a time:GeneralDateTimeDescription ;"
            ' time:year "2019"^^xsd:gYear ; time:month "--05"^^xsd:gMonth ;'
            ' time:day "---17"^^xsd:gDay ] ]',
            "2019-05-17",
            None,
        ),
        (
            'time:hasEnd [ time:inDateTime [ time:year "2019" ; time:month 5 ] ]',
            None,
            "2019-05",
        ),
        ('a time:Instant ; time:inXSDgYear "2019"^^xsd:gYear', "2019", "2019"),
        ('a time:Instant ; time:inXSDDate "2019-05-17"^^xsd:date', "2019-05-17", "2019-05-17"),
        ('time:hasDateTimeDescription [ time:year "2019"^^xsd:gYear ]', "2019", "2019"),
    ],
)
def test_periods_of_owl_time_are_read_and_saved(
    period: str, start: str | None, end: str | None
) -> None:
    found = described(f"dct:temporal [ {period} ]")
    (row,) = saved(found)["temporal_coverage"]
    assert (row.get("start"), row.get("end")) == (start, end)


class TestAddresses:
    @pytest.mark.parametrize(
        ("what", "field", "expected"),
        [
            ("foaf:page [ rdfs:label {} ; foaf:homepage {} ]", "documentation", True),
            ("foaf:page [ dct:title {} ; foaf:page {} ]", "documentation", True),
            (
                "dct:conformsTo [ a dct:Standard ; dct:title {} ; rdfs:seeAlso {} ]",
                "conforms_to",
                1,
            ),
            ("dcat:landingPage [ a foaf:Document ; rdfs:label {} ; schema:url {} ]", "url", False),
        ],
    )
    def test_a_node_with_address_and_label_gives_the_address(
        self, what: str, field: str, expected: bool
    ) -> None:
        address = "https://otro.gt/guia"
        found = described(what.format('"La guía"', f"<{address}>"))
        assert found[field] == ([address] if expected else address)
        assert extras(found)[f"{field}_label_text"] == "La guía"
        assert f"{field}_label_text: La guía" in found["marathon_notices"]

    def test_nodes_of_files_and_contacts_give_the_address(self) -> None:
        page = '[ rdfs:label "dl" ; foaf:homepage <https://otro.gt/1.csv> ]'
        found = distributed(f"dcat:accessURL {page} ; foaf:page {page} ; dct:conformsTo {page}")
        assert found["url"] == "https://otro.gt/1.csv"
        assert found["documentation"] == found["conforms_to"] == ["https://otro.gt/1.csv"]
        assert found["documentation_label_text"] == "dl"
        (office,) = described(f'dcat:contactPoint [ vcard:fn "Sala" ; vcard:hasURL {page} ]')[
            "contact"
        ]
        assert office["url"] == "https://otro.gt/1.csv"

    def test_a_labelled_endpoint_description_keeps_its_iri(self) -> None:
        found = read(
            '<https://otro.gt/d/1> a dcat:Dataset ; dct:title "Lluvia" ; dcat:distribution'
            " [ a dcat:Distribution ; dcat:accessService [ a dcat:DataService ;"
            " dcat:endpointDescription <https://otro.gt/wfs> ] ] ."
            ' <https://otro.gt/wfs> rdfs:label "Servicio" .'
        )
        (service,) = json.loads(found["resources"][0]["access_services"])
        assert service["endpoint_description"] == "https://otro.gt/wfs"

    def test_a_word_as_address_of_a_file_is_kept_as_text(self) -> None:
        found = described(
            'dcat:distribution [ a dcat:Distribution ; dcat:accessURL [ rdfs:label "dl" ] ]'
        )
        (resource,) = found["resources"]
        assert "url" not in resource
        assert resource["url_text"] == "dl"
        assert found["marathon_notices"] == ["resources.url_text: dl"]

    def test_a_refused_address_of_a_file_is_in_the_notices(self) -> None:
        found = described(
            "dcat:distribution [ a dcat:Distribution ; dcat:accessURL <file:///datos.csv> ]"
        )
        assert found["marathon_notices"] == ["resources.url_text: file:///datos.csv"]

    def test_urns_and_laws_in_words_are_published_again(self) -> None:
        again = published_again(
            "dcat:landingPage <urn:isbn:12> ; dct:conformsTo <urn:ogc:def:crs:EPSG::4326> ;"
            ' dcatap:applicableLegislation [ rdfs:label "Decreto 57-2008" ]'
        )
        assert violations(again) == [], violations(again)
        (page,) = again.objects(None, DCAT.landingPage)
        assert str(page) == "urn:isbn:12"
        assert str(again.value(page, DCT.title)) == "urn:isbn:12"
        assert URIRef("urn:ogc:def:crs:EPSG::4326") in set(again.objects(None, DCT.conformsTo))
        (law,) = again.objects(None, DCATAP.applicableLegislation)
        assert str(again.value(law, RDFS.label)) == "Decreto 57-2008"


class TestLicences:
    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            ("<https://creativecommons.org/licenses/by/4.0/deed.es>", "cc-by"),
            ("<https://creativecommons.org/licenses/by/4.0/legalcode>", "cc-by"),
            ("<http://creativecommons.org/licenses/by-sa/4.0/legalcode.es>", "cc-by-sa"),
            ("<https://creativecommons.org/publicdomain/zero/1.0/deed.es>", "cc-zero"),
            ('"CC BY 4.0"', "cc-by"),
            ('"cc-by 4.0 Internacional"', "cc-by"),
            ('[ rdfs:label "CC BY-SA 4.0" ]', "cc-by-sa"),
            ('"CC0 1.0"', "cc-zero"),
            ('"Creative Commons Attribution 4.0"', "cc-by"),
            (
                '[ rdfs:label "CC" ; foaf:page <https://creativecommons.org/licenses/by/4.0/> ]',
                "cc-by",
            ),
        ],
    )
    def test_licences_are_recognised_by_text_address_and_short_name(
        self, said: str, expected: str
    ) -> None:
        found = described(f"dct:license {said}")
        assert found["license_id"] == expected
        assert "license_text" not in extras(found)

    @pytest.mark.parametrize(
        "said",
        [
            "https://creativecommons.org/licenses/by/",
            "https://creativecommons.org/licenses/by/3.0/es/",
            "https://creativecommons.org/licenses/by/3.0/deed.es",
            "http://www.opendefinition.org/licenses/cc-by",
            f"{EU}/licence/CC_BY",
        ],
    )
    def test_licences_of_another_version_do_not_become_4_0(self, said: str) -> None:
        again = published_again(f"dct:license <{said}>")
        assert set(again.objects(None, DCT.license)) == {URIRef(said)}
        of_file = file_published_again(
            f"dcat:accessURL <https://otro.gt/1.csv> ; dct:license <{said}>"
        )
        assert set(of_file.objects(None, DCT.license)) == {URIRef(said)}

    @pytest.mark.parametrize(
        "said", ['"cc-by"', '"CC BY"', '[ dct:title "Creative Commons Attribution" ]']
    )
    def test_a_licence_name_without_a_version_is_published_unchanged(self, said: str) -> None:
        again = published_again(f"dct:license {said}")
        (licence,) = set(again.objects(None, DCT.license))
        assert "#licence" in licence
        assert str(again.value(licence, DCT.title)) in said

    def test_the_address_of_a_licence_in_ckan_gives_its_id(self) -> None:
        found = described("dct:license <http://www.opendefinition.org/licenses/cc-by>")
        assert found["license_id"] == "cc-by"


class TestFiles:
    def test_further_addresses_are_published_again(self) -> None:
        found = described(
            "dcat:distribution [ a dcat:Distribution ;"
            " dcat:accessURL <https://otro.gt/a>, <https://otro.gt/b> ;"
            " dcat:downloadURL <https://otro.gt/1.csv>, <https://otro.gt/2.csv> ]"
        )
        assert set(found["marathon_notices"]) == {
            "resources.access_url_text: https://otro.gt/b",
            "resources.download_url_text: https://otro.gt/2.csv",
        }
        again = build_record_graph(saved(found), Lookups())
        assert violations(again) == []
        for predicate, ends in ((DCAT.accessURL, "a b"), (DCAT.downloadURL, "1.csv 2.csv")):
            expected = {URIRef(f"https://otro.gt/{each}") for each in ends.split()}
            assert set(again.objects(None, predicate)) == expected

    def test_the_first_of_several_licences_formats_and_checksums_is_used_with_a_notice(
        self,
    ) -> None:
        found = described(
            "dcat:distribution [ a dcat:Distribution ; dcat:accessURL <https://otro.gt/a> ;"
            ' dct:license <https://otro.gt/l1>, <https://otro.gt/l2> ; dct:format "CSV", "XLS" ;'
            ' spdx:checksum [ spdx:algorithm "SHA3" ; spdx:checksumValue "ab" ],'
            " [ spdx:algorithm spdx:checksumAlgorithm_md5 ;"
            ' spdx:checksumValue "d41d8cd98f00b204e9800998ecf8427e" ] ]'
        )
        (resource,) = found["resources"]
        assert (resource["license"], resource["format"]) == ("https://otro.gt/l1", "CSV")
        assert resource["hash_algorithm"] == "md5"
        assert set(found["marathon_notices"]) == {
            "resources.license_text: https://otro.gt/l2",
            "resources.format_text: XLS",
            "resources.hash_text: SHA3: ab",
        }
        again = build_record_graph(saved(found), Lookups())
        assert violations(again) == []
        (distribution,) = again.objects(None, DCAT.distribution)
        assert set(again.objects(distribution, DCT.license)) == {URIRef("https://otro.gt/l1")}

    @pytest.mark.parametrize(
        ("sizes", "size", "rest"),
        [
            ("12345", 12345, None),
            ('"12345.0"^^xsd:decimal', 12345, None),
            ('"12.000"^^xsd:decimal', 12, None),
            ('"12,345"', 12345, "12,345"),
            ('"12.345"', None, "12.345"),
            ('"doce"', None, "doce"),
            ("10, 20", 10, "20"),
            ('10, "10"', 10, None),
        ],
    )
    def test_sizes_follow_the_common_rules_for_numbers(
        self, sizes: str, size: int | None, rest: str | None
    ) -> None:
        found = distributed(f"dcat:byteSize {sizes}")
        assert (found.get("size"), found.get("size_text")) == (size, rest)

    def test_a_rights_statement_with_an_iri_keeps_it(self) -> None:
        again = published_again(
            'dct:rights "Pregunte antes" ; dcat:distribution [ a dcat:Distribution ;'
            " dcat:accessURL <https://otro.gt/a> ; dct:rights <https://otro.gt/derechos> ]"
        )
        assert violations(again) == []
        (distribution,) = again.objects(None, DCAT.distribution)
        (statement,) = again.objects(distribution, DCT.rights)
        assert again.value(statement, RDFS.seeAlso) == URIRef("https://otro.gt/derechos")
        assert "https://otro.gt/derechos" in str(again.value(statement, RDFS.label))

    def test_a_rights_statement_with_text_and_iri_keeps_both(self) -> None:
        found = read(
            '<https://otro.gt/d/1> a dcat:Dataset ; dct:title "Lluvia" ; dcat:distribution'
            " [ a dcat:Distribution ; dct:rights <https://otro.gt/d> ] ."
            ' <https://otro.gt/d> rdfs:label "Libre" .'
        )
        assert found["resources"][0]["rights"] == "Libre (https://otro.gt/d)"


def test_only_one_of_two_access_rights_is_published_and_both_are_kept() -> None:
    found = described("dct:accessRights <https://otro.gt/x>, <https://otro.gt/y>")
    assert set(json.loads(extras(found)["access_rights_text"])) == {
        "https://otro.gt/x",
        "https://otro.gt/y",
    }
    again = build_record_graph(saved(found), Lookups())
    assert violations(again) == []
    assert len(list(again.objects(None, DCT.accessRights))) == 1


FURTHER = """
<https://otro.gt/d/1> a dcat:Dataset ; dct:title "Lluvia" ; dct:alternative "Aguaceros"@es ;
  dcat:inSeries <https://otro.gt/serie> ; dct:isPartOf <https://otro.gt/todo> ;
  dct:references <https://otro.gt/fuente>, "Atlas" ; dct:subject <https://otro.gt/tema>, "Clima" ;
  dcat:contactPoint [ a vcard:Kind ; vcard:fn "Sala" ; vcard:hasTelephone
    [ vcard:hasValue <tel:+502-2222-3333> ] ] ;
  dcat:distribution [ a dcat:Distribution ; dcat:accessURL <https://otro.gt/a> ;
    dct:identifier "T-1" ] .
"""


def test_properties_dropped_by_ckanext_dcat_are_published_again() -> None:
    again = build_record_graph(saved(read(FURTHER)), Lookups())
    assert violations(again) == [], violations(again)
    (dataset,) = again.subjects(DCAT.distribution, None)
    assert set(map(str, again.objects(dataset, DCT.alternative))) == {"Aguaceros"}
    assert URIRef("https://otro.gt/serie") in set(again.objects(dataset, DCT.relation))
    assert set(again.objects(dataset, DCT.isPartOf)) == {URIRef("https://otro.gt/todo")}
    named = {
        predicate: {
            str(again.value(e, RDFS.label) or again.value(e, SKOS.prefLabel) or e)
            for e in again.objects(dataset, predicate)
        }
        for predicate in (DCT.references, DCT.subject)
    }
    assert named[DCT.references] == {"https://otro.gt/fuente", "Atlas"}
    assert named[DCT.subject] == {"https://otro.gt/tema", "Clima"}
    (contact,) = again.objects(dataset, DCAT.contactPoint)
    assert again.value(contact, VCARD.hasTelephone) == URIRef("tel:+50222223333")
    (distribution,) = again.objects(dataset, DCAT.distribution)
    assert again.value(distribution, DCT.identifier) == Literal("T-1")


@pytest.mark.parametrize("label", ['rdfs:label "Censo"', ""])
def test_a_foreign_activity_always_has_a_title(label: str) -> None:
    again = published_again(
        f"prov:wasGeneratedBy <https://otro.gt/censo> . <https://otro.gt/censo> a prov:Activity ; "
        f"prov:startedAtTime '2021-01-01T00:00:00Z' ; {label}"
    )
    assert violations(again) == []
    title = again.value(URIRef("https://otro.gt/censo"), DCT.title)
    assert str(title) == ("Censo" if label else "https://otro.gt/censo")


def test_a_telephone_of_several_contacts_is_kept_and_not_published() -> None:
    found = described(
        'dcat:contactPoint [ vcard:fn "Sala" ; vcard:hasTelephone <tel:+50222223333> ],'
        ' [ vcard:fn "Archivo" ]'
    )
    assert extras(found)["contact_telephone_text"] == "+50222223333"
    again = build_record_graph(saved(found), Lookups())
    assert list(again.objects(None, VCARD.hasTelephone)) == []


@pytest.mark.parametrize(
    ("said", "field", "expected"),
    [
        ('dct:provenance [ rdfs:comment "A mano"@es ]', "provenance", "A mano"),
        ('dct:provenance [ rdfs:label "A mano" ; rdfs:comment "x" ]', "provenance", "A mano"),
        ('dct:rights [ rdfs:comment "Con cita" ]', "rights_note", "Con cita"),
        ('dct:spatial [ rdfs:comment "La cuenca" ]', "spatial_coverage", [{"text": "La cuenca"}]),
        (
            'dcat:contactPoint [ vcard:hasEmail [ vcard:value "a@otro.gt" ] ; '
            "vcard:hasURL [ vcard:value <https://otro.gt> ] ]",
            "contact",
            [{"email": "a@otro.gt", "url": "https://otro.gt"}],
        ),
    ],
)
def test_comments_and_the_older_value_property_of_vcard_are_read(
    said: str, field: str, expected: Any
) -> None:
    assert described(said)[field] == expected


@pytest.mark.parametrize(
    ("predicate", "field"), [("dcat:contactPoint", "contact"), ("dct:publisher", "publisher")]
)
def test_a_second_address_of_a_contact_is_kept_in_an_extra(predicate: str, field: str) -> None:
    found = described(
        f"""{predicate} [ vcard:fn "Oficina" ; foaf:name "Oficina" ;
          vcard:hasEmail <mailto:a@otro.gt>, <mailto:b@otro.gt> ;
          vcard:hasURL <https://otro.gt/a>, <https://otro.gt/b> ;
          vcard:hasTelephone <tel:+50211112222> ]"""
    )
    (row,) = found[field]
    assert (row["email"], row["url"]) == ("a@otro.gt", "https://otro.gt/a")
    kept = {name: extras(found)[f"{field}_{name}_text"] for name in ("email", "url", "telephone")}
    assert kept == {"email": "b@otro.gt", "url": "https://otro.gt/b", "telephone": "+50211112222"}
