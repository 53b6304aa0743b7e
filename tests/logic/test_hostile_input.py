"""Hostile values in any field give an error at the field or a saved record, never 500."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.logic.inputs import CORE_LISTS
from tests import factories, proving

TYPES = ("dataset", "workshop", "idea", "commitment")
CORE_FIELDS = (
    "id",
    "name",
    "title",
    "type",
    "owner_org",
    "state",
    "private",
    "notes",
    "url",
    "version",
    "author",
    "author_email",
    "maintainer",
    "license_id",
    "tag_string",
    "metadata_modified",
    "plugin_data",
    *CORE_LISTS,
)


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value] if levels % 2 else {"a": value}
    return value


HOSTILE: dict[str, Any] = {
    "NUL": "a\x00b",
    "half a pair": "\ud800",
    "a megabyte": "x" * 1_000_000,
    "a megabyte in a list": ["x" * 1_000_000],
    "an object": {"a": 1},
    "an empty object": {},
    "an object of NUL": {"a\x00": "\x00"},
    "a list in a list": [["a"]],
    "an object in a list": [{"a": 1}],
    "an object with an id": [{"id": {"a": 1}, "name": ["b"], "key": {}, "value": []}],
    "a list of nothing": [None],
    "a mixed list": ["a", {"b": 1}, 3, None, [4]],
    "deep lists": deep(51),
    "deep objects": deep(50),
    "true": True,
    "an integer": 7,
    "a huge integer": 10**400,
    "a fraction": 1.5,
    "not a number": float("nan"),
    "nothing": None,
    "blank": "  ",
    "broken JSON list": "[1, 2",
    "broken JSON object": '{"a": ',
    "brackets": "[" * 50_000,
    "a JSON list in a list": '[["a"]]',
    "a script": "<script>alert(1)</script>",
    "a formula": "=1+1",
    "SQL": "'; DROP TABLE package; --",
    "format": "{0} {a} %s %(a)s",
    "backwards": "\u202eabc",
    "uuid": "11111111-1111-1111-1111-111111111111",
}

SAMPLE = proving.count("hostile values, each field", 4, len(HOSTILE))


@pytest.fixture
def owner() -> dict[str, Any]:
    idea = factories.Idea()
    return {
        "org": idea["owner_org"],
        "code": factories.code_of(idea["owner_org"]),
        "workshop": idea["workshop"],
        "idea": idea["id"],
        "user": core.Sysadmin(),
    }


def make_record(package_type: str, owner: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the data of a record that is saved as they are."""
    data: dict[str, Any] = {
        "type": package_type,
        "name": f"{package_type}-{number}",
        "title": "T",
        "notes": "N",
        "owner_org": owner["org"],
    }
    place = {"municipality": [owner["code"]]}
    more: dict[str, dict[str, Any]] = {
        "dataset": {**place, "idea": [owner["idea"]]},
        "workshop": {**place, "kind": "ideation", "status": "held", "starts_at": "2017-05-27"},
        "idea": {"workshop": owner["workshop"], "service_problem": ["AGU-01"]},
        "commitment": {**place, "plan": "P"},
    }
    return data | more[package_type]


def fields_of(package_type: str) -> Iterator[tuple[str, ...]]:
    schema = tk.get_action("scheming_dataset_schema_show")({}, {"type": package_type})
    for field in schema["dataset_fields"]:
        yield (field["field_name"],)
        for inner in field.get("repeating_subfields", []):
            yield (field["field_name"], inner["field_name"])
    for field in schema.get("resource_fields") or []:
        yield ("resources", field["field_name"])
    for name in CORE_FIELDS:
        yield (name,)


