"""Two versions of a record in words: what one person typed beside what another saved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.types import Context

from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.visibility import Viewer

from .labels import marathon_date, marathon_municipality, marathon_problem

Field = dict[str, Any]
LINKS = ("idea", "workshop")


def marathon_field_labels(fields: list[Field]) -> dict[str, str]:
    """Return the name that a form gives each of its fields, CKAN's own included."""
    labels = {field["field_name"]: _label(field) for field in fields}
    return {
        "private": tk._("Who sees it"),
        "extras": tk._("Other fields"),
        "author": tk._("Author"),
        "maintainer": tk._("Maintainer"),
        **labels,
    }


def marathon_version_lines(fields: list[Field], name: str, value: Any) -> list[str]:
    """Return a value of a field as lines of text, as people know it; one row a line.

    Args:
        fields: of the scheming schema.
        name: of the field.
        value: as it is stored.
    """
    if name == "private":
        hidden = value in (True, "True", "true")
        return [tk._("Only the organisation") if hidden else tk._("Everybody")]
    field = next((one for one in fields if one["field_name"] == name), {})
    values = value if isinstance(value, list) else [value]
    lines = [_line(field, one) for one in values]
    return [line for line in lines if line]


def marathon_moment(moment: datetime) -> str:
    """Return one of CKAN's times, which are UTC, as Guatemala's clock shows it, in words."""
    local = moment.replace(tzinfo=UTC).astimezone(GUATEMALA)
    return marathon_date(local.isoformat(timespec="minutes"))


def _line(field: Field, value: Any) -> str:
    if isinstance(value, dict):
        inner = field.get("repeating_subfields", [])
        shown = [one for one in inner if one.get("display_snippet", "") is not None]
        cells = ((_label(one), _line(one, value.get(one["field_name"]))) for one in shown)
        return " · ".join(f"{label}: {text}" for label, text in cells if text)
    if value is None:
        return ""
    name = field.get("field_name", "")
    if name == "municipality" and (found := marathon_municipality(str(value))):
        return found.name
    if name == "service_problem" and (problem := marathon_problem(str(value))):
        return problem.label(tk.h.lang())
    if name == "owner_org" and (organization := model.Group.get(value)):
        return organization.title or organization.name
    if name in LINKS:
        return _title_of(str(value))
    for choice in tk.h.scheming_field_choices(field) or [] if field else []:
        if choice["value"] == value:
            return tk.h.scheming_language_text(choice["label"])
    return str(value)


def _title_of(package_id: str) -> str:
    package = model.Package.get(package_id)
    if package and Viewer(Context(user=current_user.name)).may_see(package):
        return package.title or package.name
    return package_id


def _label(field: Field) -> str:
    return tk.h.scheming_language_text(field.get("label") or field["field_name"])
