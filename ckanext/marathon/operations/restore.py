"""Putting a backup in the place of a site, or trying it in a database of its own.

The order matters. The backup is checked first. A note then makes the site answer 503
(``restore_note.py``), also if all ends here. The files of the backup are copied beside the present
ones, the database is replaced in one transaction, and the files change places with the present
ones. Whatever was taken down is taken down again before the note goes away. After an interruption
the same command does all of it again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import jobs
from ckan.lib.redis import connect_to_redis

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.takedowns import check_rows
from ckanext.marathon.feeds import witness
from ckanext.marathon.logic import say
from ckanext.marathon.model import clock
from ckanext.marathon.operations import (
    activity,
    backup_files,
    backup_loading,
    postgres_programs,
    restore_files,
    restore_note,
    restore_takedowns,
)
from ckanext.marathon.operations.backup_manifest import (
    FILES,
    BackupFault,
    Manifest,
    Progress,
    check_files,
    describe_damage,
)
from ckanext.marathon.operations.backup_manifest import NAME as MANIFEST
from ckanext.marathon.operations.postgres_programs import ProgramFailed, ProgramMissing
from ckanext.marathon.operations.restore_takedowns import Rows

_MIGRATIONS = Path(__file__).parents[1] / "migration" / "marathon" / "versions"

Steps = Callable[[str], Progress]


def check_backup(directory: Path, progress: Progress) -> Manifest:
    """Return the manifest of a backup that is whole and that this version can read.

    Raises:
        BackupFault: it is damaged, unfinished, or a later version made it; the text names the file.
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
        check_rows(manifest.takedowns)
    except Malformed as error:
        fault = describe_damage(directory / MANIFEST, say.text(error.fault))
        raise BackupFault(fault) from None
    check_files(directory, manifest, progress)
    return manifest


def verify_backup(directory: Path, scratch: str, progress: Steps) -> Manifest:
    """Load a backup into a database of its own, and compare it with its manifest.

    Args:
        directory: the backup.
        scratch: address of an empty database; "" to create one beside the site's, and drop it.
        progress: makes, for the name of a step, what is told how much of how much is done.

    Raises:
        BackupFault: something differs; the text says what.
        ProgramMissing: as :func:`.load_database`.
        ProgramFailed: as :func:`.load_database`.
    """
    manifest = check_backup(directory, progress(tk._("Checking files")))
    told = progress(tk._("Trying the database"))
    told(0, 1)
    backup_loading.try_database(directory, manifest, scratch)
    told(1, 1)
    return manifest


def describe_present() -> list[str]:
    """Return what a restore would overwrite, in the reader's language; nothing on an empty site."""
    found = []
    inspector = sa.inspect(backup_loading.engine())
    queries = (
        ("package", "SELECT count(*) FROM package", tk._("{count} records")),
        ("group", 'SELECT count(*) FROM "group"', tk._("{count} organisations")),
        ("user", 'SELECT count(*) FROM "user" WHERE NOT sysadmin', tk._("{count} accounts")),
    )
    with backup_loading.engine().connect() as connection:
        for table, query, text in queries:
            count = connection.scalar(sa.text(query)) if inspector.has_table(table) else 0
            if count:
                found.append(text.format(count=count))
    files = len(backup_files.find_stored(backup_files.find_storage()))
    if files:
        found.append(tk._("{count} files").format(count=files))
    return found


def restore_backup(directory: Path, further: Rows, progress: Steps) -> Manifest:
    """Put a backup in the place of the site; whoever calls has asked whether it may be overwritten.

    Args:
        directory: the backup.
        further: takedowns to be applied besides those of the backup, of the present site, and of
            the file of ``ckanext.marathon.takedown_list``.
        progress: makes, for the name of a step, what is told how much of how much is done.

    Raises:
        BackupFault: the backup or a takedown list cannot be used, or a step failed.
        ProgramMissing: as :func:`.load_database`.
        ProgramFailed: as :func:`.load_database`; the database is as it was.
    """
    storage = backup_files.find_storage()
    directory = directory.resolve()
    for name in ("pg_restore", "psql"):
        postgres_programs.find_program(name)
    manifest = check_backup(directory, progress(tk._("Checking files")))
    _check_space(storage, manifest)
    storage.mkdir(parents=True, exist_ok=True)
    takedowns = restore_takedowns.collect_takedowns(manifest, further)
    is_repeated = restore_note.is_restoring()
    restore_note.write_note(directory, takedowns)
    try:
        waiting = restore_files.prepare_files(
            directory, storage, manifest, progress(tk._("Copying files"))
        )
        told = progress(tk._("Database"))
        told(0, 1)
        backup_loading.replace_database(directory)
        told(1, 1)
    except (BackupFault, OSError, ProgramFailed, ProgramMissing):
        restore_files.forget_waiting(storage)
        # Nothing was changed. After an earlier interruption it is not known what was.
        if not is_repeated:
            restore_note.remove_note()
        raise
    backup_loading.compare_database(manifest)
    restore_files.change_places(storage, waiting)
    _run_ckan(progress(tk._("Tables of this version")), "db", "upgrade")
    restore_takedowns.apply_takedowns(takedowns, progress(tk._("Takedowns")))
    # The backup may be of a version that kept more in them than is public.
    told = progress(tk._("Activities"))
    told(0, 1)
    activity.scrub()
    told(1, 1)
    _begin_epoch()
    _forget_jobs()
    is_elsewhere = manifest.site.get("url") != str(tk.config.get("ckan.site_url") or "")
    # The addresses of files and pages in the log are those of the site that was saved.
    if is_elsewhere or not clock.read().complete:
        model.Session.rollback()
        _run_ckan(progress(tk._("Feed")), "marathon", "feed", "rebuild")
    model.Session.rollback()
    _run_ckan(progress(tk._("Search index")), "search-index", "rebuild")
    restore_note.remove_note()
    return manifest


def _check_space(storage: Path, manifest: Manifest) -> None:
    needed, free = manifest.size(f"{FILES}/"), shutil.disk_usage(_existing(storage)).free
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


def _begin_epoch() -> None:
    """Tell followers to start again: numbers of the feed will be given to other changes."""
    clock.hold()
    now = clock.new_epoch()
    model.Session.commit()
    witness.write_witness(witness.Witness(now.number, now.mark))


def _forget_jobs() -> None:
    """Empty the site's queues and what it keeps in Valkey: it is about the former records."""
    for queue in jobs.get_all_queues():
        queue.empty()
    connection = connect_to_redis()
    for key in connection.scan_iter(f"ckan:{tk.config['ckan.site_id']}:*"):
        connection.delete(key)


def _run_ckan(progress: Progress, *arguments: str) -> None:
    """Run a command of CKAN's in a process of its own, which loads the new database.

    Raises:
        BackupFault: it failed; with the end of what it said.
    """
    progress(0, 1)
    program = "from ckan.cli.cli import ckan; ckan()"
    ini = os.path.abspath(str(tk.config["__file__"]))
    done = subprocess.run(
        [sys.executable, "-c", program, "-c", ini, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        message = tk._("ckan {command} failed: {output}")
        output = f"{done.stdout}\n{done.stderr}".strip()[-2_000:]
        raise BackupFault(message.format(command=" ".join(arguments), output=output))
    progress(1, 1)
