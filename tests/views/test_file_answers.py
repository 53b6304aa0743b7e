"""Files that officers upload: shown or downloaded, and never run as pages of the site."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.lib import files, uploader
from ckan.tests import factories
from ckan.tests.helpers import call_action
from flask import Response, redirect
from rdflib import DCAT, Graph, URIRef
from werkzeug.datastructures import FileStorage
from werkzeug.http import parse_options_header
from werkzeug.wsgi import wrap_file

from ckanext.marathon.logic import resource as resource_logic
from ckanext.marathon.views import files as files_views
from tests.domain.test_media_type import DRAWING, PAGE, PIXEL, TABLE
from tests.factories import MarathonDataset

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site", "storage")

SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
# The browser's viewer does not start in a sandbox.
PDF = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' blob: data:; object-src 'self'"
Publish = Callable[..., dict[str, Any]]


@pytest.fixture
def publish(villa_nueva: dict[str, Any]) -> Publish:
    """Return a function that publishes a file in the way of the API."""

    def publish(body: bytes, name: str, private: bool = False, **more: Any) -> dict[str, Any]:
        dataset = MarathonDataset(owner_org=villa_nueva["id"], private=private)
        return call_action(
            "resource_create",
            package_id=dataset["id"],
            upload=FileStorage(io.BytesIO(body), name, content_type="text/html"),
            url=name,
            **more,
        )

    return publish


def address(resource: dict[str, Any]) -> str:
    path = resource["url"].partition("/dataset/")[2]
    return f"/dataset/{path}"


def fed_media_types(visitor: Reader, resource: dict[str, Any]) -> set[str]:
    """Return the media types that the feeds in RDF and ``data.json`` state of a file."""
    graph = Graph().parse(data=visitor.get("/catalog/all.ttl").text, format="turtle")
    (described,) = graph.subjects(DCAT.downloadURL, URIRef(resource["url"]))
    in_rdf = {
        str(found).partition("/media-types/")[2]
        for found in graph.objects(described, DCAT.mediaType)
    }
    inventory = json.loads(visitor.get("/data.json").text)
    in_json = {
        entry["mediaType"]
        for dataset in inventory["dataset"]
        for entry in dataset["distribution"]
        if entry.get("downloadURL") == resource["url"]
    }
    return in_rdf | in_json


@pytest.mark.parametrize(
    ("body", "name", "content_type", "disposition"),
    [
        (PAGE, "pagina.html", "text/html; charset=utf-8", "attachment"),
        (PAGE, "datos.csv", "application/octet-stream", "attachment"),
        (DRAWING, "escudo.svg", "image/svg+xml", "attachment"),
        (b"alert", "codigo.js", "text/plain; charset=utf-8", "inline"),
        (TABLE, "fugas.csv", "text/csv; charset=utf-8", "attachment"),
        (TABLE, "fugas.txt", "text/plain; charset=utf-8", "inline"),
        (PIXEL, "foto.png", "image/png", "inline"),
        (b"%PDF-1.7\n", "plan.pdf", "application/pdf", "inline"),
        (b"{}", "datos.json", "application/json", "attachment"),
    ],
)
def test_the_media_type_of_a_file_is_that_of_its_bytes(
    visitor: Reader, publish: Publish, body: bytes, name: str, content_type: str, disposition: str
) -> None:
    resource = publish(body, name, mimetype="text/html")
    answer = visitor.get(address(resource))
    assert answer.status_code == 200
    assert answer.data == body
    assert answer.headers["Content-Type"] == content_type
    assert parse_options_header(answer.headers["Content-Disposition"]) == (
        disposition,
        {"filename": name},
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == (PDF if name == "plan.pdf" else SANDBOX)
    assert fed_media_types(visitor, resource) == {content_type.partition(";")[0]}


def test_a_sent_media_type_is_ignored(visitor: Reader, publish: Publish) -> None:
    resource = publish(TABLE, "fugas.csv")
    patched = call_action("resource_patch", id=resource["id"], mimetype="text/html", name="Fugas")
    assert (patched["name"], patched["mimetype"]) == ("Fugas", "text/csv")
    assert visitor.get(address(resource)).headers["Content-Type"].startswith("text/csv")


def test_the_address_of_a_file_does_not_depend_on_the_language(
    app: Any, visitor: Reader, publish: Publish
) -> None:
    resource = publish(TABLE, "fugas.csv")
    environ = {"CKAN_LANG": "en", "CKAN_LANG_IS_DEFAULT": False}
    with app.flask_app.test_request_context("/dataset/", environ_overrides=environ):
        saved = call_action("resource_patch", id=resource["id"], name="Leaks")
    assert saved["url"] == resource["url"]
    shown = call_action("package_show", id=resource["package_id"])
    assert [each["url"] for each in shown["resources"]] == [resource["url"]]
    (found,) = call_action("package_search")["results"]
    assert [each["url"] for each in found["resources"]] == [resource["url"]]
    assert fed_media_types(visitor, resource) == {"text/csv"}
    assert "/en/dataset" not in visitor.get("/catalog/all.ttl").text


def test_a_replaced_file_gets_the_type_of_the_new_bytes(visitor: Reader, publish: Publish) -> None:
    resource = publish(TABLE, "fugas.csv")
    replaced = call_action(
        "resource_patch",
        id=resource["id"],
        upload=FileStorage(io.BytesIO(PIXEL), "foto.png"),
    )
    assert replaced["mimetype"] == "image/png"
    assert visitor.get(address(replaced)).headers["Content-Type"] == "image/png"


def test_uploads_with_a_new_dataset_get_the_type_of_their_bytes() -> None:
    upload = FileStorage(io.BytesIO(PAGE), "datos.csv", content_type="text/csv")
    resource = {"url": "", "upload": upload, "mimetype": "text/csv"}
    assert resource_logic.prepare_uploads({}, [resource]) == [[]]
    assert resource["mimetype"] == "application/octet-stream"


def test_the_download_name_is_the_stored_one(visitor: Reader, publish: Publish) -> None:
    resource = publish(TABLE, "fugas.csv")
    asked = address(resource).replace("fugas.csv", "instalar.bat")
    answer = visitor.get(asked)
    assert parse_options_header(answer.headers["Content-Disposition"])[1] == {
        "filename": "fugas.csv"
    }


@pytest.mark.parametrize(
    ("stored", "filename"),
    [
        ('con "comillas".csv', 'con "comillas".csv'),
        ("año de la ñ.csv", "año de la ñ.csv"),
        ("una\r\nX-Otra línea.csv", "unaX-Otra línea.csv"),
        # Python takes line ends out of an address, but not those that are written with «%».
        ("una%0D%0AX-Otra: línea%C2%85%E2%80%A8.csv", "unaX-Otra: línea.csv"),
        ("../../etc/datos.csv", "datos.csv"),
        ("a;filename=b.html.csv", "a;filename=b.html.csv"),
    ],
)
def test_any_file_name_is_escaped_in_the_header(
    visitor: Reader, publish: Publish, stored: str, filename: str
) -> None:
    resource = publish(TABLE, "fugas.csv")
    model.Resource.get(resource["id"]).url = stored
    model.Session.commit()
    answer = visitor.get(address(resource))
    assert "X-Otra" not in answer.headers
    header = answer.headers["Content-Disposition"]
    assert header.isascii()
    assert parse_options_header(header)[1] == {"filename": filename}


@pytest.mark.ckan_config("ckan.cache_enabled", True)
@pytest.mark.ckan_config("ckan.cache_expires", 3600)
def test_a_private_file_is_for_its_officers_and_is_not_cached(
    app: Any, visitor: Reader, editor: Reader, publish: Publish
) -> None:
    resource = publish(TABLE, "fugas.csv", private=True)
    answer = editor.get(address(resource))
    assert answer.status_code == 200
    assert answer.cache_control.private
    assert answer.cache_control.no_store
    assert not answer.cache_control.public
    assert visitor.get(address(resource)).status_code in {403, 404}
    shared = publish(TABLE, "fugas.csv")
    assert visitor.get(address(shared)).cache_control.public


def test_head_and_range_keep_the_headers_and_a_known_etag_gets_304(
    visitor: Reader, app: Any, publish: Publish
) -> None:
    path = address(publish(TABLE, "fugas.csv"))
    whole = visitor.get(path)
    head = app.flask_app.test_client().head(path)
    for name in (
        "Content-Type",
        "Content-Disposition",
        "Content-Security-Policy",
        "Content-Length",
    ):
        assert head.headers[name] == whole.headers[name]
    part = visitor.get(path, Range="bytes=7-11")
    assert (part.status_code, part.data) == (206, TABLE[7:12])
    assert part.headers["Content-Type"] == whole.headers["Content-Type"]
    assert part.headers["Content-Disposition"] == whole.headers["Content-Disposition"]
    same = visitor.get(path, **{"If-None-Match": whole.headers["ETag"]})
    assert same.status_code == 304
    # Browsers would put it in the place of the first answer's.
    assert "Content-Disposition" not in same.headers
    assert same.headers["X-Content-Type-Options"] == "nosniff"


def test_the_media_type_of_a_range_is_detected_from_the_beginning_of_the_file(
    tmp_path: Path,
) -> None:
    """The open file may be positioned at the range. Its position is restored."""
    path = tmp_path / "fugas.csv"
    path.write_bytes(TABLE)
    with path.open("rb") as opened:
        opened.seek(7)
        answer = Response(wrap_file({}, opened), status=206)
        assert files_views._take_sample(answer) == (TABLE, True)
        assert opened.tell() == 7


@pytest.mark.ckan_config("ckan.files.inline_content_types", "text/csv")
def test_a_setting_names_the_types_shown_inline(visitor: Reader, publish: Publish) -> None:
    table, picture = publish(TABLE, "fugas.csv"), publish(PIXEL, "foto.png")
    assert visitor.get(address(table)).headers["Content-Disposition"].startswith("inline")
    assert visitor.get(address(picture)).headers["Content-Disposition"].startswith("attachment")


@pytest.fixture
def put_logo(app: Any, storage: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that puts a file into CKAN's folder of organisations' pictures."""
    flask_app = app.flask_app
    folders = [*flask_app.static_folder, str(storage / "storage")]
    monkeypatch.setattr(flask_app, "_static_folder", folders)
    folder = storage / "storage" / "uploads" / "group"
    folder.mkdir(parents=True)
    return lambda name, body: (folder / name).write_bytes(body)


