"""What happens when something is saved, by whatever way, in the order in which it happens.

``model/unit_of_work.py`` says what each phase is. The order within a phase matters: guards refuse
before anything is noted, what was linked is noted before links are cut, the search index is told
what to do before the feed, and the feed comes last because its clock is the last lock that a
transaction takes. Jobs begin after the commit.
"""

from __future__ import annotations

from ckanext.marathon.feeds import capture, gaps
from ckanext.marathon.logic import activity, data_needs, permissions, reindex, room, watch
from ckanext.marathon.model import audit, unit_of_work
from ckanext.marathon.model.unit_of_work import Steps

STEPS = Steps(
    before_flush=(
        # Guards
        room.refuse_without_room,
        watch.refuse_orphans,
        # What search and pages show because of links, before these are cut
        reindex.note_shown_before,
        data_needs.note_needs_before,
        # Links
        watch.cut_links_of_purged,
        # What ckanext-activity may keep
        activity.settle_new_rows,
    ),
    note_flush=(
        permissions.forget_changed_standings,
        audit.note_flush,
        reindex.note_written,
        capture.note_flush,
    ),
    note_created=(
        audit.note_created,
        data_needs.note_new_datasets,
        capture.note_created,
    ),
    before_commit=(
        # The record of changes
        audit.write_entries,
        # Search
        data_needs.mark_asking_ideas,
        reindex.write_notes,
        # What is public, and to whom
        capture.relabel_activities,
        capture.publish_touched,
    ),
    after_commit=(
        capture.note_witness,
        # Jobs
        reindex.settle_after_commit,
        gaps.enqueue_filling,
    ),
    after_rollback=(reindex.settle_after_rollback,),
)


def start_steps() -> None:
    """Have the steps called with every save from now on."""
    unit_of_work.start_listening(STEPS)
