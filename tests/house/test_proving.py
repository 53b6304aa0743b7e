"""Random examples of `make test` are the same in every run and in any order of tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import chance, proving


def drawn() -> list[str]:
    """Return the texts that a property is tried with."""
    found: list[str] = []

    @settings(max_examples=300)
    @given(st.text(max_size=40))
    def keep(text: str) -> None:
        found.append(text)

    keep()
    return found


@pytest.mark.skipif(proving.FULL, reason="make prove tries something new each time")
def test_imported_modules_do_not_change_random_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = drawn()
    written = tmp_path / "own_code.py"
    written.write_text("\n".join(f"a{n} = 'a constant, {n}'" for n in range(500)), "utf-8")
    spec = importlib.util.spec_from_file_location("own_code", written)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "own_code", module)
    assert drawn() == before


def made_up() -> list[str]:
    return [*(chance.fake.name() for _ in range(3)), str(chance.next_number())]


def test_factories_give_the_same_values_for_a_file_in_any_order() -> None:
    chance.begin("tests/a.py")
    before = made_up() + made_up()
    chance.begin("tests/b.py")
    assert made_up() != before[:4]
    chance.begin("tests/a.py")
    first = made_up()
    with chance.apart("Municipality"):
        inner = made_up()
    assert first + made_up() == before
    with chance.apart("Municipality"):
        assert made_up() == inner
