"""Personal data in files: what a form refuses to publish, and the reason with which it does.

A dataset becomes public by a form only if each of its files has no column or cell that looks like
personal data, or if an officer has said why it may be public. The reason is stored with the
checksum of the file, in the transaction of the save. Saving without publishing needs no reason.

The API does not refuse such a file, because a program cannot answer the question; it gets a notice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import uploader
from ckan.types import Context
from flask import has_request_context, request
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain import file
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.files.cleaning import write_cleaned_copy
from ckanext.marathon.files.privacy import KIND_NAMES, PersonalColumn, find_personal_columns
from ckanext.marathon.files.profile import FileProfile, profile_file
from ckanext.marathon.logic import messages
from ckanext.marathon.logic.resource import WholeResourceUpload, read_sent_number
from ckanext.marathon.logic.upload import replace_content
from ckanext.marathon.model import personal_data as personal_data_model
from ckanext.marathon.model.upload import BegunUpload, compute_sha256

_KEY = "marathon_confirmed_personal_data"
LONGEST_REASON = 2000
_MOST_NAMED = 5
# Rows of a sheet that a profile counts. Personal data are looked for in all rows.
PROFILED_ROWS = 20_000
# Begun uploads that a process has read last, so that saving does not read them a second time.
_MOST_READ = 32


@dataclass(frozen=True)
class ReadFile:
    """A file that was read.

    Attributes:
        profile: what it says about itself.
        personal: columns and cells that look like personal data.
    """

    profile: FileProfile
    personal: tuple[PersonalColumn, ...]


@dataclass(frozen=True)
class Confirmation:
    """What an officer says about the personal data of a file."""

    file_name: str
    reason: str
    places: list[dict[str, Any]]


def read_file(path: Path, name: str) -> ReadFile:
    """Return the profile and the personal data of a file; never fails on what is in it."""
    profile = profile_file(path, name, PROFILED_ROWS)
    try:
        personal = find_personal_columns(path, profile)
    except Malformed:
        # Its profile says what is wrong.
        personal = ()
    return ReadFile(profile, personal)


def read_upload(upload: BegunUpload) -> ReadFile:
    """Return the profile and the personal data of a complete upload."""
    return _read_once(str(upload.path), upload.name, upload.sha256 or "")


@lru_cache(maxsize=_MOST_READ)
def _read_once(path: str, name: str, _sha256: str) -> ReadFile:
    return read_file(Path(path), name)


@contextmanager
def open_path(given: FileStorage) -> Generator[Path]:
    """Yield the path of a file that came with a form or the API."""
    name = getattr(given.stream, "name", None)
    if isinstance(name, str) and Path(name).is_file():
        yield Path(name)
        return
    with tempfile.NamedTemporaryFile() as copy:
        stream: Any = given.stream
        stream.seek(0)
        for block in file.read_blocks(stream):
            copy.write(block)
        stream.seek(0)
        copy.flush()
        yield Path(copy.name)


def find_in_upload(given: FileStorage) -> tuple[PersonalColumn, ...]:
    """Return what looks like personal data in a file that came with a form or the API."""
    with open_path(given) as path:
        return read_file(path, given.filename or "").personal


def describe_places(personal: Sequence[PersonalColumn]) -> str:
    """Return the columns as text: ``B «DPI» (identity numbers, 40 cells from row 2)``."""
    named = [_describe_place(finding) for finding in personal[:_MOST_NAMED]]
    return "; ".join([*named, "…"] if len(personal) > _MOST_NAMED else named)


def _describe_place(finding: PersonalColumn) -> str:
    text = tk._("column {letter} “{label}”: {kind}, {count} cells, the first in row {row}")
    return text.format(
        letter=f"{finding.sheet}!{finding.letter}" if finding.sheet else finding.letter,
        label=finding.label,
        kind=tk._(KIND_NAMES[finding.kind]),
        count=finding.count,
        row=finding.cells[0].row if finding.cells else "–",
    )


def list_places(personal: Sequence[PersonalColumn]) -> list[dict[str, Any]]:
    """Return where the personal data are, without any value, for the record of the reason."""
    return [
        {
            "sheet": finding.sheet,
            "column": finding.letter,
            "label": finding.label,
            "kind": finding.kind.value,
            "cells": finding.count,
        }
        for finding in personal
    ]


def explain_unsettled(name: str, personal: Sequence[PersonalColumn]) -> str:
    """Return why a file is not published as it is, and what to do."""
    text = tk._(
        "{name} seems to have personal data ({places}). Remove them, or say why they may be public."
    )
    return text.format(name=name, places=describe_places(personal))


def clean_upload(upload: BegunUpload, keys: Collection[str]) -> bool:
    """Remove columns and cells from a begun upload; return whether anything was removed.

    Args:
        upload: complete.
        keys: from :func:`make_key`; others are ignored.
    """
    read = read_upload(upload)
    removed = [finding for finding in read.personal if make_key(finding) in keys]
    if not removed:
        return False
    copy = upload.path.with_name(f"{upload.id}~")
    try:
        extension = write_cleaned_copy(upload.path, copy, read.profile, removed)
        upload.name = str(Path(upload.name).with_suffix(extension))
        replace_content(upload, copy)
    finally:
        copy.unlink(missing_ok=True)
    return True


def make_key(finding: PersonalColumn) -> str:
    """Return the value of the checkbox that chooses a finding."""
    return f"{finding.position}:{finding.kind}:{finding.sheet}"


def note_confirmations(context: Context, confirmed: Mapping[int, Confirmation]) -> None:
    """Keep the reasons for a ``package_create`` that will follow.

    Args:
        context: of the action.
        confirmed: position among the resources → what was confirmed.
    """
    cast(dict[str, Any], context)[_KEY] = confirmed


def record_confirmations(context: Context, package: Mapping[str, Any]) -> None:
    """Store the reasons of :func:`note_confirmations`, in the transaction of the save."""
    own: Mapping[str, Any] = context
    confirmed: Mapping[int, Confirmation] = own.get(_KEY) or {}
    user = model.User.get(context.get("user"))
    resources: Sequence[Mapping[str, Any]] = package.get("resources") or []
    for place, said in confirmed.items():
        if user is not None and place < len(resources) and resources[place].get("hash"):
            personal_data_model.record_confirmation(
                str(resources[place]["hash"]),
                str(package["id"]),
                said.file_name,
                user.id,
                said.reason,
                said.places,
            )


def record_for_path(path: Path, package_id: str, user_id: str, said: Confirmation) -> None:
    """Store the reason for one file of a dataset within the session's transaction."""
    personal_data_model.record_confirmation(
        compute_sha256(path), package_id, said.file_name, user_id, said.reason, said.places
    )


