"""Accidents of a running site: reading, saving, and recovery without help.

One site for the whole file, on a small disk of its own. ``make prove`` tries every state with the
doctor, lets each server hang by itself and be slow, and kills more workers. The table of
docs/running.md names these tests.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
import rq
from rq.utils import utcformat

from stack.solr import USER
from tests import proving
from tests.stack.conftest import starting, until
from tests.stack.faulty import DISK, LARGE, STORAGE, FaultySite, mounted
from tests.stack.running import READY, RunningSite
from tests.visitors import FilledForm, fill_in

SERVERS = ("solr", "valkey", "postgres")
EXAMINED = proving.count("faults that the doctor is asked about", 3, 8)
HANGING = proving.count("servers that hang one by one", 1, 3)
SLOW = proving.count("slow servers", 1, 3)
MOMENTS = proving.count("times that two officers save at the same moment", 2, 20)
KILLED = proving.count("web workers killed in an upload", 2, 20)

PAGES = ("/dataset", "/catalog.ttl", "/catalog/all.nt", "/api/3/action/package_search")
# Do not need the search engine.
FEEDS = ("/catalog.ttl", "/catalog/all.nt", "/data.json", "/catalog/changes")


@pytest.fixture(scope="module")
def site(first_site: RunningSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultySite]:
    data = tmp_path_factory.mktemp("faults") / "data"
    try:
        disk = mounted(data, DISK)
        disk.__enter__()
    except (OSError, subprocess.CalledProcessError):
        # Nothing else can be really full without filling somebody's real disk.
        proving.NOTES.append("ACCIDENTS OF A RUNNING SITE: NOT TRIED, mounting needs root")
        pytest.skip("a disk of its own cannot be mounted: run this as root")
    with starting() as start:
        site = FaultySite(start, data)
        # The site, set up once, on a disk of its own.
        first_site.running()
        assert first_site.manage("stop").process.returncode == 0
        with mounted(data / "site" / "storage", STORAGE):
            subprocess.run(["cp", "-a", f"{first_site.data}/.", str(data)], check=True)
            site.running()
            organization = site.call("organization_show", id="infom").json()["result"]
            made = site.call(
                "package_create",
                name=site.name,
                title="Pozos",
                notes="Profundidad de los pozos.",
                owner_org=organization["id"],
                service_problem=["AGU-01"],
                license_id="cc-by",
                resources=[{"url": "https://example.gt/pozos.csv", "format": "CSV"}],
            )
            assert made.ok, made.text
            yield site
            # To be read after a failure: the disk goes away.
            shutil.copytree(site.layout.logs, data.with_name("logs"))
    disk.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def in_order(site: FaultySite) -> None:
    """Have a test find the site well, whatever the one before has left."""
    site.put_in_order()


def examined(site: FaultySite, number: int) -> str:
    """Return the doctor's line about a fault, which must be there; "" without an expectation."""
    if number > EXAMINED:
        return ""
    code, said = site.doctor()
    assert code == 1, said
    return said


# The time after which the doctor reports a silent web worker as hanging, and some more.
HEARTBEAT_SECONDS = 11
# The time after which the web server replaces a silent worker.
REPLACED_SECONDS = 30


class TestHealth:
    def test_health_has_one_word_for_each_check(self, site: FaultySite) -> None:
        answer = requests.get(f"{site.url}/health", timeout=10)
        assert answer.status_code == 200
        names = ("database", "search", "queue", "feed", "disk")
        assert answer.json() == {"status": "ok", "checks": dict.fromkeys(names, "ok")}
        assert answer.headers["Cache-Control"] == "no-store"
        assert requests.get(f"{site.url}/health/live", timeout=10).json() == {"status": "ok"}
        assert requests.head(f"{site.url}/health", timeout=10).text == ""
        assert requests.post(f"{site.url}/health", timeout=10).status_code in (400, 405)