def with_value(data: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    if len(path) == 1:
        return {**data, path[0]: value}
    return {**data, path[0]: [{path[1]: value}]}


def create(action: str, owner: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return the errors of a record by field, none if it is saved and can be shown.

    Any other exception fails the test.
    """
    context: Any = {"user": owner["user"]["name"], "ignore_auth": False}
    try:
        saved = tk.get_action(action)(context, data)
    except tk.ValidationError as refusal:
        str(refusal.error_summary).encode("utf-8")
        return refusal.error_dict
    # Of a package this is what the search index has.
    shown = call_action(action.replace("create", "show"), id=saved["id"])
    assert shown["name"] == saved["name"]
    json.dumps(shown, ensure_ascii=False).encode("utf-8")
    return {}


@pytest.mark.usefixtures("marathon_site")
class TestEveryField:
    @pytest.mark.parametrize("package_type", TYPES)
    def test_a_record_with_a_hostile_value_in_one_field_is_refused_or_saved(
        self, package_type: str, owner: dict[str, Any]
    ) -> None:
        rng = proving.rng(package_type)
        assert create("package_create", owner, make_record(package_type, owner, 0)) == {}
        number = itertools.count(1)
        for path in fields_of(package_type):
            for kind in rng.sample(sorted(HOSTILE), SAMPLE):
                record = make_record(package_type, owner, next(number))
                try:
                    create("package_create", owner, with_value(record, path, HOSTILE[kind]))
                except Exception as broken:
                    raise AssertionError(f"{path}: {kind}: {broken!r}") from broken

    @pytest.mark.parametrize("package_type", TYPES)
    def test_a_record_with_a_hostile_value_in_all_fields_is_refused(
        self, package_type: str, owner: dict[str, Any]
    ) -> None:
        for kind, value in HOSTILE.items():
            data = make_record(package_type, owner, 0)
            for path in fields_of(package_type):
                if path not in {("type",), ("id",)}:
                    data = with_value(data, path, value)
            try:
                assert create("package_create", owner, data)
            except Exception as broken:
                raise AssertionError(f"{kind}: {broken!r}") from broken

    def test_an_organisation_with_a_hostile_value_in_one_field_is_refused_or_saved(
        self, owner: dict[str, Any]
    ) -> None:
        rng = proving.rng("organization")
        schema = tk.get_action("scheming_organization_schema_show")({}, {"type": "organization"})
        names = [field["field_name"] for field in schema["fields"]]
        number = itertools.count(1)
        for name in [*names, "id", "extras", "users", "groups", "packages", "state"]:
            for kind in rng.sample(sorted(HOSTILE), SAMPLE):
                data = {"name": f"body-{next(number)}", "title": "T", "role": "other_public_body"}
                try:
                    create("organization_create", owner, {**data, name: HOSTILE[kind]})
                except Exception as broken:
                    raise AssertionError(f"{name}: {kind}: {broken!r}") from broken


@pytest.mark.usefixtures("marathon_site")
class TestOverHttp:
    def test_the_answer_is_409_with_the_field(self, app: Any, owner: dict[str, Any]) -> None:
        token = call_action("api_token_create", user=owner["user"]["name"], name="t")["token"]
        headers = {"Authorization": token, "Content-Type": "application/json"}
        for body, field in (
            (b'{"type": "workshop", "name": "a", "title": "a\\u0000b"}', "title"),
            (b'{"type": "workshop", "name": "a", "title": "\\ud800"}', "title"),
            (b'{"type": "workshop", "name": "a", "organiser": "text"}', "organiser"),
            (b'{"type": "workshop", "name": "a", "resources": "text"}', "resources"),
            (b'{"type": ["workshop"], "name": "a"}', "type"),
            (b'{"type": "idea", "name": "a", "data_need": [1]}', "data_need"),
            (b'{"type": "idea", "name": "a", "workshop": {"id": 1}}', "workshop"),
        ):
            answer = app.post("/api/3/action/package_create", data=body, headers=headers)
            assert answer.status_code == 409, (body, answer.body)
            assert field in answer.json["error"], (body, answer.json)


@pytest.mark.usefixtures("marathon_site")
class TestReadingByApi:
    @pytest.mark.parametrize("query", ["limit", "offset"])
    @pytest.mark.parametrize("action", ["package_list", "marathon_idea_choices"])
    def test_huge_numbers_are_accepted_as_limit_and_offset(
        self, app: Any, action: str, query: str
    ) -> None:
        answer = app.get(f"/api/3/action/{action}?{query}={10**20}")
        assert answer.status_code == 200
        assert answer.json["result"] == []

    @pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
    @pytest.mark.parametrize(
        ("action", "name", "status"),
        [
            ("marathon_data_need_list", "id", 404),
            ("marathon_idea_datasets", "id", 404),
            ("marathon_workshop_ideas", "id", 404),
            ("package_show", "id", 404),
            ("organization_show", "id", 404),
            ("marathon_idea_choices", "q", 409),
            ("marathon_idea_choices", "include", 409),
            ("marathon_idea_choices", "municipality", 409),
        ],
    )
    def test_texts_that_the_database_cannot_store_get_an_error(
        self, app: Any, action: str, name: str, status: int, text: str
    ) -> None:
        headers = {"Content-Type": "application/json"}
        answer = app.post(f"/api/3/action/{action}", data=json.dumps({name: text}), headers=headers)
        assert answer.status_code == status
        assert answer.json["error"]


@pytest.mark.usefixtures("marathon_site")
class TestLongTexts:
    def test_long_allowed_texts_are_saved_and_found(self) -> None:
        long = "agua " * 12_000
        idea = factories.Idea(
            notes=long,
            data_need=[{"what": f"Dato {n}", "why": "x" * 500} for n in range(150)],
            community=[f"Aldea {n}" for n in range(400)],
        )
        dataset = factories.MarathonDataset(
            idea=[idea["id"]],
            notes=long,
            provenance=long,
            rights_note=long,
            version_notes=long,
            contact=[{"name": "x" * 30_000}, {"name": "y" * 30_000}],
            documentation=[f"https://example.org/{n}" for n in range(400)],
        )
        for kind, record in (("idea", idea), ("dataset", dataset)):
            found = call_action("package_search", fq=f"dataset_type:{kind}")
            assert found["results"][0]["notes"] == record["notes"]
        assert len(call_action("package_show", id=idea["id"])["data_need"]) == 150

    def test_numbers_in_text_fields_become_text(self) -> None:
        made = factories.Workshop(title=2017, venue=5, code=7)
        assert (made["title"], made["venue"], made["code"]) == ("2017", "5", "7")
