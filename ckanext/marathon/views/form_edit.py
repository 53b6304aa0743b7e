"""The page that edits a dataset, workshop, idea or commitment: nothing that was typed is lost."""

from __future__ import annotations

from typing import Any

import ckan.lib.navl.dictization_functions as df
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user, g
from ckan.lib import plugins as lib_plugins
from ckan.types import Context, Response
from ckan.views.dataset import EditView
from flask import Blueprint, make_response, request

from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import edits

from . import form_answers, form_conflict, form_data, form_untouched, held_forms
from .form_answers import SEARCH_AWAY
from .form_conflict import Conflict
from .forms import OnePageCreateView

form_edit = Blueprint("marathon_form_edit", __name__)

Errors = dict[str, Any]
Values = dict[str, Any]


class OnePageEditView(EditView):
    """CKAN's page that edits a package, on the same mechanism as the page for a new one.

    CKAN shows the stored rows of a repeating field again after an error, so that the next save
    drops what was typed in between.
    """

    def get(self, package_type: str, id: str, *typed: Any) -> Response | str:
        """Show the form with what is stored; ``typed`` only for CKAN's own page, after errors."""
        actual = self._type_of(id)
        if actual is None:
            return super().get(package_type, id, *typed)
        context = self._context()
        stored = self._show(context, id)
        version = form_conflict.make_version(edits.comparable_package(stored, _schema(actual)))
        return self._page(context, actual, stored, {**stored, "form_version": version}, {})

    def post(self, package_type: str, id: str) -> Response | str:
        """Save, check only, or show the form again with what is wrong."""
        actual = self._type_of(id)
        if actual is None:
            return super().post(package_type, id)
        try:
            form = form_data.read_form(actual, is_new=False)
        except df.DataError:
            return tk.abort(400, tk._("Integrity Error"))
        context = self._context()
        stored = self._show(context, id)
        _check_may_edit(context, stored["id"])
        package = edits.lock_package(stored["id"])
        if package is None:
            return tk.abort(404, tk._("Dataset not found"))
        try:
            return self._save(form, context, package)
        except tk.ValidationError as error:
            model.Session.rollback()
            return self._again(form, id, error.error_dict)
        except tk.NotAuthorized:
            return tk.abort(403, tk._("Not authorised to give this to that organisation"))
        except SEARCH_AWAY:
            model.Session.rollback()
            errors = form_answers.describe_search_away()
            return self._again(form, id, errors, status=form_answers.UNAVAILABLE)

    def _save(
        self, form: form_data.Form, context: Context, package: model.Package
    ) -> Response | str:
        schema = _schema(package.type)
        stored = self._show(context, package.id)
        form_untouched.restore_untouched(form.values, stored, schema["dataset_fields"])
        form_conflict.apply_choices(form.values, form.own, _as_sent(stored))
        data = {**form.for_update(), "id": package.id}
        # What this person cannot see and so did not send stays as it is.
        data |= {k: stored[k] for k in ("participants_masked", "ideas") if k in stored}
        other_person = form_answers.find_other_person(form.own)
        if other_person:
            model.Session.rollback()
            return self._again(form, package.id, other_person)

        def read_mine() -> Values:
            mine, errors = edits.validate_package(context, data, package)
            if errors:
                raise tk.ValidationError(errors)
            return edits.comparable_package(mine, schema)

        conflict = form_conflict.find_conflict(
            form.own["form_version"],
            edits.comparable_package(stored, schema),
            read_mine,
            lambda: edits.find_last_save(package.id, package.owner_org, current_user.name),
        )
        if conflict:
            model.Session.rollback()
            return self._show_conflict(form, package.id, conflict)
        updated = tk.get_action("package_update")(context, data)
        return form_answers.answer_saved(_address(updated["name"], package.type))

    def _show_conflict(self, form: form_data.Form, id: str, conflict: Conflict) -> Response | str:
        if form_answers.wants_json():
            return form_answers.answer_conflict()
        context = self._context()
        stored = self._show(context, id)
        for difference in conflict.taken:
            form.values.pop(difference.field, None)
        data = {**form.for_edit_page(stored), "form_version": conflict.version}
        for difference in conflict.taken:
            name = difference.field
            data[name] = _as_sent(stored)[name]
            data[f"{name}_origin"] = stored.get(f"{name}_origin")
        page = self._page(context, form.package_type, stored, data, {}, conflict)
        return make_response(page, form_answers.CONFLICT)

    def _again(
        self,
        form: form_data.Form,
        id: str,
        errors: Errors,
        status: int = form_answers.WRONG,
    ) -> Response | str:
        held_forms.note_form_shown()
        if form_answers.wants_json():
            return form_answers.answer_errors(_schema(form.package_type), errors, form, status)
        context = self._context()
        stored = self._show(context, id)
        data = {**form.for_edit_page(stored), "form_version": form.own["form_version"]}
        page = self._page(context, form.package_type, stored, data, errors)
        return make_response(page, 200 if status == form_answers.WRONG else status)

    def _page(
        self,
        context: Context,
        package_type: str,
        stored: Values,
        data: Values,
        errors: Errors,
        conflict: Conflict | None = None,
    ) -> str:
        """Return the page, as CKAN's own view does but with exactly the data given."""
        _check_may_edit(context, stored["id"])
        if "tag_string" not in data:
            data["tag_string"] = _as_sent(stored)["tag_string"]
        if stored.get("state", "").startswith("draft"):
            return OnePageCreateView().get(package_type, data, errors)
        plugin: Any = lib_plugins.lookup_package_plugin(package_type)
        plugin.setup_template_variables(context, {"id": stored["id"], "type": package_type})
        package = model.Package.get(stored["id"])
        # CKAN's templates look there.
        g.pkg = package
        return tk.render(
            plugin.edit_template(),
            {
                "form_vars": {
                    "data": data,
                    "errors": errors,
                    "error_summary": {},
                    "action": "edit",
                    "dataset_type": package_type,
                    "form_style": "edit",
                    "stage": ["active"],
                    "conflict": conflict,
                },
                "form_snippet": plugin.package_form(),
                "dataset_type": package_type,
                "pkg_dict": stored,
                "pkg": package,
            },
        )

    def _type_of(self, reference: str) -> str | None:
        """Return the type of one of ours; ``None`` leaves the rest to CKAN."""
        package = model.Package.get(reference)
        return package.type if package and package.type in TYPES else None

    def _context(self) -> Context:
        return Context(user=current_user.name, auth_user_obj=current_user, use_cache=False)

    def _show(self, context: Context, reference: str) -> Values:
        try:
            return edits.show_package(context, reference)
        except (tk.ObjectNotFound, tk.NotAuthorized):
            return tk.abort(404, tk._("Dataset not found"))


def _check_may_edit(context: Context, package_id: str) -> None:
    try:
        tk.check_access("package_update", Context(context), {"id": package_id})
    except tk.NotAuthorized:
        tk.abort(403, tk._("You may not change this"))


def _as_sent(stored: Values) -> Values:
    """Return a stored package with its tags as the form sends them."""
    tags = ", ".join(tag["name"] for tag in stored.get("tags") or [])
    return {**stored, "tag_string": tags}


def _schema(package_type: str) -> dict[str, Any]:
    return tk.h.scheming_get_dataset_schema(package_type)


def _address(name: str, package_type: str) -> str:
    """Return where CKAN goes after an edit: where a link or a setting says, else to the page."""
    # One that leads elsewhere has been left out (:mod:`.destinations`).
    wanted = request.args.get("return_to") or tk.config.get("package_edit_return_url")
    if wanted:
        return wanted.replace("<NAME>", name)
    return tk.h.url_for(f"{package_type}.read", id=name)


for package_type in TYPES:
    form_edit.add_url_rule(
        f"/{package_type}/edit/<id>",
        endpoint=package_type,
        view_func=OnePageEditView.as_view(f"edit_{package_type}"),
        defaults={"package_type": package_type},
    )
