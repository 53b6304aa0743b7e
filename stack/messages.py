"""Output of the commands: errors in one line of two languages, and steps with progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager


class StackError(Exception):
    """An error that the person who ran the command can correct."""

    def __init__(self, english: str, spanish: str) -> None:
        """Join both messages to one line, without a final line break."""
        super().__init__(f"{english} / {spanish}")


class Progress:
    """Prints steps and their duration on standard error.

    On a terminal a running step is redrawn in place; elsewhere (a log, CI) a step is one line when
    it ends, plus a line every ten seconds while it goes on.
    """

    def __init__(self) -> None:
        """Detect whether standard error is a terminal."""
        self.is_terminal = sys.stderr.isatty()

    def print_line(self, text: str) -> None:
        """Print a line outside of any step."""
        print(f"\r\033[K{text}" if self.is_terminal else text, file=sys.stderr, flush=True)

    @contextmanager
    def show_step(self, title: str) -> Generator[Step]:
        """Show ``title`` until the block ends, then how many seconds it took."""
        step = Step(title, self.is_terminal)
        if self.is_terminal:
            step.draw("…")
        try:
            yield step
        except BaseException:
            self.print_line(f"  ✗ {title}")
            raise
        self.print_line(f"  ✓ {title} ({time.monotonic() - step.began:.1f} s)")


class Step:
    """A running step."""

    def __init__(self, title: str, is_terminal: bool) -> None:
        """Begin the step now."""
        self.title = title
        self.is_terminal = is_terminal
        self.began = self.drawn = time.monotonic()

    def show_detail(self, detail: str) -> None:
        """Show the progress of the step, for example ``57 of 141``."""
        now = time.monotonic()
        if now - self.drawn >= (0.1 if self.is_terminal else 10):
            self.drawn = now
            self.draw(detail)

    def draw(self, detail: str) -> None:
        """Write the step's line, followed by ``detail``."""
        before, end = ("\r\033[K", "") if self.is_terminal else ("", "\n")
        print(f"{before}  · {self.title} {detail}", end=end, file=sys.stderr, flush=True)
