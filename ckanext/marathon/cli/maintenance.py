"""Commands for a running site; backups and feeds have modules of their own.

``ckan marathon doctor``, ``index``, ``files``, ``activity``, ``notify``, ``own-data``, ``starter``,
``examples``, ``municipality`` and ``takedown``.

Also the progress bar of long commands.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import click
import sqlalchemy as sa
from ckan import model
from ckan.lib import search
from ckan.lib.mailer import MailerException
from ckan.types import Context

from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.domain.takedown import parse_takedowns
from ckanext.marathon.logic import messages
from ckanext.marathon.model import search_index as search_index_model
from ckanext.marathon.model.municipality import MunicipalityClaim
from ckanext.marathon.operations import doctor, starter, upkeep
from ckanext.marathon.operations.doctor import Finding, Health
from ckanext.marathon.operations.starter import (
    ContentError,
    ExampleRecord,
    StarterError,
    StarterOutcome,
    StarterStep,
    StillNeeded,
)
from ckanext.marathon.operations.upkeep import ChecksumOutcome, IndexFault


class ProgressBar:
    """A progress bar; without a terminal, a line at the start and after each tenth."""

    def __init__(self, label: str) -> None:
        """Set the label of the bar."""
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
        """Move the bar to ``done`` of ``total``."""
        if sys.stdout.isatty():
            self._move(done - self._done, total)
        elif not self._has_begun or 10 * done // max(total, 1) > 10 * self._done // max(total, 1):
            # Not on standard output, which programs may read.
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
    """Check the configuration and the state of the site.

    Exits with 1 if there are faults; warnings alone do not count.
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
    findings: list[Finding] = []
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
    """List the records that are missing, outdated or too many in the search index.

    Exits with 1 if there are any.
    """
    _require_solr()
    names = {
        IndexFault.MISSING: tk._("not in the search index"),
        IndexFault.GHOST: tk._("in the search index, but not in the database"),
        IndexFault.OUTDATED: tk._("outdated in the search index"),
    }
    differences = list(upkeep.compare_index())
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
    """Index the records that differ between search index and database."""
    _require_solr()
    count = upkeep.repair_index()
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
    """Store the SHA-256 of uploaded files that have none: of files older than the plugin.

    Exits with 1 if a file is missing, or differs from its former checksum.
    """
    counts: Counter[ChecksumOutcome] = Counter()
    for done in upkeep.add_missing_checksums():
        counts[done.outcome] += 1
        file = f"/dataset/{done.package}/resource/{done.resource}"
        message = {
            ChecksumOutcome.CORRECTED: tk._(
                "✗ {file}: the checksum that was stated was wrong ({detail})"
            ),
            ChecksumOutcome.MISSING: tk._("✗ {file}: the file cannot be read ({detail})"),
            ChecksumOutcome.ELSEWHERE: tk._("! {file}: another plugin keeps the file"),
        }.get(done.outcome)
        if message:
            click.echo(message.format(file=file, detail=done.detail))
    added = counts[ChecksumOutcome.ADDED] + counts[ChecksumOutcome.CORRECTED]
    click.echo(tk._("{count} files got their checksum.").format(count=added))
    if counts[ChecksumOutcome.CORRECTED] or counts[ChecksumOutcome.MISSING]:
        raise SystemExit(1)


@files_group.command("expire")
def expire_files() -> None:
    """Remove files that were sent and never published, and drafts, whose time is over.

    The site does it by itself whenever somebody sends a file or types a draft.
    """
    click.echo(doctor.describe_expired(upkeep.remove_expired()))


@click.group("activity")
def activity_group() -> None:
    """The copies of records that ckanext-activity stores, and who may read them."""


@activity_group.command("scrub")
def scrub_activity() -> None:
    """Remove non-public content from all activities, and set their permission labels.

    For activities that were written before this version, or by bulk SQL. May be run at any time,
    and repeated, whether the plugin activity is loaded or not.
    """

    def tell(done: int) -> None:
        click.echo(tk._("Activities: {count}").format(count=done), err=True)

    done = upkeep.scrub_activities(tell)
    text = tk._("Activities: {rows}; record changed: {data}; readers changed: {labels}.")
    click.echo(text.format(rows=done.rows, data=done.data, labels=done.labels))


@click.command("notify")
def notify_followers() -> None:
    """Send people e-mails with news about records that they follow; once a day is enough.

    Like ``ckan notify send_emails``, but in the site's language.
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
@click.option(
    "--organization", default="", help="Owner of a new dataset; default: the coordinating body."
)
def publish_own_data(organization: str) -> None:
    """Publish or update the dataset of the site's own tables."""
    try:
        outcome = starter.publish_own_data(organization)
    except (ContentError, StarterError) as error:
        raise click.ClickException(str(error)) from None
    message = {
        StarterOutcome.ADDED: tk._("Published: {address}"),
        StarterOutcome.COMPLETED: tk._("Brought up to date: {address}"),
    }.get(outcome, tk._("Nothing to do: {address}"))
    click.echo(
        message.format(
            address=tk.h.url_for("dataset.read", id=starter.OWN_DATA_NAME, _external=True)
        )
    )