class TestFullDisk:
    def test_a_full_disk_allows_reading_refuses_saves_and_recovers(self, site: FaultySite) -> None:
        assert site.save("Antes") == 200
        resources = site.shown()["resources"]
        visitor = site.visitor(site.session)
        page = f"/dataset/{site.name}"
        site.fill_disk()
        try:
            assert site.unread("/", page, *PAGES) == {}
            # People who are logged in can read, although CKAN writes the time of their last visit.
            for path in ("/dashboard/datasets", "/organization/infom", page):
                assert visitor.get(path).status_code == 200, path
            refused = site.call("package_patch", id=site.name, title="Durante")
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) > 0
            assert refused.json()["error"]["__type"] == "Disk Full"
            assert "espacio" in refused.json()["error"]["message"]
            assert site.upload(b"a,b\n1,2\n").status_code == 503
            # A form keeps the typed values.
            form = "form:has([name=description])"
            edited = visitor.submit("/organization/edit/infom", {"description": "Diez."}, form)
            assert edited.status_code == 503
            assert "Diez." in edited.text
            assert "El disco del servidor está lleno" in edited.text
            site.reports(disk="full")
            assert "El disco está lleno" in (said := examined(site, 1)) or not said
            # Nothing of it was saved.
            assert site.shown()["title"] == "Antes"
            assert site.shown()["resources"] == resources
            assert site.titles_found("Durante") == 0
            assert site.command is not None
            assert site.command.process.poll() is None
        finally:
            site.empty_disk()
        assert site.save("Después") == 200
        assert site.titles_found("Después") == 1
        until(lambda: (site.data / "reserve").exists(), 10)
        until(lambda: site.health()[0] == 200, 10)

    def test_doctor_names_the_full_disk_without_a_database_connection(
        self, site: FaultySite
    ) -> None:
        site.fill_disk()
        try:
            site.forget_catalogue()
            code, said = site.doctor()
            assert (code, "El disco está lleno" in said) == (1, True), said
        finally:
            site.empty_disk()
        until(site.is_well, 60)

    def test_a_search_index_closed_by_a_full_disk_is_opened_again(self, site: FaultySite) -> None:
        solr = site.supervisor.layout
        port = re.search(r"solr_url = (\S+)", (site.data / "site" / "generated.ini").read_text())
        assert port is not None
        account = (USER, (solr.run / "solr.password").read_text())
        document = {"id": "x", "index_id": "x", "site_id": "x", "notes": "pozo " * 100_000}

        def add() -> int:
            # More than CKAN's guard ever allows, because the servers may have freed some room.
            site.fill_disk()
            address = f"{port.group(1)}/update?commit=true"
            return requests.post(address, json=[document], auth=account, timeout=30).status_code

        try:
            until(lambda: add() == 500, 20)
            assert site.save("Cerrado") == 503
            if said := examined(site, 4):
                assert "Solr busca, pero no acepta cambios" in said
        finally:
            site.empty_disk()
        until(lambda: site.save("Abierto") == 200, 40)
        assert site.titles_found("Abierto") == 1

    def test_a_full_disk_of_the_files_refuses_only_uploads(self, site: FaultySite) -> None:
        before, files = site.shown()["resources"], site.stored_files()
        answer = site.upload(LARGE)
        assert answer.status_code == 503, answer.text
        assert answer.json()["error"]["__type"] == "Disk Full"
        assert site.shown()["resources"] == before
        assert site.stored_files() == files, "a part stayed"
        assert site.save("Sin lugar para archivos") == 200
        small = site.upload(b"pozo,profundidad\n1,20\n")
        assert small.ok, small.text
        url = small.json()["result"]["url"]
        assert requests.get(url, timeout=30).content == b"pozo,profundidad\n1,20\n"


