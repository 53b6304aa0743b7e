"""What is known of a file: of an upload by its bytes, of a link by who sent it.

Media type, size and checksum of an uploaded file are the site's, and what contradicts them is
refused. Of what is elsewhere nobody here knows the bytes: its size and checksum are the sender's,
and go with the address when that becomes another one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import munge
from ckan.types import Context
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain import file, numbers
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.file import SAMPLE_SIZE, detect_media_type
from ckanext.marathon.domain.texts import quote_value
from ckanext.marathon.logic import notices, say, sent_files
from ckanext.marathon.logic.file_addresses import with_http

# How the bytes of a stored file are read; ``None`` where another plugin has them.
Reader = Callable[[model.Resource], "Iterator[bytes] | None"]

_UPLOAD = "upload"


def describe_files(
    context: Context,
    resources: Sequence[dict[str, Any]],
    package: model.Package | None,
    read_file: Reader,
) -> list[dict[str, Any]]:
    """Return resources with the media type, size and checksum that their files have.

    The feeds publish these. The type is what a download is served with, whatever was sent; the
    checksum is SHA-256 of the bytes. Size and checksum that are sent along with a file say what
    its sender meant to send, and are compared with what came.

    Args:
        context: of the action, for what is to be told.
        resources: of a ``package_update``; not changed.
        package: as it is stored.
        read_file: for a checksum of another kind than the one that is stored.

    Raises:
        ckan.plugins.toolkit.ValidationError: at the field that contradicts the file.
    """
    stored = {resource.id: resource for resource in package.resources} if package else {}
    described = [dict(resource) for resource in resources]
    wrong = []
    for number, resource in enumerate(described):
        before = stored.get(resource.get("id") or "")
        facts = FileFacts(resource, before, read_file)
        wrong.append(facts.settle())
        for field, message in facts.notices:
            key = ("resources", sent_files.number_of(context, number), field)
            notices.add_at(context, key, package and package.type, message)
    if any(wrong):
        raise tk.ValidationError({"resources": wrong})
    return described


class FileFacts:
    """One resource that is to be saved, and what is known of its file.

    Attributes:
        notices: what is to be told, by field.
    """

    def __init__(
        self,
        resource: dict[str, Any],
        before: model.Resource | None,
        read_file: Reader | None = None,
    ) -> None:
        """Take a resource, which :meth:`settle` changes in place, and how it is stored."""
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
        """State what is known of the file; return what contradicts it, by field."""
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
        """Keep what is known of a file that stays, also where it is not sent back."""
        self._refuse_address(before)
        if before.mimetype:
            self._set_media_type(before.mimetype)
        if before.size is not None:
            self._compare_size(before.size)
            self.resource["size"] = before.size
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
        if was_upload or with_http(self.resource.get("url")) != with_http(before.url):
            self._forget(before)
        elif "hash" not in self.resource:
            # What is not named stays, and its algorithm with it.
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
        """Empty what was known of what was at the former address; of the new one nothing is."""
        known = [name for name in ("size", "hash") if self._stored.get(name) not in (None, "")]
        lost = [name for name in known if not self._is_new(name)]
        if "size" in lost:
            # CKAN keeps a column that an update does not name, and its own schema empties none.
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
        """Return whether a fact is stated; what was read and is sent back states nothing."""
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
            self._errors["size"] = [say.text(error.fault)]
            return
        if claimed != size:
            message = tk._(
                "The file has {found} bytes, not {claimed}. Leave the size out: the site counts "
                "them. If the file is not the one that was meant, send it again."
            )
            self._errors["size"] = [message.format(found=size, claimed=claimed)]

    def _claimed_checksum(self) -> file.Checksum | None:
        """Return the checksum that was sent, ``None`` for none that says anything."""
        if not self._is_new("hash"):
            stated = self.resource.get("hash_algorithm")
            fits = {"hash": self._stored.get("hash"), "hash_algorithm": stated}
            is_known = file.is_own_algorithm(stated) or file.read_checksum(fits)
            if self._is_new("hash_algorithm") and not is_known:
                self._errors["hash_algorithm"] = [_only_ours(stated)]
            return None
        claimed = self._stated()
        if claimed is None:
            self._errors["hash"] = [_no_checksum(self.resource["hash"])]
        return claimed

    def _stated(self) -> file.Checksum | None:
        """Return the checksum that was sent; the algorithm may be left over from another one."""
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
        """Refuse the address of another file, of which CKAN would keep the last part as a name."""
        given = str(self.resource.get("url") or "")
        is_own = before.id in given or given.rpartition("/")[2] == before.url
        is_upload = self.resource.get("url_type", _UPLOAD) == _UPLOAD
        if is_upload and not is_own and given.lower().startswith(("http://", "https://", "ftp://")):
            text = tk._(
                "The file is an upload. To put a link in its place send also url_type empty and "
                "clear_upload true"
            )
            self._errors["url"] = [text]


def _only_ours(stated: Any) -> str:
    return tk._(
        "“{value}” is not what the site states of its files, which is {ours}: leave it out, or "
        "send the checksum (hash) with it"
    ).format(value=quote_value(stated), ours=file.OWN_ALGORITHM)


def _no_checksum(value: Any) -> str:
    return tk._("“{value}” is no checksum. These are known, in hexadecimal digits: {names}").format(
        value=quote_value(value), names=", ".join(file.ALGORITHMS)
    )
