"""What a dataset has besides the fields of its schema stays on its page, as on CKAN's own."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
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


def details(app: Any, dataset: dict[str, Any], locale: str = "es") -> dict[str, str]:
    page = BeautifulSoup(app.get(f"/{locale}/dataset/{dataset['name']}").data, "html.parser")
    terms = page.select(".marathon-facts > dt")
    return {term.text.strip(): term.find_next_sibling("dd").text.strip() for term in terms}


def test_they_are_shown_with_the_labels_that_there_are(app: Any, dataset: dict[str, Any]) -> None:
    shown = details(app, dataset)
    # ckanext-dcat's label, none, and that of the field which did not take the text.
    assert shown["Nombre del publicador"] == EXTRAS["publisher_name"]
    assert shown["responsable"] == EXTRAS["responsable"]
    assert EXTRAS["frequency_text"] in shown.values()
    assert "frequency_text" not in shown
    assert "vacio" not in shown


@pytest.mark.ckan_config("ckanext.dcat.translate_keys", False)
def test_a_site_may_want_their_names(app: Any, dataset: dict[str, Any]) -> None:
    assert details(app, dataset)["publisher_name"] == EXTRAS["publisher_name"]


@pytest.mark.ckan_config("package_hide_extras", "responsable")
def test_those_that_a_site_hides_stay_hidden(app: Any, dataset: dict[str, Any]) -> None:
    shown = details(app, dataset)
    assert "responsable" not in shown
    assert call_action("package_show", id=dataset["id"])["extras"]
