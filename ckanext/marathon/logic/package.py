"""Packages while they are saved and shown: references, codes, links, and computed fields.

Records that a package refers to are looked up and locked until the transaction ends. A missing
record and one that the person may not see give the same error. A code is unique in its organisation
and dataset type.

Computed fields (places and problems of a dataset's ideas, the history of an idea, masked counts of
a workshop) are added by ``package_show`` and never stored.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import UTC
from typing import TYPE_CHECKING, Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context

from ckanext.marathon.domain import dataset as dataset_domain
from ckanext.marathon.domain import numbers
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.errors import N_, FieldFault, Malformed, Taken, make_fault
from ckanext.marathon.logic import dataset, messages, permissions, resource, unkept
from ckanext.marathon.model import feed_log, link
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.records import Workshop
from ckanext.marathon.search.document import RELATIONSHIPS
from ckanext.marathon.visibility import Viewer, as_reader
from ckanext.marathon.vocabulary import schemes

if TYPE_CHECKING:
    from ckanext.marathon.logic.validators.package import Flat


def find_linkable(
    context: Context, references: Collection[str], package_type: str, already: Collection[str]
) -> dict[str, model.Package]:
    """Return reference → package for the packages that a record may link to, in the given order.

    Args:
        context: with the person who saves.
        references: names or ids.
        package_type: the type that the packages must have.
        already: ids that the record links to now; the person need not be able to see these.

    Returns:
        active packages only, locked against changes until this transaction ends.
    """
    ids = package_model.find_package_ids(references, package_type)
    packages = package_model.lock_targets(ids.values())
    viewer = Viewer(context)
    trusted = bool(context.get("ignore_auth"))
    return {
        reference: package
        for reference in references
        if (package := packages.get(ids.get(reference, "")))
        and package.state == model.State.ACTIVE
        and (trusted or package.id in already or viewer.may_see(package))
    }


def list_workshop_municipalities(workshop: model.Package | None) -> list[str]:
    """Return the INE codes of the municipalities that take part in a workshop."""
    return package_model.read_stored_texts(workshop, "municipality")


def list_idea_municipalities(ideas: Iterable[model.Package]) -> set[str]:
    """Return the INE codes of ideas; an idea without codes has those of its workshop."""
    ideas = list(ideas)
    own = {idea.id: package_model.read_stored_texts(idea, "municipality") for idea in ideas}
    silent = [
        package_model.read_stored_text(idea, "workshop") for idea in ideas if not own[idea.id]
    ]
    workshops = package_model.load_packages(id_ for id_ in silent if id_)
    codes = {code for own_codes in own.values() for code in own_codes}
    return codes.union(*(list_workshop_municipalities(workshop) for workshop in workshops.values()))


def list_idea_problems(ideas: Iterable[model.Package]) -> set[str]:
    """Return the notations of the service problems of ideas."""
    return {
        notation
        for idea in ideas
        for notation in package_model.read_stored_texts(idea, "service_problem")
    }


def list_idea_needs(ideas: Iterable[model.Package]) -> set[str]:
    """Return the ids of the data needs of ideas."""
    needs = [need for idea in ideas for need in package_model.read_stored_rows(idea, "data_need")]
    return {need["id"] for need in needs if need.get("id")}


TAKEN = N_("The code {code} is taken in this organisation by “{title}”")
TAKEN_NOW = N_("The code {code} was taken in this organisation a moment ago")


def has_unique_code(package_type: str) -> bool:
    """Return whether the codes of a type are unique within an organisation.

    A site may have a schema of datasets of its own, in which ``code`` is missing or means something
    else.
    """
    if package_type != package_model.DATASET:
        return package_type in SHOWN
    schema: dict[str, Any] = tk.h.scheming_get_dataset_schema(package_type) or {}
    fields: list[dict[str, Any]] = schema.get("dataset_fields", [])
    codes = [field for field in fields if field["field_name"] == "code"]
    return any("marathon_code" in str(field.get("validators")).split() for field in codes)


def check_code(flat: Flat, package_type: str) -> list[FieldFault]:
    """Return a fault if another record of the organisation has the code."""
    wanted, organization = flat.text("code"), flat.text("owner_org")
    if not wanted or not organization:
        return []
    holder = package_model.find_code_holder(organization, package_type, wanted)
    if holder is None or (flat.stored and holder == flat.stored.id):
        return []
    return [_explain_taken_code(wanted, holder)]


def assign_code(package: model.Package, code: str, owner_org: str | None = None) -> None:
    """Assign a code to a package in its organisation, or in ``owner_org``.

    Raises:
        ckan.plugins.toolkit.ValidationError: another package has the code, or a concurrent save
            took it; everything is rolled back.
    """
    try:
        owner = package.owner_org if owner_org is None else owner_org
        package_model.assign_code(package.id, owner or "", package.type, code)
    except Taken as taken:
        messages.refuse_faults(_explain_taken_code(taken.key, taken.holder))


def _explain_taken_code(code: str, holder: str | None) -> FieldFault:
    package = model.Package.get(holder)
    if package is None:
        return make_fault("code", TAKEN_NOW, code=code)
    return make_fault("code", TAKEN, code=code, title=package.title or package.name)


def put_field(pkg_dict: dict[str, Any], field: str, value: object) -> None:
    """Set a field, and its extra of the same name if CKAN's default schema has put one there."""
    pkg_dict[field] = value
    extras: list[dict[str, Any]] = pkg_dict.get("extras") or []
    kept = [extra for extra in extras if extra.get("key") != field]
    if len(kept) == len(extras):
        return
    if value not in (None, ""):
        text = value if isinstance(value, str) else json.dumps(value)
        kept.append({"key": field, "value": text})
    pkg_dict["extras"] = kept


