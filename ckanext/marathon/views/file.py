"""The page that replaces a file by the one of the next period, and downloads of former versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.lib import uploader
from ckan.types import Context, Response
from flask import Blueprint, make_response, request
from flask import Response as FlaskResponse

from ckanext.marathon.domain.texts import is_json_list, is_reference
from ckanext.marathon.logic import file_version as version_logic
from ckanext.marathon.model import file_version
from ckanext.marathon.records import OTHER_TYPES
from ckanext.marathon.views.errors import call_for_form, hide_existence
from ckanext.marathon.views.file_page import describe_changes
from ckanext.marathon.views.saved import tell_saved_package

files = Blueprint("marathon_file", __name__)


@dataclass(frozen=True)
class ReplacementPage:
    """The page that replaces a file.

    Attributes:
        dataset: title of the record, and ``dataset_href`` its address.
        title: title of the file.
        href: address of the file's page.
        facts: format and size of the present file.
        limit: largest size of a file, in megabytes.
        errors: field → messages.
        needs_reason: whether the file looks as if it had personal data.
        typed: the typed values.
    """

    dataset: str
    dataset_href: str
    title: str
    href: str
    facts: str
    limit: int
    errors: dict[str, list[str]]
    needs_reason: bool
    typed: dict[str, str]


def _make_context() -> Context:
    return Context(user=current_user.name, auth_user_obj=cast(Any, current_user))


def _find_file(reference: str, resource_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a record and its file, as their ``…_show`` actions do.

    Raises:
        ckan.plugins.toolkit.ObjectNotFound: the record has no such file.
        ckan.plugins.toolkit.NotAuthorized: this person may not see it.
    """
    if not (is_reference(reference) and is_reference(resource_id)):
        raise tk.ObjectNotFound
    package = tk.get_action("package_show")(_make_context(), {"id": reference})
    found = [file for file in package["resources"] if file["id"] == resource_id]
    if not found:
        raise tk.ObjectNotFound
    return package, found[0]


def replace_file(id: str, resource_id: str) -> Response:
    """Show the form that replaces a file, or replace it."""
    with hide_existence(tk._("There is no such file, or it is not public.")):
        package, file = _find_file(id, resource_id)
        if file.get("url_type") != "upload" or package["type"] in OTHER_TYPES:
            raise tk.ObjectNotFound
    tk.check_access("package_update", _make_context(), {"id": package["id"]})
    if request.method == "GET":
        return _show_form(package, file, {}, {}, 200)
    typed = {
        name: request.form.get(name, "").strip()
        for name in ("name", "beside", "erase_previous", "reason")
    }
    sent = {**typed, "id": resource_id, "upload": request.files.get("upload")}
    call = call_for_form(
        "marathon_file_replace",
        _make_context(),
        sent,
        {"upload": [tk._("You may not change this dataset.")]},
    )
    if call.errors is not None:
        return _show_form(package, file, call.errors, typed, call.status)
    _say_what_was_done(package["id"], call.result)
    target = call.result["resource"]
    address = tk.h.url_for("dataset_resource.read", id=package["name"], resource_id=target["id"])
    return tk.redirect_to(address)


def _say_what_was_done(package_id: str, result: dict[str, Any]) -> None:
    resource = result["resource"]
    tell_saved_package(package_id, file=resource.get("name") or resource["url"])
    tk.h.flash_notice(tk._("Its table is shown here in a minute."))
    changes = describe_changes(result["changes"])
    if changes:
        tk.h.flash_notice(
            tk._("Compared with the file before: {changes}.").format(changes="; ".join(changes))
        )


def _show_form(
    package: dict[str, Any],
    file: dict[str, Any],
    errors: dict[str, Any],
    typed: dict[str, str],
    status: int,
) -> Response:
    shown = {
        name: [str(text) for text in (texts if is_json_list(texts) else [texts])]
        for name, texts in errors.items()
        if name != "__type"
    }
    page = ReplacementPage(
        dataset=tk.h.dataset_display_name(package),
        dataset_href=tk.h.url_for("dataset.read", id=package["name"]),
        title=tk.h.resource_display_name(file),
        href=tk.h.url_for("dataset_resource.read", id=package["name"], resource_id=file["id"]),
        facts=", ".join(filter(None, (str(file.get("format") or ""), tk.h.marathon_size(file)))),
        limit=uploader.get_max_resource_size(),
        errors=shown,
        needs_reason="reason" in errors or bool(typed.get("reason")),
        typed=typed,
    )
    return make_response(tk.render("marathon/file/replace.html", {"page": page}), status)


def choose_file(id: str) -> Response:
    """Go to the form of the only file of a dataset, or to the list of its files."""
    with hide_existence(tk._("There is no such dataset, or it is not public.")):
        package = tk.get_action("package_show")(_make_context(), {"id": id})
        if package["type"] in OTHER_TYPES:
            raise tk.ObjectNotFound
    tk.check_access("package_update", _make_context(), {"id": package["id"]})
    uploads = [file for file in package["resources"] if file.get("url_type") == "upload"]
    if len(uploads) == 1:
        return tk.redirect_to("marathon_file.replace", id=id, resource_id=uploads[0]["id"])
    choices = [
        (
            tk.h.resource_display_name(file),
            tk.h.url_for("marathon_file.replace", id=package["name"], resource_id=file["id"]),
        )
        for file in uploads
    ]
    values = {
        "dataset": tk.h.dataset_display_name(package),
        "dataset_href": tk.h.url_for("dataset.read", id=package["name"]),
        "choices": choices,
    }
    return make_response(tk.render("marathon/file/choose.html", values))


def download_version(id: str, resource_id: str, number: int) -> Response:
    """Send a former version of a file to people who may see the file today."""
    with hide_existence(tk._("There is no such file, or it is not public.")):
        _find_file(id, resource_id)
        found = file_version.find_version(resource_id, number)
        if found is None:
            raise tk.ObjectNotFound
    if found.is_erased:
        tk.abort(410, tk._("This version was erased."))
    try:
        blocks = version_logic.read_version(found)
        first = next(blocks, b"")
    except OSError:
        tk.abort(404, tk._("The file cannot be read at the moment."))

    def send() -> Any:
        yield first
        yield from blocks

    answer = FlaskResponse(send(), mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = "attachment"
    return answer


files.add_url_rule("/dataset/<id>/replace", endpoint="choose", view_func=choose_file)
files.add_url_rule(
    "/dataset/<id>/resource/<resource_id>/replace",
    endpoint="replace",
    view_func=replace_file,
    methods=["GET", "POST"],
)
files.add_url_rule(
    "/dataset/<id>/resource/<resource_id>/version/<int:number>",
    endpoint="version",
    view_func=download_version,
)
