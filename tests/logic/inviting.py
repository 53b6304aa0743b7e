"""Helpers to invite officers and to open their links."""

from __future__ import annotations

import re
from typing import Any

from ckan import model
from ckan.tests.helpers import call_action

EMAIL = "agua@sancarlos.example.gt"


def invite(user: str | None, organization: str, email: Any = EMAIL, **more: Any) -> dict[str, Any]:
    context = {"user": user or "", "ignore_auth": False}
    return call_action(
        "marathon_officer_invite", context=context, email=email, organization=organization, **more
    )


def accounts(email: str = EMAIL) -> list[model.User]:
    return model.Session.query(model.User).filter(model.User.email == email).all()


def role_in(organization: str, account: model.User) -> str | None:
    members = call_action("organization_show", id=organization, include_users=True)["users"]
    return next((m["capacity"] for m in members if m["id"] == account.id), None)


def link_in(text: str) -> str:
    (link,) = set(re.findall(r"http\S+/user/reset/\S+", text))
    return link


def path_of(link: str) -> str:
    return link.removeprefix("http://test.ckan.net")


def accept(app: Any, link: str) -> None:
    password = {"password1": "una-contraseña-larga", "password2": "una-contraseña-larga"}
    assert app.get(path_of(link)).status_code == 200
    app.post(path_of(link), data=password, follow_redirects=False)
    model.Session.expire_all()
