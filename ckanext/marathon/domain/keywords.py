"""Keywords as others write them, and the tags that CKAN can keep of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ckanext.marathon.domain.texts import without_hidden

# CKAN's own limits of a tag (``tag_length_validator``, ``tag_name_validator``).
SHORTEST, LONGEST = 2, 100
_OTHER = re.compile(r"[^\w \-.]+")
_BETWEEN = re.compile(r"[,;\r\n]")


def split_keyword(text: str) -> list[str]:
    """Return the keywords in a text, which may be a list with commas or semicolons."""
    return [each for part in _BETWEEN.split(text) if (each := " ".join(part.split()))]


def tags_of(text: str) -> list[str]:
    """Return the tags that CKAN can keep of a keyword: ``I+D`` becomes ``I D``.

    Returns:
        Nothing for a part that is too short or too long for a tag.
    """
    found = (_as_tag(each) for each in split_keyword(without_hidden(text)))
    return [each for each in dict.fromkeys(found) if SHORTEST <= len(each) <= LONGEST]


def is_kept(text: str) -> bool:
    """Return whether the tags of a keyword say all that it says."""
    return all(
        _as_tag(each) == each and SHORTEST <= len(each) <= LONGEST for each in split_keyword(text)
    )


def as_written(tags: Iterable[str], originals: Iterable[str]) -> list[str]:
    """Return the keywords of tags, those that had to be changed as they were written."""
    written = list(dict.fromkeys(originals))
    changed = {tag for each in written for tag in tags_of(each)}
    return [*(each for each in tags if each not in changed), *written]


def _as_tag(text: str) -> str:
    return " ".join(_OTHER.sub(" ", text).split())
