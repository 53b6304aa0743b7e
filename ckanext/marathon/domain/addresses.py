"""Checking web addresses for links and RDF, and mail addresses."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ckanext.marathon.domain.errors import N_, Malformed
from ckanext.marathon.domain.texts import is_plain, quote_value, split_items

LONGEST = 2_000

# RFC 3987 does not allow these in an IRI; one of them makes a whole catalogue invalid.
_FORBIDDEN = re.compile(r"[\x00-\x20<>\"{}|\\^`\x7f-\xa0\u2028\u2029]")
# Schemes of addresses that a browser executes, or opens on the reader's own machine.
_REFUSED_SCHEMES = frozenset(
    {"javascript", "vbscript", "data", "blob", "file", "about", "view-source"}
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AROUND = "".join(map(chr, range(0x21)))
_HOST = re.compile(r"[\w.-]+|\[[0-9A-Fa-f:.]+\]")
_LEADING_HOST = re.compile(r"(?://)?([\w-]+(?:\.[\w-]+)+)\.?(?::\d+)?(?=[/?#]|$)")
# A top-level domain (``gt``, ``org``, ``xn--…``), or an IPv4 address.
_LAST_LABEL = re.compile(r"\.(?:[^\W\d_]{2,}|xn--[\w-]+)$|^\d+(?:\.\d+){3}$", re.IGNORECASE)
# Separators of addresses; in other places a comma or semicolon may be part of one.
_BETWEEN = re.compile(r"[,;]*\s+[,;]*|[,;]+(?=https?://)", re.IGNORECASE)
_SECOND = re.compile(r"[\s,;]https?://", re.IGNORECASE)
_SEPARATED = re.compile(r"\s[,;]*https?://", re.IGNORECASE)
_TWO = N_("“{value}” is more than one web address: one is expected here")


def read_http_addresses(value: object) -> list[str]:
    """Return the absolute addresses of a list, in the order given, each once.

    Args:
        value: a list, a JSON list, or a text with blanks, line breaks, commas or semicolons
            between the addresses.

    Raises:
        Malformed: a part of the value is not an address.
    """
    parts = (part for item in split_items(value, r"\s+") for part in _BETWEEN.split(item))
    whole = (part.strip(",;") for part in parts)
    return list(dict.fromkeys(read_http_address(part) for part in whole if part))


def read_http_address(value: object) -> str:
    """Return an absolute address that begins with ``http://`` or ``https://``.

    Raises:
        Malformed: the value is anything else, has a blank, a user name or an invalid port, or is
            more than one address.
    """
    text = value.strip() if isinstance(value, str) and len(value) <= LONGEST + 100 else ""
    if _SECOND.search(text):
        raise Malformed(_TWO, value=quote_value(value))
    if text and len(text) <= LONGEST and is_plain(text) and not _FORBIDDEN.search(text):
        try:
            parts = urlsplit(text)
            valid = (
                parts.scheme.lower() in {"http", "https"}
                and bool(_HOST.fullmatch(_host(parts.netloc)))
                and (parts.port is None or parts.port > 0)
            )
        except ValueError:
            valid = False
        if valid:
            return text
    raise Malformed(
        N_("“{value}” is not a web address: write it whole, for example https://www.infom.gob.gt"),
        value=quote_value(value),
    )


def check_resource_address(value: str) -> str:
    """Return the address of a file on another site.

    An address without a scheme is accepted, because CKAN adds ``http://``, and so is one with a
    scheme of special programs, such as ``s3:``.

    Raises:
        Malformed: a browser would execute the address or open it on the reader's own machine
            (``javascript:``, ``data:``, ``file:``, ``C:\\`` …), or there are several addresses.

    Source: WHATWG URL, "basic URL parser": browsers drop controls and blanks around an address, and
    tabs and line breaks inside, before they read its scheme.
    """
    if _SEPARATED.search(value.strip(_AROUND)):
        raise Malformed(_TWO, value=quote_value(value))
    read = re.sub(r"[\t\n\r]", "", value.strip(_AROUND))
    scheme = _SCHEME.match(read)
    # A single letter is a drive of Windows.
    if scheme and (scheme[1].lower() in _REFUSED_SCHEMES or len(scheme[1]) == 1):
        raise Malformed(
            N_(
                "“{value}” is not an address where readers can fetch a file: write one that begins "
                "with https://, http:// or ftp://, or upload the file"
            ),
            value=quote_value(value),
        )
    return value


def begins_with_host(value: str) -> bool:
    """Return whether an address without a scheme begins with a host (``www.infom.gob.gt/x``).

    File names may have the same form; the caller must exclude them.
    """
    host = _LEADING_HOST.match(value.strip())
    return bool(host and _LAST_LABEL.search(host[1]))


def is_mail_reachable(address: str) -> bool:
    """Return whether a mail address is valid, not local, and not a "no-reply" address.

    Local hosts have no public name (``localhost``, ``.invalid``, IP addresses). Mailboxes without
    replies have names like ``no-responder`` and ``noreply``.

    Source: RFC 2606, RFC 6761, RFC 6762 and RFC 8375 (reserved names).
    """
    name, _, host = address.strip().lower().rpartition("@")
    labels = host.rstrip(".").split(".")
    if not name or len(labels) < 2 or not all(labels) or labels[-1].isdigit():
        return False
    is_reserved = labels[-1] in _NOT_PUBLIC or ".".join(labels[-2:]) in _RESERVED
    return not is_reserved and "[" not in host and not _NOBODY.search(name)


_NOBODY = re.compile(r"(?:^|[._-])(?:no|do-?not|not)[._-]?(?:reply|responder|responda|contestar)")
_NOT_PUBLIC = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private"}
    | {"invalid", "test", "example", "onion", "arpa"}
)
_RESERVED = frozenset({"example.com", "example.net", "example.org"})


def _host(netloc: str) -> str:
    """Return the host, "" if the address has a user name, which must not be published."""
    if "@" in netloc:
        return ""
    host, _, port = netloc.rpartition(":")
    return host if host and port.isdigit() and not netloc.endswith("]") else netloc
