"""What is wrong with what was taken down: it is back, or something of it is left."""

from __future__ import annotations

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.logic.erasing import find_returned
from ckanext.marathon.logic.takedown_file import LIST_FILE, read_list_file
from ckanext.marathon.model import takedown


def find_takedown_faults() -> list[str]:
    """Return the faults as sentences that say what to do; none is well."""
    faults = []
    try:
        read_list_file()
    except (OSError, Malformed) as fault:
        text = tk._("The file of {option} cannot be read: {fault}")
        faults.append(text.format(option=LIST_FILE, fault=fault))
    back = find_returned()
    if back:
        text = tk._(
            "Taken down, and there again (a backup was restored): {ids}. Run: ckan marathon "
            "takedown apply"
        )
        faults.append(text.format(ids=", ".join(back)))
    unfinished = takedown.list_unfinished()
    if unfinished:
        text = tk._(
            "Something is left of what was taken down: {ids}. Run: ckan marathon takedown apply"
        )
        faults.append(text.format(ids=", ".join(unfinished)))
    return faults
