"""Telling the person what was put right in what they sent (501 became 0501), or not kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import Context
from flask import has_request_context

KEY = "marathon_notices"


class Collection:
    """The notices of one action, with those of the actions that it calls."""

    def __init__(self, messages: list[str], is_outermost: bool) -> None:
        """Keep the list to which validators add, and whether a page is told here."""
        self._messages = messages
        self._is_outermost = is_outermost

    def deliver(self, result: Any) -> None:
        """Hand the notices over: to programs as ``marathon_notices``, to pages as flash messages.

        Only what is answered has them: they are neither stored nor indexed nor published.
        """
        if self._messages and isinstance(result, dict):
            result[KEY] = list(self._messages)
        if self._is_outermost and is_page():
            for message in self._messages:
                tk.h.flash_notice(message)


@contextmanager
def collecting(context: Context) -> Iterator[Collection]:
    """Collect what is put right while an action runs.

    Validators and actions that are called inside get copies of the context, but the same list: a
    file that is added is saved with its dataset, and its notices belong into its own answer.
    """
    own: dict[str, Any] = context  # type: ignore[assignment]
    if KEY in own:
        yield Collection(own[KEY], is_outermost=False)
        return
    own[KEY] = []
    try:
        yield Collection(own[KEY], is_outermost=True)
    finally:
        own.pop(KEY, None)


def share(context: Context, other: Context) -> None:
    """Have what is called with another context add to the notices of this one."""
    other[KEY] = context[KEY]  # type: ignore[typeddict-unknown-key,typeddict-item]


def add(context: Context, message: str) -> None:
    """Add a notice, once."""
    messages: list[str] = context.setdefault(KEY, [])  # type: ignore[typeddict-item]
    if message not in messages:
        messages.append(message)


def is_page() -> bool:
    """Return whether a person's form is answered, not a program."""
    return has_request_context() and tk.request.blueprint != "api"
