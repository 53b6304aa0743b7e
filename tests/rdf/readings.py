"""Graphs that other people could have written: read, saved and published again."""

from __future__ import annotations

import json
from typing import Any

from ckan.tests.helpers import call_action
from ckanext.dcat.processors import RDFParser
from rdflib import Graph

from ckanext.marathon.rdf.lookups import Lookups
from ckanext.marathon.rdf.profile import build_record_graph
from tests.factories import NationalBody

PREFIXES = """
@prefix adms: <http://www.w3.org/ns/adms#> . @prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> . @prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix geo: <http://www.opengis.net/ont/geosparql#> . @prefix locn: <http://www.w3.org/ns/locn#> .
@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <http://schema.org/> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix time: <http://www.w3.org/2006/time#> .
@prefix spdx: <http://spdx.org/rdf/terms#> . @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix dcatap: <http://data.europa.eu/r5r/> .
@prefix wgs: <http://www.w3.org/2003/01/geo/wgs84_pos#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def graph(turtle: str) -> Graph:
    return Graph().parse(data=PREFIXES + turtle, format="turtle")


def read(turtle: str) -> dict[str, Any]:
    parser: Any = RDFParser(profiles=["marathon"])
    parser.g = graph(turtle)
    (found,) = parser.datasets()
    return found


def described(what: str) -> dict[str, Any]:
    return read(f'<https://otro.gt/d/1> a dcat:Dataset ; dct:title "Lluvia" ; {what} .')


def distributed(what: str) -> dict[str, Any]:
    (resource,) = described(f"dcat:distribution [ a dcat:Distribution ; {what} ]")["resources"]
    return resource


def extras(dataset: dict[str, Any]) -> dict[str, str]:
    return {each["key"]: each["value"] for each in dataset["extras"]}


def saved(found: dict[str, Any], **fields: Any) -> dict[str, Any]:
    sent = {**json.loads(json.dumps(found)), "name": "copia", **fields}
    return call_action("package_create", owner_org=NationalBody()["id"], **sent)


def published_again(what: str) -> Graph:
    """Return the RDF of a copy of a dataset with these triples."""
    return build_record_graph(saved(described(what)), Lookups())


def file_published_again(what: str) -> Graph:
    """Return the RDF of a copy of a dataset whose file has these triples."""
    found = described(f"dcat:distribution [ a dcat:Distribution ; {what} ]")
    return build_record_graph(saved(found, name="copia-del-archivo"), Lookups())
