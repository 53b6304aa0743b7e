"""Searches a word in every table, file, index and queue of the site."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib.redis import connect_to_redis
from ckan.lib.search.common import make_connection

from ckanext.marathon.feeds.catalogue import Piece, inflate_piece
from ckanext.marathon.model.feed import Entry, Rendering, read_description

_TABLES = sa.text(
    """
    SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
    """
)


def find_word(word: str, storage: Path, datastore: Any = None) -> list[str]:
    """Return the places that hold a word: tables, log, index, files, Valkey."""
    model.Session.rollback()
    found = [
        *_in_database(model.meta.engine, word),
        *_in_log(word),
        *_in_index(word),
        *_in_files(storage, word),
        *_in_valkey(word),
    ]
    if datastore is not None:
        found += [f"datastore {each}" for each in _in_database(datastore, word)]
    return found


def _in_database(engine: Any, word: str) -> Iterator[str]:
    with engine.connect() as connection:
        for table in connection.execute(_TABLES).scalars().all():
            if word in table:
                yield table
            rows = sa.text(f"SELECT count(*) FROM {table} AS row WHERE row::text ILIKE :word")
            if connection.execute(rows, {"word": f"%{word}%"}).scalar_one():
                yield table


def _in_log(word: str) -> Iterator[str]:
    """Yield the tables of the log whose compressed bodies hold the word."""
    bodies = model.Session.scalars(sa.select(Entry.body).where(Entry.body.is_not(None)))
    if any(word.encode() in read_description(each) for each in bodies):
        yield "bodies of the log"
    pieces = model.Session.execute(sa.select(Rendering.body, Rendering.size, Rendering.crc))
    if any(word.encode() in inflate_piece(Piece(*each)) for each in pieces):
        yield "kept pages"


def _in_index(word: str) -> Iterator[str]:
    solr = make_connection()
    for document in solr.search("*:*", rows=1_000, fl="*").docs:
        if word.lower() in str(document).lower():
            yield f"Solr {document['id']}"
    if solr.search(f'"{word}"', df="text").hits:
        yield "Solr's words"


def _in_files(storage: Path, word: str) -> Iterator[str]:
    for path in storage.rglob("*"):
        if word in path.name or (path.is_file() and word.encode() in path.read_bytes()):
            yield str(path)


def _in_valkey(word: str) -> Iterator[str]:
    redis: Any = connect_to_redis()
    for key in redis.scan_iter("*"):
        kind = redis.type(key)
        if kind == b"hash":
            values = list(redis.hgetall(key).values())
        elif kind == b"string":
            values = [redis.get(key)]
        else:
            continue
        for value in values:
            try:
                text = zlib.decompress(value)
            except zlib.error:
                text = value
            if word.encode() in text:
                yield f"Valkey {key}"
