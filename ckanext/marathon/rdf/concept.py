"""Concepts, documents, statements and licences, to which descriptions refer.

Every graph that uses a concept has its type, label, code and scheme. DCAT-AP's vocabulary shapes
look for label and scheme in the page itself, and a reader need not fetch another page to show a
name. Documents are pages and files of which only the address is known. Statements of rights and
provenance are free text or an address. A licence has the IRI of the EU's table if the table has it.

Sources: SKOS Reference; GeoSPARQL for places; DCAT-AP 3.0.1, controlled vocabularies; DCAT-AP 3,
Rights Statement, Provenance Statement and Licence Document; ADMS licence types; FOAF, Document;
DCAT-US 3, Document, which requires a title.
"""

from __future__ import annotations

from collections.abc import Mapping

from rdflib import Graph, Literal, URIRef

from ckanext.marathon.rdf.facts import Site, make_part_iri, make_web_iri
from ckanext.marathon.rdf.literals import PARAGRAPH, clean_text, make_text
from ckanext.marathon.records import Dataset
from ckanext.marathon.vocabulary import authorities, problems, schemes
from ckanext.marathon.vocabulary.codes import UnknownCode

from .namespaces import DCT, FOAF, RDF, RDFS, SKOS


def add_texts(
    graph: Graph, subject: URIRef, predicate: URIRef, texts: Mapping[str, str | None]
) -> None:
    """Add a text in each of its languages."""
    for lang, text in texts.items():
        literal = make_text(text, lang)
        if literal is not None:
            graph.add((subject, predicate, literal))


def add_authority(graph: Graph, concept: authorities.AuthorityConcept, *classes: URIRef) -> URIRef:
    """Describe a concept of an authority table and return its IRI.

    Args:
        graph: the graph to which triples are added.
        concept: the concept.
        classes: further classes that DCAT requires, for example ``dct:Frequency``.
    """
    iri = URIRef(concept.iri)
    for kind in (SKOS.Concept, *classes):
        graph.add((iri, RDF.type, kind))
    add_texts(graph, iri, SKOS.prefLabel, concept.labels)
    scheme = add_scheme(graph, concept.scheme)
    if scheme is not None:
        graph.add((iri, SKOS.inScheme, scheme))
    return iri


def add_scheme(graph: Graph, name: str) -> URIRef | None:
    """Describe the scheme of an authority table and return its IRI, ``None`` if it has none."""
    found = authorities.get_scheme(name)
    if not found.iri:
        return None
    iri = URIRef(found.iri)
    graph.add((iri, RDF.type, SKOS.ConceptScheme))
    add_texts(graph, iri, DCT.title, found.title)
    return iri


def add_term(graph: Graph, site: Site, kind: str, code: object, *classes: URIRef) -> URIRef | None:
    """Describe a term of one of the site's closed lists, for example the status of an idea.

    Returns:
        Its IRI; ``None`` if the list has no such term.
    """
    terms = schemes.get_term_list(kind)
    try:
        term = terms.term(str(code))
    except UnknownCode:
        return None
    iri, scheme = site.concept(kind, term.code), site.scheme(kind)
    for kind in (SKOS.Concept, *classes):
        graph.add((iri, RDF.type, kind))
    graph.add((iri, SKOS.notation, Literal(term.code)))
    add_texts(graph, iri, SKOS.prefLabel, term.labels)
    graph.add((iri, SKOS.inScheme, scheme))
    graph.add((scheme, RDF.type, SKOS.ConceptScheme))
    add_texts(graph, scheme, DCT.title, terms.title)
    return iri


def find_problem(notation: object) -> problems.ServiceProblem | None:
    """Return the service problem with a notation, ``None`` if there is none."""
    try:
        return problems.get_problem(str(notation))
    except UnknownCode:
        return None


def add_problem(graph: Graph, site: Site, problem: problems.ServiceProblem) -> URIRef:
    """Describe a service problem, with the EU themes it matches, and return its IRI."""
    iri = site.concept(problems.KIND, problem.notation)
    graph.add((iri, RDF.type, SKOS.Concept))
    graph.add((iri, SKOS.notation, Literal(problem.notation)))
    add_texts(graph, iri, SKOS.prefLabel, problem.pref_label)
    graph.add((iri, SKOS.inScheme, add_problem_scheme(graph, site)))
    for theme in problem.eu_themes:
        graph.add((iri, SKOS[theme.match], URIRef(theme.iri)))
    return iri


