from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.model import package
from tests import factories
from tests.logic.asking import act, refused, stored


def new_idea(user: Any, workshop: str, **fields: Any) -> dict[str, Any]:
    return {
        "action": "package_create",
        "user": user,
        "type": "idea",
        "name": fields.pop("name", "idea"),
        "title": "Agua limpia",
        "workshop": workshop,
        "service_problem": ["AGU-01"],
        **fields,
    }


@pytest.mark.usefixtures("marathon_site")
class TestWorkshopOfAnIdea:
    def test_name_and_id_are_accepted_and_the_id_is_kept(self) -> None:
        workshop = factories.Workshop()
        by_name = factories.Idea(workshop=workshop["name"], owner_org=workshop["owner_org"])
        by_id = factories.Idea(workshop=workshop["id"])
        assert by_name["workshop"] == by_id["workshop"] == workshop["id"]
        assert by_id["workshop_info"]["title"] == workshop["title"]

    def test_missing_hidden_deleted_and_other_records_give_the_same_error(self) -> None:
        organization = factories.Municipality()
        user = factories.officer(organization["id"])
        hidden = factories.Workshop(private=True)
        deleted = factories.Workshop(owner_org=organization["id"])
        call_action("package_delete", id=deleted["id"])
        dataset = core.Dataset(
            owner_org=organization["id"], notes="x", idea=[factories.Idea()["id"]]
        )
        said = set()
        for reference in ("no-such", hidden["name"], deleted["name"], dataset["name"]):
            errors = refused(**new_idea(user, reference, owner_org=organization["id"]))
            assert list(errors) == ["workshop"]
            said.add(errors["workshop"][0].replace(reference, "…"))
        assert len(said) == 1

    def test_a_hidden_workshop_already_stored_stays(self) -> None:
        workshop = factories.Workshop(private=True)
        organization = factories.Municipality()
        idea = factories.Idea(workshop=workshop["id"], owner_org=organization["id"])
        user = factories.officer(organization["id"])
        act("package_patch", user, id=idea["id"], title="Otro título")
        assert package.read_stored_text(stored(idea), "workshop") == workshop["id"]

    def test_a_hidden_workshop_stays_when_an_outsiders_view_is_sent_back(self) -> None:
        workshop = factories.Workshop(private=True)
        organization = factories.Municipality()
        idea = factories.Idea(workshop=workshop["id"], owner_org=organization["id"])
        shown = act("package_show", None, id=idea["id"])
        assert shown["workshop"] is None
        user = factories.officer(organization["id"])
        act("package_update", user, **{**shown, "title": "Otro"})
        assert package.read_stored_text(stored(idea), "workshop") == workshop["id"]

    def test_no_workshop_is_an_error_at_its_field(self) -> None:
        organization = factories.Municipality()
        user = factories.officer(organization["id"])
        for nothing in ("", None):
            errors = refused(**new_idea(user, nothing, owner_org=organization["id"]))  # type: ignore[arg-type]
            assert list(errors) == ["workshop"]

    def test_a_rename_of_the_workshop_leaves_the_link(self) -> None:
        idea = factories.Idea()
        call_action("package_patch", id=idea["workshop"], name="otro-nombre")
        shown = call_action("package_show", id=idea["id"])
        assert shown["workshop_info"]["name"] == "otro-nombre"


