"""``ckan marathon doctor``: checks of the site's configuration and of its present state."""

from __future__ import annotations

import ipaddress
import os
import smtplib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.cli.db import current_revision
from ckan.lib.mailer import (
    _parse_smtp_server,  # pyright: ignore[reportPrivateUsage]  # CKAN has no public one
)
from ckanext.dcat.utils import catalog_uri
from sqlalchemy.exc import OperationalError

from ckanext.marathon.domain.addresses import is_mail_reachable
from ckanext.marathon.domain.dataset import COORDINATING_BODY
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.feeds import log_state, verify
from ckanext.marathon.feeds.publish import fill_gaps
from ckanext.marathon.feeds.verify import is_rebuild_wanted, rebuild_log
from ckanext.marathon.logic import file_version as file_version_logic
from ckanext.marathon.logic.dataset import list_contested_iris
from ckanext.marathon.logic.erasing import LIST_FILE, find_returned, read_list_file
from ckanext.marathon.model import (
    clock,
    dataset,
    datastore,
    disk,
    feed,
    file_version,
    table,
    takedown,
)
from ckanext.marathon.model import search_index as search_index_model
from ckanext.marathon.operations import health as health_operations
from ckanext.marathon.operations import tables, upkeep
from ckanext.marathon.operations.feed_job import describe_gaps
from ckanext.marathon.operations.health import HealthState
from ckanext.marathon.operations.upkeep import IndexFault, count_unsafe_activities, scrub_activities
from ckanext.marathon.rdf.concept import find_licence_iri
from ckanext.marathon.rdf.facts import make_web_iri
from ckanext.marathon.rdf.lookups import CATALOG_LICENCE
from ckanext.marathon.records import DATASET, OTHER_TYPES


class Health(Enum):
    """The severity of a finding; ``BAD``: the site does not work or is not safe."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """The result of a check, in the reader's language."""

    health: Health
    text: str
    #: corrects the fault; returns a sentence about the correction
    mend: Callable[[], str] | None = None


Findings = Iterator[Finding]


def make_good(text: str) -> Finding:
    """Return a finding without a fault."""
    return Finding(Health.GOOD, text)


def make_warning(text: str, mend: Callable[[], str] | None = None) -> Finding:
    """Return a fault in spite of which the site works."""
    return Finding(Health.WARNING, text, mend)


def make_bad(text: str, mend: Callable[[], str] | None = None) -> Finding:
    """Return a fault because of which the site does not work or is not safe."""
    return Finding(Health.BAD, text, mend)


_SECONDS = 5


def check_mail() -> Findings:
    """Check that mail can be sent, and that mail servers are likely to accept it."""
    yield from _check_server()
    yield from _check_recipient()
    yield from _check_news()


def _check_server() -> Findings:
    server = tk.config.get("smtp.server") or ""
    if not server:
        yield make_warning(
            tk._("No mail server (smtp.server): invitations give a link to hand over instead.")
        )
        return
    host, port = _parse_smtp_server(server)
    try:
        with smtplib.SMTP(host or "", port, timeout=_SECONDS):
            pass
    except OSError:
        text = tk._(
            "The mail server {server} does not answer: invitations give a link to hand over "
            "instead."
        )
        yield make_warning(text.format(server=server))
    else:
        yield make_good(tk._("The mail server {server} answers.").format(server=server))
    sender = str(tk.config.get("smtp.mail_from") or "")
    if not sender:
        text = tk._(
            "smtp.mail_from is not set: no mail can be sent, and a forgotten password ends in an "
            "error of the server. Set it to the address that mails come from."
        )
        yield make_warning(text)
    # The mailbox of the sender need not exist, but its host must.
    elif not is_mail_reachable(f"datos@{sender.rpartition('@')[2]}"):
        text = tk._(
            "smtp.mail_from is {address}, at a host that the internet does not know: many mail "
            "servers refuse what comes from there. Set it to an address of your own domain."
        )
        yield make_warning(text.format(address=sender))


