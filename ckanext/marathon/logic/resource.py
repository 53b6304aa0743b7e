"""The resources of a record: numbers, addresses, facts and uploads; and refusal on a full disk.

Numbers: empty rows are removed before CKAN sees them, and CKAN validates only changed resources. So
the third sent resource may be the first one for CKAN; errors and notices have the sent number.

Facts: media type, size and checksum of an uploaded file are determined by the site. A sent size or
checksum that contradicts them is refused. For links, size and checksum are those that were sent;
they are removed when the address changes.

Uploads: CKAN stores files only with ``resource_create`` and ``package_update``. Here a dataset and
its files are created in one transaction. An upload that the disk has no room for is removed.

Full disk: PostgreSQL stops when it cannot write its log, and Solr closes its index, so that nobody
could read the site. So every save (by pages, the API, imports, jobs and commands) is refused while
the disk is nearly full. Bulk SQL is not refused, because the session does not see it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import files, munge, uploader
from ckan.lib.navl.dictization_functions import missing
from ckan.types import Context, FlattenDataDict, FlattenKey
from flask import g, has_request_context
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain import addresses, file, numbers
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.file import SAMPLE_SIZE, detect_media_type
from ckanext.marathon.domain.texts import is_json_list, quote_value
from ckanext.marathon.logic import messages, unkept
from ckanext.marathon.model import disk, package
from ckanext.marathon.model.unit_of_work import SaveRefused, UnitOfWork
from ckanext.marathon.vocabulary import authorities

# Columns in which CKAN notes the activity of users who only read.
_NOTES = {"last_active", "last_access", "activity_stream_last_viewed", "email_last_sent"}
_REFUSED = "marathon_no_room"


class NoRoom(SaveRefused):
    """The disk is full."""

    def __init__(self) -> None:
        """Set the message, and note the reason for the answer's status."""
        text = tk._(
            "The disk of the server is full: nothing was saved, and nothing is half saved. What "
            "is published can be read meanwhile. Try again later; what you entered is still in "
            "the form. If it lasts, tell the administrator to make room on the disk."
        )
        super().__init__(tk._("Disk full"), text)
        if has_request_context():
            g.marathon_no_room = text


def get_refusal() -> str | None:
    """Return the message with which a save of this request was refused for lack of room, if any."""
    return g.get(_REFUSED)


def refuse_without_room(unit: UnitOfWork) -> None:
    """Refuse a save while the disk is nearly full.

    Raises:
        NoRoom: it is.
    """
    if _has_changes(unit.session) and not disk.has_room():
        raise NoRoom


def _has_changes(session: Any) -> bool:
    """Return whether the session has changes other than notes about readers."""
    if session.new or session.deleted:
        return True
    return any(_list_changed_columns(record) - _NOTES for record in session.dirty)


def _list_changed_columns(record: Any) -> set[str]:
    inspected: Any = sa.inspect(record)
    return {attribute.key for attribute in inspected.attrs if attribute.history.has_changes()}


# CKAN workaround: file-addresses
def correct_file_addresses(pkg_dict: dict[str, Any]) -> None:
    """Correct the addresses that CKAN computes for resources; ``pkg_dict`` is changed."""
    _remove_languages(pkg_dict)
    _remove_added_schemes(pkg_dict)


def show_address(given: object) -> str:
    """Return an address as CKAN shows it: with ``http://`` if it has no scheme."""
    text = str(given or "").strip()
    return prefix_http(text) if text and "://" not in text else text


def prefix_http(address: str) -> str:
    """Return an address without a scheme as CKAN shows it.

    Source: ckan.lib.dictization.model_dictize.resource_dictize
    """
    return f"http://{address.lstrip('/')}"


def is_address(value: str) -> bool:
    """Return whether a resource's ``url`` has a scheme or begins with a host."""
    try:
        return bool(urlsplit(value).scheme) or names_host(value)
    except ValueError:
        return False


def names_host(address: str) -> bool:
    """Return whether an address without a scheme begins with a host and is not a file name."""
    is_file_name = authorities.find_file_type(address.rpartition(".")[2]) and "/" not in address
    return not is_file_name and addresses.begins_with_host(address)


