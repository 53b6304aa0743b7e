"""Pages of records show the linked records that the person may see."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.tests.helpers import call_action

from ckanext.marathon.helpers import chain
from tests.factories import Commitment, Idea, MarathonDataset, NationalBody, Workshop
from tests.remembered import remembered

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")


def texts(page: BeautifulSoup, selector: str) -> str:
    return " ".join(" ".join(each.stripped_strings) for each in page.select(selector))


def hrefs(page: BeautifulSoup, selector: str) -> list[str]:
    return [str(link["href"]) for link in page.select(f"{selector} a[href]")]


@pytest.fixture
@remembered
def workshop(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    return Workshop(
        owner_org=villa_nueva["id"],
        municipality=["0115"],
        title="Marathon of May",
        starts_at="2017-05-27T09:00",
        rsvp_by="2017-05-20",
        participants=64,
        participants_youth=3,
        invitation=[
            {"organisation": "COCODE", "answer": "accepted"},
            {"organisation": "Women's table"},
        ],
    )


@pytest.fixture
@remembered
def idea(workshop: dict[str, Any]) -> dict[str, Any]:
    needs = [{"what": "Hours of service"}, {"what": "Reported leaks"}]
    return Idea(workshop=workshop["id"], title="Map of leaks", data_need=needs)


@pytest.fixture
@remembered
def dataset(idea: dict[str, Any]) -> dict[str, Any]:
    return MarathonDataset(
        idea=[idea["id"]], data_need=[idea["data_need"][0]["id"]], title="Hours of water"
    )


class TestDatasetPage:
    def test_the_page_begins_with_links_to_idea_and_workshop(
        self, visitor: Reader, dataset: dict[str, Any], idea: dict[str, Any], workshop: Any
    ) -> None:
        page = visitor.page(f"/dataset/{dataset['name']}")
        links = hrefs(page, ".marathon-chain")
        assert links == [f"/idea/{idea['name']}", f"/workshop/{workshop['name']}"]
        assert "Hours of service" in texts(page, ".marathon-chain")

    def test_municipality_and_problem_link_to_their_pages(
        self, visitor: Reader, dataset: dict[str, Any]
    ) -> None:
        links = hrefs(visitor.page(f"/dataset/{dataset['name']}"), ".marathon-tags")
        assert links == ["/municipality/0115", "/service-problem/AGU-01"]

    def test_a_private_idea_is_not_named(
        self, visitor: Reader, editor: Reader, dataset: dict[str, Any], idea: dict[str, Any]
    ) -> None:
        call_action("package_patch", id=idea["id"], private=True)
        assert "Map of leaks" not in visitor.get(f"/dataset/{dataset['name']}").text
        assert "Map of leaks" in texts(
            editor.page(f"/dataset/{dataset['name']}"), ".marathon-chain"
        )

    @pytest.mark.parametrize(
        ("licence", "doubtful"), [("cc-by", False), ("notspecified", True), ("cc-nc", True)]
    )
    def test_a_licence_that_is_not_open_has_a_note(
        self, visitor: Reader, licence: str, doubtful: bool
    ) -> None:
        dataset = MarathonDataset(license_id=licence)
        page = visitor.page(f"/dataset/{dataset['name']}")
        assert bool(page.select(".marathon-note")) is doubtful

    def test_reference_data_without_an_idea_have_no_chain(self, visitor: Reader) -> None:
        owner = NationalBody()["id"]
        dataset = MarathonDataset(owner_org=owner, idea=[], service_problem=["AGU"], notes="Codes")
        page = visitor.page(f"/dataset/{dataset['name']}")
        assert hrefs(page, ".marathon-chain") == []

    def test_an_example_is_marked(self, visitor: Reader) -> None:
        dataset = MarathonDataset(example=True)
        assert "Example" in texts(visitor.page(f"/dataset/{dataset['name']}"), ".marathon-note")

    def test_an_example_is_marked_where_it_is_listed_too(self, visitor: Reader) -> None:
        workshop = Workshop(example=True)
        idea = Idea(workshop=workshop["id"], example=True)
        MarathonDataset(idea=[idea["id"]], example=True)
        page = visitor.page(f"/workshop/{workshop['name']}")
        for part in ("#ideas", "#datasets"):
            assert texts(page, f"{part} .marathon-example") == "Example"
        datasets = visitor.page(f"/idea/{idea['name']}")
        assert texts(datasets, ".marathon-list .marathon-example") == "Example"


class TestIdeaPage:
    def test_needs_are_shown_met_or_missing(
        self, visitor: Reader, dataset: dict[str, Any], idea: dict[str, Any]
    ) -> None:
        page = visitor.page(f"/idea/{idea['name']}")
        met, missing = page.select("#data-needs tbody tr")
        links = hrefs(BeautifulSoup(str(met), "html.parser"), "tr")
        assert links == [f"/dataset/{dataset['name']}"]
        assert "Published" in met.text
        assert "Still missing" in missing.text
        tally = texts(page, "#data-needs .marathon-tally")
        assert "1 of 2 datasets asked for" in tally
        assert "Still missing: Reported leaks" in tally

    def test_a_missing_data_need_links_to_publishing_for_officers(
        self, editor: Reader, idea: dict[str, Any]
    ) -> None:
        need = idea["data_need"][1]["id"]
        links = hrefs(editor.page(f"/idea/{idea['name']}"), "#data-needs")
        assert any(idea["id"] in link and need in link for link in links)

    def test_the_history_names_the_organisation_and_not_the_person(
        self, editor: Reader, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        path = f"/idea/{idea['name']}"
        sent = {"status": "prioritised", "reason": "The most voted one"}
        answer = editor.post(f"/idea/{idea['id']}/status", sent)
        assert answer.status_code == 302
        history = texts(visitor.page(path), "#history")
        assert "Villa Nueva" in history
        assert "The most voted one" in history
        assert editor.name not in history
        assert editor.name in texts(editor.page(path), "#history")

    def test_only_allowed_steps_are_offered_and_only_to_editors(
        self, editor: Reader, visitor: Reader, coordinator: Reader, idea: dict[str, Any]
    ) -> None:
        path = f"/idea/{idea['name']}"
        for person in (editor, coordinator):
            offered = person.page(path).select('#history [name="status"]')
            assert [each["value"] for each in offered] == ["prioritised", "discarded"]
        assert not visitor.page(path).select('#history [name="status"]')

    def test_an_illegal_step_does_not_change_the_status(
        self, editor: Reader, idea: dict[str, Any]
    ) -> None:
        editor.post(f"/idea/{idea['id']}/status", {"status": "implemented"})
        assert call_action("package_show", id=idea["id"])["status"] == "proposed"

    def test_an_anonymous_visitor_cannot_change_a_status(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        answer = visitor.post(f"/idea/{idea['id']}/status", {"status": "prioritised"})
        assert answer.status_code == 403

    def test_the_status_of_an_unknown_idea_gets_404(self, editor: Reader) -> None:
        assert editor.post("/idea/nope/status", {"status": "prioritised"}).status_code == 404


class TestWorkshopPage:
    def test_the_page_of_a_workshop_has_time_place_and_results(
        self, visitor: Reader, workshop: dict[str, Any], dataset: dict[str, Any], idea: Any
    ) -> None:
        page = visitor.page(f"/workshop/{workshop['name']}")
        assert "May 27, 2017" in texts(page, ".marathon-chain")
        assert hrefs(page, "#ideas") == [f"/idea/{idea['name']}"]
        assert "proposed" in texts(page, "#ideas")
        assert "1 of 2 datasets asked for are there" in texts(page, "#ideas")
        assert hrefs(page, "#datasets") == [f"/dataset/{dataset['name']}"]

    def test_small_groups_are_masked_for_outsiders_only(
        self, visitor: Reader, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        path = f"/workshop/{workshop['name']}"
        outside = texts(visitor.page(path), "#participants")
        assert "64" in outside
        assert "not shown" in outside
        assert "3" in texts(editor.page(path), "#participants dd").split()

    def test_only_editors_see_unanswered_invitations(
        self, visitor: Reader, editor: Reader, workshop: dict[str, Any]
    ) -> None:
        path = f"/workshop/{workshop['name']}"
        assert "Women's table" in texts(editor.page(path), "#invitations .marathon-note")
        assert not visitor.page(path).select("#invitations .marathon-note")

    def test_the_rdf_link_is_that_of_the_workshop(
        self, visitor: Reader, workshop: dict[str, Any]
    ) -> None:
        page = visitor.page(f"/workshop/{workshop['name']}")
        (link,) = page.select('link[rel="alternate"][type="text/turtle"]')
        assert str(link["href"]).endswith(f"/workshop/{workshop['id']}.ttl")


class TestOtherPages:
    def test_a_commitment_shows_its_plan_and_milestones(self, visitor: Reader) -> None:
        commitment = Commitment(
            axis="Participation", milestone=[{"title": "First meeting", "status": "completed"}]
        )
        page = visitor.page(f"/commitment/{commitment['name']}")
        assert "Third Open Government" in texts(page, ".marathon-chain")
        assert "First meeting" in texts(page, "#milestones")

    def test_a_long_list_shows_the_first_and_leads_to_a_search_for_all(
        self, visitor: Reader, workshop: Any, idea: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chain, "MOST_ON_A_PAGE", 2)
        names = [
            MarathonDataset(title=title, idea=[idea["id"]])["name"] for title in ("C", "A", "B")
        ]
        for path in (f"/workshop/{workshop['name']}", f"/idea/{idea['name']}"):
            page = visitor.page(path)
            first = hrefs(page, "#datasets .marathon-list")
            assert first == [f"/dataset/{names[1]}", f"/dataset/{names[2]}"]
            (search,) = page.select("#datasets > p > a")
            assert search.text == "See all 3"
            assert len(visitor.page(str(search["href"])).select(".dataset-item")) == 3

    def test_lists_have_and_count_only_visible_records(
        self, visitor: Reader, editor: Reader, idea: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chain, "MOST_ON_A_PAGE", 1)
        owner, path = idea["owner_org"], f"/idea/{idea['name']}"
        MarathonDataset(title="A", idea=[idea["id"]], owner_org=owner, private=True)
        public = MarathonDataset(title="B", idea=[idea["id"]], owner_org=owner)
        page = visitor.page(path)
        assert hrefs(page, "#datasets .marathon-list") == [f"/dataset/{public['name']}"]
        assert not page.select("#datasets > p > a")
        assert texts(editor.page(path), "#datasets > p > a") == "See all 2"

    def test_an_organisation_shows_municipality_workshops_ideas_and_datasets(
        self, visitor: Reader, villa_nueva: Any, workshop: Any, idea: Any, dataset: Any
    ) -> None:
        links = hrefs(visitor.page("/organization/villa-nueva"), "#content")
        for path in (
            "/municipality/0115",
            f"/workshop/{workshop['name']}",
            f"/idea/{idea['name']}",
            f"/dataset/{dataset['name']}",
        ):
            assert path in links

    def test_workshops_are_listed_as_in_the_agenda(
        self, visitor: Reader, editor: Reader, villa_nueva: Any
    ) -> None:
        common = {"owner_org": villa_nueva["id"], "municipality": ["0115"]}
        common |= {"service_problem": ["AGU-01"]}
        coming = {"status": "announced", **common}
        # The order in which they are added is another one.
        later = Workshop(starts_at="2099-05-02T09:00", **coming)
        old = Workshop(starts_at="2016-10-17", **common)
        hidden = Workshop(starts_at="2099-04-30", private=True, **coming)
        undated = Workshop(**coming)
        # In Guatemala it is still the first of May.
        first = Workshop(starts_at="2099-05-02T02:00:00Z", **coming)
        recent = Workshop(starts_at="2017-06-03", **common)
        others = [Workshop(starts_at="2015-01-01", **common) for _ in range(2)]
        assert others
        order = [first, later, undated, recent, old]
        wanted = [f"/workshop/{each['name']}" for each in order]

        def workshops(reader: Reader, path: str) -> list[str]:
            found = hrefs(reader.page(path), ".marathon-list")
            return [each for each in found if each.startswith("/workshop/")]

        for path in ("/organization/villa-nueva", "/municipality/0115", "/service-problem/AGU-01"):
            assert workshops(visitor, path)[:5] == wanted, path
        inside = workshops(editor, "/organization/villa-nueva")
        assert inside == [f"/workshop/{hidden['name']}", *wanted[:4]]
        assert "See all 8" in editor.page("/organization/villa-nueva").text
        assert "See all 7" in visitor.page("/organization/villa-nueva").text

    def test_the_role_of_an_organisation_is_not_shown_as_its_code(self, visitor: Reader) -> None:
        body = NationalBody()
        text = texts(visitor.page(f"/organization/about/{body['name']}"), ".marathon-facts")
        assert "Role in the marathons other public body" in text
        assert "other_public_body" not in text

    @pytest.mark.parametrize("path", ["/workshop/", "/idea/", "/commitment/", "/dataset/"])
    def test_each_type_has_a_list_that_a_search_narrows(
        self, visitor: Reader, dataset: Any, path: str
    ) -> None:
        Commitment()
        assert visitor.page(path).select(".dataset-item")
        assert not visitor.page(f"{path}?q=zzzzzz").select(".dataset-item")
