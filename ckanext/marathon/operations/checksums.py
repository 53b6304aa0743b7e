"""Checksums for the files that were uploaded before each got one."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from ckan import model
from ckan.lib import search

from ckanext.marathon.domain import checksums
from ckanext.marathon.logic import uploads
from ckanext.marathon.logic.redacting import redact


class Outcome(StrEnum):
    """What was done with a file."""

    ADDED = "added"
    CORRECTED = "corrected"
    MISSING = "missing"
    ELSEWHERE = "elsewhere"


class Done(NamedTuple):
    """A file, the dataset that it belongs to, and what was done; ``detail`` is for people."""

    resource: str
    package: str
    outcome: Outcome
    detail: str = ""


def add_missing() -> Iterator[Done]:
    """State SHA-256 of each uploaded file that has none, and yield what was done.

    A checksum of another kind that was stated is compared with the file before it is replaced. Each
    file is committed by itself, so that it can be interrupted and run again. A dataset has not
    changed because of it: its dates stay.
    """
    query = sa.select(model.Resource.id).where(
        model.Resource.url_type == "upload", model.Resource.state == model.State.ACTIVE
    )
    for resource_id in model.Session.scalars(query.order_by(model.Resource.id)).all():
        done = _add(resource_id)
        if done:
            yield done


def _add(resource_id: str) -> Done | None:
    query = model.Session.query(model.Resource).filter_by(id=resource_id)
    resource = query.with_for_update().populate_existing().first()
    if resource is None:
        return None
    stated = checksums.checksum_of({"hash": resource.hash, **(resource.extras or {})})
    if stated and stated.algorithm == checksums.OURS:
        model.Session.rollback()
        return None
    package = str(resource.package_id)
    try:
        blocks = uploads.read_file(resource)
        if blocks is None:
            model.Session.rollback()
            return Done(resource_id, package, Outcome.ELSEWHERE)
        found = checksums.compute(blocks, {checksums.OURS, *([stated.algorithm] if stated else [])})
    except OSError as fault:
        model.Session.rollback()
        return Done(resource_id, package, Outcome.MISSING, redact(str(fault)))
    detail = ""
    if stated and found[stated.algorithm] != stated.digits:
        detail = f"{stated.algorithm}: {stated.digits} → {found[stated.algorithm]}"
    resource.hash = found[checksums.OURS]
    resource.extras = {**(resource.extras or {}), "hash_algorithm": checksums.OURS}
    model.Session.commit()
    search.rebuild(package_id=package, force=True, quiet=True)
    return Done(resource_id, package, Outcome.CORRECTED if detail else Outcome.ADDED, detail)
