from __future__ import annotations

from typing import Any

import pytest
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.model import municipality, package
from tests import factories
from tests.logic.asking import act, refused


@pytest.mark.usefixtures("marathon_site")
class TestCodes:
    def test_a_code_is_unique_within_organisation_and_type(self) -> None:
        workshop = factories.Workshop(code="2105-1")
        user = factories.officer(workshop["owner_org"])
        other = factories.Workshop(owner_org=workshop["owner_org"])
        errors = refused("package_patch", user, id=other["id"], code=" 2105-1 ")
        assert list(errors) == ["code"]
        assert workshop["title"] in errors["code"][0]
        # Another type, another organisation: another list of codes.
        idea = factories.Idea(workshop=workshop["id"], code="2105-1")
        elsewhere = factories.Workshop(code="2105-1")
        assert idea["code"] == elsewhere["code"] == "2105-1"
        assert (
            package.find_code_holder(workshop["owner_org"], "workshop", "2105-1") == workshop["id"]
        )

    def test_several_records_may_have_no_code(self) -> None:
        organization = factories.Municipality()
        for _ in range(2):
            assert factories.Workshop(owner_org=organization["id"], code="")["code"] == ""

    def test_an_edit_keeps_the_code_and_a_change_frees_it(self) -> None:
        first = factories.Workshop(code="T-1")
        call_action("package_patch", id=first["id"], title="Otro")
        call_action("package_patch", id=first["id"], code="T-2")
        second = factories.Workshop(code="T-1", owner_org=first["owner_org"])
        assert package.find_code_holder(first["owner_org"], "workshop", "T-1") == second["id"]

    def test_a_code_moves_with_its_record_to_another_organisation(self) -> None:
        first, second = factories.Workshop(code="T-1"), factories.Workshop(code="T-1")
        admin = core.Sysadmin()
        move = {"id": first["id"], "owner_org": second["owner_org"]}
        assert list(refused("package_patch", admin, **move)) == ["code"]
        target = {"id": first["id"], "organization_id": second["owner_org"]}
        assert list(refused("package_owner_org_update", admin, **target)) == ["code"]
        assert model.Package.get(first["id"]).owner_org == first["owner_org"]
        free = factories.Municipality()["id"]
        act("package_owner_org_update", admin, id=first["id"], organization_id=free)
        assert package.find_code_holder(free, "workshop", "T-1") == first["id"]
        assert package.find_code_holder(first["owner_org"], "workshop", "T-1") is None


@pytest.mark.usefixtures("marathon_site")
class TestMunicipalityOfAnOrganization:
    @pytest.mark.parametrize("given", ["9999", "abc", ["0101"], {"a": 1}, "\x00", True])
    def test_an_unknown_municipality_code_is_refused(self, given: Any) -> None:
        errors = refused(
            "organization_create", core.Sysadmin(), name="muni", municipality_code=given
        )
        assert list(errors) == ["municipality_code"]

    def test_a_municipality_has_at_most_one_organisation(self) -> None:
        first = factories.Municipality(municipality_code="501")
        assert first["municipality_code"] == "0501"
        errors = refused(
            "organization_create", core.Sysadmin(), name="otra", municipality_code="0501"
        )
        assert first["title"] in errors["municipality_code"][0]
        assert municipality.find_municipality("0501") == first["id"]

    def test_an_edit_keeps_the_code_and_a_change_frees_it(self) -> None:
        first = factories.Municipality(municipality_code="0501")
        call_action("organization_patch", id=first["id"], title="Otro nombre")
        assert municipality.find_municipality("0501") == first["id"]
        call_action("organization_patch", id=first["id"], municipality_code="0502")
        assert (municipality.find_municipality("0501"), municipality.find_municipality("0502")) == (
            None,
            first["id"],
        )
        call_action("organization_patch", id=first["id"], municipality_code="")
        assert municipality.find_municipality("0502") is None

    def test_a_form_without_the_fields_keeps_them(self) -> None:
        organization = factories.Municipality(pilot=True)
        call_action(
            "organization_update", id=organization["id"], name=organization["name"], title="Otro"
        )
        shown = call_action("organization_show", id=organization["id"])
        assert shown["municipality_code"] == organization["municipality_code"]
        assert shown["role"] == "municipality"
        assert shown["pilot"] is True

    def test_several_organisations_may_have_no_code(self) -> None:
        for _ in range(2):
            assert factories.NationalBody().get("municipality_code", "") == ""


@pytest.mark.usefixtures("marathon_site")
class TestReservedFields:
    CHANGES = (
        ("role", "other_public_body"),
        ("municipality_code", "0101"),
        ("pilot", True),
    )

    @pytest.mark.parametrize(("field", "value"), CHANGES)
    def test_an_admin_of_the_organisation_cannot_set_them(self, field: str, value: Any) -> None:
        organization = factories.Municipality(municipality_code="2105")
        admin = factories.officer(organization["id"], "admin")
        errors = refused("organization_patch", admin, id=organization["id"], **{field: value})
        assert list(errors) == [field]
        shown = act("organization_show", admin, id=organization["id"])
        act("organization_update", admin, **{**shown, "title": "Otro nombre"})

    @pytest.mark.parametrize(("field", "value"), CHANGES)
    def test_a_sysadmin_can_set_them_all(self, field: str, value: Any) -> None:
        organization = factories.Municipality(municipality_code="2105")
        act("organization_patch", core.Sysadmin(), id=organization["id"], **{field: value})
        shown = call_action("organization_show", id=organization["id"])
        assert shown[field] == value

    def test_a_coordinating_admin_can_set_the_municipality_but_not_the_role(self) -> None:
        organization = factories.Municipality(municipality_code="2105")
        admin = factories.officer(factories.CoordinatingBody()["id"], "admin")
        data = {"id": organization["id"], "municipality_code": "0101", "pilot": True}
        act("organization_patch", admin, **data)
        errors = refused("organization_patch", admin, id=organization["id"], role="civil_society")
        assert list(errors) == ["role"]
