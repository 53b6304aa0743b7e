"""Pages that add, edit and delete records, and CKAN's forms of files and organisations.

A record is one form on one page, and typed values are never lost. A form that is sent twice (double
click, retry after a lost connection) is saved once. CKAN's forms of files and organisations have
the same mechanism, and its pages that delete a record name the records that depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import ckan.lib.navl.dictization_functions as df
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user, g
from ckan.lib import plugins as lib_plugins
from ckan.logic import clean_dict, parse_params, tuplize_dict
from ckan.types import Context, Response
from ckan.views import group
from ckan.views import resource as ckan_resource
from ckan.views.dataset import CreateView, DeleteView, EditView
from flask import Blueprint, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from ckanext.marathon.domain.texts import is_json_list, is_reference, is_storable
from ckanext.marathon.helpers.form import (
    list_errors_by_input,
    marathon_idea_choices,
    marathon_idea_note,
    marathon_workshop_choices,
)
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import draft as draft_logic
from ckanext.marathon.logic import edits, personal_data, resource
from ckanext.marathon.model import dataset as dataset_model
from ckanext.marathon.records import DATASET
from ckanext.marathon.views import draft as draft_views
from ckanext.marathon.views import form_answers, form_data, form_files
from ckanext.marathon.views import saved as saved_message
from ckanext.marathon.views.errors import ErrorSentences, explain_errors, hide_existence
from ckanext.marathon.views.form_answers import SEARCH_AWAY, Conflict
from ckanext.marathon.views.form_data import CHOICES, OWN_INPUTS
from ckanext.marathon.views.form_token import SavedForm, hold_token
from ckanext.marathon.visibility import Viewer

SentValues = dict[str, Any]
# Shows a form again with sent values and errors.
Page = Callable[[SentValues, dict[str, Any]], Response | str]
# Inputs that CKAN's own views read.
LEFT_TO_CKAN = ("save",)


def take_own_inputs() -> SentValues:
    """Return the inputs of this mechanism, and remove them from the form that CKAN reads."""
    own: SentValues = {name: request.form.get(name, "") for name in OWN_INPUTS}
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
        # CKAN workaround: save-input
        _replace_form([*left, ("save", "")])
    return own


def restore_untouched(stored: SentValues, fields: Iterable[Mapping[str, Any]]) -> None:
    """Replace unedited values by the stored ones, in the form that CKAN's views read."""
    sent = MultiDict(request.form)
    values: SentValues = {name: _one_or_list(sent.getlist(name)) for name in sent}
    form_data.restore_untouched(values, stored, fields)
    for name, value in values.items():
        sent.setlist(name, value if is_json_list(value) else [value])
    _replace_form(list(sent.items(multi=True)))


def _one_or_list(texts: list[str]) -> Any:
    return texts[0] if len(texts) == 1 else texts


def refuse_outdated(
    own: SentValues, theirs: SentValues, show: Page, object_id: str, owner_org: str | None
) -> Response | str | None:
    """Return the answer to a form that must not be saved, else ``None``.

    Either another account opened it, or somebody else saved the record since it was opened.

    Args:
        own: from :func:`take_own_inputs`.
        theirs: the stored fields.
        show: shows the form again.
        object_id: id of the record.
        owner_org: id of its organisation.
    """
    _apply_choices(own, theirs)
    other_person = form_answers.find_other_person(own)
    if other_person:
        model.Session.rollback()
        return show(read_typed(), other_person)
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
    typed = {**read_typed(), "form_version": conflict.version, "conflict": conflict}
    typed |= {difference.field: difference.theirs for difference in conflict.taken}
    return make_response(show(typed, {}), form_answers.CONFLICT)


def _read_mine(theirs: Mapping[str, Any]) -> SentValues:
    """Return the sent values in the form of ``theirs``, with the stored values of other fields."""
    mine: SentValues = {}
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
            # CKAN's script sends the name of an uploaded file, or its address.
            is_address = name == "url" and mine.get("url_type") != "upload"
            mine[name] = mine[name] if is_address else str(mine[name]).rpartition("/")[2]
    return mine


