"""A dataset as a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ckanext.marathon.records.package import COLUMNS, PackageRecord, read_common
from ckanext.marathon.records.values import Fields


@dataclass(frozen=True, kw_only=True)
class Dataset(PackageRecord):
    """A dataset and where it comes from.

    What DCAT-AP says of a dataset besides is read by ``rdf/dataset.py`` from the dict.

    Attributes:
        idea_ids: of the ideas that it names.
        data_need_ids: of the data needs that it says it meets.
    """

    idea_ids: tuple[str, ...] = ()
    data_need_ids: tuple[str, ...] = ()

    @classmethod
    def from_shown(cls, shown: Mapping[str, object]) -> Dataset:
        """Return a dataset as ``package_show`` gives it."""
        return cls._read(Fields.of_shown(shown))

    @classmethod
    def from_stored(cls, row: object) -> Dataset:
        """Return a dataset as the database has it: its own places and problems alone."""
        return cls._read(Fields.of_stored(row, *COLUMNS))

    @classmethod
    def _read(cls, fields: Fields) -> Dataset:
        return cls(
            **read_common(fields),
            idea_ids=fields.texts("idea"),
            data_need_ids=fields.texts("data_need"),
        )
