"""The record of changes (who changed what) as pages and as files, with labels for readers.

One page for an organisation, and one for everything that the person may see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from ckan.types import Context, Response
from flask import Blueprint, make_response, request
from flask import Response as FlaskResponse

from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.domain.errors import N_
from ckanext.marathon.domain.table import ColumnType
from ckanext.marathon.model import audit
from ckanext.marathon.records import DATASET, OTHER_TYPES
from ckanext.marathon.spreadsheets import (
    XLSX,
    Cell,
    Column,
    Table,
    join_values,
    write_workbook,
)
from ckanext.marathon.views import answers
from ckanext.marathon.views.errors import explain_errors, is_allowed
from ckanext.marathon.views.form_data import find_field, name_field

KINDS = {
    DATASET: N_("Dataset"),
    "workshop": N_("Workshop"),
    "idea": N_("Idea"),
    "commitment": N_("Commitment"),
    audit.RESOURCE: N_("File"),
    audit.ORGANIZATION: N_("Organization"),
    audit.GROUP: N_("Group"),
    audit.MEMBER: N_("Membership"),
    audit.COLLABORATOR: N_("Collaborator"),
    audit.USER: N_("Account"),
    audit.SETTING: N_("Setting"),
}
ACTIONS = {
    audit.CREATED: N_("Creation"),
    audit.CHANGED: N_("Change"),
    audit.DELETED: N_("Deletion"),
    audit.RESTORED: N_("Restoration"),
    audit.PURGED: N_("Removal for good"),
    audit.TAKEN_DOWN: N_("Takedown"),
}
STATES = {
    "active": N_("active"),
    "draft": N_("draft"),
    "deleted": N_("deleted"),
    "pending": N_("pending"),
}
VISIBILITY = {"True": N_("private"), "False": N_("public")}
ORIGINS = {
    audit.WEB: N_("on the site"),
    audit.API: N_("by the API"),
    audit.JOB: N_("by a background job"),
    audit.COMMAND_LINE: N_("on the command line"),
    audit.IMPORT: N_("by an import"),
}

# Fields whose values have labels.
_CODED = {"private": VISIBILITY, "state": STATES}


class ShownField(NamedTuple):
    """A field that changed: its label, and both values as text, ``""`` if they are not stored."""

    label: str
    words: str


@dataclass(frozen=True, kw_only=True)
class ShownChange:
    """An entry of the record of changes, with labels in the reader's language.

    Attributes:
        at: time in ISO format; ``moment`` is the same as text.
        user: name of the account, ``""`` if there was none.
        origin: label of the way in which it was made (form, API, command …).
        is_removal: whether the record was deleted, purged or taken down.
        record: id of the record; its ``title`` and address (``href``) are ``""`` if unknown.
        parent: title of the record that it belongs to, ``""`` if it belongs to none.
        organization: title of its organisation, ``""`` if the page does not show it.
    """

    at: str
    moment: str
    user: str
    origin: str
    kind: str
    action: str
    is_removal: bool
    record: str
    title: str
    href: str
    parent: str
    organization: str
    fields: list[ShownField]


def describe_entry(entry: dict[str, Any], *, is_of_organization: bool) -> ShownChange:
    """Return an entry as the page of an organisation or of everything prints it."""
    moment = datetime.fromisoformat(entry["at"]).astimezone(GUATEMALA)
    kind, action, organization = entry["kind"], entry["action"], entry["organization"]
    names_it = organization and not is_of_organization and kind not in _OF_ORGANIZATIONS
    return ShownChange(
        at=entry["at"],
        moment=f"{tk.h.marathon_date(moment.date().isoformat())}, {moment:%H:%M}",
        user=entry["user"]["name"] or "",
        origin=_find_label(ORIGINS, entry["origin"]),
        kind=_find_label(KINDS, kind),
        action=_find_label(ACTIONS, action),
        is_removal=action in _REMOVALS,
        record=entry["record"],
        title=entry["title"] or "",
        href=_find_address(entry),
        parent=entry["parent_title"] or "",
        organization=organization["title"] if names_it else "",
        # The kind says the type already.
        fields=[
            describe_change(entry, change)
            for change in entry["changes"]
            if change["field"] != "type"
        ],
    )


_REMOVALS = (audit.DELETED, audit.PURGED, audit.TAKEN_DOWN)
_OF_ORGANIZATIONS = (audit.ORGANIZATION, audit.MEMBER)


def describe_change(entry: dict[str, Any], change: dict[str, Any]) -> ShownField:
    """Return a field of an entry that changed."""
    name = change["field"]
    field = find_field(entry["kind"], name)
    old, new = (_describe_value(entry, name, field, change[each]) for each in ("old", "new"))
    label = name_field(entry["kind"], name)
    return ShownField(label, f"{old or '—'} → {new or '—'}" if old or new else "")


def _describe_value(entry: dict[str, Any], name: str, field: dict[str, Any], value: Any) -> str:
    if value is None or value == "":
        return ""
    text = str(value)
    if name in _CODED:
        return _find_label(_CODED[name], text)
    if name == "owner_org":
        known = [entry["organization"], entry["former_organization"]]
        return next((each["title"] for each in known if each and each["id"] == value), text)
    if name == "capacity":
        return tk._(text.capitalize())
    if name == "license_id":
        return tk.h.marathon_licence_name(text)
    if name == "url_type":
        return tk._("on this site") if text == "upload" else text
    if field.get("term_list"):
        return tk.h.marathon_term(field["term_list"], text)
    if text.casefold() in ("true", "false"):
        return tk._("yes") if text.casefold() == "true" else tk._("no")
    return text


def _find_label(labels: dict[str, str], name: str) -> str:
    return tk._(labels[name]) if name in labels else name


def _find_address(entry: dict[str, Any]) -> str:
    """Return the address of the changed record, if it exists and has a page."""
    kind, is_there = entry["kind"], entry["action"] not in (audit.PURGED, audit.TAKEN_DOWN)
    if not entry["title"] or not is_there:
        return ""
    if kind in (DATASET, *OTHER_TYPES):
        return tk.h.url_for(f"{kind}.read", id=entry["record"])
    if kind == audit.RESOURCE and entry["parent_title"]:
        return tk.h.url_for("dataset.read", id=entry["parent"])
    if kind in (audit.ORGANIZATION, audit.GROUP):
        return tk.h.url_for(f"{kind}.read", id=entry["record"])
    if kind in (audit.MEMBER, audit.COLLABORATOR, audit.USER):
        return tk.h.url_for("user.read", id=entry["record"])
    return ""


history = Blueprint("marathon_history", __name__)

FILTERS = ("record", "user", "kind", "action", "origin", "from", "until")
# Most rows of a file; older ones need the parameter ``until``.
MOST_EXPORTED, AT_ONCE = 50_000, 1_000


class Owner(NamedTuple):
    """The organisation whose changes are shown."""

    name: str
    title: str


class ChangeFilter(NamedTuple):
    """A filter with a list of values, each with its label."""

    name: str
    label: str
    options: list[tuple[str, str]]


class HistoryAddresses(NamedTuple):
    """Addresses of all changes, and of the filtered ones: as files, the newest and older ones.

    ``newest`` is ``""`` on the first page, ``older`` on the last one.
    """

    all_of_them: str
    csv: str
    xlsx: str
    newest: str
    older: str


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """The changes of an organisation, or all that this person may see.

    Attributes:
        owner: the organisation, ``None`` for all changes.
        filters: the filters with a list of values.
        asked: value of each filter in the request, also of those without a list.
        is_filtered: whether any filter has a value.
        errors: error messages by filter.
    """

    owner: Owner | None
    heading: str
    filters: list[ChangeFilter]
    asked: dict[str, str]
    is_filtered: bool
    errors: dict[str, str]
    changes: list[ShownChange]
    addresses: HistoryAddresses


def show_all_changes() -> Response:
    """Show all changes that this person may see."""
    return _show_page(None)


def show_organization_changes(id: str) -> Response:
    """Show the changes of an organisation."""
    return _show_page(id)


def show_all_as_csv() -> Response:
    """Return all changes that this person may see as CSV."""
    return _answer_file(None, "csv")


def show_organization_as_csv(id: str) -> Response:
    """Return the changes of an organisation as CSV."""
    return _answer_file(id, "csv")


def show_all_as_workbook() -> Response:
    """Return all changes that this person may see as a workbook."""
    return _answer_file(None, "xlsx")


def show_organization_as_workbook(id: str) -> Response:
    """Return the changes of an organisation as a workbook."""
    return _answer_file(id, "xlsx")


def _show_page(organization_id: str | None) -> Response:
    if not _may_read(organization_id):
        return _refuse()
    page = read_history_page(organization_id)
    answer = tk.render("marathon/history/index.html", {"page": page})
    return make_response(answer, 400 if page.errors else 200)


def read_history_page(organization_id: str | None) -> HistoryPage:
    """Return the content of the page of changes, with the filters of the request.

    Raises:
        ObjectNotFound: there is no such organisation.
    """
    asked, before = _read_asked(), request.args.get("before", "")
    found: dict[str, Any] = {"results": [], "next": None}
    errors: dict[str, Any] = {}
    with explain_errors({tk.ObjectNotFound: tk._("There is no such organisation")}):
        owner = _find_owner(organization_id)
        try:
            found = _list_changes({**asked, "before": before}, organization_id)
        except tk.ValidationError as error:
            errors = error.error_dict
    return HistoryPage(
        owner=owner,
        heading=tk._("Changes of {name}").format(name=owner.title)
        if owner
        else tk._("Who changed what"),
        filters=[
            ChangeFilter(name, label, [(value, tk._(text)) for value, text in texts.items()])
            for name, label, texts in (
                ("kind", tk._("Kind"), KINDS),
                ("action", tk._("What happened"), ACTIONS),
                ("origin", tk._("By what way"), ORIGINS),
            )
        ],
        asked={name: request.args.get(name, "") for name in FILTERS},
        is_filtered=bool(asked),
        errors={field: " ".join(texts) for field, texts in errors.items() if field != "__type"},
        changes=[
            describe_entry(entry, is_of_organization=owner is not None)
            for entry in found["results"]
        ],
        addresses=_list_addresses(owner, asked, before, found["next"]),
    )


def _answer_file(organization_id: str | None, extension: str) -> Response:
    # No cache may keep the redirect that sends a visitor to log in, and give it to an officer.
    request.environ["__no_cache__"] = True
    if not _may_read(organization_id):
        return _refuse()
    with explain_errors({tk.ObjectNotFound: tk._("There is no such organisation")}):
        owner = _find_owner(organization_id)
        try:
            rows = _list_all_rows(_read_asked(), organization_id)
        except tk.ValidationError:
            return _show_page(organization_id)
    name = f"changes-{owner.name}" if owner else "changes"
    table = Table(name, tk._("Changes"), _list_columns(), rows)
    if extension == "csv":
        answer = answers.answer_csv(table)
    else:
        answer = FlaskResponse(write_workbook([table]), content_type=XLSX)
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _list_changes(asked: dict[str, Any], organization_id: str | None) -> dict[str, Any]:
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    data = {**asked, **({"organization": organization_id} if organization_id else {})}
    return tk.get_action("marathon_change_list")(context, data)


def _may_read(organization_id: str | None) -> bool:
    """Return whether this person may read the changes; ``False`` for an unknown organisation."""
    context: Context = {"user": current_user.name, "auth_user_obj": current_user}
    data = {"organization": organization_id} if organization_id else {}
    return is_allowed("marathon_change_list", context, data)


def _find_owner(organization_id: str | None) -> Owner | None:
    """Return the organisation of an id or name, ``None`` without one.

    Raises:
        ObjectNotFound: there is none.
    """
    if not organization_id:
        return None
    shown = tk.h.get_organization(organization_id, include_datasets=False)
    if not shown:
        raise tk.ObjectNotFound
    return Owner(shown["name"], shown["title"] or shown["name"])


def _read_asked() -> dict[str, str]:
    return {name: value for name in FILTERS if (value := request.args.get(name, "").strip())}


def _list_addresses(
    owner: Owner | None, asked: dict[str, str], before: str, older: int | None
) -> HistoryAddresses:
    endpoint = "organization" if owner else "everything"
    where = {"id": owner.name} if owner else {}

    def address(view: str, **more: Any) -> str:
        return tk.h.url_for(f"marathon_history.{view}", **where, **asked, **more)

    return HistoryAddresses(
        all_of_them=tk.h.url_for(f"marathon_history.{endpoint}", **where),
        csv=address(f"{endpoint}_csv"),
        xlsx=address(f"{endpoint}_xlsx"),
        newest=address(endpoint) if before else "",
        older=address(endpoint, before=older) if older else "",
    )


def _refuse() -> Response:
    if not current_user.is_authenticated:
        return tk.redirect_to("user.login", came_from=request.full_path.removesuffix("?"))
    return tk.abort(403, tk._("Only members of the organisation see who changed what"))


def _list_columns() -> list[Column]:
    return [
        Column("number", tk._("Number"), type=ColumnType.INTEGER),
        Column("at", tk._("When"), type=ColumnType.DATETIME),
        Column("user", tk._("Who")),
        Column("user_id", tk._("Id of the account")),
        Column("origin", tk._("By what way")),
        Column("kind", tk._("Kind")),
        Column("action", tk._("What happened")),
        Column("record", tk._("Id")),
        Column("title", tk._("Title")),
        Column("parent", tk._("Belongs to")),
        Column("organization", tk._("Organization")),
        Column("former_organization", tk._("Former organisation")),
        Column("changes", tk._("Fields that changed")),
    ]


def _list_all_rows(asked: dict[str, str], organization_id: str | None) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    before: int | None = None
    while len(rows) < MOST_EXPORTED:
        found = _list_changes({**asked, "limit": AT_ONCE, "before": before}, organization_id)
        rows += map(_list_cells, found["results"])
        before = found["next"]
        if before is None:
            break
    return rows


def _list_cells(entry: dict[str, Any]) -> list[Cell]:
    return [
        entry["number"],
        datetime.fromisoformat(entry["at"]),
        entry["user"]["name"],
        entry["user"]["id"],
        entry["origin"],
        entry["kind"],
        entry["action"],
        entry["record"],
        entry["title"],
        entry["parent_title"] or entry["parent"],
        *(
            each.get("name") if each else None
            for each in (entry["organization"], entry["former_organization"])
        ),
        join_values(_list_words(entry["changes"])),
    ]


def _list_words(changes: list[dict[str, Any]]) -> Iterator[str]:
    for each in changes:
        if each["old"] is None and each["new"] is None:
            yield each["field"]
        else:
            yield f"{each['field']}: {_write_plain(each['old'])} → {_write_plain(each['new'])}"


def _write_plain(value: Any) -> str:
    return "" if value is None else str(value)


history.add_url_rule("/marathon/changes", endpoint="everything", view_func=show_all_changes)
history.add_url_rule("/marathon/changes.csv", endpoint="everything_csv", view_func=show_all_as_csv)
history.add_url_rule(
    "/marathon/changes.xlsx", endpoint="everything_xlsx", view_func=show_all_as_workbook
)
history.add_url_rule(
    "/organization/<id>/changes", endpoint="organization", view_func=show_organization_changes
)
history.add_url_rule(
    "/organization/<id>/changes.csv",
    endpoint="organization_csv",
    view_func=show_organization_as_csv,
)
history.add_url_rule(
    "/organization/<id>/changes.xlsx",
    endpoint="organization_xlsx",
    view_func=show_organization_as_workbook,
)
