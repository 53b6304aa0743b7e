"""CKAN's own Atom feeds, of texts as XML can hold them.

CKAN 2.12 takes control characters out of descriptions only; one in a title, a tag, a group's
title or the query of a search ends the whole feed with a server error.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from ckan.views.feed import CKANFeed

from ckanext.marathon.domain.texts import remove_hidden

FeedFactory = Callable[..., Any]


def make_feed_class(others: list[FeedFactory]) -> FeedFactory:
    """Return the class of CKAN's feeds, or another plugin's, made to clean what it is given.

    Args:
        others: the classes that other plugins ask for; CKAN takes the last.
    """
    return _cleaning(others[-1] if others else CKANFeed)


@cache
def _cleaning(base: Any) -> FeedFactory:
    class CleaningFeed(base):
        """A feed that leaves out the characters that XML cannot hold."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*map(_clean, args), **{k: _clean(v) for k, v in kwargs.items()})

        def add_item(self, **kwargs: Any) -> None:
            super().add_item(**{name: _clean(value) for name, value in kwargs.items()})

    return CleaningFeed


def _clean(value: Any) -> Any:
    if isinstance(value, list):
        return [_clean(item) for item in value]
    # An enclosure is a str with attributes of its own.
    return remove_hidden(value) if type(value) is str else value
