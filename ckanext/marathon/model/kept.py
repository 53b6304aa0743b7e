"""Answers that are kept in memory until something public changes, which the feed's clock tells."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from ckan import model

from ckanext.marathon.model import clock

# Of one kind; what was asked for least recently makes room. A robot that reads every dataset makes
# no report be counted anew.
MOST = 64

T = TypeVar("T")
# The clock's epoch, number and mark: after an older database was brought back, a number alone may
# mean another state.
Moment = tuple[str, int, int]


def until_a_change(kind: str, key: Hashable, make: Callable[[], T]) -> T:
    """Return what ``make`` returned since something public changed last; nobody may change it.

    Nothing is kept while the log is not complete: what is not in it changes without its clock.

    Args:
        kind: of answers; each has room for as many.
        key: what the answer is to.
        make: asks the database.
    """
    moment = _moment()
    if moment is None:
        return make()
    answers = _KEPT[kind]
    kept = answers.pop(key, None)
    if kept is None or kept[0] != moment:
        kept = (moment, make())
    answers[key] = kept
    while len(answers) > MOST:
        answers.popitem(last=False)
    return kept[1]


def _moment() -> Moment | None:
    """Return what the clock says, read once a transaction: a page asks for many kept answers."""
    session = model.Session()
    known = session.info.get(_MOMENT)
    if known and known[0] is session.get_transaction():
        return known[1]
    now = clock.read()
    moment = (now.epoch, now.number, now.mark) if now.complete else None
    session.info[_MOMENT] = (session.get_transaction(), moment)
    return moment


_MOMENT = "marathon_kept_moment"
_Answers = OrderedDict[Hashable, tuple[Moment, Any]]
_KEPT: defaultdict[str, _Answers] = defaultdict(OrderedDict)