@click.command("starter")
@click.option("--without-examples", is_flag=True, help="Real records only.")
def add_starter(without_examples: bool) -> None:
    """Add the missing items of the starter catalogue.

    They are organisations, a commitment, workshops and datasets from public sources, and examples
    that are marked as such. Existing records are not changed.
    """
    try:
        outcomes = starter.load_starter(not without_examples, _tell_step)
    except (ContentError, StarterError) as error:
        raise click.ClickException(str(error)) from None
    total = tk._(
        "Starter catalogue: {added} added, {completed} completed, {present} there already, "
        "{left_out} left out."
    )
    click.echo(total.format(**{outcome.value: outcomes[outcome] for outcome in StarterOutcome}))


def _tell_step(step: StarterStep) -> None:
    what = {
        StarterOutcome.ADDED: tk._("added"),
        StarterOutcome.COMPLETED: tk._("completed"),
        StarterOutcome.PRESENT: tk._("there already"),
        StarterOutcome.LEFT_OUT: tk._("left out"),
    }[step.outcome]
    reason = f" ({step.reason})" if step.reason else ""
    click.echo(f"{step.number:>3}/{step.total}  {_shorten_title(step.title)}: {what}{reason}")


@click.group("examples")
def examples_group() -> None:
    """The made-up workshops, ideas and datasets."""


@examples_group.command("remove")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_examples(yes: bool) -> None:
    """Purge all examples."""
    records = starter.find_examples()
    if not records:
        click.echo(tk._("There are no examples on this site."))
        return
    if not yes:
        for record in records:
            click.echo(f"  {_shorten_title(record.title)} ({record.type})")
        question = tk._("Remove these {count} examples for good?").format(count=len(records))
        click.confirm(question, abort=True)
    try:
        starter.remove_examples(_tell_removed)
    except (StarterError, StillNeeded) as error:
        raise click.ClickException(str(error)) from None


def _tell_removed(number: int, total: int, record: ExampleRecord) -> None:
    click.echo(f"{number:>3}/{total}  {_shorten_title(record.title)}: " + tk._("removed"))


def _shorten_title(title: str, width: int = 70) -> str:
    return title if len(title) <= width else title[: width - 1].rstrip() + "…"


@click.group("municipality")
def municipality_group() -> None:
    """The municipalities on this site."""


@municipality_group.command("add")
@click.argument("codes", nargs=-1, required=True, metavar="CODE...")
@click.option("--officer", metavar="EMAIL", help="Invite an officer (with one CODE only).")
@click.option(
    "--role",
    type=click.Choice(["admin", "editor", "member"]),
    default="editor",
    show_default=True,
    help="The officer's role in the organisation.",
)
def add_municipalities(codes: tuple[str, ...], officer: str | None, role: str) -> None:
    """Create the organisations of municipalities, by INE code, unless they exist.

    Exits with 1 if any of them could not be created.
    """
    if officer and len(codes) > 1:
        raise click.UsageError(tk._("--officer goes with one code only."))
    results = tk.get_action("marathon_municipality_create")(_make_context(), {"codes": list(codes)})
    for result in results:
        _tell_result(result)
    if officer and results[0]["organization"]:
        _invite_officer(results[0]["organization"], officer, role)
    if any(result["status"] == "failed" for result in results):
        raise SystemExit(1)


@municipality_group.command("list")
def list_municipalities() -> None:
    """List the municipalities on this site: code, name, number of people."""
    rows = model.Session.execute(
        sa.select(MunicipalityClaim.municipality_code, model.Group)
        .join(model.Group, model.Group.id == MunicipalityClaim.organization_id)
        .where(model.Group.state == model.State.ACTIVE)
        .order_by(MunicipalityClaim.municipality_code)
    ).all()
    if not rows:
        click.echo(tk._("There are no municipalities yet."))
        return
    officers = tk.get_action("marathon_officer_list")(_make_context(), {})
    people = Counter(officer["organization"]["id"] for officer in officers)
    for code, organization in rows:
        count = people[organization.id]
        text = tk.ungettext("{count} person", "{count} people", count).format(count=count)
        click.echo(f"{code}  {organization.display_name} ({organization.name}), {text}")


def _make_context() -> Context:
    return Context(ignore_auth=True, user="")


