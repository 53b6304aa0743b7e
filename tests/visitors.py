"""A visitor of a site without a browser: follows links and fills in forms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import requests
from bs4 import BeautifulSoup, Tag

from tests.sites import ADMIN, PASSWORD, Site

# They differ in each page.
TOKENS = re.compile(r'name="_csrf_token" (content|value)="[^"]*"')


class Visitor:
    """A visitor with cookies, anonymous until ``log_in``."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.session = requests.Session()

    def get(self, path: str) -> requests.Response:
        """GET a path or a full address, following redirects."""
        return self.session.get(urljoin(self.site.url, path), timeout=60)

    def log_in(self, name: str = ADMIN, password: str = PASSWORD) -> None:
        """Log in through the form; fail if CKAN refuses."""
        fields = {"login": name, "password": password}
        answer = self.submit("/user/login", fields, form="form:has(input[name=password])")
        assert "/user/login" not in answer.url, "logging in failed"

    def submit(
        self,
        path: str,
        fields: Mapping[str, Any],
        form: str = "form#dataset-edit",
    ) -> requests.Response:
        """Send a page's form as it is shown, with some fields changed.

        Args:
            path: of the page that shows it.
            fields: what to change; a list sends a field several times.
            form: CSS selector of it; its main button is pressed.
        """
        page = self.get(path)
        assert page.status_code == 200, f"{path}: {page.status_code}"
        return self.send(fill_in(page, fields, form))

    def send(self, form: FilledForm) -> requests.Response:
        """Send a form that was filled in."""
        headers = {"Referer": form.page}
        return self.session.post(form.target, files=form.parts, headers=headers, timeout=60)


@dataclass(frozen=True)
class FilledForm:
    """A form as a browser sends it: the page that shows it, where it goes, and its fields."""

    page: str
    target: str
    parts: list[tuple[str, tuple[None, str]]]


def fill_in(
    page: requests.Response, fields: Mapping[str, Any], form: str = "form#dataset-edit"
) -> FilledForm:
    """Return a page's form with some fields changed; see :meth:`Visitor.submit`."""
    found = BeautifulSoup(page.text, "lxml").select_one(form)
    assert found is not None, f"{page.url}: no {form}"
    filled = {**shown_values(found), **fields}
    for pressed in found.select("button.btn-primary[type=submit][name]")[-1:]:
        filled[str(pressed["name"])] = str(pressed.get("value", ""))
    # As browsers do for a form that can hold a file.
    parts: list[tuple[str, tuple[None, str]]] = [
        (name, (None, str(value)))
        for name, values in filled.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return FilledForm(page.url, urljoin(page.url, str(found.get("action") or page.url)), parts)


def shown_values(form: Tag) -> dict[str, list[str]]:
    """Return the values that a form would send without changes."""
    values: dict[str, list[str]] = {}
    for field in form.select("input[name], select[name], textarea[name]"):
        # Python's parser gives the fields of a template to the form, or not, by its version.
        if field.find_parent("template"):
            continue
        kind = field.get("type", "")
        if field.has_attr("disabled") or kind in ("file", "submit", "button"):
            continue
        if kind in ("checkbox", "radio") and not field.has_attr("checked"):
            continue
        for value in _values(field):
            values.setdefault(str(field["name"]), []).append(value)
    return values


def _values(field: Tag) -> Iterator[str]:
    if field.name == "textarea":
        # A browser drops the first line break of a text area.
        yield field.get_text().removeprefix("\n")
    elif field.name == "select":
        options = field.select("option")
        chosen = [option for option in options if option.has_attr("selected")]
        if not field.has_attr("multiple"):
            chosen = chosen[-1:] or options[:1]
        yield from (str(option.get("value", option.get_text())) for option in chosen)
    else:
        kind = str(field.get("type", ""))
        value = str(field.get("value", "on" if kind == "checkbox" else ""))
        yield value if kind not in _SANITIZED or _SANITIZED[kind].fullmatch(value) else ""


# Of these types a browser shows, and sends, nothing but this. Source: HTML, value sanitization.
_SANITIZED = {
    "date": re.compile(r"[0-9]{4,}-[0-9]{2}-[0-9]{2}"),
    "datetime-local": re.compile(r"[0-9]{4,}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*"),
    "month": re.compile(r"[0-9]{4,}-[0-9]{2}"),
    "number": re.compile(r"-?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"),
}


def body(response: requests.Response) -> str:
    """Return a page's body without tokens and empty lines."""
    assert response.status_code == 200, f"{response.url}: {response.status_code}"
    found = BeautifulSoup(TOKENS.sub("", response.text), "lxml").body
    assert found is not None, response.url
    return "\n".join(line.strip() for line in found.decode().splitlines() if line.strip())


def stylesheets(response: requests.Response) -> set[str]:
    """Return the addresses of the style sheets and scripts of a page."""
    page = BeautifulSoup(response.text, "lxml")
    links = [str(tag["href"]) for tag in page.select("link[rel=stylesheet]")]
    return {*links, *(str(tag["src"]) for tag in page.select("script[src]"))}


def links(response: requests.Response) -> set[str]:
    """Return the paths, with their query, that a page of the site links to on the same site."""
    here = urlsplit(response.url)
    found = set()
    for tag in BeautifulSoup(response.text, "lxml").select("a[href], link[href]"):
        address = urlsplit(urldefrag(urljoin(response.url, str(tag["href"]))).url)
        if address.scheme in ("http", "https") and address.netloc == here.netloc:
            found.add(address._replace(scheme="", netloc="").geturl())
    return found


def crawl(visitor: Visitor, *start: str, most: int = 150) -> dict[str, int]:
    """Follow every link from some pages on, breadth first.

    Args:
        visitor: the reader.
        start: paths to start from.
        most: pages to read at most; of addresses that differ only in their query, one is read.

    Returns:
        the HTTP status of each path that was read.
    """
    waiting = list(start)
    seen: dict[str, int] = {}
    known = {urlsplit(path).path for path in start}
    while waiting and len(seen) < most:
        path = waiting.pop(0)
        answer = visitor.get(path)
        seen[path] = answer.status_code
        if "html" not in answer.headers.get("Content-Type", ""):
            continue
        for found in sorted(links(answer)):
            bare = urlsplit(found).path
            if bare not in known and "/_logout" not in bare:
                known.add(bare)
                waiting.append(found)
    return seen
