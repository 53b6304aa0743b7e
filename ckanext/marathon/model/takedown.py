"""Records that were taken down for legal reasons: date, reason and author, and no content.

A row is written in the transaction that purges the record. It also has the steps of the takedown
outside of the database that are still to be done, so that a later process can finish after a crash.

This module also deletes rows about a record in tables of CKAN and other plugins (activities,
statuses of jobs and more) that CKAN's purge leaves. The feed does not depend on these tables, so
bulk SQL is allowed here (``tests/house/test_writes``).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.marathon.domain.texts import is_json_list, is_json_object, load_json
from ckanext.marathon.model import file_version

_EMPTY = sa.text("'{}'")
# An arbitrary number: the key of the advisory lock for applying the list of takedowns.
_LOCK = 6_172_031_113


class Takedown(tk.BaseModel):
    """One record that was taken down.

    Attributes:
        thing: id of the record in CKAN.
        kind: dataset type of the record.
        files: number of its uploaded files.
        resources: ids of its resources, which are the names of files and DataStore tables.
        neighbours: ids of records whose documents in Solr have the title of this one.
        pending: steps of ``logic/erasing.py`` that have not succeeded yet.
    """

    __tablename__ = "marathon_takedown"

    thing: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.UnicodeText)
    reason: Mapped[str] = mapped_column(sa.UnicodeText)
    files: Mapped[int] = mapped_column(sa.Integer)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    user_id: Mapped[str | None] = mapped_column(sa.UnicodeText)
    resources: Mapped[list[str]] = mapped_column(ARRAY(sa.UnicodeText), server_default=_EMPTY)
    neighbours: Mapped[list[str]] = mapped_column(ARRAY(sa.UnicodeText), server_default=_EMPTY)
    pending: Mapped[list[str]] = mapped_column(ARRAY(sa.UnicodeText), server_default=_EMPTY)


def record_takedown(
    thing: str,
    kind: str,
    reason: str,
    files: int,
    user_id: str | None,
    *,
    resources: Collection[str] = (),
    neighbours: Collection[str] = (),
    pending: Collection[str] = (),
    at: datetime | None = None,
) -> None:
    """Write the row of a takedown; commits nothing.

    An existing row keeps its date, reason and author; resources, neighbours and pending steps are
    added to it.
    """
    known = find_takedown(thing)
    if known is not None:
        resources = {*resources, *known.resources}
        neighbours = {*neighbours, *known.neighbours}
        pending = [*pending, *(step for step in known.pending if step not in pending)]
    statement = insert(Takedown).values(
        thing=thing,
        kind=kind,
        reason=reason,
        files=files,
        at=at or sa.func.clock_timestamp(),
        user_id=user_id,
        resources=sorted(set(resources)),
        neighbours=sorted(set(neighbours)),
        pending=list(pending),
    )
    new = statement.excluded
    model.Session.execute(
        statement.on_conflict_do_update(
            index_elements=["thing"],
            set_={
                "files": sa.func.greatest(Takedown.__table__.c.files, new.files),
                "resources": new.resources,
                "neighbours": new.neighbours,
                "pending": new.pending,
            },
        )
    )


def list_takedowns() -> list[Takedown]:
    """Return copies of all takedowns, which belong to no session, the newest first."""
    query = sa.select(*Takedown.__table__.columns).order_by(Takedown.at.desc(), Takedown.thing)
    return [Takedown(**row) for row in model.Session.execute(query).mappings()]


def find_takedown(thing: str) -> Takedown | None:
    """Return a copy of a record's takedown, which belongs to no session; ``None`` if none."""
    query = sa.select(*Takedown.__table__.columns).where(Takedown.thing == thing)
    row = model.Session.execute(query).mappings().one_or_none()
    return Takedown(**row) if row else None


def list_unfinished() -> list[str]:
    """Return the ids of the records with pending steps, the oldest takedown first."""
    query = sa.select(Takedown.thing).where(sa.func.cardinality(Takedown.pending) > 0)
    return list(model.Session.scalars(query.order_by(Takedown.at, Takedown.thing)))


def list_returned() -> list[str]:
    """Return the ids of records that are in the database again, from a restored backup."""
    query = sa.select(Takedown.thing).join(model.Package, model.Package.id == Takedown.thing)
    return list(model.Session.scalars(query.order_by(Takedown.at, Takedown.thing)))


