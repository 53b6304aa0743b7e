"""Restoring a backup over a site, and verifying a backup in a separate database."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import jobs
from ckan.lib.redis import connect_to_redis
from ckan.types import Context

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.takedown import check_takedown_rows
from ckanext.marathon.feeds import log_state
from ckanext.marathon.logic import messages
from ckanext.marathon.logic.erasing import LIST_FILE, dictize_entry, read_list_file
from ckanext.marathon.logic.table import enqueue_loading
from ckanext.marathon.model import clock
from ckanext.marathon.operations import backup, upkeep
from ckanext.marathon.operations.backup import (
    FILES_NAME,
    MANIFEST,
    BackupFault,
    Manifest,
    ProgramFailed,
    ProgramMissing,
    Progress,
    check_backup_files,
    describe_damage,
    read_digest,
    run_program,
)
from ckanext.marathon.operations.tables import note_outdated_tables


def copy_restored_files(
    directory: Path, storage: Path, manifest: Manifest, progress: Progress
) -> Path:
    """Copy the files of a backup into a new folder in the storage folder; return that folder."""
    remove_copied_files(storage)
    waiting = storage / backup.RESTORE_FOLDER
    new = waiting / "new"
    new.mkdir(parents=True)
    names = list(manifest.names(FILES_NAME))
    progress(0, len(names))
    for done, name in enumerate(names, 1):
        target = new / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(directory / FILES_NAME / name, target)
        found = (directory / FILES_NAME / name).stat()
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
        if read_digest(target) != manifest.files[f"{FILES_NAME}/{name}"]["sha256"]:
            raise BackupFault(tk._("{path} was copied wrongly.").format(path=target))
        progress(done, len(names))
    _hand_over(storage, waiting)
    return waiting


def remove_copied_files(storage: Path) -> None:
    """Delete the copies of :func:`copy_restored_files` and the former files."""
    shutil.rmtree(storage / backup.RESTORE_FOLDER, ignore_errors=True)


def _hand_over(storage: Path, waiting: Path) -> None:
    """If this runs as root, make the owner of the storage folder the owner of the copied files."""
    if os.geteuid() != 0:
        return
    owner = storage.stat()
    for path in (waiting, *waiting.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


def exchange_files(storage: Path, waiting: Path) -> None:
    """Replace the files of the storage folder by the copied ones, and delete the former files."""
    old = waiting / "old"
    old.mkdir(exist_ok=True)
    for path in list(storage.iterdir()):
        if path.name not in (
            backup.RESTORE_NOTE,
            backup.RESTORE_FOLDER,
            "webassets",
        ):
            path.rename(old / path.name)
    for path in list((waiting / "new").iterdir()):
        path.rename(storage / path.name)
    shutil.rmtree(waiting)


Rows = list[dict[str, Any]]


def collect_takedowns(manifest: Manifest, further: Rows) -> Rows:
    """Return the union of all takedowns that a restore has to apply.

    These are the takedowns of an interrupted restore, of the site, of its file, and of the backup.

    Args:
        manifest: the manifest of the backup.
        further: rows of another list.

    Raises:
        BackupFault: the file of ``ckanext.marathon.takedown_list`` cannot be read.
    """
    return unite_takedowns(
        backup.read_noted_takedowns(),
        _present_takedowns(),
        _listed_takedowns(),
        manifest.takedowns,
        further,
    )


def unite_takedowns(*lists: Iterable[dict[str, Any]]) -> Rows:
    """Return the union of takedown lists: one row for each id, with the files of all its rows."""
    union: dict[str, dict[str, Any]] = {}
    for row in (row for rows in lists for row in rows):
        known = union.get(row["id"], {})
        resources = sorted({*known.get("resources", ()), *row.get("resources", ())})
        union[row["id"]] = {**row, **known, "resources": resources}
    return list(union.values())


def _present_takedowns() -> Rows:
    with backup.get_site_engine().connect() as connection:
        return backup.read_takedowns(connection)


def _listed_takedowns() -> Rows:
    """Return the rows of the file ``ckanext.marathon.takedown_list``.

    Raises:
        BackupFault: the file cannot be read.
    """
    try:
        return [dictize_entry(entry) for entry in read_list_file()]
    except (OSError, Malformed) as error:
        fault = messages.write_fault(error.fault) if isinstance(error, Malformed) else error
        message = tk._("The file of {option} cannot be read: {fault}")
        raise BackupFault(message.format(option=LIST_FILE, fault=fault)) from None


def apply_takedowns(takedowns: Rows, progress: Progress) -> None:
    """Take down the restored records of a list; add the other rows to the site's list."""
    progress(0, 1)
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})
    context = cast("Context", {"user": user["name"], "ignore_auth": True})
    apply = tk.get_action("marathon_takedown_apply")
    unfinished = apply(context, {"takedowns": takedowns})["unfinished"]
    if unfinished:
        message = tk._("Something of {ids} could not be removed; the log says what.")
        raise BackupFault(message.format(ids=", ".join(unfinished)))
    model.Session.commit()
    progress(1, 1)


