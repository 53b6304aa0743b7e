"""Parts of a stored row that its schema does not know.

They were there before the plugin, or a later schema dropped them. CKAN shows them apart, as
``__extras`` of the row, and a save would lose them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ckan import model

from ckanext.marathon.model import package as package_model

# Source: ckan.lib.navl.validators.default_schema_or_keep_extras, "keep_extras".
KEY = "__extras"

Field = Mapping[str, Any]


def lift(record: dict[str, Any], fields: Iterable[Field]) -> None:
    """Put them beside the other parts of their rows.

    Args:
        record: as CKAN shows it, or as a client sends it back; its rows are changed.
        fields: of its schema.
    """
    for field in fields:
        rows = record.get(field["field_name"]) if "repeating_subfields" in field else None
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and isinstance(row.get(KEY), dict):
                found = row.pop(KEY)
                row.update({name: value for name, value in found.items() if name not in row})


def names_of(package: model.Package | None, field: str) -> set[str]:
    """Return the names that the rows of a field have in the database, known or not."""
    return {name for row in package_model.read_stored_rows(package, field) for name in row}
