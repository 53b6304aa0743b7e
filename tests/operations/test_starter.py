"""Loading the starter catalogue: complete, repeatable, and without overwriting edits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.marathon.operations import starter
from ckanext.marathon.operations.starter import (
    StarterError,
    StarterOutcome,
    StarterStep,
    read_items,
)
from tests.factories import Municipality

from .conftest import bring_starter, everything, show, stored_files

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")


def outcomes(**kinds: int) -> Counter[StarterOutcome]:
    return Counter({StarterOutcome(kind): number for kind, number in kinds.items() if number})


class TestLoad:
    def test_every_item_is_added_and_reported(self) -> None:
        steps: list[StarterStep] = []
        assert starter.load_starter(progress=steps.append) == outcomes(added=len(read_items()))
        assert [step.number for step in steps] == list(range(1, len(read_items()) + 1))
        assert {step.total for step in steps} == {len(read_items())}
        assert [step.title for step in steps] == [item.title for item in read_items()]
        organizations = call_action("organization_list")
        assert sorted(organizations) == [
            "anam", "infom", "jacaltenango", "san-carlos-alzatate", "villa-nueva",
        ]  # fmt: skip
        kinds = Counter(kind for (kind,) in model.Session.query(model.Package.type))
        assert kinds == {"commitment": 1, "workshop": 6, "idea": 6, "dataset": 10}

    def test_examples_can_be_left_out(self) -> None:
        starter.load_starter(examples=False)
        assert not [name for _, name in everything() if name.startswith("ejemplo")]
        real = [item for item in read_items() if not item.is_example]
        assert len(everything()) == len(real)

    def test_a_site_without_a_storage_path_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, ckan_config: Any
    ) -> None:
        monkeypatch.setitem(ckan_config, "ckan.storage_path", None)
        with pytest.raises(StarterError, match=r"ckan\.storage_path"):
            starter.load_starter()
        assert not everything()

    def test_without_solr_loading_fails_and_can_be_repeated(
        self, monkeypatch: pytest.MonkeyPatch, ckan_config: Any
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")
            with pytest.raises(StarterError, match="search engine"):
                starter.load_starter(examples=False)
        result = starter.load_starter(examples=False)
        assert result[StarterOutcome.LEFT_OUT] == 0
        assert sum(result.values()) == len(read_items(examples=False))


class TestLoadAgain:
    def test_loading_twice_changes_nothing(self, storage: Path) -> None:
        bring_starter()
        before, files = everything(), stored_files(storage)
        assert starter.load_starter() == outcomes(present=len(read_items()))
        assert everything() == before
        assert stored_files(storage) == files

    def test_examples_left_out_before_are_added(self) -> None:
        bring_starter(examples=False)
        before = everything()
        result = starter.load_starter()
        assert result[StarterOutcome.ADDED] == len(
            [item for item in read_items() if item.is_example]
        )
        after = everything()
        assert {key: after[key]["metadata_modified"] for key in before if key[0] == "package"} == {
            key: before[key]["metadata_modified"] for key in before if key[0] == "package"
        }

    def test_an_idea_with_missing_status_steps_is_completed(self) -> None:
        whole = next(item for item in read_items() if item.name == "ejemplo-idea-lamparas-apagadas")
        bring_starter(examples=False)
        workshop = next(item for item in read_items() if item.name == whole.fields["workshop"])
        writer = starter.StarterWriter(call_action("get_site_user")["name"])
        for item in (*read_items(examples=False), workshop):
            writer.ensure(item)
        cut = type(whole)(whole.type, whole.name, whole.fields, steps=whole.steps[:1])
        assert writer.ensure(cut)[0] == StarterOutcome.ADDED
        assert show(whole.name)["status"] == "prioritised"
        result = starter.load_starter()
        assert result[StarterOutcome.COMPLETED] == 1
        assert [step["status"] for step in show(whole.name)["history"]] == [
            "proposed", "prioritised", "in_progress", "implemented",
        ]  # fmt: skip

    def test_an_idea_with_a_status_set_by_people_is_unchanged(self) -> None:
        bring_starter()
        name = "ejemplo-idea-requisitos-de-tramites"
        call_action("package_patch", id=name, status="discarded", status_reason="Prueba")
        assert starter.load_starter() == outcomes(present=len(read_items()))
        assert show(name)["status"] == "discarded"

    def test_items_edited_or_renamed_by_people_are_unchanged(self) -> None:
        bring_starter()
        call_action("package_patch", id="maratones-de-ideas", title="Otro título")
        call_action("package_patch", id="limite-de-villa-nueva", name="villa-nueva-limite")
        call_action("package_patch", id="ejemplo-taller-villa-nueva", name="otra-direccion")
        call_action("organization_patch", id="anam", name="otra-anam")
        before = everything()
        assert starter.load_starter() == outcomes(present=len(read_items()))
        assert everything() == before

    def test_items_deleted_by_people_and_their_dependents_are_left_out(self) -> None:
        bring_starter(examples=False)
        call_action("package_delete", id="municipios-de-guatemala")
        starter.load_starter()
        call_action("package_delete", id="ejemplo-datos-tramites-municipales")
        call_action("package_delete", id="ejemplo-idea-requisitos-de-tramites")
        call_action("dataset_purge", id="ejemplo-datos-tramites-municipales")
        steps: list[StarterStep] = []
        result = starter.load_starter(progress=steps.append)
        assert result == outcomes(present=len(read_items()) - 3, left_out=3)
        assert all(step.reason for step in steps if step.outcome == StarterOutcome.LEFT_OUT)
        assert show("municipios-de-guatemala")["state"] == "deleted"


class TestOnAUsedSite:
    def test_the_existing_municipality_with_the_code_is_used(self) -> None:
        theirs = Municipality(name="muni-alzatate", municipality_code="2105", title="Nuestra")
        before = call_action("organization_show", id=theirs["id"])
        result = starter.load_starter()
        assert result[StarterOutcome.PRESENT] == 1
        assert show("ejemplo-taller-san-carlos-alzatate")["owner_org"] == theirs["id"]
        assert "san-carlos-alzatate" not in call_action("organization_list")
        after = call_action("organization_show", id=theirs["id"])
        assert (after["title"], after.get("pilot")) == (before["title"], before.get("pilot"))

    def test_an_item_whose_name_is_taken_is_left_out(self) -> None:
        factories.Group(name="anam")
        steps: list[StarterStep] = []
        starter.load_starter(examples=False, progress=steps.append)
        left_out = [step for step in steps if step.outcome == StarterOutcome.LEFT_OUT]
        assert [step.title for step in left_out] == [
            "Asociación Nacional de Municipalidades (ANAM)"
        ]
        assert "anam" in left_out[0].reason

    def test_items_of_a_deleted_organisation_are_left_out(self) -> None:
        bring_starter(examples=False)
        call_action("organization_delete", id="jacaltenango")
        result = starter.load_starter()
        # Itself, its example workshop, two ideas and a dataset.
        assert result[StarterOutcome.LEFT_OUT] == 5
        assert not model.Package.get("ejemplo-taller-jacaltenango")
