"""The table of forms of a number: read as it is, read with a notice, refused with its readings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.marathon.domain import numbers
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import quote_value

# Written → a count, a decimal from 0 up. None where it is refused.
PLAIN: list[tuple[Any, str | None, str]] = [
    ("12", "12", "12"),
    (" 012 ", "12", "012"),
    ("12.0", "12", "12.0"),
    (12, "12", "12"),
    (12.0, "12", "12.0"),
    (0, "0", "0"),
    (1000, "1000", "1000"),
    ("14.6", None, "14.6"),
    ("0.125", None, "0.125"),
    ("1234.125", None, "1234.125"),
    (1e-5, None, "0.00001"),
    # As a number this has one meaning, as a text two.
    (1.125, None, "1.1250"),
    # As a double is written in full.
    (0.1 + 0.2, None, "0.30000000000000004"),
    ("0.30000000000000004", None, "0.30000000000000004"),
    (1e-16, None, "0.0000000000000001"),
    (1e14, "100000000000000", "100000000000000.0"),
]
READ_WITH_NOTICE: list[tuple[str, str | None, str]] = [
    ("1,000", "1000", "1000"),
    ("120,000", "120000", "120000"),
    ("1,000,000", "1000000", "1000000"),
    ("1,000.00", "1000", "1000.00"),
    ("1,234.50", None, "1234.50"),
    ("Q 1,234.50", None, "1234.50"),
    ("Q1,000", "1000", "1000"),
    ("Q.\u00a012", "12", "12"),
    ("GTQ 5.00", "5", "5.00"),
]
# Written → the readings that the message names.
REFUSED: list[tuple[Any, list[str]]] = [
    ("1.000", ["1", "1000"]),
    ("1.125", ["1.1250", "1125"]),
    ("1,5", ["15", "1.5"]),
    ("12,0", ["120", "12"]),
    ("1.234,50", ["1.2345", "1234.5"]),
    ("Q 1.000", ["1", "1000"]),
    ("1,0000", ["10000", "1"]),
    ("01,000", ["1000", "1"]),
    ("1.000.000", ["1000000"]),
    ("1,00,000", ["100000"]),
    ("12 personas", []),
    ("1 000", []),
    ("1e3", []),
    ("1_000", []),
    ("٣", []),
    ("Q", []),
    ("1,000.", []),
    ("9" * 16, []),
    (float("inf"), []),
    (True, []),
    ([1], []),
]


def decimal(value: Any) -> numbers.NumberReading:
    return numbers.read_decimal(value, least=0)


@pytest.mark.parametrize("read", [numbers.read_count, decimal])
def test_numbers_with_one_reading_are_accepted_with_a_notice_if_corrected(read: Any) -> None:
    column = 1 if read is numbers.read_count else 2
    for is_noticed, table in enumerate((PLAIN, READ_WITH_NOTICE)):
        for row in table:
            wanted = row[column]
            if wanted is None:
                with pytest.raises(Malformed):
                    read(row[0])
                continue
            reading = read(row[0])
            assert (reading.text, bool(reading.notice)) == (wanted, bool(is_noticed)), row
            assert not is_noticed or quote_value(row[0]) in str(reading.notice)
            assert not is_noticed or f" {wanted}" in str(reading.notice)


@pytest.mark.parametrize("read", [numbers.read_count, decimal])
def test_ambiguous_and_malformed_numbers_are_refused_with_their_readings(read: Any) -> None:
    for value, readings in REFUSED:
        with pytest.raises(Malformed) as refused:
            read(value)
        named = [refused.value.fault.values.get(name) for name in ("one", "other")]
        assert [each for each in named if each] == readings, value
        if isinstance(value, str):
            assert value in str(refused.value)
        for reading in readings:
            # The forms that the message proposes are read with the meaning that it gives.
            assert numbers.read_decimal(reading) == numbers.NumberReading(reading)


@pytest.mark.parametrize("read", [numbers.read_count, decimal])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1e20, "at most 15 are kept before the decimal point"),
        (10**15, "at most 15 are kept before the decimal point"),
        ("9" * 16, "at most 15 are kept before the decimal point"),
        ("9" * 100, "at most 15 are kept before the decimal point"),
        (1e-300, "at most 30 are kept after the decimal point"),
        ("0." + "1" * 31, "at most 30 are kept after the decimal point"),
    ],
)
def test_a_refused_number_gets_an_error_with_the_reason(read: Any, value: Any, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        read(value)


@pytest.mark.parametrize(
    ("value", "bounds", "reason"),
    [
        (-0.5, {"least": 0}, "-0.5 is too small: 0 or more is accepted"),
        (1.5, {"most": 1}, "1.5 is too large: 1 or less is accepted"),
        ("90.00000000000000001", {"least": -90, "most": 90}, "out of range: from -90 to 90"),
    ],
)
def test_errors_name_the_bounds_in_words(value: Any, bounds: dict[str, float], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        numbers.read_decimal(value, **bounds)


def test_bounds_can_decide_between_two_readings() -> None:
    assert numbers.read_decimal("14.625", -90, 90) == numbers.NumberReading("14.625")
    assert numbers.read_decimal("-90.515", -180, 180) == numbers.NumberReading("-90.515")
    for value, meant in (("14,625", "14.6250"), ("14,6", "14.6"), ("1,000", "1")):
        with pytest.raises(Malformed, match=f"If it means {meant}, write"):
            numbers.read_decimal(value, -90, 90)
    with pytest.raises(Malformed, match=r"can be read as 15 or as 1\.5"):
        numbers.read_decimal("1,5", -90, 90)
    with pytest.raises(Malformed, match="out of range"):
        numbers.read_decimal("90.5", -90, 90)


@given(st.text(alphabet="0123456789.,Q -", max_size=12))
def test_no_digit_is_ever_cut(text: str) -> None:
    for read in (numbers.read_count, numbers.read_decimal):
        try:
            reading = read(text)
        except Malformed:
            continue
        digits = text.replace(",", "").strip().removeprefix("Q").lstrip(". ")
        assert Decimal(reading.text) == Decimal(digits)


def test_a_json_number_keeps_its_value_when_stored_as_text() -> None:
    for value in (0, 12, 1.5, 1.125, 0.125, -1.125, 1234.125, 1e-7):
        assert Decimal(numbers.read_decimal(numbers.write_number(value)).text) == Decimal(
            repr(value)
        )
    for value in (True, None, "1,5", [1], float("nan")):
        assert numbers.write_number(value) is value
