"""One frozen, typed record for each of dataset, idea, workshop, commitment and organisation.

They are made from what an action of CKAN shows (``from_shown``) or from what the database stores
(``from_stored``), nowhere else. Their fields are read here too: extras hold lists as JSON, and
datasets that are older than our schema have one text or a list. Pure: no CKAN, no database.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self, TypedDict, cast

from ckanext.marathon.domain import numbers, workshop
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.texts import load_json
from ckanext.marathon.domain.workshop import UNANSWERED, WorkshopTimes

Row = Mapping[str, object]


def says_anything(value: object) -> bool:
    """Return whether a value says anything to a reader.

    Blank texts, ``None``, ``False`` and lists and rows whose every part says nothing do not.
    """
    if isinstance(value, Mapping):
        return any(map(says_anything, cast(Row, value).values()))
    if isinstance(value, list | tuple):
        return any(map(says_anything, cast(list[object], value)))
    return value is not None and value is not False and str(value).strip() != ""


def read_text(value: object) -> str:
    """Return a text, or a number as text; ``""`` for everything else."""
    if isinstance(value, str):
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else ""


def read_flag(value: object) -> bool:
    """Return whether a value is true, stored (``"true"``) or shown."""
    return value is True or str(value).lower() == "true"


def read_count(value: object) -> int | None:
    """Return a whole number from 0 up, ``None`` for what is none."""
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        return numbers.parse_count(value)
    except Malformed:
        return None


def read_degrees(value: object) -> float | None:
    """Return a coordinate, ``None`` for what is no number."""
    try:
        found = float(read_text(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def list_texts(value: object) -> list[str]:
    """Return the texts of a field that may be a list, JSON of one, or one text.

    Lists are JSON in CKAN's extras. A dataset that is older than our schema may have one text.
    """
    # An object is no list: its JSON is a text like any other.
    value = _parse_json(value, "[")
    if isinstance(value, list | tuple):
        given = cast(list[object], value)
        return [str(item) for item in given if isinstance(item, str | int) and str(item).strip()]
    return [value] if isinstance(value, str) and value.strip() else []


def list_stored_texts(value: object) -> list[str]:
    """Return the texts of a stored field that is a JSON list; of anything else none.

    Sites had fields of these names before the plugin came, with other content.
    """
    loaded = _parse_json(value, "[")
    given = cast(list[object], loaded) if isinstance(loaded, list) else []
    return [item for item in given if isinstance(item, str)]


def list_rows(value: object) -> list[Row]:
    """Return the rows of a field with subfields, without those that hold nothing."""
    value = _parse_json(value, "[{")
    given = [cast(Row, value)] if isinstance(value, Mapping) else value
    if not isinstance(given, list | tuple):
        return []
    rows = (cast(Row, row) for row in cast(list[object], given) if isinstance(row, Mapping))
    return [row for row in rows if any(row.values())]


def list_stored_rows(value: object) -> list[dict[str, object]]:
    """Return the rows of a stored field that is a JSON list; of anything else none."""
    loaded = _parse_json(value, "[")
    given = cast(list[object], loaded) if isinstance(loaded, list) else []
    return [cast(dict[str, object], row) for row in given if isinstance(row, dict)]


def _parse_json(value: object, begins: str) -> object:
    """Return what a JSON text says that begins so, ``None`` if it cannot be read.

    Everything else is returned as it is.
    """
    if not isinstance(value, str) or value.strip()[:1] not in tuple(begins):
        return value
    try:
        return cast(object, load_json(value))
    except ValueError:
        return None


class Fields:
    """The fields of one package or organisation, whether it is shown or stored."""

    def __init__(self, values: Mapping[str, object], *, is_stored: bool) -> None:
        """Keep the fields; of stored ones a list is JSON and nothing else is taken for one."""
        self._values = values
        self._texts = list_stored_texts if is_stored else list_texts
        self._rows = list_stored_rows if is_stored else list_rows

    @classmethod
    def of_shown(cls, shown: Mapping[str, object]) -> Fields:
        """Return the fields of a dict of ``package_show`` or ``organization_show``."""
        return cls(shown, is_stored=False)

    @classmethod
    def of_stored(cls, row: object, *columns: str) -> Fields:
        """Return the fields of what the database has.

        Args:
            row: a package, an organisation or a row of a query with some of its columns.
            columns: CKAN's own fields, of which a query may leave some out.
        """
        own = {name: getattr(row, name, None) for name in columns}
        extras = cast("dict[str, object] | None", getattr(row, "extras", None))
        return cls({**(extras or {}), **own}, is_stored=True)

    def value(self, name: str) -> object:
        """Return a field as it is, ``None`` where there is none."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """Return a field as text, ``""`` where there is none."""
        return read_text(self._values.get(name))

    def flag(self, name: str) -> bool:
        """Return whether a field is true."""
        return read_flag(self._values.get(name))

    def count(self, name: str) -> int | None:
        """Return a field that is a whole number."""
        return read_count(self._values.get(name))

    def degrees(self, name: str) -> float | None:
        """Return a field that is a coordinate."""
        return read_degrees(self._values.get(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a field that is a list of texts."""
        return tuple(self._texts(self._values.get(name)))

    def rows(self, name: str) -> list[Fields]:
        """Return a field that has subfields."""
        # Within a row, what the form sends for several values may be JSON or one text.
        return [Fields(row, is_stored=False) for row in self._rows(self._values.get(name))]


