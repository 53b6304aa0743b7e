"""Validators of single fields: values, codes of vocabularies, references to records.

``domain`` parses numbers, dates, addresses and geometries.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any, TypeGuard, TypeVar

import ckan.plugins.toolkit as tk
from ckan import authz, model
from ckan.lib.navl.dictization_functions import StopOnError, missing
from ckan.types import (
    Context,
    DataValidator,
    FlattenDataDict,
    FlattenErrorDict,
    FlattenKey,
    ValueValidator,
)
from ckanext.scheming.validation import scheming_validator

from ckanext.marathon.domain import addresses, dates, geometry, numbers
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import (
    LONGEST_TITLE,
    explain_hidden,
    is_blank,
    is_reference,
    quote_value,
    split_items,
)
from ckanext.marathon.logic import inputs, messages, permissions
from ckanext.marathon.logic import package as package_logic
from ckanext.marathon.logic.validators.package import (
    Flat,
    add_field_notice,
    list_stored_items,
    list_stored_texts,
)
from ckanext.marathon.model import municipality, package
from ckanext.marathon.vocabulary import authorities, problems, schemes, territory
from ckanext.marathon.vocabulary.codes import UnknownCode

Value = TypeVar("Value")

# A form sends "" for an empty choice.
FALSE = {*inputs.FALSE, ""}


def marathon_title(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Refuse a title with more than ``LONGEST_TITLE`` characters, unless it is stored already."""
    value = data.get(key)
    if not isinstance(value, str) or len(value) <= LONGEST_TITLE:
        return
    stored = Flat(data, errors, context).stored
    if not stored or stored.title != value:
        message = tk._("A title has at most {most} characters; the rest belongs in the description")
        raise tk.Invalid(message.format(most=LONGEST_TITLE))


def marathon_filled(value: object) -> object:
    """Return a value unchanged.

    Raises:
        Invalid: a text has only blanks and other characters that print nothing.
    """
    if isinstance(value, str) and is_blank(value):
        raise tk.Invalid(tk._("Write something here: blanks alone say nothing"))
    return value


def marathon_empty_blank(value: object) -> object:
    """Return a value unchanged; "" for a text of blanks and characters that print nothing."""
    return "" if isinstance(value, str) and is_blank(value) else value


