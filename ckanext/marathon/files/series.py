"""Files of a series: the title of the next one, and what it changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from typing import Any

from ckanext.marathon.domain.table import ColumnType, ParsedCell, is_code_heading

MONTHS = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
    *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
)
_MONTH = re.compile(rf"\b(?:{'|'.join(MONTHS)}|setiembre)\b", re.IGNORECASE)
_NUMBERED = re.compile(r"\b(?:19|20)\d\d-(?:0[1-9]|1[0-2])\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")

# A column has codes or categories if it has at most so many different values.
MOST_VALUES = 500
_MOST_LISTED = 10


def renew_title(title: str, period: tuple[str, str] | None) -> str:
    """Return the title of a file with the month and year of the next one.

    A title that names no period, or more than one, is returned unchanged.

    Args:
        title: of the file before.
        period: first and last year, month or day of the new file.
    """
    if period is None:
        return title
    first, last = period
    numbered, months, years = (p.findall(title) for p in (_NUMBERED, _MONTH, _YEAR))
    is_one_month = len(first) >= 7 and first[:7] == last[:7]
    if numbered:
        is_clear = len(numbered) == 1 and is_one_month
        return _NUMBERED.sub(first[:7], title) if is_clear else title
    if len(years) > 1 or len(months) > 1 or first[:4] != last[:4]:
        return title
    if months:
        if len(first) < 7:
            return title
        named = MONTHS[int(first[5:7]) - 1]
        if not is_one_month:
            named = f"{named} a {MONTHS[int(last[5:7]) - 1]}"
        title = _MONTH.sub(lambda found: _adopt_case(found[0], named), title)
    return _YEAR.sub(first[:4], title)


def _adopt_case(before: str, word: str) -> str:
    if before.isupper():
        return word.upper()
    return word.capitalize() if before[0].isupper() else word


@dataclass(frozen=True)
class NewValues:
    """Values of a column that the file before did not have.

    Attributes:
        column: heading of the column.
        values: the first ones.
        count: how many there are.
    """

    column: str
    values: list[str]
    count: int


@dataclass(frozen=True)
class TableContent:
    """What is compared of a table.

    Attributes:
        labels: name → heading of its columns.
        rows: number of its rows.
        values: name → different values of the columns with codes or categories.
    """

    labels: Mapping[str, str]
    rows: int
    values: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class TableChanges:
    """What a file changed of the one before.

    Attributes:
        rows: number of rows before and after.
        added: headings of new columns.
        removed: headings of columns that are no longer there.
        new_values: new codes or categories. What disappeared is not listed: a file may have been
            replaced because of it.
    """

    rows: tuple[int, int]
    added: list[str] = field(default_factory=list[str])
    removed: list[str] = field(default_factory=list[str])
    new_values: list[NewValues] = field(default_factory=list[NewValues])

    def dictize(self) -> dict[str, Any]:
        """Return the changes as JSON."""
        return {
            "rows": list(self.rows),
            "added": self.added,
            "removed": self.removed,
            "new_values": [asdict(values) for values in self.new_values],
        }


def collect_content(
    columns: Sequence[tuple[str, str, ColumnType]], rows: Iterable[Sequence[ParsedCell]]
) -> TableContent:
    """Return what is compared of a table.

    Args:
        columns: name, heading and type of each column.
        rows: all of its rows.
    """
    found: dict[int, set[str]] = {
        place: set() for place, column in enumerate(columns) if column[2] == ColumnType.STRING
    }
    count = 0
    for row in rows:
        count += 1
        for place in list(found):
            cell = row[place]
            if isinstance(cell, str):
                found[place].add(cell)
                is_too_varied = len(found[place]) > MOST_VALUES
                if is_too_varied:
                    del found[place]
    values = {
        columns[place][0]: frozenset(known)
        for place, known in found.items()
        # A column of texts that are all different names single things, and no categories.
        if len(known) <= 0.5 * count or is_code_heading(columns[place][1])
    }
    return TableContent({name: label for name, label, _type in columns}, count, values)


def compare_content(before: TableContent, after: TableContent) -> TableChanges:
    """Return what a table changed of the one before."""
    new_values = [
        NewValues(after.labels[name], sorted(new)[:_MOST_LISTED], len(new))
        for name, known in after.values.items()
        if name in before.values and (new := known - before.values[name])
    ]
    return TableChanges(
        (before.rows, after.rows),
        [label for name, label in after.labels.items() if name not in before.labels],
        [label for name, label in before.labels.items() if name not in after.labels],
        new_values,
    )


def join_periods(
    one: tuple[str, str] | None, other: tuple[str, str] | None
) -> tuple[str, str] | None:
    """Return the period from the earlier start to the later end of two; ``None`` if both are."""
    known = [period for period in (one, other) if period]
    if not known:
        return None
    starts, ends = zip_longest(*known)
    # A year sorts before its months as a start, and has to sort after them as an end.
    return min(starts), max(ends, key=lambda end: end.ljust(10, "~"))
