"""Who may do what, one file a noun. CKAN registers what ``collect_auth_functions`` returns."""

from __future__ import annotations

from typing import Any

from ckanext.marathon.logic import collect_functions


def collect_auth_functions() -> dict[str, Any]:
    """Return the auth functions by name."""
    return collect_functions(__name__, "chained_auth_function")
