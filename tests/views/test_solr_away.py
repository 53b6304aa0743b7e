"""Without Solr, pages of records open, and searches answer 503 with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Idea, MarathonDataset, Workshop

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
def chain(villa_nueva: dict[str, Any], editor: Reader) -> dict[str, dict[str, Any]]:
    """A public chain of Villa Nueva. The users are made before Solr is stopped."""
    workshop = Workshop(
        owner_org=villa_nueva["id"], municipality=["0115"], service_problem=["AGU-01"]
    )
    idea = Idea(workshop=workshop["id"])
    return {"workshop": workshop, "idea": idea, "dataset": MarathonDataset(idea=[idea["id"]])}


@pytest.fixture
def no_solr(
    chain: dict[str, Any], ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> dict[str, dict[str, Any]]:
    monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")
    return chain


class TestPagesOfRecords:
    def test_pages_of_records_show_their_links(
        self, visitor: Reader, editor: Reader, no_solr: dict[str, dict[str, Any]]
    ) -> None:
        for reader in (visitor, editor):
            for kind, thing in no_solr.items():
                page = reader.get(f"/{kind}/{thing['name']}")
                assert page.status_code == 200, kind
                assert reader.get(f"/{kind}/{thing['name']}/poster").status_code == 200, kind
                assert reader.get(f"/{kind[0]}/{thing['id'][:8]}").status_code == 302, kind
            idea = reader.get(f"/idea/{no_solr['idea']['name']}").text
            assert no_solr["dataset"]["title"] in idea
            assert no_solr["workshop"]["title"] in idea

    def test_private_records_are_not_named(
        self, visitor: Reader, chain: dict[str, Any], request: Any
    ) -> None:
        hidden = MarathonDataset(idea=[chain["idea"]["id"]], private=True)
        request.getfixturevalue("no_solr")
        assert hidden["title"] not in visitor.get(f"/idea/{chain['idea']['name']}").text


class TestPlaces:
    @pytest.mark.parametrize(
        "path",
        ["/municipality/0115", "/department/01", "/service-problem/AGU-01", "/service-problem/AGU"],
    )
    def test_pages_of_places_mention_the_outage(
        self, visitor: Reader, no_solr: Any, path: str
    ) -> None:
        page = visitor.page(path)
        assert "Search is away for the moment" in page.get_text()
        assert "No dataset on the site" not in page.get_text()

    def test_the_municipalities_that_take_part_are_listed_with_their_numbers(
        self, visitor: Reader, no_solr: Any
    ) -> None:
        part = visitor.page("/municipality").select_one(".marathon-part")
        assert part is not None
        assert "Villa Nueva (3)" in part.get_text(" ", strip=True)
        assert visitor.get("/service-problem").status_code == 200


class TestSearchPages:
    @pytest.mark.parametrize(
        "path",
        ["/dataset/", "/idea/?q=agua", "/organization/villa-nueva", "/organization/", "/group/"],
    )
    def test_search_pages_get_503_with_the_layout_of_the_site(
        self, visitor: Reader, no_solr: Any, path: str
    ) -> None:
        answer = visitor.get(path)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "60"
        assert "Search does not answer" in answer.text
        assert 'href="/dataset/"' in answer.text
        assert "El buscador no responde" in visitor.get(f"/es{path}").text

    def test_a_malformed_query_gets_400(self, visitor: Reader, chain: Any) -> None:
        answer = visitor.get('/feeds/custom.atom?q="')
        assert answer.status_code == 400
        assert "cannot be understood" in answer.text

    def test_an_unknown_dataset_still_gets_404(self, visitor: Reader, no_solr: Any) -> None:
        assert visitor.get("/dataset/nope").status_code == 404