def _check_recipient() -> Findings:
    """Check the addresses for the site's errors and for questions of portals."""
    recipient = str(tk.config.get("email_to") or "")
    if not recipient:
        text = tk._(
            "email_to is not set: nobody is told of errors of the site, and portals are given no "
            "address of the site to ask. Set email_to to an address that somebody reads, together "
            "with error_email_from."
        )
        yield make_warning(text)
        return
    if not is_mail_reachable(recipient):
        text = tk._(
            "email_to is {address}, where nobody reads letters: nobody is told of errors of the "
            "site, and portals are given no address of the site to ask. Set it to an address that "
            "somebody reads."
        )
        yield make_warning(text.format(address=recipient))
    if not tk.config.get("error_email_from"):
        text = tk._(
            "error_email_from is not set: mails about errors of the site say that they come from "
            "“None”, and mail servers refuse them. Set it to the address that mails come from."
        )
        yield make_warning(text)


def _check_news() -> Findings:
    """Check that people who asked for news by mail get them."""
    if tk.config.get("ckan.activity_streams_email_notifications"):
        return
    user = cast(Any, model.User)
    waiting = model.Session.scalar(
        sa.select(sa.func.count()).where(
            user.state == model.State.ACTIVE, user.activity_streams_email_notifications.is_(True)
        )
    )
    if waiting:
        text = tk._(
            "{count} people want news by e-mail, and none are sent. Set "
            "ckan.activity_streams_email_notifications = true, and run ckan marathon notify every "
            "day."
        )
        yield make_warning(text.format(count=waiting))


def find_takedown_faults() -> list[str]:
    """Return faults of takedowns as sentences with instructions."""
    faults: list[str] = []
    try:
        read_list_file()
    except (OSError, Malformed) as fault:
        text = tk._("The file of {option} cannot be read: {fault}")
        faults.append(text.format(option=LIST_FILE, fault=fault))
    back = find_returned()
    if back:
        text = tk._(
            "Taken down, and there again (a backup was restored): {ids}. Run: ckan marathon "
            "takedown apply"
        )
        faults.append(text.format(ids=", ".join(back)))
    unfinished = takedown.list_unfinished()
    if unfinished:
        text = tk._(
            "Something is left of what was taken down: {ids}. Run: ckan marathon takedown apply"
        )
        faults.append(text.format(ids=", ".join(unfinished)))
    return faults


def check_descriptions() -> Findings:
    """Check for missing metadata that other portals require and only people can enter."""
    given = str(tk.config.get(CATALOG_LICENCE) or "")
    if not given:
        yield make_warning(
            tk._(
                "The catalogue does not say under which licence its descriptions are, as other "
                "portals ask: set ckanext.marathon.catalog_license, for example to cc-by."
            )
        )
    elif find_licence_iri(given) is None and make_web_iri(given) is None:
        text = tk._(
            "ckanext.marathon.catalog_license is “{value}”: neither the id of a licence nor an "
            "address. Nothing is published of it."
        )
        yield make_warning(text.format(value=given))
    for count, text in (
        (
            dataset.count_datasets_without_licence(),
            tk._(
                "Public datasets without a licence: {count}. Nobody knows whether they may be "
                "used. Whoever owns the data has to say; their officers choose the licence in the "
                "form."
            ),
        ),
        (
            dataset.count_organizations_without_contact(),
            tk._(
                "Organisations with public datasets and no e-mail address for questions: {count}. "
                "Their administrators fill in “Institutional e-mail”."
            ),
        ),
    ):
        if count:
            yield make_warning(text.format(count=count))


# Time for which a new epoch after a loss is reported.
RECENTLY = timedelta(days=30)


def describe_losses() -> Iterator[str]:
    """Yield messages about lost changes of the feed, in the reader's language."""
    lost = log_state.find_unanswered_loss()
    if lost:
        text = tk._(
            "An older database was brought back: change {number} was served to portals, and the "
            "feed's log does not have it. Restart the site, and a new epoch begins by itself, or "
            "run: ckan marathon feed new-epoch"
        )
        yield text.format(number=lost.number)
    now = clock.read_clock()
    if now.lost is not None and now.began > datetime.now(UTC) - RECENTLY:
        text = tk._(
            "Epoch {epoch} began on {date}, because an older database had been brought back: "
            "changes up to {number} had been served. Portals fetch everything again."
        )
        yield text.format(epoch=now.epoch, date=now.began.date().isoformat(), number=now.lost)


