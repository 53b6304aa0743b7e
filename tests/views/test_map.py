"""Files of the map, which are cached for long, and its figures, which are current."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.factories import Municipality, Workshop

from .conftest import Reader

pytestmark = [
    pytest.mark.ckan_config(
        "ckan.plugins", "marathon_site marathon scheming_datasets scheming_organizations dcat"
    ),
    pytest.mark.usefixtures("marathon_site"),
]


@pytest.fixture
def about(visitor: Reader) -> dict[str, Any]:
    """The data of the map on the country's page."""
    Workshop(owner_org=Municipality(municipality_code="2105")["id"], municipality=["2105"])
    return json.loads(visitor.page("/marathon").select_one("[data-site-map]")["data-site-map"])


@pytest.mark.parametrize("name", ["script", "style", "boundaries"])
def test_files_are_small_and_cached_for_a_year(
    visitor: Reader, about: dict[str, Any], name: str
) -> None:
    answer = visitor.get(about[name], **{"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < 45_000
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = visitor.get(
        about[name], **{"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304
    assert gzip.decompress(answer.data) == visitor.get(about[name]).data


def test_another_version_is_not_cached_for_a_year(visitor: Reader) -> None:
    answer = visitor.get("/marathon/map/municipalities.json?v=old")
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["leaflet-src.js", "..%2f__init__.py", "x"])
def test_other_file_names_get_404(visitor: Reader, name: str) -> None:
    assert visitor.get(f"/marathon/map/{name}").status_code == 404


def test_figures_are_current(visitor: Reader, about: dict[str, Any]) -> None:
    before = visitor.get(about["figures"])
    assert json.loads(before.data) == {
        "2105": {"workshops": 1, "ideas": 0, "needs": 0, "needs_met": 0, "datasets": 0}
    }
    tag = before.headers["ETag"]
    assert visitor.get(about["figures"], **{"If-None-Match": tag}).status_code == 304
    Workshop(owner_org=Municipality(municipality_code="2101")["id"], municipality=["2101"])
    after = visitor.get(about["figures"], **{"If-None-Match": tag})
    assert set(json.loads(after.data)) == {"2101", "2105"}
