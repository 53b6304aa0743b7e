"""The dataset types that the site knows."""

from __future__ import annotations

import ckan.plugins as p

from ckanext.marathon.records.record import DATASET


def list_registered_types() -> list[str]:
    """Return every type that has pages on this site: ours, CKAN's and those of other plugins.

    CKAN saves any other type too, and then breaks on every list that such a record is in.
    """
    plugins = p.PluginImplementations(p.IDatasetForm)
    return sorted({DATASET, *(each for plugin in plugins for each in plugin.package_types())})
