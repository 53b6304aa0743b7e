"""The pages that add, edit and delete a dataset, workshop, idea or commitment.

One form, one button, and nothing that was typed is lost. A form that is sent twice is saved once:
double clicks, and retries on a bad line. CKAN's pages that delete say what stands in the way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import ckan.lib.navl.dictization_functions as df
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user, g
from ckan.lib import plugins as lib_plugins
from ckan.lib.redis import connect_to_redis
from ckan.types import Context, Response
from ckan.views.dataset import CreateView, DeleteView, EditView
from flask import Blueprint, jsonify, make_response, request
from redis.exceptions import RedisError

from ckanext.marathon.helpers.form import (
    list_errors_by_input,
    marathon_idea_choices,
    marathon_idea_note,
    marathon_workshop_choices,
)
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import edits, resource
from ckanext.marathon.views import form_answers, form_data
from ckanext.marathon.views.form_answers import SEARCH_AWAY, Conflict

log = logging.getLogger(__name__)

# As long as somebody may leave a tab open and press the button again.
REMEMBERED = 24 * 3600
# Longer than the slowest upload that is still being saved.
LONGEST = 600


@dataclass
class SavedForm:
    """What came of a form: the id of the dataset it created, ``""`` if none yet."""

    id: str = ""

    @property
    def package(self) -> model.Package | None:
        """The dataset, unless it was deleted meanwhile."""
        found = model.Package.get(self.id) if self.id else None
        return found if found and found.state != model.State.DELETED else None


@contextmanager
def hold_token(token: str) -> Iterator[SavedForm]:
    """Hold the form's token while it is being saved; a second sending waits for the first.

    While Valkey is away the form is saved all the same: losing what somebody typed is worse than
    the rare second copy of a form that was sent twice in those minutes.

    Args:
        token: from the form's hidden field; an empty one holds nothing.

    Yields:
        What an earlier sending of the same form created. Set its ``id`` to remember it.
    """
    if not token:
        yield SavedForm()
        return
    redis = connect_to_redis()
    key = f"ckan:{tk.config['ckan.site_id']}:marathon:form:{token}"
    lock = redis.lock(f"{key}:lock", timeout=LONGEST, blocking_timeout=LONGEST)
    try:
        lock.acquire()
        before = cast("bytes | None", redis.get(key))
    except RedisError as fault:
        log.warning("A form is saved without a guard against double sending: %s", type(fault))
        yield SavedForm()
        return
    saved = SavedForm(before.decode() if before else "")
    try:
        yield saved
    finally:
        try:
            if saved.id:
                redis.set(key, saved.id, ex=REMEMBERED)
            lock.release()
        except RedisError as fault:
            log.warning("What became of a form could not be remembered: %s", type(fault))


forms = Blueprint("marathon_form", __name__)

Errors = dict[str, Any]


class OnePageCreateView(CreateView):
    """CKAN's page for a new dataset, without stages: fields and files are saved together.

    The page's script sends ``Accept: application/json`` and gets ``{"url": …}`` or
    ``{"errors": {name: [texts]}, "summary": html}``, so that it can keep what was typed and the
    files that were chosen. Without the script the same form is answered with whole pages.
    """

    def dispatch_request(self, **values: Any) -> Any:
        """Ask for a log-in first; a form that was sent is given back (:mod:`.form_answers`)."""
        if not current_user.is_authenticated:
            if form_answers.may_hold():
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
        with hold_token(form.token) as saved:
            if saved.package:
                return form_answers.answer_saved(
                    _find_address_of_new(package_type, saved.package.name)
                )
            return self._save(form, saved)

    def _save(self, form: form_data.PackageForm, saved: SavedForm) -> Response | str:
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
            _undo_creation(context)
            return self._again(form, error.error_dict)
        except tk.NotAuthorized:
            return tk.abort(403, tk._("Not authorised to add this for that organisation"))
        except SEARCH_AWAY:
            _undo_creation(context)
            errors = form_answers.describe_search_away()
            return self._again(form, errors, form_answers.UNAVAILABLE)
        saved.id = created["id"]
        tk.h.flash_success(
            tk._("Saved. Only your organisation sees it.")
            if created["private"]
            else tk._("Published.")
        )
        return form_answers.answer_saved(_find_address_of_new(form.package_type, created["name"]))

    def _again(
        self, form: form_data.PackageForm, errors: Errors, status: int = form_answers.WRONG
    ) -> Response | str:
        form_answers.note_form_shown()
        if not form_answers.wants_json():
            page = self.get(form.package_type, form.for_page(), errors)
            return make_response(page, 200 if status == form_answers.WRONG else status)
        if not errors:
            return jsonify(errors={})
        schema = tk.h.scheming_get_dataset_schema(form.package_type)
        return form_answers.answer_errors(schema, errors, form, status)


def list_offered_ideas() -> Response:
    """Return ideas (with data needs) and workshops of the municipalities asked for, as JSON."""
    codes = request.args.getlist("municipality")
    found = marathon_idea_choices(codes, request.args.getlist("idea"))
    return jsonify(
        ideas=[_describe_offered(idea) for idea in found],
        workshops=marathon_workshop_choices(None, codes),
    )


def add_idea() -> Response:
    """Add an idea as proposed; answer as :func:`list_offered_ideas`, or with its errors (422)."""
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    typed = {key: request.form.get(key, "") for key in form_data.NEW_IDEA}
    try:
        idea = tk.get_action("marathon_idea_quick_create")(context, typed)
    except tk.ValidationError as error:
        return make_response(jsonify(errors=list_errors_by_input(error.error_dict)), 422)
    except tk.NotAuthorized:
        message = tk._("You may not add ideas to this workshop.")
        return make_response(jsonify(errors={"workshop": [message]}), 403)
    return jsonify(_describe_offered(idea))


def _describe_offered(idea: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": idea["id"],
        "title": idea["title"],
        "note": marathon_idea_note(idea),
        "data_need": idea.get("data_need") or [],
    }


def _find_address_of_new(package_type: str, name: str) -> str:
    return tk.h.url_for(f"{package_type}.read", id=name)


def _undo_creation(context: Context) -> None:
    model.Session.rollback()
    resource.discard_uploads(context)


for package_type in TYPES:
    forms.add_url_rule(
        f"/{package_type}/new",
        endpoint=f"new_{package_type}",
        view_func=OnePageCreateView.as_view(f"new_{package_type}"),
        defaults={"package_type": package_type},
    )
forms.add_url_rule("/marathon/form/ideas", endpoint="ideas", view_func=list_offered_ideas)
forms.add_url_rule("/marathon/form/add-idea", view_func=add_idea, methods=["POST"])


form_edit = Blueprint("marathon_form_edit", __name__)

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
        version = form_answers.make_version(edits.comparable_package(stored, _find_schema(actual)))
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
        self, form: form_data.PackageForm, context: Context, package: model.Package
    ) -> Response | str:
        schema = _find_schema(package.type)
        stored = self._show(context, package.id)
        form_data.restore_untouched(form.values, stored, schema["dataset_fields"])
        form_answers.apply_choices(form.values, form.own, _as_sent(stored))
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

        conflict = form_answers.find_conflict(
            form.own["form_version"],
            edits.comparable_package(stored, schema),
            read_mine,
            lambda: edits.find_last_save(package.id, package.owner_org, current_user.name),
        )
        if conflict:
            model.Session.rollback()
            return self._show_conflict(form, package.id, conflict)
        updated = tk.get_action("package_update")(context, data)
        return form_answers.answer_saved(_find_address_after_edit(updated["name"], package.type))

    def _show_conflict(
        self, form: form_data.PackageForm, id: str, conflict: Conflict
    ) -> Response | str:
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
        form: form_data.PackageForm,
        id: str,
        errors: Errors,
        status: int = form_answers.WRONG,
    ) -> Response | str:
        form_answers.note_form_shown()
        if form_answers.wants_json():
            return form_answers.answer_errors(_find_schema(form.package_type), errors, form, status)
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


def _find_schema(package_type: str) -> dict[str, Any]:
    return tk.h.scheming_get_dataset_schema(package_type)


def _find_address_after_edit(name: str, package_type: str) -> str:
    """Return where CKAN goes after an edit: where a link or a setting says, else to the page."""
    # One that leads elsewhere has been left out (:mod:`.account`).
    wanted = request.args.get("return_to") or tk.config.get("package_edit_return_url")
    if wanted:
        return wanted.replace("<NAME>", name)
    return tk.h.url_for(f"{package_type}.read", id=name)


for edited_type in TYPES:
    form_edit.add_url_rule(
        f"/{edited_type}/edit/<id>",
        endpoint=edited_type,
        view_func=OnePageEditView.as_view(f"edit_{edited_type}"),
        defaults={"package_type": edited_type},
    )


deleting = Blueprint("marathon_delete", __name__)


class GuardedDeleteView(DeleteView):
    """The same, saying what stands in the way where others depend on it."""

    def post(self, package_type: str, id: str) -> Response:
        """Delete, or go back to the page of the thing with the reason why not."""
        try:
            return super().post(package_type, id)
        except tk.ValidationError as refusal:
            tk.h.flash_error(" ".join(refusal.error_summary.values()))
            return tk.redirect_to(f"{package_type}.read", id=id)


for deleted_type in TYPES:
    deleting.add_url_rule(
        f"/{deleted_type}/delete/<id>",
        endpoint=deleted_type,
        view_func=GuardedDeleteView.as_view(deleted_type),
        defaults={"package_type": deleted_type},
    )
