"""Structured data of dataset pages, and other profiles of ckanext-dcat."""

from __future__ import annotations

import io
import json
import re
from datetime import datetime
from typing import Any

import pytest
import rdflib
from bs4 import BeautifulSoup
from ckan.tests.factories import SysadminWithToken
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage

from ckanext.marathon.helpers import collect_helpers
from tests import factories
from tests.feeds.agreement import bare, disagreements
from tests.rdf.samples import AUTHORITY
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
    page = BeautifulSoup(app.get(f"/dataset/{dataset['name']}", headers=headers).data, "lxml")
    scripts = [each.text for each in page.select('script[type="application/ld+json"]')]
    # A text that a browser could take for the end of the script is escaped.
    assert not [each for each in scripts if set("<>&") & set(each)]
    return [json.loads(each) for each in scripts]


POINT = json.dumps({"type": "Point", "coordinates": [-90.59, 14.51]})
SQUARE = json.dumps(
    {
        "type": "Polygon",
        "coordinates": [[[-90.7, 14.4], [-90.5, 14.4], [-90.5, 14.6], [-90.7, 14.4]]],
    }
)
ODD = [
    {"license_id": "other-open", "rights_note": "Se _presume_; no está escrita."},
    {"license_id": "notspecified", "rights_note": "x" * 300},
    {"temporal_coverage": [{"start": "2016"}, {"start": "2018-05", "end": "2018-06"}]},
    {"temporal_coverage": [{"end": "2016"}]},
    {"municipality": [], "spatial_coverage": [{"bbox": SQUARE}, {"centroid": POINT}]},
    {
        "spatial_coverage": [
            {"text": "Cuenca"},
            {"geom": SQUARE},
            {"uri": "https://a.gt/d/1"},
        ]
    },
    {"notes": "# Pozos\n\n* uno\n* dos <b>y</b> [más](https://example.gt)"},
    {"language": [f"{AUTHORITY}/language/{code}" for code in ("SPA", "ENG")], "version": "1.2"},
    {"tag_string": "", "tags": [], "documentation": ["https://example.gt/ñ"]},
    {"issued": "2017-05", "modified": "2018", "access_rights": f"{AUTHORITY}/access-right/PUBLIC"},
    {"creator": [{"name": "Ana"}], "publisher": [{"name": "INE", "uri": "https://ine.example.gt"}]},
]


class TestSchemaOrg:
    def test_a_dataset_has_the_properties_required_by_google(
        self, dataset: dict[str, Any], app: Any
    ) -> None:
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

    def test_a_short_description_is_completed_with_other_facts(
        self, app: Any, marathon_site: None
    ) -> None:
        (found,) = structured(app, factories.MarathonDataset(title="Pozos", notes="Son 14."))
        assert found["description"].startswith("Son 14. Pozos. ")
        assert ".." not in found["description"]

    def test_a_private_dataset_has_no_schema_org(self, app: Any, marathon_site: None) -> None:
        hidden = factories.MarathonDataset(private=True)
        token = SysadminWithToken()["token"]
        assert structured(app, hidden, Authorization=token) == []


@pytest.mark.ckan_config("ckan.plugins", PLUGINS)
@pytest.mark.usefixtures("with_plugins")
class TestOtherProfiles:
    def test_a_page_has_one_schema_org_description_beside_croissant(
        self, dataset: dict[str, Any], app: Any
    ) -> None:
        kinds = [each.get("conformsTo") for each in structured(app, dataset)]
        assert len(kinds) == 2
        assert kinds.count(None) == 1

    def test_helpers_collected_twice_are_the_same(self, app: Any) -> None:
        first = collect_helpers()
        assert first["croissant"] is collect_helpers()["croissant"]
        assert first.keys() == collect_helpers().keys()
        assert "chain_croissant" not in first

    def test_croissant_has_the_description_without_additions(
        self, dataset: dict[str, Any], app: Any
    ) -> None:
        call_action("package_patch", id=dataset["id"], notes="Son **14**.")
        page, croissant = sorted(structured(app, dataset), key=lambda each: "conformsTo" in each)
        assert page["description"].startswith("Son 14. ")
        assert len(page["description"]) >= 50
        assert bare(croissant)["description"] == "Son 14."

    @pytest.mark.parametrize("fields", ODD)
    def test_schema_org_and_croissant_agree_on_odd_datasets(
        self, fields: dict[str, Any], app: Any, dataset: dict[str, Any], storage: Any
    ) -> None:
        call_action("package_patch", id=dataset["id"], **fields)
        for number, licence in enumerate(("", f"{AUTHORITY}/licence/CC0", "https://example.gt/l")):
            upload = FileStorage(io.BytesIO(b"a,b\n1,2\n"), f"{number}.csv")
            call_action(
                "resource_create",
                package_id=dataset["id"],
                upload=upload,
                name=f"Tabla {number}",
                description="**Una** [tabla](https://example.gt)",
                license=licence,
                rights="*Nadie* lo dijo",
            )
        (row,) = json.loads(app.get("/data.json").data)["dataset"]
        page, croissant = sorted(structured(app, dataset), key=lambda each: "conformsTo" in each)
        assert disagreements(row, page, croissant) == []
        served = json.loads(app.get(f"/dataset/{dataset['id']}/croissant.jsonld").data)
        assert disagreements(row, page, served) == []
        # Nor does any of them show the name of a part to a reader.
        texts = json.dumps([row, page, bare(croissant)])
        assert not re.findall('"(?:name|title|license|rights|spatial|url)": "[^"]*#[^"]*"', texts)

    def test_croissant_of_a_private_dataset_is_the_same_for_its_officers(
        self, dataset: dict[str, Any], app: Any
    ) -> None:
        token = SysadminWithToken()["token"]
        address = f"/dataset/{dataset['id']}/croissant.jsonld"
        fields = {"notes": "**Agua** _de_ pozos", "rights_note": "Se presume"}
        found = []
        for private in (False, True):
            call_action("package_patch", id=dataset["id"], private=private, **fields)
            found.append(json.loads(app.get(address, headers={"Authorization": token}).data))
            for changing in ("dateModified", "datePublished"):
                del found[-1][changing]
        assert found[0] == found[1]
        assert bare(found[1]["usageInfo"]) == [{"@type": "CreativeWork", "text": "Se presume"}]

    def test_schema_org_and_croissant_have_the_same_dates(
        self, dataset: dict[str, Any], app: Any
    ) -> None:
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
    def test_each_profile_gives_valid_turtle(
        self, dataset: dict[str, Any], app: Any, profile: str
    ) -> None:
        for address in (f"/dataset/{dataset['id']}", "/catalog"):
            answer = app.get(f"{address}.ttl?profiles={profile}")
            assert answer.status_code == 200
            assert len(rdflib.Graph().parse(data=answer.data, format="turtle")) > 5

    def test_the_croissant_file_states_its_specification(
        self, dataset: dict[str, Any], app: Any
    ) -> None:
        answer = app.get(f"/dataset/{dataset['id']}/croissant.jsonld")
        assert answer.status_code == 200
        assert json.loads(answer.data)["conformsTo"]
