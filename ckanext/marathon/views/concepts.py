"""What the page of a vocabulary, or of one of its concepts, says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk

from ckanext.marathon.vocabulary import authorities, problems, statuses, territory
from ckanext.marathon.vocabulary.text import pick_label


class Link(NamedTuple):
    """A text that may lead somewhere; ``note`` explains it."""

    text: str
    href: str = ""
    note: str = ""


class Branch(NamedTuple):
    """A group of concepts; the first group of a flat list has no head."""

    head: Link | None
    links: list[Link]


@dataclass
class Page:
    """A concept: its name and code, and rows of (label, links)."""

    kind: str
    code: str
    name: str
    scheme_title: str
    definition: str = ""
    about: Link | None = None
    rows: list[tuple[str, list[Link]]] = field(default_factory=list)


def title(kind: str) -> str:
    """Return the name of a vocabulary.

    Raises:
        UnknownCode: no such kind.
    """
    if kind == "municipality":
        return tk._("Municipalities")
    if kind == "department":
        return tk._("Departments")
    if kind == problems.KIND:
        return tk._("Service problems")
    return pick_label(statuses.get_term_list(kind).title, tk.h.lang())


def link(kind: str, thing: Any) -> Link:
    """Return a link to a concept given as an object of the vocabulary room."""
    lang = tk.h.lang()
    code = getattr(thing, "notation", None) or thing.code
    name = thing.label(lang) if hasattr(thing, "label") else thing.name
    href = tk.h.url_for("marathon_vocabulary.concept", kind=kind, code=code)
    return Link(f"{name} ({code})", href, pick_label(getattr(thing, "definition", {}), lang))


def branches(kind: str) -> list[Branch]:
    """Return a whole vocabulary, grouped where it has groups.

    Raises:
        UnknownCode: no such kind.
    """
    if kind == "municipality":
        return [
            Branch(
                link("department", department),
                [link(kind, each) for each in territory.list_municipalities_of(department.code)],
            )
            for department in territory.list_departments()
        ]
    if kind == "department":
        return [Branch(None, [link(kind, each) for each in territory.list_departments()])]
    if kind == problems.KIND:
        return [
            Branch(link(kind, branch.area), [link(kind, each) for each in branch.problems])
            for branch in problems.list_branches()
        ]
    return [Branch(None, [link(kind, each) for each in statuses.get_term_list(kind).terms])]


def page(kind: str, code: str) -> Page:
    """Return what the page of a concept says.

    Raises:
        UnknownCode: no such kind or code.
    """
    if kind == "municipality":
        return _municipality(code)
    if kind == "department":
        return _department(code)
    if kind == problems.KIND:
        return _problem(code)
    term = statuses.get_term_list(kind).term(code)
    lang = tk.h.lang()
    return Page(kind, code, term.label(lang), title(kind), pick_label(term.definition, lang))


def _municipality(code: str) -> Page:
    place = territory.get_municipality(code)
    department = territory.get_department(place.department_code)
    found = Page("municipality", code, place.name, title("municipality"))
    found.about = Link(
        tk._("Everything about {name} on this site").format(name=place.name),
        tk.h.url_for("marathon_place.municipality", code=code),
    )
    found.rows = [
        (tk._("Department"), [link("department", department)]),
        (tk._("Other spellings"), [Link(each) for each in place.alt_names]),
        (tk._("Point"), [Link(f"{place.latitude:.4f}, {place.longitude:.4f}")]),
        (tk._("Replaced by"), _replacements("municipality", place.replaced_by)),
    ]
    return found


def _department(code: str) -> Page:
    place = territory.get_department(code)
    found = Page("department", code, place.name, title("department"))
    found.about = Link(
        tk._("Everything about {name} on this site").format(name=place.name),
        tk.h.url_for("marathon_place.department", code=code),
    )
    inside = [link("municipality", each) for each in territory.list_municipalities_of(code)]
    found.rows = [
        ("ISO 3166-2", [Link(place.iso_3166_2)]),
        (tk._("Municipalities"), inside),
        (tk._("Replaced by"), _replacements("department", place.replaced_by)),
    ]
    return found


def _replacements(kind: str, codes: tuple[str, ...]) -> list[Link]:
    look_up = territory.get_municipality if kind == "municipality" else territory.get_department
    return [link(kind, look_up(code)) for code in codes]


def _problem(notation: str) -> Page:
    problem, lang = problems.get_problem(notation), tk.h.lang()
    kind = problems.KIND
    found = Page(
        kind, notation, problem.label(lang), title(kind), pick_label(problem.definition, lang)
    )
    found.about = Link(
        tk._("Everything about this problem on this site"),
        tk.h.url_for("marathon_place.problem", notation=notation),
    )
    broader = [problems.get_problem(problem.broader)] if problem.broader else []
    synonyms = problem.alt_labels.get(lang) or problem.alt_labels.get("es", ())
    note = pick_label(problem.scope_note, lang)
    found.rows = [
        (tk._("Service area"), [link(kind, each) for each in broader]),
        (tk._("Problems in it"), [link(kind, problems.get_problem(n)) for n in problem.narrower]),
        (tk._("Also called"), [Link(each) for each in synonyms]),
        (tk._("Note"), [Link(note)] if note else []),
        (tk._("European data themes"), [_theme(each.iri, lang) for each in problem.eu_themes]),
        (tk._("Sustainable Development Goals"), [Link(each, each) for each in problem.sdg]),
        ("COFOG", [Link(problem.cofog)] if problem.cofog else []),
    ]
    return found


def _theme(iri: str, lang: str) -> Link:
    known = authorities.find_theme(iri)
    return Link(known.label(lang) if known else iri, iri)
