"""Figures of places and problems beside each other: rows to read, to sort and to take along."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain import dates
from ckanext.marathon.model import figures, link
from ckanext.marathon.model.figures import Figures
from ckanext.marathon.spreadsheets.table import Column, ColumnType, Table
from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.errors import UnknownCode
from ckanext.marathon.vocabulary.territory import Municipality
from ckanext.marathon.vocabulary.text import fold_text

from .labels import marathon_date

NAME = "name"
# What columns of files are called where it differs from the field.
_IN_FILES = {"needs": "data_needs", "needs_met": "data_needs_met"}


class Row(NamedTuple):
    """A place or problem and how much there is of it."""

    code: str
    name: str
    href: str
    figures: Figures


class Comparison(NamedTuple):
    """Rows in the order that the reader asked for.

    Attributes:
        sort: the column they are in order of: a field of ``Figures``, ``name``, or ``""`` where
            they are in an order of their own.
        most: the largest number of each column, which the longest bar stands for.
    """

    rows: list[Row]
    sort: str
    most: Figures


def as_of() -> str:
    """Return the day that figures are of, as people write it."""
    moment = figures.read_time_of_figures().astimezone(dates.GUATEMALA)
    return marathon_date(moment.date().isoformat())


def municipalities() -> list[Row]:
    """Return the municipalities that have any workshop, idea or dataset, by name."""
    found = []
    for code, numbers in figures.read_figures_by(link.MUNICIPALITY).items():
        try:
            found.append(_municipality(territory.get_municipality(code), numbers))
        except UnknownCode:
            continue
    return _by_name(found)


def of_department(code: str) -> list[Row]:
    """Return all municipalities of a department, by name."""
    numbers = figures.read_figures_by(link.MUNICIPALITY)
    return _by_name(
        _municipality(each, numbers.get(each.code, Figures()))
        for each in territory.list_municipalities_of(code)
    )


def problems_of(notations: Iterable[str]) -> list[Row]:
    """Return service problems or areas, in the order given."""
    numbers, lang = figures.read_figures_by(link.PROBLEM), tk.h.lang()
    return [
        Row(
            each,
            problems.get_problem(each).label(lang),
            tk.h.url_for("marathon_place.problem", notation=each),
            numbers.get(each, Figures()),
        )
        for each in notations
    ]


def compare(rows: list[Row], sort: str, otherwise: str = NAME) -> Comparison:
    """Return rows in order of a column, the largest number first.

    Args:
        rows: in an order of their own.
        sort: what the reader asked for; what is no column changes nothing.
        otherwise: the column that this is the order of, ``""`` for none.
    """
    most = Figures(*(max(column) for column in zip(*(each.figures for each in rows), strict=True)))
    if sort == NAME:
        return Comparison(_by_name(rows), sort, most)
    if sort in Figures._fields:
        return Comparison(sorted(rows, key=lambda each: -getattr(each.figures, sort)), sort, most)
    return Comparison(rows, otherwise, most)


def marathon_figure_labels() -> dict[str, str]:
    """Return field of ``Figures`` → what readers call it."""
    return {
        "workshops": tk._("Workshops"),
        "ideas": tk._("Ideas"),
        "needs": tk._("Data asked for"),
        "needs_met": tk._("Asked for and published"),
        "datasets": tk._("Datasets"),
    }


def table(name: str, title: str, rows: list[Row]) -> Table:
    """Return rows as a table for spreadsheets."""
    labels = marathon_figure_labels()
    columns = [
        Column("code", tk._("Code")),
        Column("name", tk._("Name")),
        *(
            Column(_IN_FILES.get(each, each), labels[each], type=ColumnType.INTEGER)
            for each in labels
        ),
    ]
    return Table(name, title, columns, [(each.code, each.name, *each.figures) for each in rows])


def marathon_how_much(numbers: Figures) -> str:
    """Return figures in words, without those that are none: ``2 ideas · 1 dataset``."""
    words = (
        (numbers.ideas, tk.ungettext("{n} idea", "{n} ideas", numbers.ideas)),
        (numbers.datasets, tk.ungettext("{n} dataset", "{n} datasets", numbers.datasets)),
        (numbers.workshops, tk.ungettext("{n} workshop", "{n} workshops", numbers.workshops)),
    )
    return " · ".join(text.format(n=number) for number, text in words if number)


def _municipality(place: Municipality, numbers: Figures) -> Row:
    href = tk.h.url_for("marathon_place.municipality", code=place.code)
    return Row(place.code, place.name, href, numbers)


def _by_name(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda each: (fold_text(each.name), each.code))
