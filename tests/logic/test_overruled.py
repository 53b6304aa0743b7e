"""Sent values of computed fields and of the site's own fields get a notice."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests import factories
from tests.logic.asking import act

KEY = "marathon_notices"
LINK = "https://example.org/a.csv"

pytestmark = pytest.mark.usefixtures("marathon_site")

# Parameters that are not stored by CKAN's documentation, and those that name the record.
ASKED = {"id", "name"}


def another(value: Any) -> Any:
    """Return a value of the same kind that is not this one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 90
    if isinstance(value, list):
        return [{"id": "otro", "name": "otro", "key": "otro", "value": "otro", "object": "otro"}]
    if isinstance(value, dict):
        return {"id": "otro", "name": "otro"}
    is_time = isinstance(value, str) and value[:4].isdigit() and "T" in value
    return "2001-02-03T04:05:06" if is_time else "otro"


def is_accounted_for(action: str, record: str, name: str, value: Any, **more: Any) -> bool:
    """Return whether a value was refused, stored or named in the notices."""
    try:
        answer = call_action(action, id=record, **{name: value}, **more)
    except (tk.ValidationError, tk.NotAuthorized, tk.ObjectNotFound):
        return True
    is_named = any(f"“{name}”" in notice for notice in answer.get(KEY, []))
    stored = str(answer.get(name))
    return is_named or stored == str(value) or (isinstance(value, list) and "otro" in stored)


class TestDerivedNames:
    def test_no_derived_name_of_a_dataset_is_lost_silently(self) -> None:
        made = factories.MarathonDataset(
            resources=[{"url": LINK}], tags=[{"name": "agua"}], license_id="cc-by"
        )
        shown = call_action("package_show", id=made["id"])
        schema = call_action("scheming_dataset_schema_show", type="dataset")
        own = {field["field_name"] for field in schema["dataset_fields"]}
        names = sorted(shown.keys() - own - ASKED)
        lost = [
            name
            for name in names
            if not is_accounted_for("package_patch", made["id"], name, another(shown[name]))
        ]
        assert lost == []
        assert {"organization", "num_tags", "isopen", "first_published", "ideas"} <= set(names)

    def test_no_derived_name_of_ideas_and_workshops_is_lost_silently(self) -> None:
        for made, names in (
            (factories.Idea(), ("history", "municipality_origin", "workshop_info")),
            (factories.Workshop(participants=3), ("participants_masked",)),
        ):
            for name in names:
                value = ["otro"] if name == "participants_masked" else another(made[name])
                assert is_accounted_for("package_patch", made["id"], name, value), name

    def test_no_derived_name_of_a_file_is_lost_silently(self) -> None:
        made = factories.MarathonDataset(resources=[{"url": LINK}, {"url": LINK}])
        shown = made["resources"][1]
        # The time of the last save is sent back with the record, and not to be stored.
        own = {"url", "url_type", "format", "metadata_modified", *ASKED}
        lost = [
            name
            for name in sorted(shown.keys() - own)
            if not is_accounted_for("resource_patch", shown["id"], name, another(shown[name]))
        ]
        assert lost == []

    def test_no_derived_name_of_an_organisation_is_lost_silently(self) -> None:
        made = factories.Municipality()
        shown = call_action("organization_show", id=made["id"])
        lost = [
            name
            for name in sorted(shown.keys() - ASKED)
            if not is_accounted_for("organization_patch", made["id"], name, another(shown[name]))
        ]
        assert lost == []
        assert {"package_count", "display_name", "created"} <= shown.keys()


class TestValuesSentBack:
    def test_computed_values_sent_back_get_no_notice(self) -> None:
        """Also of values that the change itself alters: number of files, organisation, licence."""
        made = factories.MarathonDataset(resources=[{"url": LINK}], license_id="cc-by")
        other = factories.Municipality()["id"]
        shown = call_action("package_show", id=made["id"])
        change = {"resources": [*shown["resources"], {"url": LINK}], "license_id": "cc-zero"}
        changed = call_action("package_update", **{**shown, **change, "tags": [{"name": "agua"}]})
        assert (changed["num_resources"], changed["num_tags"], KEY in changed) == (2, 1, False)
        moved = call_action("package_update", **{**changed, "owner_org": other})
        assert (moved["organization"]["id"], KEY in moved) == (other, False)

    def test_computed_values_sent_back_by_editors_and_of_organisations_get_no_notice(self) -> None:
        made = factories.MarathonDataset()
        editor = factories.officer(made["owner_org"])
        shown = act("package_show", editor, id=made["id"])
        assert KEY not in act("package_update", editor, **{**shown, "notes": "Otra"})
        organization = call_action("organization_show", id=made["owner_org"])
        changed = call_action("organization_update", **{**organization, "title": "Otra"})
        assert (changed["display_name"], KEY in changed) == ("Otra", False)

    def test_sent_values_of_a_new_record_are_compared_with_the_saved_ones(self) -> None:
        made = factories.MarathonDataset(num_resources=0, num_tags=3)
        assert ["“num_tags”" in notice for notice in made[KEY]] == [True]


