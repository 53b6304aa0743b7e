"""Texts of CKAN that its Spanish catalogue lacks, so that ours brings them.

CKAN joins the catalogues of its extensions to its own. Nothing calls what is here: these are the
sentences a visitor or an officer meets, for `make translations` to find. One that CKAN's own
catalogue has gained is taken out again (a test says which).
"""

from __future__ import annotations

import ckan.plugins.toolkit as tk

from ckanext.marathon.domain.errors import N_


def ngettext(one: str, many: str) -> str:
    """Mark a text with a plural for translation, return its singular."""
    return one


TEXTS = (
    # Lists of organisations and groups
    N_("There are currently no groups for this site."),
    N_("There are no groups associated with this dataset."),
    N_("There is no description for this organization."),
    N_("There is no description for this dataset."),
    N_("Open details page for {name}"),
    # Members of an organisation
    ngettext("{num} Member", "{num} Members"),
    N_("Edit role"),
    N_("Edit the role of the user within the organization"),
    N_("Delete member"),
    N_("Delete this member from the organization"),
    N_("You are no longer a member of this group."),
    # Search
    N_("Filter by: {title}"),
    N_("Search datasets by {name}: {label}"),
    N_("Remove applied filter: {value}"),
    N_("Search datasets with the tag: {name}"),
    N_("Navigate to dataset: {title}"),
    N_("close"),
    # Files
    N_("Current resource: {name}"),
    N_("Resource URL: {url}"),
    N_("Navigate to resource: {name}"),
    N_("Navigate to resource: {name_or_id}"),
    N_("No resource data entered"),
    # Accounts
    N_("Login failed. Bad username or password or CAPTCHA."),
    N_("This information is visible to you and admins"),
    N_("Reactivate Profile"),
    N_("Are you sure you want to revoke these tokens?"),
    N_("Revoke tokens"),
    N_("The username is already associated with another account. Please use a different username."),
    N_("You must be logged in to follow datasets"),
    N_("You must be logged in to follow groups"),
    # History
    N_("Activity occurred on: {time}"),
    N_("Show metadata diff"),
    N_("Hide metadata diff"),
    N_("Start date"),
    N_("End date"),
    # Scripts
    N_("Please Confirm"),
    N_("Notification"),
    N_("Searching..."),
    N_("Close modal"),
    N_("Navigate to Home - {site_title}"),
    # ckanext-dcat has no Spanish for it
    N_(
        "Date format incorrect. Supported formats are YYYY, YYYY-MM, YYYY-MM-DD and "
        "YYYY-MM-DDTHH:MM:SS"
    ),
)


def marathon_activity_type(name: str) -> str:
    """Return what a kind of activity is called, which CKAN only says in English."""
    names = {
        "new package": tk._("Published"),
        "changed package": tk._("Changed"),
        "deleted package": tk._("Deleted"),
        "follow dataset": tk._("Followed"),
        "new resource view": tk._("View of a file added"),
        "changed resource view": tk._("View of a file changed"),
        "deleted resource view": tk._("View of a file deleted"),
        "new organization": tk._("Organisation added"),
        "changed organization": tk._("Organisation changed"),
        "deleted organization": tk._("Organisation deleted"),
        "follow group": tk._("Group followed"),
        "new group": tk._("Group added"),
        "changed group": tk._("Group changed"),
        "deleted group": tk._("Group deleted"),
        "new user": tk._("Account opened"),
        "changed user": tk._("Account changed"),
        "follow user": tk._("Account followed"),
    }
    return names.get(name, name.capitalize())
