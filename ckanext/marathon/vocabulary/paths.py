"""Where a concept lies under the vocabulary base: its IRI is ``{base}/{path}``.

The base is configured, so this room knows paths only. They are a contract: published once,
they never change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ckanext.marathon.vocabulary import problems, statuses, territory
from ckanext.marathon.vocabulary.codes import UnknownCode

_LOOK_UPS: Mapping[str, Callable[[str], object]] = {
    "municipality": territory.get_municipality,
    "department": territory.get_department,
    problems.KIND: problems.get_problem,
    **{terms.name: terms.term for terms in statuses.list_term_lists()},
}

KINDS: tuple[str, ...] = tuple(_LOOK_UPS)


def build_concept_path(kind: str, code: str) -> str:
    """Return the path of a concept, e.g. ``municipality/0501``.

    Raises:
        UnknownCode: there is no such kind, or nothing of the kind has the code.
    """
    path = build_scheme_path(kind)
    _LOOK_UPS[kind](code)
    return f"{path}/{code}"


def build_scheme_path(kind: object) -> str:
    """Return the path of the scheme itself, e.g. ``service-problem``.

    Raises:
        UnknownCode: there is no such kind.
    """
    if not isinstance(kind, str) or kind not in _LOOK_UPS:
        raise UnknownCode("vocabulary", kind)
    return kind


def repair_concept_code(kind: str, code: str) -> str | None:
    """Return the code of a place or problem that a code means as spreadsheets write it.

    Returns:
        ``None`` if it means none.
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
