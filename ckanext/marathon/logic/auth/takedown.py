"""Taking down for legal reasons: who may."""

from __future__ import annotations

from typing import Any

from ckan.types import AuthResult, Context


def marathon_takedown(_context: Context, _data_dict: dict[str, Any]) -> AuthResult:
    """Let sysadmins only, whom CKAN does not ask."""
    return {"success": False}


def marathon_takedown_list(_context: Context, _data_dict: dict[str, Any]) -> AuthResult:
    """Let sysadmins only: a reason may tell what was to be forgotten."""
    return {"success": False}


def marathon_takedown_apply(_context: Context, _data_dict: dict[str, Any]) -> AuthResult:
    """Let only system administrators."""
    return {"success": False}
