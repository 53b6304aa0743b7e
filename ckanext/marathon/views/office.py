"""The coordinating body's page: the municipalities of the site and their officers."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, make_response, request

from ckanext.marathon.model import municipality as municipality_model
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.territory import Municipality

from . import held_forms

office = Blueprint("marathon_office", __name__)

MOST_FOUND = 20


def municipalities() -> Response | str:
    """List municipalities and officers; search one to add."""
    refused = _refusal()
    return refused if refused else _page()


def add() -> Response | str:
    """Add the municipalities whose codes were sent."""
    refused = _refusal()
    if refused:
        return refused
    codes = request.form.getlist("code")
    try:
        results = tk.get_action("marathon_municipality_create")(_context(), {"codes": codes})
    except tk.ValidationError as error:
        return _page(errors=error.error_dict, chosen=codes, status=400)
    return _page(results=results)


def invite() -> Response | str:
    """Invite an officer; where no mail goes out, the page shows the link once."""
    refused = _refusal()
    if refused:
        return refused
    sent = {key: request.form.get(key, "").strip() for key in ("organization", "email", "role")}
    try:
        invited = tk.get_action("marathon_officer_invite")(_context(), sent)
    except tk.NotAuthorized:
        return tk.abort(403, tk._("Only the coordinating body invites officers here"))
    except tk.ValidationError as error:
        return _page(invitation=sent, invitation_errors=error.error_dict, status=400)
    return _page(invited=invited)


def _page(status: int = 200, **extra: Any) -> Response:
    context = _context()
    officers = tk.get_action("marathon_officer_list")(context, {})
    wanted = request.values.get("q", "").strip()
    found = territory.search_municipalities(wanted, limit=MOST_FOUND) if wanted else ()
    held = municipality_model.find_municipalities(
        [each.code for each in territory.list_municipalities()]
    )
    page = tk.render(
        "marathon/office/municipalities.html",
        {
            "q": wanted,
            "found": [(each, held.get(each.code)) for each in found],
            "rows": [_row(each, held, officers) for each in _on_the_site(held)],
            **extra,
        },
    )
    return make_response(page, status)


def _on_the_site(held: dict[str, str]) -> list[Municipality]:
    return sorted((territory.get_municipality(code) for code in held), key=lambda each: each.name)


def _row(
    municipality: Municipality, held: dict[str, str], officers: list[dict[str, Any]]
) -> dict[str, Any]:
    organization_id = held[municipality.code]
    people = [each for each in officers if each["organization"]["id"] == organization_id]
    return {
        "municipality": municipality,
        "organization": tk.h.marathon_organization(organization_id),
        "officers": people,
        "pending": [each for each in people if each["state"] == "pending"],
    }


def _refusal() -> Response | None:
    try:
        tk.check_access("marathon_municipality_create", _context(), {})
    except tk.NotAuthorized:
        if not current_user.is_authenticated and not held_forms.may_hold():
            return tk.redirect_to(
                "user.login", came_from=tk.h.url_for("marathon_office.municipalities")
            )
        return tk.abort(403, tk._("This page is for administrators of the coordinating body"))
    return None


def _context() -> Context:
    return {"user": current_user.name, "auth_user_obj": current_user}


office.add_url_rule("/marathon/municipality", view_func=municipalities)
office.add_url_rule("/marathon/municipality/add", view_func=add, methods=["POST"])
office.add_url_rule("/marathon/municipality/invite", view_func=invite, methods=["POST"])
