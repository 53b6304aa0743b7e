"""Rate limits for requests that are costly or that guess, counted in Valkey.

Off unless ``ckanext.marathon.rate_limits`` is set, which ``marathon_site`` does. Feeds are never
limited. An answer of 304 is not counted, so that a program that asks whether something changed is
not punished for it. While Valkey does not answer, nothing is limited.

Source: RFC 6585, section 4 (429); RFC 9110, section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
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

from .client import identify_client, read_networks
from .error_page import error_page

rate_limit = Blueprint("marathon_rate_limit", __name__)

log = logging.getLogger(__name__)

# A reader does not wait longer for a counter that does not answer.
TIMEOUT_SECONDS = 0.25
# How long counting is given up after the counter did not answer.
PAUSE_SECONDS = 10


class Cost(StrEnum):
    """What a request costs, and the option with the limit for it."""

    SEARCH = "search"
    EXPORT = "export"
    ACCOUNT = "account"

    @property
    def option(self) -> str:
        """The name of the option, whose value is a limit such as ``300 per minute``."""
        return f"ckanext.marathon.rate_limit_{self.value}"


# Actions of the API that ask Solr or read many rows.
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
# These parameters make a catalogue a search; without them it is read from the log.
_SEARCHING_PARAMETERS = ("q", "fq", "modified_since", "profiles")
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
    }
)
# Each sends a mail, creates an account or tries a key.
_ACCOUNT_PAGES = frozenset({"user.request_reset", "user.register", "user.perform_reset"})


def find_cost() -> Cost | None:
    """Return what the current request costs, ``None`` if it is not limited."""
    endpoint = request.endpoint or ""
    if endpoint == "api.action":
        action = (request.view_args or {}).get("logic_function", "")
        return Cost.SEARCH if action in _SEARCHING_ACTIONS else None
    if endpoint in _ACCOUNT_PAGES:
        return Cost.ACCOUNT if request.method == "POST" else None
    if endpoint in _EXPORTING_PAGES:
        return Cost.EXPORT
    if endpoint in _CATALOGUES:
        searches = any(request.args.get(name) for name in _SEARCHING_PARAMETERS)
        return Cost.SEARCH if searches else None
    is_listing = endpoint.endswith(".search") or endpoint.startswith(("feeds.", "api."))
    return Cost.SEARCH if is_listing or endpoint in _SEARCHING_PAGES else None


@rate_limit.before_app_request
def refuse_above_limit() -> Response | None:
    """Answer 429 to a client that has used up its share of what the request costs."""
    g.marathon_cost = None
    if not tk.config["ckanext.marathon.rate_limits"]:
        return None
    cost = find_cost()
    if cost is None:
        return None
    if wait := seconds_to_wait(limit_of(cost), cost.value, identify_client()):
        return refusal(wait)
    g.marathon_cost = cost
    return None


@rate_limit.after_app_request
def count_answer(answer: Response) -> Response:
    """Count what was answered, unless the client had it already."""
    cost: Cost | None = g.pop("marathon_cost", None)
    if cost is not None and answer.status_code != 304:
        count(limit_of(cost), cost.value, identify_client())
    return answer


def refusal(wait: int) -> Response:
    """Return the answer 429: within the site's pages, or as the API's errors are.

    Args:
        wait: seconds until the client may ask again.
    """
    message = describe_wait(tk._("Too many requests from your address."), wait)
    if (request.endpoint or "").startswith("api."):
        error = {"__type": "Rate Limit Error", "message": message}
        answer = jsonify(help=request.url, success=False, error=error)
        answer.status_code = 429
    else:
        answer = error_page(429, tk._("Too many requests"), message)
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


def limit_of(cost: Cost) -> RateLimitItem:
    """Return the limit that the settings give a cost."""
    return read_limit(cost.option, tk.config[cost.option])


@cache
def read_limit(option: str, text: str) -> RateLimitItem:
    """Return the limit that a setting names.

    Raises:
        CkanConfigurationException: it is none, or more than one.
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
        CkanConfigurationException: one of them cannot be read.
    """
    read_networks(tk.config["ckanext.marathon.trusted_proxies"])
    for cost in Cost:
        limit_of(cost)


def seconds_to_wait(limit: RateLimitItem, *names: str) -> int:
    """Return how long until there is room again below a limit; 0 if there is room now.

    Args:
        limit: how often within which time.
        names: what is counted.
    """
    wait = 0
    with _counting() as counter:
        if counter is not None and not counter.test(limit, *names):
            reset = counter.get_window_stats(limit, *names).reset_time
            wait = max(1, math.ceil(reset - time.time()))
    return wait


def count(limit: RateLimitItem, *names: str) -> None:
    """Count one event below a limit."""
    with _counting() as counter:
        if counter is not None:
            counter.hit(limit, *names)


_paused_until = 0.0


@contextmanager
def _counting() -> Iterator[FixedWindowRateLimiter | None]:
    """Yield the counter, or ``None`` while Valkey does not answer; its failures end here."""
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
    pool = redis.ConnectionPool.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )
    prefix = f"marathon:limit:{site}"
    return FixedWindowRateLimiter(RedisStorage(url, connection_pool=pool, key_prefix=prefix))
