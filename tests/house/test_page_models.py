"""Templates of pages with a view model call only helpers that format."""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "ckanext" / "marathon" / "templates" / "marathon"
# Folders and snippets of such pages.
PREPARED = ("place/*.html", "snippets/records.html", "snippets/news_link.html")
# Each makes text or an address of what it is given.
FORMATTING = {
    "humanize_entity_type",
    "lang",
    "localised_number",
    "marathon_how_much",
    "url_for",
}
HELPER = re.compile(r"\bh\.([a-z_]+)")


def test_templates_with_a_prepared_page_only_format() -> None:
    paths = [path for pattern in PREPARED for path in sorted(TEMPLATES.glob(pattern))]
    assert len(paths) > len(PREPARED)
    for path in paths:
        called = set(HELPER.findall(path.read_text(encoding="utf-8")))
        assert called <= FORMATTING, (path.name, called - FORMATTING)
