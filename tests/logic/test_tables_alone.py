"""Tables of files on a site without a DataStore."""

from __future__ import annotations

import pytest

from ckanext.marathon.logic.table import work_off
from ckanext.marathon.model import table
from ckanext.marathon.model.table import TableState
from tests.logic.test_tables import ROWS, upload

pytestmark = pytest.mark.usefixtures("marathon_site", "storage")


def test_without_a_datastore_the_first_rows_are_kept_all_the_same() -> None:
    file = upload(ROWS)
    assert work_off() == 1
    kept = table.find_table(file["id"])
    assert kept
    assert (kept.state, kept.is_stored) == (TableState.LOADED, False)
    assert kept.sheets[0]["first"][0] == ["Ejemplo A", "2024-02-01", "1234.5", "0501"]
