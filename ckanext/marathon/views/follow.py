"""Following with an account: CKAN's own, with a button that needs no script."""

from __future__ import annotations

from contextlib import suppress

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, request

from .destinations import is_own_address

follow = Blueprint("marathon_follow", __name__)

ACTIONS = {
    "dataset": ("package_show", "follow_dataset", "unfollow_dataset"),
    "organization": ("organization_show", "follow_group", "unfollow_group"),
}


def change() -> Response:
    """Follow or leave a thing or an organisation, and go back to the page.

    The form has ``kind`` (``dataset`` for every type, or ``organization``), ``id``, ``follow``
    (``yes`` or ``no``) and ``back``, an address of this site.
    """
    actions = ACTIONS.get(request.form.get("kind", ""))
    if actions is None:
        return tk.abort(404, tk._("Not found"))
    if not current_user.is_authenticated:
        return tk.redirect_to("user.login", next=_back())
    context: Context = {"user": current_user.name}
    wanted = request.form.get("follow") != "no"
    show, start, stop = actions
    try:
        found = tk.get_action(show)(context, {"id": request.form.get("id", "")})
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return tk.abort(404, tk._("Not found"))
    # Pressed twice, it is already as the person wants it.
    with suppress(tk.ObjectNotFound, tk.ValidationError):
        tk.get_action(start if wanted else stop)(
            Context(user=current_user.name), {"id": found["id"]}
        )
    said = tk._("You follow it now.") if wanted else tk._("You do not follow it any more.")
    tk.h.flash_success(said)
    return tk.redirect_to(_back())


def _back() -> str:
    back = request.form.get("back", "")
    return f"{back}#follow" if is_own_address(back) else tk.h.url_for("home.index")


follow.add_url_rule("/marathon/follow", view_func=change, methods=["POST"])
