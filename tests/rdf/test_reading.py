"""RDF of other catalogues is read completely, stored, and published again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckanext.dcat.processors import RDFParser
from rdflib import Literal, URIRef

from ckanext.marathon.rdf.lookups import Lookups, read_site
from ckanext.marathon.rdf.namespaces import (
    ADMS,
    DCAT,
    DCT,
    FOAF,
    GSP,
    OWL,
    RDFS,
    SKOS,
    SPDX,
    VCARD,
)
from ckanext.marathon.rdf.profile import build_record_graph

from .published import node_ids
from .readings import described, distributed, extras, graph, read, saved
from .shapes import violations

pytestmark = pytest.mark.usefixtures("marathon_site")

EU = "http://publications.europa.eu/resource/authority"
#: one dataset that has every kind of oddity
ODD = """
<https://otro.gt/d/1> a dcat:Dataset ;
  dct:title "Rain"@en, "Lluvia"@es-GT, "Pluie"@fr ; dct:description "mm"@es-419, "in mm"@de ;
  dct:identifier "LL-7" ; adms:identifier "LL-8" ;
  dcat:keyword "agua, pozos", "I+D", "ñ", "salud/educación" ;
  dct:provenance [ a dct:ProvenanceStatement ; dct:description "Leído a mano"@es ] ;
  dct:conformsTo [ a dct:Standard ; dct:title "Norma 5" ], <https://otro.gt/norma> ;
  foaf:page [ a foaf:Document ; foaf:homepage <https://otro.gt/guia> ] ;
  dct:accrualPeriodicity "cada jueves" ; dct:language "es-GT", <http://lexvo.org/id/iso639-3/nld> ;
  dcat:theme <https://otro.gt/tema/clima>, [ skos:prefLabel "Clima"@es ] ;
  dct:license <https://otro.gt/licencia> ; dct:accessRights <https://otro.gt/abierto> ;
  dct:issued "30 de febrero" ;
  dct:temporal [ schema:startDate "2020-01-01" ; schema:endDate "2020-12-31" ],
    [ dcat:startDate "2021-12-31"^^xsd:date ; dcat:endDate "2021-01-01"^^xsd:date ],
    "2019-01-01/2019-12-31" ;
  dct:spatial [ a dct:Location ; rdfs:label "Cuenca del Motagua" ;
      locn:geometry [ geo:asWKT "POINT (-90 15)"^^geo:wktLiteral ] ],
    "Petén", <https://sws.geonames.org/3595528/x>,
    [ a dct:Location ; locn:geometry "<gml:Point/>"^^geo:gmlLiteral ] ;
  dct:publisher "INSIVUMEH" ;
  dct:creator [ a foaf:Agent ; foaf:name "Ana"@es-GT, "Anne"@en ; foaf:mbox [ vcard:hasValue "x" ] ;
    dct:type <https://otro.gt/tipo> ] ;
  dcat:contactPoint [ vcard:hasFN [ vcard:hasValue "Oficina" ] ;
    vcard:hasEmail [ vcard:hasValue <mailto:oficina@otro.gt> ] ; vcard:hasTelephone [ ] ],
    [ vcard:fn "Otra" ; vcard:hasEmail "no es correo" ] ;
  dcat:landingPage "no es dirección" ; dct:source <https://otro.gt/d/0> ;
  dcat:distribution <https://otro.gt/d/1/a>, [ a dcat:Distribution ; dct:title "Servicio" ;
    dcat:accessURL <https://otro.gt/wms> ; dct:format "OGC:WMS" ;
    dct:license <https://otro.gt/licencia> ] .
<https://otro.gt/d/1/a> a dcat:Distribution ; dct:title "Tabla"@es, "Table"@en ;
  dcat:downloadURL <https://otro.gt/1.csv> ; dct:license <https://otro.gt/licencia> ;
  dct:format [ a dct:IMT ; rdf:value "text/csv" ; rdfs:label "Texto separado" ] ;
  spdx:checksum [ spdx:algorithm <http://otro.gt/sha3> ; spdx:checksumValue "ab" ] ;
  dcat:spatialResolutionInMeters "10"^^xsd:decimal ; dct:rights [ a dct:RightsStatement ] .
"""


class TestText:
    @pytest.mark.parametrize(
        ("titles", "expected"),
        [
            ('"Water"@en, "Agua"@es-GT', "Agua"),
            ('"Water"@en, "Agua"@es-419', "Agua"),
            ('"Agua"@es, "Acqua"@es-GT', "Agua"),
            ('"Water"@en, "Agua"', "Agua"),
            ('"Agua"@es-ES, "Water"', "Agua"),
            ('"Acqua"@it, "Water"@en-GB', "Water"),
            ('"Acqua"@it, "Agua"@pt', "Acqua"),
        ],
    )
    @pytest.mark.ckan_config("ckan.locale_default", "es")
    @pytest.mark.ckan_config("ckan.locales_offered", "es en")
    def test_the_most_preferred_language_is_chosen(self, titles: str, expected: str) -> None:
        found = read(f"<https://otro.gt/d/1> a dcat:Dataset ; dct:title {titles} .")
        assert found["title"] == expected

    def test_a_dataset_without_title_gets_the_last_segment_of_its_iri(self) -> None:
        assert read("<https://otro.gt/d/lluvia/> a dcat:Dataset .")["title"] == "lluvia"

    def test_a_title_too_long_is_cut_and_kept_in_an_extra(self) -> None:
        found = read(f'<https://otro.gt/d/1> a dcat:Dataset ; dct:title "{"a " * 400}" .')
        assert len(found["title"]) <= 500
        assert len(extras(found)["title_text"]) > 500


class TestKeywords:
    def test_keywords_are_stored_as_valid_tags(self) -> None:
        found = described('dcat:keyword "agua, pozos", "I+D", "ñ", "salud/educación"')
        assert {e["name"] for e in found["tags"]} == {"agua", "pozos", "I D", "salud educación"}
        assert set(json.loads(extras(found)["tags_text"])) == {"I+D", "ñ", "salud/educación"}

    @pytest.mark.ckan_config("ckanext.dcat.clean_tags", True)
    def test_keywords_are_cleaned_by_the_setting_of_the_site(self) -> None:
        found = described('dcat:keyword "Agua Potable (niños)"')
        assert found["tags"] == [{"name": "agua-potable-ninos"}]

    def test_cleaned_keywords_are_published_as_they_were_written(self) -> None:
        shown = saved(described('dcat:keyword "I+D", "agua, pozos"'))
        again = build_record_graph(shown, Lookups())
        keywords = {str(each) for each in again.objects(None, DCAT.keyword)}
        assert keywords == {"I+D", "agua", "pozos"}


@pytest.mark.parametrize(
    ("what", "field", "expected"),
    [
        ('dct:accrualPeriodicity "R/P1Y"', "frequency", f"{EU}/frequency/ANNUAL"),
        ('dct:accrualPeriodicity "annually"', "frequency", f"{EU}/frequency/ANNUAL"),
        (
            "dct:accrualPeriodicity <http://publications.europa.eu/mdr/authority/frequency/ANNUAL>",
            *("frequency", f"{EU}/frequency/ANNUAL"),
        ),
        (
            "dct:accrualPeriodicity <http://purl.org/linked-data/sdmx/2009/code#freq-Q>",
            *("frequency", f"{EU}/frequency/QUARTERLY"),
        ),
        (
            "dct:accrualPeriodicity "
            "<http://inspire.ec.europa.eu/metadata-codelist/MaintenanceFrequency/asNeeded>",
            *("frequency", f"{EU}/frequency/AS_NEEDED"),
        ),
        (
            "dct:accrualPeriodicity <http://purl.org/cld/freq/semiannual>",
            "frequency",
            f"{EU}/frequency/ANNUAL_2",
        ),
        ('dct:accrualPeriodicity "P0Y3M0DT0H0M0S"', "frequency", f"{EU}/frequency/QUARTERLY"),
        (
            "dct:accrualPeriodicity [ a dct:Frequency ; rdf:value "
            "[ a time:DurationDescription ; time:months 6 ; time:days 0 ] ]",
            "frequency",
            f"{EU}/frequency/ANNUAL_2",
        ),
        (
            "dct:accrualPeriodicity [ a time:DurationDescription ; time:minutes 15 ]",
            "frequency",
            f"{EU}/frequency/15MIN",
        ),
        (
            'dct:accrualPeriodicity [ a dct:Frequency ; rdfs:label "mensual" ]',
            "frequency",
            f"{EU}/frequency/MONTHLY",
        ),
        ('dct:provenance [ dct:description "A mano" ]', "provenance", "A mano"),
        ('dct:provenance "A mano"', "provenance", "A mano"),
        ('dct:identifier "LL-7"', "alternate_identifier", ["LL-7"]),
        ("dct:conformsTo <https://otro.gt/n>", "conforms_to", ["https://otro.gt/n"]),
        ("foaf:page [ foaf:homepage <https://otro.gt/g> ]", "documentation", ["https://otro.gt/g"]),
        ('dct:publisher "INE"', "publisher", [{"name": "INE"}]),
        ('dct:publisher [ schema:name "INE" ]', "publisher", [{"name": "INE"}]),
        ('dct:spatial "Petén"', "spatial_coverage", [{"text": "Petén"}]),
        ('dct:spatial [ rdfs:label "Petén" ]', "spatial_coverage", [{"text": "Petén"}]),
        (
            'dct:temporal [ schema:startDate "2020-01-01" ]',
            "temporal_coverage",
            [{"start": "2020-01-01"}],
        ),
        (
            "dct:language <http://id.loc.gov/vocabulary/iso639-1/es>",
            "language",
            [f"{EU}/language/SPA"],
        ),
        ("dct:license <http://www.opendefinition.org/licenses/cc-by>", "license_id", "cc-by"),
        ('owl:versionInfo "2"', "version", "2"),
    ],
)
def test_other_properties_for_a_field_are_read(what: str, field: str, expected: Any) -> None:
    prefix = "@prefix owl: <http://www.w3.org/2002/07/owl#> .\n"
    subject = f'<https://otro.gt/d/1> a dcat:Dataset ; dct:title "Lluvia" ; {what} .'
    assert read(prefix + subject)[field] == expected


@pytest.mark.parametrize(
    ("what", "field", "expected"),
    [
        ('dct:format "API"', "format", "API"),
        ('dct:format "WMS"', "format", "WMS_SRVC"),
        ('dct:format "OGC:WMS"', "format", "WMS_SRVC"),
        ('dct:format "text/csv"', "format", "CSV"),
        ('dct:format "text/csv"', "mimetype", "text/csv"),
        (
            'dct:format [ a dct:IMT ; rdf:value "text/csv" ; rdfs:label "CSV" ]',
            "mimetype",
            "text/csv",
        ),
        ('dct:format [ a dct:IMT ; rdfs:label "Planilla" ]', "format", "Planilla"),
        (f"dct:format <{EU}/file-type/WMS>", "format", "WMS_SRVC"),
        (
            "dct:format <http://www.iana.org/assignments/media-types/text/csv>",
            "mimetype",
            "text/csv",
        ),
        ('dcat:mediaType "application/x-qgis"', "mimetype", "application/x-qgis"),
        ("dct:license <https://otro.gt/l>", "license", "https://otro.gt/l"),
        ('dct:license "Abierta"', "license_text", "Abierta"),
        ('dct:rights [ dct:description "Libre" ]', "rights", "Libre"),
        ('spdx:checksum [ spdx:algorithm "SHA3" ; spdx:checksumValue "ab" ]', "hash", "ab"),
        ('dcat:spatialResolutionInMeters "10"^^xsd:decimal', "spatial_resolution_in_meters", 10.0),
        ("dcat:accessURL <file:///datos.csv>", "url_text", "file:///datos.csv"),
    ],
)
def test_other_properties_for_a_field_of_a_file_are_read(
    what: str, field: str, expected: Any
) -> None:
    assert distributed(what)[field] == expected


@pytest.mark.parametrize(
    ("what", "key", "expected"),
    [
        ('dct:accrualPeriodicity "cada jueves"', "frequency_text", "cada jueves"),
        (
            'dct:accrualPeriodicity [ rdf:value "P13M" ; rdfs:label "Cada 13 meses" ]',
            "frequency_text",
            "Cada 13 meses",
        ),
        ('dct:language "ca"', "language_text", f"{EU}/language/CAT"),
        (
            "dct:language <http://id.loc.gov/vocabulary/iso639-2/dut>",
            "language_text",
            f"{EU}/language/NLD",
        ),
        ("dcat:theme <https://otro.gt/clima>", "theme_text", "https://otro.gt/clima"),
        ('dct:conformsTo [ dct:title "Norma 5" ]', "conforms_to_text", "Norma 5"),
        ("dct:license <https://otro.gt/l>", "license_text", "https://otro.gt/l"),
        ('dcat:landingPage "en la oficina"', "url_text", "en la oficina"),
        ('dcat:contactPoint [ vcard:hasEmail "x" ]', "contact_email_text", "x"),
        (
            "dct:publisher [ dct:type <https://otro.gt/t> ]",
            "publisher_type_text",
            "https://otro.gt/t",
        ),
        ('dct:issued "30 de febrero"', "issued_text", "30 de febrero"),
        ('dcat:version "' + "1" * 200 + '"', "version_text", "1" * 200),
        ("dct:source <https://otro.gt/d/0>", "source", '["https://otro.gt/d/0"]'),
    ],
)
def test_values_without_a_field_are_kept_as_text(what: str, key: str, expected: str) -> None:
    found = described(what)
    assert extras(found)[key] == expected
    if key.endswith("_text"):
        assert any(each.startswith(f"{key}: ") for each in found["marathon_notices"])


def test_languages_outside_the_form_are_published_again_with_their_names() -> None:
    shown = saved(described('dct:language "ca", "es"'))
    again = build_record_graph(shown, Lookups())
    assert violations(again) == []
    catalan = URIRef(f"{EU}/language/CAT")
    assert {catalan, URIRef(f"{EU}/language/SPA")} == set(again.objects(None, DCT.language))
    assert Literal("catalán", lang="es") in set(again.objects(catalan, SKOS.prefLabel))


@pytest.mark.parametrize(
    ("iri", "code", "name", "is_ours"),
    [
        ("https://datos.otro.gt/municipality/0501", "0501", "Escuintla", True),
        ("https://datos.otro.gt/municipality/2105", "2105", "San Carlos Alzatate", True),
        # Other countries number theirs in the same way.
        ("https://datos.gob.hn/municipality/0501", "0501", "San Pedro Sula", False),
        ("https://otro.mx/municipality/9999", "9999", "Metepec", False),
    ],
)
def test_a_municipality_of_another_catalogue_is_recognised_by_name(
    iri: str, code: str, name: str, is_ours: bool
) -> None:
    place = f'<{iri}> a dct:Location ; dct:identifier "{code}" ; skos:prefLabel "{name}"@es .'
    dataset = f'<https://otro.gt/d/1> a dcat:Dataset ; dct:title "Agua" ; dct:spatial <{iri}> .'
    found = read(f"{dataset} {place}")
    if is_ours:
        assert found["municipality"] == [code]
    else:
        assert "municipality" not in found
        assert found["spatial_coverage"] == [{"uri": iri, "text": name}]


@pytest.mark.parametrize("what", ["2020-Q1", "2 de enero de 2020", "2015-02-30"])
def test_an_unreadable_date_is_not_replaced_by_ckans_time(what: str) -> None:
    shown = saved(
        described(
            f'dct:issued "{what}" ; dct:modified "{what}" ; dcat:distribution [ a dcat:Distribution'
            f' ; dcat:accessURL <https://otro.gt/1> ; dct:issued "{what}" ; dct:modified "{what}" ]'
        )
    )
    again = build_record_graph(shown, Lookups())
    assert list(again.objects(None, DCT.issued)) == []
    (dataset,) = again.subjects(DCAT.distribution, None)
    (distribution,) = again.objects(dataset, DCAT.distribution)
    assert again.value(dataset, DCT.modified) is None
    assert again.value(distribution, DCT.modified) is None


def test_further_values_of_a_single_valued_field_are_kept_in_an_extra() -> None:
    found = described(
        'dcat:spatialResolutionInMeters "10"^^xsd:decimal, "25"^^xsd:decimal ;'
        ' dcat:version "1", "2" ; dct:description "Lluvia"@es, "Rain"@en'
    )
    kept = extras(found)
    assert {found["spatial_resolution_in_meters"], kept["spatial_resolution_in_meters_text"]} == {
        "10",
        "25",
    }
    assert {found["version"], kept["version_text"]} == {"1", "2"}
    assert "notes_text" not in kept
    assert len(found["marathon_notices"]) == 2


def test_of_several_media_types_that_of_the_format_is_used_and_the_others_kept() -> None:
    found = distributed(
        'dct:format "CSV" ; dcat:mediaType "application/vnd.ms-excel", "text/csv", "text/plain"'
    )
    assert found["mimetype"] == "text/csv"
    assert json.loads(found["mimetype_text"]) == ["application/vnd.ms-excel", "text/plain"]


def test_the_publisher_with_a_name_is_published_again() -> None:
    shown = saved(described('dct:publisher <https://a.gt/1>, [ a foaf:Agent ; foaf:name "INE" ]'))
    again = build_record_graph(shown, Lookups())
    (publisher,) = again.objects(None, DCT.publisher)
    assert str(again.value(publisher, FOAF.name)) == "INE"


CRS = "http://www.opengis.net/def/crs"


@pytest.mark.parametrize(
    ("wkt", "coordinates"),
    [
        ("POINT(-90.5 14.6)", [-90.5, 14.6]),
        (f"<{CRS}/OGC/1.3/CRS84> POINT(-90.5 14.6)", [-90.5, 14.6]),
        (f"<{CRS}/EPSG/0/4326> POINT(14.6 -90.5)", [-90.5, 14.6]),
        ("<urn:ogc:def:crs:EPSG::4674>POINT(14.6 -90.5)", [-90.5, 14.6]),
        # A frequent mistake: the numbers show that the axes are not in the order of the register.
        (f"<{CRS}/EPSG/0/4326> POINT(-90.5 14.6)", [-90.5, 14.6]),
        (f"<{CRS}/EPSG/0/4326> LINESTRING(14 -91, 15 -90)", [[-91, 14], [-90, 15]]),
        # In metres.
        (f"<{CRS}/EPSG/0/3857> POINT(-10 14)", None),
    ],
)
def test_the_axis_order_of_wkt_is_that_of_its_reference_system(wkt: str, coordinates: Any) -> None:
    found = described(f'dct:spatial [ locn:geometry "{wkt}"^^geo:wktLiteral ]')
    if coordinates is None:
        assert extras(found)["spatial_coverage_text"] == wkt
    else:
        (place,) = found["spatial_coverage"]
        assert json.loads(place["geom"])["coordinates"] == coordinates


SERVICE = """
<https://otro.gt/d/1> a dcat:Dataset ; dct:title "Lluvia" ;
  dcat:distribution <https://otro.gt/d/1/a> .
<https://otro.gt/d/1/a> a dcat:Distribution ; dcat:accessURL <https://otro.gt/wms> ;
  spdx:checksum [ spdx:algorithm spdx:checksumAlgorithm_sha3_256 ; spdx:checksumValue "AB" ] ;
  dcat:accessService <https://otro.gt/s>,
    [ a dcat:DataService ; dcat:endpointURL <https://otro.gt/wfs> ],
    [ a dcat:DataService ; dct:title "Sin dirección" ] .
<https://otro.gt/s> a dcat:DataService ; dct:title "Mapas"@es ;
  dcat:endpointURL <https://otro.gt/wms> ; dct:license "Abierta" ;
  dcat:endpointDescription <https://otro.gt/wms?request=GetCapabilities> ;
  dct:conformsTo <http://www.opengis.net/def/serviceType/ogc/wms> ; dcat:keyword "lluvia" .
"""


def test_services_and_checksums_of_other_algorithms_are_published_again() -> None:
    again = build_record_graph(saved(read(SERVICE)), Lookups())
    assert violations(again) == [], violations(again)
    (iri,) = again.subjects(DCAT.distribution, None)
    (distribution,) = again.objects(iri, DCAT.distribution)
    services = set(again.objects(distribution, DCAT.accessService))
    (service,) = again.subjects(OWL.sameAs, URIRef("https://otro.gt/s"))
    (other,) = services - {service}
    assert (service, DCT.identifier, Literal("https://otro.gt/s")) in again
    assert set(again.objects(other, DCAT.endpointURL)) == {URIRef("https://otro.gt/wfs")}
    assert str(again.value(other, DCT.title)) == "https://otro.gt/wfs"
    assert str(again.value(service, DCT.title)) == "Mapas"
    assert again.value(service, DCAT.servesDataset) == iri
    licence = again.value(service, DCT.license)
    assert licence == URIRef(f"{service}-licence")
    assert str(again.value(licence, DCT.title)) == "Abierta"
    assert str(again.value(service, DCAT.keyword)) == "lluvia"
    assert again.value(service, DCAT.endpointDescription) is not None
    assert again.value(service, DCT.conformsTo) is not None
    checksum = again.value(distribution, SPDX.checksum)
    assert (
        str(again.value(checksum, SPDX.algorithm))
        == "https://spdx.org/rdf/terms#checksumAlgorithm_sha3_256"
    )
    assert str(again.value(checksum, SPDX.checksumValue)).lower() == "ab"


@pytest.mark.parametrize(
    ("algorithm", "value", "is_published"),
    [
        (f"<{SPDX}checksumAlgorithm_sha3_256>", "AB", True),
        (f"<{SPDX}checksumAlgorithm_sha3_256>", "no es", False),
        (f"<{SPDX}checksumAlgorithm_sha3_256>", "abc", False),
        (f"<{SPDX}checksumAlgorithm_sha256>", "ab", False),
        # Not of SPDX, as DCAT-AP's shapes want it.
        ("<https://otro.gt/sha3>", "ab", False),
        ('"SHA3"', "ab", False),
    ],
)
def test_a_checksum_is_published_only_with_a_valid_value(
    algorithm: str, value: str, is_published: bool
) -> None:
    shown = saved(
        described(
            "dcat:distribution [ a dcat:Distribution ; dcat:accessURL <https://otro.gt/a.csv> ;"
            f' spdx:checksum [ spdx:algorithm {algorithm} ; spdx:checksumValue "{value}" ] ]'
        )
    )
    again = build_record_graph(shown, Lookups())
    assert violations(again) == []
    assert bool(list(again.objects(None, SPDX.checksum))) == is_published


@pytest.mark.ckan_config("ckan.locale_default", "es")
class TestWholeDataset:
    def test_no_blank_node_id_becomes_a_value(self) -> None:
        assert node_ids(read(ODD), graph(ODD)) == []

    def test_an_odd_dataset_is_saved(self) -> None:
        shown = saved(read(ODD))
        assert shown["title"] == "Lluvia"
        assert shown["provenance"] == "Leído a mano"
        assert {each["name"] for each in shown["contact"]} == {"Oficina", "Otra"}
        assert shown["contact"][0]["email"] == "oficina@otro.gt"
        assert {"LL-7", "LL-8"} == set(shown["alternate_identifier"])

    def test_an_odd_dataset_is_published_with_its_values(self) -> None:
        again = build_record_graph(saved(read(ODD)), Lookups())
        assert violations(again) == [], violations(again)
        (iri,) = again.subjects(DCAT.distribution, None, unique=True)

        def objects_below(predicate: URIRef, *inner: URIRef) -> set[str]:
            nodes = set(again.objects(iri, predicate))
            return {str(e) for node in nodes for name in inner for e in again.objects(node, name)}

        assert set(map(str, again.objects(iri, DCT.license))) == {"https://otro.gt/licencia"}
        assert all(
            str(again.value(each, DCT.license)) == "https://otro.gt/licencia"
            for each in again.objects(iri, DCAT.distribution)
        )
        places = objects_below(DCT.spatial, SKOS.prefLabel)
        assert {"Cuenca del Motagua", "Petén"} <= places
        assert "Guatemala" not in places
        assert objects_below(DCT.spatial, GSP.hasGeometry)
        assert {"Norma 5"} <= objects_below(DCT.conformsTo, RDFS.label)
        assert "Clima" in objects_below(DCAT.theme, SKOS.prefLabel)
        assert URIRef("https://otro.gt/tema/clima") in set(again.objects(iri, DCAT.theme))
        frequency = again.value(iri, DCT.accrualPeriodicity)
        assert str(frequency) == f"{EU}/frequency/OTHER"
        assert {"LL-7", "LL-8"} == objects_below(ADMS.identifier, SKOS.notation)
        assert {"INSIVUMEH"} == objects_below(DCT.publisher, FOAF.name)
        assert {"mailto:oficina@otro.gt"} == objects_below(DCAT.contactPoint, VCARD.hasEmail)
        assert (iri, DCT.relation, URIRef("https://otro.gt/d/0")) in again
        assert (iri, DCT.title, Literal("Lluvia", lang=read_site().language)) in again

    def test_an_odd_dataset_published_and_read_again_keeps_its_values(self) -> None:
        first = saved(read(ODD))
        parser: Any = RDFParser(profiles=["marathon"])
        parser.g = build_record_graph(first, Lookups())
        (again,) = parser.datasets()
        for field in ("title", "provenance", "alternate_identifier", "language"):
            assert again[field] == first[field], field
        assert [each["name"] for each in again["publisher"]] == ["INSIVUMEH"]
        kept, before = extras(again), extras(first)
        for key in ("license_text", "conforms_to_text", "tags_text", "access_rights_text"):
            assert kept[key] == before[key], key
        assert set(json.loads(kept["theme_text"])) == set(json.loads(before["theme_text"]))