def _remove_languages(pkg_dict: dict[str, Any]) -> None:
    """Remove the language of the request from the addresses of uploaded files.

    CKAN includes it, and the index and the feed store the address: after an edit in English a
    portal would get ``/en/dataset/…`` for the same file.
    """
    resources: list[dict[str, Any]] = pkg_dict.get("resources") or []
    for resource in resources:
        address = str(resource.get("url") or "")
        name = address.rpartition("/")[2]
        # ``for_edit`` shows the stored file name, and other storages have addresses of their own.
        own = f"/resource/{resource.get('id')}/download/{name}"
        if resource.get("url_type") != "upload" or not name or not address.endswith(own):
            continue
        start = tk.h.url_for(
            f"{pkg_dict.get('type') or package.DATASET}_resource.download",
            id=pkg_dict["id"],
            resource_id=resource["id"],
            filename="-",
            qualified=True,
            locale="default",
        )
        resource["url"] = start.removesuffix("-") + name


def _remove_added_schemes(pkg_dict: dict[str, Any]) -> None:
    """Remove the ``http://`` that CKAN adds to an address without a scheme, unless it has a host.

    CKAN also adds it to mail addresses, network shares and file names, which then would be
    published as addresses that nothing answers.
    """
    resources: list[dict[str, Any]] = pkg_dict.get("resources") or []
    made_up = {
        resource["id"]: resource
        for resource in resources
        if resource.get("url_type") != "upload"
        and str(resource.get("url") or "").startswith("http://")
        and not names_host(resource["url"].removeprefix("http://"))
    }
    if not made_up:
        return
    stored = model.Session.query(model.Resource.id, model.Resource.url).filter(
        model.Resource.id.in_(made_up)
    )
    for id_, address in stored:
        if made_up[id_]["url"] == prefix_http(address or ""):
            made_up[id_]["url"] = address


_KEY = "marathon_sent_files"
# Fields of a resource of which at least one is required.
_NAMING = ("url", "upload", "access_url", "download_url", "name", "description")


class _SentFile(NamedTuple):
    number: int
    id: str


# CKAN workaround: empty-files
def drop_empty_files(
    context: Context, data: dict[str, Any], package: model.Package | None, is_lenient: bool
) -> list[int]:
    """Remove empty rows of ``resources``, and refuse rows without address, file, name and text.

    CKAN would create a public resource without a name from such a row.

    Args:
        context: of the action; gets a notice about each removed row.
        data: a package; its ``resources`` are changed.
        package: the stored package, whose resources may stay as they are.
        is_lenient: whether nothing is refused (harvested copies).

    Returns:
        the numbers of the rows that are left, from 0.

    Raises:
        ckan.plugins.toolkit.ValidationError: at ``url`` of a resource.
    """
    rows = data.get("resources")
    if not is_json_list(rows):
        return []
    stored = {resource.id: resource for resource in package.resources} if package else {}
    filled = {
        n: row
        for n, row in enumerate(rows)
        if any(unkept.has_content(value) for value in row.values())
    }
    for number in range(len(rows)):
        if number not in filled:
            message = tk._("not kept, as nothing is said of it")
            messages.add_notice(context, messages.name_file(number, message))
    data["resources"] = list(filled.values())
    wrong = {n for n, row in filled.items() if not is_lenient and not _is_described(row, stored)}
    if wrong:
        text = tk._(
            "Say where the file is or what it is called: its address as “url”, or the file itself "
            "as “upload”, or a “name”"
        )
        errors: list[Any] = [{"url": [text]} if n in wrong else {} for n in range(len(rows))]
        raise tk.ValidationError({"resources": errors})
    return list(filled)


def _is_described(row: Mapping[str, Any], stored: Mapping[str, model.Resource]) -> bool:
    before = stored.get(row.get("id") or "")
    # A resource that was stored without these fields may stay, so that the record can be saved.
    was_named = before is None or any((before.url, before.name, before.description))
    return not was_named or any(unkept.has_content(row.get(name)) for name in _NAMING)


