"""Keeping the site's credentials out of its logs and its error messages.

Every log record of the process is made by one factory, so that no logger, handler or traceback
is left out, whatever plugin or library it belongs to.
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
    """Redact every log record from now on; again only reads the configuration again."""
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
        """Format the traceback now: formatters keep the text that they find."""
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
