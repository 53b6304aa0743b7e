"""Template helpers: the functions called ``marathon_…``, and those chained to CKAN's."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import ckan.plugins as p

from ckanext.marathon.helpers import (
    chain,
    filters,
    form,
    labels,
    record,
    sharing,
    site,
)

Helpers = dict[str, Callable[..., Any]]


def collect_helpers() -> Helpers:
    """Return the helpers of ``marathon``, and those chained to helpers of CKAN and plugins."""
    modules = (chain, filters, form, labels, record, sharing)
    own = _collect_of_modules(*modules)
    croissant = own.pop("chain_croissant")
    if p.plugin_loaded("croissant"):
        own["croissant"] = croissant
    return own


def collect_site_helpers() -> Helpers:
    """Return the helpers of ``marathon_site``."""
    return _collect_of_modules(site)


def _collect_of_modules(*modules: ModuleType) -> Helpers:
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__
        and (name.startswith("marathon_") or getattr(value, "chained_helper", False))
    }
