"""Changes by others between two steps of publishing, reading or comparing are not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.marathon.feeds import catalogue, changes, log_state, source
from ckanext.marathon.feeds.catalogue import THE_WHOLE
from ckanext.marathon.feeds.port import Key
from ckanext.marathon.feeds.verify import LogFault
from ckanext.marathon.model import clock, feed_log
from ckanext.marathon.model.feed import Kind, Rendering, Window
from tests import factories

from .conftest import Log, in_request

Meanwhile = Callable[[Callable[[], Any]], None]


@pytest.fixture
def meanwhile(app: Any, monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Return what has somebody else do something before the clock is taken the next time."""

    def arrange(do: Callable[[], Any]) -> None:
        waiting, hold = [do], clock.lock_clock

        def others_first() -> Any:
            if waiting:
                other = threading.Thread(target=in_request(app, waiting.pop()))
                other.start()
                other.join(timeout=60)
                assert not other.is_alive()
            return hold()

        monkeypatch.setattr(clock, "lock_clock", others_first)

    return arrange


def retitle(package: str, title: str) -> None:
    """Change a dataset as plugins do: without any action's locks."""
    found = model.Session.get(model.Package, package)
    assert found is not None
    found.title = title
    model.repo.commit()


class TestPublishing:
    def test_the_catalogue_entry_has_the_current_publisher(
        self, feed: Log, faults: Callable[[], list[LogFault]], meanwhile: Meanwhile
    ) -> None:
        body = factories.CoordinatingBody(title="Antes")
        town = factories.Municipality()
        meanwhile(lambda: call_action("organization_patch", id=body["id"], title="Ahora"))
        call_action("organization_patch", id=town["id"], title="Otra")
        assert faults() == []
        assert '"Ahora"' in feed.text("")

    def test_unchanged_records_are_not_described_again(
        self,
        feed: Log,
        faults: Callable[[], list[LogFault]],
        meanwhile: Meanwhile,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        owner = factories.Municipality(contact_email="oficina@example.gt")
        idea = factories.Idea(owner_org=owner["id"])
        first, *_others = [
            factories.MarathonDataset(owner_org=owner["id"], idea=[idea["id"]])["id"]
            for _ in range(3)
        ]
        described: list[set[Key]] = []
        render, here = source.describe_records, threading.current_thread()

        def noted(keys: Collection[Key], settings: Any) -> Any:
            if threading.current_thread() is here:
                described.append({key for key in keys if key.kind == Kind.DATASET})
            return render(keys, settings)

        monkeypatch.setattr(source, "describe_records", noted)
        meanwhile(lambda: retitle(first, "Ahora"))
        # It loses its office, which its datasets name.
        call_action("organization_patch", id=owner["id"], contact_email="")
        assert [len(each) for each in described if each] == [3, 1]
        assert described[-1] == {Key(Kind.DATASET, first)}
        assert faults() == []
        assert '"Ahora"' in feed.text(first)


def moment() -> tuple[int, int]:
    """Return number and mark of the log's state."""
    row = clock.read_clock()
    return row.number, row.mark


class TestReading:
    def test_a_rendering_of_a_lost_state_is_not_cached(self, feed: Log) -> None:
        factories.MarathonDataset()
        (changed,) = model.Session.scalars(sa.select(Window.changed))
        number, mark = moment()
        for state, rows in (((number, mark ^ 1), 0), ((number + 1, mark), 0), (moment(), 1)):
            feed_log.keep_rendering(1, "ttl", changed, catalogue.deflate_bytes(b"text"), state)
            assert model.Session.query(Rendering).count() == rows
            model.Session.rollback()

    def test_a_rendering_of_a_changed_page_is_not_cached(self, feed: Log) -> None:
        factories.MarathonDataset()
        document = catalogue.read_page(THE_WHOLE, 1, "ttl", "http://test.ckan.net/catalog.ttl")
        assert document is not None
        document.close()
        kept = model.Session.execute(sa.select(Rendering)).scalar_one()
        changed, piece = kept.changed, catalogue.Piece(kept.body, kept.size, kept.crc)
        model.Session.delete(kept)
        model.Session.commit()
        for number, rows in ((changed - 1, 0), (changed + 1, 0), (changed, 1)):
            feed_log.keep_rendering(1, "ttl", number, piece, moment())
            assert model.Session.query(Rendering).count() == rows
            model.Session.rollback()

    def test_a_reader_does_not_wait_for_a_locked_window(self, feed: Log, app: Any) -> None:
        factories.MarathonDataset()
        held = model.Session.execute(
            sa.text("SELECT changed FROM marathon_feed_window WHERE number = 1 FOR UPDATE")
        ).scalar_one()
        piece, now = catalogue.deflate_bytes(b"text"), moment()
        reader = threading.Thread(
            target=in_request(app, lambda: feed_log.keep_rendering(1, "ttl", held, piece, now)),
            daemon=True,
        )
        reader.start()
        reader.join(timeout=30)
        assert not reader.is_alive()
        assert model.Session.query(Rendering).count() == 0

    def test_an_epoch_begun_during_a_read_is_followed_from_its_beginning(
        self, feed: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[str] = []
        state_of = log_state.make_state

        def begun(row: sa.Row) -> log_state.LogState:
            monkeypatch.setattr(log_state, "make_state", state_of)
            clock.lock_clock()
            clock.begin_epoch()
            model.repo.commit()
            made.append(factories.MarathonDataset()["id"])
            return log_state.read_state()

        monkeypatch.setattr(log_state, "make_state", begun)
        with changes.read_changes(THE_WHOLE) as page:
            assert f"http://test.ckan.net/dataset/{made[0]}" in {each.iri for each in page.steps}
            assert page.cursor == log_state.read_state().cursor


class TestComparing:
    def test_a_save_during_verify_is_no_fault(
        self, feed: Log, faults: Callable[[], list[LogFault]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        idea = factories.Idea()
        factories.MarathonDataset(idea=[idea["id"]])
        live = feed_log.read_live_count

        def and_somebody_publishes(connection: Any, number: int) -> int:
            found = live(connection, number)
            factories.MarathonDataset(idea=[idea["id"]])
            return found

        monkeypatch.setattr(feed_log, "read_live_count", and_somebody_publishes)
        assert faults() == []
