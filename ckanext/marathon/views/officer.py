"""The people of an organisation: who they are, inviting others, and handing over to a successor.

``/organization/<id>/officers`` is for those who may invite to the organisation. Ending a membership
takes two pages: one to name the successor, and one that says what will happen. The answer shows the
one-time link if no mail was sent, also to somebody who has ended their own membership with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user, g
from ckan.types import Context, Response
from ckan.views import identify_user
from flask import Blueprint, make_response, request
from flask_login import logout_user

from ckanext.marathon.domain import officer as officer_domain
from ckanext.marathon.domain.officer import AccountFate, LinkState, Membership, find_link_state
from ckanext.marathon.helpers.form import marathon_form_token
from ckanext.marathon.helpers.labels import marathon_date
from ckanext.marathon.logic import messages, schema
from ckanext.marathon.views import form_answers
from ckanext.marathon.views.errors import ErrorSentences, explain_errors, is_allowed
from ckanext.marathon.views.form_token import hold_token
from ckanext.marathon.visibility import is_public_organization

officers = Blueprint("marathon_officer", __name__)

# Seconds for which the answer to a form is remembered, so that a second click shows it again.
REMEMBERED_HANDOVER, REMEMBERED_INVITATION = 600, 60
WRONG = 400


class ShownOrganization(NamedTuple):
    """The organisation of a page: name and title."""

    name: str
    title: str


class ShownOfficer(NamedTuple):
    """A person of an organisation.

    Attributes:
        role: label of their capacity; ``capacity`` is its code.
        email: of an invitation that is not accepted, else ``""``.
        until: last day of the invitation's link as text, ``""`` without one.
        has_ended: whether that link does not open any more.
        is_you: whether this is the reader.
    """

    name: str
    display_name: str
    capacity: str
    role: str
    is_pending: bool
    email: str
    until: str
    has_ended: bool
    is_you: bool


@dataclass(frozen=True)
class TypedInvitation:
    """The sent values of a form that was refused, and its errors by field."""

    email: str = ""
    role: str = ""
    errors: Mapping[str, list[str]] | None = None


@dataclass(frozen=True, kw_only=True)
class OfficersPage:
    """The people of an organisation, with a form to invite another one.

    Attributes:
        people: those who have accepted, then those who have not.
        may_end: whether the reader may end memberships.
        sends_mail: whether the site sends mails; otherwise a link is shown.
        typed: values of a refused form.
        invited: answer of ``marathon_officer_invite``, ``None`` if nobody was invited.
        token: identifies the form, so that a second click does not invite twice.
    """

    organization: ShownOrganization
    people: list[ShownOfficer]
    may_end: bool
    sends_mail: bool
    typed: TypedInvitation
    invited: dict[str, Any] | None
    token: str


@dataclass(frozen=True, kw_only=True)
class LeavePage:
    """The two pages that end a membership.

    Attributes:
        person: name of the account; ``title`` is the name to read.
        role: label of the capacity.
        needs_successor: whether the organisation has no other admin.
        is_you: whether the reader ends their own membership.
        is_pending: whether the person has not accepted the invitation.
        lines: what will happen, sentence by sentence; empty on the first page.
        has_changed: whether that is something else than what was confirmed.
        typed: address and role of the successor, and errors by field.
        token: identifies the form.
        plan: digest of what will happen.
    """

    organization: ShownOrganization
    person: str
    title: str
    role: str
    needs_successor: bool
    is_you: bool
    is_pending: bool
    lines: list[str]
    has_changed: bool
    typed: TypedInvitation
    token: str
    plan: str


@dataclass(frozen=True, kw_only=True)
class LeftPage:
    """What was done, with the one-time link of the successor if no mail was sent.

    Attributes:
        invited: answer of ``marathon_officer_invite``, ``None`` without a successor.
        is_logged_out: whether the reader was logged out.
    """

    organization: ShownOrganization
    title: str
    lines: list[str]
    invited: dict[str, Any] | None
    is_logged_out: bool


def show_officers(id: str) -> Response:
    """Show the people of an organisation."""
    organization, refused = _find_organization(id)
    return refused or _show_officers(organization)


def invite_officer(id: str) -> Response:
    """Invite a person; show the one-time link if no mail was sent."""
    organization, refused = _find_organization(id)
    if refused:
        return refused
    sent = {name: request.form.get(name, "").strip() for name in ("email", "role")}
    key = _make_key(request.form.get("token", ""), organization.name, *sent.values())
    with hold_token(key, REMEMBERED_INVITATION) as saved:
        if saved.id:
            return _show_officers(organization, invited=json.loads(saved.id))
        try:
            with explain_errors(_explain_refusal()):
                invited = tk.get_action("marathon_officer_invite")(
                    _make_context(), {"organization": organization.name, **sent}
                )
        except tk.ValidationError as error:
            model.Session.rollback()
            typed = TypedInvitation(**sent, errors=_list_errors(error))
            return _show_officers(organization, typed=typed, status=WRONG)
        saved.id = json.dumps(invited)
    return _show_officers(organization, invited=invited)


def leave_organization(id: str, user: str) -> Response:
    """Show the form to end a membership, then what will happen, and then do it."""
    if request.method == "POST" and request.form.get("step") == "do":
        return _end_membership(id, user)
    organization, refused = _find_organization(id, "marathon_officer_handover")
    if refused:
        return refused
    shown = _show_departure(organization, user)
    if request.method != "POST":
        return _show_leave(organization, shown, TypedInvitation(role=shown["role"]))
    typed = _read_typed(shown)
    if typed.errors:
        return _show_leave(organization, shown, typed, status=WRONG)
    return _show_leave(organization, shown, typed, is_confirming=True)


def _end_membership(id: str, user: str) -> Response:
    """Do what was confirmed.

    A second click comes after the reader's own session has ended, and shows the same answer: it
    has the only copy of the successor's link.
    """
    key = _make_key(request.form.get("token", ""), id, user)
    with hold_token(key, REMEMBERED_HANDOVER) as saved:
        if saved.id:
            return _show_left(_unpack_page(saved.id))
        organization, refused = _find_organization(id, "marathon_officer_handover")
        if refused:
            return refused
        shown = _show_departure(organization, user)
        typed = _read_typed(shown)
        if typed.errors:
            return _show_leave(organization, shown, typed, status=WRONG)
        if request.form.get("plan", "") != _make_plan(shown):
            return _show_leave(
                organization, shown, typed, is_confirming=True, has_changed=True, status=WRONG
            )
        is_you = shown["user"]["name"] == current_user.name
        data = {
            "organization": organization.name,
            "user": shown["user"]["name"],
            "email": typed.email,
            "role": typed.role,
        }
        try:
            with explain_errors(_explain_refusal()):
                done = tk.get_action("marathon_officer_handover")(_make_context(), data)
        except tk.ValidationError as error:
            model.Session.rollback()
            again = TypedInvitation(typed.email, typed.role, _list_errors(error))
            return _show_leave(organization, shown, again, status=WRONG)
        page = LeftPage(
            organization=organization,
            title=shown["user"]["display_name"],
            lines=_describe_done(shown, done),
            invited=done["invitation"],
            is_logged_out=is_you and done["sessions_ended"],
        )
        saved.id = json.dumps(asdict(page))
    if page.is_logged_out:
        logout_user()
        identify_user()
    return _show_left(page)


def _unpack_page(text: str) -> LeftPage:
    kept: dict[str, Any] = json.loads(text)
    organization = ShownOrganization(*kept.pop("organization"))
    return LeftPage(organization=organization, **kept)


def _show_left(page: LeftPage) -> Response:
    return _answer("marathon/officer/left.html", page)


def _answer(template: str, page: object, status: int = 200) -> Response:
    answer = make_response(tk.render(template, {"page": page}), status)
    # It may have a link that sets a password.
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _find_organization(
    reference: str, action: str = "marathon_officer_list"
) -> tuple[ShownOrganization, Response | None]:
    """Return the organisation, and the answer to somebody who may not call the action."""
    group = model.Group.get(reference)
    if not is_public_organization(group):
        return tk.abort(404, tk._("There is no such organisation"))
    organization = ShownOrganization(group.name, group.display_name)
    if is_allowed(action, _make_context(), {"organization": group.id}):
        return organization, None
    # Otherwise a cache may store the redirect to the login and return it to an officer.
    request.environ["__no_cache__"] = True
    if not current_user.is_authenticated and not form_answers.may_hold():
        here = tk.h.url_for("marathon_officer.index", id=group.name)
        return organization, tk.redirect_to("user.login", came_from=here)
    return tk.abort(403, _explain_refusal()[tk.NotAuthorized])


def _explain_refusal() -> ErrorSentences:
    return {tk.NotAuthorized: tk._("This is for administrators of the organisation")}


def _make_context() -> Context:
    return {"user": current_user.name, "auth_user_obj": current_user}


def _make_key(token: str, *parts: str) -> str:
    """Return the key under which the answer to a form is remembered, ``""`` without a token."""
    if not token:
        return ""
    return hashlib.sha256("\n".join(("officer", token, *parts)).encode()).hexdigest()


def _show_officers(
    organization: ShownOrganization,
    *,
    typed: TypedInvitation | None = None,
    invited: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    if status != 200:
        form_answers.note_form_shown()
    page = read_officers_page(organization, typed or TypedInvitation(), invited)
    return _answer("marathon/officer/index.html", page, status)


def read_officers_page(
    organization: ShownOrganization, typed: TypedInvitation, invited: dict[str, Any] | None
) -> OfficersPage:
    """Return the content of the page of an organisation's people."""
    asked = {"organization": organization.name}
    found = tk.get_action("marathon_officer_list")(_make_context(), asked)
    people = [_describe_officer(row) for row in found]
    return OfficersPage(
        organization=organization,
        people=sorted(people, key=lambda person: person.is_pending),
        may_end=is_allowed("marathon_officer_handover", _make_context(), asked),
        sends_mail=_sends_mail(),
        typed=typed,
        invited=invited,
        token=marathon_form_token(),
    )


