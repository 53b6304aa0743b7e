"""docs/follow.py keeps copies of the whole catalogue and of its parts up to date during changes.

``make prove`` runs 20 rounds.
"""

from __future__ import annotations

import importlib.util
import json
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import requests
from ckan import model
from rdflib import Graph

from ckanext.marathon.feeds.verify import verify_log
from tests import factories, proving
from tests.sites import ActionFailed, Site

from .conftest import SITE as ADDRESS
from .conftest import Log, act

ROUNDS = proving.count("rounds of writers and followers of parts", 2, 20)
SEQUENCES = proving.count("sequences of changes that a follower copies", 3, 30)
STEPS = 25
ORIGIN = "https://origen.example.gt/dataset"
PLUGINS = "marathon scheming_datasets scheming_organizations dcat"
CONSUMER = Path(__file__).parents[2] / "docs" / "follow.py"
WRITERS = 3
EDITS = 8
DATASETS = 12
CODES, PROBLEMS = ("0101", "0102", "0501"), ("AGU-01", "AGU-02", "RES-01")
# Statements of a catalogue that differ in each answer.
OF_THE_ANSWER = re.compile(
    r"<(?:[^>]*/catalog|https?://[^/>]+)> <[^>]*(?:#changeNumber|#feedEpoch|/modified|/issued)> "
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
        """Change something at random: titles, tags, links, owners, visibility."""
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


def verified() -> list[Any]:
    model.Session.rollback()
    return list(verify_log())


def lines_of(copy: Any) -> set[str]:
    """Return the lines of a copy, without the catalogue's own statements."""
    return {line for line in copy.lines() if not OF_THE_ANSWER.match(line)}


def of_things(lines: set[str]) -> set[str]:
    """Return the lines that are not about concepts of vocabularies.

    A problem names similar concepts, which only other datasets describe.
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
            mine, theirs = lines_of(copies[part]), lines_of(there)
            assert theirs - mine == set(), part
            assert of_things(mine - theirs) == set(), part
            assert copies[part].cursor == there.cursor
    assert "all of it and nothing else" in world.site.run("marathon", "feed", "verify")


class InProcess:
    """Answers of the application as ``requests`` would give them."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, address: str) -> requests.Response:
        found = self.app.get(address.removeprefix(ADDRESS), follow_redirects=False)
        answer = requests.Response()
        answer.status_code, answer.encoding = found.status_code, "utf-8"
        answer.headers.update(dict(found.headers))
        answer._content = found.data
        return answer


SERVICE = {
    "uri": "https://origen.example.gt/wms",
    "title": "Mapas",
    "endpoint_url": ["https://origen.example.gt/wms?"],
    "license": "Abierta",
}
COMPANY, AUTHORITY = (
    f"http://purl.org/adms/publishertype/{each}" for each in ("Company", "NationalAuthority")
)


class Office:
    """A site of one organisation where datasets come and go under changing IRIs."""

    def __init__(self) -> None:
        self.owner = factories.Municipality()["id"]
        self.idea = factories.Idea(
            owner_org=self.owner,
            data_need=[{"what": "Pozos"}, {"what": "Fugas"}],
        )
        self.workshop = self.idea["workshop"]
        self.datasets: list[str] = []

    def harvest(self, rng: random.Random, identifier: str = "") -> None:
        """Save as a harvester does: with an IRI of another catalogue's, or none."""
        number = rng.randint(1, 4)
        uri = rng.choice(
            ["", f"{ORIGIN}/{number}", f"{ORIGIN}/{number}#a", f"{ORIGIN}/1/resource/x"]
        )
        file = {"url": f"{ORIGIN}/{number}.csv", "access_services": json.dumps([SERVICE])}
        file["uri"] = rng.choice(["", f"{ORIGIN}/{number}/file"])
        publisher = {"uri": f"{ORIGIN}/ine", "name": f"INE {rng.randint(1, 2)}"}
        publisher["type"] = rng.choice([COMPANY, AUTHORITY])
        fields = {
            "title": f"Agua {rng.random()}",
            "notes": "De otra parte.",
            "owner_org": self.owner,
            "service_problem": ["AGU-01"],
            "extras": [
                {"key": key, "value": value}
                for key, value in (("guid", "1"), ("uri", uri))
                if value
            ],
            "resources": [file],
            "publisher": [publisher],
            # Of another dataset, perhaps: its title is not the address.
            "documentation": [f"{ORIGIN}/{rng.randint(1, 4)}"],
            "spatial_coverage": [{"text": f"Cuenca {rng.random()}"}],
            "temporal_coverage": [{"start": "2024"}] * rng.randint(0, 2),
        }
        if identifier:
            stored = model.Package.get(identifier)
            assert stored is not None
            act("package_update", id=identifier, **{**fields, "name": stored.name})
        else:
            made = act("package_create", name=f"datos-{len(self.datasets)}", **fields)
            self.datasets.append(made["id"])

    def change(self, rng: random.Random) -> str:
        """Do something at random; return its name."""
        there = [
            each
            for each in self.datasets
            if (package := model.Package.get(each)) and package.state == model.State.ACTIVE
        ]
        deleted = [each for each in self.datasets if each not in there and model.Package.get(each)]
        dataset = rng.choice(there) if there else ""
        needs = [{**row, "what": f"{rng.random()}"} for row in self.idea["data_need"]]
        changes: dict[str, Callable[[], object]] = {
            "harvest": lambda: self.harvest(rng),
            "needs": lambda: act(
                "package_patch", id=self.idea["id"], data_need=needs[: rng.randint(1, 2)]
            ),
            "idea": lambda: act("package_patch", id=self.idea["id"], private=rng.random() < 0.4),
            "workshop": lambda: act("package_patch", id=self.workshop, title=f"{rng.random()}"),
            "owner": lambda: act("organization_patch", id=self.owner, title=f"{rng.random()}"),
        }
        if dataset:
            changes |= {
                "harvest again": lambda: self.harvest(rng, dataset),
                "another IRI": lambda: self.harvest(rng, dataset),
                "relate": lambda: act(
                    "package_patch",
                    id=dataset,
                    idea=[self.idea["id"]],
                    data_need=[row["id"] for row in self.idea["data_need"][:1]],
                ),
                "delete": lambda: act("package_delete", id=dataset),
                "purge": lambda: act("dataset_purge", id=dataset),
            }
        if deleted:
            changes["restore"] = lambda: act(
                "package_patch", id=rng.choice(deleted), state="active"
            )
        what = rng.choice(sorted(changes))
        try:
            changes[what]()
        except tk.ValidationError:
            # The rules of the site, as that an idea must be public to be named.
            model.Session.rollback()
            return f"{what}, refused"
        return what


@pytest.mark.usefixtures("with_request_context")
@pytest.mark.parametrize("number", range(SEQUENCES))
def test_copies_equal_the_catalogue_after_random_changes(
    number: int, app: Any, feed: Log, monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    fetch = InProcess(app)
    monkeypatch.setattr(follow, "fetch", fetch)
    rng = proving.rng(request.node.name)
    office = Office()
    office.harvest(rng)
    act("package_patch", id=office.datasets[0], idea=[office.idea["id"]])
    parts = ["", f"/organization/{office.owner}", "/service-problem/AGU-01"]
    copies = {part: follow.everything(f"{ADDRESS}{part}/catalog") for part in parts}
    done = []
    for _ in range(STEPS):
        done.append(office.change(rng))
        if rng.random() < 0.3:
            continue
        for part, copy in copies.items():
            address = f"{ADDRESS}{part}/catalog"
            copies[part] = follow.follow(address, copy)
            everything = set(follow.lines_of(fetch(f"{address}/all.nt").text))
            theirs = {line for line in everything if not OF_THE_ANSWER.match(line)}
            mine = lines_of(copies[part])
            assert (theirs - mine, mine - theirs) == (set(), set()), (part, done)
    assert verified() == []


def test_data_needs_without_a_dataset_are_in_a_copy(
    app: Any, feed: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "fetch", InProcess(app))
    idea = factories.Idea(data_need=[{"what": "Pozos que nadie tiene"}])
    factories.MarathonDataset(idea=[idea["id"]])
    copy = follow.everything(f"{ADDRESS}/catalog")
    factories.MarathonDataset(idea=[idea["id"]])
    assert "Pozos que nadie tiene" in "".join(follow.follow(f"{ADDRESS}/catalog", copy).lines())


def test_unicode_line_ends_do_not_split_a_line() -> None:
    line = '<https://a.gt/1> <http://purl.org/dc/terms/title> "a\u2028b\x85c\x0bd" .'
    assert follow.lines_of(f"{line}\n") == [line]


def test_a_copy_of_an_earlier_version_has_no_cursor_and_a_new_one_is_read_back(
    tmp_path: Path,
) -> None:
    file = tmp_path / "copy.nt"
    file.write_text("# cursor\n<https://a.gt/1> <https://a.gt/2> <https://a.gt/3> .\n")
    assert follow.Copy.read(file).cursor == ""
    copy = follow.Copy("cursor")
    copy.replace("<https://a.gt/1>", ["<https://a.gt/1> <https://a.gt/2> <https://a.gt/3> ."])
    copy.write(file)
    again = follow.Copy.read(file)
    assert (again.cursor, again.sections) == (copy.cursor, copy.sections)
    Graph().parse(file, format="nt")


def test_the_program_follow_py_copies_changes_also_after_a_new_epoch(
    world: World, tmp_path: Path
) -> None:
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
