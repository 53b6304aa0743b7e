"""An organisation as a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ckanext.marathon.records.base import Record
from ckanext.marathon.records.values import Fields


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
