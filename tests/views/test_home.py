"""The home page of ``marathon_site``: counts, lists, menus, and no need of Solr."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from ckan import model
from ckan.lib.search.common import is_available
from ckan.tests.factories import Sysadmin
from ckan.tests.helpers import call_action

from tests import factories
from tests.queries import asked
from tests.remembered import remembered

PLUGINS = (
    "marathon_site marathon activity scheming_datasets scheming_organizations dcat "
    "structured_data croissant"
)

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.usefixtures("whole_site"),
]


@pytest.fixture
def whole_site(marathon_site: None, migrate_db_for: Callable[[str], None]) -> None:
    """An empty site with every plugin of the stack, the activity stream's tables included."""
    columns = sa.inspect(model.meta.engine).get_columns("activity")
    if all(each["name"] != "permission_labels" for each in columns):
        migrate_db_for("activity")


def page(app: Any, path: str = "/", status: int = 200, **options: Any) -> BeautifulSoup:
    return BeautifulSoup(app.get(path, status=status, **options).body, "lxml")


def numbers(home: BeautifulSoup) -> list[int]:
    """Return workshops, ideas, datasets, municipalities, unmet needs, as the page counts them."""
    return [int(each.text) for each in home.select(".marathon-counts strong")]


def section(home: BeautifulSoup, id_: str) -> str:
    part = home.select_one(f"section[aria-labelledby={id_}]")
    assert part, f"no part {id_}"
    return " ".join(part.get_text(" ").split())


def links(soup: BeautifulSoup, selector: str) -> dict[str, str]:
    return {a.get_text().strip(): str(a["href"]) for a in soup.select(selector)}


def menu(soup: BeautifulSoup) -> dict[str, str]:
    return links(soup, "#main-navigation-toggle li a")


def as_admin(action: str, **fields: Any) -> Any:
    return call_action(action, context={"user": Sysadmin()["name"]}, **fields)


class TestEmptySite:
    def test_an_empty_site_shows_zeros_and_sentences(self, app: Any) -> None:
        home = page(app)
        assert numbers(home) == [0, 0, 0, 0, 0]
        assert "No idea is on the site yet" in section(home, "newest-ideas")
        assert "No dataset is on the site yet" in section(home, "newest-data")
        assert "None yet" in section(home, "municipalities")
        assert "no idea waits for data" in section(home, "needs")

    def test_an_empty_site_has_no_map(self, app: Any) -> None:
        assert not page(app).select("figure[data-site-map]")

    def test_all_areas_of_problems_are_offered(self, app: Any) -> None:
        areas = page(app).select("[aria-labelledby=areas] .site-areas li")
        assert len(areas) == 13
        assert all("Nothing yet" in each.text for each in areas)

    def test_an_empty_site_has_no_commitment_in_the_menu_and_no_contact(self, app: Any) -> None:
        home = page(app)
        assert not [label for label in menu(home) if "ommitment" in label]
        assert "Contact" not in home.select_one(".site-footer").get_text()

    def test_nothing_is_loaded_from_another_host(self, app: Any) -> None:
        home = page(app)
        loaded = [each.get("src") or each.get("href") for each in home.select("[src], link[href]")]
        assert loaded
        own = {"", "test.ckan.net"}
        assert {urlsplit(str(address)).netloc for address in loaded} <= own


