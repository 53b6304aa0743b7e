"""Other people's vocabularies that DCAT-AP asks for: small tables with IRI, labels and source.

Each function takes any usual spelling (code, IRI, label …) and returns the concept or ``None``.
Where each row was checked, and what is doubtful: ``docs/vocabulary.md``.

Source of which vocabulary belongs to which property: DCAT-AP 3.0.1, controlled vocabularies.
"""

from __future__ import annotations

import re
from typing import cast

from . import licence_names
from .tables import (
    Concept,
    FileType,
    Language,
    Licence,
    Scheme,
    SpokenLanguage,
    table,
    tables,
)

__all__ = [
    "Concept",
    "FileType",
    "Language",
    "Licence",
    "Scheme",
    "SpokenLanguage",
    "access_right",
    "availability",
    "concept",
    "country",
    "distribution_status",
    "file_type",
    "frequency",
    "iana_name",
    "language",
    "licence",
    "licence_type",
    "media_type",
    "other_language",
    "publisher_type",
    "scheme",
    "schemes",
    "spoken_language",
    "spoken_languages",
    "stated_licence",
    "theme",
]

_IANA = re.compile(
    r"https?://(?:www\.)?iana\.org/assignments/media-types/([a-z]+/[a-z0-9][a-z0-9!#$&^_.+-]{0,126})",
    re.IGNORECASE,
)

_TAG = re.compile(r"([A-Za-z]{2,3})[-_][A-Za-z0-9_-]{2,}")
# Other people's names of the same languages: the Library of Congress, Lexvo.
_LANGUAGE = re.compile(
    r"https?://(?:id\.loc\.gov/vocabulary/iso639-[1-5]|(?:www\.)?lexvo\.org/id/iso639-[1-5])"
    r"/([a-z]{2,3})(?:-[a-z0-9-]+)?/?",
    re.IGNORECASE,
)
# A duration of ISO 8601, or the interval at which something is repeated without end.
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
# A code that the EU's table spells otherwise, or a service of the OGC with its name before it.
_FILE_TYPE = re.compile(
    r"(?:https?://publications\.europa\.eu/resource/authority/file-type/|OGC[:_ -])(\w+)",
    re.IGNORECASE,
)


def schemes() -> tuple[Scheme, ...]:
    """Return all schemes with their concepts."""
    return tuple(each.scheme for each in tables().values())


def scheme(name: str) -> Scheme:
    """Return a scheme by name, e.g. ``data-theme``.

    Raises:
        UnknownCode: there is no such scheme.
    """
    return table(name).scheme


def concept(scheme: str, value: str) -> Concept | None:
    """Return the concept of a scheme that a spelling means, as the scheme's own function does.

    Raises:
        UnknownCode: there is no such scheme.
    """
    if scheme == "language":
        return language(value)
    if scheme == "spoken-language":
        return spoken_language(value)
    if scheme == "file-type":
        return file_type(value)
    if scheme == "frequency":
        return frequency(value)
    return table(scheme).find(value)


def theme(value: str) -> Concept | None:
    """Return an EU data theme by code, IRI or label."""
    return table("data-theme").find(value)


def file_type(value: str) -> FileType | None:
    """Return an EU file type.

    Args:
        value: code, IRI, CKAN format, extension with or without dot, or media type
            (parameters do not count: ``text/csv; charset=utf-8``).
    """
    if not isinstance(value, str):
        return None
    without_parameters = value.partition(";")[0]
    found = table("file-type").find(without_parameters)
    if found is None and (named := _FILE_TYPE.fullmatch(without_parameters.strip())):
        found = table("file-type").find(named[1])
    return cast("FileType | None", found)


def media_type(value: str) -> str | None:
    """Return the IANA IRI of a media type.

    Args:
        value: as for :func:`file_type`; an IRI of IANA's is taken as it is, with ``https``.

    Returns:
        ``None`` if the type is not registered with IANA or not in our table.
    """
    if given := iana_name(value):
        return f"https://www.iana.org/assignments/media-types/{given}"
    found = file_type(value)
    return found.media_type if found else None


def iana_name(value: str) -> str:
    """Return the media type that an address of IANA's names (``text/csv``), ``""`` for another."""
    given = _IANA.fullmatch(value.strip()) if isinstance(value, str) else None
    return given[1] if given else ""


