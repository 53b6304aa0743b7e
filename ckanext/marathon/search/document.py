"""What Solr is given of a package: what everybody may read, in fields that CKAN's schema has.

Pure: dicts in, dicts out. Every reader of a search gets the stored copy, whoever saved the package.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ckanext.marathon.domain import workshop
from ckanext.marathon.domain.texts import load_json

# Shown according to the viewer by ``package_show``, so never kept.
_VIEWERS_OWN = ("ideas", "workshop_info")
# Fields with the ids of other records, some of which an outsider may not know of.
_LINKS = {"dataset": ("idea", "data_need"), "idea": ("workshop",)}
# CKAN's relationships name records that may be hidden now or later.
RELATIONSHIPS = ("relationships_as_subject", "relationships_as_object")
# A value of a string field longer than this makes Solr refuse the document
# (Lucene, IndexWriter.MAX_TERM_LENGTH).
_LONGEST = 32_766
_TITLE = 1_000
_SORTED = "title_string"
_TEXT_FIELDS = {
    *("title", "notes", "text", "urls", "author", "author_email", "maintainer"),
    *("maintainer_email", "res_name", "res_description", "data_dict", "validated_data_dict"),
}
_TEXT_PREFIXES = ("extras_", "res_extras_")
# Identifiers and coordinates are nothing that people search for.
_NOT_WORDS = frozenset({"id", "uri", "geom", "bbox", "centroid"})


def for_everybody(package: Mapping[str, Any]) -> dict[str, Any]:
    """Return a package as an outsider is shown it, without what names other records.

    Counts are masked, and nobody's name is in its history.
    """
    shown = {k: v for k, v in package.items() if k not in _VIEWERS_OWN}
    shown |= {name: [] for name in RELATIONSHIPS if name in shown}
    if isinstance(shown.get("history"), list):
        shown["history"] = [
            {k: v for k, v in step.items() if k != "user"} for step in shown["history"]
        ]
    if shown.get("type") == "workshop":
        known = {field: _number(shown.get(field)) for field in workshop.COUNT_FIELDS}
        masked = workshop.mask_counts(known)
        shown |= masked.counts
        shown["participants_masked"] = [
            *dict.fromkeys([*(shown.get("participants_masked") or []), *masked.masked])
        ]
    return shown


def extras_for_everybody(
    extras: Iterable[Mapping[str, Any]], package: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return raw extras (``key``, ``value``) with no more than ``package`` shows of them.

    Counts that it keeps masked are left out, links are those that it has.
    """
    hidden = {field for field in workshop.COUNT_FIELDS if package.get(field) is None}
    links = _links(package)
    return [
        {**extra, "value": links[extra["key"]]} if extra["key"] in links else extra
        for extra in extras
        if extra["key"] not in hidden and links.get(extra["key"]) != ""
    ]


def with_links(document: Mapping[str, Any], package: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Solr document that links to what ``package``, as outsiders see it, links to."""
    links = _links(package)
    fields = {**links, **{f"extras_{name}": value for name, value in links.items()}}
    return {**document, **{name: value for name, value in fields.items() if name in document}}


def _links(package: Mapping[str, Any]) -> dict[str, str]:
    """Return field → text of the links to ideas, data needs and workshops, "" for none."""
    links: dict[str, str] = {}
    for field in _LINKS.get(package.get("type") or "", ()):
        value = package.get(field) or ""
        links[field] = json.dumps(value) if value and isinstance(value, list) else value or ""
    return links


def without_counts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Solr document in which nobody can search for a number of participants."""
    hidden = {*workshop.COUNT_FIELDS, *(f"extras_{field}" for field in workshop.COUNT_FIELDS)}
    return {k: v for k, v in document.items() if k not in hidden}


def without_relationships(document: Mapping[str, Any], types: Collection[str]) -> dict[str, Any]:
    """Return a Solr document without the names of what the package is related to, by type."""
    return {k: v for k, v in document.items() if k not in types}


def fitting(
    document: Mapping[str, Any], repeating: Collection[str], ours: Collection[str] | None = None
) -> dict[str, Any]:
    """Return a Solr document whose values CKAN's own schema can take.

    Args:
        document: field → value; lists and rows of our schemas are JSON text, as CKAN stores them.
        ours: fields of our schemas. JSON text in others stays, for the plugins that read it after
            us (``in_series`` of ckanext-dataset-series, ``spatial`` of ckanext-spatial). ``None``:
            all are ours.
        repeating: fields whose rows stay, for ckanext-dcat, which takes them apart afterwards. Solr
            refuses rows anywhere else: a title that looks like some is a text.
    """
    fitted: dict[str, Any] = {}
    for key, value in document.items():
        parsed = _parsed(value)
        is_ours = ours is None or key.removeprefix("extras_") in ours
        is_others = isinstance(value, str) and not is_ours and key not in repeating
        if key in _TEXT_FIELDS or key == _SORTED or parsed is None or is_others:
            fitted[key] = value
        elif key.startswith(_TEXT_PREFIXES):
            fitted[key] = " ".join(_words(parsed))
        elif key in repeating and _is_rows(parsed):
            fitted[key] = [_short(row) for row in parsed]
    return {key: value for key, value in _cut(fitted) if value is not None}


def utc(moment: Any) -> str | None:
    """Return ISO 8601 text as Solr's date (UTC, whole seconds), ``None`` if it is not one."""
    try:
        parsed = datetime.fromisoformat(moment)
    except (TypeError, ValueError):
        return None
    return parsed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if parsed.tzinfo else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("[", "{")):
        return value if isinstance(value, dict) or _is_rows(value) else None
    try:
        return load_json(value)
    except ValueError:
        return None


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _words(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _NOT_WORDS:
                yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, str) and value:
        yield value


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if not (isinstance(v, str) and _too_long(v))}


def _cut(document: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for key, value in document.items():
        if key in _TEXT_FIELDS or key.startswith(_TEXT_PREFIXES):
            yield key, value
        elif key == _SORTED:
            yield key, value[:_TITLE]
        elif isinstance(value, list):
            yield key, [v for v in value if not (isinstance(v, str) and _too_long(v))]
        elif not (isinstance(value, str) and _too_long(value)):
            yield key, value


def _too_long(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) > _LONGEST
