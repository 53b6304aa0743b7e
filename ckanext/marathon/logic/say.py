"""What the rules say, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import ckan.plugins.toolkit as tk
from ckan import model
from flask import has_request_context

from ckanext.marathon.domain.errors import Fault, FieldFault
from ckanext.marathon.vocabulary.text import pick_label


def text(fault: Fault) -> str:
    """Return a fault as a sentence in the language of the request."""
    return tk._(fault.message).format(**{name: _word(v) for name, v in fault.values.items()})


def _word(value: Any) -> str:
    if isinstance(value, Mapping):
        return pick_label(value, language())
    if isinstance(value, tuple | list):
        return ", ".join(_word(each) for each in value)
    return str(value)


def language() -> str:
    """Return the two letters of the request's language; the site's outside of requests."""
    lang = tk.h.lang() if has_request_context() else tk.config["ckan.locale_default"]
    return str(lang)[:2]


def refuse(*faults: FieldFault) -> NoReturn:
    """Give up the transaction and say why, at the fields.

    Raises:
        ckan.plugins.toolkit.ValidationError: always.
    """
    model.Session.rollback()
    errors: dict[str, Any] = {}
    for path, fault in faults:
        errors.setdefault(str(path[0]), []).append(text(fault))
    raise tk.ValidationError(errors)
