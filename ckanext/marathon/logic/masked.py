"""Masked counts that come back: they stay what they were."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ckan import model

from ckanext.marathon.domain import counts
from ckanext.marathon.model import records


def names(data_dict: Mapping[str, Any]) -> set[str]:
    """Return which counts the client was shown masked, as ``participants_masked`` says."""
    said = data_dict.get("participants_masked")
    return {name for name in said if name in counts.FIELDS} if isinstance(said, list) else set()


def restore(package: model.Package, data: dict[str, Any], masked: Collection[str]) -> None:
    """Put back the counts that a client could not read and left empty."""
    if package.type != records.WORKSHOP:
        return
    for name in masked:
        if data.get(name) in (None, ""):
            data[name] = records.text(package, name)
