"""Dates in other people's RDF: what is none is left out, so that the rest of the dataset is kept.

The rules of a dataset refuse it; a harvester would lose the whole dataset for one of them.
"""

from __future__ import annotations

import logging
from typing import Any

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.datasets import is_backwards
from ckanext.marathon.domain.texts import shown

__all__ = ["leave_out_unreadable_dates"]

logger = logging.getLogger(__name__)

_FIELDS = ("issued", "modified")
_PERIOD = ("start", "end")


def leave_out_unreadable_dates(dataset: dict[str, Any], iri: str) -> None:
    """Take out of a dataset, in place, what no rule would take for a date or a period.

    Args:
        dataset: as it was read; ``marathon_notices`` then lists what was taken out.
        iri: of the dataset, for the log.
    """
    lost = _lost(dataset, "", _FIELDS)
    for number, resource in enumerate(dataset.get("resources") or [], 1):
        lost += _lost(resource, f"resources {number} ", _FIELDS)
    periods = []
    for row in dataset.get("temporal_coverage") or []:
        lost += _lost(row, "temporal_coverage ", _PERIOD)
        if is_backwards(row):
            lost.append(f"temporal_coverage: {shown(row['start'])} – {shown(row['end'])}")
        elif any(row.values()):
            periods.append(row)
    if "temporal_coverage" in dataset:
        dataset["temporal_coverage"] = periods
    for each in lost:
        logger.warning("%s: no date, left out: %s", iri, each)
    if lost:
        dataset["marathon_notices"] = [*dataset.get("marathon_notices", []), *lost]


def _lost(row: dict[str, Any], where: str, names: tuple[str, ...]) -> list[str]:
    wrong = [name for name in names if row.get(name) and dates.kept(row[name]) is None]
    return [f"{where}{name}: {shown(row.pop(name))}" for name in wrong]
