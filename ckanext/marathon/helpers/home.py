"""What the home page, the header and the footer of ``marathon_site`` say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import ckan.plugins.toolkit as tk
import flask
from ckan import model
from ckan.common import current_user, request
from sqlalchemy.exc import SQLAlchemyError

from ckanext.marathon.logic import permissions
from ckanext.marathon.model import overview, records
from ckanext.marathon.vocabulary import problems, territory
from ckanext.marathon.vocabulary.errors import UnknownCode

from .labels import TYPES, marathon_municipality_names

LATEST = 5
# More names than this are a list to search, not one to look at.
MOST_MUNICIPALITIES = 40

T = TypeVar("T")


class Link(NamedTuple):
    """A link in a menu."""

    href: str
    label: str
    is_here: bool = False
    lang: str = ""


class Area(NamedTuple):
    """A service area and how many public things of each type are about it."""

    notation: str
    label: str
    counts: Mapping[str, int]


class Thing(NamedTuple):
    """A dataset or idea in a short list."""

    type: str
    name: str
    title: str
    status: str
    is_example: bool
    places: list[str]
    ideas: list[Thing]


class Home(NamedTuple):
    """Everything the home page counts and lists."""

    counts: Mapping[str, int]
    municipalities: list[territory.Municipality]
    municipality_count: int
    areas: list[Area]
    needs: overview.Needs
    ideas: list[Thing]
    datasets: list[Thing]


def marathon_home() -> Home:
    """Return what the home page shows: public things only, from the database."""
    lang = tk.h.lang()
    in_area = {
        n: area.notation for area in problems.areas() for n in (area.notation, *area.narrower)
    }
    about = overview.by_area(in_area)
    places = _known(overview.municipalities())
    ideas, datasets = (overview.latest(each, LATEST) for each in ("idea", "dataset"))
    codes = overview.municipalities_of([each.id for each in (*ideas, *datasets)])
    origins = overview.ideas_of([each.id for each in datasets])
    return Home(
        counts=overview.counts(),
        municipalities=places[:MOST_MUNICIPALITIES],
        municipality_count=len(places),
        areas=[
            Area(a.notation, a.label(lang), about.get(a.notation, {})) for a in problems.areas()
        ],
        needs=overview.unmet_needs(LATEST),
        ideas=[_thing(each, codes) for each in ideas],
        datasets=[_thing(each, codes, origins.get(each.id, [])) for each in datasets],
    )


def marathon_nav() -> list[Link]:
    """Return the main menu."""
    blueprint, endpoint = request.blueprint or "", request.endpoint or ""
    here = blueprint.removesuffix("_resource")
    if blueprint == "marathon_place":
        here = "problem" if "problem" in endpoint else "municipality"
    links = [
        Link(tk.url_for("dataset.search"), tk._("Open data"), here == "dataset"),
        Link(tk.url_for("idea.search"), tk._("Ideas"), here == "idea"),
        Link(tk.url_for("workshop.search"), tk._("Workshops"), here == "workshop"),
        Link(
            tk.url_for("marathon_place.municipalities"),
            tk._("Municipalities"),
            here == "municipality",
        ),
        Link(tk.url_for("marathon_place.problems"), tk._("Problems"), here == "problem"),
    ]
    names = _once("commitments", lambda: overview.commitments(2), [])
    if names:
        label = tk._("Commitment") if len(names) == 1 else tk._("Commitments")
        href = tk.url_for("marathon_commitment.index")
        links.append(Link(href, label, here in {"commitment", "marathon_commitment"}))
    return links


def marathon_needs_scripts() -> bool:
    """Return whether this page needs CKAN's scripts: those of visitors who read do not.

    What is not known to do without them gets them.
    """
    if current_user.is_authenticated:
        return True
    blueprint, endpoint = request.blueprint or "", request.endpoint or ""
    # Without an endpoint it is an error page.
    return bool(endpoint) and not (blueprint.startswith("marathon_") or endpoint in _READING)


_READING = {
    *("home.index", "home.about", "organization.index", "organization.read"),
    *(f"{each}.{view}" for each in TYPES for view in ("read", "search")),
}


def marathon_languages() -> list[Link]:
    """Return the site's languages; each link leads to this same page."""
    here = tk.h.current_url()
    return [
        Link(
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
    return _once(
        "may_publish", lambda: bool(permissions.organizations_open_to(name, "dataset")), False
    )


def marathon_coordinates() -> bool:
    """Return whether the visitor adds municipalities and invites officers."""
    if not current_user.is_authenticated:
        return False
    name = current_user.name
    return _once("coordinates", lambda: permissions.coordinates(name, "admin"), False)


def marathon_contact() -> dict[str, str] | None:
    """Return name, title, e-mail and web site of the coordinating body, if there is one."""
    return _once("contact", _contact, None)


def _contact() -> dict[str, str] | None:
    found = overview.with_role(permissions.COORDINATING_BODY, 1)
    if not found:
        return None
    return {
        "name": found[0].name,
        "title": found[0].title or found[0].name,
        "email": records.text(found[0], "contact_email"),
        "homepage": records.text(found[0], "homepage"),
    }


def _once(key: str, ask: Callable[[], T], otherwise: T) -> T:
    """Return an answer of the database, asked once a request.

    Header and footer are on error pages too: where the error left the transaction unusable, the
    page must still say what went wrong.
    """
    kept: dict[str, Any] = flask.g.setdefault("_marathon_site", {})
    if key not in kept:
        try:
            kept[key] = ask()
        except SQLAlchemyError:
            model.Session.rollback()
            kept[key] = otherwise
    return kept[key]


def _known(codes: list[str]) -> list[territory.Municipality]:
    found = []
    for code in codes:
        try:
            found.append(territory.municipality(code))
        except UnknownCode:
            continue
    return sorted(found, key=lambda each: each.name)


def _thing(
    package: model.Package,
    codes: Mapping[str, list[str]],
    ideas: list[model.Package] | None = None,
) -> Thing:
    return Thing(
        type=package.type,
        name=package.name,
        title=package.title or package.name,
        status=records.text(package, "status"),
        is_example=records.flag(package, "example"),
        places=marathon_municipality_names(codes.get(package.id, [])),
        ideas=[_thing(each, {}) for each in ideas or []],
    )
