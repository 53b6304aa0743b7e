"""Whether the site is set up so that the marathon works on it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import urlsplit

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.cli.db import current_revision
from ckanext.dcat.utils import catalog_uri
from sqlalchemy.exc import OperationalError

from ckanext.marathon.logic.kept_iris import list_contested
from ckanext.marathon.logic.permissions import COORDINATING_BODY
from ckanext.marathon.operations import feed_history
from ckanext.marathon.operations.activity import count_unsafe, scrub
from ckanext.marathon.operations.condition import STATE_CHECKS
from ckanext.marathon.operations.description_check import check_descriptions
from ckanext.marathon.operations.finding import (
    Finding,
    Findings,
    make_bad,
    make_good,
    make_warning,
)
from ckanext.marathon.operations.mail_check import mail
from ckanext.marathon.operations.takedown_check import find_takedown_faults
from ckanext.marathon.search.types import DATASET, OTHER_TYPES

NEEDED = ("marathon", "scheming_datasets", "scheming_organizations", "dcat")
_PROFILE = "marathon"
# How many datasets are named.
_NAMED = 5


def examine() -> Iterator[Finding]:
    """Yield what each check finds; none stops at another one's fault."""
    for check in CHECKS:
        try:
            yield from check()
        except OperationalError:
            model.Session.rollback()
            yield make_bad(tk._("PostgreSQL stopped answering while this was being checked."))
            return


def plugins() -> Findings:
    """Check that what the plugin builds on is loaded, after it."""
    loaded = list(tk.config.get("ckan.plugins") or [])
    missing = [name for name in NEEDED if not p.plugin_loaded(name)]
    if missing:
        text = tk._("Add to ckan.plugins: {names}.")
        yield make_bad(text.format(names=", ".join(missing)))
        return
    first = loaded.index("marathon")
    before = [n for n in NEEDED if n in loaded and loaded.index(n) < first]
    if before:
        text = tk._("In ckan.plugins, marathon has to stand before {names}.")
        yield make_bad(text.format(names=", ".join(before)))
    else:
        yield make_good(tk._("The plugins are loaded in the right order."))


def tables() -> Findings:
    """Check that our tables are those of this version."""
    if _has_current_tables():
        yield make_good(tk._("The database has the tables of this version."))
    else:
        yield make_bad(tk._("Tables are missing. Run: ckan db upgrade -p marathon"))


def _has_current_tables() -> bool:
    return (current_revision("marathon") or "").endswith("(head)")


def schemas() -> Findings:
    """Check that forms and feeds follow our schemas and profile."""
    foreign = [name for name, used in _schemas_in_use() if not used]
    if foreign:
        text = tk._(
            "Other schemas than the marathon's are in use for: {names}. Compare "
            "scheming.dataset_schemas and scheming.organization_schemas with docs/installing.md."
        )
        yield make_bad(text.format(names=", ".join(foreign)))
    else:
        yield make_good(tk._("The marathon's schemas are in use."))
    if _PROFILE not in str(tk.config.get("ckanext.dcat.rdf.profiles") or "").split():
        yield make_warning(
            tk._("ckanext.dcat.rdf.profiles does not name marathon: the feeds lack the chain.")
        )


def _schemas_in_use() -> Iterator[tuple[str, bool]]:
    for package_type in (DATASET, *OTHER_TYPES):
        yield package_type, _is_ours("scheming_dataset_schema_show", package_type)
    yield "organization", _is_ours("scheming_organization_schema_show", "organization")


def _is_ours(action: str, type_: str) -> bool:
    try:
        schema = tk.get_action(action)({"ignore_auth": True}, {"type": type_})
    except (KeyError, tk.ObjectNotFound):
        return False
    return f"marathon_{type_}_rules" in (schema.get("after_validators") or "")