def _apply_choices(own: SentValues, theirs: Mapping[str, Any]) -> None:
    values: SentValues = {name: request.form.getlist(name) for name in request.form}
    form_answers.apply_choices(values, own, theirs)
    chosen = MultiDict(request.form)
    for name in own["form_keep"]:
        if name in values:
            value = values[name]
            chosen.setlist(name, value if is_json_list(value) else [value])
    _replace_form(list(chosen.items(multi=True)))


def _replace_form(values: list[tuple[str, str]]) -> None:
    """Replace the request's form, which CKAN's views read themselves."""
    cast(Any, request).form = ImmutableMultiDict(values)


def read_typed() -> SentValues:
    """Return the values of CKAN's forms as they were typed."""
    return clean_dict(df.unflatten(tuplize_dict(parse_params(request.form))))


def save_form(
    save: Callable[[], Response | str], show: Page, tell: Callable[[], None]
) -> Response | str:
    """Return the answer of CKAN's view to a save, as JSON for the page's script.

    Args:
        save: CKAN's view.
        show: shows the form again with the sent values and errors.
        tell: says on the next page what was saved.
    """
    refusals: ErrorSentences = {
        tk.NotAuthorized: tk._("You may not change this"),
        tk.ObjectNotFound: tk._("Not found"),
    }
    try:
        with explain_errors(refusals):
            answer = save()
    except SEARCH_AWAY:
        model.Session.rollback()
        form_answers.note_form_shown()
        page = show(read_typed(), form_answers.describe_search_away())
        return make_response(page, form_answers.UNAVAILABLE)
    if isinstance(answer, Response) and answer.status_code in {301, 302, 303}:
        tell()
        return form_answers.answer_saved(answer.location)
    return answer


def name_lost_files(data: SentValues, *inputs: str) -> SentValues:
    """Return data of a form with the names of its files, which browsers do not send again."""
    chosen = [request.files[name].filename for name in inputs if name in request.files]
    kept = {key: value for key, value in data.items() if key not in inputs}
    return {**kept, "files_lost": [name for name in chosen if name]}


def find_sent_version() -> str:
    """Return the fingerprint of the record at the time when the form was opened."""
    return request.environ.get("marathon.form", {}).get("form_version", "")


form_file = Blueprint("marathon_form_file", __name__)


class OnePageFileCreateView(ckan_resource.CreateView):
    """CKAN's page that adds a file or link to an existing record."""

    def post(self, package_type: str, id: str) -> Response | str:
        """Save, or show the form again with its errors."""
        take_own_inputs()
        if "id" not in request.form:
            # CKAN workaround: file-id-input
            return tk.abort(400, tk._("Integrity Error"))
        wrong = _find_wrong_file(id)
        if wrong:
            form_answers.note_form_shown()
            return self.get(package_type, id, read_typed(), wrong)
        return save_form(
            lambda: super(OnePageFileCreateView, self).post(package_type, id),
            lambda data, errors: self.get(package_type, id, data, errors),
            lambda: saved_message.tell_saved_package(id, file=_name_sent_file()),
        )

    # CKAN's type allows only pages.
    def get(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        package_type: str,
        id: str,
        data: SentValues | None = None,
        errors: dict[str, Any] | None = None,
        error_summary: dict[str, Any] | None = None,
    ) -> Response | str:
        """Show the form, or answer the page's script with the errors."""
        if error_summary and not errors:
            errors = {"": list(error_summary.values())}
        if errors and form_answers.wants_json():
            return form_answers.answer_errors(_file_schema(id), errors)
        if request.method == "POST":
            data = name_lost_files(data or {}, "upload")
        return super().get(package_type, id, data, errors, error_summary)


