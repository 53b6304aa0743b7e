"""Ideas: choices for a dataset, creation from the form of a dataset, status, and linked records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.lib.munge import munge_title_to_name
from ckan.types import Context, DataDict

from ckanext.marathon.domain import idea as idea_domain
from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import messages, permissions, schema, unkept
from ckanext.marathon.logic.inputs import LARGEST
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import link, municipality
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.records import Idea, Workshop
from ckanext.marathon.visibility import Viewer
from ckanext.marathon.vocabulary.schemes import IDEA_STATUS

_NAME_TRIES = 20


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_idea_choices)
def marathon_idea_choices(context: Context, data_dict: DataDict) -> list[dict[str, Any]]:
    """Return ideas to choose from for a dataset, if the person may see them.

    They are read from the database, so that an idea can be chosen before Solr has indexed it.

    Args:
        context: as CKAN's.
        data_dict: ``municipality``, INE codes of the ideas; ``include``, ids or names of further
            ideas (only these if no municipality is given); ``q``, a text in the title of the idea
            or its workshop, or in its code; ``limit`` (200; 1,000 at most) and ``offset``.

    Returns:
        dicts with ``id``, ``name``, ``title``, ``status``, ``municipality`` (codes; those of the
        workshop if the idea has none), ``service_problem`` (notations), ``data_need`` (dicts
        of ``id``, ``what``, ``why``) and ``workshop`` (``id``, ``name``, ``title``, ``starts_at``;
        ``None`` if it may not be seen), by workshop, the latest first.

    Raises:
        ValidationError: at ``municipality``, ``include``, ``q``, ``limit`` or ``offset``.
    """
    tk.check_access("marathon_idea_choices", context, data_dict)
    wanted = idea_model.WantedIdeas(
        municipalities=data_dict["municipality"],
        include=data_dict["include"],
        text=data_dict["q"],
    )
    limit = min(data_dict["limit"], schema.MOST_CHOICES)
    offset = min(data_dict["offset"], LARGEST)
    found = idea_model.list_idea_choices(Viewer(context), wanted, limit, offset)
    return [_dictize_choice(*_read_choice(*row)) for row in found]


@tk.validate_action_data(schema.marathon_idea_quick_create)
def marathon_idea_quick_create(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Create an idea with the status ``proposed``, from the form of a dataset.

    Args:
        context: as CKAN's.
        data_dict: ``workshop`` (name or id), ``title``, ``service_problem`` (a notation or a
            list), ``municipality`` (codes; empty = the person's own among those of the workshop,
            else all of them) and ``data_need`` (what data, one or more texts; optional).

    Returns:
        the idea in the form of ``marathon_idea_choices``, and ``marathon_notices`` if there are
        any.

    Raises:
        NotAuthorized: not an editor of a municipality that takes part in the workshop, of the
            coordinating body, or (if the municipality has no organisation) of the organisation
            that convened the workshop.
        ValidationError: at the fields above.
    """
    tk.check_access("marathon_idea_quick_create", context, data_dict)
    idea = {
        "type": "idea",
        "title": data_dict["title"],
        "workshop": data_dict["workshop"],
        "municipality": data_dict["municipality"]
        or _find_own_municipalities(context, data_dict["workshop"]),
        "service_problem": data_dict["service_problem"],
        "data_need": [{"what": what} for what in data_dict["data_need"]],
        "status": "proposed",
    }
    with messages.collect_notices(context) as collected:
        created = _create_with_free_name(context, idea)
        (row,) = idea_model.list_idea_choices(
            Viewer(Context(ignore_auth=True)), idea_model.WantedIdeas(include=[created]), 1
        )
        answer = _dictize_choice(*_read_choice(*row))
        unkept.add_unknown_notice(context, _list_unknown(data_dict) - idea.keys(), answer)
        collected.deliver(answer)
        return answer


def _list_unknown(data_dict: DataDict) -> set[str]:
    """Return the names that the schema of an action does not have."""
    return set(data_dict.get("__extras", ()))


def _create_with_free_name(context: Context, idea: dict[str, Any]) -> str:
    base = munge_title_to_name(idea["title"])[:90].strip("-_").ljust(2, "_")
    for number in range(1, _NAME_TRIES + 1):
        idea["name"] = base if number == 1 else f"{base}-{number}"
        if model.Package.get(idea["name"]):
            continue
        try:
            own = Context(
                user=context.get("user", ""), ignore_auth=bool(context.get("ignore_auth"))
            )
            messages.share_notices(context, own)
            return tk.get_action("package_create")(own, dict(idea))["id"]
        except tk.ValidationError as fault:
            # A concurrent request may have taken the name.
            if set(fault.error_dict) != {"name"} or number == _NAME_TRIES:
                raise _move_errors(fault) from None
    raise tk.ValidationError({"title": [tk._("Other ideas have this title. Choose another one.")]})


def _move_errors(fault: tk.ValidationError) -> tk.ValidationError:
    """Move errors of fields that the quick form lacks to the fields that it has."""
    moved = {"name": "title", "owner_org": "workshop"}
    errors: dict[str, Any] = {}
    for field, texts in fault.error_dict.items():
        errors.setdefault(moved.get(field, field), texts)
    return tk.ValidationError(errors)


def _find_own_municipalities(context: Context, workshop: Any) -> list[str]:
    package = model.Package.get(workshop) if isinstance(workshop, str) else None
    if package is None:
        return []
    pairs = link.list_object_pairs([package.id], link.Predicate.WORKSHOP_MUNICIPALITY)
    capacities = permissions.read_standing(context.get("user")).capacities
    roles = authz.get_roles_with_permission("create_dataset")
    holders = municipality.find_municipalities([code for _workshop, code in pairs])
    return sorted(code for code, holder in holders.items() if capacities.get(holder) in roles)


