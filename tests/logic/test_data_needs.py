"""The filter for ideas with unmet data needs follows every change of the datasets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ckan.cli.cli import ckan
from ckan.lib import jobs
from ckan.tests import factories
from ckan.tests.helpers import call_action

from tests.factories import Idea, MarathonDataset
from tests.remembered import remembered

pytestmark = pytest.mark.usefixtures("marathon_site")


def find_ideas(value: str) -> set[str]:
    """Return the ids of the ideas under a value of the filter, after the background jobs."""
    jobs.Worker().work(burst=True)
    query = {"fq": f'dataset_type:idea +vocab_data_needs:"{value}"', "include_private": True}
    return {each["id"] for each in call_action("package_search", **query)["results"]}


def needs_of(idea: dict[str, Any]) -> list[str]:
    return [need["id"] for need in idea["data_need"]]


@pytest.fixture
@remembered
def idea() -> dict[str, Any]:
    """An idea that needs two kinds of data, the first of which is there."""
    idea = Idea(data_need=[{"what": "Caudal de los pozos"}, {"what": "Rutas del tren de aseo"}])
    MarathonDataset(idea=[idea["id"]], data_need=needs_of(idea)[:1])
    return idea


@pytest.fixture
def last(idea: dict[str, Any]) -> dict[str, Any]:
    """The dataset that meets the second need."""
    return MarathonDataset(idea=[idea["id"]], data_need=needs_of(idea)[1:])


class TestFilterByDataNeeds:
    def test_an_idea_is_unmet_until_public_datasets_meet_every_need(
        self, idea: dict[str, Any]
    ) -> None:
        assert find_ideas("unmet") == {idea["id"]}
        hidden = MarathonDataset(idea=[idea["id"]], data_need=needs_of(idea), private=True)
        assert (find_ideas("unmet"), find_ideas("met")) == ({idea["id"]}, set())
        call_action("package_patch", id=hidden["id"], private=False)
        assert (find_ideas("unmet"), find_ideas("met")) == (set(), {idea["id"]})

    def test_an_idea_without_needs_is_neither_met_nor_unmet(self) -> None:
        Idea()
        assert find_ideas("unmet") == find_ideas("met") == set()

    def test_a_discarded_idea_is_neither_met_nor_unmet(self, idea: dict[str, Any]) -> None:
        call_action("package_patch", id=idea["id"], status="discarded")
        assert find_ideas("unmet") == find_ideas("met") == set()

    def test_an_idea_with_a_new_need_is_unmet_again(
        self, idea: dict[str, Any], last: dict[str, Any]
    ) -> None:
        assert find_ideas("met") == {idea["id"]}
        more = [*idea["data_need"], {"what": "Horarios de agua"}]
        call_action("package_patch", id=idea["id"], data_need=more)
        assert (find_ideas("unmet"), find_ideas("met")) == ({idea["id"]}, set())


def hide(dataset: dict[str, Any], _cli: Any) -> None:
    call_action("package_patch", id=dataset["id"], private=True)


def hide_many(dataset: dict[str, Any], _cli: Any) -> None:
    call_action("bulk_update_private", datasets=[dataset["id"]], org_id=dataset["owner_org"])


def edit(dataset: dict[str, Any], _cli: Any) -> None:
    call_action("package_patch", id=dataset["id"], data_need=[])


def delete(dataset: dict[str, Any], _cli: Any) -> None:
    call_action("package_delete", id=dataset["id"])


def delete_on_the_command_line(dataset: dict[str, Any], cli: Any) -> None:
    result = cli.invoke(ckan, ["dataset", "delete", dataset["id"]])
    assert not result.exit_code, result.output


def purge(dataset: dict[str, Any], _cli: Any) -> None:
    call_action("dataset_purge", id=dataset["id"])


def take_down(dataset: dict[str, Any], _cli: Any) -> None:
    context = {"user": factories.Sysadmin()["name"], "ignore_auth": False}
    call_action("marathon_takedown", context, id=dataset["id"], reason="Así lo dijo un juez")


WAYS = [hide, hide_many, edit, delete, delete_on_the_command_line, purge, take_down]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_idea_is_unmet_again_when_its_dataset_is_withdrawn(
    idea: dict[str, Any], last: dict[str, Any], cli: Any, way: Callable[..., None]
) -> None:
    assert find_ideas("met") == {idea["id"]}
    way(last, cli)
    assert (find_ideas("unmet"), find_ideas("met")) == ({idea["id"]}, set())


def test_an_idea_is_met_again_when_its_dataset_is_restored(
    idea: dict[str, Any], last: dict[str, Any]
) -> None:
    call_action("package_delete", id=last["id"])
    assert find_ideas("unmet") == {idea["id"]}
    call_action("package_patch", id=last["id"], state="active")
    assert find_ideas("met") == {idea["id"]}


def test_an_edit_that_meets_no_further_need_queues_no_job(
    idea: dict[str, Any], last: dict[str, Any]
) -> None:
    jobs.Worker().work(burst=True)
    call_action("package_patch", id=last["id"], title="Otro título")
    assert jobs.get_queue().count == 0
