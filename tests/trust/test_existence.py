"""Answers about hidden records are equal to those about unknown ones."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage

from tests import factories

UNKNOWN = "00000000-0000-4000-8000-000000000000"
PLUGINS = "marathon scheming_datasets scheming_organizations dcat"
# Actions that take the id of a record, and under which name.
OF_RECORDS = {
    "package_show": "id",
    "package_patch": "id",
    "package_update": "id",
    "package_delete": "id",
    "package_resource_reorder": "id",
    "package_relationships_list": "id",
    "package_owner_org_update": "id",
    "resource_create": "package_id",
    "dataset_purge": "id",
    "dataset_follower_count": "id",
    "dataset_follower_list": "id",
    "follow_dataset": "id",
    "am_following_dataset": "id",
    "marathon_idea_status_update": "id",
    "marathon_idea_datasets": "id",
    "marathon_workshop_ideas": "id",
    "marathon_takedown": "id",
}
OF_RESOURCES = (
    "resource_show",
    "resource_patch",
    "resource_update",
    "resource_delete",
    "resource_view_list",
)
MORE = {"order": [], "organization_id": "x", "reason": "x", "status": "prioritised", "url": "x"}


def ask(app: Any, action: str, token: str, data: dict[str, Any]) -> tuple[int, str]:
    """Return status and body of an answer of the API, without the id that was asked for."""
    headers = {"Authorization": token} if token else {}
    answer = app.post(f"/api/3/action/{action}", json=data, headers=headers)
    body = json.loads(answer.get_data(as_text=True))
    return answer.status_code, json.dumps(body)


def differences(app: Any, token: str, hidden: str, file: str) -> Iterator[str]:
    for action, name in OF_RECORDS.items():
        answers = [ask(app, action, token, {**MORE, name: each}) for each in (hidden, UNKNOWN)]
        cleaned = [
            (status, body.replace(each, "…"))
            for (status, body), each in zip(answers, (hidden, UNKNOWN), strict=True)
        ]
        if cleaned[0] != cleaned[1]:
            yield f"{action}: {cleaned[0]} for {cleaned[1]}"
    for action in OF_RESOURCES:
        answers = [ask(app, action, token, {**MORE, "id": each}) for each in (file, UNKNOWN)]
        cleaned = [
            (status, body.replace(each, "…"))
            for (status, body), each in zip(answers, (file, UNKNOWN), strict=True)
        ]
        if cleaned[0] != cleaned[1]:
            yield f"{action}: {cleaned[0]} for {cleaned[1]}"


def token_of(person: dict[str, Any]) -> str:
    return call_action(
        "api_token_create",
        context={"user": person["name"], "ignore_auth": True},
        user=person["name"],
        name="tests",
    )["token"]


def linking(owner: str, workshop: str) -> dict[str, dict[str, Any]]:
    """Return records of one's own that link to ``<hidden>``, by the field that does."""
    idea = {"type": "idea", "title": "x", "service_problem": ["AGU-01"], "owner_org": owner}
    dataset = {"title": "x", "notes": "x", "owner_org": owner}
    return {
        "idea": {**dataset, "name": "uno", "idea": ["<hidden>"]},
        "workshop": {**idea, "name": "dos", "workshop": "<hidden>"},
        "data_need": {**dataset, "name": "tres", "idea": [], "data_need": ["<hidden>"]},
        "owner_org of an idea": {**idea, "name": "cuatro", "workshop": workshop, "id": "<hidden>"},
    }


