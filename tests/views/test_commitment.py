"""The page of the commitment: progress, evidence and results of the marathons."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.lib.search.common import is_available

from ckanext.marathon.domain import dates
from ckanext.marathon.views import commitment
from tests import factories
from tests.queries import asked
from tests.remembered import remembered

from .conftest import Reader
from .test_pages import hrefs

pytestmark = pytest.mark.usefixtures("marathon_site")

SITE = "http://test.ckan.net"


def day(number: int) -> str:
    return (dates.get_today() + timedelta(number)).isoformat()


def text(page: BeautifulSoup, selector: str = ".primary") -> str:
    found = page.select_one(selector)
    assert found, selector
    return " ".join(found.get_text(" ").split())


@pytest.fixture
@remembered
def chain() -> dict[str, Any]:
    idea = factories.Idea(title="Agua a tiempo")
    return {"idea": idea, "dataset": factories.MarathonDataset(idea=[idea["id"]])}


@pytest.fixture
@remembered
def pilot(chain: dict[str, Any]) -> dict[str, Any]:
    """A commitment with milestones of each kind."""
    evidence = [
        f"{SITE}/es/idea/{chain['idea']['name']}",
        f"{SITE}/dataset/{chain['dataset']['id']}",
        "https://example.gt/acta.pdf",
    ]
    return factories.Commitment(
        title="Maratones de ideas",
        plan="Tercer Plan",
        number="11",
        axis="Participación ciudadana",
        lead=["INFOM"],
        partner=["ANAM", "Munis Abiertas"],
        notes="Un programa **piloto**",
        milestone=[
            {"title": "Convocar", "due": day(-30), "status": "completed", "evidence": evidence},
            {"title": "Publicar", "due": day(-2), "status": "limited"},
            {"title": "Evaluar", "due": day(20), "status": "not_started"},
            {"title": "=Ampliar"},
        ],
    )


class TestRules:
    def test_only_an_uncompleted_milestone_after_its_due_day_is_overdue(self) -> None:
        late = ("limited", day(-1))
        assert commitment.is_milestone_overdue(*late, dates.get_today())
        assert not commitment.is_milestone_overdue("completed", late[1], dates.get_today())
        assert not commitment.is_milestone_overdue("", day(0), dates.get_today())
        assert not commitment.is_milestone_overdue("", "", dates.get_today())

    def test_milestones_are_counted_by_status_in_order_of_progress(self) -> None:
        given = ("not_started", "completed", "", "limited", "invented", "completed")
        found = commitment.count_milestones_by_status(each or "" for each in given)
        assert list(found.items()) == [
            ("completed", 2),
            ("limited", 1),
            ("not_started", 1),
            ("", 2),
        ]


class TestPage:
    def test_the_page_shows_plan_and_progress(self, visitor: Reader, pilot: dict[str, Any]) -> None:
        page = visitor.page("/marathon/commitment")
        said = text(page)
        for each in ("Tercer Plan", "commitment 11", "Participación ciudadana", "INFOM", "ANAM"):
            assert each in said, each
        assert "Un programa piloto" in said
        progress = text(page, "#progress")
        assert "1 of 4 milestones are completed; 1 is overdue" in progress
        assert "1 status not recorded" in progress
        assert [bool("Overdue" in li.get_text()) for li in page.select("#milestones ol > li")] == [
            False,
            True,
            False,
            False,
        ]

    def test_evidence_of_this_site_is_shown_by_its_title(
        self, visitor: Reader, pilot: dict[str, Any], chain: dict[str, Any]
    ) -> None:
        page = visitor.page("/marathon/commitment")
        said = text(page, "#milestone-1")
        assert "Idea: Agua a tiempo" in said
        assert f"Dataset: {chain['dataset']['title']}" in said
        links = hrefs(page, "#milestone-1")
        assert f"/idea/{chain['idea']['name']}" in links
        assert f"/dataset/{chain['dataset']['name']}" in links
        assert "https://example.gt/acta.pdf" in links
        assert "0 workshops, 1 idea, 1 dataset" in text(page, "#milestones")

    @pytest.mark.parametrize(
        "form",
        ["{site}/idea/{id}.ttl", "https://test.ckan.net/en/idea/{name}?x=1#y", "{site}/idea/{id}/"],
    )
    def test_other_forms_of_an_address_are_recognised_as_evidence(
        self, visitor: Reader, chain: dict[str, Any], form: str
    ) -> None:
        address = form.format(site=SITE, id=chain["idea"]["id"], name=chain["idea"]["name"])
        factories.Commitment(milestone=[{"title": "x", "evidence": [address]}])
        assert "Agua a tiempo" in text(visitor.page("/marathon/commitment"), "#milestone-1")

    def test_non_public_evidence_is_not_named(self, visitor: Reader) -> None:
        hidden = factories.Idea(title="Secreta", name="otra-cosa", private=True)
        evidence = [f"{SITE}/idea/{hidden['id']}", "https://example.gt/idea/x"]
        factories.Commitment(milestone=[{"title": "x", "evidence": evidence}])
        page = visitor.page("/marathon/commitment")
        assert "Secreta" not in page.get_text()
        assert evidence[0] in text(page, "#milestone-1")

    def test_the_page_counts_the_results_of_the_marathons(
        self, visitor: Reader, pilot: dict[str, Any]
    ) -> None:
        said = text(visitor.page("/marathon/commitment"), "#so-far")
        assert "1 workshop 1 idea" in said
        assert "1 dataset" in said

    def test_the_page_is_translated(self, visitor: Reader, pilot: dict[str, Any]) -> None:
        assert "completo" in text(visitor.page("/es/marathon/commitment"), "#milestone-1")

    def test_without_a_commitment_coordinators_can_add_one(
        self, visitor: Reader, coordinator: Reader
    ) -> None:
        factories.Commitment(private=True)
        page = visitor.page("/marathon/commitment")
        assert "not on the site yet" in text(page)
        assert "/commitment/new" not in hrefs(page, ".primary")
        assert "/commitment/new" in hrefs(coordinator.page("/marathon/commitment"), ".primary")

    def test_without_milestones_the_page_shows_a_sentence(
        self, visitor: Reader, coordinator: Reader
    ) -> None:
        found = factories.Commitment()
        assert "No milestone is recorded yet" in text(visitor.page("/marathon/commitment"))
        edit = f"/commitment/edit/{found['name']}#at-milestone"
        assert edit in hrefs(coordinator.page("/marathon/commitment"), "#progress")

    def test_one_of_several_commitments_can_be_chosen(
        self, visitor: Reader, pilot: dict[str, Any]
    ) -> None:
        other = factories.Commitment(title="Otro compromiso")
        page = visitor.page("/marathon/commitment")
        chosen = f"/marathon/commitment?commitment={pilot['name']}"
        assert chosen in hrefs(page, ".primary")
        assert "Otro compromiso" in text(page)
        one = visitor.page(chosen)
        assert "Convocar" in text(one)
        assert "Otro compromiso" not in text(one)
        assert f"/marathon/commitment.csv?commitment={pilot['name']}" in hrefs(one, ".primary")
        assert visitor.get(f"/marathon/commitment?commitment={other['id']}").status_code == 200

    @pytest.mark.parametrize("suffix", ["", ".csv"])
    def test_an_unknown_or_private_commitment_is_404(self, visitor: Reader, suffix: str) -> None:
        hidden = factories.Commitment(private=True)
        for name in (hidden["name"], "none", "%3Cscript%3E"):
            answer = visitor.get(f"/marathon/commitment{suffix}?commitment={name}")
            assert answer.status_code == 404

    def test_both_pages_of_a_commitment_link_to_each_other(
        self, visitor: Reader, pilot: dict[str, Any]
    ) -> None:
        own = f"/commitment/{pilot['name']}"
        assert own in hrefs(visitor.page("/marathon/commitment"), ".primary")
        assert f"/marathon/commitment?commitment={pilot['name']}" in hrefs(
            visitor.page(own), ".marathon-chain"
        )

    def test_the_page_works_without_solr_and_escapes_texts(
        self, visitor: Reader, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        evil = "<script>alert(1)</script>"
        factories.Commitment(
            title=evil, plan=evil, axis=evil, lead=[evil], notes=evil, milestone=[{"title": evil}]
        )
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/none")
        assert not is_available()
        answer = visitor.get("/marathon/commitment")
        assert answer.status_code == 200
        assert evil not in answer.text

    def test_the_number_of_queries_does_not_grow_with_content(self, visitor: Reader) -> None:
        def questions(ideas: int) -> int:
            evidence = [f"{SITE}/idea/{factories.Idea()['id']}" for _ in range(ideas)]
            found = factories.Commitment(
                milestone=[{"title": "x", "evidence": [each]} for each in evidence]
            )
            path = f"/marathon/commitment?commitment={found['name']}"
            visitor.page(path)
            with asked() as queries:
                visitor.page(path)
            return len(queries)

        assert questions(1) == questions(5) < 25


class TestTable:
    def rows(self, reader: Reader, query: str = "") -> list[dict[str, str]]:
        answer = reader.get(f"/marathon/commitment.csv{query}")
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))

    def test_the_table_has_a_row_for_each_milestone(
        self, visitor: Reader, pilot: dict[str, Any]
    ) -> None:
        found = self.rows(visitor)
        assert [each["milestone"] for each in found] == ["1", "2", "3", "4"]
        assert found[1]["due"] == day(-2)
        assert (found[1]["status"], found[1]["overdue"]) == ("limited", "yes")
        assert found[0]["evidence"].split(" | ")[2] == "https://example.gt/acta.pdf"
        assert found[3]["title"] == "'=Ampliar"

    def test_the_csv_has_all_commitments_or_the_requested_one(
        self, visitor: Reader, pilot: dict[str, Any]
    ) -> None:
        other = factories.Commitment(milestone=[{"title": "x"}])
        factories.Commitment(private=True, milestone=[{"title": "hidden"}])
        assert len(self.rows(visitor)) == 5
        assert [r["title"] for r in self.rows(visitor, f"?commitment={other['name']}")] == ["x"]
