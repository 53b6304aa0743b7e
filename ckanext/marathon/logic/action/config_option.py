"""Settings that are changed while the site runs."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Action, Context

from ckanext.marathon.feeds import capture
from ckanext.marathon.logic import shapes


@tk.chained_action
def config_option_update(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Change settings, of which the catalogue speaks; see CKAN's ``config_option_update``.

    Raises:
        ValidationError: also at a setting whose text has a hidden character.
    """
    shapes.refuse_problems(data_dict)
    updated = next_(context, data_dict)
    # CKAN has saved them already, each for itself.
    capture.note_settings()
    model.repo.commit()
    return updated
