"""The shapes of other profiles of DCAT, to which the RDF of the site is compared.

They are not shipped here: ``MARATHON_NEIGHBOURS`` names a folder with a folder of Turtle files for
each edition (docs/running.md has their sources). Missing ones are named below the results.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyshacl
import pytest
from rdflib import SH, Graph

from ckanext.marathon.rdf.namespaces import PREFIXES
from tests import proving

FOLDER = Path(os.environ.get("MARATHON_NEIGHBOURS") or "-")


@dataclass(frozen=True)
class Edition:
    """An edition of the shapes of a profile.

    Attributes:
        name: of its folder.
        title: for people, as docs/rdf.md has it.
        entailment: that the shapes count on, as pyshacl calls it.
    """

    name: str
    title: str
    entailment: str = "none"

    @property
    def is_here(self) -> bool:
        """Whether the shapes are on this machine."""
        return any((FOLDER / self.name).glob("*.ttl"))


EDITIONS = (
    Edition("dcat-ap", "DCAT-AP 3.0.1, html/shacl"),
    # It requires addresses of the class rdfs:Resource; by RDF Schema everything is one.
    Edition("geodcat-ap", "GeoDCAT-AP 3.0.0", entailment="rdfs"),
    Edition("geodcat-ap-2", "GeoDCAT-AP 2.0.0"),
    Edition("dcat-us", "DCAT-US 3.0"),
    Edition("dcat-ap-es", "DCAT-AP-ES 1.0.0"),
    Edition("dcat-br", "DCAT-BR 1.0"),
)
MISSING = tuple(each for each in EDITIONS if not each.is_here)
if MISSING:
    proving.NOTES.append(
        f"profiles of neighbours: the shapes of {', '.join(each.title for each in MISSING)} are "
        "not here (MARATHON_NEIGHBOURS names their folder); our RDF was not measured against them"
    )


def params(*names: str) -> list[Any]:
    """Return the editions as parameters of a test, skipped if their shapes are missing.

    Args:
        names: of those that are wanted; none = all.
    """
    return [
        pytest.param(
            each,
            id=each.name,
            marks=pytest.mark.skipif(
                not each.is_here, reason=f"MARATHON_NEIGHBOURS has no folder {each.name}"
            ),
        )
        for each in EDITIONS
        if not names or each.name in names
    ]


@cache
def _shapes(name: str) -> Graph:
    graph = Graph()
    for file in sorted((FOLDER / name).glob("*.ttl")):
        graph.parse(file, format="turtle")
    return graph


@dataclass(frozen=True)
class Measured:
    """The results of the shapes of an edition.

    Attributes:
        violations: of each property, with the prefix that people know, how often it breaks a rule.
        recommendations: how many are not followed.
    """

    violations: Counter[str]
    recommendations: int


def measure(graph: Graph, edition: Edition) -> Measured:
    """Validate a graph against an edition that is here."""
    # A copy, because the validator adds triples to its graph.
    _, report, _ = pyshacl.validate(
        Graph() + graph, shacl_graph=_shapes(edition.name), inference=edition.entailment
    )
    assert isinstance(report, Graph)
    found = [
        (report.value(each, SH.resultSeverity), str(report.value(each, SH.resultPath)))
        for each in report.objects(None, SH.result)
    ]
    return Measured(
        Counter(_shortened(path) for severity, path in found if severity == SH.Violation),
        sum(severity == SH.Warning for severity, _ in found),
    )


def _shortened(iri: str) -> str:
    names = (
        f"{prefix}:{iri.removeprefix(start)}"
        for prefix, start in PREFIXES.items()
        if iri.startswith(start)
    )
    return next(names, iri)
