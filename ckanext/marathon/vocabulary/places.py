"""What is known of a municipality and of a department, and how it is read from its CSV row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

Pilot = Literal["", "yes", "reported"]


class BoundingBox(NamedTuple):
    """WGS84 degrees, rounded outward to 4 decimals."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality.

    Attributes:
        code: INE code, four digits.
        slug: ASCII, unique among all places.
        alt_names: other current names, for searching.
        latitude: WGS84 degrees, centre of the largest circle inside the boundary; not the town.
        bbox: of the unsimplified boundary.
        pilot: ``"yes"`` (a letter of INFOM says so), ``"reported"`` (a news report) or ``""``.
        replaced_by: codes of the municipalities that replaced this one, if it was dissolved.
    """

    code: str
    name: str
    slug: str
    alt_names: tuple[str, ...]
    department_code: str
    latitude: float
    longitude: float
    bbox: BoundingBox
    pilot: Pilot
    replaced_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Department:
    """A department.

    Attributes:
        code: INE code, two digits.
        slug: ASCII, starts with ``departamento-`` (14 share their name with a municipality).
        iso_3166_2: current numeric ISO code, e.g. ``GT-21``.
        iso_3166_2_former: letters in force before, e.g. ``GT-JA``.
        capital_code: code of the municipality that holds its capital.
        replaced_by: codes of the departments that replaced this one, if it was dissolved.
    """

    code: str
    name: str
    slug: str
    iso_3166_2: str
    iso_3166_2_former: str
    capital_code: str
    latitude: float
    longitude: float
    bbox: BoundingBox
    replaced_by: tuple[str, ...] = ()


class PilotEvidence(NamedTuple):
    """What is known about a municipality of the pilot, and from where.

    ``source`` is a web address, or words in English with ``source_es`` for the same in Spanish.
    """

    code: str
    name: str
    status: str
    evidence: str
    source: str
    source_es: str
    source_date: str

    def source_label(self, lang: str) -> str:
        """Return the source as readers of a language call it."""
        return self.source_es if self.source_es and lang.startswith("es") else self.source


def municipality_from(row: Mapping[str, str]) -> Municipality:
    """Return the municipality a row of ``municipalities.csv`` describes."""
    return Municipality(
        code=row["code"],
        name=row["name"],
        slug=row["slug"],
        alt_names=_several(row["alt_names"]),
        department_code=row["department_code"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        bbox=_bbox(row),
        pilot=cast(Pilot, row["pilot"]),
        replaced_by=_several(row.get("replaced_by", "")),
    )


def department_from(row: Mapping[str, str]) -> Department:
    """Return the department a row of ``departments.csv`` describes."""
    return Department(
        code=row["code"],
        name=row["name"],
        slug=row["slug"],
        iso_3166_2=row["iso_3166_2"],
        iso_3166_2_former=row["iso_3166_2_former"],
        capital_code=row["capital_code"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        bbox=_bbox(row),
        replaced_by=_several(row.get("replaced_by", "")),
    )


def _bbox(row: Mapping[str, str]) -> BoundingBox:
    return BoundingBox(*(float(row[f"bbox_{side}"]) for side in BoundingBox._fields))


def _several(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split("|") if part.strip())
