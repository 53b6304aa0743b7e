"""A workshop is a ``prov:Activity``: place, time, organisers and the ideas that it generated.

Source: PROV-O; DCAT-AP 3, Activity.
"""

from __future__ import annotations

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.rdf.agent import add_named_agent, add_organization
from ckanext.marathon.rdf.concept import add_problem, add_term, find_problem
from ckanext.marathon.rdf.facts import Facts, Site, make_part_iri, make_web_iri
from ckanext.marathon.rdf.literals import (
    clean_text,
    make_count,
    make_geometry,
    make_label,
    make_moment,
    make_text,
)
from ckanext.marathon.rdf.place import add_municipality
from ckanext.marathon.records import Organization, Record, Workshop

from .namespaces import ADMS, DCAT, DCT, PROV, RDF, RDFS, XSD, new_graph

COUNT_PROPERTIES = {
    "participants": "participants",
    "participants_women": "participantsWomen",
    "participants_men": "participantsMen",
    "participants_youth": "participantsYouth",
    "participants_indigenous": "participantsIndigenous",
}


def build_workshop_graph(workshop: Workshop, facts: Facts) -> Graph:
    """Return the description of a workshop, with its public ideas and their datasets.

    Args:
        workshop: the workshop, with masked counts.
        facts: its organisation, its ideas and their datasets.
    """
    site = facts.site
    graph = new_graph(site.vocabulary)
    iri = add_workshop(graph, workshop, facts)
    description = make_text(workshop.notes, site.language)
    if description is not None:
        graph.add((iri, DCT.description, description))
    for notation in workshop.problems:
        problem = find_problem(notation)
        if problem is not None:
            graph.add((iri, DCT.subject, add_problem(graph, site, problem)))
    for field, name in COUNT_PROPERTIES.items():
        number = make_count(workshop.participants.get(field), XSD.integer)
        if number is not None and field not in workshop.masked:
            graph.add((iri, site.term(name), number))
    source = make_web_iri(workshop.source_url)
    if source is not None:
        graph.add((iri, DCT.source, source))
    for idea in facts.ideas.values():
        iri_of_idea = site.thing("idea", idea.id)
        add_generation(graph, iri, iri_of_idea)
        graph.add((iri_of_idea, DCT.title, make_title(idea, site)))
    for dataset in facts.datasets:
        iri_of_dataset = site.dataset(dataset.id)
        add_generation(graph, iri, iri_of_dataset)
        graph.add((iri_of_dataset, DCT.title, make_title(dataset, site)))
    return graph


def add_generation(
    graph: Graph, activity: URIRef, entity: URIRef, in_both_directions: bool = True
) -> None:
    """Add that a workshop generated an entity.

    PROV-O has a property for each direction. GeoDCAT-AP 2 requires ``prov:generated`` of every
    activity in a document; stock ckanext-dcat reads ``prov:wasGeneratedBy``.

    Args:
        graph: the graph to which triples are added.
        activity: for example a workshop.
        entity: for example an idea or a dataset.
        in_both_directions: whether to add ``prov:generated`` too. The feed does not, because a
            description in it has only triples about its own record.
    """
    graph.add((entity, RDF.type, PROV.Entity))
    graph.add((entity, PROV.wasGeneratedBy, activity))
    if in_both_directions:
        graph.add((activity, PROV.generated, entity))


def add_workshop(graph: Graph, workshop: Workshop, facts: Facts) -> URIRef:
    """Add the short description of a workshop that a dataset's graph needs, and return its IRI."""
    site = facts.site
    iri = site.thing("workshop", workshop.id)
    title = make_title(workshop, site)
    graph.add((iri, RDF.type, PROV.Activity))
    graph.add((iri, RDFS.label, title))
    graph.add((iri, DCT.title, title))
    page = site.page("workshop", workshop.id)
    if page != iri:
        graph.add((iri, RDFS.seeAlso, page))
    _add_time(graph, iri, workshop)
    if workshop.is_example:
        graph.add((iri, site.term("example"), Literal(True)))
    for predicate, kind, code in (
        (DCT.type, "workshop-kind", workshop.kind),
        (ADMS.status, "workshop-status", workshop.status),
    ):
        term = add_term(graph, site, kind, code)
        if term is not None:
            graph.add((iri, predicate, term))
    _add_places(graph, site, iri, workshop)
    _add_agents(graph, iri, workshop, facts)
    return iri


