"""A site on which nothing was ever published has a catalogue without anything in it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
import rdflib
import sqlalchemy as sa
from ckan import model
from openpyxl import load_workbook
from rdflib import RDF, Graph, URIRef

from ckanext.marathon.feeds import changes
from ckanext.marathon.feeds.catalogue import RDF_DOCUMENTS as FORMATS
from ckanext.marathon.model import clock
from ckanext.marathon.model.feed import Clock
from ckanext.marathon.rdf.namespaces import DCAT, DCT
from tests import factories
from tests.rdf import shapes

from .conftest import SITE, Get, Log, act
from .schemas import argentine_faults, us_faults

PLACE = "/municipality/0101"
NAMES = {"rdf": "xml", "xml": "xml", "ttl": "turtle", "jsonld": "json-ld", "nt": "nt", "n3": "n3"}


def test_an_empty_site_has_no_change(feed: Log) -> None:
    assert feed.number == 0
    assert clock.read_clock().complete


@pytest.mark.parametrize("scope", ["", PLACE])
@pytest.mark.parametrize("path", ["catalog", "catalog/all"])
@pytest.mark.parametrize("extension", FORMATS)
def test_rdf_of_an_empty_site_describes_a_catalogue_without_datasets(
    feed: Log, get: Get, scope: str, path: str, extension: str
) -> None:
    answer = get(f"{scope}/{path}.{extension}")
    assert answer.status_code == 200
    graph = Graph().parse(data=answer.data, format=NAMES[extension])
    (catalogue,) = graph.subjects(RDF.type, DCAT.Catalog)
    assert str(catalogue) == (f"{SITE}{scope}/catalog" if scope else SITE)
    assert (catalogue, DCT.title, None) in graph
    assert (catalogue, DCT.publisher, None) in graph
    assert (catalogue, DCAT.dataset, None) not in graph
    # An empty site has no time of a last change.
    assert (catalogue, DCT.modified, None) not in graph
    if extension == "ttl":
        assert shapes.violations(graph) == []


@pytest.mark.parametrize("scope", ["", PLACE])
def test_the_inventory_is_valid_and_empty(feed: Log, get: Get, scope: str) -> None:
    for profile in ("", "?profile=ar"):
        answer = get(f"{scope}/data.json{profile}")
        assert answer.status_code == 200
        document = json.loads(answer.data)
        assert document["dataset"] == []
        assert document["title"]
        assert (argentine_faults if profile else us_faults)(document) == []
    table = get(f"{scope}/catalog.csv")
    assert table.status_code == 200
    (heads,) = csv.reader(io.StringIO(table.data.decode("utf-8-sig")))
    assert "identificador" in heads
    book = get(f"{scope}/catalog.xlsx")
    assert book.status_code == 200
    assert load_workbook(io.BytesIO(book.data)).worksheets[0].max_row == 1


@pytest.mark.parametrize("scope", ["", PLACE])
@pytest.mark.parametrize("extension", [*changes.FORMATS, "atom"])
def test_the_changes_are_empty(feed: Log, get: Get, scope: str, extension: str) -> None:
    answer = get(f"{scope}/catalog/changes.{extension}")
    assert answer.status_code == 200
    if extension == "atom":
        assert "<entry>" not in answer.text
        return
    name = {"jsonld": "json-ld", "nq": "nquads"}.get(extension, extension)
    graph = rdflib.Dataset().parse(data=answer.data, format=name)
    assert len(set(graph.quads((None, RDF.type, URIRef(f"{changes.LDES}EventStream"))))) == 1
    assert not set(graph.quads((None, URIRef(f"{changes.TREE}member"), None)))


def test_a_follower_of_an_empty_site_gets_the_first_changes(feed: Log, get: Get) -> None:
    cursors = {
        get(path).headers["Marathon-Feed-Cursor"]
        for path in ("/catalog.ttl", "/catalog/all.ttl", "/catalog/changes", "/data.json")
    }
    (cursor,) = cursors
    assert ".0.0." in cursor
    assert get(f"/catalog/changes?since={cursor}").status_code == 200
    dataset = factories.MarathonDataset()
    found = get(f"/catalog/changes.nq?since={cursor}")
    assert found.status_code == 200
    assert f"/dataset/{dataset['id']}>" in found.text


@pytest.mark.parametrize(
    "path", ["/catalog.ttl", "/catalog/all.ttl", "/catalog/changes", "/data.json", "/catalog.xlsx"]
)
def test_etags_of_an_empty_site_change_with_settings_and_content(
    feed: Log, get: Get, path: str, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.Session.execute(sa.update(Clock).values(published=Clock.published - timedelta(days=1)))
    model.Session.commit()
    first = get(path)
    tag = first.headers["ETag"]
    assert get(path, If_None_Match=tag).status_code == 304
    assert "Last-Modified" not in first.headers
    monkeypatch.setitem(ckan_config, "ckan.site_title", "Datos de Guatemala")
    assert get(path, If_None_Match=tag).status_code == 200
    monkeypatch.undo()
    assert get(path, If_None_Match=tag).status_code == 304
    monkeypatch.setitem(ckan_config, "ckanext.dcat.base_uri", "https://datos.example.gt")
    moved = get(path, If_None_Match=tag)
    assert moved.status_code == 200
    if not path.endswith("xlsx"):
        assert b"https://datos.example.gt" in moved.data
    monkeypatch.undo()
    factories.MarathonDataset()
    assert get(path, If_None_Match=tag).status_code == 200


def test_visits_and_a_new_user_leave_the_log_empty(feed: Log, get: Get) -> None:
    assert get("/catalog/all.ttl").status_code == 200
    # The start of the IRIs may still be set: reading does not fix it.
    assert feed.number == 0
    assert clock.read_clock().base == ""
    act("user_create", name="alguien", email="alguien@example.gt", password="correcto-caballo")
    assert get("/data.json").status_code == 200
    assert feed.number == 0
