"""Compares data.json, schema.org and Croissant of one dataset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ckanext.marathon.feeds.data_json import LONGEST_RIGHTS, OCTET_STREAM, write_uri

# Croissant's description is the officer's alone.
_NOT_COMPARED = {"@context", "@type", "description", "distribution"}


def bare(value: Any) -> Any:
    """Return JSON-LD without the types of its literals."""
    if isinstance(value, list):
        return [bare(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "@value" in value:
        return value["@value"]
    return {name: bare(each) for name, each in value.items()}


def disagreements(row: Any, page: Any, croissant: Any) -> list[str]:
    """Return the differences between three descriptions of a dataset; "" and [] count as missing.

    Args:
        row: of data.json.
        page: schema.org of the dataset's page.
        croissant: of the same page; ``None`` to leave it out.
    """
    pairs = [*_of_dataset(row, page)]
    files = {each["identifier"]: each for each in row.get("distribution", [])}
    shown = {each["@id"]: each for each in page.get("distribution", [])}
    pairs.append(("files", [*files], [*shown]))
    for name, file in files.items():
        pairs += _of_file(file, shown[name])
    if croissant is not None:
        pairs += _of_croissant(page, bare(croissant))
    return [f"{what}: {one!r} ≠ {other!r}" for what, one, other in pairs if one != other]


Pair = tuple[str, Any, Any]


def _of_dataset(row: Any, page: Any) -> Iterator[Pair]:
    yield "title", row["title"], page["name"]
    yield "description", True, page["description"].startswith(row["description"][:4_000])
    if page.get("keywords"):
        yield "keywords", row["keyword"], page["keywords"]
    yield "issued", row.get("issued"), page.get("datePublished")
    if "modifiedOf" not in row:
        yield "modified", row["modified"], page.get("dateModified")
    yield "language", row.get("language"), page.get("inLanguage")
    yield "version", row.get("version"), page.get("version")
    if page.get("publisher"):
        yield "publisher", row["publisher"]["name"], page["publisher"]["name"]
    yield from _of_rights(row, page)
    periods = page.get("temporalCoverage", [])
    periods = periods if isinstance(periods, list) else [periods]
    stated = [row["temporal"]] if "temporal" in row else []
    yield "periods", row.get("temporalCoverage", stated), periods
    names = [each["name"] for each in page.get("spatialCoverage", []) if "name" in each]
    if names:
        yield "places", row.get("spatial"), ", ".join(dict.fromkeys(names))
    documents = {write_uri(each["url"]) for each in page.get("subjectOf", []) if "url" in each}
    yield "documents", set(), documents - set(row.get("references", []))


def _of_rights(row: Any, page: Any) -> Iterator[Pair]:
    """Compare licence and rights. data.json has the licence in one of the two."""
    licence = page.get("license", "")
    works = [licence] if isinstance(licence, dict) else []
    works += page.get("usageInfo", [])
    texts = [next(each[name] for name in ("name", "text", "url") if name in each) for each in works]
    rights = " ".join(texts)
    if len(rights) <= LONGEST_RIGHTS or "byteSize" in row:
        yield "rights", row.get("rights", ""), rights
    yield "licence", row.get("license", ""), "" if isinstance(licence, dict) else write_uri(licence)


def _of_file(row: Any, page: Any) -> Iterator[Pair]:
    yield "file title", row.get("title"), page.get("name")
    yield "file description", row.get("description"), page.get("description")
    yield "file issued", row.get("issued"), page.get("datePublished")
    yield "file modified", row.get("modified"), page.get("dateModified")
    size = row.get("byteSize")
    yield "file size", None if size is None else f"{size} B", page.get("contentSize")
    checksum = row.get("checksum", {})
    if checksum.get("algorithm") == "sha256":
        yield "file checksum", checksum["checksumValue"], page.get("sha256")
    if row.get("mediaType", OCTET_STREAM) != OCTET_STREAM:
        yield "file type", row["mediaType"], page.get("encodingFormat")
    yield from _of_rights(row, page)


def _of_croissant(page: Any, croissant: Any) -> Iterator[Pair]:
    """Compare all properties of schema.org. Croissant has only the files with a checksum."""
    yield "Croissant's description", True, page["description"].startswith(croissant["description"])
    for name in page.keys() - _NOT_COMPARED:
        yield f"Croissant's {name}", page[name], croissant.get(name)
    files = croissant.get("distribution", [])
    shown = {each["@id"]: each for each in page.get("distribution", [])}
    files = files if isinstance(files, list) else [files]
    there = {each["@id"] for each in files}
    order = [each for each in shown if each in there]
    yield "Croissant's files", order, [each["@id"] for each in files]
    for file in files:
        told = shown[file["@id"]]
        for name in (told.keys() - _NOT_COMPARED) | {"description"}:
            yield f"Croissant's file's {name}", told.get(name), file.get(name)
