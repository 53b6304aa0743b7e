from __future__ import annotations

import json
import re
from importlib.resources import files as resources
from typing import cast

import pytest

from ckanext.marathon.vocabulary import authorities, schemes

EU = "http://publications.europa.eu/resource/authority/"
ADMS = "http://purl.org/adms/"
IANA = "https://www.iana.org/assignments/media-types/"


class TestFileTypes:
    @pytest.mark.parametrize(
        ("value", "code", "media_type"),
        [
            ("CSV", "CSV", "text/csv"),
            ("csv", "CSV", "text/csv"),
            (".csv", "CSV", "text/csv"),
            ("text/csv; charset=utf-8", "CSV", "text/csv"),
            (EU + "file-type/CSV", "CSV", "text/csv"),
            ((EU + "file-type/CSV").replace("http:", "https:"), "CSV", "text/csv"),
            (IANA + "text/csv", "CSV", "text/csv"),
            ("Excel", "XLS", "application/vnd.ms-excel"),
            ("geojson", "GEOJSON", "application/geo+json"),
            ("application/vnd.geo+json", "GEOJSON", "application/geo+json"),
            ("ttl", "RDF_TURTLE", "text/turtle"),
            ("RDF", "RDF_XML", "application/rdf+xml"),
            ("json-ld", "JSON_LD", "application/ld+json"),
            ("gz", "GZIP", "application/gzip"),
            ("application/x-gzip", "GZIP", "application/gzip"),
            ("jpg", "JPEG", "image/jpeg"),
            ("Shapefile", "SHP", "application/vnd.shp"),
            ("KMZ", "KMZ", "application/vnd.google-earth.kmz"),
            ("parquet", "PARQUET", "application/vnd.apache.parquet"),
            ("WMS", "WMS_SRVC", None),
            ("RSS", "RSS", None),
            ("application/rss+xml", "RSS", None),
            (".7z", "7Z", None),
        ],
    )
    def test_usual_spellings_give_eu_file_type_and_iana_media_type(
        self, value: str, code: str, media_type: str | None
    ) -> None:
        found = authorities.find_file_type(value)
        assert found is not None
        assert found.code == code
        assert authorities.find_media_type_iri(value) == (IANA + media_type if media_type else None)

    def test_an_iana_iri_is_kept_with_https(self) -> None:
        given = "http://www.iana.org/assignments/media-types/audio/ogg"
        assert authorities.find_media_type_iri(given) == IANA + "audio/ogg"
        assert (
            authorities.find_media_type_iri("https://www.iana.org/assignments/media-types/") is None
        )
        assert authorities.find_media_type_iri(IANA + "text/csv> <x") is None

    def test_ckans_own_formats_have_a_file_type_unless_the_eu_has_none(self) -> None:
        path = resources("ckan") / "config" / "resource_formats.json"
        formats = [row[0] for row in json.loads(path.read_text(encoding="utf-8"))[1:]]
        assert {each for each in formats if authorities.find_file_type(each) is None} == {
            *("ArcGIS Online Map", "OGG", "TORRENT", "WebM", "WMTS"),
            # Macro and template kinds of Office files.
            *("DOCM", "DOTM", "DOTX", "POTM", "POTX", "PPAM", "PPTM", "PPSM"),
            *("XLAM", "XLTM", "XLTX"),
        }

    def test_media_types_and_extensions_of_file_types_are_well_formed(self) -> None:
        for each in authorities.get_scheme("file-type").concepts:
            assert isinstance(each, authorities.FileType)
            assert each.media_type is None or re.fullmatch(
                re.escape(IANA) + r"(application|audio|image|text|video)/[A-Za-z0-9.+-]+",
                each.media_type,
            )
            assert all(re.fullmatch(r"[a-z0-9]+(\.gz)?", ext) for ext in each.extensions)


