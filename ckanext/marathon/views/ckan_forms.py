"""CKAN's own forms of files and organisations, on the mechanism that the other forms have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import ckan.lib.navl.dictization_functions as df
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.logic import clean_dict, parse_params, tuplize_dict
from ckan.types import Context, Response
from ckan.views import group, resource
from flask import Blueprint, make_response, request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import edits
from ckanext.marathon.views import form_answers, form_data
from ckanext.marathon.views.form_answers import SEARCH_AWAY
from ckanext.marathon.views.form_data import CHOICES, OWN_INPUTS

Values = dict[str, Any]
Page = Callable[[Values, dict[str, Any]], Any]
# What CKAN's own views read.
LEFT_TO_CKAN = ("save",)


def take_own_inputs() -> Values:
    """Return the inputs of the mechanism, and take them out of what CKAN reads."""
    own: Values = {name: request.form.get(name, "") for name in OWN_INPUTS}
    for name in CHOICES:
        keys = [key for key in request.form if key.startswith(f"{name}:")]
        own[name] = {key.partition(":")[2]: request.form[key] for key in keys}
    left = [
        (key, value)
        for key, value in request.form.items(multi=True)
        if key in LEFT_TO_CKAN or key.partition(":")[0] not in (*OWN_INPUTS, *CHOICES)
    ]
    request.environ["marathon.form"] = own
    _replace_form(left)
    if "save" not in request.form:
        # CKAN's views break without it.
        _replace_form([*left, ("save", "")])
    return own


def restore_untouched(stored: Values, fields: Iterable[Mapping[str, Any]]) -> None:
    """Let CKAN read what is stored where a form sends it as it was shown."""
    sent = MultiDict(request.form)
    values: Values = {name: _one_or_list(sent.getlist(name)) for name in sent}
    form_data.restore_untouched(values, stored, fields)
    for name, value in values.items():
        sent.setlist(name, value if isinstance(value, list) else [value])
    _replace_form(list(sent.items(multi=True)))


def _one_or_list(texts: list[str]) -> Any:
    return texts[0] if len(texts) == 1 else texts


def refuse_outdated(
    own: Values, theirs: Values, show: Page, object_id: str, owner_org: str | None
) -> Any | None:
    """Return the answer to a form that another person opened or saved; ``None`` lets it pass."""
    _apply_choices(own, theirs)
    other_person = form_answers.find_other_person(own)
    if other_person:
        model.Session.rollback()
        return show(_read_typed(), other_person)
    conflict = form_answers.find_conflict(
        own["form_version"],
        theirs,
        lambda: _read_mine(theirs),
        lambda: edits.find_last_save(object_id, owner_org, current_user.name),
    )
    if conflict is None:
        return None
    model.Session.rollback()
    if form_answers.wants_json():
        return form_answers.answer_conflict()
    typed = {**_read_typed(), "form_version": conflict.version, "conflict": conflict}
    typed |= {one.field: one.theirs for one in conflict.taken}
    return make_response(show(typed, {}), form_answers.CONFLICT)


def _read_mine(theirs: Mapping[str, Any]) -> Values:
    """Return what was sent in the shape of what is stored; what the form does not have stays."""
    mine: Values = {}
    for name, stored in theirs.items():
        if isinstance(stored, list):
            mine[name] = [text for text in request.form.getlist(name) if text]
        else:
            mine[name] = request.form.get(name, stored)
    for name, file in (("url", "upload"), ("image_url", "image_upload")):
        chosen = request.files.get(file)
        if name in mine and chosen and chosen.filename:
            mine[name] = chosen.filename
        elif name in mine:
            # CKAN's script shows the name of an uploaded file and sends it, or its address.
            is_address = name == "url" and mine.get("url_type") != "upload"
            mine[name] = mine[name] if is_address else str(mine[name]).rpartition("/")[2]
    return mine


def _apply_choices(own: Values, theirs: Mapping[str, Any]) -> None:
    values: Values = {name: request.form.getlist(name) for name in request.form}
    form_answers.apply_choices(values, own, theirs)
    chosen = MultiDict(request.form)
    for name in own["form_keep"]:
        if name in values:
            value = values[name]
            chosen.setlist(name, value if isinstance(value, list) else [value])
    _replace_form(list(chosen.items(multi=True)))


def _replace_form(values: list[tuple[str, str]]) -> None:
    """Let CKAN's views, which read the request themselves, read these values instead."""
    cast(Any, request).form = ImmutableMultiDict(values)