@pytest.mark.usefixtures("marathon_site")
def test_links_to_hidden_and_unknown_records_get_the_same_answer(app: Any) -> None:
    owner, other = factories.Municipality()["id"], factories.CivilSociety()["id"]
    public = factories.Workshop(owner_org=owner)["id"]
    need = [{"what": "Pozos"}]
    hidden = {
        "private idea": factories.Idea(
            owner_org=owner, workshop=public, private=True, data_need=need, name="idea-privada"
        ),
        "draft idea": factories.Idea(owner_org=owner, workshop=public, state="draft"),
        "deleted idea": factories.Idea(owner_org=owner, workshop=public),
        "private workshop": factories.Workshop(owner_org=owner, private=True),
        "draft workshop": factories.Workshop(owner_org=owner, state="draft"),
    }
    call_action("package_delete", id=hidden["deleted idea"]["id"])
    references = {
        **{f"id of {name}": record["id"] for name, record in hidden.items()},
        **{f"name of {name}": record["name"] for name, record in hidden.items()},
        "need of private idea": hidden["private idea"]["data_need"][0]["id"],
    }
    person = factories.officer(other)
    token = token_of(person)
    idea = factories.Idea(owner_org=owner, workshop=public)["id"]
    own = factories.MarathonDataset(owner_org=other, idea=[idea])
    faults = []
    for field, data in linking(other, public).items():
        asked = {**references, "nothing": UNKNOWN, "no name": "no-such-name"}
        answers = {
            name: refer(app, "package_create", token, data, reference)
            for name, reference in asked.items()
        }
        if "idea" in data:
            changed = {
                "id": own["id"],
                "idea": data["idea"],
                "data_need": data.get("data_need", []),
            }
            answers |= {
                f"patched: {name}": refer(app, "package_patch", token, changed, reference)
                for name, reference in asked.items()
            }
        for name, answer in answers.items():
            of = "no name" if "name of" in name or name.endswith("no name") else "nothing"
            unknown = answers[f"patched: {of}" if name.startswith("patched") else of]
            if answer != unknown:
                faults.append(f"{field}, {name}: {answer} for {unknown}")
    assert not faults, "\n".join(faults)


def refer(
    app: Any, action: str, token: str, data: dict[str, Any], reference: str
) -> tuple[int, str]:
    sent = json.loads(json.dumps(data).replace("<hidden>", reference))
    status, body = ask(app, action, token, sent)
    assert status != 200, (action, sent)
    return status, body.replace(reference, "…")


@pytest.mark.usefixtures("marathon_site")
def test_public_records_do_not_name_related_hidden_ones(app: Any) -> None:
    public = factories.MarathonDataset()
    owner, idea = public["owner_org"], public["idea"]
    hidden = factories.MarathonDataset(owner_org=owner, idea=idea, name="secreto", private=True)
    later = factories.MarathonDataset(owner_org=owner, idea=idea, name="despues-oculto")
    site = {"user": call_action("get_site_user")["name"]}
    for other in (hidden, later):
        for pair in ((public, other), (other, public)):
            subject, object_ = (each["id"] for each in pair)
            data = {"subject": subject, "object": object_, "type": "depends_on"}
            call_action("package_relationship_create", context=dict(site), **data)
    member = token_of(factories.officer(owner, "member"))
    id_ = {"id": public["id"]}
    assert hidden["name"] in ask(app, "package_relationships_list", member, id_)[1]
    call_action("package_patch", context=dict(site), id=public["id"], notes="Otras")
    call_action("package_patch", context=dict(site), id=later["id"], private=True)
    asked = (
        ("package_relationships_list", id_),
        ("package_show", id_),
        ("package_search", {"fq": f"id:{public['id']}"}),
        ("package_search", {"fq": f"id:{public['id']}", "fl": "*"}),
    )
    for action, data in asked:
        status, body = ask(app, action, "", data)
        assert status == 200, body
        for record in (hidden, later):
            assert record["id"] not in body, action
            assert record["name"] not in body, action
    for record in (hidden, later):
        found = ask(app, "package_search", "", {"fq": f"depends_on:{record['name']}"})[1]
        assert json.loads(found)["result"]["count"] == 0