class TestStopped:
    def test_without_solr_feeds_and_records_can_be_read(self, site: FaultySite) -> None:
        assert site.save("Con Solr") == 200
        with site.stopped("solr"):
            assert site.unread(*FEEDS) == {}
            assert site.save("Sin Solr") == 503
            assert site.shown()["title"] == "Con Solr"
            site.reports(search="failing")
            if said := examined(site, 2):
                assert "No se alcanza Solr" in said
        site.recovers()

    def test_without_valkey_everything_can_be_read_and_saved(self, site: FaultySite) -> None:
        with site.stopped("valkey"):
            assert site.unread("/", *PAGES) == {}
            assert site.save("Sin Valkey") == 200
            assert site.log_in("infom").cookies
            site.reports(queue="failing")
            if said := examined(site, 5):
                assert "Redis" in said
        site.recovers()

    def test_without_postgresql_pages_get_503_and_the_site_recovers(self, site: FaultySite) -> None:
        with site.stopped("postgres"):
            assert site.status("/health/live") == 200
            site.reports(database="failing")
            assert site.unread("/", "/catalog.ttl") == {"/": 503, "/catalog.ttl": 503}
            assert site.save("Sin base de datos") == 503
            said = examined(site, 3)
            assert "PostgreSQL no está disponible" in said or not said
        site.recovers()

    def test_a_form_sent_without_postgresql_is_returned_filled_in(self, site: FaultySite) -> None:
        before = site.shown()["title"]
        officer = site.visitor(site.session)
        title = f"Sin base de datos {os.urandom(4).hex()}"
        form = fill_in(officer.get(f"/dataset/edit/{site.name}"), {"title": title})
        with site.stopped("postgres"):
            answer = officer.send(form)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
        until(site.is_well, 90)
        assert site.shown()["title"] == before
        # As the page with the typed values offers it.
        again = fill_in(answer, {}, ".marathon-held")
        assert ("title", (None, title)) in again.parts
        assert officer.send(again).status_code == 200
        assert site.shown()["title"] == title


class TestTwoOfficers:
    def test_two_concurrent_saves_give_one_conflict_without_loss(self, site: FaultySite) -> None:
        officers = [site.visitor(site.log_in(name)) for name in ("admin", "infom")]
        for _ in range(MOMENTS):
            titles = [f"Título {number} {os.urandom(4).hex()}" for number in range(2)]
            forms = [
                fill_in(officer.get(f"/dataset/edit/{site.name}"), {"title": title})
                for officer, title in zip(officers, titles, strict=True)
            ]
            answers: dict[int, requests.Response] = {}
            both = threading.Barrier(2)

            def send(
                number: int,
                form: FilledForm,
                answers: dict[int, requests.Response] = answers,
                both: threading.Barrier = both,
            ) -> None:
                both.wait()
                answers[number] = officers[number].send(form)

            sending = [threading.Thread(target=send, args=each) for each in enumerate(forms)]
            for thread in sending:
                thread.start()
            for thread in sending:
                thread.join()
            by_status = {answer.status_code: number for number, answer in answers.items()}
            assert by_status.keys() == {200, 409}
            saved, told = by_status[200], by_status[409]
            assert site.shown()["title"] == titles[saved]
            assert titles[saved] in answers[told].text
            again = fill_in(answers[told], {})
            assert ("title", (None, titles[told])) in again.parts
            assert officers[told].send(again).status_code == 200
            assert site.shown()["title"] == titles[told]


