"""A dataset as a ``dcat:Dataset`` of DCAT-AP 3, with its idea and workshop, and back.

Each field of the schema is written and read here; reading also accepts other properties that
catalogues use. Properties without a field are read by ckanext-dcat, see :mod:`.profile`.

Only harvested resources have data services. ckanext-dcat stores them as JSON in the resource's
``access_services``, from which they become RDF again here. A service gets the IRI of a part of its
distribution, even if it has an IRI: many datasets may name the same service, and each description
in the feed has only triples about its own dataset. The original IRI is published as ``owl:sameAs``,
and as ``dct:identifier`` if there is no other.

Sources: DCAT-AP 3, Dataset and Data Service; OWL Time, for instants and descriptions of dates and
times. Which field becomes which property: ``docs/rdf.md``.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

from rdflib import Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.domain.texts import list_distinct_words, restore_keywords
from ckanext.marathon.rdf.agent import (
    add_agent,
    add_contact,
    add_office,
    find_office,
    read_agent,
    read_contact,
    read_further,
)
from ckanext.marathon.rdf.concept import (
    add_authority,
    add_document,
    add_licence_named,
    add_licence_of,
    add_note,
    add_problem,
    add_statement,
    find_problem,
)
from ckanext.marathon.rdf.distribution import (
    add_distribution,
    add_links,
    find_first_published,
    keep_first_value,
    read_resource,
    read_texts,
)
from ckanext.marathon.rdf.facts import Facts, Site, make_part_iri, make_web_iri
from ckanext.marathon.rdf.harvested import add_others, list_places_in_words, restore_languages
from ckanext.marathon.rdf.idea import add_relations
from ckanext.marathon.rdf.literals import (
    clean_text,
    make_count,
    make_decimal,
    make_duration,
    make_label,
    make_moment,
    make_stated_moment,
    make_text,
)
from ckanext.marathon.rdf.place import (
    add_country,
    add_coverage,
    add_municipality,
    is_our_municipality,
    read_place,
    read_place_code,
)
from ckanext.marathon.rdf.reading import Reader
from ckanext.marathon.rdf.workshop import refer_to_organization
from ckanext.marathon.records import REST, DataService, Dataset, Resource
from ckanext.marathon.vocabulary import authorities
from ckanext.marathon.vocabulary.problems import KIND as PROBLEM

from .namespaces import (
    ADMS,
    DCAT,
    DCATAP,
    DCT,
    ELI,
    FOAF,
    OWL,
    PAV,
    PROV,
    RDF,
    RDFS,
    SCHEMA,
    SCHEMAS,
    SKOS,
    TIME,
    new_graph,
)


def add_services(
    graph: Graph, site: Site, dataset: URIRef, distribution: URIRef, resource: Resource
) -> None:
    """Add the data services of a resource that have an address, which DCAT-AP requires.

    Args:
        graph: the graph to which triples are added.
        site: the site with the starts of IRIs; IRIs of this site are ignored.
        dataset: IRI of the dataset.
        distribution: IRI of the distribution.
        resource: the resource.
    """
    for number, stated in enumerate(resource.services, 1):
        addresses = list(filter(None, map(site.foreign, stated.endpoint_urls)))
        if addresses:
            service = make_part_iri(distribution, f"service-{number}")
            graph.add((distribution, DCAT.accessService, service))
            graph.add((service, RDF.type, DCAT.DataService))
            graph.add((service, DCAT.servesDataset, dataset))
            for address in addresses:
                graph.add((service, DCAT.endpointURL, address))
            _add_service_names(graph, site, service, stated)
            _add_service_texts(graph, site, service, stated, str(addresses[0]))
            _add_service_links(graph, site, service, stated)


def _add_service_names(graph: Graph, site: Site, service: URIRef, stated: DataService) -> None:
    """Add the original IRI of a service, and its identifier."""
    given = site.foreign(stated.uri)
    if given is not None:
        graph.add((service, OWL.sameAs, given))
    identifier = make_text(stated.identifier) or (Literal(str(given)) if given else None)
    if identifier is not None:
        graph.add((service, DCT.identifier, identifier))


def _add_service_texts(
    graph: Graph, site: Site, service: URIRef, stated: DataService, address: str
) -> None:
    title = make_text(stated.title, site.language)
    # DCAT-AP requires a title; without one, the address is used.
    graph.add((service, DCT.title, title if title is not None else Literal(address)))
    for predicate, literal in (
        (DCT.description, make_text(stated.description, site.language)),
        *((DCAT.keyword, make_text(word, site.language)) for word in stated.keywords),
    ):
        if literal is not None:
            graph.add((service, predicate, literal))


def _add_service_links(graph: Graph, site: Site, service: URIRef, stated: DataService) -> None:
    for predicate, addresses in (
        (DCAT.endpointDescription, stated.endpoint_descriptions),
        (DCAT.landingPage, stated.landing_pages),
        (DCT.conformsTo, stated.conforms_to),
    ):
        for address in filter(None, map(site.foreign, addresses)):
            graph.add((service, predicate, address))
            if predicate == DCAT.landingPage:
                add_document(graph, site, address)
            elif predicate == DCT.conformsTo:
                graph.add((address, RDF.type, DCT.Standard))
    licence = clean_text(stated.license)
    if licence:
        graph.add((service, DCT.license, add_licence_named(graph, service, licence)))
    availability = authorities.find_concept("planned-availability", clean_text(stated.availability))
    if availability is not None:
        graph.add((service, DCATAP.availability, add_authority(graph, availability)))


RECORD = "record"


def build_dataset_graph(dataset: Dataset, facts: Facts) -> Graph:
    """Return the complete description of a dataset.

    Every node has an IRI, so graphs of several datasets can be joined in any order.

    Args:
        dataset: the dataset.
        facts: its organisation, its public ideas and their public workshops.

    Returns:
        a new graph, without values that DCAT-AP 3 does not allow.
    """
    site = facts.site
    graph = new_graph(site.vocabulary)
    # The IRIs of parts begin with the IRI that this site assigns, see ``Site.own``.
    iri = site.own("dataset", dataset.id)
    graph.add((iri, RDF.type, DCAT.Dataset))
    graph.add((iri, DCT.identifier, Literal(str(site.dataset(dataset.id)))))
    _add_texts(graph, site, iri, dataset)
    _add_concepts(graph, site, iri, dataset)
    _add_resources(graph, site, iri, dataset)
    _add_places(graph, site, iri, dataset)
    _add_periods(graph, iri, dataset)
    _add_people(graph, iri, dataset, facts)
    _add_links(graph, site, iri, dataset)
    add_others(graph, site, iri, dataset)
    restore_languages(graph, site, iri, dataset)
    add_relations(graph, dataset, iri, facts)
    return _with_kept_names(graph, dataset, site)


def _with_kept_names(graph: Graph, dataset: Dataset, site: Site) -> Graph:
    """Return a graph in which the dataset and its files have their original IRIs."""
    names: dict[Node, URIRef] = {site.own("dataset", dataset.id): site.dataset(dataset.id)}
    for resource in dataset.resources:
        own = site.own_distribution(dataset.id, resource.id)
        names[own] = site.distribution(dataset.id, resource.id)
    names = {own: kept for own, kept in names.items() if own != kept}
    if not names:
        return graph
    renamed = new_graph(site.vocabulary)
    for subject, predicate, value in graph:
        renamed.add((names.get(subject, subject), predicate, names.get(value, value)))
    return renamed


def list_themes_of_problems(notations: Iterable[str]) -> set[str]:
    """Return the IRIs of the EU themes of service problems."""
    found = filter(None, map(find_problem, notations))
    return {theme.iri for problem in found for theme in problem.eu_themes}


def find_dataset_dates(dataset: Dataset) -> tuple[Literal | None, Literal | None]:
    """Return the dates in ``issued`` and ``modified``, else of first publication and last save."""
    issued = make_stated_moment(
        dataset.issued, "issued" in dataset.set_aside, find_first_published(dataset)
    )
    saved = make_moment(dataset.saved_at, utc=True)
    return issued, make_stated_moment(dataset.modified, "modified" in dataset.set_aside, saved)


def _add_texts(graph: Graph, site: Site, iri: URIRef, dataset: Dataset) -> None:
    lang = site.language
    title = make_label(lang, dataset.title, dataset.name, dataset.id)
    tags = list(map(clean_text, dataset.tags))
    keywords = list_distinct_words(restore_keywords(tags, dataset.set_aside.get("tags", ())))
    issued, modified = find_dataset_dates(dataset)
    for predicate, literal in (
        (DCT.title, title),
        # DCAT-AP requires a description; datasets older than the plugin may have none.
        (DCT.description, make_text(dataset.notes, lang) or title),
        (DCT.issued, issued),
        (DCT.modified, modified),
        (DCAT.version, make_text(dataset.version)),
        (ADMS.versionNotes, make_text(dataset.version_notes, lang)),
        (DCAT.temporalResolution, make_duration(dataset.temporal_resolution)),
        (DCAT.spatialResolutionInMeters, make_decimal(dataset.spatial_resolution)),
        (site.term("example"), Literal(True) if dataset.is_example else None),
        *((DCAT.keyword, make_text(word, lang)) for word in keywords),
    ):
        if literal is not None:
            graph.add((iri, predicate, literal))
    _add_record(graph, iri, make_moment(dataset.saved_at, utc=True))
    add_statement(
        graph, iri, DCT.provenance, DCT.ProvenanceStatement, "provenance", dataset.provenance, site
    )
    for number, stated in enumerate(dataset.alternate_identifiers, 1):
        notation, identifier = make_text(stated), make_part_iri(iri, f"identifier-{number}")
        if notation is not None:
            graph.add((iri, ADMS.identifier, identifier))
            graph.add((identifier, RDF.type, ADMS.Identifier))
            graph.add((identifier, SKOS.notation, notation))


def _add_record(graph: Graph, iri: URIRef, saved: Literal | None) -> None:
    """Add a ``dcat:CatalogRecord`` with the time of the last save, if ``dct:modified`` is missing.

    Source: DCAT 3, Catalog Record: its dates are those of the record, not of the dataset.
    """
    if (iri, DCT.modified, None) in graph or saved is None:
        return
    record = make_part_iri(iri, RECORD)
    graph.add((record, RDF.type, DCAT.CatalogRecord))
    graph.add((record, FOAF.primaryTopic, iri))
    # DCAT-AP's shape requires this class of a topic, and ignores subclasses.
    graph.add((iri, RDF.type, DCAT.Resource))
    graph.add((record, DCT.modified, saved))


def _add_concepts(graph: Graph, site: Site, iri: URIRef, dataset: Dataset) -> None:
    frequency = authorities.find_frequency(clean_text(dataset.frequency))
    if frequency is not None:
        node = add_authority(graph, frequency, DCT.Frequency)
        graph.add((iri, DCT.accrualPeriodicity, node))
    access = authorities.find_access_right(clean_text(dataset.access_rights))
    if access is not None:
        graph.add((iri, DCT.accessRights, add_authority(graph, access, DCT.RightsStatement)))
    for value in dataset.languages:
        language = authorities.find_language(value)
        if language is not None:
            graph.add((iri, DCT.language, add_authority(graph, language, DCT.LinguisticSystem)))
    for problem in filter(None, map(find_problem, dataset.problems)):
        graph.add((iri, DCAT.theme, add_problem(graph, site, problem)))
    given = filter(None, map(authorities.find_theme, dataset.themes))
    themes = list(given) or filter(
        None, map(authorities.find_theme, list_themes_of_problems(dataset.problems))
    )
    for theme in themes:
        graph.add((iri, DCAT.theme, add_authority(graph, theme)))


def _add_resources(graph: Graph, site: Site, iri: URIRef, dataset: Dataset) -> None:
    licence = add_licence_of(graph, iri, dataset)
    if licence is not None:
        graph.add((iri, DCT.license, licence))
    note = add_statement(
        graph, iri, DCT.rights, DCT.RightsStatement, "rights-note", dataset.rights_note, site
    )
    for position, resource in enumerate(dataset.resources, 1):
        if not resource.id:
            continue
        distribution = add_distribution(graph, site, dataset, resource, licence, position)
        graph.add((iri, DCAT.distribution, distribution))
        add_services(graph, site, iri, distribution, resource)
        # A doubt about the licence (``rights_note``) must be visible beside the licence.
        if note is not None:
            add_note(graph, site, distribution, note)


def _add_places(graph: Graph, site: Site, iri: URIRef, dataset: Dataset) -> None:
    codes = dataset.municipalities
    places = [place for code in codes if (place := add_municipality(graph, site, code))]
    stated = [*dataset.places, *list_places_in_words(dataset)]
    places += add_coverage(graph, site, iri, stated)
    # The default, Guatemala, is not for harvested datasets: their source does not state it.
    if not places and not dataset.is_copy and dataset.id not in site.kept:
        places = [add_country(graph)]
    for place in places:
        graph.add((iri, DCT.spatial, place))


def _add_periods(graph: Graph, iri: URIRef, dataset: Dataset) -> None:
    for number, covered in enumerate(dataset.periods, 1):
        start, end = make_moment(covered.start), make_moment(covered.end)
        if start is None and end is None:
            continue
        period = make_part_iri(iri, f"period-{number}")
        graph.add((iri, DCT.temporal, period))
        graph.add((period, RDF.type, DCT.PeriodOfTime))
        for predicate, literal in ((DCAT.startDate, start), (DCAT.endDate, end)):
            if literal is not None:
                graph.add((period, predicate, literal))


def _add_people(graph: Graph, iri: URIRef, dataset: Dataset, facts: Facts) -> None:
    """Add publisher, creators and contacts; a missing publisher or contact is the organisation."""
    site, owner = facts.site, facts.owner_of(dataset)
    named = (add_agent(graph, site, iri, "publisher", agent) for agent in dataset.publishers)
    # DCAT-AP allows one publisher; further rows are not published.
    publisher = next(filter(None, named), None)
    if publisher is None and owner is not None:
        publisher = refer_to_organization(graph, owner, facts)
    creators = [
        add_agent(graph, site, iri, f"creator-{number}", agent)
        for number, agent in enumerate(dataset.creators, 1)
    ]
    contacts = [
        add_contact(graph, site, iri, f"contact-{number}", office)
        for number, office in enumerate(dataset.contacts, 1)
    ]
    if owner is not None and not any(contacts):
        describe = find_office if facts.alone else partial(add_office, graph)
        contacts = [describe(site, owner)]
    for predicate, agents in (
        (DCT.publisher, [publisher]),
        (DCT.creator, creators),
        (DCAT.contactPoint, contacts),
    ):
        for agent in filter(None, agents):
            graph.add((iri, predicate, agent))


def _add_links(graph: Graph, site: Site, iri: URIRef, dataset: Dataset) -> None:
    landing = make_web_iri(dataset.url)
    if landing is not None:
        graph.add((iri, DCAT.landingPage, landing))
        add_document(graph, site, landing)
    for predicate, addresses in (
        (FOAF.page, dataset.documentation),
        (DCT.conformsTo, dataset.conforms_to),
        (DCT.isReferencedBy, dataset.is_referenced_by),
        # Equivalent to dcat:hasVersion (DCAT 3). The range of that and of dct:hasVersion is
        # dcat:Dataset in DCAT-AP, which portals would list.
        (PAV.hasVersion, dataset.has_version),
        (DCATAP.applicableLegislation, dataset.applicable_legislation),
    ):
        add_links(graph, site, iri, predicate, addresses)
    for version in list(graph.objects(iri, PAV.hasVersion)):
        # For readers that do not read PAV.
        graph.add((iri, DCT.relation, version))
    for law in list(graph.objects(iri, DCATAP.applicableLegislation)):
        graph.add((law, RDF.type, ELI.LegalResource))


_STARTS = (DCAT.startDate, *(schema.startDate for schema in SCHEMAS))
_ENDS = (DCAT.endDate, *(schema.endDate for schema in SCHEMAS))
# Properties of an instant in OWL Time: with one literal, and with a description in parts.
_INSTANTS = (
    *(TIME.inXSDDateTimeStamp, TIME.inXSDDateTime, TIME.inXSDDate),
    *(TIME.inXSDgYearMonth, TIME.inXSDgYear),
)
_DESCRIPTIONS = (TIME.inDateTime, TIME.hasDateTimeDescription)


def read_periods(reader: Reader, iri: Node) -> dict[str, list[dict[str, str]] | list[str]]:
    """Return the periods of a dataset, and the texts of periods that cannot be parsed."""
    rows: list[dict[str, str]] = []
    texts: list[str] = []
    for node in reader.nodes(iri, DCT.temporal):
        row = {"start": reader.text(node, *_STARTS), "end": reader.text(node, *_ENDS)}
        if not any(row.values()):
            for name, predicate in (("start", TIME.hasBeginning), ("end", TIME.hasEnd)):
                instants = reader.nodes(node, predicate)
                found = (_instant(reader, instant) or reader.value(instant) for instant in instants)
                row[name] = next(filter(None, found), "")
        if not any(row.values()):
            # A single instant: a year, for example.
            row["start"] = row["end"] = _instant(reader, node)
        text = reader.statement(node)
        if not any(row.values()) and text.count("/") == 1 and not isinstance(node, URIRef):
            # An interval of ISO 8601, as in data.json.
            row["start"], _, row["end"] = text.partition("/")
        if any(row.values()):
            rows.append({name: value for name, value in row.items() if value})
        elif text:
            texts.append(text)
    return {"temporal_coverage": rows, "temporal_coverage" + REST: texts}


def _instant(reader: Reader, node: Node) -> str:
    """Return a year, month, day or time described with OWL Time; ``""`` without one."""
    if isinstance(node, Literal):
        return ""
    text = reader.text(node, *_INSTANTS)
    return text or next(
        filter(
            None, (_moment(reader, described) for described in reader.nodes(node, *_DESCRIPTIONS))
        ),
        "",
    )


def _moment(reader: Reader, described: Node) -> str:
    """Return a description of a date and time in OWL Time as ISO 8601.

    The parts are numbers, or texts of ``gYear`` (``2020``), ``gMonth`` (``--05``) and ``gDay``
    (``---17``).
    """
    units = ("year", "month", "day", "hour", "minute", "second")
    parts = (reader.text(described, TIME[unit]).lstrip("-") for unit in units)
    year, *rest = (part.partition(".")[0] for part in parts)
    if not (len(year) == 4 and year.isdecimal()):
        return ""
    kept = list(itertools.takewhile(str.isdecimal, rest))
    day = "-".join([year, *(part.zfill(2) for part in kept[:2])])
    hours = [part.zfill(2) for part in kept[2:]]
    # An hour alone is written with its minutes.
    return f"{day}T{':'.join([*hours, '00'][: max(2, len(hours))])}" if hours else day


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
# Extra → property, for properties without a field that are not in DCAT-AP.
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
        graph: the graph.
        iri: the dataset; in other catalogues it may be a blank node.
        site: this site; only IRIs of this site give ids.

    Returns:
        fields that are in the graph. A value that no table of the vocabulary has stays in the
        field, or is in ``<field>_text``. Empty fields are published with a default (the
        organisation as publisher, its office as contact, the theme of the service problem, the
        country as place); a field for which the graph has only the default is returned empty.
    """
    reader = Reader(graph, site.language, site.others)
    found: dict[str, Any] = {**read_texts(reader, iri, _TEXTS)}
    for name, predicates in {**_ADDRESSES, "url": (DCAT.landingPage,)}.items():
        addresses = reader.addresses(iri, *predicates)
        found |= keep_first_value(name, addresses) if name == "url" else {name: addresses}
        found[f"{name}_label{REST}"] = reader.labels_of_addresses(iri, *predicates)
    found |= {name: reader.values(iri, predicate) for name, predicate in _FURTHER.items()}
    found["tags"] = [{"name": word} for word in reader.texts(iri, DCAT.keyword)]
    found["language"] = reader.concepts("language", iri, DCT.language)
    found |= keep_first_value(
        "frequency", reader.concepts("frequency", iri, DCT.accrualPeriodicity)
    )
    found |= keep_first_value(
        "access_rights", reader.concepts("access-right", iri, DCT.accessRights)
    )
    found |= _licence(reader, iri)
    found["provenance"] = reader.statements(iri, DCT.provenance)
    found["rights_note"] = reader.statements(iri, DCT.rights)
    given = [
        reader.text(identifier, SKOS.notation) or reader.value(identifier)
        for name in (ADMS.identifier, DCT.identifier)
        for identifier in reader.nodes(iri, name)
    ]
    found["alternate_identifier"] = [e for e in dict.fromkeys(given) if e and e != str(iri)]
    found |= read_periods(reader, iri)
    found["example"] = reader.text(iri, site.term("example")) == "true"
    found["resources"] = [read_resource(reader, site, iri, node) for node in _in_order(reader, iri)]
    found = {name: value for name, value in found.items() if value}
    return (
        found
        | _themes(reader, iri, site)
        | _people(reader, iri, site)
        | (_places(reader, iri, site) | _links(reader, iri, site))
    )


