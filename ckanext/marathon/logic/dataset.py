"""Datasets: required fields, harvested copies, their IRIs, and Croissant.

Copies: nobody on this site can correct harvested data, and a refusal would leave the copy outdated
or missing. A value that its field refuses is stored as text in an extra (of ``rdf``).

IRIs: ckanext-dcat publishes any value of ``uri``. Here it is used only if server code saves with
``ignore_auth``, as harvesters do, or if a system administrator saves, in whose name harvests may
run; forms and API calls of officers cannot set it. ckanext-harvest's own tables do not decide:
harvesters write them at different moments, some after the save, and a site need not have them. And
only where the save brings it: a value that was stored already may have been typed in by an officer,
and does not become an IRI because somebody else saves the dataset later.

Croissant: a ``FileObject`` has a name, a ``contentUrl`` and a checksum, and the type of a column is
what a reader makes of its text. Source: MLCommons, "Croissant Format Specification" 1.0.
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
from ckanext.marathon.rdf.harvested import fit_dataset, take_up_extras
from ckanext.marathon.rdf.literals import make_moment
from ckanext.marathon.records import DATASET, OTHER_TYPES
from ckanext.marathon.visibility import filter_public


def read_requirements(owner_org: str, stored: model.Package | None) -> dataset.Requirements:
    """Return the required fields of a dataset.

    One that loses its organisation, as when that is deleted, must have what it had to have there.

    Args:
        owner_org: id or name of its organisation, ``""`` for none.
        stored: the dataset as it is, ``None`` for a new one.
    """
    reference = owner_org or (stored.owner_org if stored else "")
    return _of(_publisher(model.Group.get(reference)), stored)


def lacks_role(owner_org: str) -> bool:
    """Return whether an organisation (id or name) has neither a role nor a municipality's code."""
    organization = model.Group.get(owner_org)
    return organization is not None and not _publisher(organization).acts_as


def _publisher(organization: model.Group | None) -> dataset.Publisher:
    if organization is None:
        return dataset.Publisher()
    return dataset.Publisher(
        role=package.read_stored_text(organization, "role"),
        municipality_code=package.read_stored_text(organization, "municipality_code"),
        is_older=organization.created < dataset_model.read_installation_time(),
    )


def read_municipal_requirements() -> dataset.Requirements:
    """Return the required fields of a new dataset of a municipality, the strictest case."""
    return _of(dataset.Publisher(role=dataset.MUNICIPALITY), None)


def _of(publisher: dataset.Publisher, stored: model.Package | None) -> dataset.Requirements:
    setting = dataset.IdeaRequired(tk.config["ckanext.marathon.idea_required"])
    created = stored.metadata_created if stored else None
    exempt = dataset.is_dataset_exempt(created, dataset_model.read_installation_time(), setting)
    return dataset.find_requirements(publisher, exempt, setting)


_KEY = "marathon_is_copy"
# How ckanext-dcat and its harvesters name the record of which this is a copy.
_MARKS = frozenset({"guid", "uri"})


def is_copy(context: Context, data: Mapping[str, Any]) -> bool:
    """Return whether a dataset is a copy that a harvester of the site has made.

    It is sent in the site's own name, by a program that brings a schema along, as those of
    ckanext-harvest do, or with an extra that names the record it is a copy of.
    """
    extras = data.get("extras")
    rows = [extra for extra in extras if is_json_object(extra)] if is_json_list(extras) else []
    is_marked = any(row.get("key") in _MARKS and row.get("value") for row in rows)
    return bool(context.get("ignore_auth")) and bool(is_marked or context.get("schema"))


def is_saving_copy(context: Context) -> bool:
    """Return whether the dataset that is being saved was recognised as a harvested copy."""
    return bool(cast(dict[str, Any], context).get(_KEY))


