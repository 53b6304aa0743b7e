"""Which packages are public, and which of the others a person may see.

Every decision about this is made here, in five forms: as a condition of a query, of a package, of a
package as an action shows it, as the permission labels of CKAN, and for one person
(:class:`Viewer`). What the people of an organisation see *within* a record that others see too,
such as exact counts of participants, is a permission (``logic/permissions.py``).
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

from ckanext.marathon.records import OTHER_TYPES

#: What these columns hold of a package that everybody may see.
PUBLIC: Mapping[str, Any] = MappingProxyType({"state": model.State.ACTIVE, "private": False})
#: What these columns hold of a public organisation. All organisations are, until they are deleted.
PUBLIC_ORGANIZATION: Mapping[str, Any] = MappingProxyType(
    {"state": model.State.ACTIVE, "is_organization": True}
)
# CKAN's permission label that everybody has.
PUBLIC_LABEL = "public"
# The label of coordinating bodies: they see our types, datasets apart, before these are public.
COORDINATION_LABEL = "marathon-coordination"
# Set in a context to read as an anonymous visitor, for data that is passed on to others.
OUTSIDER = "marathon_outsider"


def filter_public(package: object) -> sa.ColumnElement[bool]:
    """Return the SQL condition that everybody may see a package.

    Args:
        package: ``model.Package``, an alias of it, or the columns of its table.
    """
    return sa.and_(*(getattr(package, column) == value for column, value in PUBLIC.items()))


def is_public(package: model.Package) -> bool:
    """Return whether everybody may see a package; plugins' permission labels may hide it."""
    return all(getattr(package, column) == value for column, value in PUBLIC.items()) and (
        PUBLIC_LABEL in get_permission_labels().get_dataset_labels(package)
    )


def filter_public_organizations(group: object) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a group is an organisation, and not deleted.

    Args:
        group: ``model.Group``, an alias of it, or the columns of its table.
    """
    return sa.and_(
        *(getattr(group, column) == value for column, value in PUBLIC_ORGANIZATION.items())
    )


def is_public_organization(group: model.Group | None) -> TypeGuard[model.Group]:
    """Return whether there is a group that is an organisation and not deleted."""
    return group is not None and all(
        getattr(group, column) == value for column, value in PUBLIC_ORGANIZATION.items()
    )


def is_shown_public(shown: Mapping[str, Any]) -> bool:
    """Return whether a package, as an action has shown it, is public."""
    return all(shown.get(column, False) == value for column, value in PUBLIC.items())


def is_widened(package: object, sent: Mapping[str, Any]) -> bool:
    """Return whether new values would show a package, or an organisation, to more people."""
    return any(
        getattr(package, column, value) != value and sent.get(column) == value
        for column, value in PUBLIC.items()
    )


def name_capacity(package: Any) -> sa.Case[str]:
    """Return the SQL expression of the value of Solr's ``capacity``.

    Args:
        package: ``model.Package``, an alias of it, or the columns of its table.
    """
    return sa.case((package.private, "private"), else_="public")


def add_coordination_label(package: model.Package, labels: list[str]) -> list[str]:
    """Return a package's permission labels: coordinating bodies see our types early."""
    if package.type in OTHER_TYPES and PUBLIC_LABEL not in labels:
        return [*labels, COORDINATION_LABEL]
    return labels


class Viewer:
    """The person for whom records are read, or an anonymous visitor.

    ``ignore_auth`` alone makes nobody an insider: it is what CKAN says in its own name, also for
    the copies that it keeps for others to read; see :func:`as_reader`.
    """

    def __init__(self, context: Context) -> None:
        """Find the person; with ``marathon_outsider`` the viewer is an anonymous visitor."""
        self.is_public = bool(context.get(OUTSIDER))
        self.is_internal = bool(context.get("ignore_auth")) and not self.is_public
        self.user: str = "" if self.is_public else context.get("user") or ""
        self._user_obj: Any = None if self.is_public else context.get("auth_user_obj")

    @cached_property
    def is_sysadmin(self) -> bool:
        """Whether it is a sysadmin."""
        return bool(self.user) and authz.is_sysadmin(self.user)

    @cached_property
    def labels(self) -> frozenset[str]:
        """CKAN's permission labels that this person may read."""
        user = self._user_obj
        if user is None or getattr(user, "name", None) != self.user:
            user = model.User.get(self.user) if self.user else None
        return frozenset(get_permission_labels().get_user_dataset_labels(user))

    def may_see(self, package: model.Package) -> bool:
        """Return whether this person may read a package, as ``package_show`` decides it."""
        labels = get_permission_labels().get_dataset_labels(package)
        return PUBLIC_LABEL in labels or self.is_sysadmin or not self.labels.isdisjoint(labels)

    def filter_visible(self, package: Any = model.package_table.c) -> sa.ColumnElement[bool]:
        """Return the same as an SQL condition, for lists of many.

        Args:
            package: ``model.Package``, an alias of it, or the columns of its table.
        """
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
        """Return the ids in this person's labels of a kind, such as ``member-<organisation>``."""
        start = f"{kind}-"
        return [label.removeprefix(start) for label in self.labels if label.startswith(start)]


def as_reader(context: Context) -> Viewer:
    """Return the viewer for whom ``package_show`` answers.

    Code that reads with ``ignore_auth`` acts in the site's own name and may store or show the
    record anywhere: ckanext-activity keeps a copy of it for everybody, although the context holds
    the editor whose request it is. It is given what an outsider sees of a public record. What CKAN
    reads to change and write back (``for_update``) stays whole.
    """
    if context.get("ignore_auth") and not context.get("for_update"):
        return Viewer(cast(Context, {OUTSIDER: True}))
    return Viewer(context)
