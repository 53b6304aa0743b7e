"""Security headers of all answers.

Inline scripts of templates get a nonce when templates are compiled, so that the policy can forbid
all others. Answers to logged-in people are marked as private, so that shared caches do not store
them.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, g, has_request_context, request
from flask.blueprints import BlueprintSetupState
from jinja2 import Environment
from jinja2.ext import Extension
from markupsafe import Markup

from ckanext.marathon.views import files as files_views
from ckanext.marathon.views.files import FILES_URL

# An HTML tag may contain Jinja tags, which may contain “>” and quotation marks.
_JINJA = r"\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\}"
_IN_TAG = rf"(?:{_JINJA}|[^>])*?"
_IN_LINK = rf"(?:{_JINJA}|(?!(?P=mark)).)*?"
_IN_HANDLER = rf"(?:{_JINJA}|(?!(?P=quote)).)*?"
_IN_HTMX = rf"(?:{_JINJA}|(?!(?P=limit)).)*?"
_PLACES = re.compile(
    "|".join(
        (
            # Translated texts allow no blocks; raw parts are printed unchanged.
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
# A fragment that no page has, so that the page does not jump to its top.
_NOWHERE = '"#!"'


class InlineScripts(Extension):
    """Jinja extension that adds nonces to inline scripts and announces event handlers."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # Jinja's type allows only its own globals.
        everywhere: dict[str, Any] = environment.globals
        everywhere["marathon_nonce"] = get_nonce
        environment.filters["marathon_handler"] = announce_handler

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source with inline scripts and handlers marked."""
        return _PLACES.sub(_mark_script, source)


def get_nonce() -> str:
    """Return the nonce of this request, made at its first use."""
    if not has_request_context():
        return ""
    if "marathon_nonce" not in g:
        g.marathon_nonce = secrets.token_urlsafe(16)
    return g.marathon_nonce


def announce_handler(code: str) -> Markup:
    """Return an event handler unchanged, and allow its hash in the page's policy.

    Args:
        code: the escaped value of the attribute.
    """
    if has_request_context():
        digest = hashlib.sha256(html.unescape(str(code)).encode()).digest()
        source = f"'sha256-{base64.b64encode(digest).decode()}'"
        g.marathon_handlers = {**g.get("marathon_handlers", {}), source: True}
    # Jinja has escaped the data in the block.
    return Markup(code)  # noqa: S704


def list_sources() -> dict[str, str]:
    """Return directive → sources (nonce, hashes) that the page of this request needs."""
    needed: dict[str, str] = {}
    if nonce := g.get("marathon_nonce"):
        needed["script-src"] = f"'nonce-{nonce}'"
    if handlers := g.get("marathon_handlers"):
        needed["script-src-attr"] = " ".join(("'unsafe-hashes'", *handlers))
    return needed


def _mark_script(found: re.Match[str]) -> str:
    if found["element"]:
        attributes = found["attributes"]
        # Scripts with an address are allowed by their origin; JSON-LD is not executed.
        if re.search(r"\s(?:src|nonce)=|json", attributes):
            return found[0]
        return f'{found["element"]} nonce="{{{{ marathon_nonce() }}}}"{attributes}>'
    if found["link"]:
        if _DOES_NOTHING.fullmatch(found["code"]):
            return found["link"] + _NOWHERE
        return f"{found['link']}{_NOWHERE} onclick={_announce_script(found['code'], found['mark'])}"
    if found["htmx"] or "revoke-tokens-button" in (found["body"] or ""):
        return ""
    if found["handler"]:
        return found["handler"] + _announce_script(found["body"], found["quote"])
    return found[0]


def _announce_script(code: str, quote: str) -> str:
    return f"{quote}{{% filter marathon_handler %}}{code}{{% endfilter %}}{quote}"


MODE = "ckanext.marathon.security_headers"
SOURCES = "ckanext.marathon.csp_sources"

#: Directive → sources of the policy of pages.
PAGE_POLICY = {
    "default-src": "'self'",
    "base-uri": "'self'",
    "object-src": "'none'",
    "frame-ancestors": "'self'",
    "form-action": "'self'",
    "font-src": "'self' data:",
    # Logos of organisations, pictures in texts and recordings may be on other servers.
    "img-src": "* data: blob:",
    "media-src": "* blob:",
    "script-src": "'self'",
    # htmx in CKAN, and scripts of many plugins, add style elements to the page.
    "style-src": "'self' 'unsafe-inline'",
}
#: Policy of our own pages in any theme.
OWN_PAGE_POLICY = {"frame-ancestors": "'self'", "base-uri": "'self'", "object-src": "'none'"}
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope"),
        *("magnetometer", "microphone", "midi", "payment", "usb"),
    )
)
HSTS = f"max-age={365 * 24 * 3600}"
#: Directives that fall back to ``default-src``.
FOLLOWING_DEFAULT = frozenset({"connect-src", "frame-src", "manifest-src", "worker-src"})
_REFERRER = "strict-origin-when-cross-origin"

security_headers = Blueprint("marathon_security_headers", __name__)


@security_headers.record
def mark_inline_scripts(state: BlueprintSetupState) -> None:
    """Register the Jinja extension if the site has a policy."""
    if tk.config[MODE] != "off":
        state.app.jinja_env.add_extension(InlineScripts)


@security_headers.after_app_request
def set_headers(response: Response) -> Response:
    """Set the security headers that no view has set."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    mode = tk.config[MODE]
    if mode == "enforce" and tk.config["ckan.site_url"].startswith("https:"):
        headers.setdefault("Strict-Transport-Security", HSTS)
    is_page = not files_views.protect_file(response) and response.mimetype == "text/html"
    # Headers of a 304 replace the stored ones, and the nonce would differ from the stored page's.
    if is_page and response.status_code != 304:
        _protect_page(response, mode)
    return response


