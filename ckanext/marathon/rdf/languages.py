"""Texts in another language than the site's keep it: read, stored, and published again.

CKAN's fields have no language, and a catalogue that says ``"Rain"@en`` must not be copied as
``"Rain"@es``. Which texts of a copy are in which language stands beside them, in one extra. Texts
are known again by how they begin, so that one that was put into Spanish here is Spanish.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rdflib import Graph, Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.domain.texts import (
    is_kept_as_tags,
    list_tags,
    load_json,
    remove_hidden,
    split_keyword,
)

from .facts import Row
from .literals import PARAGRAPH
from .namespaces import DCAT, FOAF, RDF, SCHEMAS, SKOS, VCARD
from .uris import Site

__all__ = ["OTHER_LANGUAGES", "other_languages", "restore_languages"]

# The extra: language tag → how the texts in that language begin.
OTHER_LANGUAGES = "other_languages"
_LONGEST = 80
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,4}")
# The address of a statement, see ``Reader.statements``.
_BEHIND = re.compile(r" \([a-z]+:\S+\)$")
# From a dataset to its files, their services, and what those name.
_STEPS = 4
# The name of an organisation is one in every language, and is published without one.
_NAMES = frozenset(
    {FOAF.name, VCARD.fn, VCARD["organization-name"], *(schema["name"] for schema in SCHEMAS)}
)


def other_languages(
    graph: Graph,
    iri: Node,
    found: Mapping[str, Any],
    language: str,
    respell: Callable[[str], str] = str,
) -> dict[str, list[str]]:
    """Return which texts of a dataset are in another language than the site's.

    A text without a language is taken for one of the site's.

    Args:
        graph: that was read.
        iri: of the dataset.
        found: what was read of it.
        language: of the site, as a primary language tag.
        respell: what else the site makes of a keyword.

    Returns:
        By language tag how its texts begin; of what is said in the site's language too, nothing.
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
            texts += [each for text in _tags_of(str(literal)) for each in (text, respell(text))]
        if not tag or tag.partition("-")[0].lower() == language:
            ours |= set(map(_beginning, texts))
        elif _TAG.fullmatch(tag):
            tags |= {_beginning(each): tag for each in texts if _beginning(each) not in tags}
    kept = {each for name in found.keys() - {"tags"} for each in _texts(found[name])}
    for keyword in (str(tag.get("name")) for tag in found.get("tags") or []):
        names = _tags_of(keyword)
        kept |= {*names, *map(respell, names), *([] if is_kept_as_tags(keyword) else [keyword])}
    result: dict[str, list[str]] = {}
    for text in sorted({text for each in kept for text in _known(each, tags)}):
        if text not in ours:
            result.setdefault(tags[text], []).append(text)
    return dict(sorted(result.items()))


def restore_languages(graph: Graph, site: Site, iri: URIRef, dataset: Row) -> None:
    """Give texts of a dataset, its parts and files the language in which they were written.

    Args:
        graph: of the dataset; is changed.
        site: where IRIs start, and whose language texts have.
        iri: that the dataset has here.
        dataset: as ``package_show`` gives it, with what its extras say.
    """
    tags = _stored(dataset.get(OTHER_LANGUAGES))
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
    found = {tags.get(_beginning(each), otherwise) for each in text.split(PARAGRAPH)}
    return None if len(found) > 1 else found.pop()


def _is_described(graph: Graph, site: Site, iri: URIRef, subject: Node) -> bool:
    """Return whether what is said of something is of the dataset's own words."""
    if subject == iri or str(subject).startswith((f"{iri}#", f"{iri}/")):
        return True
    is_of_a_table = (subject, SKOS.inScheme, None) in graph
    return not is_of_a_table and site.foreign(str(subject)) is not None


def _stored(value: object) -> dict[str, str]:
    """Return beginning → language tag; what is of no such form says nothing."""
    try:
        given = load_json(value) if isinstance(value, str) else value
    except ValueError:
        return {}
    if not isinstance(given, Mapping):
        return {}
    return {
        text: tag
        for tag, texts in given.items()
        if isinstance(tag, str) and _TAG.fullmatch(tag) and isinstance(texts, list)
        for text in texts
        if isinstance(text, str)
    }


def _beginning(text: str) -> str:
    return _BEHIND.sub("", remove_hidden(text).strip())[:_LONGEST]


def _known(text: str, tags: Mapping[str, str]) -> list[str]:
    """Return how a text begins whose language is known, else how its paragraphs do."""
    whole, *paragraphs = map(_beginning, (text, *text.split(PARAGRAPH)))
    return [whole] if whole in tags else [each for each in paragraphs if each in tags]


def _tags_of(keyword: str) -> list[str]:
    return [*split_keyword(keyword), *list_tags(keyword)]


def _literals(graph: Graph, iri: Node) -> Iterator[tuple[Node, Literal]]:
    """Yield the texts that are said of a dataset and what belongs to it, with their properties."""
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
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
