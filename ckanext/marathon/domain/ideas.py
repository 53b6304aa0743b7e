"""What an idea must be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ckanext.marathon.domain import personal
from ckanext.marathon.domain.faults import N_, At, Fault, Path, at


@dataclass(frozen=True)
class Needs:
    """What is known about the data needs of an idea.

    Attributes:
        own: ids of those it has already.
        met: id → title of a dataset that meets it (``None`` where it may not be seen).
    """

    own: Collection[str]
    met: Mapping[str, str | None]


def check(
    idea: Mapping[str, Any], municipalities_of_workshop: Collection[str], needs: Needs
) -> list[At]:
    """Return what is wrong with an idea whose fields can all be read.

    Args:
        idea: its fields; ``municipality`` is a list of codes, ``data_need`` a list of dicts.
        municipalities_of_workshop: codes of those that take part in its workshop.
        needs: what is known about its data needs.
    """
    return [
        *check_municipalities(idea.get("municipality") or [], municipalities_of_workshop),
        *_check_needs(idea.get("data_need") or [], needs),
        *personal.check(_texts(idea)),
    ]


def _texts(idea: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield what people write who were at the workshop: who said it is nobody's affair."""
    for field in ("title", "notes", "proponent_group", "status_reason"):
        yield (field,), idea.get(field) or ""
    for text in idea.get("community") or []:
        yield ("community",), text
    for number, row in enumerate(idea.get("data_need") or []):
        for name in ("what", "why"):
            yield ("data_need", number, name), row.get(name) or ""


def check_municipalities(own: Sequence[str], of_workshop: Collection[str]) -> list[At]:
    """Return a fault if an idea is of a municipality that does not take part in its workshop."""
    strange = [code for code in own if code not in of_workshop]
    if not strange:
        return []
    return [
        at(
            "municipality",
            N_("Not among the municipalities of the workshop: {codes}. Those are: {allowed}"),
            codes=tuple(strange),
            allowed=tuple(sorted(of_workshop)),
        )
    ]


def _check_needs(rows: Sequence[Mapping[str, Any]], needs: Needs) -> list[At]:
    faults: list[At] = []
    seen: set[str] = set()
    for number, row in enumerate(rows):
        identifier = row.get("id")
        if not identifier:
            continue
        if identifier not in needs.own or identifier in seen:
            fault = Fault(
                N_("Leave the identifier of a new data need empty: the site gives it one")
            )
            faults.append(At(("data_need", number, "id"), fault))
        seen.add(identifier)
    for identifier in sorted(set(needs.met) - seen):
        title = needs.met[identifier]
        if title is None:
            message = N_("A data need was left out that other records meet; keep it")
            faults.append(at("data_need", message))
        else:
            message = N_("A data need was left out that the dataset “{title}” meets; keep it")
            faults.append(at("data_need", message, title=title))
    return faults
