"""Measure, side by side: the feed of this extension and stock ckanext-dcat's, on one database.

Both sites run the same CKAN with as many processes; the client reads and does not parse. What is
printed are medians and ratios of this run, also written to ``bench/results.json``.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from tests.sites import Site

SIZE = int(os.environ.get("BENCH_SIZE") or 3000)
OURS = "marathon scheming_datasets scheming_organizations dcat"
# Else each upload is told that the views of plugins that are not there are missing.
QUIET = {"ckan.views.default_views": ""}
STOCK = {
    "ckan.plugins": "scheming_datasets dcat",
    "scheming.dataset_schemas": "ckanext.dcat.schemas:dcat_ap_full.yaml",
    "scheming.presets": "ckanext.scheming:presets.json ckanext.dcat.schemas:presets.yaml",
    "scheming.organization_schemas": "",
    "ckanext.dcat.rdf.profiles": "euro_dcat_ap_3 euro_dcat_ap_scheming",
}
GZIP = {"Accept-Encoding": "gzip"}
# Pages that stock is asked for; the whole is worked out from them.
STOCK_PAGES = 5
SAVES = 40


def seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def fetched(session: requests.Session, address: str, **headers: str) -> bytes:
    """Return the bytes as they came, compressed."""
    with session.get(address, headers={**GZIP, **headers}, stream=True, timeout=600) as answer:
        assert answer.ok or answer.status_code == 304, (address, answer.status_code)
        return answer.raw.read(decode_content=False)


def median(call: Callable[[], Any], times: int) -> float:
    return statistics.median(seconds(call) for _ in range(times))


class Unlogged(Site):
    """Our site without the listeners that write the feed's log."""

    served_by = "bench.sites:unlogged"


class Static(Site):
    """A server that answers everything with one file: ``all.gz`` beside its ini file."""

    served_by = "bench.sites:static"


def measure(ours: Site, stock: Site) -> dict[str, float]:
    """Return figures of this run; times in seconds."""
    session = requests.Session()
    pages = -(-SIZE // 100)

    def crawl() -> None:
        for number in range(1, pages + 1):
            fetched(session, f"{ours.url}/catalog.ttl?page={number}")

    whole = f"{ours.url}/catalog/all.ttl"
    tag = session.head(whole, headers=GZIP, timeout=60).headers["ETag"]
    cold = seconds(crawl)
    stock_page = median(
        lambda: fetched(session, f"{stock.url}/catalog.ttl?page={min(3, pages)}"), STOCK_PAGES
    )
    return {
        "datasets": SIZE,
        "page, cold crawl": cold / pages,
        "page": median(lambda: fetched(session, f"{ours.url}/catalog.ttl?page={pages}"), 30),
        "crawl": median(crawl, 3),
        "all": median(lambda: fetched(session, whole), 7),
        "all, bytes": len(fetched(session, whole)),
        "304": median(lambda: fetched(session, whole, **{"If-None-Match": tag}), 30),
        "empty CKAN view": median(lambda: fetched(session, f"{ours.url}/api/3"), 30),
        "stock page": stock_page,
        "stock crawl": stock_page * pages,
    }


def memory(site: Site) -> dict[str, float]:
    """Return by how many MB the worker grows at most while it sends everything, uncompressed."""
    (worker,) = site.workers()
    before = _peak(worker)
    fetched(requests.Session(), f"{site.url}/catalog/all.ttl")
    with site.get("/catalog/all.rdf", headers={"Accept-Encoding": "identity"}, stream=True) as sent:
        for _ in sent.iter_content(1 << 20):
            pass
    return {"all, MB more in the worker": (_peak(worker) - before) / 1024}


def _peak(process: int) -> int:
    """Return the most memory that a process ever had, in KB; by then only Linux knows."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmHWM:\s+(\d+)", status, re.M)[1])  # type: ignore[index]


def saving(logged: Site, unlogged: Site) -> dict[str, float]:
    """Return how long it takes to save a dataset with and without the log, in turns."""
    times: dict[Site, list[float]] = {logged: [], unlogged: []}
    for turn in range(SAVES):
        for site, taken in times.items():
            change = {"id": f"datos-{turn}", "title": f"Datos de ejemplo {turn}, {site.url}"}
            taken.append(seconds(lambda: site.action("package_patch", change)))  # noqa: B023
    return {
        "save": statistics.median(times[logged][3:]),
        "save without the log": statistics.median(times[unlogged][3:]),
    }


def static_file(ours: Site) -> dict[str, float]:
    """Return how long the bytes of everything take as a file, from the same kind of server."""
    with ours.variant_of(Static, "static", {}) as site:
        session = requests.Session()
        (site.directory / "all.gz").write_bytes(fetched(session, f"{ours.url}/catalog/all.ttl"))
        site.start()
        return {"all as a file": median(lambda: fetched(session, f"{site.url}/all.ttl.gz"), 7)}


def log(ours: Site) -> dict[str, float]:
    """Return how fast everything is described anew by one process, and what is stored."""
    rebuilding = seconds(lambda: ours.run("marathon", "feed", "rebuild", "--restart"))
    starting = seconds(lambda: ours.run("marathon", "feed", "status"))
    with ours.database() as database:
        entries, described, kept = database.execute(sa.text(STORED)).one()
    return {
        "rebuild, entries a second": entries / (rebuilding - starting),
        "bytes an entry, description": described / entries,
        "bytes an entry, pages kept": kept / entries,
    }


STORED = """
    SELECT (SELECT count(*) FROM marathon_feed_entry),
    pg_total_relation_size('marathon_feed_entry'),
    pg_total_relation_size('marathon_feed_rendering')
"""


def ratios(found: dict[str, float]) -> dict[str, float]:
    """Return how many times as fast as stock it is, and what is compared with an empty view."""
    return {
        "crawl, times stock": found["stock crawl"] / found["crawl"],
        "all, times stock": found["stock crawl"] / found["all"],
        "page, times stock": found["stock page"] / found["page"],
        "304 / empty view": found["304"] / found["empty CKAN view"],
        "all / the same bytes as a file": found["all"] / found["all as a file"],
        "save / save without the log": found["save"] / found["save without the log"],
    }


def main() -> None:
    """Make the catalogue, measure, print and write."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Site.create("bench", Path(directory) / "ours", OURS, QUIET) as ours,
    ):
        ours.upgrade()
        filling = [sys.executable, "-m", "bench.fill", str(ours.ini), str(SIZE)]
        environment = {k: v for k, v in os.environ.items() if not re.match("CKAN_", k)}
        made = seconds(lambda: subprocess.run(filling, check=True, env=environment))
        ours.start()
        with ours.variant("stock", STOCK) as stock:
            stock.start()
            found = measure(ours, stock)
        found |= static_file(ours)
        found |= memory(ours)
        found |= log(ours)
        with ours.variant_of(Unlogged, "unlogged", {}) as unlogged:
            unlogged.start()
            found |= saving(ours, unlogged)
    found["filling, datasets a second"] = SIZE / made
    results = {"measured": found, "ratios": ratios(found)}
    for name, value in {**found, **results["ratios"]}.items():
        print(f"{name:<32}{value:>14.4f}")
    Path("bench/results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
