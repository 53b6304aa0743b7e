"""Records, organisations and files under their own addresses, as pages and as RDF.

Records that were public and no longer are are answered with 410, so that programs delete their
copies. Also here: short addresses (typed, or read as a QR code), posters to print, following with
CKAN's own actions, and the form that changes the status of an idea.
"""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import ckan.plugins.toolkit as tk
import segno
from ckan import model
from ckan.common import current_user, g
from ckan.types import Context, Response
from ckan.views import dataset as ckan_dataset
from ckanext.dcat.exceptions import RDFProfileException
from ckanext.dcat.utils import url_to_rdflib_format
from flask import Blueprint, make_response, request
from flask import Response as FlaskResponse
from markupsafe import Markup

from ckanext.marathon import visibility
from ckanext.marathon.domain import dates
from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.feeds import source
from ckanext.marathon.helpers.form import list_errors_by_input
from ckanext.marathon.helpers.labels import TYPES, marathon_municipality_names
from ckanext.marathon.helpers.record import marathon_type_label
from ckanext.marathon.helpers.sharing import LETTERS, Share, list_poster_lines, read_share
from ckanext.marathon.model import audit, feed_log, package
from ckanext.marathon.rdf.agent import build_organization_graph
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.rdf.lookups import Lookups, read_site
from ckanext.marathon.rdf.profile import (
    build_distribution_graph,
    build_graph_by_profiles,
    build_record_graph,
)
from ckanext.marathon.records import Organization, read_package_record
from ckanext.marathon.search.document import list_registered_types
from ckanext.marathon.views import form_answers
from ckanext.marathon.views.account import is_own_address
from ckanext.marathon.views.answers import answer_rdf, find_wanted_extension, vary_by_accept
from ckanext.marathon.views.errors import (
    ErrorSentences,
    explain_errors,
    hide_existence,
    show_if_visible,
)
from ckanext.marathon.views.record_page import TypedStep
from ckanext.marathon.views.saved import tell_saved_package

# Pages, RDF and downloads of files.
FILE_ENDPOINTS = frozenset(
    {"marathon_thing.distribution", "resource.download"}
    | {f"{kind}_resource.{name}" for kind in TYPES for name in ("read", "download")}
)


def refuse_gone_file() -> None:
    """Answer 410 for a file that was public, or whose record was, and no longer is.

    Called by ``workarounds.hide_unseen_records`` before it answers 404 for hidden files.
    """
    values = request.view_args or {}
    reference, file = values.get("id"), values.get("resource_id")
    if request.endpoint not in FILE_ENDPOINTS or not is_reference(reference):
        return
    package = model.Package.get(reference)
    if is_gone(package, reference) or (is_reference(file) and _is_gone_file(package, file)):
        refuse_gone()


def is_gone(package: model.Package | None, reference: str) -> bool:
    """Return whether a record was public and is now hidden from this person or deleted."""
    is_public = package is not None and visibility.is_public(package)
    known = package.id if package else reference
    # The permission check reads the whole record; public ones do not need it.
    return not is_public and feed_log.was_public(known) and not show_public(reference)


def _is_gone_file(package: model.Package | None, file: str) -> bool:
    """Return whether a file was deleted from a dataset after that became public."""
    stored = model.Resource.get(file)
    if package is None or (stored is not None and stored.state == model.State.ACTIVE):
        return False
    since = feed_log.read_first_published([package.id]).get(package.id)
    return since is not None and audit.is_deleted_since(file, package.id, since)


def refuse_gone() -> Response:
    """Answer 410; after 404 a program might expect a mistake and not delete its copy."""
    return tk.abort(410, tk._("It is no longer public"))


def show_public(reference: str) -> dict[str, Any] | None:
    """Return the public view of a record that this person may see, else ``None``."""
    # RDF is passed on, so counts are masked for everybody.
    context = {
        "user": current_user.name,
        "auth_user_obj": current_user,
        "use_cache": False,
        visibility.OUTSIDER: True,
    }
    return show_if_visible("package_show", cast(Context, context), {"id": reference})


