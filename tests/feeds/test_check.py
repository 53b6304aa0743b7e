"""``ckan marathon feed check``: our own consumer tests against a running site."""

from __future__ import annotations

import pytest

from ckanext.marathon.operations import portals
from ckanext.marathon.operations.portals import PortalCheck, PortalFailure

from .test_following import World, world

__all__ = ["world"]


def test_our_feeds_pass_every_check(world: World) -> None:
    for part in ("", "/municipality/0101", f"/idea/{world.ideas[0]}"):
        report = world.site.run("marathon", "feed", "check", f"{world.site.url}{part}")
        assert report.count("✓") == 10, report
        assert "✗" not in report


def test_faults_of_the_feeds_are_reported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portals, "SECONDS", 5)
    findings = list(PortalCheck("http://127.0.0.1:9/catalog").run())
    assert len(findings) == 10
    assert all(each.fault for each in findings)
    check = PortalCheck(world.site.url)
    check.formats()
    check._all.add("https://example.gt/dataset/nobody-has-it")
    for wrong in (check.pages, check.changes, check.data_json):
        with pytest.raises(PortalFailure, match="1 missing"):
            wrong()
