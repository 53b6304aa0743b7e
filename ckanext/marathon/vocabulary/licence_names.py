"""How people write the licences of Creative Commons.

Source: creativecommons.org, whose licences have a text (``legalcode``) and a summary (``deed``) in
many languages at addresses below that of the licence.
"""

from __future__ import annotations

import re

__all__ = ["is_without_version", "usual_name"]

_TEXT = re.compile(
    r"(https?://(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/[a-z-]+/[0-9.]+)/?"
    r"(?:(?:deed|legalcode)(?:\.[a-z_-]+)?)?/?(?:[?#].*)?",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"CC[ _-]?(0|BY(?:[ _-]SA)?)[ _-]v?([0-9]\.[0-9])"
    r"(?:[ _-](?:International|Internacional|Universal))?",
    re.IGNORECASE,
)
_ID = re.compile(r"cc-by(?:-sa)?", re.IGNORECASE)


def usual_name(written: str) -> str:
    """Return the address or SPDX id of a licence by that of its text or by its short name.

    ``…/by/4.0/deed.es`` becomes ``…/by/4.0``, ``CC BY 4.0`` becomes ``CC-BY-4.0``; what is neither
    stays as it is.
    """
    text = written.strip()
    if address := _TEXT.fullmatch(text):
        return address[1]
    if name := _NAME.fullmatch(text):
        short = "CC0" if name[1] == "0" else "CC-" + re.sub("[ _]", "-", name[1])
        return f"{short}-{name[2]}"
    return written


def is_without_version(written: object) -> bool:
    """Return whether a text is an id of CKAN's that names no version (``cc-by``, ``cc-by-sa``)."""
    return isinstance(written, str) and bool(_ID.fullmatch(written.strip()))
