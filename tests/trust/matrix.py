"""Every action, asked for everybody: may they? As a table, docs/permission-matrix.csv."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import logic, model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action
from ckan.types import Context

from tests.trust.secrets import STATES, Secrets

TABLE = Path(__file__).parents[2] / "docs" / "permission-matrix.csv"

# Column of docs/permissions.md → who it is in the world of tests/trust/secrets.py.
COLUMNS = {
    "SA": "sysadmin",
    "CA": "coordinating admin",
    "CE": "coordinating editor",
    "CM": "coordinating member",
    "MA": "admin",
    "ME": "editor",
    "MM": "member",
    "OE": "editor of another",
    "U": "registered",
    "–": "anonymous",
}
# Actions on a record (by its id), on a file, on a view; asked for each state of a record.
RECORD = ("package_", "dataset_", "follow_dataset", "unfollow_dataset", "am_following_dataset")
FILE, VIEW = ("resource_",), ("resource_view_",)
NOT_OF_ONE = (
    *("package_list", "package_search", "package_autocomplete", "resource_search"),
    *("package_collaborator_list_for_user", "dataset_followee_list", "dataset_followee_count"),
    "resource_view_type_list",
)
# There is no rule of that name: the action asks for another one, or for none.
UNCHECKED = "no rule of its own"

# Its rule is asked with the relationship itself, after those of both records.
BY_ACTION_ONLY = ("package_relationship_delete",)

Row = tuple[str, str]
Matrix = dict[Row, dict[str, bool]]


def known_actions() -> list[str]:
    """Return the name of every action that the site has, those of ckanext-activity too."""
    from ckanext.activity.logic import action as activity

    tk.get_action("status_show")
    return sorted({*logic._actions, *(n for n in vars(activity) if n.startswith(_ACTIVITY))})


_ACTIVITY = ("activity_", "user_activity", "package_activity", "group_activity", "organization_act")
_ACTIVITY += ("recently_changed", "dashboard_", "send_email")


def ask_everybody(world: Secrets) -> Matrix:
    """Return for each action, and each state of what it is about, who may."""
    ids = make_rest(world)
    found: Matrix = {}
    found.update({(each, UNCHECKED): dict.fromkeys(COLUMNS, True) for each in BY_ACTION_ONLY})
    for action in known_actions():
        if action in BY_ACTION_ONLY:
            continue
        for what, data in targets(action, world, ids):
            answers = {
                column: ask_one(action, world.people[who], dict(data))
                for column, who in COLUMNS.items()
            }
            if None in answers.values():
                found[action, UNCHECKED] = dict.fromkeys(COLUMNS, True)
                break
            found[action, what] = {column: bool(each) for column, each in answers.items()}
    return found


def ask_one(action: str, user: str, data: dict[str, Any]) -> bool | None:
    """Return whether somebody may, ``None`` where the action has no rule of its own name."""
    context = Context(user=user, auth_user_obj=model.User.get(user) if user else None)
    try:
        tk.check_access(action, context, data)
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return False
    except AssertionError:
        # CKAN takes it for granted that somebody is logged in.
        return False
    except ValueError:
        return None
    return True


def make_rest(world: Secrets) -> dict[str, str]:
    """Make what actions are about besides records, and files with views of the records."""
    ids: dict[str, str] = {"group": core.Group()["id"], "user": core.User()["name"]}
    for kind in ("dataset", "idea"):
        for state in ("public", *STATES):
            package = model.Package.get(world.records[kind, state])
            assert package
            ids[f"file {kind} {state}"] = package.resources_all[0].id
            view = model.ResourceView(
                resource_id=package.resources_all[0].id, title="x", view_type="x", order=0
            )
            model.Session.add(view)
            model.Session.flush()
            ids[f"view {kind} {state}"] = view.id
    model.repo.commit()
    tag = call_action("vocabulary_create", name="vocabulary")
    return {**ids, "vocabulary": tag["id"]}


def targets(
    action: str, world: Secrets, ids: dict[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what an action is asked about, in words, and the data that says so."""
    is_of_one = action.startswith((*RECORD, *FILE)) and action not in NOT_OF_ONE
    if is_of_one and action not in ("package_create", "package_create_rest"):
        for kind in ("dataset", "idea"):
            for state in ("public", *STATES):
                record, file = world.records[kind, state], ids[f"file {kind} {state}"]
                own = {"package_id": record, "resource_id": file, "dataset_id": record}
                own |= {"subject": record, "object": record, "package": {"id": record}}
                own |= {"match": {"id": record}, "match__id": record, "update": {"id": record}}
                own |= {"resource": {"id": file, "package_id": record}}
                named = record
                if action.startswith(VIEW) and action != "resource_view_list":
                    named = ids[f"view {kind} {state}"]
                elif action.startswith(FILE):
                    named = file
                yield f"{kind}, {state}", {**rest(world, ids), **own, "id": named}
    elif action.startswith(("organization_", "bulk_", "member_")):
        yield "M", {**rest(world, ids), "id": world.municipality}
    elif action.startswith("user_") or action.endswith(("_user", "user_list")):
        yield "another's account", {**rest(world, ids), "id": ids["user"]}
    elif action.startswith("group_"):
        yield "another's group", {**rest(world, ids), "id": ids["group"]}
    elif action == "package_create":
        for kind in ("dataset", "idea"):
            yield f"{kind} of M", {**rest(world, ids), "type": kind}
    else:
        yield "", {**rest(world, ids), "id": world.records["idea", "public"]}


def rest(world: Secrets, ids: dict[str, str]) -> dict[str, Any]:
    """Return what actions ask for besides ``id``."""
    return {
        "org_id": world.municipality,
        "organization_id": world.municipality,
        "organization": world.municipality,
        "owner_org": world.municipality,
        "group_id": world.municipality,
        "user": ids["user"],
        "user_id": ids["user"],
        "username": ids["user"],
        "object": ids["user"],
        "object_type": "user",
        "capacity": "editor",
        "role": "editor",
        "email": "ana@example.gt",
        "name": "nueva",
        "title": "x",
        "codes": ["2105"],
        "workshop": world.records["workshop", "public"],
        "datasets": [world.records["dataset", "public"]],
        "vocabulary_id": ids["vocabulary"],
        "jti": "x",
        "owner_type": "organization",
        "owner_id": world.municipality,
    }


def read_table() -> Matrix:
    """Return the table of the docs."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return {
            (row["action"], what): {column: row[column] == "yes" for column in COLUMNS}
            for row in csv.DictReader(lines)
            for what in row["what"].split("; ")
        }


def write_table(found: Matrix) -> None:
    """Write the table of the docs; what is the same for several states is one row."""
    rows: dict[tuple[str, tuple[bool, ...]], list[str]] = {}
    for (action, what), answers in found.items():
        rows.setdefault((action, tuple(answers.values())), []).append(what)
    with TABLE.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["action", "what", *COLUMNS])
        for (action, answers), several in rows.items():
            cells = ["yes" if each else "" for each in answers]
            writer.writerow([action, "; ".join(several), *cells])
