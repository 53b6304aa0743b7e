from __future__ import annotations

import random

import pytest

from ckanext.marathon.domain import privacy


def identity(serial: str, place: str) -> str:
    """Return a DPI number with the right check digit (a made-up one of nobody)."""
    check = sum(int(d) * w for w, d in enumerate(serial, start=2)) % 11
    assert check < 10
    return f"{serial}{check}{place}"


CUI = identity("24501234", "0101")
PARTS = (CUI[:4], CUI[4:9], CUI[9:])


class TestFind:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("ana@example.com", privacy.EMAIL),
            ("escribir a ana.lopez @ example.com.gt", privacy.EMAIL),
            ("Tel. 2334 5566", privacy.PHONE),
            ("2334-5566", privacy.PHONE),
            ("55443322", privacy.PHONE),
            ("+502 5544 3322", privacy.PHONE),
            ("(502) 5544-3322", privacy.PHONE),
            ("55 44 33 22", privacy.PHONE),
            ("+1 (202) 555-0143", privacy.PHONE),
            (CUI, privacy.IDENTITY),
            (" ".join(PARTS), privacy.IDENTITY),
            ("DPI " + "-".join(PARTS), privacy.IDENTITY),
            (f"{CUI[:8]}-{CUI[8]}-{CUI[9:]}", privacy.IDENTITY),
        ],
    )
    def test_personal_data_is_found(self, text: str, message: str) -> None:
        assert privacy.find_personal_data(text) == message

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Jóvenes: de 13 a 29 años",
            "Plan 2016-2018",
            "1999 2003",
            "20161017",
            "17/10/2016",
            "2016-10-17",
            "2016-10-17T09:00:00-06:00",
            "COCODE de la aldea El Chagüite, sector 3",
            "Caserío Los Mixcos, km 45.5",
            "Acuerdo Gubernativo 199-2018",
            "Código INE 2105",
            "12345678",  # telephones do not begin with 1
            "1234567890123456",
            "9999 99999 9999",  # no such check digit, no such place
            identity("24501234", "0199"),  # Guatemala has 17 municipalities, not 99
            identity("24501234", "2301"),  # there are 22 departments
            "Q 1,250,000.00",
            "Q25000000",
            "Q 25000000",
            "Q. 25000000",
            "$25000000",
            "@munivillanueva",
        ],
    )
    def test_texts_without_personal_data_pass(self, text: str) -> None:
        assert privacy.find_personal_data(text) is None

    def test_only_the_right_check_digit_makes_an_identity_number(self) -> None:
        rng = random.Random(2105)
        for _ in range(500):
            serial = f"{rng.randrange(10**7, 10**8)}"
            weighted = sum(int(d) * w for w, d in enumerate(serial, start=2)) % 11
            for digit in range(10):
                assert privacy.is_identity_number(f"{serial}{digit}2105") == (digit == weighted)

    @pytest.mark.parametrize("filling", ["a", "1-", "a@", "agua ", "1999 2003 ", "+12"])
    def test_a_very_long_text_is_searched_to_its_end(self, filling: str) -> None:
        text = filling * (200_000 // len(filling))
        assert privacy.find_personal_data(text) is None
        assert privacy.find_personal_data(f"{text}\nana@example.com") == privacy.EMAIL
        assert privacy.find_personal_data(f"{text}\nTel. 2334 5566") == privacy.PHONE
