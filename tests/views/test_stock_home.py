"""The plugin ``marathon`` alone leaves CKAN's home page and look as they are."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.usefixtures("marathon_site")
def test_home_page_header_and_look_are_ckans(visitor: Any) -> None:
    home = visitor.page("/")
    assert home.select_one(".homepage .module-promotion")
    assert home.select_one("header .site-search")
    assert not home.select("[class*=site-hero], .site-foot, .site-languages")
    assert not [each for each in home.select("link[href]") if "marathon_site" in each["href"]]
