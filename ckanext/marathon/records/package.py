"""What a dataset, an idea, a workshop and a commitment have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, cast

from ckanext.marathon.records.base import Record
from ckanext.marathon.records.organization import Organization
from ckanext.marathon.records.values import Fields, Row

DATASET = "dataset"
# Our dataset types that are no datasets.
OTHER_TYPES = ("workshop", "idea", "commitment")


@dataclass(frozen=True, kw_only=True)
class PackageRecord(Record):
    """A record of one of our dataset types.

    Attributes:
        owner_id: id of its organisation.
        owner: what the action that showed the package told of it.
        is_example: whether it was made up to show how the site works.
        municipalities: codes; of what is shown, computed ones too.
        problems: notations of service problems; the same.
        created: when CKAN got it, in UTC and without an offset, as ``modified``; ``None`` for
            what is shown.
    """

    owner_id: str = ""
    owner: Organization | None = None
    is_example: bool = False
    municipalities: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    created: datetime | None = None
    modified: datetime | None = None


# CKAN's own columns of a package, of which queries ask some.
COLUMNS = ("id", "name", "title", "notes", "owner_org", "metadata_created", "metadata_modified")


class Common(TypedDict):
    """The arguments of :class:`PackageRecord`."""

    id: str
    name: str
    title: str
    notes: str
    owner_id: str
    owner: Organization | None
    is_example: bool
    municipalities: tuple[str, ...]
    problems: tuple[str, ...]
    created: datetime | None
    modified: datetime | None


def read_common(fields: Fields) -> Common:
    """Return what every package has."""
    created, modified = (fields.value(f"metadata_{name}") for name in ("created", "modified"))
    return {
        "id": fields.text("id"),
        "name": fields.text("name"),
        "title": fields.text("title"),
        "notes": fields.text("notes"),
        "owner_id": fields.text("owner_org"),
        "owner": _read_owner(fields.value("organization")),
        "is_example": fields.flag("example"),
        "municipalities": fields.texts("municipality"),
        "problems": fields.texts("service_problem"),
        "created": created if isinstance(created, datetime) else None,
        "modified": modified if isinstance(modified, datetime) else None,
    }


def _read_owner(value: object) -> Organization | None:
    if not isinstance(value, Mapping):
        return None
    found = Organization.from_shown(cast(Row, value))
    return found if found.id else None
