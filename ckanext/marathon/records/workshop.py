"""A workshop as a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ckanext.marathon.domain import workshop
from ckanext.marathon.domain.workshop import UNANSWERED, WorkshopTimes
from ckanext.marathon.records.package import COLUMNS, PackageRecord, read_common
from ckanext.marathon.records.values import Fields


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
    def from_shown(cls, shown: Mapping[str, object]) -> Workshop:
        """Return a workshop as ``package_show`` gives it."""
        return cls._read(Fields.of_shown(shown))

    @classmethod
    def from_stored(cls, row: object) -> Workshop:
        """Return a workshop as the database has it, counts of people unmasked."""
        return cls._read(Fields.of_stored(row, *COLUMNS))

    @classmethod
    def _read(cls, fields: Fields) -> Workshop:
        return cls(
            **read_common(fields),
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
