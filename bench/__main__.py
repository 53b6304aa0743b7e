"""Measure the feed of this extension and that of stock ckanext-dcat on the same database.

The catalogue grows in ``STAGES`` up to ``BENCH_SIZE`` datasets. Times that depend on the size, and
pages for people, are measured at each stage; the comparison with stock is at ``COMPARED`` datasets
(or all, if they are fewer). Both sites run the same CKAN with the same number of processes, and the
client reads responses without parsing them. Medians and ratios are printed and written to
``bench/results.json``.
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
from functools import partial
from itertools import pairwise
from pathlib import Path

import requests
import sqlalchemy as sa

from bench import catalogue
from bench.sites import Static, Unlogged
from tests.sites import Site

SIZE = int(os.environ.get("BENCH_SIZE") or 10_000)
STAGES = sorted({size for size in (1_000, 3_000, 10_000) if size < SIZE} | {SIZE})
COMPARED = min(SIZE, 3_000)
OURS = "marathon scheming_datasets scheming_organizations dcat"
# Plugins for pages, which need the theme, too.
PLUGINS_OF_PAGES = f"marathon_site {OURS} structured_data croissant"
PAGES = (
    *("/", "/marathon", "/agenda", "/marathon/commitment", "/marathon/report"),
    *("/municipality/{code}", "/municipality/{code}/report", "/department/{department}"),
    *("/service-problem/AGU", "/idea/idea-0", "/workshop/taller-{code}", "/dataset/datos-0"),
    *("/dataset/", "/idea/", "/marathon/search?q=agua"),
)
# Avoids a warning about missing view plugins at each upload.
QUIET = {"ckan.views.default_views": ""}
STOCK = {
    "ckan.plugins": "scheming_datasets dcat",
    "scheming.dataset_schemas": "ckanext.dcat.schemas:dcat_ap_full.yaml",
    "scheming.presets": "ckanext.scheming:presets.json ckanext.dcat.schemas:presets.yaml",
    "scheming.organization_schemas": "",
    "ckanext.dcat.rdf.profiles": "euro_dcat_ap_3 euro_dcat_ap_scheming",
}
GZIP = {"Accept-Encoding": "gzip"}
# The number of requests for a page of stock, from which the time of all pages is computed.
STOCK_PAGES = 5
SAVES = 40


def seconds(call: Callable[[], object]) -> float:
    """Return the time that a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def fetch(session: requests.Session, address: str, **headers: str) -> bytes:
    """GET an address and return the received bytes, still compressed."""
    with session.get(address, headers={**GZIP, **headers}, stream=True, timeout=600) as answer:
        assert answer.ok or answer.status_code == 304, (address, answer.status_code)
        return answer.raw.read(decode_content=False)


def median(call: Callable[[], object], times: int) -> float:
    """Return the median time of several calls."""
    return statistics.median(seconds(call) for _ in range(times))


