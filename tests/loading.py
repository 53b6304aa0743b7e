"""Plugins and the Flask application, loaded once for all tests that want the same configuration.

CKAN's own fixtures load and unload every plugin for each test, and again for each application:
schemas are read, templates compiled and settings declared four times a test, which was more than
half of the time of the suite. What a test gets is the same; only when it was made differs.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from typing import Any

from ckan import model
from ckan.common import config
from ckan.config.environment import CONFIG_FROM_ENV_VARS
from ckan.lib import app_globals
from ckan.plugins import core
from ckan.tests import helpers
from ckan.tests.helpers import CKANResponse, CKANTestApp, CKANTestClient

Wanted = tuple[dict[str, Any], list[str | None]]


def _wanted() -> Wanted:
    # CKAN reads these variables whenever plugins are loaded.
    return dict(config), [os.environ.get(name) for name in CONFIG_FROM_ENV_VARS.values()]


class _Loaded:
    """The plugins of one configuration, and the application made with them."""

    def __init__(self, make: Callable[[], CKANTestApp]) -> None:
        self.wanted = copy.deepcopy(_wanted())
        self.app = make()
        self.services = dict(core._PLUGINS_SERVICE)
        self.config = copy.deepcopy(dict(config))
        self.flask_config = copy.deepcopy(dict(self.app.flask_app.config))

    def intact(self) -> bool:
        """Whether nobody loaded or unloaded a plugin since."""
        return self.services == core._PLUGINS_SERVICE

    def settle(self) -> None:
        """Put every setting back to what it was when the plugins had been loaded."""
        config.clear()
        config.update(copy.deepcopy(self.config))
        self.app.flask_app.config.clear()
        self.app.flask_app.config.update(copy.deepcopy(self.flask_config))
        app_globals.app_globals._init()
        model.Session.remove()


_loaded: _Loaded | None = None


def enter() -> None:
    """Have the plugins loaded that the configuration of this moment names."""
    global _loaded
    if _loaded and _loaded.intact() and _loaded.wanted == _wanted():
        _loaded.settle()
    else:
        _loaded = _Loaded(helpers._get_test_app)


def leave() -> None:
    """Unload every plugin, for a test that asks for none."""
    if core._PLUGINS_SERVICE:
        core.unload_all()


class _Client(CKANTestClient):
    """Reads answers to their end and closes them, as servers do.

    A streamed one holds a transaction until then, and a test that keeps it, or fails with it, would
    have every later migration wait for it.
    """

    def open(self, *args: Any, **options: Any) -> Any:
        return super().open(*args, **{"buffered": True, **options})


class _App(CKANTestApp):
    def test_client(self, use_cookies: bool = True, user: model.User | None = None) -> _Client:
        return _Client(self.flask_app, CKANResponse, use_cookies=use_cookies, user=user)


def app() -> CKANTestApp:
    """Return a client without cookies of the application that goes with the loaded plugins.

    A setting that a test changes after they were loaded holds as in a running site: where CKAN
    reads it again.
    """
    if _loaded is None or not _loaded.intact():
        enter()
    assert _loaded
    return _App(_loaded.app.app)
