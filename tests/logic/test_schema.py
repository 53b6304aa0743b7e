"""Each action with parameters has a schema of its name, which agrees with its help."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from ckanext.marathon.logic import collect_functions, schema
from ckanext.marathon.logic.action import collect_actions
from ckanext.marathon.logic.parameters import read_parameters


@pytest.mark.usefixtures("with_plugins")
class TestSchemas:
    def test_an_action_takes_the_parameters_in_its_help(self) -> None:
        schemas = collect_functions(schema.__name__)
        taking: dict[str, set[str]] = {}
        for name in collect_actions():
            documented = set(read_parameters(name)) if name.startswith("marathon_") else set()
            if documented:
                taking[name] = documented
        assert schemas.keys() == taking.keys()
        for name, documented in taking.items():
            assert set(schemas[name]()) <= documented, name

    def test_every_action_with_a_schema_is_validated_by_it(self) -> None:
        called: list[str] = []
        for name, action in collect_actions().items():
            if not name.startswith("marathon_"):
                continue
            closure: dict[str, Any] = inspect.getclosurevars(action).nonlocals
            if "schema_func" in closure:
                assert closure["schema_func"] is getattr(schema, name), name
                called.append(name)
        assert set(called) == set(collect_functions(schema.__name__))
