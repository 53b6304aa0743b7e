"""Telling the person what was put right in what they sent (501 became 0501)."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Context
from flask import has_request_context

KEY = "marathon_notices"


def begin(context: Context) -> None:
    """Start collecting: validators get a copy of the context, but the same list."""
    context[KEY] = []  # type: ignore[typeddict-unknown-key]


def add(context: Context, message: str) -> None:
    """Add a notice, once."""
    notices: list[str] = context.setdefault(KEY, [])  # type: ignore[typeddict-item]
    if message not in notices:
        notices.append(message)


def deliver(context: Context, result: Any) -> None:
    """Hand the notices over: to pages as flash messages, to programs as ``marathon_notices``."""
    notices: list[str] = context.pop(KEY, [])  # type: ignore[typeddict-item]
    if not notices:
        return
    if isinstance(result, dict):
        result[KEY] = notices
    if has_request_context() and tk.request.blueprint != "api":
        for notice in notices:
            tk.h.flash_notice(notice)
