"""Datasets of other catalogues, fitted to the site's schema, and their publication as RDF.

A value that the validators of a field refuse is *set aside*: it is stored as text in the extra
``<field>_text``, so that one bad value does not prevent saving the dataset.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.munge import munge_tag
from ckan.logic.schema import default_create_package_schema
from ckanext.scheming.validation import validators_from_string
from rdflib import PROV, Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.domain import dataset
from ckanext.marathon.domain import texts as texts_domain
from ckanext.marathon.domain.texts import (
    LONGEST_TITLE,
    is_json_list,
    is_json_object,
    is_kept_as_tags,
    is_list_or_tuple,
    list_tags,
    remove_hidden,
    split_keyword,
)
from ckanext.marathon.rdf.agent import add_agent
from ckanext.marathon.rdf.concept import add_authority, add_document, add_scheme
from ckanext.marathon.rdf.facts import Site, make_part_iri, make_urn
from ckanext.marathon.rdf.literals import (
    PARAGRAPH,
    add_extras,
    clean_text,
    clean_value,
    find_kind_of_shape,
    join_texts,
    list_texts_of_extra,
    load_rows,
    make_moment,
    make_text,
)
from ckanext.marathon.rdf.workshop import add_generation
from ckanext.marathon.records import (
    REST,
    Attribution,
    CoveredPlace,
    Dataset,
    ProvenanceActivity,
    Relationship,
)
from ckanext.marathon.vocabulary import authorities

from .namespaces import DCAT, DCATAP, DCT, ELI, FOAF, PAV, RDF, RDFS, SCHEMAS, SKOS, VCARD

Record = dict[str, Any]
Fields = list[dict[str, Any]]
Rest = dict[str, list[str]]

# Fields whose rules and permissions concern the whole record; they are not checked here.
_NOT_FITTED = frozenset({"name", "title", "owner_org", "tag_string"})
# Fields that are not filled from extras.
_NOT_FILLED = _NOT_FITTED | {"idea", "data_need"}
# CKAN's own fields that may be filled from extras.
_CORE = (
    *("title", "notes", "url", "version", "license_id"),
    *("author", "author_email", "maintainer", "maintainer_email"),
)
_MAILS: Fields = [
    {"field_name": name, "validators": "ignore_empty email_validator"}
    for name in ("author_email", "maintainer_email")
]


def fit_dataset(found: Record, schema: Mapping[str, Any]) -> Rest:
    """Change a dataset so that the schema accepts it, and return the values that were set aside.

    Args:
        found: the dataset dict; changed in place.
        schema: the scheming schema, with presets expanded.

    Returns:
        key → texts. The key is that of the extra (``<field>_text``), or ``resources.<field>_text``
        for values of resources.
    """
    rest = {
        name: list_texts_of_extra(found.pop(name)) for name in list(found) if name.endswith(REST)
    }
    for name in list(found):
        if name not in ("extras", "resources", "tags"):
            found[name] = clean_value(found[name])
    _cut(found, "title", LONGEST_TITLE, rest)
    fields: Fields = schema.get("dataset_fields") or []
    known = {field["field_name"] for field in fields}
    taken = move_extras_to_fields(found, schema)
    for name, texts in {**taken, **_fit(found, [*fields, *_MAILS], schema)}.items():
        rest.setdefault(name, []).extend(texts)
    if found.get("data_need") and not found.get("idea"):
        # A data need belongs to an idea.
        rest.setdefault("data_need" + REST, []).extend(list_texts_of_extra(found.pop("data_need")))
    if found.get("tags"):
        _fit_tags(found, rest)
    if "temporal_coverage" in known:
        _fit_periods(found, rest)
    resources: list[Record] = found.get("resources") or []
    for resource in resources:
        for name in list(resource):
            value = clean_value(resource[name])
            resource[name] = (
                join_texts(list_texts_of_extra(value)) if name.endswith(REST) else value
            )
        aside = _fit(resource, schema.get("resource_fields") or [], schema)
        for name, texts in aside.items():
            resource[name] = join_texts([*list_texts_of_extra(resource.get(name)), *texts])
            rest.setdefault(f"resources.{name}", []).extend(texts)
    add_extras(found, {name: texts for name, texts in rest.items() if "." not in name})
    return {name: texts for name, texts in rest.items() if texts}


def move_extras_to_fields(found: Record, schema: Mapping[str, Any]) -> Rest:
    """Move extras with the name of a field into that field, if it is empty and accepts them.

    Returns:
        key of an extra → the refused values that were stored in it.
    """
    fields: Fields = schema.get("dataset_fields") or []
    by_name = {field["field_name"]: field for field in fields}
    names = {*by_name, *default_create_package_schema()} - {"extras"}
    rest: Rest = {}
    kept: list[Record] = []
    extras: list[Record] = found.get("extras") or []
    for extra in extras:
        name: str = extra.get("key") or ""
        value = extra.get("value")
        if is_json_object(value) or is_json_list(value):
            extra = {**extra, "value": json.dumps(value, ensure_ascii=False)}
        if name not in names:
            kept.append(extra)
            continue
        loaded = load_rows(value, by_name.get(name, {}))
        candidate = {name: loaded} if loaded not in (None, "", [], {}) else {}
        is_open = (name in by_name and name not in _NOT_FILLED) or name in _CORE
        if name in by_name and "repeating_subfields" in by_name[name]:
            is_open = is_json_list(loaded) and all(map(is_json_object, loaded))
        if not candidate or found.get(name) == candidate[name]:
            continue
        if is_open and not found.get(name):
            aside = _fit(candidate, [*fields, *_MAILS], schema)
            found |= candidate
        else:
            aside = {name + REST: list_texts_of_extra(value)}
        for key, texts in aside.items():
            rest.setdefault(key, []).extend(texts)
    own = {extra.get("key"): extra for extra in kept}
    for key, texts in rest.items():
        joined = join_texts([*list_texts_of_extra(own.get(key, {}).get("value")), *texts])
        kept = [
            *(extra for extra in kept if extra.get("key") != key),
            {"key": key, "value": joined},
        ]
    if "extras" in found:
        found["extras"] = kept
    return rest


def respell_keyword(keyword: str) -> str:
    """Return a keyword in the spelling of the site's tags (``ckanext.dcat.clean_tags``)."""
    return munge_tag(keyword) if _is_munging() else keyword


