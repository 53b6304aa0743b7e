"""The port of the feed: the interface between the log and the site that it publishes.

The log identifies records by their keys and stores their descriptions as bytes. For all else it
calls a *source*: an object or module with the functions of :class:`FeedSource`. ``feeds/source.py``
is the source for CKAN; the plugin registers it when it is loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from ckanext.marathon.model.feed import Kind


class Key(NamedTuple):
    """The key of a record: its kind and its id in CKAN (the catalogue's is "")."""

    kind: Kind
    thing: str


CATALOG = Key(Kind.CATALOG, "")


class FeedSettings(NamedTuple):
    """Settings that the first publication fixes, because copies of the catalogue depend on them.

    Attributes:
        base: start of the IRIs of records; also the IRI of the catalogue.
        vocabulary: start of the IRIs of concepts.
        page_size: slots per page of the catalogue, 1–1000.
    """

    base: str
    vocabulary: str
    page_size: int


@dataclass(frozen=True)
class Description:
    """The description of a public record, as the log stores it.

    Attributes:
        iri: IRI of the record. Another record may have had it before.
        body: N-Triples in alphabetical order, each line with its line break.
        refs: IRIs of the neighbours that the body names without describing them.
        scopes: names of the parts of the catalogue that the record is in, in alphabetical order.
        degraded: whether the record could only be described briefly, because of an error.
        name: CKAN's name of the record, used in links to its page; it is not in the body.
        first_published: when a dataset became public for the first time.
    """

    iri: str
    body: bytes
    refs: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    degraded: bool = False
    name: str = ""
    first_published: datetime | None = None

    @property
    def digest(self) -> bytes:
        """SHA-256 of name, parts of the catalogue, and body."""
        head = "\n".join((self.name, *self.scopes))
        return hashlib.sha256(head.encode() + b"\n" + self.body).digest()


Descriptions = dict[Key, Description | None]


@dataclass
class Touched:
    """Ids of packages and groups that a transaction touched, and whether settings changed."""

    packages: set[str] = field(default_factory=set[str])
    groups: set[str] = field(default_factory=set[str])
    settings: bool = False

    def __bool__(self) -> bool:
        """Return whether anything was touched."""
        return bool(self.packages or self.groups or self.settings)


class FeedSource(Protocol):
    """The functions that the feed calls on a site.

    All are called in the transaction of the save, after the flush. A source may read the log
    (``model/feed_log.py``), which is written only after all these calls.
    """

    def describe_records(self, keys: Collection[Key], settings: FeedSettings) -> Descriptions:
        """Describe records as a visitor sees them now; ``None`` for one that is not public.

        The catalogue is always public. Rows that are already in the session are read again, because
        another transaction may have changed them.
        """
        ...

    def find_affected(self, touched: Touched) -> set[Key]:
        """Return the records whose descriptions may change, including purged ones."""
        ...

    def find_affected_by_descriptions(self, new: Mapping[Key, Description | None]) -> set[Key]:
        """Return the further records whose descriptions change because of new descriptions."""
        ...

    def keep_public(self, keys: Collection[Key]) -> set[Key]:
        """Return the records whose present entries may stay in the log.

        Called when describing or publishing fails. A record that cannot be checked is left out.
        """
        ...

    def read_input_versions(self, keys: Collection[Key]) -> Mapping[Key, Hashable]:
        """Return a version of each record, which differs if the rows behind it have changed."""
        ...

    def list_record_keys(self) -> list[Key]:
        """Return all public records by age, neighbours before the records that name them."""
        ...

    def read_settings(self) -> FeedSettings:
        """Return the present settings. Called until the first publication."""
        ...


_sources: list[FeedSource] = []


def register_source(source: FeedSource) -> None:
    """Make this the only source of the feed."""
    _sources[:] = [source]


def get_source() -> FeedSource:
    """Return the registered source.

    Raises:
        LookupError: no source is registered.
    """
    if not _sources:
        raise LookupError("no source of the feed is registered: is the plugin loaded?")
    return _sources[0]
