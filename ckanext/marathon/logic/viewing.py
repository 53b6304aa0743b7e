"""Who is looking, and what of the things around a record they may see."""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

import sqlalchemy as sa
from ckan import authz, model
from ckan.lib.plugins import get_permission_labels
from ckan.types import Context

from ckanext.marathon.logic import permissions
from ckanext.marathon.search.types import OTHER_TYPES

# Set in a context to see what the public sees, whoever asks: what goes to others' hands.
OUTSIDER = "marathon_outsider"


class Viewer:
    """A person, or nobody, in front of a record.

    ``ignore_auth`` alone makes nobody an insider: it is what CKAN says in its own name, also for
    the copies that it keeps for others to read; see :func:`as_reader`.
    """

    def __init__(self, context: Context) -> None:
        """Read who it is; ``marathon_outsider`` looks with the public's eyes."""
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
        """What CKAN's permission labels let this person read."""
        user = self._user_obj
        if user is None or getattr(user, "name", None) != self.user:
            user = model.User.get(self.user) if self.user else None
        return frozenset(get_permission_labels().get_user_dataset_labels(user))

    def may_see(self, package: model.Package) -> bool:
        """Return whether this person may read a package, as ``package_show`` decides it."""
        labels = get_permission_labels().get_dataset_labels(package)
        return "public" in labels or self.is_sysadmin or not self.labels.isdisjoint(labels)

    def sees(self) -> sa.ColumnElement[bool]:
        """Return the same as a condition on the table of packages, for lists of many."""
        package = model.package_table.c
        if self.is_internal or self.is_sysadmin:
            return sa.true()
        named = {
            kind: self._named_by_labels(kind) for kind in ("member", "creator", "collaborator")
        }
        seen = [
            sa.and_(package.state == model.State.ACTIVE, package.private.is_(False)),
            package.owner_org.in_(named["member"]),
            sa.and_(package.owner_org.is_(None), package.creator_user_id.in_(named["creator"])),
            package.id.in_(named["collaborator"]),
        ]
        if permissions.COORDINATION_LABEL in self.labels:
            seen.append(package.type.in_(OTHER_TYPES))
        return sa.or_(*seen)

    def _named_by_labels(self, kind: str) -> list[str]:
        start = f"{kind}-"
        return [label.removeprefix(start) for label in self.labels if label.startswith(start)]

    def is_insider(self, package: model.Package) -> bool:
        """Return whether this person may see what the package's organisation keeps to itself.

        Whoever may edit it may: nobody could send back what they were not shown.
        """
        if not self.user:
            return False
        if permissions.is_insider(self.user, package.owner_org):
            return True
        context: Context = {"user": self.user}
        return authz.is_authorized_boolean("package_update", context, {"id": package.id})

    def keeps_links(self, package: model.Package) -> bool:
        """Return whether ids of what this person may not see stay in the record.

        For those who write it back: dropping an id that they cannot see would cut the link.
        """
        return self.is_internal or self.is_insider(package)


def as_reader(context: Context) -> Viewer:
    """Return for whose eyes ``package_show`` answers.

    Code that reads with ``ignore_auth`` acts in the site's own name and may store or show the
    record anywhere: ckanext-activity keeps a copy of it for everybody, although the context holds
    the editor whose request it is. It is given what an outsider sees of a public record. What CKAN
    reads to change and write back (``for_update``) stays whole.
    """
    if context.get("ignore_auth") and not context.get("for_update"):
        return Viewer(cast(Context, {OUTSIDER: True}))
    return Viewer(context)
