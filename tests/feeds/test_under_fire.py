"""Crawls and followers during writes: they miss no dataset and keep no deleted one.

``make prove`` runs 200 crawls and 20 rounds of writers.
"""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests.helpers import call_action
from sqlalchemy.exc import OperationalError

from ckanext.marathon.feeds import catalogue
from ckanext.marathon.feeds import changes as changes_feeds
from ckanext.marathon.feeds.catalogue import THE_WHOLE, inflate_piece
from ckanext.marathon.feeds.verify import verify_log
from ckanext.marathon.model import feed_log
from ckanext.marathon.model.feed import Activity, Change
from tests import factories, proving

from .conftest import Log, in_request

CRAWLS = proving.count("crawls while somebody writes", 6, 200)
# Writers make the catalogue larger during a crawl: after this number a new one is begun.
CRAWLS_A_CATALOGUE = 10
ROUNDS = proving.count("rounds of eight writers and a follower", 2, 20)
RACES = proving.count("first datasets while their organisation changes", 4, 40)
WRITERS = 8
EDITS = 6
ADDRESS = "http://test.ckan.net/catalog.nt"
DATASET = re.compile(rb"<([^>]+/dataset/[^/#>]+)> <[^>]+#type> <http://www.w3.org/ns/dcat#Dataset>")

pytestmark = pytest.mark.ckan_config("ckanext.dcat.datasets_per_page", 3)


def body(document: catalogue.CatalogueDocument | None) -> bytes:
    assert document is not None
    try:
        return b"".join(map(inflate_piece, document.pieces))
    finally:
        document.close()


def crawl() -> Iterator[bytes]:
    """Yield the pages as a harvester follows them."""
    number: int | None = 1
    while number:
        document = catalogue.read_page(THE_WHOLE, number, "nt", ADDRESS)
        assert document is not None
        number = document.links.get("next")
        yield body(document)


@pytest.fixture
def datasets(feed: Log) -> list[str]:
    idea = factories.Idea()
    return [factories.MarathonDataset(idea=[idea["id"]])["id"] for _ in range(12)]


