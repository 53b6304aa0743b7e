"""Markdown as plain text, for what shows no formatting: feeds, tables, descriptions to search."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import markdown

from ckanext.marathon.domain.texts import remove_hidden

_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figure"),
        *("footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol"),
        *("p", "pre", "section", "table", "ul"),
    }
)
_ITEM = re.compile(r"- |[0-9]+\. ")
_LINES = frozenset({"br", "li", "tr"})


class _Text(HTMLParser):
    """What a reader of HTML sees, line by line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.told: list[str] = []
        self._lists: list[int | None] = []
        self._link: tuple[str, int] | None = None

    def set_cdata_mode(self, *args: Any, **named: Any) -> None:
        """Read on: a script that nobody closes must not hide the rest of a text."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in _BLOCKS:
            self._begin_block(is_inner=tag in {"ol", "ul"} and bool(self._lists))
        elif tag in _LINES:
            self.told.append("\n")
        if tag == "ul":
            self._lists.append(None)
        elif tag == "ol":
            start = named.get("start") or "1"
            self._lists.append(int(start) if re.fullmatch(r"[0-9]{1,9}", start) else 1)
        elif tag == "li":
            self._begin_item()
        elif tag == "a":
            self._link = (named.get("href") or "", len(self.told))
        elif tag == "img":
            self.told.append(named.get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"ol", "ul"} and self._lists:
            self._lists.pop()
        if tag in _BLOCKS:
            self.told.append("\n\n")
        elif tag in {"td", "th"}:
            self.told.append(" ")
        elif tag == "a" and self._link:
            (address, start), self._link = self._link, None
            label = "".join(self.told[start:]).strip()
            if re.match(r"(https?|ftp)://", address) and address != label:
                self.told.append(f" ({address})" if label else address)

    def handle_data(self, data: str) -> None:
        # Between the items of a list there is nothing but line breaks.
        if data.strip() or not self._lists:
            self.told.append(data)

    def _begin_block(self, *, is_inner: bool) -> None:
        # A paragraph that an item begins with stays beside its number.
        if not (self.told and _ITEM.fullmatch(self.told[-1])):
            self.told.append("\n" if is_inner else "\n\n")

    def _begin_item(self) -> None:
        if not self._lists:
            return
        number = self._lists[-1]
        self.told.append("- " if number is None else f"{number}. ")
        if number is not None:
            self._lists[-1] = number + 1


def strip_markup(text: str) -> str:
    """Return a text that may hold Markdown and HTML as a reader sees it, without either.

    Paragraphs stay apart, items of lists keep their numbers, and links their addresses.
    """
    if not _MARKED.search(text):
        return text
    reader = _Text()
    reader.feed(markdown.markdown(text, extensions=["sane_lists"]))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.told).splitlines())
    return remove_hidden(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip())


# One of these is in whatever Markdown or HTML would change.
_MARKED = re.compile(
    r"[<&*_`\[#>\\~]|^\s*(?:[-+]|[0-9]+[.)])\s|^\s*[=-]{2,}\s*$|^(?: {4}|\t)", re.M
)
