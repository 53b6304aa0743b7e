"""What a search leaves out unless asked, which filters it offers, and how their values read."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from ckan import model

from ckanext.marathon.records.package import DATASET, OTHER_TYPES
from ckanext.marathon.search import filters
from ckanext.marathon.search.types import registered
from ckanext.marathon.visibility import filter_public
from ckanext.marathon.vocabulary import authorities, problems, statuses, territory
from ckanext.marathon.vocabulary.errors import UnknownCode

# ``ext_marathon_types=all``: CKAN lets parameters of this prefix through to extensions.
OPT_IN = "ext_marathon_types"

# A filter that says which types or states it wants; «-dataset_type:harvest» (as ckanext-dcat
# sends) says only what it does not want.
_NAMED = re.compile(r"(?<![\w!-])(?<!NOT )(?:dataset_type|state)\s*:")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')

# Whether public datasets meet what an idea asks for (``vocab_data_needs``).
UNMET, MET = "unmet", "met"

Namer = Callable[[Iterable[str], str], Mapping[str, str]]


def datasets_only() -> str:
    """Return the filter that leaves out workshops, ideas, commitments and types without pages.

    Datasets are named together with the types of other plugins, which hide those themselves.
    """
    shown = [f'"{each}"' for each in registered() if each not in OTHER_TYPES]
    return f"+dataset_type:({' OR '.join(shown)})"


def before_search(search_params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a search, narrowed to datasets unless it says otherwise.

    Workshops, ideas and commitments are left out if no filter names ``dataset_type`` or ``state``
    (CKAN's trash looks for all types by state) and the caller does not ask for them with
    ``ext_marathon_types=all``.

    Raises:
        ckan.plugins.toolkit.ValidationError: ``fq_list`` is no list of texts, or Solr is asked for
            another form of answer than the one that CKAN reads.
    """
    if search_params.get("wt", "json") != "json":
        raise tk.ValidationError({"wt": [tk._("Only json is understood")]})
    fq_list = search_params.get("fq_list") or []
    fq_list = [fq_list] if isinstance(fq_list, str) else fq_list
    if not isinstance(fq_list, list | tuple) or not all(isinstance(t, str) for t in fq_list):
        raise tk.ValidationError({"fq_list": [tk._("A list of texts is expected")]})
    _widen(search_params)
    extras = search_params.get("extras")
    if isinstance(extras, Mapping) and extras.get(OPT_IN) == "all":
        return search_params
    if looks_for_orphans(search_params):
        return search_params
    texts = [search_params.get("fq") or "", *fq_list]
    if not any(_NAMED.search(_QUOTED.sub('""', str(text))) for text in texts):
        search_params["fq_list"] = [*fq_list, datasets_only()]
    return search_params


def _widen(search_params: dict[str, Any]) -> None:
    """Let a search page find any of several values of a filter, and count enough of them.

    Only these pages: programs that send ``fq`` get what they ask for.
    """
    if not flask.has_request_context() or tk.request.endpoint not in _PAGES:
        return
    chosen = filters.chosen(tk.request.args.items(multi=True))
    ckans, fq = filters.ckans(chosen), search_params.get("fq")
    if search_params.get("facet.field"):
        search_params.setdefault("facet.limit", filters.MOST_VALUES)
    if chosen and isinstance(fq, str):
        search_params["fq"] = fq.replace(ckans, filters.any_of(chosen), 1)


OF_ORGANIZATION = "organization.read"
_PAGES = frozenset([*(f"{each}.search" for each in (DATASET, *OTHER_TYPES)), OF_ORGANIZATION])


def looks_for_orphans(search_params: Mapping[str, Any]) -> bool:
    """Return whether ``ckan search-index`` asks which of all that is indexed exists no more."""
    return (
        not flask.has_request_context()
        and search_params.get("q") == "*:*"
        and search_params.get("fl") in ("id", ["id"])
        and not search_params.get("fq")
    )


