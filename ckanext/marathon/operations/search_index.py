"""Comparing the search index with the database, and mending what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib.search import common
from ckan.lib.search.query import solr_literal

from ckanext.marathon.logic import reindex
from ckanext.marathon.model import search_index
from ckanext.marathon.visibility import name_capacity

_PAGE = 1_000
_FIELDS = "id,state,capacity,organization,metadata_modified"


class IndexFault(Enum):
    """How a record differs in the index."""

    MISSING = "missing"
    GHOST = "ghost"
    OUTDATED = "outdated"


@dataclass(frozen=True)
class IndexDifference:
    """A record that differs, and how."""

    package_id: str
    fault: IndexFault


def compare_index() -> Iterator[IndexDifference]:
    """Yield every record that the index lacks, has although it is gone, or has otherwise.

    Compared are state, visibility, organisation and the time of the last change. What a record
    shows of others is not: a change there is noted when it happens (``model/search_index.py``).

    Raises:
        pysolr.SolrError: Solr does not answer.
    """
    stored = dict(_stored())
    for id_, indexed in _indexed():
        expected = stored.pop(id_, None)
        if expected is None:
            yield IndexDifference(id_, IndexFault.GHOST)
        elif expected != indexed:
            yield IndexDifference(id_, IndexFault.OUTDATED)
    skip_deleted = tk.config.get("ckan.search.remove_deleted_packages")
    for id_, (state, *_rest) in stored.items():
        if not (skip_deleted and state == model.State.DELETED):
            yield IndexDifference(id_, IndexFault.MISSING)


def repair_index() -> int:
    """Work off the notes and mend every difference; return how many packages were indexed.

    Raises:
        pysolr.SolrError: Solr does not answer.
    """
    differing = [difference.package_id for difference in compare_index()]
    search_index.note_packages(differing)
    model.Session.commit()
    return reindex.work_off()


def _stored() -> Iterator[tuple[str, tuple[Any, ...]]]:
    package, group = model.Package, model.Group
    query = sa.select(
        package.id, package.state, name_capacity(package), group.name, package.metadata_modified
    ).outerjoin(group, sa.and_(group.id == package.owner_org, group.state == model.State.ACTIVE))
    for id_, state, capacity, organization, modified in model.Session.execute(query):
        yield id_, (state, capacity, organization or "", _to_milliseconds(modified))


def _indexed() -> Iterator[tuple[str, tuple[Any, ...]]]:
    solr = common.make_connection()
    ours = f"+entity_type:package +site_id:{solr_literal(tk.config['ckan.site_id'])}"
    mark, following = "*", ""
    while mark != following:
        mark = following or mark
        found: Any = solr.search(
            "*:*", fq=ours, fl=_FIELDS, rows=_PAGE, sort="index_id asc", cursorMark=mark
        )
        for document in found.docs:
            modified = document.get("metadata_modified")
            yield (
                document["id"],
                (
                    document.get("state"),
                    document.get("capacity"),
                    document.get("organization") or "",
                    _to_milliseconds(modified) if isinstance(modified, datetime) else modified,
                ),
            )
        following = found.nextCursorMark


def _to_milliseconds(moment: datetime) -> str:
    # The index keeps no more digits, and CKAN's reader of its answers none below seconds.
    return moment.isoformat()[:19]
