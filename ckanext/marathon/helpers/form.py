"""Forms: sections, choices of fields, errors, and the comparison of two versions.

The choices depend on the person who fills in the form: their organisation, its municipality, its
ideas and workshops.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.lib import uploader
from ckan.types import Context

from ckanext.marathon.domain import dates
from ckanext.marathon.domain.dates import GUATEMALA
from ckanext.marathon.domain.texts import is_json_list, is_json_object
from ckanext.marathon.helpers.labels import (
    Listed,
    marathon_as_list,
    marathon_date,
    marathon_municipality,
    marathon_only_day,
    marathon_problem,
    marathon_term,
)
from ckanext.marathon.logic import dataset as dataset_logic
from ckanext.marathon.logic import draft, permissions, personal_data, upload
from ckanext.marathon.model import link, package
from ckanext.marathon.records import DATASET, Organization
from ckanext.marathon.visibility import Viewer, is_public
from ckanext.marathon.vocabulary import authorities, problems, schemes, territory

Value = TypeVar("Value")
# Drafts that a new form offers to go on with.
MOST_OFFERED = 3


class FieldChoice(TypedDict):
    """One choice of a scheming field; ``label`` is by language."""

    value: str
    label: dict[str, str]


class PickerItem(TypedDict):
    """A checkbox of a picker; ``words`` are further words for its search box."""

    value: str
    label: str
    note: str
    words: str


class PickerGroup(TypedDict):
    """A named group of checkboxes."""

    label: str
    items: list[PickerItem]


def marathon_term_choices(field: dict[str, Any]) -> list[FieldChoice]:
    """Return the terms of the field's ``term_list``."""
    terms = schemes.get_term_list(field["term_list"]).terms
    return [{"value": term.code, "label": dict(term.labels)} for term in terms]


def marathon_authority_choices(field: dict[str, Any]) -> list[FieldChoice]:
    """Return the concepts of the authority table of the field's ``scheme``, by label."""
    lang = tk.h.lang()
    concepts = authorities.get_scheme(field["scheme"]).concepts
    return [
        {"value": concept.iri, "label": dict(concept.labels)}
        for concept in sorted(concepts, key=lambda concept: concept.label(lang).casefold())
    ]


def marathon_chosen(field: Mapping[str, Any], value: Listed) -> list[str]:
    """Return the stored values of a field with choices, as values of its choices.

    Other spellings that are older than the plugin (``monthly``, ``es``) become the concept that
    they mean. Unknown values are returned unchanged, so that a form does not lose them.
    """
    spellings = marathon_as_list(value)
    if "term_list" in field:
        return [_term_code(field["term_list"], str(spelling)) for spelling in spellings]
    if "scheme" not in field:
        return [str(spelling) for spelling in spellings]
    found = [authorities.find_concept(field["scheme"], str(spelling)) for spelling in spellings]
    return [
        known.iri if known else str(spelling)
        for known, spelling in zip(found, spellings, strict=True)
    ]


def _term_code(list_name: str, spelling: str) -> str:
    for term in schemes.get_term_list(list_name).terms:
        if spelling.casefold() in {
            term.code,
            *(label.casefold() for label in term.labels.values()),
        }:
            return term.code
    return spelling


def marathon_not_offered(selected: Listed, groups: list[PickerGroup]) -> list[str]:
    """Return selected values that are no choice of a picker, so that a form does not lose them."""
    offered = {item["value"] for group in groups for item in group["items"]}
    return [code for code in marathon_as_list(selected) if code not in offered]


def marathon_municipality_tree() -> list[PickerGroup]:
    """Return the 340 municipalities under their departments, for a picker."""
    return [
        {
            "label": department.name,
            "items": [
                {
                    "value": municipality.code,
                    "label": municipality.name,
                    "note": "",
                    "words": " ".join([municipality.code, *municipality.alt_names]),
                }
                for municipality in territory.list_municipalities_of(department.code)
            ],
        }
        for department in territory.list_departments()
    ]


def marathon_problem_tree() -> list[PickerGroup]:
    """Return the service problems under their areas, with definitions, for a picker.

    An area can be chosen too, as the last item of its group, because some ideas answer several of
    its problems.
    """
    lang = tk.h.lang()
    return [
        {
            "label": branch.area.label(lang),
            "items": [_problem_item(problem, lang) for problem in (*branch.problems, branch.area)],
        }
        for branch in problems.list_branches()
    ]


