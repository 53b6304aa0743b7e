"""Every header that protects: of pages, of files, of everything else.

How much pages are told is the setting ``ckanext.marathon.security_headers``; ``marathon_site``
makes ``enforce`` its default, because a site whose theme is its own knows what its pages load.

Source: Content Security Policy Level 3; RFC 6797 (HSTS); Fetch, section 3.6 (nosniff).
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan.types import Response
from flask import Blueprint, request
from flask.blueprints import BlueprintSetupState

from . import file_answers, inline_scripts

MODE = "ckanext.marathon.security_headers"
SOURCES = "ckanext.marathon.csp_sources"
FILES_URL = "ckanext.marathon.files_url"

#: Directive → sources of the policy of pages.
PAGE_POLICY = {
    "default-src": "'self'",
    "base-uri": "'self'",
    "object-src": "'none'",
    "frame-ancestors": "'self'",
    "form-action": "'self'",
    "font-src": "'self' data:",
    # An organisation's logo, a picture in a text and a recording may be on other servers.
    "img-src": "* data: blob:",
    "media-src": "* blob:",
    "script-src": "'self'",
    # CKAN's own scripts (htmx) and many plugins' put style elements into the page.
    "style-src": "'self' 'unsafe-inline'",
}
#: What holds for our own pages inside any theme.
OWN_PAGE_POLICY = {"frame-ancestors": "'self'", "base-uri": "'self'", "object-src": "'none'"}
PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope"),
        *("magnetometer", "microphone", "midi", "payment", "usb"),
    )
)
HSTS = f"max-age={365 * 24 * 3600}"
#: Directives that follow ``default-src`` until they have a list of their own.
FOLLOWING_DEFAULT = frozenset({"connect-src", "frame-src", "manifest-src", "worker-src"})
_REFERRER = "strict-origin-when-cross-origin"

security_headers = Blueprint("marathon_security_headers", __name__)


@security_headers.record
def mark_inline_scripts(state: BlueprintSetupState) -> None:
    """Have templates marked where a policy will ask for it."""
    if tk.config[MODE] != "off":
        state.app.jinja_env.add_extension(inline_scripts.InlineScripts)


@security_headers.after_app_request
def set_headers(response: Response) -> Response:
    """Set what this answer needs and no view has set."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    mode = tk.config[MODE]
    if mode == "enforce" and tk.config["ckan.site_url"].startswith("https:"):
        headers.setdefault("Strict-Transport-Security", HSTS)
    is_page = not file_answers.protect(response) and response.mimetype == "text/html"
    # A browser puts the headers of a 304 in the place of those it has: a nonce would be another.
    if is_page and response.status_code != 304:
        _protect_page(response, mode)
    return response


def parse_sources(text: str) -> dict[str, str]:
    """Return the sources that a site adds to the policy, by directive.

    Args:
        text: as in a policy: ``script-src https://a.example; img-src https://b.example``.

    Raises:
        ValueError: a part names no directive, or holds a comma, which would end the policy.
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
            headers.setdefault("Content-Security-Policy", _write(OWN_PAGE_POLICY))
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
    # Whoever opens the site under another name than its own gets links to both.
    own = _origin(tk.config["ckan.site_url"])
    if own and own != request.host_url.rstrip("/"):
        policy = _add(policy, dict.fromkeys(("default-src", "script-src", "form-action"), own))
        policy = _add(policy, dict.fromkeys(("style-src", "font-src"), own))
    files = _origin(tk.config[FILES_URL])
    if files:
        policy = _add(policy, dict.fromkeys(("connect-src", "frame-src"), files))
    policy = _add(policy, parse_sources(tk.config[SOURCES]))
    return _write(_add(policy, inline_scripts.list_sources()))


def _is_embeddable() -> bool:
    """Return whether the page is a view of a resource, which CKAN offers for other sites."""
    rule = request.url_rule.rule if request.url_rule else ""
    return "/resource/<resource_id>/view/" in rule


def _add(policy: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    added = dict(policy)
    for directive, sources in more.items():
        inherited = added["default-src"] if directive in FOLLOWING_DEFAULT else ""
        before = added.get(directive, inherited)
        kept = (source for source in before.split() if source != "'none'")
        added[directive] = " ".join(dict.fromkeys((*kept, *sources.split())))
    return added


def _write(policy: dict[str, str]) -> str:
    return "; ".join(" ".join(filter(None, part)) for part in policy.items())


@lru_cache(maxsize=8)
def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
