"""What a client was not shown and so sends back empty: it stays what it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckan import model
from ckan.types import Context

from ckanext.marathon.domain import counts
from ckanext.marathon.model import records


def restore(
    context: Context, package: model.Package, sent: Mapping[str, Any], data: dict[str, Any]
) -> None:
    """Put back into ``data`` what the client could not read.

    Args:
        context: of the update; ``original_package`` is what a patch began with.
        package: as it is stored.
        sent: what the client sent, with what ``package_show`` had added.
        data: what will be saved; changed.
    """
    if package.type == records.WORKSHOP:
        _restore_counts(package, sent, data)
    elif package.type == records.DATASET:
        _restore_ideas(context, package, sent, data)
    elif package.type == records.IDEA and "workshop" in data and data["workshop"] is None:
        # null is how a hidden workshop is shown; a form sends "" for none.
        data["workshop"] = records.text(package, "workshop")


def _restore_counts(workshop: model.Package, sent: Mapping[str, Any], data: dict[str, Any]) -> None:
    masked = sent.get("participants_masked")
    for name in counts.FIELDS:
        if isinstance(masked, list) and name in masked and data.get(name) in (None, ""):
            data[name] = records.text(workshop, name)


def _restore_ideas(
    context: Context, dataset: model.Package, sent: Mapping[str, Any], data: dict[str, Any]
) -> None:
    original: Any = context.get("original_package")
    if isinstance(original, dict):
        shown = original.get("idea")
    else:
        ideas = sent.get("ideas")
        is_list = isinstance(ideas, list)
        shown = [i.get("id") for i in ideas if isinstance(i, dict)] if is_list else None
    wanted = data.get("idea")
    if not isinstance(shown, list) or not isinstance(wanted, list):
        return
    hidden = [id_ for id_ in records.items(dataset, "idea") if id_ not in shown]
    data["idea"] = [*wanted, *(id_ for id_ in hidden if id_ not in wanted)]
