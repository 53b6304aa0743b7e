"""The codes by which spreadsheets name workshops and ideas, unique in an organisation and type."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.marathon.domain.errors import Taken
from ckanext.marathon.model.claim import claim


class Code(tk.BaseModel):
    """The claim of a package to a code."""

    __tablename__ = "marathon_code"

    owner_org = sa.Column(sa.UnicodeText, primary_key=True)
    package_type = sa.Column(sa.UnicodeText, primary_key=True)
    code = sa.Column(sa.UnicodeText, primary_key=True)
    package_id = sa.Column(sa.UnicodeText, nullable=False, unique=True)


def holder(owner_org: str, package_type: str, code: str) -> str | None:
    """Return the id of the package, not deleted, that has this code."""
    return model.Session.scalar(
        sa.select(Code.package_id)
        .join(model.Package, model.Package.id == Code.package_id)
        .where(_is(owner_org, package_type, code), model.Package.state != model.State.DELETED)
    )


def assign(package_id: str, owner_org: str, package_type: str, code: str | None) -> None:
    """Let a package have this code and no other; ``None`` or ``""`` for none.

    A code that a deleted or purged package left behind is taken over.

    Raises:
        Taken: another package has it; ``holder`` is its id where that is known.
    """
    wanted = _is(owner_org, package_type, code or "")
    own = Code.package_id == package_id
    model.Session.execute(sa.delete(Code).where(own, sa.not_(wanted)))
    if not code or model.Session.scalar(sa.select(Code.code).where(own)) is not None:
        return
    current = model.Session.scalar(sa.select(Code.package_id).where(wanted).with_for_update())
    if current is not None:
        if holder(owner_org, package_type, code) is not None:
            raise Taken(code, current)
        model.Session.execute(sa.delete(Code).where(wanted))
    row = sa.insert(Code).values(
        owner_org=owner_org, package_type=package_type, code=code, package_id=package_id
    )
    claim(row, code)


def release(package_id: str) -> None:
    """Give back the code of a package that is no more."""
    model.Session.execute(sa.delete(Code).where(Code.package_id == package_id))


def _is(owner_org: str, package_type: str, code: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        Code.owner_org == owner_org, Code.package_type == package_type, Code.code == code
    )
