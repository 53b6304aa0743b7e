"""A site with a storage folder, and functions that read its records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.common import config
from ckan.tests.helpers import call_action

from ckanext.marathon.operations import starter
from tests import remembered


@pytest.fixture
def loaded(
    request: pytest.FixtureRequest,
    with_plugins: None,
    monkeypatch: pytest.MonkeyPatch,
    ckan_config: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The whole starter catalogue, loaded once for a file of tests that only look at it."""
    home = getattr(request.module, "_loaded", None)
    if home is None:
        request.getfixturevalue("marathon_site")
        home = request.module._loaded = tmp_path_factory.mktemp("storage")
        monkeypatch.setitem(ckan_config, "ckan.storage_path", str(home))
        starter.load_starter()
    monkeypatch.setitem(ckan_config, "ckan.storage_path", str(home))


def bring_starter(examples: bool = True) -> None:
    """Load the starter catalogue for a test of later changes.

    On a site in a known state it is put back from a copy (``tests/remembered.py``), with its files.
    """
    storage = Path(config["ckan.storage_path"])

    def make() -> dict[str, str]:
        starter.load_starter(examples=examples)
        return {
            str(path.relative_to(storage)): path.read_bytes().hex()
            for path in storage.rglob("*")
            if path.is_file()
        }

    for name, content in remembered.remember(f"starter catalogue {examples}", make).items():
        path = storage / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes.fromhex(content))


def show(name: str, **context: Any) -> dict[str, Any]:
    """Return a package from the database as an anonymous visitor, or ``user``, may see it."""
    context = {"ignore_auth": True, "use_cache": False, **context}
    return call_action("package_show", id=name, context=context)


def everything() -> dict[str, Any]:
    """Return all records in the database, by kind and name."""
    known: dict[str, Any] = {}
    for (name,) in model.Session.query(model.Package.name):
        known["package", name] = show(name)
    for (name,) in model.Session.query(model.Group.name):
        known["organization", name] = call_action(
            "organization_show", id=name, include_users=True, context={"ignore_auth": True}
        )
    model.Session.remove()
    return known


def stored_files(home: Path) -> set[Path]:
    """Return the files of resources that are in the site's storage."""
    return {path for path in (home / "resources").rglob("*") if path.is_file()}
