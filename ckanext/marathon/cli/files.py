"""``ckan marathon files``."""

from __future__ import annotations

from collections import Counter

import ckan.plugins.toolkit as tk
import click

from ckanext.marathon.operations import files as files_operations
from ckanext.marathon.operations.files import ChecksumOutcome


@click.group()
def files() -> None:
    """Files that people uploaded."""


@files.command()
def checksums() -> None:
    """State the SHA-256 of uploaded files that have none, from their bytes.

    Files get theirs when they are uploaded; those that are older get it here. Exits with 1 if a
    file is not there, or is not the one that its checksum was of.
    """
    counts: Counter[ChecksumOutcome] = Counter()
    for done in files_operations.add_missing_checksums():
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
