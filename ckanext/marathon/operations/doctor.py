"""Whether the site is set up so that the marathon works on it."""

from __future__ import annotations

import ipaddress
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast
from urllib.parse import urlsplit

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.cli.db import current_revision
from ckan.lib import search
from ckan.lib.mailer import _parse_smtp_server
from ckan.lib.redis import is_redis_available
from ckanext.dcat.utils import catalog_uri

from ckanext.marathon.logic.permissions import COORDINATING_BODY
from ckanext.marathon.operations.takedown_check import find_takedown_faults
from ckanext.marathon.search.types import DATASET, OTHER_TYPES

NEEDED = ("marathon", "scheming_datasets", "scheming_organizations", "dcat")
_PROFILE = "marathon"
_SECONDS = 5


class Health(Enum):
    """How serious a finding is: only ``BAD`` keeps the site from working."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """What a check found, in the reader's language."""

    health: Health
    text: str


Findings = Iterator[Finding]


def examine() -> Iterator[Finding]:
    """Yield what each check finds; none stops at another one's fault."""
    for check in CHECKS:
        yield from check()


def _good(text: str) -> Finding:
    return Finding(Health.GOOD, text)


def _warning(text: str) -> Finding:
    return Finding(Health.WARNING, text)


def _bad(text: str) -> Finding:
    return Finding(Health.BAD, text)


def plugins() -> Findings:
    """Check that what the plugin builds on is loaded, after it."""
    loaded = list(tk.config.get("ckan.plugins") or [])
    missing = [name for name in NEEDED if not p.plugin_loaded(name)]
    if missing:
        text = tk._("Add to ckan.plugins: {names}.")
        yield _bad(text.format(names=", ".join(missing)))
        return
    first = loaded.index("marathon")
    before = [n for n in NEEDED if n in loaded and loaded.index(n) < first]
    if before:
        text = tk._("In ckan.plugins, marathon has to stand before {names}.")
        yield _bad(text.format(names=", ".join(before)))
    else:
        yield _good(tk._("The plugins are loaded in the right order."))


def tables() -> Findings:
    """Check that our tables are those of this version."""
    revision = current_revision("marathon")
    if (revision or "").endswith("(head)"):
        yield _good(tk._("The database has the tables of this version."))
    else:
        yield _bad(tk._("Tables are missing. Run: ckan db upgrade -p marathon"))


def schemas() -> Findings:
    """Check that forms and feeds follow our schemas and profile."""
    foreign = [name for name, used in _schemas_in_use() if not used]
    if foreign:
        text = tk._(
            "Other schemas than the marathon's are in use for: {names}. Compare "
            "scheming.dataset_schemas and scheming.organization_schemas with docs/installing.md."
        )
        yield _bad(text.format(names=", ".join(foreign)))
    else:
        yield _good(tk._("The marathon's schemas are in use."))
    if _PROFILE not in str(tk.config.get("ckanext.dcat.rdf.profiles") or "").split():
        yield _warning(
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
        yield _warning(text.format(base=base))
    elif not tk.config.get("ckanext.dcat.base_uri"):
        text = tk._(
            "IRIs start with {base}, taken from ckan.site_url. Set ckanext.dcat.base_uri, so that "
            "they stay when the site moves."
        )
        yield _warning(text.format(base=base))
    else:
        yield _good(tk._("IRIs start with {base}.").format(base=base))


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is one that only the machine itself reaches."""
    if not host or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def solr() -> Findings:
    """Check that search works and knows everything."""
    if not search.is_available():
        yield _bad(tk._("Solr cannot be reached at solr_url: nothing can be saved or found."))
        return
    found = tk.get_action("package_search")(
        {"ignore_auth": True}, {"fq": "+state:active", "include_private": True, "rows": 0}
    )
    query = sa.select(sa.func.count()).where(model.Package.state == model.State.ACTIVE)
    stored = model.Session.scalar(query)
    if found["count"] == stored:
        yield _good(tk._("Solr answers and has all {count} records.").format(count=stored))
    else:
        text = tk._("Solr has {found} of {stored} records. Run: ckan search-index rebuild")
        yield _warning(text.format(found=found["count"], stored=stored))


def redis() -> Findings:
    """Check that sessions and background jobs have their store."""
    if is_redis_available():
        yield _good(tk._("Redis answers."))
    else:
        yield _bad(tk._("Redis cannot be reached at ckan.redis.url."))


def mail() -> Findings:
    """Check that invitations can be mailed."""
    server = tk.config.get("smtp.server") or ""
    if not server:
        yield _warning(
            tk._("No mail server (smtp.server): invitations give a link to hand over instead.")
        )
        return
    host, port = _parse_smtp_server(server)
    try:
        with smtplib.SMTP(host or "", port, timeout=_SECONDS):
            pass
    except OSError:
        text = tk._(
            "The mail server {server} does not answer: invitations give a link to hand over "
            "instead."
        )
        yield _warning(text.format(server=server))
    else:
        yield _good(tk._("The mail server {server} answers.").format(server=server))
    if not tk.config.get("smtp.mail_from"):
        text = tk._(
            "smtp.mail_from is not set: no mail can be sent, and a forgotten password ends in an "
            "error of the server. Set it to the address that mails come from."
        )
        yield _warning(text)


def people() -> Findings:
    """Check that somebody coordinates, and who may do so by themselves."""
    role = cast(Any, model.Group).extras["role"].astext
    query = sa.select(sa.func.count()).where(
        model.Group.state == model.State.ACTIVE, role == COORDINATING_BODY
    )
    if not model.Session.scalar(query):
        yield _warning(
            tk._(
                "No organisation has the role of coordinating body; a system administrator sets it."
            )
        )
    if tk.config.get("ckan.auth.user_create_organizations"):
        yield _warning(
            tk._(
                "Everybody with an account may create organisations "
                "(ckan.auth.user_create_organizations)."
            )
        )
    if tk.config.get("ckan.auth.public_user_details"):
        yield _warning(tk._("Everybody may see who the users are (ckan.auth.public_user_details)."))


def takedowns() -> Findings:
    """Check that nothing is left or back of what was taken down."""
    faults = find_takedown_faults()
    yield from map(_bad, faults)
    if not faults:
        yield _good(tk._("Nothing is left of what was taken down."))


CHECKS: tuple[Callable[[], Findings], ...] = (
    plugins,
    tables,
    schemas,
    base_uri,
    solr,
    redis,
    mail,
    people,
    takedowns,
)
