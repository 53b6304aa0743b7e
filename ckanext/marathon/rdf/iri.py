"""Web and mail addresses that people typed, made into IRIs that every RDF parser accepts.

One invalid IRI makes a whole page unreadable to a strict parser, so what cannot be repaired is
left out. Source of the rules: RFC 3987, section 2.2; RFC 6068 for ``mailto:``.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, unquote

import pyoxigraph
from rdflib import URIRef

__all__ = ["address_of_mail", "mail", "segment", "urn", "web"]

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


def web(value: object) -> URIRef | None:
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
    scheme, path, query, fragment = (parts[1].lower(), *(parts[each] or "" for each in (3, 4, 5)))
    # An empty query or fragment says nothing, and some parsers drop it, which makes two IRIs.
    tail = (f"?{_encoded(query[1:], '/?')}" if len(query) > 1 else "") + (
        f"#{_encoded(fragment[1:], '/?')}" if len(fragment) > 1 else ""
    )
    return URIRef(f"{scheme}://{authority}{_encoded(path, '/')}{tail}")


def urn(value: object) -> URIRef | None:
    """Return a name that is no address (``urn:``, ``doi:`` …) as IRI, ``None`` if it is none."""
    text = value.strip() if isinstance(value, str) else ""
    if not text.lower().startswith(_NAMES):
        return None
    try:
        return URIRef(pyoxigraph.NamedNode(text).value)
    except ValueError:
        return None


def mail(value: object) -> URIRef | None:
    """Return a mail address as ``mailto:`` IRI, ``None`` if it is none."""
    if not isinstance(value, str):
        return None
    address = re.sub(r"^mailto:", "", value.strip(), flags=re.IGNORECASE)
    if not _MAIL.fullmatch(address) or not _encodable(address):
        return None
    return URIRef("mailto:" + quote(address, safe="!$&'*+-/=._~@"))


def address_of_mail(iri: str) -> str:
    """Return the mail address of a ``mailto:`` IRI, or of a bare address."""
    return unquote(re.sub(r"^mailto:", "", str(iri), flags=re.IGNORECASE))


def segment(value: object) -> str:
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
    elif not all(each in _PLAIN - set(":@%") or _beyond_ascii(each) for each in host):
        return None
    if port and int(port) > 65535:
        return None
    # Who may log in is nobody else's business: a password in an address is not passed on.
    name = _encoded(user.partition(":")[0], "") if user else ""
    return f"{name}@{host}".removeprefix("@") + (f":{port}" if port else "")


def _encoded(text: str, also_plain: str) -> str:
    return "".join(
        each
        if each in _PLAIN or each in also_plain or _beyond_ascii(each)
        else quote(each, safe="", errors="replace")
        for each in _ESCAPE.sub("%25", text)
    )


def _beyond_ascii(character: str) -> bool:
    """Tell whether a character is in ``ucschar`` of RFC 3987, and has no effect on direction."""
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
