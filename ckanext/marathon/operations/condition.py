"""How the site is right now: its servers, disk, feed, background jobs and files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.marathon.feeds import verify
from ckanext.marathon.feeds.gaps import fill_gaps
from ckanext.marathon.feeds.rebuild import is_wanted, rebuild
from ckanext.marathon.model import disk, feed_gap, index_note
from ckanext.marathon.operations import health, heartbeats, index_check, jobs, leftovers
from ckanext.marathon.operations.feed_job import describe_gaps
from ckanext.marathon.operations.finding import Findings, make_bad, make_good, make_warning
from ckanext.marathon.operations.health import State
from ckanext.marathon.operations.index_check import IndexFault

# How many files or records a finding names.
_NAMED = 5
# How many of the feed's descriptions are compared with the site.
_SAMPLED = 20
# A background job has usually indexed what it should after this.
_PATIENCE = timedelta(minutes=2)


def check_solr() -> Findings:
    """Check that search works, takes changes, and knows everything."""
    state = health.check_one(health.check_search)
    if state is State.SILENT:
        yield make_bad(tk._("Solr hangs: nothing answers at solr_url. Restart it."))
        return
    if state is not State.OK:
        yield make_bad(tk._("Solr cannot be reached at solr_url: nothing can be saved or found."))
        return
    if health.check_one(health.check_indexing) is State.FAILING:
        text = tk._(
            "Solr searches but takes no changes, so that every save fails: its disk was full. "
            "Make room and restart Solr (`make run` does the latter by itself)."
        )
        yield make_bad(text)
    yield from _check_index()


def _check_index() -> Findings:
    faults = Counter(difference.fault for difference in index_check.compare_index())
    waiting = index_note.count_due(_PATIENCE)
    if not faults and not waiting:
        query = sa.select(sa.func.count()).where(model.Package.state == model.State.ACTIVE)
        stored = model.Session.scalar(query)
        yield make_good(tk._("Solr answers and has all {count} records.").format(count=stored))
        return
    text = tk._(
        "The search index lacks {missing} records, has {ghosts} that do not exist and {outdated} "
        "that are outdated; {waiting} wait to be indexed. Run: ckan marathon index repair"
    ).format(
        missing=faults[IndexFault.MISSING],
        ghosts=faults[IndexFault.GHOST],
        outdated=faults[IndexFault.OUTDATED],
        waiting=waiting,
    )
    yield make_warning(text, _repair_index)


def _repair_index() -> str:
    count = index_check.repair_index()
    return tk._("{count} records were indexed.").format(count=count)


def check_feed() -> Findings:
    """Check that the feed's log has everything that is public, as the site describes it now."""
    if is_wanted():
        # A job for it waits as soon as a process has started; what is said of jobs says the rest.
        text = tk._("The log of the feed is not complete. Run: ckan marathon feed rebuild")
        yield make_bad(text, _rebuild_feed)
        return
    gaps, since = feed_gap.read_gaps()
    if since:
        yield make_bad(describe_gaps(gaps, since), _fill_gaps)
        return
    faults = verify.sample(_SAMPLED)
    if faults:
        text = tk._(
            "The feed describes {what} otherwise than the site does now, as after a change of "
            "ckan.site_url. Run: ckan marathon feed rebuild"
        )
        yield make_bad(text.format(what=", ".join(f.what for f in faults[:_NAMED])), _rebuild_feed)
        return
    yield make_good(tk._("The log of the feed is complete."))


def _fill_gaps() -> str:
    feed_gap.make_all_due()
    model.Session.commit()
    fill_gaps()
    left, _since = feed_gap.read_gaps()
    return tk._("{count} records still wait to be published.").format(count=left)


def _rebuild_feed() -> str:
    ini = os.path.abspath(tk.config["__file__"])
    changes = rebuild(ini, 1, False, lambda *_progress: None)
    return tk._("The log is complete; {count} changes were written.").format(count=changes)


