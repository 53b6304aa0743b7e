"""The newest ideas and datasets, as short lists show them: public ones, without Solr."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ckan import model

from ckanext.marathon.model import figures
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.clock import cache_until_change

from .labels import marathon_municipality_names


class Thing(NamedTuple):
    """A dataset or idea in a short list; a dataset with the ideas that it came from."""

    type: str
    name: str
    title: str
    status: str
    is_example: bool
    places: list[str]
    ideas: list[Thing]


def ideas_and_datasets(limit: int) -> tuple[list[Thing], list[Thing]]:
    """Return the newest ideas and the newest datasets, at most ``limit`` of each.

    Kept until a change: CKAN has no index by which they are found.
    """
    return cache_until_change("newest", limit, lambda: _ideas_and_datasets(limit))


def _ideas_and_datasets(limit: int) -> tuple[list[Thing], list[Thing]]:
    ideas, datasets = (
        figures.list_latest(each, limit) for each in (package_model.IDEA, package_model.DATASET)
    )
    codes = figures.list_municipalities_of([each.id for each in (*ideas, *datasets)])
    origins = figures.list_ideas_of_datasets([each.id for each in datasets])
    return (
        [_thing(each, codes) for each in ideas],
        [_thing(each, codes, origins.get(each.id, [])) for each in datasets],
    )


def _thing(
    package: model.Package,
    codes: Mapping[str, list[str]],
    ideas: list[model.Package] | None = None,
) -> Thing:
    return Thing(
        type=package.type,
        name=package.name,
        title=package.title or package.name,
        status=package_model.read_stored_text(package, "status"),
        is_example=package_model.read_stored_flag(package, "example"),
        places=marathon_municipality_names(codes.get(package.id, [])),
        ideas=[_thing(each, {}) for each in ideas or []],
    )
