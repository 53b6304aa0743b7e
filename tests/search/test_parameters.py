"""Odd search parameters give a result or an error, never 500."""

from __future__ import annotations

from typing import Any

import pytest

PARAMETERS = (
    *("q", "fq", "fq_list", "sort", "rows", "start", "facet", "facet.field", "facet.limit"),
    *("facet.mincount", "include_private", "include_drafts", "include_deleted", "extras"),
    *("use_default_schema", "defType", "bf", "qf", "fl"),
)
VALUES: tuple[Any, ...] = (
    *(5, 1.5, True, None, "", "x" * 10, '"', "\x00", "{!lucene}", {"a": 1}),
    *([], [5], [None], [{"a": 1}], ["a", {"b": 1}], [["a"]]),
)


@pytest.mark.usefixtures("marathon_site")
def test_no_parameter_breaks_the_server(app: Any) -> None:
    broken = []
    for name in PARAMETERS:
        for value in VALUES:
            answer = app.post("/api/3/action/package_search", json={name: value})
            if answer.status_code >= 500:
                broken.append((name, value))
    assert not broken
    answer = app.post("/api/3/action/package_search", json={"fq_list": 5})
    assert answer.status_code == 409
    assert "fq_list" in answer.json["error"]
