"""Parts of the catalogue: members, moves between parts, description and addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyoxigraph
import pytest
import rdflib
import sqlalchemy as sa
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.marathon.model.feed import Member
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.rdf.namespaces import DCAT, DCT
from tests import factories
from tests.rdf import shapes
from tests.remembered import remembered

from .conftest import SITE, Get, Log
from .test_changes import RDFLIB_NAME, activities, quads

Faults = Callable[[], list[Any]]


@pytest.fixture
@remembered
def world(feed: Log) -> dict[str, Any]:
    """Two municipalities of two departments with a workshop and an idea each, one dataset."""
    found: dict[str, Any] = {}
    for name, code, problem in (("a", "0101", "AGU-01"), ("b", "0501", "RES-01")):
        owner = factories.Municipality(municipality_code=code)
        workshop = factories.Workshop(owner_org=owner["id"], municipality=[code])
        found[name] = factories.Idea(
            workshop=workshop["id"],
            owner_org=owner["id"],
            municipality=[code],
            service_problem=[problem],
        )
        found[f"owner_{name}"], found[f"workshop_{name}"] = owner, workshop
    found["dataset"] = factories.MarathonDataset(
        owner_org=found["owner_a"]["id"],
        idea=[found["a"]["id"]],
        municipality=[],
        service_problem=[],
        title="Pozos",
    )
    return found


def ids(answer: Any, extension: str = "ttl") -> set[str]:
    assert answer.status_code == 200, answer.data
    name = {"ttl": "turtle", "nt": "nt"}[extension]
    graph = rdflib.Graph().parse(data=answer.data, format=name)
    return {str(each).rsplit("/", 1)[1] for each in graph.subjects(rdflib.RDF.type, DCAT.Dataset)}


def parts_of(world: dict[str, Any], name: str) -> dict[str, str]:
    code, problem = {"a": ("0101", "AGU-01"), "b": ("0501", "RES-01")}[name]
    return {
        "municipality": f"municipality/{code}",
        "department": f"department/{code[:2]}",
        "problem": f"service-problem/{problem}",
        "area": f"service-problem/{problem[:3]}",
        "organization": f"organization/{world[f'owner_{name}']['id']}",
        "workshop": f"workshop/{world[f'workshop_{name}']['id']}",
        "idea": f"idea/{world[name]['id']}",
    }


KINDS = ("municipality", "department", "problem", "area", "organization", "workshop", "idea")


class TestMembers:
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_dataset_is_in_the_feeds_of_its_idea_and_of_its_owner(
        self, world: dict[str, Any], get: Get, kind: str
    ) -> None:
        here, elsewhere = parts_of(world, "a")[kind], parts_of(world, "b")[kind]
        for address in ("catalog.ttl", "catalog/all.ttl"):
            assert ids(get(f"/{here}/{address}")) == {world["dataset"]["id"]}
            assert ids(get(f"/{elsewhere}/{address}")) == set()
        cursor = get(f"/{here}/catalog/changes")
        thing = f"/dataset/{world['dataset']['id']}"
        assert activities(quads(cursor)) == [("Create", thing)]
        assert activities(quads(get(f"/{elsewhere}/catalog/changes"))) == []

    def test_the_feed_of_a_hidden_idea_gets_410_and_its_dataset_stays_in_others(
        self, world: dict[str, Any], get: Get
    ) -> None:
        call_action("package_patch", id=world["a"]["id"], private=True)
        assert get(f"/{parts_of(world, 'a')['idea']}/catalog.ttl").status_code == 410
        assert ids(get("/municipality/0101/catalog.ttl")) == {world["dataset"]["id"]}


def retag(world: dict[str, Any]) -> set[str]:
    call_action(
        "package_patch",
        id=world["dataset"]["id"],
        municipality=["0501"],
        service_problem=["RES-01"],
    )
    return {"municipality", "department", "problem", "area"}


def relink(world: dict[str, Any]) -> set[str]:
    call_action("package_patch", id=world["dataset"]["id"], idea=[world["b"]["id"]])
    return {*KINDS} - {"organization"}


def move(world: dict[str, Any]) -> set[str]:
    call_action(
        "package_owner_org_update",
        id=world["dataset"]["id"],
        organization_id=world["owner_b"]["id"],
    )
    return {"organization"}


def tell_the_idea_otherwise(world: dict[str, Any]) -> set[str]:
    call_action("package_patch", id=world["a"]["id"], service_problem=["RES-01"])
    return {"problem", "area"}


def move_the_idea(world: dict[str, Any]) -> set[str]:
    call_action(
        "package_patch",
        id=world["a"]["id"],
        workshop=world["workshop_b"]["id"],
        municipality=["0501"],
    )
    return {"workshop", "municipality", "department"}


def hide(world: dict[str, Any]) -> set[str]:
    call_action("package_patch", id=world["dataset"]["id"], private=True)
    return {*KINDS}


def delete(world: dict[str, Any]) -> set[str]:
    call_action("package_delete", id=world["dataset"]["id"])
    return {*KINDS}


def purge(world: dict[str, Any]) -> set[str]:
    call_action("dataset_purge", id=world["dataset"]["id"])
    return {*KINDS}


class TestMoves:
    @pytest.mark.parametrize(
        "change",
        [retag, relink, move, tell_the_idea_otherwise, move_the_idea, hide, delete, purge],
    )
    def test_a_move_is_a_delete_in_the_old_feed_and_a_create_in_the_new(
        self, world: dict[str, Any], get: Get, faults: Faults, change: Callable[..., set[str]]
    ) -> None:
        cursor = get("/catalog/changes").headers["Marathon-Feed-Cursor"]
        thing = f"/dataset/{world['dataset']['id']}"
        left = change(world)
        is_gone = change in (hide, delete, purge)
        for kind in KINDS:
            page = get(f"/{parts_of(world, 'a')[kind]}/catalog/changes?since={cursor}")
            expected = "Delete" if kind in left else "Update"
            assert activities(quads(page)) == [(expected, thing)], kind
            page = get(f"/{parts_of(world, 'b')[kind]}/catalog/changes?since={cursor}")
            came = kind in left and not is_gone
            assert activities(quads(page)) == ([("Create", thing)] if came else []), kind
        assert faults() == []

    def test_a_returning_dataset_has_its_former_place(
        self, world: dict[str, Any], get: Get, faults: Faults
    ) -> None:
        other = factories.MarathonDataset(
            owner_org=world["owner_a"]["id"], idea=[world["a"]["id"]], municipality=[]
        )
        relink(world)
        assert ids(get("/municipality/0101/catalog.ttl")) == {other["id"]}
        call_action("package_patch", id=world["dataset"]["id"], idea=[world["a"]["id"]])
        query = sa.select(Member.iri, Member.place).where(Member.scope == "municipality/0101")
        places = {iri.rsplit("/", 1)[1]: place for iri, place in model.Session.execute(query)}
        assert places == {world["dataset"]["id"]: 1, other["id"]: 2}
        assert faults() == []


class TestDescription:
    def test_the_catalogue_of_a_municipality_has_its_title_and_place(
        self, world: dict[str, Any], get: Get
    ) -> None:
        graph = rdflib.Graph().parse(data=get("/municipality/0101/catalog.ttl").data)
        iri = rdflib.URIRef(f"{SITE}/municipality/0101/catalog")
        assert (iri, rdflib.RDF.type, DCAT.Catalog) in graph
        titles = {each.language: str(each) for each in graph.objects(iri, DCT.title)}
        assert titles.keys() == {"es", "en"}
        assert all(each.endswith("Guatemala") for each in titles.values())
        assert graph.value(iri, DCT.spatial) == rdflib.URIRef(
            f"{SITE}/vocabulary/municipality/0101"
        )
        assert graph.value(iri, DCT.publisher)
        assert set(graph.objects(iri, DCAT.dataset)) == {
            rdflib.URIRef(f"{SITE}/dataset/{world['dataset']['id']}")
        }
        assert list(graph.subjects(rdflib.RDF.type, DCAT.Catalog)) == [iri]

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_feed_of_a_part_satisfies_the_official_shapes(
        self, world: dict[str, Any], get: Get, kind: str
    ) -> None:
        part = parts_of(world, "a")[kind]
        graph = rdflib.Graph().parse(data=get(f"/{part}/catalog.ttl").data)
        assert shapes.violations(graph) == []

    @pytest.mark.parametrize("kind", KINDS)
    def test_two_parsers_agree_on_every_format(
        self, world: dict[str, Any], get: Get, kind: str
    ) -> None:
        names = {"ttl": "turtle", "n3": "n3", "rdf": "xml", "xml": "xml", "nt": "nt"}
        names["jsonld"] = RDFLIB_NAME["jsonld"]
        graphs = []
        for extension in FORMATS:
            answer = get(f"/{parts_of(world, 'a')[kind]}/catalog/all.{extension}")
            graph = rdflib.Graph().parse(data=answer.data, format=names[extension])
            graphs.append(set(graph))
            form = "ttl" if extension == "n3" else extension
            other = pyoxigraph.parse(answer.data, format=FORMATS[form].writer)
            assert len({each.triple for each in other}) == len(graphs[-1]), extension
        assert all(each == graphs[0] for each in graphs)

    def test_a_part_without_datasets_is_a_catalogue_too(self, feed: Log, get: Get) -> None:
        factories.MarathonDataset()
        assert ids(get("/municipality/1307/catalog.ttl")) == set()
        assert ids(get("/municipality/1307/catalog/all.ttl")) == set()


class TestAddresses:
    def test_the_address_with_a_name_redirects_to_the_one_with_the_id(
        self, world: dict[str, Any], get: Get
    ) -> None:
        for kind, thing in (
            ("idea", world["a"]),
            ("workshop", world["workshop_a"]),
            ("organization", world["owner_a"]),
        ):
            answer = get(f"/{kind}/{thing['name']}/catalog.ttl?page=1")
            assert answer.status_code == 302
            expected = f"{SITE}/{kind}/{thing['id']}/catalog.ttl?page=1"
            assert answer.headers["Location"] == expected
            english = get(f"/en/{kind}/{thing['name']}/news.atom")
            assert english.headers["Location"] == f"{SITE}/en/{kind}/{thing['id']}/news.atom"

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("municipality/101", "municipality/0101"),
            ("department/1", "department/01"),
            ("service-problem/agu-1", "service-problem/AGU-01"),
        ],
    )
    def test_a_code_without_its_leading_zero_redirects(
        self, feed: Log, get: Get, asked: str, found: str
    ) -> None:
        answer = get(f"/{asked}/catalog/all.nt")
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"{SITE}/{found}/catalog/all.nt"

    @pytest.mark.parametrize(
        "part",
        [
            "municipality/9999",
            "department/x",
            "service-problem/ZZZ",
            "idea/none",
            "workshop/%C3%A9",
        ],
    )
    @pytest.mark.parametrize("address", ["catalog.ttl", "catalog/all.ttl", "catalog/changes"])
    def test_an_unknown_part_gets_404_with_a_hint(
        self, feed: Log, get: Get, part: str, address: str
    ) -> None:
        answer = get(f"/{part}/{address}")
        assert answer.status_code == 404
        kind = part.partition("/")[0]
        known = {
            "idea": "api/3/action/package_search?fq=dataset_type:idea",
            "workshop": "api/3/action/package_search?fq=dataset_type:workshop",
        }.get(kind, f"vocabulary/{kind}")
        text = answer.get_data(as_text=True)
        assert f"There is no such part of the catalogue. These exist: {SITE}/{known}" in text

    def test_the_feed_of_a_deleted_idea_gets_410(self, world: dict[str, Any], get: Get) -> None:
        call_action("package_delete", id=world["b"]["id"])
        for address in ("catalog.ttl", "catalog/all.ttl", "catalog/changes"):
            assert get(f"/{parts_of(world, 'b')['idea']}/{address}").status_code == 410

    def test_names_of_private_records_and_of_other_types_get_404(
        self, world: dict[str, Any], get: Get
    ) -> None:
        hidden = factories.Idea(workshop=world["workshop_a"]["id"], private=True)
        for part in (
            f"idea/{hidden['name']}",
            f"idea/{hidden['id']}",
            f"workshop/{world['a']['id']}",
            f"workshop/{world['a']['name']}",
            f"organization/{world['a']['id']}",
        ):
            assert get(f"/{part}/catalog.ttl").status_code == 404, part

    def test_a_search_stays_within_the_part(self, world: dict[str, Any], get: Get) -> None:
        assert ids(get("/municipality/0101/catalog.ttl?q=Pozos")) == {world["dataset"]["id"]}
        assert ids(get("/municipality/0501/catalog.ttl?q=Pozos")) == set()
        for kind, part in parts_of(world, "a").items():
            assert ids(get(f"/{part}/catalog.ttl?q=Pozos")) == {world["dataset"]["id"]}, kind
