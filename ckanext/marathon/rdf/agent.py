"""Organisations, and the offices people may write to.

Sources: DCAT-AP 3, Agent and Kind; ADMS publisher types.
"""

from __future__ import annotations

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.records.organization import Organization
from ckanext.marathon.vocabulary import authorities

from .concept import add_authority
from .document import add_document
from .facts import Row
from .iri import mail, web
from .literals import clean, text
from .namespaces import DCT, FOAF, RDF, VCARD, new_graph
from .place import add_municipality
from .uris import Site, part

__all__ = [
    "add_agent",
    "add_contact",
    "add_office",
    "add_organization",
    "office_of",
    "organization_graph",
]


def organization_graph(site: Site, organization: Organization) -> Graph:
    """Return all that is said of an organisation of the site, with its office.

    Args:
        site: where IRIs start.
        organization: to be described.
    """
    graph = new_graph(site.vocabulary)
    add_organization(graph, site, organization)
    add_office(graph, site, organization)
    return graph


def add_organization(graph: Graph, site: Site, organization: Organization) -> URIRef:
    """Describe an organisation of the site and return its IRI."""
    iri = site.thing("organization", organization.id)
    add_named_agent(graph, iri, organization.label or iri)
    _add_homepage(graph, site, iri, organization.homepage)
    if organization.municipality_code:
        place = add_municipality(graph, site, organization.municipality_code)
        if place is not None:
            graph.add((iri, DCT.spatial, place))
    _add_type(graph, iri, organization.role)
    return iri


def add_agent(graph: Graph, site: Site, whole: URIRef, name: str, row: Row) -> URIRef | None:
    """Describe an organisation that somebody typed in and return its IRI.

    It is called by what is known of it if it has no name.

    Args:
        graph: is added to.
        site: an IRI of its own is not taken from what was typed in.
        whole: what it is a part of if it has no IRI of its own.
        name: of that part.
        row: with ``uri``, ``name``, ``email``, ``url``, ``type``, ``identifier``, all optional.

    Returns:
        ``None`` if the row says nothing.
    """
    iri = site.foreign(row.get("uri")) or part(whole, name)
    named = (clean(row.get(key)) for key in ("name", "url", "email", "identifier", "uri", "type"))
    called = next(filter(None, named), None)
    if called is None:
        return None
    add_named_agent(graph, iri, called)
    _add_homepage(graph, site, iri, row.get("url"))
    address = mail(row.get("email"))
    if address is not None:
        graph.add((iri, FOAF.mbox, address))
    identifier = text(row.get("identifier"))
    if identifier is not None:
        graph.add((iri, DCT.identifier, identifier))
    _add_type(graph, iri, row.get("type"))
    return iri


def add_named_agent(graph: Graph, iri: URIRef, name: object) -> None:
    """Say that something is an organisation, and its name.

    The name has no language: it is one in each, and stock ckanext-dcat treats names with a
    language as translations.
    """
    for each in (FOAF.Agent, FOAF.Organization):
        graph.add((iri, RDF.type, each))
    graph.add((iri, FOAF.name, text(name) or Literal(str(iri))))


def add_contact(graph: Graph, site: Site, whole: URIRef, name: str, row: Row) -> URIRef | None:
    """Describe an office that somebody typed in and return its IRI.

    Args:
        graph: is added to.
        site: an IRI of its own is not taken from what was typed in.
        whole: what it is a part of if it has no IRI of its own.
        name: of that part.
        row: with ``uri``, ``name``, ``email``, ``url``, ``identifier``, all optional.

    Returns:
        ``None`` if the row says nothing.
    """
    given, identifier = site.foreign(row.get("uri")), row.get("identifier")
    said = {
        VCARD.fn: text(row.get("name")),
        VCARD.hasEmail: mail(row.get("email")),
        VCARD.hasURL: web(row.get("url")),
        VCARD.hasUID: web(identifier) or text(identifier),
    }
    if given is None and not any(value is not None for value in said.values()):
        return None
    iri = given or part(whole, name)
    for each in (VCARD.Kind, VCARD.Organization):
        graph.add((iri, RDF.type, each))
    for predicate, value in said.items():
        if value is not None:
            graph.add((iri, predicate, value))
    if said[VCARD.hasEmail] is not None:
        # GeoDCAT-AP 3 wants this class.
        graph.add((said[VCARD.hasEmail], RDF.type, VCARD.Email))
    return iri


def add_office(graph: Graph, site: Site, organization: Organization) -> URIRef | None:
    """Describe the office to which an organisation wants letters sent and return its IRI.

    Returns:
        ``None`` if the organisation gives no way to reach it.
    """
    if office_of(site, organization) is None:
        return None
    return add_contact(
        graph,
        site,
        site.thing("organization", organization.id),
        "contact",
        {
            "name": organization.contact_name or organization.title,
            "email": organization.contact_email,
            "url": organization.homepage,
        },
    )


def office_of(site: Site, organization: Organization) -> URIRef | None:
    """Return the IRI of an organisation's office, ``None`` if there is no way to reach it."""
    if mail(organization.contact_email) is None and web(organization.homepage) is None:
        return None
    return part(site.thing("organization", organization.id), "contact")


def _add_homepage(graph: Graph, site: Site, iri: URIRef, address: object) -> None:
    page = web(address)
    if page is not None:
        add_document(graph, site, page)
        graph.add((iri, FOAF.homepage, page))


def _add_type(graph: Graph, iri: URIRef, value: object) -> None:
    found = authorities.find_publisher_type(value) if isinstance(value, str) else None
    # The same IRI may be typed in twice, as publisher and creator, or as a licence too; DCAT-AP
    # allows an agent one type, and licences only types of licences.
    taken = (iri, DCT.type, None) in graph or (iri, RDF.type, DCT.LicenseDocument) in graph
    if found is not None and not taken:
        graph.add((iri, DCT.type, add_authority(graph, found)))
