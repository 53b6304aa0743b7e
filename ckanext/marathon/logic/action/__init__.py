"""The API, one file a noun. CKAN registers what ``__all__`` names."""

from ckanext.marathon.logic.action.idea_form import (
    marathon_idea_choices,
    marathon_idea_quick_create,
)
from ckanext.marathon.logic.action.listing import (
    group_list,
    organization_list,
    package_autocomplete,
    package_list,
    tag_show,
    user_list,
    user_show,
)
from ckanext.marathon.logic.action.municipality import marathon_municipality_create
from ckanext.marathon.logic.action.officer import marathon_officer_invite, marathon_officer_list
from ckanext.marathon.logic.action.organization import organization_create

__all__ = [
    "group_list",
    "marathon_idea_choices",
    "marathon_idea_quick_create",
    "marathon_municipality_create",
    "marathon_officer_invite",
    "marathon_officer_list",
    "organization_create",
    "organization_list",
    "package_autocomplete",
    "package_list",
    "tag_show",
    "user_list",
    "user_show",
]
