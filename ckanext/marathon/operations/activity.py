"""Bringing rows that ckanext-activity wrote into the form that :mod:`logic.activity` gives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ckan import model

from ckanext.marathon.logic.activity import strip_data
from ckanext.marathon.model import activity

BATCH = 500
# Rows that are looked at to say that some are not in order.
_LOOKED_AT = 1_000


@dataclass
class ScrubbedActivities:
    """How many rows there are, and of how many the record or the readers were changed."""

    rows: int = 0
    data: int = 0
    labels: int = 0


def scrub_activities(progress: Callable[[int], None] = lambda done: None) -> ScrubbedActivities:
    """Mend all rows, a batch a transaction; once more changes nothing.

    Args:
        progress: is told how many rows are done after each batch.

    Returns:
        what was changed, nothing where the site has no such table.
    """
    done = ScrubbedActivities()
    if not activity.has_table():
        return done
    for batch in activity.list_activity_rows(BATCH):
        stripped = [(row.id, strip_data(row.data)) for row in batch if row.data]
        before = {row.id: row.data for row in batch}
        changed = [(id_, data) for id_, data in stripped if data != before[id_]]
        activity.write_data(changed)
        packages = {r.object_id for r in batch if activity.is_of_package(r.activity_type)}
        groups = {r.object_id for r in batch} - packages
        done.labels += activity.relabel_rows(packages, groups)
        model.repo.commit()
        done.rows += len(batch)
        done.data += len(changed)
        progress(done.rows)
    return done


def count_unsafe() -> int:
    """Return how many rows tell what is not public: those with wrong readers, and some with names.

    Of rows that keep too much, as many as are found among the first that look so.
    """
    if not activity.has_table():
        return 0
    named = activity.suspicious_rows(_LOOKED_AT)
    kept = [row for row in named if row.data and strip_data(row.data) != row.data]
    return activity.count_exposed() + len(kept)
