"""Reading tables as municipal offices make them: CSV, TSV, XLSX, XLS, XLSB and ODS.

The content decides on the format, not the name. Text files are read here: byte-order marks, UTF-8,
and where a file is no UTF-8 the Western encodings of Windows, DOS and the old Macintosh; ``;``,
``,``, tab and ``|`` between cells; Excel's line ``sep=;``. Workbooks are read by python-calamine in
a process of its own (:mod:`ckanext.marathon.files.workbook`), with limits of memory and time.

Rows have the numbers and cells the positions that a spreadsheet program shows, so that a message
can say «row 7, column C».
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import pickle
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

from ckanext.marathon.domain.errors import N_, Malformed
from ckanext.marathon.domain.table import SheetCell
from ckanext.marathon.files import workbook

# Longest cell of a text file, in characters: boundaries as WKT are long.
LONGEST_CELL = 10_000_000
# How much of a text file is looked at to find its separator.
_SAMPLE = 2**18
_SAMPLE_ROWS = 200
_SEPARATORS = ";,\t|"
_BLOCK = 2**20

EMPTY = N_("The file is empty")
NO_TABLE = N_("The file has no table that can be read: its format is not CSV, Excel or ODS")
WEB_PAGE = N_(
    "The file is a web page, although it is named like a table. Open it in Excel or LibreOffice "
    "and save it as .xlsx"
)
PASSWORD = N_("The file is protected by a password. Save it without one and choose it again")
DAMAGED = N_(
    "The file is damaged. Open it in Excel or LibreOffice, save it again and choose that file"
)
TOO_LARGE = N_(
    "The file is too large, or has cells too far away, to be shown as a table. Delete empty rows "
    "and columns at the end, or save it as CSV"
)
NO_ENCODING = N_(
    "The characters of the file cannot be read. Save it as “CSV UTF-8” and choose it again"
)
OPEN_QUOTE = N_("Row {row}: a quotation mark is opened and never closed")


class TableFormat(StrEnum):
    """A format of tables; the values are codes of the EU's file types."""

    CSV = "CSV"
    TSV = "TSV"
    XLSX = "XLSX"
    XLS = "XLS"
    ODS = "ODS"


