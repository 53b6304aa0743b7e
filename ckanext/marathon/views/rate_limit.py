"""Rate limits for costly requests and failed logins, counted in Valkey.

Requests of logged-in people are counted by account, others by network address.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache

import ckan.plugins.toolkit as tk
import redis
from ckan.exceptions import CkanConfigurationException
from ckan.types import Response
from flask import Blueprint, g, jsonify, request
from limits import RateLimitItem, parse
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from ckanext.marathon.views.answers import answer_error_page


def identify_client() -> str:
    """Return the key of the client's counter: the account, else the network address.

    All addresses of an IPv6 /64 network are counted together, because they usually belong to one
    customer.
    """
    user = tk.current_user
    return f"account:{user.id}" if user.is_authenticated else find_address()


def find_address() -> str:
    """Return the network address of the client as text, ``local`` if it is unknown.

    ``X-Forwarded-For`` is read from its end, and the client is the first address that is not one of
    ``ckanext.marathon.trusted_proxies``: only these proxies are trusted to have written it. A
    request through a Unix socket comes from a proxy on the same machine.
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
    """Return the networks of a setting, which are separated by spaces.

    Raises:
        CkanConfigurationException: one of them is invalid.
    """
    try:
        return tuple(ipaddress.ip_network(part) for part in text.split())
    except ValueError as fault:
        raise CkanConfigurationException(
            f"ckanext.marathon.trusted_proxies: {fault} / no es una dirección ni una red"
        ) from fault


rate_limit = Blueprint("marathon_rate_limit", __name__)

log = logging.getLogger(__name__)

# Timeout of Valkey in seconds.
TIMEOUT_SECONDS = 0.25
# Seconds without counting after Valkey did not answer.
PAUSE_SECONDS = 10


class RequestCost(StrEnum):
    """A kind of costly request, with a limit of its own."""

    SEARCH = "search"
    EXPORT = "export"
    ACCOUNT = "account"
    INVITE = "invite"

    @property
    def option(self) -> str:
        """The name of the option, whose value is a limit such as ``300 per minute``."""
        return f"ckanext.marathon.rate_limit_{self.value}"


# Actions that query Solr or read many rows.
_SEARCHING_ACTIONS = frozenset(
    {
        *("package_search", "resource_search", "tag_search", "term_translation_show"),
        *("package_autocomplete", "tag_autocomplete", "format_autocomplete", "user_autocomplete"),
        *("group_autocomplete", "organization_autocomplete", "current_package_list_with_resources"),
        *("datastore_search", "datastore_search_sql"),
        *("dcat_catalog_show", "dcat_catalog_search", "dcat_datasets_list"),
        *("marathon_idea_choices", "marathon_change_list"),
    }
)
_SEARCHING_PAGES = frozenset({"marathon_search.index", "organization.read", "group.read"})
# With these parameters a catalogue is a search; without them it is read from the feed's log.
_SEARCHING_PARAMETERS = ("q", "fq", "modified_since", "profiles")
_OF_TABLES = frozenset({"q", "sort", "page"})
_CATALOGUES = frozenset({"marathon_catalog.page", "dcat.read_catalog"})

_EXPORTING_PAGES = frozenset(
    {
        *("marathon_report.country", "marathon_report.country_xlsx"),
        *("marathon_report.municipality", "marathon_report.municipality_xlsx"),
        *("marathon_poster.dataset", "marathon_poster.idea", "marathon_poster.workshop"),
        *("marathon_short.dataset_qr", "marathon_short.idea_qr", "marathon_short.workshop_qr"),
        *("marathon_history.everything_csv", "marathon_history.everything_xlsx"),
        *("marathon_history.organization_csv", "marathon_history.organization_xlsx"),
        *("marathon_invitation.table", "organization.member_dump", "datastore.dump"),
        *("marathon_table.download", "marathon_tables.template", "marathon_tables.check"),
        *("marathon_import.template", "marathon_import.export", "marathon_import.mend"),
    }
)
# Pages that send a mail, create an account or check a key.
_ACCOUNT_PAGES = frozenset({"user.request_reset", "user.register", "user.perform_reset"})

# Actions and pages that invite a person, which may send a mail.
_INVITING_ACTIONS = frozenset(
    {"marathon_officer_invite", "marathon_officer_handover", "user_invite"}
)
_INVITING_PAGES = frozenset(
    {
        *("marathon_office.invite", "marathon_officer.invite", "marathon_officer.leave"),
        *("organization.member_new", "group.member_new"),
    }
)


