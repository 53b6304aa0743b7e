from __future__ import annotations

import random

import pytest

from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.codes import MAX_QUERY, fold_text


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("San  Miguel Sigüilá", "san miguel siguila"),
        ("K'iche'", "kiche"),
        ("Q’eqchi’", "qeqchi"),
        ("SANTIAGO ATITLÁN", "santiago atitlan"),
        ("Peñablanca", "penablanca"),
        ("A\u0301gua", "agua"),
        ("AGU-01", "agu 01"),
        ("a_b/c.d", "a b c d"),
        ("  ", ""),
        ("¿?!", ""),
    ],
)
def test_accents_case_and_punctuation_do_not_count(text: str, folded: str) -> None:
    assert fold_text(text) == folded


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("San Carlos Alzatate", "2105"),
        ("san carlos alzatate", "2105"),
        ("alzatate", "2105"),
        ("ALZATÁTE", "2105"),
        ("carlos alza", "2105"),
        ("2105", "2105"),
        ("Villa Nueva", "0115"),
        ("jacalte", "1307"),
        ("Chichicastenango", "1406"),
        ("Ixcán", "1420"),
        ("ixcan", "1420"),
        ("San Miguel Siguilá", "0908"),
        ("Barillas", "1326"),
        ("Jalapa", "2101"),
        ("guatemala", "0101"),
        ("San Pedro Sacatepéquez San Marcos", "1202"),
        ("san marcos san pedro sacatepequez", "1202"),
        ("San Pedro Sacatepéquez Guatemala", "0109"),
    ],
)
def test_a_municipality_is_found_by_name_other_name_or_code(text: str, code: str) -> None:
    assert territory.search_municipalities(text)[0].code == code


def test_every_municipality_is_found_by_each_of_its_names_and_its_code() -> None:
    for each in territory.list_municipalities():
        for text in (each.name, *each.alt_names, each.name.upper(), fold_text(each.name)):
            assert each in territory.search_municipalities(text, limit=400), text
        assert territory.search_municipalities(each.code)[0] is each


def test_a_name_in_two_departments_finds_both() -> None:
    assert [each.code for each in territory.search_municipalities("San Pedro Sacatepéquez")] == [
        "0109",
        "1202",
    ]


def test_a_search_for_a_department_gives_its_capital_before_its_municipalities() -> None:
    found = territory.search_municipalities("jalapa", limit=400)
    assert {each.code for each in found} == {
        each.code for each in territory.list_municipalities_of("21")
    }
    assert found[0].name == "Jalapa"


@pytest.mark.parametrize(
    ("text", "lang", "notation"),
    [
        ("agua potable irregular", "es", "AGU-01"),
        ("No cae agua", "es", "AGU-01"),
        ("AGU-01", "es", "AGU-01"),
        ("agu-01", "en", "AGU-01"),
        ("illegal dumps", "en", "RES-01"),
        ("illegal dumps", "es", "RES-01"),
        ("basureros clandestinos", "en", "RES-01"),
        ("IUSI", "es", "GOB-07"),
        ("tren de aseo", "es", "RES"),
        ("Agua potable", "es_GT", "AGU"),
        ("Agua potable", "a language nobody has", "AGU"),
    ],
)
def test_a_problem_is_found_by_everyday_words(text: str, lang: str, notation: str) -> None:
    assert problems.search_problems(text, lang)[0].notation == notation


def test_every_problem_is_found_by_each_of_its_labels() -> None:
    for each in [*problems.list_areas(), *problems.list_problems()]:
        for lang in ("es", "en"):
            for text in (each.pref_label[lang], *each.alt_labels[lang]):
                assert problems.search_problems(text, lang)[0] is each, text


HOSTILE = [
    "",
    " ",
    "\x00",
    "%",
    "_",
    "*",
    ".*",
    "(((((",
    "[a-z",
    "\\",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "$(rm -rf /)",
    "../../etc/passwd",
    "\ud800",
    "\u202e0501",
    "🌋",
    "a\u0301" * 500,
    "ﷺ" * 1000,
    "san " * 100_000,
    "0" * 1_000_000,
    "\n\r\t\v",
    '~:()"^&&||!',
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_typed_text_gives_at_most_twenty_results(text: str) -> None:
    for found in (
        territory.search_municipalities(text),
        problems.search_problems(text),
        problems.search_problems("agua", text),
    ):
        assert isinstance(found, tuple)
        assert len(found) <= 20


def test_an_empty_text_finds_nothing() -> None:
    for text in ("", "  ", "¿?", "\x00"):
        assert territory.search_municipalities(text) == ()
        assert problems.search_problems(text) == ()


def test_random_texts_never_break_the_search_and_what_is_found_matches() -> None:
    chance = random.Random(2016)
    for _ in range(500):
        length = chance.randrange(1, 12)
        text = "".join(
            chr(chance.choice([*range(1, 0x250), 0x2019, 0x1F30B])) for _ in range(length)
        )
        words = fold_text(text[:MAX_QUERY]).split()
        for each in territory.search_municipalities(text):
            department = territory.get_department(each.department_code).name
            hay = " " + fold_text(" ".join([each.code, each.name, *each.alt_names, department]))
            assert all(f" {word}" in hay for word in words)


@pytest.mark.parametrize(("limit", "count"), [(0, 0), (-1, 0), (1, 1), (3, 3), (1000, 40)])
def test_no_more_than_the_limit_is_returned(limit: int, count: int) -> None:
    found = len(territory.search_municipalities("san", limit))
    assert found >= count if limit == 1000 else found == count
