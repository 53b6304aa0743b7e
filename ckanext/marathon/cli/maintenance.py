"""``ckan marathon doctor``, ``index``, ``files``, ``activity``, ``notify`` and ``own-data``.

Also how far a long command is, for who watches it and for logs.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import ckan.plugins.toolkit as tk
import click
from ckan.lib import search
from ckan.lib.mailer import MailerException

from ckanext.marathon.model import search_index as search_index_model
from ckanext.marathon.operations import activity, doctor, files, own_data, search_index
from ckanext.marathon.operations.doctor import Finding, Health
from ckanext.marathon.operations.files import ChecksumOutcome
from ckanext.marathon.operations.search_index import IndexFault
from ckanext.marathon.operations.starter import StarterError, StarterOutcome
from ckanext.marathon.operations.starter_content import ContentError


class ProgressBar:
    """A progress bar that is told where it is; a line at the start and each tenth in a log."""

    def __init__(self, label: str) -> None:
        """Take the name of what is done."""
        self._label = label
        self._bar: Any = None
        self._done = 0
        self._has_begun = False

    def __enter__(self) -> ProgressBar:
        """Return itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.__exit__(*exception)

    def at(self, done: int, total: int, *_: int) -> None:
        """Say that so many of so many are done."""
        if sys.stdout.isatty():
            self._move(done - self._done, total)
        elif not self._has_begun or 10 * done // max(total, 1) > 10 * self._done // max(total, 1):
            # Not among what is found, which a program may read.
            click.echo(f"{self._label}: {done} / {total}", err=True)
        self._done = done
        self._has_begun = True

    def _move(self, steps: int, total: int) -> None:
        if self._bar is None:
            self._bar = click.progressbar(length=total, label=self._label, show_pos=True)
            self._bar.__enter__()
        self._bar.update(steps)


_MARKS = {Health.GOOD: ("✓", "green"), Health.WARNING: ("!", "yellow"), Health.BAD: ("✗", "red")}


@click.command("doctor")
@click.option("--fix", is_flag=True, help="Put right what can be, then check again.")
def run_doctor(fix: bool) -> None:
    """Check that the site is set up so that the marathon works on it, and that it is well.

    Exits with 1 if something keeps it from working; warnings alone do not.
    """
    findings = _show_findings()
    mendable = [finding for finding in findings if finding.mend]
    if fix and mendable:
        for finding in mendable:
            assert finding.mend is not None
            click.echo(f"→ {finding.mend()}")
        findings = _show_findings()
    elif mendable:
        click.echo(
            tk._("Run `ckan marathon doctor --fix` to put {count} of these right.").format(
                count=len(mendable)
            )
        )
    healths = [finding.health for finding in findings]
    bad, warnings = healths.count(Health.BAD), healths.count(Health.WARNING)
    summary = tk._("{bad} faults, {warnings} warnings.")
    click.echo(summary.format(bad=bad, warnings=warnings))
    if bad:
        raise SystemExit(1)


def _show_findings() -> list[Finding]:
    findings = []
    for finding in doctor.examine_site():
        mark, colour = _MARKS[finding.health]
        click.echo(f"{click.style(mark, fg=colour)} {finding.text}")
        findings.append(finding)
    return findings


@click.group("index")
def index_group() -> None:
    """The search index, compared with the database."""


@index_group.command("check")
def check_index() -> None:
    """List the records that the search index lacks, has too many or has otherwise.

    Exits with 1 if there are any.
    """
    _require_solr()
    names = {
        IndexFault.MISSING: tk._("not in the search index"),
        IndexFault.GHOST: tk._("in the search index, but not in the database"),
        IndexFault.OUTDATED: tk._("outdated in the search index"),
    }
    differences = list(search_index.compare_index())
    for difference in differences:
        click.echo(f"✗ {difference.package_id}: {names[difference.fault]}")
    waiting = search_index_model.count_due_packages()
    if waiting:
        click.echo(tk._("{count} records wait to be indexed.").format(count=waiting))
    if differences or waiting:
        click.echo(tk._("Run: ckan marathon index repair"))
        raise SystemExit(1)
    click.echo(tk._("The search index has what the database has."))