def find_cost() -> RequestCost | None:
    """Return the kind of cost of the current request, ``None`` if it is not limited."""
    endpoint = request.endpoint or ""
    if endpoint == "api.action":
        action = (request.view_args or {}).get("logic_function", "")
        if action in _INVITING_ACTIONS:
            return RequestCost.INVITE
        return RequestCost.SEARCH if action in _SEARCHING_ACTIONS else None
    if endpoint in _ACCOUNT_PAGES:
        return RequestCost.ACCOUNT if request.method == "POST" else None
    if endpoint in _INVITING_PAGES:
        return RequestCost.INVITE if request.method == "POST" else None
    if endpoint in _EXPORTING_PAGES:
        return RequestCost.EXPORT
    if endpoint in _CATALOGUES:
        searches = any(request.args.get(name) for name in _SEARCHING_PARAMETERS)
        return RequestCost.SEARCH if searches else None
    # With these parameters the page of a file searches all rows of its table.
    if endpoint.endswith("_resource.read") and not request.args.keys().isdisjoint(_OF_TABLES):
        return RequestCost.SEARCH
    is_listing = endpoint.endswith(".search") or endpoint.startswith(("feeds.", "api."))
    return RequestCost.SEARCH if is_listing or endpoint in _SEARCHING_PAGES else None


@rate_limit.before_app_request
def refuse_above_limit() -> Response | None:
    """Answer 429 to a client above the limit for this kind of request."""
    g.marathon_cost = None
    if not tk.config["ckanext.marathon.rate_limits"]:
        return None
    cost = find_cost()
    if cost is None:
        return None
    if wait := seconds_to_wait(find_limit(cost), cost.value, identify_client()):
        return answer_too_many(wait)
    g.marathon_cost = cost
    return None


@rate_limit.after_app_request
def count_answer(answer: Response) -> Response:
    """Count the request, unless it was answered with 304."""
    cost: RequestCost | None = g.pop("marathon_cost", None)
    if cost is not None and answer.status_code != 304:
        count_event(find_limit(cost), cost.value, identify_client())
    return answer


def answer_too_many(wait: int) -> Response:
    """Return 429, as a page or in the form of CKAN's API.

    Args:
        wait: seconds until the client may send a request again.
    """
    message = describe_wait(tk._("Too many requests from your address."), wait)
    if (request.endpoint or "").startswith("api."):
        error = {"__type": "Rate Limit Error", "message": message}
        answer = jsonify(help=request.url, success=False, error=error)
        answer.status_code = 429
    else:
        answer = answer_error_page(429, tk._("Too many requests"), message)
    answer.headers["Retry-After"] = str(wait)
    return answer


def describe_wait(reason: str, seconds: int) -> str:
    """Return a sentence with the reason, followed by when to try again."""
    if seconds < 90:
        again = tk.ungettext(
            "Please try again in {n} second.", "Please try again in {n} seconds.", seconds
        ).format(n=seconds)
    else:
        minutes = math.ceil(seconds / 60)
        again = tk.ungettext(
            "Please try again in {n} minute.", "Please try again in {n} minutes.", minutes
        ).format(n=minutes)
    return f"{reason} {again}"


def find_limit(cost: RequestCost) -> RateLimitItem:
    """Return the configured limit of a kind of request."""
    return read_limit(cost.option, tk.config[cost.option])


@cache
def read_limit(option: str, text: str) -> RateLimitItem:
    """Return the limit of a setting.

    Raises:
        CkanConfigurationException: the setting is not exactly one limit.
    """
    try:
        return parse(text)
    except ValueError as fault:
        raise CkanConfigurationException(
            f"{option}: {text!r} is not a limit such as '300 per minute' / "
            f"no es un límite como '300 per minute'"
        ) from fault


def check_settings() -> None:
    """Read the settings of this module once, when the site starts.

    Raises:
        CkanConfigurationException: a setting is invalid.
    """
    read_networks(tk.config["ckanext.marathon.trusted_proxies"])
    for cost in RequestCost:
        find_limit(cost)


def seconds_to_wait(limit: RateLimitItem, *names: str) -> int:
    """Return the seconds until an event is allowed again; 0 if it is allowed now.

    Args:
        limit: the limit.
        names: parts of the counter's key.
    """
    wait = 0
    with _counting() as counter:
        if counter is not None and not counter.test(limit, *names):
            reset = counter.get_window_stats(limit, *names).reset_time
            wait = max(1, math.ceil(reset - time.time()))
    return wait


def count_event(limit: RateLimitItem, *names: str) -> None:
    """Count an event."""
    with _counting() as counter:
        if counter is not None:
            counter.hit(limit, *names)


_paused_until = 0.0


@contextmanager
def _counting() -> Generator[FixedWindowRateLimiter | None]:
    """Yield the counter, ``None`` while Valkey does not answer; catches errors of Valkey."""
    global _paused_until
    if time.monotonic() < _paused_until:
        yield None
        return
    try:
        yield _counter(tk.config["ckan.redis.url"], tk.config["ckan.site_id"])
    except redis.RedisError:
        _paused_until = time.monotonic() + PAUSE_SECONDS
        log.warning("Valkey does not answer: nothing is limited for %s seconds", PAUSE_SECONDS)


@cache
def _counter(url: str, site: str) -> FixedWindowRateLimiter:
    # redis gives the options no type.
    pool = redis.ConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )
    prefix = f"marathon:limit:{site}"
    return FixedWindowRateLimiter(RedisStorage(url, connection_pool=pool, key_prefix=prefix))
