"""Extracts the commands and settings of docs/harvesting.md, to run exactly these."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "harvesting.md"
SITE = "https://datos.example.gt"
ORGANIZATION = "your-organisation"


def commands(site: str, organization: str) -> list[list[str]]:
    """Return the arguments of ``ckan`` in its commands, for a site and an organisation."""
    (block,) = (each for each in _blocks("sh") if each.startswith("ckan "))
    lines = block.replace("\\\n", " ").replace(SITE, site).replace(ORGANIZATION, organization)
    typed = [shlex.split(line) for line in lines.splitlines()]
    assert all(words[0] == "ckan" for words in typed), typed
    return [words[1:] for words in typed]


def settings() -> tuple[dict[str, str], dict[str, str]]:
    """Return the settings of a portal without scheming, and of one with it."""
    plain, scheming = (
        dict(re.findall(r"^(\S+) = (.+)$", block, re.MULTILINE)) for block in _blocks("ini")
    )
    return plain, scheming


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
