"""What a graph needs besides the record it is made from: IRIs, and the neighbours of a record.

A neighbour that is not among the facts is not mentioned.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import pyoxigraph
from rdflib import URIRef

from ckanext.marathon.records import Dataset, Idea, Organization, PackageRecord, Record, Workshop
from ckanext.marathon.vocabulary import schemes

_WEB = re.compile(
    r"(https?|ftp)://([^/?#\\]*)(/[^?#]*)?(\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL
)
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[[0-9A-Fa-f:.]+\]|[^:\[\]@]+)(?::([0-9]{0,5}))?", re.DOTALL)
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]+@[^\s@<>\"(),:;\\\[\]/?#%]+\.[^\s@<>\"(),:;\\\[\]/?#%]+")

_NAMES = ("urn:", "doi:", "hdl:", "ark:", "info:", "tag:", "oid:")
_PLAIN = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@%"
)


def make_web_iri(value: object) -> URIRef | None:
    """Return an ``http``, ``https`` or ``ftp`` address as a valid IRI.

    Characters that IRIs may not contain (blanks, brackets, a lone ``%`` …) are
    percent-encoded; letters outside ASCII stay.

    Returns:
        ``None`` for what is no such address: another scheme, no host, a host that cannot be one.
    """
    parts = _WEB.fullmatch(value.strip()) if isinstance(value, str) else None
    authority = _authority(parts[2]) if parts else None
    if not parts or not authority:
        return None
    scheme, path, query, fragment = (parts[1].lower(), *(parts[part] or "" for part in (3, 4, 5)))
    # An empty query or fragment says nothing, and some parsers drop it, which makes two IRIs.
    tail = (f"?{_encoded(query[1:], '/?')}" if len(query) > 1 else "") + (
        f"#{_encoded(fragment[1:], '/?')}" if len(fragment) > 1 else ""
    )
    return URIRef(f"{scheme}://{authority}{_encoded(path, '/')}{tail}")


def make_urn(value: object) -> URIRef | None:
    """Return a name that is no address (``urn:``, ``doi:`` …) as IRI, ``None`` if it is none."""
    text = value.strip() if isinstance(value, str) else ""
    if not text.lower().startswith(_NAMES):
        return None
    try:
        return URIRef(pyoxigraph.NamedNode(text).value)
    except ValueError:
        return None


def make_mail_iri(value: object) -> URIRef | None:
    """Return a mail address as ``mailto:`` IRI, ``None`` if it is none."""
    if not isinstance(value, str):
        return None
    address = re.sub(r"^mailto:", "", value.strip(), flags=re.IGNORECASE)
    if not _MAIL.fullmatch(address) or not _encodable(address):
        return None
    return URIRef("mailto:" + quote(address, safe="!$&'*+-/=._~@"))


def read_mail_address(iri: str) -> str:
    """Return the mail address of a ``mailto:`` IRI, or of a bare address."""
    return unquote(re.sub(r"^mailto:", "", str(iri), flags=re.IGNORECASE))


def encode_segment(value: object) -> str:
    """Return a value as one segment of an IRI's path, or as its fragment."""
    return quote(str(value), safe="", errors="replace")


def _authority(text: str) -> str | None:
    found = _AUTHORITY.fullmatch(text)
    if not found:
        return None
    user, host, port = found[1], found[2], found[3]
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return None
    elif not all(
        character in _PLAIN - set(":@%") or _beyond_ascii(character) for character in host
    ):
        return None
    if port and int(port) > 65535:
        return None
    # A password in an address is not published; the user name is.
    name = _encoded(user.partition(":")[0], "") if user else ""
    return f"{name}@{host}".removeprefix("@") + (f":{port}" if port else "")


def _encoded(text: str, also_plain: str) -> str:
    return "".join(
        character
        if character in _PLAIN or character in also_plain or _beyond_ascii(character)
        else quote(character, safe="", errors="replace")
        for character in _ESCAPE.sub("%25", text)
    )


