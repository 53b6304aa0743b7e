"""Plugins and the Flask application, loaded once for all tests that want the same configuration.

CKAN's own fixtures load and unload every plugin for each test, and again for each application:
schemas are read, templates compiled and settings declared four times a test, which was more than
half of the time of the suite. What a test gets is the same; only when it was made differs.
"""

from __future__ import annotations

import copy
import gc
import inspect
import json
import marshal
import os
import sys
from collections.abc import Callable
from typing import Any

import jinja2
import yaml
from ckan import model
from ckan.cli import cli
from ckan.common import config
from ckan.config.environment import CONFIG_FROM_ENV_VARS
from ckan.config.middleware import make_app
from ckan.plugins import core
from ckan.tests.helpers import CKANResponse, CKANTestApp, CKANTestClient
from ckanext.scheming import loader
from passlib.hash import pbkdf2_sha512

from tests import private_names

Wanted = tuple[dict[str, Any], list[str | None]]


def _wanted() -> Wanted:
    # CKAN reads these variables whenever plugins are loaded.
    return dict(config), [os.environ.get(name) for name in CONFIG_FROM_ENV_VARS.values()]


class _Templates(jinja2.BytecodeCache):
    """Compiled templates, which every application of this process takes from the same place.

    jinja2 compares the text of the template, so that an edited one is compiled again.
    """

    def __init__(self) -> None:
        self._compiled: dict[str, tuple[str, bytes]] = {}

    def load_bytecode(self, bucket: Any) -> None:
        checksum, code = self._compiled.get(bucket.key, ("", b""))
        if checksum == bucket.checksum:
            bucket.code = marshal.loads(code)

    def dump_bytecode(self, bucket: Any) -> None:
        self._compiled[bucket.key] = bucket.checksum, marshal.dumps(bucket.code)


_templates = _Templates()
_schemas: dict[str, Any] = {}


def _read_schema(file: Any) -> Any:
    """Do what ckanext-scheming's loader does, parsing a YAML text only once."""
    if not loader.is_yaml(file.name):
        return json.load(file)
    text = file.read()
    if text not in _schemas:
        _schemas[text] = yaml.load(text, yaml.CSafeLoader)
    return copy.deepcopy(_schemas[text])


def economise() -> None:
    """Spare the tests what they repeat thousands of times and what no test is about.

    Passwords are hashed in one round instead of 25,000. To find a plugin's folder, CKAN reads the
    source of every caller's caller; here it gets their file names alone. Schemas are parsed once.
    Garbage is looked for less often: so much is short-lived that it took a thirteenth of the time.
    """
    gc.set_threshold(50_000, 20, 20)
    pbkdf2_sha512.default_rounds = 1
    inspect.stack = lambda context=0: inspect.getouterframes(sys._getframe(1), 0)
    loader.load = _read_schema
    cli.make_app = _make_app_of_command


class _Loaded:
    """The plugins of one configuration, and the application made with them."""

    def __init__(self, make: Callable[[], CKANTestApp]) -> None:
        self.wanted = copy.deepcopy(_wanted())
        self.app = make()
        self.app.flask_app.jinja_env.bytecode_cache = _templates
        self.services = private_names.read_loaded_plugins()
        self.config = copy.deepcopy(dict(config))
        self.flask_config = copy.deepcopy(dict(self.app.flask_app.config))

    def intact(self) -> bool:
        """Whether nobody loaded or unloaded a plugin since."""
        return self.services == private_names.read_loaded_plugins()

    def settle(self) -> None:
        """Put every setting back to what it was when the plugins had been loaded."""
        config.clear()
        config.update(copy.deepcopy(self.config))
        self.app.flask_app.config.clear()
        self.app.flask_app.config.update(copy.deepcopy(self.flask_config))
        private_names.read_globals_again()
        model.Session.remove()


_loaded: _Loaded | None = None
# Another folder for each process, which is not in the ini file.
_OF_PROCESS = {"ckan.webassets.path", *CONFIG_FROM_ENV_VARS}


def _make_app_of_command(settings: Any) -> Any:
    """Return the application for a ``ckan`` command that a test invokes in its own process.

    It is the one that is loaded, unless the command's ini file or what a test has changed since
    would make another one.
    """
    if _loaded and _loaded.intact() and dict(config) == _loaded.config:
        wanted, environment = _loaded.wanted
        differing = {key for key in settings if str(settings[key]) != str(wanted.get(key))}
        if environment == _wanted()[1] and differing <= _OF_PROCESS:
            return _loaded.app.app
    return make_app(settings)


def enter() -> None:
    """Have the plugins loaded that the configuration of this moment names."""
    global _loaded
    if _loaded and _loaded.intact() and _loaded.wanted == _wanted():
        _loaded.settle()
    else:
        # CKAN reads the configuration again when the last ones go and when the next ones come.
        with private_names.configuration_left_unread():
            core.unload_all()
        _loaded = _Loaded(private_names.make_test_app)


def leave() -> None:
    """Unload every plugin, for a test that asks for none."""
    if private_names.read_loaded_plugins():
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
