"""The filters of a search page: available and chosen values, and the address of each choice.

Chosen values are parameters of the address, in a canonical order. The filters need no script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user, request
from ckan.types import Context

from ckanext.marathon import records
from ckanext.marathon.domain.texts import is_blank
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.search import query
from ckanext.marathon.search.connection import AWAY
from ckanext.marathon.search.query import PLACES, PROBLEMS, Pair
from ckanext.marathon.vocabulary import problems, territory

DEPARTMENT, MUNICIPALITY = PLACES
PROBLEM = PROBLEMS[0]
# Values of a filter that are shown at once, and all that are listed.
FIRST, MOST = 10, 100


@dataclass(frozen=True)
class FilterChoice:
    """A value of a filter.

    Attributes:
        label: its label.
        count: number of records with it.
        href: address of the search with it, or without it if it is chosen.
        is_chosen: whether it is chosen.
        narrower: narrower choices: municipalities of a department, problems of an area.
        is_open: whether the narrower choices are unfolded.
    """

    label: str
    count: int
    href: str
    is_chosen: bool
    narrower: Sequence[FilterChoice] = ()
    is_open: bool = False


class SearchFilter(NamedTuple):
    """A filter: its first values, further ones to unfold, and the number of unlisted ones."""

    field: str
    title: str
    kind: str
    first: Sequence[FilterChoice]
    more: Sequence[FilterChoice] = ()
    unlisted: int = 0


class FilterRemoval(NamedTuple):
    """A chosen value, and the address of the search without it."""

    title: str
    label: str
    href: str


def marathon_filters_here() -> bool:
    """Return whether this page has our filters: a search of our types, or of an organisation."""
    endpoint = request.endpoint or ""
    return endpoint == query.OF_ORGANIZATION or endpoint in {
        f"{package_type}.search" for package_type in TYPES
    }


def marathon_filters(titles: Mapping[str, str], found: Mapping[str, Any]) -> list[SearchFilter]:
    """Return the filters of this search page that have values.

    Args:
        titles: Solr field → title, from CKAN's ``facet_titles``.
        found: ``search_facets`` of the search.
    """
    page = _SearchPage(titles)
    result: list[SearchFilter] = []
    for field in titles:
        if field == DEPARTMENT and MUNICIPALITY in titles:
            continue
        group = query.find_filter_group(field)
        counts = {name: _list_items(found, name) for name in group}
        if any(name in group for name, _value in page.chosen):
            counts = page.counted_without(group) or counts
        filter_ = _make_filter(page, field, counts)
        if filter_.first:
            result.append(filter_)
    return result


def marathon_removals(titles: Mapping[str, str]) -> list[FilterRemoval]:
    """Return the chosen values of this search page, in the order of its filters."""
    page = _SearchPage(titles)
    return [
        FilterRemoval(
            page.title(field), page.label(field, value), page.address(remove=[(field, value)])
        )
        for field, value in query.list_parameters(page.chosen, list(titles))
    ]


class _SearchPage:
    """This search page: its chosen values, and addresses with a choice added or removed."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles
        self.chosen = query.list_chosen(request.args.items(multi=True))
        values: dict[str, Any] = request.view_args or {}
        self._organization = values.get("id") if request.endpoint == query.OF_ORGANIZATION else None
        self._base = tk.h.url_for(
            request.endpoint, **({"id": self._organization} if self._organization else {})
        )
        self._others = [
            (name, value)
            for name, value in request.args.items(multi=True)
            if name in {"q", "sort"} or name.startswith("ext_")
        ]

    def title(self, field: str) -> str:
        """Return the title of a filter."""
        if field in PLACES:
            return tk._("Places")
        return self._titles.get(field, field)

    def address(self, add: Sequence[Pair] = (), remove: Iterable[Pair] = ()) -> str:
        """Return the address of this search with other choices, from its first page."""
        gone = set(remove)
        pairs = [pair for pair in (*self.chosen, *add) if pair not in gone]
        found = query.list_parameters(pairs, list(self._titles), self._others)
        return f"{self._base}?{urlencode(found)}" if found else self._base

    def choice(
        self,
        field: str,
        item: Mapping[str, Any],
        instead_of: Iterable[Pair] = (),
        narrower: Sequence[FilterChoice] = (),
    ) -> FilterChoice:
        """Return a value as a choice; choosing it replaces broader and narrower values."""
        pair = (field, item["name"])
        is_chosen = pair in self.chosen
        href = self.address(remove=[pair]) if is_chosen else self.address([pair], instead_of)
        is_open = bool(narrower) and any(choice.is_chosen for choice in narrower)
        return FilterChoice(
            item["display_name"], item["count"], href, is_chosen, narrower, is_chosen or is_open
        )

    def label(self, field: str, value: str) -> str:
        """Return the label of a value, also of one without results."""
        if field == "organization":
            found = model.Group.get(value)
            return found.title or value if found and found.state == model.State.ACTIVE else value
        name = query.name_values(field, [value], str(tk.h.lang())).get(value, value)
        return tk._("(without a name)") if is_blank(name) else name

    def counted_without(self, group: query.Group) -> dict[str, list[dict[str, Any]]] | None:
        """Return the values of a filter counted without its own choices; ``None`` if Solr fails."""
        fq = query.write_filter_of_any(self.chosen, leave_out=group)
        organization = model.Group.get(self._organization) if self._organization else None
        package_type = (request.endpoint or "").removesuffix(".search")
        if organization:
            fq += f' +owner_org:"{organization.id}"'
        elif package_type != records.DATASET:
            fq += f" +dataset_type:{package_type}"
        asked = {
            "q": request.args.get("q", ""),
            "fq": fq.strip(),
            "rows": 0,
            "facet.field": list(group),
            "facet.limit": query.MOST_VALUES,
            "extras": dict(pair for pair in self._others if pair[0].startswith("ext_")),
            "include_private": bool(organization)
            or tk.config.get("ckan.search.default_include_private"),
        }
        context: Context = {"user": current_user.name}
        try:
            found = tk.get_action("package_search")(context, asked)["search_facets"]
        except AWAY:
            return None
        return {name: _list_items(found, name) for name in group}


