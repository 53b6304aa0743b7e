"""What was sent for something that follows from elsewhere: named in the answer, never a refusal.

CKAN shows more of a record than it takes: counts, the organisation as an object, times of its own.
Sent back as it was read it says nothing. Another value would vanish without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz
from ckan.types import Context

from ckanext.marathon.logic import kept, notices, sent_files

Record = Mapping[str, Any]

# Name → the field that it follows from; "" for what the site alone writes.
OF_RECORDS: Mapping[str, str] = {
    **dict.fromkeys(("history", "metadata_created", "metadata_modified", "creator_user_id"), ""),
    **dict.fromkeys(("type", "first_published", "participants_masked"), ""),
    **dict.fromkeys(("relationships_as_subject", "relationships_as_object"), ""),
    "num_resources": "resources",
    "num_tags": "tags",
    "isopen": "license_id",
    "license_title": "license_id",
    "license_url": "license_id",
    "organization": "owner_org",
    "municipality_origin": "municipality",
    "service_problem_origin": "service_problem",
    "ideas": "idea",
    "workshop_info": "workshop",
}
OF_ORGANIZATIONS: Mapping[str, str] = {
    **dict.fromkeys(("package_count", "created", "num_followers", "type"), ""),
    "display_name": "title",
    "image_display_url": "image_url",
}
OF_FILES: Mapping[str, str] = {
    # Not metadata_modified: files are sent back with the time at which a program read them.
    **dict.fromkeys(("created", "package_id", "position", "state"), ""),
}


def asks_for_before(sent: Record, names: Iterable[str]) -> bool:
    """Return whether a program sent something that may be what it read, and is to be compared."""
    rows = sent.get("resources")
    return not notices.is_page() and (
        any(kept.is_filled(sent.get(name)) for name in names)
        or any(isinstance(row, dict) and row.get("id") for row in rows or ())
    )


def read_before(context: Context, sent: Record, reference: str) -> Record:
    """Return a package as the person who updates it could read it, or ``{}`` if that says nothing.

    Args:
        context: of the update; patches have read the package already.
        sent: what was sent.
        reference: id of the package.
    """
    if not asks_for_before(sent, OF_RECORDS):
        return {}
    read: Any = context.get("original_package")
    if isinstance(read, dict) and read.get("id") == reference:
        return read
    return _read(context, "package_show", reference)


def read_organization_before(context: Context, sent: Record, reference: str | None) -> Record:
    """Return an organisation as the person who updates it could read it; see above."""
    if reference is None or not asks_for_before(sent, OF_ORGANIZATIONS):
        return {}
    return _read(context, "organization_show", reference)


def _read(context: Context, action: str, reference: str) -> Record:
    own = Context(user=context.get("user") or "", ignore_auth=bool(context.get("ignore_auth")))
    own["auth_user_obj"] = context.get("auth_user_obj")
    try:
        return tk.get_action(action)(own, {"id": reference})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return {}


def note_record(context: Context, sent: Record, files: Any, before: Record, answer: Any) -> None:
    """Name in the answer what was sent of a package and follows from elsewhere.

    Args:
        context: of the action.
        sent: what was sent.
        files: its resources as they were saved.
        before: the package as it was, ``{}`` for a new one.
        answer: the package as it is now.
    """
    if notices.is_page() or not isinstance(answer, dict):
        return
    _note(context, sent, before, answer, OF_RECORDS)
    if kept.is_filled(sent.get("plugin_data")) and not _is_sysadmin(context):
        message = tk._("“{name}” was not kept: only system administrators may send it")
        notices.add(context, message.format(name="plugin_data"))
    shown = answer.get("resources")
    if not isinstance(files, list) or not isinstance(shown, list):
        return
    known = {row.get("id"): row for row in before.get("resources") or ()}
    # CKAN takes the name of a package in place of its id.
    named = {"package_id": answer.get("name")}
    for number, (row, now) in enumerate(zip(files, shown, strict=False)):
        _note(context, row, {**known.get(row.get("id"), {}), **named}, now, OF_FILES, number)


def note_organization(context: Context, sent: Record, before: Record, answer: Any) -> None:
    """Name in the answer what was sent of an organisation and follows from elsewhere."""
    if not notices.is_page() and isinstance(answer, dict):
        _note(context, sent, before, answer, OF_ORGANIZATIONS)


def _note(
    context: Context,
    sent: Record,
    before: Record,
    answer: Record,
    names: Mapping[str, str],
    number: int | None = None,
) -> None:
    lost = [
        name
        for name in names
        if (name in answer or name in before)
        and kept.is_filled(sent.get(name))
        and not _contains(answer.get(name), sent[name])
        and not _contains(before.get(name), sent[name])
    ]
    if number is not None:
        number = sent_files.number_of(context, number)
    alone = [name for name in lost if not names[name]]
    if alone:
        message = tk._("Written by this site alone, so that what was sent was not kept: {names}")
        text = message.format(names=kept.list_names(alone))
        notices.add(context, notices.name_file(number, text))
    for name in lost:
        if names[name]:
            message = tk._(
                "What was sent as “{name}” was not kept, as it follows from “{field}”: send that"
            )
            text = message.format(name=name, field=names[name])
            notices.add(context, notices.name_file(number, text))


def _is_sysadmin(context: Context) -> bool:
    return bool(context.get("ignore_auth")) or authz.is_sysadmin(context.get("user"))


def _contains(answer: Any, sent: Any) -> bool:
    """Return whether everything that was sent is in the answer."""
    if not kept.is_filled(sent):
        return True
    if isinstance(sent, list):
        answers = answer if isinstance(answer, list) else []
        return all(any(_contains(each, one) for each in answers) for one in sent)
    if isinstance(sent, dict):
        own = answer if isinstance(answer, dict) else {}
        return all(_contains(own.get(name), value) for name, value in sent.items())
    if str(answer).casefold() == str(sent).strip().casefold():
        return True
    times = _time(answer), _time(sent)
    return times[0] is not None and times[0] == times[1]


def _time(value: Any) -> datetime | None:
    """Return a time as CKAN keeps its own, in UTC without saying so; ``None`` for none."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found and found.tzinfo else found
