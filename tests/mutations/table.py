"""Reading the table of mutations."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("table.toml")


@dataclass(frozen=True)
class Mutation:
    """One change of the source that tests must notice.

    Attributes:
        file: path in the repository.
        text: the text to replace, which occurs exactly once in the file.
        becomes: the text in its place.
        tests: test files or node ids of pytest that must fail.
        equivalent: why no test can notice; "" where one must.
    """

    file: str
    text: str
    becomes: str
    tests: tuple[str, ...]
    equivalent: str = ""

    def __str__(self) -> str:
        """Return the change in one line."""
        before, after = (" ".join(each.split()) for each in (self.text, self.becomes))
        return f"{self.file}: {before} → {after or '(nothing)'}"


def read_table() -> list[Mutation]:
    """Return every mutation of the table, in its order.

    A file's mutations are under its path. Those without ``tests`` have the file's.
    """
    loaded = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [
        Mutation(
            file=group["path"],
            text=each["text"],
            becomes=each["becomes"],
            tests=tuple(each.get("tests", group.get("tests", []))),
            equivalent=each.get("equivalent", ""),
        )
        for group in loaded["file"]
        for each in group["mutation"]
    ]