class TestFullSite:
    @pytest.fixture
    @remembered
    def chain(self) -> dict[str, Any]:
        town = factories.Municipality(municipality_code="2105", title="San Carlos")
        workshop = factories.Workshop(owner_org=town["id"], service_problem=["AGU-02"])
        needs = [{"what": "Hours of water"}, {"what": "Cuts of water"}]
        idea = factories.Idea(
            workshop=workshop["id"],
            title="Water on time",
            service_problem=["AGU-01", "AGU-02"],
            data_need=needs,
        )
        met = call_action("marathon_data_need_list", id=idea["id"])[0]["id"]
        dataset = factories.MarathonDataset(idea=[idea["id"]], data_need=[met], title="Water hours")
        return {"town": town, "workshop": workshop, "idea": idea, "dataset": dataset}

    def test_each_type_is_counted(self, app: Any, chain: dict[str, Any]) -> None:
        factories.Idea(workshop=chain["workshop"]["id"])
        factories.Commitment()
        assert numbers(page(app)) == [1, 2, 1, 1, 1]

    def test_an_area_counts_a_record_with_two_of_its_problems_once(
        self, app: Any, chain: dict[str, Any]
    ) -> None:
        area = page(app).select_one(".site-areas a[href$='/service-problem/AGU']")
        text = " ".join(area.get_text(" ").split())
        assert text.endswith("1 idea · 1 dataset · 1 workshop")

    def test_lists_show_place_and_origin_of_records(self, app: Any, chain: dict[str, Any]) -> None:
        home = page(app)
        ideas, data = section(home, "newest-ideas"), section(home, "newest-data")
        assert "Water on time" in ideas
        assert "proposed" in ideas
        assert "San Carlos Alzatate" in ideas
        assert "Water hours" not in ideas
        assert "San Carlos Alzatate" in data
        assert "From the idea Water on time" in data

    def test_cached_links_follow_a_renamed_record(self, app: Any, chain: dict[str, Any]) -> None:
        for kind in ("idea", "dataset"):
            old, new = chain[kind]["name"], f"{chain[kind]['name']}-2"
            assert f"/{kind}/{old}" in page(app).decode()
            as_admin("package_patch", id=chain[kind]["id"], name=new)
            after = {str(link["href"]).rpartition("/")[2] for link in page(app).select("a[href]")}
            assert new in after
            assert old not in after

    def test_data_needs_without_a_dataset_are_listed(self, app: Any, chain: dict[str, Any]) -> None:
        needs = section(page(app), "needs")
        assert "Cuts of water" in needs
        assert "Hours of water" not in needs

    def test_data_needs_of_a_discarded_idea_are_not_counted(
        self, app: Any, chain: dict[str, Any]
    ) -> None:
        as_admin("marathon_idea_status_update", id=chain["idea"]["id"], status="discarded")
        assert numbers(page(app))[4] == 0

    def test_private_records_are_neither_counted_nor_shown(
        self, app: Any, chain: dict[str, Any]
    ) -> None:
        officer = factories.officer(chain["town"]["id"])
        for each in ("dataset", "idea", "workshop"):
            as_admin("package_patch", id=chain[each]["id"], private=True)
        headers = {"Authorization": token_of(officer)}
        for options in ({}, {"headers": headers}):
            home = page(app, **options)
            assert numbers(home) == [0, 0, 0, 0, 0]
            assert "Water" not in home.select_one("main").get_text().replace("Water, rubbish", "")

    def test_a_dataset_of_a_hidden_idea_is_counted_at_its_place(
        self, app: Any, chain: dict[str, Any]
    ) -> None:
        for each in ("idea", "workshop"):
            as_admin("package_patch", id=chain[each]["id"], private=True)
        home = page(app)
        assert numbers(home) == [0, 0, 1, 1, 0]
        assert "San Carlos Alzatate" in section(home, "newest-data")
        assert "Water on time" not in home.get_text()

    def test_examples_are_marked(self, app: Any, chain: dict[str, Any]) -> None:
        as_admin("package_patch", id=chain["idea"]["id"], example=True)
        home = page(app)
        assert "Example" in section(home, "newest-ideas")
        assert "Example" not in section(home, "municipalities")

    def test_municipalities_are_listed_with_their_figures(
        self, app: Any, chain: dict[str, Any]
    ) -> None:
        text = section(page(app), "municipalities")
        assert "San Carlos Alzatate 1 idea · 1 dataset · 1 workshop" in text

    def test_a_link_leads_to_ideas_without_data(self, app: Any, chain: dict[str, Any]) -> None:
        waiting = "/idea/?vocab_data_needs=unmet"
        home = page(app)
        assert waiting in links(home, ".marathon-counts a").values()
        assert waiting in links(home, "[aria-labelledby=needs] a").values()

    def test_the_page_has_one_search_over_all_types(self, app: Any) -> None:
        forms = page(app, "/en/").select("main form[role=search]")
        assert [form["action"] for form in forms] == ["/en/marathon/search"]

    def test_the_page_has_a_preview_card(self, app: Any) -> None:
        card = {each["property"]: each["content"] for each in page(app).select("meta[property]")}
        assert card["og:url"] == "http://test.ckan.net/"
        assert "idea marathons" in card["og:description"]

    def test_the_map_is_loaded_later_and_from_this_site(
        self, app: Any, chain: dict[str, Any]
    ) -> None:
        figure = page(app).select_one("figure[data-site-map]")
        assert figure.has_attr("hidden")
        about = json.loads(figure["data-site-map"])
        for each in ("script", "style", "boundaries", "figures"):
            assert app.get(about[each]).status_code == 200
        assert about["place"] == "/municipality/0000"

    def test_the_menu_has_the_commitment_if_there_is_one(self, app: Any) -> None:
        first = factories.Commitment()
        assert menu(page(app))["Commitment"] == "/marathon/commitment"
        for path in ("/marathon/commitment", f"/commitment/{first['name']}"):
            here = page(app, path).select("#main-navigation-toggle a[aria-current]")
            assert [a.get_text().strip() for a in here] == ["Commitment"], path
        factories.Commitment()
        assert menu(page(app))["Commitments"] == "/marathon/commitment"

    def test_the_footer_has_the_contact_of_the_coordinating_body(self, app: Any) -> None:
        body = factories.CoordinatingBody(title="INFOM", contact_email="datos@infom.example.gt")
        found = links(page(app), ".site-footer a")
        assert found["INFOM"] == f"/organization/{body['name']}"
        assert found["datos@infom.example.gt"] == "mailto:datos@infom.example.gt"

    def test_the_number_of_queries_does_not_grow_with_content(
        self, app: Any, chain: dict[str, Any]
    ) -> None:
        def grow() -> None:
            for _ in range(2):
                other = factories.Idea(data_need=[{"what": "Something"}])
                factories.MarathonDataset(idea=[other["id"]])

        page(app)
        counts = []
        for _ in range(2):
            grow()
            for _ in ("figures are counted", "figures are kept"):
                with asked() as queries:
                    page(app)
                counts.append(len(queries))
        assert counts[:2] == counts[2:]
        assert counts[1] < counts[0] < 20


