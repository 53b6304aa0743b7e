from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib import jobs
from ckan.tests.helpers import CKANCliRunner, call_action

from ckanext.marathon.model.link import Link, Predicate
from tests import factories
from tests.logic.asking import act


def links_of(subject: str) -> dict[str, list[str]]:
    rows = model.Session.execute(
        sa.select(Link.predicate, Link.object)
        .where(Link.subject == subject)
        .order_by(Link.predicate, Link.object)
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.predicate, []).append(row.object)
    return found


def names(listed: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in listed]


@pytest.mark.usefixtures("marathon_site")
class TestLinks:
    def test_links_follow_the_fields(self) -> None:
        workshop = factories.Workshop(municipality=["0101", "2105"], service_problem=["AGU-01"])
        idea = factories.Idea(
            workshop=workshop["id"],
            municipality=["2105"],
            service_problem=["SEG-01"],
            data_need=[{"what": "Pozos"}],
        )
        need = idea["data_need"][0]["id"]
        dataset = factories.MarathonDataset(idea=[idea["id"]], data_need=[need])
        own = factories.MarathonDataset(
            idea=[idea["id"]], municipality=["0101"], service_problem=["AGU-01"]
        )
        assert links_of(workshop["id"]) == {
            "workshop_municipality": ["0101", "2105"],
            "workshop_problem": ["AGU-01"],
        }
        assert links_of(idea["id"]) == {
            "idea_data_need": [need],
            "idea_municipality": ["2105"],
            "idea_problem": ["SEG-01"],
            "idea_workshop": [workshop["id"]],
        }
        # Computed values are not copied.
        assert links_of(dataset["id"]) == {
            "dataset_data_need": [need],
            "dataset_idea": [idea["id"]],
        }
        assert links_of(own["id"]) == {
            "dataset_idea": [idea["id"]],
            "dataset_municipality": ["0101"],
            "dataset_problem": ["AGU-01"],
        }

    def test_links_change_when_the_fields_change(self) -> None:
        dataset, other = factories.MarathonDataset(), factories.Idea()
        call_action("package_patch", id=dataset["id"], idea=[other["id"]])
        assert links_of(dataset["id"]) == {"dataset_idea": [other["id"]]}

    def test_a_failed_save_leaves_the_links(self) -> None:
        dataset, other = factories.MarathonDataset(), factories.Idea()
        with pytest.raises(Exception, match="municipality"):
            call_action("package_patch", id=dataset["id"], idea=[other["id"]], municipality=["x"])
        assert links_of(dataset["id"]) == {"dataset_idea": dataset["idea"]}

    def test_the_predicates_are_those_of_the_three_types(self) -> None:
        assert {str(each) for each in Predicate} == {
            f"{kind}_{what}"
            for kind in ("workshop", "idea", "dataset")
            for what in ("municipality", "problem")
        } | {"idea_workshop", "idea_data_need", "dataset_idea", "dataset_data_need"}


