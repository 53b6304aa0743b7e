"""Without servers, pytest ends with a sentence that names the command to run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDY = "tests/model/test_figures.py"
NAMES = ("CKAN_SQLALCHEMY_URL", "CKAN_REDIS_URL", "CKAN_SOLR_URL")


def run_pytest(*arguments: str, **variables: str) -> tuple[int, str]:
    """Return pytest's exit code and output if only these variables name servers."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CKAN_", "PYTEST_", "COV_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def nobody_listens_at() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def test_without_an_ini_file_pytest_names_the_command() -> None:
    code, said = run_pytest(NEEDY)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "--ckan-ini=test.ini" in said
    assert "python -m stack services" in said
    assert "Traceback" not in said


def test_missing_addresses_of_servers_are_named() -> None:
    code, said = run_pytest("--ckan-ini=test.ini", NEEDY)
    assert code == pytest.ExitCode.USAGE_ERROR
    for name in NAMES:
        assert name in said.partition("\n    ")[0]
    assert "make test-fast" in said


def test_an_unreachable_server_is_a_usage_error() -> None:
    nowhere = nobody_listens_at()
    addresses = (f"postgresql://ckan@{nowhere}/ckan", f"redis://{nowhere}", f"http://{nowhere}/")
    code, said = run_pytest(
        "--ckan-ini=test.ini", NEEDY, **dict(zip(NAMES, addresses, strict=True))
    )
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "does not answer" in said
    assert "python -m stack services" in said


def test_without_ckans_fixtures_only_tests_without_servers_run() -> None:
    code, said = run_pytest("-p", "no:ckan", "-x", NEEDY)
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "This test needs servers" in said
    code, said = run_pytest("-p", "no:ckan", "-m", "not services", NEEDY, "tests/domain")
    assert code == pytest.ExitCode.OK, said
    assert " deselected" in said
