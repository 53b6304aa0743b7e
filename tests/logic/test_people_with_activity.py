"""Adding municipalities and officers with the plugin ``activity``, which records the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import call_action

from tests.factories import CoordinatingBody, officer

PLUGINS = "marathon activity scheming_datasets scheming_organizations dcat"


@pytest.mark.ckan_config("ckan.plugins", PLUGINS)
@pytest.mark.usefixtures("marathon_site", "with_request_context")
class TestWithTheActivityPlugin:
    @pytest.fixture(autouse=True)
    def activities(self, marathon_site: None, migrate_db_for: Callable[[str], None]) -> None:
        migrate_db_for("activity")

    def test_a_municipality_and_its_officer_are_added(
        self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "smtp.server", "")
        admin = officer(CoordinatingBody()["id"], "admin")["name"]
        context = {"user": admin, "ignore_auth": False}
        (added,) = call_action("marathon_municipality_create", context=dict(context), codes="2105")
        assert added["status"] == "created"
        organization = added["organization"]["id"]
        invited = call_action(
            "marathon_officer_invite",
            context=dict(context),
            email="agua@example.gt",
            organization=organization,
        )
        assert invited["link"]
        assert model.Group.get(organization).state == "active"
        activities = call_action("organization_activity_list", id=organization)
        assert [a["activity_type"] for a in activities] == ["new organization"]
