"""The table of docs/permissions.md, cell by cell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.types import Context

from ckanext.marathon.logic import permissions
from tests.logic import auth_world

DOCS = Path(__file__).parents[2] / "docs" / "permissions.md"
SETTINGS = {
    "ckan.auth.user_create_organizations": "false",
    "ckan.auth.user_delete_organizations": "false",
    "ckan.auth.user_create_groups": "false",
    "ckan.auth.public_user_details": "false",
}


class Row(NamedTuple):
    what: str
    action: str
    allowed: dict[str, bool]


def rows() -> list[Row]:
    lines = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in DOCS.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    start = next(n for n, cells in enumerate(lines) if cells[:2] == ["what", "action"])
    columns = lines[start][2:]
    found = []
    for what, action, *cells in lines[start + 2 :]:
        assert len(cells) == len(columns), what
        assert set(cells) <= {"", "✓"}, what
        allowed = {column: cell == "✓" for column, cell in zip(columns, cells, strict=True)}
        found.append(Row(what, action.strip("`"), allowed))
    return found


def may(action: str, user: str | None, data: dict[str, Any]) -> bool:
    person = model.User.get(user) if user else None
    context = Context(user=user or "", auth_user_obj=person)
    if action.startswith("may_"):
        return getattr(permissions, action)(context)
    try:
        tk.check_access(action, context, data)
    except tk.NotAuthorized:
        return False
    return True


def mistakes(world: auth_world.World) -> Iterator[str]:
    checks = auth_world.checks(world.ids)
    for row in rows():
        for column, expected in row.allowed.items():
            got = may(row.action, world.people[column], checks[row.what]())
            if got is not expected:
                wanted = "allowed" if expected else "refused"
                yield f"{row.action} {row.what}: {column} should be {wanted}"


def test_the_table_names_every_person_and_action_kind() -> None:
    table = rows()
    assert len(table) > 60
    assert list(table[0].allowed) == ["SA", "CA", "CE", "CM", "MA", "ME", "MM", "OE", "U", "–"]
    ours = {name for name in permissions_actions() if name.startswith("marathon_")}
    assert ours <= {row.action for row in table}
    assert len({(row.what, row.action) for row in table}) == len(table)


def permissions_actions() -> list[str]:
    from ckanext.marathon.logic import auth

    return list(auth.collect_auth_functions())


def test_the_docs_name_the_settings_that_the_table_assumes() -> None:
    said = dict(re.findall(r"^(ckan\.auth\.\w+) = (\w+)$", DOCS.read_text("utf-8"), re.M))
    assert said == SETTINGS


@pytest.fixture
def strict_settings(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.setitem(ckan_config, name, False)


@pytest.mark.usefixtures("marathon_site", "strict_settings", "with_request_context")
def test_every_role_has_exactly_the_permissions_of_the_table() -> None:
    assert list(mistakes(auth_world.build())) == []
