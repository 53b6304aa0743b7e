"""Addresses become IRIs that strict parsers accept, or nothing."""

from __future__ import annotations

import pyoxigraph
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.marathon.rdf.facts import (
    encode_segment,
    make_mail_iri,
    make_web_iri,
    read_mail_address,
)

from .proofs import EXAMPLES

REPAIRED = [
    ("https://a.gt/x", "https://a.gt/x", "nothing to repair"),
    ("  https://a.gt/x\n", "https://a.gt/x", "blanks around"),
    ("HTTPS://a.gt/x", "https://a.gt/x", "the scheme has no case"),
    ("https://a.gt/a b", "https://a.gt/a%20b", "a blank"),
    ("https://a.gt/a%20b", "https://a.gt/a%20b", "encoded already"),
    ("https://a.gt/100%", "https://a.gt/100%25", "a lone percent sign"),
    ("https://a.gt/a%2", "https://a.gt/a%252", "half an escape"),
    ('https://a.gt/<b>{c}|\\^`"', "https://a.gt/%3Cb%3E%7Bc%7D%7C%5C%5E%60%22", "not in IRIs"),
    ("https://a.gt/[1]?q[]=2#[3]", "https://a.gt/%5B1%5D?q%5B%5D=2#%5B3%5D", "brackets"),
    ("https://a.gt/año/q'eqchi'", "https://a.gt/año/q'eqchi'", "letters beyond ASCII stay"),
    ("https://ñandú.gt/", "https://ñandú.gt/", "in the host too"),
    ("https://a.gt/a\tb\x00c", "https://a.gt/a%09b%00c", "control characters"),
    ("https://a.gt/\u202egpj.exe", "https://a.gt/%E2%80%AEgpj.exe", "no turning round of text"),
    ("https://a.gt/\ud800", "https://a.gt/%3F", "half a character"),
    ("https://a.gt?", "https://a.gt", "an empty query"),
    ("https://a.gt#", "https://a.gt", "an empty fragment"),
    ("https://a.gt:8080/x", "https://a.gt:8080/x", "a port"),
    ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x", "an IPv6 address"),
    ("https://ana:secreto@a.gt/x", "https://ana@a.gt/x", "a password is not passed on"),
    ("ftp://a.gt/x", "ftp://a.gt/x", "old servers"),
]
REFUSED = [
    "",
    " ",
    "a.gt/x",
    "/x",
    "//a.gt/x",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "mailto:ana@a.gt",
    "http://",
    "http:///x",
    "http://a b/x",
    "http://a<b/x",
    "http://a:b/x",
    "http://a.gt:99999/x",
    "http://[1::2::3]/",
    "http://[x]/",
    "http://a%zz/x",
    "http:\\\\a.gt",
    "http://a\\::",
    None,
    7,
    ["https://a.gt"],
    {"uri": "https://a.gt"},
]


@pytest.mark.parametrize(("given", "expected", "reason"), REPAIRED)
def test_an_address_is_repaired(given: str, expected: str, reason: str) -> None:
    assert str(make_web_iri(given)) == expected, reason
    assert make_web_iri(expected) == make_web_iri(given), "repairing twice changes nothing"


@pytest.mark.parametrize("given", REFUSED)
def test_invalid_addresses_are_left_out(given: object) -> None:
    assert make_web_iri(given) is None


@settings(max_examples=EXAMPLES * 10, deadline=None)
@given(st.text(alphabet=st.characters(codec=None)), st.sampled_from(["http://", "https://a.gt/"]))
def test_any_typed_text_gives_a_valid_iri(typed: str, start: str) -> None:
    iri = make_web_iri(start + typed)
    if iri is not None:
        pyoxigraph.NamedNode(str(iri))
        line = f"<{iri}> <{iri}> <{iri}> .".encode()
        assert len(list(pyoxigraph.parse(line, format=pyoxigraph.RdfFormat.N_TRIPLES))) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ana@a.gt", "mailto:ana@a.gt"),
        (" mailto:ana@a.gt ", "mailto:ana@a.gt"),
        ("MAILTO:ana@a.gt", "mailto:ana@a.gt"),
        ("ana+x@a.gt", "mailto:ana+x@a.gt"),
        ("a?b@a.gt", "mailto:a%3Fb@a.gt"),
        ("a^b@a.gt", "mailto:a%5Eb@a.gt"),
        ("ana", None),
        ("ana@localhost", None),
        ("ana @a.gt", None),
        ("ana@a.gt?subject=x", None),
        ("<ana@a.gt>", None),
        ("\ud800@a.gt", None),
        (None, None),
    ],
)
def test_a_mail_address_is_an_iri_or_nothing(given: object, expected: str | None) -> None:
    found = make_mail_iri(given)
    assert (str(found) if found else None) == expected
    if found and isinstance(given, str):
        plain = given.strip().lower().removeprefix("mailto:")
        assert read_mail_address(found) == plain


def test_a_path_segment_is_escaped() -> None:
    assert encode_segment("a/b?c#d e") == "a%2Fb%3Fc%23d%20e"