def find_licence_id(stated: str) -> str:
    """Return CKAN's id of a licence with its version, ``""`` if the table does not have it."""
    known = authorities.find_stated_licence(stated)
    return known.code if known else ""


def _themes(reader: Reader, iri: Node, site: Site) -> dict[str, Any]:
    """Return service problems and EU themes; themes implied by the problems are left out."""
    problems: list[str] = []
    themes: list[str] = []
    others: list[str] = []
    for node in reader.values(iri, DCAT.theme):
        notation = node.removeprefix(f"{site.scheme(PROBLEM)}/")
        known = find_problem(notation)
        # Another site with this extension may have another base; then the notation must agree.
        if known is None and f"/{PROBLEM}/" in node:
            stated = reader.text(URIRef(node), SKOS.notation)
            known = find_problem(stated) if node.endswith(f"/{PROBLEM}/{stated}") else None
        if known is not None:
            problems.append(known.notation)
        theme = authorities.find_theme(node)
        if theme is not None:
            themes.append(theme.iri)
        elif known is None:
            others.append(node)
    found: dict[str, Any] = {"service_problem": problems} if problems else {}
    if themes or others:
        themes = [] if set(themes) == list_themes_of_problems(problems) else themes
        found["theme"] = [*dict.fromkeys(themes), *others]
    return found


