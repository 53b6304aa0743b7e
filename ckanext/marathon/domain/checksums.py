"""Checksums of files: which there are, what a text says of one, and how they are computed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

# Name and number of hexadecimal digits. Source: the algorithms of SPDX that hashlib has everywhere.
ALGORITHMS = {"md5": 32, "sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}
#: What every uploaded file gets.
OURS = "sha256"

_BLOCK = 2**20
_HEX = re.compile(r"[0-9a-f]+")


class Checksum(NamedTuple):
    """A checksum: a name of :data:`ALGORITHMS`, and hexadecimal digits in small letters."""

    algorithm: str
    digits: str


def checksum_of(resource: Mapping[str, Any]) -> Checksum | None:
    """Return the checksum that a resource states, ``None`` if it states none.

    Args:
        resource: with ``hash`` (``sha256:…``, or digits alone) and ``hash_algorithm``. The
            algorithm also shows in the number of digits.
    """
    name, _, digits = _text(resource.get("hash")).rpartition(":")
    digits = digits.strip().lower()
    algorithm = _plain_name(_text(resource.get("hash_algorithm")) or name)
    if not algorithm:
        algorithm = {size: each for each, size in ALGORITHMS.items()}.get(len(digits), "")
    if ALGORITHMS.get(algorithm) != len(digits) or not _HEX.fullmatch(digits):
        return None
    return Checksum(algorithm, digits)


def is_ours(algorithm: Any) -> bool:
    """Return whether an algorithm, in any spelling, is the one that every upload gets."""
    return _plain_name(_text(algorithm)) == OURS


def blocks_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what a stream holds from where it is, in blocks of 1 MB."""
    while block := stream.read(_BLOCK):
        yield block


def compute(blocks: Iterable[bytes], algorithms: Collection[str]) -> dict[str, str]:
    """Return algorithm → digits of a file that is read once, in constant memory."""
    states = {each: hashlib.new(each, usedforsecurity=False) for each in algorithms}
    for block in blocks:
        for each in states.values():
            each.update(block)
    return {name: each.hexdigest() for name, each in states.items()}


def _plain_name(algorithm: str) -> str:
    """Return ``sha256`` of ``SHA-256``, and of the IRI of SPDX."""
    return re.sub(r"^.*algorithm_|[^a-z0-9]", "", algorithm.lower())


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
