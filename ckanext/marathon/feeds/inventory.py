"""Plain dataset records for the formats other than RDF, parsed from the log's descriptions.

They have what the RDF has: nothing is looked up in CKAN. Markdown becomes plain text here, for what
shows no formatting: feeds, tables, descriptions to search.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, NamedTuple

import markdown

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.texts import remove_hidden
from ckanext.marathon.feeds.triples import StatedConcept, Statements
from ckanext.marathon.rdf.facts import read_mail_address
from ckanext.marathon.rdf.namespaces import (
    DC,
    DCAT,
    DCT,
    FOAF,
    RDFS,
    SPDX,
    VCARD,
)
from ckanext.marathon.vocabulary import authorities
from ckanext.marathon.vocabulary.problems import KIND as PROBLEM

_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figure"),
        *("footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol"),
        *("p", "pre", "section", "table", "ul"),
    }
)
_ITEM = re.compile(r"- |[0-9]+\. ")
_LINES = frozenset({"br", "li", "tr"})


class _Text(HTMLParser):
    """The visible text of HTML, line by line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.told: list[str] = []
        self._lists: list[int | None] = []
        self._link: tuple[str, int] | None = None

    def set_cdata_mode(self, *args: Any, **named: Any) -> None:
        """Ignore CDATA mode, so that an unclosed script does not hide the rest of a text."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in _BLOCKS:
            self._begin_block(is_inner=tag in {"ol", "ul"} and bool(self._lists))
        elif tag in _LINES:
            self.told.append("\n")
        if tag == "ul":
            self._lists.append(None)
        elif tag == "ol":
            start = named.get("start") or "1"
            self._lists.append(int(start) if re.fullmatch(r"[0-9]{1,9}", start) else 1)
        elif tag == "li":
            self._begin_item()
        elif tag == "a":
            self._link = (named.get("href") or "", len(self.told))
        elif tag == "img":
            self.told.append(named.get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"ol", "ul"} and self._lists:
            self._lists.pop()
        if tag in _BLOCKS:
            self.told.append("\n\n")
        elif tag in {"td", "th"}:
            self.told.append(" ")
        elif tag == "a" and self._link:
            (address, start), self._link = self._link, None
            label = "".join(self.told[start:]).strip()
            if re.match(r"(https?|ftp)://", address) and address != label:
                self.told.append(f" ({address})" if label else address)

    def handle_data(self, data: str) -> None:
        # Between the items of a list there is nothing but line breaks.
        if data.strip() or not self._lists:
            self.told.append(data)

    def _begin_block(self, *, is_inner: bool) -> None:
        # A paragraph that an item begins with stays beside its number.
        if not (self.told and _ITEM.fullmatch(self.told[-1])):
            self.told.append("\n" if is_inner else "\n\n")

    def _begin_item(self) -> None:
        if not self._lists:
            return
        number = self._lists[-1]
        self.told.append("- " if number is None else f"{number}. ")
        if number is not None:
            self._lists[-1] = number + 1


def strip_markup(text: str) -> str:
    """Return a text that may hold Markdown and HTML as a reader sees it, without either.

    Paragraphs stay apart, items of lists keep their numbers, and links their addresses.
    """
    if not _MARKED.search(text):
        return text
    reader = _Text()
    reader.feed(markdown.markdown(text, extensions=["sane_lists"]))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.told).splitlines())
    return remove_hidden(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip())


# One of these is in whatever Markdown or HTML would change.
_MARKED = re.compile(
    r"[<&*_`\[#>\\~]|^\s*(?:[-+]|[0-9]+[.)])\s|^\s*[=-]{2,}\s*$|^(?: {4}|\t)", re.M
)


# How ISO 8601-2 writes an end that is open.
OPEN = ".."
# One kind of shape, in two dimensions, as ``rdf.literals.geometry`` writes it.
_WKT = re.compile(r"[A-Z]+ *(\([-+.,() 0-9eE]*\))")


class Box(NamedTuple):
    """Where a place is, in degrees; a point is a box without an extent."""

    west: float
    south: float
    east: float
    north: float

    @property
    def is_point(self) -> bool:
        """Whether it has no extent."""
        return (self.west, self.south) == (self.east, self.north)

    def __str__(self) -> str:
        """Return longitude and latitude as DCAT-US wants them, of a point latitude first."""
        if self.is_point:
            return f"{self.south},{self.west}"
        return f"{self.west},{self.south},{self.east},{self.north}"


def read_box(wkt: str) -> Box | None:
    """Return the extent of a shape in WKT, longitude first; ``None`` for invalid WKT."""
    found = _WKT.fullmatch(wkt)
    points = [point.split() for point in re.sub("[()]", " ", found[1]).split(",")] if found else []
    try:
        east, north = zip(*((float(x), float(y)) for x, y in points), strict=True)
    except ValueError:
        return None
    return Box(min(east), min(north), max(east), max(north))


def list_intervals(periods: Iterable[tuple[str, str]], texts: Iterable[str] = ()) -> list[str]:
    """Return all periods in the order of the record, ``..`` for an open end, then those in words.

    Source: ISO 8601-2, 4.4; schema.org, ``temporalCoverage``.
    """
    found = [f"{start or OPEN}/{end or OPEN}" for start, end in periods]
    return [*found, *texts]


def find_extent(periods: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return the earliest start and the latest end of several periods.

    Returns:
        The earliest start and the latest end, "" for an end that is open in one of them, or of
        which it is not known which is the last.
    """
    starts, ends = zip(*periods, strict=True) if (periods := [*periods]) else ((), ())
    try:
        return (
            min(starts, key=dates.find_first_instant) if starts and all(starts) else "",
            max(ends, key=dates.find_last_instant) if ends and all(ends) else "",
        )
    except ValueError:
        return "", ""


