"""The second plugin: home page and theme of a site that is the catalogue of the marathons.

``marathon`` alone changes neither; see docs/architecture.md.
"""

from __future__ import annotations

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.common import CKANConfig


class MarathonSitePlugin(p.SingletonPlugin):
    """The plugin ``marathon_site``: wiring only."""

    p.implements(p.IConfigurer)

    # IConfigurer
    def update_config(self, config: CKANConfig) -> None:
        tk.add_template_directory(config, "site_templates")
        tk.add_resource("site_assets", "marathon_site")
