"""All routes of the extension: CKAN registers the blueprints of the modules in this folder."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from flask import Blueprint

# The plugin ``marathon_site`` registers the blueprints of this module.
_SITE = "home"
_MODULES = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]


def collect_blueprints() -> list[Blueprint]:
    """Return the blueprints of ``marathon``, by name: their hooks run in this order."""
    found = [
        value
        for module in _MODULES
        for value in vars(module).values()
        if isinstance(value, Blueprint) and value.import_name == module.__name__
        if module.__name__ != f"{__name__}.{_SITE}"
    ]
    return sorted(found, key=lambda blueprint: blueprint.name)