def token_of(user: dict[str, Any]) -> str:
    return call_action(
        "api_token_create", user=user["name"], name="t", context={"user": user["name"]}
    )["token"]


class TestHeader:
    def test_only_editors_are_offered_publishing(self, app: Any) -> None:
        town = factories.Municipality()
        editor, member = (factories.officer(town["id"], each) for each in ("editor", "member"))
        shown = {
            name: "Publish data" in menu(page(app, headers={"Authorization": token_of(user)}))
            for name, user in (("editor", editor), ("member", member))
        }
        assert shown == {"editor": True, "member": False}
        assert "Publish data" not in menu(page(app))

    def test_language_links_keep_path_and_query(self, app: Any) -> None:
        found = links(page(app, "/idea/?q=agua"), ".site-languages a")
        assert found == {"Español": "/es/idea/?q=agua", "English": "/en/idea/?q=agua"}

    def test_the_current_section_is_marked(self, app: Any) -> None:
        for path, label in (
            ("/marathon", "Overview"),
            ("/dataset/", "Open data"),
            ("/idea/", "Ideas"),
            ("/municipality/2105", "Municipalities"),
            ("/service-problem/AGU-01", "Problems"),
        ):
            here = page(app, path).select("#main-navigation-toggle a[aria-current]")
            assert [a.get_text().strip() for a in here] == [label], path

    def test_error_pages_have_the_menu(self, app: Any) -> None:
        assert "Ideas" in menu(page(app, "/no-such-page", status=404))


class TestHomeAddress:
    def test_clients_that_prefer_rdf_are_redirected_to_the_catalogue(self, app: Any) -> None:
        answer = app.get("/", headers={"Accept": "text/turtle"}, follow_redirects=False)
        assert answer.status_code == 303
        assert urlsplit(answer.headers["Location"]).path == "/catalog.ttl"
        assert "Accept" in answer.headers["Vary"]

    def test_the_home_page_works_without_solr(
        self, app: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        factories.MarathonDataset(title="Still here")
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/none")
        assert not is_available()
        home = page(app)
        assert numbers(home)[:3] == [1, 1, 1]
        assert "Still here" in section(home, "newest-data")
        assert home.select_one("form[role=search] input[name=q]")


def test_titles_are_escaped(app: Any) -> None:
    evil = "<script>alert(1)</script>"
    workshop = factories.Workshop()
    idea = factories.Idea(
        workshop=workshop["id"], title=evil, data_need=[{"what": evil, "why": evil}]
    )
    factories.MarathonDataset(title=evil, idea=[idea["id"]])
    body = app.get("/").body
    assert evil not in body
    assert json.dumps(evil) not in body
