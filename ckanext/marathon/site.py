"""The second plugin: home page and theme of a site that is the catalogue of the marathons.

``marathon`` alone changes neither; see docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.common import CKANConfig
from ckan.config.declaration import Declaration, Key
from ckan.exceptions import CkanConfigurationException
from flask import Blueprint

from ckanext.marathon.helpers import collect_site_helpers
from ckanext.marathon.views.home import home, map_
from ckanext.marathon.views.security_headers import MODE

# Unless the site's own configuration says otherwise.
DEFAULTS = {
    # By default CKAN tells a company abroad, by a hash of the e-mail address, who is logged in.
    "ckan.gravatar_default": "disabled",
    # A site whose theme is ours knows what its pages load.
    MODE: "enforce",
    "ckanext.marathon.protect_accounts": "true",
    "ckanext.marathon.rate_limits": "true",
}


class MarathonSitePlugin(p.SingletonPlugin):
    """The plugin ``marathon_site``: wiring only."""

    p.implements(p.IConfigDeclaration)
    p.implements(p.IConfigurer)
    p.implements(p.IBlueprint)
    p.implements(p.ITemplateHelpers)

    # IConfigDeclaration
    def declare_config_options(self, declaration: Declaration, key: Key) -> None:
        for name, value in DEFAULTS.items():
            tk.config.setdefault(name, value)

    # IConfigurer
    def update_config(self, config: CKANConfig) -> None:
        if "marathon" not in tk.aslist(config["ckan.plugins"]):
            raise CkanConfigurationException(
                "ckan.plugins: marathon_site needs marathon, and stands before it"
            )
        tk.add_template_directory(config, "site_templates")
        tk.add_resource("site_assets", "marathon_site")

    # IBlueprint
    def get_blueprint(self) -> list[Blueprint]:
        return [home, map_]

    # ITemplateHelpers
    def get_helpers(self) -> dict[str, Callable[..., Any]]:
        return collect_site_helpers()
