"""An idea as it is shown: its workshop, its places, its history."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.marathon.domain import dataset
from ckanext.marathon.logic import permissions
from ckanext.marathon.logic.references import municipalities_of_workshop
from ckanext.marathon.logic.show.put import put
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import package
from ckanext.marathon.records.record import Workshop
from ckanext.marathon.visibility import Viewer


def complete(viewer: Viewer, idea: model.Package, pkg_dict: dict[str, Any]) -> None:
    """Set municipalities and their origin, ``workshop_info`` and ``history``."""
    workshop_id = package.read_stored_text(idea, "workshop")
    workshop = package.load_packages([workshop_id]).get(workshop_id) if workshop_id else None
    own = package.read_stored_texts(idea, "municipality")
    resolved = dataset.resolve_values(
        own, municipalities_of_workshop(workshop), dataset.FROM_WORKSHOP
    )
    put(pkg_dict, "municipality", resolved.values)
    pkg_dict["municipality_origin"] = resolved.origin
    pkg_dict.pop("workshop_info", None)
    if workshop and viewer.may_see(workshop):
        pkg_dict["workshop_info"] = info(workshop)
        put(pkg_dict, "workshop", workshop_id)
    elif workshop_id:
        put(pkg_dict, "workshop", workshop_id if permissions.keeps_links(viewer, idea) else None)
    is_insider = permissions.is_insider_of(viewer, idea)
    pkg_dict["history"] = [_step(row, is_insider) for row in idea_model.read_idea_history(idea.id)]


def info(workshop: model.Package) -> dict[str, str]:
    """Return what other records say of a workshop."""
    record = Workshop.from_stored(workshop)
    return {
        "id": record.id,
        "name": record.name,
        "title": record.label,
        "starts_at": record.starts_at,
        "status": record.status,
    }


def _step(row: Any, is_insider: bool) -> dict[str, Any]:
    step: dict[str, Any] = {
        "at": row.at.replace(tzinfo=UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "status": row.status,
        "reason": row.reason,
        "organization": None,
    }
    if row.organization_name:
        step["organization"] = {
            "id": row.organization_id,
            "name": row.organization_name,
            "title": row.organization_title or row.organization_name,
        }
    if is_insider:
        # The site's own account is nobody: it loads what the site starts with.
        is_person = row.user_name != tk.config.get("ckan.site_id")
        step["user"] = row.user_name if is_person else None
    return step
