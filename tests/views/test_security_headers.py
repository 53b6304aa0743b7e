"""Headers that protect pages, by the setting that asks for them."""

from __future__ import annotations

from typing import Any

import pytest
from ckan import plugins
from ckan.exceptions import CkanConfigurationException

from ckanext.marathon.views.security_headers import parse_sources
from tests.factories import MarathonDataset

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

CSP, REPORTED = "Content-Security-Policy", "Content-Security-Policy-Report-Only"
MODE = "ckanext.marathon.security_headers"
OWN, CKANS = "/agenda", "/dataset/"
FEEDS = ["/catalog.ttl", "/catalog/all.nt", "/catalog/changes", "/data.json", "/catalog.csv"]


def policy(answer: Any, header: str = CSP) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers[header].split(";"))
    return {part[0]: part[1:] for part in parts}


def test_every_answer_has_nosniff(visitor: Reader) -> None:
    for path in (
        *(OWN, CKANS, "/no-existe", "/catalog", "/base/images/ckan-logo-footer.png"),
        *("/api/3/action/status_show", "/api/3/action/no_existe", "/user/login", *FEEDS),
    ):
        assert visitor.get(path).headers["X-Content-Type-Options"] == "nosniff", path


def test_by_default_only_our_pages_have_a_minimal_policy(
    visitor: Reader,
) -> None:
    own = visitor.get(OWN)
    assert policy(own) == {
        "frame-ancestors": ["'self'"],
        "base-uri": ["'self'"],
        "object-src": ["'none'"],
    }
    assert own.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    others = visitor.get(CKANS).headers
    for header in (CSP, REPORTED, "Referrer-Policy", "Permissions-Policy", "X-Frame-Options"):
        assert header not in others


@pytest.mark.parametrize("mode", ["off", "report-only"])
def test_without_enforcement_there_is_no_hsts(
    visitor: Reader, ckan_config: Any, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """A site that ends https later would be out of reach for a year."""
    monkeypatch.setitem(ckan_config, "ckan.site_url", "https://datos.example.gt")
    monkeypatch.setitem(ckan_config, MODE, mode)
    assert "Strict-Transport-Security" not in visitor.get(OWN).headers


@pytest.mark.ckan_config(MODE, "report-only")
def test_report_only_sends_no_enforced_policy(visitor: Reader) -> None:
    for path in (OWN, CKANS):
        answer = visitor.get(path)
        assert policy(answer, REPORTED)["script-src"] == ["'self'"]
        assert CSP not in answer.headers
        assert "X-Frame-Options" not in answer.headers


@pytest.mark.ckan_config(MODE, "enforce")
class TestEnforced:
    """Where the policy holds."""

    def test_every_page_has_every_header(self, visitor: Reader) -> None:
        for path in (OWN, CKANS, "/no-existe", "/user/login"):
            headers = visitor.get(path).headers
            for name, value in {
                "Referrer-Policy": "strict-origin-when-cross-origin",
                "X-Frame-Options": "SAMEORIGIN",
                "Cross-Origin-Opener-Policy": "same-origin",
            }.items():
                assert headers[name] == value, path
            assert "geolocation=()" in headers["Permissions-Policy"]
            assert "Strict-Transport-Security" not in headers

    def test_no_inline_script_is_allowed(self, visitor: Reader) -> None:
        for path in (OWN, CKANS):
            allowed = policy(visitor.get(path))
            assert allowed["frame-ancestors"] == ["'self'"]
            assert allowed["object-src"] == ["'none'"]
            assert allowed["base-uri"] == ["'self'"]
            assert allowed["form-action"] == ["'self'"]
            for sources in (allowed["script-src"], allowed["default-src"]):
                assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:", "data:"} & {*sources}

    def test_only_views_of_files_may_be_framed_by_other_sites(self, visitor: Reader) -> None:
        """CKAN offers their addresses for that. Whether there is such a view does not matter."""
        embedded = visitor.get("/dataset/x/resource/y/view/z")
        assert policy(embedded)["frame-ancestors"] == ["*"]
        assert "X-Frame-Options" not in embedded.headers
        for path in ("/dataset/x/resource/y", "/dataset/x/resource/y/views"):
            answer = visitor.get(path)
            assert policy(answer)["frame-ancestors"] == ["'self'"], path
            assert answer.headers["X-Frame-Options"] == "SAMEORIGIN", path

    def test_feeds_have_no_policy(self, visitor: Reader) -> None:
        MarathonDataset()
        for path in ("/catalog.ttl", "/catalog/changes"):
            answer = visitor.get(path)
            assert answer.status_code == 200, (path, answer.text)
            assert CSP not in answer.headers, path
            if "ETag" not in answer.headers:
                continue
            same = visitor.get(path, **{"If-None-Match": answer.headers["ETag"]})
            assert same.status_code == 304
            assert same.headers["ETag"] == answer.headers["ETag"]
            for name in ("Access-Control-Allow-Origin", "Vary"):
                assert same.headers.get(name) == answer.headers.get(name)
            assert CSP not in same.headers

    @pytest.mark.ckan_config("ckan.site_url", "https://datos.example.gt")
    def test_https_sites_send_hsts(self, visitor: Reader) -> None:
        for path in (OWN, "/catalog.ttl"):
            assert visitor.get(path).headers["Strict-Transport-Security"] == "max-age=31536000"

    @pytest.mark.ckan_config("ckan.site_url", "https://datos.example.gt")
    def test_the_policy_allows_the_site_url_under_another_host(self, visitor: Reader) -> None:
        allowed = policy(visitor.get(OWN, Host="127.0.0.1:5000"))
        for directive in ("script-src", "style-src", "form-action"):
            assert "https://datos.example.gt" in allowed[directive]

    @pytest.mark.ckan_config(
        "ckanext.marathon.csp_sources",
        "script-src https://stats.example.gt; connect-src https://stats.example.gt; "
        "object-src https://viewer.example.gt; report-uri /csp",
    )
    def test_a_setting_adds_sources(self, visitor: Reader) -> None:
        allowed = policy(visitor.get(OWN))
        assert allowed["script-src"][0] == "'self'"
        assert allowed["script-src"][-1] == "https://stats.example.gt"
        # A directive of its own no longer follows default-src.
        assert allowed["connect-src"][0] == "'self'"
        assert allowed["connect-src"][-1] == "https://stats.example.gt"
        assert allowed["object-src"] == ["https://viewer.example.gt"]
        assert allowed["report-uri"] == ["/csp"]

    @pytest.mark.ckan_config("ckanext.marathon.files_url", "https://files.example.gt")
    def test_pages_may_read_the_files_of_their_own_host(self, visitor: Reader) -> None:
        allowed = policy(visitor.get(OWN))
        assert "https://files.example.gt" in allowed["connect-src"]
        assert "https://files.example.gt" not in allowed["script-src"]


@pytest.mark.parametrize(
    "text", ["script-src https://a, x", "https://a.example", "Script-Src 'self'"]
)
def test_a_malformed_policy_setting_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"https|x|Script"):
        parse_sources(text)


def test_a_malformed_policy_setting_stops_the_start(
    ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ckan_config, "ckanext.marathon.csp_sources", "https://a.example")
    with pytest.raises(CkanConfigurationException, match="csp_sources"):
        plugins.get_plugin("marathon").update_config(ckan_config)  # type: ignore[union-attr]
