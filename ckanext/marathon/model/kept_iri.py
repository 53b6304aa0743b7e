"""The IRIs that datasets and their files came with from other catalogues.

Only the server writes them: those that a site had before the plugin with its tables, those that a
harvest brings with the save (``logic/kept_iris.py``). What somebody types into ``uri`` is not here,
and names nothing.
"""

from __future__ import annotations

from collections.abc import Collection

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model


class KeptIri(tk.BaseModel):
    """An IRI and the one dataset or file that has it.

    Attributes:
        thing: id of the dataset or resource.
        package_id: id of the dataset, also where ``thing`` is one of its resources.
    """

    __tablename__ = "marathon_kept_iri"

    iri = sa.Column(sa.UnicodeText, primary_key=True)
    thing = sa.Column(sa.UnicodeText, nullable=False, unique=True)
    package_id = sa.Column(sa.UnicodeText, nullable=False, index=True)


def list_of(package_ids: Collection[str]) -> dict[str, str]:
    """Return id → IRI of these datasets and of their resources, as far as they have one."""
    if not package_ids:
        return {}
    query = sa.select(KeptIri.thing, KeptIri.iri).where(KeptIri.package_id.in_(list(package_ids)))
    return dict(model.Session.execute(query).tuples().all())


def list_of_datasets() -> dict[str, str]:
    """Return id → IRI of all datasets that have one."""
    query = sa.select(KeptIri.thing, KeptIri.iri).where(KeptIri.thing == KeptIri.package_id)
    return dict(model.Session.execute(query).tuples().all())


def take(iri: str, thing: str, package_id: str) -> bool:
    """Let a dataset or resource have an IRI instead of the one it had; nothing is committed.

    Nobody takes one from a dataset or resource that is there: the first keeps it. From one that
    was deleted it passes on.

    Returns:
        whether it has it now; otherwise nothing was changed.
    """
    values = {"iri": iri, "thing": thing, "package_id": package_id}
    with model.Session.begin_nested() as attempt:
        connection = model.Session.connection()
        connection.execute(_RELEASE, values)
        taken = connection.execute(_TAKE, values).rowcount > 0
        if not taken:
            attempt.rollback()
    return taken


_RELEASE = sa.text("DELETE FROM marathon_kept_iri WHERE thing = :thing AND iri <> :iri")
# Of two at the same instant the second waits for the first one's commit.
_TAKE = sa.text(
    """
    INSERT INTO marathon_kept_iri AS kept (iri, thing, package_id)
    VALUES (:iri, :thing, :package_id)
    ON CONFLICT (iri) DO UPDATE SET thing = excluded.thing, package_id = excluded.package_id
    WHERE kept.thing = excluded.thing OR NOT EXISTS (
        SELECT FROM package WHERE package.id = kept.package_id AND package.state = 'active' AND (
            kept.thing = kept.package_id OR EXISTS (
                SELECT FROM resource WHERE resource.id = kept.thing AND resource.state = 'active'
            )
        )
    )
    """
)
