"""Finding personal data and credentials in texts.

Identity numbers (DPI/CUI) have eight digits, a check digit (the sum of the digits weighted 2…9,
modulo 11), and the codes of department and municipality of birth, which must exist.
Telephone numbers have eight digits that begin with 2 to 8 (Guatemala's numbering plan), with or
without +502; international ones begin with a plus.
Credentials (passwords, tokens) are removed from texts that people may read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote, quote_plus, unquote

from ckanext.marathon.domain.errors import N_, Fault, FieldFault, Path
from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.codes import UnknownCode

_EMAIL = re.compile(r"[\w.+-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63})+")
_IDENTITY = re.compile(r"(?<!\d)(\d{4})[ .-]?(\d{4})[ .-]?(\d)[ .-]?(\d{4})(?!\d)")
_PHONE = re.compile(
    # Not after a sign before an amount of money.
    r"(?<![\d.,/+$-])(?<!\bQ)(?<!\bQ )(?<!\bQ\. )(?:\+?\(?502\)?[ .-]?)?"
    r"([2-8]\d{3}[ .-]?\d{4}|[2-8]\d(?:[ .-]\d\d){3}|[2-8]\d{7})(?![\d/])(?![.,-]\d)"
)
_FOREIGN_PHONE = re.compile(r"\+\d{1,3}(?:[ .()-]{0,2}\d){6,12}(?!\d)")

EMAIL = N_("No e-mail addresses here: name the organisation, group or place, never a person")
PHONE = N_("No telephone numbers here: name the organisation, group or place, never a person")
IDENTITY = N_("No identity numbers (DPI/CUI) here: people are counted, never listed")


def find_personal_data(text: str) -> str | None:
    """Return the message about the first kind of personal data found in a text, else ``None``."""
    if "@" in text and _EMAIL.search(text):
        return EMAIL
    if any(is_identity_number("".join(found.groups())) for found in _IDENTITY.finditer(text)):
        return IDENTITY
    if _FOREIGN_PHONE.search(text) or any(
        not is_span_of_time(found[1]) for found in _PHONE.finditer(text)
    ):
        return PHONE
    return None


def is_identity_number(digits: str) -> bool:
    """Return whether 13 digits are a possible DPI/CUI."""
    if len(digits) != 13 or not (digits.isascii() and digits.isdigit()):
        return False
    weighted = sum(int(digit) * weight for weight, digit in enumerate(digits[:8], start=2))
    if weighted % 11 != int(digits[8]):
        return False
    try:
        born_in = territory.list_municipalities_of(digits[9:11])
    except UnknownCode:
        return False
    return 1 <= int(digits[11:]) <= len(born_in)


def check_personal_data(texts: Iterable[tuple[Path, str]]) -> list[FieldFault]:
    """Return a fault for each text with an e-mail address, telephone or identity number."""
    return [
        FieldFault(path, Fault(message))
        for path, text in texts
        if (message := find_personal_data(text))
    ]


def is_span_of_time(digits: str) -> bool:
    """Return whether eight digits are years («2016-2018») or a date («20161017»)."""
    bare = re.sub(r"\D", "", digits)
    if all(1900 <= int(year) <= 2099 for year in (bare[:4], bare[4:])):
        return True
    try:
        datetime.strptime(bare, "%Y%m%d")
    except ValueError:
        return False
    return bare.startswith(("19", "20"))


HIDDEN = "***"

# A shorter secret may be an ordinary word; after a label or in an address it is removed anyway.
SHORTEST_SECRET = 8

# ``scheme://user:password@host``. A password may have an @: the last one before the path counts.
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
    """Replaces credentials in texts: known secrets, and values that follow a label or a scheme."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Store known secrets; they are also found if they are URL-encoded."""
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
