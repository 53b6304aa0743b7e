"""IRIs in our RDF can be dereferenced: those of organisations, files and all others."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import rdflib
from ckan import model
from ckan.common import login_user
from ckan.tests import factories as ckan_factories
from ckan.tests.helpers import call_action
from ckan.types import Context
from rdflib import RDF, Graph, URIRef

from ckanext.marathon.model import feed_log
from ckanext.marathon.rdf.formats import FORMATS
from ckanext.marathon.rdf.namespaces import DCAT, DCT, FOAF, VCARD
from ckanext.marathon.views.record import show_public
from tests import factories

SITE = "http://test.ckan.net"
TURTLE = {"Accept": "text/turtle"}
NOWHERE = "00000000-0000-4000-8000-000000000000"
FILE_IRI = "https://origen.example.gt/datos/agua/csv"
ODD_ENDINGS = ("exe", "html", "TTL", "ttl.ttl", "json", "%00", "t%2Ftl", "ñ", "x" * 300)


def ask(app: Any, path: str, **headers: str) -> Any:
    path = path.removeprefix(SITE) or "/"
    return app.get(path, headers=headers, follow_redirects=False)


def turtle(app: Any, path: str) -> Graph:
    """Return the answer to a client that requests Turtle and follows redirects."""
    for _ in range(4):
        answer = ask(app, path, **TURTLE)
        if answer.status_code not in {301, 302, 303}:
            break
        path = answer.headers["Location"]
    assert answer.status_code == 200, (path, answer.status_code)
    assert answer.headers["Content-Type"].startswith("text/turtle"), path
    return Graph().parse(data=answer.body, format="turtle")


def test_a_public_description_hides_small_counts_from_officers_too(
    app: Any, marathon_site: None
) -> None:
    workshop = factories.Workshop(participants=20, participants_indigenous=3)
    person = model.User.get(factories.officer(workshop["owner_org"])["id"])
    with app.flask_app.test_request_context():
        login_user(person)
        context = Context(user=person.name, auth_user_obj=person)
        own = tk.get_action("package_show")(context, {"id": workshop["id"]})
        shown = show_public(workshop["id"])
    assert own["participants_indigenous"] == 3
    assert shown is not None
    assert shown["participants_indigenous"] is None


@pytest.fixture
def organization(marathon_site: None) -> dict[str, Any]:
    return factories.Municipality(
        name="villa-nueva",
        title="Villa Nueva",
        municipality_code="0115",
        contact_name="Oficina de datos",
        contact_email="datos@villanueva.gob.gt",
        homepage="https://villanueva.gob.gt",
    )


@pytest.fixture
def dataset(organization: dict[str, Any]) -> dict[str, Any]:
    idea = factories.Idea(workshop=factories.Workshop(owner_org=organization["id"])["id"])
    return factories.MarathonDataset(
        idea=[idea["id"]],
        title="Pozos",
        rights_note="Nadie ha dicho quién puede usarlos.",
        temporal_coverage=[{"start": "2024-01-01", "end": "2024-12-31"}],
        resources=[
            {
                "name": "Tabla",
                "url": "https://villanueva.gob.gt/pozos.csv",
                "format": "CSV",
                "hash": "ab" * 32,
                "hash_algorithm": "sha256",
            },
            {"name": "Mapa", "url": "https://villanueva.gob.gt/pozos.pdf", "format": "PDF"},
        ],
    )


def path_of(dataset: dict[str, Any], number: int = 0, key: str = "id") -> str:
    return f"/dataset/{dataset[key]}/resource/{dataset['resources'][number]['id']}"


class TestOrganization:
    def test_an_organization_in_every_format_equals_its_feed_entry(
        self, app: Any, organization: dict[str, Any]
    ) -> None:
        iri = f"{SITE}/organization/{organization['id']}"
        told = Graph().parse(data=feed_log.read_bodies([iri])[iri], format="nt")
        assert (URIRef(iri), FOAF.name, rdflib.Literal("Villa Nueva")) in told
        assert (None, VCARD.hasEmail, URIRef("mailto:datos@villanueva.gob.gt")) in told
        for extension, form in FORMATS.items():
            for reference in (organization["id"], organization["name"]):
                answer = ask(app, f"/organization/{reference}.{extension}")
                assert answer.status_code == 200, extension
                assert answer.headers["Content-Type"].startswith(form.media_type)
                assert "Set-Cookie" not in answer.headers
                if extension != "n3":
                    name = {"rdf": "xml", "jsonld": "json-ld"}.get(extension, extension)
                    found = Graph().parse(data=answer.body, format=name)
                    assert set(found) == set(told), extension

    def test_its_page_redirects_clients_that_prefer_rdf(
        self, app: Any, organization: dict[str, Any]
    ) -> None:
        target = f"/organization/{organization['id']}"
        for reference in (organization["id"], organization["name"]):
            for accept, extension in (
                ("text/turtle", "ttl"),
                ("application/ld+json", "jsonld"),
                ("text/html;q=0.5, application/rdf+xml", "rdf"),
                ("text/turtle;q=0.2, application/n-triples;q=0.3, text/html;q=0.1", "nt"),
            ):
                sent = ask(app, f"/organization/{reference}", Accept=accept)
                assert sent.status_code == 303, accept
                assert sent.headers["Location"] == f"{SITE}{target}.{extension}"
                assert "Accept" in sent.headers["Vary"]
        for accept in ("text/html", "*/*", "", "text/turtle;q=0.1, */*", "text/turtle;q=0, nope"):
            page = ask(app, f"/organization/{organization['name']}", Accept=accept)
            assert page.status_code == 200, accept
            assert page.headers["Content-Type"].startswith("text/html")
            assert "Accept" in page.headers["Vary"]
        assert f'href="{SITE}{target}.ttl"' in page.body

    def test_a_deleted_or_purged_organization_is_410(
        self, app: Any, organization: dict[str, Any]
    ) -> None:
        paths = [f"/organization/{organization['id']}{end}" for end in (".ttl", ".jsonld", "")]
        call_action("organization_delete", id=organization["id"])
        for path in paths:
            assert ask(app, path, **TURTLE).status_code == 410, path
            assert ask(app, path).status_code == 410, path
        admin = ckan_factories.SysadminWithToken()["token"]
        assert ask(app, paths[0], Authorization=admin).status_code == 200
        call_action("organization_purge", id=organization["id"])
        for path in paths:
            assert ask(app, path, **TURTLE).status_code == 410, path

    def test_an_unknown_organization_is_404(self, app: Any, organization: dict[str, Any]) -> None:
        group = ckan_factories.Group()
        for reference in (NOWHERE, "no-such-name", group["id"], group["name"], "new", "x" * 300):
            for path in (f"/organization/{reference}.ttl", f"/organization/{reference}"):
                if reference != "new" or path.endswith(".ttl"):
                    assert ask(app, path, **TURTLE).status_code == 404, path
        for ending in ODD_ENDINGS:
            status = ask(app, f"/organization/{organization['id']}.{ending}").status_code
            assert status == (400 if ending == "%00" else 404), ending


class TestDistribution:
    def test_a_file_deleted_from_a_public_dataset_is_410(
        self, app: Any, dataset: dict[str, Any]
    ) -> None:
        file, other = dataset["resources"][0]["id"], factories.MarathonDataset()["id"]
        ends = ("", ".ttl", ".jsonld", "/download", "/download/pozos.csv")
        paths = [
            f"/dataset/{dataset[key]}/resource/{file}{end}"
            for key in ("id", "name")
            for end in ends
        ]
        assert ask(app, paths[1]).status_code == 200
        call_action("resource_delete", id=file)
        for _ in range(2):
            for path in paths:
                assert ask(app, path).status_code == 410, path
                assert ask(app, path, **TURTLE).status_code == 410, path
            # CKAN keeps a deleted file until the next change of its dataset.
            call_action("package_patch", id=dataset["id"], notes="Otra")
        # Of a dataset that never had it there is nothing to say.
        assert ask(app, f"/dataset/{other}/resource/{file}.ttl").status_code == 404

    def test_a_deleted_file_that_was_never_public_is_404(
        self, app: Any, dataset: dict[str, Any]
    ) -> None:
        draft = factories.MarathonDataset(
            state="draft", resources=[{"url": "https://villanueva.gob.gt/b.csv"}] * 2
        )
        file = draft["resources"][0]["id"]
        call_action("resource_delete", id=file)
        call_action("package_patch", id=draft["id"], state="active")
        path = f"/dataset/{draft['id']}/resource/{file}.ttl"
        assert ask(app, path).status_code == 404
        call_action("resource_delete", id=draft["resources"][1]["id"])
        path = f"/dataset/{draft['id']}/resource/{draft['resources'][1]['id']}.ttl"
        assert ask(app, path).status_code == 410
        call_action("package_patch", id=draft["id"], private=True)
        assert ask(app, path).status_code == 410

    def test_other_profiles_get_400_except_for_datasets(
        self, app: Any, dataset: dict[str, Any]
    ) -> None:
        asked = "?profiles=euro_dcat_ap_3"
        for path in (
            f"{path_of(dataset)}.ttl",
            f"/organization/{dataset['owner_org']}.ttl",
            f"/idea/{dataset['idea'][0]}.ttl",
        ):
            assert ask(app, path).status_code == 200, path
            assert ask(app, path + asked).status_code == 400, path
        assert ask(app, f"/dataset/{dataset['id']}.ttl{asked}").status_code == 200

    def test_a_distribution_in_every_format_names_its_dataset(
        self, app: Any, dataset: dict[str, Any]
    ) -> None:
        iri, of = URIRef(SITE + path_of(dataset)), URIRef(f"{SITE}/dataset/{dataset['id']}")
        whole = turtle(app, f"/dataset/{dataset['id']}")
        seen = set()
        for extension, form in FORMATS.items():
            answer = ask(app, f"{path_of(dataset)}.{extension}")
            assert answer.status_code == 200, extension
            assert answer.headers["Content-Type"].startswith(form.media_type)
            if extension != "n3":
                name = {"rdf": "xml", "jsonld": "json-ld"}.get(extension, extension)
                seen.add(frozenset(Graph().parse(data=answer.body, format=name)))
        (found,) = seen
        assert found < set(whole)
        graph = turtle(app, path_of(dataset))
        assert set(graph) == found
        assert set(graph.predicate_objects(iri)) == set(whole.predicate_objects(iri))
        assert (iri, DCAT.accessURL, URIRef("https://villanueva.gob.gt/pozos.csv")) in graph
        # The records that it names are described, too.
        assert (URIRef(f"{iri}#checksum"), RDF.type, None) in graph
        assert (graph.value(iri, DCT.rights), RDF.type, DCT.RightsStatement) in graph
        assert (of, RDF.type, DCAT.Dataset) in graph
        assert str(graph.value(of, DCT.title)) == "Pozos"
        assert set(graph.objects(of, DCAT.distribution)) == {iri}
        assert set(graph.subjects(RDF.type, DCAT.Distribution)) == {iri}

    def test_its_page_redirects_clients_that_prefer_rdf(
        self, app: Any, dataset: dict[str, Any]
    ) -> None:
        for key in ("id", "name"):
            sent = ask(app, path_of(dataset, key=key), **TURTLE)
            assert sent.status_code == 303
            assert sent.headers["Location"] == f"{SITE}{path_of(dataset)}.ttl"
            assert "Accept" in sent.headers["Vary"]
        for accept in ("text/html", "*/*", "text/html, application/ld+json;q=0.9"):
            page = ask(app, path_of(dataset), Accept=accept)
            assert page.status_code == 200, accept
            assert page.headers["Content-Type"].startswith("text/html")
            assert "Accept" in page.headers["Vary"]
        assert f'href="{SITE}{path_of(dataset)}.ttl"' in page.body

    def test_a_file_is_404_in_a_never_public_dataset_and_410_in_a_withdrawn_one(
        self, app: Any, dataset: dict[str, Any]
    ) -> None:
        hidden = factories.MarathonDataset(
            idea=dataset["idea"], private=True, resources=[{"url": "https://a.example.gt/x.csv"}]
        )
        admin = ckan_factories.SysadminWithToken()["token"]
        for path in (path_of(hidden), f"{path_of(hidden)}.ttl"):
            assert ask(app, path, **TURTLE).status_code == 404, path
        seen = ask(app, f"{path_of(hidden)}.ttl", Authorization=admin)
        assert seen.status_code == 200
        assert "private" in seen.headers["Cache-Control"]
        call_action("package_patch", id=dataset["id"], private=True)
        for path in (path_of(dataset), f"{path_of(dataset)}.ttl"):
            assert ask(app, path, **TURTLE).status_code == 410, path
            assert ask(app, path).status_code == 410, path
            # Not for those who may see it.
            assert ask(app, path, Authorization=admin).status_code == 200, path
        call_action("package_patch", id=dataset["id"], private=False)
        call_action("package_delete", id=dataset["id"])
        for path in (path_of(dataset), f"{path_of(dataset)}.ttl"):
            assert ask(app, path, **TURTLE).status_code == 410, path
        call_action("dataset_purge", id=dataset["id"])
        for path in (path_of(dataset), f"{path_of(dataset)}.ttl"):
            assert ask(app, path, **TURTLE).status_code == 410, path

    def test_an_unknown_file_is_404(self, app: Any, dataset: dict[str, Any]) -> None:
        other = factories.MarathonDataset(idea=dataset["idea"])
        idea = call_action(
            "package_patch",
            id=dataset["idea"][0],
            resources=[{"url": "https://villanueva.gob.gt/acta.pdf", "name": "Acta"}],
        )
        resource = dataset["resources"][0]["id"]
        for path in (
            f"/dataset/{other['id']}/resource/{resource}",
            f"/dataset/{dataset['id']}/resource/{NOWHERE}",
            f"/dataset/{NOWHERE}/resource/{resource}",
            f"/dataset/{dataset['id']}/resource/{'x' * 300}",
        ):
            assert ask(app, path, **TURTLE).status_code == 404, path
            assert ask(app, f"{path}.ttl").status_code == 404, path
        # A file of an idea is no distribution.
        assert ask(app, f"{path_of(idea)}.ttl").status_code == 404
        assert ask(app, path_of(idea), **TURTLE).status_code == 200
        for odd in (f"a%00b/resource/{resource}", f"{dataset['id']}/resource/%00"):
            odd = f"/dataset/{odd}"
            assert ask(app, odd, **TURTLE).status_code in {400, 404}, odd
            assert ask(app, f"{odd}.ttl").status_code in {400, 404}, odd
        for ending in ODD_ENDINGS:
            status = ask(app, f"{path_of(dataset)}.{ending}").status_code
            assert status == (400 if ending == "%00" else 404), ending

    def test_a_file_with_a_kept_iri_is_described_under_it(
        self, app: Any, organization: dict[str, Any]
    ) -> None:
        harvested = call_action(
            "package_create",
            name="agua",
            title="Agua",
            notes="De otra parte.",
            owner_org=factories.NationalBody()["id"],
            service_problem=["AGU-01"],
            extras=[{"key": "uri", "value": "https://origen.example.gt/datos/agua"}],
            resources=[{"url": f"{FILE_IRI}/file", "name": "File", "uri": FILE_IRI}],
        )
        graph = turtle(app, path_of(harvested))
        dataset = URIRef("https://origen.example.gt/datos/agua")
        assert set(graph.subjects(DCAT.distribution)) == {dataset}
        assert (dataset, DCAT.distribution, URIRef(FILE_IRI)) in graph
        assert (URIRef(FILE_IRI), DCAT.accessURL, None) in graph
        assert URIRef(SITE + path_of(harvested)) not in set(graph.subjects())


def test_head_equals_get_without_the_body(app: Any, dataset: dict[str, Any]) -> None:
    organization = f"/organization/{dataset['owner_org']}"
    for path in (f"{path_of(dataset)}.ttl", f"{organization}.ttl", path_of(dataset), organization):
        asked = app.get(path, headers=TURTLE, follow_redirects=False)
        looked = app.test_client().head(path, headers=TURTLE, follow_redirects=False)
        assert looked.status_code == asked.status_code, path
        assert looked.headers["Content-Type"] == asked.headers["Content-Type"], path
        assert looked.data == b""


def test_the_home_page_redirects_rdf_clients_to_the_catalogue(
    app: Any, dataset: dict[str, Any]
) -> None:
    sent = ask(app, "/", **TURTLE)
    assert sent.status_code == 303
    assert sent.headers["Location"] == f"{SITE}/catalog.ttl"
    page = ask(app, "/")
    assert page.status_code == 200
    assert "Accept" in sent.headers["Vary"]
    assert "Accept" in page.headers["Vary"]


def subjects(app: Any, paths: list[str]) -> set[URIRef]:
    found = set()
    for path in paths:
        answer = ask(app, path)
        assert answer.status_code == 200, path
        graph = Graph().parse(data=answer.body, format="turtle")
        found |= {
            each
            # A property is named where it is used.
            for each in {*graph.subjects(), *graph.predicates()}
            if isinstance(each, URIRef)
            and f"{each}/".startswith(f"{SITE}/")
            # The page of a place is for people; its RDF is that of its concept.
            and set(graph.objects(each, RDF.type)) != {FOAF.Document}
        }
    return found


def test_every_own_iri_in_the_catalogue_can_be_dereferenced(
    app: Any, dataset: dict[str, Any], organization: dict[str, Any]
) -> None:
    factories.Commitment(milestone=[{"title": "Uno", "due": "2026-01-01", "status": "completed"}])
    idea = call_action(
        "package_patch",
        id=dataset["idea"][0],
        data_need=[{"what": "Dónde hay pozos", "why": "Para llevar agua"}],
    )
    need = idea["data_need"][0]["id"]
    call_action("package_patch", id=dataset["id"], data_need=[need], theme=[], frequency="R/P1Y")
    things = [f"/{kind}/{id_}" for kind, id_ in (
        ("workshop", idea["workshop"]), ("idea", idea["id"]), ("dataset", dataset["id"]),
        ("organization", organization["id"]),
    )]  # fmt: skip
    found = subjects(
        app,
        [
            "/catalog.ttl",
            "/catalog/all.ttl",
            *(f"{each}.ttl" for each in things),
            *(f"{each}/catalog.ttl" for each in things if "/dataset/" not in each),
            "/municipality/0115/catalog.ttl",
            "/department/01/catalog.ttl",
            "/service-problem/AGU-01/catalog.ttl",
            "/vocabulary/service-problem.ttl",
            "/vocabulary/idea-status.ttl",
            "/vocabulary/def.ttl",
        ],
    )
    paths = (str(each).removeprefix(f"{SITE}/").partition("#")[0] for each in found)
    kinds = {path.partition("/")[0] for path in paths}
    assert kinds >= {"dataset", "idea", "workshop", "organization", "vocabulary", "municipality"}
    assert {f"{SITE}{path_of(dataset)}", f"{SITE}{path_of(dataset)}#checksum"} <= {*map(str, found)}
    documents: dict[str, Graph] = {}
    lost = []
    for iri in sorted(found):
        address = iri.partition("#")[0]
        if address not in documents:
            documents[address] = turtle(app, address)
        if (iri, None, None) not in documents[address]:
            lost.append(str(iri))
    assert lost == []


def test_iris_keep_the_base_of_the_first_publication(
    app: Any, dataset: dict[str, Any], ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later setting must not change the IRIs that portals already have."""
    monkeypatch.setitem(ckan_config, "ckanext.dcat.base_uri", "https://datos.example.gt")
    for path in (
        f"/dataset/{dataset['id']}",
        path_of(dataset),
        f"/organization/{dataset['owner_org']}",
        "/vocabulary/municipality/0115",
    ):
        graph = turtle(app, path)
        assert (URIRef(SITE + path), None, None) in graph, path
        assert not [each for each in graph.subjects() if "datos.example.gt" in each], path
