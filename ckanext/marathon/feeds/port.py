"""The port of the feed: what it asks of the site that it publishes, and the words it asks in.

The log knows records by their keys and takes their descriptions as bytes. All else it asks of a
*source*: any object or module with the functions of :class:`FeedSource`. ``feeds/source.py`` is
the source that asks CKAN; the plugin registers it when it is loaded.
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
    """What is fixed by the first publication, because copies of the catalogue depend on it.

    Attributes:
        base: start of the IRIs of records, which is the IRI of the catalogue too.
        vocabulary: start of the IRIs of concepts.
        page_size: slots a page of the catalogue has, 1–1000.
    """

    base: str
    vocabulary: str
    page_size: int


@dataclass(frozen=True)
class Description:
    """What the log stores of a public record.

    Attributes:
        iri: of the record. Another record may have had it before.
        body: N-Triples, one a line, in alphabetical order, each line ended.
        refs: IRIs of the neighbours that it names without describing them.
        scopes: names of the parts of the catalogue that it is in, in alphabetical order.
        degraded: whether it could only be described briefly.
        name: by which its page is linked to, which no description says.
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
        """SHA-256 of the body, of the parts it is in, and of its name, by which others link."""
        said = "\n".join((self.name, *self.scopes))
        return hashlib.sha256(said.encode() + b"\n" + self.body).digest()


Descriptions = dict[Key, Description | None]


@dataclass
class Touched:
    """Ids of packages and groups that a transaction touched, and whether settings changed."""

    packages: set[str] = field(default_factory=set[str])
    groups: set[str] = field(default_factory=set[str])
    settings: bool = False

    def __bool__(self) -> bool:
        """Return whether there is anything."""
        return bool(self.packages or self.groups or self.settings)


class FeedSource(Protocol):
    """The questions of the feed. The first two make a feed; the others make it safe and fast.

    All are asked in the transaction of the save, after everything is flushed. A source may ask the
    log what it has (``model/feed_log.py``), which is not changed before all questions are answered.
    """

    def describe_records(self, keys: Collection[Key], settings: FeedSettings) -> Descriptions:
        """Describe records as a visitor sees them now; ``None`` for one that is not public.

        The catalogue is always public. Rows that this session read before are read again.
        """
        ...

    def find_affected(self, touched: Touched) -> set[Key]:
        """Return the records whose descriptions may change when these change, purged ones too."""
        ...

    def find_affected_by_descriptions(self, new: Mapping[Key, Description | None]) -> set[Key]:
        """Return the further records whose descriptions change because of new descriptions."""
        ...

    def keep_public(self, keys: Collection[Key]) -> set[Key]:
        """Return those of these records that the log may go on showing as it does.

        Asked when describing or publishing fails. A record that cannot be checked is left out.
        """
        ...

    def read_input_versions(self, keys: Collection[Key]) -> Mapping[Key, Hashable]:
        """Return something that differs when what a description is made from has changed."""
        ...

    def list_record_keys(self) -> list[Key]:
        """Return all public records by age, neighbours before the records that name them."""
        ...

    def read_settings(self) -> FeedSettings:
        """Return what the settings say now. The log asks until its first publication."""
        ...


_sources: list[FeedSource] = []


def register_source(source: FeedSource) -> None:
    """Have the feed ask this source, and no other, from now on."""
    _sources[:] = [source]


def get_source() -> FeedSource:
    """Return the source that was registered.

    Raises:
        LookupError: none was.
    """
    if not _sources:
        raise LookupError("no source of the feed is registered: is the plugin loaded?")
    return _sources[0]
