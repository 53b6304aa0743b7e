"""Back from triples to the periods that a dataset covers.

Source: OWL Time, for instants and descriptions of dates and times.
"""

from __future__ import annotations

import itertools
from typing import Any

from rdflib import Literal, URIRef
from rdflib.term import Node

from .extras import REST
from .namespaces import DCAT, DCT, SCHEMAS, TIME
from .reading import Reader

__all__ = ["read_periods"]

_STARTS = (DCAT.startDate, *(schema.startDate for schema in SCHEMAS))
_ENDS = (DCAT.endDate, *(schema.endDate for schema in SCHEMAS))
# What OWL Time says of an instant in one literal, and in parts.
_INSTANTS = (TIME.inXSDDateTimeStamp, TIME.inXSDDateTime, TIME.inXSDDate)
_INSTANTS += (TIME.inXSDgYearMonth, TIME.inXSDgYear)
_DESCRIPTIONS = (TIME.inDateTime, TIME.hasDateTimeDescription)


def read_periods(reader: Reader, iri: Node) -> dict[str, Any]:
    """Return the periods of a dataset, and beside the field what is none that can be read."""
    rows, texts = [], []
    for node in reader.nodes(iri, DCT.temporal):
        row = {"start": reader.text(node, *_STARTS), "end": reader.text(node, *_ENDS)}
        if not any(row.values()):
            for name, predicate in (("start", TIME.hasBeginning), ("end", TIME.hasEnd)):
                instants = reader.nodes(node, predicate)
                found = (_instant(reader, each) or reader.value(each) for each in instants)
                row[name] = next(filter(None, found), "")
        if not any(row.values()):
            # A single instant: a year, for example.
            row["start"] = row["end"] = _instant(reader, node)
        said = reader.statement(node)
        if not any(row.values()) and said.count("/") == 1 and not isinstance(node, URIRef):
            # An interval of ISO 8601, as data.json has it.
            row["start"], _, row["end"] = said.partition("/")
        if any(row.values()):
            rows.append({name: value for name, value in row.items() if value})
        elif said:
            texts.append(said)
    return {"temporal_coverage": rows, "temporal_coverage" + REST: texts}


def _instant(reader: Reader, node: Node) -> str:
    """Return a year, month, day or time as OWL Time says it; ``""`` if it says none."""
    if isinstance(node, Literal):
        return ""
    said = reader.text(node, *_INSTANTS)
    return said or next(
        filter(None, (_moment(reader, each) for each in reader.nodes(node, *_DESCRIPTIONS))), ""
    )


def _moment(reader: Reader, described: Node) -> str:
    """Return what a description of a date and time says, as ISO 8601 writes it.

    The parts are numbers, or texts of ``gYear`` (``2020``), ``gMonth`` (``--05``) and ``gDay``
    (``---17``).
    """
    units = ("year", "month", "day", "hour", "minute", "second")
    said = (reader.text(described, TIME[each]).lstrip("-") for each in units)
    year, *rest = (each.partition(".")[0] for each in said)
    if not (len(year) == 4 and year.isdecimal()):
        return ""
    kept = list(itertools.takewhile(str.isdecimal, rest))
    day = "-".join([year, *(each.zfill(2) for each in kept[:2])])
    hours = [each.zfill(2) for each in kept[2:]]
    # An hour alone is written with its minutes.
    return f"{day}T{':'.join([*hours, '00'][: max(2, len(hours))])}" if hours else day
