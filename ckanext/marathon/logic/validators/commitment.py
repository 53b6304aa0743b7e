"""The rules of a commitment."""

from __future__ import annotations

from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

from ckanext.marathon.logic.validators.flat import Flat


def marathon_commitment_rules(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Check a commitment as a whole."""
    flat = Flat(data, errors, context)
    flat.tidy("milestone")
    flat.pardon_untouched()