class OnePageFileEditView(ckan_resource.EditView):
    """CKAN's page that changes a file or link."""

    def post(self, package_type: str, id: str, resource_id: str) -> Response | str:
        """Save, or show the form again with its errors or with both versions."""
        own = take_own_inputs()
        self._prepare(id)
        package = edits.lock_package(id)
        if package is None:
            return tk.abort(404, tk._("Dataset not found"))
        stored = self._stored(resource_id)
        fields = _file_schema(id)["dataset_fields"]
        theirs = edits.make_comparable_resource(stored, fields)
        restore_untouched(stored, fields)

        def show(data: SentValues, errors: dict[str, Any]) -> Response | str:
            return self.get(package_type, id, resource_id, data, errors)

        refused = refuse_outdated(own, theirs, show, package.id, package.owner_org)
        if refused is not None:
            return refused
        wrong = _find_wrong_file(id)
        if wrong:
            model.Session.rollback()
            form_answers.note_form_shown()
            return show(read_typed(), wrong)
        return save_form(
            lambda: super(OnePageFileEditView, self).post(package_type, id, resource_id),
            show,
            lambda: saved_message.tell_saved_package(id, file=_name_sent_file()),
        )

    # CKAN's type allows only pages.
    def get(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        package_type: str,
        id: str,
        resource_id: str,
        data: SentValues | None = None,
        errors: dict[str, Any] | None = None,
        error_summary: dict[str, Any] | None = None,
    ) -> Response | str:
        """Show the form, or answer the page's script with the errors."""
        if errors and form_answers.wants_json():
            return form_answers.answer_errors(_file_schema(id), errors)
        if not data:
            self._prepare(id)
            data = self._stored(resource_id)
            fields = _file_schema(id)["dataset_fields"]
            comparable = edits.make_comparable_resource(data, fields)
            data["form_version"] = form_answers.make_version(comparable)
        else:
            data = name_lost_files(data, "upload")
            data.setdefault("form_version", find_sent_version())
            if data["files_lost"]:
                # Until a file is chosen again, the stored one is shown.
                stored = self._stored(resource_id)
                data |= {key: stored.get(key) for key in ("url", "url_type")}
        return super().get(package_type, id, resource_id, data, errors, error_summary)

    def _stored(self, resource_id: str) -> SentValues:
        # ``for_edit``: otherwise CKAN adds ``http://`` to an address without a scheme.
        context = Context(
            user=current_user.name, auth_user_obj=current_user, use_cache=False, for_edit=True
        )
        with hide_existence(tk._("Resource not found")):
            return dict(tk.get_action("resource_show")(context, {"id": resource_id}))


def _name_sent_file() -> str:
    """Return the name of the sent file, for the message about it."""
    chosen = request.files.get("upload")
    sent = (request.form.get("name", ""), chosen.filename if chosen else "")
    return next(filter(None, (*sent, request.form.get("url", ""))), "")


def _find_wrong_file(package_id: str) -> dict[str, Any]:
    if not current_user.is_authenticated:
        return {}
    own: SentValues = request.environ["marathon.form"]
    reason = str(own[form_data.REASON].get("new", "")).strip()[: personal_data.LONGEST_REASON]
    return form_data.find_file_errors(
        model.Package.get(package_id),
        request.files.get("upload"),
        request.form.get("url", ""),
        reason,
        current_user.id,
    )


def _file_schema(package_id: str) -> dict[str, Any]:
    package = model.Package.get(package_id)
    package_type = package.type if package else "dataset"
    schema: dict[str, Any] = tk.h.scheming_get_dataset_schema(package_type) or {}
    return {"dataset_fields": schema.get("resource_fields", [])}


for type_of_file in TYPES:
    form_file.add_url_rule(
        f"/{type_of_file}/<id>/resource/new",
        endpoint=f"new_file_of_{type_of_file}",
        view_func=OnePageFileCreateView.as_view(f"new_file_of_{type_of_file}"),
        defaults={"package_type": type_of_file},
    )
    form_file.add_url_rule(
        f"/{type_of_file}/<id>/resource/<resource_id>/edit",
        endpoint=f"edit_file_of_{type_of_file}",
        view_func=OnePageFileEditView.as_view(f"edit_file_of_{type_of_file}"),
        defaults={"package_type": type_of_file},
    )