def require_public(package_type: str, reference: str) -> dict[str, Any]:
    """Return a public record as a visitor sees it; abort with 404, or 410 if it was withdrawn."""
    package = model.Package.get(reference)
    if package and package.type == package_type and visibility.is_public(package):
        context = {"user": "", "auth_user_obj": None, "use_cache": False, visibility.OUTSIDER: True}
        shown = show_if_visible("package_show", cast(Context, context), {"id": package.id})
        if shown is not None:
            return shown
    return stop_missing(feed_log.was_public(package.id if package else reference))


def stop_missing(was_public: bool) -> NoReturn:
    """Abort with 410 if the record was public, else with 404."""
    if was_public:
        tk.abort(410, tk._("It is no longer public"))
    tk.abort(404, tk._("No idea, workshop or dataset has this address"))


things = Blueprint("marathon_thing", __name__)

PAGES = {f"{package_type}.read": package_type for package_type in TYPES}
# ckanext-dcat has the same address for datasets; ours is registered first and has more formats.
DATA = {f"marathon_thing.{package_type}": package_type for package_type in TYPES}
ORGANIZATION_PAGE, ORGANIZATION_DATA = "organization.read", "marathon_thing.organization"
# Files of workshops and ideas are no distributions.
FILE_PAGE, FILE_DATA = "dataset_resource.read", "marathon_thing.distribution"
# Endpoint of ckanext-dcat, which answers 404 for withdrawn datasets.
_CROISSANT = "croissant.read_dataset_croissant"


def show_data(package_type: str, id: str, extension: str) -> Response:
    """Return the public view of a record as RDF, to people who may see the record.

    ``profiles`` (with commas) selects other profiles of ckanext-dcat, for datasets only. Dataset
    types of the site are treated as datasets, as by ckanext-dcat.
    """
    if extension not in FORMATS:
        return tk.abort(404, tk._("There is no such format"))
    shown = show_public(id)
    if shown is None or _find_type(shown) != package_type:
        return tk.abort(404, tk._("Not found"))
    profiles = request.args.get("profiles")
    if package_type != "dataset":
        _refuse_profiles()
    elif profiles:
        try:
            lookups = Lookups.of_this_request(source.find_site())
            graph = build_graph_by_profiles(shown, lookups, profiles.split(","))
        except RDFProfileException as error:
            return tk.abort(400, str(error))
        # Serialised like ckanext-dcat: programs depend on the keys of its JSON-LD.
        body = graph.serialize(format=url_to_rdflib_format(extension), auto_compact=True)
        return FlaskResponse(body, content_type=FORMATS[extension].media_type)
    return answer_rdf(
        build_record_graph(shown, Lookups.of_this_request(source.find_site())), extension
    )


def show_organization_data(id: str, extension: str) -> Response:
    """Return the feed's description of an organisation as RDF."""
    if extension not in FORMATS:
        return tk.abort(404, tk._("There is no such format"))
    organization = _show_organization(id)
    if organization is None:
        return tk.abort(404, tk._("Not found"))
    _refuse_profiles()
    return answer_rdf(
        build_organization_graph(source.find_site(), Organization.from_shown(organization)),
        extension,
    )


def show_distribution_data(id: str, resource_id: str, extension: str) -> Response:
    """Return a file of a dataset as RDF, with the name of the dataset."""
    if extension not in FORMATS:
        return tk.abort(404, tk._("There is no such format"))
    dataset = show_public(id)
    lookups = Lookups.of_this_request(source.find_site())
    graph = build_distribution_graph(dataset, resource_id, lookups) if dataset else None
    if graph is None:
        return tk.abort(404, tk._("Not found"))
    _refuse_profiles()
    return answer_rdf(graph, extension)


