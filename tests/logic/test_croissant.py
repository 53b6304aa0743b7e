"""Croissant has the files that a reader can check, and codes stay text in it."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage

from ckanext.marathon.logic import dataset as dataset_logic
from tests.factories import MarathonDataset
from tests.views.test_search_engines import PLUGINS

TABLE = b"codigo;horas;nombre\n0501;4;007 pozos\n0115;6;x\n"
SHA = "ab" * 32


def test_only_uploads_with_a_sha256_are_in_croissant() -> None:
    files = [
        {"id": "1", "url": "https://a.gt/1.csv", "name": "Enlace"},
        {"id": "2", "url": "https://a.gt/2.csv", "hash": SHA},
        {"id": "3", "url_type": "upload", "url": "https://a.gt/download/a%20b.csv"},
        {
            "id": "4",
            "url_type": "upload",
            "url": "https://a.gt/d/a%20b.csv",
            "hash": "sha256:" + SHA,
        },
        {"id": "5", "url_type": "upload", "url": "https://a.gt/d/c.csv", "hash": "ab" * 20},
    ]
    given = {"name": "d", "title": "T", "notes": "", "resources": files}
    before = copy.deepcopy(given)
    found = dataset_logic.prepare_croissant(given)
    assert given == before
    (file,) = found["resources"]
    assert (file["id"], file["name"], file["hash"]) == ("4", "a b.csv", SHA)
    assert found["notes"] == "T"


def test_columns_with_leading_zeros_are_text() -> None:
    assert dataset_logic.find_code_columns(TABLE.decode()) == {"codigo"}
    assert dataset_logic.find_code_columns('a,b\n0,1\n"0501",2\n1,0.5\n') == {"a"}
    assert dataset_logic.find_code_columns("") == set()
    assert dataset_logic.find_code_columns('a\n"sin fin') == set()


@pytest.mark.ckan_config("ckan.plugins", PLUGINS)
@pytest.mark.usefixtures("with_plugins", "marathon_site", "storage", "with_request_context")
def test_the_served_croissant_has_the_upload_and_codes_become_text(
    app: Any, tmp_path: Path
) -> None:
    dataset = MarathonDataset(resources=[{"url": "https://example.gt/1.csv", "name": "Enlace"}])
    upload = FileStorage(io.BytesIO(TABLE), "fugas.csv")
    held = call_action("resource_create", package_id=dataset["id"], upload=upload, name="Fugas")
    found = json.loads(app.get(f"/dataset/{dataset['id']}/croissant.jsonld").data)
    (file,) = found["distribution"]
    assert held["hash"] in str(file["sha256"])
    assert "Fugas" in str(file["name"])
    # Columns that the DataStore read as numbers, as ckanext-dcat writes them.
    fields = [
        {"@id": name, "dataType": kind, "source": {"extract": {"column": {"@value": name}}}}
        for name, kind in (("codigo", "Float"), ("horas", "Integer"), ("nombre", "Text"))
    ]
    records = {"@id": f"http://example.org/{held['id']}/records", "field": fields}
    typed = json.loads(dataset_logic.keep_codes_as_text(json.dumps({"recordSet": records})))[
        "recordSet"
    ]
    assert [each["dataType"] for each in typed["field"]] == ["Text", "Integer", "Text"]


@pytest.mark.ckan_config("ckan.plugins", PLUGINS)
@pytest.mark.usefixtures("with_plugins", "marathon_site")
def test_croissant_of_a_hidden_dataset_gets_410_and_of_a_draft_404(app: Any) -> None:
    dataset, draft = MarathonDataset(), MarathonDataset(private=True)
    call_action("package_patch", id=dataset["id"], private=True)
    for reference, status in ((dataset["id"], 410), (dataset["name"], 410), (draft["id"], 404)):
        answer = app.get(f"/dataset/{reference}/croissant.jsonld")
        assert answer.status_code == status, reference
    call_action("dataset_purge", id=dataset["id"])
    assert app.get(f"/dataset/{dataset['id']}/croissant.jsonld").status_code == 410
