"""The API, one file a noun. CKAN registers what ``__all__`` names."""

from ckanext.marathon.logic.action.listing import (
    group_list,
    organization_list,
    package_autocomplete,
    package_list,
    tag_show,
    user_list,
    user_show,
)

__all__ = [
    "group_list",
    "organization_list",
    "package_autocomplete",
    "package_list",
    "tag_show",
    "user_list",
    "user_show",
]
