"""Back from triples to the dict of a dataset.

What ``dataset`` writes is read here field by field, and what other people write instead of it. For
what has no field of ours ckanext-dcat's own reader is asked, see :mod:`.profile`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

from rdflib import Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.vocabulary import authorities
from ckanext.marathon.vocabulary.problems import KIND as PROBLEM

from .concept import problem_or_none
from .dataset import themes_of_problems
from .extras import REST
from .literals import count
from .namespaces import (
    ADMS,
    DCAT,
    DCATAP,
    DCT,
    FOAF,
    OWL,
    PAV,
    PROV,
    RDFS,
    SCHEMA,
    SKOS,
)
from .parse_agent import read_agent, read_contact, read_further
from .parse_distribution import read_resource, read_texts, single
from .parse_period import read_periods
from .parse_place import is_our_municipality, read_place
from .place import code_of_place
from .reading import Reader
from .uris import Site

__all__ = ["licence_id", "read_dataset"]

_TEXTS = {
    "title": (DCT.title, RDFS.label),
    "notes": (DCT.description,),
    "issued": (DCT.issued,),
    "modified": (DCT.modified,),
    "version": (DCAT.version, OWL.versionInfo, ADMS.version),
    "version_notes": (ADMS.versionNotes,),
    "temporal_resolution": (DCAT.temporalResolution,),
    "spatial_resolution_in_meters": (DCAT.spatialResolutionInMeters,),
}
_ADDRESSES = {
    "documentation": (FOAF.page,),
    "conforms_to": (DCT.conformsTo,),
    "is_referenced_by": (DCT.isReferencedBy,),
    "has_version": (PAV.hasVersion, DCT.hasVersion, DCAT.hasVersion),
    "applicable_legislation": (DCATAP.applicableLegislation,),
}
# What has neither a field here nor a word in DCAT-AP, by the key of the extra that keeps it.
_FURTHER = {
    "dcat_in_series": DCAT.inSeries,
    "dct_is_part_of": DCT.isPartOf,
    "dct_references": DCT.references,
    "dct_alternative": DCT.alternative,
    "dct_subject": DCT.subject,
}


def read_dataset(graph: Graph, iri: Node, site: Site) -> dict[str, Any]:
    """Return the fields of a dataset.

    Args:
        graph: says something of the dataset.
        iri: of the dataset; other people's may be a node without one.
        site: that reads; ids are taken only from IRIs of its own.

    Returns:
        Only fields about which the graph says something, in other people's words where our tables
        do not know them: :mod:`.fitting` sets those aside that a field does not take. A field that
        is there but empty was looked at and left out on purpose: the organisation that publishes
        unless another is named, its office, the theme that follows from the problem.
    """
    reader = Reader(graph, site.language, site.others)
    found = read_texts(reader, iri, _TEXTS)
    for name, predicates in {**_ADDRESSES, "url": (DCAT.landingPage,)}.items():
        addresses = reader.addresses(iri, *predicates)
        found |= single(name, addresses) if name == "url" else {name: addresses}
        found[f"{name}_label{REST}"] = reader.words_beside(iri, *predicates)
    found |= {name: reader.values(iri, each) for name, each in _FURTHER.items()}
    found["tags"] = [{"name": each} for each in reader.texts(iri, DCAT.keyword)]
    found["language"] = reader.concepts("language", iri, DCT.language)
    found |= single("frequency", reader.concepts("frequency", iri, DCT.accrualPeriodicity))
    found |= single("access_rights", reader.concepts("access-right", iri, DCT.accessRights))
    found |= _licence(reader, iri)
    found["provenance"] = reader.statements(iri, DCT.provenance)
    found["rights_note"] = reader.statements(iri, DCT.rights)
    given = [
        reader.text(each, SKOS.notation) or reader.value(each)
        for name in (ADMS.identifier, DCT.identifier)
        for each in reader.nodes(iri, name)
    ]
    found["alternate_identifier"] = [e for e in dict.fromkeys(given) if e and e != str(iri)]
    found |= read_periods(reader, iri)
    found["example"] = reader.text(iri, site.term("example")) == "true"
    found["resources"] = [read_resource(reader, site, iri, each) for each in _in_order(reader, iri)]
    found = {name: value for name, value in found.items() if value}
    return (
        found
        | _themes(reader, iri, site)
        | _people(reader, iri, site)
        | (_places(reader, iri, site) | _links(reader, iri, site))
    )


def licence_id(said: str) -> str:
    """Return CKAN's id of a licence with its version, ``""`` if our table does not have it."""
    known = authorities.find_stated_licence(said)
    return known.code if known else ""


def _themes(reader: Reader, iri: Node, site: Site) -> dict[str, Any]:
    """Tell our problems from EU themes; themes that only follow from the problems are not kept."""
    problems, themes, others = [], [], []
    for node in reader.values(iri, DCAT.theme):
        notation = node.removeprefix(f"{site.scheme(PROBLEM)}/")
        known = problem_or_none(notation)
        # Another site of ours may have another base: then the notation must say the same.
        if known is None and f"/{PROBLEM}/" in node:
            stated = reader.text(URIRef(node), SKOS.notation)
            known = problem_or_none(stated) if node.endswith(f"/{PROBLEM}/{stated}") else None
        if known is not None:
            problems.append(known.notation)
        theme = authorities.find_theme(node)
        if theme is not None:
            themes.append(theme.iri)
        elif known is None:
            others.append(node)
    found: dict[str, Any] = {"service_problem": problems} if problems else {}
    if themes or others:
        themes = [] if set(themes) == themes_of_problems(problems) else themes
        found["theme"] = [*dict.fromkeys(themes), *others]
    return found