def grow(ini: Path, start: int, stop: int) -> None:
    """Create the datasets ``start`` to ``stop`` and their organisations and ideas, on all cores."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CKAN_")}
    for what, count, cores in (
        ("places", catalogue.organizations, 1),
        ("ideas", catalogue.ideas, os.cpu_count() or 1),
        ("datasets", lambda number: number, os.cpu_count() or 1),
    ):
        bounds = [
            count(start) + (count(stop) - count(start)) * n // cores for n in range(cores + 1)
        ]
        parts = [
            subprocess.Popen(
                [sys.executable, "-m", "bench.fill", ini, what, str(a), str(b)],
                env=environment,
            )
            for a, b in pairwise(bounds)
            if a < b
        ]
        # Wait for all processes, even if one has failed.
        failed = [part for part in parts if part.wait()]
        assert not failed, f"{what} {start}–{stop} could not be created"


def measure(ours: Site, size: int) -> dict[str, float]:
    """Return the measurements that depend on the number of datasets; times in seconds."""
    session = requests.Session()
    pages = -(-size // 100)
    whole = f"{ours.url}/catalog/all.ttl"

    def crawl() -> None:
        for number in range(1, pages + 1):
            fetch(session, f"{ours.url}/catalog.ttl?page={number}")

    cold = seconds(crawl)
    return {
        "page, cold crawl": cold / pages,
        "page": median(lambda: fetch(session, f"{ours.url}/catalog.ttl?page={pages}"), 50),
        "crawl": median(crawl, 3),
        "all": median(lambda: fetch(session, whole), 5),
        "all, bytes": len(fetch(session, whole)),
        **memory(ours),
    }


def compare(ours: Site, stock: Site) -> dict[str, float]:
    """Return the times of stock for pages, and of conditional requests."""
    session = requests.Session()
    pages = -(-COMPARED // 100)
    whole = f"{ours.url}/catalog/all.ttl"
    tag = session.head(whole, headers=GZIP, timeout=60).headers["ETag"]
    stock_page = median(
        lambda: fetch(session, f"{stock.url}/catalog.ttl?page={min(3, pages)}"), STOCK_PAGES
    )
    return {
        "304": median(lambda: fetch(session, whole, **{"If-None-Match": tag}), 30),
        "empty CKAN view": median(lambda: fetch(session, f"{ours.url}/api/3"), 30),
        "stock page": stock_page,
        "stock crawl": stock_page * pages,
    }


def stock_search(stock: Site) -> dict[str, float]:
    """Return the time of stock's dataset search after a first request."""
    session, address = requests.Session(), f"{stock.url}/dataset/"
    fetch(session, address)
    return {"stock dataset search": median(lambda: fetch(session, address), 15)}


def memory(site: Site) -> dict[str, float]:
    """Return by how many MB the worker grows while it sends the whole catalogue, uncompressed."""
    (worker,) = site.workers()
    before = _peak(worker)
    fetch(requests.Session(), f"{site.url}/catalog/all.ttl")
    with site.get("/catalog/all.rdf", headers={"Accept-Encoding": "identity"}, stream=True) as sent:
        for _ in sent.iter_content(1 << 20):
            pass
    return {"all, MB more in the worker": (_peak(worker) - before) / 1024}


def pages(ours: Site) -> dict[str, float]:
    """Return the times of pages for people, each after a first request."""
    places = {"code": catalogue.code(0), "department": catalogue.code(0)[:2]}
    with ours.variant("pages", {"ckan.plugins": PLUGINS_OF_PAGES}) as site:
        site.start()
        session = requests.Session()
        found = {}
        for path in PAGES:
            address = site.url + path.format(**places)
            fetch(session, address)
            found[f"GET {path}"] = median(partial(fetch, session, address), 15)
        return found


