"""Odd datasets that can be saved give valid data.json, CSV and schema.org."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from hypothesis import HealthCheck, given, settings

from ckanext.marathon.feeds import data_json, inventory, schema_org, sheet
from ckanext.marathon.rdf.dataset import build_dataset_graph
from ckanext.marathon.records import Dataset
from tests.rdf.proofs import EXAMPLES
from tests.rdf.samples import FACTS
from tests.rdf.strategies import datasets

from .schemas import us_faults

CONTACT = data_json.SiteContact("Portal", "datos@example.gt", "https://example.gt/about")

PAIRED = ("archivos", "formatos", "direcciones", "bytes", "sha256")

hostile_datasets = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def describe(hostile: dict[str, Any]) -> list[inventory.InventoryDataset]:
    # CKAN writes both itself.
    own = dict.fromkeys(("metadata_created", "metadata_modified"), "2026-11-25T10:00:00")
    graph = build_dataset_graph(Dataset.from_shown({**hostile, **own}), FACTS)
    lines = graph.serialize(format="nt11", encoding="utf-8").splitlines()
    here = FACTS.site
    return list(inventory.parse_inventory(filter(None, lines), "es", here.vocabulary, here.base))


@hostile_datasets
@given(datasets())
def test_data_json_of_hostile_datasets_is_valid(hostile: dict[str, Any]) -> None:
    (found,) = describe(hostile)
    row = json.loads(data_json.write_data_json_part([found], CONTACT))
    assert us_faults({"conformsTo": data_json.CONFORMS_TO, "dataset": [row]}) == []


@hostile_datasets
@given(datasets())
def test_a_hostile_dataset_is_one_csv_row_without_formulas(hostile: dict[str, Any]) -> None:
    rows = list(
        csv.reader(io.StringIO(sheet.write_sheet_rows(describe(hostile)).decode(), newline=""))
    )
    assert len(rows) == 1
    assert len(rows[0]) == len(sheet.COLUMNS)
    paired = [rows[0][list(sheet.COLUMNS).index(name)] for name in PAIRED]
    assert len({cell.count(" | ") for cell in paired if cell}) <= 1
    assert not [cell for cell in rows[0] if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    book = sheet.make_workbook(describe(hostile))
    book.save(io.BytesIO())


@hostile_datasets
@given(datasets())
def test_schema_org_of_hostile_datasets_has_a_name_and_addresses_of_files(
    hostile: dict[str, Any],
) -> None:
    (found,) = describe(hostile)
    said: dict[str, Any] = schema_org._dataset(found, "https://example.gt", "Catálogo")
    assert said["name"]
    assert len(said["description"]) <= schema_org.LONGEST
    assert all(each.get("contentUrl") or each.get("url") for each in said.get("distribution", []))
