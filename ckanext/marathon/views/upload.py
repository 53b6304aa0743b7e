"""Begun uploads: files arrive in pieces, by the protocol tus 1.0, before their form is saved.

Core protocol with the extensions creation, termination and expiration. A form names a begun upload
by its id (``resources__0__begun``); whose it is, is checked at each request. ``GET`` of the address
of all uploads lists one's own, so that a file that is chosen again goes on where it stopped.

Source: tus.io/protocols/resumable-upload, version 1.0.0.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict
from datetime import UTC
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Response
from flask import Blueprint, jsonify, make_response, request
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import http_date

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import messages, personal_data
from ckanext.marathon.logic import upload as upload_logic
from ckanext.marathon.logic.resource import NoRoom
from ckanext.marathon.logic.upload import (
    EmptyFile,
    QuotaUsed,
    TooLarge,
    TooMuch,
    UploadRefused,
    WrongOffset,
)
from ckanext.marathon.model import upload as upload_model
from ckanext.marathon.model.upload import BegunUpload, UploadBusy
from ckanext.marathon.views import form_files
from ckanext.marathon.views.errors import SEARCH_RETRY_SECONDS

TUS_VERSION = "1.0.0"
EXTENSIONS = "creation,termination,expiration"
PIECE = "application/offset+octet-stream"
_LONGEST_METADATA = 4_000
_LARGEST_NUMBER = 2**53

STATUS: dict[type[UploadRefused], int] = {
    TooLarge: 413,
    QuotaUsed: 403,
    EmptyFile: 400,
    WrongOffset: 409,
    TooMuch: 413,
}

uploads = Blueprint("marathon_upload", __name__)


def serve_uploads() -> Response:
    """Begin an upload, list one's own, or say what the server can do."""
    if request.method == "OPTIONS":
        return _finish(make_response("", 204))
    refused = _refuse_stranger()
    if refused is not None:
        return refused
    if request.method == "GET":
        own = upload_logic.list_begun(current_user.id)
        return _finish(jsonify(uploads=[_describe(upload) for upload in own]))
    return _refuse_version() or _begin()


def serve_upload(id: str) -> Response:
    """Append a piece, say how much has arrived, or remove the upload."""
    refused = _refuse_stranger() or _refuse_version()
    if refused is not None:
        return refused
    upload = upload_model.find_upload(id, current_user.id) if is_reference(id) else None
    if upload is None:
        return _explain(404, tk._("This upload is not there, or not any more."))
    method = request.method
    if method == "POST":
        # Source: tus, "X-HTTP-Method-Override", for clients that can send only GET and POST.
        method = request.headers.get("X-HTTP-Method-Override", "").upper()
    if method == "PATCH":
        return _append(upload)
    if method == "DELETE":
        upload_logic.remove_uploads([upload.id], current_user.id)
        return _finish(make_response("", 204))
    if method == "HEAD":
        answer = make_response("", 200)
        answer.headers["Upload-Length"] = str(upload.size)
        return _finish(answer, upload)
    return _explain(405, tk._("What was sent cannot be taken."))


def show_profile(id: str) -> Response:
    """Return what was read from a complete upload, for the page's script."""
    upload = _find_complete(id)
    return upload if isinstance(upload, Response) else _answer_profile(upload)


def clean_upload(id: str) -> Response:
    """Remove columns and cells from a complete upload, and return what is read from it now."""
    upload = _find_complete(id)
    if isinstance(upload, Response):
        return upload
    try:
        personal_data.clean_upload(upload, request.form.getlist("remove"))
    except Malformed as error:
        return _explain(400, messages.write_fault(error.fault))
    return _answer_profile(upload)


def _find_complete(id: str) -> BegunUpload | Response:
    refused = _refuse_stranger()
    if refused is not None:
        return refused
    upload = upload_model.find_upload(id, current_user.id) if is_reference(id) else None
    if upload is None or not upload.is_complete:
        return _explain(404, tk._("This upload is not there, or not any more."))
    return upload


def _answer_profile(upload: BegunUpload) -> Response:
    profile = form_files.make_profile(upload)
    index = request.values.get("index", "")
    number = int(index) if index.isascii() and index.isdigit() and len(index) < 7 else 0
    shown: dict[str, Any] = {"profile": asdict(profile), "index": number, "item": {}}
    return _finish(
        jsonify(
            html=tk.render("marathon/form/profile.html", shown),
            name=profile.name,
            title=profile.title,
            period=profile.period,
            personal=len(profile.personal),
        )
    )


