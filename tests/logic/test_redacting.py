"""No log record has a credential of the configuration, in plain or encoded form."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ckanext.marathon.logic import redacting

# A password of an address as it is configured, as it is meant, and as another program writes it.
SPELLINGS = ("clave%40de!agua", "clave@de!agua", "clave%40de%21agua")
KEY = "llave-de-otro-programa"


@pytest.fixture(autouse=True)
def secrets(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    address = f"redis://ckan:{SPELLINGS[0]}@127.0.0.1/1"
    monkeypatch.setitem(ckan_config, "ckanext.other.servers", f"redis://127.0.0.1/0 {address}")
    monkeypatch.setitem(ckan_config, "ckanext.other.api_key", f"string:{KEY}")
    redacting.start_redacting()
    yield
    monkeypatch.undo()
    redacting.start_redacting()


def written(write: Callable[[logging.Logger], None]) -> str:
    """Return the output of another program's handler."""
    stream = io.StringIO()
    logger = logging.Logger("other")
    logger.addHandler(logging.StreamHandler(stream))
    write(logger)
    return stream.getvalue()


@pytest.mark.parametrize("secret", [*SPELLINGS, KEY])
def test_a_configured_secret_is_not_in_a_message(secret: str) -> None:
    text = written(lambda logger: logger.warning("refused: %s", secret))
    assert text == "refused: ***\n"


def test_a_secret_is_not_in_a_traceback() -> None:
    def fail(logger: logging.Logger) -> None:
        try:
            raise ValueError(KEY)
        except ValueError:
            logger.exception("refused")

    text = written(fail)
    assert text.endswith("ValueError: ***\n")
    assert KEY not in text


def test_a_secret_is_not_in_a_stack() -> None:
    # The stack shows the lines of the source, this one too: llave-de-otro-programa.
    text = written(lambda logger: logger.warning("x", stack_info=KEY == "llave-de-otro-programa"))
    assert "Stack (most recent call last)" in text
    assert 'KEY == "***"' in text
