"""The schemas of data.json: DCAT-US 1.1 itself, and what Argentina's profile requires."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

_FOLDER = Path(__file__).with_name("dcat-us-1.1")
_FILES = [json.loads(path.read_text("utf-8")) for path in sorted(_FOLDER.glob("*.json"))]
_US: Registry = Registry().with_resources(
    (each["id"].removesuffix("#"), Resource(each, DRAFT4)) for each in _FILES
)
# Two fields that only agencies of the United States have.
_FEDERAL = ("bureauCode", "programCode")


def us_faults(document: dict[str, Any]) -> list[str]:
    """Return what the schema of DCAT-US 1.1 finds wrong with a data.json."""
    catalog = {"$ref": "https://project-open-data.cio.gov/v1.1/schema/catalog.json"}
    validator = jsonschema.Draft4Validator(
        catalog, registry=_US, format_checker=jsonschema.FormatChecker()
    )
    return [
        f"{each.json_path}: {each.message[:200]}"
        for each in validator.iter_errors(document)
        if not each.message.startswith(tuple(f"'{name}'" for name in _FEDERAL))
    ]


# Written from "Perfil nacional de metadatos para datos abiertos": what it requires, in which form.
_DAY = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9:]{5})?)?$"}
_TEXT = {"type": "string", "minLength": 1}
_MAIL = {"type": "string", "pattern": r"^(?!mailto:)[^@\s]+@[^@\s]+$"}
_URI = {"type": "string", "pattern": r"^[a-z]+://[!-~]+$"}
_ARGENTINA: dict[str, Any] = {
    "type": "object",
    "required": ["title", "description", "publisher", "superThemeTaxonomy", "dataset"],
    "properties": {
        "publisher": {
            "required": ["name", "mbox"],
            "properties": {"name": _TEXT, "mbox": _MAIL},
        },
        "dataset": {
            "type": "array",
            "items": {
                "required": [
                    *("title", "description", "publisher", "superTheme", "distribution"),
                    *("accrualPeriodicity", "issued"),
                ],
                "properties": {
                    "issued": _DAY,
                    "modified": _DAY,
                    "superTheme": {"type": "array"},
                    "accrualPeriodicity": {
                        "pattern": r"^(R/PT?[0-9]+(\.[0-9]+)?[YMWDHS]|eventual)$"
                    },
                    "contactPoint": {"properties": {"fn": _TEXT, "hasEmail": _MAIL}},
                    "landingPage": _URI,
                    "distribution": {
                        "type": "array",
                        "items": {
                            "required": [
                                *("identifier", "title", "accessURL", "downloadURL", "issued")
                            ],
                            "properties": {
                                "title": _TEXT,
                                "accessURL": _URI,
                                "downloadURL": _URI,
                                "issued": _DAY,
                                "modified": _DAY,
                                "byteSize": {"type": "integer"},
                            },
                        },
                    },
                },
            },
        },
    },
}


def argentine_faults(document: dict[str, Any]) -> list[str]:
    """Return what Argentina's profile finds wrong with a data.json."""
    validator = jsonschema.Draft4Validator(_ARGENTINA)
    return [f"{each.json_path}: {each.message[:200]}" for each in validator.iter_errors(document)]