def _read_typed() -> Values:
    return clean_dict(df.unflatten(tuplize_dict(parse_params(request.form))))


def save_form(save: Callable[[], Any], show: Page) -> Any:
    """Return CKAN's answer to a save, for the page's script as JSON."""
    try:
        answer = save()
    except SEARCH_AWAY:
        model.Session.rollback()
        form_answers.note_form_shown()
        page = show(_read_typed(), form_answers.describe_search_away())
        return make_response(page, form_answers.UNAVAILABLE)
    except tk.NotAuthorized:
        return tk.abort(403, tk._("You may not change this"))
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("Not found"))
    if isinstance(answer, Response) and answer.status_code in {301, 302, 303}:
        return form_answers.answer_saved(answer.location)
    return answer


def name_lost_files(data: Values, *inputs: str) -> Values:
    """Return data of a form without its files, named for the person to choose them again."""
    chosen = [request.files[name].filename for name in inputs if name in request.files]
    kept = {key: value for key, value in data.items() if key not in inputs}
    return {**kept, "files_lost": [name for name in chosen if name]}


def sent_version() -> str:
    """Return the version of the record that the form was opened with."""
    return request.environ.get("marathon.form", {}).get("form_version", "")


form_file = Blueprint("marathon_form_file", __name__)


class OnePageFileCreateView(resource.CreateView):
    """CKAN's page that adds a file or link to something that exists."""

    def post(self, package_type: str, id: str) -> Any:
        """Save, or show the form again with what is wrong."""
        take_own_inputs()
        if "id" not in request.form:
            # CKAN breaks without; its own page sends it empty.
            return tk.abort(400, tk._("Integrity Error"))
        return save_form(
            lambda: super(OnePageFileCreateView, self).post(package_type, id),
            lambda data, errors: self.get(package_type, id, data, errors),
        )

    def get(self, package_type: str, id: str, data=None, errors=None, error_summary=None) -> Any:
        """Show the form, or answer the page's script with what is wrong."""
        if error_summary and not errors:
            errors = {"": list(error_summary.values())}
        if errors and form_answers.wants_json():
            return form_answers.answer_errors(_file_schema(id), errors)
        if request.method == "POST":
            data = name_lost_files(data or {}, "upload")
        return super().get(package_type, id, data, errors, error_summary)


class OnePageFileEditView(resource.EditView):
    """CKAN's page that changes a file or link."""

    def post(self, package_type: str, id: str, resource_id: str) -> Any:
        """Save, or show the form again with what is wrong or with both versions."""
        own = take_own_inputs()
        self._prepare(id)
        package = edits.lock_package(id)
        if package is None:
            return tk.abort(404, tk._("Dataset not found"))
        stored = self._stored(resource_id)
        fields = _file_schema(id)["dataset_fields"]
        theirs = edits.comparable_resource(stored, fields)
        restore_untouched(stored, fields)

        def show(data: Values, errors: dict[str, Any]) -> Any:
            return self.get(package_type, id, resource_id, data, errors)

        refused = refuse_outdated(own, theirs, show, package.id, package.owner_org)
        if refused is not None:
            return refused
        return save_form(
            lambda: super(OnePageFileEditView, self).post(package_type, id, resource_id), show
        )

    def get(
        self,
        package_type: str,
        id: str,
        resource_id: str,
        data=None,
        errors=None,
        error_summary=None,
    ) -> Any:
        """Show the form, or answer the page's script with what is wrong."""
        if errors and form_answers.wants_json():
            return form_answers.answer_errors(_file_schema(id), errors)
        if not data:
            self._prepare(id)
            data = self._stored(resource_id)
            fields = _file_schema(id)["dataset_fields"]
            comparable = edits.comparable_resource(data, fields)
            data["form_version"] = form_answers.make_version(comparable)
        else:
            data = name_lost_files(data, "upload")
            data.setdefault("form_version", sent_version())
            if data["files_lost"]:
                # Until it is chosen again, the file is the one that is stored.
                stored = self._stored(resource_id)
                data |= {key: stored.get(key) for key in ("url", "url_type")}
        return super().get(package_type, id, resource_id, data, errors, error_summary)

    def _stored(self, resource_id: str) -> Values:
        # For an edit: CKAN shows others an address without a scheme as one with it.
        context = Context(
            user=current_user.name, auth_user_obj=current_user, use_cache=False, for_edit=True
        )
        try:
            return dict(tk.get_action("resource_show")(context, {"id": resource_id}))
        except (tk.ObjectNotFound, tk.NotAuthorized):
            return tk.abort(404, tk._("Resource not found"))