@pytest.mark.usefixtures("marathon_site", "storage")
def test_a_deleted_file_of_a_public_dataset_gets_410(app: Any) -> None:
    dataset = factories.MarathonDataset()["id"]
    upload = FileStorage(io.BytesIO(b"a,b"), "secreto.csv")
    file = call_action("resource_create", package_id=dataset, name="Secreto", upload=upload)["id"]
    download = f"/dataset/{dataset}/resource/{{}}/download/secreto.csv"
    assert app.get(download.format(file)).status_code == 200
    call_action("resource_delete", id=file)
    for path in ("", "/download", "/download/secreto.csv"):
        # It was public, so the answer tells programs with a copy to delete it.
        answer = app.get(f"/dataset/{dataset}/resource/{file}{path}", follow_redirects=False)
        assert answer.status_code == 410, path
        assert "Secreto" not in answer.body, path
    for path in ("/views", "/view", "/edit", "/proxy"):
        answers = [
            app.get(f"/dataset/{dataset}/resource/{reference}{path}", follow_redirects=False)
            for reference in (file, UNKNOWN)
        ]
        bodies = [
            re.sub(
                r'(_csrf_token" (content|value)=)"[^"]*"',
                r"\1",
                answer.body.replace(reference, "…"),
            )
            for answer, reference in zip(answers, (file, UNKNOWN), strict=True)
        ]
        assert answers[0].status_code == answers[1].status_code != 200, path
        assert bodies[0] == bodies[1], path
    asked = [(action, {**MORE, "id": "<hidden>"}) for action in OF_RESOURCES]
    asked.append(
        ("resource_view_create", {"resource_id": "<hidden>", "title": "x", "view_type": "x"})
    )
    for action, data in asked:
        answers = [refer(app, action, "", data, reference) for reference in (file, UNKNOWN)]
        assert answers[0] == answers[1], action


@pytest.mark.usefixtures("marathon_site")
def test_a_follower_can_unfollow_a_record_hidden_since(app: Any) -> None:
    idea = factories.Idea()["id"]
    follower, other = core.User(), core.User()
    tokens = {name: token_of(person) for name, person in (("f", follower), ("o", other))}
    assert ask(app, "follow_dataset", tokens["f"], {"id": idea})[0] == 200
    call_action("package_patch", id=idea, private=True)
    answers = {
        name: [ask(app, "unfollow_dataset", token, {"id": each}) for each in (idea, UNKNOWN)]
        for name, token in reversed(tokens.items())
    }
    assert answers["o"][0] == answers["o"][1]
    assert answers["f"][0][0] == 200
    assert model.UserFollowingDataset.follower_count(idea) == 0


@pytest.mark.ckan_config("ckan.plugins", f"{PLUGINS} text_view")
@pytest.mark.usefixtures("marathon_site")
def test_a_view_cannot_be_moved_to_another_file(app: Any) -> None:
    dataset = factories.MarathonDataset()
    files = [core.Resource(package_id=dataset["id"])["id"] for _ in range(2)]
    view = model.ResourceView(resource_id=files[0], title="x", view_type="text_view", order=0)
    model.Session.add(view)
    model.repo.commit()
    token = token_of(factories.officer(dataset["owner_org"]))
    for more in ({}, {"resource_id": files[1]}):
        data = {"id": view.id, "title": "Otra", "view_type": "text_view", **more}
        status, body = ask(app, "resource_view_update", token, data)
        assert status == 200, body
        assert json.loads(body)["result"]["resource_id"] == files[0]


# Pages around a record of a type and its file; CKAN says 403 and 404, or breaks.
PAGES = (
    "/{type}/resources/{id}",
    "/{type}/delete/{id}",
    "/{type}/followers/{id}",
    "/{type}/groups/{id}",
    "/{type}/collaborators/{id}",
    "/{type}/{id}/resource/new",
    "/{type}/{id}/resource/{file}/edit",
    "/{type}/{id}/resource/{file}/delete",
    "/{type}/{id}/resource/{file}/download",
    "/{type}/{id}/resource/{file}/download/a.csv",
    "/{type}/{id}/resource/{file}/view",
    "/{type}/{id}/resource/{file}/views",
    "/{type}/{public}/resource/{file}/download",
)


def page_of(app: Any, token: str, page: str, **ids: str) -> tuple[int, str]:
    """Return status and text of a page, without the ids that its address has."""
    headers = {"Authorization": token} if token else {}
    answer = app.get(page.format(**ids), headers=headers, follow_redirects=False)
    text = BeautifulSoup(answer.get_data(as_text=True), "lxml").get_text(" ", strip=True)
    for each in ids.values():
        text = text.replace(each, "…")
    return answer.status_code, text


