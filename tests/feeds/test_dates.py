"""Dates mean the same in every feed and on the page, and none is older than the publication."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from ckan import model
from ckan.lib import search
from ckan.tests.helpers import call_action

from ckanext.marathon.model import clock, feed_log
from ckanext.marathon.model.feed import Entry
from tests import factories
from tests.remembered import remembered

from .conftest import Get, Log

NOTICES = "marathon_notices"
ISSUED = "http://purl.org/dc/terms/issued"
MODIFIED = "http://purl.org/dc/terms/modified"
LINK = {"url": "https://example.gt/a.csv", "name": "A", "format": "CSV"}


def write(dataset: dict[str, Any], **fields: Any) -> None:
    """Store values in a dataset that its rules would refuse and older versions accepted."""
    package = model.Package.get(dataset["id"])
    assert package
    package.extras = {**package.extras, **fields}
    model.repo.commit()
    search.rebuild(dataset["id"])


def backdate(dataset: dict[str, Any], days: int) -> datetime:
    """Make a dataset as if it had been created some days ago; return the time."""
    package = model.Package.get(dataset["id"])
    assert package
    began = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
    package.metadata_created = began
    model.repo.commit()
    return began.replace(tzinfo=UTC)


def list_literals(text: str, predicate: str) -> list[str]:
    """Return the literals of a property of datasets themselves, as N-Triples has them."""
    lines = [line for line in text.splitlines() if f"<{predicate}>" in line]
    subjects = [line.split(" ", 1)[0] for line in lines]
    others = ("/resource/", "#record>")
    about = [
        line
        for line, subject in zip(lines, subjects, strict=True)
        if not any(each in subject for each in others)
    ]
    return [line.split(f"<{predicate}> ", 1)[1].removesuffix(" .") for line in about]


def row(get: Get) -> dict[str, str]:
    text = get("/catalog.csv").data.decode("utf-8-sig")
    (found,) = csv.DictReader(io.StringIO(text))
    return found


def in_data_json(get: Get) -> dict[str, Any]:
    (found,) = json.loads(get("/data.json").data)["dataset"]
    return found


def on_page(get: Get, dataset: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the facts on the page by their names, and its schema.org."""
    page = BeautifulSoup(get(f"/dataset/{dataset['name']}").text, "lxml")
    facts = {
        term.text.strip(): value.text.strip()
        for each in page.select(".marathon-facts")
        for term, value in zip(each.select("dt"), each.select("dd"), strict=True)
    }
    scripts = [json.loads(each.text) for each in page.select('script[type="application/ld+json"]')]
    (found,) = [each for each in scripts if each.get("@type") == "Dataset"]
    return facts, found


@pytest.fixture
@remembered
def dataset(feed: Log) -> dict[str, Any]:
    clock.set_complete(True)
    model.Session.commit()
    return factories.MarathonDataset(
        issued="2017", modified="2017-06-03T20:30:00-06:00", resources=[LINK],
        temporal_coverage=[{"start": "2016", "end": "2016-12-31T23:59:59"}],
    )  # fmt: skip


