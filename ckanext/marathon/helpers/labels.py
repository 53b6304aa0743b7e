"""Labels for pages: codes, dates, kinds of activity, user names.

Also messages of CKAN that its Spanish catalogue lacks, so that our catalogue has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from babel.dates import format_date, format_datetime, format_skeleton, format_time
from ckan.types import Context

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.errors import N_
from ckanext.marathon.model.figures import Figures
from ckanext.marathon.vocabulary import problems, schemes, territory
from ckanext.marathon.vocabulary.codes import UnknownCode

TYPES = ("dataset", "workshop", "idea", "commitment")


def marathon_types() -> tuple[str, ...]:
    """Return the dataset types that have our forms and pages."""
    return TYPES


# A list of a form, a template or an action: a list with one value may be that value.
Listed = str | Iterable[str] | None


def marathon_as_list(value: Listed) -> list[str]:
    """Return a value of a form or action as a list, without ``None`` and ``""``."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    return [item for item in value if item not in (None, "")]


def marathon_municipality(code: str) -> territory.Municipality | None:
    """Return a municipality, ``None`` if no municipality has the code."""
    try:
        return territory.get_municipality(code)
    except UnknownCode:
        return None


def marathon_problem(notation: str) -> problems.ServiceProblem | None:
    """Return a service problem or area, ``None`` if none has the notation."""
    try:
        return problems.get_problem(notation)
    except UnknownCode:
        return None


def marathon_term(list_name: str, code: str) -> str:
    """Return the label of a term in the visitor's language, the code itself if unknown."""
    try:
        term = schemes.get_term_list(list_name).term(code)
    except UnknownCode:
        return code
    return term.label(tk.h.lang())


def marathon_date(value: str | None, form: str = "long") -> str:
    """Return a stored year, month, day or time as text in the visitor's language.

    Times are converted to Guatemala's time zone. Malformed dates are returned unchanged.
    """
    reading = dates.read_stored_date(value)
    if not value or reading is None:
        return value or ""
    lang = tk.h.lang()
    if reading.form == dates.DateForm.YEAR:
        return reading.text
    local = dates.find_first_instant(reading.text).astimezone(dates.GUATEMALA)
    if reading.form == dates.DateForm.MONTH:
        return format_skeleton("yMMMM", local.date(), locale=lang)
    if reading.form == dates.DateForm.DAY:
        return format_date(local.date(), format=form, locale=lang)
    return format_datetime(local.replace(tzinfo=None), _pattern(lang, form), locale=lang)


def marathon_only_day(value: str | None, form: str = "long") -> str:
    """Return a stored date without the time of day as text; see :func:`marathon_date`."""
    return marathon_date(dates.drop_hour(value or ""), form)


def marathon_day(timestamp: str) -> str:
    """Return the day in Guatemala of one of CKAN's times, which are UTC, as text."""
    try:
        return marathon_date(dates.find_local_day(f"{timestamp}+00:00").isoformat())
    except ValueError:
        return marathon_only_day(timestamp)


def marathon_period(starts: str, ends: str | None) -> str:
    """Return start and end as text; the date occurs once if both are on the same day."""
    if not ends:
        return marathon_date(starts)
    first, last = dates.drop_hour(starts), dates.drop_hour(ends)
    if first != last:
        return f"{marathon_date(starts)} – {marathon_date(ends)}"
    if starts == first or ends == last:
        return marathon_date(starts)
    lang = tk.h.lang()
    hour = "H:mm" if lang.startswith("es") else "h:mm a"
    until = dates.find_first_instant(ends).astimezone(dates.GUATEMALA).time()
    return f"{marathon_date(starts)}–{format_time(until, hour, locale=lang)}"


def _pattern(lang: str, form: str) -> str:
    if form != "long":
        return form
    return "d 'de' MMMM 'de' y, H:mm" if lang.startswith("es") else "MMMM d, y, h:mm a"


def marathon_municipality_names(codes: Listed) -> list[str]:
    """Return the names of municipalities; unknown codes are left out."""
    found = map(marathon_municipality, marathon_as_list(codes))
    return [concept.name for concept in found if concept]


def marathon_problem_names(notations: Listed) -> list[str]:
    """Return the names of service problems; unknown notations are left out."""
    found = map(marathon_problem, marathon_as_list(notations))
    return [concept.label(tk.h.lang()) for concept in found if concept]


def marathon_host(address: str) -> str:
    """Return the host of a web address, as the label of a source."""
    return urlsplit(address).netloc.removeprefix("www.") or address


