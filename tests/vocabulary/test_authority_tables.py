from __future__ import annotations

import re
from importlib.resources import files as resources
from pathlib import Path

import pytest

from ckanext.marathon.vocabulary import authorities, problems, schemes
from ckanext.marathon.vocabulary import codes as codes_vocabulary
from ckanext.marathon.vocabulary.codes import UnknownCode

EU = "http://publications.europa.eu/resource/authority/"
ADMS = "http://purl.org/adms/"
IRI = re.compile(r"https?://[a-z0-9.-]+/[A-Za-z0-9_./#()-]+")

COUNTS = {
    "data-theme": 14,
    "file-type": 90,
    "language": 11,
    "frequency": 38,
    "planned-availability": 4,
    "access-right": 3,
    "distribution-status": 4,
    "country": 1,
    "licence-type": 6,
    "publisher-type": 11,
    "licence": 16,
    "other-language": 30,
    "spoken-language": 25,
}


def list_schemes() -> list[authorities.Scheme]:
    return [table.scheme for table in authorities.read_tables().values()]


def every_concept() -> list[authorities.AuthorityConcept]:
    return [each for scheme in list_schemes() for each in scheme.concepts]


def test_every_table_has_its_known_number_of_rows() -> None:
    assert {each.name: len(each.concepts) for each in list_schemes()} == COUNTS


def test_every_shipped_table_belongs_to_a_scheme() -> None:
    folder = resources("ckanext.marathon.vocabulary") / "data" / "authorities"
    shipped = {each.name for each in folder.iterdir()}
    named = {row["file"] for row in codes_vocabulary.read_data_rows("authorities/schemes.csv")}
    assert shipped == named | {"schemes.csv"}


def test_codes_and_iris_are_unique_and_well_formed() -> None:
    for scheme in list_schemes():
        codes = [each.code.casefold() for each in scheme.concepts]
        assert len(codes) == len(set(codes)), scheme.name
        iris = [each.iri for each in scheme.concepts if each.iri]
        assert len(iris) == len(set(iris)), scheme.name
        assert all(IRI.fullmatch(iri) for iri in iris), scheme.name


def test_only_unspecific_licences_lack_an_iri() -> None:
    without = {each.code for each in every_concept() if not each.iri}
    assert without == {
        "cc-nc",
        "other-open",
        "other-at",
        "other-pd",
        "other-nc",
        "other-closed",
        "notspecified",
    }


def test_iris_have_the_prefix_of_their_authority() -> None:
    for scheme in list_schemes():
        if scheme.name in {"licence", "spoken-language"}:
            continue
        start = (scheme.iri or "?").removesuffix("/1.0")
        assert start.startswith((EU, ADMS))
        assert {each.iri for each in scheme.concepts} == {
            f"{start}/{each.code}" for each in scheme.concepts
        }


@pytest.mark.parametrize("lang", ["es", "en"])
def test_every_concept_and_scheme_has_a_label(lang: str) -> None:
    for each in every_concept():
        assert each.labels[lang].strip() == each.labels[lang] != "", each.code
    assert all(scheme.title[lang].strip() for scheme in list_schemes())


def test_every_row_names_its_source() -> None:
    for table in {
        "schemes.csv",
        *(r["file"] for r in codes_vocabulary.read_data_rows("authorities/schemes.csv")),
    }:
        for row in codes_vocabulary.read_data_rows(f"authorities/{table}"):
            assert row["source"].strip(), (table, row)
            assert None not in row, (table, row)
            assert None not in row.values(), (table, row)


def test_every_concept_is_found_by_code_iri_and_label() -> None:
    for each in every_concept():
        assert authorities.find_concept(each.scheme, each.code) == each
        assert authorities.find_concept(each.scheme, f" {each.code.lower()} ") == each
        if each.iri:
            assert authorities.find_concept(each.scheme, each.iri) == each
        for text in each.labels.values():
            assert authorities.find_concept(each.scheme, text) == each, text


def test_no_spelling_is_ambiguous() -> None:
    """An alias that another row also has would never be found."""
    for row in codes_vocabulary.read_data_rows("authorities/schemes.csv"):
        for each in codes_vocabulary.read_data_rows(f"authorities/{row['file']}"):
            extensions = each.get("extensions", "").split()
            for spelling in [*each.get("aliases", "").split("|"), *extensions]:
                if spelling:
                    found = authorities.find_concept(row["name"], spelling)
                    assert found is not None, spelling
                    assert found.code == each["code"], spelling


def test_concepts_are_hashable() -> None:
    assert len(set(every_concept())) == sum(COUNTS.values())
    assert len({*problems.list_areas(), *problems.list_problems()}) == 73
    assert sum(len(set(each.terms)) for each in schemes.list_term_lists()) == 42


def test_an_unknown_scheme_is_an_error() -> None:
    with pytest.raises(UnknownCode, match="No scheme has the code 'colours'"):
        authorities.get_scheme("colours")
    with pytest.raises(UnknownCode):
        authorities.find_concept("colours", "red")


@pytest.mark.parametrize("value", ["", "  ", "nope", "\x00", "a" * 100_000, "http://", None, 7, []])
def test_unknown_values_give_none(value: object) -> None:
    for scheme in list_schemes():
        assert authorities.find_concept(scheme.name, value) is None  # pyright: ignore[reportArgumentType]
    assert authorities.find_media_type_iri(value) is None  # pyright: ignore[reportArgumentType]


def test_scheme_iris_are_those_that_dcat_ap_demands() -> None:
    """Source: DCAT-AP 3.0.1, shapes for controlled vocabularies, sh:hasValue of skos:inScheme."""
    demanded = {
        *(f"{EU}{name}" for name in ("data-theme", "file-type", "language", "frequency")),
        *(f"{EU}{name}" for name in ("planned-availability", "access-right", "country")),
        f"{EU}distribution-status",
        f"{ADMS}licencetype/1.0",
        f"{ADMS}publishertype/1.0",
    }
    ours = {each.iri for each in list_schemes() if each.name != "licence"}
    assert ours - {None} == demanded


def test_the_docs_count_every_table_and_name_the_version_of_every_row() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "vocabulary.md").read_text(encoding="utf-8")
    for row in codes_vocabulary.read_data_rows("authorities/schemes.csv"):
        rows = codes_vocabulary.read_data_rows(f"authorities/{row['file']}")
        assert f"| `{row['name']}` | {len(rows)} | " in docs
        versions = {found for each in rows for found in re.findall(r"20\d{6}-0", each["source"])}
        assert all(version in docs for version in versions), row["name"]
