"""Finding personal data in tables before they are published.

Offices keep people's names, identity numbers and telephones in the same sheets as the figures that
they want to publish. A column is pointed out by its heading («Nombre del beneficiario», «DPI») and
by its cells: identity numbers (DPI/CUI) and tax numbers (NIT) by their check digits, e-mail
addresses, telephone numbers, and people's names by common given names. In other columns single
cells are pointed out that have an identity number or e-mail address in the middle of a text.

It is help for the officer, who decides, and no proof that a table has no personal data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from stdnum.exceptions import ValidationError
from stdnum.gt import nit

from ckanext.marathon.domain import privacy
from ckanext.marathon.domain.table import SheetCell, write_cell
from ckanext.marathon.files.profile import FileProfile, SheetProfile
from ckanext.marathon.files.tables import name_column, open_tables
from ckanext.marathon.vocabulary.codes import Labels, fold_text

# How many cells of a column are listed.
MOST_CELLS = 5
# A column is one of personal data if this share of its cells is.
_SHARE = 0.5
# Fewer cells than this say nothing about a column, unless its heading does.
_FEWEST = 3


class PersonalKind(StrEnum):
    """A kind of personal data."""

    IDENTITY = "identity"
    TAX = "tax"
    PHONE = "phone"
    EMAIL = "email"
    NAME = "name"
    ADDRESS = "address"
    BIRTH = "birth"


#: Kinds in the words of an office.
KIND_NAMES: Mapping[PersonalKind, Labels] = {
    PersonalKind.IDENTITY: {
        "es": "números de identificación (DPI/CUI)",
        "en": "identity numbers (DPI/CUI)",
    },
    PersonalKind.TAX: {
        "es": "números de identificación tributaria (NIT)",
        "en": "tax numbers (NIT)",
    },
    PersonalKind.PHONE: {"es": "números de teléfono", "en": "telephone numbers"},
    PersonalKind.EMAIL: {"es": "direcciones de correo", "en": "e-mail addresses"},
    PersonalKind.NAME: {"es": "nombres de personas", "en": "names of people"},
    PersonalKind.ADDRESS: {"es": "direcciones de viviendas", "en": "home addresses"},
    PersonalKind.BIRTH: {"es": "fechas de nacimiento", "en": "dates of birth"},
}


class PersonalCell(NamedTuple):
    """A cell with personal data; the row is numbered as a spreadsheet program shows it."""

    row: int
    value: str


@dataclass(frozen=True, slots=True)
class PersonalColumn:
    """A column that has personal data.

    Attributes:
        sheet: name of the sheet, ``""`` for text files.
        position: from 0.
        label: the column's heading.
        count: number of cells with such data.
        is_whole: whether the column as a whole is of this kind; otherwise it is single cells.
        cells: the first cells.
    """

    sheet: str
    position: int
    label: str
    kind: PersonalKind
    count: int
    is_whole: bool
    cells: tuple[PersonalCell, ...]

    @property
    def letter(self) -> str:
        """The letters of the column in a spreadsheet program."""
        return name_column(self.position)


# Words of a heading → kind. The first that fits counts, so that «correo del vecino» is an address.
_HEADINGS = (
    (PersonalKind.IDENTITY, re.compile(r"\b(dpi|cui|cedula|identificacion personal)\b")),
    (PersonalKind.EMAIL, re.compile(r"\b(correo|e ?mail|correo electronico)\b")),
    (PersonalKind.PHONE, re.compile(r"\b(telefono|tel|celular|whatsapp|movil)s?\b")),
    (PersonalKind.TAX, re.compile(r"\bnit\b")),
    (PersonalKind.BIRTH, re.compile(r"\b(fecha de nacimiento|nacimiento|fecha nac|edad exacta)\b")),
    (
        PersonalKind.ADDRESS,
        re.compile(r"\b(domicilio|direccion (de (la )?casa|domiciliar|particular))\b"),
    ),
    (
        PersonalKind.NAME,
        re.compile(
            r"\b(apellidos?|beneficiari[oa]s?|propietari[oa]s?|contribuyentes?|titular(es)?|vecin[oa]s?"
            r"|usuari[oa]s?|solicitantes?|participantes?|asistentes?|responsables?|firmas?"
            r"|nombres? (completos?|y apellidos?|de(l| la| los| las)? (nin[oa]s?|madres?|padres?"
            r"|personas?|pacientes?|estudiantes?|alumn[oa]s?|emplead[oa]s?|encargad[oa]s?)))\b"
        ),
    ),
)
# «Número de beneficiarios» counts people and names nobody.
_COUNTS = re.compile(r"\b(numero|cantidad|total|no|num|cuant[oa]s|porcentaje|monto|tarifa)\b")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", re.ASCII)
_PHONE = re.compile(r"(\+?\(?502\)?[ .-]?)?[2-8]\d{3}[ .-]?\d{4}", re.ASCII)
_TAX = re.compile(r"\d{5,9}-?[\dkK]", re.ASCII)
_WORDS = re.compile(r"[^\W\d_]+\.?(?: [^\W\d_]+\.?){1,6}")
# Frequent given names; two words that begin with one are taken for a person's name.
_GIVEN_NAMES = frozenset(
    word
    for line in (
        "alberto alejandra alfredo ana andrea andres angela antonio arnoldo blanca brenda byron",
        "candelaria carlos carmen catarina cesar claudia daniel david diego domingo dora edgar",
        "eduardo elena enrique eric erick ernesto estuardo evelyn felipe fernando francisco",
        "gabriel gerardo gilberto gladys glenda guillermo gustavo hector heidy humberto ingrid",
        "jennifer jessica jorge jose josefina juan juana juliana julio karen karina karla leticia",
        "lidia lorena lucas luis luz magdalena manuel marcos margarita maria mario marta marvin",
        "mateo mayra mercedes micaela miguel mirna nicolas norma olga oscar otto paola pascual",
        "patricia pedro petrona rafael ramiro raquel raul rene reyna ricardo rigoberto roberto",
        "rodolfo ronaldo rosa rosario sandra santos sebastian sergio silvia sofia sonia susana",
        "teresa tomasa veronica vicenta victor vilma virginia walter wendy yolanda",
    )
    for word in line.split()
)
# Places, works and offices are often named after people.
_NO_PEOPLE = frozenset(
    {
        *("aldea", "caserio", "colonia", "barrio", "canton", "sector", "zona", "calle", "avenida"),
        *("escuela", "instituto", "parque", "mercado", "puente", "camino", "proyecto", "centro"),
        *("municipalidad", "ministerio", "departamento", "direccion", "oficina", "unidad"),
        *("gerencia", "secretaria", "asociacion", "finca", "pozo", "tanque", "residenciales"),
        *("san", "santa", "santo", "villa", "rio", "lotificacion", "comite", "cocode", "empresa"),
        *("construccion", "mejoramiento", "mantenimiento", "servicio", "dios", "bendicion"),
    }
)


def find_kind(cell: SheetCell) -> PersonalKind | None:
    """Return the kind of personal data that a whole cell is, ``None`` if it is none.

    Telephone numbers and tax numbers look like amounts: a number is one only if it is written as
    text with a sign (``5555-1234``, ``1234567-K``).
    """
    text = write_cell(cell)
    digits = re.sub(r"[ .-]", "", text)
    if privacy.is_identity_number(digits):
        return PersonalKind.IDENTITY
    if not isinstance(cell, str):
        return None
    if _EMAIL.fullmatch(text):
        return PersonalKind.EMAIL
    if _PHONE.fullmatch(text) and not (text.isdigit() or privacy.is_span_of_time(text)):
        return PersonalKind.PHONE
    if "-" in text and _is_tax_number(text):
        return PersonalKind.TAX
    return PersonalKind.NAME if is_person_name(text) else None


def _is_tax_number(text: str) -> bool:
    if not _TAX.fullmatch(text):
        return False
    try:
        nit.validate(text)
    except ValidationError:
        return False
    return True


def is_person_name(text: str) -> bool:
    """Return whether a text looks like a person's name: «María Ejemplo Pérez»."""
    if not _WORDS.fullmatch(text.replace(",", "")):
        return False
    words = fold_text(text).split()
    return _NO_PEOPLE.isdisjoint(words) and any(word in _GIVEN_NAMES for word in words[:3])


