"""The type of a file: bytes decide where a wrong one would do harm, names among the rest."""

from __future__ import annotations

import io
import zipfile

import pytest

from ckanext.marathon.domain.file import ACTIVE, DRAWN, LOADABLE, add_charset, detect_media_type

EXTENSIONS = [
    *("html", "htm", "xhtml", "svg", "js", "mjs", "css", "wasm"),
    *("png", "jpg", "gif", "webp", "pdf", "csv", "txt", "xml"),
]
PAGE = b"<!DOCTYPE html><html><body><p>Hola</p></body></html>"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
PIXEL = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
    b"\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\x0f\x04\x00\x09\xfb\x03\xfd\xe3U\xf2\x9c"
    b"\x00\x00\x00\x00IEND\xaeB`\x82"
)
TABLE = b"sector,fugas\nEl Frutal,3\nZona 4,5\n"
ARCHIVE = io.BytesIO()
with zipfile.ZipFile(ARCHIVE, "w") as archive:
    archive.writestr("datos.csv", TABLE)
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("sample", "name", "expected"),
    [
        # Types that browsers display: only if the bytes have this type, with any name.
        (PIXEL, "foto.png", "image/png"),
        (PIXEL, "foto.csv", "image/png"),
        (b"GIF89a\x01\x00\x01\x00", "foto", "image/gif"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "foto.jpeg", "image/jpeg"),
        (b"RIFF\x1a\x00\x00\x00WEBPVP8L", "foto.webp", "image/webp"),
        (b"%PDF-1.7\n", "plan.pdf", "application/pdf"),
        (TABLE, "foto.png", "text/plain"),
        (ARCHIVE.getvalue(), "plan.pdf", "application/octet-stream"),
        # Types that browsers run: only if the name has the right ending.
        (PAGE, "pagina.html", "text/html"),
        (PAGE, "pagina", "text/html"),
        (PAGE, "datos.csv", "application/octet-stream"),
        (PAGE, "foto.png", "application/octet-stream"),
        (PAGE, "notas.txt", "application/octet-stream"),
        (DRAWING, "escudo.svg", "image/svg+xml"),
        (DRAWING, "escudo.png", "application/octet-stream"),
        # Types that pages load: never under their own type.
        (b"function x() { return 1; }", "codigo.js", "text/plain"),
        (b"export default 1;", "codigo.mjs", "text/plain"),
        (b"#!/usr/bin/env node\nconsole.log(1)\n", "programa", "text/plain"),
        (b"p { color: red }", "estilo.css", "text/plain"),
        (b"\x00asm\x01\x00\x00\x00", "programa.wasm", "application/octet-stream"),
        # The rest: by name.
        (TABLE, "fugas.csv", "text/csv"),
        (TABLE, "FUGAS.CSV", "text/csv"),
        (TABLE, "fugas.txt", "text/plain"),
        (b"hola", "sin-extension", "text/plain"),
        (b"{}", "datos.json", "application/json"),
        (b'{"type":"FeatureCollection","features":[]}', "zonas.geojson", "application/geo+json"),
        (b'<?xml version="1.0"?><kml/>', "z.kml", "application/vnd.google-earth.kml+xml"),
        (ARCHIVE.getvalue(), "fugas.xlsx", SPREADSHEET),
        (ARCHIVE.getvalue(), "fugas.zip", "application/zip"),
        (ARCHIVE.getvalue(), "fugas.txt", "application/octet-stream"),
        (b"", "vacio.csv", "text/csv"),
        (b"", "vacio.png", "text/plain"),
        (b"\x00\x01\x02\x03", "cosa", "application/octet-stream"),
    ],
)
def test_bytes_decide_types_that_browsers_run_or_draw_and_names_the_rest(
    sample: bytes, name: str, expected: str
) -> None:
    assert detect_media_type(sample, name) == expected


@pytest.mark.parametrize("sample", [PAGE, DRAWING, PIXEL, TABLE, ARCHIVE.getvalue(), b"", b"x"])
def test_no_name_makes_a_file_more_dangerous_than_its_bytes(sample: bytes) -> None:
    """A name never makes bytes a drawn, active or loadable type that they are not."""
    without_name = detect_media_type(sample, "")
    for extension in EXTENSIONS:
        given = detect_media_type(sample, f"x.{extension}")
        assert given not in LOADABLE
        if given in DRAWN:
            assert given == without_name
        if given in ACTIVE:
            assert given == without_name


@pytest.mark.parametrize(
    ("media_type", "sample", "is_whole", "expected"),
    [
        ("text/csv", "año".encode(), True, "text/csv; charset=utf-8"),
        ("text/csv", "año".encode()[:2], False, "text/csv; charset=utf-8"),
        ("text/csv", "año".encode()[:2], True, "text/csv"),
        ("text/csv", "año".encode("latin-1"), True, "text/csv"),
        ("text/plain", b"sector", True, "text/plain; charset=utf-8"),
        ("text/plain", b"sector", False, "text/plain"),
        ("application/json", "año".encode(), True, "application/json"),
    ],
)
def test_only_text_types_known_to_be_utf_8_get_a_charset(
    media_type: str, sample: bytes, is_whole: bool, expected: str
) -> None:
    assert add_charset(media_type, sample, is_whole) == expected