@contextmanager
def number_files_as_sent(
    context: Context, rows: object, kept_numbers: Sequence[int]
) -> Generator[None]:
    """Number the resources of a save by their position in the sent list.

    Args:
        context: of the action.
        rows: the sent ``resources``; anything but a list counts as empty.
        kept_numbers: the numbers of those that CKAN gets, from 0.

    Raises:
        ckan.plugins.toolkit.ValidationError: raised inside; errors of ``resources`` are moved to
            the positions of the sent list.
    """
    own = cast(dict[str, Any], context)
    before = own.get(_KEY)
    files = rows if is_json_list(rows) else []
    own[_KEY] = [_SentFile(number, _find_sent_id(files[number])) for number in kept_numbers]
    try:
        yield
    except tk.ValidationError as error:
        found: Any = error.error_dict.get("resources")
        if is_json_list(found) and len(kept_numbers) < len(files):
            by_number = {
                read_sent_number(context, place): row_error for place, row_error in enumerate(found)
            }
            last = max(by_number, default=-1)
            error.error_dict["resources"] = [by_number.get(n, {}) for n in range(last + 1)]
        raise
    finally:
        own[_KEY] = before


def read_sent_number(context: Context, place: int) -> int:
    """Return the number of a resource in the sent list, from 0.

    Args:
        context: of the action.
        place: position among the resources that CKAN gets, from 0.
    """
    files = _list_sent_files(context)
    return files[place].number if place < len(files) else place


def find_sent_key(context: Context, key: FlattenKey, data: FlattenDataDict) -> FlattenKey:
    """Return the key of a field with the number of its resource in the sent list.

    Args:
        context: of the validation.
        key: key in ``data``, where CKAN numbers only the resources that it validates.
        data: CKAN's flattened data. Resources are matched by their ids, new ones by their order.
    """
    if key[0] != "resources" or len(key) < 2:
        return key
    id_ = _validated_id(data, key[1])
    if id_:
        same = [file.number for file in _list_sent_files(context) if file.id == id_]
    else:
        new = [file.number for file in _list_sent_files(context) if not file.id]
        same = new[sum(not _validated_id(data, place) for place in range(key[1])) :]
    return (key[0], same[0] if same else key[1], *key[2:])


def _validated_id(data: FlattenDataDict, place: int) -> str:
    found = data.get(("resources", place, "id"))
    return "" if found is missing or not isinstance(found, str) else found


def _find_sent_id(row: Any) -> str:
    found = cast(Mapping[str, Any], row).get("id") if isinstance(row, Mapping) else None
    return found if isinstance(found, str) else ""


def _list_sent_files(context: Context) -> list[_SentFile]:
    own: Mapping[str, Any] = context
    return own.get(_KEY) or []


# Returns the bytes of a stored file in blocks, ``None`` if another plugin stores the file.
Reader = Callable[[model.Resource], "Iterator[bytes] | None"]

_UPLOAD = "upload"


def describe_files(
    context: Context,
    resources: Sequence[dict[str, Any]],
    package: model.Package | None,
    read_file: Reader,
) -> list[dict[str, Any]]:
    """Return resources with the media type, size and checksum of their files.

    The media type is the one with which downloads are served; the checksum is the SHA-256 of the
    bytes. Size and checksum that a client sends with an upload are compared with the received file.

    Args:
        context: of the action; gets notices.
        resources: of a ``package_update``; not changed.
        package: the stored package.
        read_file: reads a stored file, to compare a sent checksum of another algorithm.

    Raises:
        ckan.plugins.toolkit.ValidationError: at the field that contradicts the file.
    """
    stored = {resource.id: resource for resource in package.resources} if package else {}
    described = [dict(resource) for resource in resources]
    wrong: list[str | dict[str, Any]] = []
    for number, resource in enumerate(described):
        before = stored.get(resource.get("id") or "")
        facts = FileFacts(resource, before, read_file)
        wrong.append(facts.settle())
        for field, message in facts.notices:
            key = ("resources", read_sent_number(context, number), field)
            messages.add_notice_at(context, key, package and package.type, message)
    if any(wrong):
        raise tk.ValidationError({"resources": wrong})
    return described