def _places(reader: Reader, iri: Node, site: Site) -> dict[str, Any]:
    municipalities, others, texts = [], [], []
    countries: list[dict[str, str]] = []
    for node in reader.nodes(iri, DCT.spatial):
        code = code_of_place(site, str(node))
        stated = reader.text(node, DCT.identifier)
        if code or is_our_municipality(reader, node, stated):
            municipalities.append(code or stated)
        elif country := authorities.find_country(str(node)):
            countries.append({"uri": country.iri})
            labels = set(country.labels.values())
            named = reader.texts(node, SKOS.prefLabel) + reader.texts(node, RDFS.label)
            others += [{"text": each} for each in dict.fromkeys(named) if each not in labels]
        else:
            place, unread = read_place(reader, iri, node)
            others += [place] if place else []
            texts += unread
    if others or municipalities or not site.id_of("dataset", str(iri)):
        # Only of our own datasets does an empty field mean Guatemala as a whole.
        others = [*countries[:1], *others]
    found: dict[str, Any] = {"municipality": municipalities} if municipalities else {}
    if texts:
        found["spatial_coverage" + REST] = texts
    # Present even if empty: what only stood in for it is no value.
    return found | {"spatial_coverage": others}


def _people(reader: Reader, iri: Node, site: Site) -> dict[str, Any]:
    found: dict[str, Any] = {}
    publishers = reader.nodes(iri, DCT.publisher)
    owners = [owner for each in publishers if (owner := site.id_of("organization", str(each)))]
    if owners:
        found |= {"owner_org": owners[0], "publisher": []}
    elif publishers:
        rows = _rows(read_agent(reader, iri, each) for each in publishers)
        # DCAT-AP takes one publisher, with a name: the first is the one that is published again.
        found["publisher"] = sorted(rows, key=lambda row: not row.get("name"))
    creators = _rows(read_agent(reader, iri, each) for each in reader.nodes(iri, DCT.creator))
    office = re.compile(rf"({re.escape(site.base)}/organization/[^/#]+)#contact")
    contacts = reader.nodes(iri, DCAT.contactPoint) or reader.nodes(iri, ADMS.contactPoint)
    offices = [each[1] for each in map(office.fullmatch, map(str, contacts)) if each]
    # Where somebody else is named as publisher, the office still tells whose the dataset is.
    if not owners and offices and (owner := site.id_of("organization", offices[0])):
        found["owner_org"] = owner
    if creators:
        found["creator"] = creators
    if contacts:
        theirs = [each for each in contacts if not office.fullmatch(str(each))]
        found["contact"] = _rows(read_contact(reader, iri, each) for each in theirs)
        found |= _further(reader, "contact", theirs)
    if not owners:
        found |= _further(reader, "publisher", publishers)
    return found | _further(reader, "creator", reader.nodes(iri, DCT.creator))


def _further(reader: Reader, field: str, nodes: Iterable[Node]) -> dict[str, list[str]]:
    """Return what has no room in the rows of a field, by the names of extras."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        for name, texts in read_further(reader, node).items():
            found.setdefault(f"{field}_{name}{REST}", []).extend(texts)
    return found


def _rows(rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return [each for each in rows if each]


def _links(reader: Reader, iri: Node, site: Site) -> dict[str, Any]:
    """Return the ideas and data needs of our own that a dataset names, and influences of others.

    Version 1.0.0 of the profile had ideas and needs in ``dcat:qualifiedRelation``.
    """
    related = reader.iris(iri, DCT.relation)
    for node in reader.nodes(iri, DCAT.qualifiedRelation):
        related += reader.iris(node, DCT.relation)
    influences = []
    for node in reader.nodes(iri, PROV.qualifiedInfluence):
        entities = reader.iris(node, PROV.entity)
        related += entities
        roles = (reader.iris(node, each) for each in (DCT.type, PROV.hadRole, DCAT.hadRole))
        role = next(filter(None, roles), [""])[0]
        influences += [
            {"entity": each, "role": role}
            for each in entities
            if not site.id_of("idea", each) and not site.need_of(each)
        ]
    ideas = dict.fromkeys(site.id_of("idea", each) for each in related)
    needs = dict.fromkeys(site.need_of(each) for each in related)
    found: dict[str, Any] = {
        "idea": list(filter(None, ideas)),
        "data_need": list(filter(None, needs)),
        "qualified_influence": influences,
    }
    return {name: value for name, value in found.items() if value}


def _licence(reader: Reader, iri: Node) -> dict[str, Any]:
    """Return the id of the licence; if no table has it, its address or name beside the field.

    What CKAN has an id of that names no version stays beside it as it was said.
    """
    nodes = reader.nodes(iri, DCT.license)
    others = []
    for node in nodes:
        said = [] if isinstance(node, Literal) else [reader.text(node, DCT.identifier)]
        said = list(filter(None, [*said, reader.address(node), reader.statement(node)]))
        found = next(filter(None, map(licence_id, said)), "")
        # One that is a part of our own dataset has no other name than this.
        found = found or (said[0] if said and str(node) == f"{iri}#licence" else "")
        if found:
            return {"license_id": found}
        unversioned = next(filter(authorities.find_licence, said), "")
        if unversioned and len(nodes) == 1:
            return {"license_id": unversioned, "license" + REST: [unversioned]}
        others += said[:1]
    labels = reader.words_beside(iri, DCT.license)
    return {"license" + REST: others, f"license_label{REST}": labels}


def _in_order(reader: Reader, iri: Node) -> list[Node]:
    """Return the distributions of a dataset in the order that they have, where one is stated."""

    def place(node: Node) -> int:
        stated = count(reader.text(node, SCHEMA.position))
        return sys.maxsize if stated is None else int(stated)

    return sorted(reader.nodes(iri, DCAT.distribution), key=place)
