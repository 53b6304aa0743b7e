"""No value of other catalogues is lost that ckanext-dcat's own profile would have read.

Each dataset of the published files is read with both profiles and compared field by field, then
saved, compared again, published and read once more. If the files are missing, a note says so
below the results. ``test_reading.py`` has a graph of each kind.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests.helpers import call_action
from rdflib import Graph

from ckanext.marathon.rdf.lookups import Lookups, read_site
from ckanext.marathon.rdf.profile import build_record_graph
from ckanext.marathon.records import OTHER_LANGUAGES
from tests import proving
from tests.factories import NationalBody

from .published import FOLDER, OURS, STOCK, Published, lost, node_ids, published, read

SAVED = proving.count("datasets that others published, saved", 40, 10_000)
if not FOLDER.is_dir():
    proving.NOTES.append(
        "RDF of others: the published catalogues are not here (MARATHON_PUBLISHED names their "
        "folder); read from what the installed ckanext-dcat has, and from graphs of our own"
    )

# Values that the site adds to a save, and IRIs, which are those of the copy.
_OF_THE_SITE = frozenset({"id", "package_id", "state", "created", "last_modified", "position"})
_OF_THE_SITE |= {"metadata_created", "metadata_modified", "url_type", "type", "owner_org"}
_OF_THE_SITE |= {"municipality_origin", "service_problem_origin", "creator_user_id"}
_OF_THE_SITE |= {"guid", "uri", "identifier", "name", "license_title", "license_url"}
_OF_THE_SITE |= {"first_published", "marathon_notices"}
# Values that the official shapes of DCAT-AP allow from one table only, or without a property:
# docs/rdf.md, "What others publish".
_NOT_SAID_AGAIN = frozenset({"frequency_text", "format", "mimetype", "package_format", "homepage"})
_NOT_SAID_AGAIN |= {"hash", "hash_algorithm", "access_services", "issued", "modified"}
_NOT_SAID_AGAIN |= {
    OTHER_LANGUAGES,
    "status_text",
    "availability_text",
    "format_text",
    "mimetype_text",
    "hash_text",
}
_NOT_SAID_AGAIN |= {"compress_format_text", "package_format_text", "size_text", "license_text"}
# Values of the wrong type (address, e-mail address, date, kind of body) are not published.
_NOT_ONE = ("_url_text", "_email_text", "_type_text", "_start_text", "_end_text", "url_text")
_NOT_ONE += ("_geom_text", "_bbox_text", "_centroid_text")
# The title of a document or licence that also has an address.
_NOT_ONE += ("_label_text",)


def pairs(file: Published) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the datasets of a file as both profiles read them."""
    ours = {_name(each): each for each in read(file.graph, OURS)}
    return [(each, ours[_name(each)]) for each in read(file.graph, STOCK)]


@pytest.mark.usefixtures("marathon_site")
def test_no_field_is_lost_and_no_dataset_refused() -> None:
    organization = NationalBody()
    tally: Counter[str] = Counter()
    faults = []
    for file in published():
        tally["files"] += 1
        for theirs, ours in pairs(file):
            tally["datasets"] += 1
            faults += [f"{file.name}, read: {e}" for e in lost(theirs, ours, file.graph)]
            faults += [f"{file.name}, node id: {e}" for e in node_ids(ours, file.graph)]
            if tally["saved"] + tally["refused"] >= SAVED:
                continue
            sent = json.loads(json.dumps(ours))
            # As ckanext-dcat's harvester sends it.
            sent |= {"name": f"copy-{tally['datasets']}", "owner_org": organization["id"]}
            sent["extras"].append({"key": "guid", "value": sent["name"]})
            try:
                saved = call_action("package_create", **sent)
                tally["saved"] += 1
            except tk.ValidationError as error:
                tally["refused"] += 1
                faults.append(f"{file.name}, refused: {error.error_dict}")
                continue
            faults += [f"{file.name}, saved: {e}" for e in lost(theirs, saved, file.graph)]
            graph = build_record_graph(saved, Lookups())
            faults += [f"{file.name}, language: {each}" for each in mistagged(saved, graph)]
            (again,) = read(graph, OURS)
            gone = lost(_said(saved), again, graph)
            # A name that only the other catalogue knows is none on the web.
            gone = [each for each in gone if ".uri: " not in each or ".uri: http" in each]
            faults += [f"{file.name}, published: {each}" for each in gone]
    proving.NOTES.append(f"catalogues that others published: {dict(sorted(tally.items()))}")
    assert not faults, "\n".join(faults[:40])


def mistagged(saved: dict[str, Any], graph: Graph) -> list[str]:
    """Return the texts in another language that are published as in the site's."""
    stored = [each["value"] for each in saved["extras"] if each["key"] == OTHER_LANGUAGES]
    others = [text for each in stored for texts in json.loads(each).values() for text in texts]
    ours = [str(e) for e in graph.objects() if getattr(e, "language", None) == read_site().language]
    return [text for text in ours if any(text.startswith(each) for each in others if each)]


def _name(dataset: dict[str, Any]) -> str:
    uris = [each["value"] for each in dataset["extras"] if each["key"] == "uri" and each["value"]]
    return uris[0] if uris else dataset["title"]


def _said(saved: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a saved dataset that must be published."""
    left_out = _OF_THE_SITE | _NOT_SAID_AGAIN
    said = {name: value for name, value in saved.items() if name not in left_out}
    resources = [
        {
            name: value
            for name, value in each.items()
            if name not in left_out and not name.endswith("_label_text")
        }
        for each in saved["resources"]
    ]
    extras = [
        each
        for each in saved["extras"]
        if each["key"] not in left_out - {"license_text"} and not each["key"].endswith(_NOT_ONE)
    ]
    tags = [{"name": each["name"]} for each in saved["tags"]]
    said = {name: value for name, value in said.items() if isinstance(value, str | list)}
    # DCAT-AP takes one publisher.
    said["publisher"] = said.get("publisher", [])[:1]
    return {**said, "resources": resources, "extras": extras, "tags": tags}
