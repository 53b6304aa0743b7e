"""Settings that are changed while the site runs."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Action, Context

from ckanext.marathon.feeds.publish import Touched, publish


@tk.chained_action
def config_option_update(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Change settings, of which the catalogue speaks; see CKAN's ``config_option_update``."""
    updated = next_(context, data_dict)
    # CKAN has saved them already, each for itself.
    publish(Touched(settings=True))
    model.repo.commit()
    return updated
