"""Copies of what other catalogues publish: whatever they say is kept, and nothing is refused.

Nobody here can mend what a harvester brings, and a refusal would leave the copy as it was, or leave
it out. A value that its field does not take is kept as text in an extra (``rdf/fitting.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan.types import Context

from ckanext.marathon.domain.texts import quote_value
from ckanext.marathon.logic import notices
from ckanext.marathon.rdf.fitting import fit_dataset, take_up_extras
from ckanext.marathon.records.record import DATASET

_KEY = "marathon_is_copy"
# How ckanext-dcat and its harvesters name the record of which this is a copy.
_MARKS = frozenset({"guid", "uri"})


def is_copy(context: Context, data: Mapping[str, Any]) -> bool:
    """Return whether a dataset is a copy that a harvester of the site has made.

    It is sent in the site's own name, by a program that brings a schema along, as those of
    ckanext-harvest do, or with an extra that names the record it is a copy of.
    """
    extras = data.get("extras")
    rows = [each for each in extras if isinstance(each, dict)] if isinstance(extras, list) else []
    is_marked = any(each.get("key") in _MARKS and each.get("value") for each in rows)
    return bool(context.get("ignore_auth")) and bool(is_marked or context.get("schema"))


def is_saving_copy(context: Context) -> bool:
    """Return whether what is being saved was found to be a copy."""
    return bool(cast(dict[str, Any], context).get(_KEY))


def settle(context: Context, data: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Move extras into the fields whose names they have; make a copy fit the fields.

    Args:
        context: gets a notice of what was set aside.
        data: of a dataset, whose lists are lists of objects; is changed.
        schema: of the dataset.
    """
    if data.get("type", DATASET) != DATASET:
        return
    own = cast(dict[str, Any], context)
    own[_KEY] = is_copy(context, data)
    rest = fit_dataset(data, schema) if own[_KEY] else take_up_extras(data, schema)
    message = tk._("“{value}” is kept as {name}: the field takes no such value")
    for name, texts in rest.items():
        for text in texts:
            notices.add(context, message.format(value=quote_value(text), name=name))
