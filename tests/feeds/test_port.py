"""The feed of a site that is a dict: what the log does with the answers of its port, without CKAN.

Only the tables are real. What CKAN answers is tested in ``test_capture.py`` and its neighbours.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pytest
from ckan import model

from ckanext.marathon.feeds import changes, log_state, port, publish, source, verify
from ckanext.marathon.feeds.catalogue import THE_WHOLE, read_datasets
from ckanext.marathon.feeds.port import (
    CATALOG,
    Description,
    Descriptions,
    FeedSettings,
    FeedSource,
    Key,
    Touched,
)
from ckanext.marathon.feeds.publish import WithdrawalRefused
from ckanext.marathon.feeds.verify import LogFault, LogFaultKind
from ckanext.marathon.model import clock, feed_log, unit_of_work
from ckanext.marathon.model.feed import Kind

from .conftest import Log

BASE = "https://dict.example"
SETTINGS = FeedSettings(BASE, f"{BASE}/vocabulary", 2)
ORGANIZATION = Key(Kind.ORGANIZATION, "town")
WORKSHOP = Key(Kind.WORKSHOP, "talk")
DATASET, OTHER = Key(Kind.DATASET, "wells"), Key(Kind.DATASET, "roads")


def describe(
    key: Key, title: str, refs: tuple[Key, ...] = (), iri: str = "", scopes: tuple[str, ...] = ()
) -> Description:
    """Return a description of one line."""
    own = iri or find_iri(key)
    classes = {Kind.DATASET: "http://www.w3.org/ns/dcat#Dataset"}
    lines = [f'<{own}> <http://purl.org/dc/terms/title> "{title}" .']
    if key.kind in classes:
        type_ = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
        lines.append(f"<{own}> <{type_}> <{classes[key.kind]}> .")
    body = "".join(f"{line}\n" for line in sorted(lines)).encode()
    return Description(own, body, tuple(map(find_iri, refs)), scopes)


def find_iri(key: Key) -> str:
    return BASE if key == CATALOG else f"{BASE}/{key.kind}/{key.thing}"


class DictSource:
    """A site whose public records are in a dict.

    Attributes:
        records: what is public; what is not in it is private or deleted.
        affects: the records whose descriptions a record's change may change.
        withdrawn: what may not be shown although it is described.
        versions: differs when what a description is made from has changed.
        faults: how often describing fails from now on.
        described: the records of each question.
        asked_with: the settings of the last question.
    """

    def __init__(self) -> None:
        self.records: dict[Key, Description] = {CATALOG: describe(CATALOG, "All")}
        self.affects: dict[Key, set[Key]] = {}
        self.named_by: dict[Key, set[Key]] = {}
        self.withdrawn: set[Key] = set()
        self.versions: dict[Key, int] = {}
        self.faults = 0
        self.described: list[set[Key]] = []
        self.settings = self.asked_with = SETTINGS

    def describe_records(self, keys: Collection[Key], settings: FeedSettings) -> Descriptions:
        self.described.append(set(keys))
        self.asked_with = settings
        if self.faults:
            self.faults -= 1
            raise ZeroDivisionError
        return {key: self.records.get(key) for key in keys}

    def find_affected(self, touched: Touched) -> set[Key]:
        ids = touched.packages | touched.groups
        logged = {Key(*found) for found in feed_log.list_logged_kinds(ids)}
        found = {key for key in self.records if key.thing in ids} | logged
        found |= {CATALOG} if touched.settings else set()
        return found.union(*(self.affects.get(key, set()) for key in found))

    def find_affected_by_descriptions(self, new: Mapping[Key, Description | None]) -> set[Key]:
        return set().union(*(self.named_by.get(key, set()) for key in new))

    def keep_public(self, keys: Collection[Key]) -> set[Key]:
        return {key for key in keys if key in self.records} - self.withdrawn

    def read_input_versions(self, keys: Collection[Key]) -> dict[Key, int]:
        return {key: self.versions.get(key, 0) for key in keys}

    def list_record_keys(self) -> list[Key]:
        return sorted(self.records, key=lambda key: publish.ORDER[key.kind])

    def read_settings(self) -> FeedSettings:
        return self.settings


@pytest.fixture
def site(feed: Log) -> Iterator[DictSource]:
    """A site without records, which the feed asks instead of CKAN."""
    former, found = port.get_source(), DictSource()
    port.register_source(found)
    yield found
    model.Session.rollback()
    port.register_source(former)


def save(*keys: Key, settings: bool = False) -> None:
    """Commit a transaction that has touched these records."""
    touched = unit_of_work.get_unit().get_notes(Touched)
    touched.packages |= {key.thing for key in keys if key.kind != Kind.ORGANIZATION}
    touched.groups |= {key.thing for key in keys if key.kind == Kind.ORGANIZATION}
    touched.settings = settings
    model.repo.commit()


class TestPublishing:
    def test_a_new_record_is_created_and_a_change_updates_it(
        self, site: DictSource, feed: Log
    ) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        save(DATASET)
        assert feed.since(0) == [("Create", "dataset")]
        assert '"Wells"' in feed.text(DATASET.thing)
        site.records[DATASET] = describe(DATASET, "Wells of 2026")
        save(DATASET)
        assert feed.since(1) == [("Update", "dataset")]
        assert '"Wells of 2026"' in feed.text(DATASET.thing)
        assert feed.slot(DATASET.thing) == 1

    def test_a_save_that_changes_no_description_is_no_change(
        self, site: DictSource, feed: Log
    ) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        save(DATASET)
        save(DATASET)
        assert feed.number == 1

    def test_a_record_that_is_private_leaves_a_tombstone_and_keeps_its_slot(
        self, site: DictSource, feed: Log
    ) -> None:
        site.records |= {DATASET: describe(DATASET, "Wells"), OTHER: describe(OTHER, "Roads")}
        save(DATASET)
        save(OTHER)
        kept = site.records.pop(DATASET)
        save(DATASET)
        assert feed.since(2) == [("Delete", "dataset")]
        assert feed.iris(DATASET.thing) == {find_iri(DATASET): False}
        assert feed_log.is_public(*DATASET) is False
        assert feed_log.count_public_datasets() == 1
        site.records[DATASET] = kept
        save(DATASET)
        assert feed.since(3) == [("Create", "dataset")]
        assert (feed.slot(DATASET.thing), feed.slot(OTHER.thing)) == (1, 2)

    def test_a_record_that_was_never_public_leaves_nothing(
        self, site: DictSource, feed: Log
    ) -> None:
        save(DATASET)
        assert feed.number == 0
        assert feed_log.is_public(*DATASET) is None

    def test_what_a_change_affects_is_described_too(self, site: DictSource, feed: Log) -> None:
        site.records |= {WORKSHOP: describe(WORKSHOP, "Talk"), DATASET: describe(DATASET, "Wells")}
        site.affects[WORKSHOP] = {DATASET}
        save(WORKSHOP, DATASET)
        number = feed.number
        site.records |= {
            WORKSHOP: describe(WORKSHOP, "Talk of May"),
            DATASET: describe(DATASET, "Wells of May"),
        }
        save(WORKSHOP)
        assert feed.since(number) == [("Update", "workshop"), ("Update", "dataset")]
        assert '"Wells of May"' in feed.text(DATASET.thing)

    def test_what_a_new_description_affects_is_described_too(
        self, site: DictSource, feed: Log
    ) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        save(DATASET)
        site.records |= {
            ORGANIZATION: describe(ORGANIZATION, "Town"),
            DATASET: describe(DATASET, "Wells of the town"),
        }
        site.named_by[ORGANIZATION] = {DATASET}
        save(ORGANIZATION)
        assert feed.since(1) == [("Create", "organization"), ("Update", "dataset")]

    def test_all_is_described_before_other_saves_have_to_wait(
        self, site: DictSource, feed: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hold, described = clock.lock_clock, list[int]()

        def hold_noting() -> Any:
            described.append(len(site.described))
            return hold()

        site.records |= {
            ORGANIZATION: describe(ORGANIZATION, "Town"),
            DATASET: describe(DATASET, "Wells"),
        }
        site.named_by[ORGANIZATION] = {DATASET}
        monkeypatch.setattr(clock, "lock_clock", hold_noting)
        save(ORGANIZATION)
        assert described == [len(site.described)] == [2]

    def test_who_names_a_changed_record_changes_without_being_described(
        self, site: DictSource, feed: Log
    ) -> None:
        site.records |= {
            ORGANIZATION: describe(ORGANIZATION, "Town"),
            DATASET: describe(DATASET, "Wells", refs=(ORGANIZATION,)),
        }
        save(ORGANIZATION, DATASET)
        number = feed.number
        site.described.clear()
        site.records[ORGANIZATION] = describe(ORGANIZATION, "Town of wells")
        save(ORGANIZATION)
        assert feed.since(number) == [("Update", "organization"), ("Update", "dataset")]
        assert site.described == [{ORGANIZATION}]

    def test_neighbours_come_first_and_deletions_last(self, site: DictSource, feed: Log) -> None:
        site.records |= {OTHER: describe(OTHER, "Roads")}
        save(OTHER)
        del site.records[OTHER]
        site.records |= {
            DATASET: describe(DATASET, "Wells"),
            WORKSHOP: describe(WORKSHOP, "Talk"),
            ORGANIZATION: describe(ORGANIZATION, "Town"),
        }
        save(OTHER, DATASET, WORKSHOP, ORGANIZATION, settings=True)
        assert feed.since(1) == [
            ("Create", "catalog"),
            ("Create", "organization"),
            ("Create", "workshop"),
            ("Create", "dataset"),
            ("Delete", "dataset"),
        ]
        with changes.read_changes(THE_WHOLE) as page:
            assert [step.number for step in page.steps] == [2, 5, 6]
            times = [step.published for step in page.steps]
        assert times == sorted(set(times))

    def test_a_dataset_with_another_iri_leaves_a_tombstone_for_the_former(
        self, site: DictSource, feed: Log
    ) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        save(DATASET)
        theirs = "https://elsewhere.example/wells"
        site.records[DATASET] = describe(DATASET, "Wells", iri=theirs)
        save(DATASET)
        assert feed.iris(DATASET.thing) == {find_iri(DATASET): False, theirs: True}
        assert feed.since(1) == [("Create", "dataset"), ("Delete", "dataset")]

    def test_an_iri_passes_on_to_another_record(self, site: DictSource, feed: Log) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        save(DATASET)
        del site.records[DATASET]
        site.records[OTHER] = describe(OTHER, "Wells", iri=find_iri(DATASET))
        save(OTHER)
        assert feed.iris(OTHER.thing) == {find_iri(DATASET): True}
        assert feed.iris(DATASET.thing) == {}
        assert feed.since(1) == [("Update", "dataset")]

    def test_who_had_the_iri_before_is_described_again(self, site: DictSource, feed: Log) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        save(DATASET)
        theirs = "https://elsewhere.example/wells"
        site.records[OTHER] = describe(OTHER, "Wells", iri=find_iri(DATASET))
        site.records[DATASET] = describe(DATASET, "Wells", iri=theirs)
        save(OTHER)
        assert feed.iris(OTHER.thing) == {find_iri(DATASET): True}
        assert feed.iris(DATASET.thing) == {theirs: True}

    def test_what_changed_while_the_clock_was_awaited_is_described_again(
        self, site: DictSource, feed: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hold = clock.lock_clock

        def hold_late() -> Any:
            site.records[DATASET] = describe(DATASET, "By another")
            site.versions[DATASET] = 1
            return hold()

        site.records |= {DATASET: describe(DATASET, "Wells"), OTHER: describe(OTHER, "Roads")}
        monkeypatch.setattr(clock, "lock_clock", hold_late)
        save(DATASET, OTHER)
        assert site.described == [{DATASET, OTHER}, {DATASET}]
        assert '"By another"' in feed.text(DATASET.thing)


class TestSettings:
    def test_the_first_publication_fixes_them(self, site: DictSource, feed: Log) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        assert log_state.find_settings() == SETTINGS
        save(DATASET)
        site.settings = FeedSettings("https://new.example", "https://new.example/v", 9)
        save(DATASET)
        assert site.asked_with == log_state.find_settings() == SETTINGS
        status = log_state.read_log_status()
        assert (status.base, status.base_now) == (BASE, "https://new.example")

    def test_of_two_first_publications_the_first_one_fixes_them(
        self, site: DictSource, feed: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hold, first = (
            clock.lock_clock,
            FeedSettings("https://first.example", "https://v.example", 3),
        )

        def hold_late() -> Any:
            hold()
            clock.fix_settings(*first)
            return hold()

        site.records[DATASET] = describe(DATASET, "Wells")
        monkeypatch.setattr(clock, "lock_clock", hold_late)
        save(DATASET)
        assert site.asked_with == log_state.find_settings() == first

    def test_before_it_the_catalogue_is_described_as_they_say_now(
        self, site: DictSource, feed: Log
    ) -> None:
        assert [*read_datasets(THE_WHOLE)] == []
        connection, row, _state = log_state.open_catalogue()
        connection.close()
        assert (row.base, row.page_size) == (BASE, 2)


class TestFaults:
    def test_a_save_goes_on_without_its_description_and_the_gap_is_filled(
        self, site: DictSource, feed: Log
    ) -> None:
        site.records[DATASET] = describe(DATASET, "Before")
        save(DATASET)
        site.records[DATASET] = describe(DATASET, "After")
        site.faults = 1
        save(DATASET)
        status = log_state.read_log_status()
        assert (status.complete, status.gaps) == (False, 1)
        assert '"Before"' in feed.text(DATASET.thing)
        assert publish.fill_gaps()
        status = log_state.read_log_status()
        assert (status.complete, status.gaps) == (True, 0)
        assert feed.since(1) == [("Update", "dataset")]
        assert '"After"' in feed.text(DATASET.thing)

    @pytest.mark.parametrize("how", ["hidden", "masked"])
    def test_what_may_not_be_shown_is_withdrawn_without_a_description(
        self, how: str, site: DictSource, feed: Log
    ) -> None:
        site.records |= {DATASET: describe(DATASET, "Wells"), OTHER: describe(OTHER, "Roads")}
        save(DATASET, OTHER)
        number = feed.number
        if how == "hidden":
            del site.records[DATASET]
        else:
            site.withdrawn.add(DATASET)
        site.faults = 1
        save(DATASET, OTHER)
        assert feed.since(number) == [("Delete", "dataset")]
        assert not feed.is_public(DATASET.thing)
        assert feed.is_public(OTHER.thing)

    def test_where_that_cannot_be_told_nothing_is_saved(
        self, site: DictSource, feed: Log, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        save(DATASET)
        monkeypatch.delattr(DictSource, "keep_public")
        site.faults = 1
        with pytest.raises(WithdrawalRefused):
            save(DATASET)
        model.Session.rollback()
        assert feed.number == 1
        assert log_state.read_log_status().gaps == 0

    def test_a_gap_that_fails_again_waits(self, site: DictSource, feed: Log) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        site.faults = 2
        save(DATASET)
        assert not publish.fill_gaps()
        # It is due later, and not forgotten.
        assert log_state.read_log_status().gaps == 1
        assert not feed.is_public(DATASET.thing)


class TestComparing:
    @pytest.fixture
    def faults(self, site: DictSource) -> Any:
        """Return what differs between the log and the dict."""

        def compare() -> list[LogFault]:
            model.Session.rollback()
            return list(verify.verify_log())

        save(settings=True)
        return compare

    def test_a_record_that_the_log_lacks(self, site: DictSource, faults: Any) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        assert faults() == [LogFault(LogFaultKind.MISSING, find_iri(DATASET))]

    @pytest.mark.parametrize("scopes", [(), ("organization/town",)])
    def test_a_record_that_the_log_describes_otherwise(
        self, scopes: tuple[str, ...], site: DictSource, faults: Any
    ) -> None:
        site.records[DATASET] = describe(DATASET, "Wells")
        save(DATASET)
        assert faults() == []
        title = "Wells" if scopes else "Other wells"
        site.records[DATASET] = describe(DATASET, title, scopes=scopes)
        assert faults() == [LogFault(LogFaultKind.OUTDATED, find_iri(DATASET))]

    @pytest.mark.parametrize("key", [DATASET, WORKSHOP])
    def test_a_record_that_is_not_public_any_more(
        self, key: Key, site: DictSource, faults: Any
    ) -> None:
        site.records[key] = describe(key, "Wells")
        save(key)
        del site.records[key]
        assert faults() == [LogFault(LogFaultKind.NOT_PUBLIC, find_iri(key))]

    def test_a_rebuild_writes_all_that_differs(
        self, site: DictSource, feed: Log, faults: Any
    ) -> None:
        site.records[OTHER] = describe(OTHER, "Roads")
        save(OTHER)
        del site.records[OTHER]
        site.records[DATASET] = describe(DATASET, "Wells")
        assert verify.rebuild_log("") == 2
        assert feed.since(2) == [("Create", "dataset"), ("Delete", "dataset")]
        assert faults() == []


def test_parts_have_what_is_public_in_them(site: DictSource, feed: Log) -> None:
    parts = ("municipality/0101", "organization/town")
    site.records |= {
        DATASET: describe(DATASET, "Wells", scopes=parts),
        OTHER: describe(OTHER, "Roads", scopes=parts[1:]),
    }
    save(DATASET, OTHER)
    assert feed_log.count_public_datasets_by_code("organization") == {"town": 2}
    assert list_things("organization/town") == {DATASET.thing, OTHER.thing}
    del site.records[DATASET]
    save(DATASET)
    assert feed_log.count_public_datasets_by_code("organization") == {"town": 1}
    assert feed_log.count_public_datasets_by_code("municipality") == {}
    assert feed_log.count_public_datasets("organization/town") == 1
    assert list_things("organization/town") == {OTHER.thing}
    # One that leaves a part stays in the catalogue.
    site.records[OTHER] = describe(OTHER, "Roads")
    save(OTHER)
    assert list_things("organization/town") == set()
    assert list_things() == {OTHER.thing}


def list_things(scope: str = "") -> set[str]:
    return {row.thing for row in model.Session.execute(feed_log.select_public_datasets(scope))}


def test_pages_are_written_from_the_log_alone(site: DictSource, feed: Log) -> None:
    site.records |= {
        Key(Kind.DATASET, str(number)): describe(Key(Kind.DATASET, str(number)), f"No. {number}")
        for number in range(3)
    }
    save(*site.records)
    site.described.clear()
    assert [dataset.title for dataset in read_datasets(THE_WHOLE)] == ["No. 0", "No. 1", "No. 2"]
    assert site.described == []


def test_without_a_source_nothing_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "_sources", [])
    with pytest.raises(LookupError, match="no source"):
        port.get_source()


def test_ckan_answers_all_questions_of_the_port() -> None:
    questions = {
        name: asked
        for name, asked in inspect.getmembers(FeedSource, inspect.isfunction)
        if not name.startswith("_")
    }
    assert len(questions) == 7
    for name, asked in questions.items():
        asked_for = list(inspect.signature(asked).parameters)[1:]
        assert list(inspect.signature(getattr(source, name)).parameters) == asked_for, name
