"""The configuration that ``make run`` writes."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from stack.ckan_site import write_ini
from stack.data_directory import Layout
from stack.messages import StackError
from stack.servers import Addresses, Settings

DATABASE = "postgresql://ckan:p%25ss@/ckan?host=/tmp/a%20b"


def written(root: Path, site_url: str, *datastore: str) -> configparser.SectionProxy:
    layout = Layout(root)
    (root / "site").mkdir(parents=True)
    addresses = Addresses(DATABASE, "r", "s", "u", "p", *datastore)
    write_ini(layout, Settings(site_url=site_url), addresses)
    # As CKAN reads it.
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(root / "site" / "generated.ini", encoding="utf-8")
    return parser["app:main"]


@pytest.mark.parametrize(
    ("site_url", "is_secure"), [("https://datos.example.gt", "true"), ("", "false")]
)
def test_cookies_are_same_site_and_last_twelve_hours(
    tmp_path: Path, site_url: str, is_secure: str
) -> None:
    found = written(tmp_path, site_url)
    for cookie in ("SESSION_COOKIE", "REMEMBER_COOKIE"):
        assert found[f"{cookie}_SECURE"] == is_secure
        assert found[f"{cookie}_HTTPONLY"] == "true"
        assert found[f"{cookie}_SAMESITE"] == "Lax"
    assert found["PERMANENT_SESSION_LIFETIME"] == found["REMEMBER_COOKIE_DURATION"] == "43200"


def test_a_percent_sign_in_an_address_is_escaped(tmp_path: Path) -> None:
    assert written(tmp_path, "")["sqlalchemy.url"] == DATABASE


def test_a_site_has_a_datastore_if_there_is_a_database_for_it(tmp_path: Path) -> None:
    without = written(tmp_path / "without", "")
    assert "datastore" not in without["ckan.plugins"].split()
    reading = DATABASE.replace("ckan:", "reader:")
    found = written(tmp_path / "with", "", DATABASE, reading)
    plugins = found["ckan.plugins"].split()
    assert plugins.index("marathon") < plugins.index("datastore")
    assert found["ckan.datastore.write_url"] == DATABASE
    assert found["ckan.datastore.read_url"] == reading
    assert found["ckan.datastore.sqlsearch.enabled"] == "false"


def test_both_addresses_of_a_datastore_are_needed_beside_an_external_database() -> None:
    named = {"CKAN_DATASTORE_WRITE_URL": DATABASE}
    with pytest.raises(StackError, match="CKAN_DATASTORE_READ_URL"):
        Settings.read({"CKAN_SQLALCHEMY_URL": DATABASE, **named})
    # Our own PostgreSQL has a DataStore of its own.
    assert Settings.read(named).datastore_write == ""