def add_problem_scheme(graph: Graph, site: Site) -> URIRef:
    """Describe the scheme of service problems and return its IRI."""
    iri = site.scheme(problems.KIND)
    graph.add((iri, RDF.type, SKOS.ConceptScheme))
    add_texts(graph, iri, DCT.title, problems.get_problem_scheme().title)
    return iri


def add_document(graph: Graph, site: Site, page: URIRef, title: Literal | None = None) -> None:
    """Add ``foaf:Document`` and a title for an address.

    Args:
        graph: the graph to which triples are added.
        site: no title is added to an address that may be a record of this site, which has its own.
        page: the address.
        title: by default the address without its scheme. It has no language tag, by which
            :func:`list_titles_to_drop` recognises it, and is the same in every dataset.
    """
    graph.add((page, RDF.type, FOAF.Document))
    if title is None and not site.may_be_thing(page):
        title = Literal(page.partition("://")[2].rstrip("/"))
    if title is not None:
        graph.add((page, DCT.title, title))


def list_titles_to_drop(graph: Graph) -> list[tuple[URIRef, Literal]]:
    """Return the titles without a language tag of documents that also have a title with one.

    A document of one dataset may be another dataset, which has a title of its own. With two titles,
    harvesters would use either.
    """
    spare = [
        (subject, title)
        for subject, title in graph.subject_objects(DCT.title)
        if isinstance(subject, URIRef) and isinstance(title, Literal) and not title.language
    ]
    return [
        (subject, title)
        for subject, title in spare
        if any(getattr(title, "language", None) for title in graph.objects(subject, DCT.title))
    ]


def add_statement(
    graph: Graph, iri: URIRef, predicate: URIRef, kind: URIRef, name: str, given: str, site: Site
) -> URIRef | None:
    """Add a statement and return its IRI; ``None`` if the text is blank.

    A web address is the statement's IRI. Any other text is the label of a part of the record.

    Args:
        graph: the graph to which triples are added.
        iri: the record.
        predicate: property of the statement.
        kind: class of the statement.
        name: name of the part.
        given: the text.
        site: the site, for its language.
    """
    address, text = make_web_iri(given), make_text(given, site.language)
    statement = address or make_part_iri(iri, name)
    if text is None:
        return None
    graph.add((iri, predicate, statement))
    graph.add((statement, RDF.type, kind))
    if address is None:
        graph.add((statement, RDFS.label, text))
    return statement


def add_note(graph: Graph, site: Site, distribution: URIRef, note: URIRef) -> None:
    """Add a dataset's statement of rights to a distribution.

    If the distribution has a statement of its own, both become one text of two paragraphs, because
    DCAT-AP, DCAT-US and others allow only one statement.
    """
    own = graph.value(distribution, DCT.rights)
    if own is not None and own != note:
        statements = (own, note)
        texts = [str(graph.value(statement, RDFS.label) or statement) for statement in statements]
        both = make_part_iri(distribution, "rights")
        graph.remove((distribution, DCT.rights, own))
        graph.remove((both, RDFS.label, None))
        graph.add((both, RDF.type, DCT.RightsStatement))
        label = PARAGRAPH.join(dict.fromkeys(texts))
        graph.add((both, RDFS.label, Literal(label, lang=site.language)))
        for address in statements:
            # The IRI of a statement is kept, so that programs can dereference it.
            if (address, RDFS.label, None) not in graph and address != both:
                graph.add((both, RDFS.seeAlso, address))
        note = both
    graph.add((distribution, DCT.rights, note))


