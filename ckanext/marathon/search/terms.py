"""What somebody may type or tick to find a thing: values of filters and words, from its fields.

Pure: dicts in, lists of text out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.errors import UnknownCode
from ckanext.marathon.vocabulary.problems import ServiceProblem
from ckanext.marathon.vocabulary.territory import Municipality

# The field whose single value, or values, a filter offers, by type.
_OWN = {
    "workshop": {"vocab_kind": "kind", "vocab_status": "status"},
    "idea": {
        "vocab_idea_status": "status",
        "vocab_workshop": "workshop",
        "vocab_community": "community",
    },
}


def facets(package: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return Solr field → values of one dataset, workshop, idea or commitment as it is shown.

    Municipalities bring their departments, problems the areas they belong to.
    """
    found = {
        "vocab_municipality": [m.code for m in _municipalities(package)],
        "vocab_department": _unique(m.department_code for m in _municipalities(package)),
        "vocab_service_problem": [p.notation for p in _problems(package)],
    }
    for field, own in _OWN.get(package.get("type", ""), {}).items():
        found[field] = _texts(package.get(own))
    return {field: values for field, values in found.items() if values}


def words(package: Mapping[str, Any]) -> list[str]:
    """Return names of its places and labels and synonyms of its problems, in every language."""
    found: list[str] = []
    for municipality in _municipalities(package):
        found += [municipality.name, *municipality.alt_names]
        found.append(territory.get_department(municipality.department_code).name)
    for problem in _problems(package):
        found += problem.pref_label.values()
        for synonyms in problem.alt_labels.values():
            found += synonyms
    return _unique(found)


def _municipalities(package: Mapping[str, Any]) -> list[Municipality]:
    return list(_known(_texts(package.get("municipality")), territory.get_municipality))


def _problems(package: Mapping[str, Any]) -> list[ServiceProblem]:
    own = list(_known(_texts(package.get("service_problem")), problems.get_problem))
    areas = _unique(p.broader for p in own if p.broader)
    notations = {p.notation for p in own}
    return own + [problems.get_problem(area) for area in areas if area not in notations]


def _known(codes: Iterable[str], look_up: Any) -> Iterable[Any]:
    for code in codes:
        try:
            yield look_up(code)
        except UnknownCode:
            continue


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return _unique(v for v in values if isinstance(v, str) and v)


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
