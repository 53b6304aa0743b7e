"""What is known of a file that somebody uploads: its media type and its checksum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib import munge
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain import checksums
from ckanext.marathon.domain.texts import shown
from ckanext.marathon.files.media_type import SAMPLE_SIZE, detect_media_type


def describe_files(
    resources: Sequence[dict[str, Any]], package: model.Package | None
) -> list[dict[str, Any]]:
    """Return resources with the media type and checksum that their files have.

    The feeds publish both. The type is what a download is served with, whatever was sent; the
    checksum is SHA-256 of the bytes. One that is sent along with a file says what its sender meant
    to send, and is compared with what came.

    Args:
        resources: of a ``package_update``; not changed.
        package: as it is stored.

    Raises:
        ckan.plugins.toolkit.ValidationError: at ``hash``: the file is not the one whose checksum
            was sent, or that is none.
    """
    stored = {resource.id: resource for resource in package.resources} if package else {}
    described = [dict(resource) for resource in resources]
    wrong = [describe_file(each, stored.get(each.get("id") or "")) for each in described]
    if any(wrong):
        raise tk.ValidationError({"resources": [{"hash": each} if each else {} for each in wrong]})
    return described


def describe_file(resource: dict[str, Any], before: model.Resource | None) -> list[str]:
    """State what is known of a resource's file; return what is wrong with the checksum sent.

    Args:
        resource: changed in place.
        before: the resource as it is stored.
    """
    # What was read and is sent back says nothing of the file that comes with it.
    is_new = before is None or (resource.get("hash") or "") != (before.hash or "")
    upload = resource.get("upload")
    if isinstance(upload, FileStorage) and upload.filename:
        sample = upload.stream.read(SAMPLE_SIZE)
        upload.stream.seek(0)
        resource["mimetype"] = detect_media_type(sample, munge.munge_filename(upload.filename))
        return _state_checksum(resource, upload.stream, is_new)
    if before is None:
        return []
    was_upload = before.url_type == "upload"
    if was_upload and resource.get("url_type") == "upload":
        if before.mimetype:
            resource["mimetype"] = before.mimetype
        return _keep_checksum(resource, before, is_new)
    if not is_new and (was_upload or resource.get("url") != before.url):
        # Of the file that was here before; of the other one nothing is known.
        resource |= {name: "" for name in ("hash", "hash_algorithm") if name in resource}
        if str(resource.get("size") or "") == str(before.size or ""):
            # CKAN leaves a column as it is that an update does not name, and cannot empty one.
            resource.pop("size", None)
            emptied: Any = before
            emptied.size = None
            model.Session.flush()
    return []


def _state_checksum(resource: dict[str, Any], stream: Any, is_new: bool) -> list[str]:
    claimed = _claimed(resource) if is_new else None
    if claimed is None and is_new and resource.get("hash"):
        return [_no_checksum(resource["hash"])]
    found = checksums.compute(
        checksums.blocks_of(stream), {checksums.OURS, *([claimed.algorithm] if claimed else [])}
    )
    stream.seek(0)
    if claimed and found[claimed.algorithm] != claimed.digits:
        return [_another_file(claimed.algorithm, found[claimed.algorithm])]
    resource |= {"hash": found[checksums.OURS], "hash_algorithm": checksums.OURS}
    return []


def _keep_checksum(resource: dict[str, Any], before: model.Resource, is_new: bool) -> list[str]:
    """Keep what is known of a file that stays, also where it is not sent back."""
    known = checksums.checksum_of({"hash": before.hash, **(before.extras or {})})
    claimed = _claimed(resource) if is_new else None
    if known and claimed and known.algorithm == claimed.algorithm and known != claimed:
        return [_another_file(*known)]
    if is_new and resource.get("hash") and claimed is None:
        return [_no_checksum(resource["hash"])]
    if known and (claimed is None or known.algorithm == checksums.OURS):
        resource |= {"hash": known.digits, "hash_algorithm": known.algorithm}
    return []


def _claimed(resource: dict[str, Any]) -> checksums.Checksum | None:
    """Return the checksum that was sent; the algorithm may be left over from another one."""
    stated = checksums.checksum_of(resource)
    return stated or checksums.checksum_of({"hash": resource.get("hash")})


def _no_checksum(value: Any) -> str:
    return tk._("“{value}” is no checksum. These are known, in hexadecimal digits: {names}").format(
        value=shown(value), names=", ".join(checksums.ALGORITHMS)
    )


def _another_file(algorithm: str, digits: str) -> str:
    return tk._(
        "The file is not the one whose checksum was sent: its {algorithm} is {digits}. Send it "
        "again."
    ).format(algorithm=algorithm, digits=digits)