class TestLanguages:
    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("es", "SPA"),
            ("spa", "SPA"),
            ("SPA", "SPA"),
            ("es_GT", "SPA"),
            ("es-419", "SPA"),
            ("español", "SPA"),
            (EU + "language/SPA", "SPA"),
            ("en", "ENG"),
            ("quc", "MYN"),
            ("K'iche'", "MYN"),
            ("myn", "MYN"),
            ("http://lexvo.org/id/iso639-3/kek", "MYN"),
        ],
    )
    def test_usual_codes_give_the_eu_language(self, value: str, code: str) -> None:
        found = authorities.find_language(value)
        assert found is not None
        assert found.code == code

    def test_languages_outside_the_eu_table_give_none(self) -> None:
        assert authorities.find_language("cab") is None
        assert authorities.find_language("xin") is None
        assert authorities.find_language("nah") is None

    def test_each_spoken_language_is_found_by_its_iso_639_3_code(self) -> None:
        spoken = cast(
            "tuple[authorities.SpokenLanguage, ...]",
            authorities.get_scheme("spoken-language").concepts,
        )
        by_eu = {
            eu: {each.code for each in spoken if each.eu_code == eu}
            for eu in {each.eu_code for each in spoken}
        }
        assert by_eu.keys() == {"MYN", "", "SPA", "ENG"}
        assert len(by_eu["MYN"]) == 21
        assert by_eu[""] == {"cab", "xin"}
        assert all(re.fullmatch("[a-z]{3}", each.code) for each in spoken)
        assert all(authorities.find_spoken_language(each.code) is each for each in spoken)

    @pytest.mark.parametrize(
        ("value", "code"), [("es", "spa"), ("es_GT", "spa"), ("QUC", "quc"), ("jac", "jac")]
    )
    def test_a_spoken_language_is_found_by_tag(self, value: str, code: str) -> None:
        found = authorities.find_spoken_language(value)
        assert found is not None
        assert found.code == code


class TestLicences:
    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("cc-by", "cc-by"),
            ("CC-BY-4.0", "cc-by"),
            ("http://creativecommons.org/licenses/by/4.0", "cc-by"),
            (EU + "licence/CC_BY_4_0", "cc-by"),
            ("http://www.opendefinition.org/licenses/odc-odbl", "odc-odbl"),
            ("https://creativecommons.org/publicdomain/zero/1.0/", "cc-zero"),
            ("mit", "mit"),
            ("notspecified", "notspecified"),
        ],
    )
    def test_usual_spellings_give_the_licence(self, value: str, code: str) -> None:
        found = authorities.find_licence(value)
        assert found is not None
        assert found.code == code

    def test_other_versions_are_not_taken_for_this_one(self) -> None:
        assert authorities.find_licence("https://creativecommons.org/licenses/by/3.0/") is None
        assert authorities.find_licence(EU + "licence/CC_BY_3_0") is None

    def test_licences_have_known_types(self) -> None:
        for each in authorities.get_scheme("licence").concepts:
            assert isinstance(each, authorities.Licence)
            assert all(authorities.find_licence_type(iri) for iri in each.types), each.code
            assert not each.eu_iri or each.eu_iri.startswith(EU + "licence/")

    def test_an_unspecified_licence_has_no_iri_and_is_not_open(self) -> None:
        found = authorities.find_licence("notspecified")
        assert found is not None
        assert (found.iri, found.is_open) == ("", None)
        assert found.types == (ADMS + "licencetype/UnknownIPR",)

    def test_every_licence_of_ckans_register_is_known(self) -> None:
        from ckan.model import license as register

        ids = {
            value.id
            for value in vars(register).values()
            if isinstance(value, type)
            and issubclass(value, register.DefaultLicense)
            and value is not register.DefaultLicense
        }
        assert len(ids) == 15
        for each in ids:
            found = authorities.find_licence(each)
            assert found is not None
            assert found.code == each


class TestOthers:
    def test_roles_of_organisations_give_a_publisher_type_where_certain(self) -> None:
        types = {
            code: found.code if (found := authorities.find_publisher_type(code)) else None
            for code in schemes.ORGANIZATION_ROLE.codes
        }
        assert types == {
            "municipality": "LocalAuthority",
            "coordinating_body": "NationalAuthority",
            "civil_society": "NonGovernmentalOrganisation",
            "other_public_body": None,
        }

    def test_older_iris_of_the_same_concepts_are_understood(self) -> None:
        for value in ("http://data.europa.eu/r5r/stable", EU + "planned-availability/STABLE"):
            found = authorities.find_availability(value)
            assert found is not None
            assert found.code == "STABLE"
        found = authorities.find_distribution_status("http://purl.org/adms/status/UnderDevelopment")
        assert found is not None
        assert found.code == "DEVELOP"

    def test_the_country_is_guatemala(self) -> None:
        for value in ("GTM", "GT", "Guatemala", "https://sws.geonames.org/3595528/"):
            found = authorities.find_country(value)
            assert found is not None
            assert found.iri == EU + "country/GTM"

    def test_each_function_searches_its_own_table(self) -> None:
        for function, code in (
            (authorities.find_theme, "GOVE"),
            (authorities.find_frequency, "MONTHLY"),
            (authorities.find_access_right, "PUBLIC"),
            (authorities.find_licence_type, "Attribution"),
        ):
            found = function(code)
            assert found is not None
            assert found.code == code
