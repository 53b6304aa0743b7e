"""Pieces that were compressed before make one gzip stream, in any order."""

from __future__ import annotations

import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from ckanext.marathon.feeds.catalogue import deflate_bytes, inflate_piece, write_gzip


@given(st.lists(st.binary(max_size=3000), max_size=8))
def test_joined_pieces_are_one_gzip_member(parts: list[bytes]) -> None:
    stream = b"".join(write_gzip(map(deflate_bytes, parts)))
    assert gzip.decompress(stream) == b"".join(parts)
    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert reader.decompress(stream) == b"".join(parts)
    assert reader.eof
    assert reader.unused_data == b""


@given(st.binary(max_size=3000))
def test_a_piece_can_be_inflated_to_its_source(data: bytes) -> None:
    assert inflate_piece(deflate_bytes(data)) == data
