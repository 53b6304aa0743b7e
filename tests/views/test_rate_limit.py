"""Costly requests are limited for each client, and only while Valkey counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from ckan.exceptions import CkanConfigurationException
from ckan.lib.redis import connect_to_redis
from ckan.tests import factories

from ckanext.marathon.views import rate_limit
from tests.factories import MarathonDataset

SEARCH = "/api/3/action/package_search"


def _forget_counts() -> None:
    rate_limit._paused_until = 0.0
    connection = connect_to_redis()
    for key in connection.scan_iter("*marathon:limit:*"):
        connection.delete(key)


@pytest.fixture
def limited(
    ckan_config: Any, marathon_site: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Three searches, two exports and one account request an hour."""
    _forget_counts()
    monkeypatch.setitem(ckan_config, "ckanext.marathon.rate_limits", True)
    for cost, number in (("search", 3), ("export", 2), ("account", 1)):
        option = f"ckanext.marathon.rate_limit_{cost}"
        monkeypatch.setitem(ckan_config, option, f"{number} per hour")
    yield
    _forget_counts()


@pytest.mark.usefixtures("limited")
class TestLimit:
    def test_the_fourth_search_gets_429_with_retry_after(self, app: Any) -> None:
        for _ in range(3):
            assert app.get(SEARCH).status_code == 200
        refused = app.get(SEARCH)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 3600
        assert refused.json["success"] is False
        assert "minutes" in refused.json["error"]["message"]

    def test_workbooks_and_files_of_changes_count_as_exports(self, app: Any) -> None:
        files = [
            rule
            for rule in app.flask_app.url_map.iter_rules()
            if rule.rule.endswith((".xlsx", "/changes.csv"))
            # Feeds are never limited.
            and not rule.endpoint.startswith("marathon_catalog.")
        ]
        assert len(files) >= 5
        for rule in files:
            path = rule.rule.replace("<id>", "none").replace("<code>", "2105")
            with app.flask_app.test_request_context(path):
                assert rate_limit.find_cost() is rate_limit.RequestCost.EXPORT, rule

    def test_pages_and_api_share_one_limit(self, app: Any) -> None:
        for path in ("/dataset/", "/marathon/search?q=agua", SEARCH):
            assert app.get(path).status_code == 200
        refused = app.get("/idea/")
        assert refused.status_code == 429
        assert "Demasiadas" in app.get("/es/idea/").text

    def test_reports_have_their_own_limit(self, app: Any) -> None:
        for _ in range(4):
            app.get(SEARCH)
        assert app.get("/marathon/report").status_code == 200
        assert app.get("/marathon/report").status_code == 200
        assert app.get("/marathon/report").status_code == 429

    def test_feeds_and_pages_of_one_record_are_never_limited(self, app: Any) -> None:
        dataset = MarathonDataset()
        for path in ("/catalog.ttl", "/data.json", f"/dataset/{dataset['name']}", "/health"):
            answers = {app.get(path).status_code for _ in range(5)}
            assert 429 not in answers, path

    def test_searches_of_the_catalogue_are_limited(self, app: Any) -> None:
        for _ in range(3):
            assert app.get("/catalog.ttl?q=agua").status_code == 200
        assert app.get("/catalog.ttl?q=agua").status_code == 429
        assert app.get("/catalog.ttl").status_code == 200

    def test_answers_with_304_are_not_counted(self, app: Any) -> None:
        path = f"/d/{MarathonDataset()['id'][:8]}.svg"
        first = app.get(path)
        assert first.status_code == 200
        for _ in range(3):
            again = app.get(path, headers={"If-None-Match": first.headers["ETag"]})
            assert again.status_code == 304
        assert app.get("/marathon/report").status_code == 200
        assert app.get("/marathon/report").status_code == 429

    def test_asking_for_a_new_password_is_limited(self, app: Any) -> None:
        form = {"user": "nobody-of-this-name"}
        first = app.post("/user/reset", data=form, follow_redirects=False)
        assert first.status_code == 302
        assert app.post("/user/reset", data=form, follow_redirects=False).status_code == 429
        assert app.get("/user/reset").status_code == 200


