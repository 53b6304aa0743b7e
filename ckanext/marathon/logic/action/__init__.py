"""The API, with one file for each noun; registered through ``collect_actions``."""

from __future__ import annotations

from typing import Any

from ckanext.marathon.logic import collect_functions
from ckanext.marathon.logic.action.change import activity_actions
from ckanext.marathon.logic.action.package import plain_text_actions


def collect_actions() -> dict[str, Any]:
    """Return our actions, with those chained to actions of loaded plugins."""
    own = collect_functions(__name__, "chained_action")
    others = activity_actions() | plain_text_actions()
    assert own.keys().isdisjoint(others), "an action can be chained once"
    return own | others
