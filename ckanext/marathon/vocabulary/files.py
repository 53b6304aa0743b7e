"""The one place that knows where the room's data files lie."""

from __future__ import annotations

import csv
import io
from importlib.resources import files

TAXONOMY = "service_problems.ttl"


def read_data_bytes(name: str) -> bytes:
    """Return a file of ``vocabulary/data/`` as it is shipped.

    Args:
        name: file name, e.g. ``"municipalities.csv"`` or ``"authorities/frequencies.csv"``.

    Raises:
        FileNotFoundError: no such file is shipped.
    """
    return files("ckanext.marathon.vocabulary").joinpath("data", *name.split("/")).read_bytes()


def read_data_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of ``vocabulary/data/``, every value as text."""
    return list(csv.DictReader(io.StringIO(read_data_bytes(name).decode("utf-8"), newline="")))


def read_taxonomy_bytes() -> bytes:
    """Return the taxonomy's Turtle as it is shipped: relative IRIs, UTF-8.

    Parse it against ``{vocabulary base}/`` (with the slash).
    """
    return files("ckanext.marathon.schemas").joinpath(TAXONOMY).read_bytes()
