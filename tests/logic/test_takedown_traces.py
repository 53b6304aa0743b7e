"""After a takedown no table, file, index or queue has a word of the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan
from ckan.lib import jobs
from ckan.lib.redis import connect_to_redis
from ckan.tests import factories as ckan_factories
from ckan.tests.helpers import CKANCliRunner, call_action
from werkzeug.datastructures import FileStorage

from ckanext.marathon.feeds.verify import verify_log
from ckanext.marathon.logic.erasing import enforce_list
from tests import factories
from tests.logic.asking import act
from tests.logic.takedown_places import find_word
from tests.stores import empty_datastore

PLUGINS = (
    "marathon activity datastore text_view tracking scheming_datasets scheming_organizations dcat"
)
# Made-up words, without accents: no encoding hides them.
TITLE, OLD_TITLE, NOTES, TAG = "quetzolandia", "xelajutepeque", "zunilajatenco", "tikalumbre"
FILE, OLD_FILE, CONTENT = "copanirique", "yaxhatlimoso", "mixcovalento"
WORDS = (TITLE, OLD_TITLE, NOTES, TAG, FILE, OLD_FILE, CONTENT)

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.ckan_config("ckan.auth.allow_dataset_collaborators", True),
    pytest.mark.usefixtures("marathon_site", "storage"),
]


@pytest.fixture(autouse=True)
def tables(marathon_site: None, migrate_db_for: Callable[[str], None]) -> None:
    for name in ("activity", "tracking"):
        migrate_db_for(name)
    connect_to_redis().flushdb()


@pytest.fixture
def datastore(marathon_site: None) -> Any:
    return empty_datastore()


def remember(text: str) -> str:
    """Stand for a job of another plugin, whose payload is a record."""
    return text


def do(action: str, **data: Any) -> Any:
    """Call an action as the site's own user: activities want somebody."""
    user = call_action("get_site_user")["name"]
    return call_action(action, {"user": user, "ignore_auth": True}, **data)


def upload(package_id: str, name: str, folder: Path, **more: Any) -> dict[str, Any]:
    file = folder / f"{name}.csv"
    file.write_text(f"nombre\n{CONTENT}\n", encoding="utf-8")
    with file.open("rb") as stream:
        return do(
            "resource_create",
            package_id=package_id,
            name=name,
            upload=FileStorage(stream, file.name),
            **more,
        )


@pytest.fixture
def dataset(tmp_path: Path, datastore: Any) -> dict[str, Any]:
    """A dataset that everything remembers: by its present words and by former ones."""
    user = ckan_factories.Sysadmin()
    made = factories.MarathonDataset(
        name=OLD_TITLE, title=OLD_TITLE, notes=NOTES, tag_string=TAG, user=user
    )
    upload(made["id"], OLD_FILE, tmp_path)
    do("resource_delete", id=call_action("package_show", id=made["id"])["resources"][0]["id"])
    do("package_patch", id=made["id"], title=TITLE, name=TITLE, tags=[{"name": TAG}])
    table = upload(made["id"], FILE, tmp_path)
    do("resource_view_create", resource_id=table["id"], view_type="text_view", title=FILE)
    do(
        "datastore_create",
        resource_id=table["id"],
        force=True,
        fields=[{"id": FILE}],
        records=[{FILE: CONTENT}],
    )
    follower = ckan_factories.User()
    do("package_collaborator_create", id=made["id"], user_id=follower["id"], capacity="editor")
    call_action("follow_dataset", {"user": follower["name"]}, id=made["id"])
    shown = call_action("package_show", id=made["id"])
    tk.enqueue_job(remember, [shown], title=f"load {TITLE}")
    visit = "INSERT INTO tracking_raw (user_key, url, tracking_type) VALUES ('x', :url, 'page')"
    for url in (f"/dataset/{TITLE}", f"/es/dataset/{OLD_TITLE}"):
        model.Session.execute(sa.text(visit), {"url": url})
    term = "INSERT INTO term_translation (term, term_translation, lang_code) VALUES (:t, :t, 'es')"
    for words in (NOTES, OLD_TITLE):
        model.Session.execute(sa.text(term), {"t": words})
    model.Session.add(
        model.TaskStatus(
            entity_id=table["id"], entity_type="resource", task_type="load", key=FILE, value=FILE
        )
    )
    # Of an activity that stays: older versions of CKAN stored related records here.
    other = factories.MarathonDataset(title="Otra cosa", user=user)
    detail = (
        "INSERT INTO activity_detail (id, activity_id, object_id, object_type, data) "
        "SELECT 'x', id, :file, 'Resource', :word FROM activity WHERE object_id = :other"
    )
    named = {"file": table["id"], "word": FILE, "other": other["id"]}
    model.Session.execute(sa.text(detail), named)
    day = (
        "INSERT INTO tracking_summary (url, package_id, tracking_type, count, tracking_date) "
        "VALUES (:url, :id, 'page', 1, CURRENT_DATE)"
    )
    model.Session.execute(sa.text(day), {"url": f"/dataset/{TITLE}", "id": made["id"]})
    model.Session.commit()
    return shown


