"""Seeds for the random values of factories, so that they do not depend on the order of tests.

CKAN's factories draw names, titles and texts. Which files share a process, and in which order,
differs from run to run.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from ckan.tests.factories import fake

from tests import proving

_numbers = count()


def begin(name: str) -> None:
    """Seed the factories with a name, which is that of a file of tests."""
    global _numbers
    fake.seed_instance(f"{proving.SEED} {name}")
    _numbers = count(zlib.crc32(name.encode()))


@contextmanager
def apart(name: str) -> Iterator[None]:
    """Seed the factories with another name inside, and go on afterwards as if it had not been."""
    global _numbers
    numbers, state = _numbers, fake.random.getstate()
    begin(name)
    try:
        yield
    finally:
        _numbers = numbers
        fake.random.setstate(state)


def next_number() -> int:
    """Return a number that is one more each time."""
    return next(_numbers)
