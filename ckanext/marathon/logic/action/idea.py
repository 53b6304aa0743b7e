"""Ideas: their status, and what came out of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context

from ckanext.marathon.domain import idea as idea_domain
from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import kept, notices, say
from ckanext.marathon.model import link
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.visibility import Viewer
from ckanext.marathon.vocabulary.statuses import IDEA_STATUS


def marathon_idea_status_update(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take an idea a step further, or reopen it.

    Args:
        context: as CKAN's.
        data_dict: ``id`` (name or id of the idea), ``status``, ``reason`` (required when an idea
            is reopened; public).

    Returns:
        the idea, as ``package_show`` gives it.

    Raises:
        NotFound: no such idea, or not for this person to see.
        NotAuthorized: not an editor of its organisation or of the coordinating body.
        ValidationError: at ``status`` or ``reason``.
    """
    idea = _found(context, data_dict, package_model.IDEA)
    tk.check_access("package_update", context, {"id": idea.id})
    status = data_dict.get("status")
    if not status:
        raise tk.ValidationError({"status": [tk._("Missing value")]})
    patch = {"id": idea.id, "status": status, "status_reason": data_dict.get("reason") or ""}
    with notices.collecting(context) as collected:
        kept.note_unknown(context, data_dict.keys() - {"id", "status", "reason"}, {})
        try:
            shown = tk.get_action("package_patch")(context, patch)
        except tk.ValidationError as fault:
            errors = dict(fault.error_dict)
            if "status_reason" in errors:
                errors["reason"] = errors.pop("status_reason")
            raise tk.ValidationError(errors) from None
        collected.deliver(shown)
        return shown


@tk.side_effect_free
def marathon_idea_status_list(
    _context: Context, _data_dict: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the statuses of an idea and the steps between them; anybody may ask.

    Returns:
        dicts with ``code``, ``label`` (in the language of the request), ``labels`` (by language),
        ``next`` (codes that may follow) and ``reason_required`` (those that need a reason).
    """
    lang = say.language()
    return [
        {
            "code": term.code,
            "label": term.label(lang),
            "labels": dict(term.labels),
            "next": list(idea_domain.list_next_statuses(term.code)),
            "reason_required": [
                after
                for after in idea_domain.list_next_statuses(term.code)
                if idea_domain.needs_reason(term.code, after)
            ],
        }
        for term in IDEA_STATUS.terms
    ]


@tk.side_effect_free
def marathon_idea_datasets(context: Context, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the datasets that came out of an idea, as far as the person may see them.

    Args:
        context: as CKAN's.
        data_dict: ``id``, name or id of the idea.

    Returns:
        dicts with ``id``, ``name``, ``title``, ``type``, ``organization`` and ``example`` (whether
        it only shows how the site works), by title.

    Raises:
        NotFound: no such idea, or not for this person to see.
    """
    idea = _found(context, data_dict, package_model.IDEA)
    return _listed(context, package_model.list_dependents([idea.id], Predicate.DATASET_IDEA))


@tk.side_effect_free
def marathon_workshop_ideas(context: Context, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the ideas that came out of a workshop, as far as the person may see them.

    Args:
        context: as CKAN's.
        data_dict: ``id``, name or id of the workshop.

    Returns:
        dicts with ``id``, ``name``, ``title``, ``type``, ``organization``, ``example`` and
        ``status``, by title.

    Raises:
        NotFound: no such workshop, or not for this person to see.
    """
    workshop = _found(context, data_dict, package_model.WORKSHOP)
    ideas = package_model.list_dependents([workshop.id], Predicate.IDEA_WORKSHOP)
    statuses = {idea.id: package_model.read_stored_text(idea, "status") for idea in ideas}
    return [{**each, "status": statuses[each["id"]]} for each in _listed(context, ideas)]


@tk.side_effect_free
def marathon_data_need_list(context: Context, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the data needs of an idea and the datasets that meet them.

    Args:
        context: as CKAN's.
        data_dict: ``id``, name or id of the idea.

    Returns:
        dicts with ``id``, ``what``, ``why`` and ``datasets`` (as ``marathon_idea_datasets``, as
        far as the person may see them), in the order of the idea.

    Raises:
        NotFound: no such idea, or not for this person to see.
    """
    idea = _found(context, data_dict, package_model.IDEA)
    needs = package_model.read_stored_rows(idea, "data_need")
    ids = [need["id"] for need in needs if need.get("id")]
    pairs = link.list_subject_pairs(ids, Predicate.DATASET_DATA_NEED)
    datasets = _listed(context, package_model.list_dependents(ids, Predicate.DATASET_DATA_NEED))
    return [
        {
            "id": need.get("id", ""),
            "what": need.get("what", ""),
            "why": need.get("why", ""),
            "datasets": [d for d in datasets if (d["id"], need.get("id")) in pairs],
        }
        for need in needs
    ]


def _found(context: Context, data_dict: dict[str, Any], package_type: str) -> model.Package:
    reference = data_dict.get("id")
    package = model.Package.get(reference) if is_reference(reference) else None
    trusted = context.get("ignore_auth")
    if (
        package is None
        or package.type != package_type
        or not (trusted or Viewer(context).may_see(package))
    ):
        raise tk.ObjectNotFound(tk._("Not found"))
    tk.check_access("package_show", context, {"id": package.id})
    return package


def _listed(context: Context, packages: Iterable[model.Package]) -> list[dict[str, Any]]:
    viewer, trusted = Viewer(context), context.get("ignore_auth")
    seen = [each for each in packages if trusted or viewer.may_see(each)]
    owners = package_model.read_organization_titles(each.owner_org for each in seen)
    return [
        {
            "id": each.id,
            "name": each.name,
            "title": each.title or each.name,
            "type": each.type,
            "organization": owners.get(each.owner_org or ""),
            "example": package_model.read_stored_flag(each, "example"),
        }
        for each in seen
    ]