def check_jobs() -> Findings:
    """Check that background jobs have their store, that somebody does them, and that all end."""
    state = health.check_one(health.check_queue)
    if state is State.FULL:
        yield make_bad(
            tk._("Redis takes no changes: its disk is full. Jobs wait until it has room.")
        )
        return
    if state is not State.OK:
        yield make_bad(tk._("Redis cannot be reached at ckan.redis.url."))
        return
    yield make_good(tk._("Redis answers."))
    waiting = jobs.count_waiting()
    if waiting and not jobs.count_workers():
        text = tk._("No worker does the background jobs ({count} wait). Run: ckan jobs worker")
        yield make_warning(text.format(count=waiting))
    hanging = [worker.pid for worker in jobs.list_hanging_workers()]
    if hanging:
        text = tk._(
            "The worker of background jobs hangs (process {processes}): {count} jobs wait. It has "
            "to be ended; `make run` starts it again."
        )
        named = ", ".join(map(str, hanging))
        yield make_warning(text.format(processes=named, count=waiting), _end_job_workers)
    interrupted = jobs.list_interrupted()
    if interrupted:
        text = tk._("{count} background jobs were interrupted and have not been done.")
        yield make_warning(text.format(count=len(interrupted)), _restart_jobs)


def _end_job_workers() -> str:
    ended = jobs.end_hanging_workers()
    return tk._("Ended: {processes}").format(processes=", ".join(map(str, ended)))


def _restart_jobs() -> str:
    count = jobs.restart_interrupted()
    return tk._("{count} background jobs wait to be done again.").format(count=count)


def check_processes() -> Findings:
    """Check that the processes of `make run` do not hang."""
    hanging = heartbeats.list_hanging()
    workers = [str(beat.pid) for beat in hanging if beat.name == heartbeats.WEB]
    if workers:
        text = tk._(
            "Workers of the web server hang (process {processes}): who was connected to them gets "
            "no answer. They are replaced after half a minute."
        )
        yield make_warning(text.format(processes=", ".join(workers)), _end_web_workers)
    for beat in hanging:
        if beat.name == heartbeats.SUPERVISOR:
            text = tk._(
                "The supervisor hangs (process {process}): what ends is not started again. "
                "`make run` ends everything after a minute; start it again."
            )
            yield make_bad(text.format(process=beat.pid))
        elif beat.name == heartbeats.WATCH:
            text = tk._(
                "`make run` hangs (process {process}): nobody sees to servers that hang and to a "
                "full disk. Run: make stop, make run"
            )
            yield make_bad(text.format(process=beat.pid))
    if tk.config["ckanext.marathon.heartbeats"] and not hanging:
        yield make_good(tk._("No process hangs."))


def _end_web_workers() -> str:
    ended = heartbeats.end_hanging_web_workers()
    return tk._("Ended: {processes}").format(processes=", ".join(map(str, ended)))


def check_disk() -> Findings:
    """Check that the disk has room for saves."""
    try:
        free = disk.free_megabytes()
    except OSError:
        text = tk._("ckanext.marathon.disk_path names {path}, which is not there.")
        yield make_warning(text.format(path=tk.config["ckanext.marathon.disk_path"]))
        return
    if free is None:
        return
    needed = tk.config["ckanext.marathon.disk_free_mb"]
    if free < needed:
        text = tk._(
            "The disk is full: {free} MB are free, saves need {needed} (at {path}). Reading goes "
            "on, saves are answered with 503. Make room; nothing has to be restarted."
        )
        path = tk.config["ckanext.marathon.disk_path"]
        yield make_bad(text.format(free=free, needed=needed, path=path))
    else:
        yield make_good(tk._("The disk has room: {free} MB are free.").format(free=free))


def check_files() -> Findings:
    """Check for what accidents leave beside the uploaded files."""
    partial = leftovers.list_partial_files()
    if partial:
        text = tk._(
            "{count} files were stored in part only when something was interrupted: {names}"
        )
        yield make_warning(text.format(count=len(partial), names=_some(partial)), _remove_partial)
    unknown = leftovers.list_unknown_files()
    if unknown:
        text = tk._(
            "{count} uploaded files belong to no record: {names}. Delete them if no backup with "
            "their records is to be restored."
        )
        yield make_warning(text.format(count=len(unknown), names=_some(unknown)))


def _remove_partial() -> str:
    removed = leftovers.remove_partial_files()
    return tk._("Removed: {names}").format(names=", ".join(map(str, removed)))


def _some(paths: list[Path]) -> str:
    names = [str(path) for path in paths[:_NAMED]]
    return ", ".join([*names, "…"] if len(paths) > _NAMED else names)


STATE_CHECKS: tuple[Callable[[], Findings], ...] = (
    check_disk,
    check_processes,
    check_feed,
    check_solr,
    check_jobs,
    check_files,
)
