"""Texts in several languages, by language code (``es``, ``en``, ``quc`` …)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Labels = Mapping[str, str]


def labels(es: str, en: str) -> Labels:
    """Return a read-only mapping of a Spanish and an English text."""
    return MappingProxyType({"es": es, "en": en})


def pick(texts: Labels, lang: str, default: str = "") -> str:
    """Return the text in a language, else in Spanish, else ``default``.

    Args:
        texts: by language code.
        lang: a language tag or CKAN locale; ``es_GT`` and ``es-GT`` are read as ``es``.
        default: for a concept without even a Spanish text.
    """
    tag = lang.replace("_", "-").lower()
    return texts.get(tag) or texts.get(tag.partition("-")[0]) or texts.get("es") or default
