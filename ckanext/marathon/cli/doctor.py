"""``ckan marathon doctor``."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.operations import doctor as doctor_operations
from ckanext.marathon.operations.doctor import Finding, Health

_MARKS = {Health.GOOD: ("✓", "green"), Health.WARNING: ("!", "yellow"), Health.BAD: ("✗", "red")}


@click.command()
@click.option("--fix", is_flag=True, help="Put right what can be, then check again.")
def doctor(fix: bool) -> None:
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
    for finding in doctor_operations.examine_site():
        mark, colour = _MARKS[finding.health]
        click.echo(f"{click.style(mark, fg=colour)} {finding.text}")
        findings.append(finding)
    return findings
