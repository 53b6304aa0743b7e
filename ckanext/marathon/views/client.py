"""Who sends a request, as far as it is counted for somebody."""

from __future__ import annotations

import ipaddress
from functools import cache

import ckan.plugins.toolkit as tk
from ckan.exceptions import CkanConfigurationException
from flask import request


def identify_client() -> str:
    """Return who is counted: the account of who is logged in, else the network address.

    All addresses of one IPv6 network of 64 bits count as one, because whoever has one of them can
    use all of them.
    """
    user = tk.current_user
    return f"account:{user.id}" if user.is_authenticated else find_address()


def find_address() -> str:
    """Return the network address of the client, as text.

    ``X-Forwarded-For`` is believed only as far as proxies of
    ``ckanext.marathon.trusted_proxies`` wrote it: read from its end, it is the first address that
    is not one of them. What comes through a Unix socket comes from a proxy on the same machine.
    """
    header = request.headers.get("X-Forwarded-For", "")
    forwarded = [part.strip() for part in header.split(",") if part.strip()]
    trusted = read_networks(tk.config["ckanext.marathon.trusted_proxies"])
    address = _parse_address(request.remote_addr or "")
    while forwarded and (address is None or any(address in network for network in trusted)):
        found = _parse_address(forwarded.pop())
        if found is None:
            break
        address = found
    if address is None:
        return "local"
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _parse_address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@cache
def read_networks(text: str) -> tuple[Network, ...]:
    """Return the networks that a setting lists, separated by spaces.

    Raises:
        CkanConfigurationException: one of them is none.
    """
    try:
        return tuple(ipaddress.ip_network(part) for part in text.split())
    except ValueError as fault:
        raise CkanConfigurationException(
            f"ckanext.marathon.trusted_proxies: {fault} / no es una dirección ni una red"
        ) from fault