def _places(reader: Reader, iri: Node, site: Site) -> dict[str, Any]:
    municipalities: list[str] = []
    texts: list[str] = []
    countries: list[dict[str, str]] = []
    others: list[dict[str, str]] = []
    for node in reader.nodes(iri, DCT.spatial):
        code = read_place_code(site, str(node))
        stated = reader.text(node, DCT.identifier)
        if code or is_our_municipality(reader, node, stated):
            municipalities.append(code or stated)
        elif country := authorities.find_country(str(node)):
            countries.append({"uri": country.iri})
            labels = set(country.labels.values())
            named = reader.texts(node, SKOS.prefLabel) + reader.texts(node, RDFS.label)
            others += [{"text": label} for label in dict.fromkeys(named) if label not in labels]
        else:
            place, unread = read_place(reader, iri, node)
            others += [place] if place else []
            texts += unread
    if others or municipalities or not site.id_of("dataset", str(iri)):
        # An empty field means the whole of Guatemala only for datasets of this site.
        others = [*countries[:1], *others]
    found: dict[str, Any] = {"municipality": municipalities} if municipalities else {}
    if texts:
        found["spatial_coverage" + REST] = texts
    # Present even if empty: the published default is not the field's value.
    return found | {"spatial_coverage": others}


def _people(reader: Reader, iri: Node, site: Site) -> dict[str, Any]:
    found: dict[str, Any] = {}
    publishers = reader.nodes(iri, DCT.publisher)
    owners = [
        owner for publisher in publishers if (owner := site.id_of("organization", str(publisher)))
    ]
    if owners:
        found |= {"owner_org": owners[0], "publisher": []}
    elif publishers:
        rows = _rows(read_agent(reader, iri, publisher) for publisher in publishers)
        # The first row is published, because DCAT-AP allows one publisher. It must have a name.
        found["publisher"] = sorted(rows, key=lambda row: not row.get("name"))
    creators = _rows(read_agent(reader, iri, creator) for creator in reader.nodes(iri, DCT.creator))
    office = re.compile(rf"({re.escape(site.base)}/organization/[^/#]+)#contact")
    contacts = reader.nodes(iri, DCAT.contactPoint) or reader.nodes(iri, ADMS.contactPoint)
    offices = [match[1] for match in map(office.fullmatch, map(str, contacts)) if match]
    # If somebody else is the publisher, the contact office still identifies the owner.
    if not owners and offices and (owner := site.id_of("organization", offices[0])):
        found["owner_org"] = owner
    if creators:
        found["creator"] = creators
    if contacts:
        theirs = [contact for contact in contacts if not office.fullmatch(str(contact))]
        found["contact"] = _rows(read_contact(reader, iri, contact) for contact in theirs)
        found |= _further(reader, "contact", theirs)
    if not owners:
        found |= _further(reader, "publisher", publishers)
    return found | _further(reader, "creator", reader.nodes(iri, DCT.creator))