@dataclass(frozen=True)
class InventoryDistribution:
    """A file or service of a dataset; unknown values are "".

    Attributes:
        media_type: as ``text/csv``.
        format: the EU's label, else the word that was written.
        size: in bytes.
        algorithm: of the checksum, as ``sha256``.
        checksum: hexadecimal digits.
        issued: ISO 8601, as ``modified``.
        rights: what is said of them, the dataset's among it.
        documentation: documents, as ``conforms_to`` standards.
    """

    iri: str
    title: str
    description: str
    access_url: str
    download_url: str
    media_type: str
    format: str
    licence: StatedConcept | None
    size: str
    algorithm: str
    checksum: str
    issued: str
    modified: str
    rights: tuple[str, ...]
    documentation: tuple[StatedConcept, ...]
    conforms_to: tuple[StatedConcept, ...]


@dataclass(frozen=True)
class InventoryPlace(StatedConcept):
    """A place with its label; of our vocabulary also its kind (``municipality``) and code.

    Attributes:
        box: where it is: its extent, else its centre.
    """

    kind: str = ""
    code: str = ""
    box: Box | None = None


@dataclass(frozen=True)
class InventoryDataset:
    """A public dataset; unknown values are "".

    Attributes:
        issued: ISO 8601, as ``modified`` and both ends of ``periods``, of which "" is open.
        period_texts: periods that are no dates, as they were written.
        record_modified: when the record was saved, where no date is known of its data.
        themes: of the EU's table.
        problems: service problems.
        places: municipalities, departments and others.
        frequency: of the EU's table.
        licence: as ``publisher``, with a name.
        rights: what is said of them, a doubt about the licence for example.
        documentation: documents, as ``conforms_to`` standards.
        email: without ``mailto:``.
        contact_page: address at which the contact is reached.
        distributions: in the order in which people put them.
    """

    iri: str
    title: str
    description: str
    keywords: tuple[str, ...]
    issued: str
    modified: str
    record_modified: str
    themes: tuple[StatedConcept, ...]
    problems: tuple[StatedConcept, ...]
    places: tuple[InventoryPlace, ...]
    periods: tuple[tuple[str, str], ...]
    period_texts: tuple[str, ...]
    languages: tuple[str, ...]
    frequency: StatedConcept | None
    access_rights: str
    licence: StatedConcept | None
    rights: tuple[str, ...]
    documentation: tuple[StatedConcept, ...]
    conforms_to: tuple[StatedConcept, ...]
    version: str
    creators: tuple[StatedConcept, ...]
    publisher: StatedConcept | None
    contact: str
    email: str
    contact_page: str
    landing_page: str
    ideas: tuple[StatedConcept, ...]
    workshops: tuple[StatedConcept, ...]
    distributions: tuple[InventoryDistribution, ...]