@pytest.mark.usefixtures("marathon_site")
class TestBackLinks:
    def test_an_idea_lists_its_datasets(self) -> None:
        idea = factories.Idea()
        seen = factories.MarathonDataset(title="A", idea=[idea["id"]])
        hidden = factories.MarathonDataset(title="B", idea=[idea["id"]], private=True)
        deleted = factories.MarathonDataset(title="C", idea=[idea["id"]])
        call_action("package_delete", id=deleted["id"])
        found = act("marathon_idea_datasets", None, id=idea["name"])
        assert names(found) == [seen["name"]]
        assert found[0]["organization"]["id"] == seen["owner_org"]
        member = factories.officer(idea["owner_org"], "member")
        assert names(act("marathon_idea_datasets", member, id=idea["id"])) == [
            seen["name"],
            hidden["name"],
        ]

    def test_a_workshop_lists_its_ideas(self) -> None:
        workshop = factories.Workshop()
        idea = factories.Idea(workshop=workshop["id"])
        factories.Idea(workshop=workshop["id"], private=True)
        found = act("marathon_workshop_ideas", None, id=workshop["id"])
        assert [(each["id"], each["status"]) for each in found] == [(idea["id"], "proposed")]

    def test_a_data_need_lists_the_datasets_that_meet_it(self) -> None:
        idea = factories.Idea(data_need=[{"what": "Pozos"}, {"what": "Tarifas", "why": "Q"}])
        first = idea["data_need"][0]["id"]
        dataset = factories.MarathonDataset(idea=[idea["id"]], data_need=[first])
        pozos, tarifas = act("marathon_data_need_list", None, id=idea["id"])
        assert names(pozos["datasets"]) == [dataset["name"]]
        assert (tarifas["why"], tarifas["datasets"]) == ("Q", [])

    @pytest.mark.parametrize(
        "action", ["marathon_idea_datasets", "marathon_workshop_ideas", "marathon_data_need_list"]
    )
    def test_hidden_and_unknown_records_get_404_over_http(self, app: Any, action: str) -> None:
        factory = factories.Workshop if "workshop" in action else factories.Idea
        hidden = factory(private=True)["id"]
        for reference in (hidden, "no-such"):
            answer = app.get(f"/api/3/action/{action}", params={"id": reference})
            assert answer.status_code == 404, answer.body
        shown = factory()["id"]
        assert app.get(f"/api/3/action/{action}", params={"id": shown}).json["result"] == []


@pytest.mark.usefixtures("marathon_site")
class TestReindexing:
    def test_a_dataset_is_found_by_a_new_problem_of_its_idea(self) -> None:
        dataset = factories.MarathonDataset()
        call_action("package_patch", id=dataset["idea"][0], service_problem=["SEG-01"])
        jobs.Worker().work(burst=True)
        found = call_action("package_search", fq="vocab_service_problem:SEG-01")
        assert names(found["results"]) == [dataset["name"]]

    def test_a_dataset_is_found_by_a_new_municipality_of_its_workshop(self) -> None:
        workshop = factories.Workshop(municipality=["2105"])
        idea = factories.Idea(workshop=workshop["id"])
        dataset = factories.MarathonDataset(idea=[idea["id"]])
        call_action("package_patch", id=workshop["id"], municipality=["2105", "0101"])
        jobs.Worker().work(burst=True)
        found = call_action("package_search", fq="vocab_municipality:0101")
        assert names(found["results"]) == [dataset["name"]]

    def test_a_change_that_no_other_record_shows_queues_no_job(self) -> None:
        dataset = factories.MarathonDataset()
        call_action("job_clear")
        call_action("package_patch", id=dataset["idea"][0], votes=7)
        assert call_action("job_list") == []


