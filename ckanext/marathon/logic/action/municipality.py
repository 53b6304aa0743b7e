"""Municipalities: adding them by their INE codes."""

from __future__ import annotations

import re
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context

from ckanext.marathon.logic.action.organization import leave
from ckanext.marathon.logic.permissions import MUNICIPALITY
from ckanext.marathon.model import municipality as municipality_model
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.errors import MalformedCode, UnknownCode
from ckanext.marathon.vocabulary.territory import Municipality


def marathon_municipality_create(
    context: Context, data_dict: dict[str, Any]
) -> list[dict[str, Any]]:
    """Create the organisation of each municipality that has none yet.

    Each code stands alone: one that fails leaves the others as they are, and doing it again does
    nothing. Nobody becomes a member of what is created; officers are invited afterwards.

    Args:
        context: as CKAN's.
        data_dict: ``codes``, a list of INE codes or text with spaces or commas between them;
            ``501`` is read as ``0501``.

    Returns:
        one dict a code, in their order: ``code`` (as repaired), ``status`` (``created``,
        ``existed`` or ``failed``), ``organization`` (``id``, ``name``, ``title``; ``None`` if
        failed), ``notice`` and ``error`` (text, "" for none).

    Raises:
        NotAuthorized: neither sysadmin nor admin of a coordinating body.
        ValidationError: no codes.
    """
    tk.check_access("marathon_municipality_create", context, data_dict)
    codes = data_dict.get("codes")
    if isinstance(codes, str):
        codes = re.split(r"[\s,;]+", codes.strip())
    codes = [code for code in codes if code not in ("", None)] if isinstance(codes, list) else []
    if not codes:
        raise tk.ValidationError(
            {"codes": [tk._("Give at least one INE code of a municipality, for example 2105.")]}
        )
    return [_added(context, code) for code in codes]


def _added(context: Context, given: Any) -> dict[str, Any]:
    try:
        repaired = territory.repair_code(given)
    except MalformedCode:
        text = tk._("«{code}» is not an INE code: it has four digits, for example 2105.")
        return _failure(_short(given), text.format(code=_short(given)))
    try:
        municipality = territory.get_municipality(repaired.code)
    except UnknownCode:
        text = tk._("No municipality of Guatemala has the INE code {code}.")
        return _failure(repaired.code, text.format(code=repaired.code))
    notice = ""
    if repaired.repaired:
        notice = tk._("{given} was read as {code}.").format(given=given, code=repaired.code)
    return {**_organization_of(context, municipality), "notice": notice}


def _short(given: Any) -> str:
    text = str(given)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _organization_of(context: Context, municipality: Municipality) -> dict[str, Any]:
    existing = municipality_model.find_municipality(municipality.code)
    if existing:
        return _success(municipality.code, "existed", existing)
    name = municipality.slug
    taken = model.Group.get(name)
    if taken and taken.is_organization and taken.state == model.State.ACTIVE:
        text = tk._(
            "The organisation «{title}» has the address «{name}» but no INE code. Give it the "
            "code, or change its address."
        )
        return _failure(municipality.code, text.format(title=taken.display_name, name=name))
    if taken:
        name = f"{name}-{municipality.code}"
    try:
        return _success(municipality.code, "created", _create(context, municipality, name))
    except tk.ValidationError as fault:
        # Somebody else may have added it at the same instant.
        existing = municipality_model.find_municipality(municipality.code)
        if existing:
            return _success(municipality.code, "existed", existing)
        return _failure(municipality.code, "; ".join(fault.error_summary.values()))


def _create(context: Context, municipality: Municipality, name: str) -> str:
    person = model.User.get(context.get("user"))
    user = person.name if person else _site_user()
    created = tk.get_action("organization_create")(
        Context(user=user, ignore_auth=True, defer_commit=True),
        {
            "name": name,
            "title": f"Municipalidad de {municipality.name}",
            "municipality_code": municipality.code,
            "role": MUNICIPALITY,
        },
    )
    leave(created["id"], user)
    model.repo.commit()
    return created["id"]


def _site_user() -> str:
    return tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]


def _success(code: str, status: str, organization_id: str) -> dict[str, Any]:
    organization = model.Group.get(organization_id)
    assert organization
    shown = {
        "id": organization.id,
        "name": organization.name,
        "title": organization.display_name,
    }
    return {"code": code, "status": status, "organization": shown, "notice": "", "error": ""}


def _failure(code: str, error: str) -> dict[str, Any]:
    return {"code": code, "status": "failed", "organization": None, "notice": "", "error": error}
