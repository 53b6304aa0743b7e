"""How much randomised proofs try: a reduced count in `make test`, all of it in `make prove`."""

from __future__ import annotations

import os
import random

import hypothesis
import pytest

from tests import private_names

FULL = os.environ.get("MARATHON_PROVE") == "1"

# `make test` uses the same seed each time, `make prove` a new one, which it prints.
SEED = int(os.environ.get("MARATHON_SEED") or (random.randrange(10**6) if FULL else 20161017))
# The other processes of the same run are children of this one.
os.environ["MARATHON_SEED"] = str(SEED)

# How often the randomised tests tried something; printed below the results.
NOTES: list[str] = []


def settle() -> None:
    """Have hypothesis try the same in each run of `make test`, and something new in `make prove`.

    Not even `derandomize` is enough: now and then it draws a constant of one of the modules of the
    repository that are imported by then. Which these are depends on the tests that the same process
    ran before.
    """
    hypothesis.settings.register_profile("marathon", derandomize=not FULL, database=None)
    hypothesis.settings.load_profile("marathon")
    if not FULL:
        # There is no public setting for it.
        private_names.draw_no_constants_of_modules()


def count(what: str, reduced: int, full: int) -> int:
    """Return how often to try something, and have that printed with the results."""
    chosen = full if FULL else reduced
    NOTES.append(f"{what}: {chosen} of {full}")
    return chosen


def only_in_full(what: str, reason: str) -> pytest.MarkDecorator:
    """Return a mark that leaves a test to `make prove`, and have that printed with the results."""
    if not FULL:
        NOTES.append(f"{what}: 0 of 1, {reason}: make prove")
    return pytest.mark.skipif(not FULL, reason=f"{reason}: make prove")


def rng(name: str) -> random.Random:
    """Return a source of chance of its own for each test, the same for the same seed."""
    return random.Random(f"{SEED} {name}")