def _file_schema(package_id: str) -> dict[str, Any]:
    package = model.Package.get(package_id)
    package_type = package.type if package else "dataset"
    schema = tk.h.scheming_get_dataset_schema(package_type) or {}
    return {"dataset_fields": schema.get("resource_fields", [])}


for package_type in TYPES:
    form_file.add_url_rule(
        f"/{package_type}/<id>/resource/new",
        endpoint=f"new_file_of_{package_type}",
        view_func=OnePageFileCreateView.as_view(f"new_file_of_{package_type}"),
        defaults={"package_type": package_type},
    )
    form_file.add_url_rule(
        f"/{package_type}/<id>/resource/<resource_id>/edit",
        endpoint=f"edit_file_of_{package_type}",
        view_func=OnePageFileEditView.as_view(f"edit_file_of_{package_type}"),
        defaults={"package_type": package_type},
    )


form_organization = Blueprint("marathon_form_organization", __name__)

ORGANIZATION = {"group_type": "organization", "is_organization": True}


class OnePageOrganizationCreateView(group.CreateGroupView):
    """CKAN's page of a new organisation."""

    def post(self, group_type: str, is_organization: bool) -> Any:
        """Save, or show the form again with what is wrong."""
        take_own_inputs()
        return save_form(
            lambda: super(OnePageOrganizationCreateView, self).post(group_type, is_organization),
            lambda data, errors: self.get(group_type, is_organization, data, errors),
        )

    def get(
        self, group_type: str, is_organization: bool, data=None, errors=None, error_summary=None
    ) -> Any:
        """Show the form, or answer the page's script with what is wrong."""
        if errors and form_answers.wants_json():
            return form_answers.answer_errors(_organization_schema(), errors)
        if request.method == "POST":
            data = name_lost_files(data or {}, "image_upload")
        return super().get(group_type, is_organization, data, errors, error_summary)


class OnePageOrganizationEditView(group.EditGroupView):
    """CKAN's page that changes an organisation."""

    def post(self, group_type: str, is_organization: bool, id: str | None = None) -> Any:
        """Save, or show the form again with what is wrong or with both versions."""
        own = take_own_inputs()
        self._prepare(is_organization, id)
        organization = edits.lock_organization(id or "")
        if organization is None:
            return tk.abort(404, tk._("Organization not found"))
        stored = self._stored(organization.id)
        theirs = edits.comparable_organization(stored)
        restore_untouched(stored, _organization_schema()["dataset_fields"])

        def show(data: Values, errors: dict[str, Any]) -> Any:
            return self.get(organization.id, group_type, is_organization, data, errors)

        refused = refuse_outdated(own, theirs, show, organization.id, organization.id)
        if refused is not None:
            return refused
        return save_form(
            lambda: super(OnePageOrganizationEditView, self).post(group_type, is_organization, id),
            show,
        )

    def get(
        self,
        id: str,
        group_type: str,
        is_organization: bool,
        data=None,
        errors=None,
        error_summary=None,
    ) -> Any:
        """Show the form, or answer the page's script with what is wrong."""
        if errors and form_answers.wants_json():
            return form_answers.answer_errors(_organization_schema(), errors)
        self._prepare(is_organization, id)
        stored = self._stored(id)
        if not data:
            comparable = edits.comparable_organization(stored)
            data = {**stored, "form_version": form_answers.make_version(comparable)}
        else:
            # What this person may not set is shown, and not sent.
            data = {**stored, **name_lost_files(data, "image_upload")}
            data.setdefault("form_version", sent_version())
        return super().get(id, group_type, is_organization, data, errors, error_summary)

    def _stored(self, reference: str) -> Values:
        context = Context(user=current_user.name, auth_user_obj=current_user)
        try:
            return edits.show_organization(context, reference)
        except (tk.ObjectNotFound, tk.NotAuthorized):
            return tk.abort(404, tk._("Organization not found"))


def _organization_schema() -> dict[str, Any]:
    schema = tk.h.scheming_get_organization_schema("organization")
    return {"dataset_fields": schema["fields"]}


form_organization.add_url_rule(
    "/organization/new",
    view_func=OnePageOrganizationCreateView.as_view("new_organization"),
    defaults=ORGANIZATION,
)
form_organization.add_url_rule(
    "/organization/edit/<id>",
    view_func=OnePageOrganizationEditView.as_view("edit_organization"),
    defaults=ORGANIZATION,
)
