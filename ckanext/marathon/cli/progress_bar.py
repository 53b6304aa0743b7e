"""How far a long command is, for who watches it and for logs."""

from __future__ import annotations

import sys
from typing import Any

import click


class ProgressBar:
    """A progress bar that is told where it is; a line at the start and each tenth in a log."""

    def __init__(self, label: str) -> None:
        """Take the name of what is done."""
        self._label = label
        self._bar: Any = None
        self._done = 0
        self._has_begun = False

    def __enter__(self) -> ProgressBar:
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.__exit__(*exception)

    def at(self, done: int, total: int, *_: int) -> None:
        """Say that so many of so many are done."""
        if sys.stdout.isatty():
            self._move(done - self._done, total)
        elif not self._has_begun or 10 * done // max(total, 1) > 10 * self._done // max(total, 1):
            # Not among what is found, which a program may read.
            click.echo(f"{self._label}: {done} / {total}", err=True)
        self._done = done
        self._has_begun = True

    def _move(self, steps: int, total: int) -> None:
        if self._bar is None:
            self._bar = click.progressbar(length=total, label=self._label, show_pos=True)
            self._bar.__enter__()
        self._bar.update(steps)
