"""Private names of CKAN and other packages that the tests use.

A new version of a package may rename any of them. No other module of the tests uses one; a test
of the house looks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import pysolr
import pytest
from ckan import logic
from ckan.lib import app_globals
from ckan.lib import redis as ckan_redis
from ckan.plugins import core
from ckan.tests import helpers
from ckan.tests.pytest_ckan import ckan_setup
from hypothesis.internal.conjecture import providers
from sqlalchemy import Engine

make_test_app = helpers._get_test_app


def read_loaded_plugins() -> dict[str, Any]:
    """Return the plugins that CKAN has loaded, by name."""
    return dict(core._PLUGINS_SERVICE)


@contextmanager
def configuration_left_unread() -> Iterator[None]:
    """Keep CKAN from reading its configuration again while plugins are unloaded."""
    update = core.plugins_update
    core.plugins_update = lambda: None
    try:
        yield
    finally:
        core.plugins_update = update


def read_globals_again() -> None:
    """Have CKAN's templates see the settings of this moment."""
    app_globals.app_globals._init()


def forget_globals() -> None:
    """Empty the caches of CKAN's templates, which have settings of earlier tests."""
    app_globals._CONFIG_CACHE.clear()


def read_first_settings() -> dict[str, Any]:
    """Return the settings that CKAN goes back to before each test, to be changed in place."""
    return ckan_setup._config


def read_actions() -> dict[str, Any]:
    """Return the actions of CKAN and the plugins by name, once CKAN has loaded them."""
    logic.get_action("status_show")
    return logic._actions


def forget_valkey_connections(patches: pytest.MonkeyPatch) -> None:
    """Have CKAN connect to the Valkey of the settings, and go back after the test."""
    patches.setattr(ckan_redis, "_connection_pool", None)


_patches: WeakSet[pytest.MonkeyPatch] = WeakSet()


def watch_patches() -> None:
    """Have :func:`read_patches` know of everything that patches from now on."""
    begin = pytest.MonkeyPatch.__init__

    @functools.wraps(begin)
    def initialise(self: pytest.MonkeyPatch) -> None:
        begin(self)
        _patches.add(self)

    pytest.MonkeyPatch.__init__ = initialise


def read_patches() -> list[tuple[list[Any], list[Any]]]:
    """Return which attributes and which items of dicts are patched now, with their owners first.

    pytest keeps its temporary folders in its own configuration in this way.
    """
    return [
        (
            [each for each in patches._setattr if not isinstance(each[0], pytest.Config)],
            patches._setitem,
        )
        for patches in _patches
    ]


def read_flask_app(app: Any) -> Any:
    """Return the Flask application inside CKAN's application."""
    return app._wsgi_app


def send_to_solr(solr: pysolr.Solr, message: str, **options: Any) -> None:
    """Send Solr a message as pysolr makes it."""
    solr._update(message, **options)


def watch_solr(note: Callable[[str], None]) -> None:
    """Note every message that is sent to Solr from now on."""
    send = pysolr.Solr._update

    @functools.wraps(send)
    def update(self: pysolr.Solr, message: str | bytes, *arguments: Any, **options: Any) -> Any:
        note(message if isinstance(message, str) else message.decode())
        return send(self, message, *arguments, **options)

    pysolr.Solr._update = update


def read_cookies(client: Any) -> list[Any]:
    """Return the cookies of a test client of werkzeug."""
    return list(client._cookies.values())


def connect_as(engine: Engine) -> Callable[[], Any]:
    """Return the function that makes the connections of an engine's pool."""
    return engine.pool._creator


def draw_no_constants_of_modules() -> None:
    """Have hypothesis draw no constant that is written in one of our modules."""
    nothing = providers.Constants()
    providers._get_local_constants = lambda: nothing