class TestOneMeaning:
    def test_a_date_is_the_same_day_in_every_format(
        self, dataset: dict[str, Any], feed: Log, get: Get
    ) -> None:
        text = feed.text(dataset["id"])
        assert list_literals(text, ISSUED) == ['"2017"^^<http://www.w3.org/2001/XMLSchema#gYear>']
        assert list_literals(text, MODIFIED)[0].startswith('"2017-06-03T20:30:00-06:00"')
        found = in_data_json(get)
        assert (found["issued"], found["modified"]) == ("2017", "2017-06-03T20:30:00-06:00")
        # DCAT-US takes both ends in one form.
        assert found["temporal"] == "2016-01-01/2016-12-31"
        assert found["temporalCoverage"] == ["2016/2016-12-31T23:59:59-06:00"]
        # In UTC it was the next day already.
        cells = row(get)
        assert (cells["publicado"], cells["modificado"]) == ("2017", "2017-06-03")
        assert cells["periodo"] == "2016/2016-12-31"
        facts, structured = on_page(get, dataset)
        assert "2017" in facts.values()
        assert any(
            "3 de junio de 2017" in value or "June 3, 2017" in value for value in facts.values()
        )
        assert (structured["datePublished"], structured["dateModified"]) == (
            "2017",
            "2017-06-03T20:30:00-06:00",
        )

    def test_an_instant_in_another_offset_is_shown_with_guatemalas_day(
        self, dataset: dict[str, Any], get: Get
    ) -> None:
        call_action("package_patch", id=dataset["id"], modified="2024-05-07T03:00:00Z")
        assert row(get)["modificado"] == "2024-05-06"
        facts, _ = on_page(get, dataset)
        assert any(
            "6 de mayo de 2024, 21:00" in v or "May 6, 2024, 9:00" in v for v in facts.values()
        )

    @pytest.mark.parametrize("written", ["Monday", "2024-02-30"])
    def test_an_invalid_date_is_not_replaced_by_another(
        self, dataset: dict[str, Any], written: str, feed: Log, get: Get, faults: Callable[[], Any]
    ) -> None:
        write(dataset, issued=written, modified=written)
        text = feed.text(dataset["id"])
        assert list_literals(text, ISSUED) + list_literals(text, MODIFIED) == []
        # DCAT-US requires a date: this one is marked as that of the record, not of the data.
        assert "issued" not in in_data_json(get)
        assert in_data_json(get)["modifiedOf"] == "dcat:CatalogRecord"
        assert (row(get)["publicado"], row(get)["modificado"]) == ("", "")
        facts, structured = on_page(get, dataset)
        assert list(facts.values()).count(written) == 2
        assert not {"datePublished", "dateModified"} & structured.keys()
        assert faults() == []


class TestFirstPublication:
    def test_a_private_dataset_is_first_published_when_it_becomes_public(
        self, dataset: dict[str, Any], feed: Log, get: Get, faults: Callable[[], Any]
    ) -> None:
        draft = factories.MarathonDataset(private=True, resources=[LINK])
        began = backdate(draft, 30)
        assert call_action("package_show", id=draft["id"])["first_published"] is None
        before = datetime.now(UTC)
        call_action("package_patch", id=draft["id"], private=False)
        first = feed_log.read_first_published([draft["id"]])[draft["id"]]
        # The clock of the database, which is the same machine's.
        assert abs(first - before) < timedelta(minutes=1)
        (issued,) = list_literals(feed.text(draft["id"]), ISSUED)
        assert issued.startswith(f'"{first.astimezone(UTC).isoformat()[:19]}')
        # Nor are its files older than that.
        assert f'"{began.isoformat()[:10]}' not in feed.text(draft["id"])
        shown = call_action("package_show", id=draft["id"])
        assert datetime.fromisoformat(shown["first_published"]) == first
        assert faults() == []

    def test_first_publication_stays_after_changes_and_restoring(
        self, dataset: dict[str, Any], feed: Log, faults: Callable[[], Any]
    ) -> None:
        call_action("package_patch", id=dataset["id"], issued="")
        first = feed_log.read_first_published([dataset["id"]])
        issued = list_literals(feed.text(dataset["id"]), ISSUED)
        call_action("package_patch", id=dataset["id"], notes="Otra")
        call_action("package_patch", id=dataset["id"], private=True)
        assert feed.text(dataset["id"]) == ""
        call_action("package_patch", id=dataset["id"], private=False)
        assert feed_log.read_first_published([dataset["id"]]) == first
        assert list_literals(feed.text(dataset["id"]), ISSUED) == issued
        assert faults() == []

    def test_a_sent_first_publication_is_ignored(self, dataset: dict[str, Any]) -> None:
        first = feed_log.read_first_published([dataset["id"]])
        shown = call_action("package_show", id=dataset["id"])
        sent = {**shown, "first_published": "1999-01-01"}
        call_action("package_update", **sent)
        assert feed_log.read_first_published([dataset["id"]]) == first
        package = model.Package.get(dataset["id"])
        assert package
        assert "first_published" not in package.extras

    def test_a_dataset_older_than_the_plugin_was_published_when_created(
        self, dataset: dict[str, Any], feed: Log
    ) -> None:
        call_action("package_patch", id=dataset["id"], issued="")
        # As it was before there was a log.
        model.Session.execute(sa.delete(Entry).where(Entry.thing == dataset["id"]))
        clock.set_complete(False)
        began = backdate(dataset, 900)
        assert list_literals(feed.text(dataset["id"]), ISSUED)[0].startswith(
            f'"{began.isoformat()[:19]}'
        )
