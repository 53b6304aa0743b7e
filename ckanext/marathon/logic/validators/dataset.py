"""The rules of a dataset, and of files that are linked, not uploaded."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

from ckanext.marathon.domain import addresses, file
from ckanext.marathon.domain import dataset as dataset_domain
from ckanext.marathon.domain.errors import FieldFault, Malformed
from ckanext.marathon.domain.texts import is_blank, quote_value
from ckanext.marathon.logic import dataset as dataset_logic
from ckanext.marathon.logic import inputs, messages, resource
from ckanext.marathon.logic import package as package_logic
from ckanext.marathon.logic.validators.package import Flat, add_field_notice
from ckanext.marathon.model import package
from ckanext.marathon.vocabulary import authorities

REPEATING = ("temporal_coverage", "contact", "publisher", "creator", "spatial_coverage")


def marathon_dataset_rules(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Check a dataset as a whole: required values (own or computed), data needs and periods."""
    flat = Flat(data, errors, context)
    flat.drop_empty_rows(*REPEATING)
    flat.accept_stored_values()
    flat.keep("example", "false")
    if flat.is_deleted:
        return
    ideas = list(package.load_packages(flat.items("idea")).values())
    computed = {
        "municipality": package_logic.list_idea_municipalities(ideas),
        "service_problem": package_logic.list_idea_problems(ideas),
    }
    resolved: dict[str, Any] = {}
    for field, inherited in computed.items():
        own = _select_own_values(flat, field, sorted(inherited))
        resolved[field] = dataset_domain.resolve_values(
            own, inherited, dataset_domain.FROM_IDEA
        ).values
    required = _find_requirements(flat)
    before = _find_stored_faults(flat, required)
    dataset = {name: flat.value(name) for name in ("title", "notes")}
    faults = dataset_domain.check_required(
        {**dataset, "idea": ideas}, resolved["municipality"], resolved["service_problem"], required
    )
    # If the ideas have an error, the values that are computed from them are not called missing.
    unknown = set(computed) if flat.failed("idea") else set[str]()
    faults = [fault for fault in faults if fault.path[0] not in unknown]
    flat.add(faults, before)
    _explain_missing_role(flat, faults)
    if required != dataset_domain.NOTHING_REQUIRED:
        flat.add(_check_licence(flat))
    if not required.title and not flat.text("title"):
        data[("title",)] = flat.text("name")
    if not flat.failed("idea"):
        needs = package_logic.list_idea_needs(ideas)
        flat.add(dataset_domain.check_needs(flat.items("data_need"), needs), before)
    flat.add(dataset_domain.check_periods(flat.rows("temporal_coverage")), before)
    if package_logic.has_unique_code(package.DATASET):
        flat.add(package_logic.check_code(flat, package.DATASET))


def _find_stored_faults(flat: Flat, required: dataset_domain.Requirements) -> list[FieldFault]:
    """Return the faults of the stored dataset that a save may leave uncorrected.

    Places and problems may be missing if the dataset has ideas that lost theirs; a dataset without
    ideas must have them.
    """
    named = package.read_stored_texts(flat.stored, "idea")
    stored_ideas = list(package.load_packages(named).values())
    needs = package_logic.list_idea_needs(stored_ideas)
    asked = dataset_domain.Requirements(
        municipality=required.municipality, problem=required.problem
    )
    places = package.read_stored_texts(flat.stored, "municipality")
    problems = package.read_stored_texts(flat.stored, "service_problem")
    lost = dataset_domain.check_required(
        {},
        places or package_logic.list_idea_municipalities(stored_ideas),
        problems or package_logic.list_idea_problems(stored_ideas),
        asked if named else dataset_domain.NOTHING_REQUIRED,
    )
    return [
        *lost,
        *dataset_domain.check_needs(package.read_stored_texts(flat.stored, "data_need"), needs),
        *dataset_domain.check_periods(package.read_stored_rows(flat.stored, "temporal_coverage")),
    ]