form_organization = Blueprint("marathon_form_organization", __name__)

ORGANIZATION = {"group_type": "organization", "is_organization": True}


class OnePageOrganizationCreateView(group.CreateGroupView):
    """CKAN's page of a new organisation."""

    def post(self, group_type: str, is_organization: bool) -> Response | str:
        """Save, or show the form again with its errors."""
        take_own_inputs()
        return save_form(
            lambda: super(OnePageOrganizationCreateView, self).post(group_type, is_organization),
            lambda data, errors: self.get(group_type, is_organization, data, errors),
            _tell_saved_organization,
        )

    # CKAN's type allows only pages.
    def get(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        group_type: str,
        is_organization: bool,
        data: SentValues | None = None,
        errors: dict[str, Any] | None = None,
        error_summary: dict[str, Any] | None = None,
    ) -> Response | str:
        """Show the form, or answer the page's script with the errors."""
        if errors and form_answers.wants_json():
            return form_answers.answer_errors(_organization_schema(), errors)
        if request.method == "POST":
            data = name_lost_files(data or {}, "image_upload")
        return super().get(group_type, is_organization, data, errors, error_summary)


class OnePageOrganizationEditView(group.EditGroupView):
    """CKAN's page that changes an organisation."""

    def post(self, group_type: str, is_organization: bool, id: str | None = None) -> Response | str:
        """Save, or show the form again with its errors or with both versions."""
        own = take_own_inputs()
        self._prepare(is_organization, id)
        organization = edits.lock_organization(id or "")
        if organization is None:
            return tk.abort(404, tk._("Organization not found"))
        stored = self._stored(organization.id)
        theirs = edits.make_comparable_organization(stored)
        restore_untouched(stored, _organization_schema()["dataset_fields"])

        def show(data: SentValues, errors: dict[str, Any]) -> Response | str:
            return self.get(organization.id, group_type, is_organization, data, errors)

        refused = refuse_outdated(own, theirs, show, organization.id, organization.id)
        if refused is not None:
            return refused
        return save_form(
            lambda: super(OnePageOrganizationEditView, self).post(group_type, is_organization, id),
            show,
            lambda: saved_message.tell_saved_organization(organization.id),
        )

    # CKAN's type allows only pages.
    def get(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        id: str,
        group_type: str,
        is_organization: bool,
        data: SentValues | None = None,
        errors: dict[str, Any] | None = None,
        error_summary: dict[str, Any] | None = None,
    ) -> Response | str:
        """Show the form, or answer the page's script with the errors."""
        if errors and form_answers.wants_json():
            return form_answers.answer_errors(_organization_schema(), errors)
        self._prepare(is_organization, id)
        stored = self._stored(id)
        if not data:
            comparable = edits.make_comparable_organization(stored)
            data = {**stored, "form_version": form_answers.make_version(comparable)}
        else:
            # Fields that this person may not set are shown as text, without an input.
            data = {**stored, **name_lost_files(data, "image_upload")}
            data.setdefault("form_version", find_sent_version())
        return super().get(id, group_type, is_organization, data, errors, error_summary)

    def _stored(self, reference: str) -> SentValues:
        context = Context(user=current_user.name, auth_user_obj=current_user)
        with hide_existence(tk._("Organization not found")):
            return edits.show_organization(context, reference)


def _tell_saved_organization() -> None:
    """Say that a new organisation was saved; nothing if its address was not typed."""
    saved_message.tell_saved_organization(request.form.get("name", ""))


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


forms = Blueprint("marathon_form", __name__)

Errors = dict[str, Any]