def end_jobs(shown: dict[str, Any]) -> list[str]:
    """Make jobs about a record that are finished or waiting; return their ids."""
    ends = ("finished", "failed", "deferred", "scheduled", "canceled")
    made = []
    for end in ends:
        job = tk.enqueue_job(remember, [shown])
        queue = jobs.get_queue()
        queue.remove(job)
        registry = getattr(queue, f"{end}_job_registry")
        queue.connection.zadd(registry.key, {job.id: time.time() + 3_600})
        made.append(job.id)
    return made


def places(storage: Path, datastore: Any, *words: str) -> dict[str, list[str]]:
    found = {word: find_word(word, storage, datastore) for word in words or WORDS}
    return {word: where for word, where in found.items() if where}


def test_no_table_or_file_has_a_word_of_the_dataset(
    app: Any, dataset: dict[str, Any], storage: Path, datastore: Any
) -> None:
    for address in ("/catalog.ttl", "/catalog/all.nt", "/data.json", "/catalog.csv"):
        app.get(address)
    ended = end_jobs(dataset)
    (file,) = storage.rglob(dataset["resources"][0]["id"][6:])
    # A part of a file, left by an interrupted upload.
    file.with_name(f"{file.name}~").write_text(CONTENT, encoding="utf-8")
    before = places(storage, datastore)
    assert set(before) == set(WORDS), "the test looks where they are"
    for place in (
        *("public.activity", "public.tag", "public.resource_view", "kept pages"),
        *("public.task_status", "public.tracking_summary", "public.activity_detail", f"{file}~"),
        *(f"Valkey {f'rq:job:{each}'.encode()!r}" for each in ended),
    ):
        assert any(place in where for where in before.values()), place
    found = do("marathon_takedown", id=dataset["id"], reason="Orden judicial")
    assert found["unfinished"] == []
    assert places(storage, datastore) == {}
    assert list(verify_log()) == []
    assert act("recently_changed_packages_activity_list") is not None
    # Only its id stays, in the plugin's own tables.
    kept = {"takedown", "audit", "feed_entry", "feed_change", "feed_member", "index_note"}
    for id_ in (dataset["id"], dataset["resources"][0]["id"]):
        where = find_word(id_, storage, datastore)
        ours = {f"public.marathon_{each}" for each in kept}
        assert [each for each in where if each not in ours and "Valkey" not in each] == []


def test_tables_of_plugins_no_longer_loaded_are_cleaned_too(
    dataset: dict[str, Any], storage: Path, datastore: Any
) -> None:
    import ckan.plugins as p

    p.unload("activity", "tracking")
    do("marathon_takedown", id=dataset["id"], reason="Orden judicial")
    assert places(storage, datastore) == {}


