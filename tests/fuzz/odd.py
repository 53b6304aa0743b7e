"""Addresses, query strings and forms as no page of the site sends them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from bs4 import BeautifulSoup
from hypothesis import strategies as st
from werkzeug.routing import Rule

from .world import World

# Endpoints that end the world of the test or are no pages: files, switched by the caller.
LEFT_OUT = re.compile(
    r"static$|^webassets|^api\.|debugtoolbar|^admin\.(reset_config|config)$|^user\.delete$"
    r"|^(group|organization)\.delete$|^user\.unauthenticated|^marathon_restoring"
)

PARAMETERS = [
    *("q", "fq", "sort", "page", "limit", "offset", "start", "rows", "size", "since", "cursor"),
    *("organization", "groups", "tags", "res_format", "license_id", "municipality", "department"),
    *("vocab_idea", "vocab_workshop", "vocab_community", "vocab_idea_status", "service_problem"),
    *("after", "before", "activity_type", "modified_since", "profiles", "format", "lang", "locale"),
    *("came_from", "next", "ext_bbox", "_tags_limit", "_organization_limit", "facet.field"),
    *("year", "from", "to", "status", "type", "state", "view", "view_id", "id", "key", "include"),
    *("idea", "workshop", "owner_org", "table", "actor", "kind", "code", "scope", "error", "x"),
    *("q[]", "q[0]", "page[a]", "", "__extras", "a__0__b", "diff_type", "old_id", "new_id"),
]
# Percent-encoded already, because some are no UTF-8.
VALUES = [
    *("", "x", "0", "1", "-1", "1.5", "1e308", "9" * 30, "%C2%B2", "%D9%A1", "1_0", "+1", "NaN"),
    *("true", "agua", "a:b", "%5B", "%5B%5D", "%7B%7D", "%22", "%27", "%5C", "*", "*:*", "(", "~"),
    *("%00", "a%00b", "%FF", "%ED%A0%80", "%E2%80%AE", "%EF%BF%BE", "%0B", "%0D%0AX-A:%20b", "%"),
    *("x" * 5_000, "%C3%B1" * 300, "..", "..%2F..%2Fetc", "//example.org", "https://example.org"),
    *("2017-02-30", "2017-06-03", "0000-00-00", "99999-01-01", "0115", "9999", "AGU-01", "turtle"),
    *("asc", "title+asc", "score+desc,+x", "metadata_modified+desc%00", "name%20asc,", "desc"),
    *("%3Cscript%3E", "=1%2B1", "%25s%7B0%7D", "1;2", "a=b", "-90,-180,90,180", "1,2,3", "a,b,c,d"),
]
TEXTS = [
    *("", " ", "x", "0", "-1", "9" * 30, "²", "1.5", "[", "[]", "{}", '["a"]', '{"a": 1}', "true"),
    *("a:b", "\x0b", "\u202e", "\ufffe", "x" * 3_000, "<script>", "=1+1", "{0}%s", "2017-02-30"),
    *("publish", "delete", "agua", "0115", "AGU-01", "editor", "a@example.gt", "https://x:y@z/"),
]
FIELDS = [
    *("id", "name", "title", "type", "owner_org", "state", "private", "notes", "url", "save"),
    *("resources__0__url", "resources__999999999999__url", "resources__x__url", "resources__0"),
    *("extras__0__key", "extras__0__value", "groups__0__id", "users__0__name", "tag_string"),
    *("data_need-0-what", "data_need-999999-what", "data_need-9999999999-what", "data_need-x-y"),
    *("invitation-0-answer", "invitation-0-0", "milestone-0", "a__b__c__d", "__extras", "__junk"),
    *(
        "form_token",
        "form_version",
        "form_user",
        "form_keep:title",
        "form_keep:",
        "form_added:tags",
    ),
    *(
        "username",
        "email",
        "role",
        "password",
        "password1",
        "password2",
        "old_password",
        "fullname",
    ),
    *("login", "remember", "key", "reset", "fullname", "dataset", "bulk_action.public", "cancel"),
    *(
        "image_upload",
        "clear_upload",
        "upload",
        "municipality",
        "idea",
        "workshop",
        "reason",
        "x[]",
    ),
    *("resource_id", "order", "limit", "action", "delete", "confirm", "purge", "lang", "users", ""),
]
HEADERS: list[dict[str, str]] = [
    {},
    {"Accept": "application/json"},
    {"Accept": "text/turtle;q=x, */*;q=9"},
    {"If-None-Match": '"'},
    {"If-Modified-Since": "yesterday"},
    {"Range": "bytes=9-1,x"},
    {"Accept-Language": "xx;q=;,es"},
    {"X-Requested-With": "XMLHttpRequest", "HX-Request": "true"},
    {"Referer": "http://[::1"},
    {"X-Forwarded-For": "x, 1.2.3.4:5"},
]


def rules(app: Any, method: str) -> list[Rule]:
    """Return every route of the site that takes a method."""
    found = app.flask_app.url_map.iter_rules()
    taken = [r for r in found if method in (r.methods or ()) and not LEFT_OUT.search(r.endpoint)]
    return sorted(taken, key=lambda rule: (rule.rule, rule.endpoint))


def paths(world: World, rule: Rule) -> st.SearchStrategy[str]:
    """Return addresses of a route, with records that are there and with odd ones."""
    parts = [
        st.just(quote(text)) if is_text else _segments(world, text, rule)
        for is_text, text in _parts(rule.rule)
    ]
    return st.tuples(*parts).map("".join)


def _parts(rule: str) -> Iterator[tuple[bool, str]]:
    for number, part in enumerate(re.split(r"<([^>]*)>", rule)):
        yield number % 2 == 0, part


def _segments(world: World, variable: str, rule: Rule) -> st.SearchStrategy[str]:
    converter, _, name = variable.rpartition(":")
    if match := re.search(r"any\((.*)\)", converter):
        return st.sampled_from([each.strip("\"' ") for each in match[1].split(",")])
    if converter.startswith(("int", "float")):
        return st.sampled_from(["0", "1", "2", "999", "9" * 25])
    known = [str(value) for value in _known(world, name, rule.endpoint)]
    # Most odd addresses get 404. With a name of a record, more code runs.
    return st.sampled_from([*known * 12, *VALUES])


def _known(world: World, name: str, endpoint: str) -> list[Any]:
    kind = endpoint.partition(".")[0]
    by_kind = {
        "user": [world.people["editor"]["name"]],
        "organization": [world.organization["name"]],
        "group": [world.group["name"]],
        "idea": [world.idea["name"]],
        "workshop": [world.workshop["name"]],
    }
    if name in ("id", "name", "reference") and kind in by_kind:
        return by_kind[kind]
    more = {
        "code": ["0115", "01", "AGU-01"],
        "notation": ["AGU-01"],
        "extension": ["ttl", "csv"],
        "_format": ["ttl", "rdf"],
        "filename": ["a.csv"],
        "group_type": ["organization"],
    }
    return more.get(name) or world.values(name)


def queries() -> st.SearchStrategy[str]:
    """Return query strings: odd values, parameters twice, names that are none."""
    pair = st.tuples(st.sampled_from(PARAMETERS), st.sampled_from(VALUES)).map("=".join)
    return st.lists(pair, max_size=4).map("&".join)


def read_field_names(page: str) -> list[str]:
    """Return the names of the inputs that the forms of a page have."""
    inputs = BeautifulSoup(page, "lxml").select("form [name]")
    return sorted({str(each["name"]) for each in inputs})


def forms(
    names: list[str], known: Callable[[str], list[Any]]
) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Return fields of a form: some of its own, some of other forms, some twice."""
    own = st.sampled_from(names or FIELDS)

    @st.composite
    def fields(draw: st.DrawFn) -> list[tuple[str, str]]:
        chosen = draw(st.lists(st.one_of(own, own, own, st.sampled_from(FIELDS)), max_size=12))
        return [
            (name, str(draw(st.sampled_from([*known(name.rpartition("__")[2]), *TEXTS]))))
            for name in chosen
        ]

    return fields()
