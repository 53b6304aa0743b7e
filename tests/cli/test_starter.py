"""``ckan marathon starter`` and ``examples remove``, run as an administrator runs them."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator

import pytest

from ckanext.marathon.operations.starter import read_items
from tests import programs, proving
from tests.programs import CommandFailed
from tests.sites import Site

REAL = len(read_items(examples=False))
ALL = len(read_items())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.create(
        "starter",
        tmp_path_factory.mktemp("site"),
        plugins="marathon scheming_datasets scheming_organizations dcat",
        settings={"ckan.locale_default": "es"},
    ) as made:
        made.upgrade()
        yield made


def killed(site: Site, after: int) -> None:
    """Run ``ckan marathon starter`` and kill it (-9) as soon as it has printed some items."""
    log = site.directory / "starter.log"
    log.touch()
    running = site.run_beside(log, "marathon", "starter")
    while not re.search(rf"^ *{after}/", text := log.read_text(encoding="utf-8"), re.MULTILINE):
        assert running.poll() is None, text
        time.sleep(0.005)
    running.kill()
    running.wait()


def remove(site: Site, answer: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [programs.CKAN, "-c", str(site.ini), "marathon", "examples", "remove"],
        env=programs.environment(),
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_killed_starter_continues_when_run_again(site: Site) -> None:
    last = proving.rng("the starter is killed").randrange(3, ALL)
    print(f"killed after item {last}")
    killed(site, last)
    said = site.run("marathon", "starter").splitlines()
    assert said[-2].startswith(f" {ALL}/{ALL} ")
    assert "0 omitidos" in said[-1]
    site.start()
    try:
        for item in read_items():
            if item.type == "organization":
                assert site.action("organization_show", id=item.name)["title"] == item.title
                continue
            shown = site.action("package_show", id=item.name)
            assert len(shown["resources"]) == len(item.files)
            for resource in shown["resources"]:
                assert site.get(resource["url"].removeprefix(site.url)).ok
            if item.type == "idea":
                assert [step["status"] for step in shown["history"]] == [
                    "proposed",
                    *(status for status, _ in item.steps),
                ]
    finally:
        site.stop()


def test_remove_lists_the_examples_and_stops_if_not_confirmed(site: Site) -> None:
    site.run("marathon", "starter")
    refused = remove(site, "n\n")
    assert refused.returncode == 1
    for item in read_items():
        assert (item.title in refused.stdout) == item.is_example
    assert f"{ALL - REAL} ejemplos" in refused.stdout
    assert site.run("marathon", "starter").splitlines()[-1] == (
        f"Catálogo inicial: 0 agregados, 0 completados, {ALL} ya estaban, 0 omitidos."
    )


def test_remove_yes_removes_examples_and_the_option_leaves_them_out(site: Site) -> None:
    site.run("marathon", "starter")
    said = site.run("marathon", "examples", "remove", "--yes").splitlines()
    assert len(said) == ALL - REAL
    assert said[-1].endswith(": eliminado")
    assert remove(site, "").stdout.strip() == "No hay ejemplos en este sitio."
    real = site.run("marathon", "starter", "--without-examples").splitlines()
    assert real[-1] == (
        f"Catálogo inicial: 0 agregados, 0 completados, {REAL} ya estaban, 0 omitidos."
    )


def test_a_missing_storage_path_is_named_without_a_traceback(site: Site) -> None:
    site.configure({"ckan.storage_path": ""})
    try:
        with pytest.raises(CommandFailed) as error:
            site.run("marathon", "starter")
    finally:
        site.configure({"ckan.storage_path": str(site.directory / "storage")})
    assert "ckan.storage_path" in str(error.value)
    assert "Traceback" not in str(error.value)