class FileFacts:
    """A resource that will be saved, with the facts about its file.

    Attributes:
        notices: pairs of field and message.
    """

    def __init__(
        self,
        resource: dict[str, Any],
        before: model.Resource | None,
        read_file: Reader | None = None,
    ) -> None:
        """Set the resource, which :meth:`settle` changes in place, and its stored form."""
        self.resource = resource
        self.before = before
        self.notices: list[tuple[str, str]] = []
        self._read_file = read_file
        self._errors: dict[str, list[str]] = {}
        self._stored: dict[str, Any] = {}
        if before is not None:
            columns = {"size": before.size, "hash": before.hash, "mimetype": before.mimetype}
            self._stored = {**(before.extras or {}), **columns}

    def settle(self) -> dict[str, list[str]]:
        """Set size, checksum and type; return errors for sent values that contradict the file."""
        upload = self.resource.get("upload")
        if isinstance(upload, FileStorage) and upload.filename:
            self._describe_new(upload)
        elif self.before is not None and self._stays_upload(self.before):
            self._describe_stored(self.before)
        elif self.before is not None:
            self._describe_link(self.before)
        return self._errors

    def _stays_upload(self, before: model.Resource) -> bool:
        given = self.resource.get("url_type")
        # CKAN leaves the column as it is where an update does not name it.
        kind = before.url_type if given is None else given
        return before.url_type == kind == _UPLOAD and not self.resource.get("clear_upload")

    def _describe_new(self, upload: FileStorage) -> None:
        stream: Any = upload.stream
        sample = stream.read(SAMPLE_SIZE)
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        self._set_media_type(detect_media_type(sample, munge.munge_filename(upload.filename or "")))
        self._compare_size(size)
        claimed = self._claimed_checksum()
        algorithms = {file.OWN_ALGORITHM, *([claimed.algorithm] if claimed else [])}
        found = file.compute_checksums(file.read_blocks(stream), algorithms)
        stream.seek(0)
        self._compare_checksum(claimed, found)
        known = {
            "size": size,
            "hash": found[file.OWN_ALGORITHM],
            "hash_algorithm": file.OWN_ALGORITHM,
        }
        self.resource |= known

    def _describe_stored(self, before: model.Resource) -> None:
        """Set size, checksum and type of an unchanged file, also if they were not sent back."""
        self._refuse_address(before)
        if before.mimetype:
            self._set_media_type(before.mimetype)
        # CKAN's type says that the size is always set; links have none.
        size: int | None = getattr(before, "size", None)
        if size is not None:
            self._compare_size(size)
            self.resource["size"] = size
        known = file.read_checksum(self._stored)
        claimed = self._claimed_checksum()
        if known is None:
            return
        found = {known.algorithm: known.digits}
        if claimed and claimed.algorithm != known.algorithm:
            found |= self._compute_stored(before, claimed)
        self._compare_checksum(claimed, found)
        self.resource |= {"hash": known.digits, "hash_algorithm": known.algorithm}

    def _describe_link(self, before: model.Resource) -> None:
        was_upload = before.url_type == _UPLOAD
        if was_upload or show_address(self.resource.get("url")) != show_address(before.url):
            self._forget(before)
        elif "hash" not in self.resource:
            # A field that was not sent keeps its value; so does the algorithm.
            for name in ("hash", "hash_algorithm"):
                if self._stored.get(name):
                    self.resource.setdefault(name, self._stored[name])
        if not self.resource.get("hash"):
            self.resource.pop("hash_algorithm", None)
        elif self._is_new("hash") and not self._is_new("hash_algorithm"):
            # The algorithm may be left over from the former one.
            stated = self._stated()
            if stated:
                self.resource["hash_algorithm"] = stated.algorithm

    def _forget(self, before: model.Resource) -> None:
        """Clear size and checksum of the former address, unless new ones were sent."""
        known = [name for name in ("size", "hash") if self._stored.get(name) not in (None, "")]
        lost = [name for name in known if not self._is_new(name)]
        if "size" in lost:
            # CKAN does not clear a column, neither if it is left out nor if it is empty.
            self.resource["size"] = None
            emptied: Any = before
            emptied.size = None
            model.Session.flush()
        if "hash" in lost:
            self.resource["hash"] = ""
        if lost:
            message = tk._(
                "Emptied, as it was of what was at the former address: {names}. Send it again if "
                "it is true of the new one, too"
            )
            names = ", ".join(f"“{name}”" for name in lost)
            self.notices.append(("url", message.format(names=names)))

    def _is_new(self, name: str) -> bool:
        """Return whether a sent value differs from the stored one and is not empty."""
        given = self.resource.get(name)
        given = given.strip() if isinstance(given, str) else given
        return given not in (None, "") and str(given) != str(self._stored.get(name) or "")

    def _set_media_type(self, found: str | None) -> None:
        if self._is_new("mimetype") and found and self.resource["mimetype"] != found:
            message = tk._("“{value}” was not kept: the site states what it finds, {found}")
            value = quote_value(self.resource["mimetype"])
            self.notices.append(("mimetype", message.format(value=value, found=found)))
        self.resource["mimetype"] = found

    def _compare_size(self, size: int) -> None:
        if not self._is_new("size"):
            return
        try:
            claimed = numbers.parse_count(self.resource["size"])
        except Malformed as error:
            self._errors["size"] = [messages.write_fault(error.fault)]
            return
        if claimed != size:
            message = tk._(
                "The file has {found} bytes, not {claimed}. Leave the size out: the site counts "
                "them. If the file is not the one that was meant, send it again."
            )
            self._errors["size"] = [message.format(found=size, claimed=claimed)]

    def _claimed_checksum(self) -> file.Checksum | None:
        """Return the sent checksum, ``None`` if it is the stored one, invalid or missing."""
        if not self._is_new("hash"):
            stated = self.resource.get("hash_algorithm")
            fits = {"hash": self._stored.get("hash"), "hash_algorithm": stated}
            is_known = file.is_own_algorithm(stated) or file.read_checksum(fits)
            if self._is_new("hash_algorithm") and not is_known:
                self._errors["hash_algorithm"] = [_explain_algorithm(stated)]
            return None
        claimed = self._stated()
        if claimed is None:
            self._errors["hash"] = [_explain_checksum(self.resource["hash"])]
        return claimed

    def _stated(self) -> file.Checksum | None:
        """Return the sent checksum; an algorithm that does not fit it is ignored."""
        given = {"hash": self.resource.get("hash")}
        return file.read_checksum(self.resource) or file.read_checksum(given)

    def _compute_stored(self, before: model.Resource, claimed: file.Checksum) -> dict[str, str]:
        try:
            blocks = self._read_file(before) if self._read_file else None
            if blocks is not None:
                found = file.compute_checksums(blocks, {claimed.algorithm})
                message = tk._("The {algorithm} is right. The site keeps the SHA-256 of its files")
                if found[claimed.algorithm] == claimed.digits:
                    self.notices.append(("hash", message.format(algorithm=claimed.algorithm)))
                return found
        except OSError:
            pass
        message = tk._("The {algorithm} was neither compared nor kept: the file cannot be read now")
        self.notices.append(("hash", message.format(algorithm=claimed.algorithm)))
        return {}

    def _compare_checksum(self, claimed: file.Checksum | None, found: dict[str, str]) -> None:
        digits = found.get(claimed.algorithm) if claimed else None
        if claimed and digits and digits != claimed.digits:
            message = tk._(
                "The file is not the one whose checksum was sent: its {algorithm} is {digits}. "
                "Send it again."
            )
            self._errors["hash"] = [message.format(algorithm=claimed.algorithm, digits=digits)]

    def _refuse_address(self, before: model.Resource) -> None:
        """Refuse a web address for an upload: CKAN would store its last part as the file name."""
        given = str(self.resource.get("url") or "")
        is_own = before.id in given or given.rpartition("/")[2] == before.url
        is_upload = self.resource.get("url_type", _UPLOAD) == _UPLOAD
        if is_upload and not is_own and given.lower().startswith(("http://", "https://", "ftp://")):
            text = tk._(
                "The file is an upload. To put a link in its place send also url_type empty and "
                "clear_upload true"
            )
            self._errors["url"] = [text]


