"""The next step of an idea, from its page."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, request

from ckanext.marathon.helpers.form import marathon_error_names

ideas = Blueprint("marathon_idea", __name__)


def change_status(id: str) -> Response:
    """Give an idea another status; what stands in the way is said on its page."""
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    step = {
        "id": id,
        "status": request.form.get("status", ""),
        "reason": request.form.get("reason", ""),
    }
    try:
        tk.get_action("marathon_idea_status_update")(context, step)
        tk.h.flash_success(tk._("The status is saved."))
    except tk.ValidationError as error:
        texts = marathon_error_names(error.error_dict).values()
        tk.h.flash_error(" ".join(text for each in texts for text in each))
    except tk.NotAuthorized:
        return tk.abort(403, tk._("You may not change the status of this idea"))
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("Not found"))
    return tk.redirect_to(tk.h.url_for("idea.read", id=id) + "#history")


ideas.add_url_rule("/idea/<id>/status", view_func=change_status, methods=["POST"])
