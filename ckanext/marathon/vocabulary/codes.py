"""Common parts of the vocabularies: data files, errors, labels, and paths of concepts.

VocabularyError
├── UnknownCode       well formed, but nothing has this code
│   └── MalformedCode cannot be a code at all
└── MalformedData     a vocabulary file breaks a rule

Labels are kept by language code (``es``, ``en``, ``quc`` …). Accents, case and punctuation make no
difference to a search. The IRI of a concept is ``{base}/{path}``; the base is configured, and the
paths are a contract: published once, they never change.
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
    """Base of every error this room raises."""


class UnknownCode(VocabularyError, LookupError):
    """Nothing of this kind has this code.

    Attributes:
        kind: kind of the code, e.g. ``"municipality"`` (see :data:`.schemes.CONCEPT_KINDS`).
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
    """The value cannot be a code of this kind, however it is repaired."""

    def message(self) -> str:
        """Return one English sentence naming the kind and the value."""
        return f"{self.code} cannot be the code of a {self.kind}"


class MalformedData(VocabularyError, ValueError):
    """A vocabulary file breaks a rule; the message names file, place and rule."""


def shorten_value(value: object) -> str:
    """Return ``repr(value)`` of text, or of anything else as text, at most 60 characters long."""
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else text[:59] + "…"


TAXONOMY = "service_problems.ttl"


def read_data_bytes(name: str) -> bytes:
    """Return a file of ``vocabulary/data/`` as it is shipped.

    Args:
        name: file name, e.g. ``"municipalities.csv"`` or ``"authorities/frequencies.csv"``.

    Raises:
        FileNotFoundError: no such file is shipped.
    """
    return files("ckanext.marathon.vocabulary").joinpath("data", *name.split("/")).read_bytes()


def read_data_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of ``vocabulary/data/``, every value as text."""
    return list(csv.DictReader(io.StringIO(read_data_bytes(name).decode("utf-8"), newline="")))


def read_taxonomy_bytes() -> bytes:
    """Return the taxonomy's Turtle as it is shipped: relative IRIs, UTF-8.

    Parse it against ``{vocabulary base}/`` (with the slash).
    """
    return files("ckanext.marathon.schemas").joinpath(TAXONOMY).read_bytes()


Item = TypeVar("Item")

# Longer than any name; keeps a hostile query cheap.
MAX_QUERY = 200

_APOSTROPHES = re.compile("['’‘ʼ`´]")
_NOT_WORD = re.compile(r"[\W_]+")

_EXACT, _BEGINS, _COVERS = range(3)


def fold_text(text: str) -> str:
    """Return lower-case words without accents, parted by single spaces.

    ``"San  Miguel Sigüilá"`` becomes ``"san miguel siguila"``; ñ becomes n (not every keyboard
    has it), apostrophes vanish (``K'iche'``, ``kiche``), all other punctuation parts words.
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
    """A small search index: items, each with texts in tiers of falling weight."""

    def __init__(self, entries: Iterable[tuple[Item, Sequence[Iterable[str]]]], names: int) -> None:
        """Fold every text once.

        Args:
            entries: an item and its tiers; the order of the entries breaks ties.
            names: how many of the tiers name the item itself; the rest is what surrounds it.
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

        First come items with a name that equals the query; then, tier by tier, those with a text
        that equals it or begins with it, and those that (together with the tiers before) have a
        word beginning with each word of the query. Only the first 200 characters of the query
        count; an empty one finds nothing.
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
        default: for a concept without even a Spanish text.
    """
    tag = lang.replace("_", "-").lower()
    return texts.get(tag) or texts.get(tag.partition("-")[0]) or texts.get("es") or default
