"""A form as a browser sent it, read to be given back: nothing of it is checked or stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import ckan.plugins.toolkit as tk
from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser

from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.model import audit

from .field_names import describe_input
from .form_data import CHOICES, OWN_INPUTS

# Text beside a file that is too large is read up to here; the file itself is thrown away.
MOST_TEXT = 2 * 2**20
LARGEST_BODY = 2**31
# Blueprints of forms; those of records have the record's type in their address.
_OF_FILES = ("marathon_form_file", *(f"{each}_resource" for each in TYPES))
_OF_ORGANIZATIONS = ("marathon_form_organization", "organization")
# What people choose by name and forms send as an id, which tells nobody anything.
_CHOSEN_BY_ID = ("owner_org", "idea", "workshop", "data_need")


@dataclass
class SentForm:
    """What a browser sent.

    Attributes:
        values: names and texts, without the token against forgery, passwords left empty.
        typed: those that a person filled in, to be read: labels and words.
        is_empty: nothing was filled in, chosen or attached.
        files: name of the input → name of the file, which browsers do not send twice.
        passwords: names of inputs that are asked for again.
    """

    values: list[tuple[str, str]] = field(default_factory=list)
    typed: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    passwords: list[str] = field(default_factory=list)
    is_empty: bool = True


def read_sent_form() -> SentForm:
    """Return what the browser sent with this request, also where it is more than is taken."""
    form, files = _read_body()
    sent, kind = SentForm(), _find_kind_of_record()
    token = tk.config["WTF_CSRF_FIELD_NAME"]
    for name, value in form.items(multi=True):
        if name == token:
            continue
        if "password" in name.lower():
            sent.passwords.append(name)
            continue
        sent.values.append((name, value))
        is_own = name.partition(":")[0] in (*OWN_INPUTS, *CHOICES, "submit")
        if not value.strip() or is_own:
            continue
        sent.is_empty = False
        if name not in _CHOSEN_BY_ID:
            sent.typed.append(describe_input(kind, name, value))
    sent.files = dict(_named_files(files))
    sent.is_empty = sent.is_empty and not sent.files
    return sent


def _find_kind_of_record() -> str:
    """Return what the form is about, as the record of changes calls it; "" if that is not known."""
    values, blueprint = request.view_args or {}, request.blueprint or ""
    if "resource_id" in values or blueprint in _OF_FILES:
        return audit.RESOURCE
    if blueprint in _OF_ORGANIZATIONS:
        return audit.ORGANIZATION
    named = (values.get("package_type"), blueprint, (request.endpoint or "").rpartition(".")[2])
    return next((each for each in named if each in TYPES), "")


def _read_body() -> tuple[MultiDict[str, str], MultiDict[str, Any]]:
    try:
        return request.form, request.files
    except HTTPException:
        # Refused for its size before it was read.
        return _read_without_files()


def _read_without_files() -> tuple[MultiDict[str, str], MultiDict[str, Any]]:
    """Return the texts of a form that is too large, and the names of its files.

    The browser reads no answer before it has sent everything, so all of it is read; what is in the
    files is thrown away.
    """
    size = request.content_length
    if size is None or size > LARGEST_BODY:
        return MultiDict(), MultiDict()
    parser = FormDataParser(
        stream_factory=_DiscardedFile.make, max_form_memory_size=MOST_TEXT, silent=True
    )
    try:
        _, form, files = parser.parse(
            request.environ["wsgi.input"], request.mimetype, size, request.mimetype_params
        )
    except HTTPException:
        return MultiDict(), MultiDict()
    return form, files


class _DiscardedFile:
    """Takes what is written and keeps nothing."""

    @classmethod
    def make(cls, *_facts: Any, **_more: Any) -> Any:
        return cls()

    def write(self, data: bytes) -> int:
        return len(data)

    def seek(self, *_where: int) -> int:
        return 0

    def close(self) -> None:
        """Nothing is open."""


def _named_files(files: MultiDict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, file in files.items(multi=True):
        if file.filename:
            yield name, file.filename
