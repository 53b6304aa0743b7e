"""The feed after accidents: kills in the middle of a save, a rebuild or an answer, and a restore.

``make prove`` kills 20 times while saving and 10 times while rebuilding.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from tests import databases, proving
from tests.sites import Site

SAVES = proving.count("workers killed while saving", 3, 20)
REBUILDS = proving.count("rebuilds killed", 2, 10)
PLUGINS = "marathon scheming_datasets scheming_organizations dcat"
WRITERS = 4
DATASETS = 30
# So that the whole catalogue is larger than the buffers between server and client.
LONG = "Profundidad de los pozos, medida por la oficina. " * 2_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.create("killed", tmp_path_factory.mktemp("killed"), PLUGINS) as site:
        site.upgrade()
        site.start()
        site.action("organization_create", name="infom", title="INFOM", role="coordinating_body")
        for number in range(DATASETS):
            site.action(
                "package_create",
                name=f"datos-{number}",
                title=f"Datos {number}",
                notes=LONG,
                owner_org="infom",
                service_problem=["AGU-01"],
                license_id="cc-by",
                resources=[
                    {"url": f"https://example.gt/{each}.csv", "format": "CSV", "description": LONG}
                    for each in range(3)
                ],
            )
        yield site


def assert_clean(site: Site) -> None:
    assert "all of it and nothing else" in site.run("marathon", "feed", "verify")


class Writer(threading.Thread):
    """Saves its own datasets one after the other until it is stopped."""

    def __init__(self, site: Site, rng: random.Random, mine: list[str]) -> None:
        super().__init__()
        self._site, self._rng, self._mine = site, rng, mine
        self.stopping = threading.Event()
        self.broken = 0
        # title by name, of every save that was confirmed
        self.confirmed: dict[str, str] = {}

    def run(self) -> None:
        while not self.stopping.is_set():
            name, title = self._rng.choice(self._mine), f"{self._rng.random()}"
            # Not known from here on, until it is confirmed.
            self.confirmed.pop(name, None)
            try:
                self._site.action("package_patch", id=name, title=title)
            except requests.RequestException:
                self.broken += 1
                time.sleep(0.2)
            else:
                self.confirmed[name] = title


class TestSaves:
    def test_killed_workers_lose_no_confirmed_save_and_leave_no_partial_one(
        self, site: Site, request: pytest.FixtureRequest
    ) -> None:
        broken = 0
        for number in range(SAVES):
            rng = proving.rng(f"{request.node.name} {number}")
            writers = [
                Writer(site, rng, [f"datos-{each}" for each in range(who, DATASETS, WRITERS)])
                for who in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            time.sleep(rng.uniform(1, 3))
            site.kill_workers()
            for writer in writers:
                writer.stopping.set()
            for writer in writers:
                writer.join(timeout=120)
                assert not writer.is_alive()
                broken += writer.broken
            site.wait()
            assert_clean(site)
            feed = site.get("/catalog/all.nt").text
            for writer in writers:
                for title in writer.confirmed.values():
                    assert f'"{title}"' in feed
        assert broken, "nobody was interrupted: nothing was tried"


class TestRebuilds:
    def test_a_killed_rebuild_is_completed_by_the_next(
        self, site: Site, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        for number in range(REBUILDS):
            rng = proving.rng(f"{request.node.name} {number}")
            before = site.get("/catalog/all.nt").text
            pause = rng.uniform(0, 0.3)
            # One that had ended before it was killed is tried again, and killed sooner.
            while not self._interrupted(site, tmp_path / f"{number}.log", pause):
                pause /= 2
                assert pause > 0.0001, "nobody was interrupted: nothing was tried"
            assert datasets(site.get("/catalog/all.nt").text) == datasets(before)
            assert "complete" in site.run("marathon", "feed", "rebuild")
            assert self._spoiled(site) == 0
            assert_clean(site)

    def _interrupted(self, site: Site, log: Path, pause: float) -> bool:
        """Kill a rebuild some seconds after its first step; return whether it was unfinished."""
        self._spoil(site)
        rebuild = site.run_beside(log, "marathon", "feed", "rebuild", "--restart")
        deadline = time.monotonic() + 120
        while self._spoiled(site) == DATASETS:
            assert rebuild.poll() is None, log.read_text(encoding="utf-8")[-6000:]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(pause)
        rebuild.kill()
        rebuild.wait()
        return self._spoiled(site) > 0

    def _spoil(self, site: Site) -> None:
        """Give each dataset something that a rebuild finds to be wrong."""
        with site.database() as connection:
            connection.execute(
                sa.text(
                    "UPDATE marathon_feed_entry SET digest = decode(md5(iri), 'hex')"
                    " WHERE kind = 'dataset'"
                )
            )

    def _spoiled(self, site: Site) -> int:
        with site.database() as connection:
            return connection.scalar(
                sa.text(
                    "SELECT count(*) FROM marathon_feed_entry"
                    " WHERE digest = decode(md5(iri), 'hex')"
                )
            )


def datasets(document: str) -> set[str]:
    """Return the IRIs of the datasets in N-Triples."""
    return set(re.findall(r"<([^>]+)> <[^>]+#type> <http://www.w3.org/ns/dcat#Dataset>", document))


class TestAnswers:
    def test_a_truncated_download_is_an_error_for_the_client(self, site: Site) -> None:
        whole = site.get("/catalog/all.nt", headers={"Accept-Encoding": "identity"})
        half = site.get("/catalog/all.nt", headers={"Accept-Encoding": "identity"}, stream=True)
        begun = half.raw.read(10_000)
        site.kill_workers()
        with pytest.raises(requests.RequestException):
            for _ in half.iter_content(100_000):
                pass
        assert whole.content.startswith(begun)
        site.wait()
        assert_clean(site)
        again: Any = site.get("/catalog/all.nt", headers={"Accept-Encoding": "identity"})
        assert again.content == whole.content


class TestDump:
    def test_a_restored_dump_begins_a_new_epoch(self, site: Site, tmp_path: Path) -> None:
        dump = tmp_path / "dump.sql"
        site.action("package_patch", id="datos-0", title="Antes de la copia")
        databases.dump(site.database_url, dump)
        before = site.get("/catalog/all.ttl")
        # Changes after the dump are lost, and their numbers will be given a second time.
        site.action("package_patch", id="datos-0", title="Después de la copia")
        lost = site.get("/catalog/all.ttl")
        site.stop()
        databases.restore(site.database_url, dump)
        site.start()
        epochs = set()
        for known in (lost, before):
            cursor = known.headers["Marathon-Feed-Cursor"]
            assert site.get(f"/catalog/changes?since={cursor}").status_code == 410
            tag = known.headers["ETag"]
            again = site.get("/catalog/all.ttl", headers={"If-None-Match": tag})
            assert again.status_code == 200, "what was lost is taken for what is there"
            epoch, number, *_ = again.headers["Marathon-Feed-Cursor"].split(".")
            assert epoch != known.headers["Marathon-Feed-Cursor"].split(".")[0]
            assert int(number) > 0
            assert "Antes de la copia" in again.text
            epochs.add(epoch)
        assert len(epochs) == 1
        assert_clean(site)
        site.action("package_patch", id="datos-0", title="Y así sigue")
        assert "Y así sigue" in site.get("/catalog/all.ttl").text
        assert_clean(site)
