"""Which packages are public, and which of the others a person may see.

Every decision about this is made here, in five forms: as an SQL condition, for CKAN's ``Package``,
for the result of ``package_show``, as CKAN's permission labels, and for one person
(:class:`Viewer`). Which internal fields insiders see *within* a visible record, such as exact
counts of participants, is a permission (``logic/permissions.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeGuard, cast

import sqlalchemy as sa
from ckan import authz, model
from ckan.lib.plugins import get_permission_labels
from ckan.types import Context
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from ckanext.marathon.records import OTHER_TYPES

#: The values of these columns of a package that everybody may see.
PUBLIC: Mapping[str, Any] = MappingProxyType({"state": model.State.ACTIVE, "private": False})
#: The values of these columns of a public organisation: every organisation that is not deleted.
PUBLIC_ORGANIZATION: Mapping[str, Any] = MappingProxyType(
    {"state": model.State.ACTIVE, "is_organization": True}
)
# CKAN's permission label of public packages.
PUBLIC_LABEL = "public"
# The label with which coordinating bodies see unpublished workshops, ideas and commitments.
COORDINATION_LABEL = "marathon-coordination"
# Context key to read as an anonymous visitor, for data that is passed on to other people.
OUTSIDER = "marathon_outsider"

# CKAN's ``Package``, an alias of it, or the columns of its table.
PackageColumns = type[model.Package] | ReadOnlyColumnCollection[str, sa.Column[Any]]


def filter_public(package: PackageColumns) -> sa.ColumnElement[bool]:
    """Return the SQL condition that everybody may see a package."""
    return sa.and_(*(getattr(package, column) == value for column, value in PUBLIC.items()))


def is_public(package: model.Package) -> bool:
    """Return whether everybody may see a package; permission labels of plugins may hide it."""
    return all(getattr(package, column) == value for column, value in PUBLIC.items()) and (
        PUBLIC_LABEL in get_permission_labels().get_dataset_labels(package)
    )


def filter_public_organizations(group: object) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a group is an organisation and not deleted.

    Args:
        group: CKAN's ``Group``, an alias of it, or the columns of its table.
    """
    return sa.and_(
        *(getattr(group, column) == value for column, value in PUBLIC_ORGANIZATION.items())
    )


def is_public_organization(group: model.Group | None) -> TypeGuard[model.Group]:
    """Return whether a group is an organisation and not deleted; ``None`` is not."""
    return group is not None and all(
        getattr(group, column) == value for column, value in PUBLIC_ORGANIZATION.items()
    )


def is_shown_public(shown: Mapping[str, Any]) -> bool:
    """Return whether a package from ``package_show`` is public."""
    return all(shown.get(column, False) == value for column, value in PUBLIC.items())


def is_widened(package: object, sent: Mapping[str, Any]) -> bool:
    """Return whether the sent values would publish or restore a package or organisation."""
    return any(
        getattr(package, column, value) != value and sent.get(column) == value
        for column, value in PUBLIC.items()
    )


def name_capacity(package: PackageColumns) -> sa.Case[str]:
    """Return the SQL expression of Solr's field ``capacity``."""
    return sa.case((package.private, "private"), else_="public")


def add_coordination_label(package: model.Package, labels: list[str]) -> list[str]:
    """Return a package's permission labels, with the one of coordinating bodies if it needs it."""
    if package.type in OTHER_TYPES and PUBLIC_LABEL not in labels:
        return [*labels, COORDINATION_LABEL]
    return labels


class Viewer:
    """The person for whom records are read, or an anonymous visitor.

    ``ignore_auth`` makes nobody an insider, because CKAN also sets it to make copies that other
    people read; see :func:`as_reader`.
    """

    def __init__(self, context: Context) -> None:
        """Find the person; with ``marathon_outsider`` the viewer is an anonymous visitor."""
        self.is_public = bool(context.get(OUTSIDER))
        self.is_internal = bool(context.get("ignore_auth")) and not self.is_public
        self.user: str = "" if self.is_public else context.get("user") or ""
        self._user_obj: Any = None if self.is_public else context.get("auth_user_obj")

    @cached_property
    def is_sysadmin(self) -> bool:
        """Whether the person is a sysadmin."""
        return bool(self.user) and authz.is_sysadmin(self.user)

    @cached_property
    def labels(self) -> frozenset[str]:
        """The person's permission labels."""
        user = self._user_obj
        if user is None or getattr(user, "name", None) != self.user:
            user = model.User.get(self.user) if self.user else None
        return frozenset(get_permission_labels().get_user_dataset_labels(user))

    def may_see(self, package: model.Package) -> bool:
        """Return whether this person may read a package, by the rules of ``package_show``."""
        labels = get_permission_labels().get_dataset_labels(package)
        return PUBLIC_LABEL in labels or self.is_sysadmin or not self.labels.isdisjoint(labels)

    def filter_visible(
        self, package: PackageColumns = model.package_table.c
    ) -> sa.ColumnElement[bool]:
        """Return the SQL condition that this person may read a package."""
        if self.is_internal or self.is_sysadmin:
            return sa.true()
        seen = [
            filter_public(package),
            package.owner_org.in_(self._list_named("member")),
            sa.and_(
                package.owner_org.is_(None),
                package.creator_user_id.in_(self._list_named("creator")),
            ),
            package.id.in_(self._list_named("collaborator")),
        ]
        if COORDINATION_LABEL in self.labels:
            seen.append(package.type.in_(OTHER_TYPES))
        return sa.or_(*seen)

    def _list_named(self, kind: str) -> list[str]:
        """Return the ids in this person's labels of a kind, such as ``member-<organization>``."""
        start = f"{kind}-"
        return [label.removeprefix(start) for label in self.labels if label.startswith(start)]


def as_reader(context: Context) -> Viewer:
    """Return the viewer for whom ``package_show`` returns a record.

    Code that reads with ``ignore_auth`` may store or show the record anywhere: ckanext-activity
    stores a copy for everybody, although the context has the editor of the request. So it gets what
    an anonymous visitor sees. With ``for_update``, CKAN reads a record to write it back, and gets
    all of it.
    """
    if context.get("ignore_auth") and not context.get("for_update"):
        return Viewer(cast(Context, {OUTSIDER: True}))
    return Viewer(context)