def _refuse_profiles() -> None:
    """Answer 400 to ``profiles`` on records that have only our profile.

    Ignoring the parameter would return another profile than the requested one.
    """
    if request.args.get("profiles"):
        tk.abort(400, tk._("Only datasets and pages of the catalogue have other profiles"))


@things.before_app_request
def redirect_to_right_address() -> Response | None:
    """Redirect to the address of the record's own type, or to RDF for clients that prefer it.

    CKAN's ``/dataset/<id>`` answers for any type. Hidden records are left to CKAN, which answers
    404.
    """
    endpoint, values = request.endpoint, request.view_args or {}
    asked = PAGES.get(endpoint or "") or DATA.get(endpoint or "")
    if asked is None or request.method not in {"GET", "HEAD"}:
        return None
    reference, extension = values.get("id") or "", values.get("extension")
    package = model.Package.get(reference)
    actual = package.type if package else None
    if actual is not None and actual not in list_registered_types() and extension is None:
        # Older than the plugin, or of a removed plugin: CKAN has no page for this type.
        return tk.abort(404, tk._("Not found"))
    if actual in TYPES and actual != asked and show_public(reference):
        return _redirect(_find_address(actual, reference, extension), 301)
    if is_gone(package, reference):
        return refuse_gone()
    preferred = find_wanted_extension() if endpoint in PAGES else None
    if preferred and package and show_public(reference):
        return _see_other(_find_address(asked, package.id, preferred))
    return None


@things.before_app_request
def redirect_to_organization_data() -> Response | None:
    """Redirect clients that prefer RDF from an organisation's page; 410 for a withdrawn one."""
    endpoint = request.endpoint
    if endpoint not in {ORGANIZATION_PAGE, ORGANIZATION_DATA}:
        return None
    reference = (request.view_args or {}).get("id") or ""
    group = model.Group.get(reference)
    is_public = visibility.is_public_organization(group)
    known = group.id if group else reference
    if not is_public and feed_log.was_public(known) and not _show_organization(reference):
        return refuse_gone()
    preferred = find_wanted_extension() if endpoint == ORGANIZATION_PAGE else None
    if preferred and group and _show_organization(reference):
        return _see_other(tk.h.url_for(ORGANIZATION_DATA, id=group.id, extension=preferred))
    return None


@things.before_app_request
def redirect_to_distribution_data() -> Response | None:
    """Redirect clients that prefer RDF from a file's page."""
    values = request.view_args or {}
    preferred = find_wanted_extension() if request.endpoint == FILE_PAGE else None
    dataset = show_public(values["id"]) if preferred else None
    resource_id = values.get("resource_id") or ""
    if dataset and _find_type(dataset) == "dataset" and _has_file(dataset, resource_id):
        address = tk.h.url_for(
            FILE_DATA, id=dataset["id"], resource_id=resource_id, extension=preferred
        )
        return _see_other(address)
    return None


@things.before_app_request
def refuse_gone_croissant() -> Response | None:
    """Answer 410 for the Croissant of a withdrawn dataset."""
    reference = (request.view_args or {}).get("_id") if request.endpoint == _CROISSANT else None
    if is_reference(reference) and is_gone(model.Package.get(reference), reference):
        return refuse_gone()
    return None


@things.after_app_request
def add_vary_accept(response: Response) -> Response:
    """Add ``Vary: Accept``: the address serves the page or redirects to RDF."""
    has_others = request.endpoint in {*PAGES, ORGANIZATION_PAGE, FILE_PAGE}
    return vary_by_accept(response) if has_others else response


def _find_type(package: dict[str, Any]) -> str:
    return source.find_kind(package["type"]) or "dataset"


def _has_file(dataset: dict[str, Any], resource_id: str) -> bool:
    return any(resource["id"] == resource_id for resource in dataset["resources"])


def _show_organization(reference: str) -> dict[str, Any] | None:
    context = {"user": current_user.name, "auth_user_obj": current_user}
    nothing_else = dict.fromkeys(
        ("include_dataset_count", "include_users", "include_groups", "include_followers"), False
    )
    return show_if_visible(
        "organization_show", cast(Context, context), {"id": reference, **nothing_else}
    )