def following(site: Site) -> dict[str, float]:
    """Return the bytes that a follower fetches after one dataset in a hundred has changed."""
    session = requests.Session()
    whole = f"{site.url}/catalog/all.nt"
    cursor = session.head(whole, headers=GZIP, timeout=60).headers["Marathon-Feed-Cursor"]
    changed = max(1, COMPARED // 100)
    for number in range(0, COMPARED, COMPARED // changed):
        site.action("package_patch", id=f"datos-{number}", notes=f"Otra descripción {number}")
    page, fetched_bytes = f"{site.url}/catalog/changes.trig?since={cursor}", 0
    while page:
        with session.get(page, headers=GZIP, stream=True, timeout=600) as answer:
            assert answer.ok, answer.status_code
            fetched_bytes += len(answer.raw.read(decode_content=False))
            page = answer.links.get("next", {}).get("url")
    return {"changes of 1 %, bytes": fetched_bytes}


def _peak(process: int) -> int:
    """Return the peak memory of a process in KB, from Linux."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(re.search(r"^VmHWM:\s+(\d+)", status, re.M)[1])  # type: ignore[index]


def saving(logged: Site, unlogged: Site) -> dict[str, float]:
    """Return the times of saving a dataset with and without the log, measured alternately."""
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
    """Return the time of the whole catalogue as a static file, from the same kind of server."""
    with ours.variant_of(Static, "static", {}) as site:
        session = requests.Session()
        (site.directory / "all.gz").write_bytes(fetch(session, f"{ours.url}/catalog/all.ttl"))
        site.start()
        return {"all as a file": median(lambda: fetch(session, f"{site.url}/all.ttl.gz"), 7)}


def log(ours: Site) -> dict[str, float]:
    """Return entries per second of ``feed rebuild`` and ``feed verify``, and bytes per entry."""
    cores = os.cpu_count() or 1
    workers = ("--workers", str(cores))
    starting = seconds(lambda: ours.run("marathon", "feed", "status"))
    rebuilding = seconds(lambda: ours.run("marathon", "feed", "rebuild", "--restart", *workers))
    verifying = seconds(lambda: ours.run("marathon", "feed", "verify", *workers))
    with ours.database() as database:
        entries, described, kept = database.execute(sa.text(STORED)).one()
    return {
        "entries": entries,
        "rebuild, entries a second a core": entries / (rebuilding - starting) / cores,
        "verify, entries a second a core": entries / (verifying - starting) / cores,
        "bytes an entry, description": described / entries,
        "bytes an entry, pages kept": kept / entries,
    }


STORED = """
    SELECT (SELECT count(*) FROM marathon_feed_entry),
    pg_total_relation_size('marathon_feed_entry'),
    pg_total_relation_size('marathon_feed_rendering')
"""


def ratios(by_size: dict[int, dict[str, float]]) -> dict[str, float]:
    """Return the ratios to stock and between variants of this extension."""
    found = by_size[COMPARED]
    return {
        "crawl, times stock": found["stock crawl"] / found["crawl"],
        "all, times stock": found["stock crawl"] / found["all"],
        "page, times stock": found["stock page"] / found["page"],
        "304 / empty view": found["304"] / found["empty CKAN view"],
        "all / the same bytes as a file": found["all"] / found["all as a file"],
        "following 1 % of changes / all, bytes": found["changes of 1 %, bytes"]
        / found["all, bytes"],
        "save / save without the log": found["save"] / found["save without the log"],
        **{
            f"{path} at {size} / stock's dataset search": by_size[size][f"GET {path}"]
            / by_size[size]["stock dataset search"]
            for size in dict.fromkeys((COMPARED, STAGES[-1]))
            for path in PAGES
        },
        f"page, {STAGES[-1]} / {STAGES[0]} datasets": (
            by_size[STAGES[-1]]["page"] / by_size[STAGES[0]]["page"]
        ),
    }


def stage(ours: Site, start: int, stop: int) -> dict[str, float]:
    """Create datasets, and measure."""
    filling = seconds(lambda: grow(ours.ini, start, stop))
    ours.start()
    found = {
        "filling, datasets a second": (stop - start) / filling,
        **measure(ours, stop),
        **pages(ours),
    }
    if stop in {COMPARED, STAGES[-1]}:
        with ours.variant("stock", STOCK) as stock:
            stock.start()
            found |= stock_search(stock)
            if stop == COMPARED:
                found |= compare(ours, stock)
    if stop == COMPARED:
        found |= static_file(ours)
        found |= following(ours)
        with ours.variant_of(Unlogged, "unlogged", {}) as unlogged:
            unlogged.start()
            found |= saving(ours, unlogged)
    if stop == STAGES[-1]:
        found |= log(ours)
    ours.stop()
    return found


def main() -> None:
    """Create the catalogue, measure, print and write the results."""
    by_size: dict[int, dict[str, float]] = {}
    with (
        tempfile.TemporaryDirectory() as directory,
        Site.create("bench", Path(directory) / "ours", OURS, QUIET) as ours,
    ):
        ours.upgrade()
        for start, stop in pairwise([0, *STAGES]):
            by_size[stop] = stage(ours, start, stop)
            print(f"{stop} datasets")
            for name, value in by_size[stop].items():
                print(f"  {name:<40}{value:>14.4f}", flush=True)
    results = {"measured": by_size, "ratios": ratios(by_size)}
    for name, value in results["ratios"].items():
        print(f"{name:<62}{value:>14.4f}")
    Path("bench/results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
