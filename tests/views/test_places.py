"""A visitor finds everything by municipality and by problem."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Idea, MarathonDataset, Workshop
from tests.queries import asked
from tests.remembered import remembered

from .conftest import Reader
from .test_pages import hrefs

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
@remembered
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

    def test_private_records_are_not_listed(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"], private=True)
        assert workshop["title"] not in visitor.get("/municipality/0115").text

    def test_an_empty_place_offers_adding_a_workshop_to_editors(
        self, visitor: Reader, editor: Reader
    ) -> None:
        assert "/workshop/new" not in hrefs(visitor.page("/municipality/2105"), ".marathon-part")
        assert "/workshop/new" in hrefs(editor.page("/municipality/2105"), ".marathon-part")

    def test_the_lists_link_to_a_municipality_and_a_problem(
        self, visitor: Reader, chain: list[str]
    ) -> None:
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
    def test_other_spellings_of_a_code_redirect(
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
    def test_an_unknown_code_gets_404(self, visitor: Reader, path: str, target: str) -> None:
        answer = visitor.get(path)
        if answer.status_code == 302:
            assert answer.location.endswith(target)
            answer = visitor.get(target)
        assert answer.status_code == 404


def needing(organization: dict[str, Any], code: str, *whats: str) -> dict[str, Any]:
    """Return an idea of a municipality that needs data."""
    workshop = Workshop(owner_org=organization["id"], municipality=[code])
    needs = [{"what": what} for what in whats]
    return Idea(workshop=workshop["id"], service_problem=["AGU-01"], data_need=needs)


KINDS = ["/municipality/0115", "/department/01", "/service-problem/AGU-01", "/service-problem/AGU"]


class TestFigures:
    @pytest.mark.parametrize("path", KINDS)
    def test_each_page_counts_data_needs_and_met_ones(
        self, visitor: Reader, villa_nueva: dict[str, Any], path: str
    ) -> None:
        idea = needing(villa_nueva, "0115", "Fugas", "Horarios")
        MarathonDataset(idea=[idea["id"]], data_need=[idea["data_need"][0]["id"]])
        page = visitor.page(path)
        counts = [" ".join(a.text.split()) for a in page.select(".marathon-counts a")]
        assert counts[:3] == [
            "1 workshop" if "problem" not in path else "0 workshops", "1 idea", "1 dataset",
        ]  # fmt: skip
        assert counts[3].startswith("1 of 2")
        missing = page.select_one("#missing")
        assert "Horarios" in missing.text
        assert "Fugas" not in missing.text
        assert f"/idea/{idea['name']}#data-needs" in hrefs(page, "#missing")

    def test_missing_data_of_other_places_are_not_listed(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        needing(villa_nueva, "0115", "Fugas")
        for path in ("/municipality/0114", "/department/05", "/service-problem/SAL"):
            assert "Fugas" not in visitor.get(path).text

    def test_the_page_links_to_all_ideas_without_data(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        needing(villa_nueva, "0115", "Fugas")
        links = hrefs(visitor.page("/municipality/0115"), "#missing")
        assert "/idea/?vocab_municipality=0115&vocab_data_needs=unmet" in links

    def test_a_department_compares_its_municipalities_and_gives_them_as_csv(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        needing(villa_nueva, "0115", "Fugas")
        page = visitor.page("/department/01?sort=ideas")
        rows = [
            [cell.text.strip() for cell in row.select("th, td")]
            for row in page.select("#comparison tbody tr")
        ]
        assert len(rows) == 17
        assert rows[0] == ["Villa Nueva", "1", "1", "1", "0", "0"]
        assert page.select_one("#comparison th[aria-sort=descending]").text.strip() == "Ideas"
        answer = visitor.get("/department/01/figures.csv")
        assert answer.mimetype == "text/csv"
        lines = answer.text.lstrip("\ufeff").splitlines()
        assert lines[0] == "code,name,workshops,ideas,data_needs,data_needs_met,datasets"
        assert "0115,Villa Nueva,1,1,1,0,0" in lines

    def test_an_area_compares_its_problems_and_a_problem_compares_nothing(
        self, visitor: Reader, chain: list[str]
    ) -> None:
        page = visitor.page("/service-problem/AGU")
        assert "/service-problem/AGU-01" in hrefs(page, "#comparison")
        assert "AGU-01," in visitor.get("/service-problem/AGU/figures.csv").text
        assert not visitor.page("/service-problem/AGU-01").select("#comparison")
        assert "AGU-01," in visitor.get("/service-problem/AGU-01/figures.csv").text

    @pytest.mark.parametrize("path", ["/department/99", "/service-problem/nope"])
    def test_figures_of_an_unknown_place_get_404(self, visitor: Reader, path: str) -> None:
        assert visitor.get(f"{path}/figures.csv").status_code == 404

    @pytest.mark.parametrize("path", [*KINDS, "/municipality", "/service-problem"])
    def test_pages_work_without_solr(
        self,
        visitor: Reader,
        villa_nueva: dict[str, Any],
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
        path: str,
    ) -> None:
        needing(villa_nueva, "0115", "Fugas")
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/none")
        page = visitor.page(path)
        if path in KINDS:
            assert "Fugas" in page.select_one("#missing").text
            assert page.select_one("[role=status]")

    @pytest.mark.parametrize("path", KINDS)
    def test_the_number_of_queries_does_not_grow_with_content(
        self, visitor: Reader, villa_nueva: dict[str, Any], path: str
    ) -> None:
        counts = []
        for _ in range(2):
            needing(villa_nueva, "0115", *(f"Dato {number}" for number in range(4)))
            visitor.page(path)
            with asked() as queries:
                visitor.page(path)
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestForms:
    @pytest.mark.parametrize("path", KINDS)
    @pytest.mark.parametrize(
        ("accept", "extension"),
        [("text/turtle", "ttl"), ("application/ld+json", "jsonld"), ("application/json", "jsonld")],
    )
    def test_clients_that_prefer_rdf_are_redirected(
        self, visitor: Reader, path: str, accept: str, extension: str
    ) -> None:
        answer = visitor.get(path, Accept=accept)
        assert answer.status_code == 303
        assert answer.location.endswith(f"/vocabulary{path}.{extension}")
        assert "Accept" in answer.headers["Vary"]
        assert visitor.get(f"/vocabulary{path}.{extension}").status_code == 200

    def test_clients_that_prefer_geojson_are_redirected_to_the_boundary(
        self, visitor: Reader
    ) -> None:
        answer = visitor.get("/municipality/0115", Accept="application/geo+json")
        assert answer.location.endswith("/vocabulary/municipality/0115.geojson")

    @pytest.mark.parametrize("path", KINDS)
    def test_the_head_has_a_card_and_the_feeds(self, visitor: Reader, path: str) -> None:
        answer = visitor.get(path, Accept="text/html")
        assert "Accept" in answer.headers["Vary"]
        page = visitor.page(path)
        card = {each["property"]: each["content"] for each in page.select("meta[property]")}
        assert card["og:url"] == f"http://test.ckan.net{path}"
        assert card["og:title"] in page.title.text
        assert page.select_one("meta[name=description]")["content"] == card["og:description"]
        others = {
            (each["type"], each["href"].removeprefix("http://test.ckan.net"))
            for each in page.select("link[rel=alternate]")
        }
        assert ("application/atom+xml", f"{path}/catalog/changes.atom") in others
        assert ("application/atom+xml", f"{path}/news.atom") in others
        assert ("text/turtle", f"/vocabulary{path}.ttl") in others

    @pytest.mark.parametrize("path", KINDS)
    def test_the_offered_feeds_exist(self, visitor: Reader, path: str) -> None:
        MarathonDataset()
        links = hrefs(visitor.page(path), "#follow")
        feeds = [href.removeprefix("http://test.ckan.net") for href in links if "login" not in href]
        assert feeds == [f"{path}/news.atom"]
        answer = visitor.get(feeds[0])
        assert answer.status_code == 200
        assert answer.content_type.startswith("application/atom+xml")