class OnePageCreateView(CreateView):
    """CKAN's page for a new dataset, without stages: fields and files are saved together.

    The page's script sends ``Accept: application/json`` and gets ``{"url": …}`` or
    ``{"errors": {name: [texts]}, "summary": html}``, so that the page keeps typed values and chosen
    files. Without the script the form is answered with whole pages.
    """

    def dispatch_request(self, **values: Any) -> ResponseReturnValue:
        """Redirect to the login; a sent form is returned filled in (:mod:`.form_answers`)."""
        if not current_user.is_authenticated:
            if form_answers.may_hold():
                return tk.abort(403, tk._("Log in first"))
            here = tk.h.url_for(f"{values['package_type']}.new")
            query = request.query_string.decode("latin-1")
            came_from = f"{here}?{query}" if query else here
            return tk.redirect_to("user.login", came_from=came_from)
        return super().dispatch_request(**values)

    # CKAN's type allows only pages.
    def get(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        package_type: str,
        data: SentValues | None = None,
        errors: dict[str, Any] | None = None,
        error_summary: dict[str, Any] | None = None,
    ) -> Response | str:
        """Show the form: empty, filled with a draft of the person's, or as it was sent."""
        wanted = request.args.get("draft", "")
        if data is None and wanted:
            data = draft_views.open_draft(package_type, wanted)
            if data is None:
                tk.h.flash_notice(
                    tk._(
                        "This draft is not there any more: it was published, "
                        "discarded or is too old."
                    )
                )
        return super().get(package_type, data, errors, error_summary)

    def post(self, package_type: str) -> Response | str:
        """Save, only validate, or show the form again, depending on the pressed button."""
        with explain_errors({df.DataError: tk._("Integrity Error")}):
            form = form_data.read_form(package_type)
        if form.step in {"refresh", "add-file", "clean"}:
            form_files.keep_files(form.resources)
            if form.step == "clean":
                form_files.clean_files(form.resources)
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
        if not form_answers.wants_json():
            # A browser without the script does not send a file again if there is an error.
            form_files.keep_files(form.resources)
        is_check = form.step == "check"
        if not is_check:
            form_files.clean_files(form.resources)
        opened, missing = form_files.open_files(form.resources, is_check)
        if not is_check and form.package_type == DATASET:
            confirmed = form_files.settle_personal_data(
                form.resources, opened, missing, is_public=not form.private
            )
            personal_data.note_confirmations(context, confirmed)
        try:
            created = self._create(form, context, opened, missing)
        finally:
            form_files.close_files(opened)
        if not isinstance(created, dict):
            return created
        saved.id = created["id"]
        saved_message.tell_saved(created, is_new=True)
        if form.package_type == DATASET:
            _point_out_same_title(created)
        form_files.forget_used(form.resources)
        draft_logic.forget_draft(form.token, current_user.id)
        return form_answers.answer_saved(_find_address_of_new(form.package_type, created["name"]))

    def _create(
        self,
        form: form_data.PackageForm,
        context: Context,
        opened: list[dict[str, Any]],
        missing: list[list[str]],
    ) -> dict[str, Any] | Response | str:
        """Return the record, or the answer that shows the form again."""
        data = form.for_create(opened)
        refused = resource.prepare_uploads(context, data["resources"])
        refused = [[*one, *other] for one, other in zip(missing, refused, strict=True)]
        try:
            errors = form_data.validate_new(context, data)
            form_data.add_file_errors(form, errors, refused)
            if errors or form.step == "check":
                return self._again(form, errors)
            with explain_errors(
                {tk.NotAuthorized: tk._("Not authorised to add this for that organisation")}
            ):
                return tk.get_action("package_create")(context, data)
        except tk.ValidationError as error:
            _undo_creation(context)
            return self._again(form, error.error_dict)
        except SEARCH_AWAY:
            _undo_creation(context)
            errors = form_answers.describe_search_away()
            return self._again(form, errors, form_answers.UNAVAILABLE)

    def _again(
        self, form: form_data.PackageForm, errors: Errors, status: int = form_answers.WRONG
    ) -> Response | str:
        form_answers.note_form_shown()
        if not form_answers.wants_json():
            form_files.keep_files(form.resources)
            draft_views.keep_as_draft(form)
            data = form.for_page()
            form_files.describe_files(data["resources"])
            form_files.fill_empty(data)
            page = self.get(form.package_type, data, errors)
            return make_response(page, 200 if status == form_answers.WRONG else status)
        if not errors:
            return jsonify(errors={})
        schema = tk.h.scheming_get_dataset_schema(form.package_type)
        return form_answers.answer_errors(schema, errors, form, status)


