"""Workshops, ideas and commitments stay out of every listing of datasets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.cli.cli import ckan
from ckan.lib import helpers as h
from ckan.lib.search import clear_all
from ckan.lib.search.common import make_connection
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from ckan.tests.helpers import call_action
from rdflib import DCAT, RDF, Graph

from tests.factories import Commitment, Idea, MarathonDataset, Municipality, Workshop, officer
from tests.logic.asking import act
from tests.remembered import remembered

pytestmark = pytest.mark.usefixtures("marathon_site")

WORD = "alzatate"
OTHERS = ("workshop", "idea", "commitment")


class Site:
    """One dataset among one workshop, idea and commitment, all alike but for their type."""

    def __init__(self, app: Any, records: dict[str, Any]) -> None:
        self.app = app
        self.token, self.muni, self.group = (records[n] for n in ("token", "muni", "group"))
        self.user = self.token["name"]

    def act(self, action: str, user: str = "", **data: Any) -> Any:
        person = model.User.get(user) if user else None
        context = {"user": user, "auth_user_obj": person, "ignore_auth": False}
        return tk.get_action(action)(context, data)

    def page(self, path: str, logged_in: bool = False) -> str:
        headers = {"Authorization": self.token["token"]} if logged_in else {}
        answer = self.app.get(path, headers=headers)
        assert answer.status_code == 200, path
        return answer.body

    def results(self, path: str) -> str:
        """Return a search page without its filters, which name workshops."""
        page = BeautifulSoup(self.page(path), "lxml")
        for filters in page.select(".marathon-filters"):
            filters.extract()
        return str(page)


def names(packages: list[dict[str, Any]]) -> list[str]:
    return [package["name"] for package in packages]


# Places that list records: each must list the dataset and nothing else.
PLACES: dict[str, Callable[[Site], list[str]]] = {
    "package_list": lambda s: s.act("package_list"),
    "package_list, a page": lambda s: s.act("package_list", limit=1, offset=0),
    "package_autocomplete": lambda s: names(s.act("package_autocomplete", q=WORD)),
    "package_autocomplete, logged in": lambda s: names(
        s.act("package_autocomplete", s.user, q=WORD)
    ),
    "current_package_list_with_resources": lambda s: names(
        s.act("current_package_list_with_resources", limit=10)
    ),
    "package_search": lambda s: names(s.act("package_search")["results"]),
    "package_search by a word": lambda s: names(s.act("package_search", q=WORD)["results"]),
    "package_search by tag": lambda s: names(s.act("package_search", fq=f"tags:{WORD}")["results"]),
    "package_search, private too": lambda s: names(
        s.act("package_search", s.user, include_private=True, include_drafts=True)["results"]
    ),
    "group_package_show": lambda s: names(s.act("group_package_show", id=s.group["id"])),
    "organization_show": lambda s: names(
        s.act("organization_show", id=s.muni["id"], include_datasets=True)["packages"]
    ),
    "group_show": lambda s: names(
        s.act("group_show", id=s.group["id"], include_datasets=True)["packages"]
    ),
    "tag_show": lambda s: names(s.act("tag_show", id=WORD, include_datasets=True)["packages"]),
    "user_show": lambda s: names(s.act("user_show", id=s.user, include_datasets=True)["datasets"]),
    "user_show of oneself": lambda s: names(
        s.act("user_show", s.user, id=s.user, include_datasets=True)["datasets"]
    ),
    "h.get_recent_datasets": lambda s: names(h.get_recent_datasets(10)),
}

# Places that count datasets: each must count one.
COUNTS: dict[str, Callable[[Site], int]] = {
    "package_search": lambda s: s.act("package_search", rows=0)["count"],
    "organization_show": lambda s: s.act("organization_show", id=s.muni["id"])["package_count"],
    "organization_list": lambda s: next(
        o["package_count"]
        for o in s.act("organization_list", all_fields=True)
        if o["id"] == s.muni["id"]
    ),
    "organization_list, by number": lambda s: next(
        o["package_count"]
        for o in s.act("organization_list", all_fields=True, sort="package_count desc")
        if o["id"] == s.muni["id"]
    ),
    "group_show": lambda s: s.act("group_show", id=s.group["id"])["package_count"],
    "group_list": lambda s: s.act("group_list", all_fields=True)[0]["package_count"],
    "organization facet": lambda s: s.act("package_search", **{"facet.field": ["organization"]})[
        "search_facets"
    ]["organization"]["items"][0]["count"],
    "user_show": lambda s: s.act("user_show", id=s.user)["number_created_packages"],
    "user_show of oneself": lambda s: s.act("user_show", s.user, id=s.user)[
        "number_created_packages"
    ],
    "user_list": lambda s: next(
        u["number_created_packages"] for u in s.act("user_list") if u["name"] == s.user
    ),
    "h.get_dataset_count": lambda s: int(h.get_dataset_count()),
}

# Pages and feeds that list datasets: the dataset's title is there, the others' are not.
PAGES: dict[str, Callable[[Site], str]] = {
    "the home page": lambda s: s.page("/"),
    "the search page": lambda s: s.results("/dataset/"),
    "the search page, by a word": lambda s: s.results(f"/dataset/?q={WORD}"),
    "the page of a group": lambda s: s.page(f"/group/{s.group['name']}"),
    "the page of a user": lambda s: s.page(f"/user/{s.user}"),
    "the dashboard": lambda s: s.page("/dashboard/datasets", logged_in=True),
    "the feed of the site": lambda s: s.page("/feeds/dataset.atom"),
    "the feed of an organisation": lambda s: s.page(f"/feeds/organization/{s.muni['name']}.atom"),
    "the feed of a group": lambda s: s.page(f"/feeds/group/{s.group['name']}.atom"),
    "the feed of a tag": lambda s: s.page(f"/feeds/tag/{WORD}.atom"),
    "the feed of a search": lambda s: s.page(f"/feeds/custom.atom?q={WORD}"),
}


@pytest.fixture
@remembered
def records() -> dict[str, Any]:
    token = factories.UserWithToken()
    muni = Municipality()
    group = factories.Group(user={"name": token["name"]})
    code = muni["municipality_code"]
    common: dict[str, Any] = {
        "owner_org": muni["id"],
        "tags": [{"name": WORD}],
        "groups": [{"id": group["id"]}],
        "notes": WORD,
        "user": {"name": token["name"]},
    }
    workshop = Workshop(municipality=[code], title=f"Taller {WORD}", name="a-taller", **common)
    idea = Idea(workshop=workshop["id"], title=f"Idea {WORD}", name="b-idea", **common)
    Commitment(title=f"Compromiso {WORD}", name="c-compromiso", **common)
    MarathonDataset(idea=[idea["id"]], title=f"Datos {WORD}", name="d-datos", **common)
    return {"token": token, "muni": muni, "group": group}


@pytest.fixture
def site(app: Any, records: dict[str, Any]) -> Site:
    return Site(app, records)


@pytest.mark.usefixtures("with_request_context")
class TestListings:
    def test_lists_have_only_datasets(self, site: Site) -> None:
        found = {place: listed(site) for place, listed in PLACES.items()}
        assert {place: n for place, n in found.items() if n != ["d-datos"]} == {}

    def test_counts_are_of_datasets_only(self, site: Site) -> None:
        found = {place: counted(site) for place, counted in COUNTS.items()}
        assert {place: n for place, n in found.items() if n != 1} == {}


class TestPages:
    def test_pages_list_only_datasets(self, site: Site) -> None:
        wrong = {}
        for place, page in PAGES.items():
            text = BeautifulSoup(page(site), "lxml").get_text(" ")
            shown = [k for k in ("Datos", "Taller", "Idea", "Compromiso") if f"{k} {WORD}" in text]
            # A home page may have no list of datasets at all.
            if shown != ["Datos"] and not (place == "the home page" and shown == []):
                wrong[place] = shown
        assert wrong == {}

    def test_the_list_of_datasets_of_an_organisation_has_only_datasets(self, site: Site) -> None:
        soup = BeautifulSoup(site.page(f"/organization/{site.muni['name']}"), "lxml")
        listed = [item.get_text(" ", strip=True) for item in soup.select(".dataset-list h2")]
        assert listed == [f"Datos {WORD}"]

    def test_the_catalogue_has_only_datasets(self, site: Site) -> None:
        dataset = model.Package.get("d-datos").id
        for path in ("/catalog.ttl", f"/catalog.ttl?fq=tags:{WORD}"):
            graph = Graph().parse(data=site.page(path), format="turtle")
            (catalogue,) = graph.subjects(RDF.type, DCAT.Catalog)
            for things in (
                list(graph.subjects(RDF.type, DCAT.Dataset)),
                list(graph.objects(catalogue, DCAT.dataset)),
            ):
                assert [str(thing).rsplit("/", 1)[1] for thing in things] == [dataset]

    def test_each_type_has_its_own_search_page(self, site: Site) -> None:
        titles = {"workshop": "Taller", "idea": "Idea", "commitment": "Compromiso"}
        for package_type, title in titles.items():
            for query in ("", f"?q={WORD}", f"?tags={WORD}"):
                page = site.page(f"/{package_type}/{query}")
                listed = BeautifulSoup(page, "lxml").select(".dataset-list h2 a")
                assert [item.get_text(strip=True) for item in listed] == [f"{title} {WORD}"]


class TestOtherTypes:
    def test_a_search_that_names_a_type_finds_it(self, site: Site) -> None:
        for package_type in OTHERS:
            found = site.act("package_search", fq=f"dataset_type:{package_type}")["results"]
            assert [p["type"] for p in found] == [package_type]

    def test_a_search_for_all_types_finds_all(self, site: Site) -> None:
        assert site.act("package_search", ext_marathon_types="all")["count"] == 4
        answer = site.app.get("/api/3/action/package_search?ext_marathon_types=all&rows=0")
        assert answer.json["result"]["count"] == 4

    def test_the_trash_lists_every_type(self, site: Site) -> None:
        call_action("package_delete", id="c-compromiso")
        sysadmin = factories.SysadminWithToken()
        page = site.app.get("/ckan-admin/trash", headers={"Authorization": sysadmin["token"]})
        assert f"Compromiso {WORD}" in page.body

    def test_the_index_rebuilds_with_every_type(self, site: Site, cli: Any) -> None:
        clear_all()
        rebuilt = cli.invoke(ckan, ["search-index", "rebuild"])
        assert not rebuilt.exit_code, rebuilt.output
        assert site.act("package_search", fq="state:active")["count"] == 4

    def test_orphans_of_every_type_are_found(self, site: Site, cli: Any) -> None:
        solr = make_connection(decode_dates=False)
        idea = model.Package.get("b-idea").id
        (document,) = solr.search(f'id:"{idea}"').docs
        document.pop("_version_", None)
        call_action("dataset_purge", id=idea, context={"user": factories.Sysadmin()["name"]})
        solr.add([document], commit=True)
        assert idea in cli.invoke(ckan, ["search-index", "list-orphans"]).output


class TestPagesOfFilteredLists:
    """Paging of lists from which hidden records were removed."""

    def test_pages_of_tags_and_formats_have_every_value_once(self) -> None:
        words = [f"agua{number:02}" for number in range(12)]
        MarathonDataset(
            tags=[{"name": word} for word in words],
            resources=[{"url": f"https://a.gt/{word}", "format": word} for word in words],
        )
        listed = act("tag_list", query="agua")
        assert sorted(listed) == words
        assert act("tag_list", query="agua", limit=2, offset=1) == listed[1:3]
        found = act("tag_search", query="agua", limit=2, offset=1)
        assert (found["count"], len(found["results"])) == (12, 2)
        offered = act("tag_autocomplete", query="agua", limit=100)
        assert sorted(offered) == words
        assert act("tag_autocomplete", query="agua") == offered[:10]
        assert act("tag_autocomplete", query="agua", limit=2, offset=1) == offered[1:3]
        assert len(act("format_autocomplete", q="agua")) == 5

    def test_members_are_listed_without_people_where_they_are_not_public(
        self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        muni = Municipality()["id"]
        person = officer(muni)
        for is_public in (True, False):
            monkeypatch.setitem(ckan_config, "ckan.auth.public_user_details", is_public)
            for user, may_see in (("", is_public), (person, True)):
                # Asked for people alone, CKAN refuses it itself.
                kinds = {kind for _id, kind, _capacity in act("member_list", user, id=muni)}
                assert ("user" in kinds) is may_see, (is_public, user)


class TestSloppyInput:
    def test_a_bad_limit_is_an_error_at_limit(self) -> None:
        for action, data in (("package_list", {}), ("package_autocomplete", {"q": WORD})):
            for limit in ("x", "-1"):
                with pytest.raises(tk.ValidationError) as caught:
                    call_action(action, limit=limit, **data)
                assert set(caught.value.error_dict) == {"limit"}

    def test_no_query_syntax_finds_other_types_by_autocomplete(self, site: Site) -> None:
        for text in ('"', "\\", 'a" OR dataset_type:idea OR name:"', "(", "ñ*", "b-idea"):
            found = site.act("package_autocomplete", q=text)
            assert [f for f in found if f["name"] != "d-datos"] == [], text