_MIGRATIONS = Path(__file__).parents[1] / "migration" / "marathon" / "versions"

Steps = Callable[[str], Progress]


def check_backup(directory: Path, progress: Progress) -> Manifest:
    """Return the manifest of a complete backup that this version can read.

    Raises:
        BackupFault: the backup is damaged, unfinished, or made by a later version.
    """
    manifest = Manifest.read(directory)
    revision = manifest.migrations.get("marathon", "")
    if revision and not any(_MIGRATIONS.glob(f"{revision}_*.py")):
        message = tk._(
            "The backup was made by ckanext-marathon {theirs}, whose tables this version does not "
            "know. Install that version or a later one."
        )
        raise BackupFault(message.format(theirs=manifest.versions.get("ckanext-marathon", "?")))
    try:
        check_takedown_rows(manifest.takedowns)
    except Malformed as error:
        fault = describe_damage(directory / MANIFEST, messages.write_fault(error.fault))
        raise BackupFault(fault) from None
    check_backup_files(directory, manifest, progress)
    return manifest


def verify_backup(directory: Path, scratch: str, progress: Steps) -> Manifest:
    """Load a backup into a separate database, and compare it with its manifest.

    Args:
        directory: the backup.
        scratch: address of an empty database; "" to create one beside the site's, and drop it.
        progress: called with the name of a step; returns a function for (done, total).

    Raises:
        BackupFault: the loaded database differs; the text names the difference.
        ProgramMissing: as :func:`.load_database`.
        ProgramFailed: as :func:`.load_database`.
    """
    manifest = check_backup(directory, progress(tk._("Checking files")))
    report = progress(tk._("Trying the database"))
    report(0, 1)
    backup.try_database(directory, manifest, scratch)
    report(1, 1)
    return manifest


def describe_present() -> list[str]:
    """Return the content of the site that a restore would overwrite, such as ``3 records``.

    The texts are in the reader's language. Empty for an empty site.
    """
    found: list[str] = []
    inspector = sa.inspect(backup.get_site_engine())
    queries = (
        ("package", "SELECT count(*) FROM package", tk._("{count} records")),
        ("group", 'SELECT count(*) FROM "group"', tk._("{count} organisations")),
        ("user", 'SELECT count(*) FROM "user" WHERE NOT sysadmin', tk._("{count} accounts")),
    )
    with backup.get_site_engine().connect() as connection:
        for table, query, text in queries:
            count = connection.scalar(sa.text(query)) if inspector.has_table(table) else 0
            if count:
                found.append(text.format(count=count))
    files = len(backup.list_stored_files(backup.find_storage()))
    if files:
        found.append(tk._("{count} files").format(count=files))
    return found


