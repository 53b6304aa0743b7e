"""Files of the form of a new record: begun uploads in the place of files that a form carries.

The page's script sends a file before the form is saved, and the form names it by its id. Without
the script a file comes with the form; if the form is shown again, it is kept as a begun upload, so
that it need not be chosen twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import is_json_list, is_reference
from ckanext.marathon.files.privacy import KIND_NAMES, PersonalColumn
from ckanext.marathon.files.profile import TYPE_NAMES, SheetProfile
from ckanext.marathon.logic import messages, personal_data
from ckanext.marathon.logic import upload as upload_logic
from ckanext.marathon.logic.personal_data import Confirmation
from ckanext.marathon.model import upload as upload_model
from ckanext.marathon.model.upload import BegunUpload

# Inputs of the mechanism in a file of the form; the others are fields.
BEGUN = "begun"
MECHANISM = (BEGUN, "personal", "personal_reason", "personal_remove")
# What an officer may do with personal data.
REMOVE, CONFIRM = "remove", "confirm"


@dataclass(frozen=True)
class BegunFile:
    """A begun upload as the form shows it.

    Attributes:
        id: of the upload.
        name: of the file.
        size: bytes of the whole file.
        received: bytes that have arrived.
        is_complete: whether all of it has arrived.
    """

    id: str
    name: str
    size: int
    received: int
    is_complete: bool


def find_begun(given: object) -> BegunUpload | None:
    """Return the begun upload that an input names, if it is this person's."""
    if not is_reference(given) or not current_user.is_authenticated:
        return None
    return upload_model.find_upload(given, current_user.id)


