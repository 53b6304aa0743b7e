"""Helpers of ``marathon_site``: home page, menus, map and error pages."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple, TypeVar

import ckan.plugins.toolkit as tk
import flask
from ckan import model
from ckan.common import current_user, request
from ckan.lib.pagination import Page
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import default_exceptions

from ckanext.marathon.domain import dataset
from ckanext.marathon.domain.idea import StoryContact
from ckanext.marathon.helpers.labels import TYPES
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import figures as figures_model
from ckanext.marathon.model import municipality
from ckanext.marathon.vocabulary.territory import ATTRIBUTION, read_topology


class PageError(NamedTuple):
    """Title and sentences of an error page; ``detail`` is the message given to ``abort``."""

    code: int
    title: str
    advice: str
    detail: str


def marathon_trouble(code: int | Sequence[int], content: object) -> PageError:
    """Return the texts of an error page.

    Args:
        code: HTTP status; CKAN passes a list for an unexpected error.
        content: CKAN's or Werkzeug's description. Werkzeug's defaults are left out, because they
            are in English only.
    """
    number = int(code) if isinstance(code, int) else int(code[0])
    stock = default_exceptions.get(number)
    detail = str(content or "")
    if number >= 500 or (stock and detail == stock.description):
        detail = ""
    return PageError(number, *_explain_error(number), detail)


# CKAN workaround: assets-of-failed-page
def marathon_fresh_assets() -> str:
    """Make CKAN write styles and scripts again in this request; return "".

    If rendering a page fails, CKAN would not write its styles again into the error page.
    """
    flask.g.pop("_webassets", None)
    return ""


def _explain_error(code: int) -> tuple[str, str]:
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


LEAFLET, STYLE, BOUNDARIES = "leaflet.js", "leaflet.css", "municipalities.json"
MEDIA_TYPES = {
    LEAFLET: "text/javascript",
    STYLE: "text/css",
    BOUNDARIES: "application/json",
}
# Placeholder for the code in the address of a municipality's page.
ANY_CODE = "0000"


class MapFile(NamedTuple):
    """A file that is the same until an upgrade; ``digest`` is its version in the address."""

    body: bytes
    zipped: bytes
    digest: str


class MapAddresses(NamedTuple):
    """Addresses for the map's script, and the attribution of the boundaries."""

    script: str
    style: str
    boundaries: str
    figures: str
    place: str
    attribution: str


@lru_cache(maxsize=len(MEDIA_TYPES))
def read_map_file(name: str) -> MapFile:
    """Return a file, one of :data:`MEDIA_TYPES`."""
    if name == BOUNDARIES:
        body = read_topology()
    else:
        body = files("xstatic.pkg.leaflet").joinpath("data", name).read_bytes()
    return MapFile(body, gzip.compress(body, mtime=0), hashlib.sha256(body).hexdigest()[:12])


def marathon_map() -> MapAddresses:
    """Return the addresses of the map's files, all on this site."""
    return MapAddresses(
        script=_find_map_address(LEAFLET),
        style=_find_map_address(STYLE),
        boundaries=_find_map_address(BOUNDARIES),
        figures=tk.h.url_for("marathon_map.numbers", locale="default"),
        place=tk.h.url_for("marathon_place.municipality", code=ANY_CODE),
        attribution=ATTRIBUTION,
    )


def _find_map_address(name: str) -> str:
    return tk.h.url_for(
        "marathon_map.part", name=name, v=read_map_file(name).digest, locale="default"
    )


T = TypeVar("T")


class MenuLink(NamedTuple):
    """A link in a menu."""

    href: str
    label: str
    is_here: bool = False
    lang: str = ""


