"""``ckan marathon feed check``: our own consumer tests against a running site."""

from __future__ import annotations

import pytest

from ckanext.marathon.operations import portal_check
from ckanext.marathon.operations.portal_check import Check, Failed

from .test_following import World, world

__all__ = ["world"]


def test_nothing_is_wrong_with_ours(world: World) -> None:
    for part in ("", "/municipality/0101", f"/idea/{world.ideas[0]}"):
        report = world.site.run("marathon", "feed", "check", f"{world.site.url}{part}")
        assert report.count("✓") == 10, report
        assert "✗" not in report


def test_what_is_wrong_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_check, "SECONDS", 5)
    findings = list(Check("http://127.0.0.1:9/catalog").run())
    assert len(findings) == 10
    assert all(each.fault for each in findings)
    check = Check(world.site.url)
    check.formats()
    check._all.add("https://example.gt/dataset/nobody-has-it")
    for wrong in (check.pages, check.changes, check.data_json):
        with pytest.raises(Failed, match="1 missing"):
            wrong()
