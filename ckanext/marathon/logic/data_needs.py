"""Whether an idea still waits for data, in the search index, whatever happens to the datasets.

A dataset that is published, hidden, edited, deleted or purged, by whatever way, has the ideas whose
needs it meets, or met, indexed again. The steps of a save (``logic/saving.py``) see all of these
ways; bulk SQL excepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ckan import model

from ckanext.marathon.logic import reindex
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import link, package
from ckanext.marathon.model.unit_of_work import UnitOfWork
from ckanext.marathon.search import document
from ckanext.marathon.search.query import MET, UNMET


@dataclass
class MetBefore:
    """Which data needs the datasets of a transaction met before it, by the datasets' ids."""

    needs: dict[str, set[str]] = field(default_factory=dict)


def add_need_to_index(pkg_dict: dict[str, Any]) -> dict[str, Any]:
    """Return what Solr is given of a package; of an idea also whether it waits for data."""
    found = document.before_index(pkg_dict)
    if found.get("type") == package.IDEA:
        state = are_needs_met(package.load_packages([found["id"]]).get(found["id"]))
        if state:
            found["vocab_data_needs"] = [state]
    return found


def are_needs_met(idea: model.Package | None) -> str | None:
    """Return whether public datasets meet all that an idea asks for.

    ``None`` for one that asks for nothing; one that was given up does not ask any more.
    """
    needs = {need["id"] for need in package.read_stored_rows(idea, "data_need") if need.get("id")}
    if not needs or package.read_stored_text(idea, "status") == link.GIVEN_UP:
        return None
    return MET if idea_model.list_met_needs(needs) >= needs else UNMET


def note_needs_before(unit: UnitOfWork) -> None:
    """Note what datasets that are about to change meet, before links are cut."""
    before = unit.get_notes(MetBefore).needs
    first_seen = _datasets((*unit.session.dirty, *unit.session.deleted)).difference(before)
    if first_seen:
        before.update(idea_model.read_needs_met_by_datasets(first_seen))


def note_new_datasets(unit: UnitOfWork) -> None:
    """Note that datasets which are new met nothing."""
    before = unit.get_notes(MetBefore).needs
    for id_ in _datasets(unit.created):
        before.setdefault(id_, set())


def _datasets(things: Iterable[Any]) -> set[str]:
    return {
        thing.id
        for thing in things
        if isinstance(thing, model.Package) and thing.type == package.DATASET
    }


def mark_asking_ideas(unit: UnitOfWork) -> None:
    """Have the ideas indexed that ask for what datasets meet now, or met before."""
    before = unit.get_notes(MetBefore).needs
    if not before:
        return
    now = idea_model.read_needs_met_by_datasets(list(before))
    changed = set().union(*(needs ^ now[id_] for id_, needs in before.items()))
    reindex.mark_for_index(idea_model.list_asking_ideas(changed))
