"""Each record at its own address, as page and as RDF, and never as another type."""

from __future__ import annotations

from typing import Any

import pytest
import rdflib

from ckanext.marathon.rdf.formats import FORMATS
from tests import factories

TURTLE = {"Accept": "text/turtle"}
DCAT_DATASET = rdflib.URIRef("http://www.w3.org/ns/dcat#Dataset")


def ask(app: Any, path: str, **headers: str) -> Any:
    return app.get(path, headers=headers, follow_redirects=False)


def test_a_dataset_is_served_in_every_format_and_negotiated(app: Any, marathon_site: None) -> None:
    dataset = factories.MarathonDataset()
    for extension, form in FORMATS.items():
        answer = ask(app, f"/dataset/{dataset['id']}.{extension}")
        assert answer.status_code == 200, extension
        assert answer.headers["Content-Type"].startswith(form.media_type)
    assert ask(app, f"/dataset/{dataset['name']}.exe").status_code == 404
    stock = ask(app, f"/dataset/{dataset['name']}.ttl?profiles=euro_dcat_ap_3")
    assert stock.status_code == 200
    assert ask(app, f"/dataset/{dataset['name']}.ttl?profiles=nope").status_code == 400
    sent = ask(app, f"/dataset/{dataset['name']}", **TURTLE)
    assert sent.status_code == 303
    assert sent.headers["Location"].endswith(f"/dataset/{dataset['id']}.ttl")
    assert "Accept" in sent.headers["Vary"]
    page = ask(app, f"/dataset/{dataset['name']}")
    assert page.status_code == 200
    assert "Accept" in page.headers["Vary"]


@pytest.mark.parametrize(
    ("accept", "extension"),
    [
        ("text/turtle;charset=utf-8", "ttl"),
        ('application/ld+json; profile="http://www.w3.org/ns/json-ld#compacted"', "jsonld"),
        ("text/html, text/turtle; version=1.1; q=0.5", None),
        ("text/turtle;q=0, */*", None),
    ],
)
def test_parameters_of_a_media_type_are_ignored(
    app: Any, marathon_site: None, accept: str, extension: str | None
) -> None:
    dataset = factories.MarathonDataset()
    answer = ask(app, f"/dataset/{dataset['name']}", Accept=accept)
    if extension is None:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 303
        assert answer.headers["Location"].endswith(f"/dataset/{dataset['id']}.{extension}")


def test_an_idea_under_the_address_of_another_type_redirects(app: Any, marathon_site: None) -> None:
    idea = factories.Idea()
    for path, target in [
        (f"/dataset/{idea['name']}", f"/idea/{idea['name']}"),
        (f"/dataset/{idea['id']}.ttl", f"/idea/{idea['id']}.ttl"),
        (f"/workshop/{idea['name']}", f"/idea/{idea['name']}"),
    ]:
        answer = ask(app, path)
        assert answer.status_code == 301, path
        assert answer.headers["Location"].endswith(target)
    graph = rdflib.Graph().parse(data=ask(app, f"/idea/{idea['id']}.ttl").body, format="turtle")
    assert DCAT_DATASET not in set(graph.objects(None, rdflib.RDF.type))


def test_a_hidden_idea_answers_as_one_that_does_not_exist(app: Any, marathon_site: None) -> None:
    hidden = factories.Idea(private=True)
    for path in ("/dataset/{}", "/idea/{}", "/dataset/{}.ttl", "/idea/{}.ttl"):
        there = ask(app, path.format(hidden["id"]))
        nowhere = ask(app, path.format("00000000-0000-4000-8000-000000000000"))
        assert there.status_code == nowhere.status_code == 404, path


def test_a_nul_in_an_address_gets_400(app: Any, marathon_site: None) -> None:
    for path in ("/idea/%00", "/dataset/a%00b", "/dataset/?q=%00", "/municipality/%00.ttl"):
        assert ask(app, path).status_code == 400, path
