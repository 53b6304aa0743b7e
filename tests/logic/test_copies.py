"""Extras that have a field's name, and copies of records of other catalogues."""

from __future__ import annotations

import json
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.logic.schema import default_create_package_schema
from ckan.tests import factories as core
from ckan.tests.helpers import call_action
from ckanext.dcat.converters import dcat_to_ckan

from tests.factories import MarathonDataset, NationalBody

pytestmark = pytest.mark.usefixtures("marathon_site")

ANNUAL = "http://publications.europa.eu/resource/authority/frequency/ANNUAL"
POINT = {"type": "Point", "coordinates": [-90.5, 14.6]}


def rows(**values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def extras(dataset: dict[str, Any]) -> dict[str, str]:
    return {each["key"]: each["value"] for each in dataset.get("extras", [])}


def made(**fields: Any) -> dict[str, Any]:
    return MarathonDataset(**fields)


def copied(**fields: Any) -> dict[str, Any]:
    """Save a dataset as a harvester does, and return it as it is shown."""
    context: Any = {"ignore_auth": True, "user": "", "return_id_only": True}
    sent = {"name": "copia", "title": "Copia", "owner_org": core.Organization()["id"], **fields}
    sent["extras"] = [*rows(guid="https://otro.gt/1"), *sent.get("extras", [])]
    tk.get_action("package_create")(context, sent)
    return call_action("package_show", id=sent["name"])


class TestExtrasWithTheNameOfAField:
    def test_such_extras_move_into_the_field(self) -> None:
        sent = rows(frequency="anual", language="es,en", conforms_to='["https://a.gt/n"]')
        dataset = made(extras=sent)
        assert dataset["frequency"] == ANNUAL
        assert [each.rpartition("/")[2] for each in dataset["language"]] == ["SPA", "ENG"]
        assert dataset["conforms_to"] == ["https://a.gt/n"]
        assert extras(dataset) == {}

    def test_refused_extras_are_stored_under_a_name_with_text(self) -> None:
        dataset = made(extras=rows(frequency="cada jueves", contact="Ana", state="x"))
        expected = {"frequency_text": "cada jueves", "contact_text": "Ana", "state_text": "x"}
        assert extras(dataset) == expected
        assert dataset["state"] == "active"
        assert not dataset.get("frequency")
        assert any("frequency_text" in each for each in dataset["marathon_notices"])

    def test_such_extras_do_not_replace_the_value_of_the_field(self) -> None:
        dataset = made(frequency=ANNUAL, extras=rows(frequency="mensual"))
        assert dataset["frequency"] == ANNUAL
        assert extras(dataset) == {"frequency_text": "mensual"}

    def test_json_rows_in_an_extra_move_into_the_field(self) -> None:
        contact = [{"name": "Oficina", "email": "no es correo"}]
        dataset = made(extras=rows(contact=json.dumps(contact)))
        assert dataset["contact"] == [{"name": "Oficina"}]
        assert extras(dataset) == {"contact_email_text": "no es correo"}

    def test_extras_cannot_set_reserved_fields(self) -> None:
        other = core.Organization()
        dataset = made(extras=rows(owner_org=other["id"], private="true", id="a"))
        assert dataset["owner_org"] != other["id"]
        assert dataset["private"] is False
        assert set(extras(dataset)) == {"owner_org_text", "private_text", "id_text"}

    def test_such_extras_move_on_update_too(self) -> None:
        dataset = made()
        again = call_action("package_patch", id=dataset["id"], extras=rows(frequency="anual"))
        assert again["frequency"] == ANNUAL

    def test_extras_named_after_subfields_are_stored(self) -> None:
        sent = {"contact_name": "Oficina", "publisher_email": "a@otro.gt", "dcat_issued": "2020"}
        assert extras(made(extras=rows(**sent))) == sent

    def test_the_value_of_an_extra_may_be_a_geojson_object(self) -> None:
        dataset = made(extras=rows(spatial=POINT))
        assert json.loads(extras(dataset)["spatial"]) == POINT

    def test_the_value_of_an_extra_may_be_a_list_of_objects(self) -> None:
        value = json.dumps([{"role": "a", "relation": "https://a.gt"}])
        assert extras(made(extras=rows(otra=value))) == {"otra": value}


class TestGeometry:
    @pytest.mark.parametrize("part", ["geom", "bbox", "centroid"])
    def test_a_geometry_may_be_an_object(self, part: str) -> None:
        (place,) = made(spatial_coverage=[{part: POINT}])["spatial_coverage"]
        assert json.loads(place[part]) == POINT


class TestHarvestedCopy:
    def test_a_copy_needs_no_idea_or_problem(self) -> None:
        assert copied()["title"] == "Copia"

    def test_a_copy_keeps_valid_values_and_the_others_as_text(self) -> None:
        shown = copied(
            title="A" * 600,
            notes="lluvia\u202e mm",
            url="en la oficina",
            version="1" * 300,
            maintainer_email="no es correo",
            license_id="una-nuestra",
            issued="30 de febrero",
            tags=[{"name": "I+D"}, {"name": "agua, pozos"}, {"name": "agua"}],
            contact=[{"name": "Oficina", "email": "x"}],
            temporal_coverage=[{"start": "2021-01-02", "end": "2021-01-01"}],
            resources=[{"url": "https://otro.gt/1.csv", "license": "libre", "size": 5}],
        )
        kept = extras(shown)
        assert len(shown["title"]) == 500
        assert len(kept["title_text"]) == 600
        assert shown["notes"] == "lluvia mm"
        assert kept["url_text"] == "en la oficina"
        assert kept["version_text"] == "1" * 300
        assert kept["maintainer_email_text"] == "no es correo"
        assert shown["license_id"] == "una-nuestra"
        assert kept["issued_text"] == "30 de febrero"
        assert {each["name"] for each in shown["tags"]} == {"I D", "agua", "pozos"}
        assert shown["contact"] == [{"name": "Oficina"}]
        assert kept["temporal_coverage_text"] == "2021-01-02 – 2021-01-01"
        (resource,) = shown["resources"]
        assert (resource["url"], resource["license_text"]) == ("https://otro.gt/1.csv", "libre")

    def test_a_copy_keeps_references_unknown_here_as_text(self) -> None:
        need = "44444444-4444-4444-8444-444444444444"
        kept = extras(copied(idea=["otra-idea"], data_need=[need], service_problem=["XYZ-99"]))
        assert kept["idea_text"] == "otra-idea"
        assert kept["data_need_text"] == need
        assert kept["service_problem_text"] == "XYZ-99"

    def test_a_copy_is_updated_by_the_next_harvest(self) -> None:
        shown = copied(frequency="anual")
        context: Any = {"ignore_auth": True, "user": ""}
        sent = {
            "id": shown["id"],
            "name": "copia",
            "title": "Otra",
            "owner_org": shown["owner_org"],
        }
        sent |= {"frequency": "a veces", "extras": rows(guid="https://otro.gt/1")}
        tk.get_action("package_update")(context, sent)
        again = call_action("package_show", id=shown["id"])
        assert (again["title"], extras(again)["frequency_text"]) == ("Otra", "a veces")
        assert not again.get("frequency")

    def test_a_copy_of_the_dcat_json_harvester_keeps_refused_values_as_text(self) -> None:
        document = {
            "title": "Lluvia",
            "description": "mm",
            "identifier": "https://otro.gt/d/1",
            "landingPage": "lluvia",
            "keyword": ["I+D", "clima"],
            "issued": "2020-05-01",
            "language": ["es", "xx"],
            "publisher": {"name": "INSIVUMEH", "email": "x@otro.gt"},
            "distribution": [
                {"title": "T", "downloadURL": "https://otro.gt/1.csv", "format": "CSV"}
            ],
        }
        sent = {**dcat_to_ckan(document), "name": "lluvia", "owner_org": NationalBody()["id"]}
        context: Any = {"ignore_auth": True, "user": "", "return_id_only": True}
        context["schema"] = default_create_package_schema()
        tk.get_action("package_create")(context, sent)
        shown = call_action("package_show", id="lluvia")
        assert [each.rpartition("/")[2] for each in shown["language"]] == ["SPA"]
        kept = extras(shown)
        assert kept["language_text"] == "xx"
        assert kept["dcat_publisher_name"] == "INSIVUMEH"
        assert kept["url_text"] == "lluvia"

    def test_a_copy_of_the_ckan_harvester_keeps_refused_values_as_text(self) -> None:
        context: Any = {"ignore_auth": True, "user": "", "schema": default_create_package_schema()}
        sent = {"name": "lluvia", "title": "Lluvia", "url": "en la oficina", "groups": []}
        sent |= {"owner_org": core.Organization()["id"], "tags": [{"name": "I+D"}]}
        tk.get_action("package_create")(context, sent)
        shown = call_action("package_show", id="lluvia")
        assert extras(shown) == {"url_text": "en la oficina", "tags_text": "I+D"}

    @pytest.mark.parametrize("is_sysadmin", [True, False])
    def test_a_person_cannot_send_a_copy(self, is_sysadmin: bool) -> None:
        organization = core.Organization()
        user = core.User(sysadmin=is_sysadmin)
        call_action(
            "member_create",
            id=organization["id"],
            object=user["id"],
            object_type="user",
            capacity="editor",
        )
        context: Any = {"user": user["name"], "ignore_auth": False}
        with pytest.raises(tk.ValidationError) as error:
            call_action(
                "package_create",
                context,
                name="a",
                title="A",
                notes="x",
                frequency="a veces",
                owner_org=organization["id"],
                extras=rows(guid="https://otro.gt/1"),
            )
        assert "frequency" in error.value.error_dict
