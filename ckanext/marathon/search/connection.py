"""CKAN's connection to Solr with short time-outs, a circuit breaker and a hidden password.

CKAN 2.12 waits ``solr_timeout`` seconds, 60 by default, so that a Solr that hangs soon blocks all
web processes. It also writes user and password into Solr's address, which error messages and logs
repeat. ``make_connection`` replaces CKAN's function of that name.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import ckan.plugins.toolkit as tk
import flask
import pysolr
import requests
import simplejson
from ckan.lib import search
from ckan.lib.search import common, index, query
from ckan.lib.search.common import SearchError, SolrConnectionError

# CKAN raises SolrConnectionError only if nothing listens at the address. For a Solr that is
# starting or too slow it raises SearchError, as for an invalid query.
AWAY = (SolrConnectionError, SearchError)


log = logging.getLogger(__name__)

# CKAN workaround: solr-connection
# Seconds to connect and to wait for an answer within a web request. For commands and background
# jobs ``solr_timeout`` applies.
CONNECT_SECONDS = 2
QUERY_SECONDS = 6
UPDATE_SECONDS = 20

# After this many consecutive time-outs no request is sent for some seconds; then one is tried.
TIMEOUTS = 2
PAUSE_SECONDS = 5

_FLAG = "marathon_solr_failed"
_REFUSAL = "marathon_solr_refusal"

# Messages of pysolr, and Solr's statuses for a query that is malformed or too long.
_ERROR = re.compile(r"Solr responded with an error \(HTTP (\d{3})\)")
_STATUS_OF_QUERY = frozenset({400, 413, 414})
_REASON = re.compile(r"\[Reason: (?!None\])(?:[\w.]+(?:Error|Exception): )?(.*)\]", re.DOTALL)


class CircuitBreaker:
    """Lets requests fail at once while Solr hangs. Each process has its own breaker."""

    def __init__(self) -> None:
        """Begin closed: requests pass."""
        self._lock = threading.Lock()
        self._timeouts = 0
        self._next_attempt = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the last :data:`TIMEOUTS` requests or more timed out."""
        return self._timeouts >= TIMEOUTS

    def admit(self) -> None:
        """Let a request pass; if the breaker is open, only one attempt after each pause.

        Raises:
            pysolr.SolrError: the breaker is open. By its first words CKAN turns the error into a
                SolrConnectionError.
        """
        with self._lock:
            if not self.is_open:
                return
            now = time.monotonic()
            if now < self._next_attempt:
                raise pysolr.SolrError("Failed to connect to server: it has not answered lately")
            # Other requests are refused during this attempt.
            self._next_attempt = now + CONNECT_SECONDS + QUERY_SECONDS + PAUSE_SECONDS

    def note_answer(self) -> None:
        """Close the breaker: Solr has answered."""
        with self._lock:
            self._timeouts = 0

    def note_timeout(self) -> None:
        """Count a request that Solr did not answer in time."""
        with self._lock:
            self._timeouts += 1
            self._next_attempt = time.monotonic() + PAUSE_SECONDS
            if self._timeouts == TIMEOUTS:
                log.warning("Solr does not answer in time; it is left alone for some seconds")


BREAKER = CircuitBreaker()


class BoundedSolr(pysolr.Solr):
    """pysolr's client with short time-outs within web requests."""

    def _send_request(
        self, method: str, path: str = "", body: Any = None, headers: Any = None, files: Any = None
    ) -> str:
        longest = float(tk.config.get("solr_timeout") or 60)
        if flask.has_request_context():
            usual = QUERY_SECONDS if path.startswith("select") else UPDATE_SECONDS
            self.timeout: Any = (min(CONNECT_SECONDS, longest), min(usual, longest))
        else:
            self.timeout = longest
        try:
            BREAKER.admit()
        except pysolr.SolrError as fault:
            _note_failure(fault)
            raise
        try:
            answer = super()._send_request(method, path, body, headers, files)
        except pysolr.SolrError as fault:
            if isinstance(fault.__context__, requests.Timeout):
                BREAKER.note_timeout()
            else:
                # Solr refused the connection or answered with an error: it does not hang.
                BREAKER.note_answer()
            if path.startswith("select") and self._is_of_query(fault):
                _note_refusal(fault)
            else:
                _note_failure(fault)
            raise
        BREAKER.note_answer()
        return answer

    def _is_of_query(self, fault: pysolr.SolrError) -> bool:
        """Return whether Solr refused this query, and not every query.

        Solr 9 answers 500 instead of 400 to unterminated or expensive regular expressions, invalid
        boosts, functions of non-numeric fields and deep nesting. So after a 500 a plain query is
        tried.
        """
        status = _ERROR.match(str(fault))
        if status is None:
            return False
        if int(status[1]) in _STATUS_OF_QUERY:
            return True
        # A Solr that is starting or busy answers 502 to 504.
        if int(status[1]) != 500:
            return False
        try:
            super()._send_request("get", "select?q=*:*&rows=0&wt=json")
        except pysolr.SolrError as other:
            if isinstance(other.__context__, requests.Timeout):
                BREAKER.note_timeout()
            return False
        return True


def make_connection(decode_dates: bool = True) -> pysolr.Solr:
    """Return a connection to Solr whose address has no credentials; see CKAN's own function.

    Args:
        decode_dates: whether dates in answers become ``datetime``.
    """
    parts = urlsplit(str(tk.config["solr_url"]))
    user, password = tk.config.get("solr_user"), tk.config.get("solr_password")
    if not (user and password):
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    options: dict[str, Any] = {"auth": (user, password)} if user and password else {}
    if decode_dates:
        options["decoder"] = simplejson.JSONDecoder(object_hook=common.solr_datetime_decoder)
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return BoundedSolr(address, **options)


def use_connection() -> None:
    """Make CKAN use this connection; idempotent."""
    modules: tuple[Any, ...] = (common, index, query, search)
    for module in modules:
        module.make_connection = make_connection


def solr_failed() -> bool:
    """Return whether Solr was unreachable, hung or failed during this web request."""
    return bool(flask.has_request_context() and flask.g.get(_FLAG))


def get_refusal() -> str | None:
    """Return Solr's reason for refusing the last query of this web request.

    Returns:
        ``""`` if it gave no reason, ``None`` if it refused no query.
    """
    return flask.g.get(_REFUSAL) if flask.has_request_context() else None


def forget_refusal() -> None:
    """Drop Solr's error message, which may quote texts hidden from the person who searches."""
    if flask.has_request_context():
        flask.g.pop(_REFUSAL, None)


def _note_failure(fault: pysolr.SolrError) -> None:
    is_refused_document = str(fault).startswith("Solr responded with an error (HTTP 400)")
    if flask.has_request_context() and not is_refused_document:
        setattr(flask.g, _FLAG, True)


def _note_refusal(fault: pysolr.SolrError) -> None:
    if flask.has_request_context():
        reason = _REASON.search(str(fault))
        setattr(flask.g, _REFUSAL, reason[1] if reason else "")