def _further(reader: Reader, field: str, nodes: Iterable[Node]) -> dict[str, list[str]]:
    """Return extra → values for which the rows of a field have no subfield."""
    found: dict[str, list[str]] = {}
    for node in nodes:
        for name, texts in read_further(reader, node).items():
            found.setdefault(f"{field}_{name}{REST}", []).extend(texts)
    return found


def _rows(rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row]


def _links(reader: Reader, iri: Node, site: Site) -> dict[str, Any]:
    """Return the ideas and data needs of this site that a dataset names, and other influences.

    Version 1.0.0 of the profile published ideas and needs in ``dcat:qualifiedRelation``.
    """
    related = reader.iris(iri, DCT.relation)
    for node in reader.nodes(iri, DCAT.qualifiedRelation):
        related += reader.iris(node, DCT.relation)
    influences: list[dict[str, str]] = []
    for node in reader.nodes(iri, PROV.qualifiedInfluence):
        entities = reader.iris(node, PROV.entity)
        related += entities
        roles = (
            reader.iris(node, predicate) for predicate in (DCT.type, PROV.hadRole, DCAT.hadRole)
        )
        role = next(filter(None, roles), [""])[0]
        influences += [
            {"entity": entity, "role": role}
            for entity in entities
            if not site.id_of("idea", entity) and not site.need_of(entity)
        ]
    ideas = dict.fromkeys(site.id_of("idea", address) for address in related)
    needs = dict.fromkeys(site.need_of(address) for address in related)
    found: dict[str, Any] = {
        "idea": list(filter(None, ideas)),
        "data_need": list(filter(None, needs)),
        "qualified_influence": influences,
    }
    return {name: value for name, value in found.items() if value}


