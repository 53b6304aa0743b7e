"""Measure importing a workbook against ``package_create`` in a loop, on the same site.

``python -m bench.importing ckan.ini 2000`` prints the rows a second of both, for ideas, and by how
many MB the process grows from the first half of the rows to the end. The loop saves at most
``LOOP`` ideas.
"""

from __future__ import annotations

import csv
import logging
import resource
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.cli import CKANConfigLoader
from ckan.common import login_user
from ckan.config.middleware import make_app

from bench import catalogue
from ckanext.marathon.logic import importing
from ckanext.marathon.logic.importing import ImportFile, ImportOptions

LOOP = 200
# Beyond the numbers that other measurements use.
FIRST = 1_000_000


def measure(count: int) -> dict[str, float]:
    """Return the rows a second of both ways, their ratio, and the growth of memory in MB."""
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    login_user(model.User.get(user))
    workshop = _make_workshop(user)
    in_loop = min(count, LOOP)
    started = time.perf_counter()
    for number in range(FIRST, FIRST + in_loop):
        row = {**catalogue.idea(number), "workshop": workshop["id"], "code": f"L-{number}"}
        tk.get_action("package_create")({"user": user}, {**row, "owner_org": workshop["owner_org"]})
    loop = in_loop / (time.perf_counter() - started)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ideas.csv"
        write_ideas(path, count)
        file = ImportFile(path, path.name)
        sizes: list[int] = []

        def note(rows: int) -> None:
            if rows >= count // 2:
                sizes.append(_read_size())

        started = time.perf_counter()
        row = {"id": str(uuid.uuid4()), "files": importing.describe_files([file])}
        options = ImportOptions(user, workshop["owner_org"])
        report = importing.import_files([file], options, row, note)
        taken = time.perf_counter() - started
    assert report.problems == [], report.problems[:3]
    assert report.count("created") == count
    return {
        "package_create in a loop, rows a second": loop,
        "import, rows a second": count / taken,
        "import / loop": count / taken / loop,
        "MB more from half of the rows to the end of reading": (sizes[-1] - sizes[0]) / 2**20,
        "MB at most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def write_ideas(path: Path, count: int) -> None:
    """Write ideas as a CSV file of the template."""
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(["Código", "Idea", "Taller", "Problema de servicio al que responde"])
        for number in range(FIRST, FIRST + count):
            idea = catalogue.idea(number)
            problems = " | ".join(idea["service_problem"])
            writer.writerow([f"I-{number}", idea["title"], "BENCH-T", problems])


def _make_workshop(user: str) -> dict[str, Any]:
    context: Any = {"user": user, "ignore_auth": True}
    owner = tk.get_action("organization_create")(
        context, {**catalogue.organization(0), "name": "bench-import"}
    )
    fields = {**catalogue.workshop(0), "name": "taller-bench", "code": "BENCH-T"}
    return tk.get_action("package_create")(
        {"user": user, "ignore_auth": True}, {**fields, "owner_org": owner["id"]}
    )


def _read_size() -> int:
    """Return the memory of this process in bytes, from Linux."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def main(ini: str, count: int) -> None:
    """Measure on a site and print the results."""
    logging.disable(logging.INFO)
    app: Any = make_app(CKANConfigLoader(ini).get_config())
    with app._wsgi_app.test_request_context():
        for name, value in measure(count).items():
            print(f"{name:<55}{value:>12.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
