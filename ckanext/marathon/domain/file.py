"""Media types and checksums of files.

One function finds the media type, at the upload (for the feeds) and at the download, so that both
agree. The content decides where a wrong type would do harm: for types that browsers display
(images, PDF) or execute (HTML, SVG). The name decides among tables, archives and texts, which
libmagic cannot tell apart.

Checksums are parsed and computed here, too.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import BinaryIO, NamedTuple

import magic

from ckanext.marathon.vocabulary import authorities

# Name → number of hexadecimal digits. Source: algorithms of SPDX that hashlib always has.
ALGORITHMS = {"md5": 32, "sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}
#: The algorithm of the checksum of every upload.
OWN_ALGORITHM = "sha256"

_BLOCK = 2**20
_HEX = re.compile(r"[0-9a-f]+")


class Checksum(NamedTuple):
    """A checksum: a name of :data:`ALGORITHMS`, and hexadecimal digits in lower case."""

    algorithm: str
    digits: str


def read_checksum(resource: Mapping[str, object]) -> Checksum | None:
    """Return the checksum of a resource, ``None`` if it has none or it is malformed.

    Args:
        resource: a dict with ``hash`` (``sha256:…``, or digits alone) and ``hash_algorithm``.
            Without an algorithm, the number of digits decides.
    """
    name, _, digits = _text(resource.get("hash")).rpartition(":")
    digits = digits.strip().lower()
    algorithm = _plain_name(_text(resource.get("hash_algorithm")) or name)
    if not algorithm:
        algorithm = {size: name for name, size in ALGORITHMS.items()}.get(len(digits), "")
    if ALGORITHMS.get(algorithm) != len(digits) or not _HEX.fullmatch(digits):
        return None
    return Checksum(algorithm, digits)


def is_own_algorithm(algorithm: object) -> bool:
    """Return whether an algorithm, in any spelling, is :data:`OWN_ALGORITHM`."""
    return _plain_name(_text(algorithm)) == OWN_ALGORITHM


def read_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the rest of a stream, from its present position, in blocks of 1 MB."""
    while block := stream.read(_BLOCK):
        yield block


def compute_checksums(blocks: Iterable[bytes], algorithms: Collection[str]) -> dict[str, str]:
    """Return algorithm → digits of a file; the blocks are read once."""
    states = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    for block in blocks:
        for state in states.values():
            state.update(block)
    return {name: state.hexdigest() for name, state in states.items()}


def _plain_name(algorithm: str) -> str:
    """Return ``sha256`` of ``SHA-256``, and of the IRI of SPDX."""
    return re.sub(r"^.*algorithm_|[^a-z0-9]", "", algorithm.lower())


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


# libmagic recognises a workbook in the first two kilobytes, and looks for HTML in the first four.
SAMPLE_SIZE = 8192

OCTET_STREAM = "application/octet-stream"
PDF = "application/pdf"
PLAIN_TEXT = "text/plain"

RASTER_IMAGES = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
#: Browsers display these, so the type is only used if the content agrees.
DRAWN = RASTER_IMAGES | {PDF}
#: Browsers execute scripts in these when they are opened as pages.
ACTIVE = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml"})
#: Pages can load these from the site itself, even with a ``Content-Disposition: attachment``.
LOADABLE = frozenset(
    {
        *("text/css", "text/javascript", "application/javascript", "application/x-javascript"),
        *("application/ecmascript", "text/ecmascript", "application/wasm"),
    }
)
# Types of libmagic for texts, besides ``text/…``.
_TEXTS = frozenset({"application/json", "application/javascript", "application/x-javascript"})
_LOADABLE_EXTENSIONS = frozenset({"css", "js", "mjs", "cjs", "wasm"})
_IANA = "/media-types/"


def detect_media_type(sample: bytes, name: str) -> str:
    """Return the media type of a file, without parameters.

    Args:
        sample: the first :data:`SAMPLE_SIZE` bytes, or all of a shorter file.
        name: name of the file; only its extension counts.

    Returns:
        a type of :data:`DRAWN` or :data:`ACTIVE` only if the content is such a file; never a type
        of :data:`LOADABLE`, which become plain text. HTML with another extension is
        ``application/octet-stream``.
    """
    found = magic.from_buffer(sample, mime=True) if sample else PLAIN_TEXT
    named = _find_named_type(name)
    extension = _get_extension(name)
    if found in DRAWN:
        return found
    if found in ACTIVE:
        return found if named is None or _is_markup(named) else OCTET_STREAM
    is_text = found.startswith("text/") or found in _TEXTS
    claims_too_much = (
        named in DRAWN
        or (named in ACTIVE and found != "text/xml")
        or named in LOADABLE
        or found in LOADABLE
        or extension in _LOADABLE_EXTENSIONS
    )
    if claims_too_much or (named == PLAIN_TEXT and not is_text):
        return PLAIN_TEXT if is_text else OCTET_STREAM
    return named or (found if _is_registered(found) else OCTET_STREAM)


def add_charset(media_type: str, sample: bytes, is_whole: bool) -> str:
    """Return a content type, with ``charset=utf-8`` for a text that is UTF-8.

    Args:
        media_type: media type of the file.
        sample: as for :func:`detect_media_type`. A sample in ASCII does not show the encoding,
            unless it is the whole file.
        is_whole: whether the sample is the whole file.
    """
    if not media_type.startswith("text/") or (sample.isascii() and not is_whole):
        return media_type
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=is_whole)
    except UnicodeDecodeError:
        return media_type
    return f"{media_type}; charset=utf-8"


def _get_extension(name: str) -> str:
    return name.rpartition(".")[2].strip().lower() if "." in name else ""


def _find_named_type(name: str) -> str | None:
    extension = _get_extension(name)
    iri = authorities.find_media_type_iri(f".{extension}") if extension else None
    return iri.partition(_IANA)[2] if iri else None


def _is_markup(media_type: str) -> bool:
    return media_type in ACTIVE or media_type.endswith(("xml", "+xml"))


def _is_registered(media_type: str) -> bool:
    return media_type.startswith("text/") or authorities.find_media_type_iri(media_type) is not None
