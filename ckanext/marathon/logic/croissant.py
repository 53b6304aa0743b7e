"""A dataset as Croissant takes it, and Croissant as ckanext-dcat writes it, put right.

Source: MLCommons, "Croissant Format Specification" 1.0: a ``FileObject`` has a name, a
``contentUrl`` and a checksum, and the type of a column is what a reader makes of its text.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from ckan import model

from ckanext.marathon.domain.file import read_checksum
from ckanext.marathon.feeds.plain import plain
from ckanext.marathon.logic import uploads
from ckanext.marathon.rdf.literals import make_moment

# Of what Croissant knows.
ALGORITHMS = frozenset({"md5", "sha256"})
# As ckanext-dcat's context shortens https://schema.org/Text.
TEXT = "Text"
# Bytes of a table that are looked at for codes.
SAMPLE = 2**20
_CODE = re.compile(r"\s*0[0-9]+\s*")


def prepare(dataset: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a dataset with the files that Croissant can have.

    Those are the files that the site holds. Of a link nobody here knows the bytes: it has no
    checksum, and readers refuse the whole dataset where a file lacks one.

    Args:
        dataset: as ``package_show`` gives it; not changed, which ckanext-dcat's profile would do.
    """
    prepared = copy.deepcopy(dataset)
    prepared["notes"] = prepared.get("notes") or prepared.get("title") or prepared["name"]
    prepared["resources"] = [
        found for each in prepared.get("resources") or [] if (found := _file(each))
    ]
    return prepared


def _file(resource: dict[str, Any]) -> dict[str, Any] | None:
    checksum = read_checksum(resource)
    is_held = resource.get("url_type") == "upload"
    if not is_held or checksum is None or checksum.algorithm not in ALGORITHMS:
        return None
    name = unquote(urlsplit(resource.get("url") or "").path.rpartition("/")[2])
    return {
        **resource,
        "name": resource.get("name") or name or resource["id"],
        # By the number of digits the profile tells which it is.
        "hash": checksum.digits,
    }


# What only Croissant says, and what its readers want in its own words.
_OF_CROISSANT = frozenset({"@context", "@id", "@type"})
# Times, whose form says whether they are days, months or years.
_TIMES = frozenset({"datePublished", "dateModified"})
# What schema.org says of a dataset or file, and Croissant as ckanext-dcat writes it may too.
_OF_DATASET = frozenset(
    {"about", "creator", "keywords", "inLanguage", "license", "publisher", "spatialCoverage"}
    | {"temporalCoverage", "version", *_TIMES}
)
_OF_FILE = frozenset({"contentSize", "encodingFormat", "description", "license", *_TIMES})


def restate(written: str, described: Mapping[str, Any]) -> str:
    """Return Croissant that says the same as another description of the dataset.

    ckanext-dcat reads the fields as they are stored: Markdown, the licence of CKAN's register, no
    statement of rights. What is not told there is not told here either.

    Args:
        written: JSON, as ckanext-dcat writes it.
        described: as ``feeds.schema_org`` gives it; nothing changes without one.
    """
    if not described:
        return written
    document = json.loads(written)
    files = {each["@id"]: each for each in _listed(document.get("distribution"))}
    told = {name: value for name, value in described.items() if name not in _OF_CROISSANT}
    shown = [each for each in told.pop("distribution", []) if each["@id"] in files]
    for name in _OF_DATASET - told.keys():
        document.pop(name, None)
    # Croissant requires one.
    told.setdefault("creator", told.get("publisher") or [])
    # A short one is made longer for search engines alone.
    own = document.get("description")
    if isinstance(own, dict) and (words := plain(str(own.get("@value") or ""))):
        told["description"] = words
    document |= {name: _stated(name, value) for name, value in told.items() if value}
    if shown:
        document["distribution"] = [_with(files[each["@id"]], each) for each in shown]
    return _dumped(document)


def _with(file: dict[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in file.items() if name not in _OF_FILE}
    found = {name: value for name, value in told.items() if name not in _OF_CROISSANT}
    return kept | {name: _stated(name, value) for name, value in found.items()}


def _stated(name: str, value: Any) -> Any:
    """Return a value as expanded JSON-LD has it: the context gives a language to bare texts."""
    if isinstance(value, list):
        return [_stated(name, each) for each in value]
    if isinstance(value, dict):
        return {
            key: each if key.startswith("@") else _stated(key, each) for key, each in value.items()
        }
    if not isinstance(value, str):
        return value
    time = make_moment(value) if name in _TIMES else None
    kind = {"@type": str(time.datatype)} if time is not None else {}
    return {**kind, "@value": value}


def _dumped(document: dict[str, Any]) -> str:
    """Return JSON for a script of a page: nothing in it can end the script."""
    text = json.dumps(document, sort_keys=True, indent=4)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def keep_codes(written: str) -> str:
    """Return Croissant in which columns with codes like ``0501`` are text.

    The DataStore may have taken them for numbers; a reader of the file that did so would lose the
    zero, by which a municipality is known.

    Args:
        written: JSON, as ckanext-dcat writes it; returned as it is where nothing is wrong.
    """
    document = json.loads(written)
    changed = False
    for records in _listed(document.get("recordSet")):
        resource_id = str(records.get("@id", "")).rpartition("/records")[0].rpartition("/")[2]
        fields = _listed(records.get("field"))
        if not any(field.get("dataType") not in (TEXT, None) for field in fields):
            continue
        codes = _columns_of_codes(resource_id)
        for field in fields:
            if _column(field) in codes and field.get("dataType") != TEXT:
                field["dataType"], changed = TEXT, True
    if not changed:
        return written
    return _dumped(document)


def _listed(value: Any) -> list[dict[str, Any]]:
    rows = value if isinstance(value, list) else [value]
    return [each for each in rows if isinstance(each, dict)]


def _column(field: dict[str, Any]) -> str:
    source: Any = field.get("source") or {}
    extract: Any = source.get("extract") or {} if isinstance(source, dict) else {}
    column = extract.get("column") if isinstance(extract, dict) else ""
    # A context with a language makes an object of each text that has none.
    return str((column.get("@value") if isinstance(column, dict) else column) or "")


def _columns_of_codes(resource_id: str) -> set[str]:
    """Return the columns of an uploaded CSV file in which a number begins with a zero."""
    resource = model.Resource.get(resource_id)
    if resource is None or resource.url_type != "upload":
        return set()
    beginning = b""
    try:
        for block in uploads.read_file(resource) or ():
            beginning += block
            if len(beginning) >= SAMPLE:
                break
    except OSError:
        return set()
    return columns_of_codes(beginning[:SAMPLE].decode("utf-8-sig", "replace"))


def columns_of_codes(table: str) -> set[str]:
    """Return the columns of a CSV text in which a number begins with a zero (``0501``)."""
    first = table.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    rows = csv.reader(io.StringIO(table), delimiter=delimiter)
    names = next(rows, [])
    found: set[str] = set()
    try:
        for row in rows:
            found |= {name for name, cell in zip(names, row, strict=False) if _CODE.fullmatch(cell)}
    except csv.Error:
        # The sample may end within a quoted cell, or the file be no table.
        return found
    return found
