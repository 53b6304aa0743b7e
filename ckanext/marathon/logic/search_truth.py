"""A search shows nothing that the database does not show to the same person.

Solr may know a record that was never committed, or know it as it was before. What is noted as
doubtful is left out of the search from the start; what is found all the same and may not be seen
has the search repeated without it, so that counts and filters are right, too. Records whose
notes are due are shown afresh.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.search.common import SearchError
from ckan.lib.search.query import solr_literal
from ckan.types import Action, Context

from ckanext.marathon.model import search_index
from ckanext.marathon.search import connection, query
from ckanext.marathon.visibility import OUTSIDER, Viewer

# A search that finds more and more of what is not there ends after so many attempts.
ATTEMPTS = 3
# Of a page at most so many records are made afresh, each of which takes as long as to open it.
MOST_AFRESH = 50

_BETWEEN_FIELDS = re.compile(r"[\s,]+")


def search_true(next_: Action, context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of CKAN's ``package_search``, corrected by the database.

    Args:
        next_: CKAN's action.
        context: of the search; says who is looking.
        data_dict: parameters of the search; not changed.
    """
    if query.is_looking_for_orphans(data_dict):
        return next_(context, data_dict)
    viewer = Viewer(context)
    asked = copy.deepcopy(data_dict)
    has_id = _ask_for_id(asked)
    hidden = _invisible(search_index.list_suspects(), viewer)
    for _attempt in range(ATTEMPTS):
        try:
            answer = next_(context.copy(), _without(asked, hidden))
        except SearchError:
            if hidden:
                # Solr repeats the query in its message, with the ids of what is left out.
                next_(context.copy(), data_dict)
                connection.forget_refusal()
                raise SearchError(tk._("The search engine refused the query")) from None
            raise
        found = _compare(answer["results"], viewer)
        if not found.untrue:
            break
        hidden |= found.untrue
    else:
        kept = [result for result in answer["results"] if result.get("id") not in found.untrue]
        answer["count"] -= len(answer["results"]) - len(kept)
        answer["results"] = kept
    if not data_dict.get("fl") and not tk.asbool(data_dict.get("use_default_schema")):
        _show_afresh(answer["results"], found.due)
    if not has_id:
        for result in answer["results"]:
            result.pop("id", None)
    return answer


def _ask_for_id(asked: dict[str, Any]) -> bool:
    """Add the id to the fields that are asked for; return whether it was asked for already."""
    fields = asked.get("fl")
    if not fields:
        return True
    fields = [fields] if isinstance(fields, str) else list(fields)
    names = _BETWEEN_FIELDS.split(" ".join(fields))
    if "id" in names or "*" in names:
        return True
    asked["fl"] = [*fields, "id"]
    return False


def _without(asked: dict[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    asked = copy.deepcopy(asked)
    if hidden:
        given = asked.get("fq_list") or []
        given = [given] if isinstance(given, str) else list(given)
        asked["fq_list"] = [*given, f"-id:({' OR '.join(map(solr_literal, sorted(hidden)))})"]
    return asked


class _Comparison(NamedTuple):
    """Of the records that were found: which may not be shown, and which the index has as before."""

    untrue: set[str]
    due: set[str]


def _compare(results: list[dict[str, Any]], viewer: Viewer) -> _Comparison:
    # ``None`` where the state was not asked for.
    states = {result["id"]: result.get("state") for result in results if result.get("id")}
    stored = search_index.read_stored_states(states) if states else {}
    untrue = {
        id_
        for id_, state in states.items()
        if id_ not in stored or state not in {None, stored[id_].state}
    }
    restricted = {id_ for id_, row in stored.items() if not row.is_public}
    due = {id_ for id_, row in stored.items() if row.is_due}
    return _Comparison(untrue | _invisible(restricted, viewer), due)


def _invisible(ids: Collection[str], viewer: Viewer) -> set[str]:
    """Return which of these packages are not there, or not for this person."""
    if not ids:
        return set()
    found = model.Session.query(model.Package).filter(model.Package.id.in_(list(ids))).all()
    if viewer.is_internal or viewer.is_sysadmin:
        visible = {package.id for package in found}
    else:
        visible = {package.id for package in found if viewer.may_see(package)}
    return set(ids) - visible


def _show_afresh(results: list[dict[str, Any]], due: Collection[str]) -> None:
    """Replace the index's copies of records that it has not been told of, in place."""
    for number, result in enumerate(results[:MOST_AFRESH]):
        if result.get("id") in due:
            # As the index shows it: what the public sees.
            context: Any = {"ignore_auth": True, "user": "", "use_cache": False, OUTSIDER: True}
            results[number] = tk.get_action("package_show")(context, {"id": result["id"]})
