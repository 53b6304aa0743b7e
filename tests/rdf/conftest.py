"""Notes at the end of a run about missing shapes and reduced counts."""

from __future__ import annotations

from typing import Any

from .proofs import EXAMPLES
from .shapes import FOLDER, official_is_here


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the checks that were left out, so that nobody takes them for passed."""
    if official_is_here():
        terminalreporter.write_line(f"RDF: checked against the DCAT-AP shapes in {FOLDER}")
    else:
        terminalreporter.write_line(
            "RDF: the official DCAT-AP shapes are not here (MARATHON_SHAPES names their folder); "
            "checked against the project's own profile only."
        )
    terminalreporter.write_line(f"RDF: each randomised proof tried {EXAMPLES} datasets")