@pytest.mark.parametrize("path", ["/uploads/group/escudo.svg", "/x/../uploads/group/escudo.svg"])
def test_a_logo_cannot_run_as_a_page(
    visitor: Reader, put_logo: Callable[..., None], path: str
) -> None:
    put_logo("escudo.svg", DRAWING)
    answer = visitor.get(path)
    assert answer.status_code == 200
    assert answer.data == DRAWING
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["Content-Disposition"] == "attachment; filename=escudo.svg"
    assert answer.headers["Content-Security-Policy"] == SANDBOX


def test_a_logo_with_html_is_sent_as_a_download(
    visitor: Reader, put_logo: Callable[..., None]
) -> None:
    put_logo("escudo.png", PAGE)
    answer = visitor.get("/uploads/group/escudo.png")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_static_files_get_nosniff_but_no_content_security_policy(visitor: Reader) -> None:
    answer = visitor.get("/base/images/ckan-logo-footer.png")
    assert answer.status_code == 200
    assert "Content-Security-Policy" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture
def use_storage() -> Iterator[Callable[..., Any]]:
    """Return a function that configures a storage of CKAN's for a test."""
    made: list[str] = []

    def use_storage(name: str, kind: str, **settings: Any) -> Any:
        storage = files.make_storage(name, {"type": kind, "initialize": True, **settings})
        files.storages.register(name, storage)
        made.append(name)
        return storage

    yield use_storage
    for name in set(made):
        files.storages.pop(name)


