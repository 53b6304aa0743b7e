"""``ckan marathon feed``."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.cli.maintenance import ProgressBar
from ckanext.marathon.feeds import log_state, verify
from ckanext.marathon.feeds.verify import LogFaultKind
from ckanext.marathon.logic.redacting import redact_text
from ckanext.marathon.operations import doctor, portals
from ckanext.marathon.operations.feed_job import describe_gaps


@click.group("feed")
def feed_group() -> None:
    """The log from which the catalogue is served to portals."""


_WORKERS = click.option(
    "--workers", type=click.IntRange(1, 64), default=1, help="Processes that share the work."
)


@feed_group.command("verify")
@_WORKERS
def verify_feed(workers: int) -> None:
    """Compare the log with new descriptions of all public records.

    Lists the differences, and exits with 1 if there are any. The site can be used meanwhile.
    """
    with ProgressBar(tk._("Comparing")) as bar:
        faults = list(verify.verify_log(_find_ini(), workers, bar.at))
    names = {
        LogFaultKind.MISSING: tk._("public, but not in the log"),
        LogFaultKind.OUTDATED: tk._("described otherwise in the log"),
        LogFaultKind.NOT_PUBLIC: tk._("in the log, but not public"),
        LogFaultKind.PAGE: tk._("page that differs from its datasets"),
        LogFaultKind.SCOPE: tk._(
            "part of the catalogue whose changes are not those of its datasets"
        ),
        LogFaultKind.LOST: tk._(
            "change that was served and is not in the log: an older database was brought back. "
            "Restart the site, or run: ckan marathon feed new-epoch"
        ),
        LogFaultKind.CLOCK: tk._(
            "last change, but the clock names another one: a backup was restored in part. Restore "
            "all of it"
        ),
    }
    for fault in faults:
        click.echo(f"✗ {fault.what}: {names[fault.wrong]}")
    if faults:
        # A rebuild publishes the present state; it does not restore lost changes.
        lost = all(fault.wrong in (LogFaultKind.LOST, LogFaultKind.CLOCK) for fault in faults)
        text = (
            tk._("{count} faults.")
            if lost
            else tk._("{count} faults. Run: ckan marathon feed rebuild")
        )
        click.echo(text.format(count=len(faults)))
        raise SystemExit(1)
    click.echo(tk._("The log says what is public, all of it and nothing else."))


@feed_group.command("rebuild")
@_WORKERS
@click.option("--restart", is_flag=True, help="Do not go on where it was interrupted.")
def rebuild_feed(workers: int, restart: bool) -> None:
    """Describe all public records again, and write the changes into the log.

    Needed once on a site that had datasets before the plugin. The site can be used meanwhile. An
    interrupted run is continued by the next one.
    """
    with ProgressBar(tk._("Writing the log")) as bar:
        changes = verify.rebuild_log(_find_ini(), workers, restart, bar.at)
    click.echo(tk._("The log is complete; {count} changes were written.").format(count=changes))


@feed_group.command("status")
def show_status() -> None:
    """Show the state of the log."""
    found = log_state.read_log_status()
    rows: list[tuple[str, Any]] = [
        (tk._("Last change"), found.number),
        (tk._("Its mark"), f"{found.mark:016x}"),
        (tk._("Published"), found.published.isoformat() if found.published else "–"),
        (tk._("Epoch"), f"{found.epoch}, {found.began.isoformat(timespec='seconds')}"),
        (tk._("Complete"), tk._("yes") if found.complete else tk._("no")),
        (tk._("IRIs start with"), found.base or "–"),
        (tk._("Public"), _write_counts(found.public)),
        (tk._("No longer public"), _write_counts(found.tombstones)),
        (tk._("Bytes of descriptions"), found.body_bytes),
        (tk._("Bytes of pages kept"), found.kept_bytes),
    ]
    width = max(len(label) for label, _value in rows)
    for label, value in rows:
        click.echo(f"{label:<{width}}  {value}")
    for text in doctor.describe_losses():
        click.echo(f"! {text}")
    for iri in found.degraded:
        click.echo("! " + tk._("{iri} could only be described in short.").format(iri=iri))
    if found.base and found.base != found.base_now:
        text = tk._(
            "The settings say {now}. IRIs stay as they were first published: set "
            "ckanext.dcat.base_uri = {base}"
        )
        click.echo("! " + text.format(now=found.base_now, base=found.base))
    if found.gaps_since:
        click.echo("! " + describe_gaps(found.gaps, found.gaps_since))
    elif not found.complete:
        click.echo("! " + tk._("Run: ckan marathon feed rebuild"))


@feed_group.command("new-epoch")
@click.option("--yes", is_flag=True, help="Do not ask.")
def begin_new_epoch(yes: bool) -> None:
    """Make followers fetch everything again, after an older database was restored.

    Most of the time a new epoch begins without this command, see docs/feeds.md.
    """
    if not yes:
        click.confirm(
            tk._("Everybody who follows the feed will fetch all of it again."), abort=True
        )
    now = log_state.begin_new_epoch(log_state.find_lost_change())
    click.echo(tk._("Epoch {epoch} has begun.").format(epoch=now.epoch))


@feed_group.command("readers")
@click.argument("logs", type=click.Path(allow_dash=True), nargs=-1, required=True)
def list_readers(logs: tuple[str, ...]) -> None:
    """List the programs that read the feeds, by access logs of the web server (- for stdin).

    Older logs (LOG.1, also compressed, LOG.2.gz) may be named with the current one, in any order.
    Programs are identified by their User-Agent; browsers are left out.
    """
    found = portals.read_readers(line for log in logs for line in _read_lines(log))
    if not found:
        click.echo(tk._("No program has asked for a feed in these logs."))
    for reader in found:
        click.echo(f"{reader.agent}  {reader.part}/catalog")
        for label, value in (
            (tk._("Requests"), reader.requests),
            (tk._("Unchanged (304)"), reader.unchanged),
            (tk._("Errors"), reader.refused),
            (tk._("Last"), reader.last.isoformat() if reader.last else "–"),
            (tk._("Last full pass"), reader.full_pass.isoformat() if reader.full_pass else "–"),
            (tk._("Last cursor"), reader.cursor or "–"),
        ):
            click.echo(f"  {label}: {value}")


@feed_group.command("check")
@click.argument("url")
def check_feeds(url: str) -> None:
    """Test the feeds of a running site like a portal; URL is the address of the site or of a part.

    Exits with 1 if a test fails. The report contains no password of URL, so that it can be sent to
    the portal.
    """
    click.echo(f"{redact_text(url)}  {datetime.now(UTC).isoformat(timespec='seconds')}")
    faults = 0
    for finding in portals.PortalCheck(url).run():
        faults += bool(finding.fault)
        click.echo(redact_text(f"{'✗' if finding.fault else '✓'} {finding.tried}"))
        if finding.fault:
            click.echo(redact_text(f"  {finding.fault}"))
    raise SystemExit(bool(faults))


def _read_lines(log: str) -> Iterator[str]:
    """Yield the lines of a log, which may be compressed."""
    try:
        opened = gzip.open if log.endswith(".gz") else click.open_file
        with opened(log, "rt", errors="replace") as stream:
            yield from stream
    except (OSError, EOFError, zlib.error) as fault:
        text = tk._("{name} cannot be read: {reason}")
        raise click.ClickException(text.format(name=log, reason=fault)) from fault


def _find_ini() -> str:
    return os.path.abspath(tk.config["__file__"])


def _write_counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())) or "–"