@pytest.mark.usefixtures("marathon_site")
class TestMunicipalityOfAnIdea:
    def test_the_municipality_must_be_one_of_the_workshops(self) -> None:
        workshop = factories.Workshop(municipality=["0101", "2105"])
        user = factories.officer(workshop["owner_org"])
        errors = refused(**new_idea(user, workshop["id"], municipality=["2105", "0115"]))
        assert list(errors) == ["municipality"]
        assert "0115" in errors["municipality"][0]
        assert "0101, 2105" in errors["municipality"][0]

    def test_without_municipality_an_idea_has_all_of_its_workshop(self) -> None:
        workshop = factories.Workshop(municipality=["2105", "0101"])
        idea = factories.Idea(workshop=workshop["id"])
        assert idea["municipality"] == ["0101", "2105"]
        assert idea["municipality_origin"] == "workshop"

    def test_a_computed_municipality_follows_the_workshop(self) -> None:
        workshop = factories.Workshop(municipality=["2105"])
        idea = factories.Idea(workshop=workshop["id"])
        call_action("package_patch", id=workshop["id"], municipality=["2105", "0101"])
        assert call_action("package_show", id=idea["id"])["municipality"] == ["0101", "2105"]

    @pytest.mark.parametrize("method", ["package_update", "package_patch"])
    def test_a_computed_municipality_sent_back_stays_computed(self, method: str) -> None:
        idea = factories.Idea()
        shown = call_action("package_show", id=idea["id"])
        call_action(method, **{**shown, "title": "Otro título"})
        assert call_action("package_show", id=idea["id"])["municipality_origin"] == "workshop"
        without = {k: v for k, v in shown.items() if k != "municipality_origin"}
        call_action(method, **{**without, "title": "Y otro"})
        assert call_action("package_show", id=idea["id"])["municipality_origin"] == "workshop"
        call_action(method, **{**shown, "municipality_origin": "own"})
        assert call_action("package_show", id=idea["id"])["municipality_origin"] == "own"

    def test_a_municipality_stays_computed_when_the_idea_moves_to_another_workshop(self) -> None:
        idea, other = factories.Idea(), factories.Workshop(municipality=["2105"])
        call_action("package_patch", id=idea["id"], workshop=other["id"])
        shown = call_action("package_show", id=idea["id"])
        assert (shown["municipality"], shown["municipality_origin"]) == (["2105"], "workshop")

    def test_an_own_municipality_keeps_the_idea_out_of_another_workshop(self) -> None:
        workshop = factories.Workshop(municipality=["0101", "2105"])
        idea = factories.Idea(workshop=workshop["id"], municipality=["0101"])
        other = factories.Workshop(municipality=["2105"])
        user = factories.officer(workshop["owner_org"])
        errors = refused("package_patch", user, id=idea["id"], workshop=other["id"])
        assert list(errors) == ["municipality"]


@pytest.mark.usefixtures("marathon_site")
class TestOrganizationOfAnIdea:
    def test_an_idea_belongs_to_its_municipality_if_that_is_on_the_site(self) -> None:
        municipality = factories.Municipality(municipality_code="2105")
        workshop = factories.Workshop(
            owner_org=factories.CoordinatingBody()["id"], municipality=["0101", "2105"]
        )
        user = factories.officer(municipality["id"])
        idea = act(**new_idea(user, workshop["id"], municipality=["2105"]))
        assert idea["owner_org"] == municipality["id"]
        # The first of the workshop's that is on the site.
        computed = act(**new_idea(user, workshop["id"], name="otra"))
        assert computed["owner_org"] == municipality["id"]

    def test_an_idea_belongs_to_the_workshops_organisation_otherwise(self) -> None:
        body = factories.CoordinatingBody()
        workshop = factories.Workshop(owner_org=body["id"], municipality=["2105"])
        idea = act(**new_idea(factories.officer(body["id"]), workshop["id"]))
        assert idea["owner_org"] == body["id"]

    def test_a_private_idea_can_be_created_without_naming_an_organisation(self) -> None:
        workshop = factories.Workshop()
        user = factories.officer(workshop["owner_org"])
        assert act(**new_idea(user, workshop["id"], private=True))["private"]

    def test_an_officer_cannot_add_an_idea_to_another_municipality(self) -> None:
        mine, workshop = factories.Municipality(), factories.Workshop()
        user = factories.officer(mine["id"])
        assert list(refused(**new_idea(user, workshop["id"]))) == ["owner_org"]
        call_action("package_patch", id=workshop["id"], municipality=["0101"])
        assert list(refused(**new_idea(user, workshop["id"], owner_org=""))) == ["owner_org"]

    def test_a_coordinating_editor_can_add_an_idea_to_any_municipality(self) -> None:
        user = factories.officer(factories.CoordinatingBody()["id"])
        workshop = factories.Workshop()
        assert act(**new_idea(user, workshop["id"]))["owner_org"] == workshop["owner_org"]

    def test_a_plain_member_cannot_add_an_idea(self) -> None:
        workshop = factories.Workshop()
        user = factories.officer(workshop["owner_org"], "member")
        with pytest.raises(tk.NotAuthorized):
            act(**new_idea(user, workshop["id"]))