def _problem_item(problem: problems.ServiceProblem, lang: str) -> PickerItem:
    label = problem.label(lang)
    synonyms = [word for words in problem.alt_labels.values() for word in words]
    return {
        "value": problem.notation,
        "label": tk._("%(area)s, in general") % {"area": label} if problem.is_area else label,
        "note": _pick_text(problem.definition, lang),
        "words": " ".join([problem.notation, *synonyms, *problem.pref_label.values()]),
    }


def _pick_text(texts: Any, lang: str) -> str:
    return texts.get(lang) or texts.get("es") or ""


# A day and an hour in Guatemala's time.
_TO_THE_MINUTE = re.compile(r"\A(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}):00-06:00\Z")
MOST_WORKSHOPS = 500


class WorkshopChoice(TypedDict):
    """A workshop in a list to choose from."""

    id: str
    name: str
    label: str


def marathon_max_upload() -> int:
    """Return the largest file that may be uploaded, in MB."""
    return uploader.get_max_resource_size()


def marathon_takes_uploads() -> bool:
    """Return whether this person may send files before their form is saved."""
    return current_user.is_authenticated and upload.may_upload(current_user.name)


def marathon_drafts(kind: str, shown: str | None) -> list[draft.DraftSummary]:
    """Return the latest drafts of this person's that a form may go on with, but the shown one."""
    if not current_user.is_authenticated:
        return []
    found = draft.list_drafts(current_user.id, kind)
    return [one for one in found if one.id != shown][:MOST_OFFERED]


class UnsettledFile(TypedDict):
    """A stored file with personal data that nobody has confirmed; ``places`` says where."""

    id: str
    name: str
    places: str


def marathon_unsettled_files(data: dict[str, Any]) -> list[UnsettledFile]:
    """Return the files for which a dataset that is not public needs a reason to become so."""
    stored = model.Package.get(data.get("id") or "")
    if stored is None or stored.type != DATASET or is_public(stored):
        return []
    return [
        {
            "id": file.resource_id,
            "name": file.name,
            "places": personal_data.describe_places(file.personal),
        }
        for file in personal_data.list_unsettled(data)
    ]


def marathon_owner_choices(package_type: str, current: str | None) -> list[dict[str, str]]:
    """Return the organisations to which this person may give a record, and its present one."""
    choices = permissions.list_organizations_open_to(current_user.name, package_type)
    if current and all(current not in (choice["id"], choice["name"]) for choice in choices):
        organization = model.Group.get(current)
        if organization:
            title = organization.title or organization.name
            choices.append({"id": organization.id, "name": organization.name, "title": title})
    return choices


def marathon_may_set(field_name: str, organization: dict[str, Any]) -> bool:
    """Return whether the person may set a field of an organisation.

    Args:
        field_name: ``role``, ``municipality_code`` or ``pilot``.
        organization: values of the form; without ``id`` for a new one.
    """
    if field_name == "role":
        return bool(_settable_roles(organization))
    return permissions.may_place_organization(Context(user=current_user.name))


def marathon_settable_roles(
    field: dict[str, Any], organization: dict[str, Any]
) -> list[FieldChoice]:
    """Return the choices of the field ``role`` that the person may set for an organisation."""
    settable = _settable_roles(organization)
    return [choice for choice in marathon_term_choices(field) if choice["value"] in settable]


def _settable_roles(organization: dict[str, Any]) -> list[str]:
    context = Context(user=current_user.name)
    stored = model.Group.get(organization.get("id"))
    roles = [term.code for term in schemes.get_term_list("organization-role").terms]
    return [role for role in roles if permissions.may_give_role(context, stored, role)]


def marathon_own_organization() -> str:
    """Return the id of the only organisation that the person may publish for, else ``""``."""
    own = permissions.list_organizations_open_to(current_user.name, "dataset")
    return own[0]["id"] if len(own) == 1 else ""


def marathon_must_choose(field_name: str, dataset: dict[str, Any]) -> bool:
    """Return whether the field is required in the form of a dataset.

    Municipality and problem are inherited from the idea, so they are required only if the idea is
    not. Before an organisation is chosen, the rules for municipalities apply.

    Args:
        field_name: ``idea``, ``municipality``, ``service_problem`` or ``resources``.
        dataset: the values of the form.
    """
    if field_name == "resources":
        return bool(tk.config["ckan.dataset.create_on_ui_requires_resources"])
    identifier = dataset.get("id")
    stored = model.Package.get(identifier) if identifier else None
    owner = dataset.get("owner_org") or marathon_own_organization()
    asked = (
        dataset_logic.read_requirements(owner, stored)
        if owner
        else dataset_logic.read_municipal_requirements()
    )
    if field_name == "idea":
        return asked.idea
    wanted = asked.problem if field_name == "service_problem" else asked.municipality
    return wanted and not asked.idea


