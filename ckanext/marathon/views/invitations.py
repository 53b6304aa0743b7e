"""For those who invite: which organisations have not answered, by deadline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, request

from ckanext.marathon.spreadsheets.table import Cell, Column, ColumnType, Table

from . import tables

invitations = Blueprint("marathon_invitation", __name__)


def index() -> Response | str:
    """List the organisations that have not answered, workshop by workshop."""
    refused, found = _listed()
    if refused:
        return refused
    return tk.render(
        "marathon/agenda/invitations.html",
        {
            "rows": found,
            "unanswered": sum(len(each["unanswered"]) for each in found),
            "with_past": bool(_asked()),
        },
    )


def table() -> Response:
    """Return the list as CSV, an organisation a line."""
    refused, found = _listed()
    if refused:
        return refused
    columns = [
        Column("workshop", tk._("Workshop")),
        Column("workshop_name", tk._("Address on this site")),
        Column("starts_at", tk._("Starts")),
        Column("convened_by", tk._("Convened by")),
        Column("rsvp_by", tk._("Confirm by"), type=ColumnType.DATE),
        Column("overdue", tk._("Overdue")),
        Column("organisation", tk._("Organisation invited")),
        Column("invited_on", tk._("Invited on"), type=ColumnType.DATE),
    ]
    return tables.csv(Table("invitations", tk._("Not answered yet"), columns, _cells(found)))


def _cells(found: list[dict[str, Any]]) -> Iterator[list[Cell]]:
    for row in found:
        for each in row["unanswered"]:
            yield [
                row["workshop"]["title"],
                row["workshop"]["name"],
                row["workshop"]["starts_at"],
                row["organization"]["title"] if row["organization"] else "",
                tables.day(row["rsvp_by"]),
                "yes" if row["overdue"] else "no",
                each["organisation"],
                tables.day(each["invited_on"]),
            ]


def _listed() -> tuple[Response | None, list[dict[str, Any]]]:
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    # No cache may keep the redirect that sends a visitor to log in, and give it to an officer.
    request.environ["__no_cache__"] = True
    try:
        return None, tk.get_action("marathon_invitation_list")(context, {"past": _asked()})
    except tk.NotAuthorized:
        if not current_user.is_authenticated:
            here = tk.h.url_for("marathon_invitation.index")
            return tk.redirect_to("user.login", came_from=here), []
        text = tk._("This page is for those who convene workshops, and for the coordinating body")
        return tk.abort(403, text), []


def _asked() -> str:
    return "yes" if request.args.get("past", "") not in ("", "0", "no", "false") else ""


invitations.add_url_rule("/agenda/invitations", view_func=index)
invitations.add_url_rule("/agenda/invitations.csv", view_func=table)
