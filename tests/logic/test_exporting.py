"""An exported workbook is read as the same records: on the same site, and on an empty one."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.tests.factories import Sysadmin
from ckan.tests.helpers import call_action

from ckanext.marathon.logic import exporting, importing
from ckanext.marathon.logic.importing import ImportFile, ImportOptions, ImportReport
from tests import factories

pytestmark = pytest.mark.usefixtures("marathon_site")


def bring(path: Path, user: str) -> ImportReport:
    file = ImportFile(path, path.name)
    row = {"id": str(uuid.uuid4()), "files": importing.describe_files([file])}
    return importing.import_files([file], ImportOptions(user), row)


def show_all() -> dict[str, dict[str, Any]]:
    """Return the stored state of all records by id, without times and ids of files."""
    found = {}
    for package in model.Session.query(model.Package).filter_by(state="active"):
        found[package.id] = {
            "columns": (package.name, package.title, package.notes, package.private),
            "owner": package.owner_org,
            "extras": {k: v for k, v in package.extras.items() if v not in ("", "[]")},
            "tags": sorted(tag.name for tag in package.get_tags()),
            "files": [(r.url, r.name, r.format) for r in package.resources],
        }
    model.Session.expunge_all()
    return found


@pytest.fixture
def chain() -> str:
    """Records with many fields, some without a code; return the name of a system administrator."""
    town = factories.Municipality(municipality_code="2105", title="Muni de prueba")
    workshop = factories.Workshop(
        owner_org=town["id"],
        title="Taller | con barra",
        code="T-1",
        starts_at="2024-05-27T09:00",
        organiser=[{"name": "A | B", "role": "convener"}, {"name": "C"}],
        invitation=[
            {"organisation": "Invitada", "invited_on": "2024-05-01", "attended": "yes"},
            {"organisation": "Invitada", "answer": "declined"},
        ],
        participants=30,
        language=["quc", "spa"],
        latitude="14.5",
        longitude="-90.1",
        notes="Primera línea\n\n- segunda",
    )
    idea = factories.Idea(
        workshop=workshop["id"],
        owner_org=town["id"],
        title="Idea sin código",
        community=["El Rosario; centro", "La Paz"],
        data_need=[{"what": "Dato", "why": "Para qué"}, {"what": "Dato"}],
        summary=[{"lang": "quc", "text": "Texto\ncon líneas"}],
        proponent_group="women",
    )
    factories.MarathonDataset(
        owner_org=town["id"],
        idea=[idea["id"]],
        data_need=[idea["data_need"][1]["id"]],
        title="Datos",
        notes="Notas",
        code="D-1",
        license_id="cc-by",
        frequency="monthly",
        tags=[{"name": "agua"}, {"name": "pozos"}],
        temporal_coverage=[{"start": "2023", "end": "2024-02"}, {"start": "2025"}],
        contact=[{"name": "Oficina", "email": "oficina@example.gt"}],
        resources=[{"url": "https://example.org/a.csv", "name": "A", "format": "CSV"}],
    )
    factories.Idea(
        workshop=workshop["id"], owner_org=town["id"], title="Privada", code="I-9", private=True
    )
    return str(Sysadmin()["name"])


@pytest.mark.parametrize("lang", ["es", "en"])
def test_importing_an_export_changes_nothing(chain: str, tmp_path: Path, lang: str) -> None:
    before = show_all()
    exporting.export_workbook(tmp_path / "libro.xlsx", None, lang)
    report = bring(tmp_path / "libro.xlsx", chain)
    assert report.problems == []
    assert [record for record in report.records if record.outcome != "unchanged"] == []
    assert report.count("unchanged") == 4
    assert show_all() == before


def test_an_export_restores_the_records_of_an_empty_site(chain: str, tmp_path: Path) -> None:
    before = show_all()
    exporting.export_workbook(tmp_path / "libro.xlsx", None, "es")
    for type_ in ("dataset", "idea", "workshop"):
        for package in model.Session.query(model.Package).filter_by(type=type_).all():
            call_action("dataset_purge", id=package.id)
    assert show_all() == {}
    report = bring(tmp_path / "libro.xlsx", chain)
    assert report.problems == []
    assert report.count("created") == 4
    assert show_all() == before


def test_only_the_records_of_the_chosen_organisations_are_exported(
    chain: str, tmp_path: Path
) -> None:
    other = factories.Idea(title="De otra municipalidad")
    chosen = {type_: [other["owner_org"]] for type_ in ("workshop", "idea", "dataset")}
    exporting.export_workbook(tmp_path / "libro.xlsx", chosen, "es")
    report = bring(tmp_path / "libro.xlsx", chain)
    assert report.problems == []
    assert {record.title for record in report.records} >= {"De otra municipalidad"}
    assert "Privada" not in {record.title for record in report.records}