@pytest.mark.usefixtures("marathon_site")
class TestDataNeeds:
    def test_data_needs_get_ids_that_stay(self) -> None:
        idea = factories.Idea(data_need=[{"what": "Pozos"}, {"what": "Caudales", "why": "Q"}])
        first, second = (need["id"] for need in idea["data_need"])
        assert first != second
        shown = call_action("package_show", id=idea["id"])
        shown["data_need"] = [shown["data_need"][1], {"what": "Tarifas"}]
        updated = call_action("package_update", **shown)
        assert [need["what"] for need in updated["data_need"]] == ["Caudales", "Tarifas"]
        assert updated["data_need"][0]["id"] == second
        assert updated["data_need"][1]["id"] not in (first, second)

    def test_clients_cannot_set_ids_of_data_needs(self) -> None:
        other = factories.Idea(data_need=[{"what": "Pozos"}])["data_need"][0]["id"]
        idea = factories.Idea()
        user = factories.officer(idea["owner_org"])
        for identifier in (other, "1", "zz", "11111111-1111-1111-1111-111111111111"):
            needs = [{"id": identifier, "what": "Pozos"}]
            errors = refused("package_patch", user, id=idea["id"], data_need=needs)
            assert list(errors["data_need"][0]) == ["id"]

    def test_cannot_remove_a_data_need_that_a_dataset_meets(self) -> None:
        idea = factories.Idea(data_need=[{"what": "Pozos"}, {"what": "Caudales"}])
        met, free = idea["data_need"]
        dataset = factories.MarathonDataset(idea=[idea["id"]], data_need=[met["id"]])
        user = factories.officer(idea["owner_org"])
        errors = refused("package_patch", user, id=idea["id"], data_need=[free])
        assert list(errors) == ["data_need"]
        assert dataset["title"] in errors["data_need"][0]
        act("package_patch", user, id=idea["id"], data_need=[met])
        call_action("package_delete", id=dataset["id"])
        act("package_patch", user, id=idea["id"], data_need=[])

    def test_a_data_need_met_by_a_hidden_dataset_stays_without_naming_it(self) -> None:
        idea = factories.Idea(data_need=[{"what": "Pozos"}])
        factories.MarathonDataset(
            title="Secreto",
            private=True,
            idea=[idea["id"]],
            owner_org=factories.Municipality()["id"],
            data_need=[idea["data_need"][0]["id"]],
        )
        user = factories.officer(idea["owner_org"])
        errors = refused("package_patch", user, id=idea["id"], data_need=[])
        assert "Secreto" not in errors["data_need"][0]

    def test_a_data_need_requires_its_field_what(self) -> None:
        idea = factories.Idea()
        user = factories.officer(idea["owner_org"])
        errors = refused("package_patch", user, id=idea["id"], data_need=[{"why": "Para saber"}])
        assert list(errors["data_need"][0]) == ["what"]


@pytest.mark.usefixtures("marathon_site")
class TestFieldsOfAnIdea:
    @pytest.mark.parametrize(
        ("fields", "errors"),
        [
            ({"title": ""}, ["title"]),
            ({"service_problem": []}, ["service_problem"]),
            ({"service_problem": ["AGU-01", "XXX-99"]}, ["service_problem"]),
            ({"votes": "muchos"}, ["votes"]),
            ({"proponent_group": "Ana"}, ["proponent_group"]),
            ({"community": ["ana@example.com"]}, ["community"]),
            ({"evidence": ["no es una dirección"]}, ["evidence"]),
            ({"summary": [{"lang": "xx", "text": "?"}]}, ["summary"]),
            ({"code": "a" * 200}, ["code"]),
            ({"status": "dreaming"}, ["status"]),
        ],
    )
    def test_each_fault_is_an_error_at_its_field(
        self, fields: dict[str, Any], errors: list[str]
    ) -> None:
        workshop = factories.Workshop()
        user = factories.officer(workshop["owner_org"])
        assert list(refused(**new_idea(user, workshop["id"], **fields))) == errors

    def test_all_fields_are_stored_and_read_back(self) -> None:
        fields = {
            "code": "I-1",
            "community": ["Aldea El Chagüite"],
            "proponent_group": "cocode",
            "votes": 0,
            "priority": 1,
            "evidence": ["https://example.org/a,b"],
            "summary": [{"lang": "quc", "text": "Ja'"}],
            "service_problem": ["AGU-01", "SEG-01"],
            "notes": "Texto",
        }
        idea = factories.Idea(**fields)
        shown = call_action("package_show", id=idea["id"])
        fields["summary"] = [{"lang": shown["summary"][0]["lang"], "text": "Ja'"}]
        assert shown["summary"][0]["lang"].startswith("http")
        assert {name: shown[name] for name in fields} == fields
        assert model.Package.get(idea["id"]).extras.keys().isdisjoint({"history", "status_reason"})
