"""docs/rdf.md and docs/profile.md agree with the published RDF."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rdflib import PROV, RDF, Graph

from ckanext.marathon.rdf.catalogue import build_catalogue_graph
from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.rdf.idea import build_idea_graph
from ckanext.marathon.rdf.namespaces import DCAT, PREFIXES
from ckanext.marathon.rdf.workshop import build_workshop_graph
from ckanext.marathon.records import Dataset, Idea, Workshop

from .samples import CATALOGUE, FACTS, FULL, IDEA, SITE, WORKSHOP

PAGE = (Path(__file__).parents[2] / "docs" / "rdf.md").read_text(encoding="utf-8")
OWN = {**FULL, "publisher": [], "contact": []}
PUBLISHED = {
    "full": build_dataset_graph(Dataset.from_shown(FULL), FACTS),
    "own": build_dataset_graph(Dataset.from_shown(OWN), FACTS),
    "idea": build_idea_graph(Idea.from_shown(IDEA), FACTS),
    "workshop": build_workshop_graph(Workshop.from_shown(WORKSHOP), FACTS),
    "catalogue": build_catalogue_graph(CATALOGUE),
}


def names(graph: Graph) -> set[str]:
    """Return the properties of a graph as people write them, but for ``rdf:type``."""
    starts = {**PREFIXES, "def": f"{SITE.vocabulary}/def#"}
    short = {
        f"{prefix}:{predicate.removeprefix(start)}"
        for predicate in set(graph.predicates()) - {RDF.type}
        for prefix, start in starts.items()
        if predicate.startswith(start)
    }
    return {each.replace("def:", "def#") for each in short}


def test_the_example_of_the_docs_is_published_as_written() -> None:
    (turtle,) = re.findall(r"```turtle\n(.*?)```", PAGE, re.DOTALL)
    example = Graph().parse(data=turtle, format="turtle")
    assert len(example) >= 40
    missing = [triple for triple in example if triple not in PUBLISHED["full"]]
    assert missing == []


# Properties of concepts and of parts of records, which the page describes in words.
OF_CONCEPTS = {"skos:inScheme", "skos:broadMatch", "skos:closeMatch", "rdfs:label"}
OF_PARTS = {"geosparql:asWKT", "spdx:algorithm", "spdx:checksumValue", "prov:agent", "prov:hadRole"}


@pytest.mark.parametrize("what", PUBLISHED)
def test_every_property_that_is_published_is_on_the_page(what: str) -> None:
    used = names(PUBLISHED[what]) - OF_CONCEPTS - OF_PARTS
    words = set(re.findall(r"[\w-]+:[\w-]+|def#\w+", PAGE))
    assert used - words == set()


def test_every_property_in_the_tables_is_published() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", PAGE, re.MULTILINE)
    promised = {
        name for row in rows for name in re.findall(r"`((?:[a-z]+:[A-Za-z]+)|def#\w+)`", row)
    }
    assert len(promised) > 40
    published = set().union(*map(names, PUBLISHED.values()))
    assert promised <= published


PROFILE = (Path(__file__).parents[2] / "docs" / "profile.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`[^|]+`) \|.*\| ([^|]*) \|$", re.MULTILINE)
SHORT = {
    **PREFIXES,
    "ex": f"{SITE.base}/",
    "v": f"{SITE.vocabulary}/",
    "def": f"{SITE.vocabulary}/def#",
    "eu": "http://publications.europa.eu/resource/authority/",
}


def rows() -> list[tuple[str, str]]:
    return [(names, example.strip("`")) for names, example in ROW.findall(PROFILE)]


@pytest.mark.parametrize(("properties", "example"), [each for each in rows() if each[1]])
def test_every_example_of_the_profile_is_published(properties: str, example: str) -> None:
    # In Turtle a local name holds no slash.
    def expanded(text: str) -> str:
        prefix, _, rest = text.partition(":")
        return f"<{SHORT[prefix]}{rest}>" if prefix in SHORT else text

    prefixes = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
    found = Graph()
    for name in re.findall(r"`([a-z]+:\w+)`", properties):
        predicate = expanded(name)
        found.parse(data=f"{prefixes}<urn:x> {predicate} {expanded(example)} .", format="turtle")
    published = {(p, o) for graph in PUBLISHED.values() for _s, p, o in graph}
    assert any((p, o) in published for _s, p, o in found), found.serialize()


@pytest.mark.parametrize("what", PUBLISHED)
def test_every_property_of_our_classes_is_in_the_profile(what: str) -> None:
    ours = (DCAT.Catalog, DCAT.Dataset, DCAT.Distribution, PROV.Entity, PROV.Activity)
    graph = PUBLISHED[what]
    subjects = {each for kind in ours for each in graph.subjects(RDF.type, kind)}
    used = Graph()
    for triple in graph:
        if triple[0] in subjects:
            used.add(triple)
    written = {each.replace("def:", "def#") for each in re.findall(r"[a-z]+:\w+", PROFILE)}
    assert names(used) - written - {"rdfs:seeAlso"} == set()