class TestHanging:
    @pytest.mark.parametrize("name", SERVERS[-HANGING:])
    def test_a_hanging_server_is_restarted(self, site: FaultySite, name: str) -> None:
        before = site.pid(name)
        check = {"solr": "search", "valkey": "queue", "postgres": "database"}[name]
        site.hang(name)
        site.reports(**{check: "silent"})
        assert site.status("/health/live") == 200
        if name != "postgres":
            assert site.unread(*FEEDS) == {}
        site.recovers()
        assert site.pid(name) != before

    def test_hanging_workers_are_named_and_ended(self, site: FaultySite) -> None:
        hanging = site.family("web")[1]
        record = site.shown()["id"]
        with site.queue() as queue:
            until(site.has_job_worker)
            before = site.pid("worker")
            site.hang("worker")
            hanging.suspend()
            suspended = time.monotonic()
            work = "ckanext.marathon.logic.reindex.bring_up_to_date"
            job = queue.enqueue(work, record)
            # The job has waited for long, and the worker has not answered since.
            job.enqueued_at = datetime.now(UTC) - timedelta(minutes=5)
            job.save()
            (worker,) = [each for each in rq.Worker.all(queue=queue) if each.pid == before]
            worker.connection.hset(worker.key, "last_heartbeat", utcformat(job.enqueued_at))
            # The other web worker answers.
            assert site.unread("/", *PAGES) == {}
            # After half a minute the web server itself replaces the one that hangs.
            time.sleep(max(0, suspended + HEARTBEAT_SECONDS - time.monotonic()))
            code, said = site.doctor("--fix")
            assert code == 0, said
            was_late = time.monotonic() > suspended + REPLACED_SECONDS
            assert f"no responden (proceso {hanging.pid})" in said or was_late
            assert f"no responde (proceso {before})" in said
            until(lambda: len(site.family("web")) == 3 and not hanging.is_running(), 30)
            until(lambda: site.pid("worker") not in (0, before), 30)
            until(lambda: job.get_status(refresh=True) == "finished", 60)
        site.recovers()

    @proving.only_in_full("a web worker that hangs is replaced by itself", "takes half a minute")
    def test_a_hanging_web_worker_is_replaced(self, site: FaultySite) -> None:
        hanging = site.family("web")[1]
        hanging.suspend()
        until(lambda: not hanging.is_running(), 60)
        site.recovers()

    @proving.only_in_full("the whole web server hangs", "takes two minutes")
    def test_a_hanging_web_server_is_restarted(self, site: FaultySite) -> None:
        before = site.pid("web")
        site.hang("web")
        until(lambda: site.pid("web") not in (0, before), 240)
        site.recovers()

    @pytest.mark.parametrize("name", SERVERS[:SLOW])
    def test_a_slow_server_is_not_restarted(self, site: FaultySite, name: str) -> None:
        before = site.pid(name)
        ended = threading.Event()

        def drag() -> None:
            while not ended.is_set():
                site.hang(name)
                ended.wait(0.4)
                for process in site.family(name):
                    process.send_signal(signal.SIGCONT)
                ended.wait(0.2)

        dragging = threading.Thread(target=drag)
        dragging.start()
        try:
            assert site.unread("/", *PAGES) == {}
            assert site.save("Despacio") == 200
        finally:
            ended.set()
            dragging.join()
        assert site.pid(name) == before


class TestKilled:
    def test_a_job_of_a_killed_worker_is_named_and_repeated(self, site: FaultySite) -> None:
        with site.queue() as queue:
            # The worker may be restarting after an earlier test.
            until(site.has_job_worker)
            # It waits for Solr, and is killed meanwhile.
            record = site.shown()["id"]
            site.hang("solr")
            try:
                work = "ckanext.marathon.logic.reindex.bring_up_to_date"
                job = queue.enqueue(work, record, job_timeout=3600)
                until(lambda: job.get_status(refresh=True) == "started")
                before = site.pid("worker")
                site.kill("worker")
            finally:
                for process in site.family("solr"):
                    process.send_signal(signal.SIGCONT)
            until(lambda: site.pid("worker") not in (0, before), 30)
            until(site.is_well, 60)
            code, said = site.doctor("--fix")
            assert code == 0, said
            assert "1 trabajos en segundo plano se interrumpieron" in said
            until(lambda: job.get_status(refresh=True) == "finished", 60)

    @pytest.mark.parametrize("name", SERVERS)
    def test_a_killed_server_is_restarted(self, site: FaultySite, name: str) -> None:
        site.kill(name)
        site.recovers()

    def test_an_interrupted_upload_is_stored_completely_or_not_at_all(
        self, site: FaultySite
    ) -> None:
        content = LARGE[:2_000_000]
        rng = proving.rng("upload")
        for _ in range(KILLED):
            before = {resource["id"] for resource in site.shown()["resources"]}
            answers: list[int] = []

            def send(answers: list[int] = answers) -> None:
                try:
                    answers.append(site.upload(content).status_code)
                except requests.RequestException:
                    answers.append(0)

            sending = threading.Thread(target=send)
            sending.start()
            time.sleep(rng.uniform(0, 0.5))
            for worker in site.family("web")[1:]:
                worker.kill()
            sending.join()
            until(site.is_well, 60)
            added = [one for one in site.shown()["resources"] if one["id"] not in before]
            if answers == [200]:
                assert len(added) == 1
            for resource in added:
                stored = requests.get(resource["url"], timeout=30)
                assert stored.content == content
                site.call("resource_delete", id=resource["id"])
        assert site.title_in_feed() == site.shown()["title"]


