"""Content and rotation of the access log."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack import web
from stack.data_directory import Layout


@pytest.mark.parametrize(
    ("target", "logged"),
    [
        ("/catalog/changes?since=e.17&page=2", "/catalog/changes?since=e.17&page=2"),
        ("/user/reset/ana?key=secret", "/user/reset/ana"),
        ("/dataset?q=violencia+intrafamiliar&page=3", "/dataset?page=3"),
        ("/x?since=" + "9" * 500, "/x?since=" + "9" * 100),
        ("/x?since=%0d%0aGET", "/x?since=%0D%0AGET"),
        ("/caf%C3%A9", "/caf%C3%A9"),
    ],
)
def test_only_query_parameters_of_harvesters_are_logged(target: str, logged: str) -> None:
    assert web.clean_target(target) == logged


def test_the_oldest_logs_are_deleted(tmp_path: Path) -> None:
    layout = Layout.open(tmp_path / "data")
    log = layout.access_log
    for number in range(web.KEPT_FILES + 3):
        log.write_text(f"{number}\n")
        assert not web.rotate_access_log(layout)
        with log.open("a") as stream:
            stream.truncate(web.MAX_BYTES)
        assert web.rotate_access_log(layout)
        assert not log.exists()
        assert log.with_name("access.log.1").read_text().startswith(f"{number}\n")
    assert len(list(log.parent.iterdir())) == web.KEPT_FILES
    assert not web.rotate_access_log(layout)
