"""Every URL of ours: CKAN registers the blueprints that the modules of this folder make."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from flask import Blueprint

# That of ``marathon_site`` registers its own.
_SITE = "home"
_MODULES = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]


def collect_blueprints() -> list[Blueprint]:
    """Return what ``marathon`` registers, by name: their hooks run in this order."""
    found = [
        value
        for module in _MODULES
        for value in vars(module).values()
        if isinstance(value, Blueprint) and value.import_name == module.__name__
        if module.__name__ != f"{__name__}.{_SITE}"
    ]
    return sorted(found, key=lambda blueprint: blueprint.name)
