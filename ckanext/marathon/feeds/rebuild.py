"""Making the log say what CKAN has, thing by thing, while the site is in use."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from ckan import model
from ckan.model.system_info import delete_system_info, get_system_info, set_system_info

from ckanext.marathon.feeds import verify
from ckanext.marathon.feeds.keys import Key
from ckanext.marathon.feeds.publish import republish
from ckanext.marathon.feeds.workers import shared
from ckanext.marathon.model import clock, feed, feed_log
from ckanext.marathon.model.feed import Kind

# Things a transaction: what is lost when it is interrupted, and how long saves may wait.
BATCH = 20
_MARK = "ckanext.marathon.feed_rebuild"
# Written by migrations after which things are described otherwise.
WANTED = "ckanext.marathon.feed_rebuild_wanted"

Progress = Callable[[int, int, int], None]


def rebuild(
    ini: str, workers: int = 1, restart: bool = False, progress: Progress = lambda *_: None
) -> int:
    """Describe everything anew and write down what differs.

    Each batch is a transaction like any save, so that nobody waits long and nothing is lost. One
    that was interrupted goes on where it was.

    Args:
        ini: the site's configuration, for the other processes.
        workers: how many processes do the work.
        restart: begin from the beginning.
        progress: is told how many things of how many are done, and how many changes there were.

    Returns:
        how many changes were written.
    """
    # Those that open meanwhile may be of what is described already.
    gaps = feed.list_gap_ids()
    wanted = verify.things()
    expected = set(wanted)
    wanted += [key for key in verify.logged() if key not in expected]
    model.Session.rollback()
    if restart:
        _forget()
    done = _resume(wanted)
    batches = [wanted[at : at + BATCH] for at in range(done, len(wanted), BATCH)]
    changes = 0
    progress(done, len(wanted), changes)
    for batch, changed in zip(batches, shared(_batch, batches, ini, workers), strict=True):
        done += len(batch)
        changes += changed
        set_system_info(_MARK, json.dumps(batch[-1]))
        progress(done, len(wanted), changes)
    clock.hold_clock()
    feed_log.recount_windows()
    clock.set_complete(True)
    feed.close_gaps(gaps)
    if get_system_info(WANTED):
        delete_system_info(WANTED)
    model.Session.commit()
    _forget()
    return changes


def is_wanted() -> bool:
    """Return whether the log lacks what was there before it, or is of an earlier version."""
    return not clock.read_clock().complete or get_system_info(WANTED) is not None


def _resume(wanted: Sequence[Key]) -> int:
    """Return how many things an interrupted rebuild had done."""
    mark = get_system_info(_MARK)
    if not mark:
        return 0
    kind, thing = json.loads(mark)
    last = Key(Kind(kind), thing)
    return wanted.index(last) + 1 if last in wanted else 0


def _forget() -> None:
    if get_system_info(_MARK):
        delete_system_info(_MARK)


def _batch(some: Sequence[Key]) -> int:
    changes = republish(some)
    model.Session.commit()
    model.Session.expunge_all()
    return changes