def _explain_missing_role(flat: Flat, faults: list[FieldFault]) -> None:
    """Add an error at the organisation if values are missing and the organisation has no role."""
    asked = {"idea", "municipality", "service_problem"}.intersection(f.path[0] for f in faults)
    if asked and not flat.failed("owner_org") and dataset_logic.lacks_role(flat.text("owner_org")):
        message = tk._(
            "This organisation has no role in the marathons yet, so everything is asked of its "
            "datasets. A system administrator can set its role"
        )
        flat.errors.setdefault(("owner_org",), []).append(message)


def _select_own_values(flat: Flat, field: str, inherited: list[str]) -> list[str]:
    """Return a field's own values, without the sent back computed ones, and store only these."""
    stored = package.read_stored_texts(flat.stored, field) if flat.stored else None
    shown = inherited
    if flat.stored:
        before = package.load_packages(package.read_stored_texts(flat.stored, "idea")).values()
        compute = (
            package_logic.list_idea_municipalities
            if field == "municipality"
            else package_logic.list_idea_problems
        )
        shown = sorted(compute(before))
    given = flat.items(field)
    own = dataset_domain.select_own_values(
        given, inputs.read_origin(flat.context, field), stored, shown
    )
    if own != given:
        flat.put_items(field, own)
    return own


def _check_licence(flat: Flat) -> list[FieldFault]:
    given = flat.text("license_id")
    if authorities.find_licence(given):
        # A licence of the vocabulary, by SPDX id, IRI or title.
        return []
    stored = str(getattr(flat.stored, "license_id", None) or "")
    return dataset_domain.check_licence(given, stored, list(model.Package.get_license_register()))


def _find_requirements(flat: Flat) -> dataset_domain.Requirements:
    if dataset_logic.is_saving_copy(flat.context):
        return dataset_domain.NOTHING_REQUIRED
    if not flat.stored and flat.failed("owner_org"):
        return dataset_domain.REQUIRED_OF_ANYBODY
    owner_org = flat.text("owner_org")
    if flat.stored and flat.failed("owner_org"):
        # The dataset stays in its organisation, whose requirements apply.
        owner_org = flat.stored.owner_org or ""
    return dataset_logic.read_requirements(owner_org, flat.stored)


_UPLOAD = "upload"


def marathon_resource_address(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Refuse an address of a resource that a browser would run or open on its own machine.

    File names of uploads are not checked. An address that is stored already stays, so that older
    records can be edited; pages do not link it. A text that is no address is stored with a notice,
    because a harvested copy may have nothing else.
    """
    value = data.get(key)
    if not isinstance(value, str) or data.get((*key[:-1], "url_type")) == _UPLOAD:
        return
    fault = None
    try:
        addresses.check_resource_address(value)
    except Malformed as error:
        fault = error.fault
    if fault is None and (not value or resource.is_address(value)):
        return
    before = _find_stored_file(key, data, errors, context)
    if before is not None and before.url == value and before.url_type != _UPLOAD:
        return
    if fault is not None:
        raise tk.Invalid(messages.write_fault(fault))
    message = tk._(
        "“{value}” is no web address, so that nobody can fetch a file there. It was kept "
        "as it is. Write the whole address, which begins with https://, or upload the file"
    )
    add_field_notice(context, key, data, message.format(value=quote_value(value)))


def marathon_checksum(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Add a notice about a value that is no checksum: it is stored, but not published.

    The site computes the checksums of uploads (``logic/resource.py``).
    """
    value = data.get(key)
    if not isinstance(value, str) or is_blank(value):
        return
    stated = {name: data.get((*key[:-1], name)) for name in ("hash", "hash_algorithm")}
    if file.read_checksum(stated) is not None:
        return
    before = _find_stored_file(key, data, errors, context)
    if before is not None and before.hash == value:
        return
    message = tk._(
        "“{value}” is no checksum, so that it is kept but not published. These are known, in "
        "hexadecimal digits: {names}"
    )
    names = ", ".join(file.ALGORITHMS)
    add_field_notice(context, key, data, message.format(value=quote_value(value), names=names))


def _find_stored_file(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> model.Resource | None:
    """Return the stored resource to which the field of a key belongs, ``None`` for a new one."""
    stored = Flat(data, errors, context).stored
    id_ = data.get((*key[:-1], "id"))
    same = (
        [stored_file for stored_file in stored.resources if stored_file.id == id_] if stored else []
    )
    return same[0] if same else None