def _refuse_stranger() -> Response | None:
    if not current_user.is_authenticated:
        return _explain(403, tk._("Log in first"))
    if not upload_logic.may_upload(current_user.name):
        return _explain(403, tk._("Not allowed"))
    return None


def _refuse_version() -> Response | None:
    if request.headers.get("Tus-Resumable") == TUS_VERSION:
        return None
    return _explain(412, f"Tus-Resumable: {TUS_VERSION}")


def _begin() -> Response:
    size = _read_number("Upload-Length")
    metadata = _read_metadata()
    name = upload_logic.clean_name(metadata.get("filename", ""))
    if size is None or not name:
        return _explain(400, tk._("Upload-Length and the “filename” of Upload-Metadata are needed"))
    try:
        changed = metadata.get("changed", "")[:40]
        upload = upload_logic.begin_upload(current_user.id, name, size, changed)
    except (UploadRefused, NoRoom) as refusal:
        return _answer_refusal(refusal)
    answer = make_response("", 201)
    answer.headers["Location"] = tk.h.url_for("marathon_upload.serve_upload", id=upload.id)
    return _finish(answer, upload)


def _append(upload: BegunUpload) -> Response:
    if request.mimetype != PIECE:
        return _explain(415, f"Content-Type: {PIECE}")
    offset = _read_number("Upload-Offset")
    if offset is None:
        return _explain(400, "Upload-Offset")
    upload_id = upload.id
    try:
        upload_logic.receive_piece(upload, offset, request.content_length, request.stream.read)
    except UploadBusy:
        return _explain(423, tk._("This file is being sent by another tab."))
    except ClientDisconnected:
        # Nobody reads this answer. What has arrived stays.
        return _explain(400, tk._("The connection was lost."))
    except (UploadRefused, NoRoom) as refusal:
        return _answer_refusal(refusal)
    now = upload_model.find_upload(upload_id, current_user.id)
    if now is None:
        return _explain(404, tk._("This upload is not there, or not any more."))
    return _finish(make_response("", 204), now)


def _answer_refusal(refusal: UploadRefused | NoRoom) -> Response:
    model.Session.rollback()
    if isinstance(refusal, NoRoom):
        answer = _explain(503, refusal.text)
        answer.headers["Retry-After"] = str(SEARCH_RETRY_SECONDS)
        return answer
    return _explain(STATUS[type(refusal)], str(refusal))


def _read_number(name: str) -> int | None:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 16:
        return None
    return int(text) if int(text) <= _LARGEST_NUMBER else None


def _read_metadata() -> dict[str, str]:
    """Return the readable entries of ``Upload-Metadata``, which are a key, a space and Base64."""
    found: dict[str, str] = {}
    for pair in request.headers.get("Upload-Metadata", "")[:_LONGEST_METADATA].split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            continue
    return found


def _describe(upload: BegunUpload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "name": upload.name,
        "size": upload.size,
        "received": upload.received,
        "changed": upload.changed_on_device,
        "is_complete": upload.is_complete,
        "expires": upload.expires.astimezone(UTC).isoformat(timespec="seconds"),
    }


def _explain(status: int, text: str) -> Response:
    return _finish(make_response(jsonify(message=text), status))


def _finish(answer: Response, upload: BegunUpload | None = None) -> Response:
    """Return an answer with the headers of the protocol; ``upload`` has those of its state."""
    answer.headers["Tus-Resumable"] = TUS_VERSION
    answer.headers["Cache-Control"] = "no-store"
    if request.method == "OPTIONS" or answer.status_code == 412:
        answer.headers["Tus-Version"] = TUS_VERSION
        answer.headers["Tus-Extension"] = EXTENSIONS
        answer.headers["Tus-Max-Size"] = str(upload_logic.find_limit())
    if upload is not None:
        answer.headers["Upload-Offset"] = str(upload.received)
        answer.headers["Upload-Expires"] = http_date(upload.expires)
    return answer


uploads.add_url_rule(
    "/marathon/upload",
    view_func=serve_uploads,
    methods=["GET", "POST", "OPTIONS"],
    provide_automatic_options=False,
)
uploads.add_url_rule(
    "/marathon/upload/<id>",
    view_func=serve_upload,
    methods=["HEAD", "PATCH", "DELETE", "POST"],
)
uploads.add_url_rule("/marathon/upload/<id>/profile", view_func=show_profile)
uploads.add_url_rule("/marathon/upload/<id>/clean", view_func=clean_upload, methods=["POST"])
