"""One gzip stream made of pieces that were compressed before, in any order.

Each piece is deflated so that it starts with an empty memory and ends at a byte (a full flush),
so pieces follow each other as they are; only the checksum of the whole has to be computed from
those of the pieces. Sources: RFC 1951, RFC 1952; Adler's ``crc32_combine`` (zlib), whose idea is
used here: appending bytes multiplies the remainder by a power of x.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

LEVEL = 6
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
# An empty last block.
_END = b"\x03\x00"
# The polynomial of CRC-32, bits reversed.
_POLYNOMIAL = 0xEDB88320


class Piece(NamedTuple):
    """Bytes, deflated.

    Attributes:
        body: deflated, without an end.
        size: bytes before that.
        crc: CRC-32 of those.
    """

    body: bytes
    size: int
    crc: int


def deflate(data: bytes) -> Piece:
    """Return bytes as a piece."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = compressor.compress(data) + compressor.flush(zlib.Z_FULL_FLUSH)
    return Piece(body, len(data), zlib.crc32(data))


def inflate(piece: Piece) -> bytes:
    """Return the bytes of a piece."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(piece.body)


def gzipped(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Return the parts of one gzip stream (one member) that holds these pieces one by one."""
    yield _HEADER
    crc = size = 0
    for piece in pieces:
        yield piece.body
        crc = combined(crc, piece.crc, piece.size)
        size += piece.size
    yield _END + struct.pack("<II", crc, size & 0xFFFFFFFF)


def combined(first: int, second: int, second_size: int) -> int:
    """Return the CRC-32 of two texts after each other, from those of each."""
    return _times(_shift(second_size), first) ^ second


@lru_cache(maxsize=65_536)
def _shift(size: int) -> int:
    """Return x to the power of ``8 * size``, modulo the polynomial."""
    product = 1 << 31
    for power in _powers():
        if not size:
            break
        if size & 1:
            product = _times(power, product)
        size >>= 1
    return product


@lru_cache(maxsize=1)
def _powers() -> list[int]:
    """Return x to the powers of 8, 16, 32 … modulo the polynomial."""
    powers = [1 << 23]
    for _ in range(63):
        powers.append(_times(powers[-1], powers[-1]))
    return powers


def _times(a: int, b: int) -> int:
    """Return the product of two polynomials, modulo CRC-32's; the highest bit is x to the 0."""
    product = 0
    bit = 1 << 31
    while a:
        if a & bit:
            product ^= b
            a ^= bit
        bit >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product