def refer_to_workshop(graph: Graph, workshop: Workshop, facts: Facts) -> URIRef:
    """Return the IRI of a neighbour, and describe it unless neighbours are only named."""
    if facts.alone:
        return facts.site.thing("workshop", workshop.id)
    return add_workshop(graph, workshop, facts)


def refer_to_organization(graph: Graph, organization: Organization, facts: Facts) -> URIRef:
    """Return the IRI of a neighbour, and describe it unless neighbours are only named."""
    if facts.alone:
        return facts.site.thing("organization", organization.id)
    return add_organization(graph, facts.site, organization)


def make_title(record: Record, site: Site) -> Literal:
    """Return a record's title, else its name or id, with the tag of the site's language."""
    return make_label(site.language, record.title, record.name, record.id)


def _add_time(graph: Graph, iri: URIRef, workshop: Workshop) -> None:
    """Add start and end: as points in time, or as days if the hour is not known.

    Times of PROV have an hour, and midnight would be invented.
    """
    start, end = make_moment(workshop.starts_at), make_moment(workshop.ends_at)
    for predicate, literal in ((PROV.startedAtTime, start), (PROV.endedAtTime, end)):
        if literal is not None and literal.datatype == XSD.dateTime:
            graph.add((iri, predicate, literal))
    known = [moment for moment in (start, end) if moment is not None]
    if start is not None and any(moment.datatype != XSD.dateTime for moment in known):
        days = make_part_iri(iri, "days")
        graph.add((iri, DCT.temporal, days))
        graph.add((days, RDF.type, DCT.PeriodOfTime))
        graph.add((days, DCAT.startDate, start))
        graph.add((days, DCAT.endDate, end if end is not None else start))


def _add_places(graph: Graph, site: Site, iri: URIRef, workshop: Workshop) -> None:
    """Add the municipalities that take part (``dct:spatial``) and the venue (``prov:atLocation``).

    The venue may be in another municipality: a meeting for eight of them was held in a ninth.
    """
    parts = [add_municipality(graph, site, code) for code in workshop.municipalities]
    host = add_municipality(graph, site, workshop.venue_municipality)
    for place in filter(None, parts):
        graph.add((iri, DCT.spatial, place))
    for place in filter(None, parts if host is None else [host]):
        graph.add((iri, PROV.atLocation, place))
    name = make_text(workshop.venue, site.language)
    point = make_geometry({"type": "Point", "coordinates": [workshop.longitude, workshop.latitude]})
    if name is not None or point is not None:
        venue = make_part_iri(iri, "venue")
        graph.add((iri, PROV.atLocation, venue))
        graph.add((venue, RDF.type, PROV.Location))
        for predicate, literal in ((RDFS.label, name), (DCAT.centroid, point)):
            if literal is not None:
                graph.add((venue, predicate, literal))


def _add_agents(graph: Graph, iri: URIRef, workshop: Workshop, facts: Facts) -> None:
    owner = facts.owner_of(workshop)
    if owner is not None:
        convener = refer_to_organization(graph, owner, facts)
        graph.add((iri, PROV.wasAssociatedWith, convener))
        _add_association(graph, iri, "association", convener)
    for number, organiser in enumerate(workshop.organisers, 1):
        agent = make_part_iri(iri, f"organiser-{number}")
        if not clean_text(organiser.name):
            continue
        add_named_agent(graph, agent, organiser.name)
        graph.add((iri, PROV.wasAssociatedWith, agent))
        role = add_term(graph, facts.site, "organiser-role", organiser.role, PROV.Role)
        if role is not None:
            association = _add_association(graph, iri, f"association-{number}", agent)
            graph.add((association, PROV.hadRole, role))


def _add_association(graph: Graph, iri: URIRef, name: str, agent: URIRef) -> URIRef:
    association = make_part_iri(iri, name)
    graph.add((iri, PROV.qualifiedAssociation, association))
    graph.add((association, RDF.type, PROV.Association))
    graph.add((association, PROV.agent, agent))
    return association
