"""Datasets that are older than our schema keep what ckanext-dcat's own fields said.

Source: ckanext-dcat 2.4, mapping of DCAT fields to CKAN's extras.
"""

from __future__ import annotations

from typing import Any

from ckanext.marathon.records.values import list_rows

from .facts import Row

__all__ = ["with_legacy"]

_SUBFIELDS = {
    "publisher": ("uri", "name", "email", "url", "type", "identifier"),
    "creator": ("uri", "name", "email", "url", "type", "identifier"),
    "contact": ("uri", "name", "email", "url", "identifier"),
}
_PERIOD = {"start": "temporal_start", "end": "temporal_end"}
_PLACE = {
    "uri": "spatial_uri",
    "text": "spatial_text",
    "geom": "spatial",
    "bbox": "spatial_bbox",
    "centroid": "spatial_centroid",
}
_RENAMED = {"identifier": "alternate_identifier"}
# Its name without ``dcat_`` is that of a field of CKAN's own.
_AS_IT_IS = frozenset({"dcat_type"})


def with_legacy(dataset: Row) -> dict[str, Any]:
    """Return a dataset whose empty fields are filled from its extras, where those say it.

    Args:
        dataset: as ``package_show`` gives it; is not changed.
    """
    extras = {
        key if key in _AS_IT_IS else key.removeprefix("dcat_"): each.get("value")
        for each in list_rows(dataset.get("extras"))
        for key in [str(each.get("key", ""))]
    }
    filled = dict(dataset)
    for key, value in extras.items():
        field = _RENAMED.get(key, key)
        if value and not filled.get(field):
            filled[field] = value
    for field, names in _SUBFIELDS.items():
        _fill(filled, field, {name: extras.get(f"{field}_{name}") for name in names})
    _fill(filled, "temporal_coverage", {key: extras.get(name) for key, name in _PERIOD.items()})
    _fill(filled, "spatial_coverage", {key: extras.get(name) for key, name in _PLACE.items()})
    for person in ("maintainer", "author"):
        contact = {"name": filled.get(person), "email": filled.get(f"{person}_email")}
        _fill(filled, "contact", contact)
    return filled


def _fill(filled: dict[str, Any], field: str, row: dict[str, Any]) -> None:
    if any(row.values()) and not list_rows(filled.get(field)):
        filled[field] = [row]
