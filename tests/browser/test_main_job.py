"""The main job: an officer publishes, a visitor finds it and follows it to its idea and back."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from .conftest import Town, Visit, reach


def publish(visit: Visit, town: Town, csv: Path, title: str) -> None:
    """Log in, fill in the form, publish."""
    visit.log_in(town.officer)
    page = visit.go("/dataset/new")
    page.fill('[name="title"]', title)
    page.fill('[name="notes"]', "Fugas que los vecinos reportaron en mayo de 2017, por sector.")
    problems = page.locator('[data-marathon-picker="service_problem"]')
    problems.get_by_role("searchbox").fill("fugas")
    problems.get_by_label("Tuberías de agua con fugas").check()
    page.get_by_label(town.idea["title"]).check()
    page.get_by_label("Fugas reportadas").check()
    page.select_option('[name="license_id"]', "cc-by")
    page.set_input_files('[name="resources__0__upload"]', csv)
    page.get_by_role("button", name="Publicar", exact=True).click()
    page.wait_for_url(re.compile(r"/dataset/(?!new)"))


def test_an_officer_publishes_and_a_visitor_follows_the_chain(
    desk: Visit, phone: Visit, town: Town, csv: Path
) -> None:
    publish(desk, town, csv, "Fugas de agua en Villa Nueva")
    expect(desk.page.locator("h1")).to_contain_text("Fugas de agua en Villa Nueva")

    # The visitor has a phone, and is not logged in.
    page = phone.go("/dataset/")
    page.goto(f"{phone.site.url}/municipality/{town.code}")
    page.get_by_role("link", name="Fugas de agua en Villa Nueva").click()
    chain = page.locator(".marathon-chain")
    expect(chain).to_contain_text("Fugas reportadas")
    chain.get_by_role("link", name=town.idea["title"]).click()
    expect(page).to_have_url(re.compile(f"/idea/{town.idea['name']}$"))
    page.locator(".marathon-chain").get_by_role("link", name=town.workshop["title"]).click()
    expect(page).to_have_url(re.compile(f"/workshop/{town.workshop['name']}$"))
    page.locator("#ideas").get_by_role("link", name=town.idea["title"]).click()
    page.locator("#datasets").get_by_role("link", name="Fugas de agua en Villa Nueva").click()
    expect(page.locator("h1")).to_contain_text("Fugas de agua en Villa Nueva")

    # The same by its problem, and by the filters of the search.
    page.locator(".marathon-tags").get_by_role("link", name="Tuberías de agua").click()
    expect(page.get_by_role("link", name="Fugas de agua en Villa Nueva")).to_be_visible()
    page.goto(f"{phone.site.url}/dataset/?vocab_municipality={town.code}&q=fugas")
    page.get_by_role("link", name=re.compile("Fugas de agua en Villa Nueva")).click()
    with page.expect_download() as download:
        page.locator(".resource-item a.heading").first.click()
        page.locator("a.resource-url-analytics").first.click()
    assert download.value.path().read_bytes() == csv.read_bytes()


def test_an_officer_publishes_from_a_phone(phone: Visit, town: Town, csv: Path) -> None:
    publish(phone, town, csv, "Fugas desde un teléfono")
    assert not phone.is_wider_than_its_window()
    (found,) = phone.site.action("package_search", {"q": 'title:"desde un teléfono"'})["results"]
    assert found["municipality"] == [town.code]
    (resource,) = found["resources"]
    path = resource["url"].removeprefix(phone.site.url)
    assert phone.site.get(path).content == csv.read_bytes()


def test_an_officer_publishes_with_the_keyboard_alone(desk: Visit, town: Town, csv: Path) -> None:
    title = "Fugas sin ratón"
    desk.log_in(town.officer)
    page = desk.go("/dataset/new")
    press, write = page.keyboard.press, page.keyboard.type
    reach(page, page.locator('[name="title"]'))
    write(title)
    reach(page, page.locator('[name="notes"]'))
    write("Fugas reportadas en mayo de 2017, por sector.")
    problems = page.locator('[data-marathon-picker="service_problem"]')
    reach(page, problems.get_by_role("searchbox"))
    write("tuberias de agua con fugas")
    press("Enter")
    expect(problems.locator(".marathon-chip")).to_contain_text("Tuberías de agua con fugas")
    for name in (town.idea["title"], "Fugas reportadas"):
        reach(page, page.get_by_role("checkbox", name=name))
        press("Space")
    reach(page, page.locator('[name="resources__0__upload"]'))
    with page.expect_file_chooser() as chooser:
        press("Space")
    chooser.value.set_files(csv)
    reach(page, page.locator('[name="license_id"]'))
    write("Creative Commons")
    reach(page, page.get_by_role("button", name="Publicar", exact=True))
    press("Enter")
    page.wait_for_url(re.compile(r"/dataset/(?!new)"))
    (found,) = desk.site.action("package_search", {"q": f'title:"{title}"'})["results"]
    assert (found["private"], found["service_problem"]) == (False, ["AGU-04"])
    assert found["data_need"] == [town.idea["data_need"][0]["id"]]
    assert found["idea"] == [town.idea["id"]]
    assert found["resources"][0]["size"] == len(csv.read_bytes())


def test_the_search_narrows_by_municipality_and_problem(desk: Visit, town: Town, csv: Path) -> None:
    publish(desk, town, csv, "Reparaciones de tubería")
    page = desk.go("/dataset/")
    facets = page.locator(".marathon-filters")
    unfold = "all => all.forEach(each => each.open = true)"
    facets.locator("details").evaluate_all(unfold)
    facets.get_by_role("link", name=re.compile("Villa Nueva")).first.click()
    page.wait_for_url(re.compile(f"vocab_municipality={town.code}"))
    facets.locator("details").evaluate_all(unfold)
    facets.get_by_role("link", name=re.compile("Tuberías de agua")).first.click()
    page.wait_for_url(re.compile("vocab_service_problem=AGU-04"))
    expect(page.get_by_role("link", name=re.compile("Reparaciones de tubería"))).to_be_visible()
