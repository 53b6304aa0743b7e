"""Each value of ``ckanext.marathon.idea_required``, and the plugins of ``make run``."""

from __future__ import annotations

import pytest

from tests.programs import CommandFailed
from tests.site import existing
from tests.site.conftest import Chain, Upgraded
from tests.sites import ActionFailed
from tests.visitors import Visitor, body, crawl

DCAT_SCHEMA = "ckanext.dcat.schemas:dcat_ap_full.yaml"
DCAT_PRESETS = "ckanext.scheming:presets.json ckanext.dcat.schemas:presets.yaml"
OURS = "ckanext.marathon.schemas"
OPTION = "ckanext.marathon.idea_required"
OF_MAKE_RUN = (
    "marathon_site marathon activity scheming_datasets scheming_organizations dcat "
    "structured_data croissant"
)


def test_with_always_older_datasets_need_an_idea_too(upgraded: Upgraded, chain: Chain) -> None:
    with upgraded.site.variant("always", {OPTION: "always"}) as site:
        site.start()
        with pytest.raises(ActionFailed) as refused:
            site.action("package_patch", id=existing.PLAIN, version="3")
        assert "idea" in refused.value.error
        assert site.get(f"/dataset/{existing.PLAIN}").status_code == 200
        site.action("package_patch", id=existing.PLAIN, idea=[chain.idea])
        site.action("package_patch", id=existing.PLAIN, version="2")
    upgraded.site.action("package_patch", id=existing.PLAIN, idea=[])


def test_with_never_a_dataset_needs_no_idea(upgraded: Upgraded, chain: Chain) -> None:
    del chain
    with upgraded.site.variant("never", {OPTION: "never"}) as site:
        site.start()
        existing.publish_without_idea(site, "sin-idea")
        assert site.get("/dataset/sin-idea").status_code == 200
        site.action("dataset_purge", id="sin-idea")


def test_an_unknown_value_stops_the_start_and_names_the_option(upgraded: Upgraded) -> None:
    with (
        upgraded.site.variant("wrong", {OPTION: "sometimes"}) as site,
        pytest.raises(CommandFailed, match=OPTION),
    ):
        site.run("db", "version")


@pytest.mark.parametrize(
    ("option", "value", "missing"),
    [
        ("scheming.presets", DCAT_PRESETS, f"{OURS}:presets.yaml"),
        ("scheming.dataset_schemas", DCAT_SCHEMA, f"{OURS}:idea.yaml"),
    ],
)
def test_missing_schemas_stop_the_start_with_one_line(
    upgraded: Upgraded, option: str, value: str, missing: str
) -> None:
    with (
        upgraded.site.variant("alone", {option: value}) as site,
        pytest.raises(CommandFailed, match=f"{option}.*{missing}") as stopped,
    ):
        site.run("db", "version")
    assert "Traceback" not in str(stopped.value)


def test_dcat_before_marathon_stops_the_start_with_one_line(upgraded: Upgraded) -> None:
    plugins = "scheming_datasets scheming_organizations dcat marathon"
    with (
        upgraded.site.variant("after", {"ckan.plugins": plugins}) as site,
        pytest.raises(CommandFailed, match="put marathon before dcat") as stopped,
    ):
        site.run("db", "version")
    assert "Traceback" not in str(stopped.value)


def test_a_site_may_keep_its_own_schema_for_datasets(upgraded: Upgraded) -> None:
    types = " ".join(f"{OURS}:{name}.yaml" for name in ("workshop", "idea", "commitment"))
    settings = {
        "scheming.presets": f"{DCAT_PRESETS} {OURS}:presets.yaml",
        "scheming.dataset_schemas": f"{DCAT_SCHEMA} {types}",
    }
    with upgraded.site.variant("own", settings) as site:
        site.start()
        visitor = Visitor(site)
        visitor.log_in()
        paths = ["/", "/dataset/new", "/workshop/new", "/idea/new", "/catalog.ttl"]
        paths += [f"/dataset/{existing.DCAT}{suffix}" for suffix in ("", ".ttl")]
        paths += [f"/dataset/edit/{existing.DCAT}"]
        assert {path: visitor.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
        site.action("package_patch", id=existing.UPLOADED, notes="Cargado")
        assert "Traceback" not in site.log_text()


def test_the_plugins_of_make_run_start_on_the_same_data(upgraded: Upgraded) -> None:
    with upgraded.site.variant("whole", {"ckan.plugins": OF_MAKE_RUN}) as site:
        site.upgrade()
        site.start()
        assert site.action("status_show")["extensions"] == OF_MAKE_RUN.split()
        assert body(site.get("/")) != body(upgraded.pages["/"])
        seen = crawl(Visitor(site), "/", f"/dataset/{existing.DCAT}", most=40)
        assert {path: status for path, status in seen.items() if status != 200} == {}
        assert "Traceback" not in site.log_text()