def _read_heading(label: str) -> PersonalKind | None:
    folded = fold_text(label)
    kind = next((kind for kind, pattern in _HEADINGS if pattern.search(folded)), None)
    return None if kind == PersonalKind.NAME and _COUNTS.search(folded) else kind


def _confirms_heading(kind: PersonalKind, text: str) -> bool:
    """Return whether a cell may be of the kind that its column's heading names."""
    digits = re.sub(r"\D", "", text)
    if kind == PersonalKind.IDENTITY:
        return len(digits) >= 12
    if kind == PersonalKind.PHONE:
        return len(digits) >= 8
    if kind == PersonalKind.TAX:
        return _is_tax_number(text)
    if kind == PersonalKind.EMAIL:
        return "@" in text
    if kind == PersonalKind.NAME:
        # Not the figures of «beneficiarios», and not an office («Municipalidad»).
        words = fold_text(text).split()
        return bool(_WORDS.fullmatch(text.replace(",", ""))) and _NO_PEOPLE.isdisjoint(words)
    return bool(text)


@dataclass
class _ColumnSearch:
    """The search in one column."""

    label: str
    filled: int = 0
    by_heading: list[PersonalCell] = field(default_factory=list[PersonalCell])
    heading_count: int = 0
    counts: dict[PersonalKind, int] = field(default_factory=dict[PersonalKind, int])
    cells: dict[PersonalKind, list[PersonalCell]] = field(
        default_factory=dict[PersonalKind, list[PersonalCell]]
    )

    def __post_init__(self) -> None:
        self.heading_kind = _read_heading(self.label)

    def add_cell(self, row: int, cell: SheetCell) -> None:
        if cell is None:
            return
        self.filled += 1
        text = write_cell(cell)
        if self.heading_kind and _confirms_heading(self.heading_kind, text):
            self.heading_count += 1
            if len(self.by_heading) < MOST_CELLS:
                self.by_heading.append(PersonalCell(row, text))
        kind = find_any_kind(cell)
        if kind:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            listed = self.cells.setdefault(kind, [])
            if len(listed) < MOST_CELLS:
                listed.append(PersonalCell(row, text))

    def list_findings(self, sheet: str, position: int) -> list[PersonalColumn]:
        kind = self.heading_kind
        if kind and self.heading_count:
            cells = tuple(self.by_heading)
            return [
                PersonalColumn(sheet, position, self.label, kind, self.heading_count, True, cells)
            ]
        found: list[PersonalColumn] = []
        for kind, count in self.counts.items():
            is_whole = count >= max(_FEWEST, _SHARE * self.filled)
            # Single cells that look like names or tax numbers are mostly something else.
            if is_whole or kind in (
                PersonalKind.IDENTITY,
                PersonalKind.EMAIL,
                PersonalKind.PHONE,
            ):
                cells = tuple(self.cells[kind])
                found.append(
                    PersonalColumn(sheet, position, self.label, kind, count, is_whole, cells)
                )
        return found