def list_offered_ideas() -> Response:
    """Return ideas (with data needs) and workshops of the requested municipalities, as JSON."""
    codes = request.args.getlist("municipality")
    found = marathon_idea_choices(codes, request.args.getlist("idea"))
    return jsonify(
        ideas=[_describe_offered(idea) for idea in found],
        workshops=marathon_workshop_choices(None, codes),
    )


def list_same_titles() -> Response:
    """Return the datasets of an organisation that have this title already, as JSON."""
    title, owner = request.args.get("title", ""), request.args.get("owner_org", "")
    if not current_user.is_authenticated:
        return tk.abort(403, tk._("Log in first"))
    found = _find_same_titles(title, owner)
    return jsonify(
        same=[
            {"title": one.title, "url": _find_address_of_new(one.type, one.name)} for one in found
        ]
    )


def _find_same_titles(title: str, owner: str) -> list[model.Package]:
    if not (is_storable(title) and is_reference(owner)):
        return []
    viewer = Viewer(Context(user=current_user.name))
    return [one for one in dataset_model.find_same_title(title, owner) if viewer.may_see(one)]


def add_idea() -> Response:
    """Create a proposed idea; return it like :func:`list_offered_ideas`, or its errors (422)."""
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    typed = {key: request.form.get(key, "") for key in form_data.NEW_IDEA}
    called = form_data.create_idea(context, typed)
    if called.errors is not None:
        return make_response(jsonify(errors=list_errors_by_input(called.errors)), called.status)
    return jsonify(_describe_offered(called.result))


def _describe_offered(idea: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": idea["id"],
        "title": idea["title"],
        "note": marathon_idea_note(idea),
        "data_need": idea.get("data_need") or [],
    }


def _point_out_same_title(created: dict[str, Any]) -> None:
    others = _find_same_titles(created["title"], created["owner_org"] or "")
    names = [one.name for one in others if one.id != created["id"]]
    if names:
        text = tk._("There is another dataset with this title: {names}. Delete one if both are it.")
        addresses = (tk.h.url_for("dataset.read", id=name) for name in names)
        tk.h.flash_notice(text.format(names=", ".join(addresses)))


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
forms.add_url_rule("/marathon/form/same-title", view_func=list_same_titles)
forms.add_url_rule("/marathon/form/add-idea", view_func=add_idea, methods=["POST"])


form_edit = Blueprint("marathon_form_edit", __name__)

Values = dict[str, Any]


