"""Removing the site's credentials from logs and error messages.

All log records of the process are made by one record factory, so that this covers the loggers,
handlers and tracebacks of every plugin and library.
"""

from __future__ import annotations

import io
import logging
import re
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain.privacy import Redactor

_SECRET_NAME = re.compile(r"password|passwd|secret|api_?key|access_key|privatekey", re.IGNORECASE)

_redactor = Redactor()


def redact_text(text: str) -> str:
    """Return a text without the credentials of this site's servers, tokens and passwords."""
    return _redactor.redact(text)


def start_redacting() -> None:
    """Redact all log records from now on; a second call only reads the configuration again."""
    global _redactor
    _redactor = Redactor(_configured_secrets())
    if logging.getLogRecordFactory() is not RedactedRecord:
        logging.setLogRecordFactory(RedactedRecord)


def _configured_secrets() -> Iterator[str]:
    for name, value in tk.config.items():
        if not isinstance(value, str):
            continue
        if _SECRET_NAME.search(name):
            yield value.removeprefix("string:")
        elif "://" in value:
            for word in value.split():
                yield from _password_of(word)


def _password_of(address: str) -> Iterator[str]:
    try:
        password = urlsplit(address).password
    except ValueError:
        return
    if password:
        yield from {password, unquote(password)}


class RedactedRecord(logging.LogRecord):
    """A log record whose text and traceback show no credentials."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Format and redact the traceback: formatters use a text that is already there."""
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0] is not None:
            self.exc_text = redact_text(_traceback_text(self.exc_info))
        if self.stack_info:
            self.stack_info = redact_text(self.stack_info)

    def getMessage(self) -> str:
        """Return the message with its arguments, redacted."""
        return redact_text(super().getMessage())


def _traceback_text(exc_info: Any) -> str:
    with io.StringIO() as text:
        traceback.print_exception(*exc_info, file=text)
        return text.getvalue().rstrip("\n")
