"""The factories make records as they describe."""

from __future__ import annotations

import pytest
from ckan.tests.helpers import call_action

from tests import factories


@pytest.mark.usefixtures("marathon_site")
class TestFactories:
    def test_a_dataset_comes_with_its_idea_and_workshop(self) -> None:
        dataset = factories.MarathonDataset()
        idea = call_action("package_show", id=dataset["idea"][0])
        workshop = call_action("package_show", id=idea["workshop"])
        assert (workshop["type"], idea["type"], dataset["type"]) == ("workshop", "idea", "dataset")
        assert workshop["owner_org"] == idea["owner_org"] == dataset["owner_org"]

    def test_a_municipality_has_a_code(self) -> None:
        assert len(factories.Municipality()["municipality_code"]) == 4

    def test_an_officer_is_editor_of_an_organisation(self) -> None:
        organization = factories.Municipality()
        person = factories.officer(organization["id"])
        members = call_action("member_list", id=organization["id"], object_type="user")
        assert (person["id"], "user", "Editor") in members
