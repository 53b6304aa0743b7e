"""The log as tests look at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model

from ckanext.marathon.feeds.verify import LogFault, verify_log
from ckanext.marathon.model import feed_log
from ckanext.marathon.model.feed import Change, Entry

SITE = "http://test.ckan.net"

Get = Callable[..., Any]


class Log:
    """Questions to the feed's log, for assertions."""

    @property
    def number(self) -> int:
        """The number of the last change."""
        return model.Session.scalar(sa.select(sa.func.max(Change.number))) or 0

    def since(self, number: int) -> list[tuple[str, str]]:
        """Return (activity, kind) of the changes after a number, in order."""
        query = (
            sa.select(Change.activity, Entry.kind)
            .join(Entry, Entry.iri == Change.iri)
            .where(Change.number > number)
            .order_by(Change.number)
        )
        return [(activity, kind) for activity, kind in model.Session.execute(query)]

    def is_public(self, thing: str) -> bool:
        """Return whether something of this id is public."""
        query = sa.select(Entry.digest).where(Entry.thing == thing, Entry.digest.is_not(None))
        return model.Session.scalar(query) is not None

    def iris(self, thing: str) -> dict[str, bool]:
        """Return the IRIs that something has or had, and whether it is public under each."""
        query = sa.select(Entry.iri, Entry.digest.is_not(None)).where(Entry.thing == thing)
        return dict(model.Session.execute(query).tuples().all())

    def text(self, thing: str) -> str:
        """Return the N-Triples of the record with this id; "" for a tombstone."""
        query = sa.select(Entry.iri).where(Entry.thing == thing, Entry.digest.is_not(None))
        iri = model.Session.scalar(query)
        return feed_log.read_bodies([iri]).get(iri, b"").decode() if iri else ""

    def slot(self, thing: str) -> int | None:
        """Return the slot of a dataset."""
        return model.Session.scalar(sa.select(Entry.slot).where(Entry.thing == thing))


@pytest.fixture
def feed(marathon_site: None) -> Log:
    """The log of an empty site. ``faults`` compares it with the public records."""
    return Log()


@pytest.fixture
def get(app: Any) -> Get:
    """Return a function that requests an address with headers and does not follow redirects."""

    def fetch(address: str, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return app.get(address.removeprefix(SITE), headers=named, follow_redirects=False)

    return fetch


@pytest.fixture
def faults() -> Callable[[], list[LogFault]]:
    """Return the faults of the log, in a transaction of its own."""

    def look() -> list[LogFault]:
        model.Session.rollback()
        return list(verify_log())

    return look


def act(name: str, /, **data: Any) -> Any:
    """Call an action as the site itself."""
    from ckan.tests.helpers import call_action

    return call_action(name, **data)


def in_request(app: Any, call: Callable[..., None]) -> Callable[..., None]:
    """Return a call as threads make it: in a request and a session of its own."""

    def run(*arguments: Any) -> None:
        with app.flask_app.test_request_context():
            try:
                call(*arguments)
            finally:
                model.Session.rollback()
                model.Session.remove()

    return run
