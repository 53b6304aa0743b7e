"""What the site's error pages say: what happened, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import flask
from ckan.common import current_user
from werkzeug.exceptions import default_exceptions


class Trouble(NamedTuple):
    """An error as the page says it; ``detail`` is what the code that stopped said, if it did."""

    code: int
    title: str
    advice: str
    detail: str


def marathon_trouble(code: int | Sequence[int], content: Any) -> Trouble:
    """Return what an error page says.

    Args:
        code: of HTTP; CKAN gives that of an unexpected error as a list.
        content: CKAN's or Werkzeug's description; Werkzeug's own are in English only, and are
            left out.
    """
    number = int(code) if isinstance(code, int) else int(code[0])
    stock = default_exceptions.get(number)
    detail = str(content or "")
    if number >= 500 or (stock and detail == stock.description):
        detail = ""
    return Trouble(number, *_words(number), detail)


def marathon_fresh_assets() -> str:
    """Forget which styles and scripts this request has written, return nothing.

    A page that failed midway has had its styles written into what nobody will see; CKAN would not
    write them again into the page that says so.
    """
    flask.g.pop("_webassets", None)
    return ""


def _words(code: int) -> tuple[str, str]:
    if code in (401, 403):
        advice = tk._("It is only for those who have permission. Ask whoever runs the site.")
        if current_user.is_anonymous:
            advice = tk._("Log in if you have an account; otherwise ask whoever runs the site.")
        return tk._("This page is not open to you"), advice
    if code == 404:
        return (
            tk._("There is no such page"),
            tk._("The address may have a mistake, or what was here was moved or deleted."),
        )
    if code == 410:
        return (
            tk._("It is no longer here"),
            tk._(
                "It was here and was taken off the site. A search may find what is there instead."
            ),
        )
    if code == 413:
        return (
            tk._("That is too large"),
            tk._("Go back and choose a smaller file, or give its web address."),
        )
    if code == 429:
        return (tk._("Too many requests"), tk._("Wait a few minutes and try again."))
    if code >= 500:
        return (
            tk._("Something went wrong on the site"),
            tk._(
                "It is not your fault. Try again in a few minutes; if it happens again, tell us "
                "what you were doing and the address of this page."
            ),
        )
    return (
        tk._("The site could not do that"),
        tk._("Something in the address or in what was sent is not right. Go back and try again."),
    )
