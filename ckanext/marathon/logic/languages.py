"""Languages that the EU's table has no IRI of: what was said is kept beside what is published.

Of the Mayan languages the table has the group alone, of Garifuna and Xinka nothing. Where one of
them is named, the record keeps its name as ``language_text``, as the reading of RDF does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Context

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import split_items
from ckanext.marathon.logic import kept, notices
from ckanext.marathon.rdf.extras import REST, add_extras, join_texts, list_texts_of_extra
from ckanext.marathon.records.record import DATASET
from ckanext.marathon.vocabulary import authorities

FIELD = "language"


def keep_spoken(context: Context, data: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Keep what was said of the languages of a dataset and its files, and say so.

    Args:
        context: of the action, for what is to be told.
        data: of a dataset, whose lists are lists of objects; changed.
        schema: of the dataset.
    """
    if data.get("type", DATASET) != DATASET:
        return
    if _takes_languages(schema.get("dataset_fields")):
        said = _take_spoken(context, data, (FIELD,))
        if said:
            add_extras(data, {FIELD + REST: said})
    if _takes_languages(schema.get("resource_fields")):
        for number, row in enumerate(data.get("resources") or ()):
            said = _take_spoken(context, row, ("resources", number, FIELD))
            if said:
                row[FIELD + REST] = join_texts([*list_texts_of_extra(row.get(FIELD + REST)), *said])


def _takes_languages(fields: Any) -> bool:
    return any(
        field["field_name"] == FIELD and field.get("scheme") == "language" for field in fields or ()
    )


def _take_spoken(context: Context, record: dict[str, Any], key: tuple[str | int, ...]) -> list[str]:
    """Return the languages that are spoken here and have no IRI of their own, as they were said."""
    try:
        given = split_items(record.get(FIELD))
    except Malformed:
        # The field's own validator says so.
        return []
    said = [each for each in given if _has_no_iri(each)]
    if said:
        record[FIELD] = [
            each for each in given if authorities.find_language(each) or each not in said
        ]
        message = tk._(
            "The EU's table of languages has no entry of its own for {names}. What was said is "
            "kept as “{name}”; a Mayan language is published as one of the group"
        )
        text = message.format(names=kept.list_names(said), name=FIELD + REST)
        notices.add_at(context, key, DATASET, text)
    return said


def _has_no_iri(value: str) -> bool:
    spoken, published = authorities.find_spoken_language(value), authorities.find_language(value)
    is_group = published is not None and published.code == _GROUP
    return spoken is not None and (published is None or is_group)


_GROUP = "MYN"
