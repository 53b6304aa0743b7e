"""Which IRIs datasets keep that the site had before it had a table for them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from ckan import model

import ckanext.marathon
from ckanext.marathon.feeds.verify import is_rebuild_wanted
from ckanext.marathon.model import dataset
from tests import factories

from .conftest import Log, act

IRI = "https://origen.example.gt/datos/agua"
Migrate = Callable[[], dict[str, str]]


@pytest.fixture
def migrate(feed: Log) -> Iterator[Migrate]:
    """Return what does what the migration does with the datasets there are."""
    folder = Path(ckanext.marathon.__file__).parent / "migration" / "marathon" / "versions"
    spec = importlib.util.spec_from_file_location("kept", folder / "a3c7e91b5d24_kept_iris.py")
    assert spec is not None
    assert spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)

    def run() -> dict[str, str]:
        model.Session.execute(sa.delete(dataset.KeptIri))
        connection = model.Session.connection()
        with Operations.context(MigrationContext.configure(connection)):
            migration._store_published_iris(connection)
        model.Session.commit()
        return dataset.read_kept_iris([each for (each,) in model.Session.query(model.Package.id)])

    yield run
    model.Session.rollback()
    model.Session.execute(sa.text("DROP TABLE IF EXISTS harvest_object"))
    model.Session.commit()


def add(uri: str, **fields: Any) -> str:
    package = model.Package(name=f"d{model.Session.query(model.Package).count()}", **fields)
    package.type = package.type or "dataset"
    package.extras = {"uri": uri}
    model.Session.add(package)
    model.Session.commit()
    return package.id


def without_plugin() -> None:
    """Empty the log: a site that has just got the plugin has nothing in it."""
    for table in ("entry", "change", "member"):
        model.Session.execute(sa.text(f"DELETE FROM marathon_feed_{table}"))
    model.Session.commit()


def test_before_the_plugin_all_published_iris_are_kept(migrate: Migrate) -> None:
    one, urn, series = add(IRI), add("urn:x:1"), add(f"{IRI}/s", type="dataset_series")
    without_plugin()
    assert migrate() == {one: IRI, urn: "urn:x:1", series: f"{IRI}/s"}
    assert not is_rebuild_wanted()


def test_the_oldest_existing_dataset_keeps_a_shared_iri(migrate: Migrate) -> None:
    trashed, first, _second = add(IRI), add(IRI), add(IRI)
    act("package_delete", id=trashed)
    without_plugin()
    assert migrate() == {first: IRI}


@pytest.mark.parametrize(
    "uri", ["agua", "javascript:alert(1)", "https://x.example/a b", "mailto:a"]
)
def test_an_invalid_iri_is_not_kept(migrate: Migrate, uri: str) -> None:
    add(uri)
    without_plugin()
    assert migrate() == {}


def test_the_iri_of_another_record_of_the_site_is_not_kept(migrate: Migrate) -> None:
    other = factories.MarathonDataset()["id"]
    add(f"https://datos.example.gt/dataset/{other}")
    elsewhere = "https://otro.example.gt/dataset/00000000-0000-4000-8000-000000000000"
    harvested = add(elsewhere)
    without_plugin()
    assert migrate() == {harvested: elsewhere}


def test_after_the_plugin_only_harvested_iris_are_kept_and_a_rebuild_is_requested(
    migrate: Migrate,
) -> None:
    _typed, harvested = add(IRI), add(f"{IRI}/2")
    assert migrate() == {}
    assert is_rebuild_wanted()
    model.Session.execute(sa.text("CREATE TABLE harvest_object (package_id text)"))
    model.Session.execute(sa.text("INSERT INTO harvest_object VALUES (:id)"), {"id": harvested})
    model.Session.commit()
    assert migrate() == {harvested: f"{IRI}/2"}
