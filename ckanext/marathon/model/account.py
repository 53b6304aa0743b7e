"""Accounts: the number of their sessions, the link of an invitation, and their API tokens.

Both values are in ``plugin_extras`` of CKAN's table of users, so that they end with the account.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.marathon.domain.texts import is_json_object

_SESSION = "marathon_session"
_INVITATION = "marathon_invitation"


def read_session_number(user: model.User) -> str:
    """Return the number to which the sessions of an account are bound, ``""`` if none ended yet."""
    return str(_read_extras(user).get(_SESSION, ""))


def end_all_sessions(user: model.User) -> None:
    """End all sessions of an account that are bound to its number; commits nothing."""
    _write_extra(user, _SESSION, secrets.token_hex(8))


def write_invitation_end(user: model.User, until: datetime) -> None:
    """Store until when the present link of an invitation opens; commits nothing."""
    written = {"until": until.isoformat(), "key": _digest(user.reset_key)}
    _write_extra(user, _INVITATION, written)


def read_invitation_end(user: model.User) -> datetime | None:
    """Return until when the link of an account opens; ``None`` for a link without an end.

    Only the link of an invitation has an end. A link for a new password replaces it.
    """
    stored: object = _read_extras(user).get(_INVITATION)
    if not is_json_object(stored) or user.state != model.State.PENDING or not user.reset_key:
        return None
    if stored.get("key") != _digest(user.reset_key):
        return None
    try:
        return datetime.fromisoformat(str(stored.get("until")))
    except ValueError:
        return None


def lock_accounts(ids: Collection[str]) -> dict[str, model.User]:
    """Return accounts by id, read again and locked until the end of the transaction."""
    found = (
        model.Session.query(model.User)
        .filter(model.User.id.in_(ids))
        # In one order, so that two transactions do not wait for each other.
        .order_by(model.User.id)
        .populate_existing()
        .with_for_update()
    )
    return {user.id: user for user in found}


def count_tokens(user_id: str, since: datetime | None) -> int:
    """Return the number of an account's API tokens, made from a time on; ``None`` for all."""
    query = sa.select(sa.func.count()).select_from(model.ApiToken).where(_is_token(user_id, since))
    return model.Session.scalar(query) or 0


def revoke_tokens(user_id: str, since: datetime | None) -> int:
    """Delete these API tokens and return their number; commits nothing."""
    tokens = model.Session.query(model.ApiToken).filter(_is_token(user_id, since)).all()
    for token in tokens:
        model.Session.delete(token)
    return len(tokens)


def _is_token(user_id: str, since: datetime | None) -> sa.ColumnElement[bool]:
    token: Any = model.ApiToken
    condition = token.user_id == user_id
    if since is None:
        return condition
    # CKAN stores the time in UTC without an offset.
    return sa.and_(condition, token.created_at >= since.astimezone(UTC).replace(tzinfo=None))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _read_extras(user: model.User) -> dict[str, Any]:
    return dict(user.plugin_extras or {})


def _write_extra(user: model.User, name: str, value: object) -> None:
    user.plugin_extras = {**_read_extras(user), name: value}
