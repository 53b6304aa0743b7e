"""Writes the site's configuration.

``generated.ini`` is written at every start; ``ckan.ini`` is written once, builds on it, and belongs
to whoever runs the site: what it says wins.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from stack.disk import SAVES_NEED_MEGABYTES
from stack.paths import Layout, write_secret
from stack.postgres import binaries
from stack.settings import Settings

PLUGINS = (
    "marathon_site marathon activity scheming_datasets scheming_organizations dcat "
    "structured_data croissant"
)

ABOUT = (
    "Este es el catálogo de los maratones de ideas municipales de Guatemala. En un maratón, la "
    "municipalidad, la sociedad civil y la ciudadanía se reúnen, nombran los problemas de sus "
    "servicios y proponen ideas. Cada idea necesita datos: aquí están los que se publican para "
    "ella, junto con el municipio, el taller y el problema de los que vienen. Los registros "
    "marcados como ejemplo no son reales: muestran cómo funciona el sitio. Los programas "
    "encuentran todo el catálogo en [DCAT](/catalog.ttl) y en la [API](/api/3)."
)

OWN = """\
# Yours to edit; it is never written again. What stands here wins over generated.ini.
# Restart (`make stop`, `make run`) after a change.
[app:main]
use = config:generated.ini

# The base of all IRIs. Set it to the site's lasting public address before the first portal
# harvests: portals keep the IRIs for good.
# ckanext.dcat.base_uri = https://datos.example.gt

# Mail, for invitations and password resets:
# smtp.server = mail.example.gt:587
# smtp.starttls = true
# smtp.user =
# smtp.password =
# smtp.mail_from = datos@example.gt
# Who is told of errors, and whom portals can ask:
# email_to = soporte@example.gt
# error_email_from = datos@example.gt
"""

SESSION_SECONDS = str(12 * 3600)

LOGGING = """
[loggers]
keys = root, ckan, ckanext

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = WARNING
handlers = console

[logger_ckan]
level = INFO
handlers = console
qualname = ckan
propagate = 0

[logger_ckanext]
level = INFO
handlers = console
qualname = ckanext
propagate = 0

[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic

[formatter_generic]
format = %(asctime)s %(levelname)-5.5s [%(name)s] %(message)s
"""


@dataclass(frozen=True)
class Addresses:
    """Where the site's servers are, our own or others."""

    database: str
    redis: str
    solr: str
    solr_user: str
    solr_password: str


def write(layout: Layout, settings: Settings, addresses: Addresses) -> Path:
    """Write the configuration.

    Returns:
        the path of ``ckan.ini``.
    """
    kept = _kept(layout, settings)
    is_secure = str(settings.public_url.startswith("https:")).lower()
    options = {
        "use": "egg:ckan",
        "SECRET_KEY": kept["secret"],
        "WTF_CSRF_SECRET_KEY": kept["csrf_secret"],
        "api_token.jwt.encode.secret": f"string:{kept['token_secret']}",
        "api_token.jwt.decode.secret": f"string:{kept['token_secret']}",
        "sqlalchemy.url": addresses.database,
        "ckan.redis.url": addresses.redis,
        "solr_url": addresses.solr,
        "solr_user": addresses.solr_user,
        "solr_password": addresses.solr_password,
        "ckan.site_id": "marathon",
        "ckan.site_url": settings.public_url,
        "ckan.site_title": "Maratones de ideas",
        "ckan.site_about": ABOUT,
        "ckan.plugins": PLUGINS,
        # CKAN's default names views whose plugins are not loaded and complains at each upload.
        "ckan.views.default_views": "",
        "ckan.storage_path": str(layout.site / "storage"),
        # The servers' data are on the same disk.
        "ckanext.marathon.disk_path": str(layout.root),
        "ckanext.marathon.disk_free_mb": str(SAVES_NEED_MEGABYTES),
        "ckanext.marathon.heartbeats": str(layout.heartbeats),
        # Newer client programs work with older servers, so they also serve one that is not ours.
        "ckanext.marathon.postgres_programs": str(binaries()),
        "ckanext.marathon.backup_files": "\n  ".join(
            str(layout.site / name) for name in ("kept.json", "logins.json")
        ),
        "ckan.locale_default": "es",
        "ckan.locale_order": "es en",
        "ckan.locales_offered": "es en",
        # Officers get their accounts, and municipalities their organisations, from the
        # coordinating body.
        "ckan.auth.create_user_via_web": "false",
        "ckan.auth.user_create_organizations": "false",
        "ckan.auth.user_delete_organizations": "false",
        "ckan.auth.user_create_groups": "false",
        "ckan.auth.public_user_details": "false",
        "ckanext.dcat.base_uri": kept["base_uri"],
        # Cookies that no script reads and that no other site's form sends; twelve hours, where
        # CKAN has a year.
        "SESSION_COOKIE_HTTPONLY": "true",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": is_secure,
        "PERMANENT_SESSION_LIFETIME": SESSION_SECONDS,
        "REMEMBER_COOKIE_HTTPONLY": "true",
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": is_secure,
        "REMEMBER_COOKIE_DURATION": SESSION_SECONDS,
        # CKAN's mailer breaks without one, also where no mail server is there to refuse.
        "smtp.mail_from": f"no-responder@{settings.hostname}",
    }
    lines = [f"{name} = {value.replace('%', '%%')}" for name, value in options.items()]
    text = "[app:main]\n" + "\n".join(lines) + "\n" + LOGGING
    write_secret(layout.site / "generated.ini", text)
    (layout.site / "storage").mkdir(exist_ok=True, mode=0o700)
    own = layout.site / "ckan.ini"
    if not own.exists():
        write_secret(own, OWN)
    return own


def _kept(layout: Layout, settings: Settings) -> dict[str, str]:
    """Return what is decided at the first start and must not change: secrets, the IRIs' base."""
    path = layout.site / "kept.json"
    if not path.exists():
        chosen = {name: secrets.token_urlsafe(32) for name in _SECRETS}
        write_secret(path, json.dumps({**chosen, "base_uri": settings.public_url}, indent=1))
    return json.loads(path.read_text(encoding="utf-8"))


_SECRETS = ("secret", "csrf_secret", "token_secret")
