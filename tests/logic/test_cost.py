"""Numbers of queries that do not grow with content, and saves without Solr."""

from __future__ import annotations

from typing import Any

import pytest
from ckan import model
from ckan.lib.search.common import SearchIndexError, is_available
from ckan.tests.helpers import call_action

from ckanext.marathon.model.link import Link
from ckanext.marathon.model.package import PackageCode
from tests import factories
from tests.logic.asking import act
from tests.queries import asked


def cost(package_id: str, user: Any = None) -> int:
    model.Session.remove()
    with asked() as sent:
        act("package_show", user, id=package_id)
    return len(sent)


@pytest.mark.usefixtures("marathon_site")
class TestQueries:
    def test_more_ideas_need_no_more_queries(self) -> None:
        workshop = factories.Workshop()
        ideas = [factories.Idea(workshop=workshop["id"])["id"] for _ in range(6)]
        few = factories.MarathonDataset(idea=ideas[:1])
        many = factories.MarathonDataset(idea=ideas)
        user = factories.officer(factories.Municipality()["id"])
        for viewer in (None, user):
            assert cost(few["id"], viewer) == cost(many["id"], viewer)

    def test_more_hidden_ideas_need_no_more_queries(self) -> None:
        workshop = factories.Workshop()
        ideas = [factories.Idea(workshop=workshop["id"], private=True)["id"] for _ in range(6)]
        few = factories.MarathonDataset(idea=ideas[:1])
        many = factories.MarathonDataset(idea=ideas)
        user = factories.officer(factories.Municipality()["id"])
        assert cost(few["id"], user) == cost(many["id"], user)

    def test_a_longer_history_needs_no_more_queries(self) -> None:
        short, long = factories.Idea(), factories.Idea()
        for status in ("prioritised", "in_progress", "implemented"):
            call_action("package_patch", id=long["id"], status=status)
        assert cost(short["id"]) == cost(long["id"])

    def test_a_search_needs_two_of_our_queries_for_any_number_of_results(self) -> None:
        for _ in range(3):
            factories.MarathonDataset()
        with asked() as sent:
            found = act("package_search", None)
        assert found["count"] == 3
        # One query for all results compares them with the database.
        assert len([each for each in sent if "marathon_" in each]) == 2


@pytest.mark.usefixtures("marathon_site")
class TestSolrDown:
    @pytest.fixture
    def no_solr(self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")
        assert not is_available()

    def test_a_save_without_solr_is_rolled_back_entirely(self, app: Any, request: Any) -> None:
        workshop = factories.Workshop()
        user = factories.officer(workshop["owner_org"])
        token = call_action("api_token_create", user=user["name"], name="t")["token"]
        request.getfixturevalue("no_solr")
        answer = app.post(
            "/api/3/action/package_create",
            json={
                "type": "idea",
                "name": "idea",
                "title": "Idea",
                "code": "I-1",
                "workshop": workshop["id"],
                "service_problem": "AGU-01",
            },
            headers={"Authorization": token},
        )
        assert answer.json["error"]["__type"].startswith("Search")
        model.Session.remove()
        assert model.Package.get("idea") is None
        assert model.Session.query(PackageCode).filter_by(code="I-1").count() == 0
        predicate = Link.predicate == "idea_workshop"
        assert model.Session.query(Link).filter(predicate).count() == 0

    def test_the_guards_need_no_solr(self, request: Any) -> None:
        dataset = factories.MarathonDataset()
        request.getfixturevalue("no_solr")
        with pytest.raises(Exception, match="depend on it"):
            call_action("package_delete", id=dataset["idea"][0])
        with pytest.raises(SearchIndexError):
            call_action("package_delete", id=dataset["id"])
        model.Session.rollback()
        shown = call_action("package_show", id=dataset["id"])
        assert shown["municipality_origin"] == "idea"
