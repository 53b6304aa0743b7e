"""A plugin that reads a record as the site user gets the public view.

Saving that view loses no stored value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.model import package
from tests import factories
from tests.logic.asking import act, stored
from tests.logic.streams import COUNTS
from tests.remembered import remembered

pytestmark = pytest.mark.usefixtures("marathon_site")


@dataclass
class Chain:
    """A hidden workshop and idea behind a public idea and dataset, and an editor of all of them."""

    editor: dict[str, Any]
    hidden_workshop: dict[str, Any]
    hidden_idea: dict[str, Any]
    workshop: dict[str, Any]
    idea: dict[str, Any]
    dataset: dict[str, Any]

    def secrets(self) -> list[str]:
        """Return the texts and ids that outsiders may not see."""
        hidden = (self.hidden_workshop, self.hidden_idea)
        named = [each[field] for each in hidden for field in ("id", "name", "title")]
        need = self.hidden_idea["data_need"][0]["id"]
        return [*named, need, "74007400", self.editor["name"]]

    def public(self) -> list[dict[str, Any]]:
        return [self.workshop, self.idea, self.dataset]


@pytest.fixture
@remembered
def chain() -> Chain:
    own = {"owner_org": factories.Municipality()["id"]}
    editor = factories.officer(own["owner_org"])
    hidden_workshop = factories.Workshop(title="Taller secreto", private=True, **own)
    need = [{"what": "Pozos"}]
    more = {"workshop": hidden_workshop["id"], "data_need": need, **own}
    hidden_idea = factories.Idea(title="Idea secreta", private=True, **more)
    workshop = factories.Workshop(**COUNTS, **own)
    idea = factories.Idea(title="Abierta", **more)
    act("marathon_idea_status_update", editor, id=idea["id"], status="prioritised")
    both = (hidden_idea, idea)
    dataset = factories.MarathonDataset(
        idea=[each["id"] for each in both],
        data_need=[each["data_need"][0]["id"] for each in both],
        **own,
    )
    return Chain(editor, hidden_workshop, hidden_idea, workshop, idea, dataset)


@pytest.mark.parametrize("reader", ["editor", "sysadmin", "nobody"])
@pytest.mark.parametrize("use_cache", [True, False])
def test_reading_as_the_site_user_gives_the_public_view(
    chain: Chain, reader: str, use_cache: bool
) -> None:
    names = {"editor": chain.editor["name"], "sysadmin": core.Sysadmin()["name"], "nobody": ""}
    for record in chain.public():
        for more in ({}, {"use_default_schema": True}):
            context = {"user": names[reader], "ignore_auth": True, "use_cache": use_cache}
            shown = call_action("package_show", context=context, id=record["id"], **more)
            assert shown["title"] == record["title"]
            told = [secret for secret in chain.secrets() if secret in json.dumps(shown)]
            assert told == [], record["type"]


@pytest.mark.parametrize("action", ["package_update", "package_patch"])
@pytest.mark.parametrize("reader", ["editor", "nobody"])
def test_saving_the_public_view_loses_no_stored_value(
    chain: Chain, reader: str, action: str
) -> None:
    user = chain.editor["name"] if reader == "editor" else ""
    for record in chain.public():
        before = dict(stored(record).extras)
        shown = call_action(
            "package_show", context={"user": user, "ignore_auth": True}, id=record["id"]
        )
        changed = shown if action == "package_update" else {"id": shown["id"]}
        saving = {"user": user, "ignore_auth": True}
        call_action(action, context=saving, **{**changed, "notes": "Cambiado"})
        after = stored(record)
        assert after.notes == "Cambiado"
        for field in ("idea", "data_need"):
            listed = package.read_stored_texts(after, field) or package.read_stored_rows(
                after, field
            )
            known = json.loads(before.get(field) or "[]")
            assert sorted(map(str, listed)) == sorted(map(str, known)), field
        for field in ("workshop", *COUNTS):
            assert (after.extras or {}).get(field) == before.get(field), field


def test_saving_the_public_view_as_an_editor_keeps_data_needs(chain: Chain) -> None:
    before = package.read_stored_texts(stored(chain.dataset), "data_need")
    shown = act("package_show", None, id=chain.dataset["id"])
    assert shown["data_need"] == [chain.idea["data_need"][0]["id"]]
    act("package_update", chain.editor, **{**shown, "title": "Otro"})
    assert sorted(package.read_stored_texts(stored(chain.dataset), "data_need")) == sorted(before)
