"""Errors of the commands are one line in both languages, with an exit code other than 0."""

from __future__ import annotations

import os
import pty
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stack import run, testing
from stack.__main__ import main
from stack.data_directory import MARKER, Layout
from stack.messages import StackError
from stack.solr import find_free_port


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the only line that was printed."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert " / " in lines[0]
    return lines[0]


class TestRun:
    def test_a_busy_port_is_named_and_another_suggested(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            monkeypatch.setenv("MARATHON_PORT", str(port))
            assert main(["run", "--data", str(tmp_path / "data")]) == 1
        line = said(capsys)
        assert f"port {port} is busy" in line
        assert f"MARATHON_PORT={port + 1}" in line

    @pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "80 80"])
    def test_an_invalid_port_is_refused(
        self,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        text: str,
    ) -> None:
        monkeypatch.setenv("MARATHON_PORT", text)
        assert main(["run", "--data", str(tmp_path / "data")]) == 1
        assert f"MARATHON_PORT={text} is not a port" in said(capsys)

    def test_too_little_disk_space_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # More than this disk has, whatever disk it is.
        needed = shutil.disk_usage(tmp_path).total // 1_000_000 + 1
        monkeypatch.setattr(run, "NEEDED_MEGABYTES", needed)
        monkeypatch.setenv("MARATHON_PORT", str(find_free_port()))
        assert main(["run", "--data", str(tmp_path / "data")]) == 1
        assert f"no disk space: {needed} MB" in said(capsys)

    def test_too_little_disk_space_for_tests_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        needed = shutil.disk_usage(tmp_path).total // 1_000_000 + 1
        monkeypatch.setattr(testing, "NEEDED_MEGABYTES", needed)
        assert main(["services", "--data", str(tmp_path / "data"), "--", "true"]) == 1
        assert f"no disk space: {needed} MB" in said(capsys)

    def test_a_directory_with_other_files_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "thesis.odt").write_text("years of work")
        assert main(["services", "--fresh", "--data", str(tmp_path), "--", "true"]) == 1
        assert "was not made by this programme" in said(capsys)
        assert (tmp_path / "thesis.odt").read_text() == "years of work"

    @pytest.mark.parametrize("command", ["stop", "reset", "logs"])
    def test_commands_without_a_site_fail_with_a_sentence(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
    ) -> None:
        assert main([command, "--data", str(tmp_path / "none")]) == 1
        assert "there is no site" in said(capsys)

    def test_an_unwritable_directory_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        # Not even root can.
        assert main(["run", "--data", "/proc/marathon"]) == 1
        assert "/proc/marathon" in said(capsys)

    def test_a_socket_directory_of_another_user_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deep = tmp_path / ("x" * 120) / MARKER
        layout = Layout(deep)
        planted = layout.sockets
        assert len(str(planted)) < 80
        planted.symlink_to(tmp_path)
        try:
            with pytest.raises(StackError, match="belongs to another user"):
                layout.make_sockets()
        finally:
            planted.unlink()


class TestReset:
    @pytest.mark.parametrize(("typed", "deleted"), [("s", True), ("y", True), ("", False)])
    def test_reset_accepts_yes_in_both_languages(
        self, tmp_path: Path, typed: str, deleted: bool
    ) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / MARKER).touch()
        terminal, ours = pty.openpty()
        asking = subprocess.Popen(
            [sys.executable, "-m", "stack", "reset", "--data", str(data)],
            stdin=ours,
            stdout=subprocess.PIPE,
            text=True,
        )
        os.write(terminal, f"{typed}\n".encode())
        said, _ = asking.communicate(timeout=60)
        os.close(terminal)
        os.close(ours)
        assert "[y/s/N]" in said
        assert data.exists() != deleted
