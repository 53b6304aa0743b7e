"""Begun uploads and drafts whose time is over; backups without begun uploads."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.tests import factories

from ckanext.marathon.logic import draft as draft_logic
from ckanext.marathon.model import upload as upload_model
from ckanext.marathon.model.draft import Draft
from ckanext.marathon.operations import backup, doctor, upkeep

pytestmark = pytest.mark.usefixtures("storage", "clean_db", "with_request_context")

DAY = timedelta(days=1)


def begin(user: dict[str, Any], age: timedelta) -> upload_model.BegunUpload:
    upload = upload_model.add_upload(user["id"], "agua.csv", 4, "", 7 * DAY)
    upload.expires -= age
    upload.path.parent.mkdir(exist_ok=True)
    upload.path.write_bytes(b"a,b\n")
    model.Session.commit()
    return upload


def test_what_has_expired_is_named_and_removed(storage: Path) -> None:
    user = factories.User()
    kept, expired = begin(user, DAY), begin(user, 8 * DAY)
    orphan = upload_model.find_folder() / "without-row"
    orphan.write_bytes(b"x")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(orphan, (two_days_ago, two_days_ago))
    draft_logic.save_draft("old", user["id"], "dataset", [("title", "Agua")], 0)
    (draft,) = model.Session.query(Draft)
    draft.saved = datetime.now(UTC) - 40 * DAY
    model.Session.commit()
    assert upkeep.count_expired() == (2, 1)
    kept_path, expired_path = kept.path, expired.path
    (finding,) = doctor.check_files()
    assert finding.mend is not None
    finding.mend()
    assert upkeep.count_expired() == (0, 0)
    assert kept_path.exists()
    assert not expired_path.exists()
    assert not orphan.exists()
    assert list(doctor.check_files()) == []


def test_a_backup_has_no_begun_uploads(storage: Path) -> None:
    begin(factories.User(), DAY)
    (storage / "resources").mkdir()
    (storage / "resources" / "file").write_bytes(b"x")
    assert backup.list_stored_files(storage) == ["resources/file"]