def mark_step_done(thing: str, step: str) -> None:
    """Remove a step from the pending ones; commits nothing."""
    model.Session.execute(
        sa.update(Takedown)
        .where(Takedown.thing == thing)
        .values(pending=sa.func.array_remove(Takedown.pending, sa.cast(step, sa.UnicodeText)))
        .execution_options(synchronize_session=False)
    )


def lock_takedowns() -> None:
    """Lock out other processes that apply the list, until the end of the transaction."""
    model.Session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


# Table → the column with the id of a package or a resource.
TABLES = {
    "activity_detail": "object_id",
    "marathon_file_version": "package_id",
    "marathon_personal_data": "package_id",
    "marathon_table": "package_id",
    "package_member": "package_id",
    "task_status": "entity_id",
    "tracking_summary": "package_id",
}
ACTIVITY = "activity"
# Rows of these tables refer to ``harvest_object``, which has the id of the package.
HARVEST = ("harvest_object_extra", "harvest_object_error")
HARVEST_OBJECT = "harvest_object"
TRACKING = "tracking_raw"
TRANSLATION = "term_translation"

_TEXTS = ARRAY(sa.UnicodeText)


@dataclass(frozen=True)
class Traces:
    """The keys by which a record is found in other tables.

    Attributes:
        id: id of the package.
        resources: ids of its resources, including deleted ones and those of earlier versions.
        names: its present and former names (in addresses).
        texts: its present and former title and description, and those of its files.
    """

    id: str
    resources: frozenset[str]
    names: frozenset[str]
    texts: frozenset[str]

    @property
    def ids(self) -> list[str]:
        """All ids, in order."""
        return sorted({self.id, *self.resources})


def collect_traces(package_id: str, resources: Iterable[str] = ()) -> Traces:
    """Return the keys of a package, including former ones from its activities.

    Args:
        package_id: id of the package, which may be purged already.
        resources: known ids of its resources.
    """
    ids, names, texts = set(resources), set[Any](), set[Any]()
    package = model.Session.get(model.Package, package_id)
    if package is not None:
        names.add(package.name)
        texts |= {package.title, package.notes}
        for resource in package.resources_all:
            ids.add(resource.id)
            texts |= {resource.name, resource.description}
    # The bytes of former versions of files are stored under the ids of the versions.
    for version in file_version.list_for_packages([package_id]):
        ids.add(version.id)
        texts.add(version.title)
    if ACTIVITY in _tables():
        for data in _versions(package_id):
            names.add(_text(data.get("name")))
            texts |= {_text(data.get("title")), _text(data.get("notes"))}
            for resource in _dicts(data.get("resources")):
                ids.add(_text(resource.get("id")))
                texts |= {_text(resource.get("name")), _text(resource.get("description"))}
    return Traces(package_id, *(frozenset(filter(_text, values)) for values in (ids, names, texts)))


def _versions(package_id: str) -> Iterator[dict[str, Any]]:
    activity = _table(ACTIVITY, "object_id", "data")
    query = sa.select(activity.c.data).where(activity.c.object_id == package_id)
    for text in model.Session.scalars(query):
        found = _load(text).get("package")
        if is_json_object(found):
            yield found


def erase_traces(traces: Traces) -> None:
    """Delete a record's rows from the tables that CKAN's purge leaves; commits nothing.

    The session must be flushed. Tables of plugins that are not loaded are cleaned too, if they
    exist.
    """
    present = _tables()
    if ACTIVITY in present:
        _erase_activities(traces, "activity_detail" in present)
    for name, column in TABLES.items():
        if name in present:
            table = _table(name, column)
            _run(sa.delete(table).where(table.c[column].in_(traces.ids)))
    if HARVEST_OBJECT in present:
        _erase_harvested(traces.id, present)
    if TRACKING in present:
        table = _table(TRACKING, "url")
        ends = [f"%/{name}" for name in (traces.id, *traces.names)]
        ends += [f"%/{id_}%" for id_ in (traces.id, *traces.resources)]
        _run(sa.delete(table).where(table.c.url.like(_any(ends))))
    if TRANSLATION in present and traces.texts:
        table = _table(TRANSLATION, "term")
        _run(sa.delete(table).where(table.c.term.in_(sorted(traces.texts))))
    _erase_unused_tags()