@dataclass(frozen=True, kw_only=True)
class Record:
    """Something that CKAN has an id and a name for; ``""`` stands for what is not known.

    Attributes:
        title: as somebody typed it; :attr:`label` is never empty.
        notes: its description, in Markdown.
    """

    id: str
    name: str = ""
    title: str = ""
    notes: str = ""

    @property
    def label(self) -> str:
        """What pages call it: its title, else its name."""
        return self.title or self.name


def read_record(shown: Row) -> Record:
    """Return what a list of an action tells of a record: id, name, title."""
    fields = Fields.of_shown(shown)
    found = {name: fields.text(name) for name in ("id", "name", "title", "notes")}
    return Record(**found)


@dataclass(frozen=True, kw_only=True)
class Organization(Record):
    """An organisation of the site; ``""`` stands for what is not known.

    Attributes:
        role: ``municipality``, ``coordinating_body`` … in the marathons.
        municipality_code: its INE code if it is a municipality.
        contact_email: of an office, never of a person.
        of_profiles: what profiles of ckanext-dcat read of an organisation and our schema does not
            have: ``email``, ``url``, ``dcat_type``, ``identifier``.
    """

    role: str = ""
    municipality_code: str = ""
    contact_name: str = ""
    contact_email: str = ""
    homepage: str = ""
    of_profiles: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def from_shown(cls, shown: Mapping[str, object]) -> Organization:
        """Return an organisation as ``organization_show`` gives it."""
        return cls._read(Fields.of_shown(shown))

    @classmethod
    def from_stored(cls, row: object) -> Organization:
        """Return an organisation as the database has it."""
        return cls._read(Fields.of_stored(row, "id", "name", "title"))

    @classmethod
    def _read(cls, fields: Fields) -> Organization:
        return cls(
            id=fields.text("id"),
            name=fields.text("name"),
            title=fields.text("title"),
            role=fields.text("role"),
            municipality_code=fields.text("municipality_code"),
            contact_name=fields.text("contact_name"),
            contact_email=fields.text("contact_email"),
            homepage=fields.text("homepage"),
            of_profiles={name: found for name in _OF_PROFILES if (found := fields.text(name))},
        )


_OF_PROFILES = ("email", "url", "dcat_type", "identifier")


DATASET = "dataset"
# Our dataset types that are no datasets.
OTHER_TYPES = ("workshop", "idea", "commitment")


@dataclass(frozen=True, kw_only=True)
class PackageRecord(Record):
    """A record of one of our dataset types.

    Attributes:
        owner_id: id of its organisation.
        owner: what the action that showed the package told of it.
        is_example: whether it was made up to show how the site works.
        municipalities: codes; of what is shown, computed ones too.
        problems: notations of service problems; the same.
        created: when CKAN got it, in UTC and without an offset, as ``modified``; ``None`` for
            what is shown.
    """

    owner_id: str = ""
    owner: Organization | None = None
    is_example: bool = False
    municipalities: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    created: datetime | None = None
    modified: datetime | None = None

    @classmethod
    def from_shown(cls, shown: Mapping[str, object]) -> Self:
        """Return a record as ``package_show`` gives it."""
        return cls._read(Fields.of_shown(shown))

    @classmethod
    def from_stored(cls, row: object) -> Self:
        """Return a record as the database has it: its own places and problems, no count masked."""
        return cls._read(Fields.of_stored(row, *PACKAGE_COLUMNS))

    @classmethod
    def _read(cls, fields: Fields) -> Self:
        raise NotImplementedError


