"""Ideas to choose from, and the missing one added in place."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.lib.search import clear_all
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from ckan.tests.helpers import call_action

from tests.factories import CivilSociety, CoordinatingBody, Idea, Municipality, Workshop, officer
from tests.remembered import remembered

pytestmark = pytest.mark.usefixtures("marathon_site")


def choices(user: str = "", **data: Any) -> list[dict[str, Any]]:
    context = {"user": user, "ignore_auth": False}
    return call_action("marathon_idea_choices", context=context, **data)


def names(user: str = "", **data: Any) -> list[str]:
    return [idea["name"] for idea in choices(user, **data)]


def quick(user: str, **data: Any) -> dict[str, Any]:
    data = {"title": "Medir los pozos", "service_problem": "AGU-01", **data}
    context = {"user": user, "ignore_auth": False}
    return call_action("marathon_idea_quick_create", context=context, **data)


@pytest.fixture
@remembered
def muni() -> dict[str, Any]:
    return Municipality(municipality_code="2105")


@pytest.fixture
@remembered
def workshop(muni: dict[str, Any]) -> dict[str, Any]:
    return Workshop(
        owner_org=muni["id"],
        municipality=["2105", "2101"],
        title="Taller de Alzatate",
        starts_at="2017-06-03T09:00:00-06:00",
    )


class TestChoices:
    def test_choices_have_the_values_that_the_form_shows(self, workshop: dict[str, Any]) -> None:
        idea = Idea(
            workshop=workshop["id"],
            municipality=["2105"],
            data_need=[{"what": "Caudal", "why": "Riego"}],
        )
        (shown,) = choices(municipality=["2105"])
        assert shown == {
            "id": idea["id"],
            "name": idea["name"],
            "title": idea["title"],
            "status": "proposed",
            "municipality": ["2105"],
            "service_problem": ["AGU-01"],
            "data_need": idea["data_need"],
            "workshop": {
                "id": workshop["id"],
                "name": workshop["name"],
                "title": "Taller de Alzatate",
                "starts_at": "2017-06-03T09:00:00-06:00",
            },
        }

    def test_an_idea_without_a_municipality_is_of_all_of_its_workshop(
        self, workshop: dict[str, Any]
    ) -> None:
        idea = Idea(workshop=workshop["id"])
        assert names(municipality="2101") == [idea["name"]]
        assert choices(municipality="2101")[0]["municipality"] == ["2105", "2101"]
        assert names(municipality="0101") == []

    def test_an_idea_of_one_municipality_is_not_listed_for_another_of_the_workshop(
        self, workshop: dict[str, Any]
    ) -> None:
        Idea(workshop=workshop["id"], municipality=["2105"])
        assert names(municipality="2101") == []

    def test_included_ideas_are_listed_for_any_municipality(self, workshop: dict[str, Any]) -> None:
        near, far = Idea(workshop=workshop["id"])["name"], Idea()
        assert set(names(municipality=["2105"], include=[far["id"]])) == {near, far["name"]}
        assert names(include=[far["name"]]) == [far["name"]]
        assert len(names()) == 2

    def test_the_search_matches_idea_and_workshop_without_accents(
        self, workshop: dict[str, Any]
    ) -> None:
        idea = Idea(workshop=workshop["id"], title="Iluminación 100%")["name"]
        Idea(title="Otra")
        for text in ("iluminacion", "ILUMINACIÓN", "alzatate", "100%"):
            assert names(q=text) == [idea], text
        for text in ("_", "1%0", "' OR 1=1 --"):
            assert names(q=text) == [], text

    def test_choices_are_paged_with_the_latest_workshop_first(
        self, workshop: dict[str, Any]
    ) -> None:
        late = Idea(workshop=workshop["id"])["name"]
        early = Idea(workshop=Workshop(starts_at="2016-10-17T09:00:00-06:00")["id"])["name"]
        undated = Idea()["name"]
        assert names() == [late, early, undated]
        assert names(limit=1, offset=1) == [early]

    def test_choices_are_current_without_solr(self, workshop: dict[str, Any]) -> None:
        idea = Idea(workshop=workshop["id"])["name"]
        clear_all()
        assert names(municipality="2105") == [idea]

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            ({"municipality": "Jalapa"}, "municipality"),
            ({"municipality": ["2105", {}]}, "municipality"),
            ({"limit": "x"}, "limit"),
            ({"offset": -1}, "offset"),
        ],
        ids=str,
    )
    def test_bad_input_is_an_error_at_its_field(self, data: dict[str, Any], field: str) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            choices(**data)
        assert set(caught.value.error_dict) == {field}


class TestVisibilityOfChoices:
    def test_private_ideas_are_listed_for_their_organisation_and_the_coordinating_body(
        self, workshop: dict[str, Any], muni: dict[str, Any]
    ) -> None:
        idea = Idea(workshop=workshop["id"], private=True)["name"]
        insiders = [
            officer(muni["id"], "member")["name"],
            officer(CoordinatingBody()["id"])["name"],
            factories.Sysadmin()["name"],
        ]
        outsiders = [officer(Municipality()["id"])["name"], factories.User()["name"], ""]
        assert [names(user) for user in insiders] == [[idea]] * 3
        assert [names(user) for user in outsiders] == [[]] * 3

    @pytest.mark.ckan_config("ckan.auth.allow_dataset_collaborators", True)
    def test_a_private_idea_is_listed_for_its_collaborator(self, workshop: dict[str, Any]) -> None:
        idea = Idea(workshop=workshop["id"], private=True)
        Idea(workshop=workshop["id"], private=True)
        person = factories.User()
        call_action(
            "package_collaborator_create", id=idea["id"], user_id=person["id"], capacity="member"
        )
        assert names(person["name"]) == [idea["name"]]

    def test_a_public_idea_of_a_hidden_workshop_does_not_name_it(
        self, muni: dict[str, Any]
    ) -> None:
        hidden = Workshop(owner_org=muni["id"], municipality=["2105"], private=True, title="Oculto")
        Idea(workshop=hidden["id"], owner_org=muni["id"])
        assert choices()[0]["workshop"] is None
        assert names(q="oculto") == []
        assert choices(officer(muni["id"])["name"])[0]["workshop"]["title"] == "Oculto"

    def test_a_public_idea_of_a_draft_workshop_does_not_name_it(
        self, workshop: dict[str, Any]
    ) -> None:
        Idea(workshop=workshop["id"])
        call_action("package_patch", id=workshop["id"], state="draft")
        assert choices(factories.Sysadmin()["name"])[0]["workshop"] is None
        assert names(q="alzatate") == []

    def test_drafts_and_deleted_ones_are_not_offered(self, workshop: dict[str, Any]) -> None:
        Idea(workshop=workshop["id"], state="draft")
        call_action("package_delete", id=Idea(workshop=workshop["id"])["id"])
        assert names(factories.Sysadmin()["name"]) == []


class TestQuickCreate:
    def test_the_idea_is_proposed_for_the_officers_municipality(
        self, workshop: dict[str, Any], muni: dict[str, Any]
    ) -> None:
        made = quick(
            officer(muni["id"])["name"], workshop=workshop["name"], data_need="Caudal nocturno"
        )
        assert made["status"] == "proposed"
        assert made["municipality"] == ["2105"]
        assert made["workshop"]["id"] == workshop["id"]
        assert made["data_need"][0]["what"] == "Caudal nocturno"
        assert made["data_need"][0]["id"]
        shown = call_action("package_show", id=made["id"])
        assert shown["owner_org"] == muni["id"]
        assert (shown["name"], shown["title"]) == ("medir-los-pozos", "Medir los pozos")
        assert not shown["private"]

    def test_the_idea_is_of_the_officers_municipality_even_if_not_the_first(
        self, workshop: dict[str, Any]
    ) -> None:
        jalapa = Municipality(municipality_code="2101")
        made = quick(officer(jalapa["id"])["name"], workshop=workshop["id"])
        assert made["municipality"] == ["2101"]
        assert call_action("package_show", id=made["id"])["owner_org"] == jalapa["id"]

    def test_an_idea_of_the_coordinating_body_is_for_all_municipalities_of_the_workshop(
        self, workshop: dict[str, Any], muni: dict[str, Any]
    ) -> None:
        editor = officer(CoordinatingBody()["id"])["name"]
        made = quick(editor, workshop=workshop["id"])
        assert made["municipality"] == ["2105", "2101"]
        assert call_action("package_show", id=made["id"])["owner_org"] == muni["id"]

    def test_the_convener_may_add_an_idea_for_a_municipality_not_on_the_site(self) -> None:
        convener = CivilSociety()["id"]
        workshop = Workshop(owner_org=convener, municipality=["0101"])["id"]
        made = quick(officer(convener)["name"], workshop=workshop)
        assert call_action("package_show", id=made["id"])["owner_org"] == convener

    def test_same_titles_get_different_addresses(
        self, workshop: dict[str, Any], muni: dict[str, Any]
    ) -> None:
        editor = officer(muni["id"])["name"]
        made = [quick(editor, workshop=workshop["id"])["name"] for _ in range(3)]
        assert made == ["medir-los-pozos", "medir-los-pozos-2", "medir-los-pozos-3"]

    @pytest.mark.parametrize("title", ["¿?", "水", "x" * 300, "a"])
    def test_every_title_gives_a_valid_name(
        self, workshop: dict[str, Any], muni: dict[str, Any], title: str
    ) -> None:
        made = quick(officer(muni["id"])["name"], workshop=workshop["id"], title=title)
        assert 2 <= len(made["name"]) <= 100

    def test_other_roles_may_not_create_an_idea(self, workshop: dict[str, Any]) -> None:
        strangers = [
            officer(Municipality(municipality_code="0101")["id"])["name"],
            officer(CivilSociety()["id"])["name"],
            officer(CoordinatingBody()["id"], "member")["name"],
            factories.User()["name"],
            "",
        ]
        for user in strangers:
            with pytest.raises((tk.NotAuthorized, tk.ValidationError)) as caught:
                quick(user, workshop=workshop["id"], municipality="2105")
            if isinstance(caught.value, tk.ValidationError):
                assert set(caught.value.error_dict) == {"workshop"}
        assert names() == []

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            ({"title": ""}, "title"),
            ({"title": None}, "title"),
            ({"service_problem": ""}, "service_problem"),
            ({"service_problem": "XXX-99"}, "service_problem"),
            ({"workshop": ""}, "workshop"),
            ({"workshop": None}, "workshop"),
            ({"workshop": "no-such"}, "workshop"),
            ({"workshop": {"id": 1}}, "workshop"),
            ({"municipality": "Jalapa"}, "municipality"),
            ({"municipality": "0101"}, "municipality"),
        ],
        ids=str,
    )
    def test_missing_and_wrong_values_are_errors_at_their_fields(
        self, workshop: dict[str, Any], muni: dict[str, Any], data: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            quick(officer(muni["id"])["name"], **{"workshop": workshop["id"], **data})
        assert field in caught.value.error_dict
        assert not set(caught.value.error_dict) & {"name", "owner_org", "type", "status"}

    def test_a_hidden_and_an_unknown_workshop_give_the_same_error(
        self, muni: dict[str, Any]
    ) -> None:
        hidden = Workshop(private=True)["id"]
        editor = officer(muni["id"])["name"]
        errors = []
        for workshop in (hidden, "00000000-0000-0000-0000-000000000000"):
            with pytest.raises(tk.ValidationError) as caught:
                quick(editor, workshop=workshop)
            errors.append(str(caught.value.error_dict).replace(workshop, ""))
        assert errors[0] == errors[1]
