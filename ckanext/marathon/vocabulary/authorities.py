"""Authority tables of the EU and others, which DCAT-AP requires: concepts with IRI and labels.

The tables are in ``data/authorities/*.csv``. The functions that find a concept accept any usual
spelling (code, IRI, label …) and return the concept or ``None``. ``docs/vocabulary.md`` has the
sources of the rows, and doubts.

Sources: DCAT-AP 3.0.1, controlled vocabularies (which vocabulary belongs to which property);
creativecommons.org, whose licences have a text (``legalcode``) and a summary (``deed``) in many
languages at addresses below that of the licence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

from ckanext.marathon.vocabulary import codes
from ckanext.marathon.vocabulary.codes import Labels, UnknownCode, make_labels, pick_label

_TEXT = re.compile(
    r"(https?://(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/[a-z-]+/[0-9.]+)/?"
    r"(?:(?:deed|legalcode)(?:\.[a-z_-]+)?)?/?(?:[?#].*)?",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"CC[ _-]?(0|BY(?:[ _-]SA)?)[ _-]v?([0-9]\.[0-9])"
    r"(?:[ _-](?:International|Internacional|Universal))?",
    re.IGNORECASE,
)
_ID = re.compile(r"cc-by(?:-sa)?", re.IGNORECASE)


def normalize_licence_name(written: str) -> str:
    """Return the address of a licence for that of its text, or the SPDX id for its short name.

    ``…/by/4.0/deed.es`` becomes ``…/by/4.0``, and ``CC BY 4.0`` becomes ``CC-BY-4.0``; any other
    text is returned unchanged.
    """
    text = written.strip()
    if address := _TEXT.fullmatch(text):
        return address[1]
    if name := _NAME.fullmatch(text):
        short = "CC0" if name[1] == "0" else "CC-" + re.sub("[ _]", "-", name[1])
        return f"{short}-{name[2]}"
    return written


def is_licence_without_version(written: object) -> bool:
    """Return whether a text is an id of CKAN without a version (``cc-by``, ``cc-by-sa``)."""
    return isinstance(written, str) and bool(_ID.fullmatch(written.strip()))


Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AuthorityConcept:
    """A concept of an authority table.

    Attributes:
        code: code within the scheme, e.g. ``CSV``.
        iri: unique within the scheme; ``""`` for some licences.
        labels: Spanish and English.
        scheme: name of the scheme, as :func:`get_scheme` takes it.
    """

    code: str
    iri: str
    labels: Labels = field(hash=False)
    scheme: str

    def label(self, lang: str = "es") -> str:
        """Return the label in a language, else in Spanish."""
        return pick_label(self.labels, lang, self.code)


@dataclass(frozen=True, slots=True)
class FileType(AuthorityConcept):
    """A file type of the EU's table; ``media_type`` is an IANA IRI, extensions have no dot."""

    media_type: str | None
    extensions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Language(AuthorityConcept):
    """A language of the EU's table; a code is ``""`` if ISO has none."""

    iso_639_1: str
    iso_639_3: str


@dataclass(frozen=True, slots=True)
class SpokenLanguage(AuthorityConcept):
    """A language spoken in Guatemala, by ISO 639-3 code.

    Attributes:
        code: ISO 639-3, e.g. ``quc``.
        iri: IRI of Lexvo, e.g. ``http://lexvo.org/id/iso639-3/quc``.
        eu_code: nearest code in the EU's table (``MYN``, Mayan languages), ``""`` for none.
    """

    eu_code: str


@dataclass(frozen=True, slots=True)
class Licence(AuthorityConcept):
    """A licence by CKAN's licence id.

    Attributes:
        iri: IRI of the licence; ``""`` for a group of licences ("other").
        eu_iri: IRI of the licence in the EU's table, or ``""``.
        types: IRIs of its ADMS licence types.
        is_open: whether the licence is open, ``None`` if that is not known.
    """

    eu_iri: str
    types: tuple[str, ...]
    is_open: bool | None


