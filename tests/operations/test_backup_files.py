"""Backups while files are added, changed and deleted, and on a full disk."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model

from ckanext.marathon.operations import backup, restore
from ckanext.marathon.operations.backup import (
    PROGRAMS_OPTION,
    BackupFault,
    Copies,
    Manifest,
    ProgramFailed,
    Progress,
    copy_file,
)
from stack.postgres import find_binaries
from tests import factories, proving
from tests.stack.faulty import mounted

MEGABYTE = 1 << 20


@pytest.fixture
def files(
    marathon_site: None,
    with_request_context: None,
    storage: Path,
    ckan_config: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Path]:
    """The folder of a site that has a dataset with three uploaded files."""
    monkeypatch.setitem(ckan_config, PROGRAMS_OPTION, str(find_binaries()))
    dataset = factories.MarathonDataset(
        resources=[{"url": f"https://example.gt/{name}.csv"} for name in "abc"]
    )
    model.Session.execute(sa.text("UPDATE resource SET url_type = 'upload', url = 'pozos.csv'"))
    model.Session.commit()
    found = []
    for resource in dataset["resources"]:
        id_ = resource["id"]
        path = storage / "resources" / id_[:3] / id_[3:6] / id_[6:]
        path.parent.mkdir(parents=True)
        path.write_bytes(b"pozo,metros\n")
        os.utime(path, (1, 1))
        found.append(path)
    return sorted(found)


def when(step: str, moment: Callable[[int, int], bool], act: Callable[[], object]) -> Any:
    """Return a progress that acts once, at a moment of a step."""
    waiting = [act]

    def begin(label: str) -> Progress:
        def at(done: int, total: int) -> None:
            if label == step and waiting and moment(done, total):
                waiting.pop()()

        return at

    return begin


def begins(done: int, total: int) -> bool:
    return done == 0


def name_of(path: Path, storage: Path) -> str:
    return str(path.relative_to(storage))


class TestConcurrentChanges:
    @pytest.mark.parametrize("step", ["Database", "Files"])
    def test_a_file_that_is_deleted_after_the_snapshot_is_a_fault(
        self, step: str, files: list[Path], storage: Path, tmp_path: Path
    ) -> None:
        """Before the folder is read, and after."""
        target = tmp_path / "backup"
        outcome = backup.make_backup(target, when(step, begins, files[1].unlink))
        name = name_of(files[1], storage)
        assert (outcome.vanished, outcome.absent, outcome.replaced) == ([name], [], [])
        assert Manifest.read(target).missing == [name]
        # All the rest is there and whole.
        found = restore.check_backup(target, lambda *_: None)
        assert sum(each.startswith("files/resources/") for each in found.files) == 2

    def test_a_file_that_is_replaced_after_the_snapshot_is_named(
        self, files: list[Path], storage: Path, tmp_path: Path
    ) -> None:
        def replace() -> None:
            new = files[2].with_name("new~")
            new.write_bytes(b"pozo,metros\n1,12\n")
            new.replace(files[2])

        target = tmp_path / "backup"
        outcome = backup.make_backup(target, when("Files", begins, replace))
        name = name_of(files[2], storage)
        assert (outcome.replaced, outcome.vanished, outcome.unsettled) == ([name], [], [])
        assert (target / "files" / name).read_bytes() == b"pozo,metros\n1,12\n"
        restore.check_backup(target, lambda *_: None)

    def test_a_new_file_without_a_record_is_copied_and_is_no_fault(
        self, files: list[Path], storage: Path, tmp_path: Path
    ) -> None:
        new = files[0].with_name("new")
        target = tmp_path / "backup"
        outcome = backup.make_backup(target, when("Database", begins, new.touch))
        assert (outcome.vanished, outcome.replaced, outcome.unsettled) == ([], [], [])
        assert (target / "files" / name_of(new, storage)).is_file()


class TestCopies:
    def test_a_file_changed_while_copied_is_copied_again(self, tmp_path: Path) -> None:
        """The copy never mixes two versions."""
        source, copies = tmp_path / "source", Copies()
        source.write_bytes(b"a" * (32 * MEGABYTE))
        with Overwriting(source, times=1):
            copies.add("x", source, tmp_path / "copy")
        assert copies.unsettled == set()
        assert set((tmp_path / "copy").read_bytes()) == {ord("b")}

    def test_a_copy_of_a_file_modified_just_now_is_not_settled(self, tmp_path: Path) -> None:
        """Two writes within one tick of the kernel's clock leave the same time."""
        source = tmp_path / "source"
        source.write_bytes(b"pozo,metros\n")
        assert copy_file(source, tmp_path / "copy")[1] is False
        before = source.stat().st_mtime_ns - 1_000_000_000
        os.utime(source, ns=(before, before))
        assert copy_file(source, tmp_path / "second copy")[1] is True

    def test_a_file_that_keeps_changing_is_named(self, tmp_path: Path) -> None:
        source, copies = tmp_path / "source", Copies()
        source.write_bytes(b"a" * (8 * MEGABYTE))
        with Overwriting(source, times=0):
            copies.add("x", source, tmp_path / "copy")
        assert copies.unsettled == {"x"}
        assert copies.files["x"]["size"] == (tmp_path / "copy").stat().st_size