def _explain_algorithm(stated: Any) -> str:
    return tk._(
        "“{value}” is not what the site states of its files, which is {ours}: leave it out, or "
        "send the checksum (hash) with it"
    ).format(value=quote_value(stated), ours=file.OWN_ALGORITHM)


def _explain_checksum(value: Any) -> str:
    return tk._("“{value}” is no checksum. These are known, in hexadecimal digits: {names}").format(
        value=quote_value(value), names=", ".join(file.ALGORITHMS)
    )


KEY = "marathon_uploads"
MEGABYTE = 2**20


@dataclass
class PendingUpload:
    """An upload of a new dataset; ``resource_id`` is ``""`` until it is stored."""

    upload: Any
    resource_id: str = ""


def prepare_uploads(context: Context, resources: list[dict[str, Any]]) -> list[list[str]]:
    """Move the uploads of new resources into the context.

    Args:
        context: of the ``package_create`` that will follow.
        resources: changed in place: ``upload`` is removed; address, size, media type and checksum
            are set, as by ``package_update``.

    Returns:
        a list of error messages for each resource, empty if its file can be stored.
    """
    pending: list[PendingUpload] = []
    errors: list[list[str]] = []
    for resource in resources:
        wrong = FileFacts(resource, None).settle()
        upload = uploader.get_resource_uploader(resource)
        left = resource.pop("upload", None)
        size = getattr(upload, "filesize", None)
        if size is not None:
            resource["size"] = size
            if getattr(upload, "mimetype", None):
                resource.setdefault("mimetype", upload.mimetype)
        pending.append(PendingUpload(upload))
        if wrong:
            errors.append([message for messages in wrong.values() for message in messages])
        elif getattr(left, "filename", None):
            errors.append([tk._("This site takes no files. Give the web address of the file.")])
        else:
            errors.append(check_size(resource.get("url", ""), size))
    cast(dict[str, Any], context)[KEY] = pending
    return errors