def _beyond_ascii(character: str) -> bool:
    """Return whether a character is in ``ucschar`` of RFC 3987 and is no direction mark."""
    code = ord(character)
    if code < 0xA0 or 0x200B <= code <= 0x200F or 0x2028 <= code <= 0x202F:
        return False
    if code <= 0xFFFF:
        return code <= 0xD7FF or 0xF900 <= code <= 0xFDCF or 0xFDF0 <= code <= 0xFFEF
    return code & 0xFFFF <= 0xFFFD and code < 0xE0000


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return text.isprintable()


_UUID = r"[0-9A-Za-z%_.~-]+"


@dataclass(frozen=True, slots=True)
class Site:
    """Where IRIs start, and where and in which language the site speaks.

    Attributes:
        base: start of the IRIs of things, without a slash at the end.
        vocabulary: start of the IRIs of concepts, without a slash at the end.
        url: address that serves the pages, without a slash at the end; may differ from ``base``.
        language: of titles and descriptions, as a language tag (``es``).
        others: further languages of the pages, in the order in which they are offered.
        kept: id of a dataset or resource → the IRI from the catalogue that it was harvested from
            (only for the records needed for this answer).
    """

    base: str
    vocabulary: str
    url: str
    language: str = "es"
    kept: Mapping[str, str] = field(default_factory=dict[str, str], compare=False, repr=False)
    others: tuple[str, ...] = ()

    def thing(self, kind: str, identifier: str) -> URIRef:
        """Return the IRI of a workshop, idea, commitment, organisation or dataset.

        Args:
            kind: ``dataset``, ``workshop``, ``idea``, ``commitment`` or ``organization``.
            identifier: its id in CKAN, never its name.
        """
        return self.dataset(identifier) if kind == "dataset" else self.own(kind, identifier)

    def own(self, kind: str, identifier: str) -> URIRef:
        """Return the IRI that this catalogue assigns to a record, even if it kept another one.

        The parts of a dataset are named below this one: nobody may name things in the name of the
        catalogue that the dataset came from.
        """
        return URIRef(f"{self.base}/{kind}/{encode_segment(identifier)}")

    def dataset(self, identifier: str) -> URIRef:
        """Return the IRI of a dataset: the one that it came with, else our own."""
        kept = self.kept.get(identifier)
        return URIRef(kept) if kept else self.own("dataset", identifier)

    def distribution(self, dataset: str, resource: str) -> URIRef:
        """Return the IRI of a distribution: the one that it came with, else our own."""
        kept = self.kept.get(resource)
        return URIRef(kept) if kept else self.own_distribution(dataset, resource)

    def own_distribution(self, dataset: str, resource: str) -> URIRef:
        """Return the IRI that this catalogue gives a distribution."""
        return URIRef(f"{self.own('dataset', dataset)}/resource/{encode_segment(resource)}")

    def data_need(self, idea: str, need: str) -> URIRef:
        """Return the IRI of a data need: a part of the idea that states it."""
        return make_part_iri(self.thing("idea", idea), encode_segment(need))

    def concept(self, kind: str, code: str) -> URIRef:
        """Return the IRI of a concept of ours.

        Raises:
            UnknownCode: no such kind or code.
        """
        return URIRef(f"{self.vocabulary}/{schemes.build_concept_path(kind, code)}")

    def scheme(self, kind: str) -> URIRef:
        """Return the IRI of a concept scheme of ours.

        Raises:
            UnknownCode: no such kind.
        """
        return URIRef(f"{self.vocabulary}/{schemes.build_scheme_path(kind)}")

    def term(self, name: str) -> URIRef:
        """Return the IRI of a term of ``schemas/ontology.ttl``."""
        return URIRef(f"{self.vocabulary}/def#{name}")

    def page(self, kind: str, identifier: str) -> URIRef:
        """Return the address of a thing's page, where it is served now."""
        return URIRef(f"{self.url}/{kind}/{encode_segment(identifier)}")

    def foreign(self, value: object) -> URIRef | None:
        """Return an address as IRI unless it is one of ours.

        Typed text may name anything in the world, but must not add triples about our own records.
        """
        iri = make_web_iri(value)
        ours = iri is not None and f"{iri}/".startswith((f"{self.base}/", f"{self.vocabulary}/"))
        return None if ours else iri

    def may_be_thing(self, iri: URIRef) -> bool:
        """Return whether an address may be the IRI of a record of this site (with its own title).

        The plugin's pages about the whole catalogue (``/marathon/…``) are not IRIs of records.
        """
        is_page = iri.startswith(f"{self.base}/marathon/")
        return str(iri) in self.kept.values() or (self.foreign(iri) is None and not is_page)

    def id_of(self, kind: str, iri: str) -> str | None:
        """Return the id in an IRI of this site, ``None`` if it is not of this kind."""
        found = re.fullmatch(rf"{re.escape(self.base)}/{kind}/({_UUID})", iri)
        return unquote(found[1]) if found else None

    def need_of(self, iri: str) -> str | None:
        """Return the id in the IRI of a data need of this site, ``None`` for another IRI."""
        found = re.fullmatch(rf"{re.escape(self.base)}/idea/{_UUID}#({_UUID})", iri)
        return unquote(found[1]) if found else None