def _describe_officer(row: dict[str, Any]) -> ShownOfficer:
    until = datetime.fromisoformat(row["until"]) if row["until"] else None
    return ShownOfficer(
        name=row["name"],
        display_name=row["display_name"],
        capacity=row["role"],
        role=label_role(row["role"]),
        is_pending=row["state"] == model.State.PENDING,
        email=row["email"] or "",
        until=marathon_date(row["until"]) if until else "",
        has_ended=find_link_state(until, datetime.now(UTC)) == LinkState.ENDED,
        is_you=row["name"] == current_user.name,
    )


def label_role(capacity: str) -> str:
    """Return what somebody with a capacity may do, as a noun."""
    labels = {
        officer_domain.ADMIN: tk._("Admin: publishes and invites"),
        officer_domain.EDITOR: tk._("Editor: publishes"),
        officer_domain.MEMBER: tk._("Member: only reads"),
    }
    return labels.get(capacity, capacity)


def _sends_mail() -> bool:
    return bool(tk.config.get("smtp.server"))


def _show_departure(organization: ShownOrganization, user: str) -> dict[str, Any]:
    sentences: ErrorSentences = {
        **_explain_refusal(),
        tk.ValidationError: tk._("This person does not belong to the organisation"),
    }
    with explain_errors(sentences):
        return tk.get_action("marathon_officer_departure_show")(
            _make_context(), {"organization": organization.name, "user": user}
        )


