"""The list of programs that read the feeds, from the access log."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner

from ckanext.marathon.cli.feed import list_readers as command
from ckanext.marathon.operations import portals

CURSOR = "6b1d5f2e-0000-4000-8000-000000000000.1234567.1234567.00f3a1c2d4e5b697"


def line(
    target: str, status: int = 200, agent: str = "ckanext-dcat/2.4", minute: int = 0, who: str = "-"
) -> str:
    moment = f"25/Nov/2026:10:{minute:02}:00 +0000"
    return f'{who} - - [{moment}] "GET {target} HTTP/1.1" {status} 123 "-" "{agent} (portal)"\n'


def test_a_reader_has_agent_time_and_last_cursor() -> None:
    (found,) = portals.read_readers(
        [
            line("/catalog/all.ttl"),
            line(f"/catalog/changes?since={CURSOR}", minute=5),
            line("/catalog.ttl?page=2", 304, minute=7),
            line("/catalog.ttl?page=999", 404, minute=9),
        ]
    )
    assert (found.agent, found.part) == ("ckanext-dcat/2.4", "")
    assert (found.requests, found.unchanged, found.refused) == (4, 1, 1)
    assert found.cursor == CURSOR
    assert found.full_pass == datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
    assert found.last == datetime(2026, 11, 25, 10, 9, tzinfo=UTC)


def test_readers_are_listed_by_part_with_the_latest_first() -> None:
    found = portals.read_readers(
        [
            line("/municipality/2105/catalog.ttl", minute=1),
            line("/es/catalog.ttl", minute=2),
            line("/service-problem/AGU-01/data.json", minute=3, agent="curl/8"),
        ]
    )
    assert [(each.agent, each.part) for each in found] == [
        ("curl/8", "/service-problem/AGU-01"),
        ("ckanext-dcat/2.4", ""),
        ("ckanext-dcat/2.4", "/municipality/2105"),
    ]


def test_people_and_other_pages_are_left_out() -> None:
    browser = "Mozilla/5.0 (X11; Linux x86_64) Firefox/130"
    lines = [
        line("/catalog.ttl", agent=browser),
        line("/dataset/x"),
        line("/catalog"),
        "x",
        "",
        "\0",
    ]
    assert [each.agent for each in portals.read_readers(lines)] == ["ckanext-dcat/2.4"]
    assert portals.read_readers(lines[:2] + lines[3:]) == []


def test_no_ip_address_is_printed(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(line("/catalog/all.nt", who="203.0.113.7"), encoding="utf-8")
    result = CliRunner().invoke(command, [str(log)])
    assert result.exit_code == 0, result.output
    assert "ckanext-dcat/2.4  /catalog" in result.output
    assert "203.0.113.7" not in result.output


def test_a_log_without_readers_prints_a_sentence(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("", encoding="utf-8")
    assert "No program" in CliRunner().invoke(command, [str(log)]).output


def test_older_logs_may_come_after_the_current_one_and_be_compressed(tmp_path: Path) -> None:
    current, older = tmp_path / "access.log", tmp_path / "access.log.1.gz"
    current.write_text(line(f"/catalog/changes?since={CURSOR}", minute=9))
    with gzip.open(older, "wt") as stream:
        stream.write(line("/catalog/changes?since=older.1", minute=1))
        stream.write(line("/catalog/all.ttl", minute=2))
    said = CliRunner().invoke(command, [str(current), str(older)]).output
    assert CURSOR in said
    assert "older.1" not in said
    assert "T10:09:00" in said
    assert "T10:02:00" in said


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    for name in ("none.log", "none.log.1.gz"):
        said = CliRunner().invoke(command, [str(tmp_path / name)])
        assert said.exit_code == 1
        assert name in said.output
