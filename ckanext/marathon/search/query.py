"""Searches: dataset types that are excluded by default, filters, facets, suggestions of places.

Several values of one filter find records with any of them; in CKAN, only records with all of them.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from ckan import model

from ckanext.marathon.domain.texts import is_json_object
from ckanext.marathon.records import DATASET, OTHER_TYPES
from ckanext.marathon.search.document import list_registered_types
from ckanext.marathon.visibility import filter_public
from ckanext.marathon.vocabulary import authorities, problems, schemes, territory
from ckanext.marathon.vocabulary.codes import MAX_QUERY, UnknownCode, fold_text
from ckanext.marathon.vocabulary.problems import ServiceProblem
from ckanext.marathon.vocabulary.territory import Department, Municipality

Pair = tuple[str, str]
Group = tuple[str, ...]

# Departments and municipalities are one filter on the page.
PLACES: Group = ("vocab_department", "vocab_municipality")
PROBLEMS: Group = ("vocab_service_problem",)

# Values of a facet that Solr counts: enough for all 340 municipalities.
MOST_VALUES = 500

_OTHER_PARAMETERS = {"q", "page", "sort"}
_FIELD = re.compile(r"\w+", re.ASCII)


def find_filter_group(field: str) -> Group:
    """Return the fields that belong to the same filter as this one."""
    return PLACES if field in PLACES else (field,)


def list_chosen(parameters: Iterable[Pair]) -> list[Pair]:
    """Return the (field, value) pairs of a query string that are filters, by CKAN's rules."""
    return [
        (name, value)
        for name, value in parameters
        if name not in _OTHER_PARAMETERS and value and not name.startswith(("_", "ext_"))
    ]


def write_ckan_filter(pairs: Iterable[Pair]) -> str:
    """Return the ``fq`` that CKAN's search page writes, which requires all values."""
    return " ".join(f'{field}:"{value}"' for field, value in pairs)


def write_filter_of_any(pairs: Iterable[Pair], leave_out: Group = ()) -> str:
    """Return the ``fq`` that requires at least one value of every chosen filter.

    Args:
        pairs: the chosen values.
        leave_out: fields that are ignored, to count the other values of their filter.
    """
    groups: dict[Group, list[Pair]] = {}
    for field, value in dict.fromkeys(pairs):
        if field not in leave_out:
            groups.setdefault(find_filter_group(field), []).append((field, value))
    return " ".join(_clause(group) for group in groups.values())


def list_parameters(
    pairs: Iterable[Pair], order: Sequence[str], others: Iterable[Pair] = ()
) -> list[Pair]:
    """Return filter parameters in a canonical order, so that a selection has one address.

    Args:
        pairs: the chosen values.
        order: fields in the order of the page; other fields come last, by name.
        others: parameters that are no filters; ``q`` comes first, the others last.
    """
    place = {field: number for number, field in enumerate(order)}
    filters = sorted(set(pairs), key=lambda pair: (place.get(pair[0], len(place)), pair))
    others = [(name, value) for name, value in others if value]
    words = [pair for pair in others if pair[0] == "q"]
    return [*words, *filters, *(pair for pair in others if pair[0] != "q")]


def _clause(pairs: Sequence[Pair]) -> str:
    if not all(_FIELD.fullmatch(field) for field, _value in pairs):
        # Not a valid field name: Solr refuses it, as in CKAN.
        return write_ckan_filter(pairs)
    return f"+({' OR '.join(f'{field}:{_quoted(value)}' for field, value in pairs)})"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


MOST_NAMES = 3

_OPERATORS = {"AND", "OR", "NOT"}
# With a colon CKAN treats the text as Solr query syntax, and braces make an error.
_NO_WORDS = str.maketrans(":{}\\", "    ")


def select_words(typed: str) -> str:
    """Return a typed text as plain words for Solr; paired quotation marks stay."""
    text = typed[:MAX_QUERY].translate(_NO_WORDS)
    if text.count('"') % 2:
        text = text.replace('"', " ")
    found = [word.lower() if word in _OPERATORS else word for word in text.split()]
    return " ".join(word for word in found if re.search(r"\w", word))


