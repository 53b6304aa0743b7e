"""Serving the catalogue: stable pages, the whole, conditional requests."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyoxigraph
import pytest
import rdflib
import sqlalchemy as sa
from ckan import model
from ckan.lib import search
from ckan.tests.helpers import call_action
from werkzeug.http import parse_date

from ckanext.marathon.feeds import log_state
from ckanext.marathon.model import clock
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.rdf.namespaces import DCAT
from tests import factories
from tests.remembered import remembered
from tests.views.test_catalog import RDFLIB_NAME

from .conftest import Get, Log

HYDRA = rdflib.Namespace("http://www.w3.org/ns/hydra/core#")
SIZE = 2

pytestmark = pytest.mark.ckan_config("ckanext.dcat.datasets_per_page", SIZE)

STREAMS = ("/catalog/all.nt", "/data.json", "/catalog.csv", "/marathon/data/ideas.csv")


@pytest.fixture
@remembered
def datasets(feed: Log) -> list[dict[str, Any]]:
    """Five datasets, on three pages of two slots."""
    idea = factories.Idea()
    return [factories.MarathonDataset(idea=[idea["id"]]) for _ in range(5)]


def graph(answer: Any, extension: str = "ttl") -> rdflib.Graph:
    assert answer.status_code == 200
    return rdflib.Graph().parse(data=answer.data, format=RDFLIB_NAME[extension])


def ids(found: rdflib.Graph) -> set[str]:
    return {str(s).rsplit("/", 1)[1] for s in found.subjects(rdflib.RDF.type, DCAT.Dataset)}


def crawl(get: Get, part: str = "") -> Iterator[rdflib.Graph]:
    """Yield the pages that a harvester follows."""
    address: str | None = f"{part}/catalog.ttl"
    read: set[str] = set()
    while address:
        assert address not in read, "a page leads back"
        read.add(address)
        page = graph(get(address.removeprefix("http://test.ckan.net")))
        yield page
        (view,) = page.subjects(rdflib.RDF.type, HYDRA.PartialCollectionView)
        following = page.value(view, HYDRA.next)
        assert following == page.value(view, HYDRA.nextPage)
        assert following is None or isinstance(following, rdflib.URIRef)
        address = str(following) if following else None


def links(answer: Any) -> dict[str, int]:
    """Return relation → number of the page that the header names."""
    assert answer.status_code == 200
    named = re.findall(r'page=(\d+)>; rel="(\w+)"', answer.headers["Link"])
    return {relation: int(number) for number, relation in named if relation != "alternate"}


class TestFormats:
    @pytest.mark.parametrize("address", ["/catalog.{}", "/catalog.{}?page=2", "/catalog/all.{}"])
    def test_two_parsers_agree_on_every_format(self, address: str, datasets: Any, get: Get) -> None:
        graphs = {}
        for extension, form in FORMATS.items():
            body = get(address.format(extension)).data
            graphs[extension] = graph(get(address.format(extension)), extension)
            parser = pyoxigraph.RdfFormat.TURTLE if extension == "n3" else form.writer
            other = {quad.triple for quad in pyoxigraph.parse(body, format=parser)}
            assert len(other) == len(graphs[extension]), extension
        without_paging = [
            {triple for triple in each if not triple[0].startswith("http://test.ckan.net/catalog.")}
            for each in graphs.values()
        ]
        assert all(each == without_paging[0] for each in without_paging)

    @pytest.mark.parametrize("address", ["/catalog.jsonld?page=2", "/catalog/all.jsonld"])
    def test_json_ld_is_compact_with_its_context(
        self, address: str, datasets: Any, get: Get
    ) -> None:
        document = json.loads(get(address).data)
        assert document["@context"]["dcat"] == str(DCAT)
        titled = [each for each in document["@graph"] if "dcat:Dataset" in each.get("@type", "")]
        assert titled
        assert all("dct:title" in each for each in titled)
        assert not [name for each in document["@graph"] for name in each if "//" in name]

    def test_a_page_describes_the_neighbours_of_its_datasets(self, datasets: Any, get: Get) -> None:
        page = graph(get("/catalog.ttl?page=3"))
        named = {
            value
            for value in page.objects()
            if isinstance(value, rdflib.URIRef)
            and "/dataset/" not in value
            and str(value).startswith(("http://test.ckan.net/idea/", "http://test.ckan.net/org"))
        }
        assert named
        assert all((each, rdflib.RDF.type, None) in page for each in named)

    def test_a_private_neighbour_is_not_described(self, feed: Log, get: Get) -> None:
        idea = factories.Idea(private=True, title="Secret")
        factories.MarathonDataset(idea=[idea["id"]])
        for address in ("/catalog.nt", "/catalog/all.nt"):
            assert "Secret" not in get(address).text
            assert idea["id"] not in get(address).text

    def test_gzip_has_the_same_content(self, datasets: Any, get: Get) -> None:
        for address in ("/catalog.ttl", "/catalog/all.jsonld"):
            zipped = get(address, Accept_Encoding="gzip")
            assert zipped.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(zipped.data) == get(address).data
            assert "Accept-Encoding" in zipped.headers["Vary"]
            refused = get(address, Accept_Encoding="gzip;q=0")
            assert "Content-Encoding" not in refused.headers

    def test_an_unknown_format_gets_404_with_the_known_ones(self, datasets: Any, get: Get) -> None:
        for address in ("/catalog.exe", "/catalog/all.exe"):
            answer = get(address)
            assert answer.status_code == 404
            assert "jsonld" in answer.text


class TestPages:
    def test_a_crawl_sees_each_dataset_once(self, datasets: Any, get: Get) -> None:
        pages = [ids(page) for page in crawl(get)]
        assert [len(each) for each in pages] == [2, 2, 1]
        assert set.union(*pages) == {each["id"] for each in datasets}

    def test_a_deletion_moves_no_dataset_to_another_page(self, datasets: Any, get: Get) -> None:
        before = ids(graph(get("/catalog.ttl?page=2")))
        call_action("package_delete", id=datasets[0]["id"])
        assert ids(graph(get("/catalog.ttl?page=2"))) == before
        assert ids(graph(get("/catalog.ttl?page=1"))) == {datasets[1]["id"]}

    def test_an_edit_moves_no_dataset_to_another_page(self, datasets: Any, get: Get) -> None:
        before = [ids(page) for page in crawl(get)]
        call_action("package_patch", id=datasets[4]["id"], title="Newest")
        assert [ids(page) for page in crawl(get)] == before

    def test_empty_pages_are_skipped_and_can_still_be_fetched(
        self, datasets: Any, get: Get
    ) -> None:
        for dataset in datasets[2:4]:
            call_action("package_delete", id=dataset["id"])
        assert [len(ids(page)) for page in crawl(get)] == [2, 1]
        assert ids(graph(get("/catalog.ttl?page=2"))) == set()

    def test_a_page_after_the_last_gets_404(self, datasets: Any, get: Get) -> None:
        assert get("/catalog.ttl?page=4").status_code == 404

    @pytest.mark.parametrize("is_part", [False, True])
    def test_pages_link_to_the_next_and_previous(
        self, datasets: list[dict[str, Any]], get: Get, is_part: bool
    ) -> None:
        owner = datasets[0]["owner_org"]
        part = f"/organization/{owner}" if is_part else ""
        seen = [sorted(ids(page)) for page in crawl(get, part)]
        order = [each["id"] for each in datasets]
        assert seen == [sorted(order[:2]), sorted(order[2:4]), order[4:]]
        # The first of each of two pages is deleted: only the second is left at their edges.
        for dataset in (datasets[0], datasets[2]):
            call_action("package_delete", id=dataset["id"])
        found = [links(get(f"{part}/catalog.ttl?page={number}")) for number in (1, 2, 3)]
        assert [each.get("prev") for each in found] == [None, 1, 2]
        assert [each.get("next") for each in found] == [2, 3, None]
        assert [each["first"] for each in found] == [1, 1, 1]
        assert [each["last"] for each in found] == [3, 3, 3]
        call_action("package_delete", id=datasets[3]["id"])
        assert links(get(f"{part}/catalog.ttl?page=1"))["next"] == 3
        assert links(get(f"{part}/catalog.ttl?page=3"))["prev"] == 1
        assert get(f"{part}/catalog.ttl?page=4").status_code == 404

    def test_an_organisations_new_name_is_on_every_page(self, datasets: Any, get: Get) -> None:
        for page in crawl(get):
            assert "Renamed" not in page.serialize()
        call_action("organization_patch", id=datasets[0]["owner_org"], title="Renamed")
        for page in crawl(get):
            assert "Renamed" in page.serialize()

    def test_page_size_and_iris_stay_when_the_settings_change(
        self, datasets: Any, get: Get, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "ckanext.dcat.datasets_per_page", 50)
        monkeypatch.setitem(ckan_config, "ckanext.dcat.base_uri", "https://other.example.gt")
        call_action("package_patch", id=datasets[0]["id"], title="Edited")
        page = graph(get("/catalog.ttl"))
        assert len(ids(page)) == SIZE
        assert "other.example.gt/dataset" not in page.serialize()


class TestWhole:
    def test_the_whole_catalogue_has_every_dataset_and_the_change_number(
        self, datasets: Any, get: Get, feed: Log
    ) -> None:
        answer = get("/catalog/all.ttl")
        found = graph(answer)
        assert ids(found) == {each["id"] for each in datasets}
        term = rdflib.URIRef("http://test.ckan.net/vocabulary/def#changeNumber")
        (number,) = found.objects(None, term)
        assert int(number) == feed.number
        assert answer.headers["Marathon-Feed-Cursor"].split(".")[1] == str(feed.number)

    def test_an_incomplete_log_is_served_in_pages_but_not_as_a_whole(
        self, datasets: Any, get: Get
    ) -> None:
        clock.lock_clock()
        clock.set_complete(False)
        model.repo.commit()
        answer = get("/catalog/all.ttl")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert len(ids(graph(get("/catalog.ttl")))) == SIZE


class TestUnchanged:
    @pytest.mark.parametrize("address", ["/catalog.ttl", "/catalog/all.rdf"])
    def test_a_known_etag_gets_304(self, address: str, datasets: Any, get: Get) -> None:
        tag = get(address).headers["ETag"]
        again = get(address, If_None_Match=tag)
        assert again.status_code == 304
        assert again.data == b""
        assert again.headers["ETag"] == tag
        call_action("package_patch", id=datasets[0]["id"], title="Edited")
        assert get(address, If_None_Match=tag).status_code == 200

    def test_each_format_and_encoding_has_its_own_etag(self, datasets: Any, get: Get) -> None:
        tags = [get(f"/catalog.{each}").headers["ETag"] for each in FORMATS]
        tags.append(get("/catalog.ttl", Accept_Encoding="gzip").headers["ETag"])
        assert len(set(tags)) == len(tags)

    def test_the_same_number_after_a_restore_has_another_etag(
        self, datasets: Any, get: Get
    ) -> None:
        """After an older database was brought back, numbers are given again."""
        tag = get("/catalog.ttl").headers["ETag"]
        model.Session.execute(sa.text("UPDATE marathon_feed_clock SET mark = mark # 1"))
        model.repo.commit()
        assert get("/catalog.ttl").headers["ETag"] != tag
        assert get("/catalog.ttl", If_None_Match=tag).status_code == 200

    def test_only_the_exact_date_of_the_last_change_gets_304(self, datasets: Any, get: Get) -> None:
        later, earlier = "Fri, 01 Jan 2100 00:00:00 GMT", "Fri, 01 Jan 2010 00:00:00 GMT"
        set_back(seconds=100)
        answer = get("/catalog.ttl")
        date = answer.headers["Last-Modified"]
        published = log_state.read_state().published
        # The whole second after the change: within its own second another one may follow.
        assert parse_date(date) == published.replace(microsecond=0) + timedelta(seconds=1)
        endless = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
        far = "Mon, 01 Jan 2024 00:00:00 +99999999999999"
        ignored = [(each, 200) for each in ("nonsense", endless, far)]
        # A later date may be of a state that was lost when an older database was brought back.
        for since, status in ((date, 304), (later, 200), (earlier, 200), *ignored):
            assert get("/catalog.ttl", If_Modified_Since=since).status_code == status, since
        both = get("/catalog.ttl", If_Modified_Since=date, If_None_Match='"other"')
        assert both.status_code == 200

    @pytest.mark.parametrize("seconds", [-5, 30])
    def test_last_modified_is_left_out_shortly_after_a_change(
        self, datasets: Any, get: Get, seconds: int
    ) -> None:
        set_back(seconds)
        assert "Last-Modified" not in get("/catalog.ttl").headers

    def test_a_new_epoch_invalidates_last_modified(self, datasets: Any, get: Get) -> None:
        set_back(seconds=100)
        date = get("/catalog.ttl").headers["Last-Modified"]
        clock.lock_clock()
        clock.begin_epoch()
        model.repo.commit()
        assert get("/catalog.ttl", If_Modified_Since=date).status_code == 200

    def test_changed_settings_change_the_etag_and_the_content(
        self, datasets: Any, get: Get, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A known ETag gets no 304, and no cached answer is served."""
        monkeypatch.setitem(ckan_config, "email_to", "antes@example.gt")
        before = get("/data.json")
        assert "antes@example.gt" in before.text
        monkeypatch.setitem(ckan_config, "email_to", "ahora@example.gt")
        after = get("/data.json", If_None_Match=before.headers["ETag"])
        assert after.status_code == 200
        assert "ahora@example.gt" in after.text
        assert "antes@example.gt" not in after.text

    @pytest.mark.parametrize("accepted", ["identity", "gzip", "gzip, br"])
    @pytest.mark.parametrize("address", STREAMS)
    def test_head_of_a_stream_has_the_headers_of_get(
        self, datasets: Any, app: Any, accepted: str, address: str
    ) -> None:
        client = app.flask_app.test_client()
        head, whole = (
            ask(address, headers={"Accept-Encoding": accepted}) for ask in (client.head, client.get)
        )
        assert head.status_code == whole.status_code == 200
        for name in ("ETag", "Content-Encoding", "Content-Type", "Vary", "Cache-Control"):
            assert head.headers.get(name) == whole.headers.get(name), name
        assert head.headers.get("Content-Length") in (None, whole.headers.get("Content-Length"))
        head.close()
        whole.close()

    def test_head_is_get_without_the_body(self, datasets: Any, app: Any, get: Get) -> None:
        client = app.flask_app.test_client()
        for address in ("/catalog.ttl", "/catalog/all.ttl"):
            head = client.head(address)
            assert head.status_code == 200
            assert head.data == b""
            assert head.headers["ETag"] == get(address).headers["ETag"]


