"""``python -m stack services``: three servers for as long as a command runs, and no longer."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from stack.data_directory import Layout
from tests.stack.conftest import Command, until

Start = Callable[..., Command]

# Prints its process id and waits. The servers answer when it starts.
WAIT = ["sh", "-c", "echo up $$; exec sleep 600"]
# Uses each server as soon as it answers, once a file named "go" stands beside the data.
WAIT_AND_USE = [
    sys.executable,
    "-c",
    """
import os, pathlib, time, psycopg2, redis, requests
go = pathlib.Path(os.environ["GO"])
def eventually(use):
    for _ in range(600):
        try:
            return use()
        except Exception:
            time.sleep(0.1)
    return use()
while not go.exists():
    time.sleep(0.05)
eventually(lambda: psycopg2.connect(os.environ["CKAN_SQLALCHEMY_URL"]).close())
eventually(lambda: redis.Redis.from_url(os.environ["CKAN_REDIS_URL"]).ping())
who = (os.environ["CKAN_SOLR_USER"], os.environ["CKAN_SOLR_PASSWORD"])
solr = os.environ["CKAN_SOLR_URL"] + "/select?q=*:*"
eventually(lambda: requests.get(solr, auth=who).raise_for_status())
""",
]
# Uses each server in the way that CKAN does.
USE = [
    sys.executable,
    "-c",
    """
import os, psycopg2, redis, requests
for name in ("CKAN_SQLALCHEMY_URL", "MARATHON_PORTAL_SQLALCHEMY_URL"):
    with psycopg2.connect(os.environ[name]) as db, db.cursor() as cursor:
        cursor.execute("CREATE TABLE things (a int)")
for name in ("CKAN_REDIS_URL", "MARATHON_PORTAL_REDIS_URL"):
    redis.Redis.from_url(os.environ[name]).set("a", name)
assert redis.Redis.from_url(os.environ["CKAN_REDIS_URL"]).get("a") == b"CKAN_REDIS_URL"
who = (os.environ["CKAN_SOLR_USER"], os.environ["CKAN_SOLR_PASSWORD"])
for name in ("CKAN_SOLR_URL", "MARATHON_PORTAL_SOLR_URL"):
    schema = os.environ[name] + "/schema"
    assert requests.get(schema, auth=who).json()["schema"]["name"].startswith("ckan-")
    assert requests.get(schema).status_code == 401
print("used them all")
""",
]


def services(
    start: Start, data: Path, *command: str, fresh: bool = True, **variables: str
) -> Command:
    options = ["--fresh"] if fresh else []
    return start(data, "services", "--data", str(data), *options, "--", *command, **variables)


def test_the_command_can_use_every_server_and_its_exit_code_is_returned(
    start: Start, tmp_path: Path
) -> None:
    # A proxy for the network, where nobody listens, must not stand between us and ourselves.
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
    run = services(start, tmp_path / "data", *USE, **proxies)
    assert run.process.wait() == 0, run.said()
    assert "used them all" in run.said()
    assert not run.servers()
    again = services(start, tmp_path / "data", "sh", "-c", "exit 7")
    assert again.process.wait() == 7


def test_a_deep_directory_with_a_space_works(start: Start, tmp_path: Path) -> None:
    data = tmp_path / ("very deep " * 9).strip() / "data"
    data.parent.mkdir()
    assert len(str(data)) > 107
    run = services(start, data, *USE)
    assert run.process.wait() == 0, run.said()
    sockets = Layout(data.resolve()).sockets
    assert len(str(sockets / "pg" / ".s.PGSQL.5432")) < 100


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_command_and_then_the_servers(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    run = services(start, tmp_path / "data", *WAIT)
    run.wait_for("up ")
    assert len(run.servers()) >= 4
    assert run.end(number) == 128 + number
    assert not run.servers()


def test_after_kill_9_no_server_is_left_and_the_next_start_works(
    start: Start, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    run = services(start, data, *WAIT)
    run.wait_for("up ")
    command = psutil.Process(int(run.said().split("up ")[1].split()[0]))
    run.end(signal.SIGKILL)
    until(lambda: not run.servers() and not command.is_running(), 30)
    next_run = services(start, data, "true", fresh=False)
    assert next_run.process.wait() == 0, next_run.said()


def test_a_killed_server_is_restarted(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "data"
    run = services(
        start,
        data,
        "sh",
        "-c",
        f"echo up; exec {shlex.join(WAIT_AND_USE)}",
        GO=str(tmp_path / "go"),
    )
    run.wait_for("up")
    log = data / "logs" / "supervisord.log"
    for name in ("postgres", "valkey", "solr"):
        first = re.findall(rf"spawned: '{name}' with pid (\d+)", log.read_text())
        os.kill(int(first[-1]), signal.SIGKILL)
    for name in ("postgres", "valkey", "solr"):
        until(lambda name=name: log.read_text().count(f"spawned: '{name}'") == 2, 60)
    # The command uses each server once this file is there.
    (tmp_path / "go").touch()
    assert run.process.wait() == 0, run.said()


def test_a_killed_supervisor_ends_the_servers(start: Start, tmp_path: Path) -> None:
    run = services(start, tmp_path / "data", *WAIT)
    run.wait_for("up ")
    pid = int((tmp_path / "data" / "run" / "supervisord.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    until(lambda: not run.servers(), 60)


def test_two_at_once_in_one_directory_are_refused(start: Start, tmp_path: Path) -> None:
    first = services(start, tmp_path / "data", *WAIT)
    first.wait_for("up ")
    second = services(start, tmp_path / "data", "true")
    assert second.process.wait() == 1
    assert f"in use by process {first.process.pid}" in second.said()
    assert first.process.poll() is None


def test_a_stale_pid_file_of_another_process_is_ignored(start: Start, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert services(start, data, "true").process.wait() == 0
    left = data / "postgres" / "postmaster.pid"
    # This very test runs under that number.
    left.write_text(f"{os.getpid()}\n{data / 'postgres'}\n0\n5432\n\n\n\nready\n")
    run = services(start, data, "true", fresh=False)
    assert run.process.wait() == 0, run.said()


def test_a_command_that_does_not_exist_is_named(start: Start, tmp_path: Path) -> None:
    run = services(start, tmp_path / "data", "no-such-command")
    assert run.process.wait() == 1
    assert "no-such-command: no such command" in run.said()
    assert not run.servers()


def test_the_env_file_is_written_and_removed_at_the_end(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "env"
    data = tmp_path / "data"
    run = start(data, "services", "--data", str(data), "--env-file", str(file), "--", *WAIT)
    run.wait_for("up ")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "export CKAN_SQLALCHEMY_URL=" in file.read_text()
    run.end()
    assert not file.exists()
