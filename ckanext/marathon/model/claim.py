"""Taking something that only one may have, also when two ask at the same instant."""

from __future__ import annotations

import sqlalchemy as sa
from ckan import model
from sqlalchemy.exc import IntegrityError

from ckanext.marathon.domain.errors import Taken


def claim(row: sa.Insert, key: str) -> None:
    """Insert a row whose keys are unique; nothing is committed.

    The database makes the second of two wait for the first one's commit and then refuses it.

    Raises:
        Taken: somebody else was first; the rest of the transaction is untouched.
    """
    try:
        with model.Session.begin_nested():
            model.Session.execute(row)
    except IntegrityError as fault:
        raise Taken(key, None) from fault
