"""CKAN's pages that add and change a file or link, on the mechanism of the other forms."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context
from ckan.views import resource
from flask import Blueprint, request

from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import edits

from . import form_answers, form_conflict, form_stock

form_file = Blueprint("marathon_form_file", __name__)

Values = dict[str, Any]


class OnePageFileCreateView(resource.CreateView):
    """CKAN's page that adds a file or link to something that exists."""

    def post(self, package_type: str, id: str) -> Any:
        """Save, or show the form again with what is wrong."""
        form_stock.take_own_inputs()
        if "id" not in request.form:
            # CKAN breaks without; its own page sends it empty.
            return tk.abort(400, tk._("Integrity Error"))
        return form_stock.save_form(
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
            data = form_stock.name_lost_files(data or {}, "upload")
        return super().get(package_type, id, data, errors, error_summary)


class OnePageFileEditView(resource.EditView):
    """CKAN's page that changes a file or link."""

    def post(self, package_type: str, id: str, resource_id: str) -> Any:
        """Save, or show the form again with what is wrong or with both versions."""
        own = form_stock.take_own_inputs()
        self._prepare(id)
        package = edits.lock_package(id)
        if package is None:
            return tk.abort(404, tk._("Dataset not found"))
        stored = self._stored(resource_id)
        fields = _file_schema(id)["dataset_fields"]
        theirs = edits.comparable_resource(stored, fields)
        form_stock.restore_untouched(stored, fields)

        def show(data: Values, errors: dict[str, Any]) -> Any:
            return self.get(package_type, id, resource_id, data, errors)

        refused = form_stock.refuse_outdated(own, theirs, show, package.id, package.owner_org)
        if refused is not None:
            return refused
        return form_stock.save_form(
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
            data["form_version"] = form_conflict.make_version(comparable)
        else:
            data = form_stock.name_lost_files(data, "upload")
            data.setdefault("form_version", form_stock.sent_version())
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
