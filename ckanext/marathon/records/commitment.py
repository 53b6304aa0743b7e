"""A commitment of an action plan as a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ckanext.marathon.records.package import COLUMNS, PackageRecord, read_common
from ckanext.marathon.records.values import Fields


@dataclass(frozen=True)
class Milestone:
    """One thing that a commitment promises.

    Attributes:
        due: a year, month or day, ISO 8601, ``""`` if none.
        status: a code, ``""`` if none.
        evidence: web addresses.
    """

    title: str
    due: str
    status: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Commitment(PackageRecord):
    """A commitment; ``""`` stands for what is not known.

    Attributes:
        plan: name of the action plan.
        number: of the commitment in it.
        leads: names of institutions, as ``partners``.
    """

    plan: str = ""
    number: str = ""
    axis: str = ""
    leads: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    source_url: str = ""
    milestones: tuple[Milestone, ...] = ()

    @classmethod
    def from_shown(cls, shown: Mapping[str, object]) -> Commitment:
        """Return a commitment as ``package_show`` gives it."""
        return cls._read(Fields.of_shown(shown))

    @classmethod
    def from_stored(cls, row: object) -> Commitment:
        """Return a commitment as the database has it."""
        return cls._read(Fields.of_stored(row, *COLUMNS))

    @classmethod
    def _read(cls, fields: Fields) -> Commitment:
        return cls(
            **read_common(fields),
            plan=fields.text("plan"),
            number=fields.text("number"),
            axis=fields.text("axis"),
            leads=fields.texts("lead"),
            partners=fields.texts("partner"),
            source_url=fields.text("source_url"),
            milestones=tuple(
                Milestone(
                    row.text("title"), row.text("due"), row.text("status"), row.texts("evidence")
                )
                for row in fields.rows("milestone")
            ),
        )