def parse_inventory(
    lines: Iterable[bytes], language: str, vocabulary: str, base: str
) -> Sequence[InventoryDataset]:
    """Return the datasets that lines of N-Triples describe, with the neighbours that they name.

    Args:
        lines: as the log gives them for a page.
        language: of texts where there are several.
        vocabulary: start of the IRIs of our concepts, by which alone they are known.
        base: start of the IRIs of our records.
    """
    said = Statements(lines, language, base)
    found = {iri for kind in CLASSES for iri in said.subjects(str(kind))}
    return [_dataset(said, iri, vocabulary) for iri in sorted(found)]


# Of what a catalogue has as ``dcat:dataset``; profiles give a series its own class alone.
CLASSES = (DCAT.Dataset, DCAT.DatasetSeries)


def _contact(said: Statements, iri: str) -> str:
    """Return the first contact that has an e-mail address, else the first.

    Only one can be said in data.json, and DCAT-US requires its address.
    """
    contacts = said.values(iri, DCAT.contactPoint)
    with_mail = (node for node in contacts if said.value(node, VCARD.hasEmail))
    return next(with_mail, contacts[0] if contacts else "")


def _dataset(said: Statements, iri: str, vocabulary: str) -> InventoryDataset:
    themes = said.concepts(iri, DCAT.theme)
    contact = _contact(said, iri)
    publisher, licence = said.value(iri, DCT.publisher), said.value(iri, DCT.license)
    frequency = said.value(iri, DCT.accrualPeriodicity)
    periods = said.values(iri, DCT.temporal)
    ends = [
        (said.value(period, DCAT.startDate), said.value(period, DCAT.endDate)) for period in periods
    ]
    ideas = [related for related in said.values(iri, DCT.relation) if "/idea/" in related]
    workshops = {value for origin in (iri, *ideas) for value in said.values(origin, _GENERATED)}
    return InventoryDataset(
        iri=iri,
        title=said.text(iri, DCT.title),
        description=said.text(iri, DCT.description),
        keywords=tuple(said.values(iri, DCAT.keyword)),
        issued=said.value(iri, DCT.issued),
        modified=said.value(iri, DCT.modified),
        record_modified=said.value(said.record_of(iri), DCT.modified),
        themes=tuple(theme for theme in themes if theme.iri.startswith(_EU_THEMES)),
        problems=tuple(
            theme for theme in themes if find_concept_code(theme.iri, PROBLEM, vocabulary)
        ),
        places=tuple(_place(said, place, vocabulary) for place in said.concepts(iri, DCT.spatial)),
        periods=tuple(dict.fromkeys(filter(any, ends))),
        period_texts=tuple(filter(None, (said.text(period, RDFS.label) for period in periods))),
        languages=tuple(said.values(iri, DCT.language)),
        frequency=said.concept(frequency) if frequency else None,
        access_rights=said.value(iri, DCT.accessRights),
        licence=said.concept(licence) if licence else None,
        rights=said.statements(iri, DCT.rights),
        documentation=said.concepts(iri, FOAF.page),
        conforms_to=said.concepts(iri, DCT.conformsTo),
        version=said.text(iri, DCAT.version),
        creators=said.concepts(iri, DCT.creator),
        publisher=said.concept(publisher) if publisher else None,
        contact=said.text(contact, VCARD.fn),
        email=read_mail_address(said.value(contact, VCARD.hasEmail)),
        contact_page=said.value(contact, VCARD.hasURL),
        landing_page=said.value(iri, DCAT.landingPage),
        ideas=tuple(said.concept(idea) for idea in ideas if said.has(idea)),
        workshops=tuple(
            said.concept(workshop) for workshop in sorted(workshops) if said.has(workshop)
        ),
        distributions=tuple(
            _distribution(said, node) for node in said.in_order(iri, DCAT.distribution)
        ),
    )


