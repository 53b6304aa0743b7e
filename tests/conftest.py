"""Fixtures for all tests: a database with our tables, an application, a storage folder."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib import jobs
from sqlalchemy.orm import close_all_sessions
from xdist.scheduler import LoadScopeScheduling

from ckanext.marathon.model import clock, dataset
from tests import chance, databases, loading, private_names, proving, remembered, services

databases.settle()
loading.economise()
remembered.watch()
proving.settle()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Stop where servers are missing; have hypothesis take the printed seed.

    With that, a run of `make prove` can be repeated.
    """
    config.addinivalue_line("markers", "services: needs PostgreSQL, Valkey and Solr (set here)")
    if not databases.WORKER and services.are_wanted(config):
        missing = services.explain_missing(config)
        if missing:
            pytest.exit(missing, returncode=pytest.ExitCode.USAGE_ERROR)
    if proving.FULL and config.getoption("--hypothesis-seed", None) is None:
        config.option.hypothesis_seed = str(proving.SEED)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart() -> None:
    """Have each process build its own assets: two at once spoil each other's lists of them."""
    # What CKAN goes back to before each test; without CKAN's fixtures there is none.
    settings = private_names.read_first_settings()
    path = settings.get("ckan.webassets.path")
    if path:
        settings["ckan.webassets.path"] = f"{path}/{databases.WORKER or 'alone'}"


# Each of these has things that are made once and used by all its tests: a site, a browser, a port.
# They are begun in this order, the longest first.
TOGETHER = ("stack", "browser", "site", "portal")
# Files of other directories that take longest. One that was begun last would have all processes but
# one wait for its end.
LONG = (
    *("feeds/test_accidents.py", "feeds/test_lost_history.py", "operations/test_backup.py"),
    *("trust/test_matrix.py", "logic/test_takedown_traces.py", "search/test_hidden_words.py"),
    *("feeds/test_following.py", "cli/test_starter.py", "rdf/test_round_trip.py"),
    *("views/test_date_fields.py", "trust/test_secrets.py", "logic/test_activity.py"),
    *("operations/test_examples.py", "feeds/test_under_fire.py"),
)


def room(path: str) -> str:
    """Return the directory of a test file, of which ``path`` may be a node's id."""
    return Path(path.partition("::")[0]).parent.name


class Rooms(LoadScopeScheduling):
    """Files are shared out among pytest-xdist's processes, and some directories as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        return room(nodeid) if room(nodeid) in TOGETHER else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Rooms:
    """Share tests out by room."""
    return Rooms(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays until the end: modules and seven thousand tests."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process waits for another one in the end.

    Tests that need servers are marked, so that ``-m "not services"`` leaves them out.
    """
    for item in items:
        if services.FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("services")
    items.sort(key=lambda item: _place(item.nodeid))


def _place(nodeid: str) -> int:
    """Return the place of a test's directory, or file, among those that are begun first."""
    path = nodeid.partition("::")[0]
    if room(path) in TOGETHER:
        return TOGETHER.index(room(path))
    name = "/".join(Path(path).parts[-2:])
    return len(TOGETHER) + (LONG.index(name) if name in LONG else len(LONG))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on to the process that prints the results what was tried in this one."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["tried"] = proving.NOTES


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what another process tried."""
    proving.NOTES.extend(getattr(node, "workeroutput", {}).get("tried", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how much the randomised proofs tried, and how to repeat them."""
    for note in sorted(set(proving.NOTES)):
        terminalreporter.write_line(note)
    if proving.NOTES:
        terminalreporter.write_line(f"MARATHON_SEED={proving.SEED}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Have the factories make up the same for a file whatever ran before it."""
    if item.get_closest_marker("services") and not services.are_wanted(item.config):
        pytest.fail(services.WHAT_TO_RUN.format(why="This test needs servers."), pytrace=False)
    file = item.nodeid.partition("::")[0]
    if file != getattr(item.session, "marathon_file", None):
        item.session.marathon_file = file  # type: ignore[attr-defined]
        chance.begin(file)


@pytest.fixture(autouse=True)
def no_plugins_unasked(request: pytest.FixtureRequest) -> None:
    """Take away what earlier tests had loaded from a test that asks for no plugin."""
    if not {"with_plugins", "make_app"} & set(request.fixturenames):
        loading.leave()


@pytest.fixture(autouse=True)
def close_former_connections() -> Iterator[None]:
    """Close the connections of an engine that CKAN has replaced.

    Each application that is made has an engine of its own. Until the garbage collector finds the
    former ones, their connections stay open, and PostgreSQL has only so many.
    """
    former = model.meta.engine
    yield
    if former is not None and former is not model.meta.engine:
        former.dispose()


@pytest.fixture
def with_plugins(ckan_config: Any, provide_plugin: Any, request: pytest.FixtureRequest) -> None:
    """Load the plugins that ``ckan.plugins`` names, or keep them if they are loaded already.

    Unlike CKAN's fixture it knows no marks of its own: no test here brings a plugin along.
    """
    assert not list(request.node.iter_markers("with_plugins"))
    loading.enter()


@pytest.fixture
def make_app(ckan_config: Any) -> Callable[[], Any]:
    """Return what makes a client of the application for the configuration of this moment."""
    private_names.forget_globals()
    return loading.app


@pytest.fixture
def app(request: pytest.FixtureRequest, make_app: Callable[[], Any]) -> Any:
    """Return a client of the application, which has the plugins of this test, not of the last one.

    Also where a test names this before the fixture that loads them.
    """
    if "with_plugins" in request.fixturenames:
        request.getfixturevalue("with_plugins")
    return make_app()


@pytest.fixture(scope="session")
def _storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("storage")


@pytest.fixture
def storage(_storage: Path, monkeypatch: pytest.MonkeyPatch, ckan_config: Any) -> Iterator[Path]:
    """Return the folder where the site keeps its files; it is always the same one, emptied."""
    monkeypatch.setitem(ckan_config, "ckan.storage_path", str(_storage))
    yield _storage
    shutil.rmtree(_storage)
    _storage.mkdir()


@pytest.fixture(scope="session")
def reset_db() -> Callable[[], None]:
    """Return what empties the database; CKAN's own makes its tables once a session."""

    def reset() -> None:
        close_all_sessions()
        if not model.repo.tables_created_and_initialised:
            model.repo.rebuild_db()
            return
        model.Session.remove()
        remembered.empty_tables()

    return reset


@pytest.fixture
def clean_db(
    with_plugins: None,
    reset_db: Callable[[], None],
    migrate_db_for: Callable[[str], None],
) -> None:
    """Empty the database and make sure that our tables are there."""
    engine = model.meta.engine
    reset_db()
    # CKAN drops every table once a session and afterwards only empties them.
    if not sa.inspect(model.meta.engine).has_table("marathon_link"):
        migrate_db_for("marathon")
    if model.meta.engine is not engine:
        # CKAN's migrations leave an engine behind that connects anew for each session.
        model.init_model(engine)
    # Jobs of earlier tests would be done by the first test that lets a worker run.
    for queue in jobs.get_all_queues():
        queue.empty()
    clock.start_clock(complete=True)
    # As the migration does: what is made from now on is younger than the plugin.
    dataset.read_installation_time()
    model.repo.commit()
    remembered.begin()


@pytest.fixture
def marathon_site(with_plugins: None, clean_index: Any, clean_db: None) -> None:
    """An empty site with the plugin loaded: database, our tables and search index."""