def language(value: str) -> Language | None:
    """Return a language of the EU's table.

    Args:
        value: EU code, IRI, label, ISO 639-1 or -3 code, language tag or CKAN locale
            (``es_GT``, ``es-419``), IRI of the Library of Congress or Lexvo.

    Returns:
        For the Mayan languages the concept ``MYN``, Mayan languages: the table has none of
        them singly. ``None`` for what it has not at all (Garifuna, Xinka).
    """
    found = table("language").find(_primary(value))
    if found is None:
        spoken = spoken_language(value)
        found = table("language").find(spoken.eu_code) if spoken and spoken.eu_code else None
    return cast("Language | None", found)


def other_language(value: str) -> Language | None:
    """Return a language of the EU's table that no form here offers; harvested datasets have it.

    Args:
        value: any of the spellings that :func:`language` takes.
    """
    return cast("Language | None", table("other-language").find(_primary(value)))


def spoken_languages() -> tuple[SpokenLanguage, ...]:
    """Return the languages of Guatemala, Spanish and English: 21 Mayan, Garifuna, Xinka, both."""
    return cast("tuple[SpokenLanguage, ...]", table("spoken-language").scheme.concepts)


def spoken_language(value: str) -> SpokenLanguage | None:
    """Return a language spoken in Guatemala by ISO 639-3 code, label, IRI or language tag."""
    return cast("SpokenLanguage | None", table("spoken-language").find(_primary(value)))


def frequency(value: str) -> Concept | None:
    """Return an EU frequency by code, IRI or label.

    Also by a duration or repeating interval of ISO 8601 (``P1Y``, ``R/P1Y`` as data.json has it,
    ``P0Y3M0D``), or a term of the Collection Description frequency vocabulary
    (``http://purl.org/cld/freq/annual``), of SDMX or of INSPIRE's maintenance frequencies, which
    has ISO 19115's words (``asNeeded``).
    """
    found = table("frequency").find(value)
    if (
        found is None
        and isinstance(value, str)
        and (interval := _INTERVAL.fullmatch(value.strip()))
    ):
        parts = _ZERO.sub("", interval[1].upper())
        found = table("frequency").find("R/" + parts.removesuffix("T"))
    return found


def availability(value: str) -> Concept | None:
    """Return an EU planned availability by code, IRI (also of DCAT-AP 2) or label."""
    return table("planned-availability").find(value)


def access_right(value: str) -> Concept | None:
    """Return an EU access right (public, restricted, non-public) by code, IRI or label."""
    return table("access-right").find(value)


def distribution_status(value: str) -> Concept | None:
    """Return an EU distribution status by code, IRI (also the ADMS status) or label."""
    return table("distribution-status").find(value)


def licence(value: str) -> Licence | None:
    """Return a licence by CKAN licence id, SPDX id, IRI (its own or the EU's) or title.

    Also by the address of its text or summary in some language (``…/by/4.0/deed.es``), and as
    people write its short name (``CC BY 4.0``). Without a version no address or name is one.
    """
    found = table("licence").find(value)
    if found is None and isinstance(value, str):
        found = table("licence").find(licence_names.usual_name(value))
    return cast("Licence | None", found)


def stated_licence(value: str) -> Licence | None:
    """Return the licence that others state, as :func:`licence` does but for ids of CKAN's.

    ``cc-by`` and ``cc-by-sa`` name no version. Here they stand for 4.0; who else meant what by
    them is not known.
    """
    return None if licence_names.is_without_version(value) else licence(value)


def licence_type(value: str) -> Concept | None:
    """Return an ADMS licence type by code, IRI or label."""
    return table("licence-type").find(value)


def publisher_type(value: str) -> Concept | None:
    """Return an ADMS publisher type by code, IRI, label or organisation role.

    The role ``other_public_body`` says too little for a type, so it has none.
    """
    return table("publisher-type").find(value)


def country(value: str) -> Concept | None:
    """Return Guatemala in the EU's country table, by code, IRI, ``GT`` or GeoNames IRI."""
    return table("country").find(value)


def _primary(value: str) -> str:
    """Return the language of a tag like ``es_GT`` or of another list; anything else as it is."""
    text = value.strip() if isinstance(value, str) else ""
    tag = _TAG.fullmatch(text) or _LANGUAGE.fullmatch(text)
    code = tag[1] if tag else value
    return _BIBLIOGRAPHIC.get(code.lower(), code) if isinstance(code, str) else code
