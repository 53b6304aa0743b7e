"""The changes as a Linked Data Event Stream: pages, cursors, formats."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pyoxigraph
import pyshacl
import pytest
import rdflib
import sqlalchemy as sa
from ckan import model
from ckan.tests.helpers import call_action
from pyld import jsonld
from rdflib.compare import isomorphic

from ckanext.marathon.feeds import changes
from ckanext.marathon.model import clock
from ckanext.marathon.model.feed import Change
from ckanext.marathon.rdf.namespaces import DCAT, DCT
from tests import factories
from tests.rdf import shapes
from tests.remembered import remembered

from .conftest import SITE, Get, Log

AS = rdflib.Namespace(changes.AS)
LDES = rdflib.Namespace(changes.LDES)
TREE = rdflib.Namespace(changes.TREE)
FEEDS = shapes.FOLDER / "dcat-ap-feeds-activity.ttl"
RDFLIB_NAME = {"trig": "trig", "jsonld": "json-ld", "nq": "nquads"}


@pytest.fixture
@remembered
def idea(feed: Log) -> dict[str, Any]:
    return factories.Idea()


@pytest.fixture
@remembered
def datasets(idea: dict[str, Any]) -> list[dict[str, Any]]:
    return [factories.MarathonDataset(idea=[idea["id"]]) for _ in range(5)]


def quads(answer: Any, extension: str = "trig") -> rdflib.Dataset:
    assert answer.status_code == 200, answer.data
    return rdflib.Dataset().parse(data=answer.data, format=RDFLIB_NAME[extension])


def activities(found: rdflib.Dataset) -> list[tuple[str, str]]:
    """Return the kind of each activity and the end of what it is about, in order."""
    rows = []
    for activity, thing in found.default_graph.subject_objects(AS.object):
        published = found.default_graph.value(activity, AS.published)
        kind = found.default_graph.value(activity, rdflib.RDF.type)
        rows.append((published, str(kind).removeprefix(AS), str(thing).removeprefix(SITE)))
    return [(kind, thing) for _published, kind, thing in sorted(rows)]


def pages(get: Get, address: str) -> Iterator[rdflib.Dataset]:
    """Yield the pages as a client of TREE follows them."""
    following: str | None = address
    while following:
        found = quads(get(following))
        yield found
        relations = list(found.default_graph.objects(None, TREE.node))
        following = str(relations[0]) if relations else None


def about(datasets: list[dict[str, Any]]) -> set[str]:
    return {f"/dataset/{each['id']}" for each in datasets}


class TestPage:
    @pytest.mark.parametrize("extension", changes.FORMATS)
    def test_two_parsers_agree_on_every_format(
        self, datasets: Any, get: Get, extension: str
    ) -> None:
        name = extension.encode()
        answer = get(f"/catalog/changes.{extension}")
        assert answer.content_type.startswith(changes.FORMATS[extension].media_type)
        other = set(pyoxigraph.parse(answer.data, format=changes.FORMATS[extension].writer))
        assert len(set(quads(answer, extension).quads())) == len(other) > 100
        trig = get("/catalog/changes.trig").data.replace(b"changes.trig", b"changes.%s" % name)
        assert other == set(pyoxigraph.parse(trig, format=pyoxigraph.RdfFormat.TRIG))

    @pytest.mark.parametrize("scope", ["", "/municipality/0101"])
    def test_json_ld_is_compact_and_equals_trig(self, feed: Log, get: Get, scope: str) -> None:
        owner = factories.Municipality(municipality_code="0101")
        idea = factories.Idea(workshop=factories.Workshop(owner_org=owner["id"])["id"])
        for _ in range(2):
            gone = factories.MarathonDataset(idea=[idea["id"]])
        call_action("package_delete", id=gone["id"])
        answer = get(f"{scope}/catalog/changes.jsonld")
        document = json.loads(answer.data)
        context = document["@context"]
        # Nothing has to be fetched to read it.
        assert all(isinstance(each, str | dict) for each in context.values())
        assert isinstance(context, dict)
        assert context["dcat"] == str(DCAT)
        nodes = document["@graph"]
        kinds = [each["@type"] for each in nodes if str(each.get("@type")).startswith("as:")]
        assert {"as:Create", "as:Delete"} <= set(kinds)
        (shown,) = [
            each
            for activity in nodes
            for each in activity.get("@graph", [])
            if "dcat:Dataset" in each.get("@type", [])
        ]
        assert set(shown["dct:title"]) == {"@language", "@value"}
        keys = {key for node in nodes for each in (node, *node.get("@graph", [])) for key in each}
        assert [key for key in keys if "//" in key] == []
        options = {"format": "application/n-quads"}
        told = rdflib.Dataset().parse(data=jsonld.to_rdf(document, options), format="nquads")
        trig = get(f"{scope}/catalog/changes.trig").data.replace(b"changes.trig", b"changes.jsonld")
        expected = rdflib.Dataset().parse(data=trig, format="trig")
        for activity in {graph.identifier for graph in expected.graphs()}:
            assert isomorphic(told.graph(activity), expected.graph(activity)), activity
        assert isomorphic(told.default_graph, expected.default_graph)
        assert len(set(told.quads())) == len(set(expected.quads())) > 50

    def test_a_page_names_its_event_stream_and_view(self, datasets: Any, get: Get) -> None:
        page = quads(get("/catalog/changes")).default_graph
        (found,) = page.subjects(rdflib.RDF.type, LDES.EventStream)
        assert page.value(found, LDES.timestampPath) == AS.published
        assert page.value(found, LDES.versionOfPath) == AS.object
        (view,) = page.objects(found, TREE.view)
        assert str(view) == f"{SITE}/catalog/changes"
        policy = page.value(page.value(view, TREE.viewDescription), LDES.retentionPolicy)
        assert page.value(policy, rdflib.RDF.type) == LDES.LatestVersionSubset
        assert len(set(page.objects(found, TREE.member))) == 6

    def test_each_record_occurs_once_with_its_description_in_a_named_graph(
        self, idea: Any, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        call_action("package_patch", id=datasets[0]["id"], title="Otro título")
        call_action("package_delete", id=datasets[1]["id"])
        found = quads(get("/catalog/changes"))
        kinds = activities(found)
        assert [kind for kind, _thing in kinds] == [*["Create"] * 4, "Update", "Delete"]
        assert {thing for _kind, thing in kinds} == {"", *about(datasets)}
        for activity, thing in found.default_graph.subject_objects(AS.object):
            graph = found.graph(activity)
            if str(thing).endswith(datasets[1]["id"]):
                assert len(graph) == 0
            elif "/dataset/" in thing:
                assert (thing, rdflib.RDF.type, DCAT.Dataset) in graph
                assert (rdflib.URIRef(SITE), DCAT.dataset, thing) in graph
                assert (rdflib.URIRef(f"{SITE}/idea/{idea['id']}"), DCT.title, None) in graph
                publisher = graph.value(thing, DCT.publisher)
                assert (publisher, rdflib.FOAF.name, None) in graph

    @pytest.mark.parametrize("scope", ["", "/municipality/0101"])
    def test_a_page_of_changes_satisfies_the_official_shapes(
        self, get: Get, feed: Log, scope: str
    ) -> None:
        owner = factories.Municipality(municipality_code="0101")
        several = [factories.MarathonDataset(owner_org=owner["id"]) for _ in range(2)]
        call_action("package_delete", id=several[0]["id"])
        page = quads(get(f"{scope}/catalog/changes"))
        union = rdflib.Graph()
        for subject, predicate, value, _graph in page.quads():
            union.add((subject, predicate, value))
        assert shapes.violations(union) == []
        if FEEDS.is_file():
            _, report, text = pyshacl.validate(union, shacl_graph=str(FEEDS), inplace=False)
            assert (None, rdflib.SH.result, None) not in report, text

    def test_a_private_dataset_is_not_in_the_changes(self, datasets: Any, get: Get) -> None:
        hidden = factories.MarathonDataset(private=True, title="Secret")
        assert hidden["id"] not in get("/catalog/changes").get_data(as_text=True)


class TestPages:
    @pytest.fixture(autouse=True)
    def two_a_page(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(changes, "SIZE", 2)

    def test_a_tree_client_sees_every_member_once(
        self, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        seen = [[thing for _, thing in activities(p)] for p in pages(get, "/catalog/changes")]
        # The last page is full, and leads to no empty one.
        assert [len(each) for each in seen] == [2, 2, 2]
        assert {thing for each in seen for thing in each} == {"", *about(datasets)}

    def test_the_tree_relation_bounds_the_next_page(self, datasets: Any, get: Get) -> None:
        first, second, *_ = pages(get, "/catalog/changes")
        relation = first.default_graph.value(
            predicate=rdflib.RDF.type, object=TREE.GreaterThanRelation
        )
        assert first.default_graph.value(relation, TREE.path) == AS.published
        value = first.default_graph.value(relation, TREE.value)
        assert all(value >= each for each in first.default_graph.objects(None, AS.published))
        assert all(value < each for each in second.default_graph.objects(None, AS.published))

    def test_changes_during_a_crawl_are_on_its_last_pages(
        self, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        crawl = pages(get, "/catalog/changes")
        seen = activities(next(crawl))
        call_action("package_patch", id=datasets[0]["id"], title="Otro título")
        call_action("package_delete", id=datasets[4]["id"])
        for page in crawl:
            seen += activities(page)
        latest = {thing: kind for kind, thing in seen}
        assert latest.pop("") == "Create"
        assert latest.pop(f"/dataset/{datasets[0]['id']}") == "Update"
        assert latest.pop(f"/dataset/{datasets[4]['id']}") == "Delete"
        assert set(latest) == about(datasets[1:4])

    def test_a_crawl_gets_410_if_the_later_change_of_a_left_out_record_is_lost(
        self, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        """The first page leaves out a record that changed again later, and has the others."""
        call_action("package_patch", id=datasets[0]["id"], title="Otro título")
        first = get("/catalog/changes")
        (following,) = quads(first).default_graph.objects(None, TREE.node)
        assert get(str(following)).status_code == 200
        tag = first.headers["ETag"]
        epoch, number, last, _mark = first.headers["Marathon-Feed-Cursor"].split(".")
        assert int(number) < int(last)
        # As if the last change were lost, and its number given to another one.
        for table in ("marathon_feed_change", "marathon_feed_clock"):
            statement = sa.text(f"UPDATE {table} SET mark = mark # 1 WHERE number = :last")
            model.Session.execute(statement, {"last": int(last)})
        model.Session.commit()
        assert get(str(following)).status_code == 410
        again = get("/catalog/changes", If_None_Match=tag)
        assert again.status_code == 200, "the link to the next page would lead nowhere"
        assert again.headers["Marathon-Feed-Cursor"].startswith(f"{epoch}.{number}.{last}.")

    def test_the_cursor_of_an_answer_continues_after_it(self, datasets: Any, get: Get) -> None:
        cursor = get("/catalog/all.nt").headers["Marathon-Feed-Cursor"]
        empty = get(f"/catalog/changes?since={cursor}")
        assert activities(quads(empty)) == []
        assert empty.headers["Marathon-Feed-Cursor"] == cursor
        call_action("package_patch", id=datasets[2]["id"], title="Otro título")
        found = get(f"/catalog/changes?since={cursor}")
        assert activities(quads(found)) == [("Update", f"/dataset/{datasets[2]['id']}")]
        assert 'rel="next"' not in found.headers["Link"]


class TestActivity:
    @pytest.mark.parametrize("of", ["idea", "workshop", "organization"])
    def test_a_change_of_a_neighbour_updates_the_dataset(
        self, idea: Any, datasets: list[dict[str, Any]], get: Get, of: str
    ) -> None:
        before = get("/catalog/all.nt").headers["Marathon-Feed-Cursor"]
        if of == "organization":
            call_action("organization_patch", id=datasets[0]["owner_org"], title="Otra")
        else:
            thing = idea["id"] if of == "idea" else idea["workshop"]
            call_action("package_patch", id=thing, title="Otra")
        found = activities(quads(get(f"/catalog/changes?since={before}")))
        assert {("Update", each) for each in about(datasets)} <= set(found)
        assert "Otra" in get(f"/catalog/changes.nq?since={before}").get_data(as_text=True)

    def test_a_published_activity_never_changes(
        self, idea: Any, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        seen: dict[Any, Any] = {}
        for change in (
            lambda: call_action("package_patch", id=idea["id"], title="Otra idea"),
            lambda: call_action("organization_patch", id=idea["owner_org"], title="Otra oficina"),
            lambda: call_action("package_patch", id=datasets[0]["id"], private=True),
            lambda: call_action("package_patch", id=idea["workshop"], private=True),
            lambda: call_action("package_patch", id=idea["id"], private=True),
        ):
            found = quads(get("/catalog/changes"))
            for activity, thing in found.default_graph.subject_objects(AS.object):
                payload = thing, frozenset(found.graph(activity))
                assert seen.setdefault(activity, payload) == payload
            change()
        assert len(seen) > 10

    def test_the_iri_of_an_activity_ends_with_the_mark_of_its_change(
        self, datasets: Any, get: Get
    ) -> None:
        """A follower that has seen a lost change would take a new one of the same IRI for it."""
        names = set(re.findall(r"/changes#[0-9a-f]{8}-\S+", get("/catalog/changes.nq").text))
        marks = {f"{mark:016x}" for mark in model.Session.scalars(sa.select(Change.mark))}
        ends = {name.rstrip(">").rpartition("-")[2] for name in names}
        assert len(ends) == 6
        assert ends <= marks


class TestAnswer:
    def test_a_known_etag_gets_304_until_the_page_changes(
        self, datasets: list[dict[str, Any]], get: Get
    ) -> None:
        tag = get("/catalog/changes").headers["ETag"]
        again = get("/catalog/changes", If_None_Match=tag)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["Marathon-Feed-Cursor"]
        call_action("package_patch", id=datasets[0]["id"], title="Otro título")
        assert get("/catalog/changes", If_None_Match=tag).status_code == 200

    def test_the_accept_header_chooses_the_format_or_gets_406(
        self, datasets: Any, get: Get
    ) -> None:
        for form in changes.FORMATS.values():
            answer = get("/catalog/changes", Accept=form.media_type)
            assert answer.content_type.startswith(form.media_type)
            assert "Accept" in answer.headers["Vary"]
        assert get("/catalog/changes", Accept="*/*").content_type.startswith("application/trig")
        refused = get("/catalog/changes", Accept="application/pdf")
        assert refused.status_code == 406
        assert "application/trig" in refused.get_data(as_text=True)

    def test_changes_are_gzipped_under_another_etag_if_accepted(
        self, datasets: Any, get: Get
    ) -> None:
        import gzip

        plain = get("/catalog/changes")
        zipped = get("/catalog/changes", Accept_Encoding="gzip")
        assert zipped.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(zipped.data) == plain.data
        assert zipped.headers["ETag"] != plain.headers["ETag"]

    def test_cursors_of_another_epoch_get_410(self, datasets: Any, get: Get) -> None:
        cursor = get("/catalog/changes").headers["Marathon-Feed-Cursor"]
        clock.lock_clock()
        clock.begin_epoch()
        model.Session.commit()
        answer = get(f"/catalog/changes?since={cursor}")
        assert answer.status_code == 410
        assert f"<{SITE}/catalog/all.ttl>" in answer.headers["Link"]
        assert f"{SITE}/catalog/all.ttl" in answer.get_data(as_text=True)

    def test_cursors_beyond_the_last_change_get_410(self, datasets: Any, get: Get) -> None:
        cursor = get("/catalog/changes").headers["Marathon-Feed-Cursor"]
        epoch = cursor.partition(".")[0]
        assert get(f"/catalog/changes?since={epoch}.999999").status_code == 410
        mark = cursor.rpartition(".")[2]
        assert get(f"/catalog/changes?since={epoch}.9.999999.{mark}").status_code == 410
        last = cursor.split(".")[2]
        assert get(f"/catalog/changes?since={epoch}.999999.{last}.{mark}").status_code == 410

    def test_cursors_without_a_mark_get_410_except_at_the_beginning(
        self, datasets: Any, get: Get
    ) -> None:
        cursor = get("/catalog/changes").headers["Marathon-Feed-Cursor"]
        epoch, number, _last, mark = cursor.split(".")
        assert get(f"/catalog/changes?since={epoch}.{number}").status_code == 410
        # What every epoch begins with cannot be lost.
        assert get(f"/catalog/changes?since={epoch}.0").status_code == 200
        assert get(f"/catalog/changes?since={epoch}.0.0.{mark}").status_code == 200

    def test_cursors_with_the_mark_of_another_change_get_410(self, datasets: Any, get: Get) -> None:
        cursor = get("/catalog/changes").headers["Marathon-Feed-Cursor"]
        before, _, mark = cursor.rpartition(".")
        other = f"{int(mark, 16) ^ 1:016x}"
        assert get(f"/catalog/changes?since={before}.{other}").status_code == 410
        assert get(f"/catalog/changes?since={before}.{mark}").status_code == 200

    @pytest.mark.parametrize(
        "since",
        [
            *("x", "7", "é", "a" * 36 + ".-1", "0" * 36 + "." + "9" * 30),
            *(f"{'0' * 36}.1.1{rest}" for rest in ("", ".", ".x", f".{'0' * 15}", f".{'G' * 16}")),
        ],
    )
    def test_a_malformed_cursor_gets_400(self, feed: Log, get: Get, since: str) -> None:
        assert get(f"/catalog/changes?since={since}").status_code == 400

    def test_an_incomplete_log_gets_503_with_retry_after(self, datasets: Any, get: Get) -> None:
        clock.lock_clock()
        clock.set_complete(False)
        model.Session.commit()
        answer = get("/catalog/changes")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