def after_search(search_results: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
    """Return the results of a search with facet values named in the reader's language."""
    lang = _language()
    for field, facet in (search_results.get("search_facets") or {}).items():
        namer = _NAMERS.get(field)
        if namer is None:
            continue
        names = namer([item["name"] for item in facet["items"]], lang)
        facet["items"] = [
            {**item, "display_name": names[item["name"]]}
            for item in facet["items"]
            if item["name"] in names
        ]
    return search_results


def _language() -> str:
    lang = tk.h.lang() if flask.has_request_context() else None
    return str(lang or tk.config.get("ckan.locale_default") or "es")


def names(field: str, values: Iterable[str], lang: str) -> Mapping[str, str]:
    """Return value → name of the values of a filter that the vocabularies or titles know."""
    namer = _NAMERS.get(field)
    return namer(values, lang) if namer else {}


def facets(facets_dict: dict[str, Any], package_type: str) -> dict[str, Any]:
    """Return the filters of a type's search page (Solr field → title), ours first.

    The site's own choice (``search.facets``) stays for datasets; of the rest, workshops, ideas and
    commitments keep the organisation.
    """
    titles = _titles()
    if package_type == DATASET:
        ours = ("vocab_municipality", "vocab_department", "vocab_service_problem")
        ours += ("vocab_idea_status", "vocab_workshop", "vocab_community")
        first = ("organization", "res_format", "license_id")
        kept = [f for f in first if f in facets_dict]
        kept += [f for f in facets_dict if f not in first]
    elif package_type in OTHER_TYPES:
        ours = _OTHER_FACETS[package_type]
        kept = [f for f in ("organization",) if f in facets_dict]
    else:
        return facets_dict
    return OrderedDict([(f, titles[f]) for f in ours] + [(f, facets_dict[f]) for f in kept])


_OTHER_FACETS = {
    "workshop": (
        "vocab_municipality",
        "vocab_department",
        "vocab_service_problem",
        "vocab_kind",
        "vocab_status",
    ),
    "idea": (
        "vocab_municipality",
        "vocab_department",
        "vocab_service_problem",
        "vocab_idea_status",
        "vocab_data_needs",
        "vocab_workshop",
        "vocab_community",
    ),
    "commitment": (),
}


def _titles() -> dict[str, str]:
    return {
        "vocab_municipality": tk._("Municipalities"),
        "vocab_department": tk._("Departments"),
        "vocab_service_problem": tk._("Service problems"),
        "vocab_kind": tk._("Kind"),
        "vocab_status": tk._("Status"),
        "vocab_idea_status": tk._("Status of the idea"),
        "vocab_data_needs": tk._("Data it asks for"),
        "vocab_workshop": tk._("Workshops"),
        "vocab_idea": tk._("Ideas"),
        "vocab_community": tk._("Communities"),
    }


def _by(label: Callable[[str, str], str]) -> Namer:
    """Name values one by one; those that the vocabulary no longer knows are not offered."""

    def names(values: Iterable[str], lang: str) -> dict[str, str]:
        found = {}
        for value in values:
            try:
                found[value] = label(value, lang)
            except UnknownCode:
                continue
        return found

    return names


def _licence(value: str, lang: str) -> str:
    known = authorities.find_licence(value)
    if known is not None:
        return known.label(lang)
    registered = model.Package.get_license_register().get(value)
    return registered.title if registered else value


def _data_needs(values: Iterable[str], _lang: str) -> dict[str, str]:
    labels = {UNMET: tk._("Some are still missing"), MET: tk._("All are published")}
    return {value: labels[value] for value in values if value in labels}


def _public_titles(values: Iterable[str], _lang: str) -> dict[str, str]:
    """Name packages by their titles; one that is not public is not offered to anybody."""
    rows = model.Session.query(model.Package.id, model.Package.title, model.Package.name).filter(
        model.Package.id.in_(list(values)),
        filter_public(model.Package),
    )
    return {id_: title or name for id_, title, name in rows}


_NAMERS: dict[str, Namer] = {
    "vocab_municipality": _by(lambda code, _lang: territory.get_municipality(code).name),
    "vocab_department": _by(lambda code, _lang: territory.get_department(code).name),
    "vocab_service_problem": _by(lambda n, lang: problems.get_problem(n).label(lang)),
    "vocab_kind": _by(lambda code, lang: statuses.WORKSHOP_KIND.term(code).label(lang)),
    "vocab_status": _by(lambda code, lang: statuses.WORKSHOP_STATUS.term(code).label(lang)),
    "vocab_idea_status": _by(lambda code, lang: statuses.IDEA_STATUS.term(code).label(lang)),
    "vocab_data_needs": _data_needs,
    "vocab_idea": _public_titles,
    "vocab_workshop": _public_titles,
    "license_id": _by(_licence),
}
