"""Every sent value is stored, refused, or named in a notice."""

from __future__ import annotations

import io
import json
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests import factories

KEY = "marathon_notices"
LINK = "https://example.org/a.csv"
DATA_NEED = ("id", "what", "why")

pytestmark = pytest.mark.usefixtures("marathon_site")


def refusal(action: str, **data: Any) -> dict[str, Any]:
    with pytest.raises(tk.ValidationError) as refused:
        call_action(action, **data)
    return refused.value.error_dict


def post(app: Any, action: str, data: dict[str, Any], status: int = 200) -> dict[str, Any]:
    """Call an action by the API as a system administrator. Files are sent as multipart."""
    token = core.SysadminWithToken()["token"]
    is_form = any(isinstance(value, tuple | list) for value in data.values())
    answer = app.post(
        f"/en/api/3/action/{action}",
        headers={"Authorization": token},
        **({"data": data, "content_type": "multipart/form-data"} if is_form else {"json": data}),
        status=status,
    )
    return json.loads(answer.body)


@pytest.mark.parametrize("value", [1, "x", [1], [{"a": 1}], {"a": 1}, None])
@pytest.mark.parametrize("name", ["__junk", "__extras", "__before", "__after"])
def test_fields_named_like_ckans_validation_keys_get_a_notice_and_are_not_stored(
    app: Any, name: str, value: Any
) -> None:
    idea = factories.Idea()
    answer = post(app, "package_patch", {"id": idea["id"], name: value})["result"]
    assert any(name in each for each in answer[KEY])
    assert name not in answer
    organization = post(app, "organization_patch", {"id": idea["owner_org"], name: value})
    assert any(name in each for each in organization["result"][KEY])


@pytest.mark.parametrize("value", [1, "x", [1], [{"a": 1}]])
@pytest.mark.parametrize("name", ["__junk", "__extras"])
def test_file_fields_named_like_ckans_validation_keys_are_not_stored(
    app: Any, name: str, value: Any
) -> None:
    dataset = factories.MarathonDataset(resources=[{"url": LINK}])
    resource = {"id": dataset["resources"][0]["id"], name: value}
    answer = post(app, "resource_patch", resource)["result"]
    assert name not in answer
    assert any(name in each and "file 1" in each for each in answer[KEY])


class TestRows:
    def test_a_row_with_unknown_names_only_is_refused_with_the_known_names(self) -> None:
        errors = refusal(
            "package_patch",
            id=factories.Idea()["id"],
            data_need=[{"what": "Pozos"}, {"que": "Agua", "por_que": "x"}],
        )
        assert errors["data_need"][0] == {}
        assert set(errors["data_need"][1]) == {"que", "por_que"}
        (message,) = errors["data_need"][1]["que"]
        assert "“que”" in message
        assert all(name in message for name in DATA_NEED)

    def test_unknown_names_are_refused_in_json_texts_and_single_objects_too(self) -> None:
        idea = factories.Idea()["id"]
        for need in ('[{"que": "Agua"}]', {"que": "Agua"}, {"que": "Agua", "what": " ", "why": ""}):
            assert refusal("package_patch", id=idea, data_need=need)["data_need"], need
        assert refusal("package_create", type="idea", title="x", data_need=[{"que": "x"}])[
            "data_need"
        ]

    def test_an_unknown_name_in_a_known_row_gets_a_notice(self) -> None:
        idea = call_action(
            "package_patch",
            id=factories.Idea()["id"],
            data_need=[{"what": "Agua"}, {"what": "Pozos", "para": "Agua", "vacio": ""}],
        )
        assert [need["what"] for need in idea["data_need"]] == ["Agua", "Pozos"]
        (notice,) = idea[KEY]
        assert "“data_need”, row 2, " in notice
        assert "“para”" in notice
        assert "vacio" not in notice
        assert all(name in notice for name in DATA_NEED)

    def test_an_empty_row_is_dropped_without_a_notice(self) -> None:
        idea = call_action(
            "package_patch", id=factories.Idea()["id"], data_need=[{}, {"what": ""}, {"que": ""}]
        )
        assert (idea.get("data_need") or [], KEY in idea) == ([], False)

    def test_unknown_names_in_tags_and_extras_get_notices(self) -> None:
        dataset = factories.MarathonDataset()["id"]
        changed = call_action(
            "package_patch",
            id=dataset,
            tags=[{"name": "agua", "color": "azul"}],
            extras=[{"key": "k", "value": "v", "nota": "n"}],
        )
        assert [n for n in changed[KEY] if "“color”" in n]
        assert [n for n in changed[KEY] if "“nota”" in n]
        again = call_action("package_update", **{**changed, "title": "Otro"})
        assert KEY not in again

    def test_an_unknown_group_gets_a_notice_and_one_without_name_an_error(self) -> None:
        dataset = factories.MarathonDataset()["id"]
        assert refusal("package_patch", id=dataset, groups=[{"nombre": "agua"}])["groups"]
        group = core.Group()["name"]
        for unknown in ({"name": "no-existe"}, {"id": {"name": "no-existe"}}):
            changed = call_action("package_patch", id=dataset, groups=[{"name": group}, unknown])
            assert [each["name"] for each in changed["groups"]] == [group]
            assert ["no-existe" in notice for notice in changed[KEY]] == [True]


