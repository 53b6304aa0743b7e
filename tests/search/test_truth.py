"""Search results agree with the database, even if the index is outdated."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import logic, model
from ckan.lib import jobs, search
from ckan.lib.redis import connect_to_redis
from ckan.tests import factories as core
from ckan.tests.helpers import call_action
from sqlalchemy import event

from ckanext.marathon.logic import reindex
from ckanext.marathon.model import search_index as search_index_model
from ckanext.marathon.operations import upkeep
from ckanext.marathon.operations.upkeep import IndexDifference, IndexFault
from ckanext.marathon.views.outage import repair_overdue_index
from tests import private_names
from tests.factories import Idea, MarathonDataset, Workshop

pytestmark = pytest.mark.usefixtures("marathon_site")


def repair_overdue(app: Any) -> int:
    with app.flask_app.test_request_context():
        repaired = repair_overdue_index()
    model.Session.remove()
    return repaired


def notes() -> list[str]:
    return list(model.Session.scalars(sa.select(search_index_model.IndexNote.package_id)))


def make_due() -> None:
    """Let the time pass after which a save counts as unfinished."""
    with model.meta.engine.begin() as connection:
        connection.execute(sa.text("UPDATE marathon_index_note SET due = now() - interval '1 min'"))


@pytest.fixture
def no_valkey(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Valkey is away: nobody listens where it was."""

    monkeypatch.setitem(ckan_config, "ckan.redis.url", "redis://127.0.0.1:9/0")
    private_names.forget_valkey_connections(monkeypatch)
    monkeypatch.setattr(jobs, "_queues", {})
    yield
    monkeypatch.undo()
    assert connect_to_redis().ping()


def search_ids(**parameters: Any) -> list[str]:
    answer = call_action("package_search", **parameters)
    assert answer["count"] == len(answer["results"])
    return [result["id"] for result in answer["results"]]


def index_as_public(dataset: dict[str, Any]) -> None:
    """Have Solr keep its public copy of a dataset that the database makes private."""
    with model.meta.engine.begin() as connection:
        statement = sa.text("UPDATE package SET private = true WHERE id = :id")
        connection.execute(statement, {"id": dataset["id"]})
    model.Session.remove()


class TestSearchResults:
    def test_a_dataset_private_in_the_database_is_in_no_search_result(self, app: Any) -> None:
        kept, hidden = (
            MarathonDataset(tags=[{"name": "agua"}]),
            MarathonDataset(tags=[{"name": "secreto"}]),
        )
        index_as_public(hidden)
        anonymous: Any = {"user": "", "ignore_auth": False}
        answer = call_action(
            "package_search", context=anonymous, **{"facet.field": ["tags"], "rows": 10}
        )
        assert [result["id"] for result in answer["results"]] == [kept["id"]]
        assert answer["count"] == 1
        assert [i["name"] for i in answer["search_facets"]["tags"]["items"]] == ["agua"]
        page = app.get("/dataset/")
        assert hidden["title"] not in page.text

    def test_editors_find_a_private_dataset_of_their_organisation(self) -> None:
        hidden = MarathonDataset()
        editor = core.User()
        call_action(
            "organization_member_create",
            id=hidden["owner_org"],
            username=editor["name"],
            role="editor",
        )
        index_as_public(hidden)
        context: Any = {"user": editor["name"], "ignore_auth": False}
        context["auth_user_obj"] = model.User.get(editor["name"])
        assert call_action("package_search", context=context)["count"] == 1

    @pytest.mark.parametrize("fields", [["name"], "name", ["title", "name"], "id", "name title"])
    def test_fl_returns_only_the_requested_fields(self, fields: Any) -> None:
        kept, hidden = MarathonDataset(), MarathonDataset()
        index_as_public(hidden)
        answer = call_action(
            "package_search", context={"user": "", "ignore_auth": False}, fl=fields
        )
        names = fields if isinstance(fields, list) else fields.split()
        assert answer["results"] == [{name: kept[name] for name in names}]

    def test_a_record_missing_in_the_database_is_in_no_search_result(self) -> None:
        ghost = MarathonDataset()
        with model.meta.engine.begin() as connection:
            for table in ("package_tag", "resource", "member"):
                column = "table_id" if table == "member" else "package_id"
                statement = f"DELETE FROM {table} WHERE {column} = :id"
                connection.execute(sa.text(statement), {"id": ghost["id"]})
            connection.execute(sa.text("DELETE FROM package WHERE id = :id"), {"id": ghost["id"]})
        model.Session.remove()
        assert search_ids() == []


