"""Removing the examples: all of them, with their files, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.marathon.operations import starter
from ckanext.marathon.operations.starter import StillNeeded, read_items
from tests.factories import Idea, MarathonDataset, Workshop

from .conftest import bring_starter, everything, stored_files

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")

MADE_UP = {item.name for item in read_items() if item.is_example}


def rows(table: str) -> int:
    return model.Session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()


def test_only_the_examples_and_their_files_are_removed(storage: Path) -> None:
    bring_starter(examples=False)
    mine = MarathonDataset()
    before, files = everything(), stored_files(storage)
    tables = ["marathon_link", "marathon_code", "marathon_idea_transition", "resource", '"user"']
    counts = {table: rows(table) for table in tables}
    starter.load_starter()
    told: list[tuple[int, int, str]] = []
    removed = starter.remove_examples(
        lambda number, total, thing: told.append((number, total, thing.name))
    )
    assert {thing.name for thing in removed} == MADE_UP
    assert [number for number, _, _ in told] == list(range(1, len(MADE_UP) + 1))
    assert {total for _, total, _ in told} == {len(MADE_UP)}
    after = everything()
    assert {key: strip(value) for key, value in after.items()} == {
        key: strip(value) for key, value in before.items()
    }
    assert ("package", mine["name"]) in after
    assert stored_files(storage) == files
    assert {table: rows(table) for table in tables} == counts
    assert not model.Session.query(model.Package).filter(model.Package.state == "deleted").count()


def strip(thing: dict) -> dict:
    return {key: value for key, value in thing.items() if key != "package_count"}


def test_examples_in_the_trash_are_found_and_removed() -> None:
    bring_starter()
    for thing in starter.find_examples():
        call_action("package_delete", id=thing.id)
    assert {thing.name for thing in starter.find_examples()} == MADE_UP, (
        "those in the trash are left"
    )
    starter.remove_examples()
    assert not starter.find_examples()


def test_the_starter_can_add_removed_examples_again() -> None:
    bring_starter()
    starter.remove_examples()
    assert not starter.find_examples()
    result = starter.load_starter()
    assert result[starter.StarterOutcome.ADDED] == len(MADE_UP)
    assert {thing.name for thing in starter.find_examples()} == MADE_UP


def test_an_interrupted_removal_continues() -> None:
    bring_starter()
    call_action("dataset_purge", id=starter.find_examples()[0].id)
    assert len(starter.remove_examples()) == len(MADE_UP) - 1
    assert not starter.find_examples()


@pytest.mark.parametrize("by", ["idea", "workshop"])
def test_nothing_is_removed_while_a_real_record_refers_to_an_example(by: str) -> None:
    bring_starter()
    if by == "idea":
        real = MarathonDataset(idea=[model.Package.get("ejemplo-idea-horario-del-agua").id])
    else:
        real = Idea(
            workshop=model.Package.get("ejemplo-taller-villa-nueva").id, service_problem=["ALU-01"]
        )
    before = everything()
    with pytest.raises(StillNeeded) as error:
        starter.remove_examples()
    assert [thing.id for thing in error.value.records] == [real["id"]]
    assert real["title"] in str(error.value)
    assert everything() == before
    call_action("package_delete", id=real["id"])
    starter.remove_examples()
    assert not starter.find_examples()


def test_an_example_made_by_people_counts_as_an_example() -> None:
    theirs = Workshop(title="[Ejemplo] Otro taller", example=True)
    assert [thing.id for thing in starter.find_examples()] == [theirs["id"]]


def test_a_record_with_only_the_flag_or_only_the_title_stays() -> None:
    Workshop(title="[Ejemplo] Sin la marca")
    Workshop(title="Un taller con la marca", example=True)
    assert not starter.find_examples()


def test_a_renamed_example_counts_until_its_flag_is_removed() -> None:
    bring_starter()
    name = "ejemplo-idea-mapa-de-basureros"
    call_action("package_patch", id=name, title="Mapa de basureros")
    assert name in {thing.name for thing in starter.find_examples()}
    call_action("package_patch", id=name, example=False)
    assert name not in {thing.name for thing in starter.find_examples()}


def test_a_site_without_examples_has_nothing_to_remove() -> None:
    bring_starter(examples=False)
    assert starter.remove_examples() == []


def test_without_solr_the_removal_fails_and_can_be_repeated(
    storage: Path, monkeypatch: pytest.MonkeyPatch, ckan_config: Any
) -> None:
    bring_starter()
    before, files = everything(), stored_files(storage)
    with monkeypatch.context() as patch:
        patch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")
        with pytest.raises(starter.StarterError, match="search engine"):
            starter.remove_examples()
    assert everything() == before
    assert stored_files(storage) == files
    assert len(starter.remove_examples()) == len(MADE_UP)
