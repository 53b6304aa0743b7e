"""CKAN's pages that delete, which know of no reason not to."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.types import Response
from ckan.views.dataset import DeleteView
from flask import Blueprint

from ckanext.marathon.helpers.labels import TYPES

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


for package_type in TYPES:
    deleting.add_url_rule(
        f"/{package_type}/delete/<id>",
        endpoint=package_type,
        view_func=GuardedDeleteView.as_view(package_type),
        defaults={"package_type": package_type},
    )
