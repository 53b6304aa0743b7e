"""The configuration that ``make run`` writes."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from stack.ckan_site import write_ini
from stack.data_directory import Layout
from stack.servers import Addresses, Settings

DATABASE = "postgresql://ckan:p%25ss@/ckan?host=/tmp/a%20b"


def written(root: Path, site_url: str) -> configparser.SectionProxy:
    layout = Layout(root)
    (root / "site").mkdir()
    write_ini(layout, Settings(site_url=site_url), Addresses(DATABASE, "r", "s", "u", "p"))
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
