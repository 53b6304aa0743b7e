"""Dates at the door and in the form: one set of forms, and nothing is lost by looking at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.lib import search
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.operations import starter
from tests import factories
from tests.visitors import shown_values

from .conftest import Reader
from .test_form_edit import differences

pytestmark = pytest.mark.usefixtures("storage", "marathon_site")

NOTICES = "marathon_notices"
SHOW = "/api/3/action/package_show"
PATCH = "/api/3/action/package_patch"

KEPT = {
    "2024": "2024",
    "2024-05": "2024-05",
    "2024-05-06": "2024-05-06",
    "2024-05-06T10:00:00": "2024-05-06T10:00:00-06:00",
    "2024-05-06T16:00:00Z": "2024-05-06T16:00:00+00:00",
    "2024-05-06T10:00:00-06:00": "2024-05-06T10:00:00-06:00",
}
REPAIRED = {"03/06/2017": "2017-06-03", "3-6-2017": "2017-06-03", "3.6.2017": "2017-06-03"}
REFUSED = ("2024-02-30", "31/02/2024", "06/13/2017", "Monday", "5", "03/06/17", "2024-13")
LINK = {"url": "https://example.gt/a.csv", "name": "A", "format": "CSV"}


def stored(package_id: str) -> model.Package:
    model.Session.expire_all()
    found = model.Package.get(package_id)
    assert found
    return found


def write(package_id: str, **fields: Any) -> None:
    """Store values that the rules would refuse or normalise and older versions accepted."""
    package = stored(package_id)
    package.extras = {**package.extras, **fields}
    model.repo.commit()
    search.rebuild(package_id)


def send_untouched(reader: Reader, path: str) -> Any:
    """Send the form of a page as it is shown."""
    page = BeautifulSoup(reader.get(path).text, "lxml")
    form = page.select_one("form:has([data-marathon-form])")
    assert form, path
    answer = reader.post(path, {**shown_values(form), "save": "save"})
    assert answer.status_code == 302, (path, answer.text[:2000])
    return answer


def content(package_id: str) -> dict[str, Any]:
    """Return all that is stored of a record but its clocks."""
    package = stored(package_id)
    files = [
        {"id": each.id, "name": each.name, "url": each.url, **lists(each.extras or {})}
        for each in package.resources
    ]
    texts = {name: getattr(package, name) for name in ("title", "notes", "url", "version")}
    return {**texts, **lists(package.extras), "resources": files}


def lists(extras: dict[str, Any]) -> dict[str, Any]:
    return {name: loaded(value) for name, value in extras.items()}


def loaded(value: Any) -> Any:
    """Return rows and lists from their JSON, and the choices of a list in the form's order."""
    found = json.loads(value) if str(value)[:1] == "[" else value
    is_choice = isinstance(found, list) and all(isinstance(each, str) for each in found)
    return sorted(found) if is_choice else found


@pytest.fixture
def admin(app: Any) -> Reader:
    return Reader(app, core.Sysadmin())


class TestAcceptedDates:
    def test_date_fields_accept_and_refuse_the_same_notations(self, admin: Reader) -> None:
        dataset = factories.MarathonDataset(resources=[LINK])

        def patch(**fields: Any) -> Any:
            return admin.post_json(PATCH, {"id": dataset["id"], **fields}).json

        def sent(place: str, value: str) -> dict[str, Any]:
            if place == "temporal_coverage":
                return {place: [{"start": value, "end": value}]}
            if place == "resources":
                return {place: [{**dataset["resources"][0], "modified": value}]}
            return {place: value}

        def found(place: str, result: dict[str, Any]) -> Any:
            rows = {"temporal_coverage": "start", "resources": "modified"}
            return result[place][0][rows[place]] if place in rows else result[place]

        for place in ("issued", "modified", "temporal_coverage", "resources"):
            for value, expected in KEPT.items():
                result = patch(**sent(place, value))["result"]
                assert found(place, result) == expected, (place, value)
                assert NOTICES not in result, (place, value)
            for value, expected in REPAIRED.items():
                patch(**sent(place, "1999"))
                result = patch(**sent(place, value))["result"]
                assert found(place, result) == expected, (place, value)
                assert value in result[NOTICES][0]
                assert expected in result[NOTICES][0]
            before = content(dataset["id"])
            for value in REFUSED:
                answer = patch(**sent(place, value))
                assert not answer["success"], (place, value)
                error = found(place, answer["error"])[0]
                assert value in error
                assert "2024-05-06" in error
            assert content(dataset["id"]) == before

    def test_a_period_may_have_years_or_seconds_but_no_end_before_its_start(
        self, admin: Reader
    ) -> None:
        dataset = factories.MarathonDataset()
        rows = [
            {"start": "2016", "end": "2016"},
            {"start": "2016-03", "end": "2016"},
            {"start": "2016-01-01T00:00:00", "end": "2016-12-31T23:59:59"},
        ]
        call_action("package_patch", id=dataset["id"], temporal_coverage=rows)
        shown = admin.get(f"/dataset/{dataset['name']}")
        assert shown.status_code == 200
        wrong = {"id": dataset["id"], "temporal_coverage": [{"start": "2017", "end": "2016-12"}]}
        assert "temporal_coverage" in admin.post_json(PATCH, wrong).json["error"]

    def test_dates_of_a_workshop_need_a_day_and_get_no_invented_hour(self, admin: Reader) -> None:
        workshop = factories.Workshop(starts_at="2017-06-03")
        for field in ("rsvp_by", "starts_at"):
            answer = admin.post_json(PATCH, {"id": workshop["id"], field: "2017-06"}).json
            assert "2017-06" in answer["error"][field][0]
        assert admin.post_json(SHOW, {"id": workshop["id"]}).json["result"]["starts_at"] == (
            "2017-06-03"
        )