def read_stored_counts(workshop: model.Package) -> dict[str, int | None]:
    """Return the stored counts of a workshop by field; ``None`` for missing or invalid ones."""
    return {
        name: _parse_stored_count(package_model.read_stored_text(workshop, name))
        for name in workshop_domain.COUNT_FIELDS
    }


def complete_workshop(viewer: Viewer, workshop: model.Package, pkg_dict: dict[str, Any]) -> None:
    """Set ``participants_masked``, and the counts, masked unless the viewer is an insider."""
    stored = read_stored_counts(workshop)
    shown, masked = workshop_domain.mask_counts(stored)
    if masked and permissions.is_insider_of(viewer, workshop):
        shown, masked = stored, []
    for name, value in shown.items():
        if value is not None or name in pkg_dict or name in masked:
            put_field(pkg_dict, name, value)
    pkg_dict["participants_masked"] = masked


def _parse_stored_count(text: str) -> int | None:
    try:
        return numbers.parse_count(text) if text else None
    except Malformed:
        return None


def complete_idea(viewer: Viewer, idea: model.Package, pkg_dict: dict[str, Any]) -> None:
    """Set ``municipality`` with its origin, ``workshop_info`` and ``history``."""
    workshop_id = package_model.read_stored_text(idea, "workshop")
    workshop = package_model.load_packages([workshop_id]).get(workshop_id) if workshop_id else None
    own = package_model.read_stored_texts(idea, "municipality")
    resolved = dataset_domain.resolve_values(
        own, list_workshop_municipalities(workshop), dataset_domain.FROM_WORKSHOP
    )
    put_field(pkg_dict, "municipality", resolved.values)
    pkg_dict["municipality_origin"] = resolved.origin
    pkg_dict.pop("workshop_info", None)
    if workshop and viewer.may_see(workshop):
        pkg_dict["workshop_info"] = describe_workshop(workshop)
        put_field(pkg_dict, "workshop", workshop_id)
    elif workshop_id:
        put_field(
            pkg_dict,
            "workshop",
            workshop_id if permissions.sees_hidden_links(viewer, idea) else None,
        )
    is_insider = permissions.is_insider_of(viewer, idea)
    pkg_dict["history"] = [
        _dictize_step(row, is_insider) for row in idea_model.read_idea_history(idea.id)
    ]


def describe_workshop(workshop: model.Package) -> dict[str, str]:
    """Return the fields of a workshop that other records show."""
    record = Workshop.from_stored(workshop)
    return {
        "id": record.id,
        "name": record.name,
        "title": record.label,
        "starts_at": record.starts_at,
        "status": record.status,
    }


