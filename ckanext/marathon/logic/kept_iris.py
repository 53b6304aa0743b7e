"""Which saves bring the IRI that a dataset has in the catalogue that it comes from.

ckanext-dcat publishes whatever stands in ``uri``, whoever typed it in. Here it counts only where
code of the server saves in its own name (``ignore_auth``), as harvesters do, or a system
administrator, in whose name harvests may run; no form and no call of an officer can say that of
itself. ckanext-harvest's own tables do not decide: harvesters write them at different moments,
some after the save, and a site need not have them.

And only where the save brings it: a value that was stored already may have been typed in by an
officer, and does not become an IRI because somebody else saves the dataset later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import ckan.plugins.toolkit as tk
import pyoxigraph
import sqlalchemy as sa
from ckan import authz, model
from ckan.types import Context
from sqlalchemy.orm import aliased

from ckanext.marathon.domain.texts import quote_value
from ckanext.marathon.feeds import keys
from ckanext.marathon.logic import notices, sent_files
from ckanext.marathon.model import dataset
from ckanext.marathon.rdf.iri import Site, make_web_iri
from ckanext.marathon.records.record import OTHER_TYPES
from ckanext.marathon.visibility import filter_public

FIELD = "uri"
# In the context of a save: id → ``uri`` of the dataset and its resources before.
_BEFORE = "marathon_uris_before"
# What names something; not what a browser would run or open.
_SCHEMES = ("http:", "https:", "urn:", "ftp:", "doi:", "hdl:", "ark:", "info:", "tag:", "oid:")


def note_before(context: Context, package: model.Package | None) -> None:
    """Remember, before a save, which IRIs are stored."""
    cast(dict[str, Any], context)[_BEFORE] = _stored(package) if package is not None else {}


def keep_brought(context: Context, package: model.Package) -> None:
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
        iri = name_of(given)
        if iri is None or not dataset.take_iri(iri, thing, package.id):
            _note_unused(context, package, thing, given, iri)


def _note_unused(
    context: Context, package: model.Package, thing: str, given: str, iri: str | None
) -> None:
    """Say why a record is not published under the IRI that was sent for it."""
    if iri is not None:
        message = tk._("another record has {value}, so that this one is published under its own")
    elif _is_ours(given.strip(), keys.site()):
        message = tk._("{value} is an address of this site, which gives its records their own")
    else:
        message = tk._(
            "{value} is no IRI under which something is known elsewhere, so that the record is "
            "published under its own"
        )
    files = [each.id for each in package.resources]
    key: tuple[str | int, ...] = (FIELD,)
    if thing in files:
        key = ("resources", sent_files.number_of(context, files.index(thing)), FIELD)
    notices.add_at(context, key, package.type, message.format(value=f"“{quote_value(given)}”"))


class Contested(NamedTuple):
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


def list_contested() -> list[Contested]:
    """Return the public datasets that name, in ``uri``, an IRI that another record has.

    Two harvests may bring the same dataset; an officer may have typed in the IRI of a harvested
    one. Which of the two it was is not known afterwards.
    """
    table, kept = model.Package, dataset.KeptIri
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
    site = keys.site()
    named = {
        row.name: iri
        for row in model.Session.execute(query)
        if (iri := name_of(row.uri, site)) is not None
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
        Contested(name, iri, holders[iri].name, holders[iri].is_public)
        for name, iri in named.items()
        if iri in holders and holders[iri].name != name
    ]


def name_of(given: str, site: Site | None = None) -> str | None:
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
    return None if not text or _is_ours(text, site or keys.site()) else text


def _is_ours(text: str, site: Site) -> bool:
    return f"{text}/".startswith((f"{site.base}/", f"{site.vocabulary}/"))


def _is_trusted(context: Context) -> bool:
    return bool(context.get("ignore_auth")) or authz.is_sysadmin(context.get("user"))


def _stored(package: model.Package) -> dict[str, str]:
    """Return id → ``uri`` of a dataset and its resources."""
    given = {package.id: package.extras}
    given |= {each.id: each.extras for each in package.resources}
    return {
        thing: uri
        for thing, extras in given.items()
        if isinstance(uri := (extras or {}).get(FIELD), str) and uri
    }