def _tell_result(result: dict[str, Any]) -> None:
    organization = result["organization"]
    title = f" {organization['title']} ({organization['name']})" if organization else ""
    status = {
        "created": tk._("created"),
        "existed": tk._("there already"),
        "failed": tk._("failed"),
    }[result["status"]]
    remarks = " ".join(text for text in (result["notice"], result["error"]) if text)
    line = f"{result['code']}{title}: {status}" + (f". {remarks}" if remarks else "")
    click.echo(line, err=result["status"] == "failed")


def _invite_officer(organization: dict[str, str], email: str, role: str) -> None:
    data = {"organization": organization["id"], "email": email, "role": role}
    try:
        invited = tk.get_action("marathon_officer_invite")(_make_context(), data)
    except tk.ValidationError as fault:
        raise click.ClickException("; ".join(fault.error_summary.values())) from None
    click.echo(f"{invited['email']} ({invited['role']}): {invited['notice']}")
    if invited["link"]:
        click.echo(f"  {invited['link']}")


@click.group("takedown")
def takedown_group() -> None:
    """Removing records permanently, for legal reasons."""


@takedown_group.command("remove")
@click.argument("id")
@click.option("--reason", required=True, help="Kept for system administrators.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_record(id: str, reason: str, yes: bool) -> None:
    """Remove a dataset, workshop, idea or commitment (ID or name) with its files and traces.

    Portals that follow the feed remove it too. This cannot be undone. Repeated with the ID of a
    removed record, the command finishes an interrupted removal.
    """
    try:
        shown = tk.get_action("package_show")(_make_site_context(), {"id": id, "use_cache": False})
    except tk.ObjectNotFound:
        shown = None
    if shown and not yes:
        question = tk._("Remove “{title}” ({type}) for good?")
        click.confirm(question.format(title=shown["title"], type=shown["type"]), abort=True)
    try:
        found = tk.get_action("marathon_takedown")(
            _make_site_context(), {"id": shown["id"] if shown else id, "reason": reason}
        )
    except tk.ObjectNotFound:
        raise click.ClickException(tk._("There is nothing of this id or name.")) from None
    except tk.ValidationError as error:
        raise click.ClickException(str(error.error_summary)) from None
    click.echo(tk._("Removed, with {count} files.").format(count=found["files"]))
    _say_unfinished([found["id"]] if found["unfinished"] else [])


@takedown_group.command("list")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
def list_takedowns(format_: str) -> None:
    """List the removed records with time and reason.

    `takedown apply` reads the JSON on another site, or after a restore.
    """
    rows = tk.get_action("marathon_takedown_list")(_make_site_context(), {})
    if format_ == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['at']}  {row['type']}  {row['id']}  {row['reason']}")
    if not rows:
        click.echo(tk._("Nothing was removed."))


@takedown_group.command("apply")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def apply_takedowns(file: Path | None) -> None:
    """Take down the records of a list that are on the site, and finish interrupted removals.

    FILE is the output of `takedown list --format json`. The site's own list is
    always applied, also without FILE. May be repeated.
    """
    entries = read_takedown_list(file) if file else []
    result = tk.get_action("marathon_takedown_apply")(_make_site_context(), {"takedowns": entries})
    for id_ in result["taken_down"]:
        click.echo(tk._("Taken down: {id}").format(id=id_))
    for id_ in result["added"]:
        click.echo(tk._("Not here, added to the list: {id}").format(id=id_))
    summary = tk._("{taken} taken down, {added} added to the list, {known} were already.")
    counts = {key: len(ids) for key, ids in result.items()}
    click.echo(
        summary.format(taken=counts["taken_down"], added=counts["added"], known=counts["known"])
    )
    _say_unfinished(result["unfinished"])


def read_takedown_list(file: Path) -> list[dict[str, Any]]:
    """Return the rows of a file from ``takedown list --format json``.

    Raises:
        click.ClickException: the file is not such a list; the text names row and field.
    """
    try:
        text = file.read_text(encoding="utf-8")
        parse_takedowns(text)
    except UnicodeDecodeError:
        raise click.ClickException(tk._("The file is not UTF-8.")) from None
    except Malformed as error:
        raise click.ClickException(messages.write_fault(error.fault)) from None
    return json.loads(text.removeprefix("\ufeff"))


def _say_unfinished(ids: list[str]) -> None:
    """Exit with 1 if steps of a takedown are left."""
    if not ids:
        return
    message = tk._(
        "Something of {ids} could not be removed yet; the log says what. It is tried again by "
        "itself; `ckan marathon takedown apply` tries it now."
    )
    raise click.ClickException(message.format(ids=", ".join(ids)))


def _make_site_context() -> Context:
    user: Any = tk.get_action("get_site_user")({"ignore_auth": True}, {})
    return {"user": user["name"], "ignore_auth": True}
