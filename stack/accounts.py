"""The first accounts of a new site: who they are, where their passwords are kept.

Run as ``python -m stack.accounts LOGINS``, with CKAN_INI set, it creates those that are missing
through CKAN's own actions. Passwords go through a file that only its owner can read, never
through arguments, which everybody on the machine can see.
"""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import Any

from stack.paths import write_secret

# Who, in English and Spanish. The municipality is one of the pilot; see docs/running.md.
ROLES = {
    "admin": ("system administrator", "administrador del sistema"),
    "infom": ("INFOM, coordinating body", "INFOM, ente coordinador"),
    "oficial": (
        "data officer of San Carlos Alzatate",
        "oficial de datos de San Carlos Alzatate",
    ),
}
MUNICIPALITY = "2105"


def logins(path: Path) -> dict[str, str]:
    """Return each account's password, made at random the first time."""
    if not path.exists():
        made = {name: secrets.token_urlsafe(12) for name in ROLES}
        write_secret(path, json.dumps(made, indent=1) + "\n")
    return json.loads(path.read_text(encoding="utf-8"))


def create(passwords: dict[str, str]) -> list[str]:
    """Create the accounts that are missing, and their membership.

    An account that exists keeps its password, its name and its memberships.

    Returns:
        the names of the accounts that were created.
    """
    from ckan import model
    from ckan.plugins import toolkit

    def act(action: str, **data: Any) -> Any:
        site = toolkit.get_action("get_site_user")({"ignore_auth": True}, {})
        context = {"ignore_auth": True, "user": site["name"]}
        return toolkit.get_action(action)(context, data)  # type: ignore[arg-type]

    members = {
        "infom": ("admin", lambda body: body.get("role") == "coordinating_body"),
        "oficial": ("editor", lambda body: body.get("municipality_code") == MUNICIPALITY),
    }
    names = act("organization_list")
    bodies = [act("organization_show", id=name, include_users=False) for name in names]
    made = []
    for name, password in passwords.items():
        if model.User.get(name) is not None:
            continue
        act(
            "user_create",
            name=name,
            fullname=ROLES[name][1].capitalize() if name == "admin" else ROLES[name][1],
            email=f"{name}@marathon.invalid",
            password=password,
        )
        made.append(name)
        if name == "admin":
            act("user_patch", id=name, sysadmin=True)
            continue
        capacity, fits = members[name]
        body = next((body for body in bodies if fits(body)), None)
        if body is not None:
            act("organization_member_create", id=body["id"], username=name, role=capacity)
    return made


def main() -> None:
    """Create the accounts of the file that is named."""
    from ckan.cli import load_config
    from ckan.config.middleware import make_app

    app = make_app(load_config())
    with app._wsgi_app.test_request_context():  # type: ignore[attr-defined]
        print(" ".join(create(logins(Path(sys.argv[1])))))


if __name__ == "__main__":
    main()
