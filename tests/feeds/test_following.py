"""The consumer in docs/follow.py keeps copies of the whole and its parts while people write.

``make prove`` runs 20 rounds.
"""

from __future__ import annotations

import importlib.util
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import proving
from tests.sites import ActionFailed, Site

ROUNDS = proving.count("rounds of writers and followers of parts", 2, 20)
PLUGINS = "marathon scheming_datasets scheming_organizations dcat"
CONSUMER = Path(__file__).parents[2] / "docs" / "follow.py"
WRITERS = 3
EDITS = 8
DATASETS = 12
CODES, PROBLEMS = ("0101", "0102", "0501"), ("AGU-01", "AGU-02", "RES-01")
# What a catalogue says of itself anew in each answer.
OF_THE_ANSWER = re.compile(
    r"<[^>]*(?:/catalog|:[0-9]+)> <[^>]*(?:#changeNumber|#feedEpoch|/modified|/issued)> "
)
VOCABULARY = re.compile(r"<(http://publications\.europa\.eu/|[^>]*/vocabulary/)")


def consumer() -> Any:
    spec = importlib.util.spec_from_file_location("follow", CONSUMER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


follow = consumer()


class World:
    """Municipalities, workshops and ideas, of which datasets are moved about."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.owners, self.workshops, self.ideas = [], [], []
        for code in CODES:
            owner = site.action(
                "organization_create",
                name=f"muni-{code}",
                title=f"Municipalidad {code}",
                municipality_code=code,
                role="municipality",
            )
            workshop = self._made("workshop", owner, code, kind="ideation", status="held")
            self.owners.append(owner["id"])
            self.workshops.append(workshop)
            self.ideas += [
                self._made("idea", owner, f"{code}-{n}", workshop=workshop, data_need=[])
                for n in range(2)
            ]
        self.datasets = [
            site.action(
                "package_create",
                name=f"datos-{number}",
                title=f"Datos {number}",
                notes="Datos",
                owner_org=self.owners[number % len(CODES)],
                idea=[self.ideas[number % len(self.ideas)]],
                license_id="cc-by",
            )["id"]
            for number in range(DATASETS)
        ]

    def _made(self, what: str, owner: dict[str, Any], name: str, **fields: Any) -> str:
        if what == "workshop":
            fields |= {"municipality": [name], "starts_at": "2017-05-27T09:00"}
        else:
            fields |= {"service_problem": ["AGU-01"]}
        row = {"type": what, "name": f"{what}-{name}", "title": name, "owner_org": owner["id"]}
        return self.site.action("package_create", {**row, **fields})["id"]

    def parts(self) -> list[str]:
        return [
            "",
            *(f"/municipality/{code}" for code in CODES),
            *("/department/01", "/department/05"),
            *(f"/service-problem/{each}" for each in (*PROBLEMS, "AGU")),
            *(f"/organization/{each}" for each in self.owners),
            *(f"/workshop/{each}" for each in self.workshops),
            *(f"/idea/{each}" for each in self.ideas),
        ]

    def edit(self, rng: random.Random) -> None:
        """Change something at random: titles, tags, links, owners, who may see it."""
        dataset, idea = rng.choice(self.datasets), rng.choice(self.ideas)
        changes: list[tuple[str, dict[str, Any]]] = [
            (dataset, {"title": f"{rng.random()}"}),
            (dataset, {"service_problem": rng.sample(PROBLEMS, rng.randint(0, 2))}),
            (dataset, {"municipality": rng.sample(CODES, rng.randint(0, 2))}),
            (dataset, {"idea": rng.sample(self.ideas, rng.randint(1, 2))}),
            (dataset, {"owner_org": rng.choice(self.owners)}),
            (dataset, {"private": rng.random() < 0.5}),
            (dataset, {"state": rng.choice(["active", "deleted"])}),
            (idea, {"title": f"{rng.random()}"}),
            (idea, {"workshop": rng.choice(self.workshops)}),
            (idea, {"service_problem": rng.sample(PROBLEMS, 2)}),
            (idea, {"private": rng.random() < 0.3}),
            (rng.choice(self.workshops), {"title": f"{rng.random()}"}),
        ]
        identifier, fields = rng.choice(changes)
        try:
            self.site.action("package_patch", id=identifier, **fields)
        except ActionFailed as refused:
            # The rules of the site, as that an idea's municipalities are of its workshop.
            if refused.status >= 500:
                raise
        if rng.random() < 0.1:
            title = f"Oficina {rng.random()}"
            self.site.action("organization_patch", id=rng.choice(self.owners), title=title)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Site.create("followed", tmp_path_factory.mktemp("followed"), PLUGINS) as site:
        site.upgrade()
        site.start()
        yield World(site)


def said(copy: Any) -> set[str]:
    """Return the lines of a copy, without what each answer says of itself."""
    return {line for line in copy.lines() if not OF_THE_ANSWER.match(line)}


def of_things(lines: set[str]) -> set[str]:
    """Return the lines that are not about concepts of vocabularies.

    What a problem is like is said of it, and leads to concepts that only others described.
    """
    return {line for line in lines if not VOCABULARY.match(line)}


def test_copies_of_the_whole_and_of_every_part_stay_in_step(
    world: World, request: pytest.FixtureRequest
) -> None:
    url = world.site.url
    copies = {part: follow.everything(f"{url}{part}/catalog") for part in world.parts()}
    for number in range(ROUNDS):
        writers = [
            threading.Thread(
                target=lambda rng: [world.edit(rng) for _ in range(EDITS)],
                args=(proving.rng(f"{request.node.name} {number} {who}"),),
            )
            for who in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            for part in ("", "/municipality/0101"):
                copies[part] = follow.follow(f"{url}{part}/catalog", copies[part])
        for writer in writers:
            writer.join()
        for part, copy in copies.items():
            address = f"{url}{part}/catalog"
            gone = follow.fetch(f"{address}/all.nt").status_code == 410
            if gone:
                continue
            copies[part] = follow.follow(address, copy)
            there = follow.everything(address)
            mine, theirs = said(copies[part]), said(there)
            assert theirs - mine == set(), part
            assert of_things(mine - theirs) == set(), part
            assert copies[part].cursor == there.cursor
    assert "all of it and nothing else" in world.site.run("marathon", "feed", "verify")


def test_as_a_programme(world: World, tmp_path: Path) -> None:
    file = tmp_path / "copy.nt"

    def run() -> str:
        command = [sys.executable, str(CONSUMER), f"{world.site.url}/catalog", str(file)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert "datasets, as of" in run()
    title = "Un título que nadie más tiene"
    world.site.action(
        "package_patch", id=world.datasets[0], title=title, private=False, state="active"
    )
    run()
    assert title in file.read_text(encoding="utf-8")
    world.site.run("marathon", "feed", "new-epoch", "--yes")
    run()
    assert title in file.read_text(encoding="utf-8")
