"""No content of private, draft or deleted records reaches people who may not see it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.types import Context

from tests.trust.secrets import CODE, KINDS, Secrets, build, word

OUTSIDERS = ("anonymous", "registered", "editor of another")
FORMS = ("ttl", "rdf", "jsonld", "nt")
PARTS = ("", f"municipality/{CODE}/", "department/05/", "service-problem/AGU-01/")

# They say by its id that something public is gone.
STREAMS = ("/changes", "changes.atom", "news.atom")

FACETS = (
    '["tags","organization","groups","res_format","license_id","vocab_idea","vocab_workshop",'
    '"vocab_community","vocab_data_needs","vocab_idea_status","name","title","author"]'
)


def addresses(world: Secrets) -> Iterator[str]:
    """Yield every public address of the site and of its parts."""
    organization = model.Group.get(world.municipality)
    assert organization
    parts = [*PARTS, f"organization/{organization.id}/"]
    parts += [f"{kind}/{world.records[kind, 'public']}/" for kind in ("workshop", "idea")]
    for part in parts:
        yield from (f"/{part}catalog.{form}" for form in FORMS)
        yield from (f"/{part}catalog/all.{form}" for form in FORMS)
        yield from (f"/{part}{name}" for name in ("data.json", "catalog.csv", "catalog.xlsx"))
        yield f"/{part}catalog/changes"
        yield f"/{part}catalog/changes.atom"
    for kind in KINDS:
        yield f"/{kind}/"
        yield f"/{kind}/?q=zq"
        yield f"/{kind}/{world.records[kind, 'public']}"
    yield f"/idea/{world.records['idea', 'of a private workshop']}"
    for kind in ("dataset", "workshop", "idea"):
        yield from (f"/{kind}/{world.records[kind, 'public']}.{form}" for form in FORMS[:3])
    yield from (f"/{part}report" for part in ("marathon/", f"municipality/{CODE}/"))
    yield from (f"/{part}report.xlsx" for part in ("marathon/", f"municipality/{CODE}/"))
    yield from (
        f"/marathon/data/{table}.{form}"
        for table in ("workshops", "ideas", "data_needs", "links")
        for form in ("csv", "json")
    )
    yield from (
        "/",
        "/marathon",
        "/marathon/municipalities.csv",
        "/marathon/map.json",
        "/marathon/data",
        "/marathon/search",
        "/marathon/search?q=zq",
        "/marathon/search?q=Registro",
        "/marathon/commitment",
        "/marathon/commitment.csv",
        "/marathon/news.atom",
        "/marathon/form/ideas?municipality=0501",
        "/agenda",
        "/agenda.ics",
        f"/municipality/{CODE}",
        f"/municipality/{CODE}/agenda",
        f"/municipality/{CODE}/news.atom",
        "/department/05",
        "/department/05/figures.csv",
        "/service-problem",
        "/service-problem/AGU-01",
        "/service-problem/AGU-01/figures.csv",
        "/catalog",
        "/organization/",
        f"/organization/{organization.name}",
        f"/organization/{organization.name}?q=zq",
        "/feeds/dataset.atom",
        f"/feeds/organization/{organization.name}.atom",
        "/feeds/custom.atom?q=zq",
        f"/feeds/tag/tag-{word('dataset', 'private')}.atom",
    )


def calls(world: Secrets) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield calls of actions for lists, suggestions, counts and records."""
    everything = {"include_private": True, "include_drafts": True, "include_deleted": True}
    types = "dataset_type:(dataset OR idea OR workshop OR commitment)"
    for query in ("*:*", "Registro", "zq*", "title:Registro"):
        yield "package_search", {"q": query, "fq": types, "rows": 100, **everything}
    yield "package_search", {"fq": f"{types} +state:*", "facet.field": FACETS, "rows": 0}
    for state in ("draft", "deleted"):
        yield "package_search", {"fq": f"{types} +state:{state}", "rows": 100}
    yield "package_search", {"fq": types, "fl": "*", "rows": 100, **everything}
    yield "package_search", {"fq": f"owner_org:{world.municipality}", "use_default_schema": True}
    organization = {"id": world.municipality}
    user = world.people["editor"]
    for action, data in (
        ("package_list", {}),
        ("current_package_list_with_resources", {"limit": 100}),
        ("package_autocomplete", {"q": "zq"}),
        ("package_autocomplete", {"q": "Registro"}),
        ("format_autocomplete", {"q": "Fzq"}),
        ("tag_list", {"query": "zq"}),
        ("tag_list", {"all_fields": True}),
        ("tag_search", {"query": "zq"}),
        ("tag_autocomplete", {"query": "zq"}),
        ("member_list", {**organization, "object_type": "package"}),
        ("resource_search", {"query": "name:zq"}),
        ("organization_show", {**organization, "include_datasets": True, "include_extras": True}),
        ("organization_list", {"all_fields": True, "include_dataset_count": True}),
        ("organization_list_for_user", {}),
        ("group_package_show", organization),
        ("user_show", {"id": user, "include_datasets": True, "include_num_followers": True}),
        ("package_relationships_list", {"id": world.records["dataset", "public"]}),
        ("marathon_idea_choices", {}),
        ("marathon_idea_choices", {"q": "zq", "include": list(world.hidden())}),
        ("marathon_data_need_list", {}),
        ("marathon_idea_datasets", {"id": world.records["idea", "public"]}),
        ("marathon_workshop_ideas", {"id": world.records["workshop", "public"]}),
        ("marathon_invitation_list", {}),
        ("marathon_idea_status_list", {"id": world.records["idea", "public"]}),
    ):
        yield action, dict(data)
    for kind in KINDS:
        yield "package_show", {"id": world.records[kind, "public"]}
        yield "package_show", {"id": world.records[kind, "public"], "use_default_schema": True}


