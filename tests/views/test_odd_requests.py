"""Requests on which CKAN's own views and actions break are answered like any other bad request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.lib import search
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests.factories import Idea, MarathonDataset

from .conftest import Reader

PLUGINS = "marathon scheming_datasets scheming_organizations dcat"

pytestmark = pytest.mark.usefixtures("marathon_site")


def store_address(resource_id: str, url: str) -> None:
    """Store an address of a resource as older versions of the site took it."""
    resource = model.Resource.get(resource_id)
    assert resource is not None
    resource.url = url
    model.repo.commit()
    search.rebuild(resource.package_id)


@pytest.fixture
def sysadmin(marathon_site: None, app: Any) -> Reader:
    return Reader(app, core.Sysadmin())


class TestLogin:
    @pytest.mark.parametrize(
        "fields", [{}, {"login": "somebody"}, {"password": "abc"}, {"login": "", "password": ""}]
    )
    def test_a_form_without_its_fields_is_a_failed_login(
        self, visitor: Reader, fields: dict[str, str]
    ) -> None:
        answer = visitor.post("/user/login", fields)
        assert answer.status_code in {200, 302}
        assert answer.headers.get("Location", "/user/login").endswith("/user/login")

    @pytest.mark.parametrize("remember", ["x", "", "-1", "9" * 30])
    def test_a_malformed_remember_time_sets_no_cookie(self, visitor: Reader, remember: str) -> None:
        person = core.User(password="correct-horse")
        form = {"login": person["name"], "password": "correct-horse", "remember": remember}
        answer = visitor.post("/user/login", form)
        assert answer.status_code == 302
        assert "remember_token" not in str(answer.headers)


class TestForms:
    def test_a_field_name_with_too_many_parts_gets_400(self, sysadmin: Reader) -> None:
        form = {"title": "a", "x" + "__0__y" * 5: "z"}
        assert sysadmin.post("/dataset/new", form).status_code == 400

    def test_json_sent_as_a_form_is_accepted(self, app: Any) -> None:
        body = json.dumps({"q": "__a__ __b__ __c__ __d__ __e__"})
        form = "application/x-www-form-urlencoded"
        answer = app.post("/api/3/action/package_search", data=body, content_type=form)
        assert (answer.status_code, answer.json["success"]) == (200, True)

    def test_a_profile_can_be_saved_without_a_new_password(self, reader: Any) -> None:
        person = core.User()
        form = {"email": person["email"], "fullname": "Ana", "name": person["name"], "save": ""}
        answer = reader(person).post(f"/user/edit/{person['name']}", form)
        assert answer.status_code == 302

    @pytest.mark.parametrize("fields", [{}, {"email": "new@example.gt"}, {"old_password": "x"}])
    def test_an_account_form_without_its_fields_gets_400_and_changes_nothing(
        self, reader: Any, fields: dict[str, str]
    ) -> None:
        person = core.User()
        answer = reader(person).post(f"/user/edit/{person['name']}", {"fullname": "x", **fields})
        assert answer.status_code == 400
        for name in ("email", "old_password"):
            assert (f"{name}: Missing value" in answer.text) == (name not in fields), name
        account = model.User.get(person["id"])
        assert account
        assert (account.fullname, account.email) == (person["fullname"], person["email"])


class TestAddingAMember:
    def test_a_failed_invitation_mail_keeps_the_invited_account(
        self, reader: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "smtp.server", "127.0.0.1:9")
        organization, admin = core.Organization(), core.User()
        call_action(
            "organization_member_create",
            id=organization["id"],
            username=admin["name"],
            role="admin",
        )
        answer = reader(admin).post(
            f"/organization/member_new/{organization['name']}",
            {"email": "new@example.gt", "role": "editor"},
        )
        assert answer.status_code == 302
        (account,) = model.Session.query(model.User).filter_by(email="new@example.gt")
        assert account.state == "pending"
        assert account.reset_key

    def test_a_failed_invitation_mail_to_a_group_leaves_no_account(
        self, reader: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "smtp.server", "127.0.0.1:9")
        admin = core.User()
        group = core.Group(user=admin)
        accounts = model.Session.query(model.User).count()
        members = model.Session.query(model.Member).count()
        person = reader(admin)
        answer = person.post(
            f"/group/member_new/{group['name']}", {"email": "new@example.gt", "role": "member"}
        )
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith(f"/member_new/{group['name']}")
        model.Session.remove()
        assert model.Session.query(model.User).count() == accounts
        assert model.Session.query(model.Member).count() == members
        refused = person.post_json(
            "/api/3/action/user_invite",
            {"email": "new@example.gt", "role": "member", "group_id": group["id"]},
        )
        assert refused.status_code == 409
        assert "could not be mailed" in refused.json["error"]["email"][0]


class TestUploads:
    @pytest.mark.parametrize("upload", [{}, {"upload": ""}])
    @pytest.mark.parametrize("url", ["", "a.csv", "https://example.org/a.csv"])
    def test_a_resource_marked_as_upload_without_a_file_can_be_shown(
        self, sysadmin: Reader, visitor: Reader, storage: Path, upload: dict[str, str], url: str
    ) -> None:
        dataset = MarathonDataset()
        sent = {"name": "a", "url": url, "url_type": "upload", **upload}
        for action, data in (
            ("resource_create", {"package_id": dataset["id"], **sent}),
            ("package_patch", {"id": dataset["id"], "resources": [sent]}),
        ):
            answer = sysadmin.post_json(f"/api/3/action/{action}", data)
            assert answer.status_code == 200, answer.text
            (resource,) = call_action("package_show", id=dataset["id"])["resources"]
            path = f"/dataset/{dataset['id']}/resource/{resource['id']}"
            assert visitor.get(path).status_code == 200
            for address in (f"{path}/download/a.csv", f"{path}/download"):
                assert visitor.get(address).status_code == 404, address
        assert visitor.get(f"/dataset/{dataset['name']}").status_code == 200

    @pytest.mark.parametrize("url", ["", "a.csv", "https://example.org/a.csv"])
    def test_a_text_in_place_of_a_file_is_refused(
        self, sysadmin: Reader, storage: Path, url: str
    ) -> None:
        dataset = MarathonDataset()
        sent = {"name": "a", "url": url, "url_type": "upload", "upload": "text"}
        for action, data in (
            ("resource_create", {"package_id": dataset["id"], **sent}),
            ("package_patch", {"id": dataset["id"], "resources": [sent]}),
        ):
            answer = sysadmin.post_json(f"/api/3/action/{action}", data)
            assert answer.status_code == 409, answer.text
        assert call_action("package_show", id=dataset["id"])["resources"] == []


class TestApi:
    @pytest.mark.parametrize(
        ("action", "data", "status", "field"),
        [
            ("package_show", {"id": ["a"]}, 409, "id"),
            ("package_show", {"id": {"a": 1}}, 409, "id"),
            ("package_show", {"id": 5}, 409, "id"),
            ("organization_list", {"all_fields": "x"}, 409, "all_fields"),
            ("organization_list", {"limit": {"a": 1}}, 409, "limit"),
            ("user_list", {"order_by": ["a"]}, 409, "order_by"),
            ("group_show", {"id": None}, 409, "id"),
            ("term_translation_show", {"terms": [{"a": 1}]}, 409, "terms"),
            ("help_show", {"name": ["a"]}, 409, "name"),
            ("package_collaborator_list", {"id": "no-such"}, 403, "message"),
            ("package_collaborator_list", {"id": {"a": 1}}, 409, "id"),
            ("tag_show", {"id": "a\x00b"}, 404, "message"),
            ("tag_list", {"query": 5, "vocabulary_id": "x"}, 409, "query"),
            ("user_list", {"q": 1.5}, 409, "q"),
            ("user_create", {"name": "a", "about": True}, 409, "about"),
            ("user_invite", {"role": "["}, 409, "group_id"),
            ("package_relationship_update", {"comment": 5}, 409, "comment"),
            ("package_relationships_list", {"id": "x", "rel": "x"}, 409, "rel"),
            ("package_collaborator_create", {"id": "x", "user_id": "["}, 403, "message"),
            ("resource_search", {"query": [5]}, 409, "query"),
            ("job_show", {"id": "["}, 404, "message"),
            ("member_create", {"id": "x", "object": "x", "object_type": None}, 409, "object_type"),
            ("member_delete", {"id": "x", "object": "x", "object_type": None}, 409, "object_type"),
            ("file_owner_scan", {"rows": 10**20}, 409, "rows"),
            ("file_owner_scan", {"sort": 5}, 409, "sort"),
            ("file_owner_scan", {"start": -1}, 409, "start"),
            ("package_search", {"q": "a\x00b"}, 409, "q"),
            ("package_search", {"wt": "xml"}, 409, "wt"),
            ("user_invite", {}, 409, "group_id"),
            ("user_invite", {"email": "a@example.gt", "role": "editor"}, 409, "group_id"),
        ],
    )
    def test_malformed_data_get_the_expected_status_and_error(
        self, visitor: Reader, action: str, data: dict[str, Any], status: int, field: str
    ) -> None:
        answer = visitor.post_json(f"/api/3/action/{action}", data)
        assert answer.status_code == status, answer.text
        assert answer.json["success"] is False
        assert answer.json["error"][field]
        assert answer.json["help"].endswith(f"help_show?name={action}")

    def test_a_record_without_relationships_has_an_empty_list(self, visitor: Reader) -> None:
        dataset = MarathonDataset()
        answer = visitor.get(f"/api/3/action/package_relationships_list?id={dataset['id']}")
        assert answer.json["result"] == []

    @pytest.mark.parametrize("allowed", [True, False])
    def test_visitors_cannot_list_collaborators(
        self,
        visitor: Reader,
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
        allowed: bool,
    ) -> None:
        dataset = MarathonDataset()
        monkeypatch.setitem(ckan_config, "ckan.auth.allow_dataset_collaborators", allowed)
        answer = visitor.get(f"/api/3/action/package_collaborator_list?id={dataset['id']}")
        assert answer.status_code == 403, answer.text

    @pytest.mark.parametrize("tags", [[5], [{"a": 1}], {"a": 1}, [["a"]], [None]])
    def test_malformed_tags_are_an_error_at_their_field(self, sysadmin: Reader, tags: Any) -> None:
        dataset = MarathonDataset(tags=[{"name": "agua"}])
        answer = sysadmin.post_json(
            "/api/3/action/package_patch", {"id": dataset["id"], "tag_string": tags}
        )
        assert answer.status_code == 409, answer.text
        assert answer.json["error"].keys() == {"tag_string", "__type"}
        (tag,) = call_action("package_show", id=dataset["id"])["tags"]
        assert tag["name"] == "agua"

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("organization_list?all_fields=x", 409),
            ("organization_list?all_fields=true", 200),
            ("organization_list?all_fields=Yes&limit=1", 200),
            ("organization_list?all_fields=0", 200),
            ("organization_list?organizations=a,b", 200),
            ("package_search?rows=1&include_private=no&fq=a:b", 200),
            ("package_search?q=a&q=b", 409),
            ("package_list?limit=1&offset=0", 200),
            ("user_list?all_fields=", 409),
            ("package_show?id=a&id=b", 409),
        ],
    )
    def test_query_parameters_of_the_api_are_validated(
        self, visitor: Reader, path: str, status: int
    ) -> None:
        assert visitor.get(f"/api/3/action/{path}").status_code == status

    def test_deeply_nested_json_gets_400(self, app: Any) -> None:
        headers = {"Content-Type": "application/json"}
        body = '{"id": ' + "[" * 5_000 + "]" * 5_000 + "}"
        answer = app.post("/api/3/action/package_show", data=body, headers=headers)
        assert answer.status_code == 400
        assert answer.json["success"] is False


@pytest.mark.ckan_config(
    "ckan.plugins", "marathon activity scheming_datasets scheming_organizations dcat"
)
class TestActivities:
    @pytest.mark.parametrize(
        "action", ["activity_show", "activity_data_show", "activity_diff?diff_type=html"]
    )
    def test_activities_of_a_purged_record_cause_no_server_error(
        self, marathon_site: None, migrate_db_for: Callable[[str], None], app: Any, action: str
    ) -> None:
        migrate_db_for("activity")
        visitor, sysadmin = Reader(app, None), Reader(app, core.Sysadmin())
        dataset = MarathonDataset(user=core.Sysadmin())
        (activity,) = call_action("package_activity_list", id=dataset["id"])
        call_action("dataset_purge", id=dataset["id"])
        separator = "&" if "?" in action else "?"
        for reader in (visitor, sysadmin):
            answer = reader.get(f"/api/3/action/{action}{separator}id={activity['id']}")
            assert answer.status_code in {200, 403, 404, 409}, answer.text
            for page in ("activity", "activity/changes"):
                path = f"/dataset/{page}/{activity['id']}"
                assert reader.get(path).status_code < 500, path


class TestPages:
    @pytest.mark.ckan_config("ckan.auth.allow_dataset_collaborators", "true")
    def test_the_page_of_collaborators_gets_401_for_visitors(self, visitor: Reader) -> None:
        dataset = MarathonDataset()
        assert visitor.get(f"/dataset/collaborators/{dataset['name']}").status_code == 401

    @pytest.mark.ckan_config("ckan.plugins", f"{PLUGINS} resource_proxy")
    @pytest.mark.usefixtures("with_plugins")
    def test_the_proxy_of_a_private_file_is_refused(self, visitor: Reader) -> None:
        dataset = MarathonDataset(private=True)
        file = core.Resource(package_id=dataset["id"])
        path = f"/dataset/{dataset['id']}/resource/{file['id']}/proxy"
        assert visitor.get(path).status_code == 404

    @pytest.mark.parametrize("condition", ["If-Modified-Since", "If-Range"])
    def test_a_date_that_no_date_can_be_is_ignored(self, visitor: Reader, condition: str) -> None:
        code = Idea()["id"][:8]
        found = [f"/i/{code}.svg", "/base/images/ckan-logo.png", "/catalog.ttl"]
        for path in found:
            for moment in (
                "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
                "Mon, 01 Jan 2024 00:00:00 +99999999999999",
            ):
                headers = {condition: moment, "Range": "bytes=0-1"}
                assert visitor.get(path, **headers).status_code in {200, 206}, path

    @pytest.mark.parametrize("url", ["urn:x", "JavaScript:x", "data:text/plain,x"])
    def test_a_download_without_a_web_address_gets_404(self, visitor: Reader, url: str) -> None:
        dataset = MarathonDataset()
        file = core.Resource(package_id=dataset["id"])
        store_address(file["id"], url)
        path = f"/dataset/{dataset['id']}/resource/{file['id']}/download"
        assert visitor.get(path).status_code == 404
