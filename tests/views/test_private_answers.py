"""Answers to logged-in people are not stored by shared caches."""

from __future__ import annotations

from typing import Any

import pytest

from tests import factories

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")


def kept_for(answer: Any) -> set[str]:
    return {"public", "private"} & set(answer.headers["Cache-Control"].replace(",", " ").split())


def test_private_records_are_in_no_shared_cache(reader: Any) -> None:
    dataset = factories.MarathonDataset(private=True)
    idea = factories.Idea(private=True)
    editor = reader(factories.officer(dataset["owner_org"]))
    other = reader(factories.officer(idea["owner_org"]))
    asked = (
        (editor, f"/dataset/{dataset['id']}.ttl", 200),
        (editor, f"/dataset/{dataset['id']}", 302),
        (editor, f"/api/3/action/package_show?id={dataset['id']}", 200),
        (editor, f"/organization/{dataset['owner_org']}/changes.csv", 200),
        (editor, "/agenda/invitations.csv", 200),
        (other, f"/marathon/form/ideas?municipality={idea['municipality'][0]}", 200),
        (other, f"/dataset/{idea['id']}", 301),
        (other, "/catalog.ttl", 200),
        (other, "/api/3/action/package_show", 409),
    )
    for person, path, status in asked:
        answer = person.get(path)
        assert answer.status_code == status, path
        assert kept_for(answer) == {"private"}, path
        # A browser asks again, too.
        assert "no-cache" in answer.headers["Cache-Control"], path


def test_redirects_to_the_login_are_not_cached(visitor: Reader) -> None:
    for path in ("/marathon/changes.csv", "/agenda/invitations.csv"):
        answer = visitor.get(path)
        assert answer.status_code == 302
        assert kept_for(answer) == {"private"}, path


def test_public_answers_may_be_cached(visitor: Reader) -> None:
    dataset = factories.MarathonDataset()
    for path in ("/catalog.ttl", f"/dataset/{dataset['id']}.ttl", "/marathon/form/ideas"):
        assert kept_for(visitor.get(path)) == {"public"}, path