class OnePageEditView(EditView):
    """CKAN's page that edits a package, with the same mechanism as the page for a new one.

    After an error, CKAN's own page shows the stored rows of repeating fields, and typed rows are
    lost.
    """

    def get(
        self,
        package_type: str,
        id: str,
        data: Values | None = None,
        errors: dict[str, Any] | None = None,
        error_summary: dict[str, Any] | None = None,
    ) -> Response | str:
        """Show the form with the stored values, for other types CKAN's own page."""
        actual = self._type_of(id)
        if actual is None:
            return super().get(package_type, id, data, errors, error_summary)
        context = self._context()
        stored = self._show(context, id)
        version = form_answers.make_version(
            edits.make_comparable_package(stored, _find_schema(actual))
        )
        return self._page(context, actual, stored, {**stored, "form_version": version}, {})

    def post(self, package_type: str, id: str) -> Response | str:
        """Save, or show the form again with its errors or with both versions."""
        actual = self._type_of(id)
        if actual is None:
            return super().post(package_type, id)
        with explain_errors({df.DataError: tk._("Integrity Error")}):
            form = form_data.read_form(actual, is_new=False)
        context = self._context()
        stored = self._show(context, id)
        _check_may_edit(context, stored["id"])
        package = edits.lock_package(stored["id"])
        if package is None:
            return tk.abort(404, tk._("Dataset not found"))
        refusal: ErrorSentences = {
            tk.NotAuthorized: tk._("Not authorised to give this to that organisation")
        }
        try:
            with explain_errors(refusal):
                return self._save(form, context, package)
        except tk.ValidationError as error:
            model.Session.rollback()
            return self._again(form, id, error.error_dict)
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
        # Needed to restore values that are hidden from this person.
        data |= {k: stored[k] for k in ("participants_masked", "ideas") if k in stored}
        other_person = form_answers.find_other_person(form.own)
        if other_person:
            model.Session.rollback()
            return self._again(form, package.id, other_person)

        def read_mine() -> Values:
            mine, errors = edits.validate_package(context, data, package)
            if errors:
                raise tk.ValidationError(errors)
            return edits.make_comparable_package(mine, schema)

        unpublishable = form_data.find_publishing_errors(
            stored, data, form.own[form_data.REASON], current_user.id
        )
        if unpublishable:
            raise tk.ValidationError(unpublishable)

        conflict = form_answers.find_conflict(
            form.own["form_version"],
            edits.make_comparable_package(stored, schema),
            read_mine,
            lambda: edits.find_last_save(package.id, package.owner_org, current_user.name),
        )
        if conflict:
            model.Session.rollback()
            return self._show_conflict(form, package.id, conflict)
        updated = tk.get_action("package_update")(context, data)
        saved_message.tell_saved(updated)
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
    ) -> Response | str:
        """Return the page like CKAN's own view, but with only the given data."""
        _check_may_edit(context, stored["id"])
        if "tag_string" not in data:
            data["tag_string"] = _as_sent(stored)["tag_string"]
        if stored.get("state", "").startswith("draft"):
            return OnePageCreateView().get(package_type, data, errors)
        plugin: Any = lib_plugins.lookup_package_plugin(package_type)
        plugin.setup_template_variables(context, {"id": stored["id"], "type": package_type})
        package = model.Package.get(stored["id"])
        # CKAN's templates read it.
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
        """Return the type of a package if it is one of ours, else ``None``."""
        package = model.Package.get(reference)
        return package.type if package and package.type in TYPES else None

    def _context(self) -> Context:
        return Context(user=current_user.name, auth_user_obj=current_user, use_cache=False)

    def _show(self, context: Context, reference: str) -> Values:
        with hide_existence(tk._("Dataset not found")):
            return edits.show_package(context, reference)


def _check_may_edit(context: Context, package_id: str) -> None:
    with explain_errors({tk.NotAuthorized: tk._("You may not change this")}):
        tk.check_access("package_update", Context(context), {"id": package_id})


def _as_sent(stored: Values) -> Values:
    """Return a stored package with its tags as one text, as the form sends them."""
    tags: list[dict[str, Any]] = stored.get("tags") or []
    return {**stored, "tag_string": ", ".join(tag["name"] for tag in tags)}


def _find_schema(package_type: str) -> dict[str, Any]:
    return tk.h.scheming_get_dataset_schema(package_type)


def _find_address_after_edit(name: str, package_type: str) -> str:
    """Return CKAN's redirect after an edit: by parameter, by setting, else the record's page."""
    # ``forget_other_destinations`` has removed addresses of other sites.
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
    """CKAN's page that deletes a record; it names the records that depend on it."""

    def post(self, package_type: str, id: str) -> Response:
        """Delete, or redirect to the page of the record with the reason for the refusal."""
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
