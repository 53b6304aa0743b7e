"""Invitations to workshops: which organisations have not answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.types import Context

from ckanext.marathon.domain import dates
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model import workshop as workshop_model
from ckanext.marathon.records.record import Workshop


@tk.side_effect_free
def marathon_invitation_list(context: Context, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Return which invitations to announced workshops are unanswered, by deadline.

    Args:
        context: whose workshops: of the organisations that the user is editor of; the
            coordinating body's editors see everybody's.
        data_dict: ``organization`` (id or name): only workshops that it convenes; ``past``: those
            too that are over.

    Returns:
        a dict for each workshop: ``workshop`` (``id``, ``name``, ``title``, ``starts_at``,
        ``private``), ``organization`` (``id``, ``name``, ``title``), ``rsvp_by`` (``None`` if there
        is no deadline), ``overdue``, ``invited`` (how many organisations were) and ``unanswered``
        (``organisation``, ``invited_on``). Those without a deadline come last.

    Raises:
        NotAuthorized: not an editor of the organisation, of any, or of a coordinating body.
        ValidationError: ``past`` is neither true nor false.
    """
    tk.check_access("marathon_invitation_list", context, data_dict)
    try:
        with_past = tk.asbool(data_dict.get("past") or False)
    except ValueError:
        raise tk.ValidationError({"past": [tk._("It is either true or false")]}) from None
    today = dates.get_today()
    found = []
    for package in workshop_model.list_inviting_workshops(
        _owners(context, data_dict.get("organization"))
    ):
        workshop = Workshop.from_stored(package)
        if workshop.unanswered and (
            with_past or not workshop_domain.is_workshop_over(workshop.times, today)
        ):
            found.append((workshop, bool(package.private)))
    owners = package_model.read_organization_titles(
        workshop.owner_id for workshop, _is_private in found
    )
    listed = [
        _row(workshop, is_private, owners.get(workshop.owner_id)) for workshop, is_private in found
    ]
    return sorted(listed, key=_sort_key)


def _sort_key(row: Mapping[str, Any]) -> tuple[bool, Any, Any]:
    deadline = row["rsvp_by"] or ""
    starts_at = row["workshop"]["starts_at"]
    return not deadline, dates.make_date_sort_key(deadline), dates.make_date_sort_key(starts_at)


def _owners(context: Context, organization: Any) -> list[str] | None:
    """Return the ids of the organisations whose workshops are asked for, ``None`` for all."""
    if organization:
        found = model.Group.get(organization)
        return [found.id] if found else []
    user = context.get("user")
    if context.get("ignore_auth") or authz.is_sysadmin(user) or permissions.coordinates(user):
        return None
    return [each["id"] for each in permissions.organizations_open_to(user, package_model.WORKSHOP)]


def _row(
    workshop: Workshop, is_private: bool, organization: dict[str, str] | None
) -> dict[str, Any]:
    return {
        "workshop": {
            "id": workshop.id,
            "name": workshop.name,
            "title": workshop.label,
            "starts_at": workshop.starts_at,
            "private": is_private,
        },
        "organization": organization,
        "rsvp_by": workshop.rsvp_by or None,
        "overdue": workshop_domain.has_day_passed(workshop.rsvp_by, dates.get_today()),
        "invited": len(workshop.invitations),
        "unanswered": [
            {"organisation": invitation.organisation, "invited_on": invitation.invited_on or None}
            for invitation in workshop.unanswered
        ],
    }