def _licence(reader: Reader, iri: Node) -> dict[str, Any]:
    """Return the id of the licence; if no table has it, its address or name as ``license_text``.

    An id of CKAN without a version is stored as ``license_text``, too.
    """
    nodes = reader.nodes(iri, DCT.license)
    others: list[str] = []
    for node in nodes:
        texts = [] if isinstance(node, Literal) else [reader.text(node, DCT.identifier)]
        texts = list(filter(None, [*texts, reader.address(node), reader.statement(node)]))
        ids = (find_licence_id(text) for text in texts)
        found = next(filter(None, ids), "")
        # A licence that is a part of this site's dataset has its id as ``dct:identifier``.
        found = found or (texts[0] if texts and str(node) == f"{iri}#licence" else "")
        if found:
            return {"license_id": found}
        unversioned = next(filter(authorities.find_licence, texts), "")
        if unversioned and len(nodes) == 1:
            return {"license_id": unversioned, "license" + REST: [unversioned]}
        others += texts[:1]
    labels = reader.labels_of_addresses(iri, DCT.license)
    return {"license" + REST: others, f"license_label{REST}": labels}


def _in_order(reader: Reader, iri: Node) -> list[Node]:
    """Return the distributions of a dataset by ``schema:position``, then those without."""

    def place(node: Node) -> int:
        stated = make_count(reader.text(node, SCHEMA.position))
        return sys.maxsize if stated is None else int(stated)

    return sorted(reader.nodes(iri, DCAT.distribution), key=place)
