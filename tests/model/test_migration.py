from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from ckan import model
from ckan.cli.cli import ckan
from ckan.tests.helpers import CKANCliRunner

from ckanext.marathon.model import installation

TABLES = {
    "marathon_code",
    "marathon_idea_transition",
    "marathon_installation",
    "marathon_link",
    "marathon_place",
}


def tables() -> set[str]:
    return {name for name in sa.inspect(model.meta.engine).get_table_names() if "marathon" in name}


@pytest.mark.usefixtures("clean_db")
class TestMigration:
    def test_the_tables_are_those_of_the_models(self) -> None:
        with model.meta.engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "include_object": lambda thing, name, kind, *_: (
                        (kind != "table" or name.startswith("marathon_"))
                        and name != "marathon_alembic_version"
                    ),
                    "compare_type": True,
                },
            )
            # Not CKAN's `meta.metadata`: emptying a database puts another one in its place.
            assert compare_metadata(context, tk.BaseModel.metadata) == []
        assert tables() >= TABLES

    def test_it_goes_back_and_forth(self, migrate_db_for: Callable[..., None]) -> None:
        before = tables()
        migrate_db_for("marathon", version="base", forward=False)
        assert tables() == {"marathon_alembic_version"}
        migrate_db_for("marathon")
        assert tables() == before

    def test_the_command_is_ckans_own(self, cli: CKANCliRunner) -> None:
        for _ in range(2):
            result = cli.invoke(ckan, ["db", "upgrade", "-p", "marathon"])
            assert not result.exit_code, result.output
        assert tables() >= TABLES
        pending = cli.invoke(ckan, ["db", "pending-migrations"])
        assert "marathon" not in pending.output

    def test_it_writes_down_when_the_plugin_came(self, migrate_db_for: Callable[..., None]) -> None:
        migrate_db_for("marathon", version="base", forward=False)
        migrate_db_for("marathon")
        row = model.Session.execute(sa.text("SELECT installed_at FROM marathon_installation"))
        ago: timedelta = datetime.utcnow() - row.scalar_one()
        assert abs(ago) < timedelta(minutes=1)

    def test_without_that_row_the_plugin_came_now_and_only_once(self) -> None:
        first = installation.installed_at()
        model.repo.commit()
        assert installation.installed_at() == first
        assert abs(datetime.utcnow() - first) < timedelta(minutes=1)


@pytest.mark.usefixtures("clean_db")
class TestExtrasAreReadWithCare:
    @pytest.mark.parametrize("text", ["", "x", "{}", "1", "null", "[", '["a", 1, null, ["b"]]'])
    def test_what_is_no_list_of_texts(self, text: str) -> None:
        from ckanext.marathon.model import records

        package = model.Package(name="x", extras={"municipality": text})
        expected: Any = ["a"] if text.startswith('["a"') else []
        assert records.items(package, "municipality") == expected
        assert records.rows(package, "municipality") == []