class TestAccessLog:
    def test_the_access_log_has_agent_and_path_and_no_personal_data(self, site: FaultySite) -> None:
        secret = "no-se-escribe-3141"
        headers = {
            "User-Agent": "portal-de-prueba/1",
            "Authorization": secret,
            "Referer": f"{site.url}/?key={secret}",
            "X-Forwarded-For": "192.0.2.77",
        }
        requests.get(f"{site.url}/catalog.ttl?page=1&token={secret}", headers=headers, timeout=30)
        requests.get(f"{site.url}/user/reset/x?key={secret}", headers=headers, timeout=30)
        log = site.layout.access_log
        lines = [line for line in log.read_text().splitlines() if "portal-de-prueba" in line]
        assert re.fullmatch(
            r'- - - \[[^]]+\] "GET /catalog\.ttl\?page=1 HTTP/1\.1" 200 \d+ "-" '
            r'"portal-de-prueba/1"',
            lines[0],
        )
        assert secret not in log.read_text()
        assert "192.0.2.77" not in log.read_text()
        assert "127.0.0.1" not in log.read_text()

    def test_a_full_access_log_is_rotated_and_both_files_are_read(self, site: FaultySite) -> None:
        log = site.layout.access_log
        older = log.with_name("access.log.1")
        agent = {"User-Agent": "portal-antes/1"}
        requests.get(f"{site.url}/catalog.ttl", headers=agent, timeout=30)
        padding = "#" * 99 + "\n"
        with log.open("a") as stream:
            stream.write(padding * 101_000)
        until(older.exists, 30)

        def is_written_again() -> bool:
            site.status("/catalog.ttl")
            return log.exists() and "/catalog.ttl" in log.read_text()

        until(is_written_again, 10)
        size = older.stat().st_size
        site.status("/dataset")
        assert older.stat().st_size == size
        said = site.run_ckan("feed", "readers", str(log), str(older)).stdout
        assert "portal-antes/1  /catalog" in said


class TestPowerCutAndSupervisor:
    def test_after_a_power_cut_on_a_full_disk_the_site_can_be_read(self, site: FaultySite) -> None:
        assert site.save("Antes del corte") == 200
        site.fill_disk()
        site.kill_everything()
        # Other programs use the room that the servers have freed.
        site.fill_disk()
        try:
            site.running()
            assert site.unread(f"/dataset/{site.name}", *PAGES) == {}
            assert site.shown()["title"] == "Antes del corte"
            assert site.save("En el disco lleno") == 503
        finally:
            site.empty_disk()
        site.recovers()
        verified = site.run_ckan("feed", "verify")
        assert verified.returncode == 0, verified.stdout

    @proving.only_in_full("the supervisor hangs", "takes half a minute")
    def test_a_hanging_supervisor_is_named_and_ends_the_site(self, site: FaultySite) -> None:
        run = site.running()
        pid = int((site.data / "run" / "supervisord.pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        assert site.unread("/", *PAGES) == {}
        time.sleep(HEARTBEAT_SECONDS)
        code, said = site.doctor()
        assert code == 1, said
        assert f"El supervisor no responde (proceso {pid})" in said
        assert run.process.wait(timeout=90) == 1
        assert "the supervisor hung" in run.said()
        assert not run.servers()

    def test_a_killed_supervisor_ends_all_servers_on_a_full_disk_too(
        self, site: FaultySite
    ) -> None:
        run = site.running()
        site.fill_disk()
        pid = int((site.data / "run" / "supervisord.pid").read_text())
        try:
            os.kill(pid, signal.SIGKILL)
            assert run.process.wait(timeout=60) == 1
            assert "the supervisor ended" in run.said()
            assert READY in run.said()
            assert not run.servers()
        finally:
            site.empty_disk()
