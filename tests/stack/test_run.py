"""``make run`` for real: the first start and its results, accidents, and the end."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis
import requests

from stack.solr import find_free_port
from tests import databases
from tests.stack.conftest import until
from tests.stack.running import READY, RunningSite, Start, csrf_token, log_in, spawned


@pytest.fixture(scope="module")
def site(first_site: RunningSite) -> RunningSite:
    return first_site


class TestRunning:
    def test_every_printed_login_works(self, site: RunningSite) -> None:
        said = site.running().said()
        file = site.data / "site" / "logins.json"
        assert file.stat().st_mode & 0o777 == 0o600
        logins = json.loads(file.read_text())
        assert set(logins) == {"admin", "infom", "oficial"}
        for name, password in logins.items():
            assert re.search(rf"{name} +{re.escape(password)}", said)
            session = log_in(site.url, name, password)
            administration = session.get(f"{site.url}/ckan-admin/")
            assert administration.ok == (name == "admin")

    def test_every_printed_address_gets_200(self, site: RunningSite) -> None:
        addresses = re.findall(r"http://\S+", site.running().said())
        assert f"{site.url}/" in addresses
        assert f"{site.url}/catalog.ttl" in addresses
        for address in addresses:
            assert requests.get(address, timeout=60).status_code == 200, address

    def test_a_forgotten_password_and_an_invitation_need_no_mail_server(
        self, site: RunningSite
    ) -> None:
        logins = json.loads((site.running().data / "site" / "logins.json").read_text())
        page = requests.get(f"{site.url}/user/reset", timeout=60)
        form = {"user": "infom", "_csrf_token": csrf_token(page.text)}
        answer = requests.post(
            f"{site.url}/user/reset", form, cookies=page.cookies, allow_redirects=False, timeout=60
        )
        assert answer.status_code == 302

        session = log_in(site.url, "infom", logins["infom"])
        office = f"{site.url}/marathon/municipality"
        page = session.get(office).text
        organization = re.search(r'name="organization" value="([^"]+)"', page)
        assert organization is not None
        fields = {
            "email": "datos@sancarlos.example.gt",
            "organization": organization.group(1),
            "_csrf_token": csrf_token(page),
        }
        invited = session.post(f"{office}/invite", fields, headers={"Referer": office})
        assert invited.ok
        assert "/user/reset/" in invited.text

    def test_the_about_page_is_that_of_the_plugin(self, site: RunningSite) -> None:
        site.running()
        assert "maratones de ideas municipales" in site.get("/about").text

    def test_files_with_secrets_are_readable_by_the_owner_only(self, site: RunningSite) -> None:
        site.running()
        named = ["site/ckan.ini", "site/generated.ini", "site/kept.json", "run/postgres.password"]
        for name in [*named, "run/solr.password", "run/supervisord.conf"]:
            assert (site.data / name).stat().st_mode & 0o077 == 0, name

    def test_a_second_run_on_the_same_data_is_refused(self, site: RunningSite) -> None:
        first = site.running()
        second = site.run()
        assert second.process.wait() == 1
        assert f"in use by process {first.process.pid}" in second.said()
        assert first.process.poll() is None

    def test_a_killed_web_server_is_restarted(self, site: RunningSite) -> None:
        site.running()
        before = site.spawned("web")
        os.kill(before[-1], signal.SIGKILL)
        until(lambda: len(site.spawned("web")) > len(before))

        def answers() -> bool:
            try:
                return site.get("/api/3/action/status_show").ok
            except requests.RequestException:
                return False

        until(answers)


class TestStartingAgain:
    def test_after_kill_9_the_data_are_kept_and_setup_is_not_repeated(
        self, site: RunningSite
    ) -> None:
        first = site.running()
        count = site.datasets()
        assert count > 0
        logins = (site.data / "site" / "logins.json").read_text()
        with (site.data / "site" / "ckan.ini").open("a") as own:
            own.write("\nckan.site_title = Datos de prueba\n")
        first.end(signal.SIGKILL)
        # At once, while some of it is still going down.
        again = site.running()
        assert again is not first
        assert "database tables" not in again.said()
        assert site.datasets() == count
        assert (site.data / "site" / "logins.json").read_text() == logins
        status = site.get("/api/3/action/status_show").json()
        # The settings of the site's owner win.
        assert status["result"]["site_title"] == "Datos de prueba"


class TestEnding:
    def test_reset_without_a_terminal_needs_the_option_yes(self, site: RunningSite) -> None:
        run = site.running()
        refused = site.manage("reset")
        assert refused.process.returncode == 1
        assert "CONFIRM=yes" in refused.said()
        assert run.process.poll() is None

    def test_stop_ends_all_servers(self, site: RunningSite) -> None:
        run = site.running()
        assert len(run.servers()) >= 6
        assert site.manage("stop").process.returncode == 0
        assert run.process.wait() == 0
        assert not run.servers()
        nothing = site.manage("stop")
        assert nothing.process.returncode == 0
        assert "nothing was running" in nothing.said()

    def test_reset_deletes_the_data(self, site: RunningSite) -> None:
        assert (site.data / "postgres").exists()
        assert site.manage("reset", CONFIRM="yes").process.returncode == 0
        assert not site.data.exists()


@pytest.fixture
def servers_of_others() -> Iterator[dict[str, str]]:
    """Name a database, a Redis number and a Solr core of the servers that the tests run on."""
    database = databases.address("somebody_elses")
    databases.create(database)
    variables = {
        "CKAN_SQLALCHEMY_URL": database,
        "CKAN_REDIS_URL": databases.redis(1),
        "CKAN_SOLR_URL": os.environ["MARATHON_PORTAL_SOLR_URL"],
        "CKAN_SOLR_USER": os.environ["CKAN_SOLR_USER"],
        "CKAN_SOLR_PASSWORD": os.environ["CKAN_SOLR_PASSWORD"],
    }
    yield variables
    databases.drop(database)
    redis.Redis.from_url(variables["CKAN_REDIS_URL"]).flushdb()
    requests.post(
        f"{variables['CKAN_SOLR_URL']}/update?commit=true",
        json={"delete": {"query": "site_id:marathon"}},
        auth=(variables["CKAN_SOLR_USER"], variables["CKAN_SOLR_PASSWORD"]),
    ).raise_for_status()


class TestExternalServers:
    def test_the_site_uses_external_servers_and_starts_none(
        self, start: Start, tmp_path: Path, servers_of_others: dict[str, str]
    ) -> None:
        data, port = tmp_path / "data", str(find_free_port())
        run = start(
            data,
            "run",
            "--data",
            str(data),
            MARATHON_PORT=port,
            MARATHON_WITHOUT_EXAMPLES="1",
            **servers_of_others,
        )
        run.wait_for(READY)
        assert not spawned(data, "postgres")
        assert not spawned(data, "valkey")
        assert not spawned(data, "solr")
        assert not (data / "postgres").exists()
        found = requests.get(f"http://localhost:{port}/api/3/action/package_search").json()
        assert found["result"]["count"] > 0
        with psycopg2.connect(servers_of_others["CKAN_SQLALCHEMY_URL"]) as database:
            cursor = database.cursor()
            cursor.execute("SELECT count(*) FROM package")
            row = cursor.fetchone()
        assert row is not None
        assert row[0] > 0
        # Ctrl-C.
        assert run.end(signal.SIGINT) == 0
        assert not run.servers()

    @pytest.mark.parametrize(
        ("variable", "address"),
        [
            ("CKAN_SQLALCHEMY_URL", "postgresql://u:secret@127.0.0.1:9/ckan"),
            ("CKAN_REDIS_URL", "redis://:secret@127.0.0.1:9/0"),
            ("CKAN_SOLR_URL", "http://127.0.0.1:9/solr/ckan"),
        ],
    )
    def test_an_unreachable_server_is_named_without_its_password(
        self, start: Start, tmp_path: Path, variable: str, address: str
    ) -> None:
        data = tmp_path / "data"
        run = start(
            data,
            "run",
            "--data",
            str(data),
            MARATHON_PORT=str(find_free_port()),
            **{variable: address},
        )
        assert run.process.wait() == 1
        assert variable in run.said()
        assert "secret" not in run.said()
        assert len(run.said().strip().splitlines()) == 1