# CKAN's own columns of a package, of which queries ask some.
PACKAGE_COLUMNS = (
    "id",
    "name",
    "title",
    "notes",
    "owner_org",
    "metadata_created",
    "metadata_modified",
)


class PackageArguments(TypedDict):
    """The arguments of :class:`PackageRecord`."""

    id: str
    name: str
    title: str
    notes: str
    owner_id: str
    owner: Organization | None
    is_example: bool
    municipalities: tuple[str, ...]
    problems: tuple[str, ...]
    created: datetime | None
    modified: datetime | None


def read_package(fields: Fields) -> PackageArguments:
    """Return what every package has."""
    created, modified = (fields.value(f"metadata_{name}") for name in ("created", "modified"))
    return {
        "id": fields.text("id"),
        "name": fields.text("name"),
        "title": fields.text("title"),
        "notes": fields.text("notes"),
        "owner_id": fields.text("owner_org"),
        "owner": _read_owner(fields.value("organization")),
        "is_example": fields.flag("example"),
        "municipalities": fields.texts("municipality"),
        "problems": fields.texts("service_problem"),
        "created": created if isinstance(created, datetime) else None,
        "modified": modified if isinstance(modified, datetime) else None,
    }


def _read_owner(value: object) -> Organization | None:
    if not isinstance(value, Mapping):
        return None
    found = Organization.from_shown(cast(Row, value))
    return found if found.id else None


@dataclass(frozen=True, kw_only=True)
class Dataset(PackageRecord):
    """A dataset and where it comes from.

    What DCAT-AP says of a dataset besides is read by ``rdf/dataset.py`` from the dict.

    Attributes:
        idea_ids: of the ideas that it names.
        data_need_ids: of the data needs that it says it meets.
    """

    idea_ids: tuple[str, ...] = ()
    data_need_ids: tuple[str, ...] = ()

    @classmethod
    def _read(cls, fields: Fields) -> Self:
        return cls(
            **read_package(fields),
            idea_ids=fields.texts("idea"),
            data_need_ids=fields.texts("data_need"),
        )


@dataclass(frozen=True)
class DataNeed:
    """Data that an idea asks for; ``id`` is "" of one that an old program stored."""

    id: str
    what: str = ""
    why: str = ""


@dataclass(frozen=True)
class Summary:
    """An idea in another language: an IRI or code of it, and the text."""

    language: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Idea(PackageRecord):
    """An idea; ``""`` stands for what is not known.

    Attributes:
        workshop_id: of the workshop in which it was said.
        status: code of how far it is.
        communities: names of places.
        proponent_group: code.
        evidence: web addresses.
    """

    code: str = ""
    workshop_id: str = ""
    status: str = ""
    communities: tuple[str, ...] = ()
    proponent_group: str = ""
    votes: int | None = None
    priority: int | None = None
    data_needs: tuple[DataNeed, ...] = ()
    evidence: tuple[str, ...] = ()
    summaries: tuple[Summary, ...] = ()

    def name_need(self, need_id: str) -> str:
        """Return what data one of its data needs is, ``""`` if it has no such need."""
        return next((need.what for need in self.data_needs if need.id == need_id), "")

    @classmethod
    def _read(cls, fields: Fields) -> Self:
        return cls(
            **read_package(fields),
            code=fields.text("code"),
            workshop_id=_read_id(fields.value("workshop")),
            status=fields.text("status"),
            communities=fields.texts("community"),
            proponent_group=fields.text("proponent_group"),
            votes=fields.count("votes"),
            priority=fields.count("priority"),
            data_needs=tuple(
                DataNeed(row.text("id"), row.text("what"), row.text("why"))
                for row in fields.rows("data_need")
            ),
            evidence=fields.texts("evidence"),
            summaries=tuple(
                Summary(row.text("lang"), row.text("text")) for row in fields.rows("summary")
            ),
        )


