"""A site that ran as plain CKAN and then got the plugin, as docs/installing.md says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from rdflib import DCAT, RDF, Graph, URIRef

from ckanext.marathon.plugin import DEFAULTS
from tests import programs
from tests.site import existing
from tests.sites import ROOT, Site
from tests.visitors import Visitor

PLUGINS = "marathon scheming_datasets scheming_organizations dcat"
# Those of CKAN's own pages that a theme would change first.
PAGES = ("/", "/about", "/user/login", "/group/")


@dataclass
class Upgraded:
    """The site with the plugin, and its content before the upgrade."""

    site: Site
    #: pages of the site without the plugin, by path
    pages: dict[str, requests.Response] = field(default_factory=dict)
    #: ``package_show`` of plain CKAN, by name
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: the catalogue of stock ckanext-dcat, and that of the plugin
    stock: Catalogue = field(default_factory=lambda: Catalogue())
    now: Catalogue = field(default_factory=lambda: Catalogue())
    #: the output of ``doctor`` before the feed was written
    warned: str = ""


@dataclass
class Catalogue:
    """The content of a catalogue."""

    #: by format, the IRIs of the datasets in the catalogue
    iris: dict[str, set[str]] = field(default_factory=dict)
    #: of each dataset, by its id: the status of its own address in Turtle, and its IRIs in it
    alone: dict[str, tuple[int, set[str]]] = field(default_factory=dict)
    #: by IRI, the IRIs of its distributions
    files: dict[str, set[str]] = field(default_factory=dict)


FORMATS = {"ttl": "turtle", "rdf": "xml", "xml": "xml", "jsonld": "json-ld", "n3": "n3"}
_CLASSES = {DCAT.Dataset, URIRef(f"{DCAT}DatasetSeries")}


def look(site: Site, ids: list[str]) -> Catalogue:
    """Return the catalogue of a site, and the answers at the addresses of these datasets."""
    found = Catalogue()
    for extension, form in FORMATS.items():
        graph = Graph().parse(data=site.get(f"/catalog.{extension}").content, format=form)
        found.iris[extension] = set(map(str, graph.objects(None, DCAT.dataset)))
        for iri in found.iris[extension]:
            distributions = graph.objects(URIRef(iri), DCAT.distribution)
            found.files[iri] = set(map(str, distributions))
    for each in ids:
        answer = site.get(f"/dataset/{each}.ttl")
        graph = Graph()
        if answer.status_code == 200:
            graph.parse(data=answer.content, format="turtle")
        named = {str(s) for kind in _CLASSES for s in graph.subjects(RDF.type, kind)}
        found.alone[each] = (answer.status_code, named)
    return found


def readme() -> tuple[dict[str, str], list[list[str]]]:
    """Return the settings and the commands that the README has for a site that exists."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## On a CKAN site you already have")[1].split("\n## ")[0]
    blocks = re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)
    (settings,) = (block for kind, block in blocks if kind == "ini")
    lines = [line.partition("#")[0] for line in settings.splitlines()]
    pairs = (line.split("=", 1) for line in lines if line.strip())
    commands = blocks[-1][1].splitlines()
    start = "ckan -c ckan.ini "
    assert all(line.startswith(start) for line in commands)
    return (
        {key.strip(): value.strip() for key, value in pairs},
        [line.removeprefix(start).split() for line in commands],
    )


@pytest.fixture(scope="session")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    # Off in CKAN by default. Sites where it was on have datasets without an organisation.
    settings = {"ckan.auth.create_unowned_dataset": "true"}
    directory = tmp_path_factory.mktemp("existing")
    with Site.create("existing", directory, settings=settings) as site:
        site.start()
        existing.fill(site)
        found = Upgraded(site)
        for name in (*existing.VISIBLE, existing.PRIVATE):
            found.datasets[name] = site.action("package_show", id=name)
        site.stop()
        site.configure(existing.STOCK)
        site.start()
        existing.fill_later(site)
        for path in PAGES:
            found.pages[path] = site.get(path)
        with site.database() as database:
            ids = list(database.scalars(sa.text("SELECT id FROM package ORDER BY id")))
        found.stock = look(site, ids)
        site.stop()
        follow_readme(found)
        site.start()
        found.now = look(site, ids)
        yield found


def follow_readme(found: Upgraded) -> None:
    """Follow the README, and run ``doctor`` once while a step is missing."""
    settings, commands = readme()
    assert settings["ckan.plugins"] == PLUGINS
    found.site.configure(settings)
    # The README tells sites with their own schemas to add those of the plugin.
    ours = [DEFAULTS["scheming.dataset_schemas"], *existing.SCHEMAS]
    found.site.configure(
        {
            "scheming.dataset_schemas": " ".join(ours),
            "scheming.presets": DEFAULTS["scheming.presets"],
        }
    )
    for command in commands:
        if command == ["marathon", "feed", "rebuild"]:
            with pytest.raises(programs.CommandFailed) as warned:
                found.site.run("marathon", "doctor")
            found.warned = str(warned.value)
        found.site.run(*command)


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
    """The existing organisation becomes a municipality, with a workshop and an idea."""
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
