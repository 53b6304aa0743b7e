"""Datasets: required fields, harvested copies, IRIs of other catalogues, and Croissant.

Harvested copies: nobody on this site can correct them, and refusing one would leave it outdated or
missing. So a value that its field refuses is stored as text in an extra (``rdf/harvested.py``).

IRIs: ckanext-dcat publishes any value of ``uri``. Here ``uri`` is published only if the save that
set it was made with ``ignore_auth``, as harvesters do, or by a system administrator, as whom
harvests may run. Officers cannot set it in forms or through the API, and a value that an officer
once typed in does not become an IRI when a harvester saves the dataset later. The tables of
ckanext-harvest are not asked: a site need not have them, and some harvesters write them only after
the save.

Croissant: a ``FileObject`` needs a name, a ``contentUrl`` and a checksum; the data type of a column
tells readers how to parse its text. Source: MLCommons, "Croissant Format Specification" 1.0.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

import ckan.plugins.toolkit as tk
import pyoxigraph
import sqlalchemy as sa
from ckan import authz, model
from ckan.types import Context
from sqlalchemy.orm import aliased

from ckanext.marathon.domain import dataset
from ckanext.marathon.domain.file import read_checksum
from ckanext.marathon.domain.texts import is_json_list, is_json_object, quote_value
from ckanext.marathon.feeds import source as source_feeds
from ckanext.marathon.feeds.inventory import strip_markup
from ckanext.marathon.logic import messages
from ckanext.marathon.logic import resource as resource_logic
from ckanext.marathon.model import dataset as dataset_model
from ckanext.marathon.model import package
from ckanext.marathon.rdf.facts import Site, make_web_iri
from ckanext.marathon.rdf.harvested import fit_dataset, move_extras_to_fields
from ckanext.marathon.rdf.literals import make_moment
from ckanext.marathon.records import DATASET, OTHER_TYPES
from ckanext.marathon.visibility import filter_public


def read_requirements(owner_org: str, stored: model.Package | None) -> dataset.Requirements:
    """Return which fields a dataset must have.

    A dataset that loses its organisation (because that is deleted) keeps its requirements.

    Args:
        owner_org: id or name of its organisation, ``""`` for none.
        stored: the stored dataset, ``None`` for a new one.
    """
    reference = owner_org or (stored.owner_org if stored else "")
    return _find_requirements(_read_publisher(model.Group.get(reference)), stored)


def lacks_role(owner_org: str) -> bool:
    """Return whether an organisation (id or name) has neither a role nor a municipality's code."""
    organization = model.Group.get(owner_org)
    return organization is not None and not _read_publisher(organization).acts_as


def _read_publisher(organization: model.Group | None) -> dataset.Publisher:
    if organization is None:
        return dataset.Publisher()
    return dataset.Publisher(
        role=package.read_stored_text(organization, "role"),
        municipality_code=package.read_stored_text(organization, "municipality_code"),
        is_older=organization.created < dataset_model.read_installation_time(),
    )


def read_municipal_requirements() -> dataset.Requirements:
    """Return which fields a new dataset of a municipality must have: the strictest case."""
    return _find_requirements(dataset.Publisher(role=dataset.MUNICIPALITY), None)


def _find_requirements(
    publisher: dataset.Publisher, stored: model.Package | None
) -> dataset.Requirements:
    setting = dataset.IdeaRequired(tk.config["ckanext.marathon.idea_required"])
    created = stored.metadata_created if stored else None
    exempt = dataset.is_dataset_exempt(created, dataset_model.read_installation_time(), setting)
    return dataset.find_requirements(publisher, exempt, setting)


_KEY = "marathon_is_copy"
# Extras in which ckanext-dcat and its harvesters store the id of the harvested record.
_MARKS = frozenset({"guid", "uri"})


def is_copy(context: Context, data: Mapping[str, Any]) -> bool:
    """Return whether a dataset that is being saved is a copy that a harvester made.

    A harvester saves with ``ignore_auth``, and either passes a schema in the context, as
    ckanext-harvest does, or sets an extra with the id of the harvested record.
    """
    extras = data.get("extras")
    rows = [extra for extra in extras if is_json_object(extra)] if is_json_list(extras) else []
    is_marked = any(row.get("key") in _MARKS and row.get("value") for row in rows)
    return bool(context.get("ignore_auth")) and bool(is_marked or context.get("schema"))


