"""The code of a workshop or idea: one in its organisation and type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckan import model

from ckanext.marathon.domain.errors import N_, FieldFault, Taken, make_fault
from ckanext.marathon.logic import say
from ckanext.marathon.model import package as package_model

if TYPE_CHECKING:
    from ckanext.marathon.logic.validators.flat import Flat

TAKEN = N_("The code {code} is taken in this organisation by “{title}”")
TAKEN_NOW = N_("The code {code} was taken in this organisation a moment ago")


def check(flat: Flat, package_type: str) -> list[FieldFault]:
    """Return a fault if another record of the organisation has the code."""
    wanted, organization = flat.text("code"), flat.text("owner_org")
    if not wanted or not organization:
        return []
    holder = package_model.find_code_holder(organization, package_type, wanted)
    if holder is None or (flat.stored and holder == flat.stored.id):
        return []
    return [_taken(wanted, holder)]


def assign(package: model.Package, code: str, owner_org: str | None = None) -> None:
    """Write down whose the code is, in the package's organisation or in ``owner_org``.

    Raises:
        ckan.plugins.toolkit.ValidationError: somebody else was first by an instant; everything
            is rolled back.
    """
    try:
        owner = package.owner_org if owner_org is None else owner_org
        package_model.assign_code(package.id, owner or "", package.type, code)
    except Taken as taken:
        say.refuse(_taken(taken.key, taken.holder))


def _taken(code: str, holder: str | None) -> FieldFault:
    package = model.Package.get(holder)
    if package is None:
        return make_fault("code", TAKEN_NOW, code=code)
    return make_fault("code", TAKEN, code=code, title=package.title or package.name)
