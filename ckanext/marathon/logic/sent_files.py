"""The files of a record as whoever sent them sees them: which are some, and how they are counted.

Rows that say nothing are dropped before CKAN sees them, and CKAN has only those files validated
that changed: by its own count, the third file that was sent may be the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.navl.dictization_functions import missing
from ckan.types import Context, FlattenDataDict, FlattenKey

from ckanext.marathon.logic import kept, notices

_KEY = "marathon_sent_files"
# What tells a reader where a file is, or what.
_NAMING = ("url", "upload", "access_url", "download_url", "name", "description")


class _SentFile(NamedTuple):
    number: int
    id: str


def settle_files(
    context: Context, data: dict[str, Any], package: model.Package | None, is_lenient: bool
) -> list[int]:
    """Drop rows of files that say nothing, and refuse those that say neither where nor what.

    CKAN makes a public file of each, without a name.

    Args:
        context: of the action, for what is to be told.
        data: of a package; its ``resources`` are changed.
        package: as it is stored, whose files may be as they are.
        is_lenient: of a copy of what others publish nothing is refused.

    Returns:
        Which rows are left, from 0.

    Raises:
        ckan.plugins.toolkit.ValidationError: at ``url`` of a file.
    """
    rows = data.get("resources")
    if not isinstance(rows, list):
        return []
    stored = {each.id: each for each in package.resources} if package else {}
    said = {n: row for n, row in enumerate(rows) if any(kept.says(value) for value in row.values())}
    for number in range(len(rows)):
        if number not in said:
            message = tk._("not kept, as nothing is said of it")
            notices.add(context, notices.name_file(number, message))
    data["resources"] = list(said.values())
    wrong = {n for n, row in said.items() if not is_lenient and not _is_file(row, stored)}
    if wrong:
        text = tk._(
            "Say where the file is or what it is called: its address as “url”, or the file itself "
            "as “upload”, or a “name”"
        )
        errors: list[Any] = [{"url": [text]} if n in wrong else {} for n in range(len(rows))]
        raise tk.ValidationError({"resources": errors})
    return list(said)


def _is_file(row: Mapping[str, Any], stored: Mapping[str, model.Resource]) -> bool:
    before = stored.get(row.get("id") or "")
    # One that was stored without anything may stay, so that the rest of the record can be saved.
    was_named = before is None or any((before.url, before.name, before.description))
    return not was_named or any(kept.says(row.get(name)) for name in _NAMING)


@contextmanager
def counting(context: Context, rows: Any, kept_numbers: Sequence[int]) -> Iterator[None]:
    """Count files as they were sent while a record is saved.

    Args:
        context: of the action.
        rows: its ``resources`` as they were sent; anything but a list is none.
        kept_numbers: which of them CKAN gets, from 0.

    Raises:
        ckan.plugins.toolkit.ValidationError: as it was raised inside; errors of ``resources`` stand
            where the files stood in what was sent.
    """
    own: dict[str, Any] = context  # type: ignore[assignment]
    before = own.get(_KEY)
    files = rows if isinstance(rows, list) else []
    own[_KEY] = [_SentFile(number, _id_of(files[number])) for number in kept_numbers]
    try:
        yield
    except tk.ValidationError as error:
        found: Any = error.error_dict.get("resources")
        if isinstance(found, list) and len(kept_numbers) < len(files):
            by_number = {number_of(context, place): each for place, each in enumerate(found)}
            last = max(by_number, default=-1)
            error.error_dict["resources"] = [by_number.get(n, {}) for n in range(last + 1)]
        raise
    finally:
        own[_KEY] = before


def number_of(context: Context, place: int) -> int:
    """Return the number, from 0, that a file had when it was sent.

    Args:
        context: of the action.
        place: of the file among those that CKAN gets.
    """
    files = _files(context)
    return files[place].number if place < len(files) else place


def key_as_sent(context: Context, key: FlattenKey, data: FlattenDataDict) -> FlattenKey:
    """Return the key of a field with the number that its file had when it was sent.

    Args:
        context: of the validation.
        key: in ``data``, where CKAN counts the files that it has validated.
        data: CKAN's flattened data. Files are known by their ids, new ones by their order.
    """
    if key[0] != "resources" or len(key) < 2:
        return key
    id_ = _validated_id(data, key[1])
    if id_:
        same = [file.number for file in _files(context) if file.id == id_]
    else:
        new = [file.number for file in _files(context) if not file.id]
        same = new[sum(not _validated_id(data, place) for place in range(key[1])) :]
    return (key[0], same[0] if same else key[1], *key[2:])


def _validated_id(data: FlattenDataDict, place: int) -> str:
    found = data.get(("resources", place, "id"))
    return "" if found is missing or not isinstance(found, str) else found


def _id_of(row: Any) -> str:
    found = row.get("id") if isinstance(row, Mapping) else None
    return found if isinstance(found, str) else ""


def _files(context: Context) -> list[_SentFile]:
    own: Mapping[str, Any] = context
    return own.get(_KEY) or []
