"""What a text says to a reader."""

from __future__ import annotations

import pytest

from ckanext.marathon.domain.texts import is_blank


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
    def test_what_prints_nothing_is(self, text: str) -> None:
        assert is_blank(text)

    @pytest.mark.parametrize("text", ["a", " ñ ", "\u200b1", ".", "e\u0301", "Ꝡ", "💧", "水"])
    def test_what_prints_something_is_not(self, text: str) -> None:
        assert not is_blank(text)
