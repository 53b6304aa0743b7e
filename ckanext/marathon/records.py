"""Frozen, typed records: dataset, idea, workshop, commitment and organisation.

A record is made from the dict of a CKAN action (``from_shown``) or from a row of the database
(``from_stored``), nowhere else. Values of fields are parsed here: extras have lists as JSON, and a
dataset that is older than the schema may have one text in the place of a list. The module imports
neither CKAN nor the database.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Self, TypedDict, cast

from ckanext.marathon.domain import numbers, workshop
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.file import Checksum, read_checksum
from ckanext.marathon.domain.texts import load_json
from ckanext.marathon.domain.workshop import UNANSWERED, WorkshopTimes

Row = Mapping[str, object]

# Ending of the extra ``<field>_text``: values of another catalogue that the field does not accept.
REST = "_text"


def says_anything(value: object) -> bool:
    """Return whether a value is not blank.

    Blank are blank texts, ``None``, ``False``, and lists and rows that have only blank values.
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
    """Return whether a value is ``True`` or, as CKAN stores it, ``"true"``."""
    return value is True or str(value).lower() == "true"


def read_count(value: object) -> int | None:
    """Return a whole number from 0 up, ``None`` for another value."""
    if value is None or value == "" or isinstance(value, bool):
        return None
    try:
        return numbers.parse_count(value)
    except Malformed:
        return None


