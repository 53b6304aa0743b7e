"""Commands print no password of an address, also if the server does not answer."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from ckanext.marathon.cli.backup import backup_site
from ckanext.marathon.cli.feed import check_feeds
from ckanext.marathon.operations import backup

PASSWORD = "correct-horse-7731"

pytestmark = pytest.mark.usefixtures("marathon_site", "with_request_context")


def test_the_report_of_a_feed_has_no_password() -> None:
    result = CliRunner().invoke(check_feeds, [f"http://u:{PASSWORD}@127.0.0.1:9/"])
    assert result.exit_code == 1
    assert "127.0.0.1" in result.output
    assert PASSWORD not in result.output


def test_the_password_of_an_unreachable_database_is_not_printed(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        backup,
        "make_backup",
        lambda directory, _begin: sa.create_engine(
            f"postgresql://u:{PASSWORD}@127.0.0.1:9/x"
        ).connect(),
    )
    result = CliRunner().invoke(backup_site, [str(tmp_path / "one")])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "127.0.0.1" in result.output
    assert PASSWORD not in result.output
