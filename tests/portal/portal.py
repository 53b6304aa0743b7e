"""A national portal: CKAN with ckanext-harvest and ckanext-dcat, without this plugin."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import requests

from tests.portal import manual
from tests.programs import CommandFailed
from tests.sites import Site

ORGANIZATION = "portal-nacional"
SOURCE = "maratones"
FORM = {
    "name": SOURCE,
    "source_type": "dcat_rdf",
    "title": "Maratones de ideas",
    "owner_org": ORGANIZATION,
    "frequency": "MANUAL",
}
JOB_SECONDS = 120


class Portal(Site):
    """The portal's site. ``collect`` makes it harvest a catalogue, as its administrator would."""

    @classmethod
    def open(cls, directory: Path, settings: Mapping[str, str] = {}) -> Self:
        """Return a running portal with the organisation that will own the harvested datasets.

        Its database, index and queue are its own.
        """
        queue = os.environ["MARATHON_PORTAL_REDIS_URL"]
        own = {
            "sqlalchemy.url": os.environ["MARATHON_PORTAL_SQLALCHEMY_URL"],
            # Else ckanext-harvest's consumers end after five idle seconds (docs/harvesting.md).
            "ckan.redis.url": f"{queue}&socket_timeout=86400",
            "solr_url": os.environ["MARATHON_PORTAL_SOLR_URL"],
        }
        plain, _ = manual.settings()
        portal = cls.create("portal", directory, settings={**own, **plain, **settings})
        portal.upgrade()
        portal.start()
        portal.action("organization_create", name=ORGANIZATION, title="Portal nacional")
        return portal

    def add_source(self, url: str) -> None:
        """Register a catalogue, as the form ``/harvest/new`` does."""
        self.action("harvest_source_create", {**FORM, "url": url})

    def follow(self, url: str) -> None:
        """Start the background processes of the harvester, and register a catalogue."""
        self.background("harvester", "gather-consumer")
        self.background("harvester", "fetch-consumer")
        self.add_source(url)

    def move_source(self, url: str) -> None:
        """Tell the portal that the catalogue is served from another address now."""
        source = self.action("harvest_source_show", id=SOURCE)["id"]
        self.action("harvest_source_update", {**FORM, "id": source, "url": url})

    def collect_by_command(self, site: str) -> dict[str, int]:
        """Register a catalogue and harvest it once, with the commands of docs/harvesting.md.

        Returns:
            as ``collect``.
        """
        create, harvest = manual.commands(site, ORGANIZATION)
        try:
            self.run(*create)
        except CommandFailed as failed:
            # ckanext-harvest 1.6.3 on CKAN 2.12 stumbles over its own report, once all is saved.
            if "'NoneType' object has no attribute 'get'" not in str(failed):
                raise
        self.run(*harvest)
        job = self.action("harvest_source_show", id=SOURCE)["status"]["last_job"]
        assert job["status"] == "Finished", job
        return self._result(job)

    def collect(self) -> dict[str, int]:
        """Harvest the source once, and wait until the consumers have finished.

        Returns:
            how many datasets were ``added``, ``updated``, ``deleted``, ``not modified``.

        Raises:
            AssertionError: the harvest reported an error, or did not end in time.
        """
        source = self.action("harvest_source_show", id=SOURCE)["id"]
        job = self.action("harvest_job_create", source_id=source)["id"]
        deadline = time.monotonic() + JOB_SECONDS
        while time.monotonic() < deadline:
            shown = self.action("harvest_job_show", id=job)
            # ckanext-harvest writes the outcome of an object after it calls that object complete;
            # until then it is counted under no name.
            if shown["status"] == "Finished" and "null" not in shown["stats"]:
                return self._result(shown)
            self.check_background()
            if shown["gather_finished"]:
                # On a real portal cron does this every few minutes (`ckan harvester run`).
                self.action("harvest_jobs_run", source_id=source)
            time.sleep(0.2)
        raise AssertionError(f"the harvest did not end in {JOB_SECONDS} s: {shown}")

    def _result(self, job: Mapping[str, Any]) -> dict[str, int]:
        report = self.action("harvest_job_report", id=job["id"])
        assert not report["gather_errors"], report["gather_errors"]
        assert not report["object_errors"], report["object_errors"]
        return job["stats"]

    def datasets(self) -> dict[str, dict[str, Any]]:
        """Return the datasets that it shows now, by the IRI they have in the catalogue.

        Raises:
            AssertionError: two of them have the same one.
        """
        found = self.action("package_search", fq="dataset_type:dataset state:active", rows=1000)
        shown: dict[str, dict[str, Any]] = {}
        for dataset in found["results"]:
            iri = field(dataset, "uri")
            assert iri not in shown, f"twice on the portal: {iri}"
            shown[iri] = dataset
        return shown

    def page(self, dataset: Mapping[str, Any]) -> requests.Response:
        """GET the page of one dataset as a visitor."""
        return self.get(f"/dataset/{dataset['name']}")


def field(dataset: Mapping[str, Any], name: str) -> Any:
    """Return a field of a dataset, wherever the portal's schema keeps it."""
    if name in dataset:
        return dataset[name]
    for extra in dataset.get("extras", []):
        if extra["key"] == name:
            return extra["value"]
    return None
