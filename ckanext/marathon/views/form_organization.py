"""CKAN's pages that add and change an organisation, on the mechanism of the other forms."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context
from ckan.views import group
from flask import Blueprint, request

from ckanext.marathon.logic import edits

from . import form_answers, form_conflict, form_stock

form_organization = Blueprint("marathon_form_organization", __name__)

Values = dict[str, Any]
ORGANIZATION = {"group_type": "organization", "is_organization": True}


class OnePageOrganizationCreateView(group.CreateGroupView):
    """CKAN's page of a new organisation."""

    def post(self, group_type: str, is_organization: bool) -> Any:
        """Save, or show the form again with what is wrong."""
        form_stock.take_own_inputs()
        return form_stock.save_form(
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
            data = form_stock.name_lost_files(data or {}, "image_upload")
        return super().get(group_type, is_organization, data, errors, error_summary)


class OnePageOrganizationEditView(group.EditGroupView):
    """CKAN's page that changes an organisation."""

    def post(self, group_type: str, is_organization: bool, id: str | None = None) -> Any:
        """Save, or show the form again with what is wrong or with both versions."""
        own = form_stock.take_own_inputs()
        self._prepare(is_organization, id)
        organization = edits.lock_organization(id or "")
        if organization is None:
            return tk.abort(404, tk._("Organization not found"))
        stored = self._stored(organization.id)
        theirs = edits.comparable_organization(stored)
        form_stock.restore_untouched(stored, _organization_schema()["dataset_fields"])

        def show(data: Values, errors: dict[str, Any]) -> Any:
            return self.get(organization.id, group_type, is_organization, data, errors)

        refused = form_stock.refuse_outdated(own, theirs, show, organization.id, organization.id)
        if refused is not None:
            return refused
        return form_stock.save_form(
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
            data = {**stored, "form_version": form_conflict.make_version(comparable)}
        else:
            # What this person may not set is shown, and not sent.
            data = {**stored, **form_stock.name_lost_files(data, "image_upload")}
            data.setdefault("form_version", form_stock.sent_version())
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
