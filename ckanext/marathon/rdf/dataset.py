"""A dataset is a ``dcat:Dataset`` of DCAT-AP 3, with the idea and the workshop it came from.

Source: DCAT-AP 3, Dataset. Which field becomes which property: ``docs/rdf.md``.
"""

from __future__ import annotations

from functools import partial

from rdflib import Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.domain.texts import list_distinct_words, restore_keywords
from ckanext.marathon.records.dataset import Dataset
from ckanext.marathon.records.values import list_rows, list_texts
from ckanext.marathon.vocabulary import authorities

from .agent import add_agent, add_contact, add_office, office_of
from .concept import add_authority, add_problem, problem_or_none
from .distribution import add_distribution, add_links, first_published
from .document import add_document
from .extras import REST
from .facts import Facts, Row
from .idea import add_relations
from .iri import web
from .languages import restore_languages
from .legacy import with_legacy
from .licence import add_licence_of
from .literals import boolean, clean, decimal, duration, label, moment, stated_moment, text
from .namespaces import ADMS, DCAT, DCATAP, DCT, ELI, FOAF, PAV, RDF, SKOS, new_graph
from .others import add_others, place_texts
from .place import add_country, add_coverage, add_municipality
from .service import add_services
from .statement import add_note, add_statement
from .uris import Site, part
from .workshop import refer_to_organization

__all__ = ["RECORD", "dataset_graph", "themes_of_problems"]

RECORD = "record"


def dataset_graph(dataset: Row, facts: Facts) -> Graph:
    """Return all that is said of a dataset, complete in itself.

    Every node has an IRI, so graphs of several datasets can be joined in any order.

    Args:
        dataset: as ``package_show`` gives it, of type ``dataset``.
        facts: its organisation, its public ideas and their public workshops.

    Returns:
        A new graph; values that DCAT-AP 3 would not accept are left out, never passed on.
    """
    site = facts.site
    graph = new_graph(site.vocabulary)
    dataset = with_legacy(dataset)
    # Parts are named below our own IRI: never in the name of the catalogue that it came from.
    iri = site.own("dataset", str(dataset["id"]))
    graph.add((iri, RDF.type, DCAT.Dataset))
    graph.add((iri, DCT.identifier, Literal(str(site.dataset(str(dataset["id"]))))))
    _add_texts(graph, site, iri, dataset)
    _add_concepts(graph, site, iri, dataset)
    _add_resources(graph, site, iri, dataset)
    _add_places(graph, site, iri, dataset)
    _add_periods(graph, iri, dataset)
    _add_people(graph, iri, dataset, facts)
    _add_links(graph, site, iri, dataset)
    add_others(graph, site, iri, dataset)
    restore_languages(graph, site, iri, dataset)
    add_relations(graph, Dataset.from_shown(dataset), iri, facts)
    return _with_kept_names(graph, dataset, site)


def _with_kept_names(graph: Graph, dataset: Row, site: Site) -> Graph:
    """Return a graph in which the dataset and its files have the IRIs that they came with."""
    identifier = str(dataset["id"])
    names: dict[Node, URIRef] = {site.own("dataset", identifier): site.dataset(identifier)}
    for resource in map(str, (row.get("id") for row in list_rows(dataset.get("resources")))):
        own = site.own_distribution(identifier, resource)
        names[own] = site.distribution(identifier, resource)
    names = {own: kept for own, kept in names.items() if own != kept}
    if not names:
        return graph
    renamed = new_graph(site.vocabulary)
    for subject, predicate, value in graph:
        renamed.add((names.get(subject, subject), predicate, names.get(value, value)))
    return renamed


def themes_of_problems(notations: list[str]) -> set[str]:
    """Return the IRIs of the EU themes of service problems."""
    found = filter(None, map(problem_or_none, notations))
    return {theme.iri for problem in found for theme in problem.eu_themes}