class TestUnknownFields:
    def test_unknown_fields_are_named_in_the_answer_and_not_stored(self) -> None:
        dataset = factories.MarathonDataset(titulo="x", harvest_source="y", vacio="")
        (notice,) = dataset[KEY]
        assert "“titulo”" in notice
        assert "“harvest_source”" in notice
        assert "vacio" not in notice
        shown = call_action("package_show", id=dataset["id"])
        assert "titulo" not in shown
        assert KEY not in json.dumps(shown)
        found = call_action("package_search", fq=f"id:{dataset['id']}")
        assert KEY not in json.dumps(found)

    def test_an_answer_sent_back_gets_no_notice(self) -> None:
        organization = factories.Municipality()
        for made in (
            factories.MarathonDataset(resources=[{"url": LINK}], tags=[{"name": "agua"}]),
            factories.Workshop(participants=3, resources=[{"url": LINK}]),
            factories.Idea(data_need=[{"what": "Pozos"}]),
            factories.Commitment(milestone=[{"title": "Una"}]),
        ):
            shown = call_action("package_show", id=made["id"])
            assert KEY not in call_action("package_update", **{**shown, "notes": "Otra"})
            assert KEY not in call_action("package_patch", id=made["id"], notes="Más")
            # A copy of one, as a harvester makes it.
            left_out = ("id", "name", "code", "resources", "data_need")
            copied = {name: value for name, value in shown.items() if name not in left_out}
            call_action("package_create", **copied, name=f"{made['name']}-2")
        shown = call_action("organization_show", id=organization["id"])
        assert KEY not in call_action("organization_update", **{**shown, "description": "Otra"})

    def test_unknown_fields_of_an_organisation_are_named_too(self) -> None:
        organization = call_action("organization_patch", id=factories.Municipality()["id"], rol="x")
        assert ["“rol”" in notice for notice in organization[KEY]] == [True]

    def test_unknown_fields_of_a_file_are_stored_as_in_ckan(self) -> None:
        dataset = factories.MarathonDataset()["id"]
        added = call_action("resource_create", package_id=dataset, url=LINK, color="azul")
        assert (added["color"], KEY in added) == ("azul", False)

    def test_pages_show_no_notices_about_unknown_fields(self, app: Any) -> None:
        officer = core.UserWithToken()
        organization = factories.Municipality(
            users=[{"name": officer["name"], "capacity": "editor"}]
        )
        answer = app.post(
            "/en/workshop/new",
            headers={"Authorization": officer["token"]},
            data={
                "title": "Taller",
                "owner_org": organization["id"],
                "municipality": organization["municipality_code"],
                "participants": "1,000",
                "widget_of_a_plugin": "x",
            },
            follow_redirects=True,
        )
        assert "was read as 1000" in answer.body
        assert "widget_of_a_plugin" not in answer.body


class TestServerFields:
    def test_sent_values_of_server_fields_get_notices(self) -> None:
        history = [{"at": "2017-06-03T00:00:00Z", "status": "implemented", "reason": "x"}]
        idea = factories.Idea(history=history)
        assert ["“history”" in notice for notice in idea[KEY]] == [True]
        changed = call_action(
            "package_update",
            **{**call_action("package_show", id=idea["id"]), "metadata_created": "2017-06-03"},
        )
        assert ["“metadata_created”" in notice for notice in changed[KEY]] == [True]
        changed = call_action("package_patch", id=idea["id"], type="workshop")
        assert ["“type”" in notice for notice in changed[KEY]] == [True]

    def test_a_reason_without_a_change_of_status_gets_a_notice(self) -> None:
        idea = factories.Idea()
        kept = call_action("package_patch", id=idea["id"], status_reason="Porque sí")
        assert ["change of status" in notice for notice in kept[KEY]] == [True]
        moved = call_action(
            "package_patch", id=idea["id"], status="prioritised", status_reason="Más votada"
        )
        assert (moved["history"][-1]["reason"], KEY in moved) == ("Más votada", False)