@dataclass(frozen=True, slots=True)
class Scheme:
    """A vocabulary; ``iri`` is ``None`` if the table is only a selection of another one."""

    name: str
    iri: str | None
    title: Labels = field(hash=False)
    concepts: tuple[AuthorityConcept, ...]


class AuthorityTable:
    """A scheme, and an index of the spellings of its concepts."""

    def __init__(self, row: Row) -> None:
        """Read the table in a row of ``schemes.csv``."""
        name = row["name"]
        build = _BUILDERS.get(name, _concept)
        rows = codes.read_data_rows(f"authorities/{row['file']}")
        concepts = tuple(build(name, entry) for entry in rows)
        self.scheme = Scheme(
            name, row["iri"] or None, make_labels(row["title_es"], row["title_en"]), concepts
        )
        self._found: dict[str, AuthorityConcept] = {}
        # Codes and IRIs come first, so that no synonym replaces a code.
        for spellings in (_names, _synonyms):
            for concept, entry in zip(concepts, rows, strict=True):
                for spelling in spellings(entry):
                    self._found.setdefault(normalize_spelling(spelling), concept)

    def find(self, value: object) -> AuthorityConcept | None:
        """Return the concept with this code, IRI, label or synonym."""
        return self._found.get(normalize_spelling(value)) if isinstance(value, str) else None


def normalize_spelling(spelling: str) -> str:
    """Return a text that is equal for all spellings of a code, label or IRI.

    Case, blanks around, ``http`` or ``https``, ``www.`` and a slash at the end are ignored. The
    former addresses of the EU's tables (``…/mdr/…``) become the present ones.
    """
    found = _NOT_COUNTED.sub("", spelling.strip().casefold()).rstrip("/")
    return found.replace(_FORMER_EU, _EU, 1) if found.startswith(_FORMER_EU) else found


@lru_cache(maxsize=1)
def read_tables() -> dict[str, AuthorityTable]:
    """Return name of the scheme → table, in the order of ``schemes.csv``."""
    return {
        row["name"]: AuthorityTable(row) for row in codes.read_data_rows("authorities/schemes.csv")
    }


def get_table(name: str) -> AuthorityTable:
    """Return a table by the name of its scheme.

    Raises:
        UnknownCode: there is no such scheme.
    """
    try:
        return read_tables()[name]
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
            *(f".{extension}" for extension in extensions),
            row.get("media_type"),
            (row.get("media_type") or "").partition("/media-types/")[2],
            *_split(row.get("aliases", "")),
        ),
    )


def _concept(scheme: str, row: Row) -> AuthorityConcept:
    return AuthorityConcept(
        row["code"], row["iri"], make_labels(row["label_es"], row["label_en"]), scheme
    )


def _file_type(scheme: str, row: Row) -> FileType:
    return FileType(
        row["code"],
        row["iri"],
        make_labels(row["label_es"], row["label_en"]),
        scheme,
        media_type=row["media_type"] or None,
        extensions=tuple(row["extensions"].split()),
    )


def _language(scheme: str, row: Row) -> Language:
    texts = make_labels(row["label_es"], row["label_en"])
    return Language(row["code"], row["iri"], texts, scheme, row["iso_639_1"], row["iso_639_3"])


def _spoken_language(scheme: str, row: Row) -> SpokenLanguage:
    texts = make_labels(row["label_es"], row["label_en"])
    return SpokenLanguage(row["code"], row["iri"], texts, scheme, row["eu_code"])


def _licence(scheme: str, row: Row) -> Licence:
    return Licence(
        row["code"],
        row["iri"],
        make_labels(row["label_es"], row["label_en"]),
        scheme,
        eu_iri=row["eu_iri"],
        types=tuple(f"http://purl.org/adms/licencetype/{iri}" for iri in _split(row["types"])),
        is_open={"yes": True, "no": False}.get(row["open"]),
    )


def _split(cell: str) -> list[str]:
    return [part for part in cell.split("|") if part]


_BUILDERS: Mapping[str, Callable[[str, Row], AuthorityConcept]] = {
    "file-type": _file_type,
    "language": _language,
    "other-language": _language,
    "spoken-language": _spoken_language,
    "licence": _licence,
}


