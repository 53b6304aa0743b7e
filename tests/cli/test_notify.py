"""``ckan marathon notify`` without the plugin activity; its mails: tests/views/test_follow.py."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.cli.cli import ckan

pytestmark = pytest.mark.usefixtures("marathon_site")


def test_without_the_activity_plugin_the_command_fails_with_a_sentence(cli: Any) -> None:
    result = cli.invoke(ckan, ["marathon", "notify"])
    assert result.exit_code == 1
    assert "activity" in result.output
    assert "Traceback" not in result.output
