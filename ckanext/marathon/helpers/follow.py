"""What the part "Follow" of a page needs."""

from __future__ import annotations

from typing import Any, NamedTuple

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.common import current_user

_ASKED = {"dataset": "am_following_dataset", "organization": "am_following_group"}


class Following(NamedTuple):
    """What a person who is logged in gets of a thing.

    Attributes:
        is_following: whether they follow it.
        mails: the site sends what is new by e-mail.
        wants_mails: they asked for that, and have an address.
    """

    is_following: bool
    mails: bool
    wants_mails: bool


def marathon_news(kind: str = "", code: str = "") -> str:
    """Return the address of the news of a part of the catalogue; of everything without a kind."""
    part: dict[str, Any] = {"kind": kind, "code": code} if kind else {}
    return tk.h.url_for("marathon_news.atom", **part)


def marathon_following(kind: str, id_: str) -> Following | None:
    """Return what the visitor gets of a ``dataset`` (of any type) or an ``organization``.

    ``None`` for those who are not logged in.
    """
    if not current_user.is_authenticated:
        return None
    is_following = tk.get_action(_ASKED[kind])({"user": current_user.name}, {"id": id_})
    mails = p.plugin_loaded("activity") and tk.asbool(
        tk.config.get("ckan.activity_streams_email_notifications")
    )
    person: Any = current_user
    wants = bool(person.activity_streams_email_notifications and person.email)
    return Following(bool(is_following), bool(mails), wants)
