"""Plain dataset records for the formats other than RDF, parsed from the log's descriptions.

Their values come from the RDF alone: nothing is looked up in CKAN. The module also turns Markdown
into plain text, for formats without formatting (feeds, tables, search results).
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
        self.texts: list[str] = []
        self._lists: list[int | None] = []
        self._link: tuple[str, int] | None = None

    def set_cdata_mode(self, *args: Any, **named: Any) -> None:
        """Ignore CDATA mode, so that an unclosed script does not hide the rest of a text."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in _BLOCKS:
            self._begin_block(is_inner=tag in {"ol", "ul"} and bool(self._lists))
        elif tag in _LINES:
            self.texts.append("\n")
        if tag == "ul":
            self._lists.append(None)
        elif tag == "ol":
            start = named.get("start") or "1"
            self._lists.append(int(start) if re.fullmatch(r"[0-9]{1,9}", start) else 1)
        elif tag == "li":
            self._begin_item()
        elif tag == "a":
            self._link = (named.get("href") or "", len(self.texts))
        elif tag == "img":
            self.texts.append(named.get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"ol", "ul"} and self._lists:
            self._lists.pop()
        if tag in _BLOCKS:
            self.texts.append("\n\n")
        elif tag in {"td", "th"}:
            self.texts.append(" ")
        elif tag == "a" and self._link:
            (address, start), self._link = self._link, None
            label = "".join(self.texts[start:]).strip()
            if re.match(r"(https?|ftp)://", address) and address != label:
                self.texts.append(f" ({address})" if label else address)

    def handle_data(self, data: str) -> None:
        # Blank text between the items of a list is layout of the HTML.
        if data.strip() or not self._lists:
            self.texts.append(data)

    def _begin_block(self, *, is_inner: bool) -> None:
        # A paragraph at the beginning of an item stays beside the item's number.
        if not (self.texts and _ITEM.fullmatch(self.texts[-1])):
            self.texts.append("\n" if is_inner else "\n\n")

    def _begin_item(self) -> None:
        if not self._lists:
            return
        number = self._lists[-1]
        self.texts.append("- " if number is None else f"{number}. ")
        if number is not None:
            self._lists[-1] = number + 1


def strip_markup(text: str) -> str:
    """Return the plain text of Markdown, which may have HTML.

    Paragraphs are separated by blank lines, items of lists have their numbers, and the address of a
    link follows its text.
    """
    if not _MARKED.search(text):
        return text
    reader = _Text()
    reader.feed(markdown.markdown(text, extensions=["sane_lists"]))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.texts).splitlines())
    return remove_hidden(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip())


# A text without any of these has neither Markdown nor HTML.
_MARKED = re.compile(
    r"[<&*_`\[#>\\~]|^\s*(?:[-+]|[0-9]+[.)])\s|^\s*[=-]{2,}\s*$|^(?: {4}|\t)", re.M
)


# An open end of a period in ISO 8601-2.
OPEN = ".."
# A geometry in two dimensions, as ``rdf.literals.make_geometry`` writes it.
_WKT = re.compile(r"[A-Z]+ *(\([-+.,() 0-9eE]*\))")


class Box(NamedTuple):
    """The extent of a place in degrees; a point is a box without an extent."""

    west: float
    south: float
    east: float
    north: float

    @property
    def is_point(self) -> bool:
        """Whether it has no extent."""
        return (self.west, self.south) == (self.east, self.north)

    def __str__(self) -> str:
        """Return the text for ``spatial`` of DCAT-US: of a point, latitude comes first."""
        if self.is_point:
            return f"{self.south},{self.west}"
        return f"{self.west},{self.south},{self.east},{self.north}"


def read_box(wkt: str) -> Box | None:
    """Return the extent of a geometry in WKT (longitude first); ``None`` for invalid WKT."""
    found = _WKT.fullmatch(wkt)
    points = [point.split() for point in re.sub("[()]", " ", found[1]).split(",")] if found else []
    try:
        east, north = zip(*((float(x), float(y)) for x, y in points), strict=True)
    except ValueError:
        return None
    return Box(min(east), min(north), max(east), max(north))


def list_intervals(periods: Iterable[tuple[str, str]], texts: Iterable[str] = ()) -> list[str]:
    """Return all periods as ``start/end``, ``..`` for an open end, followed by those in words.

    Source: ISO 8601-2, 4.4; schema.org, ``temporalCoverage``.
    """
    found = [f"{start or OPEN}/{end or OPEN}" for start, end in periods]
    return [*found, *texts]