class TestSaves:
    def test_a_completed_save_leaves_no_note(self) -> None:
        MarathonDataset()
        jobs.Worker().work(burst=True)
        assert notes() == []

    def test_a_rolled_back_save_is_removed_from_the_index(self) -> None:
        workshop = Workshop()
        jobs.Worker().work(burst=True)

        def fail(_session: Any) -> None:
            raise RuntimeError("the disk is full")

        event.listen(model.Session, "before_commit", fail)
        try:
            with pytest.raises(RuntimeError):
                Idea(workshop=workshop["id"], name="lost-idea")
        finally:
            event.remove(model.Session, "before_commit", fail)
        model.Session.rollback()
        assert search.show("lost-idea")
        assert search_ids(fq="dataset_type:idea") == []
        jobs.Worker().work(burst=True)
        with pytest.raises(search.SearchError):
            search.show("lost-idea")
        assert notes() == []

    def test_a_killed_save_is_removed_from_the_index(self, app: Any) -> None:
        organization = core.Organization()
        program = f"""
            import os
            from ckan import model
            from ckan.plugins import toolkit as tk
            from sqlalchemy import event
            event.listen(model.Session, "before_commit", lambda session: os._exit(9))
            tk.get_action("package_create")(
                {{"ignore_auth": True, "user": "{core.Sysadmin()["name"]}"}},
                {{"name": "killed", "title": "Killed", "type": "workshop",
                  "owner_org": "{organization["id"]}", "municipality": ["0115"],
                  "service_problem": ["AGU-01"], "kind": "ideation", "status": "announced",
                  "starts_at": "2016-08-18T08:00", "notes": "N"}},
            )
        """
        start = "from ckan.cli import CKANConfigLoader; import sys; from ckan.config.middleware "
        start += "import make_app; app = make_app(CKANConfigLoader('test.ini').get_config())\n"
        code = (
            start
            + "with app._wsgi_app.test_request_context():\n"
            + textwrap.indent(textwrap.dedent(program), "    ")
        )
        ended = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, env=os.environ
        )
        assert ended.returncode == 9, ended.stderr.decode()[-3000:]
        model.Session.rollback()
        assert model.Package.get("killed") is None
        assert search.show("killed")
        assert search_ids(fq="dataset_type:workshop") == []
        assert len(notes()) == 1
        # As a web process does it where no background job comes.
        assert repair_overdue(app) == 0
        make_due()
        assert repair_overdue(app) == 1
        with pytest.raises(search.SearchError):
            search.show("killed")
        assert notes() == []


class TestWithoutValkey:
    def test_dependents_of_a_hidden_idea_are_shown_without_it_and_repaired(
        self, app: Any, request: pytest.FixtureRequest
    ) -> None:
        idea = Idea(community=["Aldea Secreta"], title="Hidden later")
        dataset = MarathonDataset(idea=[idea["id"]])
        jobs.Worker().work(burst=True)
        request.getfixturevalue("no_valkey")
        call_action("package_patch", id=idea["id"], private=True)
        (result,) = call_action("package_search", context={"user": "", "ignore_auth": False})[
            "results"
        ]
        assert result["id"] == dataset["id"]
        assert idea["title"] not in str(result)
        assert idea["id"] not in str(result)
        assert "Aldea Secreta" in str(search.show(dataset["name"]))
        assert set(notes()) == {dataset["id"]}
        make_due()
        assert repair_overdue(app) == 1
        assert "Aldea Secreta" not in str(search.show(dataset["name"]))
        assert notes() == []


class TestCheckAndRepair:
    def test_every_difference_is_found_and_corrected(self) -> None:
        same, outdated, missing = MarathonDataset(), MarathonDataset(), MarathonDataset()
        jobs.Worker().work(burst=True)
        assert list(upkeep.compare_index()) == []
        index_as_public(outdated)
        search.clear(missing["id"])
        ghost = call_action("package_show", id=same["id"]) | {"id": "no-such-id", "name": "ghost"}
        both = logic.package_show_default_and_custom_schemas({"ignore_auth": True}, same["id"])
        search.index_for("Package").update_dict(
            {**both[0], **{"id": ghost["id"], "name": "ghost"}, "with_custom_schema": both[1]}
        )
        assert set(upkeep.compare_index()) == {
            IndexDifference(outdated["id"], IndexFault.OUTDATED),
            IndexDifference(missing["id"], IndexFault.MISSING),
            IndexDifference("no-such-id", IndexFault.GHOST),
        }
        assert upkeep.repair_index() == 3
        assert list(upkeep.compare_index()) == []

    def test_a_record_that_cannot_be_indexed_does_not_block_the_others(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = MarathonDataset(), MarathonDataset()
        jobs.Worker().work(burst=True)
        search_index_model.note_packages([first["id"], second["id"]])
        model.Session.commit()
        real = logic.index_update_package

        def refuse_first(context: Any, id_: str, *rest: Any) -> None:
            if id_ == first["id"]:
                raise KeyError("something")
            real(context, id_, *rest)

        monkeypatch.setattr(logic, "index_update_package", refuse_first)
        assert reindex.work_off() == 1
        assert notes() == [first["id"]]
        assert search_index_model.count_due_packages() == 0


def test_a_job_queued_by_an_earlier_version_is_executed() -> None:
    dataset = MarathonDataset(title="Agua limpia")
    with model.meta.engine.begin() as connection:
        statement = sa.text("UPDATE package SET title = 'Bosques' WHERE id = :id")
        connection.execute(statement, {"id": dataset["id"]})
    assert not search_ids(q="Bosques")
    # As it stands in Valkey: by its name.
    queue = jobs.get_queue()
    queue.enqueue("ckanext.marathon.logic.reindex.index", [dataset["id"]])
    jobs.Worker().work(burst=True)
    assert search_ids(q="Bosques") == [dataset["id"]]
    assert not notes()