@index_group.command("repair")
def repair_index() -> None:
    """Bring the search index up to date with the database; only what differs is indexed."""
    _require_solr()
    count = search_index.repair_index()
    click.echo(tk._("{count} records were indexed.").format(count=count))


def _require_solr() -> None:
    if not search.is_available():
        click.echo(tk._("Solr cannot be reached at solr_url."), err=True)
        raise SystemExit(1)


@click.group("files")
def files_group() -> None:
    """Files that people uploaded."""


@files_group.command("checksums")
def add_checksums() -> None:
    """State the SHA-256 of uploaded files that have none, from their bytes.

    Files get theirs when they are uploaded; those that are older get it here. Exits with 1 if a
    file is not there, or is not the one that its checksum was of.
    """
    counts: Counter[ChecksumOutcome] = Counter()
    for done in files.add_missing_checksums():
        counts[done.outcome] += 1
        file = f"/dataset/{done.package}/resource/{done.resource}"
        said = {
            ChecksumOutcome.CORRECTED: tk._(
                "✗ {file}: the checksum that was stated was wrong ({detail})"
            ),
            ChecksumOutcome.MISSING: tk._("✗ {file}: the file cannot be read ({detail})"),
            ChecksumOutcome.ELSEWHERE: tk._("! {file}: another plugin keeps the file"),
        }.get(done.outcome)
        if said:
            click.echo(said.format(file=file, detail=done.detail))
    added = counts[ChecksumOutcome.ADDED] + counts[ChecksumOutcome.CORRECTED]
    click.echo(tk._("{count} files got their checksum.").format(count=added))
    if counts[ChecksumOutcome.CORRECTED] or counts[ChecksumOutcome.MISSING]:
        raise SystemExit(1)


@click.group("activity")
def activity_group() -> None:
    """What ckanext-activity keeps of records, and whom it shows it to."""


@activity_group.command("scrub")
def scrub_activity() -> None:
    """Take out of all activities what outsiders may not see, and set who may read each.

    For activities that were written before this version, or by bulk SQL. May be run at any time,
    whether the plugin activity is loaded or not; run again, it changes nothing.
    """

    def tell(done: int) -> None:
        click.echo(tk._("Activities: {count}").format(count=done), err=True)

    done = activity.scrub_activities(tell)
    text = tk._("Activities: {rows}; record changed: {data}; readers changed: {labels}.")
    click.echo(text.format(rows=done.rows, data=done.data, labels=done.labels))


@click.command("notify")
def notify_followers() -> None:
    """Send people by e-mail what is new of what they follow; once a day is enough.

    As ``ckan notify send_emails``, which speaks English on every site.
    """
    user: Any = tk.get_action("get_site_user")({"ignore_auth": True}, {})
    try:
        send = tk.get_action("send_email_notifications")
    except KeyError:
        raise click.ClickException(tk._("Add the plugin activity to ckan.plugins.")) from None
    try:
        send({"user": user["name"]}, {})
    except tk.ValidationError as error:
        raise click.ClickException(str(error.error_dict.get("message", error))) from None
    except MailerException as error:
        raise click.ClickException(str(error)) from None


@click.group("own-data")
def own_data_group() -> None:
    """The site's own workshops, ideas and data needs as open data."""


@own_data_group.command("publish")
@click.option("--organization", default="", help="Owner of a new one; else who coordinates.")
def publish_own_data(organization: str) -> None:
    """Publish the dataset of the site's own tables, or bring it up to date."""
    try:
        outcome = own_data.publish_own_data(organization)
    except (ContentError, StarterError) as error:
        raise click.ClickException(str(error)) from None
    said = {
        StarterOutcome.ADDED: tk._("Published: {address}"),
        StarterOutcome.COMPLETED: tk._("Brought up to date: {address}"),
    }.get(outcome, tk._("Nothing to do: {address}"))
    click.echo(said.format(address=tk.h.url_for("dataset.read", id=own_data.NAME, _external=True)))
