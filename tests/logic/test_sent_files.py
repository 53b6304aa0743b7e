"""Errors and notices number the files as the client sent them."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests.helpers import call_action

from tests.factories import Idea, MarathonDataset

LINK = "https://example.gt/a.csv"
KEY = "marathon_notices"
DAY = {"url": LINK, "issued": "03/06/2017", "state": "deleted", "hash": "abc"}
pytestmark = pytest.mark.usefixtures("marathon_site")


def numbers(answer: dict[str, Any]) -> set[str]:
    return {notice.split(":")[0].split(",")[0] for notice in answer[KEY]}


def test_all_notices_of_a_file_have_its_number() -> None:
    made = MarathonDataset(resources=[{"url": LINK}] * 3)
    added = call_action("resource_create", package_id=made["id"], **DAY)
    assert (len(added[KEY]), numbers(added)) == (3, {"file 4"})
    second = made["resources"][1]
    changed = call_action("resource_update", **{**DAY, "id": second["id"]})
    assert (len(changed[KEY]), numbers(changed)) == (3, {"file 2"})


@pytest.mark.parametrize("factory", [MarathonDataset, Idea])
def test_empty_files_count_in_the_numbers(factory: Any) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        factory(resources=[{}, {"url": LINK}, {}, {"url": "javascript:x"}])
    assert [sorted(each) for each in caught.value.error_dict["resources"]] == [[], [], [], ["url"]]


def test_empty_files_count_among_unchanged_and_new_files() -> None:
    made = MarathonDataset(resources=[{"url": LINK}, {"url": LINK}])
    stay, change = made["resources"]
    rows = [{}, stay, DAY, {**change, "issued": "2024-02-30"}, {"url": "b.csv"}]
    with pytest.raises(tk.ValidationError) as caught:
        call_action("package_patch", id=made["id"], resources=rows)
    errors = caught.value.error_dict["resources"]
    assert [sorted(each) for each in errors][:4] == [[], [], [], ["issued"]]
    rows[3] = {**change, "issued": "04/06/2017"}
    saved = call_action("package_patch", id=made["id"], resources=rows)
    assert [notice[:6] for notice in saved[KEY]].count("file 3") == len(DAY) - 1
    assert any(each.startswith("file 4, “issued”: “04/06/2017”") for each in saved[KEY])
    assert any(each.startswith("file 5, “url”: “b.csv”") for each in saved[KEY])
    assert any(each.startswith("file 1: ") for each in saved[KEY])
    assert len(saved["resources"]) == len(rows) - 1


def test_the_error_of_a_file_without_address_is_at_its_place() -> None:
    with pytest.raises(tk.ValidationError) as caught:
        MarathonDataset(resources=[{}, {"url": LINK}, {"format": "CSV"}])
    assert [sorted(each) for each in caught.value.error_dict["resources"]] == [[], [], ["url"]]
