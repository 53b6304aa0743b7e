"""The tests of ckanext-dcat, on a site without this plugin and on one with it.

    python -m tests.dcat_suite FOLDER [FILES]   # a checkout of ckanext-dcat, the installed version

The tests come from the folder, because the wheel has neither all of them nor their examples. They
test the installed ckanext-dcat. If pytest loads this module (``-p tests.dcat_suite``), it
changes the plugins, the schemas and the tables for those tests. The tests that fail with the
plugin are listed with their reasons in ``dcat_suite.toml`` and docs/rdf.md.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import responses

from tests import databases

ROOT = Path(__file__).parents[1]
#: the tests that fail with the plugin, by kind
KNOWN = Path(__file__).with_suffix(".toml")
TESTS = "ckanext.dcat.tests"
#: the file to which pytest's process writes the outcome of each test
OUTCOMES = "MARATHON_DCAT_SUITE_OUTCOMES"
#: set where the plugin is on
WITH_MARATHON = "MARATHON_DCAT_SUITE_PLUGIN"
INI = """\
[app:main]
use = config:{root}/test.ini
ckan.plugins = {plugins}
ckan.locales_offered =
ckan.locale_order =
ckan.auth.create_unowned_dataset = true
ckanext.dcat.enable_content_negotiation = true
ckan.harvest.mq.type = redis
"""


def with_marathon(plugins: str | list[str]) -> list[str]:
    """Return a list of plugins with ``marathon`` in the place of installing.md, and its needs."""
    names = plugins.split() if isinstance(plugins, str) else list(plugins)
    needed = ["marathon", "scheming_datasets", "scheming_organizations"]
    return [*needed, *(name for name in names if name not in needed)]


def configure(config: Any) -> None:
    """Turn the settings of a test of theirs into those of a site that added the plugin."""
    from ckanext.marathon.plugin import INDISPENSABLE

    config["ckan.plugins"] = with_marathon(config["ckan.plugins"])
    for option, files in INDISPENSABLE.items():
        # A site without a list of its own gets the plugin's.
        own = config.get(option, "").split()
        if own:
            config[option] = " ".join([*own, *(file for file in files if file not in own)])


def exempt_publisher(organization: Any) -> Any:
    """Return the publisher of every dataset: an organisation that was there before the plugin."""
    from ckanext.marathon.domain.dataset import Publisher

    del organization
    return Publisher(is_older=True)


def prepare_tables() -> None:
    """Make the plugin's tables. The records of the tests count as older than the plugin."""
    import sqlalchemy as sa
    from ckan import model
    from ckan.cli.db import _run_migrations
    from ckan.lib import jobs

    from ckanext.marathon.logic import dataset as dataset_logic
    from ckanext.marathon.model import clock, dataset

    if not sa.inspect(model.meta.engine).has_table("marathon_link"):
        engine = model.meta.engine
        _run_migrations("marathon", "head", True)
        model.init_model(engine)
    for queue in jobs.get_all_queues():
        queue.empty()
    # Most of theirs have no organisation. On a site they have one, older than the plugin too.
    dataset_logic._read_publisher = exempt_publisher
    clock.start_clock(complete=True)
    dataset.read_installation_time()
    model.Session.execute(sa.update(dataset.Installation).values(installed_at=datetime.max))
    model.repo.commit()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Have the installed package find the folder's tests as its own."""
    folder = early_config.rootpath / "ckanext" / "dcat" / "tests"
    spec = importlib.util.spec_from_file_location(
        TESTS, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[TESTS] = module
    spec.loader.exec_module(module)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[Any]:
    """Add the plugin to the plugins that their tests want."""
    value = yield
    if os.environ.get(WITH_MARATHON):
        if fixturedef.argname == "ckan_config":
            configure(value)
        elif fixturedef.argname == "clean_db":
            prepare_tables()
    return value


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """Let requests through to Solr, with and without a password. Others are faked."""
    server = os.environ["CKAN_SOLR_URL"].partition("://")[2]
    responses.add_passthru(re.compile(rf"http://([^@/]*@)?{re.escape(server)}"))


_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the outcome of a test."""
    if report.outcome != "passed" or report.when == "call":
        _outcomes.setdefault(report.nodeid, report.outcome)
        if report.failed:
            _outcomes[report.nodeid] = "failed"


def pytest_sessionfinish() -> None:
    """Write the outcomes of the tests to a file."""
    Path(os.environ[OUTCOMES]).write_text(json.dumps(_outcomes), encoding="utf-8")


def run(folder: Path, plugin: bool, *arguments: str) -> dict[str, str]:
    """Run the tests; return name → outcome (``passed``, ``failed``, ``skipped``).

    They have a database of their own. ``arguments`` are files of tests, without them all.
    """
    tests = folder / "ckanext" / "dcat" / "tests"
    plugins = "dcat harvest"
    if plugin:
        plugins = " ".join(with_marathon(plugins))
    database = databases.address("dcat_suite")
    databases.create(database)
    environment = {
        **os.environ,
        "CKAN_SQLALCHEMY_URL": database,
        "CKAN_REDIS_URL": databases.redis(4),
        "CKAN_SITE_ID": f"dcat-suite{databases.WORKER}",
        WITH_MARATHON: "1" if plugin else "",
    }
    with tempfile.TemporaryDirectory() as directory:
        ini, outcomes = Path(directory, "test.ini"), Path(directory, "outcomes.json")
        ini.write_text(INI.format(root=ROOT, plugins=plugins), encoding="utf-8")
        environment[OUTCOMES] = str(outcomes)
        # Some of the tests read the database and have nobody make its tables.
        ckan = str(Path(sys.executable).with_name("ckan"))
        init = [sys.executable, ckan, "-c", str(ini), "db", "init"]
        subprocess.run(init, env=environment, check=True, stdout=subprocess.DEVNULL)
        command = [sys.executable, "-m", "pytest", "-p", "tests.dcat_suite", f"--ckan-ini={ini}"]
        command += [f"--rootdir={folder}", "--disable-warnings", "-p", "no:cacheprovider", "-q"]
        command += [str(tests / each) for each in arguments] or [str(tests)]
        subprocess.run(command, cwd=ROOT, env=environment, stdout=sys.stderr, check=False)
        found = json.loads(outcomes.read_text(encoding="utf-8"))
    return {name.removeprefix("ckanext/dcat/tests/"): outcome for name, outcome in found.items()}


@dataclass(frozen=True)
class Comparison:
    """The differences that the plugin makes to the tests."""

    #: pass without the plugin, fail with it, and are in no list
    new: list[str]
    #: are in the list of those that fail, and pass
    gone: list[str]
    #: how many pass without it, and with it
    passed: tuple[int, int]


def known() -> list[Kind]:
    """Return the kinds of tests that fail with the plugin, each with its reason."""
    kinds = tomllib.loads(KNOWN.read_text(encoding="utf-8"))["kind"]
    return [Kind(**each) for each in kinds]


@dataclass(frozen=True)
class Kind:
    """Tests that fail for one reason."""

    name: str
    reason: str
    tests: list[str]


def compare(without: Mapping[str, str], with_plugin: Mapping[str, str]) -> Comparison:
    """Compare the outcomes of the tests (by name) without and with the plugin."""
    listed = {name for kind in known() for name in kind.tests}
    passed = {name for name, outcome in without.items() if outcome == "passed"}
    failing = {name for name in passed if with_plugin.get(name) != "passed"}
    return Comparison(
        new=sorted(failing - listed),
        gone=sorted(listed & passed - failing),
        passed=(len(passed), len(passed - failing)),
    )


def main(folder: Path, arguments: list[str]) -> int:
    """Run the tests without and with the plugin, print the differences and return an exit code."""
    found = compare(run(folder, False, *arguments), run(folder, True, *arguments))
    print(f"{found.passed[0]} tests pass without the plugin, {found.passed[1]} of them with it")
    for title, names in (("new", found.new), ("in the list, but they pass", found.gone)):
        for name in names:
            print(f"{title}: {name}")
    return 1 if found.new or found.gone else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
