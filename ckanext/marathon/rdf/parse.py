"""Back from triples to the dict of a dataset.

What ``dataset`` writes is read here field by field; what other people write is left to
ckanext-dcat's own reader, see :mod:`.profile`.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from rdflib import Graph, URIRef
from rdflib.term import Node

from ckanext.marathon.vocabulary import authorities
from ckanext.marathon.vocabulary.problems import KIND as PROBLEM

from .concept import problem_or_none
from .dataset import themes_of_problems
from .literals import count, geometry
from .namespaces import ADMS, DCAT, DCATAP, DCT, FOAF, GSP, SCHEMA, SKOS
from .parse_distribution import read_resource
from .place import code_of_place, envelope
from .reading import Reader
from .uris import Site

__all__ = ["licence_id", "read_dataset"]

_TEXTS = {
    "title": DCT.title,
    "notes": DCT.description,
    "issued": DCT.issued,
    "modified": DCT.modified,
    "version": DCAT.version,
    "version_notes": ADMS.versionNotes,
    "temporal_resolution": DCAT.temporalResolution,
    "spatial_resolution_in_meters": DCAT.spatialResolutionInMeters,
}
_ADDRESSES = {
    "documentation": FOAF.page,
    "conforms_to": DCT.conformsTo,
    "is_referenced_by": DCT.isReferencedBy,
    "has_version": DCT.hasVersion,
    "applicable_legislation": DCATAP.applicableLegislation,
}


def read_dataset(graph: Graph, iri: URIRef, site: Site) -> dict[str, Any]:
    """Return the fields of a dataset.

    Args:
        graph: says something of the dataset.
        iri: of the dataset.
        site: that reads; ids are taken only from IRIs of its own.

    Returns:
        Only fields about which the graph says something. A field that is there but empty was
        looked at and left out on purpose: the organisation that publishes unless another is
        named, its office, the theme that follows from the problem.
    """
    reader = Reader(graph, site.language)
    found: dict[str, Any] = {name: reader.text(iri, each) for name, each in _TEXTS.items()}
    found |= {name: reader.iris(iri, each) for name, each in _ADDRESSES.items()}
    found["tags"] = [{"name": each} for each in reader.texts(iri, DCAT.keyword)]
    found["url"] = reader.one(iri, DCAT.landingPage)
    found["language"] = reader.concepts("language", iri, DCT.language)
    found["frequency"] = _first(reader.concepts("frequency", iri, DCT.accrualPeriodicity))
    found["access_rights"] = _first(reader.concepts("access-right", iri, DCT.accessRights))
    found["license_id"] = _licence(reader, iri)
    found["provenance"] = _statement(reader, iri, DCT.provenance)
    found["rights_note"] = _statement(reader, iri, DCT.rights)
    found["alternate_identifier"] = [
        notation
        for each in reader.nodes(iri, ADMS.identifier)
        if (notation := reader.text(each, SKOS.notation))
    ]
    found["temporal_coverage"] = [
        {name: value for name, value in row.items() if value}
        for each in reader.nodes(iri, DCT.temporal)
        for row in [
            {"start": reader.text(each, DCAT.startDate), "end": reader.text(each, DCAT.endDate)}
        ]
        if any(row.values())
    ]
    found["example"] = reader.text(iri, site.term("example")) == "true"
    found["resources"] = [read_resource(reader, site, iri, each) for each in _in_order(reader, iri)]
    found = {name: value for name, value in found.items() if value}
    return (
        found
        | _themes(reader, iri, site)
        | _people(reader, iri, site)
        | (_places(reader, iri, site) | _links(reader, iri, site))
    )


def licence_id(iri: str) -> str:
    """Return CKAN's id of the licence with an IRI, ``""`` if our table does not have it."""
    known = authorities.licence(iri)
    return known.code if known else ""


def _themes(reader: Reader, iri: URIRef, site: Site) -> dict[str, Any]:
    """Tell our problems from EU themes; themes that only follow from the problems are not kept."""
    problems, themes = [], []
    for node in reader.iris(iri, DCAT.theme):
        notation = node.removeprefix(f"{site.scheme(PROBLEM)}/")
        known = problem_or_none(notation)
        # Another site of ours may have another base: then the notation must say the same.
        if known is None and f"/{PROBLEM}/" in node:
            stated = reader.text(URIRef(node), SKOS.notation)
            known = problem_or_none(stated) if node.endswith(f"/{PROBLEM}/{stated}") else None
        if known is not None:
            problems.append(known.notation)
        theme = authorities.theme(node)
        if theme is not None:
            themes.append(theme.iri)
    found: dict[str, Any] = {"service_problem": problems} if problems else {}
    if themes:
        found["theme"] = [] if set(themes) == themes_of_problems(problems) else themes
    return found


