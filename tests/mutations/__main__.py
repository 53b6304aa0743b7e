"""Break one guarding line after the other and report those that no test noticed.

    python -m tests.mutations [--only TEXT]... [--minutes N] [--unchecked]

It needs the servers that ``python -m stack services`` starts. ``make mutations`` does both. Each
mutation is tried in a child of a process that has CKAN imported already, which saves most of the
start of pytest.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.mutations.table import ROOT, Mutation, read_table

# Imported before the children are made. Nothing of the plugin itself, because it changes.
PRELOADED = (
    "pytest",
    "ckan.cli.cli",
    "ckan.config.middleware.flask_app",
    "ckan.tests.factories",
    "ckan.tests.pytest_ckan.ckan_setup",
    "hypothesis",
    "rdflib",
    "pyoxigraph",
    "openpyxl",
    "ckanext.scheming.plugins",
    "ckanext.dcat.profiles",
)
PASSED, FAILED = 0, 1
_IN_SETUP = " (setup)"
# Tests of these need neither CKAN nor a server.
PURE = ("tests/domain/", "tests/spreadsheets/")
# After these a mutation's tests are given up.
SECONDS = 600

# Whether a child of this process has made the tables of the tests' database.
_has_tables = False


def copy_repository(target: Path) -> None:
    """Copy the files that Git tracks or would add to a directory."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


class FirstFailure:
    """A plugin of pytest that writes the first failure to a file."""

    def __init__(self, path: Path) -> None:
        """Remember where to write."""
        self.path = path

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note which test failed, and whether in its own lines or in a fixture."""
        if report.failed and not self.path.exists():
            phase = "" if report.when == "call" else f" ({report.when})"
            self.path.write_text(f"{report.nodeid}{phase}\n{report.longreprtext}", encoding="utf-8")


def run_tests(directory: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Run some tests in a child process in a directory.

    Returns:
        pytest's exit code and the first failure: the test's name, then a line break and why.
    """
    global _has_tables
    with tempfile.TemporaryDirectory(prefix="marathon-mutation-") as name:
        path = Path(name, "failure")
        code = _run_child(directory, tests, path)
        _has_tables = _has_tables or _mark_of_tables(path).exists()
        return code, path.read_text(encoding="utf-8") if path.exists() else ""


def _mark_of_tables(failure: Path) -> Path:
    """Return the file by which a child says that the tests' database has its tables."""
    return failure.with_name("tables")


def _run_child(directory: Path, tests: Sequence[str], failure: Path) -> int:
    sys.stdout.flush()
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    code = FAILED + 1
    try:
        # A loop without end is noticed by nobody: it would stop the whole run.
        signal.alarm(SECONDS)
        os.chdir(directory)
        # The copy comes before the package that is installed from the repository.
        sys.path.insert(0, str(directory))
        sys.dont_write_bytecode = True
        for name in [each for each in sys.modules if each.partition(".")[0] == "tests"]:
            del sys.modules[name]
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        import pytest
        from ckan import model

        needs_site = not all(each.startswith(PURE) for each in tests)
        if needs_site and _has_tables:
            # They are emptied: making them again takes longer than most tests.
            model.repo.tables_created_and_initialised = True
        options = ["--ckan-ini=test.ini"] if needs_site else ["-p", "no:ckan"]
        options += ["-x", "-q", "-p", "no:cacheprovider", "-n", "0"]
        options.append(f"--basetemp={failure.with_name('files')}")
        code = int(pytest.main([*options, *tests], [FirstFailure(failure)]))
        if needs_site and model.repo.tables_created_and_initialised:
            _mark_of_tables(failure).touch()
    finally:
        os._exit(code)


def try_mutation(directory: Path, mutation: Mutation) -> tuple[int, str]:
    """Return what :func:`run_tests` does for a mutation's tests while its text is replaced.

    A test that fails before its own lines is tried again on new tables, since an earlier one may
    have left something in the old ones.
    """
    global _has_tables
    path = directory / mutation.file
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace(mutation.text, mutation.becomes, 1), encoding="utf-8")
    try:
        code, failure = run_tests(directory, mutation.tests)
        if _has_tables and failure.partition("\n")[0].endswith(_IN_SETUP):
            _has_tables = False
            code, failure = run_tests(directory, mutation.tests)
        return code, failure
    finally:
        path.write_text(original, encoding="utf-8")


def report(mutations: Sequence[Mutation], minutes: float, is_checked: bool) -> int:
    """Try mutations and print the outcome of each; return how many no test noticed.

    Args:
        mutations: to try, in this order.
        minutes: none is begun after these.
        is_checked: whether to see first that the tests pass while nothing is broken.
    """
    survivors: list[Mutation] = []
    began, tried = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="marathon-mutations-") as name:
        directory = Path(name)
        copy_repository(directory)
        named = sorted({test for each in mutations if not each.equivalent for test in each.tests})
        if is_checked:
            code, failure = run_tests(directory, named)
            if code != PASSED:
                print(f"The tests fail without any mutation (pytest ends with {code}): {failure}")
                return 1
            print(f"pass        {len(named)} files and tests while nothing is broken", flush=True)
        for mutation in mutations:
            if mutation.equivalent:
                print(f"equivalent  {mutation} ({mutation.equivalent})")
                continue
            if time.monotonic() - began > minutes * 60:
                print(f"{len(mutations) - tried} left: the {minutes:g} minutes are over")
                break
            tried += 1
            code, failure = try_mutation(directory, mutation)
            outcome = {PASSED: "SURVIVED", FAILED: "killed"}.get(code, f"broken {code}")
            print(f"{outcome:10}  {mutation}", flush=True)
            if failure:
                print(f"{'':10}  by {failure.splitlines()[0]}", flush=True)
            if code != FAILED:
                survivors.append(mutation)
    print(f"{tried} tried in {time.monotonic() - began:.0f} s, {len(survivors)} not noticed")
    return len(survivors)


def main() -> int:
    """Read the arguments and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        help="those whose line of the report has this text; may be repeated, and gives the order",
    )
    parser.add_argument("--minutes", type=float, default=90, help="begin none after these")
    parser.add_argument("--unchecked", action="store_true", help="trust that all tests pass now")
    arguments = parser.parse_args()
    for name in PRELOADED:
        importlib.import_module(name)
    wanted = arguments.only or [""]
    table = read_table()
    chosen = list(dict.fromkeys(each for text in wanted for each in table if text in str(each)))
    return 1 if report(chosen, arguments.minutes, not arguments.unchecked) else 0


if __name__ == "__main__":
    sys.exit(main())