def base_uri() -> Findings:
    """Check that what is published has addresses that others can keep."""
    base = catalog_uri()
    host = urlsplit(base).hostname or ""
    if is_loopback(host):
        text = tk._(
            "IRIs start with {base}, an address of this machine alone. Set ckanext.dcat.base_uri "
            "before the first publication."
        )
        yield make_warning(text.format(base=base))
    elif not tk.config.get("ckanext.dcat.base_uri"):
        text = tk._(
            "IRIs start with {base}, taken from ckan.site_url. Set ckanext.dcat.base_uri, so that "
            "they stay when the site moves."
        )
        yield make_warning(text.format(base=base))
    else:
        yield make_good(tk._("IRIs start with {base}.").format(base=base))


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is one that only the machine itself reaches."""
    if not host or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def activities() -> Findings:
    """Check that no activity tells what is not public."""
    unsafe = count_unsafe()
    if unsafe:
        text = tk._(
            "Activities that show what is not public, or show it to too many: {count} or more. "
            "Run: ckan marathon activity scrub"
        )
        yield make_bad(text.format(count=unsafe), _scrub_activities)
    else:
        yield make_good(tk._("The activities show nothing that is not public."))


def _scrub_activities() -> str:
    done = scrub()
    return tk._("{count} activities were put right.").format(count=done.data + done.labels)


def kept_iris() -> Findings:
    """Check that each dataset that came with an IRI from elsewhere is published under it."""
    if not _has_current_tables():
        # Another check says so.
        return
    contested = list_contested()
    for record in contested[:_NAMED]:
        text = (
            tk._(
                "The dataset {name} names in its field uri the IRI {iri}, which {holder} has: it "
                "is published under an IRI of this site, and portals list both. If it was "
                "harvested twice, delete {name} and one of the two sources; if somebody typed the "
                "IRI in, take it out of the field."
            )
            if record.is_listed_twice
            else tk._(
                "The dataset {name} names in its field uri the IRI {iri}, which {holder} has, and "
                "{holder} is not public: {name} alone is listed, under an IRI of this site. Before "
                "{holder} is published, delete one of the two, or take the IRI out of its field."
            )
        )
        yield make_warning(text.format(name=record.name, iri=record.iri, holder=record.holder))
    if len(contested) > _NAMED:
        text = tk._("Further datasets whose IRI another one has: {count}.")
        yield make_warning(text.format(count=len(contested) - _NAMED))


def people() -> Findings:
    """Check that somebody coordinates, and who may do so by themselves."""
    role = cast(Any, model.Group).extras["role"].astext
    query = sa.select(sa.func.count()).where(
        model.Group.state == model.State.ACTIVE, role == COORDINATING_BODY
    )
    if not model.Session.scalar(query):
        yield make_warning(
            tk._(
                "No organisation has the role of coordinating body; a system administrator sets it."
            )
        )
    if tk.config.get("ckan.auth.user_create_organizations"):
        yield make_warning(
            tk._(
                "Everybody with an account may create organisations "
                "(ckan.auth.user_create_organizations)."
            )
        )
    if tk.config.get("ckan.auth.public_user_details"):
        yield make_warning(
            tk._("Everybody may see who the users are (ckan.auth.public_user_details).")
        )


def history() -> Findings:
    """Check that the feed's log has every change that portals were served."""
    if not _has_current_tables():
        # Another check says so.
        return
    texts = list(feed_history.describe_losses())
    yield from (make_warning(text) for text in texts)
    if not texts:
        yield make_good(
            tk._("The feed's log has every change that was served, as far as is known.")
        )


def takedowns() -> Findings:
    """Check that nothing is left or back of what was taken down."""
    faults = find_takedown_faults()
    yield from map(make_bad, faults)
    if not faults:
        yield make_good(tk._("Nothing is left of what was taken down."))


CHECKS: tuple[Callable[[], Findings], ...] = (
    plugins,
    tables,
    schemas,
    base_uri,
    *STATE_CHECKS,
    kept_iris,
    activities,
    mail,
    people,
    check_descriptions,
    history,
    takedowns,
)