@pytest.mark.parametrize("kind", ["ckan:fs", "ckan:memory"])
def test_files_in_a_ckan_storage_get_the_same_headers(
    visitor: Reader, publish: Publish, use_storage: Callable[..., Any], tmp_path: Path, kind: str
) -> None:
    use_storage("resources", kind, **({"path": str(tmp_path)} if kind == "ckan:fs" else {}))
    resource = publish(PAGE, "datos.csv", mimetype="text/html")
    assert isinstance(uploader.get_resource_uploader({}), uploader.FKResourceUpload)
    assert resource["hash"] == hashlib.sha256(PAGE).hexdigest()
    stored = model.Resource.get(resource["id"])
    assert stored is not None
    assert b"".join(resource_logic.read_file(stored) or ()) == PAGE
    answer = visitor.get(address(resource))
    assert answer.status_code == 200
    assert answer.data == PAGE
    assert answer.headers["Content-Length"] == str(len(PAGE))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=datos.csv"
    assert answer.headers["Content-Security-Policy"] == SANDBOX


def test_ckans_file_addresses_get_the_same_headers(
    visitor: Reader, use_storage: Callable[..., Any], tmp_path: Path
) -> None:
    use_storage("shared", "ckan:fs", path=str(tmp_path), public=True)
    (tmp_path / "datos.csv").write_bytes(PAGE)
    answer = visitor.get("/file/public-download/shared/datos.csv")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=datos.csv"
    assert answer.headers["Content-Security-Policy"] == SANDBOX
    assert not answer.cache_control.no_store


