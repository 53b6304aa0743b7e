"""On a site with its own dataset schema, that schema's validators decide about its fields."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.plugins import toolkit as tk
from ckan.tests import factories as ckan_factories
from ckan.tests.helpers import call_action
from ckanext.dcat.plugins import DCATPlugin

from ckanext.marathon.plugin import INDISPENSABLE

POINT = {"type": "Point", "coordinates": [-90.5, 14.6]}
SCHEMA, PRESETS = "scheming.dataset_schemas", "scheming.presets"
DCAT = "ckanext.dcat.schemas"
DCAT_PRESETS = f"ckanext.scheming:presets.json {DCAT}:presets.yaml"

SETTINGS = {
    SCHEMA: " ".join([f"{DCAT}:dcat_ap_full.yaml", *INDISPENSABLE[SCHEMA]]),
    PRESETS: " ".join([DCAT_PRESETS, *INDISPENSABLE[PRESETS]]),
}
pytestmark = [
    *(pytest.mark.ckan_config(name, value) for name, value in SETTINGS.items()),
    pytest.mark.usefixtures("marathon_site"),
]


def create(**fields: Any) -> dict[str, Any]:
    return ckan_factories.Dataset(owner_org=ckan_factories.Organization()["id"], **fields)


def test_values_valid_in_the_sites_schema_are_stored_unchanged() -> None:
    given: dict[str, Any] = {
        "spatial_coverage": [{"text": "Centro", "geom": POINT, "bbox": POINT, "centroid": POINT}],
    }
    file = {"url": "https://example.gt/a.csv", "spatial_resolution_in_meters": 1.5}
    dataset = create(**given, resources=[file])
    shown = call_action("package_show", id=dataset["id"])
    assert {name: shown[name] for name in given} == given
    assert file.items() <= shown["resources"][0].items()


def test_fields_of_ckan_still_accept_only_text() -> None:
    with pytest.raises(tk.ValidationError, match="notes"):
        create(notes={"es": "Pozos"})


@pytest.mark.parametrize("extra", ["in_series", "spatial"])
def test_later_plugins_get_the_json_of_other_fields_unchanged(
    monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    seen: list[dict[str, Any]] = []
    before = DCATPlugin.before_dataset_index

    def watch(self: DCATPlugin, dataset: dict[str, Any]) -> dict[str, Any]:
        seen.append(dict(dataset))
        return before(self, dataset)

    monkeypatch.setattr(DCATPlugin, "before_dataset_index", watch)
    text = '["4f2c"]'
    create(extras=[{"key": extra, "value": text}])
    assert [(each[extra], each[f"extras_{extra}"]) for each in seen] == [(text, text)]