def open_files(
    resources: Iterable[Mapping[str, Any]], is_check: bool
) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Return the files and links of a form, with begun uploads opened, and the errors of each.

    Args:
        resources: as sent; not changed.
        is_check: whether the form is only checked: an upload may still be arriving then.
    """
    found: list[dict[str, Any]] = []
    errors: list[list[str]] = []
    for sent in resources:
        resource = {key: value for key, value in sent.items() if key not in MECHANISM}
        wrong: list[str] = []
        given = sent.get(BEGUN)
        if given and not isinstance(resource.get("upload"), FileStorage):
            begun = find_begun(given)
            if begun is None:
                wrong.append(tk._("This file is not there any more. Choose it again."))
            elif begun.is_complete:
                resource["upload"] = upload_logic.open_as_file(begun)
            elif is_check:
                resource |= {"url": begun.name, "url_type": "upload"}
            else:
                text = tk._("{name} has not arrived completely. Choose the same file again.")
                wrong.append(text.format(name=begun.name))
        found.append(resource)
        errors.append(wrong)
    return found, errors


def close_files(resources: Iterable[Mapping[str, Any]]) -> None:
    """Close the files that :func:`open_files` opened."""
    for resource in resources:
        if isinstance(resource.get("upload"), FileStorage):
            resource["upload"].close()


def forget_used(resources: Iterable[Mapping[str, Any]]) -> None:
    """Remove the begun uploads of a form that was saved."""
    used = [given for resource in resources if is_reference(given := resource.get(BEGUN))]
    if used and current_user.is_authenticated:
        upload_logic.remove_uploads(used, current_user.id)


def keep_files(resources: Iterable[dict[str, Any]]) -> None:
    """Keep files that came with a form as begun uploads; the resources are changed in place."""
    if not current_user.is_authenticated or not upload_logic.may_upload(current_user.name):
        return
    for resource in resources:
        given = resource.get("upload")
        if isinstance(given, FileStorage) and given.filename:
            begun = upload_logic.store_whole_file(current_user.id, given)
            if begun is not None:
                del resource["upload"]
                resource[BEGUN] = begun.id


def describe_files(resources: Iterable[dict[str, Any]]) -> None:
    """Add the begun upload that each resource names, for the page; in place."""
    for resource in resources:
        if not resource.get(BEGUN):
            continue
        begun = find_begun(resource[BEGUN])
        if begun is None:
            del resource[BEGUN]
            resource["is_gone"] = True
        else:
            shown = BegunFile(begun.id, begun.name, begun.size, begun.received, begun.is_complete)
            # CKAN's view writes the data of the form as JSON.
            resource["begun_file"] = asdict(shown)
            if begun.is_complete:
                resource["profile"] = asdict(make_profile(begun))


def clean_files(resources: Iterable[Mapping[str, Any]]) -> None:
    """Remove what the form says is to be removed from its begun uploads."""
    for resource in resources:
        begun = find_begun(resource.get(BEGUN))
        if begun is None or not begun.is_complete or resource.get("personal") != REMOVE:
            continue
        chosen: Any = resource.get("personal_remove") or []
        keys = [str(key) for key in chosen] if is_json_list(chosen) else [str(chosen)]
        try:
            personal_data.clean_upload(begun, keys)
        except Malformed:
            # It stays as it is, and the form says what is still in it.
            continue


def settle_personal_data(
    sent: Sequence[Mapping[str, Any]],
    opened: Sequence[Mapping[str, Any]],
    errors: Sequence[list[str]],
    is_public: bool,
) -> dict[int, Confirmation]:
    """Return the reasons given for personal data, and add errors where one is missing.

    Args:
        sent: files and links as the form sent them.
        opened: the same, with their files opened.
        errors: error messages of each; changed in place.
        is_public: whether the record is to become public.
    """
    confirmed: dict[int, Confirmation] = {}
    for place, (given, resource) in enumerate(zip(sent, opened, strict=True)):
        upload = resource.get("upload")
        reason = _read_reason(given)
        if not isinstance(upload, FileStorage) or not (is_public or reason):
            continue
        begun = find_begun(given.get(BEGUN))
        personal = (
            personal_data.read_upload(begun).personal
            if begun is not None
            else personal_data.find_in_upload(upload)
        )
        name = upload.filename or ""
        if personal and reason:
            places = personal_data.list_places(personal)
            confirmed[place] = Confirmation(name, reason, places)
        elif personal:
            errors[place].append(personal_data.explain_unsettled(name, personal))
    return confirmed


def _read_reason(given: Mapping[str, Any]) -> str:
    reason = given.get("personal_reason")
    if given.get("personal") != CONFIRM or not isinstance(reason, str):
        return ""
    return reason.strip()[: personal_data.LONGEST_REASON]


@dataclass(frozen=True)
class ShownColumn:
    """A column in the table of first rows."""

    letter: str
    label: str
    type: str


@dataclass(frozen=True)
class ShownSheet:
    """A sheet with its first rows; ``problems`` are sentences."""

    name: str
    is_hidden: bool
    row_count: int
    is_partial: bool
    columns: list[ShownColumn]
    rows: list[list[str]]
    problems: list[str]


@dataclass(frozen=True)
class ShownFinding:
    """A column or cells that look like personal data; ``key`` is the value of its checkbox."""

    key: str
    sheet: str
    letter: str
    label: str
    kind: str
    count: int
    is_whole: bool
    cells: list[tuple[int, str]]


@dataclass(frozen=True)
class ShownProfile:
    """What was read from a file.

    Attributes:
        period: first and last year, month or day, or "".
    """

    id: str
    name: str
    size: int
    format: str
    encoding: str
    title: str
    period: tuple[str, str]
    sheets: list[ShownSheet]
    problem: str
    personal: list[ShownFinding]


# Sheets, columns and characters of a cell that the form shows.
MOST_SHEETS, MOST_COLUMNS, LONGEST_CELL = 5, 40, 80
SHOWN_ROWS = 5
ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}


def make_profile(begun: BegunUpload) -> ShownProfile:
    """Return what was read from a complete upload."""
    read = personal_data.read_upload(begun)
    profile = read.profile
    extension = PurePath(begun.name).suffix.lstrip(".").upper()
    return ShownProfile(
        begun.id,
        begun.name,
        begun.size,
        profile.format.value if profile.format else extension,
        ENCODINGS.get(profile.encoding, profile.encoding),
        profile.title,
        profile.period or ("", ""),
        [_show_sheet(sheet) for sheet in profile.sheets[:MOST_SHEETS]],
        messages.write_fault(profile.problem) if profile.problem else "",
        [_show_finding(finding) for finding in read.personal],
    )


def _show_sheet(sheet: SheetProfile) -> ShownSheet:
    return ShownSheet(
        sheet.name,
        sheet.is_hidden,
        sheet.row_count,
        sheet.is_partial,
        [
            ShownColumn(column.letter, column.label, tk._(TYPE_NAMES[column.type]))
            for column in sheet.columns[:MOST_COLUMNS]
        ],
        [[_shorten(text) for text in row[:MOST_COLUMNS]] for row in sheet.first_rows[:SHOWN_ROWS]],
        [messages.write_fault(fault) for fault in sheet.problems],
    )


def _show_finding(finding: PersonalColumn) -> ShownFinding:
    return ShownFinding(
        personal_data.make_key(finding),
        finding.sheet,
        finding.letter,
        finding.label,
        tk._(KIND_NAMES[finding.kind]),
        finding.count,
        finding.is_whole,
        [(cell.row, _shorten(cell.value)) for cell in finding.cells],
    )


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"


def fill_empty(data: dict[str, Any]) -> None:
    """Fill title and period of a form that has none with those of its first file; in place."""
    resources: list[dict[str, Any]] = data.get("resources") or []
    profile = next((row["profile"] for row in resources if row.get("profile")), None)
    if profile is None:
        return
    if not data.get("title"):
        data["title"] = profile["title"]
    first, last = profile["period"]
    if first and not data.get("temporal_coverage"):
        data["temporal_coverage"] = [{"start": first, "end": last}]
