"""What happens after a package is saved and before it is shown."""

from __future__ import annotations

from typing import Any

from ckan import model
from ckan.plugins import toolkit as tk
from ckan.types import Context

from ckanext.marathon.logic import (
    acting,
    codes,
    file_addresses,
    kept_iris,
    permissions,
    unknown_subfields,
)
from ckanext.marathon.logic.show import dataset, idea, workshop
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import link
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.search.document import RELATIONSHIPS
from ckanext.marathon.visibility import Viewer, as_reader
from ckanext.marathon.vocabulary import statuses

SHOWN = {
    package_model.DATASET: dataset.complete,
    package_model.IDEA: idea.complete,
    package_model.WORKSHOP: workshop.complete,
}


def after_save(context: Context, pkg_dict: dict[str, Any]) -> None:
    """Write links, code and history of a package, in the transaction of its save."""
    package = model.Session.get(model.Package, pkg_dict["id"])
    if package is None:
        return
    kept_iris.keep_brought(context, package)
    if package.type not in SHOWN:
        return
    link.replace_links(package.id, links(package))
    if package.type == package_model.DATASET:
        return
    if package.state != model.State.DELETED:
        codes.assign(package, package_model.read_stored_text(package, "code"))
    if package.type == package_model.IDEA:
        _record_step(context, package, pkg_dict.get("status_reason"))


def links(package: model.Package) -> dict[Predicate, list[str]]:
    """Return all links of a package, as its extras say them."""
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


def after_show(context: Context, pkg_dict: dict[str, Any]) -> dict[str, Any]:
    """Add what is computed, and take away what this person may not see.

    Always from the database: what Solr remembers may be late, and is what outsiders see.
    """
    file_addresses.settle(pkg_dict)
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
    if is_related and not permissions.keeps_links(viewer, package):
        _hide_relationships(viewer, pkg_dict)
    if complete is not None:
        complete(viewer, package, pkg_dict)
    return pkg_dict


def _lift_unknown_subfields(pkg_dict: dict[str, Any]) -> None:
    schema: dict[str, Any] = tk.h.scheming_get_dataset_schema(pkg_dict.get("type") or "") or {}
    unknown_subfields.lift(pkg_dict, schema.get("dataset_fields", []))


def _hide_relationships(viewer: Viewer, pkg_dict: dict[str, Any]) -> None:
    """Leave out CKAN's relationships to what this person may not see."""
    for name, other in zip(RELATIONSHIPS, ("object", "subject"), strict=True):
        rows = {
            id(row): _related_id(row, f"{other}_package_id") for row in pkg_dict.get(name) or []
        }
        related = package_model.load_packages(rows.values())
        shown = {id_ for id_, record in related.items() if viewer.may_see(record)}
        if rows:
            pkg_dict[name] = [row for row in pkg_dict[name] if rows[id(row)] in shown]


def _related_id(row: dict[str, Any], key: str) -> str:
    return row.get(key) or (row.get("__extras") or {}).get(key) or ""


def move_code(package: model.Package, owner_org: str) -> None:
    """Take the code of a package along to another organisation.

    Raises:
        ckan.plugins.toolkit.ValidationError: it is another one's there.
    """
    codes.assign(package, package_model.read_stored_text(package, "code"), owner_org)


def _record_step(context: Context, idea: model.Package, reason: Any) -> None:
    status = package_model.read_stored_text(idea, "status")
    # One that is no term was not set by any save: it was there, and was left as it is.
    known = {term.code for term in statuses.get_term_list("idea-status").terms}
    if status not in known or status == idea_model.find_last_status(idea.id):
        return
    user = model.User.get(context.get("user"))
    idea_model.record_transition(
        idea.id,
        status,
        reason if isinstance(reason, str) else "",
        user.id if user else None,
        acting.organization_of(user.name if user else None, idea.owner_org),
    )
