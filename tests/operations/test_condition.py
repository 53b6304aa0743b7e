"""Faults that the doctor finds after accidents, and those that ``--fix`` corrects."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan
from ckan.tests import helpers

from ckanext.marathon.model import clock
from ckanext.marathon.operations import doctor, upkeep
from ckanext.marathon.operations.doctor import Finding, Health
from tests.factories import Workshop

pytestmark = pytest.mark.usefixtures("marathon_site", "with_request_context")
DAYS = 2 * 24 * 3600


def faults(check: Any) -> list[Finding]:
    return [finding for finding in check() if finding.health is not Health.GOOD]


@pytest.fixture
def storage(ckan_config: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty folder of uploaded files."""
    monkeypatch.setitem(ckan_config, "ckan.storage_path", str(tmp_path))
    return tmp_path / "resources"


def stored(storage: Path, resource_id: str, age: float = DAYS) -> Path:
    """Write a file where CKAN would, so many seconds ago."""
    path = storage / resource_id[:3] / resource_id[3:6] / resource_id[6:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("pozo,profundidad\n")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


class TestFiles:
    def test_partial_files_are_named_and_removed(self, storage: Path) -> None:
        part = stored(storage, "b3a2c1d0-0000-4000-8000-000000000001~")
        on_its_way = stored(storage, "b3a2c1d0-0000-4000-8000-000000000002~", age=60)
        (finding,) = faults(doctor.check_files)
        assert str(part) in finding.text
        assert str(on_its_way) not in finding.text
        assert finding.mend is not None
        assert str(part) in finding.mend()
        assert not part.exists()
        assert on_its_way.exists()
        assert faults(doctor.check_files) == []

    def test_files_without_a_record_are_named_and_stay(self, storage: Path) -> None:
        workshop = Workshop(resources=[{"name": "Acta", "url": "https://example.gt/acta.pdf"}])
        known = stored(storage, workshop["resources"][0]["id"])
        unknown = stored(storage, "b3a2c1d0-0000-4000-8000-000000000003")
        (finding,) = faults(doctor.check_files)
        assert str(unknown) in finding.text
        assert finding.mend is None
        assert upkeep.list_unknown_files() == [unknown]
        # What is deleted can be brought back by a system administrator.
        helpers.call_action("package_delete", id=workshop["id"])
        assert upkeep.list_unknown_files() == [unknown]
        assert known.exists()


class TestDisk:
    def test_too_little_disk_space_is_a_fault(
        self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setitem(ckan_config, "ckanext.marathon.disk_path", str(tmp_path))
        assert faults(doctor.check_disk) == []
        monkeypatch.setitem(ckan_config, "ckanext.marathon.disk_free_mb", 10**9)
        (finding,) = faults(doctor.check_disk)
        assert finding.health is Health.BAD
        monkeypatch.setitem(ckan_config, "ckanext.marathon.disk_path", str(tmp_path / "none"))
        (finding,) = faults(doctor.check_disk)
        assert finding.health is Health.WARNING
        assert str(tmp_path / "none") in finding.text


class TestFeed:
    def test_an_incomplete_log_is_rebuilt(self, cli: Any) -> None:
        Workshop()
        clock.lock_clock()
        clock.set_complete(False)
        model.Session.commit()
        (finding,) = faults(doctor.check_feed)
        assert finding.health is Health.BAD
        assert finding.mend is not None
        finding.mend()
        assert faults(doctor.check_feed) == []

    def test_descriptions_with_a_former_site_url_are_rewritten(
        self, cli: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workshop = Workshop(resources=[{"name": "Acta", "url": "https://example.gt/acta.pdf"}])
        assert faults(doctor.check_feed) == []
        monkeypatch.setitem(ckan_config, "ckan.site_url", "https://datos.example.gt")
        (finding,) = faults(doctor.check_feed)
        assert workshop["id"] in finding.text
        assert finding.mend is not None
        finding.mend()
        assert faults(doctor.check_feed) == []

    def test_fix_checks_again_after_mending(self, cli: Any, storage: Path) -> None:
        part = stored(storage, "b3a2c1d0-0000-4000-8000-000000000001~")
        looked = cli.invoke(ckan, ["marathon", "doctor"])
        assert "doctor --fix" in looked.output
        assert part.exists()
        mended = cli.invoke(ckan, ["marathon", "doctor", "--fix"])
        assert mended.output.count(str(part)) == 2, mended.output
        assert not part.exists()


def test_a_database_lost_during_the_checks_is_reported() -> None:
    from ckanext.marathon.operations import doctor

    def ends_its_connection() -> Any:
        backend = model.Session.scalar(sa.text("SELECT pg_backend_pid()"))
        with model.meta.engine.connect() as other:  # type: ignore[union-attr]
            other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})
        yield model.Session.scalar(sa.text("SELECT 1"))

    checks = doctor.CHECKS
    doctor.CHECKS = (ends_its_connection,)
    try:
        (finding,) = doctor.examine_site()
    finally:
        doctor.CHECKS = checks
    assert finding.health is Health.BAD
    assert "PostgreSQL" in finding.text
