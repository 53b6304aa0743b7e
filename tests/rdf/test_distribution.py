"""The graph of a resource."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.model.license import LicenseRegister
from rdflib import RDF, RDFS, SKOS, Graph, Literal, URIRef
from rdflib.namespace import XSD

from ckanext.marathon.rdf.concept import CKAN_TITLES
from ckanext.marathon.rdf.dataset import build_dataset_graph, read_dataset
from ckanext.marathon.rdf.namespaces import ADMS, DC, DCAT, DCATAP, DCT, SCHEMA, SPDX
from ckanext.marathon.records import Dataset

from .samples import AUTHORITY, FACTS, FULL, MINIMAL, SITE

IRI = SITE.distribution(MINIMAL["id"], "r")
EU = AUTHORITY


def graph(license_id: str = "", **fields: Any) -> Graph:
    """Return the graph of a dataset with one resource."""
    dataset = {**MINIMAL, "license_id": license_id, "resources": [{"id": "r", **fields}]}
    return build_dataset_graph(Dataset.from_shown(dataset), FACTS)


def objects_of(found: Graph, predicate: URIRef) -> set[str]:
    return {str(each) for each in found.objects(IRI, predicate)}


def test_the_iri_has_the_ids_of_dataset_and_file() -> None:
    assert str(IRI) == f"{SITE.dataset(MINIMAL['id'])}/resource/r"
    assert (SITE.dataset(MINIMAL["id"]), DCAT.distribution, IRI) in graph()


class TestAddresses:
    def test_a_resource_without_a_web_address_refers_to_its_own_page(self) -> None:
        page = f"{SITE.url}/dataset/{MINIMAL['id']}/resource/r"
        for url in ("", None, "datos.csv", "javascript:x", "http://", r"\\srv\datos\a.csv"):
            found = graph(url=url)
            assert objects_of(found, DCAT.accessURL) == {page}
            assert objects_of(found, RDFS.seeAlso) == set()

    def test_a_resource_with_a_mail_address_refers_to_page_and_address(self) -> None:
        for url in ("mailto:datos@muni.gob.gt", "datos@muni.gob.gt"):
            found = graph(url=url)
            assert objects_of(found, DCAT.accessURL) == {
                f"{SITE.url}/dataset/{MINIMAL['id']}/resource/r"
            }
            assert objects_of(found, RDFS.seeAlso) == {"mailto:datos@muni.gob.gt"}
            (read,) = read_dataset(found, SITE.dataset(MINIMAL["id"]), SITE)["resources"]
            assert read["url"] == "mailto:datos@muni.gob.gt"
            assert "access_url" not in read

    def test_an_upload_can_be_downloaded(self) -> None:
        address = f"{SITE.url}/dataset/{MINIMAL['id']}/resource/r/download/a.csv"
        for url in (address, "a.csv"):
            found = graph(url=url, url_type="upload")
            assert (
                objects_of(found, DCAT.downloadURL)
                == objects_of(found, DCAT.accessURL)
                == {address}
            )

    def test_a_link_has_no_download_url(self) -> None:
        found = graph(url="https://a.gt/mapa")
        assert objects_of(found, DCAT.accessURL) == {"https://a.gt/mapa"}
        assert objects_of(found, DCAT.downloadURL) == set()

    def test_there_is_one_access_address(self) -> None:
        found = graph(url="https://a.gt/1", access_url="https://a.gt/2")
        assert objects_of(found, DCAT.accessURL) == {"https://a.gt/2"}
        assert objects_of(found, RDFS.seeAlso) == {"https://a.gt/1"}


class TestFormat:
    @pytest.mark.parametrize(
        ("fields", "kind", "media"),
        [
            ({"format": "CSV"}, "CSV", "text/csv"),
            ({"format": ".csv"}, "CSV", "text/csv"),
            ({"mimetype": "text/csv; charset=utf-8"}, "CSV", "text/csv"),
            ({"format": "geojson"}, "GEOJSON", "application/geo+json"),
            ({"format": "SHP", "mimetype": "application/zip"}, "SHP", "application/zip"),
        ],
    )
    def test_format_and_media_type_are_iris_of_their_authorities(
        self, fields: dict[str, str], kind: str, media: str
    ) -> None:
        found = graph(**fields)
        iana = f"https://www.iana.org/assignments/media-types/{media}"
        assert objects_of(found, DCT["format"]) == {f"{EU}/file-type/{kind}"}
        assert objects_of(found, DCAT.mediaType) == {iana}
        assert (URIRef(f"{EU}/file-type/{kind}"), RDF.type, DCT.MediaTypeOrExtent) in found
        assert (URIRef(iana), RDF.type, DCT.MediaType) in found
        assert (URIRef(iana), RDFS.label, Literal(media)) in found

    def test_an_unknown_format_is_published_as_text(self) -> None:
        found = graph(format="papel", mimetype="papel/a4", compress_format="x", package_format="y")
        for predicate in (DCT["format"], DCAT.mediaType, DCAT.compressFormat, DCAT.packageFormat):
            assert objects_of(found, predicate) == set()
        assert objects_of(found, DC["format"]) == {"papel"}
        (read,) = read_dataset(found, SITE.dataset(MINIMAL["id"]), SITE)["resources"]
        assert read["format"] == "papel"

    def test_a_known_format_is_published_as_a_concept_only(self) -> None:
        assert objects_of(graph(format="CSV"), DC["format"]) == set()

    def test_formats_that_stock_ckan_offers_are_published(self) -> None:
        for word in ("API", "DOCM", "Atom Feed", "ZIP", "web map application", "IATI", "TSV"):
            found = graph(format=word)
            assert objects_of(found, DC["format"]) | objects_of(found, DCT["format"]), word


class TestOrder:
    def test_files_stay_in_the_order_in_which_they_were_put(self) -> None:
        names = [f"f{number}" for number in range(12)]
        rows = [{"id": name, "name": name} for name in reversed(names)]
        found = build_dataset_graph(Dataset.from_shown({**MINIMAL, "resources": rows}), FACTS)
        read = read_dataset(found, SITE.dataset(MINIMAL["id"]), SITE)["resources"]
        assert [each["name"] for each in read] == names[::-1]
        assert {str(each) for each in found.objects(None, SCHEMA.position)} == {
            str(number) for number in range(1, 13)
        }


class TestLicence:
    def test_the_dataset_s_licence_is_on_each_distribution(self) -> None:
        found = graph("cc-by")
        licence = URIRef(f"{EU}/licence/CC_BY_4_0")
        assert objects_of(found, DCT.license) == {str(licence)}
        assert (licence, RDF.type, DCT.LicenseDocument) in found
        kind = found.value(licence, DCT.type)
        assert str(kind) == "http://purl.org/adms/licencetype/Attribution"
        assert (kind, SKOS.inScheme, URIRef("http://purl.org/adms/licencetype/1.0")) in found
        deed = URIRef("https://creativecommons.org/licenses/by/4.0/")
        assert (licence, RDFS.seeAlso, deed) in found

    def test_the_licence_of_a_file_replaces_that_of_its_dataset(self) -> None:
        found = graph("cc-by", license="https://creativecommons.org/publicdomain/zero/1.0/")
        assert objects_of(found, DCT.license) == {f"{EU}/licence/CC0"}

    def test_a_licence_outside_the_table_is_named_by_its_address(self) -> None:
        found = graph("cc-by", license="https://a.gt/términos legales")
        assert objects_of(found, DCT.license) == {"https://a.gt/términos%20legales"}

    def test_an_unspecified_licence_is_not_published(self) -> None:
        for licence in ("", "notspecified"):
            assert objects_of(graph(licence, license="x"), DCT.license) == set()

    def test_other_licences_are_described_without_an_address(self) -> None:
        found = graph("other-nc")
        licence = found.value(IRI, DCT.license)
        assert str(licence) == f"{SITE.dataset(MINIMAL['id'])}#licence"
        assert str(found.value(licence, DCT.identifier)) == "other-nc"

    def test_titles_are_those_by_which_a_stock_ckan_knows_licences(self) -> None:
        register = {each.id: each.title for each in LicenseRegister().values()}
        assert {key: register[key] for key in CKAN_TITLES} == CKAN_TITLES


class TestOtherProperties:
    def test_size_creation_date_title_and_description_are_published(self) -> None:
        found = graph(size="12", name="A", description="B", created="2026-01-02T03:04:05")
        assert found.value(IRI, DCAT.byteSize) == Literal("12", datatype=XSD.nonNegativeInteger)
        assert found.value(IRI, DCT.title) == Literal("A", lang="es")
        assert found.value(IRI, DCT.description) == Literal("B", lang="es")
        assert objects_of(found, DCT.issued) == {"2026-01-02T03:04:05+00:00"}

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"last_modified": "2026-01-02T03:04:04.9"}, "2026-01-02T03:04:05+00:00"),
            ({"metadata_modified": "2026-01-02T03:04:04.9"}, "2026-01-02T03:04:05+00:00"),
            ({"last_modified": "2026-02-02T03:04:05"}, "2026-02-02T03:04:05+00:00"),
            ({"last_modified": "2026-02-02", "modified": "2016"}, "2016"),
            ({}, None),
        ],
    )
    def test_a_file_is_not_modified_before_its_creation(
        self, fields: dict[str, Any], expected: str | None
    ) -> None:
        found = graph(created="2026-01-02T03:04:05", **fields)
        assert objects_of(found, DCT.modified) == ({expected} if expected else set())

    def test_a_file_of_a_draft_is_not_modified_before_its_publication(self) -> None:
        resource = {"id": "r", "created": "2026-01-02", "last_modified": "2026-01-03"}
        public = {"first_published": "2026-03-04T05:06:07+00:00", "resources": [resource]}
        found = build_dataset_graph(Dataset.from_shown({**MINIMAL, **public}), FACTS)
        assert (
            objects_of(found, DCT.issued)
            == objects_of(found, DCT.modified)
            == {public["first_published"]}
        )

    @pytest.mark.parametrize(
        ("value", "algorithm", "expected"),
        [
            ("D41D8CD98F00B204E9800998ECF8427E", "", "md5"),
            ("sha256:" + "ab" * 32, "", "sha256"),
            ("ab" * 20, "SHA-1", "sha1"),
            ("ab" * 20, "http://spdx.org/rdf/terms#checksumAlgorithm_sha1", "sha1"),
            ("ab" * 7, "", None),
            ("xyz", "md5", None),
            ("ab" * 16, "crc32", None),
        ],
    )
    def test_a_checksum_names_its_algorithm_or_is_left_out(
        self, value: str, algorithm: str, expected: str | None
    ) -> None:
        found = graph(hash=value, hash_algorithm=algorithm)
        node = found.value(IRI, SPDX.checksum)
        stated = str(found.value(node, SPDX.algorithm)).rpartition("_")[2] if node else None
        assert stated == expected

    def test_availability_and_status_are_concepts(self) -> None:
        found = graph(availability="STABLE", status="http://purl.org/adms/status/Completed")
        assert objects_of(found, DCATAP.availability) == {f"{EU}/planned-availability/STABLE"}
        assert objects_of(found, ADMS.status) == {f"{EU}/distribution-status/COMPLETED"}

    def test_rights_of_the_file_and_the_note_are_one_statement(self) -> None:
        found = build_dataset_graph(Dataset.from_shown(FULL), FACTS)
        distribution = SITE.distribution(FULL["id"], FULL["resources"][0]["id"])
        (rights,) = found.objects(distribution, DCT.rights)
        assert str(rights) == f"{distribution}#rights"
        assert str(found.value(rights, RDFS.label)) == (
            f"Cítese la fuente.\n\n{FULL['rights_note']}"
        )

    @pytest.mark.parametrize("own", ["", "Cítese la fuente.", "https://a.gt/uso", "Dos.\n\nMás."])
    @pytest.mark.parametrize("note", ["", "Sin permiso escrito.", "https://a.gt/nota"])
    def test_rights_of_file_and_dataset_are_joined_and_read_separately(
        self, own: str, note: str
    ) -> None:
        resource = {**FULL["resources"][0], "rights": own}
        dataset = {**FULL, "rights_note": note, "resources": [resource]}
        found = build_dataset_graph(Dataset.from_shown(dataset), FACTS)
        distribution = SITE.distribution(FULL["id"], resource["id"])
        assert len(list(found.objects(distribution, DCT.rights))) == bool(own or note)
        read = read_dataset(found, SITE.dataset(FULL["id"]), SITE)
        assert read["resources"][0].get("rights", "") == own
        assert read.get("rights_note", "") == note