class Overwriting:
    """Writes over a file in place from its end, in a thread: ``times``, or until it is left."""

    def __init__(self, path: Path, times: int) -> None:
        self._path, self._times = path, times
        self._began, self._left = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._began.wait(10)

    def __exit__(self, *exception: object) -> None:
        self._left.set()
        self._thread.join()

    def _run(self) -> None:
        size, done = self._path.stat().st_size, 0
        while not (done == self._times if self._times else self._left.is_set()):
            done += 1
            with self._path.open("r+b", buffering=0) as file:
                for start in reversed(range(0, size, MEGABYTE)):
                    file.seek(start)
                    file.write(b"b" * MEGABYTE)
                    self._began.set()
                    time.sleep(0.01)


class TestFullDisk:
    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Path]:
        """A disk of 40 MB."""
        if os.geteuid() != 0:
            proving.NOTES.append("BACKUP ON A FULL DISK: NOT TRIED, mounting needs root")
            pytest.skip("a disk of its own cannot be mounted: run this as root")
        with mounted(tmp_path / "disk", "40M"):
            yield tmp_path / "disk"

    def test_too_little_disk_space_is_refused_before_copying(
        self, files: list[Path], storage: Path, disk: Path
    ) -> None:
        filler = disk / "filler"
        filler.write_bytes(b"x" * (38 * MEGABYTE))
        with pytest.raises(BackupFault, match=rf"MB are needed in {disk}, 2 MB are free"):
            backup.make_backup(disk / "new" / "backup", lambda _: lambda *_: None)
        assert list(disk.iterdir()) == [filler]

    @pytest.mark.parametrize(
        ("step", "fault", "said"),
        [
            ("Database", ProgramFailed, "No space left on device"),
            ("Files", BackupFault, "No space is left in"),
        ],
    )
    def test_an_unfinished_backup_is_removed_when_the_disk_is_full(
        self, step: str, fault: type[Exception], said: str, files: list[Path], disk: Path
    ) -> None:
        """Another program fills the disk during the backup."""
        filler = disk / "filler"

        def fill() -> None:
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(b"x" * 4096)

        files[0].write_bytes(os.urandom(MEGABYTE // 2))
        with pytest.raises(fault, match=said):
            backup.make_backup(disk / "backup", when(step, begins, fill))
        assert list(disk.iterdir()) == [filler]
        filler.unlink()
        backup.make_backup(disk / "backup", lambda _: lambda *_: None)
        restore.check_backup(disk / "backup", lambda *_: None)


def test_takedown_lists_are_united_with_all_files_that_any_of_them_names() -> None:
    older = {"id": "pozos-1", "reason": "Orden judicial", "at": "2026-03-01T10:00:00+00:00"}
    newer = {"id": "pozos-1", "reason": "Otra", "resources": ["b"], "pending": ["files"]}
    other = {"id": "pozos-2", "reason": "Otra", "resources": []}
    first, second = restore.unite_takedowns(
        [{**older, "resources": ["a"]}], [newer, other], [older]
    )
    # The checksum that was stored first counts.
    assert (first["reason"], first["resources"]) == ("Orden judicial", ["a", "b"])
    assert second == other
