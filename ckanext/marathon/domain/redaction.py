"""Taking passwords, tokens and other credentials out of a text that somebody may read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "***"

# A shorter one may be a word of the text itself; in an address it is found by its place.
SHORTEST_SECRET = 8

# ``scheme://user:password@host``. A password with a slash or a space is no valid address, and an
# @ within the password belongs to it: the last one before the path counts.
_USERINFO = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/?#'\"<>]*@", re.IGNORECASE)
# password=…, 'token': '…', "secret" = "…", Authorization: Bearer …, also in an address's query.
_LABELLED = re.compile(
    r"""(?P<label>(?:password\w*|passwd|pwd|secret\w*|api_?key|token|authorization)["']?\s*[=:]\s*)
    (?:(?P<quote>["'])(?P<quoted>(?:(?!(?P=quote)).)+)(?P=quote)|(?P<bare>(?:Bearer\s+)?[^\s&,;)}\]"'<>]+))""",
    re.IGNORECASE | re.VERBOSE,
)
# A JSON Web Token, which is what CKAN's API tokens are.
_JSON_WEB_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")


class Redactor:
    """Replaces credentials in texts: known secrets, and what stands where credentials stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Remember secrets; each is found as it is and as it is written in an address."""
        spellings = {
            spelling
            for secret in secrets
            for spelling in (secret, quote(secret, safe=""), quote_plus(secret), unquote(secret))
            if len(spelling) >= SHORTEST_SECRET
        }
        longest_first = sorted(spellings, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if spellings else None

    def redact(self, text: str) -> str:
        """Return the text with ``***`` in the place of every credential."""
        if self._known:
            text = self._known.sub(HIDDEN, text)
        text = _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", text)
        text = _JSON_WEB_TOKEN.sub(HIDDEN, text)
        return _LABELLED.sub(_hide_labelled, text)


def _hide_labelled(match: re.Match[str]) -> str:
    mark = match["quote"] or ""
    return f"{match['label']}{mark}{HIDDEN}{mark}"