class TestOwnActions:
    def test_quick_create_returns_notices_about_corrections(self) -> None:
        workshop = factories.Workshop(municipality=["0501", "0115"])["id"]
        idea = {"workshop": workshop, "title": "Una", "service_problem": "agu-1"}
        added = call_action(
            "marathon_idea_quick_create", **idea, municipality=["501"], data_needs=["Pozos"]
        )
        assert (added["municipality"], added["service_problem"]) == (["0501"], ["AGU-01"])
        for word in ("501", "agu-1", "“data_needs”"):
            assert [notice for notice in added[KEY] if word in notice], word
        for need in ({"que": "Pozos"}, [{"what": "Pozos"}]):
            assert refusal("marathon_idea_quick_create", **idea, data_need=need)["data_need"]

    def test_status_update_returns_notices_about_unknown_fields(self) -> None:
        idea = factories.Idea()["id"]
        moved = call_action(
            "marathon_idea_status_update", id=idea, status="prioritised", motivo="x"
        )
        assert ["“motivo”" in notice for notice in moved[KEY]] == [True]


class TestLanguages:
    """The EU's table has the Mayan languages as a group, and Garifuna and Xinka not at all."""

    MAYAN = "http://publications.europa.eu/resource/authority/language/MYN"
    SPANISH = "http://publications.europa.eu/resource/authority/language/SPA"

    def test_a_language_without_an_iri_is_stored_as_text(self) -> None:
        made = factories.MarathonDataset(
            language=["kek", "es", "Mam", "cab"], resources=[{"url": LINK, "language": "cak"}]
        )
        assert made["language"] == [self.MAYAN, self.SPANISH]
        assert made["extras"] == [{"key": "language_text", "value": '["kek", "Mam", "cab"]'}]
        assert made["resources"][0]["language"] == [self.MAYAN]
        assert made["resources"][0]["language_text"] == "cak"
        for word in ("“kek”", "“cab”", "“cak”", "file 1, “language”"):
            assert [notice for notice in made[KEY] if word in notice], word
        shown = call_action("package_show", id=made["id"])
        again = call_action("package_update", **{**shown, "notes": "Otra"})
        assert (again["extras"], KEY in again) == (made["extras"], False)

    def test_a_language_of_the_eu_table_gets_no_notice(self) -> None:
        made = factories.MarathonDataset(language="es, MYN, en")
        assert (len(made["language"]), made.get("extras"), KEY in made) == (3, None, False)
        assert refusal("package_patch", id=made["id"], language=["klingon"])["language"]


class TestFiles:
    def test_a_file_sent_with_a_record_is_refused_with_how_to_send_it(self, app: Any) -> None:
        dataset = factories.MarathonDataset()
        for action, data in (
            ("package_create", {"title": "x"}),
            ("package_update", {"id": dataset["id"], "title": "x"}),
            ("package_patch", {"id": dataset["id"]}),
        ):
            file = (io.BytesIO(b"a,b\n"), "a.csv")
            answer = post(app, action, {**data, "upload": file}, status=409)
            assert "resource_create" in answer["error"]["upload"][0], action
        assert call_action("package_show", id=dataset["id"])["resources"] == []

    def test_a_file_under_another_field_name_is_refused(self, app: Any) -> None:
        dataset = factories.MarathonDataset()["id"]
        data = {"package_id": dataset, "file": (io.BytesIO(b"a,b\n"), "a.csv")}
        assert "“upload”" in post(app, "resource_create", data, 409)["error"]["file"][0]
        organization = factories.Municipality()["id"]
        data = {"id": organization, "logo": (io.BytesIO(b"x"), "a.png")}
        assert "“image_upload”" in post(app, "organization_patch", data, 409)["error"]["logo"][0]

    def test_two_files_under_one_field_name_are_refused(self, app: Any) -> None:
        files = [(io.BytesIO(b"a\n"), "a.csv"), (io.BytesIO(b"b\n"), "b.csv")]
        data = {"package_id": factories.MarathonDataset()["id"], "upload": files}
        assert post(app, "resource_create", data, 409)["error"]["upload"]

    def test_a_text_in_a_file_field_is_refused(self) -> None:
        dataset = factories.MarathonDataset()["id"]
        errors = refusal("resource_create", package_id=dataset, url=LINK, upload="a.csv")
        assert "multipart" in errors["upload"][0]

    def test_a_site_without_a_storage_path_refuses_uploads(self, app: Any) -> None:
        dataset = factories.MarathonDataset()["id"]
        data = {"package_id": dataset, "upload": (io.BytesIO(b"a,b\n"), "a.csv")}
        assert "storage_path" in post(app, "resource_create", data, 409)["error"]["upload"][0]

    def test_a_file_sent_as_upload_is_stored(self, app: Any, storage: Any) -> None:
        dataset = factories.MarathonDataset()["id"]
        data = {"package_id": dataset, "upload": (io.BytesIO(b"a,b\n"), "a.csv")}
        stored = post(app, "resource_create", data)["result"]
        assert (stored["url_type"], stored["size"], KEY in stored) == ("upload", 4, False)
