"""The changes as a Linked Data Event Stream, for followers that keep a copy up to date.

Each member is an activity about a dataset (or the catalogue itself). Its payload is in the named
graph of the activity: the dataset, and all public neighbours that it names. The stream has only the
last activity of each record; a deletion stays for ever.

Sources: DCAT-AP Feeds (SEMIC), Linked Data Event Streams, TREE, Activity Streams 2.0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import pyoxigraph
import sqlalchemy as sa

from ckanext.marathon.feeds import catalogue, log_state, triples
from ckanext.marathon.feeds.catalogue import WHOLE, CataloguePart
from ckanext.marathon.feeds.log_state import Cursor, LogState
from ckanext.marathon.model import feed_log
from ckanext.marathon.model.feed import Activity, Kind
from ckanext.marathon.model.feed_log import CatalogueRow, DescribedThing, LastChange
from ckanext.marathon.rdf.formats import write_jsonld
from ckanext.marathon.rdf.namespaces import RDF, XSD

# Activities per page.
SIZE = 100
AS = "https://www.w3.org/ns/activitystreams#"
LDES = "https://w3id.org/ldes#"
TREE = "https://w3id.org/tree#"
# Types of the values of the stream's properties, for the JSON-LD context.
COERCED = {
    f"{AS}object": "@id",
    f"{AS}published": str(XSD.dateTime),
    f"{LDES}timestampPath": "@id",
    f"{LDES}versionOfPath": "@id",
    f"{LDES}retentionPolicy": "@id",
    f"{LDES}amount": str(XSD.integer),
    f"{TREE}view": "@id",
    f"{TREE}viewDescription": "@id",
    f"{TREE}member": "@id",
    f"{TREE}relation": "@id",
    f"{TREE}path": "@id",
    f"{TREE}value": str(XSD.dateTime),
    f"{TREE}node": "@id",
}


class ActivityFormat(NamedTuple):
    """A way to write activities: the extension of its addresses, its media type, its writer."""

    extension: str
    media_type: str
    writer: pyoxigraph.RdfFormat


FORMATS = {
    activity_format.extension: activity_format
    for activity_format in (
        ActivityFormat("trig", "application/trig", pyoxigraph.RdfFormat.TRIG),
        ActivityFormat("jsonld", "application/ld+json", pyoxigraph.RdfFormat.JSON_LD),
        # One quad per line: no library is needed to read it.
        ActivityFormat("nq", "application/n-quads", pyoxigraph.RdfFormat.N_QUADS),
    )
}


class MalformedCursor(Exception):
    """The text is not a cursor."""


class OutdatedCursor(Exception):
    """The cursor belongs to another epoch, or to a history that was lost."""


@dataclass(frozen=True)
class Changes:
    """One page of the stream, from one snapshot of the database; must be closed.

    Attributes:
        state: the state of the log.
        part: part of the catalogue, or the whole.
        since: the cursor after which the page begins; "" for the first page.
        steps: the last change of each record, in order.
        is_last: whether there are no further changes at this moment.
    """

    state: LogState
    part: CataloguePart
    since: str
    steps: Sequence[LastChange]
    is_last: bool
    _moment: CatalogueRow
    _connection: sa.Connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._connection.close()

    @property
    def cursor(self) -> str:
        """The cursor with which a follower continues."""
        state = self.state
        number = state.number if self.is_last else self.steps[-1].number
        return str(Cursor(state.epoch, number, state.number, state.mark))

    @property
    def digest(self) -> str:
        """A hash that changes if and only if the page changes; for its ETag.

        It depends on the members, each of which never changes; on the link to the next page, which
        has the state of the log; on the description of a part; and, before the first publication,
        on the settings.
        """
        shown = [self.state.epoch, *(f"{step.number}-{step.mark}" for step in self.steps)]
        if not self.is_last or not self.state.number:
            shown.append(self.cursor)
        described = b"\n".join(self._description)
        return hashlib.sha256(" ".join(shown).encode() + described).hexdigest()[:20]

    @cached_property
    def _description(self) -> list[bytes]:
        """The description of a part; that of the whole catalogue is in an activity."""
        return (
            catalogue.describe_catalogue(self._moment, self.part)
            if self.part.scope != WHOLE
            else []
        )

    def read_descriptions(self) -> dict[str, list[DescribedThing]]:
        """Return IRI → the record of a change, followed by its neighbours; not for deletions."""
        shown = [step.iri for step in self.steps if step.activity != Activity.DELETE]
        found = {record.iri: record for record in feed_log.describe_things(self._connection, shown)}
        return {iri: list(_reached(iri, found)) for iri in shown if iri in found}

    def write(self, address: str, extension: str) -> bytes:
        """Return the page, written in a format.

        Args:
            address: address of the first page in this format, without parameters.
            extension: a key of :data:`FORMATS`.
        """
        base = self._moment.base
        stream = f"{self.part.iri(base)}" if self.part.scope != WHOLE else f"{base}/catalog"
        stream += "/changes"
        names = [f"<{stream}#{self.state.name_change(step)}>" for step in self.steps]
        quads = [*self._description, *self._page(address, stream)]
        quads += [f"<{stream}#stream> <{TREE}member> {name} .".encode() for name in names]
        described = self.read_descriptions()
        for step, activity in zip(self.steps, names, strict=True):
            quads += [
                f"{activity} <{RDF.type}> <{AS}{step.activity}> .".encode(),
                f"{activity} <{AS}object> <{step.iri}> .".encode(),
                f"{activity} <{AS}published> {_moment(step)} .".encode(),
            ]
            end = f" {activity} .".encode()
            payload = self._payload(step.iri, described.get(step.iri, []))
            quads += [line.removesuffix(b" .") + end for line in payload]
        prefixes = {
            **triples.list_prefixes(self._moment.vocabulary),
            "as": AS,
            "ldes": LDES,
            "tree": TREE,
        }
        parsed = pyoxigraph.parse(b"\n".join(quads), format=pyoxigraph.RdfFormat.N_QUADS)
        writer = FORMATS[extension].writer
        if writer == pyoxigraph.RdfFormat.JSON_LD:
            return write_jsonld(parsed, prefixes, COERCED)
        written = pyoxigraph.serialize(parsed, format=writer, prefixes=prefixes)
        assert written is not None, "written to memory"
        return written

    def _payload(self, iri: str, described: Sequence[DescribedThing]) -> list[bytes]:
        if not described:
            return []
        links = []
        if described[0].kind == Kind.DATASET:
            links = [triples.write_dataset_link(self.part.iri(self._moment.base), iri)]
        bodies = (record.body for record in described)
        return triples.join_descriptions([b"\n".join(links), *bodies])

    def _page(self, address: str, stream: str) -> Iterator[bytes]:
        """Yield the statements about the page itself, with the link to the next page."""
        here = f"{address}?since={self.since}" if self.since else address
        stated = [
            (f"{stream}#stream", RDF.type, f"<{LDES}EventStream>"),
            (f"{stream}#stream", f"{LDES}timestampPath", f"<{AS}published>"),
            (f"{stream}#stream", f"{LDES}versionOfPath", f"<{AS}object>"),
            (f"{stream}#stream", f"{TREE}view", f"<{address}>"),
            (address, f"{TREE}viewDescription", f"<{address}#view>"),
            (f"{address}#view", f"{LDES}retentionPolicy", f"<{address}#retention>"),
            (f"{address}#retention", RDF.type, f"<{LDES}LatestVersionSubset>"),
            (f"{address}#retention", f"{LDES}amount", f'"1"^^<{XSD.integer}>'),
            (here, RDF.type, f"<{TREE}Node>"),
        ]
        if not self.is_last:
            following = f"{here}#next"
            stated += [
                (here, f"{TREE}relation", f"<{following}>"),
                (following, RDF.type, f"<{TREE}GreaterThanRelation>"),
                (following, f"{TREE}path", f"<{AS}published>"),
                (following, f"{TREE}value", _moment(self.steps[-1])),
                (following, f"{TREE}node", f"<{address}?since={self.cursor}>"),
            ]
        yield from (f"<{s}> <{p}> {o} .".encode() for s, p, o in stated)


def read_changes(part: CataloguePart, cursor: str = "") -> Changes:
    """Return one page of the changes of a part of the catalogue, or of the whole.

    Args:
        part: the part.
        cursor: the cursor of an earlier page, after which the page begins; "" for the first page.

    Raises:
        MalformedCursor: the text is not a cursor.
        OutdatedCursor: the cursor belongs to another epoch, or to a history that was lost.
        LogNotReady: the log does not have everything public yet.
    """
    since = Cursor.parse(cursor)
    if cursor and not since:
        raise MalformedCursor
    connection, moment, state = log_state.open_catalogue()
    try:
        if since and not since.is_valid(connection, state):
            raise OutdatedCursor
        number = since.number if since else 0
        steps = feed_log.list_changes(connection, part.scope.name, number, SIZE + 1)
    except BaseException:
        connection.close()
        raise
    return Changes(state, part, cursor, steps[:SIZE], len(steps) <= SIZE, moment, connection)


def _reached(iri: str, found: Mapping[str, DescribedThing]) -> Iterator[DescribedThing]:
    """Yield a record and the neighbours that it names, directly or indirectly."""
    waiting, seen = [iri], {iri}
    while waiting:
        record = found.get(waiting.pop(0))
        if record is None:
            continue
        yield record
        further = [ref for ref in record.refs if ref not in seen]
        seen.update(further)
        waiting += further


def _moment(step: LastChange) -> str:
    return f'"{step.published.isoformat()}"^^<{XSD.dateTime}>'