def find_municipalities(text: str) -> list[Municipality]:
    """Return municipalities with names that a text contains or begins, the best match first.

    ``agua san carlos alzatate`` contains a name. Accents and case are ignored.
    """
    every = territory.list_municipalities()
    found = [
        (_rank(text, (municipality.name, *municipality.alt_names)), municipality.name, municipality)
        for municipality in every
    ]
    return [
        municipality for rank, _name, municipality in sorted(found, key=lambda one: one[:2]) if rank
    ][:MOST_NAMES]


def find_departments(text: str) -> list[Department]:
    """Return departments whose names a text contains or begins; see ``find_municipalities``."""
    found = [
        (_rank(text, (department.name,)), department.name, department)
        for department in territory.list_departments()
    ]
    return [
        department for rank, _name, department in sorted(found, key=lambda one: one[:2]) if rank
    ][:MOST_NAMES]


def find_service_problems(text: str, lang: str) -> Sequence[ServiceProblem]:
    """Return the problems and areas that match a text, the best match first."""
    return problems.search_problems(text, lang, MOST_NAMES)


def _rank(text: str, names: Sequence[str]) -> int:
    """Return how well a text matches any of the names: negative, the best lowest; 0 if not.

    The best match is the whole name, then its beginning, then the number of common words.
    """
    typed = fold_text(text[:MAX_QUERY])
    if len(typed) < 3:
        return 0
    ranks = [0]
    for name in filter(None, map(fold_text, names)):
        if typed == name:
            ranks.append(-2 * MAX_QUERY)
        elif name.startswith(typed):
            ranks.append(-MAX_QUERY)
        elif f" {name} " in f" {typed} ":
            ranks.append(-len(name.split()))
        elif all(f" {word}" in f" {name}" for word in typed.split()):
            ranks.append(-len(typed.split()))
        else:
            ranks.append(-_beginning(typed.split(), name))
    return min(ranks)


def _beginning(typed: Sequence[str], name: str) -> int:
    """Return how many first words of a name are in the text in sequence, 0 for fewer than two."""
    for length in range(len(name.split()), 1, -1):
        begin = name.split()[:length]
        if any(typed[at : at + length] == begin for at in range(len(typed) - length + 1)):
            return length
    return 0


# ``ext_marathon_types=all``: CKAN passes parameters with the prefix ``ext_`` to extensions.
OPT_IN = "ext_marathon_types"

# A filter that selects types or states; «-dataset_type:harvest», which ckanext-dcat sends, only
# excludes one.
_NAMED = re.compile(r"(?<![\w!-])(?<!NOT )(?:dataset_type|state)\s*:")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')

# Values of ``vocab_data_needs``: whether public datasets meet all data needs of an idea.
UNMET, MET = "unmet", "met"

Namer = Callable[[Iterable[str], str], Mapping[str, str]]


def write_datasets_filter() -> str:
    """Return the ``fq`` that excludes workshops, ideas, commitments and types without pages.

    It includes the types of other plugins, which exclude them if they want.
    """
    shown = [
        f'"{package_type}"'
        for package_type in list_registered_types()
        if package_type not in OTHER_TYPES
    ]
    return f"+dataset_type:({' OR '.join(shown)})"