def parse_sources(text: str) -> dict[str, str]:
    """Return directive → sources that a site adds to the policy.

    Args:
        text: in the syntax of a policy: ``script-src https://a.example; img-src https://b.example``.

    Raises:
        ValueError: a part has no valid directive, or a comma, which would end the policy.
    """
    found: dict[str, str] = {}
    for part in filter(None, (part.split() for part in text.split(";"))):
        directive, *sources = part
        if "," in text or not directive.replace("-", "").isalpha() or not directive.islower():
            raise ValueError(" ".join(part))
        found[directive] = " ".join((*found.get(directive, "").split(), *sources))
    return found


def _protect_page(response: Response, mode: str) -> None:
    headers = response.headers
    if mode == "off":
        if (request.endpoint or "").startswith("marathon_"):
            headers.setdefault("Content-Security-Policy", _write_policy(OWN_PAGE_POLICY))
            headers.setdefault("Referrer-Policy", _REFERRER)
        return
    policy = _page_policy()
    if mode == "report-only":
        headers.setdefault("Content-Security-Policy-Report-Only", policy)
        return
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("Referrer-Policy", _REFERRER)
    headers.setdefault("Permissions-Policy", PERMISSIONS)
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if not _is_embeddable():
        headers.setdefault("X-Frame-Options", "SAMEORIGIN")


def _page_policy() -> str:
    policy = dict(PAGE_POLICY)
    if _is_embeddable():
        policy["frame-ancestors"] = "*"
    # Under another host name the page has links to both hosts.
    own = _find_origin(tk.config["ckan.site_url"])
    if own and own != request.host_url.rstrip("/"):
        policy = _add_sources(
            policy, dict.fromkeys(("default-src", "script-src", "form-action"), own)
        )
        policy = _add_sources(policy, dict.fromkeys(("style-src", "font-src"), own))
    files = _find_origin(tk.config[FILES_URL])
    if files:
        policy = _add_sources(policy, dict.fromkeys(("connect-src", "frame-src"), files))
    policy = _add_sources(policy, parse_sources(tk.config[SOURCES]))
    return _write_policy(_add_sources(policy, list_sources()))


def _is_embeddable() -> bool:
    """Return whether the page is a view of a resource, which CKAN offers for other sites."""
    rule = request.url_rule.rule if request.url_rule else ""
    return "/resource/<resource_id>/view/" in rule


def _add_sources(policy: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    added = dict(policy)
    for directive, sources in more.items():
        inherited = added["default-src"] if directive in FOLLOWING_DEFAULT else ""
        before = added.get(directive, inherited)
        kept = (source for source in before.split() if source != "'none'")
        added[directive] = " ".join(dict.fromkeys((*kept, *sources.split())))
    return added


def _write_policy(policy: dict[str, str]) -> str:
    return "; ".join(" ".join(filter(None, part)) for part in policy.items())


@lru_cache(maxsize=8)
def _find_origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


private_answers = Blueprint("marathon_private_answers", __name__)

# Endpoints whose answers are the same for everybody.
_SHARED = frozenset({"static", "webassets.index"})


@private_answers.after_app_request
def keep_from_shared_caches(response: Response) -> Response:
    """Mark answers to logged-in people as private; CKAN sets ``Cache-Control`` afterwards.

    Browsers must revalidate. Otherwise they would cache feeds, which have a Last-Modified.
    """
    if g.get("user") and request.endpoint not in _SHARED:
        request.environ["__no_cache__"] = True
        response.cache_control.no_cache = True
    return response
