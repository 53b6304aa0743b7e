"""Dates in the form of a browser: nothing is lost by looking at it, at a desk and on a phone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import Town, Visit
from .test_history import picture

LINK = {"url": "https://example.gt/a.csv", "name": "A", "format": "CSV", "issued": "2024"}
PERIODS = [{"start": "2016", "end": "2016-12-31T23:59:59-06:00"}, {"start": "2017-05", "end": ""}]
STATED = {"issued": "2024-05", "modified": "2024-05-06T16:00:30+00:00"}


def make_dataset(visit: Visit, town: Town, name: str) -> dict[str, Any]:
    return visit.site.action(
        "package_create",
        name=name,
        title=f"Fechas {name}",
        notes="Fechas que un calendario no muestra.",
        owner_org=town.organization["id"],
        idea=[town.idea["id"]],
        temporal_coverage=PERIODS,
        resources=[LINK],
        **STATED,
    )


def dates_of(visit: Visit, name: str) -> tuple[Any, ...]:
    found = visit.site.action("package_show", id=name)
    rows = [(row.get("start"), row.get("end")) for row in found["temporal_coverage"]]
    return found.get("issued"), found.get("modified"), rows, found["resources"][0].get("issued")


def open_more(page: Page) -> None:
    page.locator("summary", has_text="Más detalles").click()


@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_saving_an_unchanged_form_changes_no_date(
    screen: str, request: pytest.FixtureRequest, town: Town
) -> None:
    visit: Visit = request.getfixturevalue(screen)
    dataset = make_dataset(visit, town, f"fechas-{screen}")
    before = dates_of(visit, dataset["name"])
    visit.log_in(town.officer)
    page = visit.go(f"/dataset/edit/{dataset['name']}")
    open_more(page)
    expect(page.locator('[name="issued"]')).to_have_value("2024-05")
    expect(page.locator('[name="temporal_coverage-0-start"]')).to_have_value("2016")
    expect(page.locator("#at-issued [data-date-pick]")).to_be_visible()
    assert not visit.is_wider_than_its_window()
    picture(visit, f"dates-form-{screen}")
    page.get_by_role("button", name="Guardar los cambios").click()
    page.wait_for_url(re.compile(rf"/dataset/{dataset['name']}$"))
    assert dates_of(visit, dataset["name"]) == before
    picture(visit, f"dates-page-{screen}")
    resource = dataset["resources"][0]["id"]
    page = visit.go(f"/dataset/{dataset['id']}/resource/{resource}/edit")
    open_more(page)
    expect(page.locator('[name="issued"]')).to_have_value("2024")
    picture(visit, f"dates-file-{screen}")
    page.locator(
        '.form-actions button[value="go-metadata"], .form-actions .btn-primary'
    ).last.click()
    page.wait_for_url(re.compile(r"/dataset/(?!.*/edit)"))
    assert dates_of(visit, dataset["name"]) == before


def test_a_day_of_the_calendar_is_written_into_the_text(desk: Visit, town: Town) -> None:
    dataset = make_dataset(desk, town, "fechas-calendario")
    desk.log_in(town.officer)
    page = desk.go(f"/dataset/edit/{dataset['name']}")
    open_more(page)
    page.locator("#at-issued [data-date-pick]").click()
    # The calendar itself is the browser's.
    page.locator("#at-issued [data-date-calendar]").evaluate(
        "e => { e.value = '2024-06-03'; e.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    expect(page.locator('[name="issued"]')).to_have_value("2024-06-03")
    expect(page.locator('[name="issued"]')).to_be_focused()
    # A row that was added has a button too, and a date in the local order gets a hint.
    page.locator("#at-temporal_coverage [name=repeating-add]").click()
    added = page.locator("#at-temporal_coverage [data-date-field]").last
    expect(added.locator("[data-date-pick]")).to_be_visible()
    page.fill('[name="modified"]', "03/06/2017")
    page.get_by_role("button", name="Guardar los cambios").click()
    page.wait_for_url(re.compile(r"/dataset/fechas-calendario$"))
    expect(page.locator(".flash-messages")).to_contain_text("2017-06-03")
    issued, modified, rows, _ = dates_of(desk, "fechas-calendario")
    assert (issued, modified, len(rows)) == ("2024-06-03", "2017-06-03", 2)


def test_without_scripts_an_impossible_typed_date_shows_an_error(plain: Visit, town: Town) -> None:
    dataset = make_dataset(plain, town, "fechas-sin-guion")
    plain.log_in(town.officer)
    page = plain.go(f"/dataset/edit/{dataset['name']}")
    open_more(page)
    expect(page.locator("#at-issued [data-date-pick]")).to_be_hidden()
    page.fill('[name="issued"]', "2024-02-30")
    page.get_by_role("button", name="Guardar los cambios").click()
    expect(page.locator("#at-issued .error-block")).to_contain_text("2024-02-30")
    expect(page.locator('[name="issued"]')).to_have_value("2024-02-30")
    picture(plain, "dates-error")
