"""The starter catalogue: real organisations, workshops and datasets, and examples marked as such.

``load`` may be run at any time, again and after being stopped halfway: it adds what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import ckan.plugins.toolkit as tk

from ckanext.marathon.logic import uploads
from ckanext.marathon.model import audit_actor
from ckanext.marathon.operations import starter_content
from ckanext.marathon.operations.starter_content import ContentError
from ckanext.marathon.operations.starter_writer import Outcome, StarterError, Writer

__all__ = ["ContentError", "Outcome", "StarterError", "Step", "load"]


@dataclass(frozen=True, slots=True)
class Step:
    """An item that is done: which of how many, what it is, what became of it and why."""

    number: int
    total: int
    type: str
    title: str
    outcome: Outcome
    reason: str = ""


Progress = Callable[[Step], None]


def load(examples: bool = True, progress: Progress = lambda step: None) -> Counter[Outcome]:
    """Put on the site what it lacks of the starter catalogue.

    Args:
        examples: with the made-up workshops, ideas and datasets.
        progress: called after each item.

    Returns:
        How many items were added, completed, found present and left out.

    Raises:
        StarterError: the site has no place for files, or its rules refuse an item.
        ContentError: the catalogue's own files are faulty.
    """
    items = starter_content.items(examples)
    _check_storage()
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    writer = Writer(user)
    outcomes: Counter[Outcome] = Counter()
    for number, item in enumerate(items, 1):
        with audit_actor.importing():
            outcome, reason = writer.ensure(item)
        outcomes[outcome] += 1
        progress(Step(number, len(items), item.type, item.title, outcome, reason))
    return outcomes


def _check_storage() -> None:
    """Raise unless CKAN can keep files; it would drop them without a word.

    Raises:
        StarterError: neither ``ckan.storage_path`` nor a storage for resources is configured.
    """
    if not uploads.keeps_files():
        raise StarterError(
            tk._("This site cannot keep files: set ckan.storage_path in its configuration.")
        )