def read_degrees(value: object) -> float | None:
    """Return a coordinate, ``None`` for another value."""
    try:
        found = float(read_text(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def read_decimal(value: object) -> Decimal | None:
    """Return a number, also one written as text (``12.50``); ``None`` for another value."""
    try:
        number = value if isinstance(value, Decimal) else Decimal(read_text(value).strip())
    except InvalidOperation:
        return None
    # A huge exponent (1e999999) would be written out digit by digit.
    return number if number.is_finite() and abs(number.adjusted()) < 30 else None


def read_size(value: object) -> int | None:
    """Return a whole number from 0 up, also one written as ``12.0``; ``None`` for another value."""
    number = read_decimal(value)
    is_size = number is not None and number >= 0 and number == number.to_integral_value()
    return int(number) if number is not None and is_size else None


def read_time(value: object) -> datetime | None:
    """Return a time as CKAN writes it, with an offset if it has one; ``None`` for another value."""
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(read_text(value))
    except ValueError:
        return None


def list_texts(value: object) -> list[str]:
    """Return the texts of a field that may be a list, a list as JSON, or one text.

    Lists are JSON in CKAN's extras. A dataset that is older than the schema may have one text.
    """
    # Only lists are parsed; a JSON object is a text like any other.
    value = _parse_json(value, "[")
    if isinstance(value, list | tuple):
        given = cast(list[object], value)
        return [str(item) for item in given if isinstance(item, str | int) and str(item).strip()]
    return [value] if isinstance(value, str) and value.strip() else []


def list_stored_texts(value: object) -> list[str]:
    """Return the texts of a stored field that is a JSON list; ``[]`` for any other value.

    A site may have had extras of the same name, with other content, before the plugin.
    """
    loaded = _parse_json(value, "[")
    given = cast(list[object], loaded) if isinstance(loaded, list) else []
    return [item for item in given if isinstance(item, str)]


def list_texts_by_key(value: object) -> dict[str, tuple[str, ...]]:
    """Return key → texts, for a field that is a JSON object of lists of texts."""
    value = _parse_json(value, "{")
    if not isinstance(value, Mapping):
        return {}
    lists = cast(Row, value).items()
    return {
        key: tuple(text for text in cast(list[object], given) if isinstance(text, str))
        for key, given in lists
        if isinstance(given, list)
    }


def list_rows(value: object) -> list[Row]:
    """Return the rows of a field with subfields, without empty rows."""
    value = _parse_json(value, "[{")
    given = [cast(Row, value)] if isinstance(value, Mapping) else value
    if not isinstance(given, list | tuple):
        return []
    rows = (cast(Row, row) for row in cast(list[object], given) if isinstance(row, Mapping))
    return [row for row in rows if any(row.values())]


def list_stored_rows(value: object) -> list[dict[str, object]]:
    """Return the rows of a stored field that is a JSON list; ``[]`` for any other value."""
    loaded = _parse_json(value, "[")
    given = cast(list[object], loaded) if isinstance(loaded, list) else []
    return [cast(dict[str, object], row) for row in given if isinstance(row, dict)]


def _parse_json(value: object, begins: str) -> object:
    """Return the parsed value of a JSON text, ``None`` if it is malformed.

    A text that does not begin with one of the characters ``begins``, and any other value, is
    returned unchanged.
    """
    if not isinstance(value, str) or value.strip()[:1] not in tuple(begins):
        return value
    try:
        return cast(object, load_json(value))
    except ValueError:
        return None


class Fields:
    """The fields of one package or organisation, from an action or from the database."""

    def __init__(self, values: Mapping[str, object], *, is_stored: bool) -> None:
        """Store the values.

        Args:
            values: field → value.
            is_stored: whether lists are always JSON; a value that is no JSON list is then empty.
        """
        self._values = values
        self._texts = list_stored_texts if is_stored else list_texts
        self._rows = list_stored_rows if is_stored else list_rows

    @classmethod
    def of_shown(cls, shown: Mapping[str, object]) -> Fields:
        """Return the fields in a dict of ``package_show`` or ``organization_show``."""
        return cls(shown, is_stored=False)

    @classmethod
    def of_stored(cls, row: object, *columns: str) -> Fields:
        """Return the fields of a row of the database.

        Args:
            row: a package, an organisation, or a row of a query with some of its columns.
            columns: CKAN's own columns; the row may lack some of them.
        """
        own = {name: getattr(row, name, None) for name in columns}
        extras = cast("dict[str, object] | None", getattr(row, "extras", None))
        return cls({**(extras or {}), **own}, is_stored=True)

    def value(self, name: str) -> object:
        """Return the unparsed value of a field, ``None`` if there is none."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """Return a field as text, ``""`` if there is none."""
        return read_text(self._values.get(name))

    def time(self, name: str) -> datetime | None:
        """Return a field that is a time, ``None`` if there is none."""
        return read_time(self._values.get(name))

    def flag(self, name: str) -> bool:
        """Return whether a field is true."""
        return read_flag(self._values.get(name))

    def count(self, name: str) -> int | None:
        """Return a field that is a whole number, ``None`` if there is none."""
        return read_count(self._values.get(name))

    def degrees(self, name: str) -> float | None:
        """Return a field that is a coordinate, ``None`` if there is none."""
        return read_degrees(self._values.get(name))

    def decimal(self, name: str) -> Decimal | None:
        """Return a field that is a number, ``None`` if there is none."""
        return read_decimal(self._values.get(name))

    def json(self, name: str) -> str:
        """Return a JSON field as text, ``""`` if there is none."""
        value = self._values.get(name)
        return json.dumps(value) if isinstance(value, Mapping) else read_text(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a field that is a list of texts."""
        return tuple(self._texts(self._values.get(name)))

    def rows(self, name: str) -> list[Fields]:
        """Return the rows of a field with subfields."""
        # Within a row, a subfield with several values may be JSON or one text.
        return [Fields(row, is_stored=False) for row in self._rows(self._values.get(name))]

    def has(self, name: str) -> bool:
        """Return whether the field exists, even if it is empty."""
        return name in self._values

    def set_aside(self) -> dict[str, tuple[str, ...]]:
        """Return field → values of another catalogue that the field does not accept."""
        return {
            name.removesuffix(REST): tuple(list_texts(value))
            for name, value in self._values.items()
            if name.endswith(REST) and value
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A package or organisation of CKAN; unknown values are ``""``.

    Attributes:
        title: may be empty; see :attr:`label`.
        notes: description, in Markdown.
    """

    id: str
    name: str = ""
    title: str = ""
    notes: str = ""

    @property
    def label(self) -> str:
        """The title, else the name."""
        return self.title or self.name


def read_record(shown: Row) -> Record:
    """Return a record from an item in the list that an action returns."""
    fields = Fields.of_shown(shown)
    found = {name: fields.text(name) for name in ("id", "name", "title", "notes")}
    return Record(**found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Organization(Record):
    """An organisation of the site; unknown values are ``""``.

    Attributes:
        role: role in the marathons (``municipality``, ``coordinating_body`` …).
        municipality_code: INE code, if the organisation is a municipality.
        contact_email: address of an office, never of a person.
        of_profiles: fields that profiles of ckanext-dcat read and that are not in the schema:
            ``email``, ``url``, ``dcat_type``, ``identifier``.
    """

    role: str = ""
    municipality_code: str = ""
    contact_name: str = ""
    contact_email: str = ""
    homepage: str = ""
    of_profiles: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def from_shown(cls, shown: Mapping[str, object]) -> Organization:
        """Return an organisation from a dict of ``organization_show``."""
        return cls.from_fields(Fields.of_shown(shown))

    @classmethod
    def from_stored(cls, row: object) -> Organization:
        """Return an organisation from a row of the database."""
        return cls.from_fields(Fields.of_stored(row, "id", "name", "title"))

    @classmethod
    def from_fields(cls, fields: Fields) -> Organization:
        """Return a record from its fields."""
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
# The other dataset types that this extension defines.
OTHER_TYPES = ("workshop", "idea", "commitment")


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageRecord(Record):
    """A package of any dataset type.

    Attributes:
        owner_id: id of the organisation.
        owner: the organisation, if the action included it.
        is_example: whether the record is an invented example.
        municipalities: codes; from an action, also inherited ones.
        problems: notations of service problems; from an action, also inherited ones.
        created_at: when the package was created, in UTC and without an offset.
        saved_at: when the package was saved last, in UTC and without an offset.
    """

    owner_id: str = ""
    owner: Organization | None = None
    is_example: bool = False
    municipalities: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    created_at: datetime | None = None
    saved_at: datetime | None = None

    @classmethod
    def from_shown(cls, shown: Mapping[str, object]) -> Self:
        """Return a record from a dict of ``package_show``."""
        return cls.from_fields(Fields.of_shown(shown))

    @classmethod
    def from_stored(cls, row: object) -> Self:
        """Return a record from a row of the database.

        It has only its own places and problems, not inherited ones, and its counts are not masked.
        """
        return cls.from_fields(Fields.of_stored(row, *PACKAGE_COLUMNS))

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return a record from its fields."""
        return cls(**read_package(fields))


# CKAN's own columns of a package that records use.
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
    created_at: datetime | None
    saved_at: datetime | None


def read_package(fields: Fields) -> PackageArguments:
    """Return the fields that every package has."""
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
        "created_at": fields.time("metadata_created"),
        "saved_at": fields.time("metadata_modified"),
    }


def _read_owner(value: object) -> Organization | None:
    if not isinstance(value, Mapping):
        return None
    found = Organization.from_shown(cast(Row, value))
    return found if found.id else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """An organisation or office that somebody typed in; unknown values are ``""``.

    Attributes:
        kind: IRI or code of a type of publisher.
    """

    uri: str = ""
    name: str = ""
    email: str = ""
    url: str = ""
    kind: str = ""
    identifier: str = ""

    @classmethod
    def list_from_rows(cls, rows: list[Fields]) -> tuple[Self, ...]:
        """Return one for each row of a field."""
        return tuple(
            cls(
                uri=row.text("uri"),
                name=row.text("name"),
                email=row.text("email"),
                url=row.text("url"),
                kind=row.text("type"),
                identifier=row.text("identifier"),
            )
            for row in rows
        )


@dataclass(frozen=True, slots=True)
class CoveredPeriod:
    """The period of data; each end is a date as it was typed, ``""`` if the period is open."""

    start: str
    end: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CoveredPlace:
    """A place that somebody typed in; unknown values are ``""``.

    Attributes:
        geom: geometry as GeoJSON; so are ``bbox`` and ``centroid``.
        gml: geometry of another catalogue in GML, which is not parsed.
        wkt: geometry of another catalogue in WKT that could not be parsed.
    """

    uri: str = ""
    text: str = ""
    geom: str = ""
    bbox: str = ""
    centroid: str = ""
    gml: str = ""
    wkt: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataService:
    """A data service that gives access to a resource; unknown values are ``""``."""

    uri: str = ""
    identifier: str = ""
    title: str = ""
    description: str = ""
    license: str = ""
    availability: str = ""
    endpoint_urls: tuple[str, ...] = ()
    endpoint_descriptions: tuple[str, ...] = ()
    landing_pages: tuple[str, ...] = ()
    conforms_to: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()

    @classmethod
    def list_from_rows(cls, rows: list[Fields]) -> tuple[Self, ...]:
        """Return one for each row of a field."""
        return tuple(
            cls(
                uri=row.text("uri"),
                identifier=row.text("identifier"),
                title=row.text("title"),
                description=row.text("description"),
                license=row.text("license"),
                availability=row.text("availability"),
                endpoint_urls=row.texts("endpoint_url"),
                endpoint_descriptions=row.texts("endpoint_description"),
                landing_pages=row.texts("landing_page"),
                conforms_to=row.texts("conforms_to"),
                keywords=row.texts("keyword"),
            )
            for row in rows
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A resource of a dataset; unknown values are ``""``.

    Attributes:
        url_type: ``upload`` for a file that is stored on this site.
        size: in bytes.
        hash: digits, possibly after their algorithm (``sha256:…``); see :attr:`checksum`.
        issued: a date as it was typed; so is ``modified``.
        created_at: when the resource was created, in UTC and without an offset.
        saved_at: when the resource was changed last, in UTC and without an offset.
        languages: IRIs or codes.
        set_aside: field → values of another catalogue that the field does not accept.
    """

    id: str
    name: str = ""
    description: str = ""
    url: str = ""
    url_type: str = ""
    access_url: str = ""
    download_url: str = ""
    format: str = ""
    mimetype: str = ""
    compress_format: str = ""
    package_format: str = ""
    size: int | None = None
    hash: str = ""
    hash_algorithm: str = ""
    license: str = ""
    rights: str = ""
    availability: str = ""
    status: str = ""
    languages: tuple[str, ...] = ()
    documentation: tuple[str, ...] = ()
    conforms_to: tuple[str, ...] = ()
    applicable_legislation: tuple[str, ...] = ()
    spatial_resolution: Decimal | None = None
    temporal_resolution: str = ""
    issued: str = ""
    modified: str = ""
    created_at: datetime | None = None
    saved_at: datetime | None = None
    services: tuple[DataService, ...] = ()
    set_aside: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def checksum(self) -> Checksum | None:
        """The checksum, ``None`` if there is none with a known algorithm."""
        return read_checksum({"hash": self.hash, "hash_algorithm": self.hash_algorithm})

    @classmethod
    def from_shown(cls, shown: Row) -> Self:
        """Return a resource from its dict in ``package_show``."""
        return cls.read_resource(Fields.of_shown(shown))

    @classmethod
    def read_resource(cls, fields: Fields) -> Self:
        """Return a resource from its fields."""
        return cls(
            id=fields.text("id"),
            name=fields.text("name"),
            description=fields.text("description"),
            url=fields.text("url"),
            url_type=fields.text("url_type"),
            access_url=fields.text("access_url"),
            download_url=fields.text("download_url"),
            format=fields.text("format"),
            mimetype=fields.text("mimetype"),
            compress_format=fields.text("compress_format"),
            package_format=fields.text("package_format"),
            size=read_size(fields.value("size")),
            hash=fields.text("hash"),
            hash_algorithm=fields.text("hash_algorithm"),
            license=fields.text("license"),
            rights=fields.text("rights"),
            availability=fields.text("availability"),
            status=fields.text("status"),
            languages=fields.texts("language"),
            documentation=fields.texts("documentation"),
            conforms_to=fields.texts("conforms_to"),
            applicable_legislation=fields.texts("applicable_legislation"),
            spatial_resolution=fields.decimal("spatial_resolution_in_meters"),
            temporal_resolution=fields.text("temporal_resolution"),
            issued=fields.text("issued"),
            modified=fields.text("modified"),
            created_at=fields.time("created"),
            saved_at=fields.time("last_modified") or fields.time("metadata_modified"),
            services=DataService.list_from_rows(fields.rows("access_services")),
            set_aside=fields.set_aside(),
        )


@dataclass(frozen=True, slots=True)
class Relationship:
    """The IRI of a resource that is related to a dataset, and the IRI of its role."""

    relation: str
    role: str


@dataclass(frozen=True, slots=True)
class Attribution:
    """Agents of a dataset, and the IRI of their role."""

    agents: tuple[Agent, ...]
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvenanceActivity:
    """An activity that generated a dataset; unknown values are ``""``.

    Attributes:
        kind: IRI of a type of activity.
        started_at: a date as it was typed.
    """

    uri: str = ""
    label: str = ""
    kind: str = ""
    started_at: str = ""
    see_also: str = ""
    agents: tuple[Agent, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class HarvestedFields:
    """Values of a harvested dataset that ckanext-dcat reads and that are not in the schema.

    Attributes:
        subjects: IRIs or names.
        kinds: IRIs or names of types of the dataset.
        related: IRIs of sources, samples, series and other versions.
        languages: language tag → beginnings of the texts in that language.
    """

    alternative_titles: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    is_part_of: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    hvd_categories: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    relationships: tuple[Relationship, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    activities: tuple[ProvenanceActivity, ...] = ()
    languages: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @classmethod
    def read_harvested(cls, fields: Fields) -> Self:
        """Return the values from extras, which have the names that ckanext-dcat uses."""
        return cls(
            alternative_titles=fields.texts("dct_alternative"),
            references=fields.texts("dct_references"),
            is_part_of=fields.texts("dct_is_part_of"),
            subjects=fields.texts("dct_subject"),
            kinds=fields.texts("dcat_type"),
            hvd_categories=fields.texts("hvd_category"),
            related=tuple(text for name in _RELATED for text in fields.texts(name)),
            relationships=tuple(
                Relationship(row.text("relation"), row.text("role"))
                for row in fields.rows("qualified_relation")
            ),
            attributions=tuple(
                Attribution(Agent.list_from_rows(row.rows("agent")), row.text("role"))
                for row in fields.rows("qualified_attribution")
            ),
            activities=tuple(
                ProvenanceActivity(
                    uri=row.text("uri"),
                    label=row.text("label"),
                    kind=row.text("dct_type"),
                    started_at=row.text("startedAtTime"),
                    see_also=row.text("seeAlso"),
                    agents=Agent.list_from_rows(row.rows("wasAssociatedWith")),
                )
                for row in fields.rows("provenance_activity")
            ),
            languages=list_texts_by_key(fields.value(OTHER_LANGUAGES)),
        )


# These are published as ``dct:relation``, which is more general. The range of ``dct:source`` and
# others is ``dcat:Dataset``, which portals would list; ``dcat:inSeries`` requires a series with a
# title.
_RELATED = ("related_resource", "source", "is_version_of", "sample", "in_series")
# The extra with language tag → beginnings of the texts in that language.
OTHER_LANGUAGES = "other_languages"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset(PackageRecord):
    """A dataset; unknown values are ``""``.

    Empty fields of a dataset that is older than the schema are filled from extras with the names
    that ckanext-dcat uses.

    Attributes:
        idea_ids: ids of its ideas.
        ideas: its ideas that the reader may see, from an action.
        data_need_ids: ids of the data needs that it meets.
        origins: origin of its municipalities and of its problems, from an action: ``own``, ``idea``
            or ``none``.
        issued: a date as it was typed; so is ``modified``.
        first_published: when it became public for the first time; ``None`` if it never was.
        knows_publication: whether ``first_published`` is known; it is not in search results.
        is_copy: whether it has an identifier of another catalogue (``uri`` or ``guid``).
        license_id: CKAN's id of the licence; ``license_title`` and ``license_url`` are from CKAN's
            register.
        frequency: IRI or code of an authority table; so are ``access_rights``, ``themes`` and
            ``languages``.
        documentation: web addresses; so are ``conforms_to``, ``is_referenced_by``, ``has_version``
            and ``applicable_legislation``.
        set_aside: field → values of another catalogue that the field does not accept.
    """

    idea_ids: tuple[str, ...] = ()
    ideas: tuple[Idea, ...] = ()
    data_need_ids: tuple[str, ...] = ()
    code: str = ""
    origins: tuple[str, ...] = ()
    issued: str = ""
    modified: str = ""
    first_published: datetime | None = None
    knows_publication: bool = False
    is_copy: bool = False
    url: str = ""
    version: str = ""
    version_notes: str = ""
    provenance: str = ""
    license_id: str = ""
    license_title: str = ""
    license_url: str = ""
    rights_note: str = ""
    access_rights: str = ""
    frequency: str = ""
    languages: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    alternate_identifiers: tuple[str, ...] = ()
    documentation: tuple[str, ...] = ()
    conforms_to: tuple[str, ...] = ()
    is_referenced_by: tuple[str, ...] = ()
    has_version: tuple[str, ...] = ()
    applicable_legislation: tuple[str, ...] = ()
    places: tuple[CoveredPlace, ...] = ()
    periods: tuple[CoveredPeriod, ...] = ()
    spatial_resolution: Decimal | None = None
    temporal_resolution: str = ""
    publishers: tuple[Agent, ...] = ()
    creators: tuple[Agent, ...] = ()
    contacts: tuple[Agent, ...] = ()
    resources: tuple[Resource, ...] = ()
    harvested: HarvestedFields = field(default_factory=HarvestedFields)
    set_aside: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @classmethod
    def from_shown(cls, shown: Row) -> Self:
        """Return a dataset from a dict of ``package_show``, empty fields filled from extras."""
        return cls.from_fields(Fields.of_shown(fill_from_extras(shown)))

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return a record from its fields."""
        return cls(
            **read_package(fields),
            idea_ids=fields.texts("idea"),
            ideas=tuple(Idea.from_fields(row) for row in fields.rows("ideas")),
            data_need_ids=fields.texts("data_need"),
            origins=(
                *fields.texts("municipality_origin"),
                *fields.texts("service_problem_origin"),
            ),
            issued=fields.text("issued"),
            modified=fields.text("modified"),
            first_published=fields.time("first_published"),
            knows_publication=fields.has("first_published"),
            is_copy=bool(fields.value("uri") or fields.value("guid")),
            url=fields.text("url"),
            version=fields.text("version"),
            version_notes=fields.text("version_notes"),
            provenance=fields.text("provenance"),
            license_id=fields.text("license_id"),
            license_title=fields.text("license_title"),
            license_url=fields.text("license_url"),
            rights_note=fields.text("rights_note"),
            access_rights=fields.text("access_rights"),
            frequency=fields.text("frequency"),
            languages=fields.texts("language"),
            themes=fields.texts("theme"),
            tags=tuple(row.text("name") for row in fields.rows("tags")),
            code=fields.text("code"),
            alternate_identifiers=fields.texts("alternate_identifier"),
            documentation=fields.texts("documentation"),
            conforms_to=fields.texts("conforms_to"),
            is_referenced_by=fields.texts("is_referenced_by"),
            has_version=fields.texts("has_version"),
            applicable_legislation=fields.texts("applicable_legislation"),
            places=tuple(
                CoveredPlace(
                    uri=row.text("uri"),
                    text=row.text("text"),
                    geom=row.json("geom"),
                    bbox=row.json("bbox"),
                    centroid=row.json("centroid"),
                )
                for row in fields.rows("spatial_coverage")
            ),
            periods=tuple(
                CoveredPeriod(row.text("start"), row.text("end"))
                for row in fields.rows("temporal_coverage")
            ),
            spatial_resolution=fields.decimal("spatial_resolution_in_meters"),
            temporal_resolution=fields.text("temporal_resolution"),
            publishers=Agent.list_from_rows(fields.rows("publisher")),
            creators=Agent.list_from_rows(fields.rows("creator")),
            contacts=Agent.list_from_rows(fields.rows("contact")),
            resources=tuple(map(Resource.read_resource, fields.rows("resources"))),
            harvested=HarvestedFields.read_harvested(fields),
            set_aside=fields.set_aside(),
        )


_SUBFIELDS = {
    "publisher": ("uri", "name", "email", "url", "type", "identifier"),
    "creator": ("uri", "name", "email", "url", "type", "identifier"),
    "contact": ("uri", "name", "email", "url", "identifier"),
}
_PERIOD = {"start": "temporal_start", "end": "temporal_end"}
_PLACE = {
    "uri": "spatial_uri",
    "text": "spatial_text",
    "geom": "spatial",
    "bbox": "spatial_bbox",
    "centroid": "spatial_centroid",
}
_RENAMED = {"identifier": "alternate_identifier"}
# Without ``dcat_``, its name would be that of one of CKAN's own fields.
_AS_IT_IS = frozenset({"dcat_type"})


def fill_from_extras(shown: Row) -> dict[str, object]:
    """Return a dataset whose empty fields are filled from its extras.

    Args:
        shown: a dict of ``package_show``; is not changed.

    Source: ckanext-dcat 2.4, mapping of DCAT fields to CKAN's extras.
    """
    extras = {
        key if key in _AS_IT_IS else key.removeprefix("dcat_"): extra.get("value")
        for extra in list_rows(shown.get("extras"))
        for key in [str(extra.get("key", ""))]
    }
    filled = dict(shown)
    for key, value in extras.items():
        name = _RENAMED.get(key, key)
        if value and not filled.get(name):
            filled[name] = value
    for name, parts in _SUBFIELDS.items():
        _fill_row(filled, name, {part: extras.get(f"{name}_{part}") for part in parts})
    _fill_row(filled, "temporal_coverage", {key: extras.get(name) for key, name in _PERIOD.items()})
    _fill_row(filled, "spatial_coverage", {key: extras.get(name) for key, name in _PLACE.items()})
    for person in ("maintainer", "author"):
        contact = {"name": filled.get(person), "email": filled.get(f"{person}_email")}
        _fill_row(filled, "contact", contact)
    return filled


def _fill_row(filled: dict[str, object], name: str, row: dict[str, object]) -> None:
    if any(row.values()) and not list_rows(filled.get(name)):
        filled[name] = [row]


@dataclass(frozen=True, slots=True)
class DataNeed:
    """A data need of an idea; ``id`` is "" if an old version stored it."""

    id: str
    what: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary of an idea in another language.

    Attributes:
        language: IRI or code.
        audio: address of a recording, ``""`` if there is none.
    """

    language: str
    text: str
    audio: str = ""


@dataclass(frozen=True, slots=True)
class IdeaStep:
    """A step in the history of an idea.

    Attributes:
        at: ISO 8601 with an offset.
        user: name of the user, "" if the reader may not see it.
        organization: title of the organisation that changed the status.
    """

    at: str
    status: str
    reason: str = ""
    user: str = ""
    organization: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Idea(PackageRecord):
    """An idea; unknown values are ``""``.

    Attributes:
        workshop_id: id of the workshop that it comes from.
        workshop: that workshop, if the action included it.
        status: code.
        communities: names of places.
        proponent_group: code.
        evidence: web addresses.
        steps: its history, first to last, if the action included it.
    """

    code: str = ""
    workshop_id: str = ""
    workshop: Workshop | None = None
    status: str = ""
    communities: tuple[str, ...] = ()
    proponent_group: str = ""
    votes: int | None = None
    priority: int | None = None
    data_needs: tuple[DataNeed, ...] = ()
    evidence: tuple[str, ...] = ()
    summaries: tuple[Summary, ...] = ()
    steps: tuple[IdeaStep, ...] = ()

    def name_need(self, need_id: str) -> str:
        """Return the text of one of its data needs, ``""`` if it has no such need."""
        return next((need.what for need in self.data_needs if need.id == need_id), "")

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return a record from its fields."""
        return cls(
            **read_package(fields),
            code=fields.text("code"),
            workshop_id=_read_id(fields.value("workshop")),
            workshop=_read_workshop(fields.value("workshop_info"), fields.value("workshop")),
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
                Summary(row.text("lang"), row.text("text"), row.text("audio"))
                for row in fields.rows("summary")
            ),
            steps=tuple(
                IdeaStep(
                    row.text("at"),
                    row.text("status"),
                    row.text("reason"),
                    row.text("user"),
                    _read_label(row.value("organization")),
                )
                for row in fields.rows("history")
            ),
        )


def _read_workshop(*values: object) -> Workshop | None:
    """Return the workshop from the first value that is a dict, ``None`` if none is."""
    shown = next((cast(Row, value) for value in values if isinstance(value, Mapping)), None)
    return Workshop.from_shown(shown) if shown else None


def _read_label(value: object) -> str:
    """Return the label of a record that is included as a dict, ``""`` for any other value."""
    return read_record(cast(Row, value)).label if isinstance(value, Mapping) else ""


def _read_id(value: object) -> str:
    """Return an id; of a record that is included as a dict, its id."""
    if isinstance(value, Mapping):
        value = cast(Mapping[str, object], value).get("id")
    return read_text(value)


@dataclass(frozen=True, slots=True)
class Organiser:
    """An organisation that takes part in organising a workshop; ``role`` is a code or ``""``."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """An organisation that was invited to a workshop; unknown values are ``""``.

    Attributes:
        invited_on: ISO 8601; so is ``answered_on``.
        answer: code; so is ``attended``.
    """

    organisation: str
    invited_on: str
    answer: str
    answered_on: str = ""
    attended: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop(PackageRecord):
    """A workshop; unknown values are ``""``.

    Attributes:
        municipalities: codes of those that take part; the venue may be in another one.
        starts_at: a day, or a moment with its offset, ISO 8601; so is ``ends_at``.
        rsvp_by: last day to confirm, ISO 8601.
        venue_municipality: code.
        latitude: latitude of the venue in degrees; so is ``longitude``.
        participants: field → number of people, ``None`` if it is not recorded or masked.
        masked: fields of ``participants`` that are masked for this reader.
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
    source_note: str = ""
    participants: workshop.Counts = field(default_factory=dict[str, "int | None"])
    participants_note: str = ""
    masked: tuple[str, ...] = ()

    @property
    def unanswered(self) -> list[Invitation]:
        """The invitations without a recorded answer."""
        return [
            invitation
            for invitation in self.invitations
            if invitation.organisation and invitation.answer in UNANSWERED
        ]

    @property
    def times(self) -> WorkshopTimes:
        """Its times, for the agenda."""
        return WorkshopTimes(self.id, self.starts_at, self.ends_at, self.status)

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return a record from its fields."""
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
                Invitation(
                    row.text("organisation"),
                    row.text("invited_on"),
                    row.text("answer"),
                    row.text("answered_on"),
                    row.text("attended"),
                )
                for row in fields.rows("invitation")
            ),
            source_url=fields.text("source_url"),
            source_note=fields.text("source_note"),
            participants_note=fields.text("participants_note"),
            participants={name: fields.count(name) for name in workshop.COUNT_FIELDS},
            masked=fields.texts("participants_masked"),
        )


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone of a commitment.

    Attributes:
        due: a year, month or day, ISO 8601; ``""`` if unknown.
        status: code, ``""`` if unknown.
        evidence: web addresses.
    """

    title: str
    due: str
    status: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Commitment(PackageRecord):
    """A commitment; unknown values are ``""``.

    Attributes:
        plan: name of the action plan.
        number: number of the commitment in the plan.
        leads: names of institutions; so are ``partners``.
    """

    plan: str = ""
    number: str = ""
    axis: str = ""
    leads: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    source_url: str = ""
    milestones: tuple[Milestone, ...] = ()

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return a record from its fields."""
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


_RECORDS: Mapping[str, type[PackageRecord]] = {
    DATASET: Dataset,
    "workshop": Workshop,
    "idea": Idea,
    "commitment": Commitment,
}


def read_package_record(shown: Row) -> PackageRecord:
    """Return the record of a package of any type.

    A package of a type that the site itself defines becomes a :class:`PackageRecord`.
    """
    package_type = read_text(shown.get("type")) or DATASET
    return _RECORDS.get(package_type, PackageRecord).from_shown(shown)