@pytest.mark.usefixtures("limited")
class TestClient:
    def test_each_address_behind_a_trusted_proxy_has_its_own_limit(self, app: Any) -> None:
        for number in range(2):
            headers = {"X-Forwarded-For": f"192.0.2.{number}"}
            answers = [app.get(SEARCH, headers=headers).status_code for _ in range(4)]
            assert answers == [200, 200, 200, 429]

    def test_each_account_has_one_limit_over_all_addresses(self, app: Any) -> None:
        for _ in range(2):
            token = factories.UserWithToken()["token"]
            answers = [
                app.get(
                    SEARCH,
                    headers={"Authorization": token, "X-Forwarded-For": f"192.0.2.{number}"},
                ).status_code
                for number in range(4)
            ]
            assert answers == [200, 200, 200, 429]

    def test_a_forwarded_address_from_an_untrusted_client_is_ignored(
        self, app: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(4):
            # The proxy appends the address that it sees.
            headers = {"X-Forwarded-For": f"198.51.100.{number}, 192.0.2.7"}
            answer = app.get(SEARCH, headers=headers)
        assert answer.status_code == 429
        _forget_counts()
        monkeypatch.setitem(ckan_config, "ckanext.marathon.trusted_proxies", "")
        for number in range(4):
            answer = app.get(SEARCH, headers={"X-Forwarded-For": f"192.0.2.{number}"})
        assert answer.status_code == 429

    @pytest.mark.parametrize(
        ("remote", "forwarded", "expected"),
        [
            ("203.0.113.5", "192.0.2.1", "203.0.113.5"),
            ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "192.0.2.1, 10.0.0.4", "192.0.2.1"),
            ("127.0.0.1", "192.0.2.1, nonsense", "127.0.0.1"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("", "192.0.2.1", "192.0.2.1"),
            ("", "", "local"),
            ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
            ("::ffff:203.0.113.5", "", "203.0.113.5"),
        ],
    )
    def test_only_trusted_proxies_forward_the_address_of_a_client(
        self,
        app: Any,
        ckan_config: Any,
        monkeypatch: pytest.MonkeyPatch,
        remote: str,
        forwarded: str,
        expected: str,
    ) -> None:
        setting = "127.0.0.1 ::1 10.0.0.0/8"
        monkeypatch.setitem(ckan_config, "ckanext.marathon.trusted_proxies", setting)
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        environ = {"REMOTE_ADDR": remote}
        with app.flask_app.test_request_context("/", headers=headers, environ_overrides=environ):
            assert rate_limit.find_address() == expected


class TestCounter:
    def test_nothing_is_limited_without_valkey(
        self, limited: None, app: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "ckan.redis.url", "redis://127.0.0.1:9/0")
        assert {app.get(SEARCH).status_code for _ in range(5)} == {200}
        assert rate_limit._paused_until > 0

    def test_an_unreachable_valkey_is_not_tried_again_at_once(
        self, limited: None, app: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a failure, requests do not wait for Valkey for some seconds."""
        asked = []
        ask = rate_limit._counter
        monkeypatch.setattr(rate_limit, "_counter", lambda *given: asked.append(1) or ask(*given))
        monkeypatch.setitem(ckan_config, "ckan.redis.url", "redis://127.0.0.1:9/0")
        for _ in range(3):
            app.get(SEARCH)
        assert len(asked) == 1
        monkeypatch.setattr(rate_limit, "_paused_until", 0.0)
        app.get(SEARCH)
        assert len(asked) == 2

    def test_nothing_is_counted_without_the_setting(self, marathon_site: None, app: Any) -> None:
        _forget_counts()
        app.get(SEARCH)
        assert not list(connect_to_redis().scan_iter("*marathon:limit:*"))

    def test_other_exceptions_are_not_suppressed(self) -> None:
        with pytest.raises(ZeroDivisionError), rate_limit._counting():
            _ = 1 / 0

    def test_failures_of_valkey_are_suppressed(self) -> None:
        with rate_limit._counting():
            raise redis.TimeoutError
        assert rate_limit._paused_until > 0
        rate_limit._paused_until = 0.0


class TestSettings:
    @pytest.mark.parametrize("text", ["", "many", "3", "per hour"])
    def test_a_malformed_limit_stops_the_start(self, text: str) -> None:
        with pytest.raises(CkanConfigurationException, match=r"rate_limit_search"):
            rate_limit.read_limit("ckanext.marathon.rate_limit_search", text)

    def test_a_malformed_network_stops_the_start(self) -> None:
        with pytest.raises(CkanConfigurationException, match=r"trusted_proxies.*10\.0\.0\.0/33"):
            rate_limit.read_networks("127.0.0.1 10.0.0.0/33")

    @pytest.mark.parametrize(
        "option",
        [
            *("ckanext.marathon.rate_limit_search", "ckanext.marathon.rate_limit_export"),
            *("ckanext.marathon.rate_limit_account", "ckanext.marathon.trusted_proxies"),
        ],
    )
    def test_each_setting_is_validated_at_the_start(
        self, ckan_config: Any, monkeypatch: pytest.MonkeyPatch, option: str
    ) -> None:
        monkeypatch.setitem(ckan_config, option, "nonsense")
        with pytest.raises(CkanConfigurationException, match=option):
            rate_limit.check_settings()
