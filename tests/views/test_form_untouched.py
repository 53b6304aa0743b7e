"""A form that is saved without edits changes no stored value, not even a malformed one.

The records have values that the rules refuse: they are older than the plugin, came from other
programs, or a list of choices has changed since.
"""

from __future__ import annotations

import json
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.lib import search
from ckan.tests import factories as core
from ckan.tests.helpers import call_action
from ckan.types import Context

from ckanext.marathon.logic import edits
from tests import factories
from tests.visitors import shown_values

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

NO_DAY = "2024-02-30T10:00:00-06:00"
EARLY = "0217-06-03T10:00:00-06:00"
NEED = "11111111-2222-4333-8444-666666666666"
AGENT = {
    "name": "Oficina", "email": "no tiene", "url": "www.muni.gob.gt", "uri": "sin uri",
}  # fmt: skip
LINK = {"url": "https://example.gt/a.csv", "name": "A", "format": "CSV"}
THEMES = [
    "http://publications.europa.eu/resource/authority/data-theme/TRAN",
    "http://publications.europa.eu/resource/authority/data-theme/ENVI",
    "http://publications.europa.eu/resource/authority/data-theme/AGRI",
]

DATASET = {
    "issued": NO_DAY,
    "modified": EARLY,
    "frequency": "cada luna llena",
    "access_rights": "para vecinos",
    "theme": [THEMES[0], "agua y saneamiento", *THEMES[1:]],
    "language": ["http://publications.europa.eu/resource/authority/language/SPA", "qeqchi"],
    "municipality": ["2105", "9999", "0115"],
    "service_problem": ["RES-01", "XXX-99", "AGU-01"],
    "temporal_coverage": [
        {"start": NO_DAY, "end": EARLY},
        {"start": "2030", "end": "2020", "etiqueta": "Década"},
    ],
    # Neither “cargo”, “horario” nor “etiqueta” is a part that the schema knows.
    "contact": [{**AGENT, "cargo": "jefa", "horario": {"lunes": "8-16"}}, {"cargo": "secretario"}],
    "publisher": [{**AGENT, "type": "oficina"}],
    "creator": [{**AGENT, "type": "oficina"}],
    "documentation": ["www.muni.gob.gt/manual", "https://example.gt/b"],
    "conforms_to": "una norma",
    "spatial_coverage": [{"text": "Cuenca", "geom": "POINT(1 2)", "bbox": "{}", "centroid": "x"}],
    "spatial_resolution_in_meters": "14,6",
    "temporal_resolution": "cada año",
    "version_notes": "una\nlínea\r\ny otra",
    "provenance": "\n  con sangría\n",
}
WORKSHOP = {
    "kind": "fiesta",
    "status": "pospuesto",
    "municipality": ["2105", "9999", "0115"],
    "service_problem": ["RES-01", "XXX-99", "AGU-01"],
    "starts_at": NO_DAY,
    "ends_at": EARLY,
    "rsvp_by": "pronto",
    "venue": "Salón\nmunicipal",
    "venue_municipality": "9999",
    "latitude": "14,6",
    "longitude": "al norte",
    "organiser": [
        {"name": "", "role": "convener"},
        {"name": "CODEDE", "role": "amigo", "siglas": "C"},
    ],
    "invitation": [
        {"organisation": "COCODE", "invited_on": "mayo", "answer": "quizás", "attended": "a veces"},
        {"organisation": "ANAM", "answered_on": "2017-05-01", "invited_on": "2017-05-10"},
    ],
    "participants": "10",
    "participants_women": "1,5",
    "participants_men": "-3",
    "participants_youth": "99",
    "language": ["latín", "http://lexvo.org/id/iso639-3/quc"],
    "source_url": "www.muni.gob.gt",
    "code": "T*1",
}
IDEA = {
    "municipality": ["9999"],
    "service_problem": ["RES-01", "XXX-99", "AGU-01"],
    "votes": "1,5",
    "priority": "primera",
    "proponent_group": "mis amigos",
    "status": "soñada",
    "evidence": ["www.muni.gob.gt"],
    "summary": [{"lang": "latín", "text": "Aqua", "audio": "www.muni.gob.gt"}],
    "data_need": [
        {"id": "uno", "what": "Pozos"},
        {"id": NEED, "what": "", "why": "Para saber", "a": "1"},
    ],
    "code": "I*1",
}
COMMITMENT = {
    "source_url": "www.muni.gob.gt",
    "milestone": [
        {"title": "A", "due": NO_DAY, "status": "casi", "evidence": '["www.a.gt"]', "nota": "x"}
    ],
}
ORGANIZATION = {
    "municipality_code": "9999",
    "role": "amiga",
    "pilot": "quizás",
    "contact_email": "no tiene",
    "homepage": "www.muni.gob.gt",
}
RESOURCE = {
    "license": "la del municipio",
    "availability": "cuando se pueda",
    "status": "casi",
    "access_url": "www.muni.gob.gt",
    "download_url": "www.muni.gob.gt/a.csv",
    "issued": NO_DAY,
    "modified": EARLY,
    "language": json.dumps(["qeqchi", DATASET["language"][0]]),
    "documentation": json.dumps(["www.muni.gob.gt/manual"]),
}


