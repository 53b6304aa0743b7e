"""A harvested dataset keeps the IRI of its source; no record gets the IRI of another one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from ckan import model
from ckan.tests.helpers import call_action
from rdflib import Graph, Literal, URIRef

from ckanext.marathon.feeds.verify import LogFault, LogFaultKind
from ckanext.marathon.logic.dataset import read_foreign_iri
from ckanext.marathon.model import dataset
from ckanext.marathon.rdf.namespaces import DCAT, DCT
from tests import factories

from .conftest import SITE, Get, Log, act

Faults = Callable[[], list[LogFault]]

IRI = "https://origen.example.gt/datos/agua"
OTHER = "https://origen.example.gt/datos/pozos"
FILE = "https://origen.example.gt/datos/agua/csv"


def extras(uri: str) -> list[dict[str, str]]:
    return [{"key": "uri", "value": uri}, {"key": "guid", "value": uri}]


class Source:
    """The context of a harvester, which saves in the site's own name."""

    def __init__(self) -> None:
        self.owner = factories.NationalBody(title="INE")["id"]

    def bring(self, uri: str = IRI, files: tuple[str, ...] = (FILE,), **fields: Any) -> str:
        """Harvest a dataset; return its id."""
        name = fields.pop("name", uri.rpartition("/")[2])
        return act("package_create", **self.fields(uri, files, name=name, **fields))["id"]

    def bring_again(self, id_: str, uri: str = IRI, files: tuple[str, ...] = (FILE,)) -> None:
        stored = model.Package.get(id_)
        assert stored is not None
        act("package_update", id=id_, **self.fields(uri, files, name=stored.name))

    def fields(self, uri: str, files: tuple[str, ...], **fields: Any) -> dict[str, Any]:
        resources = [{"url": f"{each}/file", "name": "File", "uri": each} for each in files]
        given = {"title": "Agua", "notes": "De otra parte.", "owner_org": self.owner}
        given |= {"service_problem": ["AGU-01"]}
        return {**given, "extras": extras(uri), "resources": resources, **fields}


@pytest.fixture
def source(feed: Log) -> Source:
    return Source()


def own(id_: str) -> str:
    return f"{SITE}/dataset/{id_}"


def test_a_harvested_dataset_keeps_its_iri_in_every_feed(
    feed: Log, get: Get, source: Source, faults: Faults
) -> None:
    id_ = source.bring()
    assert feed.iris(id_) == {IRI: True}
    for address in ("/catalog.ttl", "/catalog/all.ttl", f"/dataset/{id_}.ttl"):
        graph = Graph().parse(data=get(address).body, format="turtle")
        assert set(graph.objects(URIRef(IRI), DCT.identifier)) == {Literal(IRI)}, address
        assert set(graph.objects(URIRef(IRI), DCAT.distribution)) == {URIRef(FILE)}, address
        assert own(id_) not in set(map(str, graph.subjects())), address
    assert f"<{IRI}>" in get("/catalog/changes.nq").body
    assert f"<{IRI}>" in get(f"/organization/{source.owner}/catalog/all.nt").body
    assert [each["identifier"] for each in json.loads(get("/data.json").body)["dataset"]] == [IRI]
    rows = list(csv.DictReader(io.StringIO(get("/catalog.csv").body.lstrip("\ufeff"))))
    assert [row["identificador"] for row in rows] == [IRI]
    page = get("/dataset/agua")
    assert page.status_code == 200
    assert f'"@id": "{IRI}"' in page.body
    assert f'"url": "{own(id_)}"' in page.body
    assert f'href="{SITE}/dataset/{id_}"' in get("/catalog/changes.atom").body
    assert get("/catalog.ttl?q=agua").body.count(f"<{IRI}> a ") == 1
    assert faults() == []


def test_parts_of_a_dataset_with_a_kept_iri_have_our_iris(feed: Log, source: Source) -> None:
    id_ = source.bring(temporal_coverage=[{"start": "2024-01-01"}])
    told = feed.text(id_)
    assert f"<{own(id_)}#period-1>" in told
    assert f"<{IRI}#" not in told


def test_a_refused_iri_gets_a_notice(source: Source) -> None:
    source.bring()
    said: list[str] = []
    for number, uri in enumerate((IRI, "agua", f"{SITE}/dataset/x", OTHER)):
        fields = source.fields(uri, (), name=f"otro-{number}")
        said.append(" ".join(act("package_create", **fields).get("marathon_notices", [])))
    assert "another record has" in said[0]
    assert "no IRI" in said[1]
    assert "address of this site" in said[2]
    assert said[3] == ""
    again = act("package_create", **source.fields(f"{OTHER}/b", (FILE,), name="otro"))
    (notice,) = again["marathon_notices"]
    assert notice.startswith("file 1, “uri”: ")


