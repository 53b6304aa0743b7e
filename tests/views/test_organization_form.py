"""Only people who may set the reserved fields of an organisation get inputs for them."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action

from tests.factories import officer
from tests.visitors import shown_values

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

RESERVED = {"role", "municipality_code", "pilot"}
PATH = "/organization/edit/villa-nueva"


def fields_of(reader: Reader) -> dict[str, list[str]]:
    form = reader.page(PATH).select_one("form.dataset-form")
    assert form
    return shown_values(form)


def save(reader: Reader, **changed: Any) -> dict[str, Any]:
    answer = reader.post(PATH, {**fields_of(reader), **changed, "save": ""})
    assert answer.status_code == 302, answer.text[:2000]
    return call_action("organization_show", id="villa-nueva")


def test_an_admin_of_the_organisation_edits_the_other_fields_without_loss(
    reader: Any, villa_nueva: dict[str, Any]
) -> None:
    admin = reader(officer(villa_nueva["id"], "admin"))
    assert not RESERVED & fields_of(admin).keys()
    assert "Villa Nueva</a> (0115)" in admin.get(PATH).text
    after = save(admin, description="We publish water data.")
    assert after["description"] == "We publish water data."
    assert (after["role"], after["municipality_code"]) == ("municipality", "0115")


def test_the_coordinating_body_sees_code_and_pilot_and_sets_the_pilot(
    coordinator: Reader, villa_nueva: dict[str, Any]
) -> None:
    assert RESERVED & fields_of(coordinator).keys() == {"municipality_code", "pilot"}
    assert save(coordinator, pilot="true")["pilot"]
    assert not save(coordinator, pilot="false")["pilot"]


def test_a_system_administrator_sets_the_role(reader: Any, villa_nueva: dict[str, Any]) -> None:
    admin = reader(factories.Sysadmin())
    assert fields_of(admin).keys() >= RESERVED
    after = save(admin, role="other_public_body", municipality_code="")
    assert after["role"] == "other_public_body"