@dataclass(frozen=True)
class UnsettledFile:
    """A stored file with personal data about which nobody has said anything."""

    resource_id: str
    name: str
    path: Path
    personal: tuple[PersonalColumn, ...]


def list_unsettled(package: Mapping[str, Any]) -> list[UnsettledFile]:
    """Return the stored files of a dataset with personal data that nobody has confirmed."""
    found: list[UnsettledFile] = []
    resources: Sequence[Mapping[str, Any]] = package.get("resources") or []
    stored = uploader.get_resource_uploader({})
    if not isinstance(stored, WholeResourceUpload) or not stored.storage_path:
        # Files of other storages are checked when they are sent.
        return []
    for resource in resources:
        if resource.get("url_type") != "upload":
            continue
        path = Path(stored.get_path(str(resource["id"])))
        if not path.is_file():
            continue
        name = str(resource.get("url") or "").rpartition("/")[2]
        personal = read_file(path, name).personal
        if personal:
            shown = str(resource.get("name") or name)
            found.append(UnsettledFile(str(resource["id"]), shown, path, personal))
    checksums = {one.resource_id: compute_sha256(one.path) for one in found}
    known = personal_data_model.find_confirmed(str(package["id"]), list(checksums.values()))
    return [one for one in found if checksums[one.resource_id] not in known]


def notice_personal_data(
    context: Context, resources: Sequence[Mapping[str, Any]], package_type: object
) -> None:
    """Add a notice about each file of a request of the API that seems to have personal data."""
    if not has_request_context() or request.blueprint != "api":
        return
    for number, resource in enumerate(resources):
        upload = resource.get("upload")
        if not isinstance(upload, FileStorage) or not upload.filename:
            continue
        personal = find_in_upload(upload)
        if personal:
            key = ("resources", read_sent_number(context, number), "upload")
            text = tk._("it seems to have personal data ({places}). Is it meant to be public?")
            message = text.format(places=describe_places(personal))
            messages.add_notice_at(context, key, package_type, message)
