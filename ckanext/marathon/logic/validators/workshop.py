"""The rules of a workshop and of a commitment."""

from __future__ import annotations

from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

from ckanext.marathon.domain import dates
from ckanext.marathon.domain import workshop as workshop_domain
from ckanext.marathon.domain.errors import FieldFault
from ckanext.marathon.logic import deletion
from ckanext.marathon.logic import package as package_logic
from ckanext.marathon.logic.package import read_stored_counts
from ckanext.marathon.logic.validators.package import Flat
from ckanext.marathon.model import package

TEXTS = (
    *("status", "starts_at", "ends_at", "rsvp_by", "venue", "latitude", "longitude"),
    "participants_note",
)
REPEATING = ("organiser", "invitation")
DEFAULTS = {"kind": "ideation", "status": "announced", "example": "false"}


def marathon_workshop_rules(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Check a workshop as a whole, and that it keeps the municipalities of its ideas."""
    flat = Flat(data, errors, context)
    flat.drop_empty_rows(*REPEATING)
    flat.accept_stored_values()
    for field, default in DEFAULTS.items():
        flat.keep(field, default)
    if flat.is_being_deleted:
        flat.add(deletion.check_delete(flat))
    if flat.is_deleted:
        return
    workshop = {name: flat.value(name) for name in (*workshop_domain.COUNT_FIELDS, *TEXTS)}
    rows = {name: flat.rows(name) for name in REPEATING}
    flat.add(
        workshop_domain.check_workshop({**workshop, **rows}, dates.get_today()),
        _find_stored_faults(flat),
    )
    flat.add(package_logic.check_code(flat, "workshop"))
    if flat.stored and not flat.failed("municipality"):
        flat.add(deletion.check_municipalities_kept(flat, flat.items("municipality")))


def _find_stored_faults(flat: Flat) -> list[FieldFault]:
    """Return the faults of the stored workshop."""
    if flat.stored is None:
        return []
    texts = {name: package.read_stored_text(flat.stored, name) for name in TEXTS}
    rows = {name: package.read_stored_rows(flat.stored, name) for name in REPEATING}
    counted = read_stored_counts(flat.stored)
    return workshop_domain.check_workshop({**texts, **rows, **counted}, dates.get_today())


def marathon_commitment_rules(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Check a commitment as a whole."""
    flat = Flat(data, errors, context)
    flat.drop_empty_rows("milestone")
    flat.accept_stored_values()
