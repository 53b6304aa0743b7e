"""Create a part of the catalogue, in a process of its own.

``python -m bench.fill ckan.ini datasets 0 3000`` creates the datasets 0 to 2,999.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.cli import CKANConfigLoader
from ckan.common import login_user
from ckan.config.middleware import make_app

from bench import bulk, catalogue
from bench.catalogue import Row


def _place(number: int) -> Row:
    """Create an organisation and return its workshop."""
    context = {"user": _user(), "ignore_auth": True}
    tk.get_action("organization_create")(context, catalogue.organization(number))
    return catalogue.workshop(number)


MAKERS: dict[str, Callable[[int], Row]] = {
    "places": _place,
    "ideas": catalogue.idea,
    "datasets": catalogue.dataset,
}


def main(ini: str, what: str, start: int, stop: int) -> None:
    """Create the records with these numbers; none may fail."""
    logging.disable(logging.INFO)
    app: Any = make_app(CKANConfigLoader(ini).get_config())
    with app._wsgi_app.test_request_context():
        login_user(model.User.get(_user()))
        rows = [MAKERS[what](number) for number in range(start, stop)]
        outcome = bulk.create_packages(rows, _user(), print_progress)
    assert not outcome.errors, outcome.errors


def _user() -> str:
    return tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]


def print_progress(done: int, total: int) -> None:
    """Print the progress."""
    print(f"\r{done} of {total} ", end="" if done < total else "\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
