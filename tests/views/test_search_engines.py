"""What dataset pages tell search engines, and the other profiles of ckanext-dcat."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
import rdflib
from bs4 import BeautifulSoup
from ckan.tests.helpers import call_action

from tests import factories
from tests.remembered import remembered

HOSTILE = "</script><script>alert(1)</script> & \"x\" 'y' \\ ñ"

PLUGINS = "marathon scheming_datasets scheming_organizations dcat structured_data croissant"


@pytest.fixture
@remembered
def dataset(marathon_site: None) -> dict[str, Any]:
    owner = factories.Municipality(municipality_code="0501")
    return factories.MarathonDataset(
        owner_org=owner["id"],
        municipality=["0501"],
        title=f"Pozos {HOSTILE}",
        notes="Pozos",
        license_id="cc-by",
        temporal_coverage=[{"start": "2016-01-01", "end": "2016-12-31"}],
        resources=[{"name": "Tabla", "url": "https://example.gt/1.csv", "format": "CSV"}],
    )


def structured(app: Any, dataset: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    page = BeautifulSoup(
        app.get(f"/dataset/{dataset['name']}", headers=headers).data, "html.parser"
    )
    scripts = [each.text for each in page.select('script[type="application/ld+json"]')]
    # What a browser could take for the end of the script is escaped, also where a parser does not.
    assert not [each for each in scripts if set("<>&") & set(each)]
    return [json.loads(each) for each in scripts]


def bare(value: Any) -> str:
    """Return a literal of JSON-LD without its type."""
    return value["@value"] if isinstance(value, dict) else value


class TestSchemaOrg:
    def test_it_is_what_google_asks_for(self, dataset: dict[str, Any], app: Any) -> None:
        (found,) = structured(app, dataset)
        assert found["@type"] == "Dataset"
        assert found["name"] == dataset["title"]
        assert 50 <= len(found["description"]) <= 5_000
        assert found["license"].startswith("http")
        assert found["temporalCoverage"] == "2016-01-01/2016-12-31"
        (place,) = found["spatialCoverage"]
        assert place["name"] == "Escuintla"
        assert len(place["geo"]["box"].split()) == 4
        (file,) = found["distribution"]
        assert file["contentUrl"] == "https://example.gt/1.csv"
        assert file["encodingFormat"] == "text/csv"
        assert found["publisher"]["name"]

    def test_a_long_description_is_cut(self, app: Any, marathon_site: None) -> None:
        (found,) = structured(app, factories.MarathonDataset(notes="agua " * 4_000))
        assert len(found["description"]) == 5_000

    def test_what_is_not_public_is_not_told(self, app: Any, marathon_site: None) -> None:
        from ckan.tests.factories import SysadminWithToken

        hidden = factories.MarathonDataset(private=True)
        token = SysadminWithToken()["token"]
        assert structured(app, hidden, Authorization=token) == []


@pytest.mark.ckan_config("ckan.plugins", PLUGINS)
@pytest.mark.usefixtures("with_plugins")
class TestOtherProfiles:
    def test_one_description_for_search_engines_beside_croissants(
        self, dataset: dict[str, Any], app: Any
    ) -> None:
        kinds = [each.get("conformsTo") for each in structured(app, dataset)]
        assert len(kinds) == 2
        assert kinds.count(None) == 1

    def test_both_tell_the_same_dates(self, dataset: dict[str, Any], app: Any) -> None:
        for issued in ("", "03/06/2017", "2017-05", "2017-06-03T20:30:00"):
            call_action("package_patch", id=dataset["id"], issued=issued)
            dates = [
                (bare(found["datePublished"]), datetime.fromisoformat(bare(found["dateModified"])))
                for found in structured(app, dataset)
            ]
            assert len(dates) == 2
            assert dates[0] == dates[1], issued
            assert dates[0][1].tzinfo

    @pytest.mark.parametrize("profile", ["schemaorg", "dcat_us_3", "croissant", "euro_dcat_ap_3"])
    def test_each_is_reachable_and_read(
        self, dataset: dict[str, Any], app: Any, profile: str
    ) -> None:
        for address in (f"/dataset/{dataset['id']}", "/catalog"):
            answer = app.get(f"{address}.ttl?profiles={profile}")
            assert answer.status_code == 200
            assert len(rdflib.Graph().parse(data=answer.data, format="turtle")) > 5

    def test_croissant(self, dataset: dict[str, Any], app: Any) -> None:
        answer = app.get(f"/dataset/{dataset['id']}/croissant.jsonld")
        assert answer.status_code == 200
        assert json.loads(answer.data)["conformsTo"]
