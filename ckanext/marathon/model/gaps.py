"""What the descriptions of public datasets lack and only people can add."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.marathon import visibility
from ckanext.marathon.model.about import package

_group: Any = model.Group
# CKAN's id for a licence that nobody stated.
_NOT_STATED = ("", "notspecified")
_IS_PUBLIC_DATASET = sa.and_(visibility.filter_public(package), package.type == "dataset")


def count_datasets_without_licence() -> int:
    """Return how many public datasets do not say under which licence they are."""
    # What another catalogue said in words of its own.
    in_words = sa.func.coalesce(package.extras["license_text"].astext, "")
    query = sa.select(sa.func.count()).where(
        _IS_PUBLIC_DATASET,
        sa.func.coalesce(package.license_id, "").in_(_NOT_STATED),
        in_words == "",
    )
    return model.Session.scalar(query) or 0


def count_organizations_without_contact() -> int:
    """Return how many organisations with public datasets give no e-mail address for questions."""
    owners = sa.select(package.owner_org).where(_IS_PUBLIC_DATASET)
    query = sa.select(sa.func.count()).where(
        _group.is_organization.is_(True),
        _group.state == model.State.ACTIVE,
        _group.id.in_(owners),
        sa.func.coalesce(_group.extras["contact_email"].astext, "") == "",
    )
    return model.Session.scalar(query) or 0