def _places(reader: Reader, iri: URIRef, site: Site) -> dict[str, Any]:
    municipalities, others = [], []
    for node in reader.nodes(iri, DCT.spatial):
        code = code_of_place(site, str(node))
        stated = reader.text(node, DCT.identifier)
        if code or str(node).endswith(f"/municipality/{stated or '-'}"):
            municipalities.append(code or stated)
        elif authorities.country(str(node)) is None:
            others.append(_place(reader, iri, node))
    found: dict[str, Any] = {"municipality": municipalities} if municipalities else {}
    # Present even if empty: Guatemala as a whole is what an empty field means.
    return found | {"spatial_coverage": [each for each in others if each]}


def _place(reader: Reader, whole: URIRef, node: Node) -> dict[str, str]:
    shape = reader.geometry(node, GSP.hasGeometry)
    box = reader.geometry(node, DCAT.bbox)
    drawn = geometry(shape)
    if drawn is not None and geometry(box) == envelope(drawn):
        box = ""
    fields = {
        "uri": str(node) if isinstance(node, URIRef) and not node.startswith(f"{whole}#") else "",
        "text": reader.text(node, SKOS.prefLabel),
        "geom": shape,
        "bbox": box,
        "centroid": reader.geometry(node, DCAT.centroid),
    }
    return {name: value for name, value in fields.items() if value}


def _people(reader: Reader, iri: URIRef, site: Site) -> dict[str, Any]:
    found: dict[str, Any] = {}
    publisher = next(iter(reader.nodes(iri, DCT.publisher)), None)
    owner = site.id_of("organization", str(publisher))
    if owner:
        found |= {"owner_org": owner, "publisher": []}
    elif publisher is not None:
        found["publisher"] = [reader.agent(iri, publisher)]
    creators = [reader.agent(iri, each) for each in reader.nodes(iri, DCT.creator)]
    office = re.compile(rf"({re.escape(site.base)}/organization/[^/#]+)#contact")
    contacts = reader.nodes(iri, DCAT.contactPoint)
    offices = [each[1] for each in map(office.fullmatch, map(str, contacts)) if each]
    # Where somebody else is named as publisher, the office still tells whose the dataset is.
    if not owner and offices and (owner := site.id_of("organization", offices[0])):
        found["owner_org"] = owner
    if creators:
        found["creator"] = creators
    if contacts:
        theirs = [each for each in contacts if not office.fullmatch(str(each))]
        found["contact"] = [reader.contact(iri, each) for each in theirs]
    return found


def _links(reader: Reader, iri: URIRef, site: Site) -> dict[str, Any]:
    related = reader.iris(iri, DCT.relation)
    for node in reader.nodes(iri, DCAT.qualifiedRelation):
        related += reader.iris(node, DCT.relation)
    ideas = dict.fromkeys(site.id_of("idea", each) for each in related)
    needs = dict.fromkeys(site.need_of(each) for each in related)
    found = {"idea": list(filter(None, ideas)), "data_need": list(filter(None, needs))}
    return {name: value for name, value in found.items() if value}


def _licence(reader: Reader, iri: URIRef) -> str:
    for node in reader.iris(iri, DCT.license):
        found = licence_id(node) or reader.text(URIRef(node), DCT.identifier)
        if found:
            return found
    return ""


def _statement(reader: Reader, iri: URIRef, predicate: URIRef) -> str:
    return next((reader.statement(each) for each in reader.nodes(iri, predicate)), "")


def _in_order(reader: Reader, iri: URIRef) -> list[Node]:
    """Return the distributions of a dataset in the order that they have, where one is stated."""

    def place(node: Node) -> int:
        stated = count(reader.text(node, SCHEMA.position))
        return sys.maxsize if stated is None else int(stated)

    return sorted(reader.nodes(iri, DCAT.distribution), key=place)


def _first(values: list[str]) -> str:
    return values[0] if values else ""
