"""Organisations, people, workshops, ideas and datasets for tests, made through the actions.

Each call also makes the records that it needs and does not get: ``MarathonDataset()`` makes its
municipality, its workshop and its idea. Like CKAN's own factories they act as the site's user, or
as ``user`` (a name or a dict; ``None`` for an anonymous visitor), without a check of permissions.
With ``context={"user": name, "ignore_auth": False}`` they are checked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.marathon.vocabulary import territory
from tests import chance, remembered

CODES = [municipality.code for municipality in territory.list_municipalities()]
# Tests name municipalities of these departments, and two organisations cannot have one code.
_NAMED_BY_TESTS = ("01", "05", "13", "21")
_FREE = [code for code in CODES if not code.startswith(_NAMED_BY_TESTS)]


def next_code() -> str:
    """Return a municipality code that no test names, another one each time."""
    while True:
        code = _FREE[chance.next_number() % len(_FREE)]
        used = model.Group.extras["municipality_code"].astext == code
        is_used = model.Session.query(model.Group.id).filter(used).first()
        if not is_used and remembered.is_free(code):
            return code


def code_of(organization_id: str | None) -> str:
    """Return the municipality code of an organisation, or one of nobody's."""
    organization = model.Group.get(organization_id)
    extras = (organization.extras or {}) if organization else {}
    return extras.get("municipality_code") or next_code()


class Municipality(factories.Organization):
    """An organisation that is a municipality, with a code."""

    municipality_code = factory.LazyFunction(next_code)
    role = "municipality"


class CoordinatingBody(factories.Organization):
    """A national body that coordinates the marathons."""

    role = "coordinating_body"


class CivilSociety(factories.Organization):
    """A civil-society organisation."""

    role = "civil_society"


class NationalBody(factories.Organization):
    """Another public body of the country."""

    role = "other_public_body"


def made_for(factory: type[factories.CKANFactory]) -> str:
    """Return the id of a record that another one needs and was not given.

    On a site in a known state it is put back from a copy (``tests/remembered.py``).
    """
    return remembered.remember(factory.__name__, lambda: factory()["id"])


def older_organization(**fields: Any) -> dict[str, Any]:
    """Return an organisation without a role that was on the site before the plugin."""
    made = factories.Organization(**fields)
    group = model.Group.get(made["id"])
    assert group is not None
    group.created -= timedelta(days=1)
    model.repo.commit()
    return made


def officer(organization_id: str, capacity: str = "editor", **user: Any) -> dict[str, Any]:
    """Return a new user with a role (``capacity``) in an organisation."""
    person = factories.User(**user)
    call_action(
        "organization_member_create",
        id=organization_id,
        username=person["name"],
        role=capacity,
        context={"user": call_action("get_site_user")["name"], "ignore_auth": True},
    )
    return person


class Commitment(factories.Dataset):
    """A commitment of an action plan."""

    type = "commitment"
    plan = "Third Open Government Action Plan 2016-2018"
    owner_org = factory.LazyFunction(lambda: made_for(CoordinatingBody))


class Workshop(factories.Dataset):
    """A workshop of one municipality with the status ``held``."""

    type = "workshop"
    kind = "ideation"
    status = "held"
    owner_org = factory.LazyFunction(lambda: made_for(Municipality))
    municipality = factory.LazyAttribute(lambda o: [code_of(o.owner_org)])


class Idea(factories.Dataset):
    """An idea of a workshop, proposed, for all of the workshop's municipalities."""

    type = "idea"
    workshop = factory.LazyFunction(lambda: made_for(Workshop))
    owner_org = factory.LazyAttribute(lambda o: model.Package.get(o.workshop).owner_org)
    service_problem = ["AGU-01"]


class MarathonDataset(factories.Dataset):
    """A dataset that came out of an idea of the same organisation."""

    idea = factory.LazyFunction(lambda: [made_for(Idea)])
    owner_org = factory.LazyAttribute(lambda o: model.Package.get(o.idea[0]).owner_org)
