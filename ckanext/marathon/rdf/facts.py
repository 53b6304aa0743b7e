"""Input of a graph besides its record: IRIs, and the neighbours of the record.

A neighbour that is missing in the facts is not mentioned in the graph.
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

    Characters that IRIs may not have (blanks, brackets, a lone ``%`` …) are percent-encoded;
    letters outside ASCII stay.

    Returns:
        ``None`` for another scheme, or without a valid host.
    """
    parts = _WEB.fullmatch(value.strip()) if isinstance(value, str) else None
    authority = _authority(parts[2]) if parts else None
    if not parts or not authority:
        return None
    scheme, path, query, fragment = (parts[1].lower(), *(parts[part] or "" for part in (3, 4, 5)))
    # An empty query or fragment is dropped, as some parsers do: otherwise there would be two IRIs.
    tail = (f"?{_encoded(query[1:], '/?')}" if len(query) > 1 else "") + (
        f"#{_encoded(fragment[1:], '/?')}" if len(fragment) > 1 else ""
    )
    return URIRef(f"{scheme}://{authority}{_encoded(path, '/')}{tail}")


def make_urn(value: object) -> URIRef | None:
    """Return a name that is no address (``urn:``, ``doi:`` …) as an IRI, else ``None``."""
    text = value.strip() if isinstance(value, str) else ""
    if not text.lower().startswith(_NAMES):
        return None
    try:
        return URIRef(pyoxigraph.NamedNode(text).value)
    except ValueError:
        return None


def make_mail_iri(value: object) -> URIRef | None:
    """Return a mail address as a ``mailto:`` IRI, ``None`` if it is malformed."""
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
    """Return a value encoded as one segment of an IRI's path, or as its fragment."""
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
    # A password is not published; the user name is.
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
    """The starts of IRIs, the address of the pages, and the languages of the site.

    Attributes:
        base: start of the IRIs of records, without a slash at the end.
        vocabulary: start of the IRIs of concepts, without a slash at the end.
        url: start of the addresses of pages, without a slash at the end; may differ from ``base``.
        language: primary language tag of titles and descriptions (``es``).
        kept: id of a harvested dataset or resource → its original IRI. It has only the records
            that are needed for the present graph.
        others: further languages of the pages, in the order in which they are offered.
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
            identifier: the id in CKAN, never the name.
        """
        return self.dataset(identifier) if kind == "dataset" else self.own(kind, identifier)

    def own(self, kind: str, identifier: str) -> URIRef:
        """Return the IRI that this site assigns to a record, even if it has an original IRI.

        The IRIs of a dataset's parts begin with this one: this site must not assign IRIs in the
        name of another catalogue.
        """
        return URIRef(f"{self.base}/{kind}/{encode_segment(identifier)}")

    def dataset(self, identifier: str) -> URIRef:
        """Return the IRI of a dataset: the original one, else the one of this site."""
        kept = self.kept.get(identifier)
        return URIRef(kept) if kept else self.own("dataset", identifier)

    def distribution(self, dataset: str, resource: str) -> URIRef:
        """Return the IRI of a distribution: the original one, else the one of this site."""
        kept = self.kept.get(resource)
        return URIRef(kept) if kept else self.own_distribution(dataset, resource)

    def own_distribution(self, dataset: str, resource: str) -> URIRef:
        """Return the IRI that this site assigns to a distribution."""
        return URIRef(f"{self.own('dataset', dataset)}/resource/{encode_segment(resource)}")

    def data_need(self, idea: str, need: str) -> URIRef:
        """Return the IRI of a data need: a part of the idea that states it."""
        return make_part_iri(self.thing("idea", idea), encode_segment(need))

    def concept(self, kind: str, code: str) -> URIRef:
        """Return the IRI of a concept of the site's vocabularies.

        Raises:
            UnknownCode: there is no such kind or code.
        """
        return URIRef(f"{self.vocabulary}/{schemes.build_concept_path(kind, code)}")

    def scheme(self, kind: str) -> URIRef:
        """Return the IRI of a concept scheme of the site.

        Raises:
            UnknownCode: there is no such kind.
        """
        return URIRef(f"{self.vocabulary}/{schemes.build_scheme_path(kind)}")

    def term(self, name: str) -> URIRef:
        """Return the IRI of a term of ``schemas/ontology.ttl``."""
        return URIRef(f"{self.vocabulary}/def#{name}")

    def page(self, kind: str, identifier: str) -> URIRef:
        """Return the present address of a record's page."""
        return URIRef(f"{self.url}/{kind}/{encode_segment(identifier)}")

    def foreign(self, value: object) -> URIRef | None:
        """Return a web address as an IRI; ``None`` if it is malformed or an IRI of this site.

        A typed IRI may name anything, but must not add triples to records of this site.
        """
        iri = make_web_iri(value)
        ours = iri is not None and f"{iri}/".startswith((f"{self.base}/", f"{self.vocabulary}/"))
        return None if ours else iri

    def may_be_thing(self, iri: URIRef) -> bool:
        """Return whether an address may be the IRI of a record of this site.

        The plugin's pages about the whole catalogue (``/marathon/…``) are not.
        """
        is_page = iri.startswith(f"{self.base}/marathon/")
        return str(iri) in self.kept.values() or (self.foreign(iri) is None and not is_page)

    def id_of(self, kind: str, iri: str) -> str | None:
        """Return the id in the IRI of a record of this site, ``None`` if it has another kind."""
        found = re.fullmatch(rf"{re.escape(self.base)}/{kind}/({_UUID})", iri)
        return unquote(found[1]) if found else None

    def need_of(self, iri: str) -> str | None:
        """Return the id in the IRI of a data need of this site, ``None`` for another IRI."""
        found = re.fullmatch(rf"{re.escape(self.base)}/idea/{_UUID}#({_UUID})", iri)
        return unquote(found[1]) if found else None


