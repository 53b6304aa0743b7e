"""Spreadsheets as offices make them, and what each one must yield. All rows are examples."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook

XlsxSheet = list[list[Any]]


def make_xlsx(
    *sheets: XlsxSheet, names: tuple[str, ...] = (), hidden: tuple[int, ...] = ()
) -> bytes:
    """Return a workbook; a cell is a value, rows begin at A1."""
    book = Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(names[number] if names else f"Hoja{number + 1}")
        for row in rows:
            sheet.append(row)
        if number in hidden:
            sheet.sheet_state = "hidden"
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def make_ods(*sheets: list[list[Any]]) -> bytes:
    """Return an ODS workbook of texts, numbers, days and booleans."""
    tables = "".join(
        f'<table:table table:name="Hoja{number}">'
        + "".join(
            "<table:table-row>" + "".join(map(_make_ods_cell, row)) + "</table:table-row>"
            for row in rows
        )
        + "</table:table>"
        for number, rows in enumerate(sheets, start=1)
    )
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {names} '
        f'office:version="1.3"><office:body><office:spreadsheet>{tables}'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><manifest:manifest xmlns:manifest='
            '"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return written.getvalue()


def _make_ods_cell(value: Any) -> str:
    if value is None:
        return "<table:table-cell/>"
    kind, stated = "string", ""
    if isinstance(value, bool):
        kind, stated = "boolean", f' office:boolean-value="{str(value).lower()}"'
    elif isinstance(value, int | float):
        kind, stated = "float", f' office:value="{value}"'
    elif isinstance(value, date):
        kind, stated = "date", f' office:date-value="{value.isoformat()}"'
    return (
        f'<table:table-cell office:value-type="{kind}"{stated}>'
        f"<text:p>{escape(str(value))}</text:p></table:table-cell>"
    )


@dataclass(frozen=True)
class Awkward:
    """A file, and what its profile says.

    Attributes:
        columns: name → type of the main sheet's columns.
        first_row: the first row as text.
        problems: beginnings of the problems' messages.
        unreadable: beginning of the reason why the file is no table.
    """

    name: str
    make: Callable[[], bytes]
    columns: dict[str, str] = field(default_factory=dict)
    first_row: tuple[str, ...] = ()
    rows: int = 1
    heading_row: int = 1
    encoding: str = ""
    separator: str = ""
    problems: tuple[str, ...] = ()
    unreadable: str = ""
    title: str | None = None
    period: tuple[str, str] | None = None


def write_text(text: str, encoding: str = "utf-8") -> Callable[[], bytes]:
    return lambda: text.encode(encoding)


SECTOR = {"sector": "string", "dia": "string"}
WATER = "Sector;Día\nEl Ejemplo;Miércoles\n"

CASES = {
    "a plain CSV": Awkward(
        "agua.csv",
        write_text("sector,dia\nEl Ejemplo,lunes\n"),
        SECTOR,
        ("El Ejemplo", "lunes"),
        encoding="utf-8",
        separator=",",
    ),
    "Excel's CSV of a Guatemalan computer": Awkward(
        "agua.csv",
        write_text(WATER, "cp1252"),
        SECTOR,
        ("El Ejemplo", "Miércoles"),
        encoding="cp1252",
        separator=";",
    ),
    "a byte-order mark": Awkward(
        "agua.csv",
        write_text(WATER, "utf-8-sig"),
        SECTOR,
        ("El Ejemplo", "Miércoles"),
        encoding="utf-8-sig",
        separator=";",
    ),
    "UTF-16 of Excel's Unicode text": Awkward(
        "agua.csv",
        write_text(WATER.replace(";", "\t"), "utf-16"),
        SECTOR,
        ("El Ejemplo", "Miércoles"),
        encoding="utf-16",
        separator="\t",
    ),
    "DOS's encoding": Awkward(
        "agua.csv",
        write_text(WATER, "cp850"),
        SECTOR,
        ("El Ejemplo", "Miércoles"),
        encoding="cp850",
        separator=";",
    ),
    "the old Macintosh's encoding": Awkward(
        "agua.csv",
        write_text(WATER, "mac_roman"),
        SECTOR,
        ("El Ejemplo", "Miércoles"),
        encoding="mac_roman",
        separator=";",
    ),
    "one paragraph with ñ in Windows' encoding": Awkward(
        "obras.csv",
        write_text("obra;estado\n«Año del niño», camino a La Peña;en ejecución\n", "cp1252"),
        {"obra": "string", "estado": "string"},
        ("«Año del niño», camino a La Peña", "en ejecución"),
        encoding="cp1252",
        separator=";",
    ),
    "line ends of the old Macintosh": Awkward(
        "agua.csv",
        write_text("sector;dia\rEl Ejemplo;lunes\r"),
        SECTOR,
        ("El Ejemplo", "lunes"),
        encoding="utf-8",
        separator=";",
    ),
    "a line that tells Excel the separator": Awkward(
        "agua.csv",
        write_text("sep=|\r\nsector|dia\r\nEl Ejemplo|lunes\r\n"),
        SECTOR,
        ("El Ejemplo", "lunes"),
        heading_row=2,
        encoding="utf-8",
        separator="|",
    ),
    "tabs": Awkward(
        "agua.tsv",
        write_text("sector\tdia\nEl Ejemplo\tlunes\n"),
        SECTOR,
        ("El Ejemplo", "lunes"),
        encoding="utf-8",
        separator="\t",
    ),
    "amounts with commas between semicolons": Awkward(
        "pagos.csv",
        write_text("rubro;monto\nTubería;1,234.50\nBomba;Q 2,500.00\nCloro;12.5\n"),
        {"rubro": "string", "monto": "number"},
        ("Tubería", "1,234.50"),
        rows=3,
        encoding="utf-8",
        separator=";",
    ),
    "amounts with decimal commas": Awkward(
        "pagos.csv",
        write_text("rubro;monto\nA;10.00\nB;20.00\nC;30.00\nD;40.00\nE;1.234,50\n"),
        {"rubro": "string", "monto": "string"},
        ("A", "10.00"),
        rows=5,
        encoding="utf-8",
        separator=";",
        problems=("Column B, “monto”: most cells are",),
    ),
    "one column of texts with commas": Awkward(
        "lugares.csv",
        write_text("lugar\nZona 1, mercado\nZona 2\nZona 3, parque\nZona 4\n"),
        {"lugar": "string"},
        ("Zona 1, mercado",),
        rows=4,
        encoding="utf-8",
        separator="",
    ),
    "codes with zeros in front": Awkward(
        "lugares.csv",
        write_text("municipio,casos\n0501,3\n2105,4\n"),
        {"municipio": "string", "casos": "integer"},
        ("0501", "3"),
        rows=2,
        encoding="utf-8",
        separator=",",
    ),
    "codes of which Excel took the zero": Awkward(
        "lugares.xlsx",
        lambda: make_xlsx([["Código de municipio", "Casos"], [501, 3], [2105, 4]]),
        {"codigo_de_municipio": "string", "casos": "integer"},
        ("501", "3"),
        rows=2,
    ),
    "numbers that are too long for a double": Awkward(
        "cuentas.csv",
        write_text("partida,monto\n20260000000000000001,5\n20260000000000000002,6\n"),
        {"partida": "string", "monto": "integer"},
        ("20260000000000000001", "5"),
        rows=2,
        encoding="utf-8",
        separator=",",
    ),
    "days with the day first": Awkward(
        "fechas.csv",
        write_text("dia,casos\n01/02/2024,1\n12/03/2024,2\n"),
        {"dia": "date", "casos": "integer"},
        ("01/02/2024", "1"),
        rows=2,
        encoding="utf-8",
        separator=",",
        period=("2024-02-01", "2024-03-12"),
    ),
    "days of Excel": Awkward(
        "fechas.xlsx",
        lambda: make_xlsx([["Día", "Casos"], [date(2024, 2, 1), 1], [date(2024, 3, 12), 2]]),
        {"dia": "date", "casos": "integer"},
        ("2024-02-01", "1"),
        rows=2,
        period=("2024-02-01", "2024-03-12"),
    ),
    "times of Excel": Awkward(
        "horas.xlsx",
        lambda: make_xlsx(
            [
                ["Inicio", "Hora", "Duración"],
                [datetime(2024, 2, 1, 6, 30), time(6, 30), timedelta(hours=36)],
            ]
        ),
        {"inicio": "datetime", "hora": "string", "duracion": "string"},
        ("2024-02-01 06:30", "06:30:00", "36:00"),
        period=("2024-02-01", "2024-02-01"),
    ),
    "titles above the heading": Awkward(
        "datos.xlsx",
        lambda: make_xlsx(
            [
                ["MUNICIPALIDAD DE EJEMPLO"],
                ["HORARIOS DE AGUA, ENERO 2026"],
                [],
                ["Sector", "Día"],
                ["El Ejemplo", "lunes"],
                ["Otro ejemplo", "martes"],
            ]
        ),
        SECTOR,
        ("El Ejemplo", "lunes"),
        rows=2,
        heading_row=4,
        title="Horarios de agua, enero 2026",
        period=("2026-01", "2026-01"),
    ),
    "groups of columns": Awkward(
        "personas.xlsx",
        lambda: make_xlsx(
            [
                ["Lugar", "Enero", None, "Febrero", None],
                [None, "Hombres", "Mujeres", "Hombres", "Mujeres"],
                ["Ejemplo", 1, 2, 3, 4],
                ["Otro", 5, 6, 7, 8],
            ]
        ),
        {
            "lugar": "string",
            "enero_hombres": "integer",
            "enero_mujeres": "integer",
            "febrero_hombres": "integer",
            "febrero_mujeres": "integer",
        },
        ("Ejemplo", "1", "2", "3", "4"),
        rows=2,
        heading_row=2,
    ),
    "years as names of columns": Awkward(
        "serie.xlsx",
        lambda: make_xlsx([["Rubro", 2024, 2025], ["Agua", 10, 12.5], ["Luz", 7, 8]]),
        {"rubro": "string", "c_2024": "integer", "c_2025": "number"},
        ("Agua", "10", "12.5"),
        rows=2,
    ),
    "no heading": Awkward(
        "datos.csv",
        write_text("Ejemplo,3,12/03/2024\nOtro,4,13/03/2024\n"),
        {"columna_a": "string", "columna_b": "integer", "columna_c": "date"},
        ("Ejemplo", "3", "12/03/2024"),
        rows=2,
        heading_row=0,
        encoding="utf-8",
        separator=",",
        problems=("No row names the columns",),
        period=("2024-03-12", "2024-03-13"),
    ),
    "a heading that is repeated on each page": Awkward(
        "datos.csv",
        write_text("sector,dia\nA,lunes\nB,martes\nsector,dia\nC,jueves\n"),
        SECTOR,
        ("A", "lunes"),
        rows=3,
        encoding="utf-8",
        separator=",",
        problems=("Row 4 repeats the heading",),
    ),
    "a total at the end": Awkward(
        "pagos.csv",
        write_text("rubro,monto\nAgua,10\nLuz,20\nTOTAL GENERAL,30\n"),
        {"rubro": "string", "monto": "integer"},
        ("Agua", "10"),
        rows=3,
        encoding="utf-8",
        separator=",",
        problems=("Row 4 looks like a total",),
    ),
    "two columns of the same name": Awkward(
        "datos.csv",
        write_text("sector,dia,dia\nA,lunes,martes\n"),
        {"sector": "string", "dia": "string", "dia_2": "string"},
        ("A", "lunes", "martes"),
        encoding="utf-8",
        separator=",",
        problems=("Columns B and C have the same name",),
    ),
    "a column without a name": Awkward(
        "datos.csv",
        write_text("sector,,dia\nA,x,lunes\nB,y,martes\n"),
        {"sector": "string", "columna_b": "string", "dia": "string"},
        ("A", "x", "lunes"),
        rows=2,
        encoding="utf-8",
        separator=",",
        problems=("Column B has no name",),
    ),
    "empty columns and rows": Awkward(
        "datos.csv",
        write_text("sector;;dia;;\n;;;;\nA;;lunes;;\n;;;;\nB;;martes;;\n\n"),
        SECTOR,
        ("A", "lunes"),
        rows=2,
        encoding="utf-8",
        separator=";",
    ),
    "rows of different length": Awkward(
        "datos.csv",
        write_text("sector,dia,nota\nA,lunes\nB,martes,sí,sobra\nC\n"),
        {"sector": "string", "dia": "string", "nota": "string", "columna_d": "string"},
        ("A", "lunes", "", ""),
        rows=3,
        encoding="utf-8",
        separator=",",
        problems=("Column D has no name",),
    ),
    "a table that does not begin at A1": Awkward(
        "datos.xlsx",
        lambda: make_xlsx([[], [], [None, None, "Sector", "Día"], [None, None, "A", "lunes"]]),
        SECTOR,
        ("A", "lunes"),
        heading_row=3,
    ),
    "blanks around texts": Awkward(
        "datos.csv",
        write_text(" sector ; dia \n  A\u00a0 ;lunes  \n"),
        SECTOR,
        ("A", "lunes"),
        encoding="utf-8",
        separator=";",
    ),
    "line breaks in a cell and in a name": Awkward(
        "datos.csv",
        write_text('"sector\ndel agua",dia\n"A\nB",lunes\n'),
        {"sector_del_agua": "string", "dia": "string"},
        ("A\nB", "lunes"),
        encoding="utf-8",
        separator=",",
    ),
    "signs instead of empty cells": Awkward(
        "datos.csv",
        write_text("sector,casos\nA,3\nB,-\nC,N/D\nD,s/d\nE,\n"),
        {"sector": "string", "casos": "integer"},
        ("A", "3"),
        rows=5,
        encoding="utf-8",
        separator=",",
    ),
    "yes and no as texts": Awkward(
        "datos.csv",
        write_text("sector,agua\nA,Sí\nB,No\n"),
        {"sector": "string", "agua": "string"},
        ("A", "Sí"),
        rows=2,
        encoding="utf-8",
        separator=",",
    ),
    "an ODS with a boolean, a day and a number": Awkward(
        "datos.ods",
        lambda: make_ods(
            [
                ["Sector", "Agua", "Día", "Casos"],
                ["A", True, date(2024, 2, 1), 3],
                ["B", False, date(2024, 2, 2), 4.5],
            ]
        ),
        {"sector": "string", "agua": "boolean", "dia": "date", "casos": "number"},
        ("A", "sí", "2024-02-01", "3"),
        rows=2,
        period=("2024-02-01", "2024-02-02"),
    ),
    "a hidden sheet before the data": Awkward(
        "datos.xlsx",
        lambda: make_xlsx(
            [["lista"], ["x"]],
            [["Sector", "Día"], ["A", "lunes"]],
            names=("listas", "datos"),
            hidden=(0,),
        ),
        SECTOR,
        ("A", "lunes"),
    ),
    "an empty sheet before the data": Awkward(
        "datos.xlsx",
        lambda: make_xlsx([], [["Sector", "Día"], ["A", "lunes"]]),
        SECTOR,
        ("A", "lunes"),
    ),
    "a workbook that is named as a CSV": Awkward(
        "datos.csv",
        lambda: make_xlsx([["Sector", "Día"], ["A", "lunes"]]),
        SECTOR,
        ("A", "lunes"),
    ),
    "a CSV that is named as a workbook": Awkward(
        "datos.xls",
        write_text("sector;dia\nA;lunes\n"),
        SECTOR,
        ("A", "lunes"),
        encoding="utf-8",
        separator=";",
    ),
    "a month in the name": Awkward(
        "Copia de horarios_agua_enero-2026 (1).csv",
        write_text("sector,dia\nA,lunes\n"),
        SECTOR,
        ("A", "lunes"),
        encoding="utf-8",
        separator=",",
        title="Horarios agua enero 2026",
        period=("2026-01", "2026-01"),
    ),
    "a quarter in the name": Awkward(
        "ejecucion enero a marzo de 2026.csv",
        write_text("sector,dia\nA,lunes\n"),
        SECTOR,
        ("A", "lunes"),
        encoding="utf-8",
        separator=",",
        period=("2026-01", "2026-03"),
    ),
    "a heading alone": Awkward(
        "datos.csv",
        write_text("sector,dia\n"),
        {"sector": "string", "dia": "string"},
        rows=0,
        encoding="utf-8",
        separator=",",
        problems=("The table has no rows",),
    ),
    "an empty file": Awkward("datos.csv", lambda: b"", unreadable="The file is empty"),
    "only line breaks": Awkward("datos.csv", lambda: b"\r\n\r\n", unreadable="The file is empty"),
    "a workbook without a filled cell": Awkward(
        "datos.xlsx", lambda: make_xlsx([]), unreadable="The table has no rows"
    ),
    "a web page that a program called a workbook": Awkward(
        "reporte.xls",
        write_text("<html><body><table><tr><td>1</td></tr></table></body></html>"),
        unreadable="The file is a web page",
    ),
    "a half workbook": Awkward(
        "datos.xlsx",
        lambda: make_xlsx([["Sector"], ["A"]])[:-400],
        unreadable="The file is damaged",
    ),
    "a PDF that is called a workbook": Awkward(
        "datos.xlsx", lambda: b"%PDF-1.7\n%\xe2\xe3\n", unreadable="The file has no table"
    ),
    "a zip that is called a workbook": Awkward(
        "datos.xlsx", lambda: _make_zip(), unreadable="The file has no table"
    ),
    "a quotation mark that is open at the end": Awkward(
        "datos.csv",
        write_text('sector,dia\nA,lunes\nB,"martes\nC,jueves\n'),
        unreadable="Row 3: a quotation mark is opened and never closed",
    ),
    "a quotation mark inside a text": Awkward(
        "tubos.csv",
        write_text('tubo,nota\n5" PVC,bien\n"6"" PVC","dijo ""sí"""\n'),
        {"tubo": "string", "nota": "string"},
        ('5" PVC', "bien"),
        rows=2,
        encoding="utf-8",
        separator=",",
    ),
    "a cover sheet before the data": Awkward(
        "datos.xlsx",
        lambda: make_xlsx(
            [["Datos de agua"], ["2026"]],
            [["Sector", "Día"], ["A", "lunes"]],
            names=("Portada", "Datos"),
        ),
        SECTOR,
        ("A", "lunes"),
    ),
    "a quotation mark that is never closed": Awkward(
        "datos.csv",
        lambda: ('sector,dia\nA,"lunes\n' + "B,martes\n" * 1_200_000).encode(),
        unreadable="Row 2: a quotation mark is opened and never closed",
    ),
}


def _make_zip() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("leer.txt", "nada")
    return written.getvalue()