# Files or records named in a finding.
_NAMED = 5
# Number of feed entries compared with the site.
_SAMPLED = 20
# Time within which background jobs usually index a change.
_PATIENCE = timedelta(minutes=2)


def check_solr() -> Findings:
    """Check that Solr answers searches, accepts changes, and has every record."""
    state = health_operations.check_one(health_operations.check_search)
    if state is HealthState.SILENT:
        yield make_bad(tk._("Solr hangs: nothing answers at solr_url. Restart it."))
        return
    if state is not HealthState.OK:
        yield make_bad(tk._("Solr cannot be reached at solr_url: nothing can be saved or found."))
        return
    if health_operations.check_one(health_operations.check_indexing) is HealthState.FAILING:
        text = tk._(
            "Solr searches but takes no changes, so that every save fails: its disk was full. "
            "Make room and restart Solr (`make run` does the latter by itself)."
        )
        yield make_bad(text)
    yield from _check_index()


def _check_index() -> Findings:
    faults = Counter(difference.fault for difference in upkeep.compare_index())
    waiting = search_index_model.count_due_packages(_PATIENCE)
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
    count = upkeep.repair_index()
    return tk._("{count} records were indexed.").format(count=count)


def check_feed() -> Findings:
    """Check that the feed's log is complete, and that a sample of its descriptions is current."""
    if is_rebuild_wanted():
        # A job for it is queued when a process starts; ``check_jobs`` reports on that job.
        text = tk._("The log of the feed is not complete. Run: ckan marathon feed rebuild")
        yield make_bad(text, _rebuild_feed)
        return
    gaps, since = feed.read_gaps()
    if since:
        yield make_bad(describe_gaps(gaps, since), _fill_gaps)
        return
    faults = verify.verify_sample(_SAMPLED)
    if faults:
        text = tk._(
            "The feed describes {what} otherwise than the site does now, as after a change of "
            "ckan.site_url. Run: ckan marathon feed rebuild"
        )
        yield make_bad(text.format(what=", ".join(f.what for f in faults[:_NAMED])), _rebuild_feed)
        return
    yield make_good(tk._("The log of the feed is complete."))


def _fill_gaps() -> str:
    feed.make_all_due()
    model.Session.commit()
    fill_gaps()
    left, _since = feed.read_gaps()
    return tk._("{count} records still wait to be published.").format(count=left)


def _rebuild_feed() -> str:
    ini = os.path.abspath(tk.config["__file__"])
    changes = rebuild_log(ini)
    return tk._("The log is complete; {count} changes were written.").format(count=changes)


def check_jobs() -> Findings:
    """Check that Redis answers, that a worker does queued jobs, and that none was interrupted."""
    state = health_operations.check_one(health_operations.check_queue)
    if state is HealthState.FULL:
        yield make_bad(
            tk._("Redis takes no changes: its disk is full. Jobs wait until it has room.")
        )
        return
    if state is not HealthState.OK:
        yield make_bad(tk._("Redis cannot be reached at ckan.redis.url."))
        return
    yield make_good(tk._("Redis answers."))
    waiting = health_operations.count_waiting()
    if waiting and not health_operations.count_workers():
        text = tk._("No worker does the background jobs ({count} wait). Run: ckan jobs worker")
        yield make_warning(text.format(count=waiting))
    hanging = [worker.pid for worker in health_operations.list_hanging_workers()]
    if hanging:
        text = tk._(
            "The worker of background jobs hangs (process {processes}): {count} jobs wait. It has "
            "to be ended; `make run` starts it again."
        )
        named = ", ".join(map(str, hanging))
        yield make_warning(text.format(processes=named, count=waiting), _end_job_workers)
    interrupted = health_operations.list_interrupted()
    if interrupted:
        text = tk._("{count} background jobs were interrupted and have not been done.")
        yield make_warning(text.format(count=len(interrupted)), _restart_jobs)


def _end_job_workers() -> str:
    ended = health_operations.end_hanging_workers()
    return tk._("Ended: {processes}").format(processes=", ".join(map(str, ended)))


def _restart_jobs() -> str:
    count = health_operations.restart_interrupted()
    return tk._("{count} background jobs wait to be done again.").format(count=count)


