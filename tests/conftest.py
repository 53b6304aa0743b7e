"""What every test of the plugin shares: a database with our tables, and our factories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from ckan import model

from ckanext.marathon.model import clock
from tests import proving

hypothesis.settings.register_profile("marathon", derandomize=not proving.FULL, database=None)
hypothesis.settings.load_profile("marathon")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how much the randomised proofs tried, and how to repeat them."""
    for note in sorted(set(proving.NOTES)):
        terminalreporter.write_line(note)
    if proving.NOTES:
        terminalreporter.write_line(f"MARATHON_SEED={proving.SEED}")


@pytest.fixture
def clean_db(
    with_plugins: None, reset_db: Callable[[], None], migrate_db_for: Callable[[str], None]
) -> None:
    """Empty the database and make sure that our tables are there."""
    reset_db()
    # CKAN drops every table once a session and afterwards only empties them.
    if not sa.inspect(model.meta.engine).has_table("marathon_link"):
        migrate_db_for("marathon")
    clock.start(complete=True)
    model.repo.commit()


@pytest.fixture
def marathon_site(clean_db: None, clean_index: Any) -> None:
    """An empty site with the plugin loaded: database, our tables and search index."""
