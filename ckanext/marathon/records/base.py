"""What every record has."""

from __future__ import annotations

from dataclasses import dataclass

from ckanext.marathon.records.values import Fields, Row


@dataclass(frozen=True, kw_only=True)
class Record:
    """Something that CKAN has an id and a name for; ``""`` stands for what is not known.

    Attributes:
        title: as somebody typed it; :attr:`label` is never empty.
        notes: its description, in Markdown.
    """

    id: str
    name: str = ""
    title: str = ""
    notes: str = ""

    @property
    def label(self) -> str:
        """What pages call it: its title, else its name."""
        return self.title or self.name


def read_record(shown: Row) -> Record:
    """Return what a list of an action tells of a record: id, name, title."""
    fields = Fields.of_shown(shown)
    found = {name: fields.text(name) for name in ("id", "name", "title", "notes")}
    return Record(**found)
