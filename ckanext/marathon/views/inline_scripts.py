"""Marks inline scripts of templates, so that a policy against all others lets them run.

CKAN's templates and those of its plugins carry scripts and event handlers in the page itself. A
content security policy that forbids inline scripts would break them, and one that allows them all
would protect nothing. Here a template's **source** is changed when it is compiled: script elements
get the request's nonce, event handlers are announced by their hash, and ``javascript:`` links
become handlers. Markup that data brings into a page is in no template's source, so it gets neither.

Two things cannot be marked, and are taken out: what htmx evaluates (``hx-on``), and the handlers of
the page of API tokens, which come with parts of it that are loaded later (``js/tokens.js``).

Source: Content Security Policy Level 3, sections 6.7.2.3 (nonces), 6.7.3.3 (``unsafe-hashes``).
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets

from flask import g, has_request_context
from jinja2 import Environment
from jinja2.ext import Extension
from markupsafe import Markup

# A tag may hold tags of Jinja, and those a “>” or a quotation mark.
_JINJA = r"\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\}"
_IN_TAG = rf"(?:{_JINJA}|[^>])*?"
_IN_LINK = rf"(?:{_JINJA}|(?!(?P=mark)).)*?"
_IN_HANDLER = rf"(?:{_JINJA}|(?!(?P=quote)).)*?"
_IN_HTMX = rf"(?:{_JINJA}|(?!(?P=limit)).)*?"
_PLACES = re.compile(
    "|".join(
        (
            # Texts to be translated take no blocks; raw parts show what stands in them.
            r"(?P<untouched>\{%[-+]?\s*(?P<block>trans|raw)\b.*?\{%[-+]?\s*end(?P=block)\b)",
            rf"(?P<jinja>{_JINJA})",
            rf"(?P<element><script(?=[\s>]))(?P<attributes>{_IN_TAG})>",
            r"(?P<link>\shref=)(?P<mark>[\"'])javascript:"
            rf"(?P<code>{_IN_LINK})(?P=mark)",
            rf"(?P<htmx>(?<![\w-])hx-on[\w:-]*=)(?P<limit>[\"']){_IN_HTMX}(?P=limit)",
            rf"(?P<handler>\son[a-z]+=)(?P<quote>[\"'])(?P<body>{_IN_HANDLER})(?P=quote)",
        )
    ),
    re.DOTALL | re.IGNORECASE,
)
_DOES_NOTHING = re.compile(r"\s*(void\(0\)\s*)?;?\s*")
# A fragment that no page has: the link leads nowhere, and the page does not jump to its top.
_NOWHERE = '"#!"'


class InlineScripts(Extension):
    """Changes the source of every template; see the module."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals["marathon_nonce"] = get_nonce
        environment.filters["marathon_handler"] = announce_handler

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source with inline scripts and handlers marked."""
        return _PLACES.sub(_mark, source)


def get_nonce() -> str:
    """Return the nonce of this request's page, made when it is first asked for."""
    if not has_request_context():
        return ""
    if "marathon_nonce" not in g:
        g.marathon_nonce = secrets.token_urlsafe(16)
    return g.marathon_nonce


def announce_handler(code: str) -> Markup:
    """Return an event handler as it is, and let the page's policy allow it.

    Args:
        code: the attribute's value as it stands in the page, that is escaped.
    """
    if has_request_context():
        digest = hashlib.sha256(html.unescape(str(code)).encode()).digest()
        source = f"'sha256-{base64.b64encode(digest).decode()}'"
        g.marathon_handlers = {**g.get("marathon_handlers", {}), source: True}
    # Jinja has escaped what data brought into the block.
    return Markup(code)  # noqa: S704


def list_sources() -> dict[str, str]:
    """Return what the page made in this request needs, by directive of its policy."""
    needed: dict[str, str] = {}
    if nonce := g.get("marathon_nonce"):
        needed["script-src"] = f"'nonce-{nonce}'"
    if handlers := g.get("marathon_handlers"):
        needed["script-src-attr"] = " ".join(("'unsafe-hashes'", *handlers))
    return needed


def _mark(found: re.Match[str]) -> str:
    if found["element"]:
        attributes = found["attributes"]
        # Scripts with an address are judged by it; data such as JSON-LD never runs.
        if re.search(r"\s(?:src|nonce)=|json", attributes):
            return found[0]
        return f'{found["element"]} nonce="{{{{ marathon_nonce() }}}}"{attributes}>'
    if found["link"]:
        if _DOES_NOTHING.fullmatch(found["code"]):
            return found["link"] + _NOWHERE
        return f"{found['link']}{_NOWHERE} onclick={_announced(found['code'], found['mark'])}"
    if found["htmx"] or "revoke-tokens-button" in (found["body"] or ""):
        return ""
    if found["handler"]:
        return found["handler"] + _announced(found["body"], found["quote"])
    return found[0]


def _announced(code: str, quote: str) -> str:
    return f"{quote}{{% filter marathon_handler %}}{code}{{% endfilter %}}{quote}"
