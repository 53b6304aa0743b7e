"""What a form field offers: choices for scheming, trees for the pickers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import ckan.plugins.toolkit as tk

from ckanext.marathon.vocabulary import authorities, problems, statuses, territory

from .labels import marathon_as_list


class Choice(TypedDict):
    """One choice of a scheming field; ``label`` is by language."""

    value: str
    label: dict[str, str]


class PickerItem(TypedDict):
    """One checkbox of a picker; ``words`` are further words that find it."""

    value: str
    label: str
    note: str
    words: str


class PickerGroup(TypedDict):
    """A named group of checkboxes."""

    label: str
    items: list[PickerItem]


def marathon_term_choices(field: dict[str, Any]) -> list[Choice]:
    """Return the terms of the list that the field's ``term_list`` names."""
    terms = statuses.get_term_list(field["term_list"]).terms
    return [{"value": term.code, "label": dict(term.labels)} for term in terms]


def marathon_authority_choices(field: dict[str, Any]) -> list[Choice]:
    """Return the concepts of the authority table that the field's ``scheme`` names, by label."""
    lang = tk.h.lang()
    concepts = authorities.get_scheme(field["scheme"]).concepts
    return [
        {"value": each.iri, "label": dict(each.labels)}
        for each in sorted(concepts, key=lambda concept: concept.label(lang).casefold())
    ]


def marathon_chosen(field: Mapping[str, Any], value: Any) -> list[str]:
    """Return what is chosen of an authority table or closed list, as the values of its choices.

    Other spellings (``monthly``, ``es``), as sites had them before, become the concept they mean;
    what means none is returned as it is, so that a form does not lose it.
    """
    spellings = marathon_as_list(value)
    if "term_list" in field:
        return [_term_code(field["term_list"], str(each)) for each in spellings]
    if "scheme" not in field:
        return [str(each) for each in spellings]
    found = [authorities.find_concept(field["scheme"], str(each)) for each in spellings]
    return [known.iri if known else str(each) for known, each in zip(found, spellings, strict=True)]


def _term_code(list_name: str, spelling: str) -> str:
    for term in statuses.get_term_list(list_name).terms:
        if spelling.casefold() in {term.code, *(each.casefold() for each in term.labels.values())}:
            return term.code
    return spelling


def marathon_not_offered(selected: Any, groups: list[PickerGroup]) -> list[str]:
    """Return what is chosen and is no choice of a picker: a form does not lose it."""
    offered = {item["value"] for group in groups for item in group["items"]}
    return [each for each in marathon_as_list(selected) if each not in offered]


def marathon_municipality_tree() -> list[PickerGroup]:
    """Return the 340 municipalities under their departments, for a picker."""
    return [
        {
            "label": department.name,
            "items": [
                {
                    "value": each.code,
                    "label": each.name,
                    "note": "",
                    "words": " ".join([each.code, *each.alt_names]),
                }
                for each in territory.list_municipalities_of(department.code)
            ],
        }
        for department in territory.list_departments()
    ]


def marathon_problem_tree() -> list[PickerGroup]:
    """Return the service problems under their areas, with definitions, for a picker.

    An area can be chosen too, as its group's first item: some ideas answer more than one of
    its problems.
    """
    lang = tk.h.lang()
    return [
        {
            "label": branch.area.label(lang),
            "items": [_problem_item(each, lang) for each in (*branch.problems, branch.area)],
        }
        for branch in problems.list_branches()
    ]


def _problem_item(problem: problems.ServiceProblem, lang: str) -> PickerItem:
    label = problem.label(lang)
    synonyms = [word for words in problem.alt_labels.values() for word in words]
    return {
        "value": problem.notation,
        "label": tk._("%(area)s, in general") % {"area": label} if problem.is_area else label,
        "note": _in(problem.definition, lang),
        "words": " ".join([problem.notation, *synonyms, *problem.pref_label.values()]),
    }


def _in(texts: Any, lang: str) -> str:
    return texts.get(lang) or texts.get("es") or ""