def _erase_activities(traces: Traces, has_details: bool) -> None:
    """Delete a record's activities, and remove it from the stored data of other activities."""
    activity = _table(ACTIVITY, "id", "object_id", "data")
    gone = set(
        model.Session.scalars(sa.select(activity.c.id).where(activity.c.object_id.in_(traces.ids)))
    )
    mentions = sa.select(activity.c.id, activity.c.data).where(
        activity.c.object_id.not_in(traces.ids),
        activity.c.data.like(_any([f"%{id_}%" for id_ in traces.ids])),
    )
    for row in model.Session.execute(mentions).all():
        data = _load(row.data)
        without = _without(data, frozenset(traces.ids))
        if not is_json_object(without) or without.keys() != data.keys():
            # The activity was about it.
            gone.add(row.id)
            continue
        text = json.dumps(without, ensure_ascii=False)
        _run(sa.update(activity).where(activity.c.id == row.id).values(data=text))
    for some in _batches(gone):
        if has_details:
            detail = _table("activity_detail", "activity_id")
            _run(sa.delete(detail).where(detail.c.activity_id.in_(some)))
        _run(sa.delete(activity).where(activity.c.id.in_(some)))


def _without(value: Any, ids: frozenset[str]) -> Any:
    """Return a JSON value without the objects that describe these records, and without their ids.

    :data:`_GONE` is returned for a value that is removed as a whole.
    """
    if is_json_object(value):
        if ids.intersection(v for k, v in value.items() if k in _NAMING and isinstance(v, str)):
            return _GONE
        items = ((key, _without(inner, ids)) for key, inner in value.items())
        return {key: inner for key, inner in items if inner is not _GONE}
    if is_json_list(value):
        return [item for item in (_without(item, ids) for item in value) if item is not _GONE]
    if isinstance(value, str) and any(id_ in value for id_ in ids):
        # An extra may have a list of ids as JSON. Any other text, such as the address of a file, is
        # removed as a whole.
        loaded = _load_any(value)
        if isinstance(loaded, list | dict):
            return json.dumps(_without(loaded, ids))
        return _GONE if value in ids else ""
    return value


_GONE = object()
_NAMING = frozenset({"id", "package_id", "resource_id"})


def _erase_harvested(package_id: str, present: Collection[str]) -> None:
    harvested = _table(HARVEST_OBJECT, "id", "package_id")
    own = sa.select(harvested.c.id).where(harvested.c.package_id == package_id)
    for name in HARVEST:
        if name in present:
            table = _table(name, "harvest_object_id")
            _run(sa.delete(table).where(table.c.harvest_object_id.in_(own)))
    _run(sa.delete(harvested).where(harvested.c.package_id == package_id))


def _erase_unused_tags() -> None:
    """Delete free tags that no record has, which CKAN never deletes.

    A tag that a concurrent save gives to a record is locked by it and stays.
    """
    tag, use = model.Tag, model.PackageTag
    used = sa.exists().where(use.tag_id == tag.id)
    query = (
        sa.select(tag)
        .where(tag.vocabulary_id.is_(None), ~used)
        .with_for_update(skip_locked=True, of=cast(Any, tag))
    )
    for unused in model.Session.scalars(query).all():
        # Its uses are deleted in the database, but the session may still have them.
        model.Session.expire(unused, ["package_tags"])
        model.Session.delete(unused)
    model.Session.flush()


def _tables() -> set[str]:
    """Return the names of the tables of CKAN's schema."""
    query = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return set(model.Session.scalars(query))


def _table(name: str, *columns: str) -> Any:
    return sa.table(name, *(sa.column(column, sa.UnicodeText) for column in columns))


def _run(statement: sa.Executable) -> None:
    # On the connection, because the session has no objects of these rows.
    model.Session.connection().execute(statement)


def _any(patterns: list[str]) -> Any:
    return sa.func.any(sa.cast(patterns, _TEXTS))


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    everything = sorted(values)
    for start in range(0, len(everything), 1_000):
        yield everything[start : start + 1_000]


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value.strip() else ""


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if is_json_object(item)] if is_json_list(value) else []


def _load(text: str | None) -> dict[str, Any]:
    found = _load_any(text)
    return found if is_json_object(found) else {}


def _load_any(text: str | None) -> Any:
    try:
        return load_json(text) if text else None
    except ValueError:
        return None