def marathon_count(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise a whole number from 0, by ``domain/numbers.py``; an empty value stays empty.

    (CKAN's ``ignore_empty`` would ignore 0 too.)
    """
    value = data.get(key)
    if value is missing or value is None or (isinstance(value, str) and not value.strip()):
        if key[0] == "resources" and value is not missing:
            # CKAN does not clear this column if the key is missing.
            data[key] = None
        else:
            data.pop(key, None)
        raise StopOnError
    data[key] = int(_read_number(numbers.read_count, key, data, context))


def marathon_int_or_none(value: object) -> int | None:
    """Return a stored count as a number, for output; ``None`` if it is not a number."""
    if value is missing or value is None:
        return None
    try:
        return numbers.parse_count(value)
    except Malformed:
        return None


def marathon_decimal(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise a number from 0 to text with a decimal point.

    A stored value is not parsed again: as typed text, 1.125 would be ambiguous.
    """
    value = data[key]
    if not isinstance(value, str) or value not in list_stored_texts(key, data, context):
        data[key] = _read_number(lambda given: numbers.read_decimal(given, 0), key, data, context)


def marathon_latitude(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise degrees from -90 to 90 to text."""
    data[key] = _read_number(lambda given: numbers.read_decimal(given, -90, 90), key, data, context)


def marathon_longitude(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise degrees from -180 to 180 to text."""
    data[key] = _read_number(
        lambda given: numbers.read_decimal(given, -180, 180), key, data, context
    )


def marathon_date(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise a date in one of the forms that ``domain/dates.py`` lists."""
    _read_date(dates.read_date, key, data, context)


def marathon_day(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise a day to ``YYYY-MM-DD``."""
    _read_date(dates.read_day, key, data, context)


def marathon_datetime(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise a date, or a date and time with offset, to ISO 8601."""
    _read_date(dates.read_moment, key, data, context)


def _read_date(
    read: Callable[[Any], dates.DateReading],
    key: FlattenKey,
    data: FlattenDataDict,
    context: Context,
) -> None:
    """Normalise a date, with a notice if it was corrected.

    A stored value stays as it is, with a notice if it is invalid: the record may be older than
    these rules.
    """
    value, stored = data[key], list_stored_texts(key, data, context)
    is_stored = isinstance(value, str) and value in stored
    try:
        reading = read(value)
    except Malformed as error:
        if not is_stored:
            raise tk.Invalid(messages.write_fault(error.fault)) from None
        message = tk._("“{given}” is not a date that others can read. It was left as it is")
        add_field_notice(context, key, data, message.format(given=quote_value(value)))
        return
    if is_stored:
        return
    data[key] = reading.text
    # A form shows some dates in another form than the stored one.
    if reading.is_repaired and reading.text not in stored:
        message = tk._("“{given}” was read as {meant}")
        text = message.format(given=quote_value(value), meant=reading.text)
        add_field_notice(context, key, data, text)


def marathon_duration(value: object) -> str:
    """Return a duration in ISO 8601."""
    return _read_as_domain(dates.read_duration, value)


def marathon_email(value: object) -> object:
    """Return an e-mail address without the blanks around it.

    Raises:
        Invalid: CKAN's ``email_validator`` refuses it.
    """
    text = value.strip() if isinstance(value, str) else value
    validate: Any = tk.get_validator("email_validator")
    try:
        return validate(text, {})
    except tk.Invalid:
        message = tk._("“{value}” is not an e-mail address, for example informacion@muni.gob.gt")
        raise tk.Invalid(message.format(value=quote_value(value))) from None


def marathon_http_url(value: object) -> str:
    """Return an absolute web address."""
    return _read_as_domain(addresses.read_http_address, value)


def marathon_http_url_list(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise to a JSON list of absolute web addresses, which may contain commas.

    An invalid address that is stored already stays, with a notice.
    """
    value, stored = data.get(key), list_stored_items(key, data, context)
    given = _read_as_domain(
        lambda given: split_items(given, r"\s+"), None if value is missing else value
    )
    found: list[str] = []
    for item in given:
        try:
            found += _read_as_domain(addresses.read_http_addresses, [item])
        except tk.Invalid as error:
            if item not in stored:
                raise
            messages.add_kept_notice(context, item, error.error)
            found.append(item)
    data[key] = json.dumps(list(dict.fromkeys(found)))


def marathon_geojson(value: object) -> str:
    """Return a GeoJSON geometry as text."""
    return _read_as_domain(geometry.read_geometry, value)


def marathon_flag(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise to ``"true"`` or ``"false"``; a missing field keeps its stored value."""
    value = data.get(key)
    if value is missing or value is None:
        data.pop(key, None)
        raise StopOnError
    # A form sends a hidden "false" and, if the box is ticked, "true" after it.
    data[key] = _read_flag(value[-1] if isinstance(value, list) and value else value)


def _read_number(
    read: Callable[[Any], numbers.NumberReading],
    key: FlattenKey,
    data: FlattenDataDict,
    context: Context,
) -> str:
    """Return a number in its normal form, and add a notice if it was corrected."""
    reading = _read_as_domain(read, data[key])
    if reading.notice:
        add_field_notice(context, key, data, messages.write_fault(reading.notice))
    return reading.text


def _read_flag(value: Any) -> str:
    found = inputs.read_flag(value, FALSE)
    if found is None:
        raise tk.Invalid(inputs.describe_flag_problem(value))
    return "true" if found else "false"


def _read_as_domain(read: Callable[[Any], Value], value: Any) -> Value:
    try:
        return read(value)
    except Malformed as error:
        raise tk.Invalid(messages.write_fault(error.fault)) from None


# Codes that an error message lists.
MOST_NAMED = 30


@scheming_validator
def marathon_municipality_codes(field: dict[str, Any], _schema: dict[str, Any]) -> DataValidator:
    """Return a validator that normalises to a JSON list of INE codes of municipalities."""

    def validator(
        key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
    ) -> None:
        codes = _read_items(
            lambda item: _read_municipality(item, key, data, context), key, data, context
        )
        data[key] = _write_list(codes, field, tk._("Choose at least one municipality"))

    return validator


def marathon_municipality_code(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise an INE code; an empty value becomes "", a missing field keeps its stored value."""
    value = data.get(key)
    if value is missing:
        data.pop(key, None)
        raise StopOnError
    if isinstance(value, list | tuple | dict | bool):
        raise tk.Invalid(tk._("One municipality is expected, by its four-digit code"))
    is_empty = value is None or str(value).strip() == ""
    data[key] = "" if is_empty else _read_municipality(value, key, data, context)


@scheming_validator
def marathon_service_problems(field: dict[str, Any], _schema: dict[str, Any]) -> DataValidator:
    """Return a validator that normalises to a JSON list of notations of service problems."""

    def validator(
        key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
    ) -> None:
        notations = _read_items(
            lambda item: _read_problem(item, key, data, context), key, data, context
        )
        data[key] = _write_list(notations, field, tk._("Choose at least one service problem"))

    return validator


@scheming_validator
def marathon_term(field: dict[str, Any], _schema: dict[str, Any]) -> ValueValidator:
    """Return a validator that normalises to the code of a term of the field's ``term_list``.

    It accepts the code, or the label in any language.
    """
    terms = schemes.get_term_list(field["term_list"]).terms

    def validator(value: object) -> str:
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
def marathon_authority(field: dict[str, Any], _schema: dict[str, Any]) -> ValueValidator:
    """Return a validator that normalises to the IRI of a concept of the field's ``scheme``."""

    def validator(value: object) -> str:
        return _read_concept(field["scheme"], value)

    return validator


@scheming_validator
def marathon_authority_list(field: dict[str, Any], _schema: dict[str, Any]) -> DataValidator:
    """Return a validator that normalises to a JSON list of IRIs of concepts of ``scheme``."""

    def validator(
        key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
    ) -> None:
        found = _read_items(lambda item: _read_concept(field["scheme"], item), key, data, context)
        data[key] = _write_list(found, field, tk._("Choose at least one"))

    return validator


def _read_items(
    read: Callable[[str], str], key: FlattenKey, data: FlattenDataDict, context: Context
) -> list[str]:
    """Return the normalised items of a list; invalid items that are stored already stay."""
    stored = list_stored_items(key, data, context)
    found: list[str] = []
    for item in _read_codes(data.get(key)):
        try:
            found.append(read(item))
        except tk.Invalid as error:
            if item not in stored:
                raise
            messages.add_kept_notice(context, item, error.error)
            found.append(item)
    return found


def _read_codes(value: Any) -> list[str]:
    try:
        return split_items(None if value is missing else value)
    except Malformed as error:
        raise tk.Invalid(messages.write_fault(error.fault)) from None


def _write_list(values: list[str], field: dict[str, Any], message: str) -> str:
    if field.get("required") and not values:
        raise tk.Invalid(message)
    return json.dumps(list(dict.fromkeys(values)))


def _read_municipality(value: Any, key: FlattenKey, data: FlattenDataDict, context: Context) -> str:
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
        _add_repair_notice(context, key, data, value, f"{place.code} ({place.name})")
    return place.code


def _read_problem(value: str, key: FlattenKey, data: FlattenDataDict, context: Context) -> str:
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
        _add_repair_notice(context, key, data, value, found.notation)
    return found.notation


def _add_repair_notice(
    context: Context, key: FlattenKey, data: FlattenDataDict, value: Any, meant: str
) -> None:
    message = tk._("“{given}” was read as {meant}").format(given=quote_value(value), meant=meant)
    add_field_notice(context, key, data, message)


def _read_concept(scheme: str, value: Any) -> str:
    text = value.strip() if isinstance(value, str) and len(value) < 2_000 else ""
    concept = authorities.find_concept(scheme, text) if text else None
    if concept and concept.iri:
        return concept.iri
    accepted = [concept.code for concept in authorities.get_scheme(scheme).concepts]
    more = ", …" if len(accepted) > MOST_NAMED else ""
    raise tk.Invalid(
        tk._("“{value}” is not in the table “{table}”. Accepted: {accepted}").format(
            value=quote_value(value),
            table=_find_scheme_title(scheme),
            accepted=", ".join(accepted[:MOST_NAMED]) + more,
        )
    )


def _find_scheme_title(scheme: str) -> str:
    titles: Callable[[str], Any] = authorities.get_scheme(scheme).title.get
    return titles(messages.get_language()) or titles("es") or scheme


_CODE = re.compile(r"[\w.:/ -]{1,100}")
LONGEST_REASON = 5_000


def marathon_workshop_id(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Convert the name or id of a workshop to its id; the workshop is locked until the commit."""
    flat = Flat(data, errors, context)
    reference = data[key].strip() if isinstance(data[key], str) else ""
    already = {package.read_stored_text(flat.stored, "workshop")}
    if flat.is_deleted and reference in already:
        return
    found = package_logic.find_linkable(context, [reference], package.WORKSHOP, already)
    if reference not in found:
        raise tk.Invalid(_write_missing(tk._("There is no workshop “{reference}”"), data[key]))
    data[key] = found[reference].id


def marathon_idea_ids(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Convert names or ids of ideas to a JSON list of ids."""
    flat = Flat(data, errors, context)
    wanted = _split_items(data[key])
    already = set(package.read_stored_texts(flat.stored, "idea"))
    if flat.is_deleted and already.issuperset(wanted):
        data[key] = json.dumps(wanted)
        return
    found = package_logic.find_linkable(context, wanted, package.IDEA, already)
    kept: list[str] = []
    for reference in wanted:
        if reference in found:
            kept.append(found[reference].id)
        elif reference in already and not flat.gains_readers:
            # The idea was deleted after the reference was stored.
            kept.append(reference)
        else:
            errors[key].append(_write_missing(tk._("There is no idea “{reference}”"), reference))
    data[key] = json.dumps(list(dict.fromkeys(kept)))


def marathon_data_need_ids(value: object) -> str:
    """Normalise to a JSON list of ids; ``marathon_dataset_rules`` checks that the needs exist."""
    wanted = _split_items(value)
    for identifier in wanted:
        if not _is_uuid(identifier):
            raise tk.Invalid(
                _write_missing(tk._("There is no data need “{reference}”"), identifier)
            )
    return json.dumps([identifier.lower() for identifier in wanted])


def marathon_data_need_id(value: object) -> str:
    """Return the id of a stored data need; "" for a new one."""
    if value is missing or value is None or value == "":
        return ""
    if not _is_uuid(value):
        raise tk.Invalid(
            tk._("Leave the identifier of a new data need empty: the site gives it one")
        )
    return value.lower()


def marathon_code(value: object) -> str:
    """Return the code with which spreadsheets refer to a workshop or idea; "" for none.

    Raises:
        Invalid: the code is too long or has characters that spreadsheets may change.
    """
    if value is missing or value is None:
        return ""
    text = str(value).strip() if isinstance(value, str | int) else None
    if text == "":
        return ""
    if text is None or isinstance(value, bool) or not _CODE.fullmatch(text):
        message = tk._("“{value}” cannot be a code: letters, digits, blanks and . : / _ - only")
        raise tk.Invalid(message.format(value=quote_value(value)))
    return text


def marathon_status_reason(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise the reason of a change of status.

    It is not stored as an extra: ``save_links_and_code`` adds it to the history.
    """
    value = data.get(key)
    text = "" if value is missing or value is None else value
    if isinstance(text, str) and (hidden := explain_hidden(text)):
        data[key] = ""
        raise tk.Invalid(messages.write_fault(hidden))
    if not isinstance(text, str) or len(text) > LONGEST_REASON:
        data[key] = ""
        raise tk.Invalid(tk._("Write the reason as a text of at most 5,000 characters"))
    data[key] = "" if is_blank(text) else text.strip()
    raise StopOnError


def marathon_dataset_required(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Normalise a missing or blank value to "".

    Whether it is required depends on the organisation: ``marathon_dataset_rules`` checks it.
    """
    value = data.get(key)
    if value is missing or value is None or (isinstance(value, str) and is_blank(value)):
        data[key] = ""


def marathon_owner_org(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Convert to the id of an organisation in which the person may create the record.

    The default of an idea is the organisation of its first municipality that has one, else the
    organisation of its workshop.
    """
    flat = Flat(data, errors, context)
    value = data.get(key)
    package_type = _package_type(flat)
    if value is not missing and value is not None and not isinstance(value, str):
        raise tk.Invalid(tk._("Organization does not exist"))
    if value is missing and flat.stored and flat.stored.owner_org:
        data[key] = value = flat.stored.owner_org
    if not value or value is missing:
        if package_type == package.IDEA and (default := _organization_of_idea(flat)):
            data[key] = default
        else:
            _refuse_removal(flat)
            _refuse_without_organization(flat, package_type)
            _ask_ckan(key, data, errors, context)
            return
    organization = model.Group.get(data[key])
    if not organization or not organization.is_organization:
        raise tk.Invalid(tk._("Organization does not exist"))
    data[key] = organization.id
    if flat.stored and flat.stored.owner_org == organization.id:
        return
    _refuse_removal(flat)
    package.lock_organization(organization.id, to_link=True)
    model.Session.refresh(organization)
    if organization.state != model.State.ACTIVE:
        raise tk.Invalid(tk._("Organization does not exist"))
    trusted = context.get("ignore_auth") or permissions.may_create_in(
        context.get("user"), organization.id, package_type
    )
    if not trusted:
        raise tk.Invalid(
            tk._("You may not add this to the organisation “{title}”").format(
                title=organization.title or organization.name
            )
        )
    if package_type == package.DATASET:
        # CKAN decides whether collaborators may move it.
        _ask_ckan(key, data, errors, context)


def _refuse_without_organization(flat: Flat, package_type: str) -> None:
    """Refuse a new workshop, idea or commitment without an organisation.

    CKAN's setting ``create_unowned_dataset`` applies to datasets only.

    Raises:
        Invalid: the record is no dataset, and the person no system administrator.
    """
    context = flat.context
    is_trusted = context.get("ignore_auth") or authz.is_sysadmin(context.get("user"))
    if flat.stored is None and package_type != package.DATASET and not is_trusted:
        raise tk.Invalid(tk._("An organization must be provided"))


def _refuse_removal(flat: Flat) -> None:
    """Refuse to move a record if the person is no editor of its present organisation.

    Moving a record needs permissions in both organisations. That the coordinating body may edit
    the ideas of a municipality is not enough.

    Raises:
        Invalid: the person may not move the record.
    """
    if not flat.stored or not flat.stored.owner_org:
        return
    if permissions.may_move_package(flat.context, flat.stored):
        return
    organization = model.Group.get(flat.stored.owner_org)
    title = (organization.title or organization.name) if organization else flat.stored.owner_org
    raise tk.Invalid(
        tk._("Only the editors of “{title}” may move this to another organisation").format(
            title=title
        )
    )


def _package_type(flat: Flat) -> str:
    return flat.stored.type if flat.stored else flat.text("type") or package.DATASET


def _organization_of_idea(flat: Flat) -> str | None:
    """Return the id of an idea's default organisation; its workshop is not validated yet."""
    reference = flat.data.get(("workshop",))
    if not is_reference(reference):
        return None
    found = package_logic.find_linkable(
        flat.context,
        [reference.strip()],
        package.WORKSHOP,
        {package.read_stored_text(flat.stored, "workshop")},
    )
    workshop = next(iter(found.values()), None)
    if workshop is None:
        return None
    codes = flat.items("municipality") or package_logic.list_workshop_municipalities(workshop)
    on_site = municipality.find_municipalities(codes)
    return next((on_site[code] for code in codes if code in on_site), workshop.owner_org)


def _ask_ckan(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    validate: Any = tk.get_validator("owner_org_validator")
    validate(key, data, errors, context)


def _split_items(value: Any) -> list[str]:
    try:
        return split_items(None if value is missing else value)
    except Malformed as error:
        raise tk.Invalid(messages.write_fault(error.fault)) from None


def _write_missing(message: str, reference: Any) -> str:
    return message.format(reference=quote_value(reference))


def _is_uuid(value: object) -> TypeGuard[str]:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False