def as_texts(fields: dict[str, Any]) -> dict[str, str]:
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in fields.items()}


def write(package_id: str, fields: dict[str, Any], **columns: Any) -> None:
    """Store values in a record that its rules would refuse."""
    package = model.Package.get(package_id)
    assert package
    package.extras = {**package.extras, **as_texts(fields)}
    for name, value in columns.items():
        setattr(package, name, value)
    model.repo.commit()
    search.rebuild(package_id)


def stored(package_id: str) -> dict[str, Any]:
    """Return all that the database has of a package but its clocks, lists and rows loaded."""
    model.Session.expire_all()
    package = model.Package.get(package_id)
    assert package
    columns = ("title", "name", "notes", "url", "version", "license_id", "owner_org", "private",
               "state", "author", "author_email", "maintainer", "maintainer_email")  # fmt: skip
    found = {name: getattr(package, name) for name in columns}
    found["tags"] = sorted(tag.name for tag in package.get_tags())
    found["resources"] = [
        {**loaded(each.extras or {}), "id": each.id, "url": each.url, "name": each.name,
         "description": each.description, "format": each.format, "size": each.size}
        for each in package.resources
    ]  # fmt: skip
    return without_empty({**found, **loaded(package.extras)})


def loaded(extras: dict[str, Any]) -> dict[str, Any]:
    return {k: json.loads(v) if str(v)[:1] == "[" else v for k, v in extras.items()}


def without_empty(value: Any) -> Any:
    """Return a value without empty texts in rows: a form sends "" where a program sends nothing."""
    if isinstance(value, dict):
        return {k: without_empty(v) for k, v in value.items() if v not in ("", None, [])}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