def list_texts_of_files(resources: Iterable[Mapping[str, object]]) -> Rest:
    """Return the texts that are set aside in resources, with keys as in :func:`fit_dataset`."""
    found: Rest = {}
    for resource in resources:
        for name in (field for field in resource if field.endswith(REST)):
            found.setdefault(f"resources.{name}", []).extend(list_texts_of_extra(resource[name]))
    return found


def _fit(record: Record, fields: Fields, schema: Mapping[str, Any]) -> Rest:
    """Remove the values that the fields of a record refuse, and return them."""
    rest: Rest = {}
    fields = [field for field in fields if field["field_name"] not in _NOT_FITTED]
    for name, errors in _errors(record, fields, schema).items():
        value = record.pop(name)
        rows = value if is_json_list(value) and any(map(is_json_object, value)) else []
        if rows and all(map(is_json_object, [*rows, *errors])):
            kept = [_fit_row(name, *pair, rest) for pair in zip(rows, errors, strict=False)]
            kept = [row for row in kept if row]
        elif is_json_list(value):
            own = [field for field in fields if field["field_name"] == name]
            kept = [item for item in value if not _errors({name: [item]}, own, schema)]
            rest[name + REST] = list_texts_of_extra([item for item in value if item not in kept])
        else:
            kept = None
            rest[name + REST] = list_texts_of_extra(value)
        if kept:
            record[name] = kept
    return rest


def _fit_row(name: str, row: Record, errors: Mapping[str, Any], rest: Rest) -> Record:
    for inner in [
        subfield for subfield, messages in errors.items() if messages and subfield in row
    ]:
        rest.setdefault(f"{name}_{inner}{REST}", []).extend(list_texts_of_extra(row[inner]))
    return {key: value for key, value in row.items() if not errors.get(key)}


