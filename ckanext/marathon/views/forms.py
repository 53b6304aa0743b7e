"""The page of a new dataset, workshop, idea or commitment: one form, one button."""

from __future__ import annotations

from typing import Any

import ckan.lib.navl.dictization_functions as df
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context, Response
from ckan.views.dataset import CreateView
from flask import Blueprint, jsonify, make_response, request

from ckanext.marathon.helpers.form import (
    list_errors_by_input,
    marathon_idea_choices,
    marathon_idea_note,
    marathon_workshop_choices,
)
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import resource

from . import form_answers, form_data, held_forms, once
from .form_answers import SEARCH_AWAY

forms = Blueprint("marathon_form", __name__)

Errors = dict[str, Any]


class OnePageCreateView(CreateView):
    """CKAN's page for a new dataset, without stages: fields and files are saved together.

    The page's script sends ``Accept: application/json`` and gets ``{"url": …}`` or
    ``{"errors": {name: [texts]}, "summary": html}``, so that it can keep what was typed and the
    files that were chosen. Without the script the same form is answered with whole pages.
    """

    def dispatch_request(self, **values: Any) -> Any:
        """Ask for a log-in first; a form that was sent is given back (:mod:`.held_forms`)."""
        if not current_user.is_authenticated:
            if held_forms.may_hold():
                return tk.abort(403, tk._("Log in first"))
            here = tk.h.url_for(f"{values['package_type']}.new")
            query = request.query_string.decode("latin-1")
            came_from = f"{here}?{query}" if query else here
            return tk.redirect_to("user.login", came_from=came_from)
        return super().dispatch_request(**values)

    def post(self, package_type: str) -> Response | str:
        """Save, check only, or show the form again, as the button pressed says."""
        try:
            form = form_data.read_form(package_type)
        except df.DataError:
            return tk.abort(400, tk._("Integrity Error"))
        if form.step in {"refresh", "add-file"}:
            return self._again(form, {})
        if form.step == "add-idea":
            return self._again(form, form_data.add_idea(form))
        with once.saving(form.token) as saved:
            if saved.package:
                return form_answers.answer_saved(_address(package_type, saved.package.name))
            return self._save(form, saved)

    def _save(self, form: form_data.Form, saved: once.Saved) -> Response | str:
        context = self._prepare()
        other_person = form_answers.find_other_person(form.own)
        if other_person:
            return self._again(form, other_person)
        data = form.for_create()
        refused = resource.prepare_uploads(context, data["resources"])
        try:
            errors = form_data.validate_new(context, data)
            form_data.add_file_errors(form, errors, refused)
            if errors or form.step == "check":
                return self._again(form, errors)
            created = tk.get_action("package_create")(context, data)
        except tk.ValidationError as error:
            _undo(context)
            return self._again(form, error.error_dict)
        except tk.NotAuthorized:
            return tk.abort(403, tk._("Not authorised to add this for that organisation"))
        except SEARCH_AWAY:
            _undo(context)
            errors = form_answers.describe_search_away()
            return self._again(form, errors, form_answers.UNAVAILABLE)
        saved.id = created["id"]
        tk.h.flash_success(
            tk._("Saved. Only your organisation sees it.")
            if created["private"]
            else tk._("Published.")
        )
        return form_answers.answer_saved(_address(form.package_type, created["name"]))

    def _again(
        self, form: form_data.Form, errors: Errors, status: int = form_answers.WRONG
    ) -> Response | str:
        held_forms.note_form_shown()
        if not form_answers.wants_json():
            page = self.get(form.package_type, form.for_page(), errors)
            return make_response(page, 200 if status == form_answers.WRONG else status)
        if not errors:
            return jsonify(errors={})
        schema = tk.h.scheming_get_dataset_schema(form.package_type)
        return form_answers.answer_errors(schema, errors, form, status)


def ideas() -> Response:
    """Return ideas (with data needs) and workshops of the municipalities asked for, as JSON."""
    codes = request.args.getlist("municipality")
    found = marathon_idea_choices(codes, request.args.getlist("idea"))
    return jsonify(
        ideas=[_offered(idea) for idea in found],
        workshops=marathon_workshop_choices(None, codes),
    )


def add_idea() -> Response:
    """Add an idea as proposed and return it as :func:`ideas` does, or its errors (422)."""
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    typed = {key: request.form.get(key, "") for key in form_data.NEW_IDEA}
    try:
        idea = tk.get_action("marathon_idea_quick_create")(context, typed)
    except tk.ValidationError as error:
        return make_response(jsonify(errors=list_errors_by_input(error.error_dict)), 422)
    except tk.NotAuthorized:
        message = tk._("You may not add ideas to this workshop.")
        return make_response(jsonify(errors={"workshop": [message]}), 403)
    return jsonify(_offered(idea))


def _offered(idea: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": idea["id"],
        "title": idea["title"],
        "note": marathon_idea_note(idea),
        "data_need": idea.get("data_need") or [],
    }


def _address(package_type: str, name: str) -> str:
    return tk.h.url_for(f"{package_type}.read", id=name)


def _undo(context: Context) -> None:
    model.Session.rollback()
    resource.discard_uploads(context)


for package_type in TYPES:
    forms.add_url_rule(
        f"/{package_type}/new",
        endpoint=f"new_{package_type}",
        view_func=OnePageCreateView.as_view(f"new_{package_type}"),
        defaults={"package_type": package_type},
    )
forms.add_url_rule("/marathon/form/ideas", view_func=ideas)
forms.add_url_rule("/marathon/form/add-idea", view_func=add_idea, methods=["POST"])
