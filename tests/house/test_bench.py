"""The servers of ``make bench``, which no other test starts."""

from __future__ import annotations

import importlib
import inspect

import pytest

from bench import sites as bench_sites
from tests.sites import Site


@pytest.mark.parametrize("kind", [Site, bench_sites.Unlogged, bench_sites.Static])
def test_the_application_of_a_site_takes_its_ini_file_and_the_templates(kind: type[Site]) -> None:
    module, _, function = kind.served_by.partition(":")
    made_by = getattr(importlib.import_module(module), function)
    inspect.signature(made_by).bind("ckan.ini", "templates")