def open_transactions() -> list[str]:
    """Return the last statement of each transaction that is open, our session's left out."""
    model.Session.remove()
    query = """
        SELECT query FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
    """
    # Of the pool's own connections, none would be left to ask where all are in use.
    engine = sa.create_engine(model.meta.engine.url, poolclass=sa.NullPool)  # type: ignore[union-attr]
    with engine.connect() as connection:
        return list(connection.scalars(sa.text(query)))


@pytest.mark.parametrize("address", STREAMS)
class TestTransactions:
    """A migration waits for each that is open, and the pool has few."""

    def test_a_completed_answer_leaves_no_transaction_open(
        self, address: str, datasets: Any, app: Any
    ) -> None:
        answer = app.flask_app.test_client().get(address)
        assert open_transactions(), "nothing is streamed: nothing is tried"
        assert answer.data
        # It is not closed: a server does that later.
        assert open_transactions() == []

    def test_an_aborted_answer_leaves_no_transaction_open(
        self, address: str, datasets: Any, app: Any
    ) -> None:
        answer = app.flask_app.test_client().get(address)
        assert open_transactions()
        answer.close()
        assert open_transactions() == []

    def test_a_head_request_leaves_no_transaction_open(
        self, address: str, datasets: Any, app: Any
    ) -> None:
        answer = app.flask_app.test_client().head(address)
        answer.close()
        assert open_transactions() == []

    def test_the_test_client_leaves_no_transaction_open(
        self, address: str, datasets: Any, app: Any
    ) -> None:
        answer = app.get(address)
        assert open_transactions() == []
        assert answer.status_code == 200