def marathon_own_municipalities() -> list[str]:
    """Return the code of the person's own municipality; ``[]`` if they have none or several."""
    mine = model.Session.query(model.Group).filter(
        model.Group.id.in_(permissions.read_standing(current_user.name).capacities)
    )
    codes = {Organization.from_stored(organization).municipality_code for organization in mine}
    codes.discard("")
    return list(codes) if len(codes) == 1 else []


def marathon_idea_choices(codes: Listed, selected: Listed = ()) -> list[dict[str, Any]]:
    """Return the ideas of municipalities, and the selected ideas.

    Without a municipality only the selected ones: the ideas of the whole country are too many.
    """
    chosen = marathon_as_list(selected)
    # The form shows the errors of malformed codes.
    wanted = [code for code in marathon_as_list(codes) if marathon_municipality(code)]
    if not chosen and not wanted:
        return []
    return tk.get_action("marathon_idea_choices")(
        {"user": current_user.name}, {"municipality": wanted, "include": chosen}
    )


def marathon_idea_note(idea: dict[str, Any]) -> str:
    """Return a line with workshop, date and status of an idea."""
    workshop: dict[str, Any] = idea.get("workshop") or {}
    parts: list[str] = [
        workshop.get("title") or "",
        marathon_only_day(workshop.get("starts_at")),
        marathon_term("idea-status", idea["status"]) if idea.get("status") else "",
    ]
    return " · ".join(part for part in parts if part)


def marathon_workshop_choices(selected: str | None, codes: Listed = ()) -> list[WorkshopChoice]:
    """Return the workshops that the person may see, the latest first.

    They are read from the database, so that a new workshop is listed before Solr has indexed it.

    Args:
        selected: id or name of a workshop that is always included.
        codes: INE codes; only workshops of these municipalities. Empty: all workshops.
    """
    wanted = marathon_as_list(codes)
    query = model.Session.query(model.Package).filter_by(type="workshop", state=model.State.ACTIVE)
    if wanted:
        pairs = link.list_subject_pairs(wanted, link.Predicate.WORKSHOP_MUNICIPALITY)
        query = query.filter(model.Package.id.in_({workshop for workshop, _code in pairs}))
    newest = query.order_by(model.Package.metadata_created.desc()).limit(MOST_WORKSHOPS)
    found = {workshop.id: workshop for workshop in newest}
    chosen = model.Package.get(selected) if selected else None
    if chosen and chosen.type == "workshop":
        found[chosen.id] = chosen
    viewer = Viewer(Context(user=current_user.name))
    visible = [workshop for workshop in found.values() if viewer.may_see(workshop)]
    visible.sort(
        key=lambda workshop: dates.make_date_sort_key(
            package.read_stored_text(workshop, "starts_at")
        ),
        reverse=True,
    )
    return [
        {"id": workshop.id, "name": workshop.name, "label": _label_workshop(workshop)}
        for workshop in visible
    ]


def marathon_typed_date(value: Value) -> Value | str:
    """Return a stored date in the form's notation: a time as ``2016-10-17 09:00``.

    Values that this notation would change (seconds, another offset, malformed dates) are returned
    unchanged, ``None`` as "".
    """
    typed = _TO_THE_MINUTE.sub(r"\1 \2", value) if isinstance(value, str) else value
    reading = dates.read_stored_date(typed)
    return typed if reading and reading.text == value else value or ""


def _label_workshop(workshop: model.Package) -> str:
    day = marathon_only_day(package.read_stored_text(workshop, "starts_at"))
    title = workshop.title or workshop.name
    return f"{title} · {day}" if day else title


Field = dict[str, Any]
FOLDED = {"people", "more"}
NOT_IN_THE_SCHEMA = ("author", "author_email", "maintainer", "maintainer_email")


class FormSection(TypedDict):
    """A section of the form; ``folded`` ones are closed unless they have an error."""

    name: str
    title: str
    fields: list[Field]
    folded: bool