def restore_backup(directory: Path, further: Rows, progress: Steps) -> Manifest:
    """Replace the site by a backup; the caller has asked for confirmation.

    Args:
        directory: the backup.
        further: takedowns in addition to those of the backup, of the present site, and of the file
            of ``ckanext.marathon.takedown_list``.
        progress: called with the name of a step; returns a function for (done, total).

    Raises:
        BackupFault: the backup or a takedown list cannot be used, or a step failed.
        ProgramMissing: as :func:`.load_database`.
        ProgramFailed: as :func:`.load_database`; the database was not changed.
    """
    storage = backup.find_storage()
    directory = directory.resolve()
    for name in ("pg_restore", "psql"):
        backup.find_program(name)
    manifest = check_backup(directory, progress(tk._("Checking files")))
    _check_space(storage, manifest)
    storage.mkdir(parents=True, exist_ok=True)
    takedowns = collect_takedowns(manifest, further)
    is_repeated = backup.is_restoring()
    backup.write_restore_note(directory, takedowns)
    try:
        waiting = copy_restored_files(directory, storage, manifest, progress(tk._("Copying files")))
        report = progress(tk._("Database"))
        report(0, 1)
        backup.replace_database(directory)
        report(1, 1)
    except (BackupFault, OSError, ProgramFailed, ProgramMissing):
        remove_copied_files(storage)
        # The site was not changed. The note stays if an earlier restore was interrupted.
        if not is_repeated:
            backup.remove_restore_note()
        raise
    backup.compare_database(manifest)
    exchange_files(storage, waiting)
    _run_ckan(progress(tk._("Tables of this version")), "db", "upgrade")
    apply_takedowns(takedowns, progress(tk._("Takedowns")))
    # A backup of an older version may have non-public content in its activities.
    report = progress(tk._("Activities"))
    report(0, 1)
    upkeep.scrub_activities()
    report(1, 1)
    # The numbers of lost changes will be used again for other changes.
    log_state.begin_new_epoch()
    _forget_jobs()
    is_elsewhere = manifest.site.get("url") != str(tk.config.get("ckan.site_url") or "")
    # The feed's log has addresses of the site of the backup.
    if is_elsewhere or not clock.read_clock().complete:
        model.Session.rollback()
        _run_ckan(progress(tk._("Feed")), "marathon", "feed", "rebuild")
    model.Session.rollback()
    _run_ckan(progress(tk._("Search index")), "search-index", "rebuild")
    # The DataStore has the tables of the site before.
    report = progress(tk._("Tables of files"))
    report(0, 1)
    note_outdated_tables(everything=True)
    enqueue_loading()
    report(1, 1)
    backup.remove_restore_note()
    return manifest


def _check_space(storage: Path, manifest: Manifest) -> None:
    needed, free = manifest.size(f"{FILES_NAME}/"), shutil.disk_usage(_existing(storage)).free
    if free < needed:
        raise BackupFault(
            tk._("{needed} MB are needed in {folder}, {free} MB are free.").format(
                needed=needed // 1_000_000 + 1, folder=storage, free=free // 1_000_000
            )
        )


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _forget_jobs() -> None:
    """Delete the site's queues and data in Valkey, which refer to records before the restore."""
    for queue in jobs.get_all_queues():
        queue.empty()
    connection = connect_to_redis()
    pattern = f"ckan:{tk.config['ckan.site_id']}:*"
    # redis does not say what it yields.
    found = connection.scan_iter(pattern)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    for key in cast(Iterable[bytes], found):
        connection.delete(key)


def _run_ckan(progress: Progress, *arguments: str) -> None:
    """Run a command of CKAN in a new process, which sees the new database.

    Raises:
        BackupFault: it failed; the text has the end of its output.
    """
    progress(0, 1)
    program = "from ckan.cli.cli import ckan; ckan()"
    ini = os.path.abspath(str(tk.config["__file__"]))
    done = run_program([sys.executable, "-c", program, "-c", ini, *arguments])
    if done.returncode != 0:
        message = tk._("ckan {command} failed: {output}")
        output = f"{done.stdout}\n{done.stderr}".strip()[-2_000:]
        raise BackupFault(message.format(command=" ".join(arguments), output=output))
    progress(1, 1)
