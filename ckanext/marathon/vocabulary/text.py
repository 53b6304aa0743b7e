"""How texts are compared when people search."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Longer than any name; keeps a hostile query cheap.
MAX_QUERY = 200

_APOSTROPHES = re.compile("['’‘ʼ`´]")
_NOT_WORD = re.compile(r"[^\w]+")


def fold(text: str) -> str:
    """Return lower-case words without accents, parted by single spaces.

    ``"San  Miguel Sigüilá"`` → ``"san miguel siguila"``; ñ becomes n (keyboards without ñ),
    apostrophes vanish (``K'iche'`` → ``kiche``), all other punctuation parts words.
    """
    bare = "".join(
        char
        for char in unicodedata.normalize("NFKD", text.casefold())
        if not unicodedata.combining(char)
    )
    return _NOT_WORD.sub(" ", _APOSTROPHES.sub("", bare)).replace("_", " ").strip()


def query_words(text: str) -> tuple[str, ...]:
    """Return the folded words of what a person typed (its first 200 characters)."""
    return tuple(fold(text[:MAX_QUERY]).split())


def covers(words: Iterable[str], folded: str) -> bool:
    """Say whether each query word begins a word of the folded text."""
    padded = " " + folded
    return all(f" {word}" in padded for word in words)
