"""Officers tick which organisations came to a workshop."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.tests.helpers import call_action

from tests.factories import Workshop

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

INVITED = [
    {"organisation": "Comité A", "invited_on": "2024-05-01", "answer": "accepted"},
    {"organisation": "Escuela B"},
    {"organisation": "Escuela B", "attended": "no"},
]


@pytest.fixture
def workshop(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    return Workshop(owner_org=villa_nueva["id"], invitation=INVITED)


def invitations(workshop: dict[str, Any]) -> list[dict[str, Any]]:
    shown = call_action("package_show", id=workshop["id"], context={"use_cache": False})
    return list(shown["invitation"])


def names(page: Any) -> list[str]:
    return [field["value"] for field in page.select("input[name=organisation]")]


def test_ticks_are_saved_and_everything_else_stays(
    editor: Reader, workshop: dict[str, Any]
) -> None:
    path = f"/workshop/{workshop['name']}/attendance"
    page = editor.page(path)
    assert page.select("input[name=attended-2][value=no]")[0].has_attr("checked")
    sent = {
        "organisation": names(page),
        "attended-0": "yes",
        "attended-1": "",
        "attended-2": "yes",
        "other": ["Sin invitación", ""],
    }
    answer = editor.post(path, sent)
    assert answer.status_code == 302, answer.text
    assert invitations(workshop) == [
        {**INVITED[0], "attended": "yes"},
        INVITED[1],
        {**INVITED[2], "attended": "yes"},
        {"organisation": "Sin invitación", "attended": "yes"},
    ]


def test_ticks_of_a_list_that_somebody_changed_are_not_saved(
    editor: Reader, workshop: dict[str, Any]
) -> None:
    path = f"/workshop/{workshop['name']}/attendance"
    sent = {"organisation": names(editor.page(path)), "attended-0": "yes", "other": "Otra"}
    call_action("package_patch", id=workshop["id"], invitation=INVITED[1:])
    answer = editor.post(path, sent)
    assert answer.status_code == 409
    assert 'value="Otra"' in answer.text
    assert invitations(workshop) == INVITED[1:]


def test_a_refused_name_is_explained_and_kept(editor: Reader, workshop: dict[str, Any]) -> None:
    path = f"/workshop/{workshop['name']}/attendance"
    sent = {"organisation": names(editor.page(path)), "attended-1": "yes", "other": "a@example.gt"}
    answer = editor.post(path, sent)
    assert answer.status_code == 400
    assert 'value="a@example.gt"' in answer.text
    assert invitations(workshop) == INVITED


def test_only_those_who_may_edit_the_workshop_see_the_ticks(
    visitor: Reader, coordinator: Reader, reader: Any, workshop: dict[str, Any]
) -> None:
    path = f"/workshop/{workshop['name']}/attendance"
    assert visitor.get(path).status_code in {302, 403}
    assert visitor.post(path, {"other": "x"}).status_code in {302, 403}
    assert coordinator.get(path).status_code == 200
    assert invitations(workshop) == INVITED


def test_other_records_have_no_attendance(editor: Reader) -> None:
    assert editor.get("/workshop/no-such/attendance").status_code == 404
