"""The permission labels in the table of ckanext-activity.

CKAN's own migrations create the table, and those of ckanext-activity add the labels. So the table
may exist while that plugin is not loaded, and its rows may be shown again later.

A row about a package has the permission labels of the people who may read it. ckanext-activity
never changes them. Here they follow the package: rows written while it was public are visible to
everybody who may see the package now; rows written before its publication stay visible only to
people who could see it then.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from ckan import model
from ckan.lib.plugins import get_permission_labels
from sqlalchemy.dialects import postgresql

from ckanext.marathon import visibility
from ckanext.marathon.domain.texts import is_json_object, load_json

# Nobody has this label. A row with it was written while its package was public.
WAS_PUBLIC = "marathon-was-public"

_LABELS = postgresql.ARRAY(sa.Text)
_table = sa.table(
    "activity",
    sa.column("id", sa.UnicodeText),
    sa.column("object_id", sa.UnicodeText),
    sa.column("activity_type", sa.UnicodeText),
    sa.column("data", sa.UnicodeText),
    sa.column("permission_labels", _LABELS),
)
_columns = _table.c
_IS_OF_PACKAGE = sa.or_(
    _columns.activity_type.endswith(" package"), _columns.activity_type.endswith(" resource view")
)
_IS_OF_GROUP = sa.or_(
    _columns.activity_type.endswith(" group"), _columns.activity_type.endswith(" organization")
)


class _Unpublished:
    """A package with the permission labels that it would have if it were private."""

    private = True

    def __init__(self, package: model.Package) -> None:
        self._package = package

    def __getattr__(self, name: str) -> Any:
        return getattr(self._package, name)


def has_table() -> bool:
    """Return whether the database has the table with the column for labels."""
    query = sa.text(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('activity') "
        "AND attname = 'permission_labels' AND NOT attisdropped)"
    )
    return bool(model.Session.connection().execute(query).scalar())


def is_of_package(activity_type: str | None) -> bool:
    """Return whether a row of this type is about a package or a view of one of its files."""
    return (activity_type or "").endswith((" package", " resource view"))


def list_package_labels(package: model.Package | None) -> list[str]:
    """Return the labels for a new row about a package; ``[]`` if the package does not exist."""
    return get_permission_labels().get_dataset_labels(package) if package is not None else []


def is_of_group(activity_type: str | None) -> bool:
    """Return whether a row of this type is about a group or an organisation."""
    return (activity_type or "").endswith((" group", " organization"))


def list_group_labels(id_: str) -> list[str] | None:
    """Return the labels for a new row about a group.

    ``None``: everybody may read it. ``[]`` for a group that is not active: only sysadmins may.
    """
    group = model.group_table.c
    query = sa.select(group.state).where(group.id == id_)
    state = model.Session.connection().execute(query).scalar()
    return None if state == model.State.ACTIVE else []


def lock_package(id_: str) -> model.Package | None:
    """Return a package, locked against changes until the end of the transaction.

    A concurrent change of its visibility waits, and then finds the row that is written here. Its
    columns are read again, unless this session has changed it.
    """
    package = model.package_table.c
    query = sa.select(package.id).where(package.id == id_).with_for_update(read=True)
    if model.Session.connection().execute(query).first() is None:
        return None
    locked = model.Session.get(model.Package, id_)
    if locked is not None and not model.Session.is_modified(locked):
        model.Session.refresh(locked, [*visibility.PUBLIC, "owner_org"])
    return locked


def relabel_rows(packages: Collection[str], groups: Collection[str] = ()) -> int:
    """Give activities about packages and groups the present permission labels of these.

    The session must be flushed; commits nothing.

    Args:
        packages: ids of packages. Rows of a purged one are visible to sysadmins only.
        groups: ids of groups and organisations. Rows of an inactive one are visible to sysadmins
            only.

    Returns:
        the number of rows changed.
    """
    if not (packages or groups) or not has_table():
        return 0
    connection = model.Session.connection()
    found = {package.id: package for package in _load(model.Package, packages)}
    wanted = [_readers(id_, found.get(id_)) for id_ in packages]
    active = {group.id for group in _load(model.Group, groups) if group.state == model.State.ACTIVE}
    changed = 0
    if wanted:
        changed += connection.execute(_RELABEL, {"wanted": json.dumps(wanted)}).rowcount
    no_labels: list[str] = []
    for shown, labels in ((True, None), (False, no_labels)):
        chosen = [id_ for id_ in groups if (id_ in active) == shown]
        if chosen:
            where = sa.and_(_columns.object_id.in_(chosen), _IS_OF_GROUP)
            now = sa.literal(labels, _LABELS)
            differs = _columns.permission_labels.is_distinct_from(now)
            update = sa.update(_table).where(where, differs).values(permission_labels=now)
            changed += connection.execute(update).rowcount
    return changed


def _readers(id_: str, package: model.Package | None) -> dict[str, Any]:
    """Return the labels of a package's rows: for rows from when it was public, and for others."""
    now = list_package_labels(package)
    return {
        "id": id_,
        "published": now
        if visibility.PUBLIC_LABEL in now or package is None
        else [*now, WAS_PUBLIC],
        "unpublished": list_package_labels(_as_unpublished(package)),
    }


