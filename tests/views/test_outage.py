"""Unreachable and hanging servers give 503 in time, without their address."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pysolr
import pytest
import sqlalchemy as sa
from ckan import logic, model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action
from psycopg2 import sql
from sqlalchemy.pool import QueuePool

from ckanext.marathon.logic import redacting
from ckanext.marathon.search import connection
from tests import private_names
from tests.factories import MarathonDataset, Workshop

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

PASSWORD = "the-password-of-solr"
SEARCH = "/api/3/action/package_search?q=agua"


@pytest.fixture
def sysadmin(marathon_site: None, app: Any) -> Reader:
    return Reader(app, core.Sysadmin())


@pytest.fixture(autouse=True)
def breaker(monkeypatch: pytest.MonkeyPatch) -> connection.CircuitBreaker:
    """A breaker that knows of no earlier test."""
    made = connection.CircuitBreaker()
    monkeypatch.setattr(connection, "BREAKER", made)
    return made


@pytest.fixture
def solr_password(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(ckan_config, "solr_user", "ckan")
    monkeypatch.setitem(ckan_config, "solr_password", PASSWORD)
    redacting.start_redacting()
    yield
    monkeypatch.undo()
    redacting.start_redacting()


@pytest.fixture
def no_solr(solr_password: None, ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")


@pytest.fixture
def hanging_solr(
    solr_password: None, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Something takes the connections that are meant for Solr and never answers."""
    monkeypatch.setattr(connection, "QUERY_SECONDS", 0.5)
    monkeypatch.setattr(connection, "UPDATE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/solr/nobody"
        monkeypatch.setitem(ckan_config, "solr_url", url)
        yield


class TestSolrAway:
    def test_the_api_answers_503_without_address_and_password_of_solr(
        self,
        visitor: Reader,
        sysadmin: Reader,
        no_solr: None,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        # The logger of Solr's client, which the tests' configuration does not name.
        monkeypatch.setattr(logging.getLogger("pysolr"), "disabled", False)
        answers = [visitor.get(SEARCH), sysadmin.get(SEARCH)]
        answers.append(
            sysadmin.post("/api/3/action/package_autocomplete", {"q": "agua", "limit": "5"})
        )
        for answer in answers:
            assert answer.status_code == 503, answer.text
            assert answer.headers["Retry-After"] == "60"
            error = answer.json["error"]
            assert answer.json["success"] is False
            assert error["__type"] == "Search Connection Error"
            assert "search engine is away" in error["message"]
            assert PASSWORD not in answer.text
            assert "127.0.0.1" not in answer.text
        assert "127.0.0.1" in caplog.text
        assert PASSWORD not in caplog.text

    def test_a_save_by_the_api_is_refused_with_503_and_nothing_is_saved(
        self, app: Any, sysadmin: Reader, request: pytest.FixtureRequest
    ) -> None:
        workshop = Workshop()
        request.getfixturevalue("no_solr")
        answer = sysadmin.post(
            "/api/3/action/package_patch", {"id": workshop["id"], "title": "Changed"}
        )
        assert answer.status_code == 503, answer.text
        assert PASSWORD not in answer.text
        model.Session.remove()
        assert model.Package.get(workshop["id"]).title == workshop["title"]

    def test_a_malformed_query_keeps_its_status(self, visitor: Reader) -> None:
        answer = visitor.get('/api/3/action/package_search?q=title:"')
        assert answer.status_code == 409
        assert answer.json["error"]["__type"] == "Search Error"


class TestQueriesThatSolrCannotRun:
    """Solr 9 answers most of these with 500, not 400."""

    @pytest.mark.parametrize(
        ("sent", "named"),
        [
            ({"q": "title:/[/", "rows": 3}, ""),
            ({"q": "title:/.{1000}{1000}/"}, "q"),
            ({"q": "agua", "fq": "title:x^-1"}, ""),
            ({"q": "title:" + "(" * 4_000 + "a" + ")" * 4_000}, "q"),
            ({"q": "agua", "qf": "title^b"}, "qf"),
            ({"q": "agua", "bf": "title^-1"}, ""),
            ({"q": "agua", "mm": "1", "tie": "-1"}, ""),
            ({"q": "agua", "sort": "text asc"}, ""),
            ({"q": "agua", "facet": "quizás"}, ""),
            ({"q": 'title:"'}, "q"),
        ],
    )
    def test_such_queries_get_409_and_name_the_parameter(
        self, visitor: Reader, sent: dict[str, Any], named: str
    ) -> None:
        answer = visitor.post_json("/api/3/action/package_search", sent)
        assert answer.status_code == 409, answer.text
        error = answer.json["error"]
        assert error["__type"] == "Search Error"
        assert f"Look at {named or ', '.join(sent)}: " in error["message"]
        # Neither CKAN's additions to the query nor names of its client.
        for inner in ("site_id", "permission_labels", "SolrError", "org.apache", "HTTP"):
            assert inner not in error["message"]

    def test_such_queries_get_400_outside_of_the_api(self, visitor: Reader) -> None:
        assert visitor.get("/feeds/custom.atom?q=title:/[/").status_code == 400

    def test_a_solr_that_fails_every_query_counts_as_away(
        self, visitor: Reader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_args: Any) -> str:
            raise pysolr.SolrError("Solr responded with an error (HTTP 500): [Reason: no heap]")

        monkeypatch.setattr(pysolr.Solr, "_send_request", fail)
        assert visitor.get(SEARCH).status_code == 503

    def test_a_solr_with_another_password_counts_as_away(
        self, visitor: Reader, solr_password: None
    ) -> None:
        answer = visitor.get(SEARCH)
        assert answer.status_code == 503, answer.text
        assert answer.json["error"]["__type"] == "Search Connection Error"


class TestSolrHangs:
    def test_after_two_time_outs_requests_fail_at_once(
        self, visitor: Reader, sysadmin: Reader, hanging_solr: None
    ) -> None:
        started = time.monotonic()
        assert visitor.get(SEARCH).status_code == 503
        assert visitor.get("/dataset/").status_code == 503
        waited = time.monotonic() - started
        assert waited >= 1
        started = time.monotonic()
        for _ in range(10):
            assert visitor.get(SEARCH).status_code == 503
        # Ten that waited would take five seconds.
        assert time.monotonic() - started < 4

    def test_saves_get_503_open_the_breaker_and_change_nothing(
        self, sysadmin: Reader, request: pytest.FixtureRequest
    ) -> None:
        dataset = MarathonDataset()
        request.getfixturevalue("hanging_solr")
        for _ in range(3):
            answer = sysadmin.post(
                "/api/3/action/package_patch", {"id": dataset["id"], "notes": "Changed"}
            )
            assert answer.status_code == 503, answer.text
        assert connection.BREAKER.is_open
        model.Session.remove()
        assert model.Package.get(dataset["id"]).notes == dataset["notes"]

    def test_solr_is_tried_again_after_a_pause(
        self,
        visitor: Reader,
        hanging_solr: None,
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(connection, "PAUSE_SECONDS", 1)
        for _ in range(3):
            assert visitor.get(SEARCH).status_code == 503
        monkeypatch.setitem(ckan_config, "solr_url", os.environ["CKAN_SOLR_URL"])
        monkeypatch.setitem(ckan_config, "solr_password", os.environ["CKAN_SOLR_PASSWORD"])
        time.sleep(1.1)
        assert visitor.get(SEARCH).status_code == 200
        assert not connection.BREAKER.is_open

    def test_the_list_of_organisations_gets_503_within_seconds(
        self, visitor: Reader, request: pytest.FixtureRequest
    ) -> None:
        MarathonDataset()
        request.getfixturevalue("hanging_solr")
        started = time.monotonic()
        answer = visitor.get("/api/3/action/organization_list?all_fields=true")
        assert answer.status_code == 503, answer.text
        assert time.monotonic() - started < 4


class TestConnectionsUsedUp:
    @pytest.mark.parametrize("path", ["/api/3/action/package_list", "/dataset/any"])
    def test_a_new_request_gets_503(
        self, visitor: Reader, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        assert visitor.get(path).status_code in {200, 404}
        model.Session.remove()
        engine = model.meta.engine
        pool = QueuePool(
            private_names.connect_as(engine), 1, 0, timeout=0.2, dialect=engine.dialect
        )
        monkeypatch.setattr(engine, "pool", pool)
        with engine.connect():
            answer = visitor.get(path)
            model.Session.remove()
        assert answer.status_code == 503, answer.text
        assert answer.headers["Retry-After"] == "60"
        assert visitor.get(path).status_code in {200, 404}

    @pytest.mark.parametrize("path", ["/api/3/action/status_show", "/dataset/any"])
    def test_a_running_request_gets_503(
        self, visitor: Reader, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        engine = model.meta.engine
        pool = QueuePool(
            private_names.connect_as(engine), 1, 0, timeout=0.2, dialect=engine.dialect
        )

        @logic.side_effect_free
        def act(_context: Any, _data_dict: Any) -> None:
            # The request gives its connection back, another one takes it.
            model.Session.remove()
            with monkeypatch.context() as patch:
                patch.setattr(engine, "pool", pool)
                with engine.connect():
                    model.Session.execute(sa.text("SELECT 1"))

        assert visitor.get(path).status_code in {200, 404}
        for name in ("status_show", "package_show"):
            monkeypatch.setitem(private_names.read_actions(), name, act)
        answer = visitor.get(path)
        assert answer.status_code == 503, answer.text
        assert answer.headers["Retry-After"] == "60"
        monkeypatch.undo()
        model.Session.remove()
        assert visitor.get(path).status_code in {200, 404}


@pytest.fixture
def no_database(visitor: Reader, sysadmin: Reader) -> Iterator[None]:
    """PostgreSQL takes no connections to the site's database and has ended those there were."""
    url = urlsplit(os.environ["CKAN_SQLALCHEMY_URL"])
    name = url.path.strip("/")
    # The pages' own preparations are done.
    assert visitor.get("/about").status_code == 200
    model.Session.remove()
    server = psycopg2.connect(url._replace(path="/postgres").geturl())
    server.autocommit = True
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    try:
        with server.cursor() as cursor:
            cursor.execute(allow.format(sql.Identifier(name), sql.Literal(False)))
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
    finally:
        with server.cursor() as cursor:
            cursor.execute(allow.format(sql.Identifier(name), sql.Literal(True)))
        server.close()
        model.Session.remove()


class TestDatabaseAway:
    @pytest.mark.parametrize(
        "path",
        ["/", "/dataset/", "/dataset/any", "/catalog.ttl", "/municipality/0115", "/user/login"],
    )
    def test_pages_answer_503_in_the_reader_s_language(
        self, visitor: Reader, sysadmin: Reader, no_database: None, path: str
    ) -> None:
        for reader in (visitor, sysadmin):
            answer = reader.get(path)
            assert answer.status_code == 503, path
            assert answer.headers["Retry-After"] == "60"
            assert "The database does not answer" in answer.text
        assert "La base de datos no responde" in visitor.get(f"/es{path}").text

    @pytest.mark.parametrize("action", ["package_search", "package_show?id=any", "status_show"])
    def test_the_api_answers_503_in_json(
        self, visitor: Reader, sysadmin: Reader, no_database: None, action: str
    ) -> None:
        for reader in (visitor, sysadmin):
            answer = reader.get(f"/api/3/action/{action}")
            assert answer.status_code == 503, answer.text
            assert json.loads(answer.text)["error"]["__type"] == "Database Connection Error"

    def test_pages_and_search_work_again_afterwards(
        self, visitor: Reader, request: pytest.FixtureRequest
    ) -> None:
        request.getfixturevalue("no_database")
        assert visitor.get("/dataset/").status_code == 503
        url = urlsplit(os.environ["CKAN_SQLALCHEMY_URL"])
        server = psycopg2.connect(url._replace(path="/postgres").geturl())
        server.autocommit = True
        with server.cursor() as cursor:
            name = sql.Identifier(url.path.strip("/"))
            cursor.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
        server.close()
        assert visitor.get("/dataset/").status_code == 200
        assert call_action("package_search")["count"] == 0