def find_extent(periods: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return the earliest start and the latest end of several periods.

    Returns:
        start and end; "" for one that is open in a period, and both "" if a date is unreadable.
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
        media_type: for example ``text/csv``.
        format: label of the EU's file type, else the format as it was written.
        size: digits, in bytes.
        algorithm: algorithm of the checksum, for example ``sha256``.
        checksum: hexadecimal digits.
        issued: ISO 8601; so is ``modified``.
        rights: statements on rights, including those of the dataset.
        documentation: documents.
        conforms_to: standards.
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
    """A place with its label.

    Attributes:
        kind: ``municipality`` or ``department``; "" for other places.
        code: INE code of a municipality or department.
        box: the extent of the place, else its centre.
    """

    kind: str = ""
    code: str = ""
    box: Box | None = None


@dataclass(frozen=True)
class InventoryDataset:
    """A public dataset; unknown values are "".

    Attributes:
        issued: ISO 8601; so are ``modified`` and both ends of ``periods`` ("" is open).
        period_texts: periods in words, as they were written.
        record_modified: when the record was saved, if no date of its data is known.
        themes: EU data themes.
        problems: service problems.
        places: municipalities, departments and others.
        languages: IRIs of languages.
        frequency: a frequency of the EU's table.
        rights: statements on rights, for example a doubt about the licence.
        documentation: documents.
        conforms_to: standards.
        email: address of the contact, without ``mailto:``.
        contact_page: web address of the contact.
        distributions: files and services, in the order of the record.
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
    """Return the datasets in lines of N-Triples.

    Args:
        lines: N-Triples of datasets and of the neighbours that they name.
        language: preferred language of texts.
        vocabulary: start of the IRIs of the site's concepts.
        base: start of the IRIs of the site's records.
    """
    statements = Statements(lines, language, base)
    found = {iri for kind in CLASSES for iri in statements.subjects(str(kind))}
    return [_dataset(statements, iri, vocabulary) for iri in sorted(found)]


# Classes of the objects of ``dcat:dataset``; profiles of ckanext-dcat do not add ``dcat:Dataset``
# to a series.
CLASSES = (DCAT.Dataset, DCAT.DatasetSeries)


def _contact(statements: Statements, iri: str) -> str:
    """Return the first contact that has an e-mail address, else the first.

    data.json has room for one contact, and DCAT-US requires its address.
    """
    contacts = statements.values(iri, DCAT.contactPoint)
    with_mail = (node for node in contacts if statements.value(node, VCARD.hasEmail))
    return next(with_mail, contacts[0] if contacts else "")


def _dataset(statements: Statements, iri: str, vocabulary: str) -> InventoryDataset:
    themes = statements.concepts(iri, DCAT.theme)
    contact = _contact(statements, iri)
    publisher, licence = statements.value(iri, DCT.publisher), statements.value(iri, DCT.license)
    frequency = statements.value(iri, DCT.accrualPeriodicity)
    periods = statements.values(iri, DCT.temporal)
    ends = [
        (statements.value(period, DCAT.startDate), statements.value(period, DCAT.endDate))
        for period in periods
    ]
    ideas = [related for related in statements.values(iri, DCT.relation) if "/idea/" in related]
    workshops = {
        value for origin in (iri, *ideas) for value in statements.values(origin, _GENERATED)
    }
    return InventoryDataset(
        iri=iri,
        title=statements.text(iri, DCT.title),
        description=statements.text(iri, DCT.description),
        keywords=tuple(statements.values(iri, DCAT.keyword)),
        issued=statements.value(iri, DCT.issued),
        modified=statements.value(iri, DCT.modified),
        record_modified=statements.value(statements.record_of(iri), DCT.modified),
        themes=tuple(theme for theme in themes if theme.iri.startswith(_EU_THEMES)),
        problems=tuple(
            theme for theme in themes if find_concept_code(theme.iri, PROBLEM, vocabulary)
        ),
        places=tuple(
            _place(statements, place, vocabulary) for place in statements.concepts(iri, DCT.spatial)
        ),
        periods=tuple(dict.fromkeys(filter(any, ends))),
        period_texts=tuple(
            filter(None, (statements.text(period, RDFS.label) for period in periods))
        ),
        languages=tuple(statements.values(iri, DCT.language)),
        frequency=statements.concept(frequency) if frequency else None,
        access_rights=statements.value(iri, DCT.accessRights),
        licence=statements.concept(licence) if licence else None,
        rights=statements.statements(iri, DCT.rights),
        documentation=statements.concepts(iri, FOAF.page),
        conforms_to=statements.concepts(iri, DCT.conformsTo),
        version=statements.text(iri, DCAT.version),
        creators=statements.concepts(iri, DCT.creator),
        publisher=statements.concept(publisher) if publisher else None,
        contact=statements.text(contact, VCARD.fn),
        email=read_mail_address(statements.value(contact, VCARD.hasEmail)),
        contact_page=statements.value(contact, VCARD.hasURL),
        landing_page=statements.value(iri, DCAT.landingPage),
        ideas=tuple(statements.concept(idea) for idea in ideas if statements.has(idea)),
        workshops=tuple(
            statements.concept(workshop)
            for workshop in sorted(workshops)
            if statements.has(workshop)
        ),
        distributions=tuple(
            _distribution(statements, node) for node in statements.in_order(iri, DCAT.distribution)
        ),
    )


_EU_THEMES = "http://publications.europa.eu/resource/authority/data-theme/"
_GENERATED = "http://www.w3.org/ns/prov#wasGeneratedBy"
_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"


def _place(statements: Statements, place: StatedConcept, vocabulary: str) -> InventoryPlace:
    found = {
        kind: find_concept_code(place.iri, kind, vocabulary)
        for kind in ("municipality", "department")
    }
    kind = next((kind for kind, code in found.items() if code), "")
    shapes = (statements.value(place.iri, predicate) for predicate in (DCAT.bbox, DCAT.centroid))
    box = next(filter(None, map(read_box, shapes)), None)
    code = found.get(kind, "")
    return InventoryPlace(place.iri, place.label, place.is_inner, kind=kind, code=code, box=box)


def _distribution(statements: Statements, iri: str) -> InventoryDistribution:
    form, checksum = statements.value(iri, DCT["format"]), statements.value(iri, SPDX.checksum)
    licence = statements.value(iri, DCT.license)
    algorithm = statements.value(checksum, SPDX.algorithm).rpartition("_")[2]
    return InventoryDistribution(
        iri=iri,
        title=statements.text(iri, DCT.title),
        description=statements.text(iri, DCT.description),
        access_url=statements.value(iri, DCAT.accessURL),
        download_url=statements.value(iri, DCAT.downloadURL),
        media_type=statements.value(iri, DCAT.mediaType).removeprefix(_MEDIA_TYPES),
        format=statements.text(iri, DC["format"])
        or (statements.concept(form).label if form else ""),
        licence=statements.concept(licence) if licence else None,
        size=statements.value(iri, DCAT.byteSize),
        algorithm=algorithm,
        checksum=statements.value(checksum, SPDX.checksumValue),
        issued=statements.value(iri, DCT.issued),
        modified=statements.value(iri, DCT.modified),
        rights=statements.statements(iri, DCT.rights),
        documentation=statements.concepts(iri, FOAF.page),
        conforms_to=statements.concepts(iri, DCT.conformsTo),
    )


def find_concept_code(iri: str, kind: str, vocabulary: str) -> str:
    """Return the code of a concept of one of the site's vocabularies, "" for any other IRI.

    Only the start of an IRI decides: another site's concept may end in the same code.
    """
    start = f"{vocabulary}/{kind}/"
    code = iri.removeprefix(start)
    return code if iri.startswith(start) and "/" not in code else ""


def list_labels(concepts: Iterable[StatedConcept]) -> list[str]:
    """Return the labels of concepts, each once, without empty ones."""
    return [*filter(None, dict.fromkeys(concept.label for concept in concepts))]


def list_language_codes(iris: Iterable[str]) -> list[str]:
    """Return the ISO 639-1 codes of languages; ISO 639-3 where there is none (RFC 5646)."""
    found = [authorities.find_language(iri) for iri in iris]
    return [
        *dict.fromkeys(language.iso_639_1 or language.iso_639_3 for language in found if language)
    ]


def drop_empty(fields: Mapping[str, object]) -> dict[str, object]:
    """Return fields without empty values."""
    return {name: value for name, value in fields.items() if value not in ("", [], (), None)}
