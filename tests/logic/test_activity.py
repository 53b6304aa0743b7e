"""Activities store and show only content that outsiders may see of the record now."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.domain import workshop
from ckanext.marathon.logic.activity import strip_data
from ckanext.marathon.model import activity
from tests import factories
from tests.logic.streams import COUNTS, PLUGINS, Stream, rows

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.ckan_config("ckan.auth.public_user_details", "false"),
    pytest.mark.usefixtures("marathon_site"),
]
detailed = pytest.mark.ckan_config("ckan.auth.public_activity_stream_detail", "true")
SECRET = str(COUNTS["participants_women"])

MakeStream = Callable[..., Stream]


@pytest.fixture
def make_stream(marathon_site: None, migrate_db_for: Callable[[str], None], app: Any) -> MakeStream:
    migrate_db_for("activity")
    return lambda **fields: Stream(app, **fields)


class TestStripData:
    @pytest.mark.parametrize("name", workshop.COUNT_FIELDS)
    def test_counts_stored_as_text_are_masked(self, name: str) -> None:
        # As extras of a record that other plugins write down.
        package = {"type": "workshop", "participants": "20", name: "3"}
        assert strip_data({"package": package})["package"].get(name) != "3"

    @pytest.mark.parametrize(
        ("kind", "links"), [("dataset", ("idea", "data_need")), ("idea", ("workshop",))]
    )
    def test_references_to_other_records_are_removed(
        self, kind: str, links: tuple[str, ...]
    ) -> None:
        package = {"type": kind, "title": "Pozos", **{name: ["un-id"] for name in links}}
        stripped = strip_data({"package": package})["package"]
        assert stripped["title"] == "Pozos"
        assert not stripped.keys() & set(links)


class TestStoredActivities:
    @detailed
    def test_small_counts_are_masked(self, make_stream: MakeStream) -> None:
        stream = make_stream()
        stream.save("package_patch", id=stream.workshop["id"], title="Otro título")
        read = stream.everything()
        assert "Otro título" in read
        assert SECRET not in read
        assert SECRET not in json.dumps([row.data for row in rows()])

    @detailed
    def test_anonymous_visitors_see_no_login_or_full_name(self, make_stream: MakeStream) -> None:
        stream = make_stream()
        stream.save("marathon_idea_status_update", id=stream.idea["id"], status="prioritised")
        read = stream.everything()
        assert "prioritised" in read
        for name in ("name", "fullname"):
            assert stream.officer[name] not in read
        rows_read = [row for listed in stream.lists().values() for row in listed]
        assert rows_read
        last = rows(stream.idea["id"])[-1].id
        compared = stream.read("activity_diff", id=last, object_type="package")["activities"]
        assert len(compared) == 2
        rows_read += compared
        assert {row["user_id"] for row in rows_read} == {None}
        assert stream.officer["name"] not in json.dumps([row.data for row in rows()])

    @detailed
    def test_other_records_are_not_named(self, make_stream: MakeStream) -> None:
        stream = make_stream(workshop={"private": True})
        read = stream.everything()
        assert "El idea secreto" in read
        for secret in (SECRET, "El workshop secreto", "el-workshop", stream.workshop["id"]):
            assert secret not in read, secret

    @detailed
    def test_a_record_hidden_later_is_named_nowhere(self, make_stream: MakeStream) -> None:
        stream = make_stream()
        stream.save("package_patch", id=stream.dataset["id"], title="Otro título")
        stream.save("package_patch", id=stream.idea["id"], private=True)
        read = stream.everything()
        need = stream.idea["data_need"][0]["id"]
        for secret in ("El idea secreto", "el-idea", stream.idea["id"], need):
            assert secret not in read, secret

    def test_activity_show_works_without_include_data(self, make_stream: MakeStream) -> None:
        stream = make_stream()
        (row,) = rows(stream.dataset["id"])
        for who in (None, stream.officer):
            shown = stream.read("activity_show", who, id=row.id)
            assert shown["data"]["package"]["title"] == "El dataset secreto"

    def test_an_insider_sees_the_author_of_a_change(self, make_stream: MakeStream) -> None:
        stream = make_stream()
        (row,) = stream.lists(stream.officer)["workshop"]
        assert row["user_id"] == stream.officer["id"]
        page = stream.page(f"/dataset/activity/{stream.workshop['id']}", stream.officer)
        assert stream.officer["fullname"] in page

    def test_only_editors_see_former_versions(self, make_stream: MakeStream) -> None:
        stream = make_stream()
        stream.save("package_patch", id=stream.dataset["id"], notes="Tel. 5555-1234")
        stream.save("package_patch", id=stream.dataset["id"], notes="Corregido")
        for user in (None, core.UserWithToken()):
            assert "5555-1234" not in stream.everything(user)
        assert "5555-1234" in json.dumps(stream.lists(stream.officer)["dataset"])
        assert {row["data"]["package"]["title"] for row in stream.lists()["dataset"]} == {
            "El dataset secreto"
        }


def private(stream: Stream, kind: str) -> None:
    stream.save("package_patch", id=stream.ids()[kind], private=True)


def draft(stream: Stream, kind: str) -> None:
    stream.save("package_patch", id=stream.ids()[kind], state="draft")


def deleted(stream: Stream, kind: str) -> None:
    stream.save("package_delete", id=stream.ids()[kind])


def bulk_private(stream: Stream, kind: str) -> None:
    ids = [stream.ids()[kind]]
    stream.save("bulk_update_private", datasets=ids, org_id=stream.owner["id"])


def bulk_deleted(stream: Stream, kind: str) -> None:
    ids = [stream.ids()[kind]]
    stream.save("bulk_update_delete", datasets=ids, org_id=stream.owner["id"])


def purged(stream: Stream, kind: str) -> None:
    call_action("dataset_purge", id=stream.ids()[kind])


def without_any_action(stream: Stream, kind: str) -> None:
    package = model.Package.get(stream.ids()[kind])
    assert package
    package.private = True
    model.repo.commit()


Hide = Callable[[Stream, str], None]
WAYS: tuple[Hide, ...] = (
    private,
    draft,
    deleted,
    bulk_private,
    bulk_deleted,
    purged,
    without_any_action,
)


def add_view(stream: Stream, **more: Any) -> dict[str, Any]:
    file = stream.save("resource_create", package_id=stream.dataset["id"], url="https://a.gt/a.csv")
    view = {"resource_id": file["id"], "view_type": "image_view", "title": "Vista secreta", **more}
    return stream.save("resource_view_create", **view)


class TestRecordsNoLongerPublic:
    @pytest.mark.parametrize("hide", WAYS, ids=lambda hide: hide.__name__)
    def test_their_activities_leave_every_list(self, hide: Hide, make_stream: MakeStream) -> None:
        stream = make_stream()
        outsider = core.UserWithToken()
        following = {"Authorization": outsider["token"]}
        for action in ("follow_dataset", "follow_user"):
            followed = stream.dataset["id"] if action == "follow_dataset" else stream.officer["id"]
            stream.app.post(f"/api/3/action/{action}", json={"id": followed}, headers=following)
        for name in ("recent", "organization", "user", "dashboard", "dataset"):
            assert "El dataset secreto" in json.dumps(stream.lists(outsider)[name]), name
        hide(stream, "dataset")
        read = stream.everything(outsider) + json.dumps(stream.lists())
        for secret in ("El dataset secreto", "el-dataset", stream.dataset["id"]):
            assert secret not in read, secret
        assert activity.count_exposed() == 0

    def test_activities_without_labels_are_hidden_from_everybody(
        self, make_stream: MakeStream
    ) -> None:
        stream = make_stream()
        outsider = core.UserWithToken()
        assert "El dataset secreto" in json.dumps(stream.lists(outsider)["recent"])
        model.Session.execute(sa.text("UPDATE activity SET permission_labels = NULL"))
        model.Session.commit()
        for user in (None, outsider, stream.officer):
            assert "El dataset secreto" not in json.dumps(stream.lists(user))

    def test_their_organisation_still_sees_their_activities(self, make_stream: MakeStream) -> None:
        stream = make_stream()
        private(stream, "dataset")
        types = [row["activity_type"] for row in stream.lists(stream.officer)["dataset"]]
        assert types == ["changed package", "new package"]

    def test_their_activities_move_with_them_to_another_organisation(
        self, make_stream: MakeStream
    ) -> None:
        stream = make_stream(workshop={"private": True})
        other = factories.Municipality()
        theirs = core.UserWithToken()
        call_action(
            "organization_member_create",
            context={"user": core.Sysadmin()["name"], "ignore_auth": True},
            id=other["id"],
            username=theirs["name"],
            role="editor",
        )
        assert stream.lists(theirs)["workshop"] == []
        call_action(
            "package_owner_org_update", id=stream.workshop["id"], organization_id=other["id"]
        )
        assert len(stream.lists(theirs)["workshop"]) == 1
        recent = json.dumps(stream.lists(stream.officer)["recent"])
        assert stream.workshop["id"] not in recent

    def test_public_activities_come_back_when_they_are_public_again(
        self, make_stream: MakeStream
    ) -> None:
        stream = make_stream()
        private(stream, "dataset")
        stream.save("package_patch", id=stream.dataset["id"], title="Borrador interno")
        stream.save("package_patch", id=stream.dataset["id"], title="Título", private=False)
        titles = [row["data"]["package"]["title"] for row in stream.lists()["dataset"]]
        assert titles == ["Título", "El dataset secreto"]
        assert "Borrador interno" not in stream.everything()
        assert "Borrador interno" in json.dumps(stream.lists(stream.officer)["dataset"])

    @detailed
    def test_a_comparison_shows_no_version_older_than_the_publication(
        self, make_stream: MakeStream
    ) -> None:
        stream = make_stream(dataset={"private": True, "notes": "Borrador interno"})
        stream.save("package_patch", id=stream.dataset["id"], notes="Publicado", private=False)
        read = stream.everything()
        assert "Publicado" in read
        assert "Borrador interno" not in read
        assert "Borrador interno" in stream.everything(stream.officer)

    @pytest.mark.parametrize("hide", [private, deleted])
    def test_activities_of_views_are_hidden_with_them(
        self, hide: Hide, make_stream: MakeStream
    ) -> None:
        stream = make_stream()
        add_view(stream)
        outsider = core.UserWithToken()
        assert "Vista secreta" in json.dumps(stream.lists(outsider)["user"])
        assert "Vista secreta" in json.dumps(stream.lists()["organization"])
        hide(stream, "dataset")
        for user in (None, outsider):
            assert "Vista secreta" not in json.dumps(stream.lists(user))
        assert "Vista secreta" in json.dumps(stream.lists(stream.officer))

    def test_activities_of_views_of_a_private_dataset_are_visible_to_its_organisation(
        self, make_stream: MakeStream
    ) -> None:
        stream = make_stream(dataset={"private": True})
        add_view(stream)
        assert "Vista secreta" not in json.dumps(stream.lists(core.UserWithToken()))
        assert "Vista secreta" in json.dumps(stream.lists(stream.officer))

    def test_activities_of_a_deleted_organisation_are_hidden(self, make_stream: MakeStream) -> None:
        stream = make_stream()
        gone = factories.Municipality(title="Municipio borrado", user=stream.officer)
        outsider = core.UserWithToken()
        assert "Municipio borrado" in json.dumps(stream.lists(outsider)["user"])
        sysadmin = {"user": core.Sysadmin()["name"], "ignore_auth": True}
        call_action("organization_delete", context=sysadmin, id=gone["id"])
        assert "Municipio borrado" not in json.dumps(stream.lists(outsider))

    def test_the_deletion_of_an_organisation_is_hidden(self, make_stream: MakeStream) -> None:
        stream = make_stream()
        admin = core.SysadminWithToken()
        gone = factories.Municipality(title="Municipio borrado")
        assert stream.post("organization_delete", admin, id=gone["id"]).status_code == 200
        read = stream.read("user_activity_list", core.UserWithToken(), id=admin["id"])
        assert "Municipio borrado" not in json.dumps(read)
        theirs = stream.read("user_activity_list", admin, id=admin["id"])
        assert "deleted organization" in [row["activity_type"] for row in theirs]
        assert activity.count_exposed() == 0

    @pytest.mark.parametrize("detail", ["true", "false"])
    def test_former_versions_of_files_need_the_permission_for_those_of_datasets(
        self, detail: str, make_stream: MakeStream, ckan_config: Any, monkeypatch: Any
    ) -> None:
        monkeypatch.setitem(
            ckan_config, "ckan.auth.public_activity_stream_detail", detail == "true"
        )
        stream = make_stream()
        file = stream.save(
            "resource_create", package_id=stream.dataset["id"], url="https://a.gt/a.csv", name="Uno"
        )
        stream.save("resource_patch", id=file["id"], name="Dos")
        row = next(row for row in rows(stream.dataset["id"]) if "Uno" in json.dumps(row.data))
        path = f"/dataset/{stream.dataset['id']}/resources/{file['id']}/history/{row.id}"
        assert stream.app.get(path).status_code == (200 if detail == "true" else 403)
        headers = {"Authorization": stream.officer["token"]}
        assert stream.app.get(path, headers=headers).status_code == 200
        # Of a hidden dataset as of one that does not exist.
        private(stream, "dataset")
        unknown = f"/dataset/{uuid.uuid4()}/resources/{file['id']}/history/{uuid.uuid4()}"
        assert {stream.app.get(each).status_code for each in (path, unknown)} == {404}
        assert stream.app.get(path, headers=headers).status_code == 200

    def test_an_activity_written_while_its_record_is_hidden_is_not_public(
        self, make_stream: MakeStream
    ) -> None:
        from ckanext.activity.model import Activity

        stream = make_stream()
        dataset = stream.dataset["id"]

        def write() -> None:
            model.Session.add(
                Activity("u", dataset, "changed package", {"package": {}}, ["public"])
            )
            model.repo.commit()
            model.Session.remove()

        writing = threading.Thread(target=write)
        engine = model.meta.engine
        assert engine
        with engine.connect() as other:
            hide = sa.update(model.package_table).values(private=True)
            other.execute(hide.where(model.package_table.c.id == dataset))
            writing.start()
            writing.join(1)
            assert writing.is_alive()
            other.commit()
        writing.join(10)
        assert "public" not in rows(dataset)[-1].permission_labels
