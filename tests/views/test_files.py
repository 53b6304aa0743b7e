"""A file is there to be taken: its button comes first, and nothing empty stands before it."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.tests.helpers import call_action

from ckanext.marathon.helpers.record import marathon_filled, marathon_says
from tests.factories import MarathonDataset
from tests.remembered import remembered

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

ADDRESS = "https://example.gt/horas.csv"


@pytest.fixture
@remembered
def dataset(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    return MarathonDataset(
        license_id="cc-by",
        resources=[
            {"url": ADDRESS, "name": "Hours", "format": "CSV", "size": 2048},
            {"url": "https://example.gt/about", "name": "About"},
        ],
    )


def test_the_page_of_a_dataset_has_a_button_for_every_file_with_format_and_size(
    visitor: Reader, dataset: dict[str, Any]
) -> None:
    buttons = visitor.page(f"/es/dataset/{dataset['name']}").select("a.marathon-download")
    assert buttons[0]["href"] == ADDRESS
    assert " ".join(buttons[0].stripped_strings) == "Descargar (CSV, 2 KiB) : Hours"
    assert " ".join(buttons[1].stripped_strings) == "Abrir el enlace : About"


def test_the_page_of_a_file_starts_with_its_download_and_shows_no_empty_row(
    visitor: Reader, dataset: dict[str, Any]
) -> None:
    resource = dataset["resources"][0]
    page = visitor.page(f"/es/dataset/{dataset['name']}/resource/{resource['id']}")
    (button,) = page.select("a.marathon-download")
    facts = page.select_one(".marathon-facts")
    assert facts
    assert page.decode().index(ADDRESS) < page.decode().index("marathon-facts")
    assert button["href"] == ADDRESS
    names = [each.text.strip() for each in facts.select("dt")]
    assert len(names) == len(set(names)), names
    assert all(each.text.strip() for each in facts.select("dd"))
    assert names[:2] == ["Conjunto de datos", "Licencia"]


def test_a_licence_has_one_name_on_every_page(visitor: Reader, dataset: dict[str, Any]) -> None:
    name = "Creative Commons Atribución 4.0 Internacional"
    resource = dataset["resources"][0]
    for path in (
        f"/es/dataset/{dataset['name']}",
        f"/es/dataset/{dataset['name']}/resource/{resource['id']}",
    ):
        text = visitor.page(path).text
        assert name in text, path
        assert "Creative Commons Attribution" not in text, path


def test_a_missing_licence_has_one_wording_on_the_page(
    visitor: Reader, dataset: dict[str, Any]
) -> None:
    call_action("package_patch", id=dataset["id"], license_id="")
    page = visitor.page(f"/es/dataset/{dataset['name']}")
    note, box = page.select_one(".marathon-note"), page.select_one(".license .module-content")
    assert note
    assert box
    assert box.text.strip() == "Licencia sin especificar"
    assert note.text.strip().startswith("Licencia sin especificar. ")


def test_a_row_whose_parts_are_all_empty_is_not_shown(
    visitor: Reader, dataset: dict[str, Any]
) -> None:
    call_action("package_patch", id=dataset["id"], publisher=[{"name": "INE", "email": ""}])
    (row,) = visitor.page(f"/es/dataset/{dataset['name']}").select(".marathon-rows li")
    assert " ".join(row.stripped_strings) == "Nombre: INE"
    assert not marathon_says([{"name": "", "email": None, "url": " "}])
    fields = [{"field_name": "publisher"}, {"field_name": "votes"}]
    assert marathon_filled(fields, {"publisher": [{"name": ""}], "votes": 0}) == fields[1:]
