"""Wiring only: the functions of the other modules that implement CKAN's interfaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import yaml
from ckan import model
from ckan.common import CKANConfig
from ckan.config.declaration import Declaration, Key
from ckan.exceptions import CkanConfigurationException
from ckan.lib.plugins import DefaultPermissionLabels, DefaultTranslation
from ckan.types import (
    CKANApp,
    Context,
    PFeedFactory,
    PResourceUploader,
    PUploader,
    SignalMapping,
)
from ckanext.dcat.interfaces import IDCATURIGenerator
from flask import Blueprint

from ckanext.marathon import visibility
from ckanext.marathon.feeds import port
from ckanext.marathon.feeds import source as source_feeds
from ckanext.marathon.helpers import collect_helpers, collect_site_helpers
from ckanext.marathon.logic import (
    activity,
    package,
    permissions,
    personal_data,
    redacting,
    reindex,
    resource,
    saving,
)
from ckanext.marathon.logic.action import collect_actions
from ckanext.marathon.logic.auth import collect_auth_functions
from ckanext.marathon.logic.validators import collect_validators
from ckanext.marathon.model import datastore
from ckanext.marathon.operations import feed_job, health
from ckanext.marathon.search import connection, query
from ckanext.marathon.views import collect_blueprints, workarounds
from ckanext.marathon.views.account import (
    bind_session,
    count_failed_login,
    end_sessions,
    send_reset_link_later,
)
from ckanext.marathon.views.errors import watch_pages
from ckanext.marathon.views.file_page import read_file_page
from ckanext.marathon.views.home import home, map_
from ckanext.marathon.views.outage import HealthMiddleware
from ckanext.marathon.views.rate_limit import check_settings
from ckanext.marathon.views.record_page import read_organization_page, read_record_page
from ckanext.marathon.views.security_headers import MODE, SOURCES, parse_sources

# Settings of other plugins, used unless the site's own configuration has them. Set while options
# are declared: scheming reads its settings before our ``update_config`` is called.
DEFAULTS = {
    "scheming.presets": (
        "ckanext.scheming:presets.json ckanext.dcat.schemas:presets.yaml "
        "ckanext.marathon.schemas:presets.yaml"
    ),
    "scheming.dataset_schemas": " ".join(
        f"ckanext.marathon.schemas:{name}.yaml"
        for name in ("dataset", "workshop", "idea", "commitment")
    ),
    "scheming.organization_schemas": "ckanext.marathon.schemas:organization.yaml",
    "ckanext.dcat.rdf.profiles": "marathon",
    # Otherwise everybody could list the files of private datasets.
    "ckan.datastore.public_table_search": "",
    # Uploads of other types are downloaded, not shown (docs/security.md).
    "ckan.files.inline_content_types": (
        "image/png image/jpeg image/gif image/webp application/pdf text/plain"
    ),
}

# Files that a site's own list must contain; only our schema of datasets may be replaced.
INDISPENSABLE = {
    "scheming.presets": ["ckanext.marathon.schemas:presets.yaml"],
    "scheming.dataset_schemas": [
        f"ckanext.marathon.schemas:{name}.yaml" for name in ("workshop", "idea", "commitment")
    ],
}


def _collect_helpers() -> dict[str, Any]:
    return {
        **collect_helpers(),
        "marathon_record_page": read_record_page,
        "marathon_organization_page": read_organization_page,
        "marathon_file_page": read_file_page,
    }


@tk.blanket.actions(collect_actions)
@tk.blanket.auth_functions(collect_auth_functions)
@tk.blanket.validators(collect_validators)
@tk.blanket.helpers(_collect_helpers)
@tk.blanket.blueprints(collect_blueprints)
@tk.blanket.cli
class MarathonPlugin(p.SingletonPlugin, DefaultTranslation, DefaultPermissionLabels):
    """The plugin ``marathon``: schemas, rules, feeds, pages."""

    p.implements(p.IConfigDeclaration)
    p.implements(p.IConfigurer)
    p.implements(p.ITranslation)
    p.implements(p.IPackageController, inherit=True)
    p.implements(p.IOrganizationController, inherit=True)
    p.implements(p.IPermissionLabels)
    p.implements(p.IFacets, inherit=True)
    p.implements(p.IFeed, inherit=True)
    p.implements(p.ISignal)
    p.implements(p.INotifier, inherit=True)
    p.implements(p.IUploader, inherit=True)
    p.implements(p.IMiddleware, inherit=True)
    p.implements(IDCATURIGenerator, inherit=True)

    # IConfigDeclaration
    def declare_config_options(self, declaration: Declaration, key: Key) -> None:
        source = Path(__file__).with_name("config_declaration.yaml")
        declaration.load_dict(yaml.safe_load(source.read_text(encoding="utf-8")))
        for name, value in DEFAULTS.items():
            tk.config.setdefault(name, value)
        for name, files in INDISPENSABLE.items():
            missing = " ".join(file for file in files if file not in tk.config[name].split())
            if missing:
                # Otherwise scheming raises an error about an unknown preset.
                raise CkanConfigurationException(
                    f"{name}: add {missing} to your own list (docs/installing.md) / "
                    f"{name}: agregue {missing} a su propia lista"
                )

    # IConfigurer
    def update_config(self, config: CKANConfig) -> None:
        plugins = tk.aslist(config["ckan.plugins"])
        if "dcat" in plugins[: plugins.index("marathon")]:
            # Of two equal routes the first wins: /catalog would be the one of ckanext-dcat.
            raise CkanConfigurationException(
                "ckan.plugins: put marathon before dcat, which else answers for /catalog / "
                "ckan.plugins: ponga marathon antes de dcat"
            )
        try:
            parse_sources(config[SOURCES])
        except ValueError as error:
            raise CkanConfigurationException(
                f"{SOURCES}: “{error}” is no directive with its sources (docs/security.md) / "
                f"{SOURCES}: «{error}» no es una directiva con sus orígenes"
            ) from None
        health.check_servers()
        tk.add_template_directory(config, "templates")
        tk.add_resource("assets", "marathon")
        redacting.start_redacting()
        connection.use_connection()
        port.register_source(source_feeds)
        saving.start_steps()
        datastore.allow_start_on_full_disk()
        activity.patch_activity_filter()
        check_settings()

    # ITranslation
    def i18n_domain(self) -> str:
        return "ckanext-marathon"

    # IPackageController
    def after_dataset_create(self, context: Context, pkg_dict: dict[str, Any]) -> None:
        package.save_links_and_code(context, pkg_dict)
        resource.store_uploads(context, pkg_dict.get("resources", []))
        personal_data.record_confirmations(context, pkg_dict)

    def after_dataset_update(self, context: Context, pkg_dict: dict[str, Any]) -> None:
        package.save_links_and_code(context, pkg_dict)

    def after_dataset_show(self, context: Context, pkg_dict: dict[str, Any]) -> dict[str, Any]:
        return package.complete_shown_package(context, pkg_dict)

    def before_dataset_index(self, pkg_dict: dict[str, Any]) -> dict[str, Any]:
        reindex.note_beforehand(pkg_dict["id"])
        return reindex.add_need_to_index(pkg_dict)

    def before_dataset_search(self, search_params: dict[str, Any]) -> dict[str, Any]:
        return query.before_search(search_params)

    def after_dataset_search(
        self, search_results: dict[str, Any], search_params: dict[str, Any]
    ) -> dict[str, Any]:
        return query.after_search(search_results, search_params)

    # IOrganizationController
    def create(self, entity: model.Group) -> None:
        saving.assign_municipality_after_save(entity)

    def edit(self, entity: model.Group) -> None:
        saving.assign_municipality_after_save(entity)

    # IPermissionLabels
    def get_dataset_labels(self, dataset_obj: model.Package) -> list[str]:
        return visibility.add_coordination_label(
            dataset_obj, super().get_dataset_labels(dataset_obj)
        )

    def get_user_dataset_labels(self, user_obj: model.User) -> list[str]:
        return permissions.add_user_labels(user_obj, super().get_user_dataset_labels(user_obj))

    # IFacets
    def dataset_facets(self, facets_dict: dict[str, Any], package_type: str) -> dict[str, Any]:
        return query.list_facets(facets_dict, package_type)

    def organization_facets(
        self, facets_dict: dict[str, Any], organization_type: str, package_type: str | None
    ) -> dict[str, Any]:
        return query.list_facets(facets_dict, package_type or "dataset")

    # IFeed
    def get_feed_class(self) -> PFeedFactory:
        others = [
            plugin
            for plugin in p.PluginImplementations(p.IFeed)
            if not isinstance(plugin, MarathonPlugin)
        ]
        return workarounds.make_feed_class([plugin.get_feed_class() for plugin in others])

    # ISignal
    def get_signal_subscriptions(self) -> SignalMapping:
        on_dataset = {"sender": "dataset", "receiver": watch_pages}
        return {
            tk.signals.register_blueprint: [on_dataset],
            tk.signals.failed_login: [count_failed_login],
            tk.signals.user_logged_in: [bind_session],
            tk.signals.user_logged_out: [end_sessions],
        }

    # INotifier
    def notify_about_topic(
        self, notification_sent: bool, topic: str, details: dict[str, Any]
    ) -> bool:
        return notification_sent or send_reset_link_later(topic, details)

    # IUploader
    def get_resource_uploader(self, data_dict: dict[str, Any]) -> PResourceUploader | None:
        return resource.make_resource_uploader(data_dict)

    def get_uploader(self, upload_to: str, old_filename: str | None) -> PUploader | None:
        return resource.make_image_uploader(upload_to, old_filename)

    # IMiddleware
    def make_middleware(self, app: CKANApp, config: CKANConfig) -> CKANApp:
        app.wsgi_app = HealthMiddleware(app.wsgi_app)
        feed_job.ensure_feed_at_start()
        return app

    # IDCATURIGenerator. Otherwise ckanext-dcat would publish any value of ``uri``.
    def dataset_uri(self, dataset_dict: dict[str, Any], default_uri: str) -> str | None:
        return source_feeds.dataset_uri(dataset_dict)

    def resource_uri(self, resource_dict: dict[str, Any], default_uri: str) -> str | None:
        return source_feeds.resource_uri(resource_dict)


# Settings of the plugin ``marathon_site``, used unless the site's own configuration has them.
SITE_DEFAULTS = {
    # CKAN's default sends a hash of the user's e-mail address to Gravatar.
    "ckan.gravatar_default": "disabled",
    "ckan.auth.route_after_login": "marathon_desk.index",
    # With our theme all sources of the pages are known.
    MODE: "enforce",
    "ckanext.marathon.protect_accounts": "true",
    "ckanext.marathon.rate_limits": "true",
}


class MarathonSitePlugin(p.SingletonPlugin, DefaultTranslation):
    """The plugin ``marathon_site``: home page, theme and words of a site that is the catalogue.

    ``marathon`` alone changes neither; see docs/architecture.md.
    """

    p.implements(p.IConfigDeclaration)
    p.implements(p.IConfigurer)
    p.implements(p.ITranslation)
    p.implements(p.IBlueprint)
    p.implements(p.ITemplateHelpers)

    # IConfigDeclaration
    def declare_config_options(self, declaration: Declaration, key: Key) -> None:
        for name, value in SITE_DEFAULTS.items():
            tk.config.setdefault(name, value)

    # IConfigurer
    def update_config(self, config: CKANConfig) -> None:
        if "marathon" not in tk.aslist(config["ckan.plugins"]):
            raise CkanConfigurationException(
                "ckan.plugins: marathon_site needs marathon, and stands before it"
            )
        tk.add_template_directory(config, "site_templates")
        tk.add_resource("site_assets", "marathon_site")

    # ITranslation. The texts of CKAN itself in the words of this site (docs/words.md). CKAN lets
    # the catalogue of the later plugin win.
    def i18n_directory(self) -> str:
        return str(Path(__file__).with_name("site_i18n"))

    def i18n_domain(self) -> str:
        return "ckanext-marathon-site"

    # IBlueprint
    def get_blueprint(self) -> list[Blueprint]:
        return [home, map_]

    # ITemplateHelpers
    def get_helpers(self) -> dict[str, Callable[..., object]]:
        return collect_site_helpers()
