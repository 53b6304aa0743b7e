"""Hypothesis strategies for hostile datasets."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .samples import AUTHORITY, FULL, IDEA, NEED, SITE, VILLA_NUEVA

ODD_ADDRESSES = [
    "https://a.gt/x y",
    "https://a.gt/<script>",
    'https://a.gt/"|\\^`{}',
    "https://a.gt/100%",
    "https://a.gt/%zz",
    "https://a.gt:port/",
    "https://[::1",
    "http://",
    "javascript:alert(1)",
    "data:text/html;base64,AAAA",
    "//a.gt",
    "a.gt/datos.csv",
    "https://a.gt/\n\ud800\x00",
    "https://ñandú.gt/año#día?x",
    "urn:isbn:1",
    # IRIs of this site and of others, in places where they make no sense.
    SITE.base,
    SITE.url,
    str(SITE.dataset(FULL["id"])),
    str(SITE.thing("idea", IDEA["id"])),
    str(SITE.thing("organization", VILLA_NUEVA["id"])),
    str(SITE.concept("municipality", "0115")),
    str(SITE.concept("service-problem", "AGU-01")),
    str(SITE.concept("department", "01")),
    f"{AUTHORITY}/country/GTM",
    f"{AUTHORITY}/language/SPA",
    f"{AUTHORITY}/licence/CC_BY_4_0",
    f"{AUTHORITY}/data-theme",
    "http://purl.org/adms/publishertype/Company",
    "https://www.iana.org/assignments/media-types/text/csv",
    "https://shared.example.org/agent",
]
ODD_TEXTS = [
    "",
    " ",
    "\x00\x0b\x1f\ufffe",
    "\ud800",
    "<b>&amp;]]></b>",
    '"""\\"\\u0041',
    "a\r\nb",
    "@es",
    "0115",
    "115",
    "AGU-01",
    "2026-02-30",
    "1e999999",
    "-1",
    "[",
    '["es", 7, null]',
    '{"type": "Point", "coordinates": [1e400, 2]}',
    '{"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}',
    "CSV",
    "text/csv; charset=utf-8",
    "cc-by",
    "other-open",
    "notspecified",
    "es_GT",
    "annual",
    IDEA["id"],
    NEED,
]

texts = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.sampled_from(ODD_ADDRESSES),
    st.text(alphabet=st.characters(codec=None), max_size=12),
)
scalars = st.one_of(
    texts, st.none(), st.booleans(), st.integers(), st.floats(), st.just({}), st.just([])
)


def like(sample: Any) -> st.SearchStrategy[Any]:
    """Return values in the form of a sample, and some in no form at all."""
    if isinstance(sample, dict):
        fields = {key: st.one_of(st.just(value), like(value)) for key, value in sample.items()}
        return st.one_of(st.fixed_dictionaries({}, optional=fields), scalars)
    if isinstance(sample, list):
        rows = st.one_of([st.one_of(st.just(each), like(each)) for each in sample[:2]])
        return st.one_of(st.lists(st.one_of(rows, scalars), max_size=3), scalars)
    return scalars


def resources() -> st.SearchStrategy[Any]:
    """Return resources with ids, as CKAN gives them, and anything else in them."""
    sample = {key: value for key, value in FULL["resources"][0].items() if key != "id"}
    fields = {key: st.one_of(st.just(value), scalars) for key, value in sample.items()}
    row = st.fixed_dictionaries({"id": st.uuids().map(str)}, optional=fields)
    return st.lists(row, max_size=3)


def datasets() -> st.SearchStrategy[dict[str, Any]]:
    """Return datasets in which every field but the id may hold anything."""
    # CKAN itself adds the organisation, from its own table.
    own = ("id", "resources", "organization")
    sample = {key: value for key, value in FULL.items() if key not in own}
    sample["extras"] = [{"key": "publisher_name", "value": "x"}, {"key": "spatial", "value": "x"}]
    sample["author"] = "x"
    fields = {key: st.one_of(st.just(value), like(value)) for key, value in sample.items()}
    fields["organization"] = st.sampled_from([None, FULL["organization"]])
    return st.fixed_dictionaries(
        {"id": st.uuids().map(str), "resources": resources()}, optional=fields
    )