def marathon_nav() -> list[MenuLink]:
    """Return the main menu."""
    blueprint, endpoint = request.blueprint or "", request.endpoint or ""
    here = blueprint.removesuffix("_resource")
    if blueprint == "marathon_place":
        here = "problem" if "problem" in endpoint else "municipality"
    links = [
        MenuLink(
            tk.url_for("marathon_country.index"), tk._("Overview"), blueprint == "marathon_country"
        ),
        MenuLink(tk.url_for("dataset.search"), tk._("Open data"), here == "dataset"),
        MenuLink(tk.url_for("idea.search"), tk._("Ideas"), here == "idea"),
        MenuLink(tk.url_for("workshop.search"), tk._("Workshops"), here == "workshop"),
        MenuLink(tk.url_for("marathon_agenda.index"), tk._("Agenda"), here == "marathon_agenda"),
        MenuLink(
            tk.url_for("marathon_place.municipalities"),
            tk._("Municipalities"),
            here == "municipality",
        ),
        MenuLink(tk.url_for("marathon_place.problems"), tk._("Problems"), here == "problem"),
    ]
    names = _ask_once("commitments", lambda: figures_model.list_commitment_names(2), [])
    if names:
        label = tk._("Commitment") if len(names) == 1 else tk._("Commitments")
        href = tk.url_for("marathon_commitment.index")
        links.append(MenuLink(href, label, here in {"commitment", "marathon_commitment"}))
    return links


def marathon_needs_scripts(previews: Sequence[object] = ()) -> bool:
    """Return whether this page needs CKAN's scripts; plain pages for visitors do not.

    Unknown pages get the scripts.

    Args:
        previews: views of the file on the page, which CKAN resizes with a script.
    """
    if current_user.is_authenticated or previews:
        return True
    blueprint, endpoint = request.blueprint or "", request.endpoint or ""
    return not (blueprint.startswith("marathon_") or endpoint in _READING)


_READING = {
    # Endpoint of static files, which also answers unknown addresses.
    *("", "static"),
    *("home.index", "home.about", "organization.index", "organization.read"),
    *(f"{package_type}.{view}" for package_type in TYPES for view in ("read", "search")),
    *(f"{package_type}_resource.read" for package_type in TYPES),
}


def marathon_languages() -> list[MenuLink]:
    """Return the site's languages with links to this page in each of them."""
    here = tk.h.current_url()
    return [
        MenuLink(
            tk.url_for(here, locale=locale.short_name),
            str(locale.display_name or locale.english_name).capitalize(),
            locale.short_name == tk.h.lang(),
            tk.h.unix_locale_to_bcp47(locale.short_name),
        )
        for locale in tk.h.get_available_locales()
    ]


def marathon_may_publish() -> bool:
    """Return whether the visitor may publish a dataset for some organisation."""
    if not current_user.is_authenticated:
        return False
    name = current_user.name
    return _ask_once(
        "may_publish", lambda: bool(permissions.list_organizations_open_to(name, "dataset")), False
    )


def marathon_coordinates() -> bool:
    """Return whether the visitor may add municipalities and invite officers."""
    if not current_user.is_authenticated:
        return False
    name = current_user.name
    return _ask_once("coordinates", lambda: permissions.is_coordinator(name, "admin"), False)


def marathon_contact() -> StoryContact | None:
    """Return the (first) coordinating body, ``None`` if there is none."""
    found = _ask_once(
        "contact", lambda: municipality.find_contact_with_role(dataset.COORDINATING_BODY), []
    )
    return found[0] if found else None


def marathon_has_groups() -> bool:
    """Return whether the site has any of CKAN's groups, which the marathons do not use."""
    groups = model.Session.query(model.Group.id).filter_by(
        type="group", is_organization=False, state=model.State.ACTIVE
    )
    return _ask_once("groups", lambda: groups.first() is not None, False)


def marathon_pager(page: Page, **parameters: Any) -> Markup:
    """Return the links to the other pages of a list; those beside this page are called so.

    CKAN's are pictures without words.
    """
    list_, previous, following = tk._("Pages of the list"), tk._("Previous"), tk._("Next")
    return page.pager(
        format=Markup(
            '<nav class="pagination-wrapper" aria-label="{}">'
            '<ul class="pagination justify-content-center">{}</ul></nav>'
        ).format(list_, "$link_previous ~2~ $link_next"),
        symbol_previous=previous,
        symbol_next=following,
        **parameters,
    )


def _ask_once(key: str, ask: Callable[[], T], otherwise: T) -> T:
    """Return the result of a query, cached for the request; ``otherwise`` if the query fails.

    Header and footer are on error pages too, which must be rendered after a failed transaction.
    """
    kept: dict[str, Any] = flask.g.setdefault("_marathon_site", {})
    if key not in kept:
        try:
            kept[key] = ask()
        except SQLAlchemyError:
            model.Session.rollback()
            kept[key] = otherwise
    return kept[key]