def text_of(answer: Any) -> str:
    """Return the text of an answer; of a workbook, the text of its parts."""
    if answer.data[:2] == b"PK":
        book = zipfile.ZipFile(io.BytesIO(answer.data))
        return "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    return answer.get_data(as_text=True)


def found_in(text: str, world: Secrets, is_stream: bool = False) -> set[str]:
    """Return the words and ids of hidden records in a text.

    A stream of changes names records that are no longer public by their ids alone.
    """
    seen = set(re.findall(r"zq[a-z]+qz", text.casefold()))
    hidden = world.hidden()
    gone = {world.records[kind, "deleted"] for kind in KINDS} if is_stream else set()
    ids = {identifier for identifier in hidden if identifier in text and identifier not in gone}
    return (seen & set(hidden.values())) | {hidden[identifier] for identifier in ids}


def ask(action: str, user: str, data: dict[str, Any]) -> str:
    """Return the answer of an action to a person, errors included."""
    context = Context(user=user, auth_user_obj=model.User.get(user) if user else None)
    try:
        return repr(tk.get_action(action)(context, data))
    except (tk.ValidationError, tk.NotAuthorized, tk.ObjectNotFound) as error:
        model.Session.rollback()
        return repr(error)


def leaks_of_pages(app: Any, world: Secrets, user: str) -> Iterator[tuple[str, set[str]]]:
    environ = {"REMOTE_USER": user} if user else {}
    for address in addresses(world):
        answer = app.get(address, extra_environ=environ)
        assert answer.status_code < 500, (address, answer.text[:500])
        if "?q=zq" in address or "/tag/" in address:
            # The question itself is repeated on the page.
            continue
        seen = found_in(text_of(answer), world, address.endswith(STREAMS))
        if seen:
            yield address, seen


def leaks_of_calls(world: Secrets, user: str) -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    for action, data in calls(world):
        seen = found_in(ask(action, user, dict(data)), world)
        if seen:
            yield action, data, seen


@pytest.mark.usefixtures("marathon_site", "with_request_context")
def test_no_page_feed_list_or_export_reveals_a_secret_to_outsiders(app: Any) -> None:
    world = build()
    # An empty list would prove nothing, so the public records must be there.
    assert world.records["idea", "public"] in ask("marathon_idea_choices", "", {})
    assert word("dataset", "public") in app.get("/catalog.ttl").text
    leaks: list[Any] = []
    for who in OUTSIDERS:
        user = world.people[who]
        leaks += [(who, *leak) for leak in leaks_of_calls(world, user)]
        leaks += [(who, *leak) for leak in leaks_of_pages(app, world, user)]
        if who == "anonymous":
            leaks += [(who, *leak) for leak in differences(app, world)]
    assert not leaks, "\n".join(map(str, leaks))


def differences(app: Any, world: Secrets) -> Iterator[tuple[str, str]]:
    """Yield where a record that was never public answers otherwise than one that is not there."""
    for kind in KINDS:
        unknown = "00000000-0000-4000-8000-000000000000"
        for state in ("private", "draft"):
            hidden = world.records[kind, state]
            for path in addresses_of(kind):
                answers = [
                    app.get(path.format(reference), follow_redirects=False)
                    for reference in (hidden, unknown)
                ]
                told = [
                    (each.status_code, each.get_data(as_text=True).replace(reference, "…"))
                    for each, reference in zip(answers, (hidden, unknown), strict=True)
                ]
                if told[0] != told[1]:
                    yield path, f"{state}: {told[0][0]} for {told[1][0]}"
            for action in ("package_show", "marathon_takedown", "package_patch"):
                said = [
                    ask(action, "", {"id": each}).replace(each, "…") for each in (hidden, unknown)
                ]
                if said[0] != said[1] and action not in TELLING:
                    yield action, f"{state}: {said[0]} for {said[1]}"


# CKAN's own answers of its API tell a private record from one that is not there.
TELLING = ("package_show", "package_patch")


def addresses_of(kind: str) -> Iterator[str]:
    yield f"/{kind}/{{}}"
    if kind != "commitment":
        yield from (f"/{kind}/{{}}.{form}" for form in FORMS[:3])
    if kind in ("workshop", "idea"):
        for name in ("catalog.ttl", "catalog/all.nt", "catalog/changes", "data.json"):
            yield f"/{kind}/{{}}/{name}"
