"""What a client was not shown and so sends back empty: it stays what it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ckan import model
from ckan.types import Context

from ckanext.marathon.domain import numbers
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.logic.file_addresses import prefix_http
from ckanext.marathon.logic.references import needs_of_ideas
from ckanext.marathon.model import package as package_model
from ckanext.marathon.visibility import OUTSIDER, Viewer

# Of ideas; those of workshops are ``workshop.COUNT_FIELDS``.
OTHER_COUNTS = ("votes", "priority")


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
    _restore_unreadable(package, data)
    _restore_addresses(package, data)
    if package.type == package_model.WORKSHOP:
        _restore_counts(package, sent, data)
    elif package.type == package_model.DATASET:
        _restore_ideas(context, package, sent, data)
    elif package.type == package_model.IDEA and "workshop" in data and data["workshop"] is None:
        # null is how a hidden workshop is shown; a form sends "" for none.
        data["workshop"] = package_model.read_stored_text(package, "workshop")


def _restore_unreadable(package: model.Package, data: dict[str, Any]) -> None:
    """Put back counts that are stored as what is no count: null is how they are shown."""
    for name in (*workshop_domain.COUNT_FIELDS, *OTHER_COUNTS):
        text = package_model.read_stored_text(package, name)
        if text and name in data and data[name] is None and not numbers.is_count(text):
            data[name] = text


def _restore_addresses(package: model.Package, data: dict[str, Any]) -> None:
    """Put back addresses of files without a scheme, which CKAN shows as ``http://`` ones.

    Who changes one file of a dataset sends all of them back.
    """
    stored = {each.id: each.url or "" for each in package.resources}
    for row in data.get("resources") or []:
        url = stored.get(row.get("id"), "")
        if url and row.get("url") == prefix_http(url):
            row["url"] = url


def _restore_counts(workshop: model.Package, sent: Mapping[str, Any], data: dict[str, Any]) -> None:
    masked = sent.get("participants_masked")
    for name in workshop_domain.COUNT_FIELDS:
        if isinstance(masked, list) and name in masked and data.get(name) in (None, ""):
            data[name] = package_model.read_stored_text(workshop, name)


def _restore_ideas(
    context: Context, dataset: model.Package, sent: Mapping[str, Any], data: dict[str, Any]
) -> None:
    wanted = data.get("idea")
    shown = _shown_ideas(context, dataset, sent)
    if shown is None or not isinstance(wanted, list):
        return
    hidden = [id_ for id_ in package_model.read_stored_texts(dataset, "idea") if id_ not in shown]
    data["idea"] = [*wanted, *(id_ for id_ in hidden if id_ not in wanted)]
    needs = data.get("data_need")
    if hidden and isinstance(needs, list):
        of_hidden = needs_of_ideas(package_model.load_packages(hidden).values())
        stored = package_model.read_stored_texts(dataset, "data_need")
        data["data_need"] = [*needs, *(n for n in stored if n in of_hidden and n not in needs)]


def _shown_ideas(
    context: Context, dataset: model.Package, sent: Mapping[str, Any]
) -> list[Any] | None:
    """Return the ids that the client had before it, ``None`` where it wrote the list by itself."""
    original: Any = context.get("original_package")
    if isinstance(original, dict):
        return original.get("idea")
    if isinstance(sent.get("ideas"), list):
        return [idea.get("id") for idea in sent["ideas"] if isinstance(idea, dict)]
    if "num_resources" not in sent:
        return None
    # A result of ``package_search``: what the public may see, whoever searched.
    public = Viewer(cast(Context, {OUTSIDER: True}))
    ideas = package_model.load_packages(package_model.read_stored_texts(dataset, "idea")).values()
    return [idea.id for idea in ideas if public.may_see(idea)]