def _find_address(package_type: str, reference: str, extension: str | None) -> str:
    if extension is None:
        return tk.h.url_for(f"{package_type}.read", id=reference)
    return tk.h.url_for(f"marathon_thing.{package_type}", id=reference, extension=extension)


def _redirect(address: str, status: int) -> Response:
    answer = tk.redirect_to(address)
    answer.status_code = status
    return answer


def _see_other(address: str) -> Response:
    return vary_by_accept(_redirect(address, 303))


for package_type in TYPES:
    things.add_url_rule(
        f"/{package_type}/<id>.<extension>",
        endpoint=package_type,
        view_func=show_data,
        defaults={"package_type": package_type},
    )
things.add_url_rule(
    "/organization/<id>.<extension>", endpoint="organization", view_func=show_organization_data
)
things.add_url_rule(
    "/dataset/<id>/resource/<resource_id>.<extension>",
    endpoint="distribution",
    view_func=show_distribution_data,
)


shorts = Blueprint("marathon_short", __name__)


def redirect_short_address(package_type: str, code: str) -> Response:
    """Redirect a short address to the page of the record, by its current name."""
    found = _find_record(package_type, code)
    shown = require_public(package_type, found.id)
    return tk.redirect_to(f"{package_type}.read", id=shown["name"])


def show_qr(package_type: str, code: str) -> Response:
    """Return the QR code of a short address as SVG, with CKAN's caching headers."""
    _find_record(package_type, code)
    answer = FlaskResponse(draw_qr(package_type, code.lower()), content_type="image/svg+xml")
    answer.add_etag()
    answer.make_conditional(request)
    return answer


def draw_qr(package_type: str, code: str) -> bytes:
    """Return the QR code of a short address as SVG that scales.

    Error correction level Q: it can be read with up to 25 % damage, which printed codes suffer.
    """
    address = f"{read_site().url}/{LETTERS[package_type]}/{code}"
    target = io.BytesIO()
    segno.make(address, error="q", micro=False).save(
        target, kind="svg", border=4, omitsize=True, light="#fff", title=address, xmldecl=False
    )
    return target.getvalue()


def _find_record(package_type: str, code: str) -> package.ShortAddress:
    # People may type it in capitals.
    found = package.find_short_address(package_type, code.lower())
    if found is None or not found.is_public:
        return stop_missing(found is not None)
    return found


for short_type, letter in LETTERS.items():
    of_type = {"package_type": short_type}
    shorts.add_url_rule(
        f"/{letter}/<code>", endpoint=short_type, view_func=redirect_short_address, defaults=of_type
    )
    shorts.add_url_rule(
        f"/{letter}/<code>.svg", endpoint=f"{short_type}_qr", view_func=show_qr, defaults=of_type
    )


posters = Blueprint("marathon_poster", __name__)


@dataclass(frozen=True, kw_only=True)
class PosterPage:
    """The poster of a record, one Letter page to print.

    Attributes:
        title: title of the record; ``back`` is the address of its page.
        places: names of its municipalities.
        lines: sentences about the record.
        day: today, ISO 8601.
        qr: QR code of its short address as SVG, ``""`` if it has none.
    """

    title: str
    back: str
    type_label: str
    places: list[str]
    is_example: bool
    lines: list[str]
    share: Share | None
    day: str
    qr: str


def show_poster(package_type: str, id: str) -> str:
    """Show the poster of a public record: one Letter page to print."""
    page = read_poster_page(require_public(package_type, id))
    return tk.render("marathon/poster.html", {"page": page})