class FormError(TypedDict):
    """An error in the summary of a form; ``target`` is the id of the element that it links to."""

    label: str
    target: str
    message: str


def marathon_form_sections(schema: dict[str, Any]) -> list[FormSection]:
    """Return a schema's fields in sections by their ``form_group``, in the order of the page.

    The section ``files`` is for the resources and has no fields. For a dataset it comes first,
    because title, period and format are read from the file.
    """
    titles = {
        "": "",
        "chain": tk._("Where it comes from"),
        "files": tk._("Files and links"),
        "people": tk._("People and organisations"),
        "terms": tk._("Licence"),
        "more": tk._("More details"),
    }
    if schema.get("dataset_type") == "dataset":
        titles = {"files": titles["files"], **titles}
    sections = _sections(schema["dataset_fields"], titles)
    return [
        section
        for section in sections
        if section["fields"] or (section["name"] == "files" and schema.get("resource_fields"))
    ]


def marathon_resource_sections(fields: list[Field]) -> list[FormSection]:
    """Return the fields of a file or link: the main ones, and the others in a folded section."""
    found = _sections(fields, {"": "", "more": tk._("More details")})
    return [section for section in found if section["fields"]]


def marathon_unshown(fields: list[Field], data: dict[str, Any]) -> dict[str, str]:
    """Return input → value for stored values that a form does not show but must send back.

    These are fields without an input, CKAN's own fields missing in the schema, and free extras. An
    update replaces the whole record, so values that are not sent would be lost.
    """
    hidden = [field["field_name"] for field in fields if field.get("form_snippet", "") is None]
    found = {name: str(data[name]) for name in (*hidden, *NOT_IN_THE_SCHEMA) if data.get(name)}
    for number, extra in enumerate(data.get("extras") or []):
        found[f"extras__{number}__key"] = extra.get("key") or ""
        found[f"extras__{number}__value"] = extra.get("value") or ""
    return found


def marathon_form_token() -> str:
    """Return a new token: a form sent twice with the same one is saved once."""
    return str(uuid.uuid4())


def marathon_section_has_errors(section: FormSection, errors: dict[str, Any]) -> bool:
    """Return whether a field of the section has an error."""
    return any(errors.get(field["field_name"]) for field in section["fields"])


def marathon_form_errors(
    schema: dict[str, Any], errors: dict[str, Any], numbers: dict[str, list[int]] | None = None
) -> list[FormError]:
    """Return the errors of a form, in the order of its fields.

    Args:
        schema: the scheming schema of the dataset type.
        errors: CKAN's ``error_dict``.
        numbers: repeating field → the numbers of its rows on the page, from 0; by default their
            positions.

    Returns:
        for repeating fields (``contact``, ``resources``) one entry for each subfield, with the
        number of the row in the label.
    """
    found: list[FormError] = []
    left = {("tag_string" if key == "tags" else key): messages for key, messages in errors.items()}
    for field in schema["dataset_fields"]:
        name = field["field_name"]
        found += _list_errors_of_field(field, left.pop(name, None), (numbers or {}).get(name, []))
    places = (numbers or {}).get("resources", [])
    for index, inner in enumerate(_dicts(left.pop("resources", None))):
        place = places[index] if index < len(places) else index
        found += _list_errors_of_resource(
            schema.get("resource_fields", []), index + 1, place, inner
        )
    resources = errors.get("resources")
    if resources and all(isinstance(message, str) for message in resources):
        found += _list_plain_errors(tk._("Files and links"), "at-resources", resources)
    for key, messages in left.items():
        if key != "resources":
            found += _list_plain_errors(key, f"at-{key}", messages)
    return found


def list_errors_by_input(errors: dict[str, Any]) -> dict[str, list[str]]:
    """Return name of form input → errors, for the page's script.

    ``{"contact": [{"email": ["…"]}]}`` becomes ``{"contact-0-email": ["…"]}``, an error of the
    first resource's address ``{"resources__0__url": ["…"]}``.
    """
    names: dict[str, list[str]] = {}
    for key, value in errors.items():
        inner = _dicts(value)
        pattern = "resources__{}__{}" if key == "resources" else f"{key}-{{}}-{{}}"
        for index, row in enumerate(inner):
            for subkey, messages in row.items():
                names[pattern.format(index, subkey)] = _texts(messages)
        if not inner:
            names[key] = _texts(value)
    return names


