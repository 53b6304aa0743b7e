"""The page for engineers of portals, and the news as Atom."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pyshacl
import pytest
import rdflib
from bs4 import BeautifulSoup
from ckan.tests.helpers import call_action

from ckanext.marathon.rdf.namespaces import DCT
from tests import factories
from tests.remembered import remembered

from .conftest import Reader

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
@remembered
def dataset(marathon_site: None) -> dict[str, Any]:
    return factories.MarathonDataset(title="Pozos & <más> ñ", notes="Agua")


def entries(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 200
    assert answer.content_type.startswith("application/atom+xml")
    root = ElementTree.fromstring(answer.data)
    found = []
    for entry in root.iter(f"{ATOM}entry"):
        kind, title = entry.find(f"{ATOM}category"), entry.find(f"{ATOM}title")
        assert kind is not None
        assert title is not None
        found.append((kind.get("term", ""), title.text or ""))
    return found


class TestPage:
    @pytest.mark.parametrize("part", ["", "/municipality/0501"])
    def test_every_address_on_the_page_gets_200(
        self, visitor: Reader, dataset: dict[str, Any], part: str
    ) -> None:
        page = BeautifulSoup(visitor.get(f"{part}/catalog").data, "lxml")
        feeds = page.select(".marathon-feeds a")
        assert len(feeds) > 10
        for link in feeds:
            address = str(link["href"]).removeprefix("http://test.ckan.net")
            assert address.startswith(part)
            assert visitor.get(address).status_code == 200, address

    def test_clients_that_prefer_rdf_are_redirected(
        self, visitor: Reader, dataset: dict[str, Any]
    ) -> None:
        answer = visitor.get("/catalog", Accept="text/turtle")
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith("/catalog.ttl")

    def test_the_feeds_satisfy_the_linked_profile(
        self, visitor: Reader, dataset: dict[str, Any]
    ) -> None:
        profile = visitor.get("/vocabulary/marathon-ap.ttl")
        shapes = rdflib.Graph().parse(data=profile.data, format="turtle")
        data = rdflib.Graph().parse(data=visitor.get("/catalog/all.ttl").data, format="turtle")
        conforms, _, text = pyshacl.validate(data, shacl_graph=shapes, allow_warnings=True)
        assert conforms, text
        data.remove((None, DCT.identifier, None))
        conforms, _, _ = pyshacl.validate(data, shacl_graph=shapes, allow_warnings=True)
        assert not conforms, "nothing was checked"

    def test_the_page_of_an_empty_site_gets_200(self, visitor: Reader, marathon_site: None) -> None:
        assert visitor.get("/catalog").status_code == 200

    def test_the_page_is_in_both_languages(self, visitor: Reader, dataset: dict[str, Any]) -> None:
        assert "Canales para portales" in visitor.get("/es/catalog").body
        assert "Feeds for portals" in visitor.get("/en/catalog").body


class TestAtom:
    def test_changes_and_deletions_are_sorted_by_time(
        self, visitor: Reader, dataset: dict[str, Any]
    ) -> None:
        other = factories.MarathonDataset(title="Mercados")
        call_action("package_patch", id=dataset["id"], notes="Agua potable")
        call_action("package_delete", id=other["id"])
        (deleted, _), (updated, title) = entries(visitor.get("/catalog/changes.atom"))
        assert (deleted, updated) == ("Delete", "Update")
        assert "Pozos & <más>" in title

    def test_the_changes_of_a_municipality_have_only_its_datasets(
        self, visitor: Reader, dataset: dict[str, Any]
    ) -> None:
        factories.MarathonDataset(title="Mercados")
        code = call_action("package_show", id=dataset["id"])["municipality"][0]
        ((kind, title),) = entries(visitor.get(f"/municipality/{code}/catalog/changes.atom"))
        assert kind == "Create"
        assert "Pozos" in title

    def test_a_known_etag_gets_304(self, visitor: Reader, dataset: dict[str, Any]) -> None:
        tag = visitor.get("/catalog/changes.atom").headers["ETag"]
        again = visitor.get("/catalog/changes.atom", **{"If-None-Match": tag})
        assert again.status_code == 304