_EU_THEMES = "http://publications.europa.eu/resource/authority/data-theme/"
_GENERATED = "http://www.w3.org/ns/prov#wasGeneratedBy"
_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"


def _place(said: Statements, place: StatedConcept, vocabulary: str) -> InventoryPlace:
    found = {
        kind: find_concept_code(place.iri, kind, vocabulary)
        for kind in ("municipality", "department")
    }
    kind = next((kind for kind, code in found.items() if code), "")
    shapes = (said.value(place.iri, predicate) for predicate in (DCAT.bbox, DCAT.centroid))
    box = next(filter(None, map(read_box, shapes)), None)
    code = found.get(kind, "")
    return InventoryPlace(place.iri, place.label, place.is_inner, kind=kind, code=code, box=box)


def _distribution(said: Statements, iri: str) -> InventoryDistribution:
    form, checksum = said.value(iri, DCT["format"]), said.value(iri, SPDX.checksum)
    licence = said.value(iri, DCT.license)
    algorithm = said.value(checksum, SPDX.algorithm).rpartition("_")[2]
    return InventoryDistribution(
        iri=iri,
        title=said.text(iri, DCT.title),
        description=said.text(iri, DCT.description),
        access_url=said.value(iri, DCAT.accessURL),
        download_url=said.value(iri, DCAT.downloadURL),
        media_type=said.value(iri, DCAT.mediaType).removeprefix(_MEDIA_TYPES),
        format=said.text(iri, DC["format"]) or (said.concept(form).label if form else ""),
        licence=said.concept(licence) if licence else None,
        size=said.value(iri, DCAT.byteSize),
        algorithm=algorithm,
        checksum=said.value(checksum, SPDX.checksumValue),
        issued=said.value(iri, DCT.issued),
        modified=said.value(iri, DCT.modified),
        rights=said.statements(iri, DCT.rights),
        documentation=said.concepts(iri, FOAF.page),
        conforms_to=said.concepts(iri, DCT.conformsTo),
    )


def find_concept_code(iri: str, kind: str, vocabulary: str) -> str:
    """Return the code of a concept of one of our vocabularies, "" for any other IRI.

    Others have addresses that end like ours: only where they start tells them apart.
    """
    start = f"{vocabulary}/{kind}/"
    code = iri.removeprefix(start)
    return code if iri.startswith(start) and "/" not in code else ""


def list_labels(concepts: Iterable[StatedConcept]) -> list[str]:
    """Return the labels of concepts, each once: two places may share a name, or have none."""
    return [*filter(None, dict.fromkeys(concept.label for concept in concepts))]


def list_language_codes(iris: Iterable[str]) -> list[str]:
    """Return the ISO 639-1 codes of languages, else those of ISO 639-3, as RFC 5646 wants them."""
    found = [authorities.find_language(iri) for iri in iris]
    return [
        *dict.fromkeys(language.iso_639_1 or language.iso_639_3 for language in found if language)
    ]


def drop_empty(fields: Mapping[str, object]) -> dict[str, object]:
    """Return fields without those that hold nothing."""
    return {name: value for name, value in fields.items() if value not in ("", [], (), None)}
