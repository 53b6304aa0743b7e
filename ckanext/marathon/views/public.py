"""What everybody may see, for pages that are the same for everybody."""

from __future__ import annotations

from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context

from ckanext.marathon import visibility
from ckanext.marathon.model import feed_log


def shown(package_type: str, reference: str) -> dict[str, Any]:
    """Return a public thing as a visitor sees it, by name or id; else stop with 404, or 410.

    410 says that it was public: who passed its address on was not mistaken.
    """
    package = model.Package.get(reference)
    if package and package.type == package_type and visibility.is_public(package):
        context = {"user": "", "auth_user_obj": None, "use_cache": False, visibility.OUTSIDER: True}
        try:
            return tk.get_action("package_show")(cast(Context, context), {"id": package.id})
        except (tk.ObjectNotFound, tk.NotAuthorized):
            pass
    return stop(feed_log.was_public(package.id if package else reference))


def stop(was_public: bool) -> Any:
    """Answer that there is no such thing, or no longer."""
    if was_public:
        tk.abort(410, tk._("It is no longer public"))
    return tk.abort(404, tk._("No idea, workshop or dataset has this address"))
