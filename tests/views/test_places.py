"""A visitor finds everything by municipality and by problem."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Idea, MarathonDataset, Workshop

from .conftest import Reader
from .test_pages import hrefs

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
def chain(villa_nueva: dict[str, Any]) -> list[str]:
    """Paths of a workshop, an idea and a dataset of Villa Nueva about irregular water."""
    workshop = Workshop(
        owner_org=villa_nueva["id"], municipality=["0115"], service_problem=["AGU-01"]
    )
    idea = Idea(workshop=workshop["id"])
    dataset = MarathonDataset(idea=[idea["id"]])
    return [f"/{each['type']}/{each['name']}" for each in (workshop, idea, dataset)]


class TestPlaces:
    @pytest.mark.parametrize(
        "path",
        ["/municipality/0115", "/department/01", "/service-problem/AGU-01", "/service-problem/AGU"],
    )
    def test_the_whole_chain_is_listed(self, visitor: Reader, chain: list[str], path: str) -> None:
        links = hrefs(visitor.page(path), ".marathon-part")
        assert [each for each in links if each in chain] == chain

    def test_what_is_not_public_is_not_listed(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"], private=True)
        assert workshop["title"] not in visitor.get("/municipality/0115").text

    def test_an_empty_place_says_what_to_do(self, visitor: Reader, editor: Reader) -> None:
        assert "/workshop/new" not in hrefs(visitor.page("/municipality/2105"), ".marathon-part")
        assert "/workshop/new" in hrefs(editor.page("/municipality/2105"), ".marathon-part")

    def test_the_lists_lead_to_each(self, visitor: Reader, chain: list[str]) -> None:
        assert "/municipality/0115" in hrefs(visitor.page("/municipality"), ".marathon-part")
        assert "/service-problem/AGU-01" in hrefs(
            visitor.page("/service-problem"), ".marathon-tree"
        )

    @pytest.mark.parametrize(
        ("path", "target"),
        [
            ("/municipality/501", "/municipality/0501"),
            ("/municipality/501.0", "/municipality/0501"),
            ("/department/5", "/department/05"),
            ("/service-problem/agu-01", "/service-problem/AGU-01"),
            ("/service-problem/agu-1", "/service-problem/AGU-01"),
        ],
    )
    def test_a_code_as_spreadsheets_write_it_leads_to_the_place(
        self, visitor: Reader, path: str, target: str
    ) -> None:
        answer = visitor.get(path)
        assert answer.status_code == 301
        assert answer.location.endswith(target)
        assert visitor.get(target).status_code == 200

    @pytest.mark.parametrize(
        ("path", "target"),
        [
            ("/municipality/999", "/vocabulary/municipality/999"),
            ("/municipality/9999", "/vocabulary/municipality/9999"),
            ("/department/99", "/vocabulary/department/99"),
            ("/service-problem/nope", "/vocabulary/service-problem/nope"),
        ],
    )
    def test_an_unknown_code_is_not_found(self, visitor: Reader, path: str, target: str) -> None:
        answer = visitor.get(path)
        if answer.status_code == 302:
            assert answer.location.endswith(target)
            answer = visitor.get(target)
        assert answer.status_code == 404