def store_uploads(context: Context, resources: Iterable[dict[str, Any]]) -> None:
    """Store the files that :func:`prepare_uploads` put into the context.

    Called between CKAN's flush and its commit: an error rolls back the dataset.
    """
    for pending, resource in zip(context.get(KEY, ()), resources, strict=False):
        pending.resource_id = resource["id"]
        pending.upload.upload(resource["id"], uploader.get_max_resource_size())


def discard_uploads(context: Context) -> None:
    """Remove the files that :func:`store_uploads` stored for a dataset that was not saved."""
    for pending in context.get(KEY, ()):
        if pending.resource_id and pending.upload.filename:
            # CKAN removes a file in this way when a link replaces it.
            pending.upload.filename, pending.upload.clear = None, True
            pending.upload.upload(pending.resource_id)


def check_size(name: str, size: int | None) -> list[str]:
    """Return why a file of this size is not stored: it is empty or too large."""
    if size is None:
        return []
    limit = uploader.get_max_resource_size()
    if size > limit * MEGABYTE:
        return [
            tk._(
                "{name} is larger than {limit} MB. Choose a smaller file or give its web address."
            ).format(name=name, limit=limit)
        ]
    return [] if size else [tk._("{name} is empty. Choose another file.").format(name=name)]


class WholeResourceUpload(uploader.ResourceUpload):
    """CKAN's uploader of resources, which also removes a partial file when the disk is full."""

    def upload(self, id: str, max_size: int = 10) -> None:
        """Store the file completely or not at all.

        Raises:
            NoRoom: there is no room for it.
        """
        partial = Path(f"{self.get_path(id)}~") if self.storage_path else None
        with _remove_partial_file(partial), _name_limit(max_size):
            super().upload(id, max_size)


class WholeImageUpload(uploader.Upload):
    """CKAN's uploader of images, which also removes a partial file when the disk is full."""

    def upload(self, max_size: int = 2) -> None:
        """Store the image completely or not at all.

        Raises:
            NoRoom: there is no room for it.
        """
        partial = Path(self.tmp_filepath) if self.filename else None
        with _remove_partial_file(partial), _name_limit(max_size):
            super().upload(max_size)


@contextmanager
def _name_limit(megabytes: int) -> Generator[None]:
    """Say in the visitor's language how large an upload may be; CKAN's sentence is in English."""
    try:
        yield
    except tk.ValidationError as fault:
        if fault.error_dict.get("upload") != ["File upload too large"]:
            raise
        error = tk._("The file is too large: this site takes up to {limit} MB")
        raise tk.ValidationError({"upload": [error.format(limit=megabytes)]}) from fault


@contextmanager
def _remove_partial_file(partial: Path | None) -> Generator[None]:
    """Remove a partial file after an ``OSError``; raise ``NoRoom`` if the disk is full."""
    try:
        yield
    except OSError as fault:
        if partial:
            partial.unlink(missing_ok=True)
        if disk.is_disk_full(fault):
            raise NoRoom from fault
        raise