def find_any_kind(cell: SheetCell) -> PersonalKind | None:
    """Return the kind of personal data that a cell is or has in the middle of a text."""
    return find_kind(cell) or _find_inside(cell)


def _find_inside(cell: SheetCell) -> PersonalKind | None:
    """Return the kind of data inside a longer text; telephones only with a word before them."""
    if not isinstance(cell, str) or not re.search(r"\d{4}|@", cell):
        return None
    message = privacy.find_personal_data(cell)
    if message == privacy.IDENTITY:
        return PersonalKind.IDENTITY
    if message == privacy.EMAIL:
        return PersonalKind.EMAIL
    if message == privacy.PHONE and re.search(r"\b(tel|cel|whatsapp|llamar)", fold_text(cell)):
        return PersonalKind.PHONE
    return None


def find_personal_columns(path: Path, profile: FileProfile) -> tuple[PersonalColumn, ...]:
    """Return the columns and cells of a file that look like personal data.

    Args:
        path: the file.
        profile: its profile; hidden sheets are searched too, and the rows above the heading are
        not.

    Raises:
        ckanext.marathon.domain.errors.Malformed: the rows cannot be read.
        OSError: the file cannot be opened.
    """
    if not profile.sheets:
        return ()
    by_name = {sheet.name: sheet for sheet in profile.sheets}
    found: list[PersonalColumn] = []
    with open_tables(path) as table:
        for sheet in table.sheets:
            known = by_name.get(sheet.name)
            if known is not None:
                found += _search_sheet(known, sheet.rows)
    return tuple(found)


def _search_sheet(
    sheet: SheetProfile, rows: Iterable[tuple[int, Sequence[SheetCell]]]
) -> list[PersonalColumn]:
    searches = {column.position: _ColumnSearch(column.label) for column in sheet.columns}
    for number, cells in rows:
        if number <= sheet.heading.row:
            continue
        for position, search in searches.items():
            if position < len(cells):
                search.add_cell(number, cells[position])
    return [
        finding
        for position, search in searches.items()
        for finding in search.list_findings(sheet.name, position)
    ]
