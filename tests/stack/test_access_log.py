"""What the access log says of a request, and how it is kept small."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack import access_log
from stack.paths import Layout


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
def test_of_the_query_only_what_harvesters_send_is_logged(target: str, logged: str) -> None:
    environ = {
        "RAW_URI": target,
        "QUERY_STRING": target.partition("?")[2],
        "REQUEST_METHOD": "GET",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    assert access_log.describe_request(environ) == f"GET {logged} HTTP/1.1"


def test_old_logs_make_room_for_newer_ones(tmp_path: Path) -> None:
    layout = Layout.open(tmp_path / "data")
    log = layout.access_log
    for number in range(access_log.KEPT_FILES + 3):
        log.write_text(f"{number}\n")
        assert not access_log.rotate(layout)
        with log.open("a") as stream:
            stream.truncate(access_log.MAX_BYTES)
        assert access_log.rotate(layout)
        assert not log.exists()
        assert log.with_name("access.log.1").read_text().startswith(f"{number}\n")
    assert len(list(log.parent.iterdir())) == access_log.KEPT_FILES
    assert not access_log.rotate(layout)