@pytest.mark.parametrize("kind", ["idea", "workshop"])
def test_no_word_of_it_is_left_in_records_that_refer_to_it(
    kind: str, storage: Path, datastore: Any
) -> None:
    user = ckan_factories.Sysadmin()
    workshop = factories.Workshop(user=user, title=TITLE if kind == "workshop" else "Taller")
    idea = factories.Idea(
        user=user,
        workshop=workshop["id"],
        title=TITLE if kind == "idea" else "Idea",
        data_need=[{"what": NOTES, "why": NOTES}] if kind == "idea" else [],
    )
    made = factories.MarathonDataset(user=user, idea=[idea["id"]], title="Datos")
    call_action("package_patch", {"user": user["name"]}, id=made["id"], notes="Otra vez")
    call_action("package_patch", {"user": user["name"]}, id=idea["id"], notes="Otra vez")
    words = (TITLE, NOTES) if kind == "idea" else (TITLE,)
    assert "public.activity" in places(storage, datastore, *words)[TITLE]
    victim = idea if kind == "idea" else workshop
    do("marathon_takedown", id=victim["id"], reason="Orden judicial")
    assert places(storage, datastore, *words) == {}
    stream = call_action("package_activity_list", id=made["id"])
    assert len(stream) == 2, "its own history stays"
    indexed = find_word(victim["id"], storage, datastore)
    assert [each for each in indexed if each.startswith("Solr ")] == []
    shown = call_action("activity_show", id=stream[0]["id"])["data"]["package"]
    assert shown["title"] == "Datos"
    assert list(verify_log()) == []


def test_traces_left_by_an_earlier_takedown_are_removed_later(
    dataset: dict[str, Any], storage: Path, datastore: Any
) -> None:
    rows = sa.text("SELECT * FROM activity WHERE object_id = :id")
    former = model.Session.execute(rows, {"id": dataset["id"]}).mappings().all()
    do("marathon_takedown", id=dataset["id"], reason="Orden judicial")
    table = sa.table("activity", *map(sa.column, former[0]))
    # As a takedown left them before this was mended, with the mark of its migration.
    model.Session.execute(sa.insert(table), [dict(each) for each in former])
    model.Session.execute(sa.text("UPDATE marathon_takedown SET pending = '{traces}'"))
    model.Session.commit()
    assert places(storage, datastore)
    assert do("marathon_takedown_apply")["unfinished"] == []
    assert places(storage, datastore) == {}


def test_a_tag_used_by_another_dataset_stays(dataset: dict[str, Any]) -> None:
    other = factories.MarathonDataset(tag_string=TAG)
    do("marathon_takedown", id=dataset["id"], reason="Orden judicial")
    # The search index would still have it.
    shown = call_action("package_show", {"use_cache": False, "ignore_auth": True}, id=other["id"])
    assert [each["name"] for each in shown["tags"]] == [TAG]


def test_jobs_about_other_records_stay(dataset: dict[str, Any]) -> None:
    other = factories.MarathonDataset(title="Otra cosa")
    # A title of one word may well be a word of others.
    short = factories.MarathonDataset(title="Agua", name="agua-9")
    kept = [tk.enqueue_job(remember, [each]).id for each in (other, "El agua, Agua")]
    gone = tk.enqueue_job(remember, [f"only the title: {TITLE}"]).id
    do("marathon_takedown", id=short["id"], reason="Orden judicial")
    do("marathon_takedown", id=dataset["id"], reason="Orden judicial")
    left = {each["id"] for each in call_action("job_list")}
    assert left.issuperset(kept)
    assert gone not in left


HARVESTED = ("harvest_object", "harvest_object_extra", "harvest_object_error")


