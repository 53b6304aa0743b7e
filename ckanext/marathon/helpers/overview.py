"""Overviews: figures of places and problems in tables, and the newest ideas and datasets.

The tables can be sorted and saved as CSV; the lists have public records and need no Solr.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.marathon.domain import dates
from ckanext.marathon.helpers.labels import marathon_date, marathon_municipality_names
from ckanext.marathon.model import figures as figures_model
from ckanext.marathon.model import link
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.clock import cache_until_change
from ckanext.marathon.model.figures import Figures
from ckanext.marathon.spreadsheets import Column, ColumnType, Table
from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.codes import UnknownCode, fold_text
from ckanext.marathon.vocabulary.territory import Municipality

BY_NAME = "name"
# Field → column name in files, where they differ.
_IN_FILES = {"needs": "data_needs", "needs_met": "data_needs_met"}


class FigureRow(NamedTuple):
    """The figures of a place or problem."""

    code: str
    name: str
    href: str
    figures: Figures


class Comparison(NamedTuple):
    """Rows of figures in the requested order.

    Attributes:
        sort: the column they are in order of: a field of ``Figures``, ``name``, or ``""`` where
            they are in an order of their own.
        most: the largest number of each column, which the longest bar stands for.
    """

    rows: list[FigureRow]
    sort: str
    most: Figures


def write_as_of() -> str:
    """Return the date of the figures, in words."""
    moment = figures_model.read_time_of_figures().astimezone(dates.GUATEMALA)
    return marathon_date(moment.date().isoformat())


def list_municipality_rows() -> list[FigureRow]:
    """Return figures of the municipalities with any workshop, idea or dataset, by name."""
    found = []
    for code, numbers in figures_model.read_figures_by(link.MUNICIPALITY).items():
        try:
            found.append(_make_municipality_row(territory.get_municipality(code), numbers))
        except UnknownCode:
            continue
    return _sort_by_name(found)


def list_rows_of_department(code: str) -> list[FigureRow]:
    """Return figures of all municipalities of a department, by name."""
    numbers = figures_model.read_figures_by(link.MUNICIPALITY)
    return _sort_by_name(
        _make_municipality_row(each, numbers.get(each.code, Figures()))
        for each in territory.list_municipalities_of(code)
    )


def list_problem_rows(notations: Iterable[str]) -> list[FigureRow]:
    """Return figures of service problems or areas, in the order given."""
    numbers, lang = figures_model.read_figures_by(link.PROBLEM), tk.h.lang()
    return [
        FigureRow(
            each,
            problems.get_problem(each).label(lang),
            tk.h.url_for("marathon_place.problem", notation=each),
            numbers.get(each, Figures()),
        )
        for each in notations
    ]


def compare_rows(rows: list[FigureRow], sort: str, otherwise: str = BY_NAME) -> Comparison:
    """Return rows in order of a column, the largest number first.

    Args:
        rows: in their default order.
        sort: the requested column; an unknown one changes nothing.
        otherwise: the column that this is the order of, ``""`` for none.
    """
    most = Figures(*(max(column) for column in zip(*(each.figures for each in rows), strict=True)))
    if sort == BY_NAME:
        return Comparison(_sort_by_name(rows), sort, most)
    if sort in Figures._fields:
        return Comparison(sorted(rows, key=lambda each: -getattr(each.figures, sort)), sort, most)
    return Comparison(rows, otherwise, most)


def marathon_figure_labels() -> dict[str, str]:
    """Return field of ``Figures`` → label."""
    return {
        "workshops": tk._("Workshops"),
        "ideas": tk._("Ideas"),
        "needs": tk._("Data asked for"),
        "needs_met": tk._("Asked for and published"),
        "datasets": tk._("Datasets"),
    }


def tabulate_rows(name: str, title: str, rows: list[FigureRow]) -> Table:
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
    """Return the figures that are not zero, in words: ``2 ideas · 1 dataset``."""
    words = (
        (numbers.ideas, tk.ungettext("{n} idea", "{n} ideas", numbers.ideas)),
        (numbers.datasets, tk.ungettext("{n} dataset", "{n} datasets", numbers.datasets)),
        (numbers.workshops, tk.ungettext("{n} workshop", "{n} workshops", numbers.workshops)),
    )
    return " · ".join(text.format(n=number) for number, text in words if number)


def _make_municipality_row(place: Municipality, numbers: Figures) -> FigureRow:
    href = tk.h.url_for("marathon_place.municipality", code=place.code)
    return FigureRow(place.code, place.name, href, numbers)


def _sort_by_name(rows: Iterable[FigureRow]) -> list[FigureRow]:
    return sorted(rows, key=lambda each: (fold_text(each.name), each.code))


class NewestRecord(NamedTuple):
    """A dataset or idea in a short list; a dataset with the ideas that it came from."""

    type: str
    name: str
    title: str
    status: str
    is_example: bool
    places: list[str]
    ideas: list[NewestRecord]


def list_newest(limit: int) -> tuple[list[NewestRecord], list[NewestRecord]]:
    """Return the newest ideas and the newest datasets, at most ``limit`` of each.

    Cached until a public change: CKAN's tables have no index for this query.
    """
    return cache_until_change("newest", limit, lambda: _list_newest(limit))


def _list_newest(limit: int) -> tuple[list[NewestRecord], list[NewestRecord]]:
    ideas, datasets = (
        figures_model.list_latest(each, limit)
        for each in (package_model.IDEA, package_model.DATASET)
    )
    codes = figures_model.list_municipalities_of([each.id for each in (*ideas, *datasets)])
    origins = figures_model.list_ideas_of_datasets([each.id for each in datasets])
    return (
        [_make_newest_record(each, codes) for each in ideas],
        [_make_newest_record(each, codes, origins.get(each.id, [])) for each in datasets],
    )


def _make_newest_record(
    package: model.Package,
    codes: Mapping[str, list[str]],
    ideas: list[model.Package] | None = None,
) -> NewestRecord:
    return NewestRecord(
        type=package.type,
        name=package.name,
        title=package.title or package.name,
        status=package_model.read_stored_text(package, "status"),
        is_example=package_model.read_stored_flag(package, "example"),
        places=marathon_municipality_names(codes.get(package.id, [])),
        ideas=[_make_newest_record(each, {}) for each in ideas or []],
    )
