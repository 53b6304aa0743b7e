"""The starter catalogue as programs of others read it: data.json in both profiles, and Croissant.

Two of those programs cannot be installed beside CKAN: pydatajson needs an old jsonschema, and
mlcroissant is large. They run in environments of their own, where these are named
(CONTRIBUTING.md, "Programs of others").
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from rdflib import Graph

from ckanext.marathon.rdf.namespaces import DCAT
from tests import proving
from tests.feeds.agreement import disagreements
from tests.feeds.schemas import argentine_faults, us_faults
from tests.views.test_other_profiles import PROFILES, times_of
from tests.views.test_search_engines import PLUGINS

pytestmark = [
    pytest.mark.ckan_config("ckan.plugins", PLUGINS),
    pytest.mark.ckan_config("email_to", "datos@portal.example.gt"),
    pytest.mark.usefixtures("loaded"),
]

PYDATAJSON = """
import json, logging, sys
logging.disable(logging.CRITICAL)
from pydatajson.core import DataJson
report = DataJson(sys.argv[1]).validate_catalog()["error"]
parts = [report["catalog"], *report["dataset"]]
print(json.dumps([error["message"] for part in parts for error in part["errors"]]))
"""
MLCROISSANT = """
import json, logging, sys
logging.disable(logging.CRITICAL)
import mlcroissant
faults = []
for path in sys.argv[1:]:
    try:
        mlcroissant.Dataset(jsonld=path)
    except Exception as fault:
        faults.append(str(fault)[:2000])
print(json.dumps(faults))
"""


def inventory(app: Any, query: str = "") -> dict[str, Any]:
    return json.loads(app.get(f"/data.json{query}").data)


def tell(variable: str, program: str, *paths: Path) -> list[str]:
    """Return the faults that a program finds in files. A variable names its Python."""
    python = os.environ.get(variable)
    if not python:
        proving.NOTES.append(f"the starter catalogue: {variable} names no Python; not tried")
        return []
    ran = subprocess.run(
        [python, "-c", program, *map(str, paths)], check=True, capture_output=True, text=True
    )
    return json.loads(ran.stdout.splitlines()[-1])


def test_data_json_is_valid_dcat_us(app: Any) -> None:
    found = inventory(app)
    assert len(found["dataset"]) > 5
    assert us_faults(found) == []


def test_data_json_with_profile_ar_satisfies_argentinas_profile(app: Any, tmp_path: Path) -> None:
    found = inventory(app, "?profile=ar")
    assert argentine_faults(found) == []
    (file := tmp_path / "data.json").write_text(json.dumps(found), encoding="utf-8")
    assert tell("MARATHON_PYDATAJSON", PYDATAJSON, file) == []


def test_croissant_has_a_checksum_for_each_file(app: Any, tmp_path: Path) -> None:
    paths, files = [], 0
    for each in inventory(app)["dataset"]:
        identifier = each["identifier"].rpartition("/")[2]
        body = app.get(f"/dataset/{identifier}/croissant.jsonld").data
        paths.append(tmp_path / f"{identifier}.jsonld")
        paths[-1].write_bytes(body)
        shown = json.loads(body).get("distribution", [])
        for file in shown if isinstance(shown, list) else [shown]:
            files += 1
            assert file["sha256"]
    assert files > 5
    assert tell("MARATHON_MLCROISSANT", MLCROISSANT, *paths) == []


def test_data_json_schema_org_and_croissant_agree(app: Any) -> None:
    for row in inventory(app)["dataset"]:
        identifier = row["identifier"].rpartition("/")[2]
        page = BeautifulSoup(app.get(f"/dataset/{identifier}").data, "lxml")
        found = [
            json.loads(each.text) for each in page.select('script[type="application/ld+json"]')
        ]
        described = next(each for each in found if "conformsTo" not in each)
        croissant = json.loads(app.get(f"/dataset/{identifier}/croissant.jsonld").data)
        assert disagreements(row, described, croissant) == [], row["title"]


@pytest.mark.parametrize("profile", PROFILES)
def test_other_profiles_describe_every_dataset(app: Any, profile: str) -> None:
    graph = read_turtle(app, f"/catalog.ttl?profiles={profile}")
    assert len(set(graph.objects(None, DCAT.dataset))) == len(inventory(app)["dataset"])


def test_times_in_other_profiles_are_those_of_marathon(app: Any) -> None:
    for each in inventory(app)["dataset"]:
        address = f"/dataset/{each['identifier'].rpartition('/')[2]}.ttl"
        ours = times_of(read_turtle(app, address))
        for profile in ("euro_dcat_ap_3", "dcat_us_3", "schemaorg"):
            theirs = read_turtle(app, f"{address}?profiles={profile}")
            assert times_of(theirs) <= ours
            assert "no-responder" not in theirs.serialize(format="nt11")


def read_turtle(app: Any, address: str) -> Graph:
    answer = app.get(address)
    assert answer.status_code == 200
    return Graph().parse(data=answer.data, format="turtle")
