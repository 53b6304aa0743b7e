"""The shapes our RDF is checked against: DCAT-AP's official ones, and the project's own."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pyshacl
from rdflib import SH, Graph
from rdflib.term import Node

from .samples import SITE

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("MARATHON_SHAPES") or ROOT / ".." / "shared" / "shacl")
OFFICIAL = (
    "dcat-ap-3.0.1.ttl",
    "dcat-ap-3.0.1-vocabularies.ttl",
    "dcat-ap-3.0.1-recommended.ttl",
)
OWN = ROOT / "schemas" / "marathon-ap.ttl"


class Result(NamedTuple):
    """A finding of the validator, in a form that reads well when a test fails."""

    severity: str
    focus: str
    path: str
    value: str
    message: str
    shape: str


def official_is_here() -> bool:
    """Return whether the official shapes, which are not shipped here, are on this machine."""
    return all((FOLDER / name).is_file() for name in OFFICIAL)


@lru_cache(maxsize=1)
def shapes() -> Graph:
    """Return all shapes there are."""
    graph = Graph().parse(OWN, format="turtle", publicID=f"{SITE.vocabulary}/")
    if official_is_here():
        for name in OFFICIAL:
            graph.parse(FOLDER / name, format="turtle")
    # DCAT-AP 3.0.1's file names one rule of a data service that it does not define; pyshacl stops
    # there as soon as a data service is to be checked.
    undefined = [
        each for each in graph.objects(None, SH.property) if (each, None, None) not in graph
    ]
    for each in undefined:
        graph.remove((None, SH.property, each))
    return graph


def results(graph: Graph) -> list[Result]:
    """Return the violations and warnings of the validator."""
    # A copy, because the validator adds triples to its graph.
    _, report, _ = pyshacl.validate(Graph() + graph, shacl_graph=shapes(), inplace=False)
    assert isinstance(report, Graph)
    return sorted(
        Result(
            severity=str(report.value(each, SH.resultSeverity)).partition("#")[2],
            focus=str(report.value(each, SH.focusNode)),
            path=str(report.value(each, SH.resultPath)),
            value=str(report.value(each, SH.value)),
            message=str(report.value(each, SH.resultMessage)),
            shape=_shape(report.value(each, SH.sourceShape)),
        )
        # Not their details: those carry the severity of a rule that is only part of another.
        for each in report.objects(None, SH.result)
    )


def violations(graph: Graph) -> list[Result]:
    """Return the violations (warnings are recommendations that are not followed)."""
    return [each for each in results(graph) if each.severity == "Violation"]


def _shape(source: Node | None) -> str:
    """Return the name of the profile's node shape to which a rule belongs, else its IRI."""
    whole = shapes().value(None, SH.property, source) or source
    return str(whole).rpartition("marathon-ap#")[2]