def test_a_file_without_a_resource_in_a_private_storage_is_not_cached(
    reader: Any, use_storage: Callable[..., Any], tmp_path: Path
) -> None:
    use_storage("kept", "ckan:fs", path=str(tmp_path))
    sysadmin = factories.Sysadmin()
    kept = call_action(
        "file_create",
        context={"user": sysadmin["name"]},
        name="fugas.csv",
        storage="kept",
        upload=FileStorage(io.BytesIO(TABLE), "fugas.csv"),
    )
    answer = reader(sysadmin).get(f"/file/download/{kept['id']}")
    assert (answer.status_code, answer.data) == (200, TABLE)
    assert answer.cache_control.private
    assert answer.cache_control.no_store


def test_a_redirect_to_an_object_store_is_unchanged_and_not_cached(
    editor: Reader, publish: Publish, use_storage: Callable[..., Any], monkeypatch: Any
) -> None:
    """The store is another host, whose pages are not the site's."""
    storage = use_storage("resources", "ckan:memory")
    elsewhere = "https://store.example.gt/datos.csv?signature=x"
    monkeypatch.setattr(storage, "as_response", lambda *_, **__: redirect(elsewhere))
    answer = editor.get(address(publish(PAGE, "datos.csv", private=True)))
    assert answer.status_code == 302
    assert answer.headers["Location"] == elsewhere
    assert answer.cache_control.private
    assert answer.cache_control.no_store


class TestFilesHost:
    """Downloads from a host of their own."""

    pytestmark = pytest.mark.ckan_config("ckanext.marathon.files_url", "https://files.example.gt")

    def test_public_downloads_redirect_to_the_files_host(
        self, visitor: Reader, publish: Publish
    ) -> None:
        path = address(publish(TABLE, "fugas.csv"))
        answer = visitor.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"https://files.example.gt{path}"

    def test_the_files_host_serves_only_downloads(self, visitor: Reader, publish: Publish) -> None:
        path = address(publish(TABLE, "fugas.csv"))
        answer = visitor.get(path, Host="files.example.gt")
        assert (answer.status_code, answer.data) == (200, TABLE)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        for other in (
            "/",
            "/dataset/",
            "/user/login",
            "/api/3/action/site_read",
            "/base/images/x.png",
        ):
            assert visitor.get(other, Host="files.example.gt").status_code == 404, other

    def test_private_files_are_served_by_the_site_itself(
        self, editor: Reader, publish: Publish
    ) -> None:
        answer = editor.get(address(publish(TABLE, "fugas.csv", private=True)))
        assert answer.status_code == 200
        assert answer.cache_control.no_store