def check_processes() -> Findings:
    """Check that the processes of `make run` do not hang."""
    hanging = health_operations.list_hanging()
    workers = [str(beat.pid) for beat in hanging if beat.name == health_operations.WEB]
    if workers:
        text = tk._(
            "Workers of the web server hang (process {processes}): who was connected to them gets "
            "no answer. They are replaced after half a minute."
        )
        yield make_warning(text.format(processes=", ".join(workers)), _end_web_workers)
    for beat in hanging:
        if beat.name == health_operations.SUPERVISOR:
            text = tk._(
                "The supervisor hangs (process {process}): what ends is not started again. "
                "`make run` ends everything after a minute; start it again."
            )
            yield make_bad(text.format(process=beat.pid))
        elif beat.name == health_operations.WATCH:
            text = tk._(
                "`make run` hangs (process {process}): nobody sees to servers that hang and to a "
                "full disk. Run: make stop, make run"
            )
            yield make_bad(text.format(process=beat.pid))
    if tk.config["ckanext.marathon.heartbeats"] and not hanging:
        yield make_good(tk._("No process hangs."))


def _end_web_workers() -> str:
    ended = health_operations.end_hanging_web_workers()
    return tk._("Ended: {processes}").format(processes=", ".join(map(str, ended)))


def check_disk() -> Findings:
    """Check that the disk has room for saves."""
    try:
        free = disk.count_free_megabytes()
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
    """Check for leftovers of interrupted uploads, and for files that belong to no record."""
    partial = upkeep.list_partial_files()
    if partial:
        text = tk._(
            "{count} files were stored in part only when something was interrupted: {names}"
        )
        yield make_warning(text.format(count=len(partial), names=_some(partial)), _remove_partial)
    expired = upkeep.count_expired()
    if any(expired):
        text = tk._(
            "{uploads} files that were never published and {drafts} drafts are older than they "
            "may become."
        )
        yield make_warning(
            text.format(uploads=expired.uploads, drafts=expired.drafts), _remove_expired
        )
    unknown = upkeep.list_unknown_files()
    if unknown:
        text = tk._(
            "{count} uploaded files belong to no record: {names}. Delete them if no backup with "
            "their records is to be restored."
        )
        yield make_warning(text.format(count=len(unknown), names=_some(unknown)))


def _remove_partial() -> str:
    removed = upkeep.remove_partial_files()
    return tk._("Removed: {names}").format(names=", ".join(map(str, removed)))


def _remove_expired() -> str:
    return describe_expired(upkeep.remove_expired())


def describe_expired(expired: upkeep.Expired) -> str:
    """Return how many begun uploads and drafts were removed."""
    text = tk._("Removed: {uploads} begun files, {drafts} drafts")
    return text.format(uploads=expired.uploads, drafts=expired.drafts)


def _some(paths: list[Path]) -> str:
    names = [str(path) for path in paths[:_NAMED]]
    return ", ".join([*names, "…"] if len(paths) > _NAMED else names)


def check_tables_of_files() -> Findings:
    """Check the tables of uploaded files, and the former versions of files."""
    if not _has_current_tables():
        # Reported by another check.
        return
    condition = tables.examine_tables()
    overdue = table.count_due_tables(_PATIENCE)
    if condition.lost or condition.left or overdue:
        text = tk._(
            "Tables of files: {lost} are missing in the DataStore, {left} belong to no file and "
            "{overdue} wait to be loaded. Run: ckan marathon tables update"
        )
        values = {"lost": len(condition.lost), "left": len(condition.left), "overdue": overdue}
        yield make_warning(text.format(**values), _update_tables)
    else:
        text = tk._("The tables of {count} files are loaded.")
        yield make_good(text.format(count=condition.loaded))
    if condition.failed:
        text = tk._(
            "{count} files cannot be read as tables; their officers see why. List them: ckan "
            "marathon tables check"
        )
        yield make_warning(text.format(count=condition.failed))
    yield from _check_sql_search()
    absent = file_version.list_of_absent()
    if absent:
        text = tk._("{count} former versions belong to files that were deleted.")
        yield make_warning(text.format(count=len(absent)), _remove_absent_versions)
    missing = tables.list_missing_versions()
    if missing:
        text = tk._("{count} former versions of files are not in the storage: {names}")
        yield make_warning(text.format(count=len(missing), names=", ".join(missing[:_NAMED])))


