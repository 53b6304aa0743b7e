"""Datasets as those want them who do not read RDF, taken from the log's descriptions.

What is told here is what the RDF tells: nothing is looked up in CKAN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyoxigraph

from ckanext.marathon.rdf.dataset import RECORD
from ckanext.marathon.rdf.namespaces import DCAT, DCT, FOAF, RDF, SKOS, VCARD

Term = pyoxigraph.NamedNode | pyoxigraph.Literal


@dataclass(frozen=True)
class Distribution:
    """A file or service of a dataset; "" stands for what is not known.

    Attributes:
        media_type: as ``text/csv``.
        size: in bytes.
    """

    iri: str
    title: str
    description: str
    access_url: str
    download_url: str
    media_type: str
    format: str
    licence: str
    size: str


@dataclass(frozen=True)
class Concept:
    """A concept with its label."""

    iri: str
    label: str


@dataclass(frozen=True)
class Dataset:
    """A public dataset; "" stands for what is not known.

    Attributes:
        issued: ISO 8601, as ``modified`` and both ends of ``periods``.
        record_modified: when the record was saved, where no date is known of its data.
        themes: of the EU's table.
        problems: service problems.
        places: municipalities, departments and others.
        email: without ``mailto:``.
    """

    iri: str
    title: str
    description: str
    keywords: tuple[str, ...]
    issued: str
    modified: str
    record_modified: str
    themes: tuple[Concept, ...]
    problems: tuple[Concept, ...]
    places: tuple[Concept, ...]
    periods: tuple[tuple[str, str], ...]
    languages: tuple[str, ...]
    frequency: str
    access_rights: str
    licence: str
    publisher: Concept | None
    contact: str
    email: str
    landing_page: str
    ideas: tuple[Concept, ...]
    workshops: tuple[Concept, ...]
    distributions: tuple[Distribution, ...]


class Said:
    """Lines of N-Triples by what they are about."""

    def __init__(self, lines: Iterable[bytes], language: str) -> None:
        """Take them in; texts in ``language`` are preferred."""
        self._language = language
        self._found: dict[str, dict[str, list[Term]]] = {}
        triples = b"\n".join(lines)
        for each in pyoxigraph.parse(triples, format=pyoxigraph.RdfFormat.N_TRIPLES):
            about = self._found.setdefault(each.subject.value, {})
            about.setdefault(each.predicate.value, []).append(each.object)

    def values(self, subject: str, predicate: str) -> list[str]:
        """Return the IRIs and texts that are said, in alphabetical order."""
        return sorted(each.value for each in self._found.get(subject, {}).get(str(predicate), ()))

    def value(self, subject: str, predicate: str) -> str:
        """Return the first of them; "" for none."""
        found = self.values(subject, predicate)
        return found[0] if found else ""

    def text(self, subject: str, *predicates: str) -> str:
        """Return the text of the first of these properties, in the preferred language if it is."""
        for predicate in predicates:
            texts = [
                each
                for each in self._found.get(subject, {}).get(str(predicate), ())
                if isinstance(each, pyoxigraph.Literal)
            ]
            if texts:
                return min(texts, key=self._order).value
        return ""

    def _order(self, text: pyoxigraph.Literal) -> tuple[bool, bool, str]:
        return text.language != self._language, text.language is not None, text.value

    def concept(self, iri: str) -> Concept:
        """Return something with a name, else with its IRI for one."""
        return Concept(iri, self.text(iri, SKOS.prefLabel, DCT.title, FOAF.name) or iri)

    def concepts(self, subject: str, predicate: str) -> tuple[Concept, ...]:
        """Return what is named, with labels."""
        return tuple(self.concept(each) for each in self.values(subject, predicate))

    def has(self, subject: str) -> bool:
        """Return whether anything is said of it."""
        return subject in self._found

    def subjects(self, kind: str) -> list[str]:
        """Return what is of a class, in alphabetical order."""
        return sorted(each for each in self._found if kind in self.values(each, RDF.type))


def datasets(lines: Iterable[bytes], language: str) -> Sequence[Dataset]:
    """Return the datasets that lines of N-Triples describe, with the neighbours that they name.

    Args:
        lines: as the log gives them for a page.
        language: of texts where there are several.
    """
    said = Said(lines, language)
    found = {each for kind in CLASSES for each in said.subjects(str(kind))}
    return [_dataset(said, each) for each in sorted(found)]


# Of what a catalogue has as ``dcat:dataset``; profiles give a series its own class alone.
CLASSES = (DCAT.Dataset, DCAT.DatasetSeries)


def _dataset(said: Said, iri: str) -> Dataset:
    themes = said.concepts(iri, DCAT.theme)
    contact = said.value(iri, DCAT.contactPoint)
    publisher = said.value(iri, DCT.publisher)
    ideas = [each for each in said.values(iri, DCT.relation) if "/idea/" in each]
    workshops = {value for each in (iri, *ideas) for value in said.values(each, _GENERATED)}
    return Dataset(
        iri=iri,
        title=said.text(iri, DCT.title),
        description=said.text(iri, DCT.description),
        keywords=tuple(said.values(iri, DCAT.keyword)),
        issued=said.value(iri, DCT.issued),
        modified=said.value(iri, DCT.modified),
        record_modified=said.value(f"{iri}#{RECORD}", DCT.modified),
        themes=tuple(each for each in themes if each.iri.startswith(_EU_THEMES)),
        problems=tuple(each for each in themes if "/service-problem/" in each.iri),
        places=said.concepts(iri, DCT.spatial),
        periods=tuple(
            (said.value(each, DCAT.startDate), said.value(each, DCAT.endDate))
            for each in said.values(iri, DCT.temporal)
        ),
        languages=tuple(said.values(iri, DCT.language)),
        frequency=said.value(iri, DCT.accrualPeriodicity),
        access_rights=said.value(iri, DCT.accessRights),
        licence=said.value(iri, DCT.license),
        publisher=said.concept(publisher) if publisher else None,
        contact=said.text(contact, VCARD.fn),
        email=said.value(contact, VCARD.hasEmail).removeprefix("mailto:"),
        landing_page=said.value(iri, DCAT.landingPage),
        ideas=tuple(said.concept(each) for each in ideas if said.has(each)),
        workshops=tuple(said.concept(each) for each in sorted(workshops) if said.has(each)),
        distributions=tuple(
            _distribution(said, each) for each in said.values(iri, DCAT.distribution)
        ),
    )


_EU_THEMES = "http://publications.europa.eu/resource/authority/data-theme/"
_GENERATED = "http://www.w3.org/ns/prov#wasGeneratedBy"
_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"


def _distribution(said: Said, iri: str) -> Distribution:
    form = said.value(iri, DCT["format"])
    return Distribution(
        iri=iri,
        title=said.text(iri, DCT.title),
        description=said.text(iri, DCT.description),
        access_url=said.value(iri, DCAT.accessURL),
        download_url=said.value(iri, DCAT.downloadURL),
        media_type=said.value(iri, DCAT.mediaType).removeprefix(_MEDIA_TYPES),
        format=said.concept(form).label if form else "",
        licence=said.value(iri, DCT.license),
        size=said.value(iri, DCAT.byteSize),
    )


def codes(concepts: Iterable[Concept], kind: str) -> list[str]:
    """Return the codes of those concepts that are of a kind of our vocabulary."""
    return [each.iri.rsplit("/", 1)[1] for each in concepts if f"/{kind}/" in each.iri]


def labels(concepts: Iterable[Concept]) -> list[str]:
    """Return the labels of concepts."""
    return [each.label for each in concepts]


def without_nothing(fields: Mapping[str, object]) -> dict[str, object]:
    """Return fields without those that hold nothing."""
    return {name: value for name, value in fields.items() if value not in ("", [], (), None)}
