"""Validators for the two profiles of data.json: DCAT-US 1.1 and Argentina's.

The rules here are written from the profiles' own descriptions. Where ``MARATHON_DCAT_US`` names a
folder with the JSON schema of DCAT-US 1.1 as Project Open Data publishes it, that is asked too.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from ckanext.marathon.feeds.data_json import CONFORMS_TO
from tests import proving

# Two fields that only agencies of the United States have.
_FEDERAL = ("bureauCode", "programCode")

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True}
_URI = {"type": "string", "format": "uri", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$"}
_HOUR = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9:]{5})?"
_ISO = f"[0-9]{{4}}(-[0-9]{{2}}(-[0-9]{{2}}(T{_HOUR})?)?)?"
_DATE = {"type": "string", "pattern": f"^{_ISO}$"}
_MEDIA_TYPE = {"type": "string", "pattern": r"^[\w-]+/[\w.+-]+$"}
_PARTS = r"([0-9.]+Y)?([0-9.]+M)?([0-9.]+W)?([0-9.]+D)?(T([0-9.]+H)?([0-9.]+M)?([0-9.]+S)?)?"

# The type of each field, from "DCAT-US Schema v1.1 (Project Open Data Metadata Schema)".
_US: dict[str, Any] = {
    "type": "object",
    "required": ["conformsTo", "dataset"],
    "properties": {
        "conformsTo": {"const": CONFORMS_TO},
        "@id": _URI,
        "describedBy": _URI,
        "dataset": {
            "type": "array",
            "items": {
                "required": [
                    *("title", "description", "keyword", "modified", "publisher"),
                    *("contactPoint", "identifier", "accessLevel"),
                ],
                "properties": {
                    **dict.fromkeys(("title", "description", "identifier", "spatial"), _TEXT),
                    **dict.fromkeys(("keyword", "theme", "language"), _TEXTS),
                    **dict.fromkeys(("issued", "modified"), _DATE),
                    **dict.fromkeys(("license", "landingPage", "conformsTo", "describedBy"), _URI),
                    "describedByType": _MEDIA_TYPE,
                    "references": {**_TEXTS, "items": _URI},
                    "rights": {**_TEXT, "maxLength": 255},
                    "temporal": {
                        "type": "string",
                        "pattern": f"^({_ISO}/{_ISO}|R/{_ISO}/P{_PARTS}|R/P{_PARTS}/{_ISO})$",
                    },
                    "accrualPeriodicity": {
                        "type": "string",
                        "pattern": f"^(irregular|R/P{_PARTS})$",
                    },
                    "accessLevel": {"enum": ["public", "restricted public", "non-public"]},
                    "publisher": {"required": ["name"], "properties": {"name": _TEXT}},
                    "contactPoint": {
                        "required": ["fn", "hasEmail"],
                        "properties": {
                            "fn": _TEXT,
                            "hasEmail": {
                                "type": "string",
                                "pattern": r"^mailto:[^@\s]+@[\w.-]+\.[\w-]+$",
                            },
                        },
                    },
                    "distribution": {
                        "type": "array",
                        "items": {
                            "properties": {
                                **dict.fromkeys(("title", "description", "format"), _TEXT),
                                **dict.fromkeys(("accessURL", "downloadURL"), _URI),
                                **dict.fromkeys(("conformsTo", "describedBy"), _URI),
                                **dict.fromkeys(("mediaType", "describedByType"), _MEDIA_TYPE),
                            }
                        },
                    },
                },
            },
        },
    },
}


@cache
def _official() -> Registry | None:
    """Return the published schema, ``None`` where it is not here."""
    folder = os.environ.get("MARATHON_DCAT_US")
    if not folder:
        proving.NOTES.append(
            "data.json: the published schema of DCAT-US 1.1 is not here (MARATHON_DCAT_US names "
            "its folder); the rules written from its description were asked"
        )
        return None
    files = [json.loads(path.read_text("utf-8")) for path in sorted(Path(folder).glob("*.json"))]
    return Registry().with_resources(
        (each["id"].removesuffix("#"), Resource(each, DRAFT4)) for each in files
    )


def us_faults(document: dict[str, Any]) -> list[str]:
    """Return the errors of a data.json by DCAT-US 1.1."""
    checker = jsonschema.FormatChecker()
    validators: list[Any] = [jsonschema.Draft202012Validator(_US, format_checker=checker)]
    registry = _official()
    if registry is not None:
        catalog = {"$ref": f"{CONFORMS_TO}/catalog.json"}
        validators.append(
            jsonschema.Draft4Validator(catalog, registry=registry, format_checker=checker)
        )
    return [
        f"{each.json_path}: {each.message[:200]}"
        for validator in validators
        for each in validator.iter_errors(document)
        if not each.message.startswith(tuple(f"'{name}'" for name in _FEDERAL))
    ]


# Required fields and their forms, from "Perfil nacional de metadatos para datos abiertos".
_DAY = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9:]{5})?)?$"}
_MAIL = {"type": "string", "pattern": r"^(?!mailto:)[^@\s]+@[^@\s]+$"}
_WEB = {"type": "string", "pattern": r"^[a-z]+://[!-~]+$"}
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
                    "landingPage": _WEB,
                    "distribution": {
                        "type": "array",
                        "items": {
                            "required": [
                                *("identifier", "title", "accessURL", "downloadURL", "issued")
                            ],
                            "properties": {
                                "title": _TEXT,
                                "accessURL": _WEB,
                                "downloadURL": _WEB,
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
    """Return the errors of a data.json by Argentina's profile."""
    validator = jsonschema.Draft4Validator(_ARGENTINA)
    return [f"{each.json_path}: {each.message[:200]}" for each in validator.iter_errors(document)]