def make_part_iri(whole: URIRef, name: str) -> URIRef:
    """Return the IRI of a node that is part of another one, such as ``…/dataset/1#contact-1``.

    Used in place of blank nodes, so that descriptions of several datasets can be put together
    in any order, and compared. An IRI has one fragment: a part of a part is named in it.
    """
    return URIRef(f"{whole}{'-' if '#' in whole else '#'}{name}")


Row = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """The public neighbours of one record.

    A neighbour that is missing here is not mentioned in the graph: the public description of a
    dataset must not reveal an idea or a workshop that is not public.

    Attributes:
        site: where IRIs start.
        organizations: by id.
        ideas: by id.
        workshops: by id, counts masked.
        datasets: that came from an idea (or from the ideas of a workshop).
        alone: neighbours are named by their IRIs and not described: the feed keeps a description
            of each and puts them together in its pages. Of ideas and workshops the ids are then
            enough, of ideas also those of their data needs.
    """

    site: Site
    organizations: Mapping[str, Organization] = field(default_factory=dict[str, Organization])
    ideas: Mapping[str, Idea] = field(default_factory=dict[str, Idea])
    workshops: Mapping[str, Workshop] = field(default_factory=dict[str, Workshop])
    datasets: Sequence[Record] = ()
    alone: bool = False

    def ideas_of(self, dataset: Dataset) -> list[Idea]:
        """Return the public ideas that a dataset names, in its order."""
        return [self.ideas[id_] for id_ in dataset.idea_ids if id_ in self.ideas]

    def workshop_of(self, idea: Idea) -> Workshop | None:
        """Return the workshop of an idea if it is public."""
        return self.workshops.get(idea.workshop_id)

    def owner_of(self, package: PackageRecord) -> Organization | None:
        """Return the organisation of a package; an unknown one as ``package_show`` included it."""
        shown = package.owner
        named = (package.owner_id, shown.id if shown else "")
        known = (self.organizations.get(id_) for id_ in named)
        return next(filter(None, known), shown)


@dataclass(frozen=True)
class CatalogueFacts:
    """The facts from which the catalogue's own description is made.

    Attributes:
        site: where IRIs start.
        title: of the site.
        description: of the site; empty repeats the title, which DCAT-AP prefers to nothing.
        publisher: the coordinating body where there is exactly one, else ``None``: then the
            site itself is named as publisher.
        languages: of the pages, as CKAN locales.
        licence: of the descriptions themselves, an IRI or a licence id; empty says nothing.
        issued: of the first dataset, as CKAN writes times.
        modified: of the last change, as CKAN writes times.
    """

    site: Site
    title: str
    description: str = ""
    publisher: Organization | None = None
    languages: Sequence[str] = ("es",)
    licence: str = ""
    issued: str = ""
    modified: str = ""


@dataclass(frozen=True)
class PartFacts:
    """The facts from which the description of a part of the catalogue is made.

    Attributes:
        site: where IRIs start.
        iri: of the part, as a catalogue.
        catalogue: title of the whole.
        titles: of the part, by language: of a place one name, of a problem its labels.
        homepage: address of its page.
        places: kind (``municipality`` or ``department``) and code; none means the country.
    """

    site: Site
    iri: URIRef
    catalogue: str
    titles: Mapping[str, str]
    homepage: str
    places: Sequence[tuple[str, str]] = ()