_IANA = re.compile(
    r"https?://(?:www\.)?iana\.org/assignments/media-types/([a-z]+/[a-z0-9][a-z0-9!#$&^_.+-]{0,126})",
    re.IGNORECASE,
)

_TAG = re.compile(r"([A-Za-z]{2,3})[-_][A-Za-z0-9_-]{2,}")
# IRIs of languages of the Library of Congress and of Lexvo.
_LANGUAGE = re.compile(
    r"https?://(?:id\.loc\.gov/vocabulary/iso639-[1-5]|(?:www\.)?lexvo\.org/id/iso639-[1-5])"
    r"/([a-z]{2,3})(?:-[a-z0-9-]+)?/?",
    re.IGNORECASE,
)
# A duration of ISO 8601, also as a repeating interval.
_INTERVAL = re.compile(r"(?:R/)?(P[0-9YMWDTHS.]{2,40})", re.IGNORECASE)
_ZERO = re.compile(r"(?<![0-9.])0+[YMWDHS]")
# Library codes of ISO 639-2 that differ from those of ISO 639-3.
_BIBLIOGRAPHIC: dict[str, str] = dict(
    re.findall(
        r"(\w+):(\w+)",
        "alb:sqi arm:hye baq:eus bur:mya chi:zho cze:ces dut:nld fre:fra geo:kat ger:deu gre:ell "
        "ice:isl mac:mkd mao:mri may:msa per:fas rum:ron slo:slk tib:bod wel:cym",
    )
)
# A file type with the EU's address or the prefix of the OGC before its code.
_FILE_TYPE = re.compile(
    r"(?:https?://publications\.europa\.eu/resource/authority/file-type/|OGC[:_ -])(\w+)",
    re.IGNORECASE,
)


def get_scheme(name: str) -> Scheme:
    """Return a scheme by name, e.g. ``data-theme``.

    Raises:
        UnknownCode: there is no such scheme.
    """
    return get_table(name).scheme


def find_concept(scheme: str, value: str) -> AuthorityConcept | None:
    """Return the concept of a scheme with a spelling, by the scheme's own function.

    Raises:
        UnknownCode: there is no such scheme.
    """
    if scheme == "language":
        return find_language(value)
    if scheme == "spoken-language":
        return find_spoken_language(value)
    if scheme == "file-type":
        return find_file_type(value)
    if scheme == "frequency":
        return find_frequency(value)
    return get_table(scheme).find(value)


def find_theme(value: object) -> AuthorityConcept | None:
    """Return an EU data theme by code, IRI or label."""
    return get_table("data-theme").find(value)


def find_file_type(value: object) -> FileType | None:
    """Return an EU file type.

    Args:
        value: code, IRI, CKAN format, extension with or without dot, or media type (parameters are
            ignored: ``text/csv; charset=utf-8``).
    """
    if not isinstance(value, str):
        return None
    without_parameters = value.partition(";")[0]
    found = get_table("file-type").find(without_parameters)
    if found is None and (named := _FILE_TYPE.fullmatch(without_parameters.strip())):
        found = get_table("file-type").find(named[1])
    return cast("FileType | None", found)


def find_media_type_iri(value: str) -> str | None:
    """Return the IANA IRI of a media type.

    Args:
        value: as for :func:`find_file_type`; or an IRI of IANA, which need not be in the table.

    Returns:
        ``None`` if the type is not registered with IANA or not in the table.
    """
    if given := read_iana_name(value):
        return f"https://www.iana.org/assignments/media-types/{given}"
    found = find_file_type(value)
    return found.media_type if found else None


def read_iana_name(value: object) -> str:
    """Return the media type in an IRI of IANA (``text/csv``), ``""`` for another value."""
    given = _IANA.fullmatch(value.strip()) if isinstance(value, str) else None
    return given[1] if given else ""


