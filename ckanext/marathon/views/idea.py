"""The next step of an idea, from its page."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user, g
from ckan.types import Context, Response
from ckan.views import dataset
from flask import Blueprint, make_response, request

from ckanext.marathon.helpers.form import list_errors_by_input
from ckanext.marathon.views import form_answers

ideas = Blueprint("marathon_idea", __name__)


def change_status(id: str) -> Response:
    """Give an idea another status; what stands in the way is said at the form, filled in."""
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
        model.Session.rollback()
        names = list_errors_by_input(error.error_dict)
        return _show_again(id, step, [text for texts in names.values() for text in texts])
    except form_answers.SEARCH_AWAY:
        model.Session.rollback()
        texts = form_answers.describe_search_away()[""]
        return _show_again(id, step, texts, form_answers.UNAVAILABLE)
    except tk.NotAuthorized:
        return tk.abort(403, tk._("You may not change the status of this idea"))
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("Not found"))
    return tk.redirect_to(tk.h.url_for("idea.read", id=id) + "#history")


def _show_again(id: str, step: dict[str, str], errors: list[str], code: int = 200) -> Response:
    """Return the page of the idea with the step as it was typed and what is wrong with it."""
    form_answers.note_form_shown()
    # Read by the page's form, templates/marathon/snippets/change_status.html.
    g.marathon_step = {**step, "errors": errors}
    idea = model.Package.get(id)
    return make_response(dataset.read("idea", idea.name if idea else id), code)


ideas.add_url_rule("/idea/<id>/status", view_func=change_status, methods=["POST"])
