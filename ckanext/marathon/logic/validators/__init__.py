"""Validators, one file a noun; those of single fields are in ``field.py``."""

from __future__ import annotations

from typing import Any

from ckanext.marathon.logic import collect_functions


def collect_validators() -> dict[str, Any]:
    """Return the validators by name."""
    return collect_functions(__name__)
