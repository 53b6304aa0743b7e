"""A note outside of the database of the last change that was published: the history's witness.

A database can be replaced by an older copy of itself without a trace in it. The note is a small
file in the storage folder, written after each commit that publishes something. When a process of
the site gives its first answer, and when ``doctor`` and ``feed verify`` are run, the log must have
the change that the note names, with its mark. Otherwise changes were served that are lost.

Followers are safe without it, because cursors and tags carry marks. The note lets a new epoch begin
by itself, and administrators hear of it. A copy of the whole data directory brings the older note
back with the older database, which then goes unnoticed here.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.marathon.model import clock

NAME = "marathon-feed.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Witness:
    """The last change that was published, as far as the note knows.

    Attributes:
        number: of the change.
        mark: of the change.
    """

    number: int
    mark: int


def note_path() -> Path | None:
    """Return where the note is, ``None`` on a site without a storage folder."""
    storage = tk.config.get("ckan.storage_path")
    return Path(str(storage)) / NAME if storage else None


def read_witness() -> Witness | None:
    """Return what the note says, ``None`` if there is none or it cannot be read."""
    path = note_path()
    if path is None:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Witness(int(found["number"]), int(found["mark"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_witness(witness: Witness) -> None:
    """Write the note; where that fails, log why: nothing that was saved depends on it."""
    path = note_path()
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{NAME}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(witness), file)
            # Readers see the former note or this one, never half of it.
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        log.warning("%s could not be written: %s", path, error)


def find_lost_change() -> Witness | None:
    """Return the change that was published and is not in the log, ``None`` if nothing is lost."""
    witness = read_witness()
    if witness is None or clock.read_mark(witness.number) == witness.mark:
        return None
    return witness


def find_unanswered_loss() -> Witness | None:
    """Return what :func:`find_lost_change` does, unless a new epoch began because of it."""
    lost = find_lost_change()
    now = clock.read_clock()
    return None if lost and (now.lost, now.lost_mark) == (lost.number, lost.mark) else lost


def begin_epoch_after_loss() -> bool:
    """Begin a new epoch if published changes are not in the log; commits.

    Returns:
        whether one began.
    """
    if find_unanswered_loss() is None:
        return False
    clock.hold_clock()
    # Another process may have done it while we waited for the clock.
    lost = find_unanswered_loss()
    if lost is None:
        model.Session.rollback()
        return False
    now = clock.begin_epoch(lost.number, lost.mark)
    log.warning(
        "The database is older than what was published: change %s is not in the feed's log, which "
        "ends with %s. Epoch %s begins, and followers start again.",
        lost.number,
        now.number,
        now.epoch,
    )
    write_witness(Witness(now.number, now.mark))
    model.Session.commit()
    return True