def _make_filter(
    page: _SearchPage, field: str, counts: Mapping[str, list[dict[str, Any]]]
) -> SearchFilter:
    title = page.title(field)
    if field == MUNICIPALITY and DEPARTMENT in counts:
        return SearchFilter(field, title, "places", _list_places(page, counts))
    if field == PROBLEM:
        return SearchFilter(field, title, "problems", _list_problems(page, counts[field]))
    every = [page.choice(field, item) for item in counts[field]]
    # Chosen values are never hidden behind "more".
    every.sort(key=lambda choice: (not choice.is_chosen, -choice.count, choice.label.casefold()))
    listed = every[:MOST]
    return SearchFilter(field, title, "", listed[:FIRST], listed[FIRST:], len(every) - len(listed))


def _list_places(
    page: _SearchPage, counts: Mapping[str, list[dict[str, Any]]]
) -> list[FilterChoice]:
    inside: dict[str, list[dict[str, Any]]] = {}
    for item in counts[MUNICIPALITY]:
        inside.setdefault(territory.get_municipality(item["name"]).department_code, []).append(item)
    choices: list[FilterChoice] = []
    for item in counts[DEPARTMENT]:
        own = inside.get(item["name"], [])
        pairs = [pair for pair in page.chosen if _is_in(pair, item["name"])]
        above = [(DEPARTMENT, item["name"])]
        narrower = _sort_choices([page.choice(MUNICIPALITY, place, above) for place in own])
        choices.append(page.choice(DEPARTMENT, item, pairs, narrower))
    return _sort_choices(choices)


def _is_in(pair: Pair, department: str) -> bool:
    # The first two digits of a municipality's code are its department's.
    return pair[0] == MUNICIPALITY and pair[1].startswith(department)


def _list_problems(page: _SearchPage, items: list[dict[str, Any]]) -> list[FilterChoice]:
    known = {item["name"]: item for item in items}
    choices: list[FilterChoice] = []
    for area in problems.list_areas():
        if area.notation not in known:
            continue
        own = [notation for notation in area.narrower if notation in known]
        above = [(PROBLEM, area.notation)]
        narrower = _sort_choices([page.choice(PROBLEM, known[notation], above) for notation in own])
        pairs = [(PROBLEM, notation) for notation in area.narrower]
        choices.append(page.choice(PROBLEM, known[area.notation], pairs, narrower))
    return _sort_choices(choices)


def _sort_choices(choices: list[FilterChoice]) -> list[FilterChoice]:
    return sorted(choices, key=lambda choice: (-choice.count, choice.label.casefold()))


def _list_items(found: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    facet: dict[str, Any] = found.get(field) or {}
    return _drop_unnamed(facet.get("items") or [])


def _drop_unnamed(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the values of a facet that have a name: older records may have a blank format."""
    return [item for item in items if not is_blank(str(item.get("display_name") or ""))]


@tk.chained_helper
def get_facet_items_dict(
    next_helper: Callable[..., list[dict[str, Any]]], *args: object, **kwargs: object
) -> list[dict[str, Any]]:
    """Return CKAN's facet values without blank ones, for pages with CKAN's own filters."""
    return _drop_unnamed(next_helper(*args, **kwargs))
