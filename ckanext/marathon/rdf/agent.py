"""Organisations and contact offices as triples, and back.

Reading accepts FOAF, vCard, schema.org and the other vocabularies that catalogues use for agents.

Sources: DCAT-AP 3, Agent and Kind; ADMS publisher types.
"""

from __future__ import annotations

from rdflib import Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.rdf.concept import add_authority, add_document
from ckanext.marathon.rdf.facts import (
    Site,
    make_mail_iri,
    make_part_iri,
    make_web_iri,
    read_mail_address,
)
from ckanext.marathon.rdf.literals import clean_text, make_text
from ckanext.marathon.rdf.place import add_municipality
from ckanext.marathon.rdf.reading import Reader
from ckanext.marathon.records import Agent, Organization
from ckanext.marathon.vocabulary import authorities

from .namespaces import ADMS, DCT, FOAF, RDF, RDFS, SCHEMAS, SKOS, VCARD, new_graph


def build_organization_graph(site: Site, organization: Organization) -> Graph:
    """Return the description of an organisation of the site, with its contact office.

    Args:
        site: the site with the starts of IRIs.
        organization: the organisation.
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


def add_agent(graph: Graph, site: Site, whole: URIRef, name: str, agent: Agent) -> URIRef | None:
    """Describe an organisation that somebody typed in and return its IRI.

    If it has no name, its web address, e-mail address, identifier, IRI or type is used as the name.

    Args:
        graph: the graph to which triples are added.
        site: a typed IRI of this site is ignored.
        whole: the node that the agent is a part of if it has no IRI.
        name: name of that part.
        agent: the typed values.

    Returns:
        ``None`` if all values are empty.
    """
    iri = site.foreign(agent.uri) or make_part_iri(whole, name)
    named = (agent.name, agent.url, agent.email, agent.identifier, agent.uri, agent.kind)
    names = (clean_text(value) for value in named)
    called = next(filter(None, names), None)
    if called is None:
        return None
    add_named_agent(graph, iri, called)
    _add_homepage(graph, site, iri, agent.url)
    address = make_mail_iri(agent.email)
    if address is not None:
        graph.add((iri, FOAF.mbox, address))
    identifier = make_text(agent.identifier)
    if identifier is not None:
        graph.add((iri, DCT.identifier, identifier))
    _add_type(graph, iri, agent.kind)
    return iri


def add_named_agent(graph: Graph, iri: URIRef, name: object) -> None:
    """Add the types and the name of an organisation.

    The name has no language tag: it is the same in every language, and stock ckanext-dcat treats
    names with tags as translations.
    """
    for kind in (FOAF.Agent, FOAF.Organization):
        graph.add((iri, RDF.type, kind))
    graph.add((iri, FOAF.name, make_text(name) or Literal(str(iri))))


def add_contact(graph: Graph, site: Site, whole: URIRef, name: str, office: Agent) -> URIRef | None:
    """Describe an office that somebody typed in and return its IRI.

    Args:
        graph: the graph to which triples are added.
        site: a typed IRI of this site is ignored.
        whole: the node that the office is a part of if it has no IRI.
        name: name of that part.
        office: the typed values.

    Returns:
        ``None`` if all values are empty.
    """
    given = site.foreign(office.uri)
    values = {
        VCARD.fn: make_text(office.name),
        VCARD.hasEmail: make_mail_iri(office.email),
        VCARD.hasURL: make_web_iri(office.url),
        VCARD.hasUID: make_web_iri(office.identifier) or make_text(office.identifier),
    }
    if given is None and not any(value is not None for value in values.values()):
        return None
    iri = given or make_part_iri(whole, name)
    for kind in (VCARD.Kind, VCARD.Organization):
        graph.add((iri, RDF.type, kind))
    for predicate, value in values.items():
        if value is not None:
            graph.add((iri, predicate, value))
    address = values[VCARD.hasEmail]
    if address is not None:
        # GeoDCAT-AP 3 requires this class.
        graph.add((address, RDF.type, VCARD.Email))
    return iri


def add_office(graph: Graph, site: Site, organization: Organization) -> URIRef | None:
    """Describe the contact office of an organisation of the site and return its IRI.

    Returns:
        ``None`` if the organisation has neither an e-mail address nor a web site.
    """
    if find_office(site, organization) is None:
        return None
    return add_contact(
        graph,
        site,
        site.thing("organization", organization.id),
        "contact",
        Agent(
            name=organization.contact_name or organization.title,
            email=organization.contact_email,
            url=organization.homepage,
        ),
    )


def find_office(site: Site, organization: Organization) -> URIRef | None:
    """Return the IRI of an organisation's contact office.

    Returns:
        ``None`` if the organisation has neither an e-mail address nor a web site.
    """
    if (
        make_mail_iri(organization.contact_email) is None
        and make_web_iri(organization.homepage) is None
    ):
        return None
    return make_part_iri(site.thing("organization", organization.id), "contact")


def _add_homepage(graph: Graph, site: Site, iri: URIRef, address: object) -> None:
    page = make_web_iri(address)
    if page is not None:
        add_document(graph, site, page)
        graph.add((iri, FOAF.homepage, page))


def _add_type(graph: Graph, iri: URIRef, kind: str) -> None:
    found = authorities.find_publisher_type(kind)
    # The same IRI may be typed in as publisher and creator, or also as a licence. DCAT-AP allows
    # one type of an agent, and for a licence only types of licences.
    taken = (iri, DCT.type, None) in graph or (iri, RDF.type, DCT.LicenseDocument) in graph
    if found is not None and not taken:
        graph.add((iri, DCT.type, add_authority(graph, found)))


def _of_schemas(name: str) -> tuple[URIRef, ...]:
    return tuple(schema[name] for schema in SCHEMAS)


_NAMES = (
    *(FOAF.name, VCARD.fn, VCARD["organization-name"], SKOS.prefLabel, RDFS.label, DCT.title),
    *_of_schemas("name"),
)
_CONTACT_NAMES = (
    *(VCARD.fn, VCARD.hasFN, VCARD["organization-name"], VCARD["given-name"]),
    *(FOAF.name, RDFS.label, *_of_schemas("name")),
)
_MAIL = (FOAF.mbox, VCARD.hasEmail, VCARD.email, *_of_schemas("email"))
_PAGES = (
    *(FOAF.homepage, FOAF.workplaceHomepage, FOAF.page, VCARD.hasURL, VCARD.url),
    *_of_schemas("url"),
)
_TELEPHONES = (VCARD.hasTelephone, VCARD.tel, FOAF.phone, *_of_schemas("telephone"))


def read_agent(reader: Reader, whole: Node, node: Node) -> dict[str, str]:
    """Return an organisation as a row of ``publisher`` or ``creator``."""
    if isinstance(node, Literal):
        return _filled(name=str(node).strip())
    given = reader.one(node, DCT.type)
    kind = authorities.find_publisher_type(given)
    return _filled(
        uri=_own_iri(whole, node),
        name=reader.text(node, *_NAMES),
        email=_address(reader, node),
        url=next(iter(reader.addresses(node, *_PAGES)), ""),
        type=kind.iri if kind else given,
        identifier=reader.one(node, DCT.identifier, ADMS.identifier),
    )


def read_contact(reader: Reader, whole: Node, node: Node) -> dict[str, str]:
    """Return an office as a row of ``contact``."""
    if isinstance(node, Literal):
        text = str(node).strip()
        return _filled(email=read_mail_address(text)) if make_mail_iri(text) else _filled(name=text)
    named = reader.text(node, *_CONTACT_NAMES) or reader.one(node, *_CONTACT_NAMES)
    return _filled(
        uri=_own_iri(whole, node),
        name=named,
        email=_address(reader, node),
        url=next(iter(reader.addresses(node, VCARD.hasURL, *_PAGES)), ""),
        identifier=reader.one(node, VCARD.hasUID, VCARD.uid, DCT.identifier),
    )


def read_further(reader: Reader, node: Node) -> dict[str, list[str]]:
    """Return name → values of an office or organisation that its row has no subfield for."""
    if isinstance(node, Literal):
        return {}
    mails = [read_mail_address(address).strip() for address in reader.values(node, *_MAIL)]
    numbers = (number.removeprefix("tel:").strip() for number in reader.values(node, *_TELEPHONES))
    found = {
        "email": [address for address in mails if address != _address(reader, node)],
        "url": reader.addresses(node, VCARD.hasURL, *_PAGES)[1:],
        "telephone": numbers,
    }
    distinct = {name: [*dict.fromkeys(filter(None, values))] for name, values in found.items()}
    return {name: values for name, values in distinct.items() if values}


def _address(reader: Reader, node: Node) -> str:
    """Return the first valid mail address, else the first value."""
    given = reader.values(node, *_MAIL)
    return read_mail_address(next(filter(make_mail_iri, given), next(iter(given), ""))).strip()


def _filled(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def _own_iri(whole: Node, node: Node) -> str:
    """Return the node's IRI, ``""`` for a blank node or a part of the dataset (``#contact-1``)."""
    known = isinstance(node, URIRef) and not node.startswith(f"{whole}#")
    return str(node) if known else ""