def is_saving_copy(context: Context) -> bool:
    """Return whether :func:`fit_sent_dataset` recognised the dataset as a harvested copy."""
    return bool(cast(dict[str, Any], context).get(_KEY))


def fit_sent_dataset(context: Context, data: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Move extras into the fields of the same name; make a harvested copy fit the fields.

    Args:
        context: of the action; gets a notice about each value that became an extra.
        data: the dataset, whose repeating fields are lists of objects; changed.
        schema: its scheming schema.
    """
    if data.get("type", DATASET) != DATASET:
        return
    own = cast(dict[str, Any], context)
    own[_KEY] = is_copy(context, data)
    rest = fit_dataset(data, schema) if own[_KEY] else move_extras_to_fields(data, schema)
    message = tk._("“{value}” is kept as {name}: the field takes no such value")
    for name, texts in rest.items():
        for text in texts:
            messages.add_notice(context, message.format(value=quote_value(text), name=name))


FIELD = "uri"
# Key in the context of a save: id → ``uri`` of the stored dataset and its resources.
_BEFORE = "marathon_uris_before"
# Schemes of identifiers; none that a browser would run.
_SCHEMES = ("http:", "https:", "urn:", "ftp:", "doi:", "hdl:", "ark:", "info:", "tag:", "oid:")


def remember_stored_iris(context: Context, package: model.Package | None) -> None:
    """Remember in the context, before a save, which IRIs are stored."""
    cast(dict[str, Any], context)[_BEFORE] = (
        _list_stored_iris(package) if package is not None else {}
    )


def store_foreign_iris(context: Context, package: model.Package) -> None:
    """Store the IRIs that a save sets, in its transaction.

    An IRI that another dataset has, or that is not of another catalogue, is not used: the dataset
    is published under its address on this site, and a notice tells why.
    """
    before: Mapping[str, str] = cast(dict[str, Any], context).get(_BEFORE) or {}
    if package.type in OTHER_TYPES or not _is_trusted(context):
        return
    model.Session.flush()
    for id_, given in _list_stored_iris(package).items():
        if given == before.get(id_):
            continue
        iri = read_foreign_iri(given)
        if iri is None or not dataset_model.claim_iri(iri, id_, package.id):
            _note_unused(context, package, id_, given, iri)


def _note_unused(
    context: Context, package: model.Package, id_: str, given: str, iri: str | None
) -> None:
    """Add a notice about why a record is not published under the sent IRI."""
    if iri is not None:
        message = tk._("another record has {value}, so that this one is published under its own")
    elif _is_ours(given.strip(), source_feeds.find_site()):
        message = tk._("{value} is an address of this site, which gives its records their own")
    else:
        message = tk._(
            "{value} is no IRI under which something is known elsewhere, so that the record is "
            "published under its own"
        )
    files = [resource.id for resource in package.resources]
    key: tuple[str | int, ...] = (FIELD,)
    if id_ in files:
        key = ("resources", resource_logic.read_sent_number(context, files.index(id_)), FIELD)
    messages.add_notice_at(
        context, key, package.type, message.format(value=f"“{quote_value(given)}”")
    )


class ContestedIri(NamedTuple):
    """A dataset that is not published under the IRI in its ``uri``: another record has that IRI.

    Attributes:
        name: name of the dataset.
        iri: its ``uri``.
        holder: name of the dataset that has the IRI, for itself or for one of its files.
        is_listed_twice: whether the holder is public too, so that portals list both.
    """

    name: str
    iri: str
    holder: str
    is_listed_twice: bool


def list_contested_iris() -> list[ContestedIri]:
    """Return the public datasets whose ``uri`` is the IRI of another record.

    Either two harvests bring the same dataset, or an officer typed in the IRI of a harvested one;
    the database does not tell which.
    """
    table, kept = model.Package, dataset_model.KeptIri
    given = cast(Any, table.extras)[FIELD].astext
    own = aliased(kept)
    query = (
        sa.select(cast(Any, table.name), given.label("uri"))
        .outerjoin(own, own.thing == table.id)
        .where(
            filter_public(table),
            given.is_not(None),
            own.iri.is_distinct_from(given),
        )
        .order_by(table.name)
    )
    site = source_feeds.find_site()
    named = {
        row.name: iri
        for row in model.Session.execute(query)
        if (iri := read_foreign_iri(row.uri, site)) is not None
    }
    holders = {
        row.iri: row
        for row in model.Session.execute(
            sa.select(kept.iri, cast(Any, table.name), filter_public(table).label("is_public"))
            .join(table, table.id == kept.package_id)
            .where(kept.iri.in_(set(named.values())), table.state != model.State.DELETED)
        )
    }
    return [
        ContestedIri(name, iri, holders[iri].name, holders[iri].is_public)
        for name, iri in named.items()
        if iri in holders and holders[iri].name != name
    ]


def read_foreign_iri(given: str, site: Site | None = None) -> str | None:
    """Return a value of ``uri`` as an IRI of another catalogue, ``None`` if it cannot be one.

    A valid IRI is returned unchanged. Addresses of this site are no IRIs of other catalogues.
    """
    text = given.strip()
    if not text.lower().startswith(_SCHEMES):
        return None
    try:
        pyoxigraph.NamedNode(text)
    except ValueError:
        text = str(make_web_iri(text) or "")
    return None if not text or _is_ours(text, site or source_feeds.find_site()) else text


def _is_ours(text: str, site: Site) -> bool:
    return f"{text}/".startswith((f"{site.base}/", f"{site.vocabulary}/"))


def _is_trusted(context: Context) -> bool:
    return bool(context.get("ignore_auth")) or authz.is_sysadmin(context.get("user"))


def _list_stored_iris(package: model.Package) -> dict[str, str]:
    """Return id → ``uri`` of a dataset and its resources."""
    given = {package.id: package.extras}
    given |= {resource.id: resource.extras for resource in package.resources}
    return {
        id_: uri
        for id_, extras in given.items()
        if isinstance(uri := (extras or {}).get(FIELD), str) and uri
    }


# Checksum algorithms of Croissant.
ALGORITHMS = frozenset({"md5", "sha256"})
# https://schema.org/Text in ckanext-dcat's JSON-LD context.
TEXT = "Text"
# Bytes of a table that are searched for codes.
SAMPLE = 2**20
_CODE = re.compile(r"\s*0[0-9]+\s*")


def prepare_croissant(dataset: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a dataset with only the files that Croissant can describe.

    These are the uploaded files with a checksum. Readers refuse a whole dataset if one of its files
    has no checksum, and this site computes none for links.

    Args:
        dataset: from ``package_show``; not changed (ckanext-dcat's profile would change it).
    """
    prepared = copy.deepcopy(dataset)
    prepared["notes"] = prepared.get("notes") or prepared.get("title") or prepared["name"]
    resources: list[dict[str, Any]] = prepared.get("resources") or []
    prepared["resources"] = [
        found for resource in resources if (found := _describe_croissant_file(resource))
    ]
    return prepared


def _describe_croissant_file(resource: dict[str, Any]) -> dict[str, Any] | None:
    checksum = read_checksum(resource)
    is_held = resource.get("url_type") == "upload"
    if not is_held or checksum is None or checksum.algorithm not in ALGORITHMS:
        return None
    name = unquote(urlsplit(resource.get("url") or "").path.rpartition("/")[2])
    return {
        **resource,
        "name": resource.get("name") or name or resource["id"],
        # The profile derives the algorithm from the number of digits.
        "hash": checksum.digits,
    }


# JSON-LD keywords, which stay as Croissant has them.
_OF_CROISSANT = frozenset({"@context", "@id", "@type"})
# Properties whose values are a day, month, year or time.
_TIMES = frozenset({"datePublished", "dateModified"})
# Properties of schema.org that ckanext-dcat's Croissant may have too, of a dataset and of a file.
_OF_DATASET = frozenset(
    {"about", "creator", "keywords", "inLanguage", "license", "publisher", "spatialCoverage"}
    | {"temporalCoverage", "version", *_TIMES}
)
_OF_FILE = frozenset({"contentSize", "encodingFormat", "description", "license", *_TIMES})


def update_croissant(written: str, described: Mapping[str, Any]) -> str:
    """Return Croissant with the values of the feed's schema.org description of the dataset.

    ckanext-dcat's Croissant has the stored values: Markdown, the licence of CKAN's register, no
    statement of rights. Properties that the schema.org description lacks are removed.

    Args:
        written: JSON from ckanext-dcat.
        described: from ``feeds.schema_org``; if empty, ``written`` is returned.
    """
    if not described:
        return written
    document = json.loads(written)
    files = {file["@id"]: file for file in _list_objects(document.get("distribution"))}
    values = {name: value for name, value in described.items() if name not in _OF_CROISSANT}
    shown = [file for file in values.pop("distribution", []) if file["@id"] in files]
    for name in _OF_DATASET - values.keys():
        document.pop(name, None)
    # Croissant requires a creator.
    values.setdefault("creator", values.get("publisher") or [])
    # schema.org has short descriptions padded for search engines; Croissant's own is better.
    own = document.get("description")
    if is_json_object(own) and (words := strip_markup(str(own.get("@value") or ""))):
        values["description"] = words
    document |= {name: _expand_texts(name, value) for name, value in values.items() if value}
    if shown:
        document["distribution"] = [
            _update_croissant_file(files[file["@id"]], file) for file in shown
        ]
    return _write_script_json(document)


def _update_croissant_file(file: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in file.items() if name not in _OF_FILE}
    found = {name: value for name, value in values.items() if name not in _OF_CROISSANT}
    return kept | {name: _expand_texts(name, value) for name, value in found.items()}


def _expand_texts(name: str, value: Any) -> Any:
    """Return a value with its texts as JSON-LD value objects.

    The context of ckanext-dcat's Croissant would give plain texts a language.
    """
    if is_json_list(value):
        return [_expand_texts(name, item) for item in value]
    if is_json_object(value):
        return {
            key: item if key.startswith("@") else _expand_texts(key, item)
            for key, item in value.items()
        }
    if not isinstance(value, str):
        return value
    time = make_moment(value) if name in _TIMES else None
    kind = {"@type": str(time.datatype)} if time is not None else {}
    return {**kind, "@value": value}


def _write_script_json(document: dict[str, Any]) -> str:
    """Return JSON that can stand in a ``<script>`` element: without ``<``, ``>`` and ``&``."""
    text = json.dumps(document, sort_keys=True, indent=4)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def keep_codes_as_text(written: str) -> str:
    """Return Croissant in which columns with codes like ``0501`` have the data type text.

    The DataStore may have typed them as numbers, and readers would lose the leading zero.

    Args:
        written: JSON from ckanext-dcat; returned unchanged if no column is wrong.
    """
    document = json.loads(written)
    changed = False
    for records in _list_objects(document.get("recordSet")):
        resource_id = str(records.get("@id", "")).rpartition("/records")[0].rpartition("/")[2]
        fields = _list_objects(records.get("field"))
        if not any(field.get("dataType") not in (TEXT, None) for field in fields):
            continue
        codes = _find_stored_code_columns(resource_id)
        for field in fields:
            if _find_column_name(field) in codes and field.get("dataType") != TEXT:
                field["dataType"], changed = TEXT, True
    if not changed:
        return written
    return _write_script_json(document)


def _list_objects(value: Any) -> list[dict[str, Any]]:
    rows = value if is_json_list(value) else [value]
    return [row for row in rows if is_json_object(row)]


def _find_column_name(field: dict[str, Any]) -> str:
    source: Any = field.get("source") or {}
    extract: Any = source.get("extract") or {} if is_json_object(source) else {}
    column = extract.get("column") if is_json_object(extract) else ""
    # In a context with a language, a text without language is an object.
    return str((column.get("@value") if is_json_object(column) else column) or "")


def _find_stored_code_columns(resource_id: str) -> set[str]:
    """Return the columns of an uploaded CSV file that have a number with a leading zero."""
    resource = model.Resource.get(resource_id)
    if resource is None or resource.url_type != "upload":
        return set()
    beginning = b""
    try:
        for block in resource_logic.read_file(resource) or ():
            beginning += block
            if len(beginning) >= SAMPLE:
                break
    except OSError:
        return set()
    return find_code_columns(beginning[:SAMPLE].decode("utf-8-sig", "replace"))


def find_code_columns(table: str) -> set[str]:
    """Return the columns of a CSV text that have a number with a leading zero (``0501``)."""
    first = table.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    rows = csv.reader(io.StringIO(table), delimiter=delimiter)
    names = next(rows, list[str]())
    found: set[str] = set()
    try:
        for row in rows:
            found |= {name for name, cell in zip(names, row, strict=False) if _CODE.fullmatch(cell)}
    except csv.Error:
        # The sample may end within a quoted cell, or the file is not a table.
        return found
    return found
