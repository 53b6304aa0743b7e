"""Our parsers refuse what they cannot read with an error of ours, and read what they wrote.

Hypothesis is told how far each text got (``target``), so that it goes on from those that got
furthest; a fuzzer of bytes would have to learn the grammar of each field first.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from click.testing import CliRunner
from hypothesis import strategies as st

from ckanext.marathon import records
from ckanext.marathon.cli.feed import list_readers as readers_command
from ckanext.marathon.domain import addresses, dates, file, geometry, numbers, takedown, texts
from ckanext.marathon.domain.errors import Malformed
from ckanext.marathon.feeds.source import KINDS
from ckanext.marathon.operations import portals
from ckanext.marathon.rdf import facts, literals
from ckanext.marathon.views import form_answers
from ckanext.marathon.views.form_data import find_resource_numbers, gather_rows
from ckanext.marathon.views.security_headers import parse_sources
from tests import proving

EXAMPLES = proving.count("odd texts, each parser", 40, 20_000)

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
# What a person, a program or a spreadsheet sends where one of these is expected.
_SHAPES = [
    r"[\x00-\x20]{0,2}(java|vb)?[\t\n\r]?(script|data|https?|ftp|urn)[\t\n]?:\S{0,8}",
    r"\d{1,5}[-/. ]\d{1,3}[-/. ]\d{1,5}([T ]\d\d?:\d\d?(:\d\d?(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?",
    r"-?P(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?",
    r"[-+]?[0-9 .,]{0,12}([eE][-+]?\d{1,4})?",
    r"https?://([a-z0-9.-]|\[[0-9a-f:]*\]|@){0,12}(:\d{0,6})?[/?#]?\S{0,8}",
    r'\[("[^"]{0,3}"|\d|,|\[|\]){0,6}\]?',
]
# JSON on which Python's own reader gives up.
DEEP = ["[" * 100_000, '{"a":' * 3_000, "[" * 3_000 + "]" * 3_000]
VALUES = st.one_of(
    JSON,
    *(st.from_regex(shape, fullmatch=True) for shape in _SHAPES),
    JSON.map(repr),
    st.sampled_from(DEEP),
)
NUMBERS = st.floats() | st.integers() | st.just(10**400) | st.none()
SHAPES_ON_EARTH = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Point", "Polygon", "MultiPolygon", "LineString", "x"]),
        "coordinates": st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=5)),
    }
)


def settings() -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )


def read_day(value: Any) -> str:
    return dates.read_day(value).text


def read_decimal(value: Any) -> str:
    return numbers.read_decimal(value).text


def read_moment(value: Any) -> str:
    return dates.read_moment(value).text


@pytest.mark.parametrize(
    "parse",
    [
        read_day,
        read_moment,
        dates.read_duration,
        numbers.parse_count,
        read_decimal,
        geometry.read_geometry,
        addresses.read_http_address,
        texts.split_items,
    ],
)
def test_an_accepted_value_is_read_unchanged_again(parse: Callable[[Any], Any]) -> None:
    @settings()
    @hypothesis.given(VALUES | SHAPES_ON_EARTH | SHAPES_ON_EARTH.map(json.dumps))
    def check(value: Any) -> None:
        try:
            found = parse(value)
        except Malformed:
            return
        hypothesis.target(len(str(found)))
        assert parse(found) == found

    check()


@settings()
@hypothesis.given(VALUES)
def test_a_list_that_is_stored_is_read_or_counts_as_empty(value: Any) -> None:
    texts_, rows = records.list_texts(value), records.list_rows(value)
    hypothesis.target(float(len(texts_) + len(rows)))
    assert all(isinstance(text, str) and text.strip() for text in texts_)
    assert all(isinstance(row, dict) and row for row in rows)


@settings()
@hypothesis.given(st.text() | st.from_regex(_SHAPES[0], fullmatch=True))
def test_the_address_of_a_resource_is_accepted_unchanged_or_refused(text: str) -> None:
    try:
        assert addresses.check_resource_address(text) == text
    except Malformed:
        return
    # As browsers read it.
    read = re.sub(r"[\t\n\r]", "", text).lstrip("".join(map(chr, range(33)))).lower()
    assert not read.startswith(("javascript:", "data:", "vbscript:"))


@pytest.mark.parametrize(
    "parse",
    [
        literals.make_text,
        literals.make_moment,
        literals.make_duration,
        literals.make_count,
        literals.make_decimal,
        literals.make_geometry,
        facts.make_web_iri,
        facts.make_mail_iri,
        texts.quote_value,
    ],
)
def test_a_stored_value_gives_a_storable_text_or_none(parse: Callable[[Any], Any]) -> None:
    @settings()
    @hypothesis.given(VALUES | SHAPES_ON_EARTH)
    def check(value: Any) -> None:
        found = parse(value)
        hypothesis.target(float(found is not None))
        if found is not None:
            assert texts.is_storable(str(found))

    check()


@settings()
@hypothesis.given(st.text())
def test_a_text_has_hidden_characters_or_is_as_it_was(text: str) -> None:
    plain = texts.remove_hidden(text)
    assert texts.is_plain(plain) or texts.remove_hidden(plain) != plain
    assert (plain == text) is texts.is_plain(text)
    assert (texts.explain_hidden(text) is None) is texts.is_plain(text)


@settings()
@hypothesis.given(JSON.map(json.dumps) | st.text())
def test_a_takedown_list_is_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(Malformed):
        takedown.parse_takedowns(text)


@settings()
@hypothesis.given(st.text() | JSON.map(json.dumps))
def test_a_form_fingerprint_is_parsed_or_ignored(text: str) -> None:
    found = form_answers.read_fingerprint(text)
    assert (
        found is None
        or form_answers.read_fingerprint(form_answers.write_fingerprint(found)) == found
    )


_FEEDS = rf"/(({'|'.join(KINDS)})/\w+/)?(catalog(/all|/changes)?|data\.json)\S*"
_TARGETS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Z"]), min_size=1),
    st.sampled_from(["//[", "http://[::1", "/catalog.ttl?since=%ff", "/%ff/catalog", "*"]),
    st.from_regex(
        rf"/(({'|'.join(KINDS)})/\w+/)?(catalog(/all|/changes)?|data\.json)\S*", fullmatch=True
    ),
)


@settings()
@hypothesis.given(_TARGETS, st.text(), st.sampled_from(["200", "304", "999"]), st.text(max_size=30))
def test_a_line_of_an_access_log_is_counted_or_skipped(
    target: str, agent: str, status: str, when: str
) -> None:
    line = f'- - - [{when}] "GET {target} HTTP/1.1" {status} 1 "-" "{agent}"'
    found = portals.read_readers([line, f"{line}\0", line[: len(line) // 2], agent])
    hypothesis.target(float(len(found)))


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b\x08", gzip.compress(b"a" * 99, mtime=0)[:-9], b"\x00\xff"]
)
def test_a_broken_archive_is_named(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "access.log.gz"
    log.write_bytes(content)
    outcome = CliRunner().invoke(readers_command, [str(log)])
    assert outcome.exit_code == 1
    assert "access.log.gz" in outcome.output


def test_an_archive_whose_middle_is_broken_is_named(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(bytes(range(256)) * 9))
    whole[20:30] = b"\xff" * 10
    log = tmp_path / "access.log.gz"
    log.write_bytes(whole)
    outcome = CliRunner().invoke(readers_command, [str(log)])
    assert outcome.exit_code == 1
    assert "access.log.gz" in outcome.output


_NAMES = st.from_regex(
    r"(need|x)-(\d{1,7}|REPEATING-INDEX0|²|)-\w{0,3}|resources(__\w{0,3}){0,3}", fullmatch=True
)


@settings()
@hypothesis.given(st.dictionaries(_NAMES, st.text(), max_size=8))
def test_rows_of_a_form_keep_their_order(values: dict[str, Any]) -> None:
    sent = dict(values)
    numbers_ = gather_rows(values, {"need"})
    for name, rows in numbers_.items():
        assert rows == sorted(set(rows))
        assert len(values[name]) == len(rows)
    find_resource_numbers(list(sent))
    hypothesis.target(float(sum(map(len, numbers_.values()))))


@settings()
@hypothesis.given(st.text() | st.from_regex(r"([a-z-]{1,10} ?[a-z:/.']{0,9}; ?){1,3}"))
def test_sources_of_a_policy_are_parsed_or_refused(text: str) -> None:
    try:
        found = parse_sources(text)
    except ValueError:
        return
    assert all(re.fullmatch("[^;,]*", each) for pair in found.items() for each in pair)


@settings()
@hypothesis.given(st.binary(max_size=600), st.text(max_size=20))
def test_random_bytes_get_a_media_type(sample: bytes, name: str) -> None:
    found = file.detect_media_type(sample, name)
    assert re.fullmatch(r"[\w.+-]+/[\w.+-]+", found)
    assert file.add_charset(found, sample, True).startswith(found)