def _errors(record: Record, fields: Fields, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the validators' errors for the fields that are not empty."""
    validators: dict[str, Any] = {}
    for field in fields:
        name: str = field["field_name"]
        inner: Fields | None = field.get("repeating_subfields")
        if record.get(name) in (None, "", [], {}):
            continue
        validators[name] = (
            {subfield["field_name"]: _validators(subfield, schema) for subfield in inner}
            if inner
            else _validators(field, schema)
        )
    context: Any = {"model": model, "session": model.Session, "user": "", "ignore_auth": True}
    values = copy.deepcopy({name: record[name] for name in validators})
    _, errors = tk.navl_validate(values, validators, context)
    return {name: found for name, found in errors.items() if name in record}


def _validators(field: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Any]:
    given = field.get("validators") or "ignore_missing unicode_safe"
    return validators_from_string(given, field, schema)


def _fit_tags(found: Record, rest: Rest) -> None:
    """Replace keywords by valid tags, and set aside the original of each that had to change."""
    is_munging = _is_munging()
    free = [tag for tag in found["tags"] if not tag.get("vocabulary_id")]
    tags: dict[str, Record] = {}
    for tag in free:
        given = str(tag.get("name") or "")
        if is_munging:
            names = [munge_tag(keyword) for keyword in texts_domain.split_keyword(given)]
        else:
            names = texts_domain.list_tags(given)
            if not texts_domain.is_kept_as_tags(given):
                rest.setdefault("tags" + REST, []).append(given)
        for name in names:
            tags.setdefault(name, {"name": name} if name != given else tag)
    found["tags"] = [*tags.values(), *(tag for tag in found["tags"] if tag not in free)]


def _is_munging() -> bool:
    return tk.asbool(tk.config.get("ckanext.dcat.clean_tags", False))


def _fit_periods(found: Record, rest: Rest) -> None:
    periods = found.get("temporal_coverage")
    if not is_json_list(periods) or not all(map(is_json_object, periods)):
        return
    wrong = [int(path[1]) for path, _ in dataset.check_periods(periods)]
    for number in wrong:
        text = " – ".join(str(periods[number].get(end) or "") for end in ("start", "end"))
        rest.setdefault("temporal_coverage" + REST, []).append(text)
    found["temporal_coverage"] = [e for n, e in enumerate(periods) if n not in wrong]


def _cut(record: Record, name: str, longest: int, rest: Rest) -> None:
    value = record.get(name)
    if isinstance(value, str) and len(value) > longest:
        rest.setdefault(name + REST, []).append(value)
        record[name] = value[: longest - 1].rstrip() + "…"


_LONGEST = 80
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")
# The address after a statement, see ``Reader.statements``.
_BEHIND = re.compile(r" \([a-z]+:\S+\)$")
# Links that are followed from a dataset: to its files, their services, and the nodes of these.
_STEPS = 4
# Names of organisations are the same in every language, and are published without a tag.
_NAMES = frozenset(
    {FOAF.name, VCARD.fn, VCARD["organization-name"], *(schema["name"] for schema in SCHEMAS)}
)


def find_other_languages(
    graph: Graph,
    iri: Node,
    found: Record,
    language: str,
    respell: Callable[[str], str] = str,
) -> dict[str, list[str]]:
    """Return the texts of a dataset that are in another language than the site's.

    A text without a language tag counts as one in the site's language.

    Args:
        graph: the graph of the dataset.
        iri: the dataset.
        found: the dataset dict that was read from the graph.
        language: primary language tag of the site.
        respell: returns a keyword in the spelling of the site's tags.

    Returns:
        language tag → beginnings of texts, without texts that also occur in the site's language.
    """
    tags: dict[str, str] = {}
    ours: set[str] = set()
    for predicate, literal in _literals(graph, iri):
        if predicate in _NAMES:
            continue
        tag, texts = literal.language or "", [str(literal)]
        if tag:
            texts += str(literal).split(PARAGRAPH)
        if predicate == DCAT.keyword:
            texts += [word for text in _tags_of(str(literal)) for word in (text, respell(text))]
        if not tag or tag.partition("-")[0].lower() == language:
            ours |= set(map(_beginning, texts))
        elif _TAG.fullmatch(tag):
            tags |= {_beginning(text): tag for text in texts if _beginning(text) not in tags}
    kept = {text for name in found.keys() - {"tags"} for text in _texts(found[name])}
    keywords: list[Record] = found.get("tags") or []
    for keyword in (str(tag.get("name")) for tag in keywords):
        names = _tags_of(keyword)
        kept |= {*names, *map(respell, names), *([] if is_kept_as_tags(keyword) else [keyword])}
    result: dict[str, list[str]] = {}
    for text in sorted({text for whole in kept for text in _known(whole, tags)}):
        if text not in ours:
            result.setdefault(tags[text], []).append(text)
    return dict(sorted(result.items()))


def restore_languages(graph: Graph, site: Site, iri: URIRef, dataset: Dataset) -> None:
    """Give texts of a dataset, its parts and files their original language tags.

    Args:
        graph: the graph of the dataset; is changed.
        site: the site with its language, which the texts have so far.
        iri: IRI of the dataset that this site assigns.
        dataset: the dataset.
    """
    tags = _list_tags_by_beginning(dataset.harvested.languages)
    if not tags:
        return
    for subject, predicate, value in list(graph):
        if not isinstance(value, Literal) or value.language != site.language:
            continue
        if not _is_described(graph, site, iri, subject):
            continue
        tag = _language_of(str(value), tags, site.language)
        if tag != site.language:
            graph.remove((subject, predicate, value))
            graph.add((subject, predicate, Literal(str(value), lang=tag)))


def _language_of(text: str, tags: Mapping[str, str], otherwise: str) -> str | None:
    """Return the language of a text; ``None`` for paragraphs in several."""
    if whole := tags.get(_beginning(text)):
        return whole
    found = {tags.get(_beginning(paragraph), otherwise) for paragraph in text.split(PARAGRAPH)}
    return None if len(found) > 1 else found.pop()


def _is_described(graph: Graph, site: Site, iri: URIRef, subject: Node) -> bool:
    """Return whether a node belongs to the dataset's own description."""
    if subject == iri or str(subject).startswith((f"{iri}#", f"{iri}/")):
        return True
    is_of_a_table = (subject, SKOS.inScheme, None) in graph
    return not is_of_a_table and site.foreign(str(subject)) is not None


def _list_tags_by_beginning(languages: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return beginning → language tag; invalid tags are left out."""
    return {text: tag for tag, texts in languages.items() if _TAG.fullmatch(tag) for text in texts}


def _beginning(text: str) -> str:
    return _BEHIND.sub("", remove_hidden(text).strip())[:_LONGEST]


def _known(text: str, tags: Mapping[str, str]) -> list[str]:
    """Return the beginning of a text if it is among ``tags``, else those of its paragraphs."""
    whole, *paragraphs = map(_beginning, (text, *text.split(PARAGRAPH)))
    return (
        [whole] if whole in tags else [paragraph for paragraph in paragraphs if paragraph in tags]
    )


def _tags_of(keyword: str) -> list[str]:
    return [*split_keyword(keyword), *list_tags(keyword)]


def _literals(graph: Graph, iri: Node) -> Iterator[tuple[Node, Literal]]:
    """Yield the texts of a dataset and of its parts, with their properties."""
    seen, edge = {iri}, [iri]
    for _ in range(_STEPS):
        reached: list[Node] = []
        for node in edge:
            for predicate, value in graph.predicate_objects(node):
                if isinstance(value, Literal):
                    yield predicate, value
                elif value not in seen and (value, RDF.type, DCAT.Dataset) not in graph:
                    seen.add(value)
                    reached.append(value)
        edge = reached


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif is_json_object(value):
        for inner in value.values():
            yield from _texts(inner)
    elif is_list_or_tuple(value):
        for item in value:
            yield from _texts(item)


_TELEPHONE = re.compile(r"[ ()./-]*(\+?[0-9][0-9 ()./-]{2,40})")


def add_others(graph: Graph, site: Site, iri: URIRef, dataset: Dataset) -> None:
    """Add the values of a harvested dataset that are not in fields of the schema."""
    aside, harvested = dataset.set_aside, dataset.harvested
    for name, predicate, kind in (
        ("documentation", FOAF.page, FOAF.Document),
        ("conforms_to", DCT.conformsTo, DCT.Standard),
        ("is_referenced_by", DCT.isReferencedBy, None),
        ("has_version", PAV.hasVersion, None),
        ("applicable_legislation", DCATAP.applicableLegislation, ELI.LegalResource),
    ):
        short = name.replace("_", "-")
        add_named_nodes(graph, site, iri, predicate, short, aside.get(name, ()), kind)
    for address in aside.get("url", ()):
        if page := site.foreign(address) or make_urn(address):
            graph.add((iri, DCAT.landingPage, page))
            add_document(graph, site, page, Literal(address) if make_urn(address) else None)
    for title in harvested.alternative_titles:
        _label(graph, iri, DCT.alternative, title, site)
    # DCAT-AP has no property for these.
    add_named_nodes(graph, site, iri, DCT.references, "references", harvested.references, None)
    add_named_nodes(graph, site, iri, DCT.isPartOf, "is-part-of", harvested.is_part_of, None)
    add_named_nodes(graph, site, iri, DCT.subject, "subject", harvested.subjects, SKOS.Concept)
    _add_telephone(graph, iri, aside.get("contact_telephone", ()))
    add_named_nodes(graph, site, iri, DCAT.theme, "theme", aside.get("theme", ()), SKOS.Concept)
    add_named_nodes(graph, site, iri, DCT.type, "type", harvested.kinds, SKOS.Concept)
    if (iri, DCT.accessRights, None) not in graph:
        # DCAT-AP allows one ``dct:accessRights``.
        given, kind = aside.get("access_rights", ())[:1], DCT.RightsStatement
        add_named_nodes(graph, site, iri, DCT.accessRights, "access_rights", given, kind)
    if aside.get("frequency") and not clean_text(dataset.frequency):
        other = authorities.find_frequency("OTHER")
        assert other is not None, "the table has it"
        graph.add((iri, DCT.accrualPeriodicity, add_authority(graph, other, DCT.Frequency)))
    add_set_aside_languages(graph, site, iri, aside.get("language", ()))
    for value in harvested.hvd_categories:
        _add_concept(graph, iri, DCATAP.hvdCategory, site.foreign(value))
    for other in filter(None, map(site.foreign, harvested.related)):
        graph.add((iri, DCT.relation, other))
    for number, text in enumerate(aside.get("temporal_coverage", ()), 1):
        period = make_part_iri(iri, f"other-period-{number}")
        graph.add((iri, DCT.temporal, period))
        graph.add((period, RDF.type, DCT.PeriodOfTime))
        _label(graph, period, RDFS.label, text, site)
    _add_relationships(graph, site, iri, harvested.relationships)
    _add_attributions(graph, site, iri, harvested.attributions)
    _add_activities(graph, site, iri, harvested.activities)


def _add_telephone(graph: Graph, iri: URIRef, given: Iterable[str]) -> None:
    """Add telephone numbers if there is one contact; with several it is unknown whose they are."""
    contacts = list(graph.objects(iri, DCAT.contactPoint))
    for found in map(_TELEPHONE.fullmatch, given):
        if found and len(contacts) == 1:
            number = URIRef("tel:" + re.sub("[^+0-9]", "", found[1]))
            graph.add((contacts[0], VCARD.hasTelephone, number))


def add_set_aside_languages(graph: Graph, site: Site, iri: URIRef, given: Iterable[str]) -> None:
    """Add languages of the EU's table that forms do not offer."""
    start = f"{authorities.get_scheme('language').iri}/"
    for value in given:
        concept = site.foreign(value)
        if concept is None or not concept.startswith(start):
            continue
        known = authorities.find_other_language(concept)
        if known is not None:
            node = add_authority(graph, known, DCT.LinguisticSystem)
            graph.add((iri, DCT.language, node))
            continue
        _add_concept(graph, iri, DCT.language, concept)
        graph.add((concept, RDF.type, DCT.LinguisticSystem))
        scheme = add_scheme(graph, "language")
        if scheme is not None:
            graph.add((concept, SKOS.inScheme, scheme))


def list_places_in_words(dataset: Dataset) -> list[CoveredPlace]:
    """Return places for texts that could not be parsed as a place.

    A text becomes the name of a place, even if it is a malformed geometry. GML, and WKT with
    another reference system, stay geometries, which other programs can read.
    """
    texts = dataset.set_aside.get("spatial_coverage", ())
    if not texts and not dataset.places:
        shapes = ("geom", "bbox", "centroid")
        asides = (dataset.set_aside.get(f"spatial_coverage_{shape}", ()) for shape in shapes)
        texts = tuple(text for aside in asides for text in aside)[:1]
    return [_make_place(text) for text in texts]


def _make_place(text: str) -> CoveredPlace:
    kind = find_kind_of_shape(text)
    if kind == "gml":
        return CoveredPlace(gml=text)
    return CoveredPlace(wkt=text) if kind == "wkt" else CoveredPlace(text=text)


def add_named_nodes(
    graph: Graph,
    site: Site,
    iri: URIRef,
    predicate: URIRef,
    name: str,
    given: Iterable[str],
    kind: URIRef | None,
) -> None:
    """Add values of a property: addresses as IRIs, and names as labelled parts of the record.

    Args:
        graph: the graph to which triples are added.
        site: the site with the starts of IRIs; IRIs of this site become names.
        iri: the record.
        predicate: the property.
        name: start of the names of parts.
        given: addresses and names.
        kind: class of the values, if DCAT-AP requires one.
    """
    for number, text in enumerate(given, 1):
        node = site.foreign(text) or make_urn(text) or make_part_iri(iri, f"other-{name}-{number}")
        graph.add((iri, predicate, node))
        if kind is not None:
            graph.add((node, RDF.type, kind))
        if kind == SKOS.Concept:
            # DCAT-AP requires a label; without one the address is the label.
            _label(graph, node, SKOS.prefLabel, text, site)
        elif node.startswith(f"{iri}#"):
            _label(graph, node, RDFS.label, text, site)
            if kind == FOAF.Document:
                _label(graph, node, DCT.title, text, site)
        elif kind == FOAF.Document:
            add_document(graph, site, node)


def _add_concept(graph: Graph, iri: URIRef, predicate: URIRef, concept: URIRef | None) -> None:
    if concept is not None:
        graph.add((iri, predicate, concept))
        graph.add((concept, RDF.type, SKOS.Concept))
        graph.add((concept, SKOS.prefLabel, Literal(str(concept))))


def _label(graph: Graph, node: URIRef, predicate: URIRef, text: object, site: Site) -> None:
    literal = make_text(text, site.language)
    if literal is not None:
        graph.add((node, predicate, literal))


def _add_relationships(
    graph: Graph, site: Site, iri: URIRef, relationships: Iterable[Relationship]
) -> None:
    for number, stated in enumerate(relationships, 1):
        other, role = site.foreign(stated.relation), site.foreign(stated.role)
        if other is None or role is None:
            continue
        relation = make_part_iri(iri, f"other-relation-{number}")
        graph.add((iri, DCAT.qualifiedRelation, relation))
        graph.add((relation, RDF.type, DCAT.Relationship))
        graph.add((relation, DCT.relation, other))
        graph.add((relation, DCAT.hadRole, role))
        graph.add((role, RDF.type, DCAT.Role))


def _add_attributions(
    graph: Graph, site: Site, iri: URIRef, attributions: Iterable[Attribution]
) -> None:
    for number, stated in enumerate(attributions, 1):
        name, role = f"attribution-{number}", site.foreign(stated.role)
        agents = [add_agent(graph, site, iri, f"{name}-agent", agent) for agent in stated.agents]
        for agent in filter(None, agents[:1]):
            attribution = make_part_iri(iri, name)
            graph.add((iri, PROV.qualifiedAttribution, attribution))
            graph.add((attribution, RDF.type, PROV.Attribution))
            graph.add((attribution, PROV.agent, agent))
            if role is not None:
                graph.add((attribution, DCAT.hadRole, role))
                graph.add((role, RDF.type, DCAT.Role))


def _add_activities(
    graph: Graph, site: Site, iri: URIRef, activities: Iterable[ProvenanceActivity]
) -> None:
    for number, stated in enumerate(activities, 1):
        activity = site.foreign(stated.uri) or make_part_iri(iri, f"activity-{number}")
        add_generation(graph, activity, iri, activity.startswith(f"{iri}#"))
        graph.add((activity, RDF.type, PROV.Activity))
        called = make_text(stated.label, site.language)
        if called is not None:
            graph.add((activity, RDFS.label, called))
        # The application profile (``schemas/marathon-ap.ttl``) requires a title.
        graph.add((activity, DCT.title, called or Literal(str(activity))))
        for predicate, value in (
            (RDFS.seeAlso, site.foreign(stated.see_also)),
            (DCT.type, site.foreign(stated.kind)),
            (PROV.startedAtTime, make_moment(stated.started_at)),
        ):
            if value is not None:
                graph.add((activity, predicate, value))
        for place, named in enumerate(stated.agents, 1):
            agent = add_agent(graph, site, iri, f"activity-{number}-agent-{place}", named)
            if agent is not None:
                graph.add((activity, PROV.wasAssociatedWith, agent))
