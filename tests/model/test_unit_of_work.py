"""One module listens to the session, and each phase of a save has its steps in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import ckan.plugins as p
import pytest
from ckan import model
from ckan.tests.helpers import call_action
from sqlalchemy import event

from ckanext.marathon.logic import saving
from ckanext.marathon.model import link, unit_of_work
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.model.unit_of_work import Steps, UnitOfWork
from tests import factories

ROOT = Path(__file__).parents[2] / "ckanext" / "marathon"
PHASES = [field.name for field in fields(Steps)]


@pytest.fixture
def called(marathon_site: None) -> Iterator[list[str]]:
    """Record the names of the phases instead of running their steps."""
    calls: list[str] = []
    unit_of_work.start_listening(
        Steps(**{phase: (lambda unit, phase=phase: calls.append(phase),) for phase in PHASES})
    )
    yield calls
    model.Session.rollback()
    saving.start_steps()


def add_tag(name: str) -> model.Tag:
    tag = model.Tag(name)
    model.Session.add(tag)
    return tag


class TestListeners:
    def test_only_the_unit_of_work_listens_to_the_session(self) -> None:
        listening = [
            path.relative_to(ROOT).as_posix()
            for path in ROOT.rglob("*.py")
            if re.search(r"event\.listen(s_for)?\(\s*model\.", path.read_text(encoding="utf-8"))
        ]
        assert listening == ["model/unit_of_work.py"]
        listeners = {
            unit_of_work._before_flush,
            unit_of_work._before_commit,
            unit_of_work._after_end,
        }
        heard = {
            name: [
                listener for listener in listeners if event.contains(model.Session, name, listener)
            ]
            for name in ("before_flush", "before_commit", "after_commit", "after_transaction_end")
        }
        assert all(len(found) == 1 for found in heard.values())
        assert {found[0] for found in heard.values()} == listeners

    def test_listening_twice_calls_each_step_once(self, called: list[str]) -> None:
        unit_of_work.start_listening(unit_of_work._steps)
        add_tag("water")
        model.Session.commit()
        assert called.count("before_commit") == 1


class TestPhases:
    def test_a_commit_calls_its_phases_in_order(self, called: list[str]) -> None:
        add_tag("water")
        model.Session.commit()
        assert called == [
            "before_flush",
            "note_flush",
            "note_created",
            "before_commit",
            "after_commit",
        ]
        assert unit_of_work.find_unit() is None

    def test_inserted_rows_are_noted_before_the_next_flush(self, called: list[str]) -> None:
        tag = add_tag("water")
        model.Session.flush()
        tag.name = "rain"
        model.Session.flush()
        assert called == [
            "before_flush",
            "note_flush",
            "note_created",
            "before_flush",
            "note_flush",
        ]

    def test_a_rollback_calls_the_steps_after_a_rollback(self, called: list[str]) -> None:
        add_tag("water")
        model.Session.flush()
        model.Session.rollback()
        assert called == ["before_flush", "note_flush", "after_rollback"]
        assert unit_of_work.find_unit() is None

    def test_removing_a_session_calls_the_steps_after_a_rollback(self, called: list[str]) -> None:
        add_tag("water")
        model.Session.flush()
        model.Session.remove()
        assert called == ["before_flush", "note_flush", "after_rollback"]

    def test_a_savepoint_is_part_of_its_transaction(self, called: list[str]) -> None:
        with model.Session.begin_nested():
            add_tag("water")
        unit = unit_of_work.find_unit()
        assert unit is not None
        assert "before_commit" not in called
        assert "after_commit" not in called
        model.Session.commit()
        assert called.count("before_commit") == 1
        assert called.count("after_commit") == 1
        assert "after_rollback" not in called

    def test_rows_of_a_rolled_back_savepoint_are_not_noted(self, called: list[str]) -> None:
        undone = model.Session.begin_nested()
        add_tag("water")
        model.Session.flush()
        undone.rollback()
        assert "after_rollback" not in called
        model.Session.commit()
        assert "note_created" not in called

    def test_an_exception_in_a_step_prevents_the_commit(self, marathon_site: None) -> None:
        def refuse(_unit: UnitOfWork) -> None:
            raise PermissionError

        unit_of_work.start_listening(Steps(before_commit=(refuse,)))
        try:
            add_tag("water")
            with pytest.raises(PermissionError):
                model.Session.commit()
            model.Session.rollback()
            assert not model.Session.query(model.Tag).count()
        finally:
            saving.start_steps()

    def test_ckan_is_notified_of_rows_changed_by_a_step(self, marathon_site: None) -> None:
        """CKAN collects changed objects for Solr and plugins in the same event."""
        unit_of_work.start_listening(Steps(before_flush=(lambda _unit: add_tag("by a step"),)))
        try:
            add_tag("water")
            model.Session.flush()
            noted = {tag.name for tag in model.Session()._object_cache["new"]}
            assert noted == {"water", "by a step"}
        finally:
            model.Session.rollback()
            saving.start_steps()

    def test_without_the_plugin_no_step_is_called(
        self, called: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(p, "plugin_loaded", lambda _name: False)
        add_tag("water")
        model.Session.commit()
        assert called == []

    def test_notes_belong_to_one_transaction(self, called: list[str]) -> None:
        class Notes:
            pass

        unit = unit_of_work.get_unit()
        notes = unit.get_notes(Notes)
        assert unit.get_notes(Notes) is notes
        unit.replace_notes(Notes, None)
        assert unit.find_notes(Notes) is None
        model.Session.commit()
        assert unit_of_work.get_unit() is not unit


def names(steps: tuple[unit_of_work.Step, ...]) -> list[str]:
    return [f"{step.__module__.rpartition('.')[2]}.{step.__name__}" for step in steps]


class TestOrderOfASave:
    def test_steps_are_called_in_the_written_order(self) -> None:
        """Guards, links, search and feed, then jobs. ADR 9 has the reasons for this order."""
        assert {phase: names(getattr(saving.STEPS, phase)) for phase in PHASES} == {
            "before_flush": [
                "resource.refuse_without_room",
                "deletion.refuse_deletion_with_dependents",
                "reindex.note_shown_before",
                "reindex.note_needs_before",
                "deletion.cut_links_of_purged",
                "activity.strip_new_rows",
            ],
            "note_flush": [
                "permissions.forget_changed_standings",
                "officer.note_ended_admins",
                "upload.note_closed_accounts",
                "audit.note_flush",
                "reindex.note_written",
                "table.note_flush",
                "publish.note_flush",
            ],
            "note_created": [
                "audit.note_created",
                "reindex.note_new_datasets",
                "table.note_created",
                "publish.note_created",
            ],
            "before_commit": [
                "officer.refuse_without_admin",
                "draft.erase_of_closed_accounts",
                "audit.write_entries",
                "reindex.mark_asking_ideas",
                "reindex.write_notes",
                "table.write_notes",
                "activity.relabel_touched_records",
                "publish.publish_touched",
            ],
            "after_commit": [
                "publish.note_witness",
                "upload.remove_files_of_closed",
                "reindex.settle_after_commit",
                "table.enqueue_after_commit",
                "file_version.enqueue_after_commit",
                "publish.enqueue_filling",
            ],
            "after_rollback": ["reindex.settle_after_rollback"],
        }

    def test_every_step_is_called_with_a_save(self, marathon_site: None) -> None:
        """In its phase, once a flush or once a transaction, in the order of the table."""
        dataset = factories.MarathonDataset()
        calls: list[str] = []

        def recorded(step: unit_of_work.Step) -> unit_of_work.Step:
            def call(unit: UnitOfWork) -> None:
                calls.extend(names((step,)))
                step(unit)

            return call

        unit_of_work.start_listening(
            Steps(**{phase: tuple(map(recorded, getattr(saving.STEPS, phase))) for phase in PHASES})
        )
        try:
            call_action("package_patch", id=dataset["id"], title="After")
        finally:
            saving.start_steps()
        last = calls[calls.index(names(saving.STEPS.before_commit)[0]) :]
        assert last == names((*saving.STEPS.before_commit, *saving.STEPS.after_commit))
        first = calls[: len(saving.STEPS.before_flush) + len(saving.STEPS.note_flush)]
        assert first == names((*saving.STEPS.before_flush, *saving.STEPS.note_flush))

    def test_a_purge_through_the_model_removes_references_too(self, marathon_site: None) -> None:
        idea = factories.Idea()
        dataset = factories.MarathonDataset(idea=[idea["id"]])
        package = model.Package.get(idea["id"])
        assert package
        package.purge()
        model.repo.commit()
        assert call_action("package_show", id=dataset["id"])["idea"] == []
        assert link.list_targets([dataset["id"]], Predicate.DATASET_IDEA) == set()
