"""Actions, with one file for each noun; registered through ``collect_actions``."""

from __future__ import annotations

from typing import Any

from ckanext.marathon.logic import collect_functions
from ckanext.marathon.logic.action.change import collect_activity_actions
from ckanext.marathon.logic.action.datastore import collect_datastore_actions
from ckanext.marathon.logic.action.package import collect_text_checks


def collect_actions() -> dict[str, Any]:
    """Return name → action, including those that are chained to actions of other plugins."""
    own = collect_functions(__name__, "chained_action")
    others = collect_activity_actions() | collect_text_checks() | collect_datastore_actions()
    assert own.keys().isdisjoint(others), "an action can be chained once"
    return own | others
