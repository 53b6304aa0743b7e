"""Common parts of the vocabularies: errors, data files, labels, and search by name.

VocabularyError
├── UnknownCode       no place, problem or term has this code
│   └── MalformedCode the value cannot be a code
└── MalformedData     a vocabulary file breaks a rule
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar


class VocabularyError(Exception):
    """Base of all errors of this package."""


class UnknownCode(VocabularyError, LookupError):
    """Nothing of this kind has this code.

    Attributes:
        kind: kind of the code, for example ``"municipality"`` (see
            :data:`.schemes.CONCEPT_KINDS`).
        code: the given code, shortened to 60 characters.
    """

    def __init__(self, kind: str, code: object) -> None:
        self.kind = kind
        self.code = shorten_value(code)
        super().__init__(self.message())

    def message(self) -> str:
        """Return one English sentence naming the kind and the code."""
        return f"No {self.kind} has the code {self.code}"


class MalformedCode(UnknownCode):
    """The value cannot be a code of this kind, not even after a repair."""

    def message(self) -> str:
        """Return one English sentence naming the kind and the value."""
        return f"{self.code} cannot be the code of a {self.kind}"


class MalformedData(VocabularyError, ValueError):
    """A vocabulary file breaks a rule; the message names file, place and rule."""


def shorten_value(value: object) -> str:
    """Return ``repr(value)``, at most 60 characters long."""
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else text[:59] + "…"


TAXONOMY = "service_problems.ttl"


def read_data_bytes(name: str) -> bytes:
    """Return the content of a file of ``vocabulary/data/``.

    Args:
        name: for example ``"municipalities.csv"`` or ``"authorities/frequencies.csv"``.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return files("ckanext.marathon.vocabulary").joinpath("data", *name.split("/")).read_bytes()


def read_data_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of ``vocabulary/data/``; all values are texts."""
    return list(csv.DictReader(io.StringIO(read_data_bytes(name).decode("utf-8"), newline="")))


def read_taxonomy_bytes() -> bytes:
    """Return the taxonomy in Turtle, with relative IRIs.

    Their base is the start of the IRIs of concepts with a slash.
    """
    return files("ckanext.marathon.schemas").joinpath(TAXONOMY).read_bytes()


Item = TypeVar("Item")

# Longer than any name; limits the cost of a hostile query.
MAX_QUERY = 200

_APOSTROPHES = re.compile("['’‘ʼ`´]")
_NOT_WORD = re.compile(r"[\W_]+")

_EXACT, _BEGINS, _COVERS = range(3)


def fold_text(text: str) -> str:
    """Return lower-case words without accents, separated by single spaces.

    ``"San  Miguel Sigüilá"`` becomes ``"san miguel siguila"``; ñ becomes n (not every keyboard
    has it), apostrophes are dropped (``K'iche'``, ``kiche``), other punctuation separates words.
    """
    bare = "".join(
        char
        for char in unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text).casefold())
        if not unicodedata.combining(char)
    )
    return _NOT_WORD.sub(" ", bare).strip()


class _Tier(NamedTuple):
    texts: frozenset[str]
    words: str


class NameIndex(Generic[Item]):
    """A small search index: items with texts in tiers of decreasing weight."""

    def __init__(self, entries: Iterable[tuple[Item, Sequence[Iterable[str]]]], names: int) -> None:
        """Fold all texts.

        Args:
            entries: pairs of an item and its tiers; items of equal rank keep this order.
            names: number of the first tiers that have names of the item itself; the others have
                names of its surroundings, for example of the department.
        """
        self._names = names
        self._entries: list[tuple[Item, list[_Tier]]] = []
        for item, tiers in entries:
            folded: list[_Tier] = []
            so_far = ""
            for texts in tiers:
                own = [fold_text(text) for text in texts]
                so_far = " ".join([so_far, *own])
                folded.append(_Tier(frozenset(own), so_far))
            self._entries.append((item, folded))

    def best(self, query: str, limit: int) -> tuple[Item, ...]:
        """Return at most ``limit`` items, best first.

        Items with a name that equals the query come first. Then come, tier by tier, items with a
        text that equals the query, items with a text that begins with it, and items in which each
        word of the query begins a word of this tier or one before. Only the first 200 characters of
        the query count; an empty one finds nothing.
        """
        wanted = fold_text(query[:MAX_QUERY])
        if not wanted:
            return ()
        found = [
            (rank, position, item)
            for position, (item, tiers) in enumerate(self._entries)
            if (rank := self._rank(wanted, tiers)) is not None
        ]
        found.sort(key=lambda match: match[:2])
        return tuple(item for _, _, item in found[: max(limit, 0)])

    def _rank(self, wanted: str, tiers: Sequence[_Tier]) -> tuple[int, int] | None:
        if any(wanted in tier.texts for tier in tiers[: self._names]):
            return -1, _EXACT
        for number, tier in enumerate(tiers):
            how = _match(wanted, tier)
            if how is not None:
                return number, how
        return None


def _match(wanted: str, tier: _Tier) -> int | None:
    if wanted in tier.texts:
        return _EXACT
    if any(text.startswith(wanted) for text in tier.texts):
        return _BEGINS
    if all(f" {word}" in tier.words for word in wanted.split()):
        return _COVERS
    return None


Labels = Mapping[str, str]


def make_labels(es: str, en: str) -> Labels:
    """Return a read-only mapping of a Spanish and an English text."""
    return MappingProxyType({"es": es, "en": en})


def pick_label(texts: Labels, lang: str, default: str = "") -> str:
    """Return the text in a language, else in Spanish, else ``default``.

    Args:
        texts: by language code.
        lang: a language tag or CKAN locale; ``es_GT`` and ``es-GT`` are read as ``es``.
        default: for a concept without a Spanish text.
    """
    tag = lang.replace("_", "-").lower()
    return texts.get(tag) or texts.get(tag.partition("-")[0]) or texts.get("es") or default