@pytest.mark.parametrize("first", range(0, CRAWLS, CRAWLS_A_CATALOGUE))
class TestCrawl:
    def test_a_crawl_during_writes_sees_every_unchanged_dataset_once(
        self, first: int, datasets: list[str], request: pytest.FixtureRequest
    ) -> None:
        for number in crawls(first):
            rng = proving.rng(f"{request.node.name} {number}")
            there = public()
            seen: Counter[str] = Counter()
            gone: set[str] = set()
            for page in crawl():
                seen.update(each.decode() for each in DATASET.findall(page))
                what, iri = write(rng)
                gone |= {iri} if what == "delete" else set()
            assert {each for each, times in seen.items() if times > 1} == set()
            assert there - gone - seen.keys() == set()

    def test_a_crawl_by_cursors_sees_every_change_made_during_it(
        self,
        first: int,
        datasets: list[str],
        request: pytest.FixtureRequest,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(changes_feeds, "SIZE", 3)
        for number in crawls(first):
            rng = proving.rng(f"{request.node.name} {number}")
            there = public()
            seen: Counter[str] = Counter()
            touched: set[str] = set()
            latest: dict[str, str] = {}
            cursor, is_last = "", False
            while not is_last:
                with changes_feeds.read_changes(THE_WHOLE, cursor) as page:
                    cursor, is_last = page.cursor, page.is_last
                    steps = {each.iri: each.activity for each in page.steps}
                steps.pop("http://test.ckan.net", None)
                seen.update(steps.keys())
                latest |= steps
                if not is_last:
                    touched.add(write(rng)[1])
            assert {each for each in there - touched if seen[each] != 1} == set()
            assert {each for each, kind in latest.items() if kind != "Delete"} == public()


def crawls(first: int) -> range:
    """Return the numbers of the crawls of one catalogue."""
    return range(first, min(first + CRAWLS_A_CATALOGUE, CRAWLS))


def public() -> set[str]:
    return {
        each.decode() for each in DATASET.findall(body(catalogue.read_everything(THE_WHOLE, "nt")))
    }


def write(rng: random.Random) -> tuple[str, str]:
    """Edit, delete, restore or add a dataset between two pages; return which, and how."""
    packages = model.Session.query(model.Package).filter_by(type="dataset").all()
    package = rng.choice(packages)
    identifier = package.id
    what = rng.choice(["edit", "edit", "delete", "add", "back"])
    if what == "add":
        added = factories.MarathonDataset(owner_org=package.owner_org, idea=package_ideas(package))
        identifier = added["id"]
    elif what == "delete" and package.state == model.State.ACTIVE:
        call_action("package_delete", id=package.id)
    else:
        what = "edit"
        call_action("package_patch", id=package.id, title=f"{rng.random()}", state="active")
    return what, f"http://test.ckan.net/dataset/{identifier}"


def package_ideas(package: model.Package) -> list[str]:
    return call_action("package_show", id=package.id)["idea"]


class Follower:
    """A copy that is updated by change numbers alone."""

    def __init__(self) -> None:
        self.number = 0
        self.copy: dict[str, bytes] = {}

    def follow(self) -> None:
        changes = model.Session.execute(
            sa.select(Change.number, Change.iri, Change.activity)
            .where(Change.number > self.number)
            .order_by(Change.number)
        ).all()
        bodies = feed_log.read_bodies({change.iri for change in changes})
        for change in changes:
            assert change.number == self.number + 1, "a number was skipped"
            self.number = change.number
            if change.activity == Activity.DELETE:
                self.copy.pop(change.iri, None)
            elif change.iri in bodies:
                self.copy[change.iri] = bodies[change.iri]
        model.Session.rollback()


class TestWriters:
    def test_a_follower_during_writes_ends_with_the_content_of_the_log(
        self, app: Any, feed: Log, request: pytest.FixtureRequest
    ) -> None:
        idea = factories.Idea()
        ids = [factories.MarathonDataset(idea=[idea["id"]])["id"] for _ in range(4)]
        follower = Follower()
        for number in range(ROUNDS):
            done = threading.Event()
            writers = [
                threading.Thread(
                    target=in_request(app, edits),
                    args=(proving.rng(f"{request.node.name} {number} {who}"), ids, idea["id"]),
                )
                for who in range(WRITERS)
            ]
            for writer in writers:
                writer.start()

            def follow(done: threading.Event = done) -> None:
                while not done.is_set():
                    follower.follow()

            reader = threading.Thread(target=in_request(app, follow))
            reader.start()
            for writer in writers:
                writer.join(timeout=300)
                assert not writer.is_alive()
            done.set()
            reader.join(timeout=60)
            follower.follow()
            assert follower.copy == everything()
            model.Session.rollback()
            assert list(verify_log()) == []


class TestOwners:
    def test_a_first_dataset_saved_during_a_change_of_its_owner_loses_nothing(
        self, app: Any, feed: Log
    ) -> None:
        for number in range(RACES):
            owner = factories.Municipality()
            office = f"oficina-{number}@example.gt"
            calls: list[Callable[[], Any]] = [
                lambda owner=owner: factories.MarathonDataset(owner_org=owner["id"]),
                lambda owner=owner, office=office: call_action(
                    "organization_patch", id=owner["id"], contact_email=office
                ),
            ]
            model.Session.rollback()
            threads = [threading.Thread(target=in_request(app, call)) for call in calls]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(timeout=60)
                assert not thread.is_alive()
            model.Session.rollback()
            assert list(verify_log()) == []
            assert feed.text(owner["id"]).count(f"hasEmail> <mailto:{office}>") == 1


def everything() -> dict[str, bytes]:
    """Return IRI → description of all that is public."""
    rows = model.Session.execute(
        sa.text("SELECT iri FROM marathon_feed_entry WHERE digest IS NOT NULL")
    )
    return feed_log.read_bodies([iri for (iri,) in rows])


def edits(rng: random.Random, ids: list[str], idea: str) -> None:
    """Change datasets and their idea at random, as plugins do: without any action's locks."""
    for _ in range(EDITS):
        target = rng.choice([*ids, idea])
        package = model.Session.get(model.Package, target)
        assert package is not None
        package.title = f"{rng.random()}"
        if target != idea:
            package.private = rng.random() < 0.2
        try:
            model.repo.commit()
        except OperationalError:
            # PostgreSQL ended a deadlock over the packages themselves.
            model.Session.rollback()
