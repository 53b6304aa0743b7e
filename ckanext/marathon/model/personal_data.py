"""Personal data in files that somebody has confirmed, with the reason.

A file that looks as if it had identity numbers, telephones, e-mail addresses or names of people
becomes public only after an officer has said why it may. The row belongs to the content of the file
(its checksum) and to the dataset: another content, or the same in another dataset, is asked about
again. It names the places (sheet and column, and how many cells), never the values.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column


class ConfirmedPersonalData(tk.BaseModel):
    """The reason for which personal data in a file may be public.

    Attributes:
        sha256: checksum of the file, in hexadecimal digits.
        package_id: id of the dataset.
        places: what was found: sheet, column, kind and number of cells.
    """

    __tablename__ = "marathon_personal_data"

    number: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    file_name: Mapped[str] = mapped_column(sa.UnicodeText)
    user_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    reason: Mapped[str] = mapped_column(sa.UnicodeText)
    places: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


def record_confirmation(
    sha256: str,
    package_id: str,
    file_name: str,
    user_id: str,
    reason: str,
    places: list[dict[str, Any]],
) -> None:
    """Add a row within the session's transaction."""
    model.Session.add(
        ConfirmedPersonalData(
            sha256=sha256,
            package_id=package_id,
            file_name=file_name,
            user_id=user_id,
            at=datetime.now(UTC),
            reason=reason,
            places=places,
        )
    )


def list_confirmations(package_id: str) -> list[ConfirmedPersonalData]:
    """Return what was confirmed about the files of a dataset, the latest first."""
    query = sa.select(ConfirmedPersonalData).where(ConfirmedPersonalData.package_id == package_id)
    return list(model.Session.scalars(query.order_by(ConfirmedPersonalData.number.desc())))


def find_confirmed(package_id: str, checksums: Collection[str]) -> set[str]:
    """Return those checksums whose content was confirmed for a dataset."""
    query = sa.select(ConfirmedPersonalData.sha256).where(
        ConfirmedPersonalData.package_id == package_id,
        ConfirmedPersonalData.sha256.in_(checksums),
    )
    return set(model.Session.scalars(query))
