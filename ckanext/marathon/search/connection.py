"""CKAN's connection to Solr with short time-outs, a circuit breaker and a hidden password.

CKAN 2.12 waits ``solr_timeout`` seconds, 60 by default, so a Solr that hangs soon has every web
process waiting. It also writes user and password into Solr's address, which then stands in error
messages and logs. ``make_connection`` here takes the place of CKAN's in the modules that use it.
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

# CKAN says SolrConnectionError only where nothing listens: a Solr that is starting, or too slow,
# is a SearchError, like a query that it cannot read.
AWAY = (SolrConnectionError, SearchError)


log = logging.getLogger(__name__)

# CKAN workaround: solr-connection
# Seconds to connect and to wait for an answer within a web request. Commands and background jobs
# wait as long as ``solr_timeout`` says.
CONNECT_SECONDS = 2
QUERY_SECONDS = 6
UPDATE_SECONDS = 20

# After so many time-outs in a row Solr is not asked for some seconds; then one request tries.
TIMEOUTS = 2
PAUSE_SECONDS = 5

_FLAG = "marathon_solr_failed"
_REFUSAL = "marathon_solr_refusal"

# pysolr's words, and the answers by which Solr says that a query is no query, or too long.
_ERROR = re.compile(r"Solr responded with an error \(HTTP (\d{3})\)")
_STATUS_OF_QUERY = frozenset({400, 413, 414})
_REASON = re.compile(r"\[Reason: (?!None\])(?:[\w.]+(?:Error|Exception): )?(.*)\]", re.DOTALL)


class CircuitBreaker:
    """Remembers within a process that Solr hangs, so that not every request waits for it."""

    def __init__(self) -> None:
        """Begin closed: everybody may ask."""
        self._lock = threading.Lock()
        self._timeouts = 0
        self._next_attempt = 0.0

    @property
    def is_open(self) -> bool:
        """Whether Solr has not answered lately."""
        return self._timeouts >= TIMEOUTS

    def admit(self) -> None:
        """Let a request to Solr pass, or one attempt in a while if Solr hangs.

        Raises:
            pysolr.SolrError: Solr hangs. CKAN knows the first words and says that it is away.
        """
        with self._lock:
            if not self.is_open:
                return
            now = time.monotonic()
            if now < self._next_attempt:
                raise pysolr.SolrError("Failed to connect to server: it has not answered lately")
            # Others are refused while this one tries.
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
    """pysolr's client, which never waits long within a web request."""

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
                # It refuses or answers with an error: it does not hang.
                BREAKER.note_answer()
            if path.startswith("select") and self._is_of_query(fault):
                _note_refusal(fault)
            else:
                _note_failure(fault)
            raise
        BREAKER.note_answer()
        return answer

    def _is_of_query(self, fault: pysolr.SolrError) -> bool:
        """Return whether Solr cannot read this query, or cannot run it but could run a plain one.

        Solr 9 answers 500, not 400, to regular expressions that do not end or cost too much,
        negative and unreadable boosts, functions of fields that have no numbers, deep nesting.
        """
        status = _ERROR.match(str(fault))
        if status is None:
            return False
        if int(status[1]) in _STATUS_OF_QUERY:
            return True
        # Not 502 to 504: those are of a Solr that starts or is busy.
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
    """Return a connection to Solr whose address holds no credentials; see CKAN's own.

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
    """Return whether Solr was away, hung or broke down during this web request."""
    return bool(flask.has_request_context() and flask.g.get(_FLAG))


def get_refusal() -> str | None:
    """Return Solr's reason for refusing the last query of this web request.

    Returns:
        ``""`` where it gave no reason, ``None`` where it refused none.
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
