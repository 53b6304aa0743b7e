"""Numbers sent by a program or a form: the same table for every field that takes one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests import factories

KEY = "marathon_notices"
LINK = "https://example.org/a.csv"

pytestmark = pytest.mark.usefixtures("marathon_site")


def fields(record: str) -> list[tuple[str, bool]]:
    """Return the fields of a type that take a number, and whether they are counts."""
    schema = call_action("scheming_dataset_schema_show", type=record)
    validators = {f["field_name"]: f.get("validators", "") for f in schema["dataset_fields"]}
    return [
        (name, "marathon_count" in given)
        for name, given in validators.items()
        if "marathon_count" in given or "marathon_decimal" in given
    ]


def refusal(action: str, **data: Any) -> dict[str, Any]:
    with pytest.raises(tk.ValidationError) as refused:
        call_action(action, **data)
    return refused.value.error_dict


def test_number_fields_accept_and_refuse_the_same_values() -> None:
    made = {
        "workshop": factories.Workshop(),
        "idea": factories.Idea(),
        "dataset": factories.MarathonDataset(),
    }
    tried = []
    for record, held in made.items():
        for name, is_count in fields(record):
            tried.append(name)
            changed = call_action("package_patch", id=held["id"], **{name: "120,000"})
            assert str(changed[name]) == "120000", name
            assert [n for n in changed[KEY] if "120,000" in n and "120000" in n], name
            for value, one, other in (
                ("1.000", "1", "1000"),
                ("1,5", "15", "1.5"),
                ("1.234,50", "1.2345", "1234.5"),
            ):
                errors = refusal("package_patch", id=held["id"], **{name: value})
                (message,) = errors[name]
                assert f" {one} " in message, message
                assert f" {other}:" in message, message
            for value in ("12 personas", "1 000", "1e3", True):
                assert refusal("package_patch", id=held["id"], **{name: value})[name]
            if is_count:
                assert refusal("package_patch", id=held["id"], **{name: "1,234.50"})[name]
            else:
                changed = call_action("package_patch", id=held["id"], **{name: "Q 1,234.50"})
                assert (changed[name], len(changed[KEY])) == ("1234.50", 1)
            call_action("package_patch", id=held["id"], **{name: ""})
    assert {"participants", "participants_women", "votes", "priority"} <= set(tried)
    assert "spatial_resolution_in_meters" in tried


@pytest.mark.parametrize("record", ["dataset", "workshop", "idea", "commitment"])
def test_the_size_of_a_file_is_read_with_its_thousands_or_refused(record: str) -> None:
    make = {
        "dataset": factories.MarathonDataset,
        "workshop": factories.Workshop,
        "idea": factories.Idea,
        "commitment": factories.Commitment,
    }[record]
    package = make(resources=[{"url": LINK, "size": 5}])["id"]
    added = call_action("resource_create", package_id=package, url=LINK, size="120,000")
    assert added["size"] == 120_000
    assert [notice for notice in added[KEY] if "120,000" in notice]
    changed = call_action("resource_patch", id=added["id"], size="1,000,000")
    assert changed["size"] == 1_000_000
    assert [notice for notice in changed[KEY] if "1,000,000" in notice]
    assert "1000" in refusal("resource_patch", id=added["id"], size="1.000")["size"][0]
    for value in ("120 kB", "1_000", True, 1.5):
        assert refusal("resource_patch", id=added["id"], size=value)["size"], value
    # Notices of the answer that are sent back are no field of the file.
    again = call_action("resource_update", **changed)
    assert (again["size"], again.get(KEY)) == (1_000_000, None)
    shown = call_action("package_show", id=package)
    assert [each["size"] for each in shown["resources"]] == [5, 1_000_000]
    assert KEY not in str(shown)


def test_a_coordinate_keeps_its_decimals_and_is_not_guessed() -> None:
    workshop = factories.Workshop(latitude=14.625, longitude="-90.515")
    assert (workshop["latitude"], workshop["longitude"]) == ("14.625", "-90.515")
    assert KEY not in workshop
    for value, reading in (("14,625", "14.6250"), ("14,6", "14.6"), ("1.234,50", "1.2345")):
        assert reading in refusal("package_patch", id=workshop["id"], latitude=value)["latitude"][0]


class TestJsonNumbers:
    """JSON has one type of number, so ``1.0`` and ``1e0`` are the same as ``1``."""

    def test_numbers_with_many_digits_are_accepted(self) -> None:
        for value, kept in (
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-16, "0.0000000000000001"),
            (1e14, "100000000000000.0"),
        ):
            dataset = factories.MarathonDataset(spatial_resolution_in_meters=value)
            assert (dataset["spatial_resolution_in_meters"], KEY in dataset) == (kept, False)
        workshop = factories.Workshop(latitude=1e-07, longitude=-1e-07)
        assert (workshop["latitude"], workshop["longitude"]) == ("0.0000001", "-0.0000001")

    def test_numbers_are_read_in_an_update_without_a_type(self) -> None:
        shown = call_action("package_show", id=factories.Workshop()["id"])
        without = {name: value for name, value in shown.items() if name != "type"}
        updated = call_action("package_update", **{**without, "latitude": 1e-07, "longitude": -90})
        assert (updated["latitude"], updated["type"]) == ("0.0000001", "workshop")

    def test_numbers_out_of_range_are_refused_with_the_reason(self) -> None:
        dataset, workshop = factories.MarathonDataset()["id"], factories.Workshop()["id"]
        for record, name, value, reason in (
            (dataset, "spatial_resolution_in_meters", 1e20, "at most 15"),
            (dataset, "spatial_resolution_in_meters", -1, "0 or more"),
            (workshop, "latitude", 90.5, "from -90 to 90"),
            (workshop, "participants", 1e20, "at most 15"),
        ):
            (message,) = refusal("package_patch", id=record, **{name: value})[name]
            assert reason in message
            assert "inf" not in message


class TestNotices:
    def test_a_notice_names_the_field_and_the_row(self) -> None:
        dataset = factories.MarathonDataset(
            resources=[{"url": LINK}, {"url": LINK, "size": "1,000", "issued": "03/06/2017"}],
            temporal_coverage=[{"start": "2016", "end": "2017"}, {"start": "03/06/2018"}],
            spatial_resolution_in_meters="1,000",
        )
        for start in (
            "file 2, “size”: “1,000”",
            "file 2, “issued”: “03/06/2017”",
            "“temporal_coverage”, row 2, “start”: “03/06/2018”",
            "“spatial_resolution_in_meters”: “1,000”",
        ):
            assert [each for each in dataset[KEY] if each.startswith(start)], start
        workshop = factories.Workshop(municipality=["501"], venue_municipality="501")
        starts = {each.partition(":")[0] for each in workshop[KEY]}
        assert starts == {"“municipality”", "“venue_municipality”"}

    def test_a_page_names_the_field_by_its_label(self, app: Any) -> None:
        officer = core.UserWithToken()
        users = [{"name": officer["name"], "capacity": "editor"}]
        organization = factories.Municipality(users=users)
        code = organization["municipality_code"]
        answer = app.post(
            "/es/workshop/new",
            headers={"Authorization": officer["token"]},
            data={"title": "T", "owner_org": organization["id"], "municipality": code}
            | {"participants": "1,000"},
            follow_redirects=True,
        )
        assert "«Participantes, total»: «1,000»" in answer.body


class TestAResolutionOfThreeDecimals:
    def test_a_json_number_with_three_decimals_is_stored_unambiguously(self) -> None:
        dataset = factories.MarathonDataset(spatial_resolution_in_meters=1.125)
        shown = call_action("package_show", id=dataset["id"])
        assert shown["spatial_resolution_in_meters"] == "1.1250"
        copy = {**shown, "title": "Otro"}
        assert call_action("package_update", **copy)["spatial_resolution_in_meters"] == "1.1250"

    def test_an_ambiguous_stored_number_may_stay(self) -> None:
        dataset = factories.MarathonDataset(spatial_resolution_in_meters="2")
        package = model.Package.get(dataset["id"])
        package.extras = {**package.extras, "spatial_resolution_in_meters": "1.125"}
        # Else Solr's copy is shown.
        package.metadata_modified += timedelta(seconds=1)
        model.repo.commit()
        kept = call_action("package_patch", id=dataset["id"], title="Otro")
        assert kept["spatial_resolution_in_meters"] == "1.125"
        errors = refusal("package_patch", id=dataset["id"], spatial_resolution_in_meters="1.250")
        assert "1250" in errors["spatial_resolution_in_meters"][0]


def test_empty_stays_empty_and_zero_stays_zero() -> None:
    idea = factories.Idea(votes=0, priority="")
    assert (idea["votes"], idea.get("priority"), KEY in idea) == (0, None, False)
    dataset = factories.MarathonDataset(spatial_resolution_in_meters=0)
    assert dataset["spatial_resolution_in_meters"] == "0"
