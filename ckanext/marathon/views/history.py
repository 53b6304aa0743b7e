"""Who changed what: a page of an organisation, one of all that somebody sees, both as files too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, make_response, request
from flask import Response as FlaskResponse

from ckanext.marathon.spreadsheets.table import (
    XLSX,
    Cell,
    Column,
    ColumnType,
    Table,
    join_values,
    write_workbook,
)

from . import tables
from .history_words import ACTIONS, KINDS, ORIGINS, describe_entry

history = Blueprint("marathon_history", __name__)

FILTERS = ("record", "user", "kind", "action", "origin", "from", "until")
# Rows of a file; what is older is had with «until».
MOST_EXPORTED, AT_ONCE = 50_000, 1_000


def everything() -> Response:
    """Show the changes of all that this person looks after."""
    return _page(None)


def organization(id: str) -> Response:
    """Show the changes of an organisation."""
    return _page(id)


def everything_csv() -> Response:
    """Return the changes of all that this person looks after as CSV."""
    return _file(None, "csv")


def organization_csv(id: str) -> Response:
    """Return the changes of an organisation as CSV."""
    return _file(id, "csv")


def everything_xlsx() -> Response:
    """Return the changes of all that this person looks after as a workbook."""
    return _file(None, "xlsx")


def organization_xlsx(id: str) -> Response:
    """Return the changes of an organisation as a workbook."""
    return _file(id, "xlsx")


def _page(organization_id: str | None) -> Response:
    asked = _asked()
    before = request.args.get("before", "")
    found: dict[str, Any] = {"results": [], "next": None}
    errors: dict[str, Any] = {}
    try:
        owner = _owner(organization_id)
        found = _list({**asked, "before": before}, organization_id)
    except tk.NotAuthorized:
        return _refuse()
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("There is no such organisation"))
    except tk.ValidationError as error:
        errors = error.error_dict
        owner = _owner(organization_id)
    page = tk.render(
        "marathon/history/index.html",
        {
            "owner": owner,
            "rows": [describe_entry(each) for each in found["results"]],
            "asked": {name: request.args.get(name, "") for name in FILTERS},
            "is_filtered": bool(asked),
            "errors": {
                field: " ".join(texts) for field, texts in errors.items() if field != "__type"
            },
            "choices": [
                (name, label, [(value, tk._(text)) for value, text in texts.items()])
                for name, label, texts in (
                    ("kind", tk._("Kind"), KINDS),
                    ("action", tk._("What happened"), ACTIONS),
                    ("origin", tk._("By what way"), ORIGINS),
                )
            ],
            "addresses": _addresses(owner, asked, before, found["next"]),
        },
    )
    return make_response(page, 400 if errors else 200)


def _file(organization_id: str | None, extension: str) -> Response:
    # No cache may keep the redirect that sends a visitor to log in, and give it to an officer.
    request.environ["__no_cache__"] = True
    try:
        owner = _owner(organization_id)
        rows = _all_rows(_asked(), organization_id)
    except tk.NotAuthorized:
        return _refuse()
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("There is no such organisation"))
    except tk.ValidationError:
        return _page(organization_id)
    name = f"changes-{owner['name']}" if owner else "changes"
    table = Table(name, tk._("Changes"), _columns(), rows)
    if extension == "csv":
        answer = tables.csv(table)
    else:
        answer = FlaskResponse(write_workbook([table]), content_type=XLSX)
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _list(asked: dict[str, Any], organization_id: str | None) -> dict[str, Any]:
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    data = {**asked, **({"organization": organization_id} if organization_id else {})}
    return tk.get_action("marathon_change_list")(context, data)


def _owner(organization_id: str | None) -> dict[str, Any] | None:
    """Return id, name and title of the organisation.

    Raises:
        NotAuthorized: it is not this person's to read, existence included.
    """
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    tk.check_access(
        "marathon_change_list",
        context,
        {"organization": organization_id} if organization_id else {},
    )
    if not organization_id:
        return None
    shown = tk.h.get_organization(organization_id, include_datasets=False)
    if not shown:
        raise tk.ObjectNotFound
    return {"id": shown["id"], "name": shown["name"], "title": shown["title"] or shown["name"]}


def _asked() -> dict[str, str]:
    return {name: value for name in FILTERS if (value := request.args.get(name, "").strip())}


def _addresses(
    owner: dict[str, Any] | None, asked: dict[str, str], before: str, older: int | None
) -> dict[str, str]:
    """Return where the same is as a file, and where older and the newest changes are."""
    endpoint = "organization" if owner else "everything"
    where = {"id": owner["name"]} if owner else {}

    def address(view: str, **more: Any) -> str:
        return tk.h.url_for(f"marathon_history.{view}", **where, **asked, **more)

    return {
        "own": tk.h.url_for(f"marathon_history.{endpoint}", **where),
        "csv": address(f"{endpoint}_csv"),
        "xlsx": address(f"{endpoint}_xlsx"),
        "newest": address(endpoint) if before else "",
        "older": address(endpoint, before=older) if older else "",
    }


def _refuse() -> Response:
    if not current_user.is_authenticated:
        return tk.redirect_to("user.login", came_from=request.full_path.removesuffix("?"))
    return tk.abort(403, tk._("Only members of the organisation see who changed what"))


def _columns() -> list[Column]:
    return [
        Column("number", tk._("Number"), type=ColumnType.INTEGER),
        Column("at", tk._("When"), type=ColumnType.DATETIME),
        Column("user", tk._("Who")),
        Column("user_id", tk._("Id of the account")),
        Column("origin", tk._("By what way")),
        Column("kind", tk._("Kind")),
        Column("action", tk._("What happened")),
        Column("record", tk._("Id")),
        Column("title", tk._("Title")),
        Column("parent", tk._("Belongs to")),
        Column("organization", tk._("Organization")),
        Column("former_organization", tk._("Former organisation")),
        Column("changes", tk._("Fields that changed")),
    ]


def _all_rows(asked: dict[str, str], organization_id: str | None) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    before: int | None = None
    while len(rows) < MOST_EXPORTED:
        found = _list({**asked, "limit": AT_ONCE, "before": before}, organization_id)
        rows += map(_cells, found["results"])
        before = found["next"]
        if before is None:
            break
    return rows


def _cells(entry: dict[str, Any]) -> list[Cell]:
    return [
        entry["number"],
        datetime.fromisoformat(entry["at"]),
        entry["user"]["name"],
        entry["user"]["id"],
        entry["origin"],
        entry["kind"],
        entry["action"],
        entry["record"],
        entry["title"],
        entry["parent_title"] or entry["parent"],
        *(
            (each or {}).get("name")
            for each in (entry["organization"], entry["former_organization"])
        ),
        join_values(_words(entry["changes"])),
    ]


def _words(changes: list[dict[str, Any]]) -> Iterator[str]:
    for each in changes:
        if each["old"] is None and each["new"] is None:
            yield each["field"]
        else:
            yield f"{each['field']}: {_plain(each['old'])} → {_plain(each['new'])}"


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


history.add_url_rule("/marathon/changes", view_func=everything)
history.add_url_rule("/marathon/changes.csv", view_func=everything_csv)
history.add_url_rule("/marathon/changes.xlsx", view_func=everything_xlsx)
history.add_url_rule("/organization/<id>/changes", view_func=organization)
history.add_url_rule("/organization/<id>/changes.csv", view_func=organization_csv)
history.add_url_rule("/organization/<id>/changes.xlsx", view_func=organization_xlsx)
