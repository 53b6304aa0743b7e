"""Which packages are examples, asked of the database: the search index may lag behind."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from ckan import model


def packages(types: Collection[str]) -> list[sa.Row]:
    """Return every package of these types that is flagged as an example, the trash included.

    Returns:
        rows of id, type, name, title and state, by name.
    """
    package = model.Package
    query = (
        sa.select(package.id, package.type, package.name, package.title, package.state)
        .where(
            package.type.in_(types),
            sa.func.lower(package.extras["example"].astext) == "true",
        )
        .order_by(package.name)
    )
    return list(model.Session.execute(query))


def uploads(package_ids: Collection[str]) -> list[tuple[str, str]]:
    """Return (package id, resource id) of the files that the site keeps for these packages."""
    resource = model.Resource
    query = sa.select(resource.package_id, resource.id).where(
        resource.package_id.in_(package_ids), resource.url_type == "upload"
    )
    return [(row.package_id, row.id) for row in model.Session.execute(query)]


def named(package_ids: Collection[str]) -> list[sa.Row]:
    """Return id, type, name and title of those of these packages that are not deleted, by name."""
    package = model.Package
    query = (
        sa.select(package.id, package.type, package.name, package.title)
        .where(package.id.in_(package_ids), package.state != model.State.DELETED)
        .order_by(package.name)
    )
    return list(model.Session.execute(query))
