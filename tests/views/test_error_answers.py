"""The table from exceptions to answers, and the functions for views that differ from it."""

from __future__ import annotations

import re
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.lib.navl.dictization_functions import DataError
from ckan.lib.search.common import SearchError, SearchQueryError, SolrConnectionError
from ckan.types import Context
from flask import Flask
from werkzeug.exceptions import Forbidden, HTTPException, NotFound

from ckanext.marathon.feeds.log_state import LogNotReady
from ckanext.marathon.views import errors
from ckanext.marathon.views.errors import ERROR_ANSWERS, find_error_answer

pytestmark = pytest.mark.usefixtures("marathon_site")

NOBODY = Context(user="", auth_user_obj=None)
TAGS = re.compile(r"<[^>]+>")


def call_action_that_raises(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """Let every action fail in the same way."""

    def fail(_context: Context, _data: dict[str, Any]) -> Any:
        raise fault

    monkeypatch.setattr(tk, "get_action", lambda _name: fail)
    monkeypatch.setattr(tk, "check_access", lambda _name, context, data: fail(context, data))


def test_each_exception_is_answered_as_the_table_says(app: Any) -> None:
    faults: list[tuple[Exception, int, str]] = [
        (tk.ObjectNotFound("x"), 404, "Esta página no existe"),
        (tk.NotAuthorized("x"), 403, "No está permitido"),
        (tk.ValidationError({"title": ["Falta"]}), 400, "No se entiende"),
        (DataError("x"), 400, "No se entiende"),
        (SearchQueryError("x"), 400, "No se entiende"),
        (SolrConnectionError("x"), 503, ""),
    ]
    flask_app: Flask = app.flask_app
    for fault, status, title in faults:
        with flask_app.test_request_context("/dataset/", environ_overrides={"CKAN_LANG": "es"}):
            flask_app.preprocess_request()
            answer = errors.answer_error(fault)
            assert answer.status_code == status, fault
            assert title in TAGS.sub("", answer.get_data(as_text=True)), fault
            wait = ERROR_ANSWERS[type(fault)].retry_after if type(fault) in ERROR_ANSWERS else 0
            assert answer.headers.get("Retry-After") == (str(wait) if wait else None), fault


def test_feeds_of_an_incomplete_log_get_503_in_plain_text(app: Any) -> None:
    with app.flask_app.test_request_context("/catalog.csv"):
        answer = errors.answer_error(LogNotReady())
    assert (answer.status_code, answer.mimetype) == (503, "text/plain")
    assert answer.headers["Retry-After"] == "120"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_subclass_gets_the_answer_of_its_base() -> None:
    assert find_error_answer(SearchQueryError("x")) is ERROR_ANSWERS[SearchError]
    assert find_error_answer(FileNotFoundError("x")) is ERROR_ANSWERS[FileNotFoundError]
    with pytest.raises(KeyError):
        find_error_answer(ZeroDivisionError())


class TestAborting:
    def test_explain_errors_keeps_the_status_and_replaces_the_sentence(self, app: Any) -> None:
        sentences: dict[type[Exception], str] = {
            tk.NotAuthorized: "No puede.",
            tk.ObjectNotFound: "No hay.",
        }
        with app.flask_app.test_request_context("/"):
            with pytest.raises(NotFound) as missing, errors.explain_errors(sentences):
                raise tk.ObjectNotFound
            with pytest.raises(Forbidden) as forbidden, errors.explain_errors(sentences):
                raise tk.NotAuthorized
        assert missing.value.description == "No hay."
        assert forbidden.value.description == "No puede."

    def test_explain_errors_passes_other_exceptions(self, app: Any) -> None:
        others: dict[type[Exception], str] = {tk.ObjectNotFound: "No hay."}
        with (
            app.flask_app.test_request_context("/"),
            pytest.raises(tk.NotAuthorized),
            errors.explain_errors(others),
        ):
            raise tk.NotAuthorized

    @pytest.mark.parametrize("fault", [tk.ObjectNotFound, tk.NotAuthorized])
    def test_hide_existence_answers_404(self, app: Any, fault: type[Exception]) -> None:
        with (
            app.flask_app.test_request_context("/"),
            pytest.raises(HTTPException) as stopped,
            errors.hide_existence("No hay."),
        ):
            raise fault
        assert (stopped.value.code, stopped.value.description) == (404, "No hay.")


class TestContinuing:
    @pytest.mark.parametrize("fault", [tk.ObjectNotFound(), tk.NotAuthorized()])
    def test_a_missing_or_hidden_record_gives_none_and_is_not_allowed(
        self, monkeypatch: pytest.MonkeyPatch, fault: Exception
    ) -> None:
        call_action_that_raises(monkeypatch, fault)
        assert errors.show_if_visible("package_show", NOBODY, {"id": "x"}) is None
        assert errors.is_allowed("package_show", NOBODY, {"id": "x"}) is False

    def test_show_if_visible_returns_the_answer_of_the_action(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tk, "get_action", lambda _name: lambda _context, data: data)
        assert errors.show_if_visible("package_show", NOBODY, {"id": "x"}) == {"id": "x"}

    def test_call_for_form_returns_the_errors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        call_action_that_raises(monkeypatch, tk.ValidationError({"title": ["Falta"]}))
        called = errors.call_for_form("package_create", NOBODY, {}, {})
        assert (called.errors, called.status) == ({"title": ["Falta"]}, 422)

    def test_call_for_form_returns_the_refusal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        call_action_that_raises(monkeypatch, tk.NotAuthorized())
        called = errors.call_for_form("package_create", NOBODY, {}, {"workshop": ["No puede."]})
        assert (called.errors, called.status) == ({"workshop": ["No puede."]}, 403)