class TestUnchangedForms:
    def test_an_edit_form_keeps_dates_that_it_cannot_show(self, admin: Reader) -> None:
        rows = [{"start": "2016", "end": "2016-12-31T23:59:59"}, {"start": "2017-05", "end": ""}]
        dataset = factories.MarathonDataset(
            issued="2024", modified="2024-05-06T16:00:00Z", temporal_coverage=rows,
            resources=[{**LINK, "issued": "2024-05", "modified": "2024-05-06T10:00:30"}],
        )  # fmt: skip
        workshop = factories.Workshop(
            starts_at="2017-06-03T09:00:30+00:00", ends_at="2017-06-03T11:00", rsvp_by="2017-06-01",
            invitation=[{"organisation": "COCODE", "invited_on": "2017-05-10"}],
        )  # fmt: skip
        commitment = factories.Commitment(
            milestone=[{"title": "A", "due": "2018"}, {"title": "B", "due": "2018-05"}]
        )
        for thing in (dataset, workshop, commitment):
            before = content(thing["id"])
            send_untouched(admin, f"/{thing['type']}/edit/{thing['name']}")
            assert differences(before, content(thing["id"])) == {}
        before = content(dataset["id"])
        resource = dataset["resources"][0]["id"]
        send_untouched(admin, f"/dataset/{dataset['id']}/resource/{resource}/edit")
        assert differences(before, content(dataset["id"])) == {}

    @pytest.mark.parametrize("older", ["Monday", "2024-02-30", "03/06/2017", "2017-06-03 09:00"])
    def test_dates_stored_before_the_rules_stay(self, admin: Reader, older: str) -> None:
        dataset = factories.MarathonDataset()
        period = f'[{{"start": "{older}", "end": "2030"}}]'
        write(dataset["id"], issued=older, modified=older, temporal_coverage=period)
        before = content(dataset["id"])
        send_untouched(admin, f"/dataset/edit/{dataset['name']}")
        assert differences(before, content(dataset["id"])) == {}
        # The other fields can be saved, with a notice about the value that cannot be read.
        changed = {"id": dataset["id"], "notes": "Otra descripción"}
        answer = admin.post_json(PATCH, changed).json["result"]
        assert (answer["issued"], answer["notes"]) == (older, "Otra descripción")
        is_unreadable = older in ("Monday", "2024-02-30")
        assert bool(answer.get(NOTICES)) == is_unreadable
        # A value that is typed now is read by the rules.
        wrong = {"id": dataset["id"], "issued": "Tuesday"}
        assert "issued" in admin.post_json(PATCH, wrong).json["error"]

    def test_a_day_typed_in_local_notation_is_stored_as_an_iso_date(self, admin: Reader) -> None:
        dataset = factories.MarathonDataset()
        path = f"/dataset/edit/{dataset['name']}"
        form = BeautifulSoup(admin.get(path).text, "lxml").select_one("#dataset-edit")
        assert form
        answer = admin.post(path, {**shown_values(form), "issued": "03/06/2017", "save": "save"})
        assert answer.status_code == 302
        assert stored(dataset["id"]).extras["issued"] == "2017-06-03"

    def test_unchanged_forms_of_the_starter_catalogue_change_nothing(
        self, admin: Reader, storage: Path
    ) -> None:
        starter.load_starter()
        paths = {}
        packages = model.Session.query(model.Package).order_by(model.Package.name).all()
        for package in packages:
            paths[f"/{package.type}/edit/{package.name}"] = package.id
            for resource in package.resources[:1]:
                if package.type == "dataset":
                    paths[f"/dataset/{package.id}/resource/{resource.id}/edit"] = package.id
        assert len(paths) > 23
        for path, package_id in paths.items():
            before = content(package_id)
            send_untouched(admin, path)
            assert differences(before, content(package_id)) == {}, path