def before_search(search_params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a search, by default restricted to datasets.

    Workshops, ideas and commitments are included if a filter selects ``dataset_type`` or ``state``
    (CKAN's trash searches all types by state), or with ``ext_marathon_types=all``.

    Raises:
        ckan.plugins.toolkit.ValidationError: ``fq_list`` is no list of texts, or ``wt`` is not
            ``json``, the only format that CKAN reads.
    """
    if search_params.get("wt", "json") != "json":
        raise tk.ValidationError({"wt": [tk._("Only json is understood")]})
    given: Any = search_params.get("fq_list") or []
    fq_list: Sequence[Any] = [given] if isinstance(given, str) else given
    if not isinstance(given, str | list | tuple) or not all(isinstance(t, str) for t in fq_list):
        raise tk.ValidationError({"fq_list": [tk._("A list of texts is expected")]})
    _widen(search_params)
    extras: Any = search_params.get("extras")
    if is_json_object(extras) and extras.get(OPT_IN) == "all":
        return search_params
    if is_looking_for_orphans(search_params):
        return search_params
    texts = [search_params.get("fq") or "", *fq_list]
    if not any(_NAMED.search(_QUOTED.sub('""', str(text))) for text in texts):
        search_params["fq_list"] = [*fq_list, write_datasets_filter()]
    return search_params


def _widen(search_params: dict[str, Any]) -> None:
    """Let search pages find records with any value of a filter, and count more values.

    Searches of programs are not changed.
    """
    if not flask.has_request_context() or tk.request.endpoint not in _PAGES:
        return
    chosen = list_chosen(tk.request.args.items(multi=True))
    ckans, fq = write_ckan_filter(chosen), search_params.get("fq")
    if search_params.get("facet.field"):
        search_params.setdefault("facet.limit", MOST_VALUES)
    if chosen and isinstance(fq, str):
        search_params["fq"] = fq.replace(ckans, write_filter_of_any(chosen), 1)


OF_ORGANIZATION = "organization.read"
_PAGES = frozenset(
    [*(f"{package_type}.search" for package_type in (DATASET, *OTHER_TYPES)), OF_ORGANIZATION]
)


def is_looking_for_orphans(search_params: Mapping[str, Any]) -> bool:
    """Return whether ``ckan search-index`` lists all indexed ids, to find purged packages."""
    return (
        not flask.has_request_context()
        and search_params.get("q") == "*:*"
        and search_params.get("fl") in ("id", ["id"])
        and not search_params.get("fq")
    )


def after_search(search_results: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
    """Return the results of a search with facet values named in the language of the request."""
    lang = _language()
    facets: dict[str, dict[str, Any]] = search_results.get("search_facets") or {}
    for field, facet in facets.items():
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


def name_values(field: str, values: Iterable[str], lang: str) -> Mapping[str, str]:
    """Return value → name, for values of a filter that have a name."""
    namer = _NAMERS.get(field)
    return namer(values, lang) if namer else {}


def list_facets(facets_dict: dict[str, Any], package_type: str) -> dict[str, Any]:
    """Return the filters of a type's search page (Solr field → title), ours first.

    Datasets also have CKAN's filters and those of other plugins; workshops, ideas and commitments
    only the organisation.
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
    """Return a namer from a function for one value; values not in the vocabulary have no name."""

    def names(values: Iterable[str], lang: str) -> dict[str, str]:
        found: dict[str, str] = {}
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
    """Return id → title of public packages; the others are not offered as filters."""
    rows = model.Session.query(model.Package.id, model.Package.title, model.Package.name).filter(
        model.Package.id.in_(list(values)),
        filter_public(model.Package),
    )
    return {id_: title or name for id_, title, name in rows}


_NAMERS: dict[str, Namer] = {
    "vocab_municipality": _by(lambda code, _lang: territory.get_municipality(code).name),
    "vocab_department": _by(lambda code, _lang: territory.get_department(code).name),
    "vocab_service_problem": _by(lambda n, lang: problems.get_problem(n).label(lang)),
    "vocab_kind": _by(lambda code, lang: schemes.WORKSHOP_KIND.term(code).label(lang)),
    "vocab_status": _by(lambda code, lang: schemes.WORKSHOP_STATUS.term(code).label(lang)),
    "vocab_idea_status": _by(lambda code, lang: schemes.IDEA_STATUS.term(code).label(lang)),
    "vocab_data_needs": _data_needs,
    "vocab_idea": _public_titles,
    "vocab_workshop": _public_titles,
    "license_id": _by(_licence),
}
