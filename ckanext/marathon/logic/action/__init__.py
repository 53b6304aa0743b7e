"""The API, one file a noun. CKAN registers what ``__all__`` names."""

from typing import Any

from ckanext.marathon.logic.action.activity import activity_actions
from ckanext.marathon.logic.action.change import marathon_change_list
from ckanext.marathon.logic.action.config_option import config_option_update
from ckanext.marathon.logic.action.follower import (
    am_following_dataset,
    dataset_followee_list,
    dataset_follower_count,
    follow_dataset,
    followee_list,
    unfollow_dataset,
)
from ckanext.marathon.logic.action.group import (
    group_create,
    group_delete,
    group_purge,
    group_update,
)
from ckanext.marathon.logic.action.idea import (
    marathon_data_need_list,
    marathon_idea_datasets,
    marathon_idea_status_list,
    marathon_idea_status_update,
    marathon_workshop_ideas,
)
from ckanext.marathon.logic.action.idea_form import (
    marathon_idea_choices,
    marathon_idea_quick_create,
)
from ckanext.marathon.logic.action.invitation import marathon_invitation_list
from ckanext.marathon.logic.action.listing import (
    group_list,
    organization_list,
    package_autocomplete,
    package_list,
    package_search,
    tag_show,
    user_list,
    user_show,
)
from ckanext.marathon.logic.action.member import member_create
from ckanext.marathon.logic.action.municipality import marathon_municipality_create
from ckanext.marathon.logic.action.officer import marathon_officer_invite, marathon_officer_list
from ckanext.marathon.logic.action.organization import (
    organization_create,
    organization_list_for_user,
    organization_show,
    organization_update,
)
from ckanext.marathon.logic.action.organization_removal import (
    organization_delete,
    organization_purge,
)
from ckanext.marathon.logic.action.package import (
    bulk_update_delete,
    bulk_update_private,
    bulk_update_public,
    dataset_purge,
    package_create,
    package_delete,
    package_owner_org_update,
    package_relationships_list,
    package_show,
    package_update,
)
from ckanext.marathon.logic.action.package_words import (
    format_autocomplete,
    member_list,
    tag_autocomplete,
    tag_list,
    tag_search,
)
from ckanext.marathon.logic.action.plain_texts import plain_text_actions
from ckanext.marathon.logic.action.resource import (
    resource_create,
    resource_delete,
    resource_update,
    resource_view_update,
)
from ckanext.marathon.logic.action.takedown import (
    marathon_takedown,
    marathon_takedown_apply,
    marathon_takedown_list,
)
from ckanext.marathon.logic.action.user_invite import user_invite

__all__ = [
    "am_following_dataset",
    "bulk_update_delete",
    "bulk_update_private",
    "bulk_update_public",
    "config_option_update",
    "dataset_followee_list",
    "dataset_follower_count",
    "dataset_purge",
    "follow_dataset",
    "followee_list",
    "format_autocomplete",
    "group_create",
    "group_delete",
    "group_list",
    "group_purge",
    "group_update",
    "marathon_change_list",
    "marathon_data_need_list",
    "marathon_idea_choices",
    "marathon_idea_datasets",
    "marathon_idea_quick_create",
    "marathon_idea_status_list",
    "marathon_idea_status_update",
    "marathon_invitation_list",
    "marathon_municipality_create",
    "marathon_officer_invite",
    "marathon_officer_list",
    "marathon_takedown",
    "marathon_takedown_apply",
    "marathon_takedown_list",
    "marathon_workshop_ideas",
    "member_create",
    "member_list",
    "organization_create",
    "organization_delete",
    "organization_list",
    "organization_list_for_user",
    "organization_purge",
    "organization_show",
    "organization_update",
    "package_autocomplete",
    "package_create",
    "package_delete",
    "package_list",
    "package_owner_org_update",
    "package_relationships_list",
    "package_search",
    "package_show",
    "package_update",
    "resource_create",
    "resource_delete",
    "resource_update",
    "resource_view_update",
    "tag_autocomplete",
    "tag_list",
    "tag_search",
    "tag_show",
    "unfollow_dataset",
    "user_invite",
    "user_list",
    "user_show",
]


def collect_actions() -> dict[str, Any]:
    """Return what CKAN registers: these, and those that are chained to plugins that are loaded."""
    own = {name: globals()[name] for name in __all__}
    others = activity_actions() | plain_text_actions()
    assert own.keys().isdisjoint(others), "an action can be chained once"
    return own | others
