"""Keywords that differ in capitals or blanks alone are one, however they are sent."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.tests.helpers import call_action

from tests.factories import MarathonDataset

WAYS: tuple[dict[str, Any], ...] = (
    {"tags": [{"name": each} for each in ("AGUA ", "agua", "Pozo", " pozo", "pozó")]},
    {"tag_string": "AGUA , agua, Pozo,pozo,pozó"},
)


@pytest.mark.usefixtures("marathon_site")
def test_the_first_spelling_of_a_keyword_is_kept_and_accents_distinguish() -> None:
    for sent in WAYS:
        created = MarathonDataset(**sent)
        assert {each["name"] for each in created["tags"]} == {"AGUA", "Pozo", "pozó"}
        more = [*created["tags"], {"name": "agua"}, {"name": "Río "}]
        patched = call_action("package_patch", id=created["id"], tags=more)
        assert {each["name"] for each in patched["tags"]} == {"AGUA", "Pozo", "pozó", "Río"}
