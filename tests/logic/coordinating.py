"""The coordinating body, its people, and a municipality that is not theirs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import CoordinatingBody, Municipality, Workshop, officer
from tests.remembered import remembered

__all__ = ["admin", "body", "editor", "muni", "workshop_of"]


@pytest.fixture
@remembered
def body(marathon_site: None) -> str:
    return CoordinatingBody()["id"]


@pytest.fixture
@remembered
def editor(body: str) -> str:
    return officer(body)["name"]


@pytest.fixture
@remembered
def admin(body: str) -> str:
    return officer(body, "admin")["name"]


@pytest.fixture
@remembered
def muni(marathon_site: None) -> dict[str, Any]:
    return Municipality()


def workshop_of(muni: dict[str, Any], **more: Any) -> dict[str, Any]:
    return Workshop(owner_org=muni["id"], municipality=[muni["municipality_code"]], **more)