def _read_id(value: object) -> str:
    """Return an id, also of a record that is shown within another."""
    if isinstance(value, Mapping):
        value = cast(Mapping[str, object], value).get("id")
    return read_text(value)


@dataclass(frozen=True)
class Organiser:
    """An organisation that holds a workshop with others; ``role`` is a code or ``""``."""

    name: str
    role: str


@dataclass(frozen=True)
class Invitation:
    """An organisation that was invited; dates are ISO, ``answer`` a code, each ``""`` if none."""

    organisation: str
    invited_on: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Workshop(PackageRecord):
    """A workshop; ``""`` stands for what is not known.

    Attributes:
        municipalities: codes of those that take part, which may not be where it is.
        starts_at: a day or a moment with its offset, ISO 8601, as ``ends_at``.
        rsvp_by: last day to confirm, ISO 8601.
        venue_municipality: code.
        latitude: of the venue, in degrees, as ``longitude``.
        participants: field → number of people, ``None`` where it is not recorded or masked.
        masked: fields of ``participants`` that this reader is not told.
    """

    code: str = ""
    kind: str = ""
    status: str = ""
    starts_at: str = ""
    ends_at: str = ""
    rsvp_by: str = ""
    venue: str = ""
    venue_municipality: str = ""
    latitude: float | None = None
    longitude: float | None = None
    organisers: tuple[Organiser, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    source_url: str = ""
    participants: workshop.Counts = field(default_factory=dict[str, "int | None"])
    masked: tuple[str, ...] = ()

    @property
    def unanswered(self) -> list[Invitation]:
        """The invitations of which no answer is recorded."""
        return [
            invitation
            for invitation in self.invitations
            if invitation.organisation and invitation.answer in UNANSWERED
        ]

    @property
    def times(self) -> WorkshopTimes:
        """When it is, as the agenda arranges it."""
        return WorkshopTimes(self.id, self.starts_at, self.ends_at, self.status)

    @classmethod
    def _read(cls, fields: Fields) -> Self:
        return cls(
            **read_package(fields),
            code=fields.text("code"),
            kind=fields.text("kind"),
            status=fields.text("status"),
            starts_at=fields.text("starts_at"),
            ends_at=fields.text("ends_at"),
            rsvp_by=fields.text("rsvp_by"),
            venue=fields.text("venue"),
            venue_municipality=fields.text("venue_municipality"),
            latitude=fields.degrees("latitude"),
            longitude=fields.degrees("longitude"),
            organisers=tuple(
                Organiser(row.text("name"), row.text("role")) for row in fields.rows("organiser")
            ),
            invitations=tuple(
                Invitation(row.text("organisation"), row.text("invited_on"), row.text("answer"))
                for row in fields.rows("invitation")
            ),
            source_url=fields.text("source_url"),
            participants={name: fields.count(name) for name in workshop.COUNT_FIELDS},
            masked=fields.texts("participants_masked"),
        )


@dataclass(frozen=True)
class Milestone:
    """One thing that a commitment promises.

    Attributes:
        due: a year, month or day, ISO 8601, ``""`` if none.
        status: a code, ``""`` if none.
        evidence: web addresses.
    """

    title: str
    due: str
    status: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Commitment(PackageRecord):
    """A commitment; ``""`` stands for what is not known.

    Attributes:
        plan: name of the action plan.
        number: of the commitment in it.
        leads: names of institutions, as ``partners``.
    """

    plan: str = ""
    number: str = ""
    axis: str = ""
    leads: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    source_url: str = ""
    milestones: tuple[Milestone, ...] = ()

    @classmethod
    def _read(cls, fields: Fields) -> Self:
        return cls(
            **read_package(fields),
            plan=fields.text("plan"),
            number=fields.text("number"),
            axis=fields.text("axis"),
            leads=fields.texts("lead"),
            partners=fields.texts("partner"),
            source_url=fields.text("source_url"),
            milestones=tuple(
                Milestone(
                    row.text("title"), row.text("due"), row.text("status"), row.texts("evidence")
                )
                for row in fields.rows("milestone")
            ),
        )
