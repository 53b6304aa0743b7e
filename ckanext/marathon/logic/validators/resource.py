"""Validators for files that are linked, not uploaded."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context, FlattenDataDict, FlattenErrorDict, FlattenKey

from ckanext.marathon.domain import addresses, file
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import is_blank, quote_value
from ckanext.marathon.logic import messages, resource
from ckanext.marathon.logic.validators.package import Flat, tell_at_field

_UPLOAD = "upload"


def marathon_resource_address(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Refuse an address of a resource that a browser would run or look for on its own machine.

    The name of an uploaded file is no address. What is stored already may stay, so that the rest
    of an older record can be edited; nothing links it. What is no address at all is kept, with a
    notice: of a copy it is all that is known.
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
    before = _stored_file(key, data, errors, context)
    if before is not None and before.url == value and before.url_type != _UPLOAD:
        return
    if fault is not None:
        raise tk.Invalid(messages.write_fault(fault))
    message = tk._(
        "“{value}” is no web address, so that nobody can fetch a file there. It was kept "
        "as it is. Write the whole address, which begins with https://, or upload the file"
    )
    tell_at_field(context, key, data, message.format(value=quote_value(value)))


def marathon_checksum(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> None:
    """Tell of a value that is no checksum: it is kept, but not published.

    Those of uploads are the site's own (``logic/resource.py``).
    """
    value = data.get(key)
    if not isinstance(value, str) or is_blank(value):
        return
    stated = {name: data.get((*key[:-1], name)) for name in ("hash", "hash_algorithm")}
    if file.read_checksum(stated) is not None:
        return
    before = _stored_file(key, data, errors, context)
    if before is not None and before.hash == value:
        return
    message = tk._(
        "“{value}” is no checksum, so that it is kept but not published. These are known, in "
        "hexadecimal digits: {names}"
    )
    names = ", ".join(file.ALGORITHMS)
    tell_at_field(context, key, data, message.format(value=quote_value(value), names=names))


def _stored_file(
    key: FlattenKey, data: FlattenDataDict, errors: FlattenErrorDict, context: Context
) -> model.Resource | None:
    """Return a file of the record as it is stored, by a key of one of its fields."""
    stored = Flat(data, errors, context).stored
    id_ = data.get((*key[:-1], "id"))
    same = [each for each in stored.resources if each.id == id_] if stored else []
    return same[0] if same else None
