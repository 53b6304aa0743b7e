"""A site that ran as plain CKAN and then got the plugin, as docs/installing.md says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from tests.site import existing
from tests.sites import Site
from tests.visitors import Visitor

PLUGINS = "marathon scheming_datasets scheming_organizations dcat"
# Those of CKAN's own pages that a theme would change first.
PAGES = ("/", "/about", "/user/login", "/group/")


@dataclass
class Upgraded:
    """The site now, and what it was like before."""

    site: Site
    #: pages of plain CKAN, by path
    pages: dict[str, requests.Response] = field(default_factory=dict)
    #: ``package_show`` of plain CKAN, by name
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    # Off in CKAN by default; where it was on, there are datasets of nobody.
    settings = {"ckan.auth.create_unowned_dataset": "true"}
    directory = tmp_path_factory.mktemp("existing")
    with Site.create("existing", directory, settings=settings) as site:
        site.start()
        existing.fill(site)
        found = Upgraded(site)
        for name in (*existing.VISIBLE, existing.PRIVATE):
            found.datasets[name] = site.action("package_show", id=name)
        for path in PAGES:
            found.pages[path] = site.get(path)
        site.stop()
        site.configure({"ckan.plugins": PLUGINS})
        site.run("db", "upgrade", "-p", "marathon")
        site.run("search-index", "rebuild")
        site.start()
        yield found


@pytest.fixture(scope="session")
def officer(upgraded: Upgraded) -> Visitor:
    """The administrator, logged in through the form."""
    visitor = Visitor(upgraded.site)
    visitor.log_in()
    return visitor


@dataclass
class Chain:
    """The first workshop and idea of an existing site."""

    workshop: str
    idea: str


@pytest.fixture(scope="session")
def chain(upgraded: Upgraded) -> Chain:
    """The existing organisation is told to be a municipality, and holds a workshop."""
    site = upgraded.site
    site.action(
        "organization_patch",
        id=existing.MUNICIPALITY,
        role="municipality",
        municipality_code=existing.CODE,
    )
    workshop = site.action(
        "package_create",
        type="workshop",
        name="maraton-antigua",
        title="Maratón de ideas de Antigua",
        kind="ideation",
        status="held",
        municipality=[existing.CODE],
        owner_org=existing.MUNICIPALITY,
        starts_at="2026-05-09T09:00",
    )
    idea = site.action(
        "package_create",
        type="idea",
        name="pozos-con-agua",
        title="Saber qué pozos tienen agua",
        workshop=workshop["id"],
        service_problem=["AGU-01"],
    )
    return Chain(workshop["id"], idea["id"])
