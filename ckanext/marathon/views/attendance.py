"""Attendance to a workshop as one table of ticks: invited organisations, and others that came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, make_response, request

from ckanext.marathon.logic import importing
from ckanext.marathon.model import package as package_model
from ckanext.marathon.views import form_answers
from ckanext.marathon.views.errors import ErrorSentences, explain_errors, hide_existence

# Empty rows for organisations that came without an invitation.
EMPTY_ROWS = 5
_CAME, _ABSENT, _UNKNOWN = "yes", "no", ""


@dataclass(frozen=True, slots=True)
class AttendanceRow:
    """A row of the table; ``attended`` is ``yes``, ``no`` or ``""`` for not known."""

    organisation: str
    attended: str


@dataclass(frozen=True, slots=True)
class AttendancePage:
    """The page of ticks.

    Attributes:
        workshop: id, name and title of the workshop.
        rows: the invited organisations.
        others: names of organisations without an invitation, as they were typed; some are "".
        errors: sentences.
    """

    workshop: Mapping[str, str]
    rows: Sequence[AttendanceRow]
    others: Sequence[str]
    errors: Sequence[str]


attendance = Blueprint("marathon_attendance", __name__)


def show_attendance(id: str) -> Response:
    """Show the table of ticks."""
    workshop = _find_workshop(id)
    return _show(workshop, _list_rows(workshop), [""] * EMPTY_ROWS, [])


def save_attendance(id: str) -> Response:
    """Save the ticks."""
    workshop = _find_workshop(id)
    stored = package_model.read_stored_rows(workshop, "invitation")
    names = request.form.getlist("organisation")
    values = [request.form.get(f"attended-{number}", "") for number in range(len(names))]
    others = [text.strip() for text in request.form.getlist("other")]
    sent = [
        AttendanceRow(name, value if value in (_CAME, _ABSENT) else _UNKNOWN)
        for name, value in zip(names, values, strict=True)
    ]
    if names != [row.get("organisation") or "" for row in stored]:
        message = tk._("Somebody changed the invitations meanwhile: look at the list, tick again")
        return _show(workshop, _list_rows(workshop), _fill_up(others), [message], 409)
    rows = [{**row, "attended": ticked.attended} for row, ticked in zip(stored, sent, strict=True)]
    rows += [{"organisation": name, "attended": _CAME} for name in others if name]
    try:
        tk.get_action("package_patch")(_make_context(), {"id": workshop.id, "invitation": rows})
    except tk.ValidationError as error:
        model.Session.rollback()
        messages = importing.flatten_errors(error.error_dict)
        return _show(workshop, sent, _fill_up(others), messages, 400)
    except form_answers.SEARCH_AWAY:
        model.Session.rollback()
        messages = form_answers.describe_search_away()[""]
        return _show(workshop, sent, _fill_up(others), messages, form_answers.UNAVAILABLE)
    came = sum(row["attended"] == _CAME for row in rows)
    tk.h.flash_success(
        tk._("The attendance is saved: {came} of {all} came.").format(came=came, all=len(rows))
    )
    return tk.redirect_to(tk.h.url_for("workshop.read", id=workshop.name) + "#invitations")


def _fill_up(others: list[str]) -> list[str]:
    filled = [name for name in others if name]
    return [*filled, *[""] * max(1, EMPTY_ROWS - len(filled))]


def _list_rows(workshop: model.Package) -> list[AttendanceRow]:
    return [
        AttendanceRow(row.get("organisation") or "", row.get("attended") or "")
        for row in package_model.read_stored_rows(workshop, "invitation")
    ]


def _find_workshop(id: str) -> model.Package:
    """Return a workshop that the person may edit; the page is 404 or 403 otherwise."""
    # No cache may keep this page.
    request.environ["__no_cache__"] = True
    context = _make_context()
    with hide_existence(tk._("Not found")):
        shown = tk.get_action("package_show")(context, {"id": id})
    if shown["type"] != package_model.WORKSHOP:
        tk.abort(404, tk._("Not found"))
    refusals: ErrorSentences = {tk.NotAuthorized: tk._("You may not edit this workshop")}
    with explain_errors(refusals):
        tk.check_access("package_update", _make_context(), {"id": shown["id"]})
    found = model.Package.get(shown["id"])
    assert found is not None
    return found


def _make_context() -> Context:
    return {"user": current_user.name, "auth_user_obj": current_user}


def _show(
    workshop: model.Package,
    rows: Sequence[AttendanceRow],
    others: Sequence[str],
    errors: Sequence[str],
    status: int = 200,
) -> Response:
    title = workshop.title or workshop.name
    page = AttendancePage(
        {"id": workshop.id, "name": workshop.name, "title": title}, rows, others, errors
    )
    return make_response(tk.render("marathon/attendance/index.html", {"page": page}), status)


attendance.add_url_rule("/workshop/<id>/attendance", endpoint="index", view_func=show_attendance)
attendance.add_url_rule(
    "/workshop/<id>/attendance", endpoint="save", view_func=save_attendance, methods=["POST"]
)