def compare(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    keys = before.keys() | after.keys()
    return {k: (before.get(k), after.get(k)) for k in keys if before.get(k) != after.get(k)}


def open_form(reader: Reader, path: str) -> dict[str, list[str]]:
    form = BeautifulSoup(reader.get(path).text, "lxml").select_one("form:has([data-marathon-form])")
    assert form, path
    values = shown_values(form)
    areas = {str(area["name"]) for area in form.select("textarea[name]")}
    # Source: HTML, a text area sends CR LF, and a line of text no line breaks.
    return {
        name: [
            "\r\n".join(text.splitlines()) + ("\r\n" if text.endswith("\n") else "")
            if name in areas
            else text.replace("\r", "").replace("\n", "")
            for text in texts
        ]
        for name, texts in values.items()
    }


def send(reader: Reader, path: str, **changed: Any) -> Any:
    answer = reader.post(path, {**open_form(reader, path), **changed, "save": "save"})
    wrong = BeautifulSoup(answer.text, "lxml").select(".error-explanation li")
    assert answer.status_code == 302, (path, [each.get_text(" ", strip=True) for each in wrong])
    return answer


@pytest.fixture
def admin(app: Any) -> Reader:
    return Reader(app, core.Sysadmin())


def make_dataset() -> str:
    made = factories.MarathonDataset(resources=[LINK])
    write(
        made["id"], DATASET, url="www.muni.gob.gt", author="Ana", author_email="no tiene",
        maintainer="Juan", maintainer_email="no tiene", license_id="la del municipio",
    )  # fmt: skip
    return made["id"]


def make_idea() -> str:
    made = factories.Idea()
    write(made["id"], IDEA)
    return made["id"]


def make_workshop() -> str:
    made = factories.Workshop()
    write(made["id"], WORKSHOP)
    return made["id"]


def make_commitment() -> str:
    made = factories.Commitment()
    write(made["id"], COMMITMENT)
    return made["id"]


RECORDS = {
    "dataset": (make_dataset, DATASET),
    "idea": (make_idea, IDEA),
    "workshop": (make_workshop, WORKSHOP),
    "commitment": (make_commitment, COMMITMENT),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_an_unchanged_form_keeps_all_stored_values(admin: Reader, kind: str) -> None:
    make, _fields = RECORDS[kind]
    package_id = make()
    before = stored(package_id)
    send(admin, f"/{kind}/edit/{package_id}")
    assert compare(before, stored(package_id)) == {}


def test_an_unchanged_form_of_a_file_keeps_all_stored_values(admin: Reader) -> None:
    package_id = factories.MarathonDataset(resources=[LINK, LINK])["id"]
    package = model.Package.get(package_id)
    assert package
    resource, other = package.resources
    # CKAN shows both as addresses that begin with http://.
    resource.url, other.url = "www.muni.gob.gt/a.csv", "\\\\servidor\\datos\\a.xls"
    resource.extras = {**(resource.extras or {}), **RESOURCE}
    model.repo.commit()
    before = stored(package_id)
    send(admin, f"/dataset/{package_id}/resource/{resource.id}/edit")
    assert compare(before, stored(package_id)) == {}
    # The form of its dataset does not show it, and CKAN validates it all the same.
    send(admin, f"/dataset/edit/{package_id}")
    assert compare(before, stored(package_id)) == {}


def stored_group(group_id: str) -> dict[str, Any]:
    model.Session.expire_all()
    group: Any = model.Group.get(group_id)
    assert group
    names = ("title", "name", "description", "image_url")
    found = {**{name: getattr(group, name) for name in names}, **(group.extras or {})}
    return {name: value for name, value in found.items() if value}


def test_an_unchanged_form_of_an_organisation_keeps_all_stored_values(admin: Reader) -> None:
    made = core.Organization(description="una\nlínea")
    group: Any = model.Group.get(made["id"])
    assert group
    group.extras = {**(group.extras or {}), **ORGANIZATION}
    model.repo.commit()
    before = stored_group(made["id"])
    path = f"/organization/edit/{made['name']}"
    send(admin, path)
    assert compare(before, stored_group(made["id"])) == {}
    # A changed value is validated.
    answer = admin.post(path, {**open_form(admin, path), "homepage": "www.otra.gt", "save": ""})
    assert "www.otra.gt" in answer.text
    assert compare(before, stored_group(made["id"])) == {}


CHANGED = {
    "dataset": {"url": "www.otra.gt", "issued": "2024-02-31", "frequency": "cada martes"},
    "idea": {"votes": "2,5", "priority": "segunda", "code": "J*1"},
    "workshop": {"latitude": "14,7", "participants_women": "2,5", "rsvp_by": "luego"},
    "commitment": {"source_url": "www.otra.gt"},
}


@pytest.mark.parametrize("kind", RECORDS)
def test_changed_values_are_validated(admin: Reader, kind: str) -> None:
    make, _fields = RECORDS[kind]
    package_id = make()
    before = stored(package_id)
    path = f"/{kind}/edit/{package_id}"
    answer = admin.post(
        path, {**open_form(admin, path), **CHANGED[kind], "save": "save"}, Accept="application/json"
    )
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == set(CHANGED[kind])
    assert compare(before, stored(package_id)) == {}


PEOPLE = [
    {"name": "Ana", "email": "ana@muni.gob.gt", "cargo": "jefa"},
    {"name": "Luis", "cargo": "secretario"},
    {"name": "Eva", "cargo": "archivera"},
]


def test_unknown_subfields_are_removed_with_their_row(admin: Reader) -> None:
    package_id = factories.MarathonDataset()["id"]
    write(package_id, {"contact": PEOPLE})
    path = f"/dataset/edit/{package_id}"
    # One is taken away, one is changed.
    shown = open_form(admin, path)
    left = {k: v for k, v in shown.items() if not k.startswith("contact-1-")}
    left["contact-0-email"] = ["ana@otra.gob.gt"]
    assert admin.post(path, {**left, "save": "save"}).status_code == 302
    ana, eva = stored(package_id)["contact"]
    assert (ana["email"], ana["cargo"]) == ("ana@otra.gob.gt", "jefa")
    assert (eva["name"], eva["cargo"]) == ("Eva", "archivera")
    # One that is emptied is taken away.
    emptied = {k: "" for k in open_form(admin, path) if k.startswith("contact-0-")}
    send(admin, path, **emptied)
    assert stored(package_id)["contact"] == [eva]


def test_unknown_subfields_survive_a_patch(admin: Reader) -> None:
    package_id = factories.MarathonDataset()["id"]
    write(package_id, {"contact": PEOPLE})
    answer = admin.post_json("/api/3/action/package_patch", {"id": package_id, "notes": "Otra"})
    shown = answer.json["result"]
    assert "marathon_notices" not in shown
    assert [row["cargo"] for row in shown["contact"]] == [row["cargo"] for row in PEOPLE]
    assert stored(package_id)["contact"] == PEOPLE
    # CKAN's own form of the value may be sent back too. Other values are not stored.
    rows = [{"name": "Ana", "__extras": {"cargo": "directora"}}, {"name": "Eva", "apodo": "E"}]
    changes = {"id": package_id, "contact": rows}
    answer = admin.post_json("/api/3/action/package_patch", changes)
    assert stored(package_id)["contact"] == [{"name": "Ana", "cargo": "directora"}, {"name": "Eva"}]
    assert "“apodo”" in answer.json["result"]["marathon_notices"][0]


def test_malformed_stored_numbers_survive_other_saves_with_a_notice(admin: Reader) -> None:
    idea = make_idea()
    answer = admin.post_json("/api/3/action/package_patch", {"id": idea, "notes": "Otra"}).json
    assert stored(idea)["votes"] == IDEA["votes"]
    assert any("1,5" in notice for notice in answer["result"]["marathon_notices"])
    created = {"package_id": idea, "url": "https://example.gt/b.pdf", "name": "B"}
    assert admin.post_json("/api/3/action/resource_create", created).json["success"]
    assert stored(idea)["votes"] == IDEA["votes"]
    # Emptied by hand it is empty.
    send(admin, f"/idea/edit/{idea}", votes="")
    assert "votes" not in stored(idea)


def test_a_malformed_value_in_a_new_record_is_refused(admin: Reader) -> None:
    make_idea()
    copy = {"type": "idea", "name": "copia", "title": "Copia", "votes": IDEA["votes"]}
    answer = admin.post_json("/api/3/action/package_create", copy).json
    assert "votes" in answer["error"]


def test_a_new_choice_is_added_after_the_stored_ones(admin: Reader) -> None:
    dataset = make_dataset()
    path = f"/dataset/edit/{dataset}"
    ticked = [each for each in open_form(admin, path)["service_problem"] if each]
    assert set(ticked) == set(DATASET["service_problem"])
    send(admin, path, service_problem=["", "AGU-02", *sorted(ticked)])
    assert stored(dataset)["service_problem"] == [*DATASET["service_problem"], "AGU-02"]
    # One that is no choice any more can be taken away.
    left = ["RES-01", "AGU-02"]
    send(admin, path, service_problem=["", *left])
    assert stored(dataset)["service_problem"] == left


def test_a_missing_idea_or_workshop_does_not_prevent_saving(admin: Reader) -> None:
    dataset = factories.MarathonDataset()
    idea = dataset["idea"][0]
    workshop = call_action("package_show", id=idea)["workshop"]
    gone = "11111111-2222-4333-8444-555555555555"
    needs = [gone]
    write(dataset["id"], {"idea": [gone, idea], "data_need": needs})
    write(idea, {"workshop": gone})
    for package_id, kind in ((dataset["id"], "dataset"), (idea, "idea")):
        before = stored(package_id)
        send(admin, f"/{kind}/edit/{package_id}")
        assert compare(before, stored(package_id)) == {}
    send(admin, f"/idea/edit/{idea}", workshop=workshop)
    assert stored(idea)["workshop"] == workshop


@pytest.mark.parametrize("kind", RECORDS)
def test_pages_of_records_with_malformed_values_do_not_fail(admin: Reader, kind: str) -> None:
    make, _fields = RECORDS[kind]
    package_id = make()
    send(admin, f"/{kind}/edit/{package_id}")
    for path in (f"/{kind}/{package_id}", f"/{kind}/{package_id}.ttl"):
        assert admin.get(path, Accept="*/*").status_code in (200, 301, 302), path


def test_a_form_has_a_small_count_only_for_insiders(admin: Reader) -> None:
    workshop = factories.Workshop(participants=40, participants_youth=3)
    stranger = Context(user=core.User()["name"])
    assert edits.show_package(stranger, workshop["id"])["participants_youth"] is None
    mine = Context(user=admin.name)
    assert edits.show_package(mine, workshop["id"])["participants_youth"] == 3


def test_publishing_refuses_a_malformed_stored_value(marathon_site: None) -> None:
    dataset = factories.MarathonDataset(private=True)
    write(dataset["id"], {"frequency": "cada rato"})
    saved = call_action("package_patch", id=dataset["id"], title="Pozos")
    assert saved["frequency"] == "cada rato"
    with pytest.raises(tk.ValidationError) as refused:
        call_action("package_patch", id=dataset["id"], private=False)
    assert set(refused.value.error_dict) == {"frequency"}
