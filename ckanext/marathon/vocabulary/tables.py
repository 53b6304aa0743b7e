"""The authority tables as they lie in ``data/authorities/*.csv``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from . import files
from .errors import UnknownCode
from .labels import Labels, labels, pick

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept of somebody else's vocabulary.

    Attributes:
        code: its name within the scheme, e.g. ``CSV``.
        iri: unique within the scheme; ``""`` only for licences that have none.
        labels: Spanish and English.
        scheme: name of the scheme, see :func:`.authorities.schemes`.
    """

    code: str
    iri: str
    labels: Labels = field(hash=False)
    scheme: str

    def label(self, lang: str = "es") -> str:
        """Return its label in a language, else in Spanish."""
        return pick(self.labels, lang, self.code)


@dataclass(frozen=True, slots=True)
class FileType(Concept):
    """A file type of the EU; ``media_type`` is an IANA IRI or ``None``, extensions have no dot."""

    media_type: str | None
    extensions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Language(Concept):
    """A language of the EU's table; the codes are ``""`` where ISO has none."""

    iso_639_1: str
    iso_639_3: str


@dataclass(frozen=True, slots=True)
class SpokenLanguage(Concept):
    """A language spoken in Guatemala, by ISO 639-3 code.

    Attributes:
        code: ISO 639-3, e.g. ``quc``.
        iri: of Lexvo, e.g. ``http://lexvo.org/id/iso639-3/quc``.
        eu_code: nearest code of the EU's table (``MYN``, Mayan languages), ``""`` if it has none.
    """

    eu_code: str


@dataclass(frozen=True, slots=True)
class Licence(Concept):
    """A licence by CKAN's licence id.

    Attributes:
        iri: of the licence itself; ``""`` for those that name no one text ("other").
        eu_iri: the same licence in the EU's table, or ``""``.
        types: IRIs of what can be said of it (ADMS licence types).
        is_open: whether it is open, ``None`` if nobody said.
    """

    eu_iri: str
    types: tuple[str, ...]
    is_open: bool | None


@dataclass(frozen=True, slots=True)
class Scheme:
    """A vocabulary: ``iri`` is ``None`` where the table is only a choice from elsewhere."""

    name: str
    iri: str | None
    title: Labels = field(hash=False)
    concepts: tuple[Concept, ...]


class Table:
    """A scheme and every spelling by which its concepts are found."""

    def __init__(self, row: Row) -> None:
        """Read the table that a row of ``schemes.csv`` names."""
        name = row["name"]
        build = _BUILDERS.get(name, _concept)
        rows = files.data_rows(f"authorities/{row['file']}")
        concepts = tuple(build(name, each) for each in rows)
        self.scheme = Scheme(
            name, row["iri"] or None, labels(row["title_es"], row["title_en"]), concepts
        )
        self._found: dict[str, Concept] = {}
        # Codes and IRIs go first: no synonym may take the place of a code.
        for spellings in (_names, _synonyms):
            for concept, each in zip(concepts, rows, strict=True):
                for spelling in spellings(each):
                    self._found.setdefault(key(spelling), concept)

    def find(self, value: str) -> Concept | None:
        """Return the concept with this code, IRI, label or synonym."""
        return self._found.get(key(value)) if isinstance(value, str) else None


def key(spelling: str) -> str:
    """Return what two spellings of one code, label or IRI have in common.

    Case, blanks around, ``http`` or ``https``, ``www.`` and a slash at the end do not count. The
    former addresses of the EU's tables (``…/mdr/…``) count as the present ones.
    """
    found = _NOT_COUNTED.sub("", spelling.strip().casefold()).rstrip("/")
    return found.replace(_FORMER_EU, _EU, 1) if found.startswith(_FORMER_EU) else found


@lru_cache(maxsize=1)
def tables() -> dict[str, Table]:
    """Return every table by the name of its scheme, in the order of ``schemes.csv``."""
    return {row["name"]: Table(row) for row in files.data_rows("authorities/schemes.csv")}


def table(name: str) -> Table:
    """Return a table by the name of its scheme.

    Raises:
        UnknownCode: there is no such scheme.
    """
    try:
        return tables()[name]
    except (KeyError, TypeError):
        raise UnknownCode("scheme", name) from None


# Source: DCAT-AP 1.1, controlled vocabularies (the Metadata Registry's address of each table).
_FORMER_EU, _EU = "publications.europa.eu/mdr/", "publications.europa.eu/resource/"
_NOT_COUNTED = re.compile(r"^https?://(?:www\.)?")


def _names(row: Row) -> Iterable[str]:
    return (row["code"], *filter(None, (row["iri"], row.get("eu_iri"))))


def _synonyms(row: Row) -> Iterable[str]:
    extensions = row.get("extensions", "").split()
    return filter(
        None,
        (
            row["label_es"],
            row["label_en"],
            row.get("iso_639_1"),
            row.get("iso_639_3"),
            *extensions,
            *(f".{each}" for each in extensions),
            row.get("media_type"),
            (row.get("media_type") or "").partition("/media-types/")[2],
            *_split(row.get("aliases", "")),
        ),
    )


def _concept(scheme: str, row: Row) -> Concept:
    return Concept(row["code"], row["iri"], labels(row["label_es"], row["label_en"]), scheme)


def _file_type(scheme: str, row: Row) -> FileType:
    return FileType(
        row["code"],
        row["iri"],
        labels(row["label_es"], row["label_en"]),
        scheme,
        media_type=row["media_type"] or None,
        extensions=tuple(row["extensions"].split()),
    )


def _language(scheme: str, row: Row) -> Language:
    texts = labels(row["label_es"], row["label_en"])
    return Language(row["code"], row["iri"], texts, scheme, row["iso_639_1"], row["iso_639_3"])


def _spoken_language(scheme: str, row: Row) -> SpokenLanguage:
    texts = labels(row["label_es"], row["label_en"])
    return SpokenLanguage(row["code"], row["iri"], texts, scheme, row["eu_code"])


def _licence(scheme: str, row: Row) -> Licence:
    return Licence(
        row["code"],
        row["iri"],
        labels(row["label_es"], row["label_en"]),
        scheme,
        eu_iri=row["eu_iri"],
        types=tuple(f"http://purl.org/adms/licencetype/{each}" for each in _split(row["types"])),
        is_open={"yes": True, "no": False}.get(row["open"]),
    )


def _split(cell: str) -> list[str]:
    return [part for part in cell.split("|") if part]


_BUILDERS: Mapping[str, Callable[[str, Row], Concept]] = {
    "file-type": _file_type,
    "language": _language,
    "other-language": _language,
    "spoken-language": _spoken_language,
    "licence": _licence,
}
