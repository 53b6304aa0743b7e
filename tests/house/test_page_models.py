"""Templates of pages with a view model call only helpers that format."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "ckanext" / "marathon"
# Templates of such pages; of the snippets all but that of the tabs, which are CKAN's.
PREPARED = (
    "templates/marathon/agenda/*.html",
    "templates/marathon/attendance/*.html",
    "templates/marathon/commitment/*.html",
    "templates/marathon/country/*.html",
    "templates/marathon/desk/*.html",
    "templates/marathon/history/*.html",
    "templates/marathon/import/*.html",
    "templates/marathon/officer/*.html",
    "templates/marathon/place/*.html",
    "templates/marathon/poster.html",
    "templates/marathon/read/*.html",
    "templates/marathon/report/*.html",
    "templates/marathon/search/*.html",
    "templates/marathon/snippets/*.html",
    "templates/marathon/tables/*.html",
    "templates/organization/*.html",
    "templates/organization/snippets/*.html",
    "site_templates/home/index.html",
    "site_templates/home/snippets/*.html",
    "site_templates/organization/snippets/*.html",
)
OF_CKAN = {"tabs.html"}
# Each makes a text, an address or a choice from its arguments.
FORMATTING = {
    "SI_number_span",
    "csrf_input",
    "dataset_display_name",
    "get_translated",
    "humanize_entity_type",
    "is_url",
    "lang",
    "localised_number",
    "marathon_date",
    "marathon_day",
    "marathon_download",
    "marathon_extras",
    "marathon_figure_labels",
    "marathon_file_extras",
    "marathon_filled",
    "marathon_host",
    "marathon_how_much",
    "marathon_licence_name",
    "marathon_only_day",
    "marathon_people_of",
    "marathon_period",
    "marathon_rest",
    "marathon_says",
    "marathon_size",
    "marathon_term",
    "marathon_type_label",
    "plugin_loaded",
    "render_markdown",
    "resource_display_name",
    "scheming_language_text",
    "url_for",
}
# By which the template of CKAN's view asks for its page, once. The side column that all tabs of an
# organisation have is CKAN's.
ASKING = {
    "templates/marathon/read/base.html": {"marathon_record_page"},
    "templates/organization/read.html": {"marathon_organization_page"},
    "site_templates/organization/snippets/info.html": {"follow_count", "member_count"},
}
HELPER = re.compile(r"\bh\.(\w+)")


def test_templates_with_a_prepared_page_only_format() -> None:
    found = [path for pattern in PREPARED for path in sorted(PACKAGE.glob(pattern))]
    paths = [path for path in found if path.name not in OF_CKAN]
    assert len(paths) > len(PREPARED)
    for path in paths:
        called = HELPER.findall(path.read_text(encoding="utf-8"))
        asked = ASKING.get(str(path.relative_to(PACKAGE)), set())
        assert set(called) <= FORMATTING | asked, (path.name, set(called) - FORMATTING)
        assert all(called.count(name) == 1 for name in asked), path.name