class TestTextOfTheNotice:
    def test_the_notice_names_the_field_to_send(self) -> None:
        made = factories.MarathonDataset()["id"]
        for name, value, field in (
            ("organization", {"id": "x"}, "owner_org"),
            ("license_title", "Otra", "license_id"),
            ("num_tags", 7, "tags"),
        ):
            (notice,) = call_action("package_patch", id=made, **{name: value})[KEY]
            assert f"“{name}”" in notice
            assert f"“{field}”" in notice

    def test_a_sent_time_of_the_site_gets_a_notice_unless_a_sysadmin_sends_it(self) -> None:
        made = factories.MarathonDataset()
        editor = factories.officer(made["owner_org"])
        changed = act("package_patch", editor, id=made["id"], metadata_modified="2017-06-03")
        assert ["“metadata_modified”" in notice for notice in changed[KEY]] == [True]
        for given in ("2017-06-03", "2017-06-03T00:00:00"):
            kept = act("package_patch", core.Sysadmin(), id=made["id"], metadata_modified=given)
            assert (kept["metadata_modified"][:10], KEY in kept) == ("2017-06-03", False)
        changed = act("package_patch", editor, id=made["id"], plugin_data={"x": {"y": 1}})
        assert ["“plugin_data”" in notice for notice in changed[KEY]] == [True]

    def test_extras_named_like_computed_fields_get_a_notice(self) -> None:
        made = factories.MarathonDataset(extras=[{"key": "history", "value": "x"}])
        assert ["“history”" in notice for notice in made[KEY]] == [True]


class TestEmptyFiles:
    @pytest.mark.parametrize("row", [{}, {"url": ""}, {"url": None, "name": "", "format": ""}])
    def test_an_empty_file_is_dropped_with_a_notice(self, row: dict[str, Any]) -> None:
        made = factories.MarathonDataset(resources=[{"url": LINK}, row, {"url": LINK, "name": "B"}])
        assert [each["url"] for each in made["resources"]] == [LINK, LINK]
        assert [each.startswith("file 2: ") for each in made[KEY]] == [True]
        patched = call_action("package_patch", id=made["id"], resources=[row])
        assert (patched["resources"], len(patched[KEY])) == ([], 1)

    @pytest.mark.parametrize(
        "row",
        [{"direccion": LINK}, {"format": "CSV"}, {"url": " ", "size": 5}, {"url": "", "a": 1}],
    )
    def test_a_file_without_address_and_upload_is_refused(self, row: dict[str, Any]) -> None:
        with pytest.raises(tk.ValidationError) as refused:
            factories.MarathonDataset(resources=[{"url": LINK}, row])
        errors = refused.value.error_dict["resources"]
        assert errors[0] == {}
        assert "“upload”" in errors[1]["url"][0]

    def test_the_resource_actions_refuse_an_empty_file(self) -> None:
        made = factories.MarathonDataset(resources=[{"url": LINK}, {"url": LINK}])
        file = made["resources"][0]
        for action, data in (
            ("resource_create", {"package_id": made["id"]}),
            ("resource_create", {"package_id": made["id"], "direccion": LINK}),
            ("resource_update", {"id": file["id"]}),
            ("resource_patch", {"id": file["id"], "url": ""}),
        ):
            with pytest.raises(tk.ValidationError) as refused:
                call_action(action, **data)
            assert refused.value.error_dict["url"], action
        assert len(call_action("package_show", id=made["id"])["resources"]) == 2
        named = call_action("resource_patch", id=file["id"], url="", name="Solo un nombre")
        assert named["name"] == "Solo un nombre"

    @pytest.mark.parametrize("record", [factories.Workshop, factories.Idea, factories.Commitment])
    def test_empty_rows_of_other_records_are_dropped_with_a_notice(self, record: Any) -> None:
        made = record(resources=[{}, {"url": LINK}])
        assert (len(made["resources"]), len(made[KEY])) == (1, 1)

    def test_fields_named_like_ckans_validation_keys_get_a_notice(self) -> None:
        made = factories.MarathonDataset(resources=[{"url": LINK}, {"url": LINK, "__junk": 1}])
        assert ["file 2: " in each and "“__junk”" in each for each in made[KEY]] == [True]


def test_a_file_may_name_its_own_dataset_only() -> None:
    made, other = factories.MarathonDataset(), factories.MarathonDataset()
    for reference in (made["id"], made["name"]):
        file = call_action("resource_create", package_id=reference, url=LINK)
        assert (file["package_id"], file.get(KEY)) == (made["id"], None)
        changed = call_action(
            "resource_update", id=file["id"], package_id=reference, url=LINK, name="Otro"
        )
        assert (changed["name"], changed.get(KEY)) == ("Otro", None)
    moved = call_action("resource_update", id=file["id"], package_id=other["name"], url=LINK)
    assert moved["package_id"] == made["id"]
    assert "“package_id”" in moved[KEY][0]