def make_part_iri(whole: URIRef, name: str) -> URIRef:
    """Return the IRI of a part of a node, for example ``…/dataset/1#contact-1``.

    It is used in place of a blank node, so that descriptions can be joined in any order and
    compared. The name of a part of a part is appended with a hyphen, because an IRI has only one
    fragment.
    """
    return URIRef(f"{whole}{'-' if '#' in whole else '#'}{name}")


Row = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """The public neighbours of one record.

    A neighbour that is missing here is not mentioned in the graph: the public description of a
    dataset must not reveal an idea or a workshop that is not public.

    Attributes:
        site: the site with the starts of IRIs.
        organizations: id → organisation.
        ideas: id → idea.
        workshops: id → workshop, with masked counts.
        datasets: datasets of the idea, or of the ideas of the workshop.
        alone: whether neighbours are only named by their IRIs, not described. The feed stores each
            description separately and joins them in its pages. Ideas and workshops then need only
            their ids, and ideas the ids of their data needs.
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
        """Return the organisation of a package: from the facts, else from ``package_show``."""
        shown = package.owner
        named = (package.owner_id, shown.id if shown else "")
        known = (self.organizations.get(id_) for id_ in named)
        return next(filter(None, known), shown)


@dataclass(frozen=True)
class CatalogueFacts:
    """The input of the catalogue's description.

    Attributes:
        site: the site with the starts of IRIs.
        title: title of the site.
        description: description of the site; if empty, the title is used, because DCAT-AP requires
            a description.
        publisher: the coordinating body, if there is exactly one; ``None``: the site itself is the
            publisher.
        languages: CKAN locales of the pages.
        licence: IRI or id of the licence of the descriptions; "" for none.
        issued: time of the first dataset, in CKAN's format.
        modified: time of the last change, in CKAN's format.
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
    """The input of the description of a part of the catalogue.

    Attributes:
        site: the site with the starts of IRIs.
        iri: IRI of the part as a catalogue.
        catalogue: title of the whole catalogue.
        titles: language → title of the place, problem or record.
        homepage: address of the page of the part.
        places: kind (``municipality`` or ``department``) and code; none means the country.
    """

    site: Site
    iri: URIRef
    catalogue: str
    titles: Mapping[str, str]
    homepage: str
    places: Sequence[tuple[str, str]] = ()
