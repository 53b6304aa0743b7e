"""Real calls of every role get exactly the answers of docs/permission-matrix.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ckan import model

from ckanext.marathon.operations import tables
from tests import private_names, proving
from tests.stores import empty_datastore
from tests.trust import calls, matrix
from tests.trust.furnish import furnish, give_storage
from tests.trust.secrets import build, may_see

SETTINGS = (
    "ckan.auth.user_create_organizations",
    "ckan.auth.user_delete_organizations",
    "ckan.auth.user_create_groups",
    "ckan.auth.public_user_details",
    "ckan.auth.create_user_via_web",
)
# As `make run` has them, with a viewer and the proxy that serves files to viewers.
PLUGINS = (
    "marathon_site marathon activity datastore scheming_datasets scheming_organizations dcat "
    "structured_data croissant text_view resource_proxy"
)


@pytest.fixture
def caller(
    storage: Path,
    marathon_site: None,
    migrate_db_for: Callable[[str], None],
    ckan_config: Any,
    monkeypatch: pytest.MonkeyPatch,
    app: Any,
) -> matrix.Caller:
    for name in SETTINGS:
        monkeypatch.setitem(ckan_config, name, False)
    migrate_db_for("activity")
    give_storage(storage)
    empty_datastore()
    world = build()
    furnish(world)
    return matrix.Caller(app, world)


@pytest.mark.ckan_config("ckan.plugins", PLUGINS)
def test_every_role_gets_the_answers_of_the_table(caller: matrix.Caller, app: Any) -> None:
    asked = [*calls.action_calls(), *calls.address_calls(app)]
    table = matrix.read_table()
    rows = {(call.name, call.on) for call in asked}
    assert sorted(set(calls.ACTIONS) ^ known_actions()) == []
    assert sorted(rows ^ set(table)) == [], "say in the table what each answers, or take it out"
    faults: list[str] = []
    # Reading first, because a rollback does not undo changes of the search index.
    for call in sorted(asked, key=lambda call: call.method != "GET"):
        for column in chosen(call):
            restore_tables()
            faults += mistakes(caller, call, column, table[call.name, call.on][column])
    assert not faults, "\n".join(faults)


def restore_tables() -> None:
    """Load the tables again that a call dropped: the DataStore takes no part in a rollback."""
    if tables.examine_tables().lost:
        tables.note_outdated_tables()
        model.repo.commit()
        tables.update_tables(lambda done, total: None)


def known_actions() -> set[str]:
    """Return the names of the actions that the API has, those of plugins too."""
    # A helper of ckanext-activity that is registered with its actions.
    return {name for name in private_names.read_actions() if name != "activity_dict_save"}


def chosen(call: calls.Call) -> list[str]:
    """Return the people for a call: some, other ones for each call, or all in `make prove`."""
    columns = list(matrix.COLUMNS)
    source = proving.rng(f"matrix {call.name} {call.on}")
    if call.is_action:
        return source.sample(columns, ACTIONS)
    each, rest = divmod(ADDRESSES, 10)
    return source.sample(columns, each + (source.random() < rest / 10))


ACTIONS = proving.count("people asked of each action of the permission matrix", 1, 10)
ADDRESSES = proving.count("people asked of ten addresses of the permission matrix", 3, 100)


def mistakes(caller: matrix.Caller, call: calls.Call, column: str, expected: str) -> Iterator[str]:
    """Yield the faults of an answer: another outcome than documented, or hidden content."""
    person = matrix.COLUMNS[column]
    answer = caller.ask(call, person)
    about = f"{call.name}, {call.on}, {column}"
    if answer.outcome != expected:
        yield f"{about}: {answer.outcome}, should be {expected}: {answer.text[:300]}"
    if answer.leaks:
        yield f"{about}: tells {', '.join(answer.leaks)}"
    if call.record and not may_see(person, *call.record) and expected != "410":
        difference = caller.differs(call, person, answer)
        if difference:
            yield f"{about}: tells that it exists: {difference}"


def test_the_table_has_every_known_answer_and_allows_each_role_something() -> None:
    table = matrix.read_table()
    assert len(table) > 900
    assert {answer for answers in table.values() for answer in answers.values()} == {
        *matrix.OUTCOMES
    }
    allowed = {column for row in table.values() for column, each in row.items() if each == "✓"}
    assert allowed == set(matrix.COLUMNS)