@pytest.fixture
def harvested(dataset: dict[str, Any]) -> Iterator[None]:
    """The tables of ckanext-harvest with rows about the dataset and about another one.

    In older versions the database did not delete these rows together with the record.
    """
    lines = (
        "CREATE TABLE harvest_object "
        "(id text PRIMARY KEY, package_id text REFERENCES package (id) DEFERRABLE, content text)",
        *(
            f"CREATE TABLE {name} "
            f"(harvest_object_id text REFERENCES harvest_object (id), {column} text)"
            for name, column in zip(HARVESTED[1:], ("value", "message"), strict=True)
        ),
        "INSERT INTO harvest_object VALUES ('1', :id, :word), ('2', NULL, 'otro')",
        *(f"INSERT INTO {name} VALUES ('1', :word), ('2', 'otro')" for name in HARVESTED[1:]),
    )
    for line in lines:
        model.Session.execute(sa.text(line), {"id": dataset["id"], "word": TITLE})
    model.Session.commit()
    yield
    model.Session.rollback()
    model.Session.execute(sa.text(f"DROP TABLE {', '.join(HARVESTED)}"))
    model.Session.commit()


def test_only_its_own_harvest_objects_are_removed(
    dataset: dict[str, Any], harvested: None, storage: Path, datastore: Any
) -> None:
    before = places(storage, datastore)[TITLE]
    assert {f"public.{name}" for name in HARVESTED} <= set(before)
    do("marathon_takedown", id=dataset["id"], reason="Orden judicial")
    assert places(storage, datastore) == {}
    for name in HARVESTED:
        assert model.Session.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar() == 1, name


class TestFailures:
    def test_without_solr_the_index_is_cleaned_later(
        self,
        dataset: dict[str, Any],
        storage: Path,
        datastore: Any,
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
        cli: CKANCliRunner,
    ) -> None:
        address = ckan_config["solr_url"]
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")
        found = do("marathon_takedown", id=dataset["id"], reason="Orden judicial")
        assert found["unfinished"] == ["search"]
        assert model.Package.get(dataset["id"]) is None
        said = cli.invoke(ckan, ["marathon", "doctor"]).output
        assert dataset["id"] in said
        monkeypatch.setitem(ckan_config, "solr_url", address)
        assert places(storage, datastore)
        result = cli.invoke(ckan, ["marathon", "takedown", "apply"])
        assert result.exit_code == 0, result.output
        assert places(storage, datastore) == {}
        assert dataset["id"] not in cli.invoke(ckan, ["marathon", "doctor"]).output

    def test_a_file_that_cannot_be_removed_is_tried_again(
        self, dataset: dict[str, Any], storage: Path, datastore: Any, cli: CKANCliRunner
    ) -> None:
        (resource,) = dataset["resources"]
        folder = storage / "resources" / resource["id"][:3] / resource["id"][3:6]
        file = folder / resource["id"][6:]
        body = file.read_bytes()
        file.unlink()
        # No process can unlink a folder, not even one of root.
        file.mkdir()
        found = do("marathon_takedown", id=dataset["id"], reason="Orden judicial")
        assert found["unfinished"] == ["files"]
        assert not enforce_list()
        file.rmdir()
        file.write_bytes(body)
        remove = ["marathon", "takedown", "remove", dataset["id"], "--reason", "Otra vez"]
        result = cli.invoke(ckan, remove)
        assert result.exit_code == 0, result.output
        assert places(storage, datastore) == {}
        assert enforce_list()
        assert cli.invoke(ckan, remove).exit_code == 1

    def test_a_takedown_killed_after_the_purge_is_completed_later(
        self,
        dataset: dict[str, Any],
        storage: Path,
        datastore: Any,
        monkeypatch: pytest.MonkeyPatch,
        app: Any,
    ) -> None:
        from ckanext.marathon.logic import erasing
        from ckanext.marathon.views.outage import TakedownCheck

        class Killed(BaseException):
            pass

        def die(*_arguments: Any) -> None:
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(erasing, "finish_takedown", die)
            with pytest.raises(Killed):
                do("marathon_takedown", id=dataset["id"], reason="Orden judicial")
        assert model.Package.get(dataset["id"]) is None
        assert places(storage, datastore)
        TakedownCheck.due = 0.0
        app.get("/dataset/")
        assert places(storage, datastore) == {}