def fit_sent_dataset(context: Context, data: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Move extras into the fields whose names they have; make a copy fit the fields.

    Args:
        context: gets a notice of what was set aside.
        data: of a dataset, whose lists are lists of objects; is changed.
        schema: of the dataset.
    """
    if data.get("type", DATASET) != DATASET:
        return
    own = cast(dict[str, Any], context)
    own[_KEY] = is_copy(context, data)
    rest = fit_dataset(data, schema) if own[_KEY] else take_up_extras(data, schema)
    message = tk._("“{value}” is kept as {name}: the field takes no such value")
    for name, texts in rest.items():
        for text in texts:
            messages.add_notice(context, message.format(value=quote_value(text), name=name))


FIELD = "uri"
# In the context of a save: id → ``uri`` of the dataset and its resources before.
_BEFORE = "marathon_uris_before"
# What names something; not what a browser would run or open.
_SCHEMES = ("http:", "https:", "urn:", "ftp:", "doi:", "hdl:", "ark:", "info:", "tag:", "oid:")


def remember_stored_iris(context: Context, package: model.Package | None) -> None:
    """Remember, before a save, which IRIs are stored."""
    cast(dict[str, Any], context)[_BEFORE] = _stored(package) if package is not None else {}


def store_foreign_iris(context: Context, package: model.Package) -> None:
    """Write down the IRIs that a save brings, in its transaction.

    What another dataset has is left to it: this one is then published under its own IRI, and the
    answer says so, as it does of what names nothing elsewhere.
    """
    before: Mapping[str, str] = cast(dict[str, Any], context).get(_BEFORE) or {}
    if package.type in OTHER_TYPES or not _is_trusted(context):
        return
    model.Session.flush()
    for thing, given in _stored(package).items():
        if given == before.get(thing):
            continue
        iri = read_foreign_iri(given)
        if iri is None or not dataset_model.take_iri(iri, thing, package.id):
            _note_unused(context, package, thing, given, iri)


def _note_unused(
    context: Context, package: model.Package, thing: str, given: str, iri: str | None
) -> None:
    """Add a notice about why a record is not published under the IRI that was sent."""
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
    if thing in files:
        key = ("resources", resource_logic.read_sent_number(context, files.index(thing)), FIELD)
    messages.add_notice_at(
        context, key, package.type, message.format(value=f"“{quote_value(given)}”")
    )


class ContestedIri(NamedTuple):
    """A dataset that is published under our IRI, because another record has the one it names.

    Attributes:
        name: of the dataset.
        iri: that it names.
        holder: name of the dataset that has it, itself or one of its files.
        is_listed_twice: whether the holder is public too, so that portals list both.
    """

    name: str
    iri: str
    holder: str
    is_listed_twice: bool


def list_contested_iris() -> list[ContestedIri]:
    """Return the public datasets that name, in ``uri``, an IRI that another record has.

    Two harvests may bring the same dataset; an officer may have typed in the IRI of a harvested
    one. Which of the two it was is not known afterwards.
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
    """Return a value of ``uri`` as the IRI of something elsewhere, ``None`` if it cannot be one.

    One that is valid stays as it is, character by character. In our own name nobody else speaks.
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


def _stored(package: model.Package) -> dict[str, str]:
    """Return id → ``uri`` of a dataset and its resources."""
    given = {package.id: package.extras}
    given |= {resource.id: resource.extras for resource in package.resources}
    return {
        thing: uri
        for thing, extras in given.items()
        if isinstance(uri := (extras or {}).get(FIELD), str) and uri
    }


# Of what Croissant knows.
ALGORITHMS = frozenset({"md5", "sha256"})
# As ckanext-dcat's context shortens https://schema.org/Text.
TEXT = "Text"
# Bytes of a table that are looked at for codes.
SAMPLE = 2**20
_CODE = re.compile(r"\s*0[0-9]+\s*")


def prepare_croissant(dataset: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a dataset with the files that Croissant can have.

    Those are the files that the site holds. Of a link nobody here knows the bytes: it has no
    checksum, and readers refuse the whole dataset where a file lacks one.

    Args:
        dataset: as ``package_show`` gives it; not changed, which ckanext-dcat's profile would do.
    """
    prepared = copy.deepcopy(dataset)
    prepared["notes"] = prepared.get("notes") or prepared.get("title") or prepared["name"]
    resources: list[dict[str, Any]] = prepared.get("resources") or []
    prepared["resources"] = [found for resource in resources if (found := _file(resource))]
    return prepared


def _file(resource: dict[str, Any]) -> dict[str, Any] | None:
    checksum = read_checksum(resource)
    is_held = resource.get("url_type") == "upload"
    if not is_held or checksum is None or checksum.algorithm not in ALGORITHMS:
        return None
    name = unquote(urlsplit(resource.get("url") or "").path.rpartition("/")[2])
    return {
        **resource,
        "name": resource.get("name") or name or resource["id"],
        # By the number of digits the profile tells which it is.
        "hash": checksum.digits,
    }


# What only Croissant says, and what its readers want in its own words.
_OF_CROISSANT = frozenset({"@context", "@id", "@type"})
# Times, whose form says whether they are days, months or years.
_TIMES = frozenset({"datePublished", "dateModified"})
# What schema.org says of a dataset or file, and Croissant as ckanext-dcat writes it may too.
_OF_DATASET = frozenset(
    {"about", "creator", "keywords", "inLanguage", "license", "publisher", "spatialCoverage"}
    | {"temporalCoverage", "version", *_TIMES}
)
_OF_FILE = frozenset({"contentSize", "encodingFormat", "description", "license", *_TIMES})


def update_croissant(written: str, described: Mapping[str, Any]) -> str:
    """Return Croissant with the values of our schema.org description of the dataset.

    ckanext-dcat's Croissant has the stored values: Markdown, the licence of CKAN's register, no
    statement of rights. Properties missing in our description are removed.

    Args:
        written: JSON, as ckanext-dcat writes it.
        described: from ``feeds.schema_org``; if empty, nothing is changed.
    """
    if not described:
        return written
    document = json.loads(written)
    files = {file["@id"]: file for file in _listed(document.get("distribution"))}
    told = {name: value for name, value in described.items() if name not in _OF_CROISSANT}
    shown = [file for file in told.pop("distribution", []) if file["@id"] in files]
    for name in _OF_DATASET - told.keys():
        document.pop(name, None)
    # Croissant requires one.
    told.setdefault("creator", told.get("publisher") or [])
    # A short one is made longer for search engines alone.
    own = document.get("description")
    if is_json_object(own) and (words := strip_markup(str(own.get("@value") or ""))):
        told["description"] = words
    document |= {name: _stated(name, value) for name, value in told.items() if value}
    if shown:
        document["distribution"] = [_with(files[file["@id"]], file) for file in shown]
    return _dumped(document)


def _with(file: dict[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in file.items() if name not in _OF_FILE}
    found = {name: value for name, value in told.items() if name not in _OF_CROISSANT}
    return kept | {name: _stated(name, value) for name, value in found.items()}


def _stated(name: str, value: Any) -> Any:
    """Return a value as expanded JSON-LD has it: the context gives a language to bare texts."""
    if is_json_list(value):
        return [_stated(name, item) for item in value]
    if is_json_object(value):
        return {
            key: item if key.startswith("@") else _stated(key, item) for key, item in value.items()
        }
    if not isinstance(value, str):
        return value
    time = make_moment(value) if name in _TIMES else None
    kind = {"@type": str(time.datatype)} if time is not None else {}
    return {**kind, "@value": value}


def _dumped(document: dict[str, Any]) -> str:
    """Return JSON for a script of a page: nothing in it can end the script."""
    text = json.dumps(document, sort_keys=True, indent=4)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def keep_codes_as_text(written: str) -> str:
    """Return Croissant in which columns with codes like ``0501`` are text.

    The DataStore may have taken them for numbers; a reader of the file that did so would lose the
    zero, by which a municipality is known.

    Args:
        written: JSON, as ckanext-dcat writes it; returned as it is where nothing is wrong.
    """
    document = json.loads(written)
    changed = False
    for records in _listed(document.get("recordSet")):
        resource_id = str(records.get("@id", "")).rpartition("/records")[0].rpartition("/")[2]
        fields = _listed(records.get("field"))
        if not any(field.get("dataType") not in (TEXT, None) for field in fields):
            continue
        codes = _columns_of_codes(resource_id)
        for field in fields:
            if _column(field) in codes and field.get("dataType") != TEXT:
                field["dataType"], changed = TEXT, True
    if not changed:
        return written
    return _dumped(document)


def _listed(value: Any) -> list[dict[str, Any]]:
    rows = value if is_json_list(value) else [value]
    return [row for row in rows if is_json_object(row)]


def _column(field: dict[str, Any]) -> str:
    source: Any = field.get("source") or {}
    extract: Any = source.get("extract") or {} if is_json_object(source) else {}
    column = extract.get("column") if is_json_object(extract) else ""
    # A context with a language makes an object of each text that has none.
    return str((column.get("@value") if is_json_object(column) else column) or "")


def _columns_of_codes(resource_id: str) -> set[str]:
    """Return the columns of an uploaded CSV file in which a number begins with a zero."""
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
    """Return the columns of a CSV text in which a number begins with a zero (``0501``)."""
    first = table.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    rows = csv.reader(io.StringIO(table), delimiter=delimiter)
    names = next(rows, list[str]())
    found: set[str] = set()
    try:
        for row in rows:
            found |= {name for name, cell in zip(names, row, strict=False) if _CODE.fullmatch(cell)}
    except csv.Error:
        # The sample may end within a quoted cell, or the file be no table.
        return found
    return found