# Stock CKAN recognises a licence by its address or by its title in CKAN's register (in English).
# The register has no addresses of the EU's table.
CKAN_TITLES = {
    "cc-by": "Creative Commons Attribution",
    "cc-by-sa": "Creative Commons Attribution Share-Alike",
    "cc-zero": "Creative Commons CCZero",
    "gfdl": "GNU Free Documentation License",
    "odc-by": "Open Data Commons Attribution License",
    "odc-odbl": "Open Data Commons Open Database License (ODbL)",
    "odc-pddl": "Open Data Commons Public Domain Dedication and License (PDDL)",
    "uk-ogl": "UK Open Government Licence (OGL)",
    "cc-nc": "Creative Commons Non-Commercial (Any)",
    "other-at": "Other (Attribution)",
    "other-closed": "Other (Not Open)",
    "other-nc": "Other (Non-Commercial)",
    "other-open": "Other (Open)",
    "other-pd": "Other (Public Domain)",
}
LICENCES_NOT_SAID = frozenset({"", "notspecified"})


def add_licence(graph: Graph, value: object) -> URIRef | None:
    """Describe a licence and return its IRI.

    Args:
        graph: the graph to which triples are added.
        value: IRI, licence id or title.

    Returns:
        ``None`` if the value is neither in the table of licences nor a web address.
    """
    iri = find_licence_iri(value) or make_web_iri(value)
    if iri is not None:
        _describe(graph, iri, authorities.find_licence(str(value)))
    return iri


def add_licence_of(graph: Graph, whole: URIRef, dataset: Dataset) -> URIRef | None:
    """Describe the licence of a dataset and return its IRI, ``None`` if it is not specified.

    Args:
        graph: the graph to which triples are added.
        whole: IRI of the dataset, of which a licence without an address ("other, open") is a part.
        dataset: the dataset. Licences of another catalogue that no table has are in ``set_aside``.
    """
    others = [
        add_licence_named(graph, whole, stated, f"licence-{number}")
        for number, stated in enumerate(dataset.set_aside.get("license", ()), 1)
    ]
    for licence in others:
        graph.add((whole, DCT.license, licence))
    if others:
        return others[0]
    identifier = clean_text(dataset.license_id)
    if identifier in LICENCES_NOT_SAID:
        return None
    known = authorities.find_licence(identifier)
    iri = (
        find_licence_iri(identifier)
        or make_web_iri(dataset.license_url)
        or make_web_iri(identifier)
    )
    if iri is None:
        iri = make_part_iri(whole, "licence")
        graph.add((iri, DCT.identifier, Literal(known.code if known else identifier)))
    _describe(graph, iri, known)
    title = make_text(dataset.license_title or identifier)
    if known is None and title is not None and (iri, DCT.title, None) not in graph:
        graph.add((iri, DCT.title, title))
    return iri


def add_licence_named(graph: Graph, whole: URIRef, stated: str, name: str = "licence") -> URIRef:
    """Describe a licence by its address, else by its name as a part of ``whole``."""
    # The version must be the one in the text; a text without a version gets none.
    is_known = authorities.find_stated_licence(stated) is not None
    iri = add_licence(graph, stated) if is_known else make_web_iri(stated)
    if iri is not None:
        graph.add((iri, RDF.type, DCT.LicenseDocument))
        return iri
    iri, title = make_part_iri(whole, name), make_text(stated)
    graph.add((iri, RDF.type, DCT.LicenseDocument))
    if title is not None:
        graph.add((iri, DCT.title, title))
    return iri


def find_licence_iri(value: object) -> URIRef | None:
    """Return the IRI of a licence in the table: that of the EU's table, else its own."""
    known = authorities.find_licence(value) if isinstance(value, str) else None
    iri = (known.eu_iri or known.iri) if known else ""
    return URIRef(iri) if iri else None


def _describe(graph: Graph, iri: URIRef, known: authorities.Licence | None) -> None:
    graph.add((iri, RDF.type, DCT.LicenseDocument))
    if known is None:
        return
    title = make_text(CKAN_TITLES.get(known.code, known.label("en")))
    if title is not None:
        graph.add((iri, DCT.title, title))
    add_texts(graph, iri, SKOS.prefLabel, known.labels)
    if known.iri and known.iri != str(iri):
        graph.add((iri, RDFS.seeAlso, URIRef(known.iri)))
    for code in known.types:
        kind = authorities.find_licence_type(code)
        if kind is not None:
            graph.add((iri, DCT.type, add_authority(graph, kind)))