@pytest.mark.usefixtures("marathon_site")
class TestPurge:
    def test_a_purged_idea_is_removed_from_its_datasets(self) -> None:
        need = [{"what": "Pozos"}]
        gone, kept = factories.Idea(data_need=need), factories.Idea(data_need=need)
        needs = [idea["data_need"][0]["id"] for idea in (gone, kept)]
        dataset = factories.MarathonDataset(idea=[gone["id"], kept["id"]], data_need=needs)
        call_action("dataset_purge", id=gone["name"])
        assert links_of(gone["id"]) == {}
        assert links_of(dataset["id"]) == {
            "dataset_data_need": [needs[1]],
            "dataset_idea": [kept["id"]],
            # Values that only the purged idea had are stored in the dataset.
            "dataset_municipality": sorted(dataset["municipality"]),
        }
        shown = call_action("package_show", id=dataset["id"])
        assert (shown["idea"], shown["data_need"]) == ([kept["id"]], [needs[1]])
        user = factories.officer(dataset["owner_org"])
        act("package_update", user, **{**shown, "title": "Otro"})

    def test_a_purged_workshop_is_removed_from_its_ideas(self) -> None:
        idea = factories.Idea()
        call_action("dataset_purge", id=idea["workshop"])
        shown = call_action("package_show", id=idea["id"])
        assert "workshop_info" not in shown
        assert (shown.get("workshop") or "", shown["municipality"]) == ("", idea["municipality"])
        assert (shown["municipality_origin"], len(shown["municipality"])) == ("own", 1)

    def test_values_computed_from_a_purged_idea_become_the_datasets_own(self) -> None:
        dataset = factories.MarathonDataset()
        assert dataset["municipality_origin"] == dataset["service_problem_origin"] == "idea"
        idea = call_action("package_show", id=dataset["idea"][0])
        # From the workshop by way of the idea: the workshop goes first.
        for gone in (idea["workshop"], idea["id"]):
            call_action("dataset_purge", id=gone)
        shown = call_action("package_show", id=dataset["id"])
        for field in ("municipality", "service_problem"):
            assert shown[field] == dataset[field] != []
            assert shown[f"{field}_origin"] == "own"
        query = {"fq": f"vocab_municipality:{dataset['municipality'][0]}"}
        assert call_action("package_search", **query)["count"] == 1

    def test_datasets_with_own_values_or_another_idea_are_unchanged_by_a_purge(self) -> None:
        idea = factories.Idea()
        again = factories.Idea(workshop=idea["workshop"], service_problem=["AGU-01"])
        own = factories.MarathonDataset(
            idea=[idea["id"]], municipality=["0101"], service_problem=["AGU-02"]
        )
        both = factories.MarathonDataset(idea=[idea["id"], again["id"]])
        call_action("dataset_purge", id=idea["id"])
        shown = call_action("package_show", id=own["id"])
        assert (shown["municipality"], shown["service_problem"]) == (["0101"], ["AGU-02"])
        shown = call_action("package_show", id=both["id"])
        assert shown["municipality_origin"] == shown["service_problem_origin"] == "idea"
        assert shown["municipality"] == both["municipality"]

    def test_a_purge_removes_links_of_deleted_records_too(self) -> None:
        dataset = factories.MarathonDataset()
        call_action("package_delete", id=dataset["id"])
        call_action("dataset_purge", id=dataset["idea"][0])
        assert set(links_of(dataset["id"])) == {"dataset_municipality", "dataset_problem"}
        assert model.Package.get(dataset["id"]).extras["idea"] == "[]"

    def test_only_a_sysadmin_may_purge(self) -> None:
        dataset = factories.MarathonDataset()
        user = factories.officer(dataset["owner_org"], "admin")
        with pytest.raises(tk.NotAuthorized):
            act("dataset_purge", user, id=dataset["idea"][0])
        assert links_of(dataset["id"]) == {"dataset_idea": dataset["idea"]}

    def test_the_purge_command_removes_an_idea_from_its_datasets(self, cli: CKANCliRunner) -> None:
        from ckan.cli.cli import ckan

        dataset = factories.MarathonDataset()
        result = cli.invoke(ckan, ["dataset", "purge", dataset["idea"][0]])
        assert not result.exit_code, result.output
        assert set(links_of(dataset["id"])) == {"dataset_municipality", "dataset_problem"}

    def test_a_dataset_whose_idea_was_purged_needs_one_when_edited(self) -> None:
        dataset = factories.MarathonDataset(resources=[{"url": "https://example.org/a.csv"}])
        call_action("dataset_purge", id=dataset["idea"][0])
        user = factories.officer(dataset["owner_org"])
        for action, data in (
            ("package_patch", {"id": dataset["id"], "title": "Otro"}),
            ("resource_delete", {"id": dataset["resources"][0]["id"]}),
        ):
            with pytest.raises(Exception, match="idea"):
                act(action, user, **data)

    def test_the_code_of_a_purged_record_can_be_used_again(self) -> None:
        workshop = factories.Workshop(code="T-1")
        call_action("dataset_purge", id=workshop["id"])
        assert factories.Workshop(code="T-1", owner_org=workshop["owner_org"])["code"] == "T-1"
