"""Blank texts and hidden characters."""

from __future__ import annotations

import pytest

from ckanext.marathon.domain.texts import explain_hidden, is_blank, is_plain, remove_hidden


class TestIsBlank:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            " \t\r\n",
            "\u00a0\u2003\u3000",  # no-break, em and ideographic space
            "\u200b\u2060\ufeff",  # no width
            "\u200e\u202e\u2069",  # directions
            "\u0000\u0007\u0085",  # control
            "\u2028\u2029",  # ends of lines and paragraphs
            "\u0301",  # an accent without a letter
            "\ufe0f",  # a variation of no sign
            "\u2800\u115f\u1160\u3164\uffa0",  # letters that print nothing
        ],
    )
    def test_characters_that_print_nothing_are_blank(self, text: str) -> None:
        assert is_blank(text)

    @pytest.mark.parametrize("text", ["a", " ñ ", "\u200b1", ".", "e\u0301", "Ꝡ", "💧", "水"])
    def test_characters_that_print_something_are_not_blank(self, text: str) -> None:
        assert not is_blank(text)


HIDDEN = [
    *"\x00\x01\x08\x0b\x0c\x1b\x1f\x7f\x80\x85\x9f",  # controls
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",  # embeddings, overrides, isolates
    *"\u200e\u200f\u061c",  # direction marks
    *"\xad\u180e\u200b\u200c\u200d\u2060\u2064\ufeff",  # no width
    *"\ufff9\U000e0041",  # annotations, tags
    *"\ud800\udfff",  # halves of pairs
    *"\ufdd0\ufffe\uffff\U0001fffe\U0010ffff",  # non-characters
]


class TestHidden:
    @pytest.mark.parametrize("character", HIDDEN)
    def test_a_hidden_character_is_named_with_its_place(self, character: str) -> None:
        text = f"Agua{character}limpia"
        assert not is_plain(text)
        fault = str(explain_hidden(text))
        assert f"U+{ord(character):04X}" in fault
        assert "“Agua”" in fault
        assert is_plain(fault)
        assert remove_hidden(text) == "Agualimpia"

    def test_a_hidden_character_at_the_beginning_is_named(self) -> None:
        assert str(explain_hidden("\ufeffAgua")) == (
            "Delete the invisible character U+FEFF ZERO WIDTH NO-BREAK SPACE at the beginning of "
            "the text"
        )

    @pytest.mark.parametrize(
        "text",
        [
            "Agua\tlimpia\r\ny más\n",
            "K'iche', Q'eqchi', Ch'orti'",  # U+0027
            "K\u2019iche\u2019 Tz\u02bcutujil B\u02b9 q\u0313 \ua78c",  # other apostrophes
            "e\u0301 \u00f1",
            "مياه نظيفة, מים",  # right-to-left words
            "می\u200cخواهم",  # Persian, with its non-joiner
            "क्\u200dष",  # after a virama
            "👩\u200d🌾 👩🏽\u200d🌾 🏳\ufe0f\u200d🌈 👩\u200d⚕\ufe0f",
            "a\u00a0b\u2009c\u2028d",
            "\ufffd",
        ],
    )
    def test_characters_that_writing_needs_are_accepted(self, text: str) -> None:
        assert is_plain(text)
        assert remove_hidden(text) == text

    @pytest.mark.parametrize("text", ["a\u200db", "\u200d", "agua\u200c", "1\u200c2", "👩\u200d"])
    def test_a_joiner_between_other_letters_counts_as_hidden(self, text: str) -> None:
        assert not is_plain(text)
        assert "\u200d" not in remove_hidden(text)
        assert "\u200c" not in remove_hidden(text)
