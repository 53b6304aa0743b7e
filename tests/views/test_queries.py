"""A page asks the database as often, however much there is to show."""

from __future__ import annotations

from typing import Any

import pytest

from tests import factories
from tests.queries import asked

from .test_home import PLUGINS, whole_site

__all__ = ["whole_site"]

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("whole_site"),
]

PAGES = [
    "/",
    "/about",
    "/agenda",
    "/agenda.ics",
    "/catalog",
    "/commitment/",
    "/dataset/",
    "/dataset/{dataset}",
    "/department/21",
    "/idea/",
    "/idea/{idea}",
    "/idea/{idea}/poster",
    "/marathon",
    "/marathon/commitment",
    "/marathon/data",
    "/marathon/data/links.csv",
    "/marathon/map.json",
    "/marathon/news.atom",
    "/marathon/report",
    "/marathon/search?q=agua",
    "/municipality",
    "/municipality/2105",
    "/municipality/2105/report",
    "/organization/{organization}",
    "/service-problem",
    "/service-problem/AGU",
    "/service-problem/AGU-01",
    "/workshop/",
    "/workshop/{workshop}",
]


@pytest.fixture
def names() -> dict[str, str]:
    """A municipality with a workshop, an idea that needs two data, and a dataset for one."""
    organization = factories.Municipality(municipality_code="2105")
    day = "2017-05-27T09:00:00-06:00"
    workshop = factories.Workshop(
        owner_org=organization["id"], service_problem=["AGU-01"], starts_at=day
    )
    to_come = {"status": "announced", "starts_at": "2099-05-27T09:00:00-06:00"}
    factories.Workshop(owner_org=organization["id"], **to_come)
    factories.Workshop(owner_org=organization["id"])
    needs = [{"what": "Horario"}, {"what": "Cortes"}]
    idea = factories.Idea(workshop=workshop["id"], data_need=needs)
    dataset = factories.MarathonDataset(idea=[idea["id"]], data_need=[idea["data_need"][0]["id"]])
    factories.Commitment()
    return {
        "organization": organization["name"],
        "workshop": workshop["name"],
        "idea": idea["name"],
        "dataset": dataset["name"],
    }


def more(names: dict[str, str]) -> None:
    """Add four of each, to the same organisation, workshop and idea and to new ones."""
    for number in range(2):
        factories.Workshop(
            owner_org=names["organization"],
            municipality=["2105", "2101"],
            status="announced",
            starts_at=f"2099-01-0{number + 1}T09:00:00-06:00",
        )
        needs = [{"what": f"Dato {number}"}]
        idea = factories.Idea(workshop=names["workshop"], data_need=needs)
        factories.MarathonDataset(idea=[names["idea"]])
        factories.MarathonDataset(idea=[idea["id"]])
        factories.MarathonDataset(data_need=[])


def test_the_number_of_queries_of_pages_does_not_grow_with_content(
    app: Any, names: dict[str, str]
) -> None:
    paths = [path.format(**names) for path in PAGES]

    def counts() -> dict[str, int]:
        found = {}
        for path in paths:
            # A first request fills the caches.
            assert app.get(path).status_code == 200, path
            with asked() as statements:
                app.get(path)
            found[path] = len(statements)
        return found

    before = counts()
    more(names)
    after = counts()
    assert {path: (before[path], after[path]) for path in paths if after[path] > before[path]} == {}
