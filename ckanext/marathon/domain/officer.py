"""The end of an officer's work for an organisation: who may leave, and what ends with it.

Officers are replaced after elections. Whoever leaves loses the membership, the API tokens and the
sessions, and the account is closed if it was only there for this organisation. Whether a person
may decide about an organisation's people is a permission (``logic/permissions.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ckanext.marathon.domain.errors import N_, FieldFault, make_fault

ADMIN, EDITOR, MEMBER = "admin", "editor", "member"
# CKAN's capacities, from the one that may do least.
RANKS: Mapping[str, int] = {MEMBER: 1, EDITOR: 2, ADMIN: 3}

# An account that was made so shortly before its membership was made for it.
MADE_TOGETHER = timedelta(days=1)
# A link that ends so soon is shown as about to end.
SOON = timedelta(days=3)


class AccountFate(StrEnum):
    """What becomes of the account of an officer who leaves, and why it stays open."""

    CLOSED = "closed"
    OTHER_ORGANIZATION = "other_organization"
    SYSADMIN = "sysadmin"
    OLDER = "older"


@dataclass(frozen=True, kw_only=True)
class Membership:
    """An officer of an organisation, as they are before they leave.

    Attributes:
        role: capacity in the organisation, ``""`` for somebody who is no member.
        is_sysadmin: whether the account is that of a system administrator.
        has_other_organization: whether the account is a member of another organisation.
        other_admins: number of the organisation's other admins who have logged in at least once.
        account_created: when the account was created, with an offset.
        joined: when it became a member, with an offset; ``None`` if that is not known.
    """

    role: str
    is_sysadmin: bool = False
    has_other_organization: bool = False
    other_admins: int = 0
    account_created: datetime | None = None
    joined: datetime | None = None

    @property
    def is_last_admin(self) -> bool:
        """Whether the organisation has no admin but this one."""
        return self.role == ADMIN and not self.other_admins

    @property
    def is_older_account(self) -> bool:
        """Whether the account existed before the membership, and for another purpose.

        Every admin can make any account a member of the organisation. Without this rule, that and
        a departure would close the account of a stranger.
        """
        if self.joined is None or self.account_created is None:
            return False
        return self.joined - self.account_created > MADE_TOGETHER


@dataclass(frozen=True)
class Departure:
    """What ends when an officer leaves, besides the membership itself.

    Attributes:
        account: whether the account is closed, or why not.
        ends_sessions: whether they are logged out everywhere.
        revokes_tokens: whether API tokens are revoked.
        tokens_since: only tokens made from then on; ``None`` for all of them.
    """

    account: AccountFate
    ends_sessions: bool
    revokes_tokens: bool
    tokens_since: datetime | None = None

    @property
    def closes_account(self) -> bool:
        """Whether the account is closed."""
        return self.account == AccountFate.CLOSED


def plan_departure(officer: Membership) -> Departure:
    """Return what ends when an officer leaves.

    The account of a system administrator is left as it is: an admin of an organisation must not
    end it. Tokens that are older than the membership of an older account were made for something
    else, and lose the organisation with the membership.
    """
    if officer.is_sysadmin:
        return Departure(AccountFate.SYSADMIN, ends_sessions=False, revokes_tokens=False)
    since = officer.joined if officer.is_older_account else None
    if officer.has_other_organization:
        fate = AccountFate.OTHER_ORGANIZATION
    else:
        fate = AccountFate.OLDER if officer.is_older_account else AccountFate.CLOSED
    return Departure(fate, ends_sessions=True, revokes_tokens=True, tokens_since=since)


def check_departure(
    officer: Membership, successor: str, role: str, *, is_same_person: bool
) -> list[FieldFault]:
    """Return the faults of a departure.

    Args:
        officer: the officer who leaves.
        successor: e-mail address of the person who is invited instead, ``""`` for nobody.
        role: capacity of the successor.
        is_same_person: whether the successor is the officer.
    """
    if not officer.role:
        return [make_fault("user", N_("This person does not belong to the organisation"))]
    if is_same_person:
        text = N_("This is the address of the person who leaves. Write that of the successor")
        return [make_fault("email", text)]
    if officer.is_last_admin and not successor:
        text = N_(
            "The organisation has no other admin who has logged in. Write the e-mail address of "
            "the successor"
        )
        return [make_fault("email", text)]
    if officer.is_last_admin and role != ADMIN:
        text = N_(
            "The organisation has no other admin, so the successor must be one: choose “{admin}”"
        )
        return [make_fault("role", text, admin=ADMIN)]
    return []


class LinkState(StrEnum):
    """Whether the one-time link of an invitation still opens."""

    OPEN = "open"
    ENDING = "ending"
    ENDED = "ended"


def find_link_state(until: datetime | None, now: datetime) -> LinkState:
    """Return the state of a link that opens until a time; ``None`` is a link without an end."""
    if until is None or until - now > SOON:
        return LinkState.OPEN
    return LinkState.ENDED if until <= now else LinkState.ENDING