def read_poster_page(shown: dict[str, Any]) -> PosterPage:
    """Return the poster of a public record."""
    record, share = read_package_record(shown), read_share(shown)
    return PosterPage(
        title=record.label,
        back=tk.h.url_for(f"{shown['type']}.read", id=record.name),
        type_label=marathon_type_label(shown["type"]),
        places=marathon_municipality_names(record.municipalities),
        is_example=record.is_example,
        lines=list_poster_lines(shown),
        share=share,
        day=dates.get_today().isoformat(),
        # In the page itself, so that it is there when the browser prints.
        qr=Markup(draw_qr(shown["type"], share.code).decode())  # noqa: S704 - SVG drawn by segno
        if share and share.code
        else "",
    )


for poster_type in LETTERS:
    posters.add_url_rule(
        f"/{poster_type}/<id>/poster",
        endpoint=poster_type,
        view_func=show_poster,
        defaults={"package_type": poster_type},
    )


follow = Blueprint("marathon_follow", __name__)

FOLLOW_ACTIONS = {
    "dataset": ("package_show", "follow_dataset", "unfollow_dataset"),
    "organization": ("organization_show", "follow_group", "unfollow_group"),
}


def change_following() -> Response:
    """Follow or unfollow a record or an organisation, and redirect back to the page.

    The form has ``kind`` (``dataset`` for every type, or ``organization``), ``id``, ``follow``
    (``yes`` or ``no``) and ``back``, an address of this site.
    """
    actions = FOLLOW_ACTIONS.get(request.form.get("kind", ""))
    if actions is None:
        return tk.abort(404, tk._("Not found"))
    if not current_user.is_authenticated:
        return tk.redirect_to("user.login", next=_find_way_back())
    context: Context = {"user": current_user.name}
    wanted = request.form.get("follow") != "no"
    show, start, stop = actions
    with hide_existence(tk._("Not found"), tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        found = tk.get_action(show)(context, {"id": request.form.get("id", "")})
    # A second click raises, because the state is set already.
    with suppress(tk.ObjectNotFound, tk.ValidationError):
        tk.get_action(start if wanted else stop)(
            Context(user=current_user.name), {"id": found["id"]}
        )
    message = tk._("You follow it now.") if wanted else tk._("You do not follow it any more.")
    tk.h.flash_success(message)
    return tk.redirect_to(_find_way_back())


def _find_way_back() -> str:
    back = request.form.get("back", "")
    return f"{back}#follow" if is_own_address(back) else tk.h.url_for("home.index")


follow.add_url_rule(
    "/marathon/follow", endpoint="change", view_func=change_following, methods=["POST"]
)


ideas = Blueprint("marathon_idea", __name__)


def change_status(id: str) -> Response:
    """Change the status of an idea; errors are shown at the filled-in form."""
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    step = {
        "id": id,
        "status": request.form.get("status", ""),
        "reason": request.form.get("reason", ""),
    }
    refusals: ErrorSentences = {
        tk.NotAuthorized: tk._("You may not change the status of this idea"),
        tk.ObjectNotFound: tk._("Not found"),
    }
    try:
        with explain_errors(refusals):
            tk.get_action("marathon_idea_status_update")(context, step)
        tell_saved_package(id)
    except tk.ValidationError as error:
        model.Session.rollback()
        names = list_errors_by_input(error.error_dict)
        return _show_again(id, step, [text for texts in names.values() for text in texts])
    except form_answers.SEARCH_AWAY:
        model.Session.rollback()
        texts = form_answers.describe_search_away()[""]
        return _show_again(id, step, texts, form_answers.UNAVAILABLE)
    return tk.redirect_to(tk.h.url_for("idea.read", id=id) + "#history")


def _show_again(id: str, step: dict[str, str], errors: list[str], code: int = 200) -> Response:
    """Return the page of the idea with the typed step and its errors."""
    form_answers.note_form_shown()
    g.marathon_step = TypedStep(step["status"], step["reason"], errors)
    idea = model.Package.get(id)
    return make_response(ckan_dataset.read("idea", idea.name if idea else id), code)


ideas.add_url_rule("/idea/<id>/status", view_func=change_status, methods=["POST"])
