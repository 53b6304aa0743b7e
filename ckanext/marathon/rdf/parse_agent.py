"""Back from triples to organisations and contacts, in the words of several vocabularies."""

from __future__ import annotations

from rdflib import Literal, URIRef
from rdflib.term import Node

from ckanext.marathon.vocabulary import authorities

from .iri import address_of_mail, mail
from .namespaces import ADMS, DCT, FOAF, RDFS, SCHEMAS, SKOS, VCARD
from .reading import Reader

__all__ = ["read_agent", "read_contact", "read_further"]


def _of_schemas(name: str) -> tuple[URIRef, ...]:
    return tuple(schema[name] for schema in SCHEMAS)


_NAMES = (FOAF.name, VCARD.fn, VCARD["organization-name"], SKOS.prefLabel, RDFS.label, DCT.title)
_NAMES += _of_schemas("name")
_CONTACT_NAMES = (VCARD.fn, VCARD.hasFN, VCARD["organization-name"], VCARD["given-name"])
_CONTACT_NAMES += (FOAF.name, RDFS.label, *_of_schemas("name"))
_MAIL = (FOAF.mbox, VCARD.hasEmail, VCARD.email, *_of_schemas("email"))
_PAGES = (FOAF.homepage, FOAF.workplaceHomepage, FOAF.page, VCARD.hasURL, VCARD.url)
_PAGES += _of_schemas("url")
_TELEPHONES = (VCARD.hasTelephone, VCARD.tel, FOAF.phone, *_of_schemas("telephone"))


def read_agent(reader: Reader, whole: Node, node: Node) -> dict[str, str]:
    """Return an organisation as the fields of ``publisher`` and ``creator`` hold it."""
    if isinstance(node, Literal):
        return _filled(name=str(node).strip())
    given = reader.one(node, DCT.type)
    kind = authorities.find_publisher_type(given)
    return _filled(
        uri=_own_iri(whole, node),
        name=reader.text(node, *_NAMES),
        email=_address(reader, node),
        url=next(iter(reader.addresses(node, *_PAGES)), ""),
        type=kind.iri if kind else given,
        identifier=reader.one(node, DCT.identifier, ADMS.identifier),
    )


def read_contact(reader: Reader, whole: Node, node: Node) -> dict[str, str]:
    """Return an office as the field ``contact`` holds it."""
    if isinstance(node, Literal):
        text = str(node).strip()
        return _filled(email=address_of_mail(text)) if mail(text) else _filled(name=text)
    named = reader.text(node, *_CONTACT_NAMES) or reader.one(node, *_CONTACT_NAMES)
    return _filled(
        uri=_own_iri(whole, node),
        name=named,
        email=_address(reader, node),
        url=next(iter(reader.addresses(node, VCARD.hasURL, *_PAGES)), ""),
        identifier=reader.one(node, VCARD.hasUID, VCARD.uid, DCT.identifier),
    )


def read_further(reader: Reader, node: Node) -> dict[str, list[str]]:
    """Return what is stated of an office or organisation and has no room in its row, by name."""
    if isinstance(node, Literal):
        return {}
    mails = [address_of_mail(each).strip() for each in reader.values(node, *_MAIL)]
    numbers = (each.removeprefix("tel:").strip() for each in reader.values(node, *_TELEPHONES))
    found = {
        "email": [each for each in mails if each != _address(reader, node)],
        "url": reader.addresses(node, VCARD.hasURL, *_PAGES)[1:],
        "telephone": numbers,
    }
    distinct = {name: [*dict.fromkeys(filter(None, each))] for name, each in found.items()}
    return {name: each for name, each in distinct.items() if each}


def _address(reader: Reader, node: Node) -> str:
    """Return the first mail address that can be one, else the first that is given."""
    given = reader.values(node, *_MAIL)
    return address_of_mail(next(filter(mail, given), next(iter(given), ""))).strip()


def _filled(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def _own_iri(whole: Node, node: Node) -> str:
    """Return the IRI of a thing that is known beyond the dataset it is described in."""
    known = isinstance(node, URIRef) and not node.startswith(f"{whole}#")
    return str(node) if known else ""
