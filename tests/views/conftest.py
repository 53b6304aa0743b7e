"""Pages as somebody sees them: a test client that is logged in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from ckan.tests import factories

from tests.factories import CoordinatingBody, Municipality, officer
from tests.remembered import remembered

from .multipart import encode_form


class Reader:
    """A visitor of the test site; ``None`` is anonymous."""

    def __init__(self, app: Any, user: dict[str, Any] | None, token: str = "") -> None:
        self._app = app
        self.name = user["name"] if user else ""
        self._headers: dict[str, str] = {}
        if user:
            self._headers["Authorization"] = token or token_of(user)

    def get(self, path: str, **headers: str) -> Any:
        """GET a path without following redirects; ``Accept`` and the like by keyword."""
        return self._app.get(path, headers={**self._headers, **headers}, follow_redirects=False)

    def post(self, path: str, data: dict[str, Any], **headers: str) -> Any:
        """POST a form, as browsers do for one that can hold files."""
        body, content_type = encode_form(data)
        return self._app.post(
            path,
            data=body,
            headers={**self._headers, **headers},
            content_type=content_type,
            follow_redirects=False,
        )

    def post_json(self, path: str, data: dict[str, Any]) -> Any:
        """POST to the API."""
        headers = {**self._headers, "Content-Type": "application/json"}
        return self._app.post(path, data=json.dumps(data), headers=headers)

    def page(self, path: str) -> BeautifulSoup:
        """GET a page that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return BeautifulSoup(answer.text, "lxml")


def token_of(user: dict[str, Any]) -> str:
    return factories.APIToken(user=user["id"])["token"]


@remembered
def add_officer(organization: dict[str, Any], capacity: str = "editor") -> dict[str, Any]:
    """Return a new officer of an organisation, with a token."""
    person = officer(organization["id"], capacity)
    return {"user": person, "token": token_of(person)}


@pytest.fixture
def reader(app: Any) -> Callable[[dict[str, Any] | None], Reader]:
    """Make readers."""
    return lambda user: Reader(app, user)


@pytest.fixture
def visitor(app: Any) -> Reader:
    """An anonymous visitor."""
    return Reader(app, None)


@pytest.fixture
@remembered
def villa_nueva(marathon_site: None) -> dict[str, Any]:
    """The municipality the tests publish for."""
    return Municipality(name="villa-nueva", title="Villa Nueva", municipality_code="0115")


@pytest.fixture
def editor(app: Any, villa_nueva: dict[str, Any]) -> Reader:
    """An officer of Villa Nueva."""
    return Reader(app, **add_officer(villa_nueva))


@pytest.fixture
@remembered
def infom(marathon_site: None) -> dict[str, Any]:
    """The coordinating body."""
    return CoordinatingBody(name="infom", title="INFOM")


@pytest.fixture
def coordinator(infom: dict[str, Any], app: Any) -> Reader:
    """An admin of the coordinating body."""
    return Reader(app, **add_officer(infom, "admin"))