def _read_choice(
    idea: model.Package, workshop: model.Package | None
) -> tuple[Idea, Workshop | None]:
    return Idea.from_stored(idea), Workshop.from_stored(workshop) if workshop else None


def _dictize_choice(idea: Idea, workshop: Workshop | None) -> dict[str, Any]:
    places = idea.municipalities or (workshop.municipalities if workshop else ())
    return {
        "id": idea.id,
        "name": idea.name,
        "title": idea.label,
        "status": idea.status,
        "municipality": list(places),
        "service_problem": list(idea.problems),
        "data_need": [asdict(need) for need in idea.data_needs],
        "workshop": workshop
        and {
            "id": workshop.id,
            "name": workshop.name,
            "title": workshop.label,
            "starts_at": workshop.starts_at,
        },
    }


@tk.validate_action_data(schema.marathon_idea_status_update)
def marathon_idea_status_update(context: Context, data_dict: DataDict) -> dict[str, Any]:
    """Change the status of an idea.

    Args:
        context: as CKAN's.
        data_dict: ``id`` (name or id of the idea), ``status``, ``reason`` (required when an idea
            is reopened; public).

    Returns:
        the idea in the form of ``package_show``.

    Raises:
        NotFound: no such idea, or not for this person to see.
        NotAuthorized: not an editor of its organisation or of the coordinating body.
        ValidationError: at ``status`` or ``reason``.
    """
    idea = _get_visible(context, data_dict, package_model.IDEA)
    tk.check_access("package_update", context, {"id": idea.id})
    patch = {
        "id": idea.id,
        "status": data_dict["status"],
        "status_reason": data_dict["reason"],
    }
    with messages.collect_notices(context) as collected:
        unkept.add_unknown_notice(context, _list_unknown(data_dict), {})
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
def marathon_idea_status_list(_context: Context, _data_dict: DataDict) -> list[dict[str, Any]]:
    """Return the statuses of an idea and the possible steps between them; for everybody.

    Returns:
        dicts with ``code``, ``label`` (in the language of the request), ``labels`` (by language),
        ``next`` (codes that may follow) and ``reason_required`` (which of these need a reason).
    """
    lang = messages.get_language()
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
@tk.validate_action_data(schema.marathon_idea_datasets)
def marathon_idea_datasets(context: Context, data_dict: DataDict) -> list[dict[str, Any]]:
    """Return the datasets of an idea that the person may see.

    Args:
        context: as CKAN's.
        data_dict: ``id``, name or id of the idea.

    Returns:
        dicts with ``id``, ``name``, ``title``, ``type``, ``organization`` and ``example`` (whether
        it is a made-up example), by title.

    Raises:
        NotFound: no such idea, or not for this person to see.
    """
    idea = _get_visible(context, data_dict, package_model.IDEA)
    return _dictize_visible(
        context, package_model.list_dependents([idea.id], Predicate.DATASET_IDEA)
    )


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_workshop_ideas)
def marathon_workshop_ideas(context: Context, data_dict: DataDict) -> list[dict[str, Any]]:
    """Return the ideas of a workshop that the person may see.

    Args:
        context: as CKAN's.
        data_dict: ``id``, name or id of the workshop.

    Returns:
        dicts with ``id``, ``name``, ``title``, ``type``, ``organization``, ``example`` and
        ``status``, by title.

    Raises:
        NotFound: no such workshop, or not for this person to see.
    """
    workshop = _get_visible(context, data_dict, package_model.WORKSHOP)
    ideas = package_model.list_dependents([workshop.id], Predicate.IDEA_WORKSHOP)
    statuses = {idea.id: package_model.read_stored_text(idea, "status") for idea in ideas}
    return [{**idea, "status": statuses[idea["id"]]} for idea in _dictize_visible(context, ideas)]


@tk.side_effect_free
@tk.validate_action_data(schema.marathon_data_need_list)
def marathon_data_need_list(context: Context, data_dict: DataDict) -> list[dict[str, Any]]:
    """Return the data needs of an idea and the datasets that meet them.

    Args:
        context: as CKAN's.
        data_dict: ``id``, name or id of the idea.

    Returns:
        dicts with ``id``, ``what``, ``why`` and ``datasets`` (in the form of
        ``marathon_idea_datasets``), in the order of the idea.

    Raises:
        NotFound: no such idea, or not for this person to see.
    """
    idea = _get_visible(context, data_dict, package_model.IDEA)
    needs = package_model.read_stored_rows(idea, "data_need")
    ids = [need["id"] for need in needs if need.get("id")]
    pairs = link.list_subject_pairs(ids, Predicate.DATASET_DATA_NEED)
    datasets = _dictize_visible(
        context, package_model.list_dependents(ids, Predicate.DATASET_DATA_NEED)
    )
    return [
        {
            "id": need.get("id", ""),
            "what": need.get("what", ""),
            "why": need.get("why", ""),
            "datasets": [d for d in datasets if (d["id"], need.get("id")) in pairs],
        }
        for need in needs
    ]


def _get_visible(context: Context, data_dict: DataDict, package_type: str) -> model.Package:
    reference = data_dict["id"]
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


def _dictize_visible(context: Context, packages: Iterable[model.Package]) -> list[dict[str, Any]]:
    viewer, trusted = Viewer(context), context.get("ignore_auth")
    seen = [package for package in packages if trusted or viewer.may_see(package)]
    owners = package_model.read_organization_titles(package.owner_org for package in seen)
    return [
        {
            "id": package.id,
            "name": package.name,
            "title": package.title or package.name,
            "type": package.type,
            "organization": owners.get(package.owner_org or ""),
            "example": package_model.read_stored_flag(package, "example"),
        }
        for package in seen
    ]