def find_language(value: str) -> Language | None:
    """Return a language of the EU's table.

    Args:
        value: EU code, IRI, label, ISO 639-1 or -3 code, language tag or CKAN locale
            (``es_GT``, ``es-419``), IRI of the Library of Congress or Lexvo.

    Returns:
        the language. For any Mayan language it is ``MYN`` (Mayan languages), because the table does
        not have them singly. ``None`` for languages that are not in the table (Garifuna, Xinka).
    """
    found = get_table("language").find(_read_primary_language(value))
    if found is None:
        spoken = find_spoken_language(value)
        found = get_table("language").find(spoken.eu_code) if spoken and spoken.eu_code else None
    return cast("Language | None", found)


def find_other_language(value: str) -> Language | None:
    """Return a language of the EU's table that forms do not offer, for harvested datasets.

    Args:
        value: a spelling as for :func:`find_language`.
    """
    return cast("Language | None", get_table("other-language").find(_read_primary_language(value)))


def find_spoken_language(value: str) -> SpokenLanguage | None:
    """Return a language spoken in Guatemala by ISO 639-3 code, label, IRI or language tag."""
    return cast(
        "SpokenLanguage | None", get_table("spoken-language").find(_read_primary_language(value))
    )


def find_frequency(value: object) -> AuthorityConcept | None:
    """Return an EU frequency by code, IRI or label.

    Other spellings are a duration or repeating interval of ISO 8601 (``P1Y``, ``R/P1Y`` in
    data.json, ``P0Y3M0D``), and terms of the Collection Description frequency vocabulary
    (``http://purl.org/cld/freq/annual``), of SDMX, and of INSPIRE's maintenance frequencies
    (``asNeeded``, from ISO 19115).
    """
    found = get_table("frequency").find(value)
    if (
        found is None
        and isinstance(value, str)
        and (interval := _INTERVAL.fullmatch(value.strip()))
    ):
        parts = _ZERO.sub("", interval[1].upper())
        found = get_table("frequency").find("R/" + parts.removesuffix("T"))
    return found


def find_availability(value: str) -> AuthorityConcept | None:
    """Return an EU planned availability by code, IRI (also of DCAT-AP 2) or label."""
    return get_table("planned-availability").find(value)


def find_access_right(value: str) -> AuthorityConcept | None:
    """Return an EU access right (public, restricted, non-public) by code, IRI or label."""
    return get_table("access-right").find(value)


def find_distribution_status(value: object) -> AuthorityConcept | None:
    """Return an EU distribution status by code, IRI (also the ADMS status) or label."""
    return get_table("distribution-status").find(value)


def find_licence(value: object) -> Licence | None:
    """Return a licence by CKAN licence id, SPDX id, IRI (its own or the EU's) or title.

    Other spellings are the address of its text or summary in any language (``…/by/4.0/deed.es``),
    and its short name with a version (``CC BY 4.0``).
    """
    found = get_table("licence").find(value)
    if found is None and isinstance(value, str):
        found = get_table("licence").find(normalize_licence_name(value))
    return cast("Licence | None", found)


def find_stated_licence(value: str) -> Licence | None:
    """Return the licence of another catalogue; as :func:`find_licence`, except for CKAN's ids.

    ``cc-by`` and ``cc-by-sa`` have no version. On this site they mean 4.0, but in another catalogue
    they may mean any version.
    """
    return None if is_licence_without_version(value) else find_licence(value)


def find_licence_type(value: str) -> AuthorityConcept | None:
    """Return an ADMS licence type by code, IRI or label."""
    return get_table("licence-type").find(value)


def find_publisher_type(value: str) -> AuthorityConcept | None:
    """Return an ADMS publisher type by code, IRI, label or organisation role.

    The role ``other_public_body`` is too general and has no type.
    """
    return get_table("publisher-type").find(value)


def find_country(value: object) -> AuthorityConcept | None:
    """Return Guatemala in the EU's country table, by code, IRI, ``GT`` or GeoNames IRI."""
    return get_table("country").find(value)


def _read_primary_language(value: object) -> str:
    """Return the code in a tag like ``es_GT`` or in an IRI of a language; other text unchanged."""
    text = value.strip() if isinstance(value, str) else ""
    tag = _TAG.fullmatch(text) or _LANGUAGE.fullmatch(text)
    code = tag[1] if tag else value
    return _BIBLIOGRAPHIC.get(code.lower(), code) if isinstance(code, str) else ""
