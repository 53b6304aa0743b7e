"""The steps of every save, in their order.

``model/unit_of_work.py`` describes the phases. The order within a phase matters: guards refuse a
save before anything is noted, links are noted before they are cut, and the feed comes after the
search index because its clock is the last row that a transaction locks. Jobs are enqueued after the
commit.

The municipality of an organisation is stored by CKAN's hook for groups, in the same transaction.
"""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.marathon.domain.errors import Taken
from ckanext.marathon.feeds import publish
from ckanext.marathon.logic import (
    activity,
    deletion,
    draft,
    file_version,
    officer,
    permissions,
    reindex,
    resource,
    table,
    upload,
)
from ckanext.marathon.logic.validators.organization import explain_taken_municipality
from ckanext.marathon.model import audit, municipality, package, unit_of_work
from ckanext.marathon.model.unit_of_work import Steps


def assign_municipality_after_save(group_obj: object) -> None:
    """Store which municipality an organisation is, in the transaction of its save.

    Raises:
        ckan.plugins.toolkit.ValidationError: a concurrent save took the municipality; everything
            is rolled back.
    """
    # CKAN calls this hook (create, edit) for packages too.
    if not isinstance(group_obj, model.Group) or not group_obj.is_organization:
        return
    is_active = group_obj.state == model.State.ACTIVE
    code = package.read_stored_text(group_obj, "municipality_code") if is_active else None
    try:
        municipality.assign_municipality(group_obj.id, code)
    except Taken as taken:
        model.Session.rollback()
        message = explain_taken_municipality(taken.key, taken.holder)
        raise tk.ValidationError({"municipality_code": [message]}) from None


STEPS = Steps(
    before_flush=(
        # Guards
        resource.refuse_without_room,
        deletion.refuse_deletion_with_dependents,
        # The index and the needs that are met, before links are cut
        reindex.note_shown_before,
        reindex.note_needs_before,
        # Links
        deletion.cut_links_of_purged,
        # The copy of the record that ckanext-activity stores
        activity.strip_new_rows,
    ),
    note_flush=(
        permissions.forget_changed_standings,
        officer.note_ended_admins,
        upload.note_closed_accounts,
        audit.note_flush,
        reindex.note_written,
        table.note_flush,
        publish.note_flush,
    ),
    note_created=(
        audit.note_created,
        reindex.note_new_datasets,
        table.note_created,
        publish.note_created,
    ),
    before_commit=(
        # Guard
        officer.refuse_without_admin,
        # What only the owner of a closed account could see
        draft.erase_of_closed_accounts,
        # Audit log
        audit.write_entries,
        # Search index
        reindex.mark_asking_ideas,
        reindex.write_notes,
        # Tables of files
        table.write_notes,
        # Permission labels of activities, and the feed
        activity.relabel_touched_records,
        publish.publish_touched,
    ),
    after_commit=(
        publish.note_witness,
        upload.remove_files_of_closed,
        # Jobs
        reindex.settle_after_commit,
        table.enqueue_after_commit,
        file_version.enqueue_after_commit,
        publish.enqueue_filling,
    ),
    after_rollback=(reindex.settle_after_rollback,),
)


def start_steps() -> None:
    """Register the steps with CKAN's session."""
    unit_of_work.start_listening(STEPS)
