"""CKAN's own actions whose texts pages show, without hidden characters in them, and settings.

The API's door looks at every call; pages of CKAN call actions from within.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Action, Context

from ckanext.marathon.feeds import publish
from ckanext.marathon.logic import inputs


@tk.chained_action
def config_option_update(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Change settings, of which the catalogue speaks; see CKAN's ``config_option_update``.

    Raises:
        ValidationError: also at a setting whose text has a hidden character.
    """
    inputs.refuse_problems(data_dict)
    updated = next_(context, data_dict)
    # CKAN has saved them already, each for itself.
    publish.note_settings()
    model.repo.commit()
    return updated


_NAMES = (
    "api_token_create",
    "file_create",
    "file_rename",
    "resource_view_create",
    "tag_create",
    "user_create",
    "user_update",
    "vocabulary_create",
    "vocabulary_update",
)


def plain_text_actions() -> dict[str, Any]:
    """Return the chained actions by name."""
    return dict.fromkeys(_NAMES, _refuse_hidden)


@tk.chained_action
def _refuse_hidden(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Check every text first; see CKAN's action of the name.

    Raises:
        ValidationError: also of each field, which hidden character is where.
    """
    inputs.refuse_problems(data_dict)
    return next_(context, data_dict)
