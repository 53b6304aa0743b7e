"""A workshop as it is shown: small counts of people only to insiders."""

from __future__ import annotations

from typing import Any

from ckan import model

from ckanext.marathon.domain import numbers
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.logic import permissions
from ckanext.marathon.logic.show.put import put
from ckanext.marathon.model import package
from ckanext.marathon.visibility import Viewer


def stored_counts(workshop: model.Package) -> dict[str, int | None]:
    """Return the counts of a workshop as they are stored."""
    return {
        name: _count(package.read_stored_text(workshop, name))
        for name in workshop_domain.COUNT_FIELDS
    }


def complete(viewer: Viewer, workshop: model.Package, pkg_dict: dict[str, Any]) -> None:
    """Set the counts as this person may see them, and ``participants_masked``."""
    stored = stored_counts(workshop)
    shown, masked = workshop_domain.mask_counts(stored)
    if masked and permissions.is_insider_of(viewer, workshop):
        shown, masked = stored, []
    for name, value in shown.items():
        if value is not None or name in pkg_dict or name in masked:
            put(pkg_dict, name, value)
    pkg_dict["participants_masked"] = masked


def _count(text: str) -> int | None:
    try:
        return numbers.parse_count(text) if text else None
    except Malformed:
        return None