def _check_sql_search() -> Findings:
    """Check the settings of the DataStore that would show what is not public."""
    if not datastore.is_available():
        return
    if tk.config.get("ckan.datastore.sqlsearch.enabled"):
        yield make_bad(
            tk._(
                "Everybody may send SQL to the DataStore (ckan.datastore.sqlsearch.enabled). Set "
                "it to false."
            )
        )
    if tk.config.get("ckan.datastore.public_table_search"):
        yield make_bad(
            tk._(
                "Everybody may list the tables of private datasets "
                "(ckan.datastore.public_table_search). Empty it."
            )
        )


def _update_tables() -> str:
    tables.note_outdated_tables()
    done = tables.update_tables(lambda _done, _total: None)
    return tk._("{count} tables were loaded or dropped.").format(count=done)


def _remove_absent_versions() -> str:
    count = file_version_logic.remove_absent_versions()
    return tk._("{count} former versions were deleted.").format(count=count)


STATE_CHECKS: tuple[Callable[[], Findings], ...] = (
    check_disk,
    check_processes,
    check_feed,
    check_solr,
    check_jobs,
    check_files,
    check_tables_of_files,
)


NEEDED = ("marathon", "scheming_datasets", "scheming_organizations", "dcat")
_PROFILE = "marathon"
# Datasets named in a finding.
_NAMED_SCHEMAS = 5


def examine_site() -> Iterator[Finding]:
    """Yield the results of all checks; an exception in one does not stop the others."""
    for check in CHECKS:
        try:
            yield from check()
        except OperationalError:
            model.Session.rollback()
            yield make_bad(tk._("PostgreSQL stopped answering while this was being checked."))
            return


def check_plugins() -> Findings:
    """Check that the plugins on which this one depends are loaded, after it."""
    loaded = list(tk.config.get("ckan.plugins") or [])
    missing = [name for name in NEEDED if not p.plugin_loaded(name)]
    if missing:
        text = tk._("Add to ckan.plugins: {names}.")
        yield make_bad(text.format(names=", ".join(missing)))
        return
    first = loaded.index("marathon")
    before = [n for n in NEEDED if n in loaded and loaded.index(n) < first]
    if before:
        text = tk._("In ckan.plugins, marathon has to stand before {names}.")
        yield make_bad(text.format(names=", ".join(before)))
    else:
        yield make_good(tk._("The plugins are loaded in the right order."))


def check_tables() -> Findings:
    """Check that the migrations of this version have been applied."""
    if _has_current_tables():
        yield make_good(tk._("The database has the tables of this version."))
    else:
        yield make_bad(tk._("Tables are missing. Run: ckan db upgrade -p marathon"))


def _has_current_tables() -> bool:
    return (current_revision("marathon") or "").endswith("(head)")


def check_schemas() -> Findings:
    """Check that forms and feeds follow our schemas and profile."""
    foreign = [name for name, used in _schemas_in_use() if not used]
    if foreign:
        text = tk._(
            "Other schemas than the marathon's are in use for: {names}. Compare "
            "scheming.dataset_schemas and scheming.organization_schemas with docs/installing.md."
        )
        yield make_bad(text.format(names=", ".join(foreign)))
    else:
        yield make_good(tk._("The marathon's schemas are in use."))
    if _PROFILE not in str(tk.config.get("ckanext.dcat.rdf.profiles") or "").split():
        yield make_warning(
            tk._("ckanext.dcat.rdf.profiles does not name marathon: the feeds lack the chain.")
        )


def _schemas_in_use() -> Iterator[tuple[str, bool]]:
    for package_type in (DATASET, *OTHER_TYPES):
        yield package_type, _is_ours("scheming_dataset_schema_show", package_type)
    yield "organization", _is_ours("scheming_organization_schema_show", "organization")


def _is_ours(action: str, type_: str) -> bool:
    try:
        schema: dict[str, Any] = tk.get_action(action)({"ignore_auth": True}, {"type": type_})
    except (KeyError, tk.ObjectNotFound):
        return False
    return f"marathon_{type_}_rules" in str(schema.get("after_validators") or "")


