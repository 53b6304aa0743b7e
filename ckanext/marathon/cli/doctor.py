"""``ckan marathon doctor``."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.operations import doctor as operations
from ckanext.marathon.operations.doctor import Health

_MARKS = {Health.GOOD: ("✓", "green"), Health.WARNING: ("!", "yellow"), Health.BAD: ("✗", "red")}


@click.command()
@click.option("--fix", is_flag=True, help="Mend what can be mended without a person.")
def doctor(fix: bool) -> None:
    """Check that the site is set up so that the marathon works on it.

    Exits with 1 if something keeps it from working; warnings alone do not.
    """
    healths = []
    for finding in operations.examine():
        mark, colour = _MARKS[finding.health]
        click.echo(f"{click.style(mark, fg=colour)} {finding.text}")
        if fix and finding.mend:
            click.echo(f"  {click.style('→', fg='green')} {finding.mend()}")
        else:
            healths.append(finding.health)
    bad, warnings = healths.count(Health.BAD), healths.count(Health.WARNING)
    summary = tk._("{bad} faults, {warnings} warnings.")
    click.echo(summary.format(bad=bad, warnings=warnings))
    if bad:
        raise SystemExit(1)
