"""The former versions of files that were replaced.

The bytes of a version are stored like those of a file, under the id of the version. So every
storage that CKAN can use for files has them, and so have backups. A version is read with the
permissions of its record of today.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column


class FileVersion(tk.BaseModel):
    """One former version of a file.

    Attributes:
        id: under which its bytes are stored.
        number: 1 for the first version of its file.
        title: the title of the file then.
        size: in bytes.
        hash: SHA-256 of the bytes, "" for old files without.
        uploaded: when it was uploaded; ``None`` if that is unknown.
        replaced: when the next version replaced it.
        user_id: the person who replaced it.
        is_erased: whether its bytes were erased, because they had personal data.
        changes: what the next version changed (``logic/file_version.py``).
    """

    __tablename__ = "marathon_file_version"
    __table_args__ = (sa.UniqueConstraint("resource_id", "number"),)

    id: Mapped[str] = mapped_column(
        sa.UnicodeText, primary_key=True, default=lambda: str(uuid.uuid4())
    )
    resource_id: Mapped[str] = mapped_column(sa.UnicodeText)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    number: Mapped[int] = mapped_column(sa.Integer)
    title: Mapped[str] = mapped_column(sa.UnicodeText)
    file_name: Mapped[str] = mapped_column(sa.UnicodeText)
    format: Mapped[str] = mapped_column(sa.UnicodeText)
    mimetype: Mapped[str] = mapped_column(sa.UnicodeText)
    size: Mapped[int | None] = mapped_column(sa.BigInteger)
    hash: Mapped[str] = mapped_column(sa.UnicodeText)
    uploaded: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    replaced: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    user_id: Mapped[str | None] = mapped_column(sa.UnicodeText)
    is_erased: Mapped[bool] = mapped_column(sa.Boolean, server_default=sa.text("false"))
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=sa.text("'{}'"))


def list_versions(resource_id: str) -> list[FileVersion]:
    """Return the former versions of a file, the newest first."""
    query = sa.select(FileVersion).where(FileVersion.resource_id == resource_id)
    return list(model.Session.scalars(query.order_by(FileVersion.number.desc())))


def list_version_ids(package_id: str) -> list[str]:
    """Return the ids of all former versions of a record's files that have bytes."""
    query = sa.select(FileVersion.id).where(
        FileVersion.package_id == package_id, ~FileVersion.is_erased
    )
    return list(model.Session.scalars(query.order_by(FileVersion.id)))


def find_version(resource_id: str, number: int) -> FileVersion | None:
    """Return a former version of a file by its number."""
    query = sa.select(FileVersion).where(
        FileVersion.resource_id == resource_id, FileVersion.number == number
    )
    return model.Session.scalars(query).one_or_none()


def count_next_number(resource_id: str) -> int:
    """Return the number of the version that a file would become now."""
    query = sa.select(sa.func.max(FileVersion.number)).where(FileVersion.resource_id == resource_id)
    return (model.Session.scalar(query) or 0) + 1


def list_stored_ids() -> list[str]:
    """Return the ids of all versions whose bytes are stored."""
    query = sa.select(FileVersion.id).where(~FileVersion.is_erased).order_by(FileVersion.id)
    return list(model.Session.scalars(query))


def list_of_absent() -> list[FileVersion]:
    """Return the versions whose file is deleted, or whose record no longer exists."""
    package, resource = model.Package, model.Resource
    query = (
        sa.select(FileVersion)
        .outerjoin(package, package.id == FileVersion.package_id)
        .outerjoin(resource, resource.id == FileVersion.resource_id)
        .where(
            sa.or_(
                package.id.is_(None),
                resource.id.is_(None),
                resource.state == model.State.DELETED,
            )
        )
    )
    return list(model.Session.scalars(query.order_by(FileVersion.id)))


def list_for_packages(package_ids: Collection[str]) -> list[FileVersion]:
    """Return the versions of the files of packages."""
    query = sa.select(FileVersion).where(FileVersion.package_id.in_(package_ids))
    return list(model.Session.scalars(query.order_by(FileVersion.id)))
