from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests.helpers import call_action

from tests import factories


def headers_of(user: dict[str, Any]) -> dict[str, str]:
    token = call_action("api_token_create", user=user["name"], name="t")["token"]
    return {"Authorization": token}


@pytest.mark.usefixtures("marathon_site")
class TestDeletingOnPages:
    def test_a_record_with_dependents_is_not_deleted_and_they_are_named(self, app: Any) -> None:
        dataset = factories.MarathonDataset()
        idea = call_action("package_show", id=dataset["idea"][0])
        headers = headers_of(factories.officer(idea["owner_org"], "admin"))
        for reference in (idea["id"], idea["name"]):
            page = app.post(f"/idea/delete/{reference}", headers=headers)
            assert page.status_code == 200
            assert dataset["title"] in page.body
            assert f"/dataset/{dataset['name']}" in page.body
        assert model.Package.get(idea["id"]).state == "active"

    @pytest.mark.parametrize("kind", ["dataset", "idea", "workshop", "commitment"])
    def test_a_record_without_dependents_is_deleted(self, app: Any, kind: str) -> None:
        factory = {
            "dataset": factories.MarathonDataset,
            "idea": factories.Idea,
            "workshop": factories.Workshop,
            "commitment": factories.Commitment,
        }[kind]
        thing = factory()
        headers = headers_of(factories.officer(thing["owner_org"], "admin"))
        assert app.get(f"/{kind}/delete/{thing['id']}", headers=headers).status_code == 200
        app.post(f"/{kind}/delete/{thing['id']}", headers=headers, follow_redirects=False)
        assert model.Package.get(thing["id"]).state == "deleted"

    def test_bulk_deletion_of_a_record_with_dependents_is_refused(self, app: Any) -> None:
        dataset = factories.MarathonDataset()
        idea = dataset["idea"][0]
        headers = headers_of(factories.officer(dataset["owner_org"], "admin"))
        answer = app.post(
            f"/organization/bulk_process/{dataset['owner_org']}",
            params={"bulk_action.delete": "1", f"dataset_{idea}": "1"},
            headers=headers,
        )
        assert answer.status_code == 200
        assert model.Package.get(idea).state == "active"

    def test_a_refusal_on_a_page_of_ckan_is_an_error_page(self, app: Any) -> None:
        refused = app.flask_app.handle_user_exception
        environ = {"CKAN_CURRENT_URL": "/dataset/", "CKAN_LANG": "en"}
        with app.flask_app.test_request_context("/dataset/", environ_overrides=environ):
            answer = refused(tk.ValidationError({"since": ["No such activity"]}))
        assert answer.status_code == 400
        assert "No such activity" in answer.get_data(as_text=True)

    def test_an_organisation_with_records_is_not_deleted_and_they_are_named(self, app: Any) -> None:
        workshop = factories.Workshop()
        headers = headers_of(factories.officer(workshop["owner_org"], "admin"))
        page = app.post(f"/organization/delete/{workshop['owner_org']}", headers=headers)
        assert page.status_code == 403  # as CKAN does it
        assert workshop["title"] in page.body
        assert model.Group.get(workshop["owner_org"]).state == "active"
