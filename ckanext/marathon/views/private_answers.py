"""Answers to somebody who is logged in are theirs alone: no cache keeps them for others.

CKAN says so of pages that a template made, and calls everything else ``public``: RDF, tables and
answers of the API that show a private record, and redirects that name it.

Source: RFC 9111, section 5.2.2.7 (``private``).
"""

from __future__ import annotations

from ckan.types import Response
from flask import Blueprint, g, request

private_answers = Blueprint("marathon_private_answers", __name__)

# The same for everybody.
_SHARED = frozenset({"static", "webassets.index"})


@private_answers.after_app_request
def keep_from_shared_caches(response: Response) -> Response:
    """Have CKAN, which writes ``Cache-Control`` afterwards, call the answer private.

    A browser asks again each time: it would keep a feed, which has a date, for a while otherwise.
    """
    if g.get("user") and request.endpoint not in _SHARED:
        request.environ["__no_cache__"] = True
        response.cache_control.no_cache = True
    return response