def _as_unpublished(package: model.Package | None) -> Any:
    return None if package is None else _Unpublished(package)


_RELABEL = sa.text(
    f"""
    WITH wanted AS (
        SELECT one->>'id' AS id,
            ARRAY(SELECT jsonb_array_elements_text(one->'published')) AS published,
            ARRAY(SELECT jsonb_array_elements_text(one->'unpublished')) AS unpublished
        FROM jsonb_array_elements(CAST(:wanted AS jsonb)) AS one
    ), labelled AS (
        SELECT activity.id, activity.permission_labels AS before,
            CASE WHEN permission_labels && ARRAY['{visibility.PUBLIC_LABEL}', '{WAS_PUBLIC}']
            THEN published ELSE unpublished END AS now
        FROM activity JOIN wanted ON wanted.id = activity.object_id
        WHERE activity_type LIKE '% package' OR activity_type LIKE '% resource view'
    )
    UPDATE activity SET permission_labels = labelled.now
    FROM labelled
    WHERE labelled.id = activity.id AND labelled.before IS DISTINCT FROM labelled.now
    """  # noqa: S608 - constants only
)


def _load(kind: Any, ids: Collection[str]) -> Iterator[Any]:
    if ids:
        yield from model.Session.query(kind).filter(kind.id.in_(ids))


class ActivityRow(NamedTuple):
    """An activity with its stored copy of the record (``None`` if that cannot be read)."""

    id: str
    object_id: str
    activity_type: str
    data: dict[str, Any] | None


def list_activity_rows(size: int) -> Iterator[list[ActivityRow]]:
    """Yield the rows about packages and groups in batches, in order of their ids."""
    last = ""
    while True:
        query = _rows().where(_columns.id > last).order_by(_columns.id).limit(size)
        batch = _read(query)
        if not batch:
            return
        last = batch[-1].id
        yield batch


def list_suspicious_rows(limit: int) -> list[ActivityRow]:
    """Return rows with fields that this extension removes from the data before they are stored."""
    names = ("actor", "ideas", "workshop_info")
    named = sa.or_(*(_columns.data.contains(f'"{name}": ') for name in names))
    return _read(_rows().where(named).limit(limit))


def count_exposed() -> int:
    """Return the number of rows that are public although their package or group is not."""
    package, group = model.package_table.c, model.group_table.c
    is_public = sa.exists().where(
        package.id == _columns.object_id,
        visibility.filter_public(package),
    )
    is_active = sa.exists().where(group.id == _columns.object_id, group.state == model.State.ACTIVE)
    has_no_label = _columns.permission_labels.is_(None)
    says_public = sa.literal(visibility.PUBLIC_LABEL) == sa.any_(_columns.permission_labels)
    exposed = sa.or_(
        sa.and_(_IS_OF_PACKAGE, sa.or_(has_no_label, sa.and_(says_public, ~is_public))),
        sa.and_(_IS_OF_GROUP, has_no_label, ~is_active),
    )
    query = sa.select(sa.func.count()).select_from(_table).where(exposed)
    return model.Session.connection().execute(query).scalar_one()


def write_data(rows: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    """Replace the stored data of activities, given as pairs of an id and the new data."""
    update = sa.update(_table).where(_columns.id == sa.bindparam("row"))
    values = [{"row": id_, "data": json.dumps(data)} for id_, data in rows]
    if values:
        model.Session.connection().execute(update.values(data=sa.bindparam("data")), values)


def _rows() -> sa.Select[Any]:
    return sa.select(_columns.id, _columns.object_id, _columns.activity_type, _columns.data).where(
        sa.or_(_IS_OF_PACKAGE, _IS_OF_GROUP)
    )


def _read(query: sa.Select[Any]) -> list[ActivityRow]:
    found = model.Session.connection().execute(query)
    return [
        ActivityRow(id_, object_id, kind, _parsed(data)) for id_, object_id, kind, data in found
    ]


def _parsed(text: str | None) -> dict[str, Any] | None:
    try:
        loaded = load_json(text or "null")
    except ValueError:
        return None
    return loaded if is_json_object(loaded) else None
