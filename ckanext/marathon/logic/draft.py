"""Drafts of forms: what is stored of them, how long, and for whom.

A draft has the texts of a form and the ids of begun uploads, and nothing that its author has not
typed there. It is shown to nobody else. It is deleted when its form is saved, when its author
discards it or closes the account, and some days after it was last saved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.marathon.domain.texts import is_storable
from ckanext.marathon.logic.upload import ClosedAccounts
from ckanext.marathon.model import draft as draft_model
from ckanext.marathon.model import upload as upload_model
from ckanext.marathon.model.draft import Draft
from ckanext.marathon.model.unit_of_work import UnitOfWork

DAYS = "ckanext.marathon.draft_days"
# Bytes of the values of one draft, and drafts of one person.
LARGEST = 256 * 1024
MOST_DRAFTS = 20
# An input whose value is the id of a begun upload: ``resources__0__begun``.
BEGUN = "__begun"


class DraftRefused(Exception):
    """A draft is not stored; the text is for people."""


class DraftOutdated(DraftRefused):
    """The draft was saved by another tab since."""


@dataclass(frozen=True)
class DraftSummary:
    """A draft in a list of its author's.

    Attributes:
        id: of the draft, also the token of its form.
        kind: type of the record that it would become.
        title: as typed, may be "".
        saved: when it was last saved.
        files: names of the files that have begun to arrive.
    """

    id: str
    kind: str
    title: str
    saved: datetime
    files: tuple[str, ...]


def list_drafts(user_id: str, kind: str | None = None) -> list[DraftSummary]:
    """Return the drafts of a person, the latest first; ``kind`` limits them to one type."""
    names = {upload.id: upload.name for upload in upload_model.list_uploads(user_id)}
    return [
        DraftSummary(
            draft.id,
            draft.kind,
            draft.title,
            draft.saved,
            tuple(names[id_] for id_ in _list_uploads(draft) if id_ in names),
        )
        for draft in draft_model.list_drafts(user_id, kind)
    ]


def _list_uploads(draft: Draft) -> list[str]:
    return [value for name, value in draft.inputs if name.endswith(BEGUN)]


def save_draft(
    draft_id: str, user_id: str, kind: str, inputs: Sequence[tuple[str, str]], version: int
) -> int:
    """Store the values of a form, and commit; return the new version.

    Raises:
        DraftRefused: too large, or too many.
        DraftOutdated: another tab has saved it since.
    """
    pairs = [[name, value] for name, value in inputs if is_storable(name) and is_storable(value)]
    if len(json.dumps(pairs).encode()) > LARGEST:
        raise DraftRefused(tk._("The draft is too long to be kept. Save it as a private dataset."))
    if draft_model.count_other_drafts(draft_id, user_id) >= MOST_DRAFTS:
        text = tk._("You have {count} drafts, and no more are kept. Publish or discard one.")
        raise DraftRefused(text.format(count=MOST_DRAFTS))
    forget_old_drafts()
    title = next((value.strip() for name, value in pairs if name == "title"), "")
    written = draft_model.write_draft(draft_id, user_id, kind, title[:500], pairs, version)
    if written is None:
        model.Session.rollback()
        raise DraftOutdated(tk._("This draft is open in another tab, which keeps it."))
    model.Session.commit()
    return written


def discard_draft(draft_id: str, user_id: str) -> None:
    """Delete a draft of a person with the uploads begun for it, and commit."""
    draft = draft_model.find_draft(draft_id, user_id)
    if draft is None:
        return
    uploads = set(_list_uploads(draft)) & {one.id for one in upload_model.list_uploads(user_id)}
    draft_model.delete_drafts([draft_id], user_id)
    upload_model.delete_rows(uploads)
    model.Session.commit()
    upload_model.remove_files(uploads)


def forget_draft(draft_id: str, user_id: str) -> None:
    """Delete the draft of a form that was saved, and commit."""
    draft_model.delete_drafts([draft_id], user_id)
    model.Session.commit()


def forget_old_drafts() -> int:
    """Delete drafts that nobody has worked on for long; commits nothing. Return how many."""
    return draft_model.delete_old_drafts(_kept_for())


def count_old_drafts() -> int:
    """Return how many drafts :func:`forget_old_drafts` would delete."""
    return draft_model.count_old_drafts(_kept_for())


def _kept_for() -> timedelta:
    return timedelta(days=int(tk.config[DAYS]))


def erase_of_closed_accounts(unit: UnitOfWork) -> None:
    """Delete drafts and begun uploads of the accounts that the transaction closes."""
    notes = unit.find_notes(ClosedAccounts)
    if notes:
        draft_model.delete_drafts_of(notes.users)
        notes.uploads += upload_model.delete_rows_of(notes.users)


def drop_inputs(
    inputs: Iterable[tuple[str, str]], left_out: Iterable[str]
) -> list[tuple[str, str]]:
    """Return the inputs without those whose name, or beginning before a colon, is left out."""
    names = set(left_out)
    return [(name, value) for name, value in inputs if name.partition(":")[0] not in names]
