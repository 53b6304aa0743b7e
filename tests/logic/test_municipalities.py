"""Municipalities are added by their INE codes."""

from __future__ import annotations

from typing import Any

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.marathon.domain import texts
from ckanext.marathon.logic import permissions
from tests.factories import CoordinatingBody, Municipality, officer
from tests.remembered import remembered

pytestmark = pytest.mark.usefixtures("marathon_site")


def add(*codes: Any, user: str | None = None) -> list[dict[str, Any]]:
    context = {"user": user, "ignore_auth": False} if user else {"ignore_auth": True, "user": ""}
    return call_action("marathon_municipality_create", context=context, codes=list(codes))


@pytest.fixture
@remembered
def coordinator() -> str:
    return officer(CoordinatingBody()["id"], "admin")["name"]


class TestMunicipalityCreate:
    def test_creates_the_organisation_with_code_title_address_and_role(self) -> None:
        (result,) = add("2105")
        assert result["status"] == "created"
        shown = call_action("organization_show", id="san-carlos-alzatate")
        assert shown["id"] == result["organization"]["id"]
        assert shown["title"] == "Municipalidad de San Carlos Alzatate"
        assert shown["municipality_code"] == "2105"
        assert shown["role"] == "municipality"

    def test_an_existing_municipality_has_the_status_existed(self) -> None:
        (first,) = add("2105")
        (second,) = add("2105")
        assert second["status"] == "existed"
        assert second["organization"] == first["organization"]

    def test_a_new_municipality_has_no_members(self, coordinator: str) -> None:
        (result,) = add("2105", user=coordinator)
        members = call_action("member_list", id=result["organization"]["id"], object_type="user")
        assert members == []

    def test_a_wrong_code_does_not_stop_the_others(self) -> None:
        results = add("2105", "9999", "Jalapa", "2101")
        assert [r["status"] for r in results] == ["created", "failed", "failed", "created"]
        assert "9999" in results[1]["error"]
        assert "four digits" in results[2]["error"]

    @pytest.mark.parametrize(("given", "code"), [(115, "0115"), ("२१०५", "2105")])
    def test_a_number_and_other_digits_are_repaired_with_a_notice(
        self, given: Any, code: str
    ) -> None:
        (result,) = add(given)
        assert (result["code"], result["status"]) == (code, "created")
        assert str(given) in result["notice"]

    def test_codes_may_come_as_text(self) -> None:
        found = call_action("marathon_municipality_create", codes=" 2105, 2101\n0115 ")
        assert [r["code"] for r in found] == ["2105", "2101", "0115"]

    @pytest.mark.parametrize("codes", [None, "", [], [""], {"2105": 1}, 2105.5])
    def test_missing_codes_are_an_error_at_codes(self, codes: Any) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            call_action("marathon_municipality_create", codes=codes)
        assert set(caught.value.error_dict) == {"codes"}

    @pytest.mark.parametrize("code", [{}, [], True, "0'); drop table x", "9" * 5000])
    def test_a_malformed_code_fails_with_a_short_message(self, code: Any) -> None:
        right, malformed = add("2105", code)
        assert right["status"] == "created"
        assert (malformed["status"], malformed["organization"]) == ("failed", None)
        assert "four digits" in malformed["error"]
        assert len(malformed["code"]) <= texts.SHOWN

    def test_an_organisation_of_that_name_without_a_code_is_not_duplicated(self) -> None:
        existing = factories.Organization(name="san-carlos-alzatate", title="Muni San Carlos")
        (result,) = add("2105")
        assert result["status"] == "failed"
        assert "Muni San Carlos" in result["error"]
        call_action("organization_patch", id=existing["id"], municipality_code="2105")
        (again,) = add("2105")
        assert (again["status"], again["organization"]["id"]) == ("existed", existing["id"])

    def test_a_deleted_organisation_of_that_name_does_not_prevent_it(self) -> None:
        (first,) = add("2105")
        call_action("organization_delete", id=first["organization"]["id"])
        (second,) = add("2105")
        assert second["status"] == "created"
        assert second["organization"]["name"] == "san-carlos-alzatate-2105"

    def test_a_municipality_made_with_organization_create_counts_as_existing(self) -> None:
        made = Municipality(municipality_code="2105")
        (result,) = add("2105")
        assert (result["status"], result["organization"]["id"]) == ("existed", made["id"])


class TestOrganizationCreateByTheCoordinatingBody:
    def test_a_coordinating_admin_does_not_become_a_member(self, coordinator: str) -> None:
        created = call_action(
            "organization_create",
            context={"user": coordinator, "ignore_auth": False},
            name="jalapa",
            title="Jalapa",
            municipality_code="2101",
        )
        assert permissions.read_standing(coordinator).capacities.get(created["id"]) is None

    def test_a_sysadmin_becomes_admin_as_in_ckan(self) -> None:
        sysadmin = factories.Sysadmin()["name"]
        created = call_action(
            "organization_create",
            context={"user": sysadmin, "ignore_auth": False},
            name="jalapa",
            role="municipality",
            municipality_code="2101",
        )
        members = call_action("member_list", id=created["id"], object_type="user")
        assert [m[0] for m in members] == [model.User.get(sysadmin).id]
