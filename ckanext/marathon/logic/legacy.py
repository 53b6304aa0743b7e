"""Extras that a site had before the plugin came, under names that now mean something else.

A dataset with an extra ``contact: Ana`` would break scheming, which expects a list there. Its text
is shown, and on the next edit kept, as the extra ``contact_text``. The database is not touched.
"""

from __future__ import annotations

from typing import Any

from ckan import model
from ckanext.scheming.helpers import scheming_get_dataset_schema
from sqlalchemy.orm.attributes import set_committed_value

from ckanext.marathon.domain.texts import load_json
from ckanext.marathon.model import package as package_model

# Lists that are ours alone; others take a plain text too, as one item.
OWN_LISTS = ("municipality", "service_problem", "idea", "data_need")


def set_aside(package: model.Package) -> None:
    """Give extras of a dataset that cannot be what their name says another name, in memory."""
    extras: dict[str, str] = getattr(package, "extras", None) or {}
    if package.type != package_model.DATASET or not extras:
        return
    strange = [name for name in _lists() if name in extras and not _is_list(name, extras[name])]
    if not strange:
        return
    kept = {name: value for name, value in extras.items() if name not in strange}
    set_committed_value(
        package, "extras", kept | {f"{name}_text": extras[name] for name in strange}
    )


def _lists() -> list[str]:
    schema: dict[str, Any] = scheming_get_dataset_schema(package_model.DATASET) or {}
    fields = schema.get("dataset_fields", [])
    return [f["field_name"] for f in fields if "repeating_subfields" in f] + [
        name for name in OWN_LISTS if any(f["field_name"] == name for f in fields)
    ]


def _is_list(name: str, text: str) -> bool:
    try:
        loaded = load_json(text) if text else []
    except ValueError:
        return False
    kind = str if name in OWN_LISTS else dict
    return isinstance(loaded, list) and all(isinstance(each, kind) for each in loaded)
