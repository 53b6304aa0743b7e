"""Values from our vocabularies and closed lists: codes, notations, terms, concepts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib.navl.dictization_functions import StopOnError, missing
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey
from ckanext.scheming.validation import scheming_validator

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import quote_value, split_items
from ckanext.marathon.logic import notices, say
from ckanext.marathon.logic.validators.flat import stored_items, tell
from ckanext.marathon.vocabulary import authorities, problems, statuses, territory
from ckanext.marathon.vocabulary.errors import UnknownCode

# Longer lists are not repeated in an error.
MOST_NAMED = 30


@scheming_validator
def marathon_municipality_codes(field: dict[str, Any], _schema: dict[str, Any]) -> Any:
    """Return a validator that makes a JSON list of INE codes of municipalities."""

    def validator(
        key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
    ) -> None:
        codes = _read_items(
            lambda each: _municipality(each, key, data, context), key, data, context
        )
        data[key] = _stored(codes, field, tk._("Choose at least one municipality"))

    return validator


def marathon_municipality_code(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Make one INE code; "" for none. What is left out is not emptied by this."""
    value = data.get(key)
    if value is missing:
        data.pop(key, None)
        raise StopOnError
    if isinstance(value, list | tuple | dict | bool):
        raise tk.Invalid(tk._("One municipality is expected, by its four-digit code"))
    is_empty = value is None or str(value).strip() == ""
    data[key] = "" if is_empty else _municipality(value, key, data, context)


@scheming_validator
def marathon_service_problems(field: dict[str, Any], _schema: dict[str, Any]) -> Any:
    """Return a validator that makes a JSON list of notations of service problems."""

    def validator(
        key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
    ) -> None:
        notations = _read_items(lambda each: _problem(each, key, data, context), key, data, context)
        data[key] = _stored(notations, field, tk._("Choose at least one service problem"))

    return validator


@scheming_validator
def marathon_term(field: dict[str, Any], _schema: dict[str, Any]) -> Any:
    """Return a validator of a term of the closed list that the field's ``term_list`` names.

    The code is stored; a label in Spanish or English is accepted for it.
    """
    terms = statuses.get_term_list(field["term_list"]).terms

    def validator(value: Any) -> str:
        wanted = value.strip().casefold() if isinstance(value, str) else ""
        for term in terms:
            if wanted in {term.code, *(label.casefold() for label in term.labels.values())}:
                return term.code
        raise tk.Invalid(
            tk._("“{value}” is none of: {accepted}").format(
                value=quote_value(value), accepted=", ".join(term.code for term in terms)
            )
        )

    return validator


@scheming_validator
def marathon_authority(field: dict[str, Any], _schema: dict[str, Any]) -> Any:
    """Return a validator that makes the IRI of a concept of the table in ``scheme``."""

    def validator(value: Any) -> str:
        return _concept(field["scheme"], value)

    return validator


@scheming_validator
def marathon_authority_list(field: dict[str, Any], _schema: dict[str, Any]) -> Any:
    """Return a validator that makes a JSON list of IRIs of concepts of the table in ``scheme``."""

    def validator(
        key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
    ) -> None:
        found = _read_items(lambda each: _concept(field["scheme"], each), key, data, context)
        data[key] = _stored(found, field, tk._("Choose at least one"))

    return validator


def _read_items(
    read: Callable[[str], str], key: FlattenKey, data: FlattenDataDict, context: Context
) -> list[str]:
    """Return the items of a list as they are stored; one that is stored already is not judged."""
    stored = stored_items(key, data, context)
    found: list[str] = []
    for item in _items(data.get(key)):
        try:
            found.append(read(item))
        except tk.Invalid as error:
            if item not in stored:
                raise
            notices.add_kept(context, item, error.error)
            found.append(item)
    return found


def _items(value: Any) -> list[str]:
    try:
        return split_items(None if value is missing else value)
    except Malformed as error:
        raise tk.Invalid(say.text(error.fault)) from None


def _stored(values: list[str], field: dict[str, Any], message: str) -> str:
    if field.get("required") and not values:
        raise tk.Invalid(message)
    return json.dumps(list(dict.fromkeys(values)))


def _municipality(value: Any, key: FlattenKey, data: FlattenDataDict, context: Context) -> str:
    try:
        repaired = territory.repair_code(value)
        place = territory.get_municipality(repaired.code)
    except UnknownCode:
        raise tk.Invalid(
            tk._(
                "No municipality has the code “{code}”: write the four digits of INE, "
                "for example 2105 for San Carlos Alzatate"
            ).format(code=quote_value(value))
        ) from None
    if repaired.repaired and str(value).strip() != place.code:
        _say_repaired(context, key, data, value, f"{place.code} ({place.name})")
    return place.code


def _problem(value: str, key: FlattenKey, data: FlattenDataDict, context: Context) -> str:
    try:
        repaired = problems.repair_notation(value)
        found = problems.get_problem(repaired.notation)
    except UnknownCode:
        raise tk.Invalid(
            tk._("No service problem has the notation “{code}”, for example AGU-01").format(
                code=quote_value(value)
            )
        ) from None
    if repaired.repaired and value.strip() != found.notation:
        _say_repaired(context, key, data, value, found.notation)
    return found.notation


def _say_repaired(
    context: Context, key: FlattenKey, data: FlattenDataDict, value: Any, meant: str
) -> None:
    message = tk._("“{given}” was read as {meant}").format(given=quote_value(value), meant=meant)
    tell(context, key, data, message)


def _concept(scheme: str, value: Any) -> str:
    text = value.strip() if isinstance(value, str) and len(value) < 2_000 else ""
    concept = authorities.find_concept(scheme, text) if text else None
    if concept and concept.iri:
        return concept.iri
    accepted = [each.code for each in authorities.get_scheme(scheme).concepts]
    more = ", …" if len(accepted) > MOST_NAMED else ""
    raise tk.Invalid(
        tk._("“{value}” is not in the table “{table}”. Accepted: {accepted}").format(
            value=quote_value(value),
            table=_title(scheme),
            accepted=", ".join(accepted[:MOST_NAMED]) + more,
        )
    )


def _title(scheme: str) -> str:
    titles: Callable[[str], Any] = authorities.get_scheme(scheme).title.get
    return titles(say.language()) or titles("es") or scheme
