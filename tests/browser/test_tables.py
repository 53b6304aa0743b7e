"""An officer replaces this month's file; visitors read its table, also without a script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.sites import Site

from .conftest import Town, Visit, reach
from .test_everywhere import violations

JANUARY = "Sector,Fecha,Horas de servicio,Observaciones de la oficina,Litros,Código\n" + "".join(
    f"Sector de ejemplo {n},{n:02}/01/2026,{n % 9},Ejemplo,{n * 100},05{n:02}\n"
    for n in range(1, 29)
)
FEBRUARY = JANUARY.replace("/01/2026", "/02/2026") + "Sector nuevo,28/02/2026,9,Ejemplo,1,0599\n"


@pytest.fixture(scope="module")
def series(live_site: Site, town: Town) -> Iterator[dict[str, Any]]:
    """A dataset with the table of January, which is loaded."""
    dataset = live_site.action(
        "package_create",
        name="horario-del-agua",
        title="Horario del agua",
        notes="Filas de ejemplo.",
        owner_org=town.organization["id"],
        idea=[town.idea["id"]],
        license_id="cc-by",
    )
    live_site.action(
        "resource_create",
        package_id=dataset["id"],
        name="Horario de enero 2026",
        upload=("horario-enero.csv", JANUARY.encode()),
    )
    live_site.run("marathon", "tables", "update")
    yield live_site.action("package_show", id=dataset["id"])
    live_site.action("dataset_purge", id=dataset["id"])


def path_of(series: dict[str, Any]) -> str:
    return f"/dataset/{series['name']}/resource/{series['resources'][0]['id']}"


def test_the_rows_are_there_without_a_script(plain: Visit, series: dict[str, Any]) -> None:
    page = plain.go(path_of(series))
    assert page.locator("table.marathon-data tbody tr").count() == 28
    assert page.locator(".marathon-bars li").count() == 28
    # What only a script could do is not offered.
    expect(page.locator("[data-table-box]")).to_be_hidden()


def test_rows_are_filtered_while_typing_and_sorted(desk: Visit, series: dict[str, Any]) -> None:
    page = desk.go(path_of(series))
    rows = page.locator("table.marathon-data tbody tr:visible")
    page.get_by_label("Filtrar estas filas").fill("SECTOR 0528")
    expect(rows).to_have_count(1)
    expect(page.locator("[data-table-status]")).to_have_text("1 filas mostradas")
    page.get_by_label("Filtrar estas filas").fill("")
    button = page.get_by_role("button", name="Litros")
    button.click()
    button.click()
    expect(rows.first).to_contain_text("2800")
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Litros")


def test_a_wide_table_says_on_a_phone_that_it_moves_and_is_moved_by_keys(
    phone: Visit, series: dict[str, Any]
) -> None:
    page = phone.go(path_of(series))
    expect(page.locator(".marathon-scroll-hint")).to_be_visible()
    assert not phone.is_wider_than_its_window()
    wrap = page.locator(".marathon-table-wrap")
    reach(page, wrap)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    assert wrap.evaluate("wrap => wrap.scrollLeft") > 0


def test_axe_finds_no_faults(desk: Visit, phone: Visit, town: Town, series: dict[str, Any]) -> None:
    for visit in (desk, phone):
        for locale in ("es", "en"):
            assert violations(visit.go(f"/{locale}{path_of(series)}")) == [], locale
        visit.log_in(town.officer)
        for path in (path_of(series) + "/replace", f"/dataset/{series['name']}"):
            page = visit.go(path)
            # The rest of CKAN's pages for officers is not looked at here.
            found = [fault for fault in violations(page) if "marathon" in fault]
            assert found == [], path
            assert not visit.is_wider_than_its_window(), path


def test_an_officer_replaces_the_file_in_two_steps(
    desk: Visit, phone: Visit, town: Town, series: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "horario-febrero.csv"
    file.write_text(FEBRUARY, encoding="utf-8")
    desk.log_in(town.officer)
    page = desk.go(f"/dataset/{series['name']}")
    page.get_by_role("link", name=re.compile("^Reemplazar")).click()
    page.set_input_files("#upload", file)
    page.get_by_role("button", name="Publicar el archivo nuevo").click()
    expect(page.locator("h1")).to_contain_text("Horario de febrero 2026")
    said = page.locator(".flash-messages")
    expect(said).to_contain_text("29 filas en vez de 28")
    expect(said).to_contain_text("Nuevo en «Código»: 0599")
    desk.site.run("marathon", "tables", "update")

    seen = phone.go(path_of(series))
    expect(seen.locator("table.marathon-data caption")).to_have_text("Las 29 filas")
    with seen.expect_download() as download:
        seen.get_by_role("link", name="Horario de enero 2026").click()
    assert download.value.path().read_text(encoding="utf-8") == JANUARY
    assert download.value.suggested_filename == "horario-enero.csv"


def test_personal_data_are_pointed_out_before_anything_is_published(
    desk: Visit, town: Town, series: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "personas.csv"
    file.write_text("Nombre del beneficiario,Monto\nMaría Ejemplo Pérez,5\nJuan Ejemplo,6\n")
    desk.log_in(town.officer)
    page = desk.go(path_of(series) + "/replace")
    page.set_input_files("#upload", file)
    page.get_by_role("button", name="Publicar el archivo nuevo").click()
    expect(page.get_by_role("alert")).to_contain_text("Columna A, «Nombre del beneficiario»")
    expect(page.get_by_label("¿Por qué se pueden publicar estos datos?")).to_be_visible()
    assert "personas" not in str(desk.site.action("package_show", id=series["id"])["resources"])


PLACES = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"nombre": "Pozo de ejemplo", "metros": 120},
            "geometry": {"type": "Point", "coordinates": [-90.5, 14.5]},
        }
    ],
}


def test_places_are_drawn_on_request_and_listed_beside_the_map(
    desk: Visit, phone: Visit, series: dict[str, Any]
) -> None:
    metres = json.dumps(PLACES).replace("[-90.5, 14.5]", "[500000, 1600000]")
    files = [
        desk.site.action(
            "resource_create",
            package_id=series["id"],
            name=name,
            upload=(f"{name}.geojson", content.encode()),
        )
        for name, content in (("pozos", json.dumps(PLACES)), ("metros", metres))
    ]
    start = f"/dataset/{series['name']}/resource/"
    for visit in (desk, phone):
        page = visit.go(start + files[0]["id"])
        page.get_by_role("button", name="Mostrar los lugares en un mapa").click()
        expect(page.locator(".leaflet-interactive")).to_have_count(1)
        expect(page.locator("[data-file-map-rows] tbody tr")).to_contain_text("Pozo de ejemplo")
        page.locator(".leaflet-interactive").click()
        expect(page.locator("[data-file-map-panel]")).to_contain_text("120")
        assert violations(page) == []
        assert not visit.is_wider_than_its_window()
    page = desk.go(start + files[1]["id"])
    page.get_by_role("button", name="Mostrar los lugares en un mapa").click()
    expect(page.locator("[data-file-map-trouble]")).to_contain_text("longitud y latitud")