def _read_typed(shown: dict[str, Any]) -> TypedInvitation:
    """Return the successor in the form; the errors are those that the action would raise."""
    email = request.form.get("email", "").strip()
    role = request.form.get("role", "").strip() or shown["role"]
    given = {"organization": "x", "user": "x", "email": email, "role": role}
    found, errors = tk.navl_validate(given, schema.marathon_officer_handover(), _make_context())
    if not errors:
        officer = Membership(role=shown["role"], other_admins=0 if shown["is_last_admin"] else 1)
        faults = officer_domain.check_departure(
            officer, str(found["email"]), role, is_same_person=False
        )
        errors = {str(fault.path[0]): [messages.write_fault(fault.fault)] for fault in faults}
    return TypedInvitation(email, role, errors or None)


def _list_errors(error: tk.ValidationError) -> dict[str, list[str]]:
    errors: dict[str, Any] = error.error_dict
    return {name: texts for name, texts in errors.items() if name != "__type"}


def _make_plan(shown: dict[str, Any]) -> str:
    """Return a digest of what will end, to notice if it changes before it is confirmed."""
    parts = [str(shown[name]) for name in ("role", "account", "ends_sessions", "tokens")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _show_leave(
    organization: ShownOrganization,
    shown: dict[str, Any],
    typed: TypedInvitation,
    *,
    is_confirming: bool = False,
    has_changed: bool = False,
    status: int = 200,
) -> Response:
    if status != 200:
        form_answers.note_form_shown()
    is_you = shown["user"]["name"] == current_user.name
    page = LeavePage(
        organization=organization,
        person=shown["user"]["name"],
        title=shown["user"]["display_name"],
        role=label_role(shown["role"]),
        needs_successor=shown["is_last_admin"],
        is_you=is_you,
        is_pending=shown["user"]["state"] == model.State.PENDING,
        lines=_describe_plan(organization, shown, typed, is_you) if is_confirming else [],
        has_changed=has_changed,
        typed=typed,
        token=marathon_form_token(),
        plan=_make_plan(shown),
    )
    return _answer("marathon/officer/leave.html", page, status)


def _describe_plan(
    organization: ShownOrganization, shown: dict[str, Any], typed: TypedInvitation, is_you: bool
) -> list[str]:
    """Return what will happen, sentence by sentence."""
    name, tokens = shown["user"]["display_name"], shown["tokens"]
    lines: list[str] = []
    if typed.email:
        text = tk._("{email} is invited to {organization}. Role: {role}.")
        role = label_role(typed.role)
        lines.append(text.format(email=typed.email, organization=organization.title, role=role))
        if _sends_mail():
            lines.append(
                tk._(
                    "The successor gets an e-mail. If it cannot be sent, the next page shows a "
                    "link: copy it and hand it over; it is shown only there."
                )
            )
        else:
            lines.append(
                tk._(
                    "This site sends no e-mail: the next page shows a link for the successor. Copy "
                    "it and hand it over; it is shown only there."
                )
            )
    text = tk._(
        "{name} no longer belongs to {organization}: sees nothing of it that is not public, and "
        "changes nothing of it. What {name} published stays."
    )
    lines.append(text.format(name=name, organization=organization.title))
    lines.append(_describe_fate(shown["account"], name))
    if shown["ends_sessions"]:
        lines.append(tk._("{name} is logged out on all devices.").format(name=name))
    if tokens:
        text = tk.ungettext(
            "{n} API token of {name} stops working.",
            "{n} API tokens of {name} stop working.",
            tokens,
        )
        lines.append(text.format(n=tokens, name=name))
    if is_you:
        lines.append(tk._("This is you: afterwards only others can undo it."))
    return lines


def _describe_fate(fate: str, name: str) -> str:
    texts = {
        AccountFate.CLOSED: tk._(
            "The account of {name} is closed, because it belongs to no other organisation. Only a "
            "system administrator can open it again."
        ),
        AccountFate.OTHER_ORGANIZATION: tk._(
            "The account of {name} stays open, because it belongs to another organisation."
        ),
        AccountFate.SYSADMIN: tk._(
            "The account of {name}, its sessions and API tokens stay as they are: it is that of a "
            "system administrator."
        ),
        AccountFate.OLDER: tk._(
            "The account of {name} stays open, because it existed before it came to the "
            "organisation."
        ),
    }
    return texts[AccountFate(fate)].format(name=name)


def _describe_done(shown: dict[str, Any], done: dict[str, Any]) -> list[str]:
    """Return what was done, sentence by sentence."""
    name = shown["user"]["display_name"]
    lines = [
        tk._("{name} no longer belongs to {organization}.").format(
            name=name, organization=done["organization"]["title"]
        )
    ]
    if done["account_closed"]:
        lines.append(tk._("The account is closed."))
    else:
        lines.append(tk._("The account stays open."))
    if done["sessions_ended"]:
        lines.append(tk._("{name} is logged out on all devices.").format(name=name))
    if revoked := done["tokens_revoked"]:
        text = tk.ungettext("{n} API token was revoked.", "{n} API tokens were revoked.", revoked)
        lines.append(text.format(n=revoked))
    return lines


@officers.after_app_request
def tell_link_of_stock_page(answer: Response) -> Response:
    """Show the outcome of an invitation by CKAN's own page for new members, with its link."""
    invited: dict[str, Any] | None = g.pop("marathon_invited", None)
    if invited is not None and request.endpoint == "organization.member_new":
        tk.h.flash_notice(" ".join(filter(None, [invited["notice"], invited["link"]])))
    return answer


officers.add_url_rule("/organization/<id>/officers", endpoint="index", view_func=show_officers)
officers.add_url_rule(
    "/organization/<id>/officers/invite",
    endpoint="invite",
    view_func=invite_officer,
    methods=["POST"],
)
officers.add_url_rule(
    "/organization/<id>/officers/<user>/leave",
    endpoint="leave",
    view_func=leave_organization,
    methods=["GET", "POST"],
)