def _dictize_step(row: idea_model.NamedTransition, is_insider: bool) -> dict[str, Any]:
    step: dict[str, Any] = {
        "at": row.at.replace(tzinfo=UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "status": row.status,
        "reason": row.reason,
        "organization": None,
    }
    if row.organization_name:
        step["organization"] = {
            "id": row.organization_id,
            "name": row.organization_name,
            "title": row.organization_title or row.organization_name,
        }
    if is_insider:
        # CKAN's site user, which loads the starter catalogue, is not a person.
        is_person = row.user_name != tk.config.get("ckan.site_id")
        step["user"] = row.user_name if is_person else None
    return step


def complete_dataset(viewer: Viewer, dataset: model.Package, pkg_dict: dict[str, Any]) -> None:
    """Set municipality and problem with their origins, ``ideas`` and ``first_published``.

    Municipality and problem are the same for every viewer, ``ideas`` has only visible ideas.
    """
    first = feed_log.read_first_published([dataset.id]).get(dataset.id)
    pkg_dict["first_published"] = first.astimezone(UTC).isoformat() if first else None
    named = package_model.read_stored_texts(dataset, "idea")
    ideas = package_model.load_packages(named)
    workshops = package_model.load_packages(
        w for idea in ideas.values() if (w := package_model.read_stored_text(idea, "workshop"))
    )
    inherited: dict[str, set[str]] = {"municipality": set(), "service_problem": set()}
    for idea in ideas.values():
        workshop = workshops.get(package_model.read_stored_text(idea, "workshop"))
        own = package_model.read_stored_texts(idea, "municipality")
        inherited["municipality"].update(own or list_workshop_municipalities(workshop))
        inherited["service_problem"].update(
            package_model.read_stored_texts(idea, "service_problem")
        )
    for field, values in inherited.items():
        resolved = dataset_domain.resolve_values(
            package_model.read_stored_texts(dataset, field), values, dataset_domain.FROM_IDEA
        )
        put_field(pkg_dict, field, resolved.values)
        pkg_dict[f"{field}_origin"] = resolved.origin
    visible = [ideas[id_] for id_ in named if id_ in ideas and viewer.may_see(ideas[id_])]
    pkg_dict["ideas"] = [_dictize_idea(viewer, idea, workshops) for idea in visible]
    wanted = package_model.read_stored_texts(dataset, "data_need")
    if len(visible) < len(named) and not permissions.sees_hidden_links(viewer, dataset):
        needs = list_idea_needs(visible)
        put_field(pkg_dict, "idea", [idea.id for idea in visible])
        put_field(pkg_dict, "data_need", [need for need in wanted if need in needs])
    elif named:
        # ``pkg_dict`` may come from Solr, which has the ids that an anonymous visitor may see.
        put_field(pkg_dict, "idea", named)
        put_field(pkg_dict, "data_need", wanted)


def _dictize_idea(
    viewer: Viewer, idea: model.Package, workshops: dict[str, model.Package]
) -> dict[str, Any]:
    workshop = workshops.get(package_model.read_stored_text(idea, "workshop"))
    shown = describe_workshop(workshop) if workshop and viewer.may_see(workshop) else None
    return {
        "id": idea.id,
        "name": idea.name,
        "title": idea.title or idea.name,
        "status": package_model.read_stored_text(idea, "status"),
        "workshop": shown,
    }


SHOWN = {
    package_model.DATASET: complete_dataset,
    package_model.IDEA: complete_idea,
    package_model.WORKSHOP: complete_workshop,
}


def save_links_and_code(context: Context, pkg_dict: dict[str, Any]) -> None:
    """Store links, code and history of a package, in the transaction of its save."""
    package = model.Session.get(model.Package, pkg_dict["id"])
    if package is None:
        return
    dataset.store_foreign_iris(context, package)
    if package.type not in SHOWN:
        return
    link.replace_links(package.id, read_links(package))
    if package.state != model.State.DELETED and has_unique_code(package.type):
        assign_code(package, package_model.read_stored_text(package, "code"))
    if package.type == package_model.IDEA:
        _record_status(context, package, pkg_dict.get("status_reason"))


def read_links(package: model.Package) -> dict[Predicate, list[str]]:
    """Return all links of a package, from its extras: predicate → ids, codes or notations."""
    kind = package.type
    found = {
        Predicate(f"{kind}_municipality"): package_model.read_stored_texts(package, "municipality"),
        Predicate(f"{kind}_problem"): package_model.read_stored_texts(package, "service_problem"),
    }
    if kind == package_model.DATASET:
        found[Predicate.DATASET_IDEA] = package_model.read_stored_texts(package, "idea")
        found[Predicate.DATASET_DATA_NEED] = package_model.read_stored_texts(package, "data_need")
    if kind == package_model.IDEA:
        found[Predicate.IDEA_WORKSHOP] = [
            w for w in [package_model.read_stored_text(package, "workshop")] if w
        ]
        needs = package_model.read_stored_rows(package, "data_need")
        found[Predicate.IDEA_DATA_NEED] = [need["id"] for need in needs if need.get("id")]
    return found


def complete_shown_package(context: Context, pkg_dict: dict[str, Any]) -> dict[str, Any]:
    """Add computed fields to a shown package and remove values that the person may not see.

    Everything is read from the database: Solr's copy may be outdated, and has only what an
    anonymous visitor may see.
    """
    resource.correct_file_addresses(pkg_dict)
    _lift_unknown_subfields(pkg_dict)
    complete = SHOWN.get(pkg_dict.get("type", ""))
    is_related = any(pkg_dict.get(name) for name in RELATIONSHIPS)
    if complete is None and not is_related:
        return pkg_dict
    package = context.get("package")
    if not package or package.id != pkg_dict.get("id"):
        package = model.Session.get(model.Package, pkg_dict.get("id"))
    if package is None:
        return pkg_dict
    viewer = as_reader(context)
    if is_related and not permissions.sees_hidden_links(viewer, package):
        _hide_relationships(viewer, pkg_dict)
    if complete is not None:
        complete(viewer, package, pkg_dict)
    return pkg_dict


def _lift_unknown_subfields(pkg_dict: dict[str, Any]) -> None:
    schema: dict[str, Any] = tk.h.scheming_get_dataset_schema(pkg_dict.get("type") or "") or {}
    unkept.lift_subfields(pkg_dict, schema.get("dataset_fields", []))


def _hide_relationships(viewer: Viewer, pkg_dict: dict[str, Any]) -> None:
    """Remove CKAN's package relationships to records that the viewer may not see."""
    for name, other in zip(RELATIONSHIPS, ("object", "subject"), strict=True):
        relationships: list[dict[str, Any]] = pkg_dict.get(name) or []
        rows = {id(row): _find_related_id(row, f"{other}_package_id") for row in relationships}
        related = package_model.load_packages(rows.values())
        shown = {id_ for id_, record in related.items() if viewer.may_see(record)}
        if rows:
            pkg_dict[name] = [row for row in relationships if rows[id(row)] in shown]


def _find_related_id(row: dict[str, Any], key: str) -> str:
    further: dict[str, Any] = row.get("__extras") or {}
    return row.get(key) or further.get(key) or ""


def move_code(package: model.Package, owner_org: str) -> None:
    """Assign the code of a package in the organisation to which it moves.

    Raises:
        ckan.plugins.toolkit.ValidationError: another record of that organisation has the code.
    """
    assign_code(package, package_model.read_stored_text(package, "code"), owner_org)


def _record_status(context: Context, idea: model.Package, reason: Any) -> None:
    status = package_model.read_stored_text(idea, "status")
    # A status outside of the vocabulary is older than the plugin and was not set by a save.
    known = {term.code for term in schemes.get_term_list("idea-status").terms}
    if status not in known or status == idea_model.find_last_status(idea.id):
        return
    user = model.User.get(context.get("user"))
    idea_model.record_transition(
        idea.id,
        status,
        reason if isinstance(reason, str) else "",
        user.id if user else None,
        permissions.find_acting_organization(user.name if user else None, idea.owner_org),
    )