def check_base_uri() -> Findings:
    """Check that the base of published IRIs is configured and is no loopback address."""
    base = str(catalog_uri())
    host = urlsplit(base).hostname or ""
    if is_loopback(host):
        text = tk._(
            "IRIs start with {base}, an address of this machine alone. Set ckanext.dcat.base_uri "
            "before the first publication."
        )
        yield make_warning(text.format(base=base))
    elif not tk.config.get("ckanext.dcat.base_uri"):
        text = tk._(
            "IRIs start with {base}, taken from ckan.site_url. Set ckanext.dcat.base_uri, so that "
            "they stay when the site moves."
        )
        yield make_warning(text.format(base=base))
    else:
        yield make_good(tk._("IRIs start with {base}.").format(base=base))


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is a loopback one."""
    if not host or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_activities() -> Findings:
    """Check that no stored activity shows content that is not public."""
    unsafe = count_unsafe_activities()
    if unsafe:
        text = tk._(
            "Activities that show what is not public, or show it to too many: {count} or more. "
            "Run: ckan marathon activity scrub"
        )
        yield make_bad(text.format(count=unsafe), _scrub_activities)
    else:
        yield make_good(tk._("The activities show nothing that is not public."))


def _scrub_activities() -> str:
    done = scrub_activities()
    return tk._("{count} activities were put right.").format(count=done.data + done.labels)


def check_kept_iris() -> Findings:
    """Check that each dataset with an IRI of another catalogue is published under that IRI."""
    if not _has_current_tables():
        # Reported by another check.
        return
    contested = list_contested_iris()
    for record in contested[:_NAMED_SCHEMAS]:
        text = (
            tk._(
                "The dataset {name} names in its field uri the IRI {iri}, which {holder} has: it "
                "is published under an IRI of this site, and portals list both. If it was "
                "harvested twice, delete {name} and one of the two sources; if somebody typed the "
                "IRI in, take it out of the field."
            )
            if record.is_listed_twice
            else tk._(
                "The dataset {name} names in its field uri the IRI {iri}, which {holder} has, and "
                "{holder} is not public: {name} alone is listed, under an IRI of this site. Before "
                "{holder} is published, delete one of the two, or take the IRI out of its field."
            )
        )
        yield make_warning(text.format(name=record.name, iri=record.iri, holder=record.holder))
    if len(contested) > _NAMED_SCHEMAS:
        text = tk._("Further datasets whose IRI another one has: {count}.")
        yield make_warning(text.format(count=len(contested) - _NAMED_SCHEMAS))


def check_people() -> Findings:
    """Check for a coordinating body, and for settings that give too many rights to everybody."""
    role = cast(Any, model.Group).extras["role"].astext
    query = sa.select(sa.func.count()).where(
        model.Group.state == model.State.ACTIVE, role == COORDINATING_BODY
    )
    if not model.Session.scalar(query):
        yield make_warning(
            tk._(
                "No organisation has the role of coordinating body; a system administrator sets it."
            )
        )
    if tk.config.get("ckan.auth.user_create_organizations"):
        yield make_warning(
            tk._(
                "Everybody with an account may create organisations "
                "(ckan.auth.user_create_organizations)."
            )
        )
    if tk.config.get("ckan.auth.public_user_details"):
        yield make_warning(
            tk._("Everybody may see who the users are (ckan.auth.public_user_details).")
        )


def check_history() -> Findings:
    """Check that the feed's log has all changes that were served to portals."""
    if not _has_current_tables():
        # Reported by another check.
        return
    texts = list(describe_losses())
    yield from (make_warning(text) for text in texts)
    if not texts:
        yield make_good(
            tk._("The feed's log has every change that was served, as far as is known.")
        )


def check_takedowns() -> Findings:
    """Check that no record that was taken down is in the database, and that no step is left."""
    faults = find_takedown_faults()
    yield from map(make_bad, faults)
    if not faults:
        yield make_good(tk._("Nothing is left of what was taken down."))


CHECKS: tuple[Callable[[], Findings], ...] = (
    check_plugins,
    check_tables,
    check_schemas,
    check_base_uri,
    *STATE_CHECKS,
    check_kept_iris,
    check_activities,
    check_mail,
    check_people,
    check_descriptions,
    check_history,
    check_takedowns,
)