def _sections(fields: list[Field], titles: dict[str, str]) -> list[FormSection]:
    inside: dict[str, list[Field]] = {name: [] for name in titles}
    for field in fields:
        if field.get("form_snippet", "") is not None:
            inside[field.get("form_group", "")].append(field)
    return [
        {"name": name, "title": title, "fields": inside[name], "folded": name in FOLDED}
        for name, title in titles.items()
    ]


def _list_errors_of_field(field: Field, value: Any, numbers: list[int]) -> Iterator[FormError]:
    label = tk.h.scheming_language_text(field.get("label") or field["field_name"])
    target = f"at-{field['field_name']}"
    inner = _dicts(value)
    if not inner:
        yield from _list_plain_errors(label, target, value)
        return
    one = tk.h.scheming_language_text(field.get("repeating_label") or field.get("label"))
    for index, row in enumerate(inner):
        number = numbers[index] if index < len(numbers) else index
        for subfield in field.get("repeating_subfields", []):
            name = tk.h.scheming_language_text(subfield.get("label"))
            messages = row.get(subfield["field_name"])
            yield from _list_plain_errors(f"{one} {number + 1}: {name}", target, messages)


def _list_errors_of_resource(
    fields: list[Field], number: int, place: int, errors: dict[str, Any]
) -> Iterator[FormError]:
    labels = {f["field_name"]: tk.h.scheming_language_text(f.get("label")) for f in fields}
    where = tk._("File or link %(number)s") % {"number": number}
    for key, messages in errors.items():
        label = labels.get(key, labels.get("url", key))
        yield from _list_plain_errors(f"{where}: {label}", f"at-resource-{place}", messages)


def _list_plain_errors(label: str, target: str, value: Any) -> list[FormError]:
    return [{"label": label, "target": target, "message": text} for text in _texts(value)]


def _dicts(value: Any) -> list[dict[str, Any]]:
    if is_json_list(value) and any(map(is_json_object, value)):
        return [item if is_json_object(item) else {} for item in value]
    return []


def _texts(value: Any) -> list[str]:
    if not value:
        return []
    if isinstance(value, str):
        return [value]
    if is_json_object(value):
        return [text for item in value.values() for text in _texts(item)]
    return [text for item in value for text in _texts(item)]


LINKS = ("idea", "workshop")


def marathon_field_labels(fields: list[Field]) -> dict[str, str]:
    """Return field → label in the form, including CKAN's own fields."""
    labels = {field["field_name"]: _label_field(field) for field in fields}
    return {
        "private": tk._("Who sees it"),
        "extras": tk._("Other fields"),
        "author": tk._("Author"),
        "maintainer": tk._("Maintainer"),
        **labels,
    }


def marathon_version_lines(fields: list[Field], name: str, value: object) -> list[str]:
    """Return a value of a field as lines of text with labels; one line for each row.

    Args:
        fields: the fields of the scheming schema.
        name: name of the field.
        value: the stored value.
    """
    if name == "private":
        hidden = value in (True, "True", "true")
        return [tk._("Only the organisation") if hidden else tk._("Everybody")]
    field = next((one for one in fields if one["field_name"] == name), Field())
    values = value if is_json_list(value) else [value]
    lines = [_write_line(field, one) for one in values]
    return [line for line in lines if line]


def marathon_moment(moment: datetime) -> str:
    """Return one of CKAN's times, which are UTC, as text in Guatemala's time zone."""
    local = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(GUATEMALA)
    return marathon_date(local.isoformat(timespec="minutes"))


def _write_line(field: Field, value: Any) -> str:
    if is_json_object(value):
        inner: list[Field] = field.get("repeating_subfields", [])
        shown = [one for one in inner if one.get("display_snippet", "") is not None]
        cells = (
            (_label_field(one), _write_line(one, value.get(one["field_name"]))) for one in shown
        )
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
        return _find_title(str(value))
    choices: list[dict[str, Any]] = tk.h.scheming_field_choices(field) or [] if field else []
    for choice in choices:
        if choice["value"] == value:
            return tk.h.scheming_language_text(choice["label"])
    return str(value)


def _find_title(package_id: str) -> str:
    package = model.Package.get(package_id)
    if package and Viewer(Context(user=current_user.name)).may_see(package):
        return package.title or package.name
    return package_id


def _label_field(field: Field) -> str:
    return tk.h.scheming_language_text(field.get("label") or field["field_name"])
