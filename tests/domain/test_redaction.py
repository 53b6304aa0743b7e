"""No credentials stay in a text, and nothing else is taken out of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.marathon.domain.privacy import HIDDEN, Redactor

SECRET = "s3cret/pass+word"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("http://ckan:abc@127.0.0.1:8983/solr", "http://***@127.0.0.1:8983/solr"),
        ("postgresql://ckan:a@b@db/ckan?host=/x", "postgresql://***@db/ckan?host=/x"),
        ("redis://:abc@localhost:6379/0", "redis://***@localhost:6379/0"),
        ("at 'https://u:p@host/a' timed out", "at 'https://***@host/a' timed out"),
        ("{'password': 'abc', 'name': 'x'}", "{'password': '***', 'name': 'x'}"),
        ('{"token": "abc", "id": 1}', '{"token": "***", "id": 1}'),
        ("smtp.password = abc", "smtp.password = ***"),
        ("/x?password=abc&y=1", "/x?password=***&y=1"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("eyJhbGciOiJIUzI1.eyJqdGkiOiJh.c2lnbmF0dXJl expired", "*** expired"),
        (f"refused {SECRET} here", "refused *** here"),
        ("http://h/?x=s3cret%2Fpass%2Bword", "http://h/?x=***"),
    ],
)
def test_credentials_are_replaced(text: str, redacted: str) -> None:
    assert Redactor([SECRET]).redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "mailto:agua@example.gt",
        "agua@example.gt wrote to https://example.org/a?b=c@d",
        "The password is wrong.",
        "a token of friendship",
        '{"error": {"id": ["A text is expected"], "__type": "Validation Error"}}',
    ],
)
def test_texts_without_secrets_are_unchanged(text: str) -> None:
    assert Redactor([SECRET, "ckan", ""]).redact(text) == text


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        ("una clave/9", "una%20clave%2F9"),
        ("una clave/9", "una+clave%2F9"),
        ("una%20clave%2F9", "una clave/9"),
    ],
)
def test_a_url_encoded_secret_is_replaced(secret: str, written: str) -> None:
    assert Redactor([secret]).redact(f"refused {written} here") == "refused *** here"


def test_the_longer_of_two_secrets_with_the_same_beginning_is_replaced() -> None:
    for secrets in (["administra", "administradora"], ["administradora", "administra"]):
        assert Redactor(secrets).redact("refused administradora here") == "refused *** here"


def test_secrets_shorter_than_eight_characters_are_not_replaced() -> None:
    assert Redactor(["siete77", "ocho-888"]).redact("siete77 ocho-888") == "siete77 ***"


@given(st.text(), st.text(min_size=8), st.text())
def test_a_known_secret_is_always_replaced(before: str, secret: str, after: str) -> None:
    redacted = Redactor([secret]).redact(f"{before}{secret}{after}")
    assert (
        secret in HIDDEN or secret not in redacted.replace(HIDDEN, "") or secret in before + after
    )
