"""Answers that are kept in memory until something public changes, which the feed's clock tells."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from ckanext.marathon.model import clock

# What was asked for least recently makes room.
MOST = 64

T = TypeVar("T")


def until_a_change(key: Hashable, make: Callable[[], T]) -> T:
    """Return what ``make`` returned since something public changed last; nobody may change it.

    Args:
        key: what the answer is to.
        make: asks the database.
    """
    now = clock.read()
    moment = (now.epoch, now.number)
    kept = _KEPT.pop(key, None)
    if kept is None or kept[0] != moment:
        kept = (moment, make())
    _KEPT[key] = kept
    while len(_KEPT) > MOST:
        _KEPT.popitem(last=False)
    return kept[1]


_KEPT: OrderedDict[Hashable, tuple[tuple[str, int], Any]] = OrderedDict()
