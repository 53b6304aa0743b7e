"""Extras of a dataset are shown on its page, as on CKAN's own."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.lib import search
from ckan.tests.helpers import call_action

from tests import factories

EXTRAS = {
    "publisher_name": "Empresa municipal de agua",
    "responsable": "Oficina de <b>agua</b>",
    "frequency_text": "cada luna llena",
    "vacio": "",
}


@pytest.fixture
def dataset(marathon_site: None) -> dict[str, Any]:
    extras = [{"key": key, "value": value} for key, value in EXTRAS.items()]
    return factories.MarathonDataset(extras=extras)


HARVESTED = {
    "harvest_source_title": "Portal de la región",
    "harvest_object_id": "0f9ed334-5458-4df6-b5cb-f7a847e81f16",
    "source_catalog_homepage": "https://datos.example.gt",
    "dcat_modified": "2024-05-06",
    "spatial": '{"type": "Polygon", "coordinates": [' + "[-90.1, 14.2]," * 60 + "[-90.1, 14.2]]}",
    "qualified_relation": '["https://example.gt/a", "una nota"]',
}


def details(app: Any, dataset: dict[str, Any], locale: str = "es") -> dict[str, str]:
    page = BeautifulSoup(app.get(f"/{locale}/dataset/{dataset['name']}").data, "lxml")
    terms = page.select(".marathon-facts > dt")
    return {term.text.strip(): term.find_next_sibling("dd").text.strip() for term in terms}


def test_extras_are_shown_with_known_labels(app: Any, dataset: dict[str, Any]) -> None:
    shown = details(app, dataset)
    # ckanext-dcat's label, none, and that of the field which did not take the text.
    assert shown["Nombre del publicador"] == EXTRAS["publisher_name"]
    assert shown["responsable"] == EXTRAS["responsable"]
    assert EXTRAS["frequency_text"] in shown.values()
    assert "frequency_text" not in shown
    assert "vacio" not in shown


@pytest.mark.ckan_config("ckanext.dcat.translate_keys", False)
def test_a_setting_shows_the_keys_of_extras(app: Any, dataset: dict[str, Any]) -> None:
    assert details(app, dataset)["publisher_name"] == EXTRAS["publisher_name"]


@pytest.mark.ckan_config("package_hide_extras", "responsable")
def test_extras_of_package_hide_extras_are_not_shown(app: Any, dataset: dict[str, Any]) -> None:
    shown = details(app, dataset)
    assert "responsable" not in shown
    assert call_action("package_show", id=dataset["id"])["extras"]


def page_of(app: Any, path: str) -> BeautifulSoup:
    answer = app.get(path)
    assert answer.status_code == 200, path
    return BeautifulSoup(answer.data, "lxml")


def test_extras_of_harvesters_have_translated_labels(app: Any, marathon_site: None) -> None:
    extras = [{"key": key, "value": value} for key, value in HARVESTED.items()]
    dataset = factories.MarathonDataset(extras=extras)
    shown = details(app, dataset)
    assert shown["Fuente de la cosecha"] == HARVESTED["harvest_source_title"]
    assert shown["Modificado en su origen"] == "6 de mayo de 2024"
    assert not HARVESTED.keys() & shown.keys()
    assert "Harvest source" in details(app, dataset, "en")
    page = page_of(app, f"/es/dataset/{dataset['name']}")
    links = {str(link["href"]) for link in page.select(".marathon-facts dd a[href]")}
    assert links >= {"https://datos.example.gt", "https://example.gt/a"}
    # A shape is longer than a phone's page: it is folded, and all of it is there.
    (long,) = page.select(".marathon-facts details")
    assert HARVESTED["spatial"] in long.text


def test_refused_values_are_shown_beside_their_field(app: Any, marathon_site: None) -> None:
    dataset = factories.MarathonDataset(
        url="https://example.gt/a", extras=[{"key": "url_text", "value": "https://example.gt/b"}]
    )
    page = page_of(app, f"/es/dataset/{dataset['name']}")
    terms = [each for each in page.select(".marathon-facts dt") if "origen" in each.text]
    assert [each.text.strip() for each in terms] == ["Página de origen"]
    links = [str(each["href"]) for each in terms[0].find_next_sibling("dd").select("a")]
    assert links == ["https://example.gt/a", "https://example.gt/b"]


def test_author_and_maintainer_are_shown_with_mail_links(app: Any, marathon_site: None) -> None:
    dataset = factories.MarathonDataset(
        author="Oficina <b>técnica</b>", author_email="oficina@muni.gob.gt",
        maintainer_email="datos@muni.gob.gt",
    )  # fmt: skip
    page = page_of(app, f"/es/dataset/{dataset['name']}")
    links = {str(each["href"]): each.text for each in page.select("dd a[href^='mailto:']")}
    assert links["mailto:oficina@muni.gob.gt"] == "Oficina <b>técnica</b>"
    assert links["mailto:datos@muni.gob.gt"] == "datos@muni.gob.gt"
    shown = details(app, dataset)
    assert {"Autor", "Mantenedor"} <= shown.keys()


def test_unknown_fields_of_a_file_are_shown_on_its_page(app: Any, marathon_site: None) -> None:
    file = {"url": "https://example.gt/a.csv", "name": "A", "columnas": "siete", "filas": 12,
            "fuente": "https://example.gt/f", "vacio": ""}  # fmt: skip
    dataset = factories.MarathonDataset(resources=[file])
    path = f"/es/dataset/{dataset['id']}/resource/{dataset['resources'][0]['id']}"
    page = page_of(app, path)
    shown = {
        each.text.strip(): each.find_next_sibling("dd")
        for each in page.select(".marathon-facts > dt")
    }
    assert shown["columnas"].text.strip() == "siete"
    assert shown["filas"].text.strip() == "12"
    assert shown["fuente"].select_one("a")["href"] == "https://example.gt/f"
    assert not {"vacio", "id", "package_id", "state", "position", "url_type"} & shown.keys()


@pytest.mark.parametrize(
    ("url", "href", "words"),
    [
        ("https://example.gt/mi archivo.csv", "https://example.gt/mi archivo.csv", "Descargar"),
        ("www.example.gt/a.csv", "http://www.example.gt/a.csv", "Descargar"),
        ("mailto:datos@muni.gob.gt", "mailto:datos@muni.gob.gt", "correo"),
        ("datos@muni.gob.gt", "mailto:datos@muni.gob.gt", "correo"),
        ("\\\\servidor\\datos\\a.xls", "", "red interna"),
        ("//servidor/datos/a.xls", "", "red interna"),
        ("//example.gt/a.csv", "http://example.gt/a.csv", "Descargar"),
        ("datos-de-pozos.csv", "", "no es una dirección web"),
        ("s3://cubeta/a.csv", "", "s3"),
        ("pida el archivo", "", "no es una dirección web"),
    ],
)
def test_only_addresses_that_browsers_can_open_have_a_button(
    app: Any, marathon_site: None, url: str, href: str, words: str
) -> None:
    dataset = factories.MarathonDataset(resources=[{"name": "A", "format": "CSV"}])
    package = model.Package.get(dataset["id"])
    assert package
    package.resources[0].url = url
    model.repo.commit()
    search.rebuild(dataset["id"])
    file = f"/es/dataset/{dataset['id']}/resource/{package.resources[0].id}"
    for path in (f"/es/dataset/{dataset['name']}", file):
        page = page_of(app, path)
        buttons = page.select("a.marathon-download")
        assert [str(each["href"]) for each in buttons] == ([href] if href else []), path
        said = buttons[0] if href else page.select_one(".marathon-no-address")
        assert said is not None
        assert words in said.text
        if not href:
            assert url in said.text
            assert not page.select(f'a[href*="{url[-5:]}"]')