def make_resource_uploader(resource: dict[str, Any]) -> WholeResourceUpload | None:
    """Return the uploader of a resource, ``None`` if another plugin or storage handles it."""
    return WholeResourceUpload(resource) if stores_in_folder("resource") else None


def make_image_uploader(kind: str, old_filename: str | None) -> WholeImageUpload | None:
    """Return the uploader of an image, ``None`` if another plugin or storage handles it."""
    return WholeImageUpload(kind, old_filename) if stores_in_folder(kind) else None


def stores_in_folder(kind: str) -> bool:
    """Return whether files of a kind are in ``ckan.storage_path``.

    False if another plugin or one of CKAN's storages handles them, by the rules of
    ``ckan.lib.uploader``. (CKAN's uploaders are not asked, because they create folders.)

    Args:
        kind: ``resource``; for images ``group``, ``user`` or ``admin``.
    """
    if any(plugin.name != "marathon" for plugin in p.PluginImplementations(p.IUploader)):
        return False
    try:
        files.get_storage(tk.config[f"ckan.files.default_storages.{kind}"])
    except files.exc.UnknownStorageError:
        return True
    return False


def remove_stored_file(file_id: str) -> None:
    """Delete the stored bytes of a resource or of a former version, if there are any.

    Args:
        file_id: id of the resource or of the version.
    """
    upload: Any = uploader.get_resource_uploader({"id": file_id, "url": ""})
    if isinstance(upload, uploader.ResourceUpload):
        if upload.storage_path:
            # CKAN's own removal hides errors. A partial upload has a tilde.
            path = Path(upload.get_path(file_id))
            for part in (path, path.with_name(f"{path.name}~")):
                part.unlink(missing_ok=True)
        return
    # CKAN removes a file in this way when a link replaces it.
    upload.filename, upload.clear = None, True
    upload.upload(file_id)


def read_file(resource: model.Resource) -> Iterator[bytes] | None:
    """Return the bytes of an uploaded file in blocks, ``None`` if another plugin stores it.

    Iterating raises ``OSError`` if the file is missing.
    """
    return read_stored(resource.id)


def read_stored(resource_id: str) -> Iterator[bytes] | None:
    """Return the bytes that are stored under an id in blocks; see :func:`read_file`."""
    stored = uploader.get_resource_uploader({})
    if isinstance(stored, uploader.FKResourceUpload) and stored.storage is not None:
        return _read_storage(stored.storage, stored.get_path(resource_id))
    if isinstance(stored, WholeResourceUpload) and stored.storage_path:
        return _read_path(Path(stored.get_path(resource_id)))
    return None


@contextmanager
def open_stored_file(resource_id: str) -> Generator[Path]:
    """Yield the path of a stored file; of one in another storage, a copy that is deleted later.

    Args:
        resource_id: id under which it is stored.

    Raises:
        FileNotFoundError: there is no such file, or another plugin stores it.
        OSError: it cannot be read.
    """
    stored = uploader.get_resource_uploader({})
    if isinstance(stored, WholeResourceUpload) and stored.storage_path:
        path = Path(stored.get_path(resource_id))
        if not path.is_file():
            raise FileNotFoundError(str(path))
        yield path
        return
    blocks = read_stored(resource_id)
    if blocks is None:
        raise FileNotFoundError(resource_id)
    with tempfile.NamedTemporaryFile() as copy:
        for block in blocks:
            copy.write(block)
        copy.flush()
        yield Path(copy.name)


def _read_storage(storage: Any, location: files.Location) -> Iterator[bytes]:
    try:
        opened: Any = storage.stream(files.FileData(location))
    except files.exc.MissingFileError as missing:
        raise FileNotFoundError(str(location)) from missing
    # An open file, which must not be read by lines, or an iterator of bytes.
    is_file = hasattr(opened, "read")
    try:
        yield from file.read_blocks(opened) if is_file else opened
    finally:
        if is_file:
            opened.close()


def _read_path(path: Path) -> Iterator[bytes]:
    with path.open("rb") as opened:
        yield from file.read_blocks(opened)
