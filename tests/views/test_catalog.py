"""The catalogue's own address: every format, and no request that ends in a server error."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pyoxigraph
import pytest
import rdflib
from bs4 import BeautifulSoup
from ckan import model
from ckan.lib import search
from ckan.tests.factories import SysadminWithToken

from ckanext.marathon.rdf.formats import FORMATS
from tests import factories
from tests.remembered import remembered

HYDRA = rdflib.Namespace("http://www.w3.org/ns/hydra/core#")
DCAT_DATASET = rdflib.URIRef("http://www.w3.org/ns/dcat#Dataset")
RDFLIB_NAME = {
    "ttl": "turtle",
    "rdf": "xml",
    "xml": "xml",
    "jsonld": "json-ld",
    "nt": "nt",
    "n3": "n3",
}


@pytest.fixture
@remembered
def dataset(marathon_site: None) -> dict[str, Any]:
    return factories.MarathonDataset()


# Requests, and the statuses of their answers.
ODD = [
    ("page=99999999999999999999", 400),
    ("page=²", 400),
    ("page=-1", 400),
    ("page=1.5", 400),
    ("page=0", 400),
    ("page=10000000", 404),
    ("page=", 200),
    ("page=00000000000000000001", 400),
    ("q=%5B%5B(", 200),
    ("q=agua%20potable&fq=organization:%22x%22", 200),
    ("fq=-title:%22%7B%7C%5E%3C%5C%5C%3E%7D%60%22", 200),
    ("fq=a:b:c:(", 400),
    ("modified_since=yesterday%20or%20so", 400),
    ("modified_since=99999-01-01", 400),
    ("modified_since=10000000000", 400),
    ("modified_since=5", 400),
    ("modified_since=Monday", 400),
    ("modified_since=30/02/2016", 400),
    ("modified_since=2016", 200),
    ("modified_since=2016-01-01", 200),
    ("modified_since=2016-01-01T00:00:00Z", 200),
    ("modified_since=2016-01-01T00:00:00-06:00", 200),
    ("modified_since=2016-01-01T00:00:00.123%2B05:30", 200),
    ("profiles=no_such_profile", 400),
    ("profiles=euro_dcat_ap_3", 200),
]


def test_every_format_names_the_dataset_and_no_other(app: Any, dataset: dict[str, Any]) -> None:
    for extension, form in FORMATS.items():
        answer = app.get(f"/catalog.{extension}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(form.media_type)
        graph = rdflib.Graph().parse(data=answer.body, format=RDFLIB_NAME[extension])
        datasets = list(graph.subjects(rdflib.RDF.type, DCAT_DATASET))
        assert [str(each).rsplit("/", 1)[1] for each in datasets] == [dataset["id"]], extension
        if extension != "n3":
            parsed = pyoxigraph.parse(answer.body, format=form.writer)
            # The catalogue's own part may describe a concept in the same way as the datasets.
            triples = {quad.triple for quad in parsed}
            assert len(triples) == len(graph), extension


@pytest.mark.parametrize(
    ("since", "is_found"),
    [
        ("10/05/2020", True),  # the tenth of May, as everywhere on the site
        ("05/10/2020", False),
        ("2020", True),
        ("2020-06", True),
        ("2020-06-16", False),
        ("2020-06-15T11:59:59", True),  # UTC, as CKAN's own times
        ("2020-06-15T12:00:01", False),
        ("2020-06-15T07:00:00-06:00", False),
    ],
)
def test_modified_since_reads_days_first_and_takes_times_as_utc(
    app: Any, marathon_site: None, since: str, is_found: bool
) -> None:
    factories.MarathonDataset(name="lluvia", title="Lluvia")
    package = model.Package.get("lluvia")
    assert package is not None
    package.metadata_modified = datetime(2020, 6, 15, 12)
    model.Session.commit()
    search.rebuild(package.id)
    answer = app.get("/catalog.nt", query_string={"modified_since": since})
    assert ("Lluvia" in answer.body) == is_found


def test_search_parameters_on_the_whole_catalogue_get_400(
    app: Any, dataset: dict[str, Any]
) -> None:
    for part in ("", f"/organization/{dataset['owner_org']}"):
        for asked in ("q=agua", "fq=x:y", "modified_since=2016", "profiles=euro_dcat_ap_3"):
            answer = app.get(f"{part}/catalog/all.ttl?{asked}")
            assert answer.status_code == 400, (part, asked)
            assert asked.partition("=")[0] in answer.body
            assert answer.body.rstrip().endswith("/catalog.ttl")
        assert app.get(f"{part}/catalog/all.ttl?profiles=&utm=x").status_code == 200


def test_odd_parameters_get_the_expected_status_and_a_body(
    app: Any, dataset: dict[str, Any]
) -> None:
    wrong = []
    for query, status in ODD:
        answer = app.get(f"/catalog.ttl?{query}")
        if answer.status_code != status or not answer.body.strip():
            wrong.append((query, answer.status_code, answer.body[:200]))
    assert not wrong
    assert app.get("/catalog.exe").status_code == 404


@pytest.mark.ckan_config("ckanext.dcat.datasets_per_page", 1)
def test_pages_of_a_search_link_to_each_other(app: Any, dataset: dict[str, Any]) -> None:
    """The parameters of any search are encoded in the links."""
    owner, idea = dataset["owner_org"], dataset["idea"]
    title = 'Agua "potable" & más'
    made = {
        factories.MarathonDataset(title=title, owner_org=owner, idea=idea)["id"] for _ in range(3)
    }
    query = urlencode({"q": 'title:"agua potable" AND title:más', "fq": "title:agua +title:más"})
    for extension in FORMATS:
        seen: list[str] = []
        back: list[str] = []
        address = f"/catalog.{extension}?{query}"
        while address:
            answer = app.get(address)
            assert answer.status_code == 200
            graph = rdflib.Graph().parse(data=answer.body, format=RDFLIB_NAME[extension])
            seen += [str(each) for each in graph.subjects(rdflib.RDF.type, DCAT_DATASET)]
            back += [str(each)[-7:] for each in graph.objects(None, HYDRA.previousPage)]
            following = list(graph.objects(None, HYDRA.nextPage))
            address = str(following[0]).removeprefix("http://test.ckan.net") if following else ""
        assert sorted(each.rpartition("/")[2] for each in seen) == sorted(made), extension
        # The third page is the last, and leads to no fourth.
        assert back == ["&page=1", "&page=2"], extension


@pytest.mark.parametrize("query", ["q=%22", "fq=a:b:c:("])
def test_a_query_that_solr_cannot_parse_gets_400_with_one_line(
    app: Any, dataset: dict[str, Any], query: str
) -> None:
    answer = app.get(f"/catalog.ttl?{query}")
    assert answer.status_code == 400
    assert answer.body.count("\n") == 1
    assert len(answer.body) < 100
    assert "quotation marks" in answer.body


def test_the_catalogue_is_the_same_for_a_sysadmin(app: Any, dataset: dict[str, Any]) -> None:
    factories.MarathonDataset(private=True, owner_org=dataset["owner_org"], idea=dataset["idea"])
    sysadmin = SysadminWithToken()
    headers = {"Authorization": sysadmin["token"]}
    assert app.get("/catalog.ttl", headers=headers).body == app.get("/catalog.ttl").body


@pytest.mark.parametrize("page", ["/", "/dataset/", "/dataset/{name}"])
def test_html_pages_link_to_their_rdf(app: Any, dataset: dict[str, Any], page: str) -> None:
    html = BeautifulSoup(app.get(page.format(**dataset)).text, "lxml")
    found = {str(each["type"]): str(each["href"]) for each in html.select('link[rel="alternate"]')}
    assert {"text/turtle", "application/rdf+xml", "application/ld+json"} <= found.keys()
    for media_type, address in found.items():
        answer = app.get(address.removeprefix("http://test.ckan.net"))
        assert answer.status_code == 200, address
        assert answer.headers["Content-Type"].startswith(media_type)
