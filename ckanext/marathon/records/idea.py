"""An idea as a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ckanext.marathon.records.package import COLUMNS, PackageRecord, read_common
from ckanext.marathon.records.values import Fields, read_text


@dataclass(frozen=True)
class DataNeed:
    """Data that an idea asks for; ``id`` is "" of one that an old program stored."""

    id: str
    what: str = ""
    why: str = ""


@dataclass(frozen=True)
class Summary:
    """An idea in another language: an IRI or code of it, and the text."""

    language: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Idea(PackageRecord):
    """An idea; ``""`` stands for what is not known.

    Attributes:
        workshop_id: of the workshop in which it was said.
        status: code of how far it is.
        communities: names of places.
        proponent_group: code.
        evidence: web addresses.
    """

    code: str = ""
    workshop_id: str = ""
    status: str = ""
    communities: tuple[str, ...] = ()
    proponent_group: str = ""
    votes: int | None = None
    priority: int | None = None
    data_needs: tuple[DataNeed, ...] = ()
    evidence: tuple[str, ...] = ()
    summaries: tuple[Summary, ...] = ()

    def name_need(self, need_id: str) -> str:
        """Return what data one of its data needs is, ``""`` if it has no such need."""
        return next((need.what for need in self.data_needs if need.id == need_id), "")

    @classmethod
    def from_shown(cls, shown: Mapping[str, object]) -> Idea:
        """Return an idea as ``package_show`` gives it."""
        return cls._read(Fields.of_shown(shown))

    @classmethod
    def from_stored(cls, row: object) -> Idea:
        """Return an idea as the database has it: its own municipalities, not its workshop's."""
        return cls._read(Fields.of_stored(row, *COLUMNS))

    @classmethod
    def _read(cls, fields: Fields) -> Idea:
        return cls(
            **read_common(fields),
            code=fields.text("code"),
            workshop_id=_read_id(fields.value("workshop")),
            status=fields.text("status"),
            communities=fields.texts("community"),
            proponent_group=fields.text("proponent_group"),
            votes=fields.count("votes"),
            priority=fields.count("priority"),
            data_needs=tuple(
                DataNeed(row.text("id"), row.text("what"), row.text("why"))
                for row in fields.rows("data_need")
            ),
            evidence=fields.texts("evidence"),
            summaries=tuple(
                Summary(row.text("lang"), row.text("text")) for row in fields.rows("summary")
            ),
        )


def _read_id(value: object) -> str:
    """Return an id, also of a record that is shown within another."""
    if isinstance(value, Mapping):
        value = cast(Mapping[str, object], value).get("id")
    return read_text(value)
