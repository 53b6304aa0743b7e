"""Measure under load, compared with stock CKAN: fifty readers and four writers at once.

Both sites run two processes of four threads, as ``make run`` does, and get the same load for
``LOAD_SECONDS`` (300) on the same data of ``LOAD_SIZE`` (1,000) datasets. Two conditions are
checked: no request to this extension fails, and each confirmed save is in the database and in the
feed. Times in seconds and their ratios are printed and written to ``bench/load.json``.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.__main__ import PLUGINS_OF_PAGES, QUIET, STOCK, grow
from tests.sites import Site

SIZE = int(os.environ.get("LOAD_SIZE") or 1_000)
SECONDS = int(os.environ.get("LOAD_SECONDS") or 300)
EVERY_SECONDS = 5


class BusySite(Site):
    """A site with the number of processes of ``make run``."""

    processes = 2


@contextmanager
def watching_memory(site: Site) -> Iterator[list[float]]:
    """Collect the memory of the web processes in MB, every five seconds."""
    samples: list[float] = []
    done = threading.Event()

    def collect() -> None:
        while not done.wait(EVERY_SECONDS):
            sizes = [psutil.Process(worker).memory_info().rss for worker in site.workers()]
            samples.append(sum(sizes) / 2**20)

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def put_under_load(site: Site) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """Let readers and writers use a site.

    Returns:
        kind of request → measurements, with a row for the memory of the processes in MB; and name
        of a dataset → confirmed title.
    """
    written = site.directory / "written.json"
    command = [sys.executable, "-m", "locust", "--headless", "--json", "--skip-log"]
    command += ["--locustfile", "bench/readers.py", "--host", site.url]
    command += ["--users", "54", "--spawn-rate", "54", "--run-time", f"{SECONDS}s"]
    command += ["--stop-timeout", "120"]
    variables = {"LOAD_SIZE": str(SIZE), "LOAD_TOKEN": site.token, "LOAD_WRITTEN": str(written)}
    with watching_memory(site) as samples:
        found = subprocess.run(
            command, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True
        )
    rows = {row["name"]: measure_row(row) for row in json.loads(found.stdout)}
    # In the first fifth, processes load modules and caches.
    fifth = max(1, len(samples) // 5)
    rows["memory of processes, MB"] = {
        f"fifth {number + 1}": statistics.mean(samples[number * fifth : (number + 1) * fifth])
        for number in range(min(5, len(samples)))
    }
    results = json.loads(written.read_text(encoding="utf-8"))
    for fault in results["faults"]:
        print(f"  failed: {fault}", flush=True)
    if results["faults"]:
        print(site.log_text()[-20_000:], file=sys.stderr, flush=True)
    return rows, results["titles"]


def measure_row(row: Mapping[str, Any]) -> dict[str, float]:
    """Return locust's statistics of one kind of request; times in seconds."""
    times = sorted((int(ms), count) for ms, count in row["response_times"].items())
    return {
        "requests": row["num_requests"],
        "failed": row["num_failures"],
        "median": find_percentile(times, 0.5),
        "p99": find_percentile(times, 0.99),
    }


def find_percentile(times: list[tuple[int, int]], share: float) -> float:
    """Return the time in seconds within which this share of the requests was answered."""
    wanted = share * sum(count for _ms, count in times)
    seen = 0
    for ms, count in times:
        seen += count
        if seen >= wanted:
            return ms / 1000
    return 0.0


def find_lost_saves(site: Site, titles: dict[str, str]) -> list[str]:
    """Return the datasets whose confirmed title differs from that in the API or the feed."""
    lost = []
    for name, title in titles.items():
        package = site.action("package_show", id=name)
        described = site.get(f"/dataset/{package['id']}.nt").text
        if package["title"] != title or f'"{title}"' not in described:
            lost.append(name)
    return lost


def print_rows(rows: dict[str, dict[str, float]]) -> None:
    """Print the results of one site."""
    for name, values in rows.items():
        shown = "".join(f"{key:>14} {value:>9.3f}" for key, value in values.items())
        print(f"  {name:<26}{shown}", flush=True)


def main() -> None:
    """Fill a site, measure it and stock, check, print and write."""
    with (
        tempfile.TemporaryDirectory() as directory,
        BusySite.create("load", Path(directory) / "ours", PLUGINS_OF_PAGES, QUIET) as ours,
    ):
        ours.upgrade()
        grow(ours.ini, 0, SIZE)
        ours.start()
        ours.background("jobs", "worker")
        found, titles = put_under_load(ours)
        print(f"this extension, {SECONDS} s, {SIZE} datasets")
        print_rows(found)
        failed = sum(int(row.get("failed", 0)) for row in found.values())
        lost = find_lost_saves(ours, titles)
        print(f"  failed requests: {failed}; datasets saved: {len(titles)}; lost: {len(lost)}")
        verified = ours.run("marathon", "feed", "verify")
        ours.stop()
        with ours.variant("stock", STOCK) as stock:
            stock.start()
            stock_found, _titles = put_under_load(stock)
        print("stock CKAN with ckanext-dcat")
        print_rows(stock_found)
        ratios = {
            name: row["p99"] / stock_found[name]["p99"]
            for name, row in found.items()
            if "p99" in row and not stock_found.get(name, {"failed": 1})["failed"]
        }
        for name, ratio in ratios.items():
            print(f"  p99 of {name} / stock's {ratio:.3f}")
        results = {"ours": found, "stock": stock_found, "p99 / stock": ratios}
        Path("bench/load.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        print(verified.strip().splitlines()[-1])
        assert not failed, f"{failed} requests failed"
        assert not lost, f"saves were lost: {lost}"


if __name__ == "__main__":
    main()
