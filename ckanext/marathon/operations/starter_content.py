"""What the starter catalogue says: the files of ``data/starter/``, read and checked.

People who do not program edit those files, so that every mistake gets a sentence that names the
file, the entry and what to do. Nothing here touches a site.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import ckan.plugins.toolkit as tk
import yaml

from ckanext.marathon.vocabulary import territory
from ckanext.marathon.vocabulary.errors import UnknownCode

# In the order of loading: what is named comes before what names it.
REAL = {
    "organizations.yaml": "organization",
    "commitments.yaml": "commitment",
    "workshops.yaml": "workshop",
    "datasets.yaml": "dataset",
}
EXAMPLES = "examples.yaml"
EXAMPLE_TYPES = ("workshop", "idea", "dataset")
EXAMPLE_TITLE = "[Ejemplo]"
EXAMPLE_CODE = "EJEMPLO-"

_ITEM_KEYS = {"name", "fields", "files"}
_EACH = "for_each_municipality"
_EXAMPLE_KEYS = {"type", "name", "fields", "files", "steps", "meets"}
_FILE_KEYS = {"make", "filename", "code", "columns", "rows", "link"}


class ContentError(Exception):
    """A file of the starter catalogue that cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts come from; ``date`` and ``url`` are empty where there is none."""

    title: str
    publisher: str
    date: str = ""
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a dataset, with the fields of its resource: made, or a ``link`` of this site."""

    make: str
    filename: str
    code: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    link: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One organisation, commitment, workshop, idea or dataset to be there.

    ``fields`` are those of its schema, with names in place of ids. ``sources`` has the ids of
    the sources of each field (empty for an example). ``steps`` are the changes of status of an
    idea, as (status, reason). ``meets`` are the data needs of ideas, as (idea, number from 1).
    """

    type: str
    name: str
    fields: Mapping[str, Any]
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()
    meets: tuple[tuple[str, int], ...] = ()

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.fields["title"])

    @property
    def is_example(self) -> bool:
        """Whether it is made up."""
        return bool(self.fields.get("example"))


def sources() -> Mapping[str, Source]:
    """Return the sources by id.

    Raises:
        ContentError: a source without title or publisher, or with an unknown key.
    """
    found = {}
    for key, row in _read("sources.yaml").items():
        try:
            found[key] = Source(**row)
        except TypeError as error:
            raise _error("sources.yaml", key, str(error)) from None
    return found


def items(examples: bool = True) -> tuple[Item, ...]:
    """Return what the starter catalogue consists of, in order of loading.

    Args:
        examples: with the made-up ones after the real ones.

    Raises:
        ContentError: a file that cannot be read, an unknown key, a field without value or source.
    """
    known = sources()
    found: list[Item] = []
    for name, type_ in REAL.items():
        for row in _read(name):
            with _blamed(name, row):
                found += [_real(name, type_, entry, known) for entry in _each(row)]
    for row in _read(EXAMPLES) if examples else ():
        with _blamed(EXAMPLES, row):
            found.append(_example(row))
    return tuple(found)


@contextmanager
def _blamed(name: str, row: Any) -> Iterator[None]:
    """Say which entry it was, whatever is wrong with its shape."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, UnknownCode) as error:
        message = tk._("it cannot be understood ({error}).").format(error=error)
        raise _error(name, _name(row), message) from None


def _each(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the entry itself, or one for each municipality that it is meant for."""
    if _EACH not in row:
        yield row
        return
    pattern = {key: value for key, value in row.items() if key != _EACH}
    for code in row[_EACH]:
        place = territory.municipality(code)
        words = {
            "{code}": code,
            "{name}": place.name,
            "{slug}": place.slug,
            "{department}": territory.department(place.department_code).name,
        }
        yield _filled(pattern, words)


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, words) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, words) for each in value]
    if isinstance(value, str):
        for mark, word in words.items():
            value = value.replace(mark, word)
    return value


def _real(name: str, type_: str, row: dict[str, Any], known: Mapping[str, Source]) -> Item:
    entry = _checked(name, row, _ITEM_KEYS)
    values: dict[str, Any] = {}
    origins: dict[str, tuple[str, ...]] = {}
    for key, fact in row["fields"].items():
        where = f"{entry}, {key}"
        if not isinstance(fact, dict) or set(fact) != {"value", "source"}:
            raise _error(name, where, tk._("a fact has a value and a source, and nothing else."))
        origin = fact["source"] if isinstance(fact["source"], list) else [fact["source"]]
        for source in origin:
            if source not in known:
                message = tk._("{source} is not in sources.yaml.").format(source=source)
                raise _error(name, where, message)
        values[key], origins[key] = fact["value"], tuple(origin)
    return Item(type_, entry, _titled(name, entry, values), origins, _files(name, row))


def _example(row: dict[str, Any]) -> Item:
    entry = _checked(EXAMPLES, row, _EXAMPLE_KEYS)
    if row.get("type") not in EXAMPLE_TYPES:
        message = tk._("type is one of {types}.").format(types=", ".join(EXAMPLE_TYPES))
        raise _error(EXAMPLES, entry, message)
    fields = _titled(EXAMPLES, entry, {**row["fields"], "example": True})
    if not fields["title"].startswith(EXAMPLE_TITLE):
        message = tk._("its title has to start with {mark}.").format(mark=EXAMPLE_TITLE)
        raise _error(EXAMPLES, entry, message)
    if not fields.get("code", EXAMPLE_CODE).startswith(EXAMPLE_CODE):
        message = tk._("its code has to start with {mark}.").format(mark=EXAMPLE_CODE)
        raise _error(EXAMPLES, entry, message)
    return Item(
        row["type"],
        entry,
        fields,
        files=_files(EXAMPLES, row),
        steps=tuple((each["status"], each.get("reason", "")) for each in row.get("steps", ())),
        meets=tuple((each["idea"], each["need"]) for each in row.get("meets", ())),
    )


def _checked(name: str, row: Any, keys: set[str]) -> str:
    """Return the entry's name once it has the keys it needs and none that nobody reads."""
    entry = _name(row)
    if not isinstance(row, dict) or not row.get("name") or not isinstance(row.get("fields"), dict):
        raise _error(name, entry, tk._("an entry has a name and fields."))
    if unknown := sorted(set(row) - keys):
        message = tk._("unknown key {key}.").format(key=", ".join(unknown))
        raise _error(name, entry, message)
    return entry


def _titled(name: str, entry: str, fields: dict[str, Any]) -> dict[str, Any]:
    if not fields.get("title"):
        raise _error(name, entry, tk._("it has no title."))
    return fields


def _files(name: str, row: dict[str, Any]) -> tuple[File, ...]:
    found = []
    for each in row.get("files", ()):
        link = each.get("link", "")
        if not link and (not each.get("make") or not each.get("filename")):
            raise _error(name, row["name"], tk._("a file says make and filename, or link."))
        found.append(
            File(
                each.get("make", ""),
                each.get("filename", link.rpartition("/")[2]),
                each.get("code", ""),
                tuple(each.get("columns", ())),
                tuple(tuple(cells) for cells in each.get("rows", ())),
                link,
                {key: value for key, value in each.items() if key not in _FILE_KEYS},
            )
        )
    return tuple(found)


def _read(name: str) -> Any:
    text = files("ckanext.marathon.operations").joinpath("data", "starter", name).read_text("utf-8")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ContentError(f"{name}: {error}") from None


def _name(row: Any) -> str:
    return str(row.get("name", "?")) if isinstance(row, dict) else str(row)


def _error(name: str, entry: str, message: str) -> ContentError:
    return ContentError(f"{name}, {entry}: {message}")