@pytest.mark.ckan_config("ckan.auth.allow_dataset_collaborators", "true")
@pytest.mark.usefixtures("marathon_site")
def test_pages_about_hidden_and_unknown_records_are_equal(app: Any) -> None:
    owner = factories.Municipality()["id"]
    public = factories.MarathonDataset()["name"]
    hidden = (
        factories.Idea(owner_org=owner, private=True, name="idea-oculta"),
        factories.Idea(owner_org=owner, state="draft", name="idea-borrador"),
        factories.MarathonDataset(private=True, name="datos-ocultos"),
    )
    outsider = token_of(factories.officer(factories.CivilSociety()["id"], "admin"))
    found = []
    for record in hidden:
        file = core.Resource(package_id=record["id"])["id"]
        asked = {"type": record["type"], "public": public}
        for page in PAGES:
            for token in ("", outsider):
                theirs = page_of(app, token, page, id=record["name"], file=file, **asked)
                none = page_of(app, token, page, id="no-such", file=UNKNOWN, **asked)
                if theirs != none or none[0] != 404:
                    found.append(f"{page}, {record['name']}: {theirs} for {none}")
    assert not found, "\n".join(found)
    # People who may see it get the page, or the reason why it is refused.
    member = token_of(factories.officer(owner, "member"))
    ids = {"type": "idea", "id": "idea-oculta"}
    assert page_of(app, member, "/{type}/followers/{id}", **ids)[0] == 403
    editor = token_of(factories.officer(owner, "editor"))
    assert page_of(app, editor, "/{type}/resources/{id}", **ids)[0] == 200


@pytest.mark.usefixtures("marathon_site")
def test_relationships_with_hidden_and_unknown_records_get_the_same_answer(app: Any) -> None:
    hidden = factories.MarathonDataset(private=True, name="datos-ocultos")["name"]
    owner = factories.CivilSociety()["id"]
    theirs = factories.MarathonDataset(owner_org=owner)["name"]
    token = token_of(factories.officer(owner, "editor"))
    for action in ("create", "update", "delete"):
        answers = []
        for name in (hidden, "no-such"):
            pair = {"subject": theirs, "object": name, "type": "depends_on"}
            status, body = ask(app, f"package_relationship_{action}", token, pair)
            answers.append((status, body.replace(name, "…")))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


@pytest.mark.usefixtures("marathon_site")
def test_feeds_of_deleted_and_unknown_organisations_are_equal(app: Any) -> None:
    owner = factories.Municipality(name="municipio-borrado")
    assert app.get(f"/feeds/organization/{owner['name']}.atom").status_code == 200
    call_action("organization_delete", context={"ignore_auth": True, "user": ""}, id=owner["id"])
    answers = [
        page_of(app, "", "/feeds/organization/{id}.atom", id=each)
        for each in (owner["name"], "no-such")
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


@pytest.mark.usefixtures("marathon_site")
def test_no_answer_reveals_that_a_hidden_record_exists(app: Any) -> None:
    owner = factories.Municipality()["id"]
    records = {
        "idea": factories.Idea(owner_org=owner, private=True)["id"],
        "draft": factories.Idea(owner_org=owner, state="draft")["id"],
        "dataset": factories.MarathonDataset(private=True)["id"],
        "deleted": factories.MarathonDataset()["id"],
    }
    files = {name: core.Resource(package_id=found)["id"] for name, found in records.items()}
    call_action("package_delete", id=records["deleted"])
    outsider = factories.officer(factories.CivilSociety()["id"], "admin")
    found = [
        f"{who}, {name}: {difference}"
        for who, token in (("anonymous", ""), ("another's admin", token_of(outsider)))
        for name, record in records.items()
        for difference in differences(app, token, record, files[name])
    ]
    assert not found, "\n".join(found)
    # People who may see it get the reason why it is refused.
    member = token_of(factories.officer(owner, "member"))
    assert ask(app, "package_show", member, {"id": records["idea"]})[0] == 200
    assert ask(app, "package_delete", member, {"id": records["idea"]})[0] == 403
