"""Inviting somebody by CKAN's own page, without half of it being done."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib.mailer import MailerException
from ckan.types import Action, Context


@tk.chained_action
def user_invite(next_: Action, context: Context, data_dict: dict[str, Any]) -> Any:
    """Invite somebody to a group or organisation; see CKAN's ``user_invite``.

    Where the mail cannot be sent CKAN means to delete the account that it has just made, as the
    person who invites, who may not do that: the account stayed, waiting, and the page broke.

    Raises:
        ValidationError: also at ``email``, where the mail cannot be sent; no account stays.
    """
    email = data_dict.get("email")
    before = set(_accounts_of(email))
    try:
        return next_(context, data_dict)
    except (tk.NotAuthorized, tk.ValidationError) as refused:
        if not _follows_failed_mail(refused):
            raise
        model.Session.rollback()
        for user_id in set(_accounts_of(email)) - before:
            _remove(user_id)
        model.repo.commit()
        message = tk._(
            "The invitation could not be mailed, so no account was made. The page “Municipalities "
            "and officers” gives a link to hand over instead; or ask the administrator to set up "
            "a mail server."
        )
        raise tk.ValidationError({"email": [message]}) from None


def _follows_failed_mail(fault: BaseException) -> bool:
    earlier = fault.__context__
    while earlier is not None and not isinstance(earlier, MailerException | OSError):
        earlier = earlier.__context__
    return earlier is not None


def _accounts_of(email: Any) -> list[str]:
    if not isinstance(email, str):
        return []
    wanted = sa.func.lower(model.User.email) == email.strip().lower()
    return list(model.Session.scalars(sa.select(model.User.id).where(wanted)))


def _remove(user_id: str) -> None:
    members = model.Session.query(model.Member).filter_by(table_name="user", table_id=user_id)
    for member in members:
        model.Session.delete(member)
    if user := model.User.get(user_id):
        model.Session.delete(user)
