"""A page asks the database as often, however much there is to show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model

from tests import factories

from .test_home import PLUGINS, whole_site

__all__ = ["whole_site"]

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("whole_site"),
]

PAGES = [
    "/",
    "/about",
    "/catalog",
    "/commitment/",
    "/dataset/",
    "/department/21",
    "/idea/",
    "/idea/{idea}",
    "/municipality",
    "/municipality/2105",
    "/organization/",
    "/organization/{organization}",
    "/service-problem",
    "/service-problem/AGU",
    "/service-problem/AGU-01",
    "/workshop/",
    "/workshop/{workshop}",
]


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements that are sent to the database."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    assert model.meta.engine is not None
    sa.event.listen(model.meta.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(model.meta.engine, "before_cursor_execute", note)


@pytest.fixture
def names() -> dict[str, str]:
    """A municipality with a workshop, an idea that needs two data, and a dataset for one."""
    organization = factories.Municipality(municipality_code="2105")
    workshop = factories.Workshop(owner_org=organization["id"], service_problem=["AGU-01"])
    needs = [{"what": "Horario"}, {"what": "Cortes"}]
    idea = factories.Idea(workshop=workshop["id"], data_need=needs)
    factories.MarathonDataset(idea=[idea["id"]], data_need=[idea["data_need"][0]["id"]])
    return {
        "organization": organization["name"],
        "workshop": workshop["name"],
        "idea": idea["name"],
    }


def more(names: dict[str, str]) -> None:
    """Add four of each, to the same organisation, workshop and idea and to new ones."""
    for number in range(2):
        factories.Workshop(
            owner_org=names["organization"],
            municipality=["2105", "2101"],
            status="announced",
            starts_at=f"2030-01-0{number + 1}T09:00:00-06:00",
        )
        needs = [{"what": f"Dato {number}"}]
        idea = factories.Idea(workshop=names["workshop"], data_need=needs)
        factories.MarathonDataset(idea=[names["idea"]])
        factories.MarathonDataset(idea=[idea["id"]])
        factories.MarathonDataset(data_need=[])
        factories.Commitment()


def test_pages_ask_as_often_with_more_to_show(app: Any, names: dict[str, str]) -> None:
    paths = [path.format(**names) for path in PAGES]

    def asked() -> dict[str, int]:
        found = {}
        for path in paths:
            # Once before, for what is remembered from page to page.
            assert app.get(path).status_code == 200, path
            with counted() as statements:
                app.get(path)
            found[path] = len(statements)
        return found

    before = asked()
    more(names)
    after = asked()
    assert {path: (before[path], after[path]) for path in paths if after[path] > before[path]} == {}
