"""All calls to the site: every action with suitable data, and every address.

Data and addresses name records by words in angle brackets (``<record>``, ``<file>``),
so that the same call can be made about each record, and about one that does not exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.trust.secrets import KINDS, STATES, Secrets

# The groups of actions and addresses, each with its own rows in the table.
RECORD, FILE, VIEW, ACTIVITY = "record", "file", "view", "activity"
OF_RECORDS = (RECORD, FILE, VIEW, ACTIVITY)

# The records of the calls. Workshops and commitments are treated like ideas.
ASKED_KINDS = ("dataset", "idea")

# Replaces each id in a call, for the same call about a record that does not exist.
UNKNOWN = {
    "<record>": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    "<name>": "no-such-name",
    "<file>": "6f9619ff-8b86-4d01-b42d-00cf4fc964fe",
    "<view>": "6f9619ff-8b86-4d01-b42d-00cf4fc964fd",
    "<activity>": "6f9619ff-8b86-4d01-b42d-00cf4fc964fc",
    "<later activity>": "6f9619ff-8b86-4d01-b42d-00cf4fc964fb",
    "<short>": "6f9619ff",
}

Fields = dict[str, Any]

_MORE_FILE = {"url": "https://example.gt/otro.csv", "name": "Otro", "format": "CSV"}
# To put a link in the place of an upload.
_NO_UPLOAD = {"url_type": "", "clear_upload": "true"}
_MEMBER = {"id": "<M>", "object": "<user>", "object_type": "user", "capacity": "editor"}
_MEMBER_OF_M = {"organization": "<M>", "user": "<member id>"}
_ROLE = {"id": "<M>", "username": "<user>", "role": "editor"}
_GROUP_ROLE = {"id": "<group>", "username": "<user>", "role": "editor"}
_RELATION = {"subject": "<record>", "object": "<public commitment>", "type": "links_to"}
_COLLABORATOR = {"id": "<record>", "user_id": "<user>"}
_NEW_DATASET = {
    "type": "dataset",
    "name": "nuevo",
    "title": "Nuevo",
    "notes": "Notas",
    "idea": ["<public idea>"],
}
_NEW_IDEA = {
    "type": "idea",
    "name": "nueva",
    "title": "Nueva",
    "workshop": "<public workshop>",
    "service_problem": ["AGU-01"],
}
_NOTHING = "BEGIN RETURN NEW; END;"
_TRANSLATION = {"term": "agua", "term_translation": "water", "lang_code": "en"}
_TASK = {
    "entity_id": "x",
    "entity_type": "x",
    "task_type": "x",
    "key": "x",
    "value": "x",
    "state": "x",
    "last_updated": "2026-01-01",
    "error": "",
}

_ROWS_FOR_M = {
    "organization": "<M>",
    "sheet": "ideas",
    "pasted": "I-1\tUna idea\t<public workshop>\tAGU-01",
}

# Action → (group, data), in the order of CKAN's modules, then other plugins, then this extension.
ACTIONS: dict[str, list[tuple[Any, ...]]] = {
    # reading records
    "package_show": [(RECORD, {"id": "<record>"})],
    "package_search": [
        (RECORD, {"fq": "id:<record>", "include_private": True, "include_drafts": True}),
        ("all", {"q": "Registro", "facet.field": '["tags","organization","res_format"]'}),
        (
            "all, hidden ones too",
            {
                "q": "Registro",
                "fq": "+dataset_type:* +state:*",
                "include_private": True,
                "include_drafts": True,
                "include_deleted": True,
            },
        ),
    ],
    "package_list": [("all", {})],
    "current_package_list_with_resources": [("all", {})],
    "package_autocomplete": [("all", {"q": "Registro"})],
    "package_relationships_list": [(RECORD, {"id": "<record>"})],
    "package_collaborator_list": [(RECORD, {"id": "<record>"})],
    "package_collaborator_list_for_user": [
        ("own account", {"id": "<me>"}),
        ("another's account", {"id": "<user>"}),
    ],
    "resource_show": [(FILE, {"id": "<file>"})],
    "resource_search": [("all", {"query": "name:Archivo"})],
    "resource_view_show": [(VIEW, {"id": "<view>"})],
    "resource_view_list": [(FILE, {"id": "<file>"})],
    "format_autocomplete": [("all", {"q": "F"})],
    "tag_list": [("all", {})],
    "tag_search": [("all", {"query": "tag"})],
    "tag_autocomplete": [("all", {"query": "tag"})],
    "tag_show": [("a tag", {"id": "<tag>", "include_datasets": True})],
    # reading organisations, groups, people
    "organization_list": [
        ("all", {"all_fields": True}),
        ("all with people", {"all_fields": True, "include_users": True}),
    ],
    "organization_list_for_user": [("all", {}), ("another's account", {"id": "<user>"})],
    "organization_show": [
        ("M", {"id": "<M>", "include_users": False}),
        ("M with its people", {"id": "<M>", "include_users": True}),
        ("M with its datasets", {"id": "<M>", "include_users": False, "include_datasets": True}),
    ],
    "organization_autocomplete": [("all", {"q": "a"})],
    "member_list": [
        ("people of M", {"id": "<M>", "object_type": "user"}),
        ("records of M", {"id": "<M>", "object_type": "package"}),
    ],
    "member_roles_list": [("all", {})],
    "group_list": [("all", {})],
    "group_list_authz": [("all", {})],
    "group_show": [
        ("a group", {"id": "<group>", "include_users": False, "include_datasets": True}),
        ("a group with its people", {"id": "<group>", "include_users": True}),
    ],
    "group_package_show": [("a group", {"id": "<group>"}), ("M", {"id": "<M>"})],
    "group_autocomplete": [("all", {"q": "a"})],
    "user_list": [("all", {}), ("by e-mail address", {"email": "<address>"})],
    "user_show": [
        ("own account", {"id": "<me>", "include_datasets": True}),
        ("another's account", {"id": "<user>", "include_datasets": True}),
    ],
    "user_autocomplete": [("all", {"q": "test"})],
    "api_token_list": [
        ("own account", {"user_id": "<me>"}),
        ("another's account", {"user_id": "<user>"}),
    ],
    "get_site_user": [("all", {})],
    # following
    "am_following_dataset": [(RECORD, {"id": "<record>"})],
    "am_following_group": [("a group", {"id": "<group>"})],
    "am_following_user": [("another's account", {"id": "<user>"})],
    "dataset_follower_count": [(RECORD, {"id": "<record>"})],
    "dataset_follower_list": [(RECORD, {"id": "<record>"})],
    "group_follower_count": [("a group", {"id": "<group>"})],
    "group_follower_list": [("a group", {"id": "<group>"})],
    "organization_follower_count": [("M", {"id": "<M>"})],
    "organization_follower_list": [("M", {"id": "<M>"})],
    "user_follower_count": [("another's account", {"id": "<user>"})],
    "user_follower_list": [
        ("own account", {"id": "<me>"}),
        ("another's account", {"id": "<user>"}),
    ],
    **{
        f"{each}followee_count": [("another's account", {"id": "<user>"})]
        for each in ("", "user_", "dataset_", "group_", "organization_")
    },
    **{
        f"{each}followee_list": [
            ("own account", {"id": "<me>"}),
            ("another's account", {"id": "<user>"}),
        ]
        for each in ("", "user_", "dataset_", "group_", "organization_")
    },
    "follow_dataset": [(RECORD, {"id": "<record>"})],
    "unfollow_dataset": [(RECORD, {"id": "<record>"})],
    "follow_group": [("a group", {"id": "<group>"}), ("M", {"id": "<M>"})],
    "unfollow_group": [("a group", {"id": "<group>"})],
    "follow_user": [("another's account", {"id": "<user>"})],
    "unfollow_user": [("another's account", {"id": "<user>"})],
    # the site
    "status_show": [("the site", {})],
    "help_show": [("the site", {"name": "package_show"})],
    "license_list": [("the site", {})],
    "config_option_list": [("the site", {})],
    "config_option_show": [("the site", {"key": "ckan.site_about"})],
    "config_option_update": [("the site", {"ckan.site_about": "Acerca"})],
    "job_list": [("jobs", {})],
    "job_show": [("a job", {"id": "<job>"})],
    "job_cancel": [("a job", {"id": "<job>"})],
    "job_clear": [("jobs", {"queues": ["matrix"]})],
    "task_status_show": [("a task", {"entity_id": "x", "task_type": "x", "key": "x"})],
    "task_status_update": [("a task", _TASK)],
    "task_status_update_many": [("a task", {"data": [_TASK]})],
    "task_status_delete": [("a task", {"id": "<task>"})],
    "term_translation_show": [("the site", {"terms": ["agua"]})],
    "term_translation_update": [("the site", _TRANSLATION)],
    "term_translation_update_many": [("the site", {"data": [_TRANSLATION]})],
    "vocabulary_list": [("the site", {})],
    "vocabulary_show": [("the site", {"id": "<vocabulary>"})],
    "vocabulary_create": [("the site", {"name": "colores", "tags": []})],
    "vocabulary_update": [("the site", {"id": "<vocabulary>", "name": "colores", "tags": []})],
    "vocabulary_delete": [("the site", {"id": "<empty vocabulary>"})],
    "tag_create": [("the site", {"name": "verde", "vocabulary_id": "<vocabulary>"})],
    "tag_delete": [("a tag", {"id": "<vocabulary tag>", "vocabulary_id": "<vocabulary>"})],
    # writing records
    "package_create": [
        ("a dataset of M", {**_NEW_DATASET, "owner_org": "<M>"}),
        ("an idea of M", {**_NEW_IDEA, "owner_org": "<M>"}),
        (
            "a workshop of M",
            {
                "type": "workshop",
                "name": "taller",
                "title": "Taller",
                "kind": "ideation",
                "status": "held",
                "municipality": ["0501"],
                "owner_org": "<M>",
            },
        ),
        (
            "a commitment of M",
            {
                "type": "commitment",
                "name": "compromiso",
                "title": "Compromiso",
                "plan": "x",
                "owner_org": "<M>",
            },
        ),
        ("a dataset of the coordinating body", {**_NEW_DATASET, "owner_org": "<body>"}),
        ("an idea of the coordinating body", {**_NEW_IDEA, "owner_org": "<body>"}),
        ("a dataset of nobody", _NEW_DATASET),
    ],
    "package_update": [(RECORD, {"<fields>": {"notes": "Otras"}})],
    "package_patch": [
        (RECORD, {"id": "<record>", "notes": "Otras"}),
        (
            "into a group: dataset, public",
            {"id": "<public dataset>", "groups": [{"id": "<group>"}]},
        ),
        ("into a group: idea, public", {"id": "<public idea>", "groups": [{"id": "<group>"}]}),
        ("to the body: dataset, public", {"id": "<public dataset>", "owner_org": "<body>"}),
        ("to the body: idea, public", {"id": "<public idea>", "owner_org": "<body>"}),
    ],
    "package_revise": [(RECORD, {"match": {"id": "<record>"}, "update": {"notes": "Otras"}})],
    "package_resource_reorder": [(RECORD, {"id": "<record>", "order": ["<file>"]})],
    "package_owner_org_update": [(RECORD, {"id": "<record>", "organization_id": "<other>"})],
    "package_delete": [(RECORD, {"id": "<record>"})],
    "dataset_purge": [(RECORD, {"id": "<record>"})],
    "package_collaborator_create": [(RECORD, {**_COLLABORATOR, "capacity": "editor"})],
    "package_collaborator_delete": [(RECORD, _COLLABORATOR)],
    "package_relationship_create": [(RECORD, _RELATION)],
    "package_relationship_update": [(RECORD, {**_RELATION, "comment": "x"})],
    "package_relationship_delete": [(RECORD, _RELATION)],
    "package_create_default_resource_views": [
        (RECORD, {"package": {"id": "<record>", "resources": []}})
    ],
    "resource_create": [(RECORD, {"package_id": "<record>", **_MORE_FILE})],
    # A link in the place of an upload.
    "resource_update": [
        (FILE, {"id": "<file>", **_MORE_FILE, "url_type": "", "clear_upload": True})
    ],
    "resource_patch": [(FILE, {"id": "<file>", "name": "Otro"})],
    "resource_delete": [(FILE, {"id": "<file>"})],
    "resource_create_default_resource_views": [
        (FILE, {"resource": {"id": "<file>", "package_id": "<record>"}})
    ],
    "resource_view_create": [
        (FILE, {"resource_id": "<file>", "title": "Vista", "view_type": "text_view"})
    ],
    "resource_view_update": [(VIEW, {"id": "<view>", "title": "Vista", "view_type": "text_view"})],
    "resource_view_reorder": [(FILE, {"id": "<file>", "order": ["<view>"]})],
    "resource_view_delete": [(VIEW, {"id": "<view>"})],
    "resource_view_clear": [("all", {"view_types": ["no_such"]})],
    **{
        f"bulk_update_{each}": [
            (RECORD, {"org_id": "<M>", "datasets": ["<record>"]}),
            (RECORD, {"org_id": "<body>", "datasets": ["<record>"]}, "as of the body"),
        ]
        for each in ("private", "public", "delete")
    },
    # writing organisations, groups, people
    "member_create": [
        ("a person into M", _MEMBER),
        (
            RECORD,
            {
                "id": "<own group>",
                "object": "<record>",
                "object_type": "package",
                "capacity": "public",
            },
        ),
    ],
    "member_delete": [("a person of M", {**_MEMBER, "object": "<member>"})],
    "organization_member_create": [("M", _ROLE)],
    "organization_member_delete": [("M", {**_ROLE, "username": "<member>"})],
    "organization_create": [
        ("an organisation", {"name": "nueva"}),
        ("a municipality", {"name": "nueva", "municipality_code": "2105", "role": "municipality"}),
        ("a coordinating body", {"name": "nueva", "role": "coordinating_body"}),
        ("with people", {"name": "nueva", "users": [{"name": "<user>", "capacity": "admin"}]}),
    ],
    "organization_update": [
        (
            "M",
            {
                "id": "<M>",
                "name": "<M name>",
                "title": "Otro",
                "municipality_code": "0501",
                "role": "municipality",
            },
        ),
    ],
    "organization_patch": [
        ("M", {"id": "<M>", "description": "Otra"}),
        ("people of M", {"id": "<M>", "users": [{"name": "<user>", "capacity": "admin"}]}),
        ("parents of M", {"id": "<M>", "groups": [{"name": "<body name>"}]}),
        ("role of M", {"id": "<M>", "role": "civil_society"}),
        ("pilot mark of M", {"id": "<M>", "pilot": "true"}),
        ("state of M", {"id": "<M>", "state": "deleted"}),
        ("the body", {"id": "<body>", "description": "Otra"}),
        ("another organisation", {"id": "<other>", "description": "Otra"}),
    ],
    "organization_delete": [("M", {"id": "<M>"}), ("an empty one", {"id": "<empty>"})],
    "organization_purge": [("M", {"id": "<M>"}), ("an empty one", {"id": "<empty>"})],
    "group_create": [("a group", {"name": "grupo-nuevo"})],
    "group_update": [("a group", {"id": "<group>", "name": "<group name>", "title": "Otro"})],
    "group_patch": [
        ("a group", {"id": "<group>", "title": "Otro"}),
        ("M", {"id": "<M>", "title": "Otro"}),
    ],
    "group_delete": [("a group", {"id": "<group>"}), ("M", {"id": "<M>"})],
    "group_purge": [("a group", {"id": "<group>"}), ("M", {"id": "<M>"})],
    "group_member_create": [("a group", _GROUP_ROLE), ("M", _ROLE)],
    "group_member_delete": [
        ("a group", {"id": "<group>", "username": "<group member>"}),
        ("M", {"id": "<M>", "username": "<member>"}),
    ],
    "user_create": [
        ("an account", {"name": "nuevo", "email": "nuevo@example.gt", "password": "Clave-larga-1"})
    ],
    "user_invite": [("into M", {"group_id": "<M>", "role": "editor", "email": "nuevo@example.gt"})],
    "user_update": [
        (
            "own account",
            {"id": "<me>", "name": "<me>", "email": "nuevo@example.gt", "fullname": "Otro"},
        ),
        (
            "another's account",
            {"id": "<user>", "name": "<user>", "email": "nuevo@example.gt", "fullname": "Otro"},
        ),
    ],
    "user_patch": [
        ("own account", {"id": "<me>", "fullname": "Otro"}),
        ("another's account", {"id": "<user>", "fullname": "Otro"}),
    ],
    "user_delete": [("own account", {"id": "<me>"}), ("another's account", {"id": "<user>"})],
    "api_token_create": [
        ("own account", {"user": "<me>", "name": "x"}),
        ("another's account", {"user": "<user>", "name": "x"}),
    ],
    "api_token_revoke": [
        ("own account", {"jti": "<own jti>"}),
        ("another's account", {"jti": "<other jti>"}),
    ],
    # files that CKAN keeps by themselves
    "file_create": [("a stored file", {"name": "otro.txt", "upload": "<bytes>"})],
    "file_register": [("a stored file", {"location": "no-such.txt"})],
    "file_show": [("a stored file", {"id": "<stored file>"})],
    "file_rename": [("a stored file", {"id": "<stored file>", "name": "b.txt"})],
    "file_pin": [("a stored file", {"id": "<stored file>"})],
    "file_unpin": [("a stored file", {"id": "<stored file>"})],
    "file_delete": [("a stored file", {"id": "<stored file>"})],
    "file_ownership_transfer": [
        (
            "a stored file",
            {"id": "<stored file>", "owner_id": "<me>", "owner_type": "user", "force": True},
        )
    ],
    "file_owner_scan": [
        ("own account", {"owner_type": "user", "owner_id": "<my id>"}),
        ("another's account", {"owner_type": "user", "owner_id": "<user>"}),
        ("files of M", {"owner_type": "organization", "owner_id": "<M>"}),
    ],
    # ckanext-activity
    "activity_show": [(ACTIVITY, {"id": "<activity>"})],
    "activity_data_show": [(ACTIVITY, {"id": "<activity>", "object_type": "package"})],
    "activity_diff": [(ACTIVITY, {"id": "<later activity>", "object_type": "package"})],
    "package_activity_list": [(RECORD, {"id": "<record>"})],
    "group_activity_list": [("a group", {"id": "<group>"})],
    "organization_activity_list": [("M", {"id": "<M>"})],
    "user_activity_list": [
        ("own account", {"id": "<me>"}),
        ("another's account", {"id": "<user>"}),
    ],
    "recently_changed_packages_activity_list": [("all", {})],
    "dashboard_activity_list": [("own account", {})],
    "dashboard_new_activities_count": [("own account", {})],
    "dashboard_mark_activities_old": [("own account", {})],
    "activity_create": [
        (
            RECORD,
            {
                "user_id": "<me>",
                "object_id": "<record>",
                "activity_type": "changed package",
                "data": {},
            },
        ),
    ],
    "activity_delete": [(ACTIVITY, {"id": "<activity>"})],
    "activity_delete_all": [("all", {})],
    "activity_delete_counts": [("all", {})],
    "send_email_notifications": [("all", {})],
    # ckanext-dcat, ckanext-scheming
    "dcat_dataset_show": [(RECORD, {"id": "<record>"})],
    "dcat_catalog_show": [("all", {})],
    "dcat_catalog_search": [("all", {})],
    "scheming_dataset_schema_list": [("the site", {})],
    "scheming_dataset_schema_show": [("the site", {"type": "idea"})],
    "scheming_organization_schema_list": [("the site", {})],
    "scheming_organization_schema_show": [("the site", {"type": "organization"})],
    # of this extension
    "marathon_idea_datasets": [(RECORD, {"id": "<record>"})],
    "marathon_workshop_ideas": [("workshop", {"id": "<record>"})],
    "marathon_data_need_list": [(RECORD, {"id": "<record>"})],
    "marathon_idea_status_list": [("the site", {})],
    "marathon_idea_status_update": [(RECORD, {"id": "<record>", "status": "prioritised"})],
    "marathon_idea_choices": [("all", {}), (RECORD, {"include": ["<record>"], "q": "<record>"})],
    "marathon_idea_quick_create": [
        (
            "workshop",
            {
                "workshop": "<record>",
                "title": "Rápida",
                "service_problem": ["AGU-01"],
                "municipality": ["0501"],
            },
        )
    ],
    "marathon_invitation_list": [("all that one looks after", {}), ("M", {"organization": "<M>"})],
    "marathon_municipality_create": [("a municipality", {"codes": ["2105"]})],
    "marathon_officer_invite": [
        ("into M", {"organization": "<M>", "email": "nuevo@example.gt", "role": "editor"}),
        (
            "into the body",
            {"organization": "<body>", "email": "nuevo@example.gt", "role": "editor"},
        ),
        (
            "into another organisation",
            {"organization": "<other>", "email": "nuevo@example.gt", "role": "editor"},
        ),
    ],
    "marathon_import_create": [("rows for M", _ROWS_FOR_M)],
    "marathon_import_confirm": [("an unknown import", {"id": "no-such-import"})],
    "marathon_import_show": [("an unknown import", {"id": "no-such-import"})],
    "marathon_import_list": [("one's own", {})],
    "marathon_import_undo": [("an unknown import", {"id": "no-such-import"})],
    "marathon_officer_list": [("all municipalities", {}), ("M", {"organization": "<M>"})],
    "marathon_officer_handover": [
        ("a member of M", {**_MEMBER_OF_M, "email": "nuevo@example.gt", "role": "editor"}),
        ("a member of another organisation", {"organization": "<other>", "user": "<member id>"}),
    ],
    "marathon_officer_departure_show": [("a member of M", _MEMBER_OF_M)],
    "marathon_change_list": [
        ("all that one looks after", {}),
        ("M", {"organization": "<M>"}),
        (RECORD, {"record": "<record>"}),
    ],
    # files: their versions, their tables, and the DataStore, which refuses to write over an upload
    "marathon_file_replace": [(FILE, {"id": "<file>"})],
    "marathon_file_version_list": [(FILE, {"id": "<file>"})],
    "marathon_table_show": [(FILE, {"id": "<file>"})],
    "datastore_info": [(FILE, {"id": "<file>"})],
    "datastore_search": [
        (FILE, {"resource_id": "<file>"}),
        ("the list of tables", {"resource_id": "_table_metadata"}),
    ],
    "datastore_create": [(FILE, {"resource_id": "<file>", "fields": [{"id": "a"}]})],
    "datastore_upsert": [(FILE, {"resource_id": "<file>", "method": "insert", "records": []})],
    "datastore_delete": [(FILE, {"resource_id": "<file>"})],
    "datastore_records_delete": [(FILE, {"resource_id": "<file>", "filters": {}})],
    "datastore_run_triggers": [(FILE, {"resource_id": "<file>"})],
    "datastore_function_create": [
        (
            "the site",
            {"name": "nada", "or_replace": True, "rettype": "trigger", "definition": _NOTHING},
        )
    ],
    "datastore_function_delete": [("the site", {"name": "no_such", "if_exists": True})],
    "marathon_takedown": [(RECORD, {"id": "<record>", "reason": "x"})],
    "marathon_takedown_list": [("all", {})],
    "marathon_takedown_apply": [("all", {"takedowns": []})],
}


class Call(NamedTuple):
    """One call as somebody makes it.

    Attributes:
        name: of the action, or method and address: the table's first column.
        on: its object, in words: the table's second column.
        method: of HTTP.
        path: with words in angle brackets, as ``data`` has them.
        data: sent as JSON (actions) or as a form (addresses).
        record: kind and state of the record it is about, if it is about one.
    """

    name: str
    on: str
    method: str
    path: str
    data: Fields
    record: tuple[str, str] | None = None

    @property
    def is_action(self) -> bool:
        """Return whether it is a call of the API."""
        return self.path.startswith("/api/3/action/")


def states_of(what: str) -> Iterator[tuple[str, str]]:
    """Yield kinds and states of the records that a call is made about."""
    for kind in ASKED_KINDS if what in OF_RECORDS else (what,):
        for state in ("public", *STATES):
            yield kind, state


def action_calls() -> Iterator[Call]:
    """Yield a call of each action, about each kind of record in each state."""
    for action, variants in ACTIONS.items():
        path = f"/api/3/action/{action}"
        for what, data, *more in variants:
            name = " ".join([action, *more])
            if what in OF_RECORDS or what in KINDS:
                for kind, state in states_of(what):
                    yield Call(name, f"{kind}, {state}", "POST", path, data, (kind, state))
            else:
                yield Call(name, what, "POST", path, data)


def values_of(world: Secrets, call: Call, person: str) -> dict[str, str]:
    """Return the value of each word in angle brackets in a call by a person."""
    values = dict(world.others)
    values |= {f"<public {kind}>": world.records[kind, "public"] for kind in KINDS}
    values["<me>"] = world.people[person] or world.others["<user>"]
    values |= world.own.get(person, {})
    if call.record:
        kind, state = call.record
        id_ = world.records[kind, state]
        values |= {
            "<record>": id_,
            "<short>": id_[:8],
            "<name>": world.names[kind, state],
            "<file>": world.files[kind, state],
            "<view>": world.views[kind, state],
            "<activity>": world.activities[kind, state][0],
            "<later activity>": world.activities[kind, state][-1],
        }
    return values


def filled(call: Call, values: dict[str, str], fields: Fields | None = None) -> tuple[str, Fields]:
    """Return address and data of a call with their words replaced.

    Args:
        call: what is asked.
        values: by the words.
        fields: of the record as it is, where all of them are sent back.
    """
    data = dict(call.data)
    if changed := data.pop("<fields>", None):
        data |= {**(fields or {}), **changed}
    return fill(call.path, values), json.loads(fill(json.dumps(data), values))


def fill(text: str, values: dict[str, str]) -> str:
    """Return a text with its words in angle brackets replaced."""
    return re.sub(r"<[\w ]+>", lambda found: values.get(found[0], found[0]), text)


# The words for the parts of addresses, by the beginning of the address and the part's name.
_OF_RECORD = {
    "id": "<record>",
    "_id": "<record>",
    "resource_id": "<file>",
    "view_id": "<view>",
    "activity_id": "<activity>",
    "filename": "archivo.csv",
    "extension": "ttl",
    "_format": "ttl",
    "number": "1",
}
_WORDS: dict[str, dict[str, str]] = {
    "/{type}/changes/": {"id": "<activity>"},
    "/{type}/": _OF_RECORD,
    "/organization/changes/": {"id": "<activity of M>"},
    "/organization/": {
        "id": "<M name>",
        "code": "<M name>",
        "extension": "ttl",
        "user": "<member id>",
    },
    "/group/changes/": {"id": "<activity of M>"},
    "/group/": {"id": "<group name>"},
    "/user/": {"id": "<user>"},
    "/municipality/": {"code": "0501", "extension": "ttl"},
    "/department/": {"code": "05", "extension": "ttl"},
    "/service-problem/": {"code": "AGU-01", "notation": "AGU-01", "extension": "ttl"},
    "/vocabulary/": {"kind": "service-problem", "code": "AGU-01", "extension": "ttl"},
    "/marathon/upload/": {"id": "<begun upload>"},
    "/marathon/draft/": {"kind": "dataset", "id": "<draft>"},
    "/marathon/tables/": {"name": "water-service"},
    "/marathon/": {
        "table": "ideas",
        "extension": "csv",
        "name": "municipalities.json",
        "sheet": "ideas",
        "import_id": "no-such-import",
    },
    "/catalog": {"extension": "ttl", "_format": "ttl"},
    "/feeds/tag/": {"id": "<tag>"},
    "/feeds/group/": {"id": "<group name>"},
    "/feeds/organization/": {"id": "<M name>"},
    "/datastore/": {"resource_id": "<file>"},
    "/file/": {
        "id": "<stored file>",
        "token": "no-token",
        "storage_name": "default",
        "location": "no-such.txt",
    },
    "/api/": {"ver": "2", "lang": "es"},
    **{f"/{letter}/": {"code": "<short>"} for letter in "diw"},
}
_KIND_OF_LETTER = {"d": "dataset", "i": "idea", "w": "workshop"}

# Addresses that are left out, because their answer is the same for everybody.
LEFT_OUT = {
    "static": "style sheets and pictures of the site",
    "webassets.index": "style sheets and scripts of the site",
    "api.action": "each action is asked by itself",
    "home.redirect_locale": "sends on to the same address in another language",
    "util.primer": "a page with examples of styles",
    "util.custom_form_fields": "a page with examples of form fields",
    "activity.dashboard_testing": "a page with examples",
    "marathon_upload.serve_uploads": "a protocol of its own: tests/views/test_upload.py",
    "marathon_upload.serve_upload": "a protocol of its own: tests/views/test_upload.py",
    "dcat.read_dataset_series": "there is no such type of record",
}

# They pass the data on to an action, resource_view_create or resource_view_update.
_SAME_AS_ACTION = ("/new_view", "/edit_view/<view_id>")

_QUERIES = {
    "/api/": "?q=Registro&incomplete=Registro",
    "/feeds/custom.atom": "?q=Registro",
    "/marathon/search": "?q=Registro",
    "/marathon/form/ideas": "?municipality=0501",
    "/marathon/form/same-title": "?title=Registro&owner_org=<M>",
    "/util/redirect": "?url=/about",
}

# The data for a POST to an address; without an entry, none.
_FORMS: dict[str, Fields] = {
    "/{type}/edit/<id>": {"<fields>": {"notes": "Otras", "save": "", "pkg_name": "<record>"}},
    "/{type}/<id>/resource/new": {"id": "", "save": "go-metadata", **_MORE_FILE},
    "/{type}/<id>/resource/<resource_id>/edit": {
        "id": "<file>",
        "save": "go-metadata",
        **_MORE_FILE,
        **_NO_UPLOAD,
    },
    "/{type}/groups/<id>": {"group_added": "<own group>"},
    "/{type}/new": {},
    "/workshop/<id>/attendance": {"other": "Otra organización"},
    "/idea/<id>/status": {"status": "prioritised"},
    "/marathon/follow": {"kind": "dataset", "id": "<public idea>", "follow": "yes"},
    "/marathon/draft/<kind>/<id>": {"title": "Borrador", "draft_version": "1"},
    "/marathon/form/add-idea": {
        "workshop": "<public workshop>",
        "title": "Rápida",
        "service_problem": "AGU-01",
        "municipality": "0501",
    },
    "/marathon/import": _ROWS_FOR_M,
    "/marathon/municipality/add": {"code": "2105"},
    "/marathon/municipality/invite": {
        "organization": "<M>",
        "email": "nuevo@example.gt",
        "role": "editor",
    },
    "/organization/edit/<id>": {
        "id": "<M>",
        "name": "<M name>",
        "title": "Otro",
        "municipality_code": "0501",
        "role": "municipality",
    },
    "/organization/<id>/officers/invite": {"email": "nuevo@example.gt", "role": "editor"},
    "/organization/<id>/officers/<user>/leave": {"step": "confirm"},
    "/organization/new": {"name": "nueva", "title": "Nueva"},
    "/organization/member_new/<id>": {"username": "<user>", "role": "editor"},
    "/organization/member_delete/<id>": {"user": "<member id>"},
    "/organization/bulk_process/<id>": {
        "bulk_action.delete": "1",
        "dataset_<public dataset>": "1",
    },
    "/group/new": {"name": "grupo-nuevo", "title": "Nuevo"},
    "/group/edit/<id>": {"name": "<group name>", "title": "Otro"},
    "/group/member_new/<id>": {"username": "<user>", "role": "editor"},
    "/group/member_delete/<id>": {"user": "<group member id>"},
    "/user/edit/<id>": {
        "name": "<user>",
        "fullname": "Otro",
        "email": "<address>",
        "old_password": "otra",
    },
    "/user/edit": {"name": "<me>", "fullname": "Otro", "email": "yo@example.gt"},
    "/user/<id>/api-tokens": {"name": "x"},
    "/user/<id>/api-tokens/revoke": {"jti": "<other jti>"},
    "/user/register": {
        "name": "nuevo",
        "email": "nuevo@example.gt",
        "password1": "Clave-larga-1",
        "password2": "Clave-larga-1",
    },
    "/user/sysadmin": {"username": "<user>", "status": "1"},
    "/ckan-admin/config": {"ckan.site_title": "Otro", "save": "1"},
    "/ckan-admin/trash": {"action": "all"},
}


def address_calls(app: Any) -> Iterator[Call]:
    """Yield a call of each address of the site, about each kind of record in each state."""
    rules: dict[str, set[str]] = {}
    for rule in app.flask_app.url_map.iter_rules():
        if rule.endpoint not in LEFT_OUT:
            rules.setdefault(rule.rule, set()).update(rule.methods & {"GET", "POST"})
    plain = {each for rule in rules for each in _expand(rule)}
    made = set()
    for rule in sorted(plain):
        kind = next((kind for kind in KINDS if rule.startswith(f"/{kind}/")), "")
        shared = rule.replace(f"/{kind}/", "/{type}/", 1) if kind else rule
        others = {shared.replace("{type}", each) for each in KINDS}
        is_shared = bool(kind) and {shared.replace("{type}", k) for k in ASKED_KINDS} <= plain
        if is_shared and kind not in ASKED_KINDS:
            continue
        name = shared if is_shared and others <= plain else rule
        methods = next(methods for each, methods in rules.items() if rule in _expand(each))
        for method in sorted(methods - ({"POST"} if rule.endswith(_SAME_AS_ACTION) else set())):
            for call in _calls_of(method, rule, shared, name, kind):
                if (call.name, call.on) not in made:
                    made.add((call.name, call.on))
                    yield call


def _expand(rule: str) -> list[str]:
    """Return the addresses of a rule, without the types of its parts."""
    choice = re.match(r"/<any\((.*?)\):kind>", rule)
    rules = [rule]
    if choice:
        rules = [
            rule.replace(choice[0], f"/{kind}") for kind in re.findall(r'"([^"]+)"', choice[1])
        ]
    return [re.sub(r"<[^<>:]*:(\w+)>", r"<\1>", each) for each in rules]


def _calls_of(method: str, rule: str, shared: str, name: str, kind: str) -> Iterator[Call]:
    short = re.match(r"/([diw])/<code>", rule)
    start = next((start for start in _WORDS if shared.startswith(start)), "")
    words = dict(_WORDS.get(start, {}))
    if kind and "code" in re.findall(r"<(\w+)>", rule):
        words["code"] = "<record>"
    missing = set(re.findall(r"<(\w+)>", rule)) - set(words)
    if missing:
        raise AssertionError(f"{rule}: say in tests/trust/calls.py what {missing} stand for")
    path = re.sub(r"<(\w+)>", lambda found: words[found[1]], rule)
    path += next((query for begin, query in _QUERIES.items() if rule.startswith(begin)), "")
    path += "?view_type=text_view" if rule.endswith("/new_view") else ""
    data = _FORMS.get(shared, _FORMS.get(rule, {})) if method == "POST" else {}
    is_of_record = re.search("<(record|file|view|activity|short)>", path)
    if not is_of_record:
        yield Call(f"{method} {name}", "", method, path, data)
        return
    kinds = (_KIND_OF_LETTER[short[1]],) if short else (kind,) if kind else ASKED_KINDS
    for each in kinds:
        for state in ("public", *STATES):
            yield Call(f"{method} {name}", f"{each}, {state}", method, path, data, (each, state))