def marathon_figure_labels() -> dict[str, str]:
    """Return field of ``Figures`` → label."""
    return {
        "workshops": tk._("Workshops"),
        "ideas": tk._("Ideas"),
        "needs": tk._("Data asked for"),
        "needs_met": tk._("Asked for and published"),
        "datasets": tk._("Datasets"),
    }


def marathon_how_much(numbers: Figures) -> str:
    """Return the figures that are not zero as text: ``2 ideas · 1 dataset``."""
    words = (
        (numbers.ideas, tk.ungettext("{n} idea", "{n} ideas", numbers.ideas)),
        (numbers.datasets, tk.ungettext("{n} dataset", "{n} datasets", numbers.datasets)),
        (numbers.workshops, tk.ungettext("{n} workshop", "{n} workshops", numbers.workshops)),
    )
    return " · ".join(text.format(n=number) for number, text in words if number)


def ngettext(one: str, many: str) -> str:
    """Mark a text with a plural for translation, return its singular."""
    return one


CKAN_TEXTS = (
    # Lists of organisations and groups
    N_("There are currently no groups for this site."),
    N_("There are no groups associated with this dataset."),
    N_("There is no description for this organization."),
    N_("There is no description for this dataset."),
    N_("Open details page for {name}"),
    # Members of an organisation
    ngettext("{num} Member", "{num} Members"),
    N_("Edit role"),
    N_("Edit the role of the user within the organization"),
    N_("Delete member"),
    N_("Delete this member from the organization"),
    N_("You are no longer a member of this group."),
    # Search
    N_("Filter by: {title}"),
    N_("Search datasets by {name}: {label}"),
    N_("Remove applied filter: {value}"),
    N_("Search datasets with the tag: {name}"),
    N_("Navigate to dataset: {title}"),
    N_("close"),
    # Files
    N_("Current resource: {name}"),
    N_("Resource URL: {url}"),
    N_("Navigate to resource: {name}"),
    N_("Navigate to resource: {name_or_id}"),
    N_("No resource data entered"),
    # Accounts
    N_("Login failed. Bad username or password or CAPTCHA."),
    N_("This information is visible to you and admins"),
    N_("Reactivate Profile"),
    N_("Are you sure you want to revoke these tokens?"),
    N_("Revoke tokens"),
    N_("The username is already associated with another account. Please use a different username."),
    N_("You must be logged in to follow datasets"),
    N_("You must be logged in to follow groups"),
    # History
    N_("Activity occurred on: {time}"),
    N_("Show metadata diff"),
    N_("Hide metadata diff"),
    N_("Start date"),
    N_("End date"),
    # Scripts
    N_("Please Confirm"),
    N_("Notification"),
    N_("Searching..."),
    N_("Close modal"),
    N_("Navigate to Home - {site_title}"),
    # ckanext-dcat has no Spanish for it
    N_(
        "Date format incorrect. Supported formats are YYYY, YYYY-MM, YYYY-MM-DD and "
        "YYYY-MM-DDTHH:MM:SS"
    ),
)


def marathon_activity_type(name: str) -> str:
    """Return the label of an activity type, which CKAN has only in English."""
    names = {
        "new package": tk._("Published"),
        "changed package": tk._("Changed"),
        "deleted package": tk._("Record deleted"),
        "follow dataset": tk._("Followed"),
        "new resource view": tk._("View of a file added"),
        "changed resource view": tk._("View of a file changed"),
        "deleted resource view": tk._("View of a file deleted"),
        "new organization": tk._("Organisation added"),
        "changed organization": tk._("Organisation changed"),
        "deleted organization": tk._("Organisation deleted"),
        "follow group": tk._("Group followed"),
        "new group": tk._("Group added"),
        "changed group": tk._("Group changed"),
        "deleted group": tk._("Group deleted"),
        "new user": tk._("Account opened"),
        "changed user": tk._("Account changed"),
        "follow user": tk._("Account followed"),
    }
    return names.get(name, name.capitalize())


@tk.chained_helper
def linked_user(
    next_helper: Callable[..., str | None], user: object, maxlength: int = 0, avatar: int = 20
) -> str | None:
    """Return a link with a user's name; «Somebody» for visitors who may not see users.

    CKAN prints the name in every activity, even if ``ckan.auth.public_user_details`` is false.
    """
    if not tk.h.check_access("user_show"):
        return tk._("Somebody")
    return next_helper(user, maxlength, avatar)


@tk.chained_helper
def member_count(next_helper: Callable[..., int], group: str) -> int:
    """Return the number of members of a group, also for visitors who may not see the members."""
    if tk.h.check_access("user_show"):
        return next_helper(group)
    context: Context = {"ignore_auth": True}
    return len(tk.get_action("member_list")(context, {"id": group, "object_type": "user"}))
