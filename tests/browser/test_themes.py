"""Both plugins on CKAN's other theme, Midnight Blue, which its wheel does not have yet.

``MARATHON_THEME`` names a folder with ``templates-midnight-blue`` and ``public-midnight-blue`` of
CKAN's repository. CKAN looks for both beside its own modules, so the sites here run on a package of
links: CKAN's own parts, and the two folders.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ckan
import pytest
from playwright.sync_api import Browser

from tests import proving
from tests.browser.conftest import DESK, PHONE, PLUGINS, Town, Visit, visiting
from tests.browser.test_everywhere import FOR_OFFICERS, PAGES, violations
from tests.sites import Site

NAME = "midnight-blue"
SETTINGS = {
    "ckan.base_templates_folder": f"templates-{NAME}",
    "ckan.base_public_folder": f"public-{NAME}",
}
FOLDER = os.environ.get("MARATHON_THEME", "")
if not FOLDER:
    proving.NOTES.append(
        "pages: CKAN's theme Midnight Blue is not here (MARATHON_THEME names its folder); "
        "only CKAN's older theme was looked at"
    )
pytestmark = pytest.mark.skipif(not FOLDER, reason="MARATHON_THEME does not name the theme")

# The contrast between the letters of a link and their background, as WCAG 2 defines it.
CONTRAST = """
link => {
  const channels = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = colour => {
    const [r, g, b] = channels(colour).map(one => {
      const part = one / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(link);
  const [a, b] = [light(style.color), light(style.backgroundColor)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a ``ckan`` that has the theme."""
    folder = tmp_path_factory.mktemp("themed")
    package = folder / "ckan"
    package.mkdir()
    parts = [*Path(ckan.__file__).parent.iterdir(), *Path(FOLDER).glob(f"*-{NAME}")]
    for part in parts:
        # The wheel of CKAN 2.12.0 has one of the two folders, empty.
        (package / part.name).unlink(missing_ok=True)
        (package / part.name).symlink_to(part)
    return folder


@pytest.fixture(scope="module", params=["marathon_site", "marathon"])
def themed(
    request: pytest.FixtureRequest, live_site: Site, town: Town, package: Path
) -> Iterator[Site]:
    """The site of the other tests on this theme, with both plugins or with one."""
    plugins = PLUGINS if request.param == "marathon_site" else PLUGINS.partition(" ")[2]
    # By default the picture of the user who is logged in comes from another host.
    settings = {**SETTINGS, "ckan.plugins": plugins, "ckan.gravatar_default": "disabled"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(package))
        with live_site.variant(request.param, settings) as site:
            site.start()
            yield site


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_works_with_the_newer_theme(
    chromium: Browser, themed: Site, live_site: Site, filled: Callable[[str], str], size: Any
) -> None:
    """It answers as on the older theme, fits, and nothing is there twice."""
    found: dict[str, list[str]] = {}
    with visiting(chromium, themed, size) as visit:
        for path in map(filled, PAGES):
            if faults := [*faults_of(visit, live_site, path)]:
                found[path] = faults
    assert found == {}


def faults_of(visit: Visit, older: Site, path: str) -> Iterator[str]:
    answer = visit.page.goto(visit.site.url + path)
    assert answer is not None
    if answer.status != older.get(path).status_code:
        yield f"status {answer.status}"
    if visit.is_wider_than_its_window():
        yield "wider than the window"
    if not is_ours(visit.site):
        return
    page = visit.page
    text = page.locator("body").inner_text()
    if page.locator(".site-footer").count() > 1 or "Powered by" in text:
        yield "two feet"
    if page.locator('.site-languages, [name="url"]').count() > 1:
        yield "two choices of languages"
    active = page.locator(".main-navbar .active a")
    if active.count() and active.evaluate(CONTRAST) < 4.5:
        yield "the active item of the menu cannot be read"
    yield from violations(page)


def is_ours(site: Site) -> bool:
    """Return whether a site has our theme too, or CKAN's pages as they are."""
    return "marathon_site" in site.ini.read_text(encoding="utf-8")


def test_on_a_phone_the_results_come_before_the_filters(
    chromium: Browser, themed: Site, filled: Callable[[str], str]
) -> None:
    with visiting(chromium, themed, PHONE) as visit:
        page = visit.go("/dataset/")
        result, choices = page.locator(".dataset-item").first, page.locator(".marathon-filters")
        assert result.bounding_box()["y"] < choices.bounding_box()["y"]


def test_officers_forms_fit_a_phone(
    chromium: Browser, themed: Site, town: Town, filled: Callable[[str], str]
) -> None:
    with visiting(chromium, themed, PHONE) as visit:
        visit.log_in(town.officer)
        for path in FOR_OFFICERS:
            page = visit.go(filled(path))
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            assert not visit.is_wider_than_its_window(), path
