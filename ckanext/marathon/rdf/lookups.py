"""The one place of this room that asks CKAN: settings, neighbours, the catalogue's own facts.

Each thing is asked for once a request. Neighbours are asked for as a visitor would, so that only
what is public itself is mentioned in public.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.types import Context
from ckanext.dcat.utils import dataset_uri, resource_uri
from flask import g, has_request_context

from ckanext.marathon.domain.dataset import COORDINATING_BODY
from ckanext.marathon.records.base import Record, read_record
from ckanext.marathon.records.dataset import Dataset
from ckanext.marathon.records.idea import Idea
from ckanext.marathon.records.organization import Organization
from ckanext.marathon.records.package import PackageRecord
from ckanext.marathon.records.values import list_rows
from ckanext.marathon.records.workshop import Workshop

from .facts import CatalogueFacts, Facts, Row
from .iri import web
from .site_types import select_site_profiles
from .uris import Site

__all__ = ["CATALOG_LICENCE", "Lookups", "site", "site_profiles"]

CATALOG_LICENCE = "ckanext.marathon.catalog_license"


def site() -> Site:
    """Return where IRIs start, from the settings.

    ``ckanext.dcat.base_uri`` (else ``ckan.site_url``) and
    ``ckanext.marathon.vocabulary_base_uri`` (else ``vocabulary`` under the former).
    """
    host = _address(tk.config.get("ckan.site_url")) or "http://localhost"
    # A site below a path (``/datos/{{LANG}}``) serves its pages there.
    root = str(tk.config.get("ckan.root_path") or "").replace("/{{LANG}}", "").rstrip("/")
    url = _address(host + root) or host
    base = _address(tk.config.get("ckanext.dcat.base_uri")) or host
    vocabulary = _address(tk.config.get("ckanext.marathon.vocabulary_base_uri"))
    language, *others = dict.fromkeys(each.partition("_")[0].lower() for each in _languages())
    return Site(
        base=base,
        vocabulary=vocabulary or f"{base}/vocabulary",
        url=url,
        language=language,
        others=tuple(others),
    )


def site_profiles() -> list[str]:
    """Return the profiles of ckanext-dcat that the site has for its own dataset types."""
    return select_site_profiles(tk.config.get("ckanext.dcat.rdf.profiles"))


class Lookups:
    """What the graphs of one answer need to know of CKAN."""

    def __init__(
        self, found: dict[tuple[str, str], Any] | None = None, site: Site | None = None
    ) -> None:
        self._found = {} if found is None else found
        self._site = site

    @classmethod
    def of_this_request(cls, site: Site | None = None) -> Lookups:
        """Return look-ups that share their memory with the others of this request.

        Args:
            site: where IRIs start; by default where the settings say.
        """
        if not has_request_context():
            return cls(site=site)
        if not hasattr(g, "marathon_rdf"):
            g.marathon_rdf = {}
        return cls(g.marathon_rdf, site)

    def dataset_facts(self, dataset: Row) -> Facts:
        """Return the neighbours of a dataset: organisation, public ideas, their workshops."""
        record = Dataset.from_shown(dataset)
        ideas = self._ideas(record.idea_ids)
        workshops = self._workshops(ideas)
        facts = self._facts([record, *workshops], ideas, workshops)
        return replace(facts, site=self._keeping([dataset]))

    def idea_facts(self, idea: Row) -> Facts:
        """Return the neighbours of an idea: organisation, public workshop, public datasets."""
        record = Idea.from_shown(idea)
        workshops = self._workshops([record])
        datasets = self._linked("marathon_idea_datasets", record.id)
        return self._facts([record, *workshops], [], workshops, datasets)

    def workshop_facts(self, workshop: Row) -> Facts:
        """Return the neighbours of a workshop: organisation, public ideas, their datasets."""
        record = Workshop.from_shown(workshop)
        listed = self._linked("marathon_workshop_ideas", record.id)
        ideas = self._ideas([idea.id for idea in listed])
        datasets = [
            dataset for idea in ideas for dataset in self._linked("marathon_idea_datasets", idea.id)
        ]
        unique = list({dataset.id: dataset for dataset in datasets}.values())
        return self._facts([record], ideas, [], unique)

    def owner_facts(self, package: Row) -> Facts:
        """Return the organisation of a package, and nothing else."""
        facts = self._facts([Dataset.from_shown(package)], [], [])
        return replace(facts, site=self._keeping([package]))

    def catalogue_facts(self, dated: bool = True) -> CatalogueFacts:
        """Return what the catalogue says of itself; ``dated`` asks Solr when it changed."""
        return CatalogueFacts(
            site=self._site or site(),
            title=str(tk.config.get("ckan.site_title") or ""),
            description=str(tk.config.get("ckan.site_description") or ""),
            publisher=self._once("catalogue", "publisher", self._coordinating_body),
            languages=_languages(),
            licence=str(tk.config.get(CATALOG_LICENCE) or ""),
            issued=self._edge("issued", "metadata_created asc") if dated else "",
            modified=self._edge("modified", "metadata_modified desc") if dated else "",
        )

    def _facts(
        self,
        owned: Iterable[PackageRecord],
        ideas: list[Idea],
        workshops: list[Workshop],
        datasets: Sequence[Record] = (),
    ) -> Facts:
        owners = {package.owner_id for package in owned if package.owner_id}
        organizations = {id_: self._organization(id_) for id_ in owners}
        return Facts(
            site=self._keeping([{"id": dataset.id} for dataset in datasets]),
            organizations={key: value for key, value in organizations.items() if value},
            ideas={idea.id: idea for idea in ideas},
            workshops={workshop.id: workshop for workshop in workshops},
            datasets=datasets,
        )

    def _keeping(self, datasets: Iterable[Row]) -> Site:
        """Return where IRIs start, with those that datasets and their files came with.

        Asked of ckanext-dcat, which asks the plugins.
        """
        here, kept = site(), {}
        for dataset in datasets:
            identifier = str(dataset["id"])
            given = dataset_uri({"id": identifier})
            if given != str(here.dataset(identifier)):
                kept[identifier] = given
            for resource in map(
                str, (row.get("id") for row in list_rows(dataset.get("resources")))
            ):
                given = resource_uri({"id": resource, "package_id": identifier})
                if given != str(here.distribution(identifier, resource)):
                    kept[resource] = given
        return replace(self._site or here, kept=kept)

    def _ideas(self, identifiers: Iterable[str]) -> list[Idea]:
        return [Idea.from_shown(shown) for shown in self._packages(identifiers, "idea")]

    def _workshops(self, ideas: Iterable[Idea]) -> list[Workshop]:
        """Return the public workshops in which ideas were said."""
        found = self._packages([idea.workshop_id for idea in ideas], "workshop")
        return [Workshop.from_shown(shown) for shown in found]

    def _packages(self, identifiers: Iterable[str], package_type: str) -> list[Row]:
        found = (
            self._once("package", each, lambda each=each: _show("package_show", each))
            for each in dict.fromkeys(identifiers)
            if each
        )
        return [each for each in found if each and each.get("type") == package_type]

    def _organization(self, identifier: str) -> Organization | None:
        shown = self._once(
            "organization",
            identifier,
            lambda: _show(
                "organization_show",
                identifier,
                ignore_auth=True,
                include_dataset_count=False,
                include_users=False,
                include_groups=False,
                include_followers=False,
            ),
        )
        return Organization.from_shown(shown) if shown else None

    def _linked(self, action: str, identifier: str) -> list[Record]:
        listed = self._once(action, identifier, lambda: _show(action, identifier) or [])
        return [read_record(row) for row in listed]

    def _coordinating_body(self) -> Organization | None:
        """Return the coordinating body if there is exactly one."""
        group = cast(Any, model.Group)
        query = model.Session.query(group).filter(
            group.is_organization.is_(True),
            group.state == "active",
            group.extras["role"].astext == COORDINATING_BODY,
        )
        # What this session read of it before may have been changed by others since.
        found = query.limit(2).populate_existing().all()
        return self._organization(found[0].id) if len(found) == 1 else None

    def _edge(self, name: str, order: str) -> str:
        return self._once("catalogue", name, lambda: _edge(order))

    def _once(self, kind: str, key: str, ask: Callable[[], Any]) -> Any:
        if (kind, key) not in self._found:
            self._found[kind, key] = ask()
        return self._found[kind, key]


def _show(action: str, identifier: str, ignore_auth: bool = False, **options: Any) -> Any:
    """Return what a visitor may see of a thing, ``None`` if that is nothing."""
    context: Context = {"user": "", "auth_user_obj": None, "ignore_auth": ignore_auth}
    try:
        return tk.get_action(action)(context, {"id": identifier, **options})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return None


def _edge(order: str) -> str:
    """Return the time by which the first public dataset in an order stands there."""
    context: Context = {"user": "", "auth_user_obj": None}
    search = {"q": "*:*", "fq": "dataset_type:dataset", "sort": order, "rows": 1}
    results = tk.get_action("package_search")(context, search)["results"]
    return str(results[0][order.split()[0]]) if results else ""


def _languages() -> list[str]:
    """Return the locales of the pages, the default first."""
    default = str(tk.config.get("ckan.locale_default") or "en")
    return list(dict.fromkeys([default, *tk.aslist(tk.config.get("ckan.locales_offered"))]))


def _address(value: object) -> str:
    return str(web(value) or "").rstrip("/")
