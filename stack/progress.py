"""One line a step on standard error, so that nobody wonders whether it still works."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Prints steps as they begin and how long each took.

    On a terminal a running step is redrawn in place; elsewhere (a log, CI) each step is one
    line when it ends, plus a line every ten seconds while it goes on.
    """

    def __init__(self, quiet: bool = False) -> None:
        """Print nothing but the errors when ``quiet``."""
        self.quiet = quiet
        self.terminal = sys.stderr.isatty()

    def line(self, text: str) -> None:
        """Print a line by itself."""
        if not self.quiet:
            print(f"\r\033[K{text}" if self.terminal else text, file=sys.stderr, flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show ``title`` until the block ends, then how many seconds it took."""
        step = Step(self, title)
        step.draw("…")
        try:
            yield step
        except BaseException:
            if not self.quiet:
                self.line(f"  ✗ {title}")
            raise
        self.line(f"  ✓ {title} ({time.monotonic() - step.began:.1f} s)")


class Step:
    """A step that is going on."""

    def __init__(self, progress: Progress, title: str) -> None:
        """Begin now."""
        self.progress = progress
        self.title = title
        self.began = self.drawn = time.monotonic()

    def note(self, detail: str) -> None:
        """Show how far the step is, for example ``57 of 141``."""
        now = time.monotonic()
        if now - self.drawn >= (0.1 if self.progress.terminal else 10):
            self.drawn = now
            self.draw(detail)

    def draw(self, detail: str) -> None:
        """Write the step's line with ``detail`` behind it."""
        if self.progress.quiet:
            return
        if self.progress.terminal:
            print(f"\r\033[K  · {self.title} {detail}", end="", file=sys.stderr, flush=True)
        elif detail != "…":
            print(f"  · {self.title} {detail}", file=sys.stderr, flush=True)
