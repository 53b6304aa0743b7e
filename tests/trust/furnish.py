"""Objects for the calls of the matrix, in addition to the records of tests/trust/secrets.py."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib import files, jobs, uploader
from ckan.tests import factories as core
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage

from ckanext.marathon.logic import draft, upload
from ckanext.marathon.logic.table import work_off
from ckanext.marathon.model.file_version import FileVersion
from tests.factories import CivilSociety, officer
from tests.trust.secrets import KINDS, STATES, Secrets, word

STORAGE = "default"


def furnish(world: Secrets) -> None:
    """Add views, groups, accounts, tokens, a vocabulary, a task and a stored file."""
    for kind in KINDS:
        for state in ("public", *STATES):
            _note_record(world, kind, state)
    model.repo.commit()
    work_off()
    site = call_action("get_site_user")["name"]
    user = core.User(email="otra@example.gt")
    member, group_member = officer(world.municipality, "member"), core.User()
    own_group = [{"name": name, "capacity": "admin"} for name in world.people.values() if name]
    group = core.Group(
        user={"name": site}, users=[{"name": group_member["name"], "capacity": "member"}]
    )
    empty = CivilSociety()
    vocabulary = call_action("vocabulary_create", name="vocabulario", tags=[{"name": "rojo"}])
    token = call_action("api_token_create", context=_as(user["name"]), user=user["name"], name="x")
    assert token
    names = {id_: model.Group.get(id_) for id_ in (world.municipality, world.body)}
    world.others = {
        "<M>": world.municipality,
        "<M name>": names[world.municipality].name,  # type: ignore[union-attr]
        "<body>": world.body,
        "<body name>": names[world.body].name,  # type: ignore[union-attr]
        "<other>": world.other,
        "<empty>": empty["id"],
        "<group>": group["id"],
        "<group name>": group["name"],
        "<own group>": core.Group(users=own_group)["id"],
        "<user>": user["name"],
        "<address>": "otra@example.gt",
        "<member>": member["name"],
        "<member id>": member["id"],
        "<group member>": group_member["name"],
        "<group member id>": group_member["id"],
        "<tag>": f"tag-{word('dataset', 'public')}",
        "<vocabulary>": vocabulary["id"],
        "<vocabulary tag>": "rojo",
        "<empty vocabulary>": call_action("vocabulary_create", name="vacio", tags=[])["id"],
        "<task>": _task()["id"],
        "<stored file>": _stored_file(user["name"]),
        "<other jti>": _jti(user["name"]),
        "<activity of M>": _activities(world.municipality)[0],
    }
    _say_who_created(world, user["id"])
    world.others |= _begin_form(world)
    for person, name in world.people.items():
        if name:
            world.tokens[person] = call_action(
                "api_token_create", context=_as(name), user=name, name="matrix"
            )["token"]
            world.own[person] = {"<own jti>": _jti(name), "<my id>": model.User.get(name).id}  # type: ignore[union-attr]


def _begin_form(world: Secrets) -> dict[str, str]:
    """Begin an upload and a draft of the editor of ``M``."""
    editor = model.User.get(world.people["editor"])
    assert editor
    given = FileStorage(io.BytesIO(b"sector,metros\nZona 1,3\n"), "metros.csv")
    begun = upload.store_whole_file(editor.id, given)
    assert begun
    token = str(uuid.uuid4())
    draft.save_draft(token, editor.id, "dataset", [("title", "Borrador")], 0)
    return {"<begun upload>": begun.id, "<draft>": token}


def give_storage(path: Path) -> None:
    """Give the site a storage for files that belong to no record, which it does not have."""
    settings = {"name": STORAGE, "type": "ckan:fs", "path": str(path / STORAGE)}
    files.storages.register(STORAGE, files.make_storage(STORAGE, {**settings, "initialize": True}))


def new_job() -> str:
    """Queue a job that nothing runs, and return its id."""
    return jobs.enqueue(print, ["x"], queue="matrix").id


def _as(name: str) -> dict[str, Any]:
    return {"user": name, "ignore_auth": True}


def _note_record(world: Secrets, kind: str, state: str) -> None:
    package = model.Package.get(world.records[kind, state])
    assert package
    world.names[kind, state] = package.name
    (file,) = package.resources_all
    world.files[kind, state] = file.id
    text = word(kind, state)
    upload = FileStorage(io.BytesIO(f"a,b\n1,{text}\n".encode()), f"{text}.csv")
    site = call_action("get_site_user")["name"]
    call_action("resource_patch", context=_as(site), id=file.id, upload=upload)
    view = model.ResourceView(
        resource_id=file.id, title=f"Vista {word(kind, state)}", view_type="text_view", order=0
    )
    model.Session.add(view)
    model.Session.flush()
    world.views[kind, state] = view.id
    _keep_version(package.id, file.id, f"a,b\n2,{text}\n")
    world.activities[kind, state] = _activities(package.id)
    shown = call_action("package_show", context={"user": site, "for_update": True}, id=package.id)
    world.fields[kind, state] = shown


def _keep_version(package_id: str, resource_id: str, content: str) -> None:
    """Add a former version of a file, with the word of its record."""
    version = FileVersion(
        resource_id=resource_id,
        package_id=package_id,
        number=1,
        title=content.split(",")[-1].strip(),
        file_name="antes.csv",
        format="CSV",
        mimetype="text/csv",
        size=len(content),
        hash="",
        replaced=datetime.now(UTC),
        user_id=None,
        is_erased=False,
        changes={},
    )
    model.Session.add(version)
    model.Session.flush()
    sent = FileStorage(io.BytesIO(content.encode()), "antes.csv")
    uploader.get_resource_uploader({"upload": sent, "url": "", "id": ""}).upload(version.id, 1)


def _activities(object_id: str) -> list[str]:
    table = sa.table("activity", sa.column("id"), sa.column("object_id"), sa.column("timestamp"))
    query = sa.select(table.c.id).where(table.c.object_id == object_id)
    return list(model.Session.scalars(query.order_by(table.c.timestamp)))


def _jti(name: str) -> str:
    owner = model.User.get(name)
    assert owner
    return model.Session.query(model.ApiToken.id).filter_by(user_id=owner.id).scalar()


def _task() -> dict[str, Any]:
    return call_action(
        "task_status_update",
        entity_id="x",
        entity_type="x",
        task_type="x",
        key="x",
        value="x",
        state="x",
        last_updated="2026-01-01",
        error="",
    )


def _stored_file(name: str) -> str:
    upload = FileStorage(io.BytesIO(b"texto"), "a.txt")
    return call_action("file_create", context=_as(name), name="a.txt", upload=upload)["id"]


def _say_who_created(world: Secrets, user_id: str) -> None:
    """Have somebody outside of the organisation be named as the creator of all records."""
    ids = list(world.records.values())
    query = sa.update(model.Package).where(model.Package.id.in_(ids))
    model.Session.execute(query.values(creator_user_id=user_id))
    model.repo.commit()
