"""What the home page, the header and the footer of ``marathon_site`` say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import ckan.plugins.toolkit as tk
import flask
from ckan import model
from ckan.common import current_user, request
from sqlalchemy.exc import SQLAlchemyError

from ckanext.marathon.domain import dataset
from ckanext.marathon.domain.idea import StoryContact
from ckanext.marathon.logic import permissions
from ckanext.marathon.model import figures, idea, municipality
from ckanext.marathon.model.figures import Figures
from ckanext.marathon.vocabulary import problems

from . import comparison, newest
from .comparison import Row
from .labels import TYPES
from .newest import Thing

LATEST = 5
# More are a table to search, not a list to look at.
MOST_MUNICIPALITIES = 12

T = TypeVar("T")


class Link(NamedTuple):
    """A link in a menu."""

    href: str
    label: str
    is_here: bool = False
    lang: str = ""


class Home(NamedTuple):
    """Everything the home page counts and lists.

    Attributes:
        municipalities: those with most workshops, ideas and datasets; ``municipality_count`` is of
            all that have any.
    """

    figures: Figures
    municipalities: list[Row]
    municipality_count: int
    areas: list[Row]
    needs: list[idea.UnmetNeed]
    ideas: list[Thing]
    datasets: list[Thing]


def marathon_home() -> Home:
    """Return what the home page shows: public things only, from the database."""
    places = comparison.municipalities()
    most = sorted(places, key=lambda each: -each.figures.things)
    ideas, datasets = newest.ideas_and_datasets(LATEST)
    return Home(
        figures=figures.read_total_figures(),
        municipalities=most[:MOST_MUNICIPALITIES],
        municipality_count=len(places),
        areas=comparison.problems_of(each.notation for each in problems.list_areas()),
        needs=idea.list_unmet_needs(LATEST),
        ideas=ideas,
        datasets=datasets,
    )


def marathon_nav() -> list[Link]:
    """Return the main menu."""
    blueprint, endpoint = request.blueprint or "", request.endpoint or ""
    here = blueprint.removesuffix("_resource")
    if blueprint == "marathon_place":
        here = "problem" if "problem" in endpoint else "municipality"
    links = [
        Link(
            tk.url_for("marathon_country.index"), tk._("Overview"), blueprint == "marathon_country"
        ),
        Link(tk.url_for("dataset.search"), tk._("Open data"), here == "dataset"),
        Link(tk.url_for("idea.search"), tk._("Ideas"), here == "idea"),
        Link(tk.url_for("workshop.search"), tk._("Workshops"), here == "workshop"),
        Link(tk.url_for("marathon_agenda.index"), tk._("Agenda"), here == "marathon_agenda"),
        Link(
            tk.url_for("marathon_place.municipalities"),
            tk._("Municipalities"),
            here == "municipality",
        ),
        Link(tk.url_for("marathon_place.problems"), tk._("Problems"), here == "problem"),
    ]
    names = _once("commitments", lambda: figures.list_commitment_names(2), [])
    if names:
        label = tk._("Commitment") if len(names) == 1 else tk._("Commitments")
        href = tk.url_for("marathon_commitment.index")
        links.append(Link(href, label, here in {"commitment", "marathon_commitment"}))
    return links


def marathon_needs_scripts(previews: Sequence[object] = ()) -> bool:
    """Return whether this page needs CKAN's scripts: those of visitors who read do not.

    What is not known to do without them gets them.

    Args:
        previews: of the file that the page shows; CKAN fits them to the page with a script.
    """
    if current_user.is_authenticated or previews:
        return True
    blueprint, endpoint = request.blueprint or "", request.endpoint or ""
    return not (blueprint.startswith("marathon_") or endpoint in _READING)


_READING = {
    # No page at all: what is served as a file is where an address that does not exist ends.
    *("", "static"),
    *("home.index", "home.about", "organization.index", "organization.read"),
    *(f"{each}.{view}" for each in TYPES for view in ("read", "search")),
    *(f"{each}_resource.read" for each in TYPES),
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
    return _once("coordinates", lambda: permissions.is_coordinator(name, "admin"), False)


def marathon_contact() -> StoryContact | None:
    """Return the coordinating body, if there is one."""
    found = _once(
        "contact", lambda: municipality.find_contact_with_role(dataset.COORDINATING_BODY), []
    )
    return found[0] if found else None


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
