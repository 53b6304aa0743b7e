"""``ckan marathon files``."""

from __future__ import annotations

from collections import Counter

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.operations import checksums as sums
from ckanext.marathon.operations.checksums import Outcome


@click.group()
def files() -> None:
    """Files that people uploaded."""


@files.command()
def checksums() -> None:
    """State the SHA-256 of uploaded files that have none, from their bytes.

    Files get theirs when they are uploaded; those that are older get it here. Exits with 1 if a
    file is not there, or is not the one that its checksum was of.
    """
    counts: Counter[Outcome] = Counter()
    for done in sums.add_missing():
        counts[done.outcome] += 1
        file = f"/dataset/{done.package}/resource/{done.resource}"
        said = {
            Outcome.CORRECTED: tk._("✗ {file}: the checksum that was stated was wrong ({detail})"),
            Outcome.MISSING: tk._("✗ {file}: the file cannot be read ({detail})"),
            Outcome.ELSEWHERE: tk._("! {file}: another plugin keeps the file"),
        }.get(done.outcome)
        if said:
            click.echo(said.format(file=file, detail=done.detail))
    added = counts[Outcome.ADDED] + counts[Outcome.CORRECTED]
    click.echo(tk._("{count} files got their checksum.").format(count=added))
    if counts[Outcome.CORRECTED] or counts[Outcome.MISSING]:
        raise SystemExit(1)
