"""Several values of one filter find what has any of them; CKAN finds only what has all.

Pure: parameters of an address in, Solr filters and parameters out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

Pair = tuple[str, str]
Group = tuple[str, ...]

# A department and its municipalities are one filter to the reader.
PLACES: Group = ("vocab_department", "vocab_municipality")
PROBLEMS: Group = ("vocab_service_problem",)

# How many values of a field Solr counts: all 340 municipalities, and of communities the largest.
MOST_VALUES = 500

_OTHER_PARAMETERS = {"q", "page", "sort"}
_FIELD = re.compile(r"\w+", re.ASCII)


def group_of(field: str) -> Group:
    """Return the fields that are one filter with this one."""
    return PLACES if field in PLACES else (field,)


def chosen(parameters: Iterable[Pair]) -> list[Pair]:
    """Return the (field, value) pairs of an address that filter, as CKAN takes them."""
    return [
        (name, value)
        for name, value in parameters
        if name not in _OTHER_PARAMETERS and value and not name.startswith(("_", "ext_"))
    ]


def ckans(pairs: Iterable[Pair]) -> str:
    """Return the filter that CKAN's search page writes: all values at once."""
    return " ".join(f'{field}:"{value}"' for field, value in pairs)


def any_of(pairs: Iterable[Pair], leave_out: Group = ()) -> str:
    """Return the filter that finds any value of each filter, and something of every filter.

    Args:
        pairs: what was chosen.
        leave_out: fields whose values are not asked for, to count what else could be chosen.
    """
    groups: dict[Group, list[Pair]] = {}
    for field, value in dict.fromkeys(pairs):
        if field not in leave_out:
            groups.setdefault(group_of(field), []).append((field, value))
    return " ".join(_clause(group) for group in groups.values())


def parameters(
    pairs: Iterable[Pair], order: Sequence[str], others: Iterable[Pair] = ()
) -> list[Pair]:
    """Return the parameters of the one address of a choice, whatever the order of the clicks.

    Args:
        pairs: what is chosen.
        order: fields as the page shows them; those that it does not show come last, by name.
        others: parameters that do not filter; ``q`` comes first.
    """
    place = {field: number for number, field in enumerate(order)}
    filters = sorted(set(pairs), key=lambda pair: (place.get(pair[0], len(place)), pair))
    others = [(name, value) for name, value in others if value]
    words = [pair for pair in others if pair[0] == "q"]
    return [*words, *filters, *(pair for pair in others if pair[0] != "q")]


def _clause(pairs: Sequence[Pair]) -> str:
    if not all(_FIELD.fullmatch(field) for field, _value in pairs):
        # No field of ours or of CKAN's: left for Solr to refuse, as CKAN does.
        return ckans(pairs)
    return f"+({' OR '.join(f'{field}:{_quoted(value)}' for field, value in pairs)})"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
