"""The concept schemes of the site: closed lists of terms, and the paths of concepts.

The IRI of a concept is ``{base}/{path}``. The base is a setting. The path of a published concept
must never change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ckanext.marathon.vocabulary import codes as codes_vocabulary
from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.codes import Labels, UnknownCode, make_labels, pick_label


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a closed list; the texts of ``definition`` are "" if the label is enough."""

    code: str
    labels: Labels = field(hash=False)
    definition: Labels = field(hash=False)

    def label(self, lang: str = "es") -> str:
        """Return the label in a language, else in Spanish."""
        return pick_label(self.labels, lang, self.code)


@dataclass(frozen=True, slots=True)
class TermList:
    """A closed list; ``name`` is its path under the vocabulary base, e.g. ``idea-status``."""

    name: str
    title: Labels = field(hash=False)
    terms: tuple[Term, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes, in the order of forms."""
        return tuple(term.code for term in self.terms)

    def term(self, code: str) -> Term:
        """Return a term by its exact code.

        Raises:
            UnknownCode: the list has no such term.
        """
        for term in self.terms:
            if term.code == code:
                return term
        raise UnknownCode(self.name, code)


def _list(name: str, es: str, en: str) -> TermList:
    terms = tuple(
        Term(
            row["code"],
            make_labels(row["label_es"], row["label_en"]),
            make_labels(row["definition_es"], row["definition_en"]),
        )
        for row in _ROWS
        if row["list"] == name
    )
    return TermList(name, make_labels(es, en), terms)


_ROWS = codes_vocabulary.read_data_rows("terms.csv")

IDEA_STATUS = _list("idea-status", "Estado de una idea", "Status of an idea")
WORKSHOP_KIND = _list("workshop-kind", "Tipo de taller", "Kind of workshop")
WORKSHOP_STATUS = _list("workshop-status", "Estado de un taller", "Status of a workshop")
MILESTONE_STATUS = _list("milestone-status", "Avance de un hito", "Progress of a milestone")
PROPONENT_GROUP = _list("proponent-group", "Grupo que propone", "Group that proposes")
ORGANIZATION_ROLE = _list(
    "organization-role", "Papel de una organización", "Role of an organisation"
)
ORGANISER_ROLE = _list(
    "organiser-role", "Papel en la organización de un taller", "Role in organising a workshop"
)
INVITATION_ANSWER = _list(
    "invitation-answer", "Respuesta a una invitación", "Answer to an invitation"
)
YES_NO = _list("yes-no", "Sí o no", "Yes or no")
IDEA_ROLE = _list(
    "idea-role", "Papel de una idea para un conjunto de datos", "Role of an idea for a dataset"
)

_LISTS: Mapping[str, TermList] = {
    terms.name: terms
    for terms in (
        IDEA_STATUS,
        WORKSHOP_KIND,
        WORKSHOP_STATUS,
        MILESTONE_STATUS,
        PROPONENT_GROUP,
        ORGANIZATION_ROLE,
        ORGANISER_ROLE,
        INVITATION_ANSWER,
        YES_NO,
        IDEA_ROLE,
    )
}


def list_term_lists() -> tuple[TermList, ...]:
    """Return every list."""
    return tuple(_LISTS.values())


def get_term_list(name: str) -> TermList:
    """Return a list by name, e.g. ``idea-status``.

    Raises:
        UnknownCode: there is no such list.
    """
    try:
        return _LISTS[name]
    except (KeyError, TypeError):
        raise UnknownCode("list", name) from None


_LOOK_UPS: Mapping[str, Callable[[str], object]] = {
    "municipality": territory.get_municipality,
    "department": territory.get_department,
    problems.KIND: problems.get_problem,
    **{terms.name: terms.term for terms in list_term_lists()},
}

CONCEPT_KINDS: tuple[str, ...] = tuple(_LOOK_UPS)


def build_concept_path(kind: str, code: str) -> str:
    """Return the path of a concept, e.g. ``municipality/0501``.

    Raises:
        UnknownCode: there is no such kind, or nothing of the kind has the code.
    """
    path = build_scheme_path(kind)
    _LOOK_UPS[kind](code)
    return f"{path}/{code}"


def build_scheme_path(kind: object) -> str:
    """Return the path of a scheme, e.g. ``service-problem``.

    Raises:
        UnknownCode: there is no such kind.
    """
    if not isinstance(kind, str) or kind not in _LOOK_UPS:
        raise UnknownCode("vocabulary", kind)
    return kind


def repair_concept_code(kind: str, code: str) -> str | None:
    """Return the code of a place or problem from a form that spreadsheets give it (``501``).

    Returns:
        ``None`` if no place or problem has the repaired code.
    """
    try:
        if kind == problems.KIND:
            return problems.get_problem(problems.repair_notation(code).notation).notation
        if kind == "municipality":
            return territory.get_municipality(territory.repair_code(code, kind).code).code
        if kind == "department":
            return territory.get_department(territory.repair_code(code, kind).code).code
    except UnknownCode:
        pass
    return None
