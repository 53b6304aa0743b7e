"""The Solr document of a package: public content only, in fields of CKAN's Solr schema.

Every search returns the copy in Solr, so it must not depend on the user who saved the package.
Besides CKAN's own fields a document has the values of our filters, and further search words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.marathon.domain import workshop
from ckanext.marathon.domain.texts import is_json_list, is_json_object, load_json
from ckanext.marathon.records import (
    DATASET,
    OTHER_TYPES,
    Dataset,
    Idea,
    PackageRecord,
    Workshop,
    list_stored_texts,
    read_package_record,
)
from ckanext.marathon.visibility import filter_public
from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.codes import UnknownCode
from ckanext.marathon.vocabulary.problems import ServiceProblem
from ckanext.marathon.vocabulary.territory import Municipality

Concept = TypeVar("Concept", Municipality, ServiceProblem)


# CKAN workaround: unknown-types
def list_registered_types() -> list[str]:
    """Return the dataset types that have pages: ours, CKAN's and those of other plugins.

    CKAN also saves other types, and then every page that lists such a record ends as 500.
    """
    plugins = p.PluginImplementations(p.IDatasetForm)
    return sorted(
        {DATASET, *(package_type for plugin in plugins for package_type in plugin.package_types())}
    )


# Fields that depend on the viewer of ``package_show``, which are not indexed.
_VIEWERS_OWN = ("ideas", "workshop_info")
# Fields with ids of other records, some of which may be hidden.
_LINKS = {"dataset": ("idea", "data_need"), "idea": ("workshop",)}
# CKAN's relationships, with names of records that may be hidden now or later.
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
# Identifiers and coordinates, which are no search words.
_NOT_WORDS = frozenset({"id", "uri", "geom", "bbox", "centroid"})


def select_for_everybody(package: Mapping[str, Any]) -> dict[str, Any]:
    """Return a shown package as an anonymous visitor may see it, without names of other records.

    Counts are masked, and the history has no names of people.
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


def select_extras_for_everybody(
    extras: Iterable[Mapping[str, Any]], package: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return raw extras (``key``, ``value``) without values that ``package`` does not show.

    Masked counts are left out, and links are those of ``package``.
    """
    hidden = {field for field in workshop.COUNT_FIELDS if package.get(field) is None}
    links = _links(package)
    return [
        {**extra, "value": links[extra["key"]]} if extra["key"] in links else extra
        for extra in extras
        if extra["key"] not in hidden and links.get(extra["key"]) != ""
    ]


def add_links(document: Mapping[str, Any], package: Mapping[str, Any]) -> dict[str, Any]:
    """Add to a Solr document the public links of ``package``."""
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


def remove_counts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Remove counts of participants from a Solr document, so that searches cannot reveal them."""
    hidden = {*workshop.COUNT_FIELDS, *(f"extras_{field}" for field in workshop.COUNT_FIELDS)}
    return {k: v for k, v in document.items() if k not in hidden}


def remove_relationships(document: Mapping[str, Any], types: Collection[str]) -> dict[str, Any]:
    """Remove fields of package relationships, named by their types, from a Solr document."""
    return {k: v for k, v in document.items() if k not in types}


def fit_document(
    document: Mapping[str, Any], repeating: Collection[str], ours: Collection[str] | None = None
) -> dict[str, Any]:
    """Return a Solr document with values that are valid in CKAN's Solr schema.

    Args:
        document: field → value; lists and rows of our schemas are JSON text, as CKAN stores them.
        repeating: fields whose rows stay, because ckanext-dcat flattens them afterwards. Solr
            refuses rows in other fields.
        ours: fields of our schemas, ``None`` for all. JSON text in other fields stays, because
            other plugins read it afterwards (``in_series`` of ckanext-dataset-series, ``spatial``
            of ckanext-spatial).
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


def format_utc(moment: object) -> str | None:
    """Return an ISO 8601 time with offset as Solr's date (UTC, seconds), ``None`` for others."""
    if not isinstance(moment, str):
        return None
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return parsed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if parsed.tzinfo else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("[", "{")):
        return value if is_json_object(value) or _is_rows(value) else None
    try:
        return load_json(value)
    except ValueError:
        return None


def _is_rows(value: Any) -> bool:
    return is_json_list(value) and bool(value) and all(isinstance(row, dict) for row in value)


def _words(value: Any) -> Iterable[str]:
    if is_json_object(value):
        for key, inner in value.items():
            if key not in _NOT_WORDS:
                yield from _words(inner)
    elif is_json_list(value):
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
        elif is_json_list(value):
            yield key, [v for v in value if not (isinstance(v, str) and _too_long(v))]
        elif not (isinstance(value, str) and _too_long(value)):
            yield key, value


def _too_long(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) > _LONGEST


