"""Municipalities: who adds them."""

from __future__ import annotations

from typing import Any

from ckan.types import AuthResult, Context

from ckanext.marathon.logic import permissions


def marathon_municipality_create(context: Context, _data_dict: dict[str, Any]) -> AuthResult:
    """Let the coordinating body's admins add municipalities."""
    return {"success": permissions.coordinates(context.get("user"), "admin")}