class Row(NamedTuple):
    """A row with at least one filled cell.

    Attributes:
        number: as a spreadsheet program shows it, from 1.
        cells: from column A to the last filled one.
    """

    number: int
    cells: tuple[SheetCell, ...]


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook, or the only table of a text file.

    Attributes:
        name: its name; ``""`` for text files.
        is_hidden: whether a spreadsheet program hides it.
        rows: an iterator, valid until the next sheet is asked for.
    """

    name: str
    is_hidden: bool
    rows: Iterator[Row]


@dataclass(frozen=True)
class TableFile:
    """An open file.

    Attributes:
        format: format of the content.
        encoding: Python's name of a text file's encoding, ``""`` for workbooks.
        separator: the character between the cells of a text file, ``""`` for workbooks and for a
            single column.
        sheets: in the order of the file; read each one before asking for the next.
    """

    format: TableFormat
    encoding: str
    separator: str
    sheets: Iterator[Sheet]


def name_column(position: int) -> str:
    """Return the letters of a column as spreadsheet programs show them: 0 is A, 26 is AA."""
    before, last = divmod(position, 26)
    return (name_column(before - 1) if before else "") + chr(ord("A") + last)


@contextmanager
def open_tables(path: Path) -> Generator[TableFile]:
    """Open a file of tables.

    Raises:
        Malformed: it is empty, no table, protected, damaged or too large. Reading its rows may
        raise
            this, too.
        OSError: the file cannot be opened.
    """
    with path.open("rb") as opened:
        format_ = _find_format(opened)
        if format_ is None:
            table, end = _open_text(opened)
        else:
            sheets = _read_workbook(path)
            table, end = TableFile(format_, "", "", sheets), sheets.close
        try:
            yield table
        finally:
            end()


_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# JSON, XML, PDF, PNG, JPEG.
_OTHER_FORMATS = (b"{", b"<?xml", b"%PDF", b"\x89PNG", b"\xff\xd8\xff")
_MARKUP = re.compile(rb"\s*<(?:!doctype html|html|table|meta|head|style)\b", re.IGNORECASE)


def _find_format(opened: BinaryIO) -> TableFormat | None:
    """Return the format of a workbook, ``None`` for a text file.

    Raises:
        Malformed: the file is neither.
    """
    start = opened.read(8192)
    if not start:
        raise Malformed(EMPTY)
    if start.startswith(_ZIP):
        return _find_zip_format(opened)
    if start.startswith(_OLE):
        return TableFormat.XLS
    if _MARKUP.match(start.removeprefix(codecs.BOM_UTF8)):
        raise Malformed(WEB_PAGE)
    is_utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if start.lstrip().startswith(_OTHER_FORMATS) or (b"\0" in start and not is_utf16):
        raise Malformed(NO_TABLE)
    return None


def _find_zip_format(opened: BinaryIO) -> TableFormat:
    try:
        names = set(zipfile.ZipFile(opened).namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Malformed(DAMAGED) from error
    if not names.isdisjoint(("xl/workbook.xml", "xl/workbook.bin")):
        return TableFormat.XLSX
    if {"content.xml", "mimetype"} <= names:
        return TableFormat.ODS
    raise Malformed(NO_TABLE)


def _open_text(opened: BinaryIO) -> tuple[TableFile, Any]:
    encoding = find_encoding(opened)
    opened.seek(0)
    text = io.TextIOWrapper(opened, encoding, newline="")
    sample = text.read(_SAMPLE)
    if not sample.strip():
        raise Malformed(EMPTY)
    told = re.match(r"sep=(.)\r?\n", sample, re.IGNORECASE)
    separator = told[1] if told else find_separator(sample, is_whole=len(sample) < _SAMPLE)
    text.seek(0)
    # The limit is one for the whole process; the default stops at 131,072 characters.
    csv.field_size_limit(LONGEST_CELL)
    rows = _read_text_rows(text, separator, 1 if told else 0)
    format_ = TableFormat.TSV if separator == "\t" else TableFormat.CSV
    return TableFile(format_, encoding, separator, iter([Sheet("", False, rows)])), text.detach


def _read_text_rows(text: io.TextIOWrapper, separator: str, skipped: int) -> Iterator[Row]:
    # Without a separator there is one column, and a sign that no text has takes its place.
    delimiter = separator or "\x1f"
    lines = _LinesOfRow(text)
    number = 0
    try:
        for number, cells in enumerate(csv.reader(lines, delimiter=delimiter), start=1):
            lines.begin_row()
            filled = _trim_row(cells)
            if filled and number > skipped:
                yield Row(number, filled)
        # Only this mode notices a quotation mark that is open at the end, which takes all that
        # follows it into one cell; in other rows it refuses what spreadsheet programs accept.
        list(csv.reader(lines.last, delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "field larger" in str(error):
            raise Malformed(OPEN_QUOTE, row=number + 1) from error
        if "end of data" in str(error):
            raise Malformed(OPEN_QUOTE, row=number) from error
    except UnicodeDecodeError as error:
        raise Malformed(NO_ENCODING) from error


class _LinesOfRow:
    """Lines of a text, of which those of the row that was read last are kept."""

    def __init__(self, text: Iterable[str]) -> None:
        self.last: list[str] = []
        self._lines: list[str] = []
        self._text = iter(text)

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self._lines.append(line)
            yield line

    def begin_row(self) -> None:
        """Keep the lines since the last call as those of the row that was read."""
        self.last, self._lines = self._lines, []


def _trim_row(cells: Sequence[SheetCell]) -> tuple[SheetCell, ...]:
    """Return the cells without blanks around texts and without empty cells at the end."""
    trimmed: list[SheetCell] = []
    for cell in cells:
        if isinstance(cell, str):
            cell = cell.replace("\0", "").strip() or None  # the cell, trimmed
        trimmed.append(cell)
    while trimmed and trimmed[-1] is None:
        trimmed.pop()
    return tuple(trimmed)


# The Western encodings of Windows, DOS and the old Macintosh.
_WESTERN = ("cp1252", "cp850", "mac_roman")
_SPANISH = frozenset("áéíóúüñÁÉÍÓÚÜÑ¿¡°ºª")


def find_encoding(opened: BinaryIO) -> str:
    """Return Python's name of a text file's encoding.

    A byte-order mark decides, then whether the whole file is UTF-8. Otherwise it is the Western
    encoding in which most of the other bytes are letters of Spanish words: programs that guess by
    frequencies take a Spanish text of Windows for Polish.

    Raises:
        Malformed: no encoding fits.
    """
    opened.seek(0)
    start = opened.read(4)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    opened.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    beyond_ascii = bytearray()
    is_utf8 = True
    while block := opened.read(_BLOCK):
        if is_utf8:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                is_utf8 = False
        if len(beyond_ascii) < _BLOCK:
            beyond_ascii += b" ".join(re.findall(rb"[\x80-\xff]+", block))
    if is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    return "utf-8" if is_utf8 else _choose_western(bytes(beyond_ascii))


def _choose_western(words: bytes) -> str:
    scores: dict[str, int] = {}
    for name in _WESTERN:
        try:
            letters = [letter for letter in words.decode(name) if not letter.isascii()]
        except UnicodeDecodeError:
            continue
        scores[name] = sum(1 if letter in _SPANISH else -1 for letter in letters)
    if not scores:
        raise Malformed(NO_ENCODING)
    # The first of equals: Windows is by far the most frequent.
    return max(scores, key=lambda name: scores[name])


def find_separator(sample: str, is_whole: bool) -> str:
    """Return the character between the cells of a text, ``""`` if there is only one column.

    It is the one that cuts most rows into the same number of cells, more than one. Of equals it is
    the one that gives more cells. Signs inside the texts of a single column cut only some rows.

    Args:
        sample: the start of the file.
        is_whole: whether the sample is the whole file; otherwise its last row may be cut.
    """
    if not is_whole:
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, best_score = "", (0.0, 0)
    for separator in _SEPARATORS:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
        try:
            widths = [len(row) for row in itertools.islice(reader, _SAMPLE_ROWS) if any(row)]
        except csv.Error:
            continue
        wide = Counter(width for width in widths if width > 1)
        if not wide:
            continue
        width, rows = max(wide.items(), key=lambda item: (item[1], item[0]))
        share = rows / len(widths)
        is_ragged = widths[0] > 1 and wide.total() > len(widths) * 2 / 3
        if (share > 1 / 2 or is_ragged) and (share, width) > best_score:
            best, best_score = separator, (share, width)
    return best


def _read_workbook(path: Path) -> Generator[Sheet]:
    """Yield the sheets of a workbook, which another process reads.

    Raises:
        Malformed: it cannot be read.
    """
    command = [sys.executable, "-m", workbook.__name__, str(path)]
    # The child ends by itself when this end of the pipe is closed.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        messages = _read_messages(child.stdout, child)
        try:
            found_sheet = False
            pending = next(messages)
            while pending[0] != workbook.END:
                _, name, is_hidden = pending
                found_sheet = True
                rows = _SheetRows(messages)
                yield Sheet(name, is_hidden, iter(rows))
                pending = rows.skip_rest()
            if not found_sheet:
                raise Malformed(NO_TABLE)
        finally:
            child.kill()


class _SheetRows:
    """The rows of one sheet out of the messages of the child process."""

    def __init__(self, messages: Iterator[tuple[Any, ...]]) -> None:
        self._messages = messages
        self._next: tuple[Any, ...] | None = None

    def __iter__(self) -> Iterator[Row]:
        while self._next is None:
            message = next(self._messages)
            if message[0] != workbook.ROWS:
                self._next = message
                return
            for number, cells in message[1]:
                filled = _trim_row(cells)
                if filled:
                    yield Row(number, filled)

    def skip_rest(self) -> tuple[Any, ...]:
        """Return the message that follows the rows of this sheet."""
        while self._next is None:
            message = next(self._messages)
            if message[0] != workbook.ROWS:
                self._next = message
        return self._next


_REASONS = {workbook.PASSWORD: PASSWORD, workbook.DAMAGED: DAMAGED}


def _read_messages(stream: IO[bytes], child: subprocess.Popen[bytes]) -> Iterator[tuple[Any, ...]]:
    while True:
        try:
            # Only this module's own child writes into the pipe.
            message: tuple[Any, ...] = pickle.load(stream)  # noqa: S301
        except (EOFError, pickle.UnpicklingError) as error:
            # It was stopped by a limit, or the reader of the format gave up.
            child.wait()
            raise Malformed(TOO_LARGE) from error
        if message[0] == workbook.FAULT:
            raise Malformed(_REASONS[message[1]])
        yield message
