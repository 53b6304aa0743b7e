"""What is searched for besides CKAN's own fields, and what every reader may see of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

import ckan.plugins as p
from ckan import model
from ckanext.scheming.helpers import scheming_get_dataset_schema

from ckanext.marathon.records.package import DATASET, OTHER_TYPES
from ckanext.marathon.records.values import list_stored_texts
from ckanext.marathon.search import document, terms
from ckanext.marathon.visibility import filter_public

WORDS = "extras_marathon_terms"


def before_index(pkg_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the Solr document of a package of our types; others are left alone.

    Filters are ``vocab_*`` (several values each in CKAN's schema); words reach the default search
    field through ``extras_marathon_terms``. The copies that searches and ``package_show`` answer
    from (``data_dict``, ``validated_data_dict``) become those of an outsider.
    """
    if pkg_dict.get("type") not in (DATASET, *OTHER_TYPES):
        return pkg_dict
    raw, shown = json.loads(pkg_dict["data_dict"]), json.loads(pkg_dict["validated_data_dict"])
    public = document.for_everybody(shown)
    raw |= {name: [] for name in document.RELATIONSHIPS if name in raw}
    raw["extras"] = document.extras_for_everybody(raw.get("extras", []), public)

    fields = document.with_links(document.without_counts(pkg_dict), public)
    types = model.PackageRelationship.get_all_types()
    fields = document.without_relationships(fields, types)
    schema: dict[str, Any] = scheming_get_dataset_schema(pkg_dict["type"]) or {}
    found = document.fitting(fields, _repeating(schema), _ours(schema))
    found["data_dict"] = json.dumps(raw)
    found["validated_data_dict"] = json.dumps(public)
    found.update(terms.facets(public))
    if public["type"] == DATASET:
        found.update(_facets_of_ideas(public.get("idea") or []))
    # CKAN has an empty one for each file without a format: a value of the filter without a name.
    found["res_format"] = [name for name in found.get("res_format") or () if name]
    words = terms.words(public)
    if words:
        found[WORDS] = " ".join(words)
    starts_at = document.utc(public.get("starts_at"))
    if starts_at:
        found["starts_at_date"] = starts_at
    return found


def _ours(schema: Mapping[str, Any]) -> set[str]:
    """Return the fields of a schema that is ours, and of none that a site has instead."""
    is_ours = "marathon_" in str(schema.get("after_validators") or "")
    fields = schema.get("dataset_fields", []) if is_ours else []
    return {field["field_name"] for field in fields}


def _repeating(schema: Mapping[str, Any]) -> list[str]:
    """Return the fields whose rows ckanext-dcat takes out of the document after us."""
    if not p.plugin_loaded("dcat"):
        return []
    fields = schema.get("dataset_fields", [])
    return [field["field_name"] for field in fields if "repeating_subfields" in field]


def _facets_of_ideas(ids: list[str]) -> dict[str, list[str]]:
    """Return the filters that a dataset has from its public ideas and their public workshops."""
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