class TestLinks:
    def test_the_link_header_names_other_formats_and_pages(self, datasets: Any, get: Get) -> None:
        link = get("/catalog.ttl?page=2").headers["Link"]
        assert '<http://test.ckan.net/catalog.ttl?page=3>; rel="next"' in link
        assert '<http://test.ckan.net/catalog.ttl?page=1>; rel="prev"' in link
        assert (
            '<http://test.ckan.net/catalog.jsonld?page=2>; rel="alternate"; '
            'type="application/ld+json"' in link
        )

    def test_the_catalogue_allows_cross_origin_requests(self, datasets: Any, get: Get) -> None:
        assert get("/catalog.ttl").headers["Access-Control-Allow-Origin"] == "*"


class TestWithoutSolr:
    def test_feeds_are_served_without_solr(
        self, datasets: Any, get: Get, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nowhere")
        assert not search.is_available()
        for address in ("/catalog.ttl", "/catalog/all.jsonld"):
            assert get(address).status_code == 200
        assert get("/catalog.ttl?q=water").status_code == 503


def set_back(seconds: int) -> None:
    """Let the last change be so many seconds ago (or ahead)."""
    statement = (
        "UPDATE marathon_feed_clock SET published = clock_timestamp() - :ago * interval '1s'"
    )
    model.Session.connection().exec_driver_sql(statement.replace(":ago", str(seconds)))
    model.repo.commit()
