"""Who may do what, one file a noun. CKAN registers what ``__all__`` names."""

from ckanext.marathon.logic.auth.change import marathon_change_list
from ckanext.marathon.logic.auth.idea import marathon_idea_choices, marathon_idea_quick_create
from ckanext.marathon.logic.auth.invitation import marathon_invitation_list
from ckanext.marathon.logic.auth.municipality import marathon_municipality_create
from ckanext.marathon.logic.auth.officer import marathon_officer_invite, marathon_officer_list
from ckanext.marathon.logic.auth.organization import organization_create, organization_update
from ckanext.marathon.logic.auth.package import (
    package_collaborator_list,
    package_create,
    package_show,
    package_update,
)
from ckanext.marathon.logic.auth.takedown import (
    marathon_takedown,
    marathon_takedown_apply,
    marathon_takedown_list,
)

__all__ = [
    "marathon_change_list",
    "marathon_idea_choices",
    "marathon_idea_quick_create",
    "marathon_invitation_list",
    "marathon_municipality_create",
    "marathon_officer_invite",
    "marathon_officer_list",
    "marathon_takedown",
    "marathon_takedown_apply",
    "marathon_takedown_list",
    "organization_create",
    "organization_update",
    "package_collaborator_list",
    "package_create",
    "package_show",
    "package_update",
]