def _add_texts(graph: Graph, site: Site, iri: URIRef, dataset: Row) -> None:
    lang = site.language
    title = label(lang, dataset.get("title"), dataset.get("name"), dataset["id"])
    tags = [clean(each.get("name")) for each in list_rows(dataset.get("tags"))]
    keywords = list_distinct_words(restore_keywords(tags, list_texts(dataset.get("tags" + REST))))
    for predicate, literal in (
        (DCT.title, title),
        # DCAT-AP wants a description; older datasets may have none.
        (DCT.description, text(dataset.get("notes"), lang) or title),
        (DCT.issued, stated_moment(dataset, "issued", first_published(dataset))),
        (DCT.modified, stated_moment(dataset, "modified", _own(dataset, "metadata_modified"))),
        (DCAT.version, text(dataset.get("version"))),
        (ADMS.versionNotes, text(dataset.get("version_notes"), lang)),
        (DCAT.temporalResolution, duration(dataset.get("temporal_resolution"))),
        (DCAT.spatialResolutionInMeters, decimal(dataset.get("spatial_resolution_in_meters"))),
        (site.term("example"), boolean(dataset.get("example"))),
        *((DCAT.keyword, text(each, lang)) for each in keywords),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    _add_record(graph, iri, dataset)
    add_statement(graph, iri, DCT.provenance, DCT.ProvenanceStatement, "provenance", dataset, site)
    for number, each in enumerate(list_texts(dataset.get("alternate_identifier")), 1):
        notation, identifier = text(each), part(iri, f"identifier-{number}")
        if notation is not None:
            graph.add((iri, ADMS.identifier, identifier))
            graph.add((identifier, RDF.type, ADMS.Identifier))
            graph.add((identifier, SKOS.notation, notation))


def _add_record(graph: Graph, iri: URIRef, dataset: Row) -> None:
    """Say when the record was saved, where what is stated of the data is no date.

    Source: DCAT 3, Catalog Record: what is said of the entry is not said of the dataset.
    """
    saved = _own(dataset, "metadata_modified")
    if (iri, DCT.modified, None) in graph or saved is None:
        return
    record = part(iri, RECORD)
    graph.add((record, RDF.type, DCAT.CatalogRecord))
    graph.add((record, FOAF.primaryTopic, iri))
    # DCAT-AP's shape wants this of a topic, and follows no subclasses.
    graph.add((iri, RDF.type, DCAT.Resource))
    graph.add((record, DCT.modified, saved))


def _own(dataset: Row, field: str) -> Literal | None:
    return moment(dataset.get(field), utc=True)


def _add_concepts(graph: Graph, site: Site, iri: URIRef, dataset: Row) -> None:
    frequency = authorities.find_frequency(clean(dataset.get("frequency")))
    if frequency is not None:
        node = add_authority(graph, frequency, DCT.Frequency)
        graph.add((iri, DCT.accrualPeriodicity, node))
    access = authorities.find_access_right(clean(dataset.get("access_rights")))
    if access is not None:
        graph.add((iri, DCT.accessRights, add_authority(graph, access, DCT.RightsStatement)))
    for value in list_texts(dataset.get("language")):
        language = authorities.find_language(value)
        if language is not None:
            graph.add((iri, DCT.language, add_authority(graph, language, DCT.LinguisticSystem)))
    problems = list_texts(dataset.get("service_problem"))
    for problem in filter(None, map(problem_or_none, problems)):
        graph.add((iri, DCAT.theme, add_problem(graph, site, problem)))
    given = filter(None, map(authorities.find_theme, list_texts(dataset.get("theme"))))
    themes = list(given) or filter(None, map(authorities.find_theme, themes_of_problems(problems)))
    for theme in themes:
        graph.add((iri, DCAT.theme, add_authority(graph, theme)))


def _add_resources(graph: Graph, site: Site, iri: URIRef, dataset: Row) -> None:
    licence = add_licence_of(graph, iri, dataset)
    if licence is not None:
        graph.add((iri, DCT.license, licence))
    note = add_statement(graph, iri, DCT.rights, DCT.RightsStatement, "rights_note", dataset, site)
    for position, resource in enumerate(list_rows(dataset.get("resources")), 1):
        if not resource.get("id"):
            continue
        distribution = add_distribution(graph, site, dataset, resource, licence, position)
        graph.add((iri, DCAT.distribution, distribution))
        add_services(graph, site, iri, distribution, resource)
        # Who reads a distribution's licence must not miss the doubt about it.
        if note is not None:
            add_note(graph, site, distribution, note)


def _add_places(graph: Graph, site: Site, iri: URIRef, dataset: Row) -> None:
    codes = list_texts(dataset.get("municipality"))
    places = [place for code in codes if (place := add_municipality(graph, site, code))]
    rows = [*list_rows(dataset.get("spatial_coverage")), *place_texts(dataset)]
    places += add_coverage(graph, site, iri, rows)
    if not places and not _is_copy(dataset, site):
        places = [add_country(graph)]
    for place in places:
        graph.add((iri, DCT.spatial, place))


def _is_copy(dataset: Row, site: Site) -> bool:
    """Return whether a dataset was harvested: what it does not say is then not known here."""
    return bool(dataset.get("uri") or dataset.get("guid") or str(dataset["id"]) in site.kept)


def _add_periods(graph: Graph, iri: URIRef, dataset: Row) -> None:
    for number, row in enumerate(list_rows(dataset.get("temporal_coverage")), 1):
        start, end = moment(row.get("start")), moment(row.get("end"))
        if start is None and end is None:
            continue
        period = part(iri, f"period-{number}")
        graph.add((iri, DCT.temporal, period))
        graph.add((period, RDF.type, DCT.PeriodOfTime))
        for predicate, literal in ((DCAT.startDate, start), (DCAT.endDate, end)):
            if literal is not None:
                graph.add((period, predicate, literal))


def _add_people(graph: Graph, iri: URIRef, dataset: Row, facts: Facts) -> None:
    """Add publisher, creator and contacts; the organisation stands in for who is not named."""
    site, owner = facts.site, facts.owner_of(Dataset.from_shown(dataset))
    named = (
        add_agent(graph, site, iri, "publisher", row) for row in list_rows(dataset.get("publisher"))
    )
    # DCAT-AP wants one; the rows after it are not even described.
    publisher = next(filter(None, named), None)
    if publisher is None and owner is not None:
        publisher = refer_to_organization(graph, owner, facts)
    creators = [
        add_agent(graph, site, iri, f"creator-{number}", row)
        for number, row in enumerate(list_rows(dataset.get("creator")), 1)
    ]
    contacts = [
        add_contact(graph, site, iri, f"contact-{number}", row)
        for number, row in enumerate(list_rows(dataset.get("contact")), 1)
    ]
    if owner is not None and not any(contacts):
        describe = office_of if facts.alone else partial(add_office, graph)
        contacts = [describe(site, owner)]
    for predicate, agents in (
        (DCT.publisher, [publisher]),
        (DCT.creator, creators),
        (DCAT.contactPoint, contacts),
    ):
        for agent in filter(None, agents):
            graph.add((iri, predicate, agent))


def _add_links(graph: Graph, site: Site, iri: URIRef, dataset: Row) -> None:
    landing = web(dataset.get("url"))
    if landing is not None:
        graph.add((iri, DCAT.landingPage, landing))
        add_document(graph, site, landing)
    fields = {
        "documentation": FOAF.page,
        "conforms_to": DCT.conformsTo,
        "is_referenced_by": DCT.isReferencedBy,
        # DCAT 3 calls this the same as dcat:hasVersion. Of that one and of dct:hasVersion DCAT-AP
        # wants a dcat:Dataset, which a portal would list.
        "has_version": PAV.hasVersion,
        "applicable_legislation": DCATAP.applicableLegislation,
    }
    add_links(graph, site, iri, dataset, fields)
    for version in list(graph.objects(iri, PAV.hasVersion)):
        # For those who do not read PAV.
        graph.add((iri, DCT.relation, version))
    for law in list(graph.objects(iri, DCATAP.applicableLegislation)):
        graph.add((law, RDF.type, ELI.LegalResource))