def list_facet_values(record: PackageRecord) -> dict[str, list[str]]:
    """Return Solr field → values of our filters for a record.

    Departments are those of its municipalities; problems include their service areas.
    """
    municipalities = _list_municipalities(record)
    found: dict[str, Iterable[str]] = {
        "vocab_municipality": [municipality.code for municipality in municipalities],
        "vocab_department": [municipality.department_code for municipality in municipalities],
        "vocab_service_problem": [problem.notation for problem in _list_problems(record)],
    }
    if isinstance(record, Workshop):
        found |= {"vocab_kind": [record.kind], "vocab_status": [record.status]}
    elif isinstance(record, Idea):
        found |= {
            "vocab_idea_status": [record.status],
            "vocab_workshop": [record.workshop_id],
            "vocab_community": record.communities,
        }
    listed = {field: _unique(filter(None, values)) for field, values in found.items()}
    return {field: values for field, values in listed.items() if values}


def list_search_words(record: PackageRecord) -> list[str]:
    """Return the names of a record's places, and labels and synonyms of its problems.

    They are in all languages of the vocabularies.
    """
    found: list[str] = []
    for municipality in _list_municipalities(record):
        found += [municipality.name, *municipality.alt_names]
        found.append(territory.get_department(municipality.department_code).name)
    for problem in _list_problems(record):
        found += problem.pref_label.values()
        for synonyms in problem.alt_labels.values():
            found += synonyms
    return _unique(found)


def _list_municipalities(record: PackageRecord) -> list[Municipality]:
    return list(_known(_unique(record.municipalities), territory.get_municipality))


def _list_problems(record: PackageRecord) -> list[ServiceProblem]:
    own = list(_known(_unique(record.problems), problems.get_problem))
    areas = _unique(p.broader for p in own if p.broader)
    notations = {p.notation for p in own}
    return own + [problems.get_problem(area) for area in areas if area not in notations]


def _known(codes: Iterable[str], look_up: Callable[[str], Concept]) -> Iterable[Concept]:
    for code in codes:
        try:
            yield look_up(code)
        except UnknownCode:
            continue


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


WORDS = "extras_marathon_terms"


def before_index(pkg_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the Solr document of a package; other types than ours are unchanged.

    Filters are ``vocab_*``, multivalued in CKAN's Solr schema. CKAN copies
    ``extras_marathon_terms`` into the default search field. ``data_dict`` and
    ``validated_data_dict``, which searches and ``package_show`` return, are reduced to what an
    anonymous visitor may see.
    """
    if pkg_dict.get("type") not in (DATASET, *OTHER_TYPES):
        return pkg_dict
    raw, shown = json.loads(pkg_dict["data_dict"]), json.loads(pkg_dict["validated_data_dict"])
    public = select_for_everybody(shown)
    raw |= {name: [] for name in RELATIONSHIPS if name in raw}
    raw["extras"] = select_extras_for_everybody(raw.get("extras", []), public)

    fields = add_links(remove_counts(pkg_dict), public)
    types = model.PackageRelationship.get_all_types()
    fields = remove_relationships(fields, types)
    schema: dict[str, Any] = tk.h.scheming_get_dataset_schema(pkg_dict["type"]) or {}
    found = fit_document(fields, _repeating(schema), _ours(schema))
    found["data_dict"] = json.dumps(raw)
    found["validated_data_dict"] = json.dumps(public)
    record = read_package_record(public)
    found.update(list_facet_values(record))
    if isinstance(record, Dataset):
        found.update(_facets_of_ideas(record.idea_ids))
    # CKAN adds an empty format for each file without one: a facet value without a name.
    formats: list[str] = found.get("res_format") or []
    found["res_format"] = [name for name in formats if name]
    words = list_search_words(record)
    if words:
        found[WORDS] = " ".join(words)
    starts_at = format_utc(record.starts_at) if isinstance(record, Workshop) else None
    if starts_at:
        found["starts_at_date"] = starts_at
    return found


def _ours(schema: Mapping[str, Any]) -> set[str]:
    """Return the fields of a schema with our rules; empty for a schema of the site."""
    is_ours = "marathon_" in str(schema.get("after_validators") or "")
    fields: list[dict[str, Any]] = schema.get("dataset_fields", []) if is_ours else []
    return {field["field_name"] for field in fields}


def _repeating(schema: Mapping[str, Any]) -> list[str]:
    """Return the fields whose rows ckanext-dcat flattens after us."""
    if not p.plugin_loaded("dcat"):
        return []
    fields: list[dict[str, Any]] = schema.get("dataset_fields", [])
    return [field["field_name"] for field in fields if "repeating_subfields" in field]


def _facets_of_ideas(ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the filter values of a dataset's public ideas and of their public workshops."""
    ideas = _public(ids, "idea")
    communities = (list_stored_texts(extras.get("community")) for extras in ideas.values())
    workshops = _public((extras.get("workshop", "") for extras in ideas.values()), "workshop")
    return {
        "vocab_idea": list(ideas),
        "vocab_idea_status": sorted({e["status"] for e in ideas.values() if e.get("status")}),
        "vocab_workshop": list(workshops),
        "vocab_community": sorted({name for names in communities for name in names}),
    }


def _public(ids: Iterable[str], package_type: str) -> dict[str, dict[str, str]]:
    wanted = {id_ for id_ in ids if id_}
    if not wanted:
        return {}
    rows = model.Session.query(model.Package.id, cast(Any, model.Package).extras).filter(
        model.Package.id.in_(wanted),
        model.Package.type == package_type,
        filter_public(model.Package),
    )
    return {id_: extras or {} for id_, extras in rows}