def test_an_officer_cannot_set_the_iri(feed: Log, source: Source) -> None:
    fields = source.fields(IRI, (FILE,), name="mio")
    context = {"user": factories.officer(source.owner)["name"], "ignore_auth": False}
    id_ = call_action("package_create", context, **fields)["id"]
    assert feed.iris(id_) == {own(id_): True}
    # Nor has it done so when somebody else saves the dataset later, in the site's own name.
    act("package_patch", id=id_, notes="Corregido.")
    assert feed.iris(id_) == {own(id_): True}
    assert dataset.read_kept_iris([id_]) == {}


def test_an_officers_edit_keeps_the_iri(feed: Log, source: Source) -> None:
    id_ = source.bring()
    context = {"user": factories.officer(source.owner)["name"], "ignore_auth": False}
    call_action("package_patch", context, id=id_, extras=extras(OTHER), resources=[])
    assert feed.iris(id_) == {IRI: True}
    call_action("package_patch", dict(context), id=id_, extras=[])
    assert feed.iris(id_) == {IRI: True}


def test_a_new_iri_in_a_later_harvest_leaves_a_tombstone(
    feed: Log, get: Get, source: Source, faults: Faults
) -> None:
    id_ = source.bring()
    slot, number = feed.slot(id_), feed.number
    source.bring_again(id_, OTHER)
    assert feed.iris(id_) == {IRI: False, OTHER: True}
    assert sorted(activity for activity, _kind in feed.since(number)) == ["Create", "Delete"]
    assert dataset.read_kept_iris([id_])[id_] == OTHER
    assert get(f"/dataset/{id_}.ttl").status_code == 200
    assert slot is not None
    assert faults() == []
    # Back again: the former place in the pages is the former IRI's.
    source.bring_again(id_, IRI)
    assert feed.iris(id_) == {IRI: True, OTHER: False}
    assert faults() == []


def test_a_new_title_name_or_owner_keeps_the_iri(feed: Log, source: Source) -> None:
    id_ = source.bring()
    other = factories.NationalBody()["id"]
    act("package_patch", id=id_, title="Otro", name="otro", owner_org=other)
    assert feed.iris(id_) == {IRI: True}


def test_a_second_dataset_with_the_same_iri_gets_our_iri(
    feed: Log, source: Source, faults: Faults
) -> None:
    first, second = source.bring(), source.bring(name="segundo")
    assert feed.iris(first) == {IRI: True}
    assert feed.iris(second) == {own(second): True}
    assert faults() == []
    # Nor does it take it over by being harvested again.
    source.bring_again(second, files=())
    assert feed.iris(first) == {IRI: True}


def test_a_dataset_deleted_and_harvested_again_gets_its_iri_back(
    feed: Log, source: Source, faults: Faults
) -> None:
    first = source.bring()
    slot = feed.slot(first)
    act("package_delete", id=first)
    assert feed.iris(first) == {IRI: False}
    second = source.bring(name="de-nuevo")
    assert feed.iris(second) == {IRI: True}
    assert feed.slot(second) == slot
    assert faults() == []
    # When it is restored, the first dataset has only this site's IRI.
    act("package_patch", id=first, state="active")
    assert feed.iris(first) == {own(first): True}
    assert feed.iris(second) == {IRI: True}
    assert faults() == []


def test_a_purged_dataset_is_a_tombstone_under_its_iri(feed: Log, get: Get, source: Source) -> None:
    id_ = source.bring()
    act("dataset_purge", id=id_)
    assert feed.iris(id_) == {IRI: False}
    assert get(f"/dataset/{id_}.ttl").status_code == 410


def test_the_second_of_two_files_with_one_iri_gets_our_iri(feed: Log, source: Source) -> None:
    id_ = source.bring(files=(FILE, FILE))
    package = model.Package.get(id_)
    assert package is not None
    second = package.resources[1].id
    assert set(dataset.read_kept_iris([id_]).values()) == {IRI, FILE}
    assert f"<{own(id_)}/resource/{second}>" in feed.text(id_)


def test_verify_finds_a_record_published_under_another_iri_than_it_keeps(
    feed: Log, source: Source, faults: Faults
) -> None:
    id_ = source.bring()
    del feed
    model.Session.connection().exec_driver_sql(
        "UPDATE marathon_kept_iri SET iri = %s WHERE thing = %s", (OTHER, id_)
    )
    model.Session.commit()
    assert {fault.wrong for fault in faults()} == {LogFaultKind.NOT_PUBLIC, LogFaultKind.MISSING}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (IRI, IRI),
        ("https://x.example/a#", "https://x.example/a#"),
        ("urn:uuid:2c1b", "urn:uuid:2c1b"),
        ("https://x.example/a b", "https://x.example/a%20b"),
        ("javascript:alert(1)", None),
        ("mailto:a@example.gt", None),
        ("agua", None),
        ("", None),
        ("urn:a b", None),
        # In our own name nobody else speaks.
        (f"{SITE}/dataset/1", None),
        (SITE, None),
    ],
)
@pytest.mark.usefixtures("feed")
def test_only_absolute_iris_of_other_sites_are_kept(given: str, kept: str | None) -> None:
    assert read_foreign_iri(given) == kept
