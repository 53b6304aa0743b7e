"""CKAN actions, auth functions and validators."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any


def collect_functions(package: str, chained: str = "") -> dict[str, Any]:
    """Return name → function for the functions of a module or package that CKAN should register.

    These are the functions named ``marathon_…`` and the public ones that are chained to a function
    of CKAN with the same name.

    Args:
        package: full name of the module or package.
        chained: the attribute with which CKAN marks a chained function; ``""`` if none is chained.
    """
    collected: dict[str, Any] = {}
    whole = importlib.import_module(package)
    parts = pkgutil.iter_modules(getattr(whole, "__path__", ()), f"{package}.")
    for module in [whole, *(importlib.import_module(part.name) for part in parts)]:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_ours = name.startswith("marathon_")
            is_chained = bool(chained) and hasattr(function, chained) and not name.startswith("_")
            if function.__module__ == module.__name__ and (is_ours or is_chained):
                assert name not in collected, f"{name} is in two modules"
                collected[name] = function
    return collected
